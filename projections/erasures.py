"""Erasures: whose personal data in which case were asked to be erased, and how far that came.

Queries: `page`.
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
from psycopg import Connection

from domain.events import (
    ClockMissed,
    ErasureProposed,
    ErasureRejected,
    Fact,
    PersonalDataErased,
    ProcessingRestricted,
)
from domain.values import ClockKind, ErasureState, Side
from projections.pages import DEFAULT_LIMIT, Listing
from projections.pages import page as page_of
from projections.read_model import CaseRow, ReadModel, Rows, put


class ErasureRow(CaseRow, frozen=True, kw_only=True):
    """One side's personal data in one case. `until`: when the records no longer need be kept."""

    KEY = "request_id"

    request_id: UUID
    party: Side
    state: ErasureState
    moved_at: datetime
    until: datetime | None = None
    restriction_id: UUID | None = None
    proposal_id: UUID | None = None
    proposed_by: str | None = None


ERASURES = ReadModel(
    name="erasures",
    version=1,
    row=ErasureRow,
    columns="""
        request_id uuid PRIMARY KEY,
        case_id uuid NOT NULL,
        party text NOT NULL,
        state text NOT NULL,
        moved_at timestamptz NOT NULL,
        until timestamptz,
        restriction_id uuid,
        proposal_id uuid,
        proposed_by text
    """,
    indexes=("(moved_at, request_id)", "(state, moved_at, request_id)"),
    ignored="""
        appeal decision ending evidence filing follow_up goods lease money negotiation notes penalty promise
        rectification relation suspension ClockCancelled ClockPaused ClockResumed ClockSatisfied ClockStarted
        LegalHoldPlaced LegalHoldReleased
    """,
)


@ERASURES.folds(ProcessingRestricted)
def _restricted(rows: Rows[ErasureRow], fact: ProcessingRestricted) -> Rows[ErasureRow]:
    row = _row(rows, fact, fact.party, ErasureState.RESTRICTED)
    return put(
        rows,
        msgspec.structs.replace(
            row, until=fact.until, restriction_id=fact.restriction_id, proposal_id=None, proposed_by=None
        ),
    )


@ERASURES.folds(ClockMissed)
def _term_over(rows: Rows[ErasureRow], fact: ClockMissed) -> Rows[ErasureRow]:
    if fact.kind is not ClockKind.RETENTION:
        return rows
    row = next((one for one in rows.values() if one.restriction_id == fact.subject), None)
    return put(rows, _row(rows, fact, row.party, ErasureState.ERASABLE)) if row else rows


@ERASURES.folds(ErasureProposed)
def _proposed(rows: Rows[ErasureRow], fact: ErasureProposed) -> Rows[ErasureRow]:
    row = _row(rows, fact, fact.party, ErasureState.PROPOSED)
    return put(rows, msgspec.structs.replace(row, proposal_id=fact.proposal_id, proposed_by=fact.by))


@ERASURES.folds(ErasureRejected)
def _rejected(rows: Rows[ErasureRow], fact: ErasureRejected) -> Rows[ErasureRow]:
    row = next((one for one in rows.values() if one.proposal_id == fact.proposal_id), None)
    return put(rows, _row(rows, fact, row.party, ErasureState.REJECTED)) if row else rows


@ERASURES.folds(PersonalDataErased)
def _erased(rows: Rows[ErasureRow], fact: PersonalDataErased) -> Rows[ErasureRow]:
    return put(rows, _row(rows, fact, fact.party, ErasureState.ERASED))


def _row(rows: Rows[ErasureRow], fact: Fact, party: Side, state: ErasureState) -> ErasureRow:
    key = uuid5(fact.originator_id, f"erasure/{party}")
    known = rows.get(key)
    if known is None:
        return ErasureRow(
            case_id=fact.originator_id, request_id=key, party=party, state=state, moved_at=fact.timestamp
        )
    return msgspec.structs.replace(known, state=state, moved_at=fact.timestamp)


LISTING = Listing(
    table=ERASURES.table,
    item={
        "case_id": "case_id",
        "party": "party",
        "state": "state",
        "until": "rfc3339(until)",
        "proposal_id": "proposal_id",
        "proposed_by": "proposed_by",
        "moved_at": "rfc3339(moved_at)",
    },
    time="moved_at",
    id="request_id",
)


def page(
    connection: Connection[Any],
    *,
    state: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> bytes:
    """One page, those first that have waited longest, as JSON text of the API's shape.

    Raises BadCursor and BadLimit.
    """
    return page_of(connection, LISTING, equal={"state": state}, limit=limit, cursor=cursor)
