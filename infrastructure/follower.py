"""Carries one process along the log of facts: reads in safe order, reacts fact by fact, keeps the position.

A reaction gives commands of its own, so no transaction is open meanwhile, and the position is saved after it:
a follower that is killed repeats some facts and loses none. Several may follow for the same process; the one
that holds the lease leads. Every write states the epoch of that lease and is refused under any other.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import scalar_row, tuple_row

from application.errors import ServiceUnavailable
from application.processes import Process
from application.store import Provenance, RecordedFact, StoreUnavailable
from domain.events import FACTS
from domain.refusals import Refusal
from infrastructure.mapper import FactMapper
from infrastructure.projector import (
    ATTEMPTS,
    BATCH,
    FOLLOWERS_PAUSE,
    LEASE,
    LONGEST_OUTAGE_PAUSE,
    LONGEST_PAUSE,
    SHORTEST_PAUSE,
    LeadershipLost,
    NotLeading,
    connected,
)

log = logging.getLogger(__name__)


class StreamNotParked(LookupError):
    """The process does not wait with this stream."""


class StreamStillFails(Exception):
    """The process still cannot react to a fact of this stream; it stays parked. The cause says why."""


class StoredFact(NamedTuple):
    """A stored fact with what is known of its recording, not decoded yet."""

    position: int
    stream_id: UUID
    version: int
    topic: str
    state: bytes
    event_id: UUID
    recorded_at: datetime
    actor_id: str
    actor_role: str
    request_id: str
    causation_id: UUID | None


@dataclass(slots=True)
class Term:
    """What a leader knows: the epoch of its lease, how far the process is, and which streams are parked."""

    epoch: int
    position: int
    parked: set[UUID]
    saved_at: float


_AWAY = (ServiceUnavailable, StoreUnavailable)
_NO_DATABASE = (psycopg.OperationalError, psycopg.InterfaceError)

_SESSION = """
    SELECT set_config('timezone', 'UTC', false),
           set_config('synchronous_commit', 'off', false) -- what a crash takes is done again
"""
_REGISTER = "INSERT INTO processes (name) VALUES (%s) ON CONFLICT (name) DO NOTHING"
_ACQUIRE = """
    UPDATE processes
    SET epoch = epoch + 1, holder = %(holder)s, lease_until = clock_timestamp() + %(lease)s
    WHERE name = %(name)s
      AND (holder IS NULL OR holder = %(holder)s OR lease_until < clock_timestamp())
    RETURNING epoch, position
"""
_SAVE = """
    UPDATE processes SET position = %(position)s, lease_until = clock_timestamp() + %(lease)s
    WHERE name = %(name)s AND epoch = %(epoch)s
"""
_RELEASE = "UPDATE processes SET holder = NULL, lease_until = NULL WHERE name = %s AND epoch = %s"
_FENCE = "UPDATE processes SET epoch = epoch + 1 WHERE name = %s"

_END_OF_BATCH = """
    SELECT max(position) FROM (
        SELECT position FROM events WHERE position > %s AND position < %s ORDER BY position LIMIT %s
    ) AS batch
"""
_BETWEEN = """
    SELECT position, originator_id, originator_version, topic, state, event_id, recorded_at,
           actor_id, actor_role, request_id, causation_id
    FROM events WHERE position > %(after)s AND position <= %(end)s AND topic = ANY(%(topics)s)
    ORDER BY position
"""
_WAITING = """
    SELECT position, originator_id, originator_version, topic, state, event_id, recorded_at,
           actor_id, actor_role, request_id, causation_id
    FROM events WHERE originator_id = %(stream_id)s AND originator_version >= %(version)s
      AND position <= (SELECT position FROM processes WHERE name = %(name)s) AND topic = ANY(%(topics)s)
    ORDER BY originator_version
"""

_PARKED = "SELECT stream_id FROM parked_streams WHERE process = %s"
_PARKED_FROM = "SELECT version FROM parked_streams WHERE process = %s AND stream_id = %s"
_PARK = """
    INSERT INTO parked_streams (process, stream_id, version, position, topic, error)
    VALUES (%s, %s, %s, %s, %s, %s)
"""
_PARK_LATER = """
    UPDATE parked_streams SET version = %s, position = %s, topic = %s, error = %s
    WHERE process = %s AND stream_id = %s
"""
_UNPARK = "DELETE FROM parked_streams WHERE process = %s AND stream_id = %s"


class Follower:
    """What carries one process along. Belongs to one thread.

    Raises ValueError for a process that reads what is stored under no name: it would wait for it in vain.
    """

    def __init__(
        self,
        url: str,
        process: Process,
        *,
        holder: str,
        mapper: FactMapper | None = None,
        lease: timedelta = LEASE,
        batch: int = BATCH,
    ) -> None:
        self.process = process
        self._url = url
        self._holder = holder
        self._decode = (mapper or FactMapper()).decode
        self._topics = topics(process)
        self._lease = lease
        self._batch = batch
        self._stop = Event()
        self._connection: Connection[Any] | None = None
        self._term: Term | None = None

    # --- running ----------------------------------------------------------------------------------

    def run(self, stop: Event) -> None:
        """Lead whenever nobody else does, and react until `stop` is set; the fact at hand is finished first.

        Nothing ends it before: a database or service that goes away is waited for, any other failure is
        logged and the work taken up again from what is stored.
        """
        self._stop = stop
        pause = SHORTEST_PAUSE
        while not stop.wait(pause):
            try:
                pause = SHORTEST_PAUSE / 10 if self.advance() else min(pause * 2, LONGEST_PAUSE)
            except NotLeading:
                pause = FOLLOWERS_PAUSE
            except LeadershipLost:
                pause = SHORTEST_PAUSE
            except Exception as error:
                pause = min(max(pause * 2, LONGEST_PAUSE), LONGEST_OUTAGE_PAUSE)
                if isinstance(error, (*_NO_DATABASE, *_AWAY)):
                    log.warning("%s: no database or service (%r); trying again", self.process.name, error)
                else:
                    log.exception("%s: failed; trying again", self.process.name)
        self.close()

    def catch_up(self) -> None:
        """React to everything that is final, and to what the reactions record, until nothing is left.

        Raises what `advance` raises.
        """
        while self.advance():
            pass

    def close(self) -> None:
        """Give up the lease, so that the next leader need not wait for its end, and the connection."""
        if self._connection and self._term:
            try:
                self._connection.execute(_RELEASE, (self.process.name, self._term.epoch))
            except psycopg.Error as error:
                log.warning("%s: the lease ends by itself (%s)", self.process.name, error)
        self._disconnect()

    # --- one batch --------------------------------------------------------------------------------

    def advance(self) -> bool:
        """React to the next batch of facts; return whether there was anything to pass.

        Raises NotLeading, LeadershipLost, ServiceUnavailable, StoreUnavailable and psycopg.Error. What was
        reacted to and could not be saved will be handed to the process again.
        """
        try:
            connection, term = self._lead()
            end = self._end_of_batch(connection, term)
            if end is None:
                self._keep(connection, term)
            else:
                self._pass(connection, term, end)
        except (NotLeading, LeadershipLost):
            self._term = None
            raise
        except Exception:
            self._disconnect()  # from here on counts what is stored
            raise
        return end is not None

    def _pass(self, connection: Connection[Any], term: Term, end: int) -> None:
        for stored in self._read(connection, _BETWEEN, after=term.position, end=end):
            if self._stop.is_set():
                break
            try:
                self._take(connection, term, stored)
            except _AWAY:
                self._save(connection, term)
                raise
            term.position = stored.position
            self._keep(connection, term)
        else:
            term.position = end
        self._save(connection, term)

    def _end_of_batch(self, connection: Connection[Any], term: Term) -> int | None:
        """The position of the last event that is passed next; None where none is final yet."""
        with connection.cursor(row_factory=scalar_row) as cursor:
            bound = cursor.execute("SELECT safe_position()").fetchone()
            end: int | None = cursor.execute(_END_OF_BATCH, (term.position, bound, self._batch)).fetchone()
        return end

    def _read(self, connection: Connection[Any], statement: str, **values: object) -> list[StoredFact]:
        with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
            cursor.execute(statement.encode(), {"topics": self._topics, **values})
            return [StoredFact(*row) for row in cursor.fetchall()]

    # --- one fact ---------------------------------------------------------------------------------

    def _take(self, connection: Connection[Any], term: Term, stored: StoredFact) -> None:
        if stored.stream_id in term.parked:
            return
        try:
            self._react(stored)
        except _AWAY:
            raise
        except Exception as error:
            log.exception("%s: %s of stream %s", self.process.name, stored.topic, stored.stream_id)
            self._park(connection, term, stored, error)

    def _react(self, stored: StoredFact) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self.process.react(self._recorded(stored))
                break
            except _AWAY:
                raise
            except Exception:
                if attempt == ATTEMPTS:
                    raise

    def _recorded(self, stored: StoredFact) -> RecordedFact:
        fact = self._decode(stored.topic, stored.state, stored.stream_id, stored.version)
        who = Provenance(stored.actor_id, stored.actor_role, stored.request_id, stored.causation_id)
        return RecordedFact(fact, stored.position, stored.event_id, stored.recorded_at, who)

    def _park(self, connection: Connection[Any], term: Term, stored: StoredFact, error: Exception) -> None:
        what = (stored.stream_id, stored.version, stored.position, stored.topic, _described(error))
        term.position = stored.position  # so that a replay, which goes as far as the process is, includes it
        with connection.transaction():
            self._save(connection, term)
            connection.execute(_PARK, (self.process.name, *what))
        term.parked.add(stored.stream_id)

    # --- mending ----------------------------------------------------------------------------------

    def replay(self, stream_id: UUID) -> int:
        """React to what a parked stream waits with, and let it flow again; return how many facts that were.

        Needs no lease; a leader may go on meanwhile. Raises StreamNotParked, StreamStillFails,
        ServiceUnavailable, StoreUnavailable and psycopg.Error.
        """
        connection, name = self._connected(), self.process.name
        version = self._parked_from(connection, stream_id)
        reacted = 0
        while True:
            for stored in self._waiting(connection, stream_id, version):
                self._replay_one(connection, stored)
                version, reacted = stored.version + 1, reacted + 1
            with connection.transaction():
                # The leader is held here, and then drops the batch in which it may have skipped the stream.
                connection.execute(_FENCE, (name,))
                if not self._waiting(connection, stream_id, version):
                    connection.execute(_UNPARK, (name, stream_id))
                    return reacted

    def _parked_from(self, connection: Connection[Any], stream_id: UUID) -> int:
        with connection.cursor(row_factory=scalar_row) as cursor:
            version: int | None = cursor.execute(_PARKED_FROM, (self.process.name, stream_id)).fetchone()
        if version is None:
            raise StreamNotParked(f"{self.process.name} does not wait with stream {stream_id}")
        return version

    def _waiting(self, connection: Connection[Any], stream_id: UUID, version: int) -> list[StoredFact]:
        name = self.process.name
        return self._read(connection, _WAITING, name=name, stream_id=stream_id, version=version)

    def _replay_one(self, connection: Connection[Any], stored: StoredFact) -> None:
        try:
            self._react(stored)
        except _AWAY:
            raise
        except Exception as error:
            said = _described(error)
            now = (stored.version, stored.position, stored.topic, said)
            connection.execute(_PARK_LATER, (*now, self.process.name, stored.stream_id))
            raise StreamStillFails(f"version {stored.version}, {stored.topic}: {said}") from error

    # --- the lease --------------------------------------------------------------------------------

    def _lead(self) -> tuple[Connection[Any], Term]:
        connection = self._connected()
        self._term = self._term or self._acquired(connection)
        return connection, self._term

    def _acquired(self, connection: Connection[Any]) -> Term:
        name = self.process.name
        values = {"name": name, "holder": self._holder, "lease": self._lease}
        with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(_REGISTER, (name,))
            granted = cursor.execute(_ACQUIRE, values).fetchone()
            if granted is None:
                raise NotLeading(name)
            parked = {stream_id for (stream_id,) in cursor.execute(_PARKED, (name,))}
        epoch, position = granted
        return Term(epoch, position, parked, saved_at=monotonic())

    def _keep(self, connection: Connection[Any], term: Term) -> None:
        """Save now and then, also within a batch: reactions may take longer than the lease."""
        if monotonic() - term.saved_at > self._lease.total_seconds() / 3:
            self._save(connection, term)

    def _save(self, connection: Connection[Any], term: Term) -> None:
        values: Mapping[str, object] = {
            "name": self.process.name,
            "epoch": term.epoch,
            "position": term.position,
            "lease": self._lease,
        }
        if connection.execute(_SAVE, values).rowcount == 0:
            raise LeadershipLost(self.process.name)
        term.saved_at = monotonic()

    # --- the connection ---------------------------------------------------------------------------

    def _connected(self) -> Connection[Any]:
        """The connection; a term never outlives the one under which it was granted."""
        if self._connection is None:
            self._connection = connected(self._url, f"recourse {self.process.name}")
            self._connection.execute(_SESSION)
        return self._connection

    def _disconnect(self) -> None:
        self._term = None
        if self._connection:
            self._connection.close()
        self._connection = None


def topics(process: Process) -> list[str]:
    """The stored names of what a process reads. Raises ValueError when something has none."""
    named = {fact: name for name, fact in FACTS.items()}
    unnamed = sorted(fact.__name__ for fact in process.reads - named.keys())
    if unnamed:
        raise ValueError(f"{process.name} reads what is stored under no name: {', '.join(unnamed)}")
    return sorted(named[fact] for fact in process.reads)


def _described(error: Exception) -> str:
    """A code or a type: what an unforeseen error quotes may be what people wrote."""
    return error.code if isinstance(error, Refusal) else type(error).__name__
