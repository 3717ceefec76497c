"""Upheld cases: which cases were found for the buyer, so that a cause that comes back is seen.

Queries: `upheld`.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import scalar_row

from domain.events import (
    CaseClassified,
    CaseFiled,
    CaseMerged,
    CaseVerified,
    DecisionIssued,
    DecisionOverturned,
)
from domain.values import Finding, Stage
from projections.read_model import CaseRow, ReadModel, Rows, changed, put

FOR_THE_BUYER = frozenset({Finding.UPHELD, Finding.PARTLY_UPHELD})


class Outcome(CaseRow, frozen=True, kw_only=True):
    """A case and whether it was found for the buyer; `found_in` is the last round that has a finding."""

    merchant_id: str
    reason: str
    filed_at: datetime
    found_in: int = 0
    upheld: bool = False


UPHELD_CASES = ReadModel(
    name="upheld_cases",
    version=1,
    row=Outcome,
    columns="""
        case_id uuid PRIMARY KEY,
        merchant_id text NOT NULL,
        reason text NOT NULL,
        filed_at timestamptz NOT NULL,
        found_in integer NOT NULL,
        upheld boolean NOT NULL
    """,
    indexes=("(merchant_id, reason, filed_at) WHERE upheld",),
    ignored="""
        clocks ending evidence follow_up goods lease money negotiation notes penalty privacy promise
        rectification suspension AppealFiled AppealWithdrawn CaseDeclined CaseLinked CaseWithdrawn
        DecisionApproved DecisionProposed DecisionUpheld DecisionVaried ProposalVoided
    """,
)


@UPHELD_CASES.folds(CaseFiled)
def _filed(rows: Rows[Outcome], fact: CaseFiled) -> Rows[Outcome]:
    row = Outcome(
        case_id=fact.originator_id,
        merchant_id=fact.merchant_id,
        reason=fact.reason,
        filed_at=fact.timestamp,
    )
    return put(rows, row)


@UPHELD_CASES.folds(CaseClassified)
def _classified(rows: Rows[Outcome], fact: CaseClassified) -> Rows[Outcome]:
    return changed(rows, fact.originator_id, reason=fact.reason)


@UPHELD_CASES.folds(CaseVerified)
def _verified(rows: Rows[Outcome], fact: CaseVerified) -> Rows[Outcome]:
    return changed(rows, fact.originator_id, found_in=fact.round, upheld=fact.finding in FOR_THE_BUYER)


@UPHELD_CASES.folds(DecisionIssued)
def _decided(rows: Rows[Outcome], fact: DecisionIssued) -> Rows[Outcome]:
    """A decision without a finding follows the merchant's silence: what it grants says for whom it is."""
    if rows[fact.originator_id].found_in == fact.round:
        return rows
    return changed(rows, fact.originator_id, upheld=bool(fact.remedies))


@UPHELD_CASES.folds(DecisionOverturned)
def _overturned(rows: Rows[Outcome], fact: DecisionOverturned) -> Rows[Outcome]:
    """Nothing is found until it is found anew; a penalty or a recovery that falls leaves the finding."""
    return changed(rows, fact.originator_id, upheld=False) if fact.resumes is Stage.IN_REVIEW else rows


@UPHELD_CASES.folds(CaseMerged)
def _merged(rows: Rows[Outcome], fact: CaseMerged) -> Rows[Outcome]:
    """It goes on in the other case, which alone is counted."""
    return changed(rows, fact.originator_id, upheld=False)


def upheld(
    connection: Connection[Any], merchant_id: str, reason: str, since: datetime, until: datetime
) -> tuple[UUID, ...]:
    """The cases found for the buyer that were filed from one instant until before another, in their order."""
    with connection.cursor(row_factory=scalar_row, binary=True) as rows:
        rows.execute(
            _UPHELD.encode(),
            {"merchant_id": merchant_id, "reason": reason, "since": since, "until": until},
        )
        return tuple(rows.fetchone() or ())


_UPHELD = f"""
    SELECT array_agg(case_id ORDER BY filed_at, case_id) FROM {UPHELD_CASES.table}
    WHERE upheld AND merchant_id = %(merchant_id)s AND reason = %(reason)s
      AND filed_at >= %(since)s AND filed_at < %(until)s
"""  # noqa: S608  # the table's name is a constant
