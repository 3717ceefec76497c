"""Every fact that can stand in a case's history. What is written here is kept for ever.

A fact's stored name is its class name at birth; fields are only ever added, with a default.
`timestamp` is when it happened (aware UTC); when it was recorded, by whom and through which
request is kept beside it by the store.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from eventsourcing.domain import AggregateCreated, AggregateEvent
from eventsourcing.utils import register_topic

from domain.values import (
    AttemptOutcome,
    CaseType,
    Channel,
    Claim,
    ClockKind,
    Contact,
    EvidenceParty,
    Finding,
    LiabilityShare,
    Money,
    Objection,
    OrderLine,
    Payer,
    ReleaseCause,
    Remedy,
    RemedyKind,
    ReopenGround,
    Resolution,
    Role,
    Sealed,
    Visibility,
)

T = TypeVar("T", bound=type[Any])

FACTS: dict[str, type["Fact"]] = {}
"""Every fact by its stored name."""


def stored_as(name: str) -> Callable[[T], T]:
    """Give a fact, or the aggregate, the name under which it is stored, whatever module it lives in."""

    def register(cls: T) -> T:
        cls.TOPIC = name
        register_topic(name, cls)
        if issubclass(cls, Fact):
            FACTS[name] = cls
        return cls

    return register


class Fact(AggregateEvent):
    """Something that happened to a case and cannot be unhappened."""

    def apply(self, aggregate: Any) -> None:
        """Fold this fact into the case."""
        aggregate.evolve(self)


# --- filing -----------------------------------------------------------------------------------------


@stored_as("CaseFiled")
class CaseFiled(Fact, AggregateCreated):
    """A buyer's case was filed; `objections` is the stored eligibility assessment (empty: eligible)."""

    number: str
    case_type: CaseType
    reason: str
    channel: str
    buyer: str
    merchant_id: str
    order: OrderLine
    claim: Claim
    filed_by: str
    policy: str
    objections: tuple[Objection, ...]
    statement: Sealed | None = None
    contact: Contact | None = None


@stored_as("CaseDeclined")
class CaseDeclined(Fact):
    """The case was not taken up, on these grounds."""

    objections: tuple[Objection, ...]
    reasons: Sealed


@stored_as("CaseWithdrawn")
class CaseWithdrawn(Fact):
    """The buyer took the case back."""

    reasons: Sealed


# --- who works on it --------------------------------------------------------------------------------


@stored_as("CaseClaimed")
class CaseClaimed(Fact):
    """A member of staff took the case under a lease; `token` fences out whoever held it before."""

    holder: str
    role: Role
    token: str
    expires_at: datetime


@stored_as("LeaseRenewed")
class LeaseRenewed(Fact):
    """The holder kept the lease for longer."""

    holder: str
    token: str
    expires_at: datetime


@stored_as("CaseReleased")
class CaseReleased(Fact):
    """The lease ended before its time."""

    holder: str
    cause: ReleaseCause


@stored_as("PlatformSteppedIn")
class PlatformSteppedIn(Fact):
    """The platform took up a filed case; the review began."""

    by: str


@stored_as("NoteAdded")
class NoteAdded(Fact):
    """Somebody wrote something down."""

    note_id: UUID
    text: Sealed
    visibility: Visibility


# --- evidence and finding ---------------------------------------------------------------------------


@stored_as("EvidenceSubmitted")
class EvidenceSubmitted(Fact):
    """A piece of evidence was put on file by reference; `by_staff` when staff filed it for the party."""

    evidence_id: UUID
    party: EvidenceParty
    by_staff: bool
    kind: str
    sha256: str
    title: Sealed
    uri: Sealed | None = None


@stored_as("CaseVerified")
class CaseVerified(Fact):
    """The claim was examined. The finding belongs to the round, not to the lease under which it was made."""

    round: int
    by: str
    finding: Finding
    liability: tuple[LiabilityShare, ...]
    evidence: tuple[UUID, ...]
    reasons: Sealed


@stored_as("DecisionIssued")
class DecisionIssued(Fact):
    """The round was decided: what is granted, under which clauses, for which reasons."""

    decision_id: UUID
    round: int
    by: str
    remedies: tuple[Remedy, ...]
    clauses: tuple[str, ...]
    policy: str
    reasons: Sealed


# --- money ------------------------------------------------------------------------------------------


@stored_as("CompensationInstructed")
class CompensationInstructed(Fact):
    """Attempt `attempt` to pay a line was ordered; `gateway_key` makes it payable only once."""

    compensation_id: UUID
    attempt: int
    gateway_key: UUID
    kind: RemedyKind
    payer: Payer
    amount: Money | None = None
    points: int | None = None


@stored_as("CaseCompensated")
class CaseCompensated(Fact):
    """A line was paid, says the payment system under `reference`."""

    compensation_id: UUID
    reference: str
    paid_at: datetime
    kind: RemedyKind
    amount: Money | None = None
    points: int | None = None


@stored_as("CompensationFailed")
class CompensationFailed(Fact):
    """An attempt to pay a line failed, says the payment system under `reference`."""

    compensation_id: UUID
    reference: str
    reason: Sealed


# --- goods ------------------------------------------------------------------------------------------


@stored_as("GoodsShipped")
class GoodsShipped(Fact):
    """A leg of goods left; `reference` is the carrier's."""

    goods_id: UUID
    reference: str


@stored_as("GoodsReceived")
class GoodsReceived(Fact):
    """A leg of goods arrived."""

    goods_id: UUID
    reference: str


@stored_as("GoodsAccepted")
class GoodsAccepted(Fact):
    """A leg of goods was looked at and taken as good; what was held back for it may be paid."""

    goods_id: UUID
    reference: str


# --- merchant ---------------------------------------------------------------------------------------


@stored_as("PenaltyAssessed")
class PenaltyAssessed(Fact):
    """The merchant was penalised for what a decision established."""

    penalty_id: UUID
    merchant_id: str
    decision_id: UUID
    points: int
    fine: Money | None
    clause: str
    expires_at: datetime
    policy: str
    reasons: Sealed


@stored_as("PenaltyExpired")
class PenaltyExpired(Fact):
    """A penalty stopped counting."""

    penalty_id: UUID
    merchant_id: str


@stored_as("RectificationOrdered")
class RectificationOrdered(Fact):
    """The merchant was told to put something right by `due`."""

    rectification_id: UUID
    merchant_id: str
    terms: Sealed
    due: datetime


@stored_as("RectificationSubmitted")
class RectificationSubmitted(Fact):
    """The merchant reported what it had done."""

    rectification_id: UUID
    text: Sealed


@stored_as("RectificationAccepted")
class RectificationAccepted(Fact):
    """What the merchant did is enough."""

    rectification_id: UUID
    reasons: Sealed


@stored_as("RectificationRejected")
class RectificationRejected(Fact):
    """What the merchant did is not enough; the duty stands."""

    rectification_id: UUID
    reasons: Sealed


@stored_as("RectificationWaived")
class RectificationWaived(Fact):
    """The merchant need not rectify after all."""

    rectification_id: UUID
    reasons: Sealed


@stored_as("RectificationLapsed")
class RectificationLapsed(Fact):
    """The term passed unmet; it no longer holds the buyer's case."""

    rectification_id: UUID
    merchant_id: str


# --- follow-up and end ------------------------------------------------------------------------------


@stored_as("FollowUpScheduled")
class FollowUpScheduled(Fact):
    """Every obligation is settled; the buyer is to be asked by `due` how it went."""

    follow_up_id: UUID
    due: datetime
    max_attempts: int


@stored_as("FollowUpAttempted")
class FollowUpAttempted(Fact):
    """Somebody tried to reach the buyer."""

    follow_up_id: UUID
    number: int
    channel: Channel
    outcome: AttemptOutcome


@stored_as("FollowUpCompleted")
class FollowUpCompleted(Fact):
    """The buyer answered; the scores run from 1 (worst) to 5."""

    follow_up_id: UUID
    satisfied: bool
    speed: int | None = None
    attitude: int | None = None
    effectiveness: int | None = None
    comment: Sealed | None = None
    suggestion: Sealed | None = None


@stored_as("FollowUpExhausted")
class FollowUpExhausted(Fact):
    """The buyer could not be reached as often as the policy asks."""

    follow_up_id: UUID


@stored_as("CaseClosed")
class CaseClosed(Fact):
    """The case ended as `resolution`; a decline carries its reasons in `CaseDeclined`."""

    resolution: Resolution
    reasons: Sealed | None = None


@stored_as("CaseReopened")
class CaseReopened(Fact):
    """The case was taken up again for round `round`."""

    ground: ReopenGround
    round: int
    reasons: Sealed


# --- clocks -----------------------------------------------------------------------------------------


@stored_as("ClockStarted")
class ClockStarted(Fact):
    """A due time was set for `subject` (the follow-up, rectification or penalty)."""

    clock_id: UUID
    kind: ClockKind
    subject: UUID
    due: datetime


@stored_as("ClockSatisfied")
class ClockSatisfied(Fact):
    """What the clock waited for was done."""

    clock_id: UUID
    kind: ClockKind


@stored_as("ClockCancelled")
class ClockCancelled(Fact):
    """What the clock waited for is no longer asked."""

    clock_id: UUID
    kind: ClockKind


@stored_as("ClockMissed")
class ClockMissed(Fact):
    """The due time passed; of a right window: the window ended."""

    clock_id: UUID
    kind: ClockKind
    subject: UUID
