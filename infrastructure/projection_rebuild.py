"""Fills a read model's table anew beside the live one, compares the two, and swaps them without downtime."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic

import psycopg
from psycopg import Connection, IsolationLevel, errors, sql
from psycopg.rows import scalar_row

from infrastructure.projection_tables import Difference, Table
from infrastructure.projector import LEASE, Projector, connected
from projections.read_model import R, ReadModel

Progress = Callable[[int, int], None]
"""Called with the events folded so far and how many there were at the start."""

ADVISORY_LOCK = 7_302_614_906
FILLING_LEASE = timedelta(minutes=1)
"""On the table being filled; the comparison, which renews nothing, must fit in."""

SWAP_ATTEMPTS = 20
SWAP_LOCK_TIMEOUT = "500ms"
"""A swap waits this long for readers of the live table, and holds up new ones; then it tries again."""


class RebuildUnderWay(Exception):
    """Another process is filling the same table."""


class SwapRefused(Exception):
    """Long reads kept the live table from being swapped; the table beside it was removed."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many events a rebuild folded, and in what the old table differed from the new one."""

    events: int
    difference: Difference


_REGISTER = """
    INSERT INTO projections (table_name, name, version) VALUES (%s, %s, %s)
"""
_FREE = """
    SELECT NOT EXISTS (
        SELECT FROM projections
        WHERE table_name = %s AND holder IS NOT NULL AND lease_until > clock_timestamp()
    )
"""
_TAKE_OVER = """
    UPDATE projections SET epoch = epoch + 1, holder = %s, lease_until = clock_timestamp() + %s
    WHERE table_name = %s
"""
_LOCKED = "SELECT position, epoch FROM projections WHERE table_name = %s FOR UPDATE"
_BECOME = """
    UPDATE projections SET table_name = %s, epoch = %s, holder = NULL, lease_until = NULL
    WHERE table_name = %s
"""
_POSITIONS = "SELECT position FROM projections WHERE table_name = ANY(%s)"
_EVENTS = "SELECT count(*) FROM events WHERE position < %s"
_HELD = "SELECT FROM projections WHERE table_name = %s AND holder = %s"
_LET_GO = "UPDATE projections SET holder = NULL, lease_until = NULL WHERE table_name = %s AND holder = %s"


def take_turns(connection: Connection[Any]) -> None:
    """Let one process at a time make tables, until the end of its transaction."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))


def register(connection: Connection[Any], table: Table[Any]) -> None:
    """Make a table and its row among the projections. Call it in a transaction, in turn."""
    table.create(connection)
    connection.execute(_REGISTER, (table.name, table.model.name, table.model.version))


def unregister(connection: Connection[Any], name: str) -> None:
    """Remove a table and what is kept about it, if it is there. Call it in a transaction."""
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))
    connection.execute("DELETE FROM projections WHERE table_name = %s", (name,))


class Rebuild(Generic[R]):
    """One filling of one read model beside its live table."""

    def __init__(self, url: str, model: ReadModel[R], *, holder: str, purpose: str = "rebuild") -> None:
        self._url = url
        self._live = Table(model, model.table)
        self._fresh = Table(model, f"{model.table}_{purpose}")
        self._projector = Projector(
            url, model, table=self._fresh.name, holder=f"{holder} {purpose}", lease=FILLING_LEASE
        )

    def swap(self, progress: Progress = lambda done, total: None) -> Rebuilt:
        """Fill, compare, and put the new table in the place of the live one.

        The live table is read and written all the while; only at the end its leader pauses for one batch.
        Raises RebuildUnderWay, SwapRefused and psycopg.Error; then the live table is as it was.
        """
        with connected(self._url, f"recourse {self._fresh.name}") as connection:
            self._begin(connection)
            try:
                events = self._fill(connection, progress)
                difference = self._compared()
                self._replace(connection)
            finally:
                self._end(connection)
        return Rebuilt(events, difference)

    def diff(self, progress: Progress = lambda done, total: None) -> Difference:
        """What the live table and one filled anew differ in. Raises RebuildUnderWay and psycopg.Error."""
        with connected(self._url, f"recourse {self._fresh.name}") as connection:
            self._begin(connection)
            try:
                self._fill(connection, progress)
                return self._compared()
            finally:
                self._end(connection)

    def _begin(self, connection: Connection[Any]) -> None:
        """Start with an empty table, unless somebody is filling it; what an aborted one left is removed."""
        with connection.transaction():
            take_turns(connection)
            if not connection.execute(_FREE, (self._fresh.name,)).fetchall()[0][0]:
                raise RebuildUnderWay(self._fresh.name)
            unregister(connection, self._fresh.name)
            register(connection, self._fresh)
            # In the same transaction: a table without a holder would be taken for an aborted rebuild's.
            connection.execute(_TAKE_OVER, (self._projector.holder, FILLING_LEASE, self._fresh.name))
        self._projector.lead()

    def _fill(self, connection: Connection[Any], progress: Progress) -> int:
        with connection.cursor(row_factory=scalar_row) as cursor:
            bound = cursor.execute("SELECT safe_position()").fetchone()
            total: int = cursor.execute(_EVENTS, (bound,)).fetchall()[0]
        done = 0

        def count(amount: int) -> None:
            nonlocal done
            done += amount
            progress(done, max(total, done))

        progress(0, total)
        folded = self._projector.catch_up(progress=count)
        # Without statistics the first pages sort the whole table until autovacuum has come by.
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(self._fresh.name)))
        return folded

    def _compared(self) -> Difference:
        """Both tables in one snapshot, so that neither needs to stand still."""
        with psycopg.connect(self._url) as reading:
            reading.isolation_level = IsolationLevel.REPEATABLE_READ
            reading.read_only = True
            rows = reading.execute(_POSITIONS, ([self._live.name, self._fresh.name],)).fetchall()
            positions = [position for (position,) in rows]
            return self._live.compare(reading, self._fresh, min(positions), max(positions))

    def _replace(self, connection: Connection[Any]) -> None:
        for _ in range(SWAP_ATTEMPTS):
            connection.execute(_TAKE_OVER, (self._projector.holder, LEASE, self._live.name))
            self._projector.catch_up()
            try:
                with connection.transaction():
                    if self._exchanged(connection):
                        return
            except errors.LockNotAvailable:
                continue
        raise SwapRefused(self._live.name)

    def _exchanged(self, connection: Connection[Any]) -> bool:
        """Whether the new table took the live one's place: not if that has come to know more meanwhile."""
        live, fresh = self._live, self._fresh
        connection.execute("SELECT set_config('lock_timeout', %s, true)", (SWAP_LOCK_TIMEOUT,))
        live_position, live_epoch = connection.execute(_LOCKED, (live.name,)).fetchall()[0]
        position, epoch = connection.execute(_LOCKED, (fresh.name,)).fetchall()[0]
        if position < live_position:
            return False
        unregister(connection, live.name)
        fresh.rename(connection, live.name)
        connection.execute(_BECOME, (live.name, max(epoch, live_epoch) + 1, fresh.name))
        return True

    def _end(self, connection: Connection[Any]) -> None:
        """Nothing of ours is left beside the live table, and no lease on it, whatever happened.

        Once the tables are swapped, or our lease ran out, another process may fill a table of the same name.
        """
        holder = self._projector.holder
        try:
            with connection.transaction():
                take_turns(connection)
                if connection.execute(_HELD, (self._fresh.name, holder)).fetchone() is not None:
                    unregister(connection, self._fresh.name)
                connection.execute(_LET_GO, (self._live.name, holder))
        finally:
            self._projector.close()
