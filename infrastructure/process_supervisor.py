"""All processes of one installation: run, watched and mended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, scalar_row

from application.processes import Process
from infrastructure.follower import Follower
from infrastructure.mapper import FactMapper
from infrastructure.projector import BATCH, LEASE, connected


class UnknownProcess(LookupError):
    """There is no process of this name."""


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """How far one process is. `lag_seconds` is the age of the oldest event that it has not passed, or 0."""

    name: str
    position: int
    lag_events: int
    lag_seconds: float
    parked: int
    holder: str | None
    epoch: int


@dataclass(frozen=True, slots=True)
class ParkedStream:
    """A stream that a process waits with, and the fact that it could not react to."""

    process: str
    stream_id: UUID
    version: int
    position: int
    topic: str
    error: str
    parked_at: datetime


_STATUS = """
    WITH known AS (
        SELECT name, coalesce(position, 0) AS position, coalesce(epoch, 0) AS epoch, holder, lease_until
        FROM unnest(%(names)s::text[]) AS name LEFT JOIN processes USING (name)
    )
    SELECT name, position,
           (SELECT count(*) FROM events
            WHERE events.position > known.position AND events.position < %(bound)s) AS lag_events,
           coalesce((SELECT extract(epoch FROM clock_timestamp() - recorded_at) FROM events
            WHERE events.position > known.position AND events.position < %(bound)s
            ORDER BY events.position LIMIT 1), 0)::float8 AS lag_seconds,
           (SELECT count(*) FROM parked_streams WHERE process = name) AS parked,
           CASE WHEN lease_until > clock_timestamp() THEN holder END AS holder, epoch
    FROM known ORDER BY name
"""
_PARKED = """
    SELECT process, stream_id, version, position, topic, error, parked_at
    FROM parked_streams ORDER BY parked_at, process, stream_id
"""


class ProcessSupervisor:
    """Carries the processes of one database along. `holder` names this operating-system process.

    Raises ValueError when two of them share a name.
    """

    def __init__(
        self,
        url: str,
        processes: Sequence[Process],
        *,
        holder: str,
        lease: timedelta = LEASE,
        batch: int = BATCH,
    ) -> None:
        self._url = url
        self._processes = {process.name: process for process in processes}
        if len(self._processes) < len(processes):
            raise ValueError(f"two of these share a name: {sorted(process.name for process in processes)}")
        self._holder = holder
        self._mapper = FactMapper()
        self._lease = lease
        self._batch = batch

    def run(self, stop: Event) -> None:
        """Carry every process along, each in a thread of its own, until `stop` is set."""
        threads = [
            Thread(target=follower.run, args=(stop,), name=follower.process.name)
            for follower in self._followers()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def catch_up(self) -> None:
        """React to everything that is final, and to what the reactions record, until nothing is left.

        Raises what `Follower.advance` raises.
        """
        followers = self._followers()
        try:
            while any(follower.advance() for follower in followers):
                pass
        finally:
            for follower in followers:
                follower.close()

    def status(self) -> list[ProcessStatus]:
        """How far every process is, by name; one that never ran is at the beginning. Raises psycopg.Error."""
        with self._connected() as connection, connection.cursor(row_factory=scalar_row) as cursor:
            bound = cursor.execute("SELECT safe_position()").fetchone()
            with connection.cursor(row_factory=class_row(ProcessStatus)) as rows:
                return rows.execute(_STATUS, {"bound": bound, "names": list(self._processes)}).fetchall()

    def parked(self) -> list[ParkedStream]:
        """The streams that some process waits with, oldest first. Raises psycopg.Error."""
        rows = class_row(ParkedStream)
        with self._connected() as connection, connection.cursor(row_factory=rows) as cursor:
            return cursor.execute(_PARKED).fetchall()

    def replay(self, name: str, stream_id: UUID) -> int:
        """Have a process react to what a parked stream waits with; return how many facts that were.

        Raises UnknownProcess, and what `Follower.replay` raises.
        """
        if name not in self._processes:
            raise UnknownProcess(f"there is no process {name}")
        follower = self._follower(self._processes[name])
        try:
            return follower.replay(stream_id)
        finally:
            follower.close()

    def _followers(self) -> list[Follower]:
        return [self._follower(process) for process in self._processes.values()]

    def _follower(self, process: Process) -> Follower:
        return Follower(
            self._url,
            process,
            holder=self._holder,
            mapper=self._mapper,
            lease=self._lease,
            batch=self._batch,
        )

    def _connected(self) -> Connection[Any]:
        return connected(self._url, "recourse processes")
