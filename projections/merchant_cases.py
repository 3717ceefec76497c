"""A merchant's cases: what it must do by when, what was decided and until when it may appeal.

Queries: `page`, `to_do`, `decisions`, `counts`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import scalar_row

from domain.events import (
    AppealFiled,
    AppealWithdrawn,
    CaseClassified,
    CaseClosed,
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
    ClockPaused,
    ClockResumed,
    ClockSatisfied,
    ClockStarted,
    DecisionIssued,
    DecisionOverturned,
    DecisionUpheld,
    DecisionVaried,
    EvidenceRequested,
    ExchangeOpened,
    ExecutionFailed,
    Fact,
    FollowUpScheduled,
    GoodsAccepted,
    GoodsInspected,
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
    PenaltyAssessed,
    PenaltyReversed,
    PlatformSteppedIn,
    PromiseMade,
    RecoveryOpened,
    RecoveryRecorded,
    RecoveryReduced,
    RecoveryWrittenOff,
    RectificationRejected,
    RectificationSubmitted,
    RepairCompleted,
    RepairStarted,
    ReturnAuthorised,
)
from domain.values import (
    GOODS_KINDS,
    INBOUND_KINDS,
    AppealAgainst,
    CaseType,
    ClockKind,
    GoodsState,
    LiableParty,
    Party,
    Remedy,
    RemedyKind,
    ReopenGround,
    RepairOutcome,
    Side,
    Stage,
    ViewerState,
)
from projections.pages import DEFAULT_LIMIT, LARGEST_LIMIT, Listing
from projections.pages import page as page_of
from projections.read_model import CaseRow, ReadModel, Rows, changed, put
from projections.stages import STAGE_AFTER, Moving, stage_after

ALWAYS_ITS_OWN = frozenset({ClockKind.ANSWER, ClockKind.RECTIFICATION, ClockKind.GOODS_HANDLING})
"""Clocks of what only the merchant can do."""

IF_ADDRESSED = frozenset({ClockKind.REPLY, ClockKind.EVIDENCE, ClockKind.PROMISE, ClockKind.GOODS_SHIPMENT})
"""Clocks of what either party may be asked for."""


class Duty(msgspec.Struct, frozen=True, gc=False):
    """What the merchant must do by `due` (None: its clock stands still); `done`: it waits for others."""

    clock_id: UUID
    kind: ClockKind
    subject: UUID
    due: datetime | None
    done: bool = False


class Leg(msgspec.Struct, frozen=True, gc=False):
    """Goods on their way; `authorised`: the buyer may send them in."""

    goods_id: UUID
    kind: RemedyKind
    state: GoodsState = GoodsState.TO_SHIP
    authorised: bool = False

    @property
    def idle(self) -> bool:
        """Whether nobody has sent it yet."""
        return self.state is GoodsState.TO_SHIP

    @property
    def waits_for_the_merchant(self) -> bool:
        """Whether the merchant is to move the goods, or to say what becomes of them."""
        inbound = self.kind in INBOUND_KINDS
        match self.state:
            case GoodsState.TO_SHIP:
                return not inbound or not self.authorised
            case GoodsState.REFUSED:
                return not inbound or self.kind is RemedyKind.RETURN
            case GoodsState.RECEIVED | GoodsState.INSPECTED:
                return inbound
            case _:
                return self.state in (GoodsState.IN_REPAIR, GoodsState.REPAIR_FAILED)


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What was decided last."""

    decision_id: UUID
    clauses: tuple[str, ...]
    decided_at: datetime
    appeal_until: datetime | None


class Window(msgspec.Struct, frozen=True, gc=False):
    """What the merchant may appeal against `until` then.

    missing: of a recovery, in minor units, as of the `counted` version of the case.
    """

    subject: UUID
    against: AppealAgainst
    until: datetime
    missing: int = 0
    counted: int = 0


class MerchantCase(CaseRow, frozen=True, kw_only=True):
    """A case as its merchant sees it.

    addressed: the offers, requests, promises and goods that are the merchant's to deal with · turn: whose
    move it is while the sides negotiate · asked: the platform was asked, or the merchant was silent · legs:
    goods that have not come to their end · goods_turn: some of them wait for the merchant · windows: what it
    may appeal against, the last of them until `appeal_until`; a pause puts that off, which the case itself
    tells · appealed: the merchant did, in this round.
    """

    number: str
    merchant_id: str
    case_type: CaseType
    reason: str
    order_id: str
    stage: Stage
    filed_at: datetime
    addressed: tuple[UUID, ...] = ()
    duties: tuple[Duty, ...] = ()
    turn: Side | None = None
    asked: bool = False
    legs: tuple[Leg, ...] = ()
    goods_turn: bool = False
    decision: Decision | None = None
    windows: tuple[Window, ...] = ()
    appeal_until: datetime | None = None
    appealed: bool = False


MERCHANT_CASES = ReadModel(
    name="merchant_cases",
    version=1,
    row=MerchantCase,
    columns="""
        case_id uuid PRIMARY KEY,
        number text NOT NULL,
        merchant_id text NOT NULL,
        case_type text NOT NULL,
        reason text NOT NULL,
        order_id text NOT NULL,
        stage text NOT NULL,
        filed_at timestamptz NOT NULL,
        addressed uuid[] NOT NULL,
        duties jsonb NOT NULL,
        turn text,
        asked boolean NOT NULL,
        legs jsonb NOT NULL,
        goods_turn boolean NOT NULL,
        decision jsonb,
        windows jsonb NOT NULL,
        appeal_until timestamptz,
        appealed boolean NOT NULL
    """,
    indexes=("(merchant_id, filed_at, case_id)", "(merchant_id) WHERE duties <> '[]'"),
    ignored="""
        lease notes privacy BurdenShifted CaseCompensated CaseDeclined CaseLinked CaseVerified
        CompensationFailed CompensationInstructed CompensationOverpaid CompensationRecalled
        CompensationReversed DecisionApproved DecisionProposed EvidenceAccepted EvidenceChallenged
        EvidenceDiscarded EvidenceLapsed EvidenceStaged EvidenceSubmitted EvidenceWithdrawn
        FollowUpAttempted FollowUpCompleted FollowUpExhausted GoodwillGranted InspectionOrdered
        InspectionReported PenaltyAdjusted PenaltyExpired PromiseBroken PromiseKept ProposalVoided
        RectificationAccepted RectificationLapsed RectificationOrdered RectificationWaived
        SuspensionConfirmed WarrantyExtended WarrantyRestarted WarrantyStarted
    """,
)


@MERCHANT_CASES.folds(CaseFiled)
def _filed(rows: Rows[MerchantCase], fact: CaseFiled) -> Rows[MerchantCase]:
    row = MerchantCase(
        case_id=fact.originator_id,
        number=fact.number,
        merchant_id=fact.merchant_id,
        case_type=fact.case_type,
        reason=fact.reason,
        order_id=fact.order.order_id,
        stage=STAGE_AFTER[CaseFiled],
        filed_at=fact.timestamp,
    )
    return put(rows, row)


@MERCHANT_CASES.folds(CaseClassified)
def _classified(rows: Rows[MerchantCase], fact: CaseClassified) -> Rows[MerchantCase]:
    return changed(rows, fact.originator_id, reason=fact.reason)


@MERCHANT_CASES.folds(
    PlatformSteppedIn,
    FollowUpScheduled,
    CaseClosed,
    CaseWithdrawn,
    CaseExpired,
    CaseSuspended,
    CaseResumed,
    CaseMerged,
    AppealWithdrawn,
    DecisionUpheld,
)
def _moved(rows: Rows[MerchantCase], fact: Moving) -> Rows[MerchantCase]:
    return changed(rows, fact.originator_id, stage=stage_after(fact))


# --- what is decided ----------------------------------------------------------------------------------


@MERCHANT_CASES.folds(DecisionIssued)
def _decided(rows: Rows[MerchantCase], fact: DecisionIssued) -> Rows[MerchantCase]:
    decision = Decision(fact.decision_id, fact.clauses, fact.timestamp, fact.appeal_until)
    rows = _granted(rows, fact, fact.remedies)
    rows = _last_decision(rows, fact.originator_id, fact.decision_id, fact.appeal_until)
    return changed(rows, fact.originator_id, decision=decision, appealed=False)


@MERCHANT_CASES.folds(DecisionVaried)
def _varied(rows: Rows[MerchantCase], fact: DecisionVaried) -> Rows[MerchantCase]:
    """A penalty or a recovery that is varied leaves the decision as it is."""
    rows = _granted(rows, fact, fact.added, fact.cancelled)
    stands = rows[fact.originator_id].decision
    if stands is None or fact.appeal_until is None:
        return rows
    stands = msgspec.structs.replace(stands, clauses=fact.clauses, appeal_until=fact.appeal_until)
    rows = _last_decision(rows, fact.originator_id, stands.decision_id, fact.appeal_until)
    return changed(rows, fact.originator_id, decision=stands)


def _last_decision(
    rows: Rows[MerchantCase], case_id: UUID, decision_id: UUID | None, until: datetime | None
) -> Rows[MerchantCase]:
    """Only the last decision can be appealed against."""
    windows = [one for one in rows[case_id].windows if one.against is not AppealAgainst.DECISION]
    if decision_id and until:
        windows.append(Window(decision_id, AppealAgainst.DECISION, until))
    return _open_to_appeal(rows, case_id, windows)


@MERCHANT_CASES.folds(OfferAccepted)
def _agreed(rows: Rows[MerchantCase], fact: OfferAccepted) -> Rows[MerchantCase]:
    return _granted(rows, fact, fact.remedies)


def _granted(
    rows: Rows[MerchantCase],
    fact: DecisionIssued | DecisionVaried | OfferAccepted,
    remedies: tuple[Remedy, ...],
    cancelled: tuple[UUID, ...] = (),
) -> Rows[MerchantCase]:
    row = rows[fact.originator_id]
    new = [Leg(one.remedy_id, one.kind) for one in remedies if one.kind in GOODS_KINDS]
    out = [leg.goods_id for leg in new if leg.kind not in INBOUND_KINDS]
    rows = _moving(rows, row.case_id, *new, gone=cancelled)
    return changed(rows, row.case_id, stage=stage_after(fact), addressed=_with(row.addressed, *out))


@MERCHANT_CASES.folds(PenaltyAssessed)
def _penalised(rows: Rows[MerchantCase], fact: PenaltyAssessed) -> Rows[MerchantCase]:
    if fact.appeal_until is None:
        return rows
    window = Window(fact.penalty_id, AppealAgainst.PENALTY, fact.appeal_until)
    return _windowed(rows, fact.originator_id, window)


@MERCHANT_CASES.folds(RecoveryOpened)
def _asked_back(rows: Rows[MerchantCase], fact: RecoveryOpened) -> Rows[MerchantCase]:
    if fact.debtor is not LiableParty.MERCHANT or fact.appeal_until is None:
        return rows
    missing = fact.amount.amount_minor
    window = Window(fact.recovery_id, AppealAgainst.RECOVERY, fact.appeal_until, missing)
    return _windowed(rows, fact.originator_id, window)


@MERCHANT_CASES.folds(PenaltyReversed)
def _no_penalty(rows: Rows[MerchantCase], fact: PenaltyReversed) -> Rows[MerchantCase]:
    return _nothing_left(rows, fact.originator_id, fact.penalty_id)


@MERCHANT_CASES.folds(RecoveryWrittenOff)
def _given_up(rows: Rows[MerchantCase], fact: RecoveryWrittenOff) -> Rows[MerchantCase]:
    return _nothing_left(rows, fact.originator_id, fact.recovery_id)


@MERCHANT_CASES.folds(RecoveryRecorded, RecoveryReduced)
def _recovered(rows: Rows[MerchantCase], fact: RecoveryRecorded | RecoveryReduced) -> Rows[MerchantCase]:
    """Against what nobody asks for any more nobody appeals."""
    known = {one.subject: one for one in rows[fact.originator_id].windows}
    window = known.get(fact.recovery_id)
    if window is None or fact.originator_version <= window.counted:
        return rows
    missing = window.missing - fact.amount.amount_minor
    if missing <= 0:
        return _nothing_left(rows, fact.originator_id, fact.recovery_id)
    less = msgspec.structs.replace(window, missing=missing, counted=fact.originator_version)
    return _windowed(rows, fact.originator_id, less)


def _windowed(rows: Rows[MerchantCase], case_id: UUID, window: Window) -> Rows[MerchantCase]:
    others = [one for one in rows[case_id].windows if one.subject != window.subject]
    return _open_to_appeal(rows, case_id, [*others, window])


def _nothing_left(rows: Rows[MerchantCase], case_id: UUID, subject: UUID) -> Rows[MerchantCase]:
    return _open_to_appeal(rows, case_id, [one for one in rows[case_id].windows if one.subject != subject])


def _open_to_appeal(rows: Rows[MerchantCase], case_id: UUID, windows: list[Window]) -> Rows[MerchantCase]:
    until = max((one.until for one in windows), default=None)
    return changed(rows, case_id, windows=tuple(windows), appeal_until=until)


@MERCHANT_CASES.folds(AppealFiled)
def _appealed(rows: Rows[MerchantCase], fact: AppealFiled) -> Rows[MerchantCase]:
    row = rows[fact.originator_id]
    appealed = row.appealed or fact.party is Side.MERCHANT
    return changed(rows, row.case_id, stage=stage_after(fact), appealed=appealed)


@MERCHANT_CASES.folds(CaseReopened)
def _reopened(rows: Rows[MerchantCase], fact: CaseReopened) -> Rows[MerchantCase]:
    """A decision that was overturned stands no more."""
    rows = changed(rows, fact.originator_id, stage=stage_after(fact), appealed=False)
    return _fell(rows, fact.originator_id) if fact.ground is ReopenGround.OVERTURNED else rows


@MERCHANT_CASES.folds(HumanReviewDemanded)
def _reviewed_anew(rows: Rows[MerchantCase], fact: HumanReviewDemanded) -> Rows[MerchantCase]:
    """The system's decision stands no more."""
    rows = _moving(rows, fact.originator_id, gone=fact.cancelled)
    rows = changed(rows, fact.originator_id, stage=stage_after(fact), appealed=False)
    return _fell(rows, fact.originator_id)


def _fell(rows: Rows[MerchantCase], case_id: UUID) -> Rows[MerchantCase]:
    return changed(_last_decision(rows, case_id, None, None), case_id, decision=None)


# --- goods --------------------------------------------------------------------------------------------


@MERCHANT_CASES.folds(ReturnAuthorised)
def _authorised(rows: Rows[MerchantCase], fact: ReturnAuthorised) -> Rows[MerchantCase]:
    known = _legs(rows, fact.originator_id)[fact.goods_id]
    return _moving(rows, fact.originator_id, msgspec.structs.replace(known, authorised=True))


REACHED: Mapping[type[Fact], GoodsState] = {
    GoodsShipped: GoodsState.IN_TRANSIT,
    GoodsRefused: GoodsState.REFUSED,
    GoodsReceived: GoodsState.RECEIVED,
    GoodsInspected: GoodsState.INSPECTED,
    RepairStarted: GoodsState.IN_REPAIR,
}


@MERCHANT_CASES.folds(GoodsShipped, GoodsRefused, GoodsReceived, GoodsInspected, RepairStarted)
def _moved_goods(
    rows: Rows[MerchantCase],
    fact: GoodsShipped | GoodsRefused | GoodsReceived | GoodsInspected | RepairStarted,
) -> Rows[MerchantCase]:
    return _reached(rows, fact.originator_id, fact.goods_id, REACHED[type(fact)])


@MERCHANT_CASES.folds(RepairCompleted)
def _repaired(rows: Rows[MerchantCase], fact: RepairCompleted) -> Rows[MerchantCase]:
    done = fact.outcome is RepairOutcome.REPAIRED
    state = GoodsState.REPAIRED if done else GoodsState.REPAIR_FAILED
    return _reached(rows, fact.originator_id, fact.goods_id, state)


def _reached(
    rows: Rows[MerchantCase], case_id: UUID, goods_id: UUID, state: GoodsState
) -> Rows[MerchantCase]:
    known = _legs(rows, case_id)[goods_id]
    return _moving(rows, case_id, msgspec.structs.replace(known, state=state))


@MERCHANT_CASES.folds(ExchangeOpened)
def _exchanged(rows: Rows[MerchantCase], fact: ExchangeOpened) -> Rows[MerchantCase]:
    legs = [Leg(fact.replacement_id, RemedyKind.REPLACEMENT)]
    if fact.return_id:
        legs.append(Leg(fact.return_id, RemedyKind.RETURN))
    rows = _addressed(rows, fact.originator_id, fact.replacement_id)
    return _moving(rows, fact.originator_id, *legs, gone=(fact.goods_id,))


@MERCHANT_CASES.folds(GoodsAccepted, GoodsRejected, GoodsLost)
def _settled(rows: Rows[MerchantCase], fact: GoodsAccepted | GoodsRejected | GoodsLost) -> Rows[MerchantCase]:
    return _moving(rows, fact.originator_id, gone=(fact.goods_id,))


@MERCHANT_CASES.folds(GoodsLapsed)
def _lapsed(rows: Rows[MerchantCase], fact: GoodsLapsed) -> Rows[MerchantCase]:
    return _moving(rows, fact.originator_id, gone=(fact.goods_id, *fact.cancelled))


@MERCHANT_CASES.folds(ExecutionFailed, DecisionOverturned)
def _fallen(rows: Rows[MerchantCase], fact: ExecutionFailed | DecisionOverturned) -> Rows[MerchantCase]:
    rows = _moving(rows, fact.originator_id, gone=fact.cancelled)
    return changed(rows, fact.originator_id, stage=stage_after(fact))


def _legs(rows: Rows[MerchantCase], case_id: UUID) -> dict[UUID, Leg]:
    return {leg.goods_id: leg for leg in rows[case_id].legs}


def _moving(
    rows: Rows[MerchantCase], case_id: UUID, *legs: Leg, gone: tuple[UUID, ...] = ()
) -> Rows[MerchantCase]:
    """With legs as they now are, and without those that came to their end.

    What replaces other goods is to be sent when those are back.
    """
    known = _legs(rows, case_id) | {leg.goods_id: leg for leg in legs}
    left = tuple(leg for goods_id, leg in known.items() if goods_id not in gone)
    returning = any(leg.kind is RemedyKind.RETURN for leg in left)
    turn = any(
        leg.waits_for_the_merchant and not (returning and leg.kind not in INBOUND_KINDS and leg.idle)
        for leg in left
    )
    return changed(rows, case_id, legs=left, goods_turn=turn)


# --- what is to be done -------------------------------------------------------------------------------


@MERCHANT_CASES.folds(NoticeDelivered)
def _notified(rows: Rows[MerchantCase], fact: NoticeDelivered) -> Rows[MerchantCase]:
    stage = stage_after(fact)
    return changed(rows, fact.originator_id, stage=stage, turn=Side.MERCHANT, asked=False)


@MERCHANT_CASES.folds(MerchantAnswered)
def _answered(rows: Rows[MerchantCase], fact: MerchantAnswered) -> Rows[MerchantCase]:
    return changed(rows, fact.originator_id, turn=Side.BUYER)


@MERCHANT_CASES.folds(MerchantDefaulted, CaseEscalated)
def _asked_the_platform(
    rows: Rows[MerchantCase], fact: MerchantDefaulted | CaseEscalated
) -> Rows[MerchantCase]:
    return changed(rows, fact.originator_id, asked=True)


@MERCHANT_CASES.folds(OfferDeclined, OfferLapsed)
def _turned_down(rows: Rows[MerchantCase], fact: OfferDeclined | OfferLapsed) -> Rows[MerchantCase]:
    return changed(rows, fact.originator_id, turn=fact.party.other)


@MERCHANT_CASES.folds(OfferMade)
def _offered(rows: Rows[MerchantCase], fact: OfferMade) -> Rows[MerchantCase]:
    rows = changed(rows, fact.originator_id, turn=fact.party.other)
    own = fact.party is Side.MERCHANT
    return rows if own else _addressed(rows, fact.originator_id, fact.offer_id)


@MERCHANT_CASES.folds(EvidenceRequested)
def _asked(rows: Rows[MerchantCase], fact: EvidenceRequested) -> Rows[MerchantCase]:
    own = fact.party is Side.MERCHANT
    return _addressed(rows, fact.originator_id, fact.request_id) if own else rows


@MERCHANT_CASES.folds(PromiseMade)
def _promised(rows: Rows[MerchantCase], fact: PromiseMade) -> Rows[MerchantCase]:
    own = fact.party is Party.MERCHANT
    return _addressed(rows, fact.originator_id, fact.promise_id) if own else rows


def _addressed(rows: Rows[MerchantCase], case_id: UUID, subject: UUID) -> Rows[MerchantCase]:
    return changed(rows, case_id, addressed=_with(rows[case_id].addressed, subject))


def _with(ids: tuple[UUID, ...], *more: UUID) -> tuple[UUID, ...]:
    return tuple(dict.fromkeys((*ids, *more)))


@MERCHANT_CASES.folds(ClockStarted)
def _started(rows: Rows[MerchantCase], fact: ClockStarted) -> Rows[MerchantCase]:
    row = rows[fact.originator_id]
    own = fact.kind in ALWAYS_ITS_OWN or (fact.kind in IF_ADDRESSED and fact.subject in row.addressed)
    if not own:
        return rows
    duty = Duty(fact.clock_id, fact.kind, fact.subject, fact.due)
    return changed(rows, row.case_id, duties=(*_without(row.duties, fact.clock_id), duty))


@MERCHANT_CASES.folds(ClockSatisfied, ClockCancelled, ClockMissed)
def _ended(
    rows: Rows[MerchantCase], fact: ClockSatisfied | ClockCancelled | ClockMissed
) -> Rows[MerchantCase]:
    row = rows[fact.originator_id]
    return changed(rows, row.case_id, duties=_without(row.duties, fact.clock_id))


@MERCHANT_CASES.folds(ClockPaused)
def _paused(rows: Rows[MerchantCase], fact: ClockPaused) -> Rows[MerchantCase]:
    return _timed(rows, fact.originator_id, fact.clock_id, None)


@MERCHANT_CASES.folds(ClockResumed)
def _resumed(rows: Rows[MerchantCase], fact: ClockResumed) -> Rows[MerchantCase]:
    return _timed(rows, fact.originator_id, fact.clock_id, fact.due)


def _timed(
    rows: Rows[MerchantCase], case_id: UUID, clock_id: UUID, due: datetime | None
) -> Rows[MerchantCase]:
    duties = rows[case_id].duties
    timed = tuple(
        msgspec.structs.replace(one, due=due) if one.clock_id == clock_id else one for one in duties
    )
    return changed(rows, case_id, duties=timed)


@MERCHANT_CASES.folds(RectificationSubmitted, RectificationRejected)
def _rectified(
    rows: Rows[MerchantCase], fact: RectificationSubmitted | RectificationRejected
) -> Rows[MerchantCase]:
    """What was submitted waits for its verdict."""
    done = isinstance(fact, RectificationSubmitted)
    duties = tuple(
        msgspec.structs.replace(one, done=done) if one.subject == fact.rectification_id else one
        for one in rows[fact.originator_id].duties
    )
    return changed(rows, fact.originator_id, duties=duties)


def _without(duties: tuple[Duty, ...], clock_id: UUID) -> tuple[Duty, ...]:
    return tuple(one for one in duties if one.clock_id != clock_id)


# --- queries ------------------------------------------------------------------------------------------

_APPEALABLE = """coalesce(NOT appealed AND appeal_until > %(at)s
    AND stage IN ('executing', 'following_up', 'closed', 'expired'), false)"""

_TURN = "CASE WHEN stage = 'negotiating' AND NOT asked THEN turn END"

_STATE = f"""CASE
    WHEN stage <> 'suspended' AND (
        jsonb_path_exists(
            duties, '$[*] ? (@.done == false && @.due != null && !(@.kind starts with "goods"))')
        OR {_TURN} = 'merchant' OR (stage = 'executing' AND goods_turn)
    ) THEN 'action_required'
    WHEN stage IN ('filed', 'in_review', 'appealed') OR (stage = 'negotiating' AND {_TURN} IS NULL)
        THEN 'under_review'
    WHEN {_APPEALABLE} THEN 'appealable'
    WHEN stage IN ('following_up', 'closed', 'withdrawn', 'expired', 'merged') THEN 'resolved'
    ELSE 'waiting_for_other'
END"""

_DUTY = """json_build_object(
    'kind', duty->>'kind', 'subject_id', duty->>'subject', 'due', rfc3339((duty->>'due')::timestamptz),
    'overdue', coalesce((duty->>'due')::timestamptz < %(at)s, false))"""

_DUTIES = "jsonb_array_elements(duties) AS duty WHERE NOT (duty->>'done')::boolean"

_DECISION = f"""json_build_object(
    'decision_id', decision->>'decision_id', 'clauses', decision->'clauses',
    'decided_at', rfc3339((decision->>'decided_at')::timestamptz),
    'appeal_until', rfc3339((decision->>'appeal_until')::timestamptz),
    'appealable', {_APPEALABLE} AND coalesce((decision->>'appeal_until')::timestamptz > %(at)s, false))"""

_TO_DO_HERE = f"""(
    SELECT coalesce(json_agg({_DUTY} ORDER BY duty->>'due', duty->>'clock_id'), '[]') FROM {_DUTIES})
"""  # noqa: S608  # made of constants

LISTING = Listing(
    table=MERCHANT_CASES.table,
    item={
        "case_id": "case_id",
        "number": "number",
        "case_type": "case_type",
        "reason": "reason",
        "order_id": "order_id",
        "stage": "stage",
        "state": _STATE,
        "to_do": _TO_DO_HERE,
        "decision": f"CASE WHEN decision IS NOT NULL THEN {_DECISION} END",
        "filed_at": "rfc3339(filed_at)",
    },
    time="filed_at",
    id="case_id",
    descending=True,
)


def page(
    connection: Connection[Any],
    merchant_id: str,
    *,
    at: datetime,
    state: str | None = None,
    stage: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> bytes:
    """One page of a merchant's cases, the newest first, as JSON text of the API's shape.

    `state` is what the case is for the merchant at that instant. Raises BadCursor and BadLimit.
    """
    return page_of(
        connection,
        LISTING,
        equal={"merchant_id": merchant_id, "stage": stage},
        where=[] if state is None else [f"{_STATE} = %(state)s"],
        values={"at": at, "state": state},
        limit=limit,
        cursor=cursor,
    )


def to_do(connection: Connection[Any], merchant_id: str, *, at: datetime) -> bytes:
    """What the merchant must do over all its cases, the earliest due first, as a JSON array (200 at most)."""
    return _text(connection, _TO_DO, {"merchant_id": merchant_id, "at": at})


def decisions(connection: Connection[Any], merchant_id: str, *, at: datetime) -> bytes:
    """The last decisions against or for the merchant, those first that it may appeal, as a JSON array."""
    return _text(connection, _DECISIONS, {"merchant_id": merchant_id, "at": at})


def counts(connection: Connection[Any], merchant_id: str, *, at: datetime) -> bytes:
    """How many of the merchant's cases are in which state for it, as a JSON object with every state."""
    return _text(connection, _COUNTS, {"merchant_id": merchant_id, "at": at})


def _text(connection: Connection[Any], statement: str, values: dict[str, object]) -> bytes:
    with connection.cursor(row_factory=scalar_row) as cursor:
        cursor.execute(statement.encode(), values)
        return str(cursor.fetchall()[0]).encode()


MOST_DECISIONS = 50

_TO_DO = f"""
    SELECT coalesce(json_agg(shown ORDER BY due, clock_id), '[]')::text FROM (
        SELECT {_DUTY}::jsonb || jsonb_build_object('case_id', case_id, 'number', number) AS shown,
               duty->>'due' AS due, duty->>'clock_id' AS clock_id
        FROM {MERCHANT_CASES.table} CROSS JOIN LATERAL {_DUTIES} AND merchant_id = %(merchant_id)s
            AND duties <> '[]'
        ORDER BY duty->>'due', duty->>'clock_id' LIMIT {LARGEST_LIMIT}
    ) AS listed
"""  # noqa: S608  # made of constants

_DECISIONS = f"""
    SELECT coalesce(json_agg(shown ORDER BY appealable DESC, decided_at DESC), '[]')::text FROM (
        SELECT {_DECISION}::jsonb || jsonb_build_object('case_id', case_id, 'number', number) AS shown,
               {_APPEALABLE} AS appealable, (decision->>'decided_at')::timestamptz AS decided_at
        FROM {MERCHANT_CASES.table} WHERE merchant_id = %(merchant_id)s AND decision IS NOT NULL
        ORDER BY appealable DESC, decided_at DESC LIMIT {MOST_DECISIONS}
    ) AS listed
"""  # noqa: S608  # made of constants

_EACH = ", ".join(f"'{state}', count(*) FILTER (WHERE state = '{state}')" for state in ViewerState)

_COUNTS = f"""
    WITH own AS (
        SELECT {_STATE} AS state FROM {MERCHANT_CASES.table} WHERE merchant_id = %(merchant_id)s
    )
    SELECT json_build_object({_EACH})::text FROM own
"""  # noqa: S608  # made of constants
