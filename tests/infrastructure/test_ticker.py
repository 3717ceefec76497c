"""Each due time is acted upon once, with any number of tickers, one of them killed."""

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from application.cases import Cases, Request
from application.rulebook import OnePolicy
from domain.case import Case
from domain.values import (
    Actor,
    CaseType,
    Claim,
    Finding,
    LiabilityShare,
    LiableParty,
    Money,
    OrderLine,
    RemedyKind,
    Role,
)
from infrastructure.clock import Reading
from infrastructure.event_store.connections import Datastore
from infrastructure.jump_guard import JumpGuard, VerdictHold, acknowledge, open_alarms
from infrastructure.key_file import MasterKey
from infrastructure.policy_pack import default_pack
from infrastructure.store import PostgresStore
from infrastructure.ticker import Ticker, status
from infrastructure.vault import PostgresVault

DEFAULT = default_pack()

START = datetime(2020, 11, 10, 4, 0, tzinfo=UTC)
"""Long past, so that what is due by it is due by any database's clock."""
ROOT = Path(__file__).parents[2]
MASTER = MasterKey(bytes(32))


class SteppedClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at


class Court:
    """Cases whose follow-ups fall due three days after START, and tickers that watch them."""

    agent = Actor("agent-1", Role.AGENT)

    def __init__(self, url: str, within: ExitStack) -> None:
        self.url = url
        self.clock = SteppedClock()
        self.guard = JumpGuard()
        self.within = within
        self.datastore = within.enter_context(Datastore(url, pool_size=1, max_overflow=1))
        self.store = within.enter_context(PostgresStore(url, pool_size=1, max_overflow=9))
        self.cases = Cases(
            self.store, PostgresVault(self.datastore, MASTER), OnePolicy(DEFAULT), self.clock, uuid4
        )

    def ticker(self, **options: Any) -> Ticker:
        """A ticker with connections of its own."""
        datastore = self.within.enter_context(Datastore(self.url, pool_size=1, max_overflow=0))
        hold = VerdictHold(self.guard, datastore, "ticker")
        return Ticker(datastore, (self.cases,), self.clock, hold, **options)

    def follow_up(self) -> UUID:
        """A case that waits for its follow-up."""
        order = OrderLine(
            str(uuid4()),
            "1",
            "SKU-9",
            "羽绒服",
            "clothing",
            1,
            Money(19_900, "CNY"),
            START - timedelta(days=9),
        )
        claim = Claim((RemedyKind.REFUND,))
        filing = (CaseType.REFUND_ONLY, "quality_defect", "app", "b-1", "m-1", order, claim)
        case_id = self.cases.file(self._request(), *filing).aggregate.id
        self.cases.claim(self._request(1), case_id)
        shares = (LiabilityShare(LiableParty.MERCHANT, 100),)
        verified = self.cases.verify(self._request(3), case_id, Finding.UPHELD, shares, (), "x")
        self.cases.decide(self._request(verified.aggregate.version), case_id, (), (), "x")
        return case_id

    def _request(self, version: int | None = None) -> Request:
        return Request(self.agent, "req-1", version)

    def missed(self) -> Counter[str]:
        """How often each clock was missed, by its id."""
        rows = self.rows(
            "SELECT convert_from(state, 'UTF8')::jsonb->>'clock_id' FROM events WHERE topic = 'ClockMissed'"
        )
        return Counter(clock_id for (clock_id,) in rows)

    def states(self) -> Counter[str]:
        """How many due times are in which state."""
        return Counter(state for (state,) in self.rows("SELECT state FROM deadlines"))

    def rows(self, statement: str, *params: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(statement.encode(), params)
            return cursor.fetchall() if cursor.description else []

    def three_days_pass(self) -> None:
        self.clock.at = START + timedelta(days=3)


@pytest.fixture
def court(migrated_database: str) -> Iterator[Court]:
    with ExitStack() as within:
        yield Court(migrated_database, within)


def test_nothing_happens_before_its_time(court: Court):
    court.follow_up()
    court.clock.at = START + timedelta(days=3, microseconds=-1)
    assert court.ticker().fire_due() == 0
    assert court.states() == {"pending": 1}


def test_a_due_time_is_acted_upon_by_the_system_and_marked(court: Court):
    case_id = court.follow_up()
    court.three_days_pass()
    ticker = court.ticker()
    assert ticker.fire_due() == 1
    assert ticker.fire_due() == 0
    missed = court.store.facts(case_id)[-1]
    assert type(missed.fact).__name__ == "ClockMissed"
    assert (missed.provenance.actor_id, missed.provenance.actor_role) == ("ticker", "system")
    assert court.states() == {"done": 1}


def test_more_than_a_batch_is_acted_upon_in_one_go(court: Court):
    for _ in range(7):
        court.follow_up()
    court.three_days_pass()
    assert court.ticker(batch=3).fire_due() == 7
    assert court.states() == {"done": 7}


@pytest.mark.parametrize("lease", [timedelta(seconds=30), timedelta(0)], ids=["leased", "not leased"])
def test_tickers_at_once_act_upon_each_due_time_once(court: Court, lease: timedelta):
    """Without leases all of them go for the same rows: then the store alone keeps them apart."""
    for _ in range(24):
        court.follow_up()
    court.three_days_pass()
    assert at_once([court.ticker(batch=8, lease=lease) for _ in range(4)]) == 24
    assert set(court.missed().values()) == {1}
    assert court.states() == {"done": 24}


def at_once(tickers: list[Ticker]) -> int:
    """Let them all act upon what is due at the same time; how often they did."""
    together = threading.Barrier(len(tickers))

    def tick(ticker: Ticker) -> int:
        together.wait()
        return ticker.fire_due()

    with ThreadPoolExecutor(len(tickers)) as pool:
        return sum(pool.map(tick, tickers))


VICTIM = """
import sys
from contextlib import ExitStack
from datetime import timedelta
from uuid import UUID, uuid4

from application.cases import Cases
from application.rulebook import OnePolicy
from infrastructure.policy_pack import default_pack
from infrastructure.store import PostgresStore
from infrastructure.clock import DatabaseClock, database_time
from infrastructure.event_store.connections import Datastore
from infrastructure.jump_guard import JumpGuard, VerdictHold
from infrastructure.key_file import MasterKey
from infrastructure.ticker import Ticker
from infrastructure.vault import PostgresVault


class Hesitant(Cases):
    done = 0

    def miss_clock(self, request, case_id, clock_id):
        fired = super().miss_clock(request, case_id, clock_id)
        self.done += 1
        if self.done == 3:
            print("in the middle", flush=True)
            sys.stdin.read()
        return fired


url = sys.argv[1]
with ExitStack() as within:
    datastore = within.enter_context(Datastore(url, pool_size=1, max_overflow=0))
    store = within.enter_context(PostgresStore(url, pool_size=1, max_overflow=0))
    guard = JumpGuard()
    clock = DatabaseClock(database_time(datastore), observe=guard.observe)
    rules = OnePolicy(default_pack())
    cases = Hesitant(store, PostgresVault(datastore, MasterKey(bytes(32))), rules, clock, uuid4)
    hold = VerdictHold(guard, datastore, "victim")
    Ticker(datastore, (cases,), clock, hold, lease=timedelta(seconds=60)).fire_due()
"""


def test_the_due_times_of_a_ticker_killed_in_the_middle_are_acted_upon_once_by_others(court: Court):
    for _ in range(10):
        court.follow_up()
    arguments = [sys.executable, "-c", VICTIM, court.url]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        arguments, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as victim:
        assert victim.stdout is not None
        try:
            assert victim.stdout.readline() == b"in the middle\n"
        finally:
            victim.kill()
    assert court.states() == {"done": 3, "pending": 7}

    (claimed_until,) = court.rows("SELECT max(claimed_until) FROM deadlines WHERE state = 'pending'")[0]
    court.clock.at = claimed_until - timedelta(milliseconds=1)
    others = [court.ticker(batch=2) for _ in range(3)]
    assert at_once(others) == 0
    court.clock.at = claimed_until
    assert at_once(others) == 7
    assert set(court.missed().values()) == {1}
    assert court.states() == {"done": 10}


def test_a_due_time_that_its_case_no_longer_has_is_discarded(court: Court, caplog):
    case_id = court.follow_up()
    court.rows(
        "INSERT INTO deadlines (case_id, clock_id, kind, due)"
        " VALUES (%s, %s, 'follow_up', %s), (%s, %s, 'x', %s)",
        case_id, uuid4(), START, uuid4(), uuid4(), START,
    )  # fmt: skip
    ticker = court.ticker(lease=timedelta(0), batch=1)
    assert ticker.fire_due() == 0
    assert court.states() == {"cancelled": 2, "pending": 1}
    assert caplog.messages.count("a due time that its case no longer has was discarded") == 2
    court.three_days_pass()
    assert ticker.fire_due() == 1


def test_a_due_time_that_the_case_finds_too_early_is_kept(court: Court):
    case_id = court.follow_up()
    court.rows("UPDATE deadlines SET due = %s", START)
    assert court.ticker().fire_due() == 0
    assert court.states() == {"pending": 1}
    case = court.store.load(Case, case_id)
    assert case is not None
    assert case.clocks.running


def test_a_case_that_cannot_be_read_does_not_hold_the_others(court: Court, monkeypatch, caplog):
    broken, sound = court.follow_up(), court.follow_up()
    court.three_days_pass()
    miss = court.cases.miss_clock

    def misses(request: Request, case_id: UUID, clock_id: UUID) -> bool:
        if case_id == broken:
            raise RuntimeError("unreadable")
        return miss(request, case_id, clock_id)

    monkeypatch.setattr(court.cases, "miss_clock", misses)
    ticker = court.ticker()
    assert ticker.fire_due() == 1
    assert type(court.store.facts(sound)[-1].fact).__name__ == "ClockMissed"
    assert "a due time could not be acted upon" in caplog.messages
    monkeypatch.undo()
    assert ticker.fire_due() == 0
    court.clock.at += timedelta(seconds=30)
    assert ticker.fire_due() == 1


def test_nothing_falls_due_while_the_clock_is_under_suspicion(court: Court):
    court.follow_up()
    court.three_days_pass()
    court.guard.observe(Reading(START, 0.0, 0.0))
    court.guard.observe(Reading(START + timedelta(days=3), 10.0, 0.0))
    ticker, other = court.ticker(), court.ticker()
    assert ticker.fire_due() == 0
    assert other.fire_due() == 0
    alarms = open_alarms(court.datastore)
    acknowledge(court.datastore, [alarm.alarm_id for alarm in alarms], "ops-1")
    assert ticker.fire_due() == 1


def test_the_status_counts_what_is_overdue(court: Court):
    court.follow_up()
    assert status(court.datastore, START).overdue == 0
    court.three_days_pass()
    now = status(court.datastore, court.clock.at)
    assert (now.pending, now.overdue, now.first_due) == (1, 1, START + timedelta(days=3))


def test_a_running_ticker_acts_upon_what_falls_due_and_stops_when_told(court: Court):
    court.follow_up()
    stop = threading.Event()
    running = threading.Thread(target=court.ticker().run, args=(stop, 0.02, 3600))
    running.start()
    try:
        court.three_days_pass()
        eventually(lambda: court.states() == {"done": 1})
    finally:
        stop.set()
        running.join(20)
    assert not running.is_alive()


def test_a_ticker_told_to_stop_beforehand_stops_at_once(court: Court):
    stop = threading.Event()
    stop.set()
    running = threading.Thread(target=court.ticker().run, args=(stop,))
    running.start()
    running.join(20)
    assert not running.is_alive()


def test_a_ticker_stopped_in_a_batch_gives_the_rest_back(court: Court, monkeypatch):
    for _ in range(4):
        court.follow_up()
    court.three_days_pass()
    ticker = court.ticker()
    miss = court.cases.miss_clock

    def stops(request: Request, case_id: UUID, clock_id: UUID) -> bool:
        ticker._stop.set()
        return miss(request, case_id, clock_id)

    monkeypatch.setattr(court.cases, "miss_clock", stops)
    assert ticker.fire_due() == 1
    assert court.rows("SELECT count(*) FROM deadlines WHERE state = 'pending' AND claimed_until IS NULL") == [
        (3,)
    ]


def test_keys_are_forgotten_after_thirty_days_and_not_before(court: Court):
    for key, age in (("old", timedelta(days=30, seconds=1)), ("young", timedelta(days=30))):
        court.rows(
            "INSERT INTO idempotency (scope, key, fingerprint, case_id, version, position, created_at)"
            " VALUES ('s', %s, '', %s, 1, 1, %s)",
            key, uuid4(), START - age,
        )  # fmt: skip
    assert court.ticker().forget_keys() == 1
    assert court.rows("SELECT key FROM idempotency") == [("young",)]


def test_a_clock_that_jumped_forgets_no_keys(court: Court):
    court.rows(
        "INSERT INTO idempotency (scope, key, fingerprint, case_id, version, position, created_at)"
        " VALUES ('s', 'old', '', %s, 1, 1, %s)",
        uuid4(), START - timedelta(days=31),
    )  # fmt: skip
    court.guard.observe(Reading(START, 0.0, 0.0))
    court.guard.observe(Reading(START + timedelta(days=31), 1.0, 0.0))
    ticker = court.ticker()
    assert ticker.forget_keys() == 0
    court.guard.observe(Reading(START + timedelta(seconds=2), 2.0, 0.0))
    assert ticker.forget_keys() == 1


def test_many_keys_are_forgotten_in_small_batches(court: Court, monkeypatch):
    monkeypatch.setattr("infrastructure.ticker.KEYS_BATCH", 100)
    court.rows(
        "INSERT INTO idempotency (scope, key, fingerprint, case_id, version, position, created_at)"
        " SELECT 's', n::text, '', gen_random_uuid(), 1, 1, %s FROM generate_series(1, 350) AS n",
        START - timedelta(days=31),
    )
    assert court.ticker().forget_keys() == 350
    assert court.rows("SELECT count(*) FROM idempotency") == [(0,)]


def test_chores_are_done_by_the_clock_unless_it_jumped(court: Court):
    asked: list[datetime] = []

    def chore(at: datetime) -> int:
        asked.append(at)
        return 2

    court.guard.observe(Reading(START, 0.0, 0.0))
    ticker = court.ticker(chores=(chore, chore))
    assert (ticker.do_chores(), asked) == (4, [START] * 2)
    court.guard.observe(Reading(START + timedelta(days=31), 1.0, 0.0))
    assert (ticker.do_chores(), asked) == (0, [START] * 2)


def test_a_running_ticker_does_its_chores(court: Court):
    done, stop = threading.Event(), threading.Event()

    def chore(at: datetime) -> int:
        done.set()
        return 0

    running = threading.Thread(target=court.ticker(chores=(chore,)).run, args=(stop, 3600, 0.02))
    running.start()
    try:
        assert done.wait(20)
    finally:
        stop.set()
        running.join(20)


def eventually(reached: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for a condition of the database, which announces nothing."""
    patience = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if reached():
            return
        patience.wait(0.02)
    raise AssertionError("it did not come about")
