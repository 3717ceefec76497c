"""Case index: finds cases by order, number, buyer, merchant, stage and filer.

Queries: `page`.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import scalar_row

from domain.events import (
    AppealFiled,
    AppealWithdrawn,
    CaseClassified,
    CaseClosed,
    CaseExpired,
    CaseFiled,
    CaseMerged,
    CaseReopened,
    CaseResumed,
    CaseSuspended,
    CaseWithdrawn,
    DecisionIssued,
    DecisionOverturned,
    DecisionUpheld,
    DecisionVaried,
    ExecutionFailed,
    FollowUpScheduled,
    HumanReviewDemanded,
    NoticeDelivered,
    OfferAccepted,
    PersonalDataErased,
    PlatformSteppedIn,
)
from domain.values import CaseType, Side, Stage
from projections.pages import DEFAULT_LIMIT, Listing
from projections.pages import page as page_of
from projections.read_model import CaseRow, ReadModel, Rows, changed, put
from projections.stages import STAGE_AFTER, Moving, stage_after


class IndexedCase(CaseRow, frozen=True, kw_only=True):
    """What a case can be found by; `buyer` is the pseudonym that the fact carries, and is never shown."""

    number: str
    stage: Stage
    case_type: CaseType
    reason: str
    merchant_id: str
    buyer: str
    order_id: str
    line_id: str
    filed_by: str
    filed_at: datetime


CASE_INDEX = ReadModel(
    name="case_index",
    version=1,
    row=IndexedCase,
    columns="""
        case_id uuid PRIMARY KEY,
        number text NOT NULL,
        stage text NOT NULL,
        case_type text NOT NULL,
        reason text NOT NULL,
        merchant_id text NOT NULL,
        buyer text NOT NULL,
        order_id text NOT NULL,
        line_id text NOT NULL,
        filed_by text NOT NULL,
        filed_at timestamptz NOT NULL
    """,
    indexes=(
        "(filed_at, case_id)",
        "(number)",
        "(order_id)",
        "(buyer)",
        "(merchant_id, filed_at, case_id)",
        "(filed_by, filed_at, case_id)",
        "(stage, filed_at, case_id)",
    ),
    ignored="""
        clocks evidence goods lease money notes penalty promise rectification CaseDeclined CaseEscalated
        CaseLinked CaseVerified DecisionApproved DecisionProposed ErasureProposed ErasureRejected
        FollowUpAttempted FollowUpCompleted FollowUpExhausted LegalHoldPlaced LegalHoldReleased
        MerchantAnswered MerchantDefaulted OfferDeclined OfferLapsed OfferMade ProcessingRestricted
        ProposalVoided SuspensionConfirmed
    """,
)


@CASE_INDEX.folds(CaseFiled)
def _filed(rows: Rows[IndexedCase], fact: CaseFiled) -> Rows[IndexedCase]:
    row = IndexedCase(
        case_id=fact.originator_id,
        number=fact.number,
        stage=STAGE_AFTER[CaseFiled],
        case_type=fact.case_type,
        reason=fact.reason,
        merchant_id=fact.merchant_id,
        buyer=fact.buyer,
        order_id=fact.order.order_id,
        line_id=fact.order.line_id,
        filed_by=fact.filed_by,
        filed_at=fact.timestamp,
    )
    return put(rows, row)


@CASE_INDEX.folds(
    NoticeDelivered,
    OfferAccepted,
    PlatformSteppedIn,
    DecisionIssued,
    ExecutionFailed,
    HumanReviewDemanded,
    FollowUpScheduled,
    CaseClosed,
    CaseReopened,
    CaseWithdrawn,
    CaseExpired,
    CaseSuspended,
    CaseResumed,
    CaseMerged,
    AppealFiled,
    AppealWithdrawn,
    DecisionUpheld,
    DecisionVaried,
    DecisionOverturned,
)
def _moved(rows: Rows[IndexedCase], fact: Moving) -> Rows[IndexedCase]:
    return changed(rows, fact.originator_id, stage=stage_after(fact))


@CASE_INDEX.folds(CaseClassified)
def _classified(rows: Rows[IndexedCase], fact: CaseClassified) -> Rows[IndexedCase]:
    return changed(rows, fact.originator_id, reason=fact.reason)


@CASE_INDEX.folds(PersonalDataErased)
def _erased(rows: Rows[IndexedCase], fact: PersonalDataErased) -> Rows[IndexedCase]:
    """Who the buyer was is forgotten: the case is found by its buyer no more."""
    return changed(rows, fact.originator_id, buyer="") if fact.party is Side.BUYER else rows


OF_BUYER = f"SELECT case_id FROM {CASE_INDEX.table} WHERE buyer = %s ORDER BY filed_at DESC, case_id"  # noqa: S608  # constants

LISTING = Listing(
    table=CASE_INDEX.table,
    item={
        "case_id": "case_id",
        "number": "number",
        "stage": "stage",
        "case_type": "case_type",
        "reason": "reason",
        "merchant_id": "merchant_id",
        "order_id": "order_id",
        "line_id": "line_id",
        "filed_at": "rfc3339(filed_at)",
    },
    time="filed_at",
    id="case_id",
    descending=True,
)


def of_buyer(connection: Connection[Any], buyer: str) -> list[UUID]:
    """The cases of a buyer of this pseudonym, the newest filing first."""
    with connection.cursor(row_factory=scalar_row, binary=True) as rows:
        return rows.execute(OF_BUYER, (buyer,)).fetchall()


def page(
    connection: Connection[Any],
    *,
    order_id: str | None = None,
    number: str | None = None,
    buyer: str | None = None,
    merchant_id: str | None = None,
    stage: str | None = None,
    filed_by: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> bytes:
    """One page of the cases that match everything asked, newest filing first, as JSON text.

    `{"case_id", "number", "stage", "case_type", "reason", "merchant_id", "order_id", "line_id", "filed_at"}`;
    `buyer` is the pseudonym of a buyer, not the id that the client sends. Raises BadCursor and BadLimit.
    """
    return page_of(
        connection,
        LISTING,
        equal={
            "order_id": order_id,
            "number": number,
            "buyer": buyer,
            "merchant_id": merchant_id,
            "stage": stage,
            "filed_by": filed_by,
        },
        limit=limit,
        cursor=cursor,
    )
