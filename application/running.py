"""How every command runs, whatever aggregate it is given to.

The caller's right is checked, the aggregate loaded, the caller's relation to it checked, a kept idempotency
key answered, the caller's version compared; then the aggregate decides, and facts and effects are recorded in
one transaction. Texts are sealed before the aggregate sees them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic
from uuid import UUID

from application import access
from application.clock import Clock
from application.errors import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    PreconditionRequired,
    RequestInProgress,
    ServiceUnavailable,
    VersionMismatch,
)
from application.store import (
    A,
    ClaimTaken,
    DeadlineNotPending,
    Effects,
    IdempotencyKey,
    KeyAlreadyUsed,
    KeyInUse,
    Provenance,
    RecordedFact,
    Store,
    StoreUnavailable,
    VersionConflict,
)
from application.vault import Sealing, Vault
from domain.events import Fact
from domain.refusals import UnknownPart
from domain.values import Actor, Sealed, SealedFor

RETRIES = 20
"""How often a command that needs no version is tried again when another one is recorded first."""

CLOCK_SKEW = timedelta(minutes=5)
"""How far a caller's clock may be ahead of ours."""

FUTURE_LIMIT = timedelta(days=366)
"""A due time further away than this is taken for a mistake."""


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, and how the answer is tied to the asking.

    expected_version: the version that the caller saw (If-Match) · idempotency: the caller's key ·
    lease_token: the fencing token of the caller's lease, when it sent one.
    """

    by: Actor
    request_id: str
    expected_version: int | None = None
    idempotency: IdempotencyKey | None = None
    lease_token: str | None = None
    causation_id: UUID | None = None

    @property
    def provenance(self) -> Provenance:
        """What the store keeps beside each fact about its origin."""
        return Provenance(self.by.id, self.by.role, self.request_id, self.causation_id)


@dataclass(frozen=True)
class Answer(Generic[A]):
    """The aggregate after a command, the position of its last fact, and the id of what the command made."""

    aggregate: A
    position: int
    subject: UUID | None = None


Decide = Callable[[A, Sealing, datetime], int | None]
"""One command put to a loaded aggregate; texts are sealed by `sealing` for the next fact.

Returns the version that recorded the same report before, if one did.
"""

Make = Callable[[Sealing, datetime], A]
"""Makes an aggregate with its first fact, whose texts `sealing` seals."""

Begin = Callable[[datetime], A]
"""Makes an aggregate with its first fact, which has no texts, for a command that found none."""


class Running(Generic[A]):
    """The frame that the use cases of one kind of aggregate share. Safe to share between threads.

    A subclass names the kind as `aggregate`, and says what is particular to it by overriding `_concerns`,
    `_effects`, `_taken` and `_missing`.
    """

    aggregate: type[A]

    def __init__(self, store: Store, vault: Vault, clock: Clock, new_id: Callable[[], UUID]) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._new_id = new_id

    # --- what is particular to a kind ---

    def _concerns(self, by: Actor, aggregate: A) -> bool:
        """Whether the aggregate is the caller's to see; for others there is none."""
        return True

    def _effects(self, aggregate: A, facts: Sequence[Fact]) -> Effects:
        """What must be recorded together with these facts, derived from them alone."""
        return Effects()

    def _missing(self) -> NotFound:
        """That there is none of this kind that the caller may see."""
        return NotFound(self.aggregate.kind())

    def _taken(self, claim: ClaimTaken) -> Exception:
        """The refusal of a command whose uniqueness claim is held by another aggregate."""
        return claim

    # --- commands ---

    def _versioned(
        self,
        request: Request,
        aggregate_id: UUID,
        permission: str,
        decide: Decide[A],
        subject: UUID | None = None,
    ) -> Answer[A]:
        return self._command(request, aggregate_id, permission, decide, subject, needs_version=True)

    def _command(
        self,
        request: Request,
        aggregate_id: UUID,
        permission: str,
        decide: Decide[A],
        subject: UUID | None = None,
        *,
        needs_version: bool = False,
        begin: Begin[A] | None = None,
    ) -> Answer[A]:
        """Give a command to an aggregate; `begin` makes it when there is none yet.

        The id of one that is begun is derived from what it is about: of several who begin it at once one does
        so, and the others find it.
        """
        self._permit(request.by, permission)
        for _ in range(RETRIES):
            aggregate = self._found(request, aggregate_id, begin)
            # After the aggregate: whatever this key has led to in it is then known to be kept.
            if known := self._replayed(request):
                return known
            self._at_version(request, aggregate, needs_version)
            try:
                return self._decide(request, aggregate, decide, subject)
            except VersionConflict:
                continue
        raise ServiceUnavailable

    def _found(self, request: Request, aggregate_id: UUID, begin: Begin[A] | None) -> A:
        stored = self._stored(aggregate_id)
        if stored is None and begin and request.expected_version is None:
            return begin(self._clock.now())
        return self._concerning(request.by, stored)

    def _created(
        self,
        request: Request,
        permission: str,
        aggregate_id: UUID,
        make: Make[A],
        subject: UUID | None = None,
    ) -> Answer[A]:
        """Record a new aggregate under a new id."""
        self._permit(request.by, permission)
        if known := self._replayed(request):
            return known
        sealing = self._vault.sealing(aggregate_id, 1)
        return self._record(request, make(sealing, self._clock.now()), sealing, subject)

    def _fired(
        self,
        request: Request,
        aggregate_id: UUID,
        permission: str,
        clock_id: UUID,
        miss: Callable[[A, datetime], None],
    ) -> bool:
        """Act upon a due time that has passed; False when there was nothing left to act upon."""
        self._permit(request.by, permission)
        for _ in range(RETRIES):
            aggregate = self._concerning(request.by, self._stored(aggregate_id))
            miss(aggregate, self._clock.now())
            try:
                if aggregate.pending_events:
                    self._save(request, aggregate, Effects(fired=clock_id))
                    return True
            except DeadlineNotPending:
                return False
            except VersionConflict:
                continue
            return False
        raise ServiceUnavailable

    def _decide(self, request: Request, aggregate: A, decide: Decide[A], subject: UUID | None) -> Answer[A]:
        sealing = self._vault.sealing(aggregate.id, aggregate.version + 1)
        try:
            recorded_before = decide(aggregate, sealing, self._clock.now())
        except UnknownPart as part:
            raise NotFound(part.kind) from part
        if not aggregate.pending_events:
            return self._answered_before(aggregate, recorded_before or aggregate.version, subject)
        return self._record(request, aggregate, sealing, subject)

    def _answered_before(self, aggregate: A, version: int, subject: UUID | None) -> Answer[A]:
        try:
            last, position = self._store.end_of_save(aggregate.id, version)
            then = self._store.load(self.aggregate, aggregate.id, version=last)
        except StoreUnavailable as down:
            raise ServiceUnavailable from down
        return Answer(then or aggregate, position, subject)

    def _record(self, request: Request, aggregate: A, sealing: Sealing, subject: UUID | None) -> Answer[A]:
        rows = Effects(
            data_keys=sealing.new_keys,
            blind_index=sealing.blind_index,
            idempotency=request.idempotency,
            subject=subject,
        )
        try:
            position = self._save(request, aggregate, rows)
        except ClaimTaken as taken:
            raise self._taken(taken) from taken
        except KeyAlreadyUsed:
            known = self._replayed(request)
            if known is None:
                raise RequestInProgress from None
            return known
        except KeyInUse as running:
            raise RequestInProgress from running
        return Answer(aggregate, position, subject)

    def _save(self, request: Request, aggregate: A, rows: Effects) -> int:
        derived = self._effects(aggregate, aggregate.new_facts)
        rows = replace(
            derived,
            fired=rows.fired,
            data_keys=rows.data_keys,
            blind_index=rows.blind_index,
            idempotency=rows.idempotency,
            subject=rows.subject,
        )
        try:
            return self._store.save(aggregate, request.provenance, rows)
        except StoreUnavailable as down:
            raise ServiceUnavailable from down

    # --- reading ---

    def _load(self, by: Actor, aggregate_id: UUID, permission: str) -> A:
        self._permit(by, permission)
        return self._concerning(by, self._stored(aggregate_id))

    def _recorded(self, by: Actor, aggregate_id: UUID, permission: str) -> tuple[A, list[RecordedFact]]:
        """The aggregate folded from the very facts that come with it, so that the two cannot disagree."""
        self._permit(by, permission)
        try:
            facts = self._store.facts(aggregate_id)
        except StoreUnavailable as down:
            raise ServiceUnavailable from down
        folded: A | None = None
        for one in facts:
            folded = one.fact.mutate(folded)
        return self._concerning(by, folded), facts

    def _stored(self, aggregate_id: UUID) -> A | None:
        try:
            return self._store.load(self.aggregate, aggregate_id)
        except StoreUnavailable as down:
            raise ServiceUnavailable from down

    def _replayed(self, request: Request) -> Answer[A] | None:
        key = request.idempotency
        if key is None:
            return None
        try:
            known = self._store.replay(key.scope, key.key)
            if known is None:
                return None
            if known.fingerprint != key.fingerprint:
                raise IdempotencyKeyReused
            then = self._store.load(self.aggregate, known.aggregate_id, version=known.version)
        except StoreUnavailable as down:
            raise ServiceUnavailable from down
        return Answer(then, known.position, known.subject) if then else None

    # --- checks ---

    def _concerning(self, by: Actor, aggregate: A | None) -> A:
        if not isinstance(aggregate, self.aggregate) or not self._concerns(by, aggregate):
            raise self._missing()
        return aggregate

    def _at_version(self, request: Request, aggregate: A, needed: bool) -> None:
        if request.expected_version is None:
            if needed:
                raise PreconditionRequired
        elif request.expected_version != aggregate.version:
            since = self._store.facts(aggregate.id, after=request.expected_version)
            raise VersionMismatch(aggregate, since)

    def _permit(self, by: Actor, permission: str) -> None:
        if not access.may(by, permission):
            raise Forbidden(permission)

    def _not_after(self, moment: datetime, now: datetime, pointer: str) -> None:
        if moment > now + CLOCK_SKEW:
            raise InvalidRequest(pointer, "must not lie in the future")

    def _within_a_year(self, due: datetime, pointer: str) -> None:
        now = self._clock.now()
        if not now < due <= now + FUTURE_LIMIT:
            raise InvalidRequest(pointer, "must lie in the future, within a year")


def reasons_of(sealing: Sealing, text: str) -> Sealed:
    """What people of the platform give as their reasons."""
    return sealing.seal(SealedFor.PLATFORM, "reasons", text)


def sealed_if_given(sealing: Sealing, person: SealedFor, field: str, text: str | None) -> Sealed | None:
    """The text sealed, if there is one."""
    return None if text is None else sealing.seal(person, field, text)
