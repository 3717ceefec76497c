"""A merchant's cases: what it must do by when, what was decided and until when it may appeal.

Queries: `page`, `to_do`, `decisions`, `counts`.
"""

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
    FollowUpScheduled,
    GoodsAccepted,
    GoodsLapsed,
    GoodsLost,
    GoodsRejected,
    GoodsShipped,
    HumanReviewDemanded,
    NoticeDelivered,
    OfferAccepted,
    OfferMade,
    PenaltyAssessed,
    PlatformSteppedIn,
    PromiseMade,
    RectificationRejected,
    RectificationSubmitted,
    RepairStarted,
)
from domain.values import (
    GOODS_KINDS,
    INBOUND_KINDS,
    CaseType,
    ClockKind,
    EvidenceParty,
    Remedy,
    ReopenGround,
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


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What was decided last."""

    decision_id: UUID
    clauses: tuple[str, ...]
    decided_at: datetime
    appeal_until: datetime | None


class MerchantCase(CaseRow, frozen=True, kw_only=True):
    """A case as its merchant sees it.

    addressed: the offers, requests, promises and goods that are the merchant's to deal with · inbound: goods
    that the buyer sends in · goods: those that are the merchant's turn to move · appeal_until: of the last
    window of its own; a pause puts it off, which the case itself tells · appealed: in this round.
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
    inbound: tuple[UUID, ...] = ()
    goods: tuple[UUID, ...] = ()
    decision: Decision | None = None
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
        inbound uuid[] NOT NULL,
        goods uuid[] NOT NULL,
        decision jsonb,
        appeal_until timestamptz,
        appealed boolean NOT NULL
    """,
    indexes=("(merchant_id, filed_at, case_id)", "(merchant_id) WHERE duties <> '[]'"),
    ignored="""
        lease money notes BurdenShifted CaseDeclined CaseEscalated CaseLinked CaseVerified DecisionApproved
        DecisionProposed EvidenceAccepted EvidenceChallenged EvidenceDiscarded EvidenceLapsed EvidenceStaged
        EvidenceSubmitted EvidenceWithdrawn FollowUpAttempted FollowUpCompleted FollowUpExhausted
        GoodsInspected GoodsReceived GoodsRefused InspectionOrdered InspectionReported MerchantAnswered
        MerchantDefaulted OfferDeclined OfferLapsed PenaltyAdjusted PenaltyExpired PenaltyReversed
        PromiseBroken PromiseKept ProposalVoided RectificationAccepted RectificationLapsed
        RectificationOrdered RectificationWaived RepairCompleted ReturnAuthorised SuspensionConfirmed
        WarrantyExtended WarrantyRestarted WarrantyStarted
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
    NoticeDelivered,
    PlatformSteppedIn,
    FollowUpScheduled,
    CaseClosed,
    CaseWithdrawn,
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
    return changed(
        _appealable(rows, fact.originator_id, fact.appeal_until),
        fact.originator_id,
        decision=decision,
        appealed=False,
    )


@MERCHANT_CASES.folds(DecisionVaried)
def _varied(rows: Rows[MerchantCase], fact: DecisionVaried) -> Rows[MerchantCase]:
    """A penalty or a recovery that is varied leaves the decision as it is."""
    rows = _granted(rows, fact, fact.added, fact.cancelled)
    stands = rows[fact.originator_id].decision
    if stands is None or fact.appeal_until is None:
        return rows
    stands = msgspec.structs.replace(stands, clauses=fact.clauses, appeal_until=fact.appeal_until)
    rows = _appealable(rows, fact.originator_id, fact.appeal_until)
    return changed(rows, fact.originator_id, decision=stands)


@MERCHANT_CASES.folds(OfferAccepted)
def _agreed(rows: Rows[MerchantCase], fact: OfferAccepted) -> Rows[MerchantCase]:
    return _granted(rows, fact, fact.remedies)


def _granted(
    rows: Rows[MerchantCase],
    fact: DecisionIssued | DecisionVaried | OfferAccepted,
    remedies: tuple[Remedy, ...],
    cancelled: tuple[UUID, ...] = (),
) -> Rows[MerchantCase]:
    """What the merchant must send out is its turn; what the buyer sends in is so when it comes."""
    row = rows[fact.originator_id]
    legs = {one.remedy_id: one.kind for one in remedies if one.kind in GOODS_KINDS}
    out = [goods_id for goods_id, kind in legs.items() if kind not in INBOUND_KINDS]
    return changed(
        rows,
        row.case_id,
        stage=stage_after(fact),
        addressed=_with(row.addressed, *out),
        inbound=_with(row.inbound, *(goods_id for goods_id in legs if goods_id not in out)),
        goods=_less(_with(row.goods, *out), *cancelled),
    )


@MERCHANT_CASES.folds(PenaltyAssessed)
def _penalised(rows: Rows[MerchantCase], fact: PenaltyAssessed) -> Rows[MerchantCase]:
    return _appealable(rows, fact.originator_id, fact.appeal_until)


def _appealable(rows: Rows[MerchantCase], case_id: UUID, until: datetime | None) -> Rows[MerchantCase]:
    known = rows[case_id].appeal_until
    return rows if until is None else changed(rows, case_id, appeal_until=max(until, known or until))


@MERCHANT_CASES.folds(AppealFiled)
def _appealed(rows: Rows[MerchantCase], fact: AppealFiled) -> Rows[MerchantCase]:
    row = rows[fact.originator_id]
    appealed = row.appealed or fact.party is Side.MERCHANT
    return changed(rows, row.case_id, stage=stage_after(fact), appealed=appealed)


@MERCHANT_CASES.folds(CaseReopened)
def _reopened(rows: Rows[MerchantCase], fact: CaseReopened) -> Rows[MerchantCase]:
    """A decision that was overturned stands no more."""
    stage = stage_after(fact)
    if fact.ground is not ReopenGround.OVERTURNED:
        return changed(rows, fact.originator_id, stage=stage, appealed=False)
    return changed(rows, fact.originator_id, stage=stage, appealed=False, decision=None, appeal_until=None)


@MERCHANT_CASES.folds(HumanReviewDemanded)
def _reviewed_anew(rows: Rows[MerchantCase], fact: HumanReviewDemanded) -> Rows[MerchantCase]:
    """The system's decision stands no more."""
    rows = _no_turn(rows, fact.originator_id, *fact.cancelled)
    stage = stage_after(fact)
    return changed(rows, fact.originator_id, stage=stage, appealed=False, decision=None, appeal_until=None)


# --- goods --------------------------------------------------------------------------------------------


@MERCHANT_CASES.folds(GoodsShipped)
def _shipped(rows: Rows[MerchantCase], fact: GoodsShipped) -> Rows[MerchantCase]:
    """What has left is its receiver's turn."""
    row = rows[fact.originator_id]
    turn = _with if fact.goods_id in row.inbound else _less
    return changed(rows, row.case_id, goods=turn(row.goods, fact.goods_id))


@MERCHANT_CASES.folds(RepairStarted)
def _in_repair(rows: Rows[MerchantCase], fact: RepairStarted) -> Rows[MerchantCase]:
    row = rows[fact.originator_id]
    return changed(rows, row.case_id, goods=_with(row.goods, fact.goods_id))


@MERCHANT_CASES.folds(ExchangeOpened)
def _exchanged(rows: Rows[MerchantCase], fact: ExchangeOpened) -> Rows[MerchantCase]:
    row = rows[fact.originator_id]
    back = (fact.return_id,) if fact.return_id else ()
    return changed(
        rows,
        row.case_id,
        addressed=_with(row.addressed, fact.replacement_id),
        inbound=_with(row.inbound, *back),
        goods=_with(_less(row.goods, fact.goods_id), fact.replacement_id),
    )


@MERCHANT_CASES.folds(GoodsAccepted, GoodsRejected, GoodsLost)
def _settled(rows: Rows[MerchantCase], fact: GoodsAccepted | GoodsRejected | GoodsLost) -> Rows[MerchantCase]:
    return _no_turn(rows, fact.originator_id, fact.goods_id)


@MERCHANT_CASES.folds(GoodsLapsed)
def _lapsed(rows: Rows[MerchantCase], fact: GoodsLapsed) -> Rows[MerchantCase]:
    return _no_turn(rows, fact.originator_id, fact.goods_id, *fact.cancelled)


@MERCHANT_CASES.folds(ExecutionFailed, DecisionOverturned)
def _fallen(rows: Rows[MerchantCase], fact: ExecutionFailed | DecisionOverturned) -> Rows[MerchantCase]:
    rows = _no_turn(rows, fact.originator_id, *fact.cancelled)
    return changed(rows, fact.originator_id, stage=stage_after(fact))


def _no_turn(rows: Rows[MerchantCase], case_id: UUID, *goods: UUID) -> Rows[MerchantCase]:
    return changed(rows, case_id, goods=_less(rows[case_id].goods, *goods))


# --- what is to be done -------------------------------------------------------------------------------


@MERCHANT_CASES.folds(OfferMade)
def _offered(rows: Rows[MerchantCase], fact: OfferMade) -> Rows[MerchantCase]:
    own = fact.party is Side.MERCHANT
    return rows if own else _addressed(rows, fact.originator_id, fact.offer_id)


@MERCHANT_CASES.folds(EvidenceRequested)
def _asked(rows: Rows[MerchantCase], fact: EvidenceRequested) -> Rows[MerchantCase]:
    own = fact.party is Side.MERCHANT
    return _addressed(rows, fact.originator_id, fact.request_id) if own else rows


@MERCHANT_CASES.folds(PromiseMade)
def _promised(rows: Rows[MerchantCase], fact: PromiseMade) -> Rows[MerchantCase]:
    own = fact.party is EvidenceParty.MERCHANT
    return _addressed(rows, fact.originator_id, fact.promise_id) if own else rows


def _addressed(rows: Rows[MerchantCase], case_id: UUID, subject: UUID) -> Rows[MerchantCase]:
    return changed(rows, case_id, addressed=_with(rows[case_id].addressed, subject))


def _with(ids: tuple[UUID, ...], *more: UUID) -> tuple[UUID, ...]:
    return tuple(dict.fromkeys((*ids, *more)))


def _less(ids: tuple[UUID, ...], *gone: UUID) -> tuple[UUID, ...]:
    return tuple(one for one in ids if one not in gone)


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
    AND stage IN ('executing', 'following_up', 'closed'), false)"""

_STATE = f"""CASE
    WHEN jsonb_path_exists(duties, '$[*] ? (@.done == false && @.due != null)')
        OR (stage = 'executing' AND goods <> '{{}}') THEN 'action_required'
    WHEN stage IN ('filed', 'in_review', 'appealed') THEN 'under_review'
    WHEN {_APPEALABLE} THEN 'appealable'
    WHEN stage IN ('following_up', 'closed', 'withdrawn', 'merged') THEN 'resolved'
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
