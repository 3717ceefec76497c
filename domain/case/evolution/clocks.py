"""Which clocks run."""

from typing import TYPE_CHECKING

from domain import events
from domain.case.clocks import Running
from domain.case.evolution.fold import evolve

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
