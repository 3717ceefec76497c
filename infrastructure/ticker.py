"""Acts upon due times: a process of its own, any number of which may run.

Rows are leased in small batches, so that tickers share the work; that each falls due only once is owed to the
store, which marks the row in the transaction of the fact and refuses the fact unless the row was pending.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from apscheduler.events import EVENT_SCHEDULER_STARTED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.blocking import BlockingScheduler

from application.clock import Clock
from application.due_times import Clockwork
from application.errors import NotFound, ServiceUnavailable
from application.running import Request
from domain.values import Actor, Role
from infrastructure.event_store.connections import Datastore
from infrastructure.jump_guard import VerdictHold
from infrastructure.statements import change, read

TICKER = Actor("ticker", Role.SYSTEM)

BATCH = 20
LEASE = timedelta(seconds=30)
"""How long a claimed row is left alone by others; a killed ticker's rows wait so long, failing ones too."""

INTERVAL_SECONDS = 1.0
MAINTENANCE_SECONDS = 3600.0

KEYS_KEPT = timedelta(days=30)
"""How long an idempotency key is kept: the promise of the interface."""

KEYS_BATCH = 1000

CLAIM = (
    b"WITH passed AS MATERIALIZED ("
    b" SELECT case_id, clock_id FROM deadlines WHERE state = 'pending' AND due <= %s"
    b" AND (claimed_until IS NULL OR claimed_until <= %s)"
    b" ORDER BY due LIMIT %s FOR UPDATE SKIP LOCKED)"
    b" UPDATE deadlines AS claimed SET claimed_until = %s FROM passed"
    b" WHERE claimed.case_id = passed.case_id AND claimed.clock_id = passed.clock_id"
    b" RETURNING claimed.case_id, claimed.clock_id"
)
GIVE_BACK = (
    b"UPDATE deadlines SET claimed_until = NULL"
    b" WHERE clock_id = ANY(%s) AND claimed_until = %s AND state = 'pending' RETURNING clock_id"
)
DISCARD = (
    b"UPDATE deadlines SET state = 'cancelled'"
    b" WHERE case_id = %s AND clock_id = %s AND state = 'pending' RETURNING clock_id"
)
FORGET_KEYS = (
    b"WITH old AS MATERIALIZED ("
    b" SELECT scope, key FROM idempotency WHERE created_at < %s LIMIT %s FOR UPDATE SKIP LOCKED)"
    b" DELETE FROM idempotency AS kept USING old"
    b" WHERE kept.scope = old.scope AND kept.key = old.key RETURNING 1"
)
SELECT_STATUS = (
    b"SELECT count(*), count(*) FILTER (WHERE due <= %s), min(due) FROM deadlines WHERE state = 'pending'"
)

Chore = Callable[[datetime], int]
"""Removes what has aged at an instant, and says how much."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeadlineStatus:
    """How many due times are pending, how many of them have passed, and the first one."""

    pending: int
    overdue: int
    first_due: datetime | None


def status(datastore: Datastore, at: datetime) -> DeadlineStatus:
    """How the due times stand at this instant. Raises ServiceUnavailable."""
    return DeadlineStatus(*read(datastore, SELECT_STATUS, at)[0])


def _shut_down(scheduler: BlockingScheduler, stop: threading.Event) -> None:
    stop.wait()
    scheduler.shutdown()


@dataclass(frozen=True, slots=True)
class _Row:
    """One due time that this ticker has leased."""

    case_id: UUID
    clock_id: UUID


class Ticker:
    """Gives `miss_clock` for each due time that has passed, unless the clock is under suspicion.

    A due time goes to the first of the clockworks that knows its aggregate.
    """

    def __init__(
        self,
        datastore: Datastore,
        clockworks: Sequence[Clockwork],
        clock: Clock,
        hold: VerdictHold,
        *,
        batch: int = BATCH,
        lease: timedelta = LEASE,
        chores: Sequence[Chore] = (),
    ) -> None:
        self._datastore = datastore
        self._clockworks = clockworks
        self._clock = clock
        self._hold = hold
        self._batch = batch
        self._lease = lease
        self._chores = chores
        self._stop = threading.Event()

    def run(
        self,
        stop: threading.Event,
        interval: float = INTERVAL_SECONDS,
        maintenance: float = MAINTENANCE_SECONDS,
    ) -> None:
        """Tick every `interval` seconds until told to stop; the row at hand is finished first."""
        self._stop = stop
        # A long catch-up skips ticks, as it should; the scheduler would warn of each.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        scheduler = BlockingScheduler(
            timezone=UTC,
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        scheduler.add_job(self._survive, "interval", [self.fire_due], seconds=interval)
        for duty in (self.forget_keys, self.do_chores):
            scheduler.add_job(self._survive, "interval", [duty], seconds=maintenance)
        ender = threading.Thread(target=_shut_down, args=(scheduler, stop), name="ticker-stop")
        scheduler.add_listener(lambda _: ender.start(), EVENT_SCHEDULER_STARTED)
        scheduler.start()
        ender.join()

    def _survive(self, duty: Callable[[], int]) -> None:
        try:
            duty()
        except ServiceUnavailable:
            log.warning("the ticker waits for the database")

    def fire_due(self) -> int:
        """Act upon every due time that has passed; the number acted upon. Raises ServiceUnavailable."""
        fired = 0
        while not self._stop.is_set():
            at = self._clock.now()
            if self._hold.in_force():
                return fired
            token = at + self._lease
            rows = [_Row(*row) for row in change(self._datastore, CLAIM, at, at, self._batch, token)]
            if not rows:
                return fired
            fired += self._fire(rows, token)
        return fired

    def _fire(self, rows: list[_Row], token: datetime) -> int:
        fired, left = 0, list(rows)
        try:
            while left and not self._stop.is_set():
                fired += self._fire_one(left[0])
                left.pop(0)
        finally:
            if left:
                change(self._datastore, GIVE_BACK, [row.clock_id for row in left], token)
        return fired

    def _fire_one(self, row: _Row) -> bool:
        """One that cannot be acted upon must not stop the others: its row waits until its lease ends."""
        try:
            return self._miss(row)
        except ServiceUnavailable:
            raise
        except Exception:
            log.exception("a due time could not be acted upon", extra={"case_id": row.case_id})
            return False

    def _miss(self, row: _Row) -> bool:
        request = Request(TICKER, f"clock:{row.clock_id}")
        for clockwork in self._clockworks:
            try:
                if clockwork.miss_clock(request, row.case_id, row.clock_id):
                    return True
                if clockwork.runs_clock(TICKER, row.case_id, row.clock_id):
                    return False
            except NotFound:
                continue
            break
        else:
            log.warning("a due time has no case", extra={"case_id": row.case_id})
        self._discard(row)
        return False

    def _discard(self, row: _Row) -> None:
        if change(self._datastore, DISCARD, row.case_id, row.clock_id):
            log.warning(
                "a due time that its case no longer has was discarded", extra={"case_id": row.case_id}
            )

    def forget_keys(self) -> int:
        """Remove idempotency keys that are no longer kept; their number. Raises ServiceUnavailable."""
        forgotten = 0
        while not self._stop.is_set():
            before = self._clock.now() - KEYS_KEPT
            if self._hold.in_force():
                return forgotten
            removed = len(change(self._datastore, FORGET_KEYS, before, KEYS_BATCH))
            forgotten += removed
            if removed < KEYS_BATCH:
                return forgotten
        return forgotten

    def do_chores(self) -> int:
        """Remove what the chores find to have aged; how much. Raises ServiceUnavailable."""
        at = self._clock.now()
        return 0 if self._hold.in_force() else sum(chore(at) for chore in self._chores)
