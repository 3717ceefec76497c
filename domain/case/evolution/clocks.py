"""Which clocks run."""

from dataclasses import replace
from typing import TYPE_CHECKING

from domain import events
from domain.case.clocks import Running
from domain.case.evolution.fold import evolve
from domain.values import ClockKind

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.ClockStarted)
def _(fact: events.ClockStarted, case: "CaseState") -> None:
    case.clocks = case.clocks.started(
        Running(fact.clock_id, fact.kind, fact.subject, fact.due, fact.calendar)
    )


@evolve.register(events.ClockSatisfied)
@evolve.register(events.ClockCancelled)
@evolve.register(events.ClockMissed)
def _(fact: events.ClockSatisfied | events.ClockCancelled | events.ClockMissed, case: "CaseState") -> None:
    case.clocks = case.clocks.ended(fact.clock_id)


@evolve.register(events.ClockPaused)
def _(fact: events.ClockPaused, case: "CaseState") -> None:
    case.clocks = case.clocks.halted(fact.clock_id, fact.seconds_left)


@evolve.register(events.ClockResumed)
def _(fact: events.ClockResumed, case: "CaseState") -> None:
    case.clocks = case.clocks.resumed(fact.clock_id, fact.due)
    _put_off(fact, case)


def _put_off(fact: events.ClockResumed, case: "CaseState") -> None:
    """What the clock runs for is due when the clock is."""
    subject, due = fact.subject, fact.due
    match fact.kind:
        case ClockKind.REPLY if case.negotiation:
            case.negotiation = case.negotiation.put_off(subject, due)
        case ClockKind.PROMISE:
            case.promises = case.promises.put(replace(case.promises.all[subject], due=due))
        case ClockKind.FOLLOW_UP:
            case.follow_ups = case.follow_ups.put(replace(case.follow_ups.all[subject], due=due))
        case ClockKind.RECTIFICATION if case.rectification:
            case.rectification = replace(case.rectification, due=due)
        case ClockKind.EVIDENCE:
            case.evidence = case.evidence.asked(replace(case.evidence.requests[subject], due=due))
        case ClockKind.INSPECTION:
            case.evidence = case.evidence.inspected(replace(case.evidence.inspections[subject], due=due))
        case ClockKind.APPEAL:
            case.appeals = case.appeals.put(replace(case.appeals.all[subject], due=due))
        case ClockKind.GOODS_SHIPMENT if case.goods.legs[subject].ship_by:
            case.goods = case.goods.put(replace(case.goods.legs[subject], ship_by=due))
        case _:
            pass
