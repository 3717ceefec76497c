"""Closed-loop follow-up: which buyer is still to be asked how it went, and how the asking ended.

Beside its follow-ups each case has a card, which carries what a follow-up is filtered by and is never shown.

Queries: `page`.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain.events import (
    CaseClosed,
    CaseFiled,
    CaseReopened,
    ClockResumed,
    DecisionVaried,
    FollowUpAttempted,
    FollowUpCompleted,
    FollowUpExhausted,
    FollowUpScheduled,
    HumanReviewDemanded,
)
from domain.values import ClockKind, FollowUpState, Stage
from projections.pages import DEFAULT_LIMIT, Listing
from projections.pages import page as page_of
from projections.read_model import CaseRow, ReadModel, Rows, changed, put


class FollowUp(CaseRow, frozen=True, kw_only=True):
    """One follow-up; a case's card has the case's own id, no due time and no state."""

    KEY = "follow_up_id"

    follow_up_id: UUID
    merchant_id: str
    filed_by: str
    due: datetime | None = None
    state: FollowUpState | None = None
    attempts: int = 0


FOLLOW_UPS = ReadModel(
    name="follow_ups",
    version=2,
    row=FollowUp,
    columns="""
        follow_up_id uuid PRIMARY KEY,
        case_id uuid NOT NULL,
        merchant_id text NOT NULL,
        filed_by text NOT NULL,
        due timestamptz,
        state text,
        attempts integer NOT NULL
    """,
    indexes=(
        "(due, follow_up_id) WHERE state IS NOT NULL",
        "(state, due, follow_up_id) WHERE state IS NOT NULL",
        "(merchant_id, due, follow_up_id) WHERE state IS NOT NULL",
        "(filed_by, due, follow_up_id) WHERE state IS NOT NULL",
    ),
    ignored="""
        decision evidence goods lease money notes penalty privacy promise rectification relation suspension
        AppealFiled AppealWithdrawn CaseClassified CaseDeclined CaseEscalated CaseExpired CaseWithdrawn
        ClockCancelled ClockMissed ClockPaused ClockSatisfied ClockStarted DecisionOverturned DecisionUpheld
        ExecutionFailed MerchantAnswered MerchantDefaulted NoticeDelivered OfferAccepted OfferDeclined
        OfferLapsed OfferMade PlatformSteppedIn
    """,
)


@FOLLOW_UPS.folds(CaseFiled)
def _filed(rows: Rows[FollowUp], fact: CaseFiled) -> Rows[FollowUp]:
    card = FollowUp(
        case_id=fact.originator_id,
        follow_up_id=fact.originator_id,
        merchant_id=fact.merchant_id,
        filed_by=fact.filed_by,
    )
    return put(rows, card)


@FOLLOW_UPS.folds(FollowUpScheduled)
def _scheduled(rows: Rows[FollowUp], fact: FollowUpScheduled) -> Rows[FollowUp]:
    card = rows[fact.originator_id]
    row = FollowUp(
        case_id=card.case_id,
        follow_up_id=fact.follow_up_id,
        merchant_id=card.merchant_id,
        filed_by=card.filed_by,
        due=fact.due,
        state=FollowUpState.DUE,
    )
    return put(rows, row)


@FOLLOW_UPS.folds(ClockResumed)
def _resumed(rows: Rows[FollowUp], fact: ClockResumed) -> Rows[FollowUp]:
    """Nobody was asked while the case rested."""
    return changed(rows, fact.subject, due=fact.due) if fact.kind is ClockKind.FOLLOW_UP else rows


@FOLLOW_UPS.folds(FollowUpAttempted)
def _attempted(rows: Rows[FollowUp], fact: FollowUpAttempted) -> Rows[FollowUp]:
    return changed(rows, fact.follow_up_id, attempts=fact.number)


@FOLLOW_UPS.folds(FollowUpCompleted)
def _completed(rows: Rows[FollowUp], fact: FollowUpCompleted) -> Rows[FollowUp]:
    return changed(rows, fact.follow_up_id, state=FollowUpState.DONE)


@FOLLOW_UPS.folds(FollowUpExhausted)
def _exhausted(rows: Rows[FollowUp], fact: FollowUpExhausted) -> Rows[FollowUp]:
    return changed(rows, fact.follow_up_id, state=FollowUpState.EXHAUSTED)


@FOLLOW_UPS.folds(CaseReopened, CaseClosed, HumanReviewDemanded)
def _superseded(
    rows: Rows[FollowUp], fact: CaseReopened | CaseClosed | HumanReviewDemanded
) -> Rows[FollowUp]:
    """Nobody asks any more about a round that was reopened, or closed over an open follow-up."""
    return _without_due(rows)


@FOLLOW_UPS.folds(DecisionVaried)
def _varied(rows: Rows[FollowUp], fact: DecisionVaried) -> Rows[FollowUp]:
    """The buyer is asked when what was varied has been executed."""
    return _without_due(rows) if fact.resumes is Stage.EXECUTING else rows


def _without_due(rows: Rows[FollowUp]) -> Rows[FollowUp]:
    return {key: row for key, row in rows.items() if row.state is not FollowUpState.DUE}


LISTING = Listing(
    table=FOLLOW_UPS.table,
    item={
        "follow_up_id": "follow_up_id",
        "case_id": "case_id",
        "merchant_id": "merchant_id",
        "due": "rfc3339(due)",
        "state": "state",
        "attempts": "attempts",
    },
    time="due",
    id="follow_up_id",
)


def page(
    connection: Connection[Any],
    *,
    state: str | None = None,
    merchant_id: str | None = None,
    filed_by: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> bytes:
    """One page of follow-ups, earliest due first, as JSON text of the API's shape.

    State `due` means still to be done, whether or not its time has come. Raises BadCursor and BadLimit.
    """
    return page_of(
        connection,
        LISTING,
        equal={"state": state, "merchant_id": merchant_id, "filed_by": filed_by},
        where=("state IS NOT NULL",),
        limit=limit,
        cursor=cursor,
    )
