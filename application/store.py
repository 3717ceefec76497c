"""The port to the case's facts, and the rows that must be recorded with them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from domain.case import Case
from domain.events import Fact


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
    case_id: UUID
    version: int
    position: int
    subject: UUID | None


@dataclass(frozen=True, slots=True)
class Deadline:
    """A pending due time of one case's clock."""

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
    """A new data key of one person in one case, wrapped for storage."""

    person: str
    key_id: UUID
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class Effects:
    """Rows recorded in the same transaction as the facts, or not at all.

    claims: uniqueness claims taken (`ClaimTaken` when another case holds one) · released: claims given up ·
    deadlines: due times set · ended: clocks satisfied or cancelled, whose due times no longer count ·
    fired: the one clock whose due time was acted upon (`DeadlineNotPending` unless it still was) ·
    outbox: messages to deliver · data_keys: new wrapped keys · idempotency: the key to keep, with
    the id of the thing that the command created, if any.
    """

    claims: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    ended: tuple[UUID, ...] = ()
    fired: UUID | None = None
    outbox: tuple[OutboxMessage, ...] = ()
    data_keys: tuple[WrappedKey, ...] = ()
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
    """Another command was recorded on this case first."""


@dataclass
class ClaimTaken(StoreError):
    """Another case holds this uniqueness claim."""

    claim: str
    held_by: UUID | None = field(default=None)


class KeyAlreadyUsed(StoreError):
    """This idempotency key was recorded by another request; read its `Replay`."""


class KeyInUse(StoreError):
    """Another request with this idempotency key is still being recorded."""


class DeadlineNotPending(StoreError):
    """The clock was fired, satisfied or cancelled by someone else."""


class StoreUnavailable(StoreError):
    """The database cannot be reached, or did not answer in time; what was sent to it may be recorded."""


class CaseStore(Protocol):
    """Cases by id, as facts. One implementation answers to PostgreSQL, one to tests."""

    def load(self, case_id: UUID, *, version: int | None = None) -> Case | None:
        """The case folded from its facts (up to `version`), or None; raises StoreUnavailable."""
        ...

    def facts(self, case_id: UUID, *, after: int = 0) -> list[RecordedFact]:
        """The case's recorded facts in order, those with a version above `after`."""
        ...

    def save(self, case: Case, provenance: Provenance, effects: Effects = Effects()) -> int:
        """Record the case's pending facts and all effects in one transaction.

        Returns the position of the last fact. Raises a StoreError; then nothing was recorded, except that
        StoreUnavailable leaves it open.
        A case without pending facts is not saved: the caller asks `case.pending_events` first.
        """
        ...

    def end_of_save(self, case_id: UUID, version: int) -> tuple[int, int]:
        """The last version and position that were recorded in one save with this version."""
        ...

    def replay(self, scope: str, key: str) -> Replay | None:
        """What this idempotency key led to in the last 30 days, or None."""
        ...
