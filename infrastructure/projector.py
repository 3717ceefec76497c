"""Keeps one read model's table: reads facts in batches, folds them, writes rows and position together.

Several processes may run a projector of the same table; the one that holds the lease leads. A lease has an
epoch, and every write states the epoch under which it read: whoever lost the lease, or was overtaken by a
replay or a rebuild, is refused and starts again from what is stored. The rows can always be folded again, so
their transactions do not wait for the disk.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event
from time import monotonic
from typing import Any, Generic, NamedTuple
from uuid import UUID

import psycopg
from psycopg import Connection, errors
from psycopg.rows import scalar_row, tuple_row

from domain.events import FACTS
from infrastructure.event_store.connections import SILENCE_SETTINGS
from infrastructure.mapper import FactMapper
from infrastructure.projection_tables import Table
from projections.read_model import R, ReadModel, Rows

log = logging.getLogger(__name__)

BATCH = 1000
LEASE = timedelta(seconds=3)
ATTEMPTS = 3
"""How often a fact is tried before its case is parked."""

SHORTEST_PAUSE = 0.005
LONGEST_PAUSE = 0.1
LONGEST_OUTAGE_PAUSE = 2.0
FOLLOWERS_PAUSE = 0.25
"""Seconds between two looks for new facts, to reach the database, and for a lease that became free."""


class NotLeading(Exception):
    """Another process holds the lease on this table."""


class LeadershipLost(Exception):
    """The table was taken over, replayed into or swapped since the batch was read; nothing was written."""


class StoredFact(NamedTuple):
    """A stored event as a projector reads it; `state` is empty where the read model passes it over."""

    position: int
    case_id: UUID
    version: int
    topic: str
    state: bytes


@dataclass(slots=True)
class Term:
    """What a leader knows: the epoch of its lease, how far the table is, and who is parked."""

    epoch: int
    position: int
    parked: set[UUID]
    renewed_at: float


@dataclass(frozen=True, slots=True)
class Failure:
    """The fact that a read model could not take."""

    fact: StoredFact
    error: str


@dataclass(slots=True)
class Folded(Generic[R]):
    """A batch in memory: the rows of its cases before and after, and the cases that failed."""

    before: Mapping[UUID, Rows[R]]
    after: dict[UUID, Rows[R]]
    first: dict[UUID, StoredFact] = field(default_factory=dict)
    failures: dict[UUID, Failure] = field(default_factory=dict)


_REFUSED_ROWS = (psycopg.DataError, psycopg.IntegrityError, errors.ProgramLimitExceeded)
"""What a table says of rows that it will never take; the last one, of a value too long for an index."""

_READ = b"""
    SELECT position, originator_id, originator_version, topic,
           CASE WHEN topic = ANY(%b) THEN '' ELSE state END
    FROM events WHERE position > %b AND position < %b ORDER BY position LIMIT %b
"""
_ACQUIRE = """
    UPDATE projections
    SET epoch = epoch + 1, holder = %(holder)s, lease_until = clock_timestamp() + %(lease)s
    WHERE table_name = %(table)s
      AND (holder IS NULL OR holder = %(holder)s OR lease_until < clock_timestamp())
    RETURNING epoch, position
"""
_RENEW = """
    UPDATE projections SET lease_until = clock_timestamp() + %(lease)s
    WHERE table_name = %(table)s AND epoch = %(epoch)s
"""
_MOVE = """
    UPDATE projections
    SET position = %(position)s, lease_until = clock_timestamp() + %(lease)s, moved_at = clock_timestamp()
    WHERE table_name = %(table)s AND epoch = %(epoch)s
"""
_RELEASE = "UPDATE projections SET holder = NULL, lease_until = NULL WHERE table_name = %s AND epoch = %s"
_PARKED = "SELECT case_id FROM parked_cases WHERE table_name = %s"
_PARK = """
    INSERT INTO parked_cases (table_name, case_id, version, position, topic, error)
    VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (table_name, case_id) DO NOTHING
"""


class Projector(Generic[R]):
    """The keeper of one table. Belongs to one thread."""

    def __init__(
        self,
        url: str,
        model: ReadModel[R],
        *,
        holder: str,
        table: str | None = None,
        mapper: FactMapper | None = None,
        lease: timedelta = LEASE,
        batch: int = BATCH,
    ) -> None:
        self.table = Table(model, table or model.table)
        self.holder = holder
        self._url = url
        self._model = model
        self._decode = (mapper or FactMapper()).decode
        self._ignored = [name for name, fact in FACTS.items() if model.passes_over(fact)]
        self._lease = lease
        self._batch = batch
        self._connection: Connection[Any] | None = None
        self._term: Term | None = None

    # --- running ----------------------------------------------------------------------------------

    def run(self, stop: Event) -> None:
        """Lead whenever nobody else does, and keep the table up to date until `stop` is set.

        Nothing ends it before: a database that goes away is waited for, any other failure is logged and
        the work taken up again from what is stored.
        """
        pause = SHORTEST_PAUSE
        while not stop.wait(pause):
            try:
                pause = SHORTEST_PAUSE / 10 if self.advance() else min(pause * 2, LONGEST_PAUSE)
            except NotLeading:
                pause = FOLLOWERS_PAUSE
            except LeadershipLost:
                pause = SHORTEST_PAUSE
            except Exception as error:
                self._disconnect()
                pause = min(max(pause * 2, LONGEST_PAUSE), LONGEST_OUTAGE_PAUSE)
                if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
                    log.warning("%s: no database (%s); trying again", self.table.name, error)
                else:
                    log.exception("%s: failed; trying again", self.table.name)
        self.close()

    def catch_up(self, until: int | None = None, progress: Callable[[int], None] | None = None) -> int:
        """Fold everything that is final now, or up to position `until`; return the number of events read.

        `progress` is called with the events read in each batch. Raises NotLeading and psycopg.Error.
        """
        last = self._safe_position() - 1 if until is None else until
        read = 0
        while amount := self.advance(last):
            read += amount
            if progress:
                progress(amount)
        return read

    def close(self) -> None:
        """Give up the lease, so that the next leader need not wait for its end, and the connection."""
        if self._connection and self._term:
            try:
                self._connection.execute(_RELEASE, (self.table.name, self._term.epoch))
            except psycopg.Error as error:
                log.warning("%s: the lease ends by itself (%s)", self.table.name, error)
        self._disconnect()

    # --- one batch --------------------------------------------------------------------------------

    def advance(self, until: int | None = None) -> int:
        """Fold the next batch, up to position `until` if given; return how many events it held.

        Raises NotLeading, LeadershipLost and psycopg.Error; then nothing was written.
        """
        try:
            connection, term = self.lead()
            bound = self._safe_position()
            facts = self._read(term.position, bound if until is None else min(bound, until + 1))
            if facts:
                self._write(connection, term, self._fold(connection, term, facts), facts[-1].position)
            else:
                self._renew(connection, term)
        except LeadershipLost:
            self._term = None
            raise
        except (psycopg.OperationalError, psycopg.InterfaceError):
            self._disconnect()
            raise
        return len(facts)

    def lead(self) -> tuple[Connection[Any], Term]:
        """Take the lease, unless it is held already. Raises NotLeading and psycopg.Error."""
        connection = self._connected()
        self._term = self._term or self._acquired(connection)
        return connection, self._term

    def _acquired(self, connection: Connection[Any]) -> Term:
        values = {"table": self.table.name, "holder": self.holder, "lease": self._lease}
        with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
            granted = cursor.execute(_ACQUIRE, values).fetchone()
            if granted is None:
                raise NotLeading(self.table.name)
            parked = {case_id for (case_id,) in cursor.execute(_PARKED, (self.table.name,))}
        epoch, position = granted
        return Term(epoch, position, parked, renewed_at=monotonic())

    def _renew(self, connection: Connection[Any], term: Term) -> None:
        if monotonic() - term.renewed_at > self._lease.total_seconds() / 3:
            self._under_lease(connection, term, _RENEW, {})

    def _under_lease(
        self, connection: Connection[Any], term: Term, statement: str, values: Mapping[str, object]
    ) -> None:
        own = {"table": self.table.name, "epoch": term.epoch, "lease": self._lease}
        if connection.execute(statement.encode(), {**own, **values}).rowcount == 0:
            raise LeadershipLost(self.table.name)
        term.renewed_at = monotonic()

    def _safe_position(self) -> int:
        with self._connected().cursor(row_factory=scalar_row, binary=True) as cursor:
            bound: int = cursor.execute("SELECT safe_position()").fetchall()[0]
        return bound

    def _read(self, after: int, below: int) -> list[StoredFact]:
        with self._connected().cursor(row_factory=tuple_row, binary=True) as cursor:
            cursor.execute(_READ, (self._ignored, after, below, self._batch))
            return [StoredFact(*row) for row in cursor.fetchall()]

    # --- folding ----------------------------------------------------------------------------------

    def _fold(self, connection: Connection[Any], term: Term, facts: Sequence[StoredFact]) -> Folded[R]:
        wanted = [fact for fact in facts if fact.state and fact.case_id not in term.parked]
        before = self.table.load(connection, {fact.case_id for fact in wanted if fact.version > 1})
        folded = Folded(before, dict(before))
        for fact in wanted:
            if fact.case_id not in folded.failures:
                self._fold_one(folded, fact)
        return folded

    def _fold_one(self, folded: Folded[R], fact: StoredFact) -> None:
        case_id = fact.case_id
        folded.first.setdefault(case_id, fact)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                folded.after[case_id] = self.folded(folded.after.get(case_id, {}), fact)
                return
            except Exception as error:
                if attempt == ATTEMPTS:
                    log.exception("%s: %s of case %s", self.table.name, fact.topic, case_id)
                    folded.failures[case_id] = Failure(fact, _described(error))

    def folded(self, rows: Rows[R], fact: StoredFact) -> Rows[R]:
        """The case's rows after one more stored fact. Raises what the decoder or the read model raises."""
        return self._model.fold(rows, self._decode(fact.topic, fact.state, fact.case_id, fact.version))

    # --- writing ----------------------------------------------------------------------------------

    def _write(self, connection: Connection[Any], term: Term, folded: Folded[R], position: int) -> None:
        try:
            with connection.transaction():
                self._move(connection, term, position)
                self.table.write_cases(connection, folded.before, folded.after)
                self._park(connection, folded.failures)
        except _REFUSED_ROWS:
            with connection.transaction():
                self._move(connection, term, position)
                self._write_one_by_one(connection, folded)
                self._park(connection, folded.failures)
        term.position = position
        term.parked |= folded.failures.keys()

    def _move(self, connection: Connection[Any], term: Term, position: int) -> None:
        connection.execute("SET LOCAL synchronous_commit = off")
        self._under_lease(connection, term, _MOVE, {"position": position})

    def _write_one_by_one(self, connection: Connection[Any], folded: Folded[R]) -> None:
        """Find the cases whose rows the table refuses; they are parked from their first fact in it on."""
        for case_id, rows in folded.after.items():
            try:
                with connection.transaction():
                    self.table.write_cases(connection, folded.before, {case_id: rows})
            except _REFUSED_ROWS as error:
                log.exception("%s: rows of case %s", self.table.name, case_id)
                folded.failures[case_id] = Failure(folded.first[case_id], _described(error))

    def _park(self, connection: Connection[Any], failures: Mapping[UUID, Failure]) -> None:
        if not failures:
            return
        self.table.mark_stale(connection, failures)
        with connection.cursor() as cursor:
            cursor.executemany(
                _PARK,
                [
                    (self.table.name, one.case_id, one.version, one.position, one.topic, failure.error)
                    for failure in failures.values()
                    for one in (failure.fact,)
                ],
            )

    # --- the connection ---------------------------------------------------------------------------

    def _connected(self) -> Connection[Any]:
        """The connection; a term never outlives the one under which it was granted."""
        if self._connection is None:
            self._connection = connected(self._url, f"recourse {self.table.name}")
        return self._connection

    def _disconnect(self) -> None:
        self._term = None
        if self._connection:
            self._connection.close()
        self._connection = None


def connected(url: str, purpose: str) -> Connection[Any]:
    """An autocommit connection that names its purpose to the database. Raises psycopg.OperationalError."""
    return psycopg.connect(url, autocommit=True, application_name=purpose, **SILENCE_SETTINGS)


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
