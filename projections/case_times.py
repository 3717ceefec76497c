"""Case times: how long each case took, whom it waited for, what was granted and what became of it.

One row a case. `projections.indicators` makes numbers of them.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never
from uuid import UUID

import msgspec

from domain.events import (
    AppealFiled,
    AppealWithdrawn,
    CaseClassified,
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
    CompensationOverpaid,
    CompensationReversed,
    DecisionIssued,
    DecisionOverturned,
    DecisionUpheld,
    DecisionVaried,
    ExchangeOpened,
    ExecutionFailed,
    Fact,
    FollowUpCompleted,
    FollowUpScheduled,
    GoodsAccepted,
    GoodsLapsed,
    GoodsLost,
    GoodsReceived,
    GoodsRefused,
    GoodsRejected,
    GoodsShipped,
    HumanReviewDemanded,
    MerchantAnswered,
    MerchantDefaulted,
    NoticeDelivered,
    OfferAccepted,
    OfferDeclined,
    OfferLapsed,
    OfferMade,
    PlatformSteppedIn,
    PromiseBroken,
    PromiseKept,
    RecoveryOpened,
    RecoveryRecorded,
    RecoveryReduced,
    RecoveryWrittenOff,
)
from domain.values import (
    GOODS_KINDS,
    INBOUND_KINDS,
    OWED_KINDS,
    CaseType,
    LiableParty,
    Money,
    Remedy,
    ReopenGround,
    Stage,
)
from projections.read_model import CaseRow, ReadModel, Rows, changed, put
from projections.stages import STAGE_AFTER, Moving, Returning, stage_after


class Awaited(StrEnum):
    """Whom a case can wait for."""

    BUYER = "buyer"
    MERCHANT = "merchant"
    PLATFORM = "platform"
    THIRD_PARTY = "third_party"


_IN_TURN = (Awaited.BUYER, Awaited.MERCHANT, Awaited.THIRD_PARTY)


class Leg(msgspec.Struct, frozen=True, gc=False):
    """A leg of goods that is not at its end: who sends it, and whom it waits for."""

    sender: Awaited
    awaits: Awaited

    @property
    def receiver(self) -> Awaited:
        """To whom it is sent."""
        return Awaited.MERCHANT if self.sender is Awaited.BUYER else Awaited.BUYER


INBOUND = Leg(Awaited.BUYER, Awaited.BUYER)
OUTBOUND = Leg(Awaited.MERCHANT, Awaited.MERCHANT)


class CaseTimes(CaseRow, frozen=True, kw_only=True):
    """What became of a case, and when.

    version: that of the last fact folded; a fact up to it was counted before · goods: legs on their way ·
    turn: whose it is while the sides negotiate ·
    first_resolution_at: when it first came to be followed up · ended_at: empty while it is open, again when
    it is reopened · *_seconds: how long it waited for each, up to `waiting_since` · goodwill: paid lines that
    nobody owed · paid_minor: what was paid, less what fell of goodwill · debts: what each recovery still asks
    of the buyer · owed_minor: what buyers were asked back, less what was given up · recovered_minor: what
    came back from whomever.
    """

    version: int
    merchant_id: str
    case_type: CaseType
    sku: str
    reason: str
    currency: str
    stage: Stage
    filed_at: datetime
    first_decision_at: datetime | None = None
    first_resolution_at: datetime | None = None
    ended_at: datetime | None = None
    reopenings: int = 0
    intervened: bool = False
    overturned: bool = False
    satisfied: bool | None = None
    speed: int | None = None
    attitude: int | None = None
    effectiveness: int | None = None
    turn: Awaited = Awaited.MERCHANT
    goods: dict[UUID, Leg] = msgspec.field(default_factory=dict)
    waiting_for: Awaited | None = Awaited.PLATFORM
    waiting_since: datetime
    buyer_seconds: float = 0.0
    merchant_seconds: float = 0.0
    platform_seconds: float = 0.0
    third_party_seconds: float = 0.0
    goodwill: tuple[UUID, ...] = ()
    paid_minor: int = 0
    debts: dict[UUID, int] = msgspec.field(default_factory=dict)
    owed_minor: int = 0
    recovered_minor: int = 0
    promises_kept: int = 0
    promises_broken: int = 0


CASE_TIMES = ReadModel(
    name="case_times",
    version=1,
    row=CaseTimes,
    columns="""
        case_id uuid PRIMARY KEY,
        version integer NOT NULL,
        merchant_id text NOT NULL,
        case_type text NOT NULL,
        sku text NOT NULL,
        reason text NOT NULL,
        currency text NOT NULL,
        stage text NOT NULL,
        filed_at timestamptz NOT NULL,
        first_decision_at timestamptz,
        first_resolution_at timestamptz,
        ended_at timestamptz,
        reopenings integer NOT NULL,
        intervened boolean NOT NULL,
        overturned boolean NOT NULL,
        satisfied boolean,
        speed integer,
        attitude integer,
        effectiveness integer,
        turn text NOT NULL,
        goods jsonb NOT NULL,
        waiting_for text,
        waiting_since timestamptz NOT NULL,
        buyer_seconds double precision NOT NULL,
        merchant_seconds double precision NOT NULL,
        platform_seconds double precision NOT NULL,
        third_party_seconds double precision NOT NULL,
        goodwill uuid[] NOT NULL,
        paid_minor bigint NOT NULL,
        debts jsonb NOT NULL,
        owed_minor bigint NOT NULL,
        recovered_minor bigint NOT NULL,
        promises_kept integer NOT NULL,
        promises_broken integer NOT NULL
    """,
    indexes=(
        "(filed_at)",
        "(merchant_id, filed_at)",
        "(merchant_id, sku, reason, first_resolution_at)",
    ),
    ignored="""
        clocks evidence lease notes penalty privacy rectification CaseDeclined CaseLinked CaseVerified
        CompensationFailed CompensationInstructed CompensationRecalled DecisionApproved DecisionProposed
        FollowUpAttempted FollowUpExhausted GoodsInspected GoodwillGranted PromiseMade ProposalVoided
        RepairCompleted RepairStarted ReturnAuthorised SuspensionConfirmed WarrantyExtended
        WarrantyRestarted WarrantyStarted
    """,
)


def waits_for(row: CaseTimes) -> Awaited | None:
    """Whom a case waits for as it stands; None once it has ended.

    Suspended it waits for the court, the police or the parties' settlement. While it is executed it waits for
    who is to send goods or to look at them, then for the carrier, and else for the platform, which pays.
    """
    match row.stage:
        case Stage.FILED | Stage.IN_REVIEW | Stage.FOLLOWING_UP | Stage.APPEALED:
            return Awaited.PLATFORM
        case Stage.NEGOTIATING:
            return row.turn
        case Stage.EXECUTING:
            return _awaited_goods(row)
        case Stage.SUSPENDED:
            return Awaited.THIRD_PARTY
        case Stage.CLOSED | Stage.WITHDRAWN | Stage.EXPIRED | Stage.MERGED:
            return None
        case _ as unreachable:
            assert_never(unreachable)


def _awaited_goods(row: CaseTimes) -> Awaited:
    awaited = {leg.awaits for leg in row.goods.values()}
    return next((party for party in _IN_TURN if party in awaited), Awaited.PLATFORM)


def _after(rows: Rows[CaseTimes], fact: Fact, **fields: Any) -> Rows[CaseTimes]:
    """The rows with some fields of the case changed by a fact, and its waiting counted up to the fact."""
    row = rows[fact.originator_id]
    if fact.originator_version <= row.version:
        return rows
    new = msgspec.structs.replace(row, version=fact.originator_version, **fields)
    awaited = waits_for(new)
    if awaited is row.waiting_for:
        return put(rows, new)
    return changed(
        put(rows, new),
        row.case_id,
        waiting_for=awaited,
        waiting_since=fact.timestamp,
        **_waited(row, fact.timestamp),
    )


def _waited(row: CaseTimes, until: datetime) -> dict[str, float]:
    if row.waiting_for is None:
        return {}
    counted = f"{row.waiting_for}_seconds"
    return {counted: getattr(row, counted) + (until - row.waiting_since).total_seconds()}


@CASE_TIMES.folds(CaseFiled)
def _filed(rows: Rows[CaseTimes], fact: CaseFiled) -> Rows[CaseTimes]:
    if fact.originator_id in rows:
        return rows
    row = CaseTimes(
        case_id=fact.originator_id,
        version=fact.originator_version,
        merchant_id=fact.merchant_id,
        case_type=fact.case_type,
        sku=fact.order.sku,
        reason=fact.reason,
        currency=fact.order.paid.currency,
        stage=STAGE_AFTER[CaseFiled],
        filed_at=fact.timestamp,
        waiting_since=fact.timestamp,
    )
    return put(rows, row)


@CASE_TIMES.folds(CaseClassified)
def _classified(rows: Rows[CaseTimes], fact: CaseClassified) -> Rows[CaseTimes]:
    return _after(rows, fact, reason=fact.reason)


@CASE_TIMES.folds(CaseSuspended, CaseResumed)
def _moved(rows: Rows[CaseTimes], fact: Moving) -> Rows[CaseTimes]:
    return _after(rows, fact, stage=stage_after(fact))


@CASE_TIMES.folds(NoticeDelivered)
def _put_to_the_merchant(rows: Rows[CaseTimes], fact: NoticeDelivered) -> Rows[CaseTimes]:
    return _after(rows, fact, stage=stage_after(fact), turn=Awaited.MERCHANT)


@CASE_TIMES.folds(MerchantAnswered)
def _merchant_answered(rows: Rows[CaseTimes], fact: MerchantAnswered) -> Rows[CaseTimes]:
    return _turned(rows, fact, Awaited.BUYER)


@CASE_TIMES.folds(OfferMade, OfferDeclined, OfferLapsed)
def _side_moved(rows: Rows[CaseTimes], fact: OfferMade | OfferDeclined | OfferLapsed) -> Rows[CaseTimes]:
    return _turned(rows, fact, Awaited(fact.party.other))


def _turned(rows: Rows[CaseTimes], fact: Fact, turn: Awaited) -> Rows[CaseTimes]:
    """With the turn given on, unless the platform was asked, which is then waited for."""
    return rows if rows[fact.originator_id].intervened else _after(rows, fact, turn=turn)


@CASE_TIMES.folds(MerchantDefaulted)
def _defaulted(rows: Rows[CaseTimes], fact: MerchantDefaulted) -> Rows[CaseTimes]:
    return _after(rows, fact, turn=Awaited.PLATFORM)


@CASE_TIMES.folds(CaseEscalated)
def _escalated(rows: Rows[CaseTimes], fact: CaseEscalated) -> Rows[CaseTimes]:
    return _after(rows, fact, turn=Awaited.PLATFORM, intervened=True)


@CASE_TIMES.folds(PlatformSteppedIn)
def _stepped_in(rows: Rows[CaseTimes], fact: PlatformSteppedIn) -> Rows[CaseTimes]:
    return _after(rows, fact, stage=stage_after(fact), intervened=True)


@CASE_TIMES.folds(DecisionIssued)
def _decided(rows: Rows[CaseTimes], fact: DecisionIssued) -> Rows[CaseTimes]:
    row = rows[fact.originator_id]
    return _after(
        rows,
        fact,
        stage=stage_after(fact),
        first_decision_at=row.first_decision_at or fact.timestamp,
        goods=row.goods | _legs(fact.remedies),
    )


@CASE_TIMES.folds(OfferAccepted)
def _agreed(rows: Rows[CaseTimes], fact: OfferAccepted) -> Rows[CaseTimes]:
    goods = rows[fact.originator_id].goods | _legs(fact.remedies)
    return _after(rows, fact, stage=stage_after(fact), goods=goods)


def _legs(remedies: tuple[Remedy, ...]) -> dict[UUID, Leg]:
    return {
        one.remedy_id: INBOUND if one.kind in INBOUND_KINDS else OUTBOUND
        for one in remedies
        if one.kind in GOODS_KINDS
    }


@CASE_TIMES.folds(GoodsShipped)
def _shipped(rows: Rows[CaseTimes], fact: GoodsShipped) -> Rows[CaseTimes]:
    return _at(rows, fact, Awaited.THIRD_PARTY)


@CASE_TIMES.folds(GoodsRefused)
def _refused(rows: Rows[CaseTimes], fact: GoodsRefused) -> Rows[CaseTimes]:
    return _at(rows, fact, Awaited.PLATFORM)


@CASE_TIMES.folds(GoodsReceived)
def _received(rows: Rows[CaseTimes], fact: GoodsReceived) -> Rows[CaseTimes]:
    """Whoever has the goods is to look at them, and to repair what was sent in for it."""
    leg = rows[fact.originator_id].goods.get(fact.goods_id)
    return rows if leg is None else _at(rows, fact, leg.receiver)


def _at(
    rows: Rows[CaseTimes], fact: GoodsShipped | GoodsRefused | GoodsReceived, awaited: Awaited
) -> Rows[CaseTimes]:
    """With a leg waiting for somebody else; one that had come to its end stays there."""
    goods = rows[fact.originator_id].goods
    leg = goods.get(fact.goods_id)
    if leg is None:
        return rows
    return _after(rows, fact, goods=goods | {fact.goods_id: msgspec.structs.replace(leg, awaits=awaited)})


@CASE_TIMES.folds(GoodsAccepted, GoodsRejected, GoodsLost)
def _goods_settled(rows: Rows[CaseTimes], fact: GoodsAccepted | GoodsRejected | GoodsLost) -> Rows[CaseTimes]:
    return _after(rows, fact, goods=_without(rows[fact.originator_id].goods, fact.goods_id))


@CASE_TIMES.folds(GoodsLapsed)
def _goods_lapsed(rows: Rows[CaseTimes], fact: GoodsLapsed) -> Rows[CaseTimes]:
    goods = _without(rows[fact.originator_id].goods, fact.goods_id, *fact.cancelled)
    return _after(rows, fact, goods=goods)


@CASE_TIMES.folds(ExecutionFailed)
def _to_decide_anew(rows: Rows[CaseTimes], fact: ExecutionFailed) -> Rows[CaseTimes]:
    goods = _without(rows[fact.originator_id].goods, *fact.cancelled)
    return _after(rows, fact, stage=stage_after(fact), goods=goods)


@CASE_TIMES.folds(HumanReviewDemanded)
def _contested(rows: Rows[CaseTimes], fact: HumanReviewDemanded) -> Rows[CaseTimes]:
    goods = _without(rows[fact.originator_id].goods, *fact.cancelled)
    return _after(rows, fact, stage=stage_after(fact), goods=goods, ended_at=None)


@CASE_TIMES.folds(ExchangeOpened)
def _exchanged(rows: Rows[CaseTimes], fact: ExchangeOpened) -> Rows[CaseTimes]:
    goods = _without(rows[fact.originator_id].goods, fact.goods_id) | {fact.replacement_id: OUTBOUND}
    return _after(rows, fact, goods=goods | ({fact.return_id: INBOUND} if fact.return_id else {}))


def _without(goods: dict[UUID, Leg], *ended: UUID) -> dict[UUID, Leg]:
    return {goods_id: leg for goods_id, leg in goods.items() if goods_id not in ended}


@CASE_TIMES.folds(FollowUpScheduled)
def _resolved(rows: Rows[CaseTimes], fact: FollowUpScheduled) -> Rows[CaseTimes]:
    first = rows[fact.originator_id].first_resolution_at or fact.timestamp
    return _after(rows, fact, stage=stage_after(fact), first_resolution_at=first)


@CASE_TIMES.folds(FollowUpCompleted)
def _answered(rows: Rows[CaseTimes], fact: FollowUpCompleted) -> Rows[CaseTimes]:
    return _after(
        rows,
        fact,
        satisfied=fact.satisfied,
        speed=fact.speed,
        attitude=fact.attitude,
        effectiveness=fact.effectiveness,
    )


@CASE_TIMES.folds(CaseClosed, CaseWithdrawn, CaseExpired, CaseMerged)
def _ended(
    rows: Rows[CaseTimes], fact: CaseClosed | CaseWithdrawn | CaseExpired | CaseMerged
) -> Rows[CaseTimes]:
    return _after(rows, fact, stage=stage_after(fact), ended_at=fact.timestamp)


@CASE_TIMES.folds(AppealFiled)
def _appealed(rows: Rows[CaseTimes], fact: AppealFiled) -> Rows[CaseTimes]:
    return _after(rows, fact, stage=stage_after(fact), ended_at=None)


@CASE_TIMES.folds(AppealWithdrawn, DecisionUpheld)
def _returned(rows: Rows[CaseTimes], fact: AppealWithdrawn | DecisionUpheld) -> Rows[CaseTimes]:
    return _resumed(rows, fact, rows[fact.originator_id].goods)


@CASE_TIMES.folds(DecisionVaried)
def _varied(rows: Rows[CaseTimes], fact: DecisionVaried) -> Rows[CaseTimes]:
    goods = _without(rows[fact.originator_id].goods, *fact.cancelled)
    return _resumed(rows, fact, goods | _legs(fact.added))


@CASE_TIMES.folds(DecisionOverturned)
def _overturned(rows: Rows[CaseTimes], fact: DecisionOverturned) -> Rows[CaseTimes]:
    return _resumed(rows, fact, _without(rows[fact.originator_id].goods, *fact.cancelled))


def _resumed(rows: Rows[CaseTimes], fact: Returning, goods: dict[UUID, Leg]) -> Rows[CaseTimes]:
    """In the stage the fact says; a case that had ended before its appeal ends again."""
    stage = stage_after(fact)
    ended_at = fact.timestamp if stage in (Stage.CLOSED, Stage.EXPIRED) else None
    return _after(rows, fact, stage=stage, ended_at=ended_at, goods=goods)


@CASE_TIMES.folds(CaseReopened)
def _reopened(rows: Rows[CaseTimes], fact: CaseReopened) -> Rows[CaseTimes]:
    row = rows[fact.originator_id]
    return _after(
        rows,
        fact,
        stage=stage_after(fact),
        ended_at=None,
        reopenings=row.reopenings + 1,
        overturned=row.overturned or fact.ground is ReopenGround.OVERTURNED,
    )


@CASE_TIMES.folds(CaseCompensated)
def _paid(rows: Rows[CaseTimes], fact: CaseCompensated) -> Rows[CaseTimes]:
    row = rows[fact.originator_id]
    given = () if fact.kind in OWED_KINDS else (fact.compensation_id,)
    return _after(
        rows, fact, paid_minor=row.paid_minor + _minor(fact.amount), goodwill=(*row.goodwill, *given)
    )


@CASE_TIMES.folds(CompensationOverpaid)
def _overpaid(rows: Rows[CaseTimes], fact: CompensationOverpaid) -> Rows[CaseTimes]:
    row = rows[fact.originator_id]
    return _after(rows, fact, paid_minor=row.paid_minor + _minor(fact.amount))


@CASE_TIMES.folds(CompensationReversed)
def _reversed(rows: Rows[CaseTimes], fact: CompensationReversed) -> Rows[CaseTimes]:
    """Goodwill is simply taken back; what was owed and paid comes back by a recovery, which counts itself."""
    row = rows[fact.originator_id]
    taken = _minor(fact.amount) if fact.compensation_id in row.goodwill else 0
    return _after(rows, fact, paid_minor=row.paid_minor - taken)


def _minor(amount: Money | None) -> int:
    return amount.amount_minor if amount else 0


@CASE_TIMES.folds(RecoveryOpened)
def _asked_back(rows: Rows[CaseTimes], fact: RecoveryOpened) -> Rows[CaseTimes]:
    row = rows[fact.originator_id]
    if fact.debtor is not LiableParty.BUYER:
        return rows
    asked = fact.amount.amount_minor
    debts = row.debts | {fact.recovery_id: asked}
    return _after(rows, fact, debts=debts, owed_minor=row.owed_minor + asked)


@CASE_TIMES.folds(RecoveryReduced)
def _asked_less(rows: Rows[CaseTimes], fact: RecoveryReduced) -> Rows[CaseTimes]:
    return _given_up(rows, fact, fact.recovery_id, fact.amount.amount_minor)


@CASE_TIMES.folds(RecoveryRecorded)
def _came_back(rows: Rows[CaseTimes], fact: RecoveryRecorded) -> Rows[CaseTimes]:
    row, came = rows[fact.originator_id], fact.amount.amount_minor
    owed = row.debts.get(fact.recovery_id)
    debts = row.debts if owed is None else row.debts | {fact.recovery_id: owed - came}
    return _after(rows, fact, debts=debts, recovered_minor=row.recovered_minor + came)


@CASE_TIMES.folds(RecoveryWrittenOff)
def _written_off(rows: Rows[CaseTimes], fact: RecoveryWrittenOff) -> Rows[CaseTimes]:
    return _given_up(rows, fact, fact.recovery_id, rows[fact.originator_id].debts.get(fact.recovery_id, 0))


def _given_up(rows: Rows[CaseTimes], fact: Fact, recovery_id: UUID, minor: int) -> Rows[CaseTimes]:
    """What a buyer is no longer asked back has been spent after all."""
    row = rows[fact.originator_id]
    if recovery_id not in row.debts:
        return rows
    debts = row.debts | {recovery_id: row.debts[recovery_id] - minor}
    return _after(rows, fact, debts=debts, owed_minor=row.owed_minor - minor)


@CASE_TIMES.folds(PromiseKept)
def _promise_kept(rows: Rows[CaseTimes], fact: PromiseKept) -> Rows[CaseTimes]:
    return _after(rows, fact, promises_kept=rows[fact.originator_id].promises_kept + 1)


@CASE_TIMES.folds(PromiseBroken)
def _promise_broken(rows: Rows[CaseTimes], fact: PromiseBroken) -> Rows[CaseTimes]:
    return _after(rows, fact, promises_broken=rows[fact.originator_id].promises_broken + 1)
