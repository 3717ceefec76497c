"""Due times: every clock of the case starts, pauses, resumes and ends by these."""

from datetime import datetime
from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import ClockKind, Derivation


@stored_as("ClockStarted")
class ClockStarted(Fact):
    """A due time was set for `subject` (the follow-up, rectification, penalty, ...).

    calendar: the policy's calendar in which it counts, and in which a pause keeps what is left (None: all
    time) · derivation: how a rule came to the due time; empty where a person set it.
    """

    clock_id: UUID
    kind: ClockKind
    subject: UUID
    due: datetime
    calendar: str | None = None
    derivation: Derivation = ()


@stored_as("ClockSatisfied")
class ClockSatisfied(Fact):
    """What the clock waited for was done."""

    clock_id: UUID
    kind: ClockKind


@stored_as("ClockCancelled")
class ClockCancelled(Fact):
    """What the clock waited for is no longer asked."""

    clock_id: UUID
    kind: ClockKind


@stored_as("ClockMissed")
class ClockMissed(Fact):
    """The due time passed; of a right window: the window ended."""

    clock_id: UUID
    kind: ClockKind
    subject: UUID


@stored_as("ClockPaused")
class ClockPaused(Fact):
    """The clock stands still with so many seconds of its calendar left."""

    clock_id: UUID
    kind: ClockKind
    seconds_left: int


@stored_as("ClockResumed")
class ClockResumed(Fact):
    """The clock runs on with what was left."""

    clock_id: UUID
    kind: ClockKind
    subject: UUID
    due: datetime
