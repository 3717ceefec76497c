"""Processes that remember what they were handed, and what followers are asked in tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from application.store import RecordedFact
from domain.events import CaseClosed, CaseFiled, DecisionIssued, Fact
from infrastructure.follower import Follower


class Remembering:
    """A process that remembers what it was handed, after doing what it was told to do with it."""

    name = "remembering"
    reads: frozenset[type[Fact]] = frozenset({CaseFiled, DecisionIssued, CaseClosed})

    def __init__(self, do: Callable[[RecordedFact], object] = lambda recorded: None) -> None:
        self.do = do
        self.seen: list[RecordedFact] = []

    def react(self, recorded: RecordedFact) -> None:
        self.do(recorded)
        self.seen.append(recorded)

    @property
    def positions(self) -> list[int]:
        return [recorded.position for recorded in self.seen]


@pytest.fixture
def remembering() -> type[Remembering]:
    return Remembering


@pytest.fixture
def follow(kept: Any) -> Iterator[Callable[..., Follower]]:
    """Makes followers on the database with a history; their connections end with the test."""
    made: list[Follower] = []

    def make(process: Any, **options: Any) -> Follower:
        made.append(Follower(kept.url, process, **{"holder": "test"} | options))
        return made[-1]

    yield make
    for follower in made:
        follower.close()


@pytest.fixture
def expected(kept: Any) -> list[int]:
    """The positions of everything that the process reads, in order."""
    topics = [fact.__name__ for fact in Remembering.reads]
    rows = kept.ask("SELECT position FROM events WHERE topic = ANY(%s) ORDER BY position", topics)
    assert 100 < len(rows) < kept.events
    return [position for (position,) in rows]


@pytest.fixture
def stored_position(kept: Any) -> Callable[[], int]:
    """How far the process is, as it is stored; 0 before it is."""
    ask = "SELECT coalesce(max(position), 0) FROM processes WHERE name = 'remembering'"
    return lambda: int(kept.ask(ask)[0][0])
