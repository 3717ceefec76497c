"""Nothing is forgotten: every fact is folded, named, exemplified; every refusal has its code and title.

The golden examples were written once, when the fact was born. They are what is stored in databases
out there: they must load for ever, so an example is never edited, only added to.
"""

import re
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from uuid import UUID

import pytest

from application.access import COMMANDS, PERMISSIONS
from domain import access_log, corrective_action, incident, policy_book, refusals, standing, values
from domain.access_log import AccessLog
from domain.aggregate import snake_case
from domain.case import Case, evolution
from domain.case.state import STAGES
from domain.corrective_action import CorrectiveAction
from domain.events import FACTS, Fact
from domain.incident import Incident
from domain.policy_book import PolicyBook
from domain.standing import MerchantStanding
from infrastructure.mapper import FactMapper

GOLDEN = Path(__file__).parent / "golden"
AGGREGATES = {
    Case: evolution.evolve,
    PolicyBook: policy_book.evolve,
    Incident: incident.evolve,
    MerchantStanding: standing.evolve,
    CorrectiveAction: corrective_action.evolve,
    AccessLog: access_log.evolve,
}
"""Every aggregate, and the function that folds its facts."""

EVOLUTIONS = {vars(aggregate)["TOPIC"]: evolve for aggregate, evolve in AGGREGATES.items()}
CASE_ID = UUID("7d0f4b6a-6f0e-4a52-9a41-0e1f55f0a001")


def every_fact(base=Fact):
    """Those of the product: other tests make facts of their own."""
    found = {fact for child in base.__subclasses__() for fact in {child, *every_fact(child)}}
    return {fact for fact in found if fact.__module__.startswith("domain.")}


def test_every_fact_is_stored_under_its_own_name():
    assert {name: fact.__name__ for name, fact in FACTS.items()} == {
        fact.__name__: fact.__name__ for fact in every_fact()
    }


def test_no_fact_inherits_a_stored_name():
    assert all("TOPIC" in vars(fact) for fact in every_fact())


def test_every_fact_is_of_an_aggregate_that_there_is():
    assert {fact.OF for fact in FACTS.values()} == EVOLUTIONS.keys()


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_every_aggregate_has_a_stored_name_of_its_own(aggregate):
    assert "TOPIC" in vars(aggregate)
    assert aggregate.kind() == snake_case(aggregate.__name__)


@pytest.mark.parametrize("name", sorted(FACTS))
def test_every_fact_is_folded(name):
    evolve = EVOLUTIONS[FACTS[name].OF]
    assert evolve.dispatch(FACTS[name]) is not evolve.dispatch(Fact)


@pytest.mark.parametrize("name", sorted(FACTS))
def test_every_golden_example_loads_and_is_stored_again_as_it_was(name):
    stored = (GOLDEN / f"{name}.json").read_bytes().strip()
    mapper = FactMapper()
    fact = mapper.decode(name, stored, CASE_ID, 1)
    assert fact.timestamp == datetime(2026, 11, 10, 4, 0, tzinfo=UTC)
    assert mapper.to_stored_event(fact).state == stored


def test_every_golden_example_is_of_a_fact_that_is_still_known():
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(FACTS)


def test_every_refusal_has_a_code_named_after_it_and_a_title():
    for refusal in refusals.REFUSALS:
        assert refusal.code == re.sub(r"(?<=[a-z])(?=[A-Z0-9])", "_", refusal.__name__).lower()
        assert refusal.title()


def test_every_command_of_the_stage_table_has_a_permission():
    assert COMMANDS.keys() == STAGES.keys()
    assert set(COMMANDS.values()) <= PERMISSIONS.keys()


def test_every_code_is_english_snake_case():
    enums = [one for one in vars(values).values() if isinstance(one, type) and issubclass(one, Enum)]
    assert all(re.fullmatch(r"[a-z_-]+", member.value) for enum in enums for member in enum)
