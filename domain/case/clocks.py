"""The clocks that run on the case; each due time is stored in the fact that started it."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.values import ClockKind


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
    """All clocks that are running."""

    running: dict[UUID, Running] = field(default_factory=dict)

    def started(self, clock: Running) -> "Clocks":
        """With one more clock."""
        return Clocks(self.running | {clock.clock_id: clock})

    def ended(self, clock_id: UUID) -> "Clocks":
        """Without this clock."""
        return Clocks({key: clock for key, clock in self.running.items() if key != clock_id})

    def of(self, subject: UUID) -> Running | None:
        """The clock that runs for this follow-up, rectification or penalty."""
        return next((clock for clock in self.running.values() if clock.subject == subject), None)
