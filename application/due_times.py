"""What the ticker gives due times to: the use cases of each kind of aggregate on which clocks run."""

from typing import Protocol
from uuid import UUID

from application.running import Request
from domain.values import Actor


class Clockwork(Protocol):
    """The clocks of one kind of aggregate. Both methods raise NotFound when there is none of this kind."""

    def miss_clock(self, request: Request, aggregate_id: UUID, clock_id: UUID, /) -> bool:
        """Act upon a due time that has passed; False when there was nothing left to act upon."""
        ...

    def runs_clock(self, by: Actor, aggregate_id: UUID, clock_id: UUID, /) -> bool:
        """Whether the clock still runs."""
        ...
