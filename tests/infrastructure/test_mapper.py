"""A fact comes back exactly as it went in, and what cannot be known is refused rather than guessed."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID, uuid4

import pytest
from eventsourcing.domain import AggregateEvent
from eventsourcing.persistence import StoredEvent

from domain.events import Fact
from infrastructure.mapper import FactMapper, MalformedFact, NaiveTime, NewerSchema, UnknownFact

CASE = uuid4()
AT = datetime(2026, 11, 6, 8, 30, 0, 123456, tzinfo=UTC)


class Colour(StrEnum):
    RED = "red"


class Grade(IntEnum):
    GOOD = 2


@dataclass(frozen=True, slots=True)
class Span:
    begins: datetime
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Part:
    grade: Grade
    spans: tuple[Span, ...] = ()


class Assembled(Fact):
    colour: Colour
    parts: tuple[Part, ...]
    pair: tuple[int, str]
    sizes: dict[int, str]
    maker: UUID | None = None
    times: tuple[datetime, ...] = ()
    by_name: Mapping[str, datetime] | None = None


class Renamed(Fact):
    """Third version: `colour` was `color`, and `size` counted in inches."""

    class_version = 3
    colour: Colour
    millimetres: int

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["colour"] = state.pop("color").lower()

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        state["millimetres"] = state.pop("inches") * 25


class Untyped(Fact):
    when: tuple[datetime, str]


MAPPER = FactMapper({"Assembled": Assembled, "Renamed": Renamed})


def made(cls: Any, **fields: Any) -> Any:
    """A fact, as the library makes it: its metaclass adds the constructor that a type checker cannot see."""
    return cls(originator_id=CASE, originator_version=7, **({"timestamp": AT} | fields))


ASSEMBLED = made(
    Assembled,
    colour=Colour.RED,
    parts=(Part(Grade.GOOD, (Span(AT, AT + timedelta(days=1)), Span(AT))),),
    pair=(1, "一"),
    sizes={41: "L"},
    maker=uuid4(),
    times=(AT,),
    by_name={"x": AT},
)


def stored(name: str, **state: Any) -> StoredEvent:
    return StoredEvent(CASE, 7, name, json.dumps({"timestamp": AT.isoformat(), **state}).encode())


def changed(**fields: Any) -> Any:
    return type(ASSEMBLED)(**(vars(ASSEMBLED) | fields))


def there_and_back(fact: Any) -> Any:
    return MAPPER.to_domain_event(MAPPER.to_stored_event(fact))


def test_a_fact_comes_back_with_its_exact_types() -> None:
    back = there_and_back(ASSEMBLED)
    assert back == ASSEMBLED
    assert type(back.colour) is Colour
    assert type(back.parts[0].grade) is Grade
    assert type(back.parts[0].spans) is tuple
    assert type(back.pair) is tuple
    assert list(back.sizes) == [41]
    assert back.timestamp.tzinfo is not None


def test_a_time_keeps_its_instant_whatever_its_offset() -> None:
    shanghai = AT.astimezone(timezone(timedelta(hours=8)))
    assert there_and_back(changed(timestamp=shanghai)).timestamp == AT


def test_the_state_is_compact_json_without_the_columns_that_hold_the_identity() -> None:
    event = MAPPER.to_stored_event(ASSEMBLED)
    state = json.loads(event.state)
    assert {"originator_id", "originator_version", "class_version"}.isdisjoint(state)
    assert state["pair"] == [1, "一"]
    assert b": " not in event.state
    assert "一".encode() in event.state
    assert (event.topic, event.originator_id, event.originator_version) == ("Assembled", CASE, 7)


def test_each_event_gets_an_id_of_its_own() -> None:
    ids = {MAPPER.to_stored_event(ASSEMBLED).event_id for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"timestamp": AT.replace(tzinfo=None)},
        {"times": (AT, AT.replace(tzinfo=None))},
        {"by_name": {"x": AT.replace(tzinfo=None)}},
        {"parts": (Part(Grade.GOOD, (Span(AT.replace(tzinfo=None)),)),)},
        {"parts": (Part(Grade.GOOD, (Span(AT, AT.replace(tzinfo=None)),)),)},
    ],
)
def test_a_naive_time_is_refused_on_the_way_in_wherever_it_stands(fields: dict[str, Any]) -> None:
    with pytest.raises(NaiveTime, match="has no offset"):
        MAPPER.to_stored_event(changed(**fields))


def test_a_naive_time_is_refused_on_the_way_out() -> None:
    state = MAPPER.to_stored_event(ASSEMBLED).state
    naive = state.replace(b'"begins":"2026-11-06T08:30:00.123456Z"', b'"begins":"2026-11-06T08:30:00.123456"')
    assert naive != state
    with pytest.raises(MalformedFact, match="has no offset"):
        MAPPER.to_domain_event(StoredEvent(CASE, 7, "Assembled", naive))


@pytest.mark.parametrize(
    ("state", "complaint"),
    [
        ({"colour": "green", "millimetres": 1, "class_version": 3}, "green"),
        ({"colour": "red", "millimetres": "1", "class_version": 3}, "Expected `int`"),
        ({"colour": "red", "class_version": 3}, "millimetres"),
        ({"colour": "red", "millimetres": 1, "weight": 2, "class_version": 3}, "weight"),
        ({"inches": 1}, "color"),
        ({"color": 5, "inches": 1}, "lower"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_with_its_place(state: dict[str, Any], complaint: str) -> None:
    with pytest.raises(MalformedFact, match=f"Renamed of case {CASE}, version 7: .*{complaint}"):
        MAPPER.to_domain_event(stored("Renamed", **state))


@pytest.mark.parametrize("state", [b"", b"{", b"[]", b"\xff"])
def test_a_state_that_is_no_object_is_refused(state: bytes) -> None:
    with pytest.raises(MalformedFact):
        MAPPER.to_domain_event(StoredEvent(CASE, 7, "Assembled", state))


@pytest.mark.parametrize(
    "state",
    [
        {"color": "RED", "inches": 2},
        {"colour": "red", "inches": 2, "class_version": 2},
        {"colour": "red", "millimetres": 50, "class_version": 3},
    ],
)
def test_older_schemas_are_upcast_as_plain_json_before_typing(state: dict[str, Any]) -> None:
    assert MAPPER.to_domain_event(stored("Renamed", **state)) == made(
        Renamed, colour=Colour.RED, millimetres=50
    )


def test_the_schema_is_stored_in_the_state_and_beside_it() -> None:
    event = MAPPER.to_stored_event(made(Renamed, colour=Colour.RED, millimetres=50))
    assert json.loads(event.state)["class_version"] == event.schema_version == 3
    assert MAPPER.to_stored_event(ASSEMBLED).schema_version == 1


@pytest.mark.parametrize("name", ["Renamed", "Assembled"])
def test_a_newer_schema_is_refused(name: str) -> None:
    with pytest.raises(NewerSchema, match="schema 4"):
        MAPPER.to_domain_event(stored(name, class_version=4))


def test_a_field_added_with_a_default_is_found_in_older_facts() -> None:
    state = json.loads(MAPPER.to_stored_event(ASSEMBLED).state)
    for added in ("maker", "times", "by_name"):
        del state[added]
    back: Any = MAPPER.to_domain_event(stored("Assembled", **state))
    assert (back.maker, back.times, back.by_name) == (None, (), None)


@pytest.mark.parametrize("name", ["Assembled2", "antigravity:geohash", "antigravity"])
def test_an_unregistered_name_is_refused_and_never_imported(name: str) -> None:
    with pytest.raises(UnknownFact):
        MAPPER.to_domain_event(stored(name))
    assert "antigravity" not in sys.modules


def test_an_unregistered_class_is_refused() -> None:
    with pytest.raises(UnknownFact, match="AggregateEvent has no stored name"):
        MAPPER.to_stored_event(made(AggregateEvent))


def test_a_hint_whose_times_cannot_be_checked_is_refused_when_the_program_starts() -> None:
    with pytest.raises(TypeError, match="differing parts"):
        FactMapper({"Untyped": Untyped})
