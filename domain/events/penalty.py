"""Penalties of the merchant."""

from datetime import datetime
from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import Derivation, Money, Sealed


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
    derivation: Derivation = ()


@stored_as("PenaltyExpired")
class PenaltyExpired(Fact):
    """A penalty stopped counting."""

    penalty_id: UUID
    merchant_id: str
