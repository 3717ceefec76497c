"""What holds of every read model over lives that chance has driven through the commands of the domain."""

from random import Random
from typing import Any

import pytest

from domain.events import FACTS, Fact
from infrastructure.bench.histories import Life
from infrastructure.mapper import FactMapper
from projections.catalogue import ALL
from projections.read_model import ReadModel, Rows

LIVES = [Life(Random(seed)) for seed in range(150)]
HISTORIES = [life.facts for life in LIVES]
MAPPER = FactMapper()


def stored_and_read(fact: Fact) -> Any:
    return MAPPER.to_domain_event(MAPPER.to_stored_event(fact))


def rows_after(model: ReadModel[Any], facts: list[Fact], before: Rows[Any] | None = None) -> Rows[Any]:
    rows: Rows[Any] = before or {}
    for fact in facts:
        rows = model.fold(rows, fact)
    return rows


def each_model(test: Any) -> Any:
    return pytest.mark.parametrize("model", ALL, ids=lambda model: model.name)(test)


def test_the_lives_tell_of_every_fact_of_a_case() -> None:
    told = {type(fact) for history in HISTORIES for fact in history}
    assert told == {fact for fact in FACTS.values() if fact.OF == "Case"}


@each_model
def test_a_fact_delivered_twice_counts_once(model: ReadModel[Any]) -> None:
    for history in HISTORIES:
        twice = [fact for fact in history for _ in range(2)]

        assert rows_after(model, twice) == rows_after(model, history)


@each_model
def test_a_history_delivered_over_its_own_rows_leaves_the_same_rows(model: ReadModel[Any]) -> None:
    for history in HISTORIES:
        once = rows_after(model, history)

        assert rows_after(model, history, before=once) == once


@each_model
def test_stored_facts_fold_as_the_recorded_ones(model: ReadModel[Any]) -> None:
    for history in HISTORIES:
        assert rows_after(model, [stored_and_read(fact) for fact in history]) == rows_after(model, history)


@each_model
def test_a_step_changes_nothing_that_it_was_given(model: ReadModel[Any]) -> None:
    for history in HISTORIES:
        rows: Rows[Any] = {}
        for fact in history:
            kept = dict(rows)
            after = model.fold(rows, fact)

            assert rows == kept
            rows = after


@pytest.mark.parametrize("name", ["review_queue", "open_loops", "case_index"])
def test_the_stage_is_that_of_the_case(name: str) -> None:
    (model,) = [model for model in ALL if model.name == name]

    for life, history in zip(LIVES, HISTORIES, strict=True):
        (row,) = rows_after(model, history).values()

        assert row.stage is life.case.stage
