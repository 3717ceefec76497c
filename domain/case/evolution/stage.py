"""Facts that begin a case, move it as a whole, and end it."""

from dataclasses import replace
from typing import TYPE_CHECKING

from domain import events
from domain.case.evolution.fold import evolve
from domain.case.suspension import Suspension
from domain.values import ReopenGround, Stage

if TYPE_CHECKING:
    from domain.case.state import CaseState


_TAKING_NO_APPEAL = frozenset({Stage.IN_REVIEW, Stage.APPEALED})


@evolve.register(events.CaseFiled)
def _(fact: events.CaseFiled, case: "CaseState") -> None:
    case.filing = fact
    case.stage = Stage.FILED
    case.reason = fact.reason
    case.round = 1


@evolve.register(events.CaseWithdrawn)
def _(fact: events.CaseWithdrawn, case: "CaseState") -> None:
    case.stage = Stage.WITHDRAWN
    case.ended_at = fact.timestamp
    case.lease = None


@evolve.register(events.CaseClosed)
def _(fact: events.CaseClosed, case: "CaseState") -> None:
    case.stage = Stage.CLOSED
    case.closed_at = fact.timestamp
    case.ended_at = fact.timestamp
    case.lease = None
    case.appeals = case.appeals.resumed(fact.timestamp)


@evolve.register(events.CaseExpired)
def _(fact: events.CaseExpired, case: "CaseState") -> None:
    case.stage = Stage.EXPIRED
    case.closed_at = fact.timestamp
    case.ended_at = fact.timestamp
    case.lease = None


@evolve.register(events.CaseReopened)
def _(fact: events.CaseReopened, case: "CaseState") -> None:
    case.stage = Stage.IN_REVIEW
    case.round = fact.round
    if fact.ground is ReopenGround.OVERTURNED:
        case.impartiality = case.impartiality.under_appeal()
    case.follow_ups = case.follow_ups.superseded()
    case.lease = None
    case.appeals = case.appeals.paused(fact.timestamp)


@evolve.register(events.ExecutionFailed)
def _(fact: events.ExecutionFailed, case: "CaseState") -> None:
    case.stage = Stage.IN_REVIEW
    case.round = fact.round
    case.goods = replace(case.goods.cancelled(fact.cancelled), failed=())
    case.appeals = case.appeals.paused(fact.timestamp)


@evolve.register(events.CaseClassified)
def _(fact: events.CaseClassified, case: "CaseState") -> None:
    case.reason = fact.reason


@evolve.register(events.CaseMerged)
def _(fact: events.CaseMerged, case: "CaseState") -> None:
    case.stage = Stage.MERGED
    case.ended_at = fact.timestamp
    case.lease = None


@evolve.register(events.CaseSuspended)
def _(fact: events.CaseSuspended, case: "CaseState") -> None:
    case.stage = Stage.SUSPENDED
    case.suspension = Suspension(fact.suspension_id, fact.ground, fact.resumes)
    case.lease = None
    case.appeals = case.appeals.paused(fact.timestamp)


@evolve.register(events.SuspensionConfirmed)
def _(fact: events.SuspensionConfirmed, case: "CaseState") -> None:
    if case.suspension:
        case.suspension = replace(case.suspension, confirmed=True)


@evolve.register(events.CaseResumed)
def _(fact: events.CaseResumed, case: "CaseState") -> None:
    case.stage = fact.resumes
    case.suspension = None
    if fact.resumes not in _TAKING_NO_APPEAL:
        case.appeals = case.appeals.resumed(fact.timestamp)


@evolve.register(events.CaseLinked)
def _(fact: events.CaseLinked, case: "CaseState") -> None:
    case.links = case.links | {(fact.other, fact.relation)}
