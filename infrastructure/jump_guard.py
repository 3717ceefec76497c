"""Holds automatic verdicts when the clock they go by jumps.

A clock that jumps forward ends terms that people still have; one that jumps back grants them twice. So a jump
against the monotonic clock raises an alarm, and nothing falls due until somebody acknowledges it or the clock
is back where it belongs. Alarms stand in the database: they hold every ticker, and outlive a restart.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from infrastructure.clock import Reading
from infrastructure.event_store.connections import Datastore
from infrastructure.statements import change, read

FORWARD = timedelta(minutes=10)
"""Beyond this, a clock that is ahead has jumped: less is what a suspended machine or a correction makes."""

BACKWARD = timedelta(seconds=2)
"""Beyond this, a clock that is behind has jumped: less is noise of the reading."""

RAISE = b"INSERT INTO clock_alarms (alarm_id, process, jump_seconds) VALUES (%s, %s, %s) RETURNING alarm_id"
OPEN = (
    b"SELECT alarm_id, process, jump_seconds, raised_at FROM clock_alarms"
    b" WHERE settled_at IS NULL ORDER BY raised_at"
)
SETTLE = (
    b"UPDATE clock_alarms SET settled_at = now(), settled_by = %s"
    b" WHERE alarm_id = ANY(%s) AND settled_at IS NULL RETURNING alarm_id"
)

log = logging.getLogger(__name__)


class JumpGuard:
    """Compares readings of a clock with the monotonic clock. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trusted: Reading | None = None
        self._latest: Reading | None = None
        self._jump: timedelta | None = None

    @property
    def jump(self) -> timedelta | None:
        """How far the clock is from where it should be (positive: ahead); None while it runs evenly."""
        return self._jump

    def observe(self, reading: Reading) -> None:
        """Take note of one more reading."""
        with self._lock:
            self._latest = reading
            self._jump = _jump(self._trusted, reading) if self._trusted else None
            if self._jump is None:
                self._trusted = reading

    def accept(self) -> None:
        """Trust the clock as it now runs."""
        with self._lock:
            self._trusted, self._jump = self._latest, None


def _jump(trusted: Reading, reading: Reading) -> timedelta | None:
    elapsed = timedelta(seconds=reading.monotonic - trusted.monotonic)
    drift = reading.at - trusted.at - elapsed
    noise = timedelta(seconds=reading.uncertainty + trusted.uncertainty)
    return drift if drift > FORWARD + noise or drift < -BACKWARD - noise else None


@dataclass(frozen=True, slots=True)
class Alarm:
    """A jump that holds automatic verdicts; `jump_seconds` is positive for a clock that went ahead."""

    alarm_id: UUID
    process: str
    jump_seconds: float
    raised_at: datetime


def open_alarms(datastore: Datastore) -> list[Alarm]:
    """The alarms that hold automatic verdicts now, oldest first. Raises ServiceUnavailable."""
    return [Alarm(*row) for row in read(datastore, OPEN)]


def acknowledge(datastore: Datastore, alarm_ids: list[UUID], by: str) -> list[UUID]:
    """Settle these alarms: the clock is right, or was put right. Returns those that were open.

    Raises ServiceUnavailable.
    """
    return [alarm_id for (alarm_id,) in change(datastore, SETTLE, by, alarm_ids)]


class VerdictHold:
    """Whether verdicts must wait. `process` names whose guard it is; used by one thread."""

    def __init__(
        self, guard: JumpGuard, datastore: Datastore, process: str, new_id: Callable[[], UUID] = uuid4
    ) -> None:
        self._guard = guard
        self._datastore = datastore
        self._process = process
        self._new_id = new_id
        self._raised: UUID | None = None

    def in_force(self) -> bool:
        """Raise or settle this process's alarm, and tell whether any stands. Raises ServiceUnavailable."""
        jump = self._guard.jump
        if jump is not None and self._raised is None:
            self._raise(jump)
        elif jump is None and self._raised is not None:
            self._settle(self._raised)
        standing = {alarm.alarm_id for alarm in open_alarms(self._datastore)}
        if self._raised is not None and self._raised not in standing:
            self._acknowledged()
        return bool(standing)

    def _raise(self, jump: timedelta) -> None:
        alarm_id = self._new_id()
        change(self._datastore, RAISE, alarm_id, self._process, jump.total_seconds())
        self._raised = alarm_id
        log.critical(
            "clock alarm %s: the database clock jumped by %.0f s; verdicts are held until it is settled",
            alarm_id,
            jump.total_seconds(),
        )

    def _settle(self, alarm_id: UUID) -> None:
        acknowledge(self._datastore, [alarm_id], "the clock, back where it belongs")
        self._raised = None
        log.warning("clock alarm %s is settled: the database's clock is back where it belongs", alarm_id)

    def _acknowledged(self) -> None:
        log.warning("clock alarm %s was acknowledged; due times are acted upon again", self._raised)
        self._guard.accept()
        self._raised = None
