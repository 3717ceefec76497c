"""Compensations: what was granted in money, line by line, what became of each, and what waits for somebody.

Beside its lines each case has a card, which carries what a line is filtered by and is never shown.

Queries: `page`.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain.events import (
    CaseCompensated,
    CaseFiled,
    CompensationFailed,
    CompensationInstructed,
    CompensationReversed,
    DecisionIssued,
    DecisionVaried,
    GoodwillGranted,
    OfferAccepted,
)
from domain.values import MONEY_KINDS, CompensationState, Money, Payer, Remedy, RemedyKind
from projections.pages import DEFAULT_LIMIT, Listing
from projections.pages import page as page_of
from projections.read_model import CaseRow, ReadModel, Rows, changed, put


class Line(CaseRow, frozen=True, kw_only=True):
    """One line; a case's card has the case's own id and no state. `since` is when its state last changed."""

    KEY = "compensation_id"

    compensation_id: UUID
    merchant_id: str
    filed_by: str
    kind: RemedyKind | None = None
    amount_minor: int | None = None
    currency: str | None = None
    points: int | None = None
    payer: Payer | None = None
    state: CompensationState | None = None
    attempts: int = 0
    since: datetime | None = None


COMPENSATIONS = ReadModel(
    name="compensations",
    version=1,
    row=Line,
    columns="""
        compensation_id uuid PRIMARY KEY,
        case_id uuid NOT NULL,
        merchant_id text NOT NULL,
        filed_by text NOT NULL,
        kind text,
        amount_minor bigint,
        currency text,
        points integer,
        payer text,
        state text,
        attempts integer NOT NULL,
        since timestamptz
    """,
    indexes=(
        "(since, compensation_id) WHERE state IS NOT NULL",
        "(state, since, compensation_id) WHERE state IS NOT NULL",
        "(merchant_id, since, compensation_id) WHERE state IS NOT NULL",
    ),
    ignored="""
        clocks ending evidence follow_up goods lease notes penalty privacy promise rectification relation
        suspension AppealFiled AppealWithdrawn CaseClassified CaseDeclined CaseEscalated CaseVerified
        CaseWithdrawn CompensationOverpaid CompensationRecalled DecisionApproved DecisionOverturned
        DecisionProposed DecisionUpheld HumanReviewDemanded MerchantAnswered MerchantDefaulted
        NoticeDelivered OfferDeclined OfferLapsed OfferMade PlatformSteppedIn ProposalVoided RecoveryOpened
        RecoveryRecorded RecoveryReduced RecoveryWrittenOff
    """,
)


@COMPENSATIONS.folds(CaseFiled)
def _filed(rows: Rows[Line], fact: CaseFiled) -> Rows[Line]:
    card = Line(
        case_id=fact.originator_id,
        compensation_id=fact.originator_id,
        merchant_id=fact.merchant_id,
        filed_by=fact.filed_by,
    )
    return put(rows, card)


@COMPENSATIONS.folds(DecisionIssued, DecisionVaried, OfferAccepted)
def _granted(rows: Rows[Line], fact: DecisionIssued | DecisionVaried | OfferAccepted) -> Rows[Line]:
    card = rows[fact.originator_id]
    for remedy in fact.added if isinstance(fact, DecisionVaried) else fact.remedies:
        if remedy.kind in MONEY_KINDS:
            rows = put(rows, _line(card, remedy, fact.timestamp))
    return rows


@COMPENSATIONS.folds(GoodwillGranted)
def _given(rows: Rows[Line], fact: GoodwillGranted) -> Rows[Line]:
    gift = Remedy(fact.compensation_id, fact.kind, fact.amount, fact.points, Payer.PLATFORM)
    return put(rows, _line(rows[fact.originator_id], gift, fact.timestamp))


def _line(card: Line, remedy: Remedy, at: datetime) -> Line:
    return Line(
        case_id=card.case_id,
        compensation_id=remedy.remedy_id,
        merchant_id=card.merchant_id,
        filed_by=card.filed_by,
        kind=remedy.kind,
        points=remedy.points,
        payer=remedy.payer or Payer.MERCHANT,
        state=CompensationState.AUTHORISED,
        since=at,
        **_amount(remedy.amount),
    )


def _amount(amount: Money | None) -> dict[str, Any]:
    return {"amount_minor": amount.amount_minor, "currency": amount.currency} if amount else {}


@COMPENSATIONS.folds(CompensationInstructed)
def _instructed(rows: Rows[Line], fact: CompensationInstructed) -> Rows[Line]:
    state = CompensationState.INSTRUCTED
    line = {"payer": fact.payer, "attempts": fact.attempt, "state": state, "since": fact.timestamp}
    return changed(rows, fact.compensation_id, **line)


@COMPENSATIONS.folds(CaseCompensated)
def _paid(rows: Rows[Line], fact: CaseCompensated) -> Rows[Line]:
    return changed(rows, fact.compensation_id, state=CompensationState.PAID, since=fact.timestamp)


@COMPENSATIONS.folds(CompensationFailed)
def _failed(rows: Rows[Line], fact: CompensationFailed) -> Rows[Line]:
    return changed(rows, fact.compensation_id, state=CompensationState.FAILED, since=fact.timestamp)


@COMPENSATIONS.folds(CompensationReversed)
def _reversed(rows: Rows[Line], fact: CompensationReversed) -> Rows[Line]:
    """A part that falls makes the line smaller; the whole of it stays to be seen, as reversed."""
    if fact.stands:
        return changed(rows, fact.compensation_id, **_amount(fact.stands))
    return changed(rows, fact.compensation_id, state=CompensationState.REVERSED, since=fact.timestamp)


LISTING = Listing(
    table=COMPENSATIONS.table,
    item={
        "compensation_id": "compensation_id",
        "case_id": "case_id",
        "merchant_id": "merchant_id",
        "kind": "kind",
        "amount": "CASE WHEN amount_minor IS NOT NULL THEN"
        " json_build_object('amount_minor', amount_minor, 'currency', currency) END",
        "points": "points",
        "payer": "payer",
        "state": "state",
        "attempts": "attempts",
        "since": "rfc3339(since)",
    },
    time="since",
    id="compensation_id",
)


def page(
    connection: Connection[Any],
    *,
    state: str | None = None,
    payer: str | None = None,
    merchant_id: str | None = None,
    filed_by: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> bytes:
    """One page of lines, those first whose state is the oldest, as JSON text of the API's shape.

    `payer` is whose account the last attempt was made on. Raises BadCursor and BadLimit.
    """
    return page_of(
        connection,
        LISTING,
        equal={"state": state, "payer": payer, "merchant_id": merchant_id, "filed_by": filed_by},
        where=("state IS NOT NULL",),
        limit=limit,
        cursor=cursor,
    )
