"""Asking the buyer how it went."""

from datetime import datetime
from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import AttemptOutcome, Channel, Sealed


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
