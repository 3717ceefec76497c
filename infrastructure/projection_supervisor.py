"""All read models of one installation: run, watched, mended and rebuilt.

`ProjectionSupervisor` is what the worker and the command line use; `wait_for` is what a list read uses.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, scalar_row, tuple_row

from infrastructure.mapper import FactMapper
from infrastructure.projection_rebuild import Progress, Rebuild, Rebuilt, register, take_turns, unregister
from infrastructure.projection_tables import Difference, Table
from infrastructure.projector import BATCH, LEASE, Projector, StoredFact, connected
from projections.catalogue import ALL
from projections.read_model import ReadModel, Rows

Borrow = Callable[[], AbstractContextManager[Connection[Any]]]
"""Lends a connection, such as `psycopg_pool.ConnectionPool.connection`."""

POLL_SECONDS = 0.01


class UnknownProjection(LookupError):
    """There is no read model of this name."""


class NotParked(LookupError):
    """No read model has parked this case."""


class ReplayFailed(Exception):
    """The case's facts still cannot be folded; it stays parked. The cause says why."""


@dataclass(frozen=True, slots=True)
class ProjectionStatus:
    """How far one table is. `lag_seconds` is the age of the oldest fact that it lacks, or 0."""

    name: str
    version: int
    table: str
    live: bool
    position: int
    lag_events: int
    lag_seconds: float
    parked: int
    holder: str | None
    epoch: int
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class ParkedCase:
    """A case that a read model waits with: the fact that failed, and how many of the case's facts wait."""

    name: str
    table: str
    case_id: UUID
    version: int
    position: int
    topic: str
    error: str
    parked_at: datetime
    waiting: int


_STATUS = """
    SELECT name, version, table_name AS table, table_name = ANY(%(live)s) AS live, position,
           (SELECT count(*) FROM events
            WHERE events.position > projections.position AND events.position < %(bound)s) AS lag_events,
           coalesce((SELECT extract(epoch FROM clock_timestamp() - recorded_at) FROM events
            WHERE events.position > projections.position AND events.position < %(bound)s
            ORDER BY events.position LIMIT 1), 0)::float8 AS lag_seconds,
           (SELECT count(*) FROM parked_cases
            WHERE parked_cases.table_name = projections.table_name) AS parked,
           CASE WHEN lease_until > clock_timestamp() THEN holder END AS holder, epoch, moved_at
    FROM projections ORDER BY name, table_name
"""
_PARKED = """
    SELECT name, table_name AS table, case_id, parked_cases.version, parked_cases.position, topic, error,
           parked_at,
           (SELECT count(*) FROM events
            WHERE originator_id = case_id AND originator_version >= parked_cases.version) AS waiting
    FROM parked_cases JOIN projections USING (table_name) ORDER BY parked_at, table_name, case_id
"""
_TABLES_OF_CASE = """
    SELECT name, table_name FROM parked_cases JOIN projections USING (table_name)
    WHERE case_id = %s AND table_name = ANY(%s) ORDER BY table_name
"""
_FENCE = "UPDATE projections SET epoch = epoch + 1 WHERE table_name = %s RETURNING position"
_HISTORY = """
    SELECT position, originator_id, originator_version, topic, state FROM events
    WHERE originator_id = %s AND position <= %s ORDER BY originator_version
"""
_UNPARK = "DELETE FROM parked_cases WHERE table_name = %s AND case_id = %s"
_POSITION = "SELECT position FROM projections WHERE table_name = %s"
_SUPERSEDED = """
    SELECT old.table_name FROM projections AS old JOIN projections AS new USING (name)
    WHERE new.table_name = ANY(%s) AND old.version < new.version AND old.position <= new.position
"""


class ProjectionSupervisor:
    """Keeps the read models of one database. `holder` names this process among those that may lead."""

    def __init__(
        self,
        url: str,
        *,
        holder: str,
        models: Sequence[ReadModel[Any]] = ALL,
        lease: timedelta = LEASE,
        batch: int = BATCH,
    ) -> None:
        self._url = url
        self._holder = holder
        self._models = {model.name: model for model in models}
        self._live = [model.table for model in models]
        self._mapper = FactMapper()
        self._lease = lease
        self._batch = batch

    def prepare(self) -> list[str]:
        """Make the tables that are missing, and return their names.

        Call it after the migrations and before the first query. Any number of processes may do so at once.
        """
        with self._connected() as connection, connection.transaction():
            take_turns(connection)
            known = {name for (name,) in connection.execute("SELECT table_name FROM projections")}
            missing = [
                Table(model, model.table) for model in self._models.values() if model.table not in known
            ]
            for table in missing:
                register(connection, table)
        return [table.name for table in missing]

    # --- running ----------------------------------------------------------------------------------

    def run(self, stop: Event) -> None:
        """Keep every read model up to date, each in a thread of its own, until `stop` is set."""
        threads = [
            Thread(target=projector.run, args=(stop,), name=projector.table.name)
            for projector in self._projectors()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def catch_up(self) -> int:
        """Fold everything that is final now, one read model after the other; return the events read.

        Raises NotLeading when another process leads one of them, and psycopg.Error.
        """
        read = 0
        for projector in self._projectors():
            try:
                read += projector.catch_up()
            finally:
                projector.close()
        return read

    def _projectors(self) -> list[Projector[Any]]:
        return [
            Projector(
                self._url,
                model,
                holder=self._holder,
                mapper=self._mapper,
                lease=self._lease,
                batch=self._batch,
            )
            for model in self._models.values()
        ]

    # --- watching ---------------------------------------------------------------------------------

    def status(self) -> list[ProjectionStatus]:
        """Every table that is kept, live or being filled, by name."""
        with self._connected() as connection, connection.cursor(row_factory=scalar_row) as cursor:
            bound = cursor.execute("SELECT safe_position()").fetchone()
            with connection.cursor(row_factory=class_row(ProjectionStatus)) as rows:
                return rows.execute(_STATUS, {"bound": bound, "live": self._live}).fetchall()

    def parked(self) -> list[ParkedCase]:
        """The cases that some read model waits with, oldest first."""
        with self._connected() as connection, connection.cursor(row_factory=class_row(ParkedCase)) as cursor:
            return cursor.execute(_PARKED).fetchall()

    def wait_for(self, name: str, position: int, timeout: float = 1.0) -> bool:
        """Whether the read model shows the fact at `position`, at once or within `timeout` seconds.

        Raises UnknownProjection and psycopg.Error.
        """
        return wait_for(self._connected, self._model(name), position, timeout)

    # --- mending ----------------------------------------------------------------------------------

    def replay(self, case_id: UUID) -> list[str]:
        """Fold a parked case again from its first fact on; return the names of the read models mended.

        Only the present versions' tables are mended: older ones may have other columns, and no readers.

        Raises NotParked, ReplayFailed (those mended before stay mended) and psycopg.Error.
        """
        with self._connected() as connection:
            parked = connection.execute(_TABLES_OF_CASE, (case_id, self._live)).fetchall()
            for name, table in parked:
                with connection.transaction():
                    self._replay(connection, Table(self._model(name), table), case_id)
        if not parked:
            raise NotParked(f"no read model waits with case {case_id}")
        return [name for name, _ in parked]

    def _replay(self, connection: Connection[Any], table: Table[Any], case_id: UUID) -> None:
        """The new epoch makes the leader drop the batch it has in hand, and look again who is parked."""
        ((position,),) = connection.execute(_FENCE, (table.name,)).fetchall()
        with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
            facts = [StoredFact(*row) for row in cursor.execute(_HISTORY, (case_id, position)).fetchall()]
        rows = self._folded(table.model, facts)
        table.clear(connection, case_id)
        table.write_cases(connection, {}, {case_id: rows})
        connection.execute(_UNPARK, (table.name, case_id))

    def _folded(self, model: ReadModel[Any], facts: Sequence[StoredFact]) -> Rows[Any]:
        rows: Rows[Any] = {}
        for fact in facts:
            try:
                decoded = self._mapper.decode(fact.topic, fact.state, fact.case_id, fact.version)
                rows = model.fold(rows, decoded)
            except Exception as error:
                raise ReplayFailed(f"{model.name}: version {fact.version}, {fact.topic}: {error}") from error
        return rows

    def rebuild(self, name: str, progress: Progress = lambda done, total: None) -> Rebuilt:
        """Fill a new table beside the live one, compare the two, and swap them without downtime.

        Raises UnknownProjection, RebuildUnderWay, SwapRefused and psycopg.Error.
        """
        return Rebuild(self._url, self._model(name), holder=self._holder).swap(progress)

    def diff(self, name: str, progress: Progress = lambda done, total: None) -> Difference:
        """What the live table and one folded from the first fact differ in.

        Raises UnknownProjection, RebuildUnderWay and psycopg.Error.
        """
        return Rebuild(self._url, self._model(name), holder=self._holder, purpose="diff").diff(progress)

    def drop_superseded(self) -> list[str]:
        """Remove the tables of older versions that the present one has caught up with; return their names."""
        with self._connected() as connection, connection.transaction():
            take_turns(connection)
            old = [name for (name,) in connection.execute(_SUPERSEDED, (self._live,)).fetchall()]
            for name in old:
                unregister(connection, name)
        return old

    def _model(self, name: str) -> ReadModel[Any]:
        try:
            return self._models[name]
        except KeyError:
            raise UnknownProjection(name) from None

    def _connected(self) -> Connection[Any]:
        return connected(self._url, "recourse projections")


def wait_for(borrow: Borrow, model: ReadModel[Any], position: int, timeout: float = 1.0) -> bool:
    """Whether the read model's table holds the fact at `position`, at once or within `timeout` seconds.

    A connection is borrowed for each look, never held while waiting. Raises psycopg.Error.
    """
    give_up_at = monotonic() + timeout
    while not _reached(borrow, model, position):
        if monotonic() > give_up_at:
            return False
        sleep(POLL_SECONDS)
    return True


def _reached(borrow: Borrow, model: ReadModel[Any], position: int) -> bool:
    with borrow() as connection, connection.cursor(row_factory=scalar_row) as cursor:
        reached = cursor.execute(_POSITION, (model.table,)).fetchone()
    return reached is not None and reached >= position
