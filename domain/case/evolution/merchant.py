"""What the case asks of the merchant."""

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from domain import events
from domain.case.appeal import Ruling
from domain.case.evolution.fold import evolve
from domain.case.merchant import Penalty, Rectification
from domain.values import AppealAgainst, PenaltyState, RectificationState, Side

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.PenaltyAssessed)
def _(fact: events.PenaltyAssessed, case: "CaseState") -> None:
    penalty = Penalty(fact.penalty_id, fact.decision_id, fact.points, fact.fine, fact.clause, fact.by)
    case.penalties = case.penalties | {fact.penalty_id: penalty}
    case.appeals = case.appeals.ruled(
        Ruling(
            fact.penalty_id,
            AppealAgainst.PENALTY,
            case.appeals.bench | ({fact.by} if fact.by else set()),
            Side.MERCHANT,
            fact.originator_version,
            fact.timestamp,
            fact.appeal_until,
        )
    )


@evolve.register(events.PenaltyAdjusted)
def _(fact: events.PenaltyAdjusted, case: "CaseState") -> None:
    penalty = case.penalties[fact.penalty_id]
    adjusted = replace(penalty, points=fact.points, fine=fact.fine)
    case.penalties = case.penalties | {fact.penalty_id: adjusted}


@evolve.register(events.PenaltyExpired)
def _(fact: events.PenaltyExpired, case: "CaseState") -> None:
    _penalty(case, fact.penalty_id, PenaltyState.EXPIRED)


@evolve.register(events.PenaltyReversed)
def _(fact: events.PenaltyReversed, case: "CaseState") -> None:
    _penalty(case, fact.penalty_id, PenaltyState.REVERSED)
    case.appeals = case.appeals.without(fact.penalty_id)


def _penalty(case: "CaseState", penalty_id: UUID, state: PenaltyState) -> None:
    case.penalties = case.penalties | {penalty_id: replace(case.penalties[penalty_id], state=state)}


@evolve.register(events.RectificationOrdered)
def _(fact: events.RectificationOrdered, case: "CaseState") -> None:
    ground = case.decision.decision_id if case.decision else None
    case.rectification = Rectification(fact.rectification_id, fact.due, ground)


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
