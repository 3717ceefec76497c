"""What every aggregate is: a stream of facts, folded one by one, to which commands add."""

import re
from abc import abstractmethod
from datetime import datetime
from functools import cache
from typing import Any

from eventsourcing.domain import Aggregate

from domain.events import Fact


class EvolvingAggregate(Aggregate):
    """Folded from its facts alone. Give each kind its stored name with `@stored_as`.

    Its `evolve` hands on to the kind's singledispatch function, with one overload for each of its facts.
    """

    @abstractmethod
    def evolve(self, fact: Fact) -> None:
        """Fold one fact into this aggregate."""

    @classmethod
    def kind(cls) -> str:
        """What it is called in codes and in the members of answers: its stored name in snake case."""
        return snake_case(cls.TOPIC)  # type: ignore[attr-defined]  # given by `stored_as`

    @property
    def new_facts(self) -> list[Fact]:
        """The facts of this command, not yet recorded."""
        return [fact for fact in self.pending_events if isinstance(fact, Fact)]

    def _record(self, fact: type[Fact], at: datetime, **content: Any) -> None:
        self.trigger_event(fact, timestamp=at, **content)


@cache
def snake_case(name: str) -> str:
    """`policy_book` for `PolicyBook`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
