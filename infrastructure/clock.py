"""The time of day as the database tells it, so that every process goes by the same clock."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from application.errors import ServiceUnavailable
from infrastructure.event_store.connections import Datastore
from infrastructure.statements import read

SELECT_TIME = b"SELECT clock_timestamp()"

REFRESH_SECONDS = 30.0
"""How old a reading may grow before the database is asked again."""

RETRY_SECONDS = 5.0
"""How long a failed reading is not repeated."""

GRACE_SECONDS = 900.0
"""How long the clock goes on by itself when the database is away."""

log = logging.getLogger(__name__)

Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the database's clock showed at one instant of this process's monotonic clock.

    `uncertainty` in seconds: half of the time that asking took.
    """

    at: datetime
    monotonic: float
    uncertainty: float


def database_time(datastore: Datastore) -> Now:
    """Asks the database for the time; raises ServiceUnavailable."""

    def now() -> datetime:
        ((at,),) = read(datastore, SELECT_TIME)
        return at.astimezone(UTC)  # type: ignore[no-any-return]

    return now


class DatabaseClock:
    """Implements `application.clock.Clock`. Safe to share between threads.

    Reads the database's clock when the last reading is `refresh` seconds old, and goes by the monotonic clock
    in between. Each new reading is shown to `observe` before anybody goes by it.
    """

    def __init__(
        self,
        ask: Now,
        *,
        observe: Callable[[Reading], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
        refresh: float = REFRESH_SECONDS,
    ) -> None:
        self._ask = ask
        self._observe = observe
        self._monotonic = monotonic
        self._refresh = refresh
        self._asking = threading.Lock()
        self._reading: Reading | None = None
        self._ask_again_at = 0.0

    def now(self) -> datetime:
        """The present instant, aware, in UTC.

        Raises ServiceUnavailable before the first reading, and when the last one is GRACE_SECONDS old.
        """
        reading = self._current()
        return reading.at + timedelta(seconds=self._monotonic() - reading.monotonic)

    def _current(self) -> Reading:
        reading = self._reading
        if reading and self._monotonic() < self._ask_again_at:
            return reading
        # Only the first reading is worth waiting for; later ones are taken by whoever comes first.
        if not self._asking.acquire(blocking=reading is None):
            return reading  # type: ignore[return-value]  # acquiring blocks when there is none
        try:
            return self._refreshed()
        finally:
            self._asking.release()

    def _refreshed(self) -> Reading:
        if self._reading and self._monotonic() < self._ask_again_at:
            return self._reading
        try:
            reading = self._read()
        except ServiceUnavailable:
            return self._goes_on()
        self._observe(reading)
        self._reading = reading
        self._ask_again_at = reading.monotonic + self._refresh
        return reading

    def _read(self) -> Reading:
        before = self._monotonic()
        at = self._ask()
        took = self._monotonic() - before
        return Reading(at, before + took / 2, took / 2)

    def _goes_on(self) -> Reading:
        """The last reading, while it can be relied upon."""
        now = self._monotonic()
        if self._reading is None or now - self._reading.monotonic > GRACE_SECONDS:
            raise ServiceUnavailable
        log.warning("the database's clock cannot be read; going by the last reading")
        self._ask_again_at = now + RETRY_SECONDS
        return self._reading
