"""What is paid, fails, is reversed and recovered."""

from datetime import datetime
from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import (
    Derivation,
    LiableParty,
    Money,
    Payer,
    RecoveryCause,
    RemedyKind,
    ReversalCause,
    Role,
    Sealed,
)


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
    """A line was paid, says the payment system under `reference`, by this attempt (None: the last one)."""

    compensation_id: UUID
    reference: str
    paid_at: datetime
    kind: RemedyKind
    amount: Money | None = None
    points: int | None = None
    attempt: int | None = None


@stored_as("CompensationFailed")
class CompensationFailed(Fact):
    """An attempt to pay a line failed, says the payment system under `reference`."""

    compensation_id: UUID
    reference: str
    reason: Sealed


@stored_as("CompensationOverpaid")
class CompensationOverpaid(Fact):
    """Attempt `attempt` turned out to have paid a line that was settled without it."""

    compensation_id: UUID
    attempt: int
    reference: str
    paid_at: datetime
    payer: Payer
    amount: Money | None = None
    points: int | None = None


@stored_as("CompensationRecalled")
class CompensationRecalled(Fact):
    """A line under way was called back: `amount` of it is reversed when its outcome is known."""

    compensation_id: UUID
    cause: ReversalCause
    amount: Money | None = None
    points: int | None = None
    reasons: Sealed | None = None


@stored_as("CompensationReversed")
class CompensationReversed(Fact):
    """`amount` of a line no longer stands; `stands` is what is left of it (None: nothing).

    What was not paid is not paid any more; what was is to be recovered.
    """

    compensation_id: UUID
    cause: ReversalCause
    amount: Money | None = None
    points: int | None = None
    stands: Money | None = None
    reasons: Sealed | None = None


@stored_as("RecoveryOpened")
class RecoveryOpened(Fact):
    """`debtor` owes `amount` of a payment back to the account of `creditor`.

    appeal_until: until when a side may appeal that is the debtor. Older ones do not say.
    """

    recovery_id: UUID
    compensation_id: UUID
    debtor: LiableParty
    creditor: Payer
    amount: Money
    cause: RecoveryCause
    appeal_until: datetime | None = None
    derivation: Derivation = ()


@stored_as("RecoveryReduced")
class RecoveryReduced(Fact):
    """`amount` less is to be recovered, because what it was paid for was taken back elsewhere."""

    recovery_id: UUID
    amount: Money


@stored_as("RecoveryRecorded")
class RecoveryRecorded(Fact):
    """`amount` came back, says the payment system under `reference`."""

    recovery_id: UUID
    amount: Money
    reference: str


@stored_as("RecoveryWrittenOff")
class RecoveryWrittenOff(Fact):
    """What is left of a recovery is given up."""

    recovery_id: UUID
    reasons: Sealed


@stored_as("GoodwillGranted")
class GoodwillGranted(Fact):
    """The platform gave the buyer something beside any decision; `compensation_id` names its money line."""

    compensation_id: UUID
    by: str
    role: Role
    kind: RemedyKind
    policy: str
    reasons: Sealed
    amount: Money | None = None
    points: int | None = None
    derivation: Derivation = ()
