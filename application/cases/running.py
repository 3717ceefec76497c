"""How every command runs.

The caller's right is checked, the case loaded, the caller's relation to it checked, a kept idempotency key
answered, the caller's version compared; then the case decides, and facts and effects are recorded in one
transaction. Texts are sealed before the case sees them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from application import access, effects
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
    CaseStore,
    ClaimTaken,
    Effects,
    IdempotencyKey,
    KeyAlreadyUsed,
    KeyInUse,
    Provenance,
    RecordedFact,
    StoreUnavailable,
    VersionConflict,
)
from application.vault import Sealing, Vault
from domain.case import Case
from domain.policy import Policy
from domain.refusals import CaseAlreadyOpenForOrderLine, UnknownPart
from domain.values import (
    Actor,
    Sealed,
    SealedFor,
)

RETRIES = 20
"""How often a command that needs no version is tried again when another one is recorded first."""

CLOCK_SKEW = timedelta(minutes=5)
"""How far a caller's clock may be ahead of ours."""


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


@dataclass(frozen=True, slots=True)
class Answer:
    """The case after a command, the position of its last fact, and the id of what the command created."""

    case: Case
    position: int
    subject: UUID | None = None


class Decide(Protocol):
    """One command put to a loaded case; texts are sealed by `sealing` for the next fact.

    Returns the version that recorded the same report before, if one did.
    """

    def __call__(self, case: Case, sealing: Sealing, at: datetime) -> int | None: ...


class Running:
    """The frame that all use cases share."""

    def __init__(
        self, store: CaseStore, vault: Vault, policy: Policy, clock: Clock, new_id: Callable[[], UUID]
    ) -> None:
        self._store = store
        self._vault = vault
        self._policy = policy
        self._clock = clock
        self._new_id = new_id

    def _versioned(
        self,
        request: Request,
        case_id: UUID,
        permission: str,
        decide: Decide,
        subject: UUID | None = None,
    ) -> Answer:
        return self._command(request, case_id, permission, decide, subject, needs_version=True)

    def _command(
        self,
        request: Request,
        case_id: UUID,
        permission: str,
        decide: Decide,
        subject: UUID | None = None,
        needs_version: bool = False,
    ) -> Answer:
        for _ in range(RETRIES):
            case = self._load(request.by, case_id, permission)
            # After the case: whatever this key has led to in it is then known to be kept.
            if known := self._replayed(request):
                return known
            self._at_version(request, case, needs_version)
            try:
                return self._decide(request, case, decide, subject)
            except VersionConflict:
                continue
        raise ServiceUnavailable

    def _decide(self, request: Request, case: Case, decide: Decide, subject: UUID | None) -> Answer:
        sealing = self._vault.sealing(case.id, case.version + 1)
        try:
            recorded_before = decide(case, sealing, self._clock.now())
        except UnknownPart as part:
            raise NotFound(part.kind) from part
        if not case.pending_events:
            return self._answered_before(case, recorded_before or case.version, subject)
        return self._record(request, case, sealing, subject)

    def _answered_before(self, case: Case, version: int, subject: UUID | None) -> Answer:
        try:
            last, position = self._store.end_of_save(case.id, version)
            then = self._store.load(case.id, version=last)
        except StoreUnavailable as down:
            raise ServiceUnavailable from down
        return Answer(then or case, position, subject)

    def _record(
        self,
        request: Request,
        case: Case,
        sealing: Sealing,
        subject: UUID | None,
    ) -> Answer:
        rows = Effects(data_keys=sealing.new_keys, idempotency=request.idempotency, subject=subject)
        try:
            position = self._save(request, case, rows)
        except ClaimTaken as taken:
            raise CaseAlreadyOpenForOrderLine from taken
        except KeyAlreadyUsed:
            known = self._replayed(request)
            if known is None:
                raise RequestInProgress from None
            return known
        except KeyInUse as running:
            raise RequestInProgress from running
        return Answer(case, position, subject)

    def _save(self, request: Request, case: Case, rows: Effects) -> int:
        facts = case.new_facts
        rows = replace(
            rows,
            claims=effects.claims(case, facts),
            released=effects.released(case, facts),
            deadlines=effects.deadlines(facts),
            ended=effects.ended(facts),
            outbox=effects.outbox(facts),
        )
        try:
            return self._store.save(case, request.provenance, rows)
        except StoreUnavailable as down:
            raise ServiceUnavailable from down

    def _load(self, by: Actor, case_id: UUID, permission: str) -> Case:
        self._permit(by, permission)
        try:
            case = self._store.load(case_id)
        except StoreUnavailable as down:
            raise ServiceUnavailable from down
        return _concerning(by, case)

    def _recorded(self, by: Actor, case_id: UUID, permission: str) -> tuple[Case, list[RecordedFact]]:
        """The case folded from the very facts that come with it, so that the two cannot disagree."""
        self._permit(by, permission)
        try:
            facts = self._store.facts(case_id)
        except StoreUnavailable as down:
            raise ServiceUnavailable from down
        case: Case | None = None
        for one in facts:
            case = one.fact.mutate(case)
        return _concerning(by, case), facts

    def _replayed(self, request: Request) -> Answer | None:
        key = request.idempotency
        if key is None:
            return None
        try:
            known = self._store.replay(key.scope, key.key)
            if known is None:
                return None
            if known.fingerprint != key.fingerprint:
                raise IdempotencyKeyReused
            case = self._store.load(known.case_id, version=known.version)
        except StoreUnavailable as down:
            raise ServiceUnavailable from down
        return Answer(case, known.position, known.subject) if case else None

    def _at_version(self, request: Request, case: Case, needed: bool) -> None:
        if request.expected_version is None:
            if needed:
                raise PreconditionRequired
        elif request.expected_version != case.version:
            raise VersionMismatch(case, self._store.facts(case.id, after=request.expected_version))

    def _permit(self, by: Actor, permission: str) -> None:
        if not access.may(by, permission):
            raise Forbidden(permission)

    def _not_after(self, moment: datetime, now: datetime, pointer: str) -> None:
        if moment > now + CLOCK_SKEW:
            raise InvalidRequest(pointer, "must not lie in the future")


def _concerning(by: Actor, case: Case | None) -> Case:
    if case is None or not access.concerns(by, case):
        raise NotFound("case")
    return case


def reasons_of(sealing: Sealing, text: str) -> Sealed:
    return sealing.seal(SealedFor.PLATFORM, "reasons", text)


def sealed_if_given(sealing: Sealing, person: SealedFor, field: str, text: str | None) -> Sealed | None:
    return None if text is None else sealing.seal(person, field, text)
