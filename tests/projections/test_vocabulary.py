"""Every read model says of every fact whether it folds or ignores it."""

from dataclasses import replace
from types import UnionType
from typing import Any, get_args, get_type_hints

import pytest

from domain.events import FACTS, CaseFiled, Fact, NoteAdded
from projections.catalogue import ALL
from projections.read_model import ReadModel, UnknownFact
from projections.review_queue import REVIEW_QUEUE


def each_model(test: Any) -> Any:
    return pytest.mark.parametrize("model", ALL, ids=lambda model: model.name)(test)


@each_model
def test_every_fact_is_either_folded_or_ignored(model: ReadModel[Any]) -> None:
    folded, ignored = set(model.steps), set(model.ignored_facts)

    assert folded | ignored == {fact for fact in FACTS.values() if fact.OF in model.kinds}
    assert not folded & ignored


@each_model
def test_every_step_is_registered_for_the_facts_of_its_signature(model: ReadModel[Any]) -> None:
    for fact, step in model.steps.items():
        hint = get_type_hints(step)["fact"]
        accepted = get_args(hint) if isinstance(hint, UnionType) else (hint,)

        assert any(issubclass(fact, one) for one in accepted), f"{step.__name__} is given {fact.__name__}"


@each_model
def test_the_columns_are_the_fields_of_the_row(model: ReadModel[Any]) -> None:
    names = [line.split()[0] for line in model.columns.strip().splitlines()]

    assert set(names) == set(model.row.__struct_fields__)


def test_no_two_read_models_share_a_name() -> None:
    assert len({model.name for model in ALL}) == len(ALL)


def test_a_fact_outside_the_vocabulary_is_refused() -> None:
    class Unheard(Fact):
        """Of no known kind."""

    fact = object.__new__(Unheard)

    with pytest.raises(UnknownFact):
        REVIEW_QUEUE.fold({}, fact)


def test_an_ignored_fact_leaves_the_rows_alone() -> None:
    rows: dict[Any, Any] = {}

    assert NoteAdded in REVIEW_QUEUE.ignored_facts
    assert REVIEW_QUEUE.fold(rows, object.__new__(NoteAdded)) is rows
    assert CaseFiled in REVIEW_QUEUE.steps


def test_every_read_model_reads_facts_that_there_are() -> None:
    kinds = {fact.OF for fact in FACTS.values()}

    assert all(model.kinds and model.kinds <= kinds for model in ALL)


class ShelfBegun(Fact):
    """A fact of an aggregate that is no case."""

    OF = "Shelf"


def test_a_fact_of_another_kind_of_aggregate_is_passed_over() -> None:
    rows: dict[Any, Any] = {}

    assert REVIEW_QUEUE.fold(rows, object.__new__(ShelfBegun)) is rows
    assert REVIEW_QUEUE.passes_over(ShelfBegun)
    assert not REVIEW_QUEUE.passes_over(CaseFiled)


def test_a_read_model_may_read_several_kinds() -> None:
    both = replace(REVIEW_QUEUE, of="Case Shelf")

    assert both.kinds == {"Case", "Shelf"}
    with pytest.raises(UnknownFact):
        both.fold({}, object.__new__(ShelfBegun))
