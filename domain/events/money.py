"""What is paid, fails, is reversed and recovered."""

from datetime import datetime
from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import Money, Payer, RemedyKind, Sealed


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
