"""The port to whoever pays."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.values import Money, Payer, RemedyKind


@dataclass(frozen=True, slots=True)
class Instruction:
    """One attempt to pay one line. `gateway_key` makes a repeated delivery pay once."""

    case_id: UUID
    compensation_id: UUID
    attempt: int
    gateway_key: UUID
    kind: RemedyKind
    payer: Payer
    amount: Money | None
    points: int | None


@dataclass(frozen=True, slots=True)
class Paid:
    """The gateway paid, under its reference."""

    reference: str


@dataclass(frozen=True, slots=True)
class NotPaid:
    """The gateway refused for good, under its reference."""

    reference: str
    reason: str


class GatewayUnavailable(Exception):
    """The gateway could not be asked; deliver the instruction again later."""


class PaymentGateway(Protocol):
    """Takes instructions. May answer at once, or later through a command of the finance role."""

    def pay(self, instruction: Instruction) -> Paid | NotPaid | None:
        """Hand over one instruction; None: the outcome will be reported by a person or a call-back.

        Raises GatewayUnavailable when it should be tried again.
        """
        ...
