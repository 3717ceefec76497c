"""Penalties of the merchant."""

from datetime import datetime
from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import Derivation, Money, PenaltyReversalCause, Sealed


@stored_as("PenaltyAssessed")
class PenaltyAssessed(Fact):
    """The merchant was penalised for what a decision established.

    by: who assessed it · appeal_until: until when the merchant may appeal. Older ones say neither.
    """

    penalty_id: UUID
    merchant_id: str
    decision_id: UUID
    points: int
    fine: Money | None
    clause: str
    expires_at: datetime
    policy: str
    reasons: Sealed
    by: str | None = None
    appeal_until: datetime | None = None
    derivation: Derivation = ()


@stored_as("PenaltyExpired")
class PenaltyExpired(Fact):
    """A penalty stopped counting."""

    penalty_id: UUID
    merchant_id: str


@stored_as("PenaltyAdjusted")
class PenaltyAdjusted(Fact):
    """A penalty was lowered to `points` and `fine`: on an appeal, or by a supervisor for `reasons`."""

    penalty_id: UUID
    merchant_id: str
    points: int
    fine: Money | None
    policy: str
    appeal_id: UUID | None = None
    by: str | None = None
    reasons: Sealed | None = None
    derivation: Derivation = ()


@stored_as("PenaltyReversed")
class PenaltyReversed(Fact):
    """A penalty fell, as if it had never been: on an appeal, or as people replaced the system's decision."""

    penalty_id: UUID
    merchant_id: str
    cause: PenaltyReversalCause
    appeal_id: UUID | None = None
