"""Use cases of an audit: everything that was decided, derived again."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from application.rulebook import Rulebook
from domain.audit import Difference, differences
from domain.events import Fact


class Logged(NamedTuple):
    """A fact as the log holds it, with the role in which its actor acted."""

    fact: Fact
    role: str


class FactLog(Protocol):
    """The whole log, stream by stream."""

    def size(self) -> int:
        """How many facts it holds now."""
        ...

    def streams(self) -> Iterator[Logged]:
        """Every fact that is final now: the streams one after the other, each in its order.

        Holds one page of facts, whatever the size of the log. Raises ServiceUnavailable.
        """
        ...


Done = Callable[[int, int], None]
"""Called with how many facts are done, and of how many."""

PAGE = 1000
"""Progress is told each time so many facts are done."""


def recompute(log: FactLog, rulebook: Rulebook, done: Done) -> Iterator[Difference]:
    """Everything that the rules of its time derive otherwise than it is stored, in no time remembered.

    Each stream is folded by itself. Raises ServiceUnavailable.
    """
    total = log.size()
    stream: UUID | None = None
    folded: Any = None
    for amount, (fact, role) in enumerate(log.streams(), 1):
        if fact.originator_id != stream:
            stream, folded = fact.originator_id, None
        yield from differences(folded, fact, role, rulebook)
        folded = fact.mutate(folded)
        if amount % PAGE == 0:
            done(amount, max(total, amount))
    done(total, total)
