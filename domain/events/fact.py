"""What every fact is, and the name under which it is stored."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from eventsourcing.domain import AggregateEvent
from eventsourcing.utils import register_topic

T = TypeVar("T", bound=type[Any])

FACTS: dict[str, type["Fact"]] = {}
"""Every fact by its stored name."""


def stored_as(name: str, *, of: str = "Case") -> Callable[[T], T]:
    """Give a fact, or an aggregate, the name under which it is stored, whatever module it lives in.

    of: the stored name of the aggregate that a fact belongs to; each fact belongs to one kind.
    """

    def register(cls: T) -> T:
        cls.TOPIC = name
        register_topic(name, cls)
        if issubclass(cls, Fact):
            cls.OF = of
            FACTS[name] = cls
        return cls

    return register


class Fact(AggregateEvent):
    """Something that happened and cannot be unhappened.

    `OF` names the kind of aggregate that it is of, `TOPIC` is the name that it is stored under.
    """

    OF: ClassVar[str] = "Case"
    TOPIC: ClassVar[str]

    def apply(self, aggregate: Any) -> None:
        """Fold this fact into its aggregate."""
        aggregate.evolve(self)


def subject_of(fact: type[Fact]) -> str:
    """What the fact is about: the name of its module."""
    return fact.__module__.rpartition(".")[2]
