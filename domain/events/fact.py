"""What every fact is, and the name under which it is stored."""

from collections.abc import Callable
from typing import Any, TypeVar

from eventsourcing.domain import AggregateEvent
from eventsourcing.utils import register_topic

T = TypeVar("T", bound=type[Any])

FACTS: dict[str, type["Fact"]] = {}
"""Every fact by its stored name."""


def stored_as(name: str) -> Callable[[T], T]:
    """Give a fact, or the aggregate, the name under which it is stored, whatever module it lives in."""

    def register(cls: T) -> T:
        cls.TOPIC = name
        register_topic(name, cls)
        if issubclass(cls, Fact):
            FACTS[name] = cls
        return cls

    return register


class Fact(AggregateEvent):
    """Something that happened to a case and cannot be unhappened."""

    def apply(self, aggregate: Any) -> None:
        """Fold this fact into the case."""
        aggregate.evolve(self)


def subject_of(fact: type[Fact]) -> str:
    """What the fact is about: the name of its module."""
    return fact.__module__.rpartition(".")[2]
