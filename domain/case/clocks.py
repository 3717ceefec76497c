"""The clocks that run on the case; each due time is stored in the fact that started it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from domain.values import ClockKind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Running:
    """One clock that is running, and for what."""

    clock_id: UUID
    kind: ClockKind
    subject: UUID
    due: datetime
    calendar: str | None = None


@dataclass(frozen=True, slots=True)
class Clocks:
    """All clocks that are running, and those that stand still with the seconds of their calendar left."""

    running: dict[UUID, Running] = field(default_factory=dict)
    paused: dict[UUID, tuple[Running, int]] = field(default_factory=dict)

    def started(self, clock: Running) -> "Clocks":
        """With one more clock."""
        return replace(self, running=self.running | {clock.clock_id: clock})

    def ended(self, clock_id: UUID) -> "Clocks":
        """Without this clock."""
        return Clocks(_without(self.running, clock_id), _without(self.paused, clock_id))

    def halted(self, clock_id: UUID, seconds_left: int) -> "Clocks":
        """With this clock standing still."""
        clock = self.running[clock_id]
        return Clocks(_without(self.running, clock_id), self.paused | {clock_id: (clock, seconds_left)})

    def resumed(self, clock_id: UUID, due: datetime) -> "Clocks":
        """With this clock running again."""
        clock, _ = self.paused[clock_id]
        return Clocks(self.running | {clock_id: replace(clock, due=due)}, _without(self.paused, clock_id))

    def of(self, subject: UUID) -> Running | None:
        """The clock that runs, or stands still, for this follow-up, rectification, penalty, ..."""
        return next((clock for clock in self._known() if clock.subject == subject), None)

    def of_kind(self, *kinds: ClockKind) -> list[Running]:
        """The clocks that run, or stand still, for these kinds of things."""
        return [clock for clock in self._known() if clock.kind in kinds]

    def overdue(self, subject: UUID, at: datetime) -> bool:
        """Whether the due time of a clock that runs for this has passed."""
        return any(clock.subject == subject and at >= clock.due for clock in self.running.values())

    def _known(self) -> list[Running]:
        return [*self.running.values(), *(clock for clock, _ in self.paused.values())]


def _without(clocks: dict[UUID, T], clock_id: UUID) -> dict[UUID, T]:
    return {key: clock for key, clock in clocks.items() if key != clock_id}
