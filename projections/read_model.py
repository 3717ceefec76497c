"""What a read model is made of: a row, a versioned table, and one pure step for each fact that it folds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

import msgspec

from domain.events import FACTS, Fact, subject_of

F = TypeVar("F", bound=Fact)
R = TypeVar("R", bound="Row")

Rows = Mapping[UUID, R]
"""The rows of one aggregate by their key; a step returns a new mapping and changes none."""

Step = Callable[[Rows[R], F], Rows[R]]


class Row(msgspec.Struct, frozen=True, gc=False):
    """One row of a read model. Field for field the columns of its table, except `stale`.

    KEY names the field that tells rows apart, SOURCE the one with the id of the aggregate told of.
    """

    KEY: ClassVar[str]
    SOURCE: ClassVar[str]


class CaseRow(Row, frozen=True, gc=False):
    """A row about a case."""

    case_id: UUID

    KEY: ClassVar[str] = "case_id"
    SOURCE: ClassVar[str] = "case_id"


class UnknownFact(LookupError):
    """A read model met a fact that it neither folds nor lists as ignored."""


@dataclass(frozen=True)
class ReadModel(Generic[R]):
    """A disposable answer to one question, folded from the facts.

    `of` names the kinds of aggregates whose facts it reads; those of others never reach it. `columns` and
    `indexes` are the DDL of its table; the table also has `stale boolean`, which is true while later facts
    of the row's aggregate are parked, and is indexed by the row's SOURCE. `ignored` lists what says nothing
    to it: whole subjects (`goods`: a module of `domain.events`) or single facts by their stored names. What
    it neither folds nor ignores, it refuses. A change of the row, or of a step that must reach old rows,
    raises `version`, and with it the table's name.

    Folding a fact a second time right after the first, or a whole history over its own rows, leaves the
    same rows.
    """

    name: str
    version: int
    row: type[R]
    columns: str
    indexes: tuple[str, ...]
    ignored: str
    of: str = "Case"
    steps: dict[type[Fact], Step[R, Any]] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """The name of the live table."""
        return f"{self.name}_v{self.version}"

    @cached_property
    def ignored_facts(self) -> frozenset[type[Fact]]:
        """The facts of its kinds that it passes over."""
        names = self.ignored.split()
        return frozenset(fact for name, fact in FACTS.items() if name in names or subject_of(fact) in names)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The stored names of the aggregates whose facts it reads."""
        return frozenset(self.of.split())

    def passes_over(self, fact: type[Fact]) -> bool:
        """Whether such facts need not be shown to it."""
        return fact.OF not in self.kinds or fact in self.ignored_facts

    def folds(self, *facts: type[Fact]) -> Callable[[Step[R, F]], Step[R, F]]:
        """Register the decorated step for these facts."""

        def register(step: Step[R, F]) -> Step[R, F]:
            for fact in facts:
                self.steps[fact] = step
            return step

        return register

    def fold(self, rows: Rows[R], fact: Fact) -> Rows[R]:
        """The aggregate's rows after the fact.

        Raises UnknownFact for a fact outside the vocabulary, and KeyError for one that tells of something
        the aggregate's earlier facts never mentioned.
        """
        step = self.steps.get(type(fact))
        if step is not None:
            return step(rows, fact)
        if self.passes_over(type(fact)):
            return rows
        raise UnknownFact(f"{self.name} does not know {type(fact).__name__}")


def put(rows: Rows[R], row: R) -> Rows[R]:
    """The rows with this one added or replaced."""
    key: UUID = getattr(row, row.KEY)
    return {**rows, key: row}


def changed(rows: Rows[R], key: UUID, **fields: Any) -> Rows[R]:
    """The rows with some fields of one changed; KeyError if there is no such row."""
    return {**rows, key: msgspec.structs.replace(rows[key], **fields)}
