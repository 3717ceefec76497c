"""What the case asks of the merchant."""

from typing import TYPE_CHECKING

from domain import events
from domain.case.evolution.fold import evolve
from domain.case.merchant import Penalty, Rectification
from domain.values import RectificationState

if TYPE_CHECKING:
    from domain.case.state import CaseState


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
