"""The port to the facts of every aggregate, and the rows that must be recorded with them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from domain.aggregate import EvolvingAggregate
from domain.events import Fact

A = TypeVar("A", bound=EvolvingAggregate)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who caused facts, through which request, because of which earlier fact."""

    actor_id: str
    actor_role: str
    request_id: str
    causation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's key for one request; `fingerprint` is a keyed digest of what it asked."""

    scope: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Replay:
    """What a kept idempotency key led to: enough to rebuild the first answer."""

    fingerprint: bytes
    aggregate_id: UUID
    version: int
    position: int
    subject: UUID | None


@dataclass(frozen=True, slots=True)
class Deadline:
    """A pending due time of one aggregate's clock."""

    clock_id: UUID
    kind: str
    due: datetime


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """An effect that leaves the system; `message_id` is also its idempotency key outside."""

    message_id: UUID
    kind: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A new data key of one person in one aggregate, wrapped for storage in an epoch."""

    person: str
    key_id: UUID
    wrapped: bytes
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class BlindEntry:
    """What an aggregate is found by: a truncated digest of something of a person that stands sealed in it."""

    person: str
    kind: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Effects:
    """Rows recorded in the same transaction as the facts, or not at all.

    claims: uniqueness claims taken (`ClaimTaken` when another one holds it) · released: claims given up ·
    deadlines: due times set · ended: clocks satisfied or cancelled, whose due times no longer count ·
    fired: the one clock whose due time was acted upon (`DeadlineNotPending` unless it still was) ·
    outbox: messages to deliver · blobs_kept: bytes put before, of which the facts tell (`BytesMissing` when
    they are not there) · blobs_dropped: bytes that go · data_keys: new wrapped keys · keys_destroyed:
    data keys that go, with the bytes under them and what people are found by · blind_index: by what they are
    found as long as their data keys live · idempotency: the key to keep, with the id of the thing that
    the command created, if any.
    """

    claims: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    ended: tuple[UUID, ...] = ()
    fired: UUID | None = None
    outbox: tuple[OutboxMessage, ...] = ()
    blobs_kept: tuple[UUID, ...] = ()
    blobs_dropped: tuple[UUID, ...] = ()
    data_keys: tuple[WrappedKey, ...] = ()
    keys_destroyed: tuple[UUID, ...] = ()
    blind_index: tuple[BlindEntry, ...] = ()
    idempotency: IdempotencyKey | None = None
    subject: UUID | None = None


@dataclass(frozen=True, slots=True)
class RecordedFact:
    """A fact with what the store knows about its recording."""

    fact: Fact
    position: int
    event_id: UUID
    recorded_at: datetime
    provenance: Provenance


class StoreError(Exception):
    """Recording did not happen, or could not be known to have happened."""


class VersionConflict(StoreError):
    """Another command was recorded on this aggregate first."""


@dataclass
class ClaimTaken(StoreError):
    """Another aggregate holds this uniqueness claim."""

    claim: str
    held_by: UUID | None = field(default=None)


class KeyAlreadyUsed(StoreError):
    """This idempotency key was recorded by another request; read its `Replay`."""


class KeyInUse(StoreError):
    """Another request with this idempotency key is still being recorded."""


class DeadlineNotPending(StoreError):
    """The clock was fired, satisfied or cancelled by someone else."""


class BytesMissing(StoreError):
    """The bytes of which the facts would tell are not there."""


class StoreUnavailable(StoreError):
    """The database cannot be reached, or did not answer in time; what was sent to it may be recorded."""


class Store(Protocol):
    """Aggregates of every kind by id, as facts."""

    def load(self, kind: type[A], aggregate_id: UUID, *, version: int | None = None) -> A | None:
        """The aggregate folded from its facts (up to `version`); None when there is none of this kind.

        Raises StoreUnavailable.
        """
        ...

    def facts(self, aggregate_id: UUID, *, after: int = 0) -> list[RecordedFact]:
        """The aggregate's recorded facts in order, those with a version above `after`."""
        ...

    def latest(self, aggregate_ids: Sequence[UUID], before: int | None, limit: int) -> list[RecordedFact]:
        """The newest facts of several aggregates, each one's first left out; those before a position.

        Raises StoreUnavailable.
        """
        ...

    def save(self, aggregate: EvolvingAggregate, provenance: Provenance, effects: Effects = Effects()) -> int:
        """Record the aggregate's pending facts and all effects in one transaction.

        Returns the position of the last fact. Raises a StoreError; then nothing was recorded, except that
        StoreUnavailable leaves it open. VersionConflict too when two begin the same aggregate.
        An aggregate without pending facts is not saved: the caller asks `pending_events` first.
        """
        ...

    def add(self, begun: EvolvingAggregate, provenance: Provenance, effects: Effects = Effects()) -> None:
        """Record the second fact of an aggregate that was just begun behind whatever of it there is.

        For what many add to at once without having read it: the version is given as it is recorded. Its first
        fact is recorded where there is none yet. Raises a StoreError; VersionConflict when another one has
        made the same data keys.
        """
        ...

    def end_of_save(self, aggregate_id: UUID, version: int) -> tuple[int, int]:
        """The last version and position that were recorded in one save with this version."""
        ...

    def replay(self, scope: str, key: str) -> Replay | None:
        """What this idempotency key led to in the last 30 days, or None."""
        ...
