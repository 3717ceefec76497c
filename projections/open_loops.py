"""Open loops: every case that has not ended, and what still holds it open.

The reasons that today's facts can tell are `review`, `approval` (instead of it, while a decision waits for
a second person), `negotiation`, `appeal`, `evidence` (a request or an inspection), `suspension`, `money`,
`goods`, `rectification`, `follow_up` and `clock`: a duty clock that nothing else on the case stands for. A
case with no reason left only waits to be closed.

Queries: `page`.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain.events import (
    AppealFiled,
    AppealWithdrawn,
    CaseClosed,
    CaseCompensated,
    CaseEscalated,
    CaseExpired,
    CaseFiled,
    CaseMerged,
    CaseReopened,
    CaseResumed,
    CaseSuspended,
    CaseWithdrawn,
    ClockCancelled,
    ClockMissed,
    ClockSatisfied,
    ClockStarted,
    CompensationReversed,
    DecisionIssued,
    DecisionOverturned,
    DecisionProposed,
    DecisionUpheld,
    DecisionVaried,
    ExchangeOpened,
    ExecutionFailed,
    FollowUpCompleted,
    FollowUpExhausted,
    FollowUpScheduled,
    GoodsAccepted,
    GoodsLapsed,
    GoodsLost,
    GoodsRejected,
    GoodwillGranted,
    HumanReviewDemanded,
    NoticeDelivered,
    OfferAccepted,
    PlatformSteppedIn,
    ProposalVoided,
    RectificationAccepted,
    RectificationLapsed,
    RectificationOrdered,
    RectificationWaived,
)
from domain.values import BARE_DUTIES, GOODS_KINDS, MONEY_KINDS, ClockKind, Stage
from projections.pages import DEFAULT_LIMIT, Listing
from projections.pages import page as page_of
from projections.read_model import CaseRow, ReadModel, Rows, changed, put
from projections.stages import STAGE_AFTER, Moving, stage_after


class Loop(CaseRow, frozen=True, kw_only=True):
    """A case and what is unsettled in it: the ids of proposal, money lines, goods legs and so on.

    evidence: the clocks of requests and inspections · clocks: those of other duties · escalated: a side asked
    the platform.
    """

    stage: Stage
    number: str
    merchant_id: str
    filed_by: str
    filed_at: datetime
    proposal: UUID | None = None
    evidence: tuple[UUID, ...] = ()
    money: tuple[UUID, ...] = ()
    goods: tuple[UUID, ...] = ()
    rectification: UUID | None = None
    follow_up: UUID | None = None
    clocks: tuple[UUID, ...] = ()
    escalated: bool = False


OPEN_LOOPS = ReadModel(
    name="open_loops",
    version=2,
    row=Loop,
    columns="""
        case_id uuid PRIMARY KEY,
        stage text NOT NULL,
        number text NOT NULL,
        merchant_id text NOT NULL,
        filed_by text NOT NULL,
        filed_at timestamptz NOT NULL,
        proposal uuid,
        evidence uuid[] NOT NULL,
        money uuid[] NOT NULL,
        goods uuid[] NOT NULL,
        rectification uuid,
        follow_up uuid,
        clocks uuid[] NOT NULL,
        escalated boolean NOT NULL
    """,
    indexes=(
        "(filed_at, case_id) WHERE stage NOT IN ('closed', 'withdrawn', 'expired', 'merged')",
        "(merchant_id, filed_at, case_id) WHERE stage NOT IN ('closed', 'withdrawn', 'expired', 'merged')",
        "(filed_by, filed_at, case_id) WHERE stage NOT IN ('closed', 'withdrawn', 'expired', 'merged')",
    ),
    ignored="""
        evidence lease notes penalty privacy promise CaseClassified CaseDeclined CaseLinked CaseVerified
        ClockPaused ClockResumed CompensationFailed CompensationInstructed CompensationOverpaid
        CompensationRecalled DecisionApproved FollowUpAttempted GoodsInspected GoodsReceived GoodsRefused
        GoodsShipped MerchantAnswered MerchantDefaulted OfferDeclined OfferLapsed OfferMade RecoveryOpened
        RecoveryRecorded RecoveryReduced RecoveryWrittenOff RectificationRejected RectificationSubmitted
        RepairCompleted RepairStarted ReturnAuthorised SuspensionConfirmed WarrantyExtended
        WarrantyRestarted WarrantyStarted
    """,
)


@OPEN_LOOPS.folds(CaseFiled)
def _filed(rows: Rows[Loop], fact: CaseFiled) -> Rows[Loop]:
    row = Loop(
        case_id=fact.originator_id,
        stage=STAGE_AFTER[CaseFiled],
        number=fact.number,
        merchant_id=fact.merchant_id,
        filed_by=fact.filed_by,
        filed_at=fact.timestamp,
    )
    return put(rows, row)


@OPEN_LOOPS.folds(
    NoticeDelivered,
    PlatformSteppedIn,
    CaseClosed,
    CaseWithdrawn,
    CaseExpired,
    CaseSuspended,
    CaseResumed,
    CaseMerged,
    AppealFiled,
    AppealWithdrawn,
    DecisionUpheld,
)
def _moved(rows: Rows[Loop], fact: Moving) -> Rows[Loop]:
    return changed(rows, fact.originator_id, stage=stage_after(fact))


@OPEN_LOOPS.folds(CaseReopened)
def _reopened(rows: Rows[Loop], fact: CaseReopened) -> Rows[Loop]:
    return changed(rows, fact.originator_id, stage=STAGE_AFTER[CaseReopened], follow_up=None)


@OPEN_LOOPS.folds(DecisionProposed)
def _proposed(rows: Rows[Loop], fact: DecisionProposed) -> Rows[Loop]:
    return changed(rows, fact.originator_id, proposal=fact.proposal_id)


@OPEN_LOOPS.folds(ProposalVoided)
def _voided(rows: Rows[Loop], fact: ProposalVoided) -> Rows[Loop]:
    return changed(rows, fact.originator_id, proposal=None)


@OPEN_LOOPS.folds(CaseEscalated)
def _escalated(rows: Rows[Loop], fact: CaseEscalated) -> Rows[Loop]:
    return changed(rows, fact.originator_id, escalated=True)


@OPEN_LOOPS.folds(ClockStarted)
def _clock_started(rows: Rows[Loop], fact: ClockStarted) -> Rows[Loop]:
    row = rows[fact.originator_id]
    if fact.kind in (ClockKind.EVIDENCE, ClockKind.INSPECTION):
        return changed(rows, row.case_id, evidence=(*_without(row.evidence, fact.clock_id), fact.clock_id))
    if fact.kind in BARE_DUTIES:
        return changed(rows, row.case_id, clocks=(*_without(row.clocks, fact.clock_id), fact.clock_id))
    return rows


@OPEN_LOOPS.folds(ClockSatisfied, ClockCancelled, ClockMissed)
def _clock_ended(rows: Rows[Loop], fact: ClockSatisfied | ClockCancelled | ClockMissed) -> Rows[Loop]:
    row = rows[fact.originator_id]
    evidence, clocks = _without(row.evidence, fact.clock_id), _without(row.clocks, fact.clock_id)
    return changed(rows, row.case_id, evidence=evidence, clocks=clocks)


@OPEN_LOOPS.folds(DecisionIssued, DecisionVaried, OfferAccepted)
def _granted(rows: Rows[Loop], fact: DecisionIssued | DecisionVaried | OfferAccepted) -> Rows[Loop]:
    """What an earlier round left under way stays open beside what is granted now."""
    row = rows[fact.originator_id]
    if isinstance(fact, DecisionVaried):
        granted, cancelled = fact.added, fact.cancelled
    else:
        granted, cancelled = fact.remedies, ()
    goods = _with(row.goods, *(one.remedy_id for one in granted if one.kind in GOODS_KINDS))
    return changed(
        rows,
        row.case_id,
        stage=stage_after(fact),
        proposal=None,
        money=_with(row.money, *(one.remedy_id for one in granted if one.kind in MONEY_KINDS)),
        goods=_without(goods, *cancelled),
        follow_up=None if stage_after(fact) is Stage.EXECUTING else row.follow_up,
    )


@OPEN_LOOPS.folds(DecisionOverturned)
def _overturned(rows: Rows[Loop], fact: DecisionOverturned) -> Rows[Loop]:
    row = rows[fact.originator_id]
    return changed(rows, row.case_id, stage=stage_after(fact), goods=_without(row.goods, *fact.cancelled))


@OPEN_LOOPS.folds(GoodwillGranted)
def _given(rows: Rows[Loop], fact: GoodwillGranted) -> Rows[Loop]:
    row = rows[fact.originator_id]
    return changed(rows, row.case_id, money=_with(row.money, fact.compensation_id))


@OPEN_LOOPS.folds(CaseCompensated)
def _paid(rows: Rows[Loop], fact: CaseCompensated) -> Rows[Loop]:
    row = rows[fact.originator_id]
    return changed(rows, row.case_id, money=_without(row.money, fact.compensation_id))


@OPEN_LOOPS.folds(CompensationReversed)
def _reversed(rows: Rows[Loop], fact: CompensationReversed) -> Rows[Loop]:
    """A part that falls leaves the rest to be paid."""
    row = rows[fact.originator_id]
    return (
        rows if fact.stands else changed(rows, row.case_id, money=_without(row.money, fact.compensation_id))
    )


@OPEN_LOOPS.folds(GoodsAccepted, GoodsRejected, GoodsLost)
def _goods_settled(rows: Rows[Loop], fact: GoodsAccepted | GoodsRejected | GoodsLost) -> Rows[Loop]:
    row = rows[fact.originator_id]
    return changed(rows, row.case_id, goods=_without(row.goods, fact.goods_id))


@OPEN_LOOPS.folds(GoodsLapsed)
def _goods_lapsed(rows: Rows[Loop], fact: GoodsLapsed) -> Rows[Loop]:
    row = rows[fact.originator_id]
    return changed(rows, row.case_id, goods=_without(row.goods, fact.goods_id, *fact.cancelled))


@OPEN_LOOPS.folds(ExecutionFailed)
def _to_decide_anew(rows: Rows[Loop], fact: ExecutionFailed) -> Rows[Loop]:
    row = rows[fact.originator_id]
    return changed(rows, row.case_id, stage=stage_after(fact), goods=_without(row.goods, *fact.cancelled))


@OPEN_LOOPS.folds(HumanReviewDemanded)
def _contested(rows: Rows[Loop], fact: HumanReviewDemanded) -> Rows[Loop]:
    row = rows[fact.originator_id]
    goods = _without(row.goods, *fact.cancelled)
    return changed(rows, row.case_id, stage=stage_after(fact), goods=goods, follow_up=None)


@OPEN_LOOPS.folds(ExchangeOpened)
def _exchanged(rows: Rows[Loop], fact: ExchangeOpened) -> Rows[Loop]:
    row = rows[fact.originator_id]
    legs = [leg for leg in (fact.replacement_id, fact.return_id) if leg]
    return changed(rows, row.case_id, goods=_with(_without(row.goods, fact.goods_id), *legs))


def _with(open_ids: tuple[UUID, ...], *opened: UUID) -> tuple[UUID, ...]:
    return tuple(dict.fromkeys((*open_ids, *opened)))


def _without(open_ids: tuple[UUID, ...], *settled: UUID) -> tuple[UUID, ...]:
    return tuple(open_id for open_id in open_ids if open_id not in settled)


@OPEN_LOOPS.folds(RectificationOrdered)
def _rectification_ordered(rows: Rows[Loop], fact: RectificationOrdered) -> Rows[Loop]:
    return changed(rows, fact.originator_id, rectification=fact.rectification_id)


@OPEN_LOOPS.folds(RectificationAccepted, RectificationWaived, RectificationLapsed)
def _rectification_ended(
    rows: Rows[Loop], fact: RectificationAccepted | RectificationWaived | RectificationLapsed
) -> Rows[Loop]:
    return changed(rows, fact.originator_id, rectification=None)


@OPEN_LOOPS.folds(FollowUpScheduled)
def _follow_up_scheduled(rows: Rows[Loop], fact: FollowUpScheduled) -> Rows[Loop]:
    stage = STAGE_AFTER[FollowUpScheduled]
    return changed(rows, fact.originator_id, stage=stage, follow_up=fact.follow_up_id)


@OPEN_LOOPS.folds(FollowUpCompleted)
def _follow_up_completed(rows: Rows[Loop], fact: FollowUpCompleted) -> Rows[Loop]:
    """An unsatisfied buyer keeps the loop open until the case is reopened or closed."""
    return changed(rows, fact.originator_id, follow_up=None) if fact.satisfied else rows


@OPEN_LOOPS.folds(FollowUpExhausted)
def _follow_up_exhausted(rows: Rows[Loop], fact: FollowUpExhausted) -> Rows[Loop]:
    return changed(rows, fact.originator_id, follow_up=None)


LISTING = Listing(
    table=OPEN_LOOPS.table,
    item={
        "case_id": "case_id",
        "open_because": """array_remove(ARRAY[
            CASE WHEN proposal IS NOT NULL THEN 'approval'
                 WHEN stage IN ('filed', 'in_review') OR (stage = 'negotiating' AND escalated)
                 THEN 'review' END,
            CASE WHEN stage = 'negotiating' THEN 'negotiation' END,
            CASE WHEN stage = 'appealed' THEN 'appeal' END,
            CASE WHEN evidence <> '{}' THEN 'evidence' END,
            CASE WHEN stage = 'suspended' THEN 'suspension' END,
            CASE WHEN money <> '{}' THEN 'money' END,
            CASE WHEN goods <> '{}' THEN 'goods' END,
            CASE WHEN rectification IS NOT NULL THEN 'rectification' END,
            CASE WHEN follow_up IS NOT NULL THEN 'follow_up' END,
            CASE WHEN clocks <> '{}' THEN 'clock' END
        ], NULL)""",
        "age_hours": "round(extract(epoch FROM greatest(%(at)s - filed_at, interval '0')) / 3600, 1)",
    },
    time="filed_at",
    id="case_id",
)


def page(
    connection: Connection[Any],
    *,
    at: datetime,
    merchant_id: str | None = None,
    filed_by: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> bytes:
    """One page of open cases, oldest first, as JSON text of the API's shape.

    `age_hours` counts from the filing to `at`, to one decimal. Raises BadCursor and BadLimit.
    """
    return page_of(
        connection,
        LISTING,
        equal={"merchant_id": merchant_id, "filed_by": filed_by},
        where=("stage NOT IN ('closed', 'withdrawn', 'expired', 'merged')",),
        values={"at": at},
        limit=limit,
        cursor=cursor,
    )
