"""One clock for every process: the database's, carried on by the monotonic clock."""

import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from application.errors import ServiceUnavailable
from infrastructure.clock import GRACE_SECONDS, RETRY_SECONDS, DatabaseClock, Reading, database_time
from infrastructure.event_store.connections import Datastore

NOON = datetime(2026, 11, 10, 4, 0, tzinfo=UTC)


class World:
    """A database with a clock of its own, which may be away, and a monotonic clock."""

    def __init__(self) -> None:
        self.elapsed = 100.0
        self.error = 0.0
        self.away = False
        self.asked = 0
        self.takes = 0.0
        self.seen: list[Reading] = []
        self.clock = DatabaseClock(self.ask, observe=self.seen.append, monotonic=lambda: self.elapsed)

    def ask(self) -> datetime:
        self.asked += 1
        if self.away:
            raise ServiceUnavailable
        self.elapsed += self.takes / 2
        at = NOON + timedelta(seconds=self.elapsed + self.error)
        self.elapsed += self.takes / 2
        return at


@pytest.fixture
def world() -> World:
    return World()


def test_the_clock_shows_the_databases_time_in_utc(migrated_database: str):
    with (
        Datastore(migrated_database, pool_size=1, max_overflow=0) as datastore,
        psycopg.connect(migrated_database, autocommit=True) as connection,
    ):
        clock = DatabaseClock(database_time(datastore))
        ((before,),) = connection.execute("SELECT clock_timestamp()")
        now = clock.now()
        ((after,),) = connection.execute("SELECT clock_timestamp()")
    assert before - timedelta(milliseconds=20) <= now <= after + timedelta(milliseconds=20)
    assert now.tzinfo is UTC


def test_between_readings_the_clock_goes_on_by_itself(world: World):
    before = world.clock.now()
    world.elapsed += 29
    assert world.clock.now() - before == timedelta(seconds=29)
    assert world.asked == 1


def test_an_old_reading_is_taken_anew(world: World):
    world.clock.now()
    world.error = 1.5
    world.elapsed += 31
    assert world.clock.now() == NOON + timedelta(seconds=world.elapsed + 1.5)
    assert world.asked == 2


def test_the_time_that_asking_takes_is_shared_between_both_ways(world: World):
    world.takes = 0.8
    assert world.clock.now() == NOON + timedelta(seconds=world.elapsed)
    (reading,) = world.seen
    assert reading.uncertainty == pytest.approx(0.4)


def test_every_reading_is_shown_before_anybody_goes_by_it(world: World):
    world.clock.now()
    world.elapsed += 40
    world.clock.now()
    assert [reading.at for reading in world.seen] == [
        NOON + timedelta(seconds=100),
        NOON + timedelta(seconds=140),
    ]


def test_without_a_first_reading_there_is_no_time(world: World):
    world.away = True
    with pytest.raises(ServiceUnavailable):
        world.clock.now()
    world.away = False
    assert world.clock.now() == NOON + timedelta(seconds=100)


def test_when_the_database_is_away_the_clock_goes_on_and_asks_now_and_then(world: World):
    world.clock.now()
    world.away = True
    world.elapsed += 60
    for _ in range(10):
        assert world.clock.now() == NOON + timedelta(seconds=160)
    assert world.asked == 2
    world.elapsed += RETRY_SECONDS + 0.1
    world.clock.now()
    assert world.asked == 3


def test_the_clock_does_not_go_on_for_ever(world: World):
    world.clock.now()
    world.away = True
    world.elapsed += GRACE_SECONDS + 1
    with pytest.raises(ServiceUnavailable):
        world.clock.now()


def test_only_one_thread_asks_and_the_others_do_not_wait_for_it():
    asking, answer = threading.Event(), threading.Event()
    elapsed = 0.0
    answer.set()

    def ask() -> datetime:
        asking.set()
        assert answer.wait(10)
        return NOON + timedelta(seconds=elapsed)

    clock = DatabaseClock(ask, monotonic=lambda: elapsed)
    clock.now()
    asking.clear()
    answer.clear()
    elapsed = 31.0
    slow = threading.Thread(target=clock.now)
    slow.start()
    assert asking.wait(10)
    assert clock.now() == NOON + timedelta(seconds=31)
    answer.set()
    slow.join()
