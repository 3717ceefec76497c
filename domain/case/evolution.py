"""How each fact changes what the case remembers. Assignment only: no rule, no clock, no refusal.

Facts that change nothing that a later decision needs are listed at the end, so that none is forgotten.
"""

from dataclasses import replace
from functools import singledispatch
from typing import TYPE_CHECKING

from domain import events
from domain.case.clocks import Running
from domain.case.follow_up import FollowUp
from domain.case.lease import Lease
from domain.case.merchant import Penalty, Rectification
from domain.values import (
    GOODS_KINDS,
    CompensationState,
    FollowUpState,
    GoodsState,
    RectificationState,
    Stage,
)

if TYPE_CHECKING:
    from domain.case.state import CaseState


@singledispatch
def evolve(fact: events.Fact, case: "CaseState") -> None:
    """Fold one fact into the case; a fact without an evolution of its own is a programming error."""
    raise TypeError(f"{type(fact).__name__} has no evolution")


@evolve.register(events.CaseFiled)
def _(fact: events.CaseFiled, case: "CaseState") -> None:
    case.filing = fact
    case.stage = Stage.FILED
    case.round = 1


@evolve.register(events.CaseClaimed)
def _(fact: events.CaseClaimed, case: "CaseState") -> None:
    case.lease = Lease(fact.holder, fact.role, fact.token, fact.expires_at)


@evolve.register(events.LeaseRenewed)
def _(fact: events.LeaseRenewed, case: "CaseState") -> None:
    if case.lease:
        case.lease = replace(case.lease, token=fact.token, expires_at=fact.expires_at)


@evolve.register(events.CaseReleased)
def _(fact: events.CaseReleased, case: "CaseState") -> None:
    case.lease = None


@evolve.register(events.PlatformSteppedIn)
def _(fact: events.PlatformSteppedIn, case: "CaseState") -> None:
    case.stage = Stage.IN_REVIEW


@evolve.register(events.EvidenceSubmitted)
def _(fact: events.EvidenceSubmitted, case: "CaseState") -> None:
    case.evidence = case.evidence | {fact.evidence_id}


@evolve.register(events.CaseVerified)
def _(fact: events.CaseVerified, case: "CaseState") -> None:
    case.verification = fact


@evolve.register(events.DecisionIssued)
def _(fact: events.DecisionIssued, case: "CaseState") -> None:
    case.decision = fact
    case.stage = Stage.EXECUTING
    case.money = case.money.granted([one for one in fact.remedies if one.kind not in GOODS_KINDS])
    case.goods = case.goods.granted([one for one in fact.remedies if one.kind in GOODS_KINDS])


@evolve.register(events.CompensationInstructed)
def _(fact: events.CompensationInstructed, case: "CaseState") -> None:
    case.money = case.money.instructed(fact.compensation_id, fact.attempt, fact.payer)


@evolve.register(events.CaseCompensated)
def _(fact: events.CaseCompensated, case: "CaseState") -> None:
    case.money = case.money.reported(
        fact.compensation_id, CompensationState.PAID, fact.reference, fact.originator_version
    )


@evolve.register(events.CompensationFailed)
def _(fact: events.CompensationFailed, case: "CaseState") -> None:
    case.money = case.money.reported(
        fact.compensation_id, CompensationState.FAILED, fact.reference, fact.originator_version
    )


@evolve.register(events.GoodsShipped)
def _(fact: events.GoodsShipped, case: "CaseState") -> None:
    case.goods = case.goods.moved(
        fact.goods_id, GoodsState.IN_TRANSIT, fact.reference, fact.originator_version
    )


@evolve.register(events.GoodsReceived)
def _(fact: events.GoodsReceived, case: "CaseState") -> None:
    case.goods = case.goods.moved(fact.goods_id, GoodsState.RECEIVED, fact.reference, fact.originator_version)


@evolve.register(events.GoodsAccepted)
def _(fact: events.GoodsAccepted, case: "CaseState") -> None:
    case.goods = case.goods.moved(fact.goods_id, GoodsState.ACCEPTED, fact.reference, fact.originator_version)


@evolve.register(events.PenaltyAssessed)
def _(fact: events.PenaltyAssessed, case: "CaseState") -> None:
    penalty = Penalty(fact.penalty_id, fact.points, fact.fine, fact.clause)
    case.penalties = case.penalties | {fact.penalty_id: penalty}


@evolve.register(events.PenaltyExpired)
def _(fact: events.PenaltyExpired, case: "CaseState") -> None:
    case.penalties = case.penalties | {fact.penalty_id: case.penalties[fact.penalty_id].expired()}


@evolve.register(events.RectificationOrdered)
def _(fact: events.RectificationOrdered, case: "CaseState") -> None:
    case.rectification = Rectification(fact.rectification_id, fact.due)


@evolve.register(events.RectificationSubmitted)
def _(fact: events.RectificationSubmitted, case: "CaseState") -> None:
    _rectification(case, RectificationState.SUBMITTED)


@evolve.register(events.RectificationAccepted)
def _(fact: events.RectificationAccepted, case: "CaseState") -> None:
    _rectification(case, RectificationState.ACCEPTED)


@evolve.register(events.RectificationRejected)
def _(fact: events.RectificationRejected, case: "CaseState") -> None:
    _rectification(case, RectificationState.REJECTED)


@evolve.register(events.RectificationWaived)
def _(fact: events.RectificationWaived, case: "CaseState") -> None:
    _rectification(case, RectificationState.WAIVED)


@evolve.register(events.RectificationLapsed)
def _(fact: events.RectificationLapsed, case: "CaseState") -> None:
    _rectification(case, RectificationState.LAPSED)


def _rectification(case: "CaseState", state: RectificationState) -> None:
    if case.rectification:
        case.rectification = case.rectification.now(state)


@evolve.register(events.FollowUpScheduled)
def _(fact: events.FollowUpScheduled, case: "CaseState") -> None:
    case.follow_ups = case.follow_ups.put(FollowUp(fact.follow_up_id, fact.due, fact.max_attempts))
    case.stage = Stage.FOLLOWING_UP


@evolve.register(events.FollowUpAttempted)
def _(fact: events.FollowUpAttempted, case: "CaseState") -> None:
    case.follow_ups = case.follow_ups.put(case.follow_ups.all[fact.follow_up_id].tried(fact.outcome))


@evolve.register(events.FollowUpCompleted)
def _(fact: events.FollowUpCompleted, case: "CaseState") -> None:
    done = replace(case.follow_ups.all[fact.follow_up_id], state=FollowUpState.DONE, satisfied=fact.satisfied)
    case.follow_ups = case.follow_ups.put(done)


@evolve.register(events.FollowUpExhausted)
def _(fact: events.FollowUpExhausted, case: "CaseState") -> None:
    exhausted = replace(case.follow_ups.all[fact.follow_up_id], state=FollowUpState.EXHAUSTED)
    case.follow_ups = case.follow_ups.put(exhausted)


@evolve.register(events.CaseClosed)
def _(fact: events.CaseClosed, case: "CaseState") -> None:
    case.stage = Stage.CLOSED
    case.lease = None


@evolve.register(events.CaseWithdrawn)
def _(fact: events.CaseWithdrawn, case: "CaseState") -> None:
    case.stage = Stage.WITHDRAWN
    case.lease = None


@evolve.register(events.CaseReopened)
def _(fact: events.CaseReopened, case: "CaseState") -> None:
    case.stage = Stage.IN_REVIEW
    case.round = fact.round
    case.follow_ups = case.follow_ups.superseded()
    case.lease = None


@evolve.register(events.ClockStarted)
def _(fact: events.ClockStarted, case: "CaseState") -> None:
    case.clocks = case.clocks.started(Running(fact.clock_id, fact.kind, fact.subject, fact.due))


@evolve.register(events.ClockSatisfied)
@evolve.register(events.ClockCancelled)
@evolve.register(events.ClockMissed)
def _(fact: events.ClockSatisfied | events.ClockCancelled | events.ClockMissed, case: "CaseState") -> None:
    case.clocks = case.clocks.ended(fact.clock_id)


@evolve.register(events.NoteAdded)
@evolve.register(events.CaseDeclined)
def _(fact: events.Fact, case: "CaseState") -> None:
    """What is only told, not decided upon."""
