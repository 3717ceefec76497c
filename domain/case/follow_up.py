"""Asking the buyer how it went."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from domain.refusals import FollowUpAlreadyCompleted, UnknownPart
from domain.values import AttemptOutcome, FollowUpState


@dataclass(frozen=True, slots=True)
class FollowUp:
    """One follow-up: when it is due, how often it was tried, what came of it."""

    follow_up_id: UUID
    due: datetime
    max_attempts: int
    attempts: int = 0
    unreachable: int = 0
    state: FollowUpState = FollowUpState.DUE
    satisfied: bool | None = None

    @property
    def open(self) -> bool:
        """Whether the buyer is still to be asked."""
        return self.state is FollowUpState.DUE

    def tried(self, outcome: AttemptOutcome) -> "FollowUp":
        """After one more attempt."""
        missed = outcome is AttemptOutcome.UNREACHABLE
        return replace(self, attempts=self.attempts + 1, unreachable=self.unreachable + missed)

    def last_chance(self, outcome: AttemptOutcome) -> bool:
        """Whether an attempt with this outcome would use up the attempts that the policy asks for."""
        return self.tried(outcome).unreachable >= self.max_attempts


@dataclass(frozen=True, slots=True)
class FollowUps:
    """Every follow-up of the case; the last one is that of the present round."""

    all: dict[UUID, FollowUp] = field(default_factory=dict)

    def open(self, follow_up_id: UUID) -> FollowUp:
        """The open follow-up of this id; raises UnknownPart or FollowUpAlreadyCompleted."""
        if follow_up_id not in self.all:
            raise UnknownPart("follow_up")
        if not self.all[follow_up_id].open:
            raise FollowUpAlreadyCompleted
        return self.all[follow_up_id]

    def current(self) -> FollowUp | None:
        """The follow-up of the present round."""
        return next(reversed(self.all.values()), None)

    def put(self, follow_up: FollowUp) -> "FollowUps":
        """With this follow-up as it now is."""
        return FollowUps(self.all | {follow_up.follow_up_id: follow_up})

    def superseded(self) -> "FollowUps":
        """Without those still open: the round that they belonged to is over."""
        return FollowUps({key: one for key, one in self.all.items() if not one.open})
