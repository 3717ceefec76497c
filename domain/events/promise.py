"""What a party says it will do, and whether it does."""

from datetime import datetime
from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import Party, Sealed


@stored_as("PromiseMade")
class PromiseMade(Fact):
    """A party said that it would do something by `due`."""

    promise_id: UUID
    party: Party
    text: Sealed
    due: datetime


@stored_as("PromiseKept")
class PromiseKept(Fact):
    """Somebody to whom it was made says that it was kept."""

    promise_id: UUID
    party: Party


@stored_as("PromiseBroken")
class PromiseBroken(Fact):
    """Its time passed, and nobody said that it was kept."""

    promise_id: UUID
    party: Party
