"""What the parties have promised."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from domain.refusals import PromiseAlreadyOver, UnknownPart
from domain.values import Party, PromiseState


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise: whose it is, and by when it is to be kept."""

    promise_id: UUID
    party: Party
    due: datetime
    state: PromiseState = PromiseState.OPEN


@dataclass(frozen=True, slots=True)
class Promises:
    """Every promise of the case."""

    all: dict[UUID, Promise] = field(default_factory=dict)

    def open(self, promise_id: UUID) -> Promise:
        """The open promise of this id; raises UnknownPart or PromiseAlreadyOver."""
        if promise_id not in self.all:
            raise UnknownPart("promise")
        promise = self.all[promise_id]
        if promise.state is not PromiseState.OPEN:
            raise PromiseAlreadyOver(f"the promise is {promise.state}")
        return promise

    def put(self, promise: Promise) -> "Promises":
        """With one more promise."""
        return Promises(self.all | {promise.promise_id: promise})

    def now(self, promise_id: UUID, state: PromiseState) -> "Promises":
        """With one of them in another state."""
        return self.put(replace(self.all[promise_id], state=state))
