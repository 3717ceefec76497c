"""The port to the facts of every aggregate, on eventsourcing's Application and our recorder."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import psycopg
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import Mapper

from application.store import A, Effects, Provenance, RecordedFact, Replay
from domain.aggregate import EvolvingAggregate
from infrastructure.event_store.append_call import NO_EFFECTS
from infrastructure.event_store.factory import DEFAULT_MAX_OVERFLOW, DEFAULT_POOL_SIZE
from infrastructure.event_store.failures import translated
from infrastructure.event_store.recorder import ConcurrentRecorder
from infrastructure.mapper import FactMapper

MAX_POSITION = 2**63 - 1
SELECT_FACTS = (
    b"SELECT originator_version, topic, state, position, event_id, recorded_at,"
    b" actor_id, actor_role, request_id, causation_id FROM events"
    b" WHERE originator_id = %b AND originator_version > %b ORDER BY originator_version"
)
SELECT_LATEST = (
    b"SELECT originator_id, originator_version, topic, state, position, event_id, recorded_at,"
    b" actor_id, actor_role, request_id, causation_id FROM events"
    b" WHERE originator_id = ANY(%b) AND originator_version > 1 AND position < %b"
    b" ORDER BY position DESC LIMIT %b"
)
SELECT_END_OF_SAVE = (
    b"SELECT originator_version, position FROM events WHERE originator_id = %b AND position >> 16 ="
    b" (SELECT position >> 16 FROM events WHERE originator_id = %b AND originator_version = %b)"
    b" ORDER BY originator_version DESC LIMIT 1"
)
SELECT_REPLAY = (
    b"SELECT fingerprint, case_id, version, position, subject FROM idempotency"
    b" WHERE scope = %s AND key = %s AND created_at > now() - interval '30 days'"
)


class FactApplication(Application[UUID]):
    """eventsourcing's application with our mapper and the shortest way from an aggregate to the recorder."""

    name = "Recourse"
    mapper: FactMapper
    recorder: ConcurrentRecorder

    def construct_mapper(self) -> Mapper[UUID]:
        """Ours: exact types, registered names only."""
        return FactMapper()

    def record(self, aggregate: EvolvingAggregate, provenance: Provenance, effects: Effects) -> int:
        """Record the pending facts with their effects; the position of the last. Raises StoreError.

        The library's `save` does the same at a multiple of the cost. Collecting drains the aggregate: it is
        recorded once, and loaded again after a failure.
        """
        stored = [self.mapper.to_stored_event(fact) for fact in aggregate.collect_events()]
        return self.recorder.append(stored, provenance, effects) + len(stored) - 1

    def add(self, begun: EvolvingAggregate, provenance: Provenance, effects: Effects) -> None:
        """Record the last fact of an aggregate just begun behind what there is. Raises StoreError."""
        stored = [self.mapper.to_stored_event(fact) for fact in begun.collect_events()]
        self.recorder.add(stored, provenance, effects)


class PostgresStore:
    """Aggregates as facts in PostgreSQL; implements `application.store.Store`.

    Build it after fork, on a migrated database; until closed it holds a pool of at most `pool_size +
    max_overflow` connections. Raises NotMigrated or EpochBehind when the database is not fit to be
    written, and psycopg.Error when it cannot be reached.
    """

    def __init__(
        self, url: str, *, pool_size: int = DEFAULT_POOL_SIZE, max_overflow: int = DEFAULT_MAX_OVERFLOW
    ) -> None:
        self._application = FactApplication(
            {
                "PERSISTENCE_MODULE": "infrastructure.event_store",
                "POSTGRES_URL": url,
                "POSTGRES_POOL_SIZE": str(pool_size),
                "POSTGRES_MAX_OVERFLOW": str(max_overflow),
            }
        )
        self._mapper = self._application.mapper
        self.datastore = self._application.recorder.datastore
        """The connections, for the other parts of this process."""

    def load(self, kind: type[A], aggregate_id: UUID, *, version: int | None = None) -> A | None:
        """The aggregate folded from its facts (up to `version`); None when there is none of this kind.

        Raises StoreUnavailable.
        """
        try:
            found: object = self._application.repository.get(aggregate_id, version=version)
        except AggregateNotFoundError:
            return None
        except psycopg.Error as error:
            raise translated(error) from error
        return found if isinstance(found, kind) else None

    def facts(self, aggregate_id: UUID, *, after: int = 0) -> list[RecordedFact]:
        """The recorded facts in order, those with a version above `after`; raises StoreUnavailable."""
        return [self._recorded(aggregate_id, row) for row in self._read(SELECT_FACTS, aggregate_id, after)]

    def latest(self, aggregate_ids: Sequence[UUID], before: int | None, limit: int) -> list[RecordedFact]:
        """The newest facts of several aggregates, each one's first left out; those before a position.

        Raises StoreUnavailable.
        """
        bound = MAX_POSITION if before is None else before
        rows = self._read(SELECT_LATEST, list(aggregate_ids), bound, limit)
        return [self._recorded(aggregate_id, row) for aggregate_id, *row in rows]

    def _recorded(self, aggregate_id: UUID, row: Sequence[Any]) -> RecordedFact:
        version, topic, state, position, event_id, recorded_at, *who = row
        fact = self._mapper.decode(topic, state, aggregate_id, version)
        return RecordedFact(fact, position, event_id, recorded_at, Provenance(*who))

    def save(
        self, aggregate: EvolvingAggregate, provenance: Provenance, effects: Effects = NO_EFFECTS
    ) -> int:
        """Record the pending facts and all effects in one transaction; the position of the last fact.

        Raises a StoreError; then nothing was recorded, except that StoreUnavailable leaves it open. The
        aggregate is spent either way: load it again to go on.
        """
        return self._application.record(aggregate, provenance, effects)

    def add(self, begun: EvolvingAggregate, provenance: Provenance, effects: Effects = NO_EFFECTS) -> None:
        """Record the second fact of an aggregate that was just begun behind whatever of it there is.

        Its first fact is recorded where there is none yet. Raises StoreError; VersionConflict when another
        one has made the same data keys.
        """
        self._application.add(begun, provenance, effects)

    def end_of_save(self, aggregate_id: UUID, version: int) -> tuple[int, int]:
        """The last version and position recorded in one save with this one; raises LookupError if none."""
        rows = self._read(SELECT_END_OF_SAVE, aggregate_id, aggregate_id, version)
        if not rows:
            raise LookupError(f"{aggregate_id} has no version {version}")
        last, position = rows[0]
        return last, position

    def replay(self, scope: str, key: str) -> Replay | None:
        """What this idempotency key led to in the last 30 days, or None; raises StoreUnavailable."""
        rows = self._read(SELECT_REPLAY, scope, key)
        return Replay(*rows[0]) if rows else None

    def _read(self, statement: bytes, *params: Any) -> list[tuple[Any, ...]]:
        try:
            return self.datastore.read(statement, params)
        except psycopg.Error as error:
            raise translated(error) from error

    def close(self) -> None:
        """Close the connections."""
        self._application.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
