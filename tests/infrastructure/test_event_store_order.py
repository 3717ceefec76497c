"""The order of facts is safe to follow while it is being written, and a plain sequence is not."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any, Protocol
from uuid import UUID, uuid4

import psycopg
import pytest

from infrastructure.event_store import ConcurrentPostgresFactory
from infrastructure.event_store.connections import Datastore
from infrastructure.event_store.order import EpochBehind, NotMigrated, check_epoch, raise_epoch
from infrastructure.event_store.recorder import ConcurrentRecorder

Connection = psycopg.Connection[Any]
APPEND = "SELECT append_fact(%s, 1, 'Written', '{}', %s, 1::smallint, 'a', 'system', 'r', NULL, NULL)"


class Form(Protocol):
    """A way to put rows into an order. A writer takes its place in it, and writes some time later."""

    def warm(self, connection: Connection) -> None: ...
    def take_place(self, connection: Connection) -> int: ...
    def write(self, connection: Connection, place: int, row: UUID) -> None: ...
    def read(self, after: int) -> list[tuple[int, UUID]]: ...


class OurForm:
    """The recorder's own SQL and its own reader; the place in the order is the transaction id."""

    def __init__(self, url: str) -> None:
        self._factory = ConcurrentPostgresFactory({"POSTGRES_URL": url})
        self._recorder = self._factory.application_recorder()
        self.close = self._factory.close

    def warm(self, connection: Connection) -> None:
        """Nothing to prepare."""

    def take_place(self, connection: Connection) -> int:
        return first_value(connection, "SELECT (pg_current_xact_id()::text::bigint + epoch_base()) << 16")

    def write(self, connection: Connection, place: int, row: UUID) -> None:
        assert connection.execute(APPEND, (row, uuid4())).fetchone() == (place,)

    def read(self, after: int) -> list[tuple[int, UUID]]:
        found = self._recorder.select_notifications(after, 1000, inclusive_of_start=False)
        return [(notification.id, UUID(str(notification.originator_id))) for notification in found]


class SequenceForm:
    """The obvious fix: a sequence, and readers who wait for every older transaction.

    Taking a number assigns no transaction id, so the reader does not know of the one who took it. (The
    numbers are cached here: one call in 32 does assign an id, when it logs, and would be in order by luck.)
    """

    def __init__(self, url: str) -> None:
        self._reader = psycopg.connect(url, autocommit=True)
        self._reader.execute("CREATE SEQUENCE places CACHE 32")
        self._reader.execute(
            "CREATE TABLE in_sequence (position bigint PRIMARY KEY, row_id uuid,"
            " xid xid8 NOT NULL DEFAULT pg_current_xact_id())"
        )
        self.close = self._reader.close

    def warm(self, connection: Connection) -> None:
        """Fill the connection's cache of numbers."""
        connection.execute("SELECT nextval('places')")
        connection.commit()

    def take_place(self, connection: Connection) -> int:
        return first_value(connection, "SELECT nextval('places')")

    def write(self, connection: Connection, place: int, row: UUID) -> None:
        connection.execute("INSERT INTO in_sequence VALUES (%s, %s)", (place, row))

    def read(self, after: int) -> list[tuple[int, UUID]]:
        return self._reader.execute(
            "SELECT position, row_id FROM in_sequence WHERE position > %s"
            " AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY position",
            (after,),
        ).fetchall()


class Follower:
    """A reader that goes on from the last position it has seen."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self.seen: list[tuple[int, UUID]] = []

    def catch_up(self) -> None:
        self.seen += self._form.read(after=self.seen[-1][0] if self.seen else 0)


def first_value(connection: Connection, statement: str) -> int:
    ((value,),) = connection.execute(statement).fetchall()
    return int(value)


def await_all_final(url: str) -> None:
    """Until every transaction that has begun by now has ended, in the whole cluster."""
    with psycopg.connect(url, autocommit=True) as connection:
        begun = first_value(connection, "SELECT pg_current_xact_id()::text::bigint")
        oldest = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        give_up_at = monotonic() + 10
        while first_value(connection, oldest) <= begun:
            assert monotonic() < give_up_at, "some transaction in this cluster does not end"


def overtake(url: str, form: Form) -> None:
    """One writer takes its place first and commits last; a reader follows meanwhile and must see both."""
    follower = Follower(form)
    with psycopg.connect(url) as slow, psycopg.connect(url) as quick:
        form.warm(slow)
        form.warm(quick)
        late, early = uuid4(), uuid4()
        place = form.take_place(slow)
        form.write(quick, form.take_place(quick), early)
        quick.commit()
        follower.catch_up()
        form.write(slow, place, late)
        slow.commit()
    await_all_final(url)
    follower.catch_up()
    assert [row for _, row in follower.seen] == [late, early]


@contextmanager
def followed(form: Form) -> Iterator[Follower]:
    """A reader that follows in a thread of its own until the block ends."""
    follower, stop = Follower(form), Event()

    def follow() -> None:
        while not stop.is_set():
            follower.catch_up()

    thread = Thread(target=follow)
    thread.start()
    try:
        yield follower
    finally:
        stop.set()
        thread.join()


def dawdle(url: str, form: Form, seed: int, committed: list[UUID]) -> None:
    """Write 25 rows, hesitating at every step; one in five is rolled back."""
    chance = random.Random(seed)
    with psycopg.connect(url) as connection:
        for _ in range(25):
            row = uuid4()
            place = form.take_place(connection)
            sleep(chance.random() / 200)
            form.write(connection, place, row)
            sleep(chance.random() / 200)
            if chance.random() < 0.2:
                connection.rollback()
            else:
                connection.commit()
                committed.append(row)


@pytest.fixture
def ours(migrated_database: str) -> Iterator[OurForm]:
    form = OurForm(migrated_database)
    yield form
    form.close()


def test_a_reader_is_not_overtaken_by_a_writer_who_comes_first_and_commits_last(
    migrated_database: str, ours: OurForm
) -> None:
    overtake(migrated_database, ours)


def test_the_same_reader_of_a_plain_sequence_loses_a_row(migrated_database: str) -> None:
    form = SequenceForm(migrated_database)
    try:
        with pytest.raises(AssertionError, match="UUID"):
            overtake(migrated_database, form)
    finally:
        form.close()


def test_a_live_reader_sees_each_row_of_eight_dawdling_writers_once_and_in_order(
    migrated_database: str, ours: OurForm
) -> None:
    committed: list[UUID] = []
    writers = [Thread(target=dawdle, args=(migrated_database, ours, seed, committed)) for seed in range(8)]
    with followed(ours) as follower:
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        await_all_final(migrated_database)
    follower.catch_up()
    assert len(committed) > 100
    positions = [position for position, _ in follower.seen]
    assert positions == sorted(set(positions))
    assert sorted(row for _, row in follower.seen) == sorted(committed)


def test_an_unfinished_write_holds_back_what_was_written_after_it(
    migrated_database: str, ours: OurForm
) -> None:
    with psycopg.connect(migrated_database) as slow, psycopg.connect(migrated_database) as quick:
        ours.take_place(slow)
        ours.write(quick, ours.take_place(quick), uuid4())
        quick.commit()
        assert ours.read(after=0) == []
        assert ours._recorder.max_notification_id() is None
        slow.rollback()
    await_all_final(migrated_database)
    assert len(ours.read(after=0)) == 1


# --- the epoch --------------------------------------------------------------------------------------


@pytest.fixture
def open_datastore() -> Iterator[Callable[[str], Datastore]]:
    opened: list[Datastore] = []

    def open_one(url: str) -> Datastore:
        opened.append(Datastore(url, pool_size=1, max_overflow=1))
        opened[-1].pool.open()
        return opened[-1]

    yield open_one
    for datastore in opened:
        datastore.close()


def restore_into_a_younger_cluster(url: str) -> int:
    """What a logical restore leaves behind: a stored position far above those that this cluster gives out."""
    far = 1 << 56
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO events VALUES (%s, 1, %s, 'Written', '{}', %s, now(), 'a', 'system', 'r', NULL, 1)",
            (uuid4(), far, uuid4()),
        )
    return far


def test_a_database_restored_into_a_younger_cluster_is_refused_with_the_command_that_mends_it(
    migrated_database: str, open_datastore: Callable[[str], Datastore]
) -> None:
    restore_into_a_younger_cluster(migrated_database)
    with pytest.raises(EpochBehind, match=r"SELECT raise_epoch_base\(\);"):
        ConcurrentRecorder(open_datastore(migrated_database))


def test_raising_the_epoch_puts_new_positions_above_the_stored_ones(
    migrated_database: str, open_datastore: Callable[[str], Datastore]
) -> None:
    far = restore_into_a_younger_cluster(migrated_database)
    base = raise_epoch(migrated_database)
    assert base > 0
    assert raise_epoch(migrated_database) == base
    check_epoch(open_datastore(migrated_database))
    with psycopg.connect(migrated_database) as connection:
        assert first_value(connection, APPEND % (f"'{uuid4()}'", f"'{uuid4()}'")) > far


def test_the_epoch_is_not_raised_under_somebody_elses_feet(
    migrated_database: str, open_datastore: Callable[[str], Datastore]
) -> None:
    check_epoch(open_datastore(migrated_database))
    with pytest.raises(psycopg.errors.ObjectInUse, match="stop every other connection"):
        raise_epoch(migrated_database)


def test_a_database_without_our_tables_is_refused_with_the_command_that_makes_them(
    fresh_database: str, open_datastore: Callable[[str], Datastore]
) -> None:
    with pytest.raises(NotMigrated, match="recourse migrate"):
        check_epoch(open_datastore(fresh_database))
