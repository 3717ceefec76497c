"""The use cases of a case: one method per command, named as the case names it.

Every command runs the same way (`_command`): the case is loaded, the caller's right and relation are
checked, a kept idempotency key is answered, the caller's version is compared, the case decides, and
facts and effects are recorded in one transaction. Texts are sealed before the case sees them.
"""

from collections.abc import Callable, Mapping
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
    DeadlineNotPending,
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
from domain.refusals import CaseAlreadyOpenForOrderLine, Refusal, UnknownPart
from domain.values import (
    Actor,
    AttemptOutcome,
    CaseType,
    Channel,
    Claim,
    Contact,
    EvidenceParty,
    Finding,
    LiabilityShare,
    Money,
    OrderLine,
    Payer,
    Remedy,
    ReopenGround,
    Resolution,
    Sealed,
    SealedFor,
    Visibility,
)

RETRIES = 5
"""How often a command that needs no version is tried again when another one is recorded first."""

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


@dataclass(frozen=True, slots=True)
class Answer:
    """The case after a command, the position of its last fact, and the id of what the command created."""

    case: Case
    position: int
    subject: UUID | None = None


class Decide(Protocol):
    """One command put to a loaded case; texts are sealed by `sealing` for the next fact."""

    def __call__(self, case: Case, sealing: Sealing, at: datetime) -> None: ...


class Cases:
    """The commands on cases. Safe to share between threads."""

    def __init__(
        self, store: CaseStore, vault: Vault, policy: Policy, clock: Clock, new_id: Callable[[], UUID]
    ) -> None:
        self._store = store
        self._vault = vault
        self._policy = policy
        self._clock = clock
        self._new_id = new_id

    # --- filing -----------------------------------------------------------------------------------

    def file(
        self,
        request: Request,
        case_type: CaseType,
        reason: str,
        channel: str,
        buyer_id: str,
        merchant_id: str,
        order: OrderLine,
        claim: Claim,
        statement: str | None = None,
        contact: Mapping[str, str] | None = None,
    ) -> Answer:
        """File a case for one order line. `contact` may name `name`, `phone` and `address`.

        Raises Forbidden, InvalidRequest (an order from the future), IdempotencyKeyReused,
        RequestInProgress, ServiceUnavailable and the refusal CaseAlreadyOpenForOrderLine.
        """
        self._permit(request.by, "cases.file")
        if known := self._replayed(request):
            return known
        at = self._clock.now()
        self._not_after(order.purchased_at, at, "/order/purchased_at")
        if order.delivered_at:
            self._not_after(order.delivered_at, at, "/order/delivered_at")
        case_id = self._new_id()
        sealing = self._vault.sealing(case_id, 1)
        case = Case.file(
            by=request.by,
            case_id=case_id,
            number=case_number(case_id, at),
            case_type=case_type,
            reason=reason,
            channel=channel,
            buyer=self._vault.pseudonym("buyer", buyer_id),
            merchant_id=merchant_id,
            order=order,
            claim=claim,
            policy=self._policy,
            at=at,
            statement=_sealed(sealing, SealedFor.BUYER, "statement", statement),
            contact=_sealed_contact(sealing, contact),
        )
        return self._record(request, case, sealing, None)

    # --- who works on it --------------------------------------------------------------------------

    def claim(self, request: Request, case_id: UUID) -> Answer:
        """Take the case under a lease, or renew one's own. Needs the version."""
        return self._versioned(
            request, case_id, "cases.claim", lambda case, _, at: case.claim(request.by, self._policy, at)
        )

    def claim_next(self, request: Request, candidates: list[UUID]) -> Answer | None:
        """Take the first of these cases that can still be had; None when none can."""
        self._permit(request.by, "cases.claim")
        if known := self._replayed(request):
            return known
        for case_id in candidates:
            try:
                return self._command(
                    request,
                    case_id,
                    "cases.claim",
                    lambda case, _, at: case.claim(request.by, self._policy, at),
                )
            except (Refusal, NotFound):
                continue
        return None

    def release(self, request: Request, case_id: UUID) -> Answer:
        """Give the case back. Needs the version."""
        return self._versioned(
            request,
            case_id,
            "cases.claim",
            lambda case, _, at: case.release(request.by, request.lease_token, at),
        )

    def note(self, request: Request, case_id: UUID, text: str, visibility: Visibility) -> Answer:
        """Write something down."""
        note_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.note(note_id, sealing.seal(SealedFor.PLATFORM, "text", text), visibility, at)

        return self._command(request, case_id, "cases.note", decide, note_id)

    # --- evidence, finding, decision --------------------------------------------------------------

    def submit_evidence(
        self,
        request: Request,
        case_id: UUID,
        party: EvidenceParty,
        kind: str,
        title: str,
        sha256: str,
        uri: str | None = None,
    ) -> Answer:
        """Put evidence on file by reference; outside callers only for their own party."""
        own = access.OWN_PARTY.get(request.by.role, party)
        if own is not party:
            raise Forbidden("evidence.submit")
        evidence_id = self._new_id()
        person = SealedFor(party)

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.submit_evidence(
                request.by,
                evidence_id,
                party,
                kind,
                sha256,
                sealing.seal(person, "title", title),
                _sealed(sealing, person, "uri", uri),
                at,
            )

        return self._command(request, case_id, "evidence.submit", decide, evidence_id)

    def verify(
        self,
        request: Request,
        case_id: UUID,
        finding: Finding,
        liability: tuple[LiabilityShare, ...],
        evidence: tuple[UUID, ...],
        reasons: str,
    ) -> Answer:
        """Record what the examination found. Needs the version and the lease."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.verify(
                request.by, request.lease_token, finding, liability, evidence, _reasons(sealing, reasons), at
            )

        return self._versioned(request, case_id, "cases.verify", decide)

    def decide(
        self,
        request: Request,
        case_id: UUID,
        remedies: tuple[Remedy, ...],
        clauses: tuple[str, ...],
        reasons: str,
    ) -> Answer:
        """Decide the round. Needs the version and the lease. Each remedy comes with a new id."""
        decision_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.decide(
                request.by,
                request.lease_token,
                decision_id,
                remedies,
                clauses,
                _reasons(sealing, reasons),
                self._policy,
                at,
            )

        return self._versioned(request, case_id, "cases.decide", decide, decision_id)

    # --- money and goods --------------------------------------------------------------------------

    def confirm_compensation(
        self,
        request: Request,
        case_id: UUID,
        compensation_id: UUID,
        reference: str,
        paid_at: datetime,
        amount: Money | None = None,
    ) -> Answer:
        """Record that a line was paid; the same reference again gives the same answer."""
        self._not_after(paid_at, self._clock.now(), "/paid_at")
        return self._command(
            request,
            case_id,
            "compensations.settle",
            lambda case, _, at: case.confirm_compensation(
                compensation_id, reference, paid_at, amount, self._policy, at
            ),
        )

    def fail_compensation(
        self, request: Request, case_id: UUID, compensation_id: UUID, reference: str, reason: str
    ) -> Answer:
        """Record that an attempt to pay failed; the same reference again gives the same answer."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealing.seal(SealedFor.PLATFORM, "reason", reason)
            case.fail_compensation(compensation_id, reference, sealed, at)

        return self._command(request, case_id, "compensations.settle", decide)

    def instruct_compensation(
        self, request: Request, case_id: UUID, compensation_id: UUID, payer: Payer
    ) -> Answer:
        """Order a new attempt on a failed line."""
        return self._command(
            request,
            case_id,
            "compensations.instruct",
            lambda case, _, at: case.instruct_compensation(compensation_id, payer, at),
        )

    def ship_goods(self, request: Request, case_id: UUID, goods_id: UUID, reference: str) -> Answer:
        """Record that a leg left."""
        return self._command(
            request, case_id, "goods.move", lambda case, _, at: case.ship_goods(goods_id, reference, at)
        )

    def receive_goods(self, request: Request, case_id: UUID, goods_id: UUID, reference: str) -> Answer:
        """Record that a leg arrived."""
        return self._command(
            request, case_id, "goods.move", lambda case, _, at: case.receive_goods(goods_id, reference, at)
        )

    def accept_goods(self, request: Request, case_id: UUID, goods_id: UUID, reference: str) -> Answer:
        """Record that a leg was taken as good."""
        return self._command(
            request,
            case_id,
            "goods.move",
            lambda case, _, at: case.accept_goods(goods_id, reference, self._policy, at),
        )

    # --- merchant ---------------------------------------------------------------------------------

    def penalise(
        self,
        request: Request,
        case_id: UUID,
        points: int,
        fine: Money | None,
        clause: str,
        reasons: str,
    ) -> Answer:
        """Penalise the merchant. Needs the version."""
        penalty_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.penalise(penalty_id, points, fine, clause, _reasons(sealing, reasons), self._policy, at)

        return self._versioned(request, case_id, "penalties.assess", decide, penalty_id)

    def order_rectification(self, request: Request, case_id: UUID, terms: str, due: datetime) -> Answer:
        """Tell the merchant what to put right by when. Needs the version."""
        now = self._clock.now()
        if not now < due <= now + FUTURE_LIMIT:
            raise InvalidRequest("/due", "must lie in the future, within a year")
        rectification_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealing.seal(SealedFor.PLATFORM, "terms", terms)
            case.order_rectification(rectification_id, sealed, due, at)

        return self._versioned(request, case_id, "rectification.order", decide, rectification_id)

    def submit_rectification(self, request: Request, case_id: UUID, text: str) -> Answer:
        """Record what the merchant did."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.submit_rectification(sealing.seal(SealedFor.MERCHANT, "text", text), at)

        return self._command(request, case_id, "rectification.submit", decide)

    def judge_rectification(self, request: Request, case_id: UUID, accepted: bool, reasons: str) -> Answer:
        """Take what the merchant submitted as enough, or not. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.judge_rectification(accepted, _reasons(sealing, reasons), at)

        return self._versioned(request, case_id, "rectification.judge", decide)

    def waive_rectification(self, request: Request, case_id: UUID, reasons: str) -> Answer:
        """Ask no more of the merchant. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.waive_rectification(_reasons(sealing, reasons), at)

        return self._versioned(request, case_id, "rectification.waive", decide)

    # --- follow-up --------------------------------------------------------------------------------

    def attempt_follow_up(
        self,
        request: Request,
        case_id: UUID,
        follow_up_id: UUID,
        channel: Channel,
        outcome: AttemptOutcome,
    ) -> Answer:
        """Record an attempt to reach the buyer."""
        return self._command(
            request,
            case_id,
            "follow_ups.work",
            lambda case, _, at: case.attempt_follow_up(follow_up_id, channel, outcome, at),
        )

    def complete_follow_up(
        self,
        request: Request,
        case_id: UUID,
        follow_up_id: UUID,
        satisfied: bool,
        speed: int | None = None,
        attitude: int | None = None,
        effectiveness: int | None = None,
        comment: str | None = None,
        suggestion: str | None = None,
    ) -> Answer:
        """Record the buyer's answer; scores run from 1 to 5."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.complete_follow_up(
                follow_up_id,
                satisfied,
                at,
                speed,
                attitude,
                effectiveness,
                _sealed(sealing, SealedFor.BUYER, "comment", comment),
                _sealed(sealing, SealedFor.BUYER, "suggestion", suggestion),
            )

        return self._command(request, case_id, "follow_ups.work", decide)

    # --- the end, and after -----------------------------------------------------------------------

    def close(self, request: Request, case_id: UUID, resolution: Resolution, reasons: str) -> Answer:
        """End the case. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.close(request.by, resolution, _reasons(sealing, reasons), at)

        return self._versioned(request, case_id, "cases.close", decide)

    def reopen(self, request: Request, case_id: UUID, ground: ReopenGround, reasons: str) -> Answer:
        """Take the case up again. Needs the version. Refused too when the order line is taken."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.reopen(ground, _reasons(sealing, reasons), at)

        return self._versioned(request, case_id, "cases.reopen", decide)

    def withdraw(self, request: Request, case_id: UUID, reasons: str) -> Answer:
        """Take the case back for the buyer. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.withdraw(sealing.seal(SealedFor.BUYER, "reasons", reasons), at)

        return self._versioned(request, case_id, "cases.withdraw", decide)

    # --- clocks -----------------------------------------------------------------------------------

    def miss_clock(self, request: Request, case_id: UUID, clock_id: UUID) -> bool:
        """Act upon a due time that has passed; False when there was nothing left to act upon."""
        for _ in range(RETRIES):
            case = self._load(request.by, case_id, "clocks.miss")
            case.miss_clock(clock_id, self._clock.now())
            try:
                if case.pending_events:
                    self._save(request, case, Effects(fired=clock_id), was_open=True)
                    return True
            except DeadlineNotPending:
                return False
            except VersionConflict:
                continue
            return False
        raise ServiceUnavailable

    # --- reading ----------------------------------------------------------------------------------

    def get(self, by: Actor, case_id: UUID) -> Case:
        """The case as it is now. Raises NotFound for one that is not the caller's to see."""
        return self._load(by, case_id, "cases.read")

    def history(self, by: Actor, case_id: UUID) -> tuple[Case, list[RecordedFact]]:
        """The case and its facts in order. Raises NotFound for one that is not the caller's to see."""
        case = self._load(by, case_id, "cases.read")
        return case, self._store.facts(case_id)

    def allowed(self, by: Actor, case: Case) -> list[str]:
        """The commands that this caller could give now."""
        possible = case.possible(by, self._clock.now())
        return [name for name in possible if access.may(by, access.COMMANDS[name])]

    # --- how a command runs -----------------------------------------------------------------------

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
        was_open = case.closed_at is None
        try:
            decide(case, sealing, self._clock.now())
        except UnknownPart as part:
            raise NotFound(part.kind) from part
        except Refusal:
            # The same request may have been carried out while this one was on its way.
            if known := self._replayed(request):
                return known
            raise
        if not case.pending_events:
            return Answer(case, self._store.position(case.id, case.version), subject)
        return self._record(request, case, sealing, subject, was_open)

    def _record(
        self,
        request: Request,
        case: Case,
        sealing: Sealing,
        subject: UUID | None,
        was_open: bool = True,
    ) -> Answer:
        rows = Effects(data_keys=sealing.new_keys, idempotency=request.idempotency, subject=subject)
        try:
            position = self._save(request, case, rows, was_open)
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

    def _save(self, request: Request, case: Case, rows: Effects, was_open: bool) -> int:
        facts = case.new_facts
        rows = replace(
            rows,
            claims=effects.claims(case, facts, was_open),
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
        if case is None or not access.concerns(by, case):
            raise NotFound("case")
        return case

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


CLOCK_SKEW = timedelta(minutes=5)
"""How far a caller's clock may be ahead of ours."""


def case_number(case_id: UUID, at: datetime) -> str:
    """The number that people use: the day and the last fifty bits of the case id in Crockford's base 32."""
    bits = case_id.int
    digits = "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[bits >> shift & 31] for shift in range(45, -1, -5))
    return f"AS-{at:%Y%m%d}-{digits}"


def _reasons(sealing: Sealing, text: str) -> Sealed:
    return sealing.seal(SealedFor.PLATFORM, "reasons", text)


def _sealed(sealing: Sealing, person: SealedFor, field: str, text: str | None) -> Sealed | None:
    return None if text is None else sealing.seal(person, field, text)


def _sealed_contact(sealing: Sealing, contact: Mapping[str, str] | None) -> Contact | None:
    if contact is None:
        return None
    return Contact(
        **{part: sealing.seal(SealedFor.BUYER, f"contact.{part}", text) for part, text in contact.items()}
    )
