"""The frame serves every kind of aggregate: shown on one that is begun by whoever needs it first."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import singledispatch
from threading import Barrier
from uuid import UUID, uuid4, uuid5

import pytest
from eventsourcing.domain import AggregateCreated
from eventsourcing.utils import register_topic

from application.errors import (
    Forbidden,
    IdempotencyKeyReused,
    NotFound,
    PreconditionRequired,
    VersionMismatch,
)
from application.running import Running
from application.store import ClaimTaken, Effects
from domain.aggregate import EvolvingAggregate, snake_case
from domain.case import Case
from domain.events import FACTS, Fact, stored_as
from domain.refusals import UnknownPart
from domain.values import Role, SealedFor

NAMESPACE = UUID("0b8a4d4e-7d55-4b27-9c0f-3a40f5a0c001")


class ShelfBegun(Fact, AggregateCreated):
    """A merchant's shelf was begun."""

    TOPIC, OF = "ShelfBegun", "PlainShelf"

    merchant_id: str


class ThingPut(Fact):
    """Something was put on the shelf."""

    TOPIC, OF = "ThingPut", "PlainShelf"

    thing_id: UUID
    label: str


@singledispatch
def evolve(fact: Fact, shelf: "PlainShelf") -> None:
    raise TypeError


@evolve.register(ShelfBegun)
def _(fact: ShelfBegun, shelf: "PlainShelf") -> None:
    shelf.merchant_id = fact.merchant_id
    shelf.things = ()


@evolve.register(ThingPut)
def _(fact: ThingPut, shelf: "PlainShelf") -> None:
    shelf.things = (*shelf.things, fact.label)


register_topic("ShelfBegun", ShelfBegun)
register_topic("ThingPut", ThingPut)


@stored_as("PlainShelf")
class PlainShelf(EvolvingAggregate):
    """An aggregate with nothing of its own but its facts."""

    def __init__(self) -> None:
        self.merchant_id: str
        self.things: tuple[str, ...]

    def evolve(self, fact):
        evolve(fact, self)

    @classmethod
    def begin(cls, merchant_id, at):
        return cls._create(ShelfBegun, id=shelf_id(merchant_id), timestamp=at, merchant_id=merchant_id)

    def put(self, thing_id, label, at):
        if label == "missing":
            raise UnknownPart("thing")
        if label not in self.things:
            self._record(ThingPut, at, thing_id=thing_id, label=label)


class ShelfTaken(Exception):
    """The shelf's own refusal of a taken claim."""


def shelf_id(merchant_id: str) -> UUID:
    return uuid5(NAMESPACE, merchant_id)


class Shelves(Running[PlainShelf]):
    """Use cases as any kind has them; the permissions are some that exist."""

    aggregate = PlainShelf

    def _concerns(self, by, aggregate):
        return by.role is not Role.MERCHANT or by.merchant_id == aggregate.merchant_id

    def _effects(self, aggregate, facts):
        put = [fact.label for fact in facts if isinstance(fact, ThingPut)]
        return Effects(claims=tuple(f"unique:{label}" for label in put if label.startswith("unique")))

    def _taken(self, claim: ClaimTaken) -> Exception:
        return ShelfTaken(claim.claim)

    def put(self, request, merchant_id, label):
        thing_id = self._new_id()

        def decide(shelf, sealing, at):
            text = sealing.seal(SealedFor.PLATFORM, "label", label).box if label == "sealed" else label
            shelf.put(thing_id, text, at)

        return self._command(
            request,
            shelf_id(merchant_id),
            "penalties.assess",
            decide,
            thing_id,
            begin=lambda at: PlainShelf.begin(merchant_id, at),
        )

    def put_on(self, request, aggregate_id, label):
        thing_id = self._new_id()
        return self._versioned(
            request, aggregate_id, "penalties.assess", lambda shelf, _, at: shelf.put(thing_id, label, at)
        )

    def get(self, by, aggregate_id):
        return self._load(by, aggregate_id, "penalties.read")

    def history(self, by, aggregate_id):
        return self._recorded(by, aggregate_id, "penalties.read")


@pytest.fixture(scope="module", autouse=True)
def vocabulary() -> Iterator[None]:
    """Our facts are known while this file's tests run, and to them alone."""
    with pytest.MonkeyPatch.context() as patch:
        for fact in (ShelfBegun, ThingPut):
            patch.setitem(FACTS, fact.__name__, fact)
        yield


@pytest.fixture
def shelves(desk) -> Shelves:
    return Shelves(desk.store, desk.vault, desk.clock, uuid4)


@pytest.fixture
def merchant() -> str:
    """One that no other test knows."""
    return f"m-{uuid4()}"


def test_a_kind_is_called_by_its_stored_name():
    assert (Case.kind(), PlainShelf.kind(), snake_case("PolicyBook")) == (
        "case",
        "plain_shelf",
        "policy_book",
    )


# --- beginning ---


def test_the_first_command_begins_the_aggregate_in_the_same_save(desk, shelves, merchant):
    answer = shelves.put(desk.request(desk.reviewer), merchant, "apple")
    assert desk.facts(shelf_id(merchant)) == ["ShelfBegun", "ThingPut"]
    assert (answer.aggregate.version, answer.aggregate.things) == (2, ("apple",))
    assert desk.store.end_of_save(shelf_id(merchant), 1) == (2, answer.position)


def test_later_commands_find_it(desk, shelves, merchant):
    for label in ("apple", "pear"):
        shelves.put(desk.request(desk.reviewer), merchant, label)
    assert desk.facts(shelf_id(merchant)) == ["ShelfBegun", "ThingPut", "ThingPut"]


def test_of_several_who_begin_it_at_once_one_does_and_all_are_carried_out(
    desk, shelves, merchant, monkeypatch
):
    together, load = Barrier(4), desk.store.load

    def all_find_nothing(kind, aggregate_id, **options):
        found = load(kind, aggregate_id, **options)
        if found is None:
            together.wait(10)
        return found

    monkeypatch.setattr(desk.store, "load", all_find_nothing)
    with ThreadPoolExecutor(4) as pool:
        labels = ["apple", "pear", "plum", "fig"]
        list(pool.map(lambda label: shelves.put(desk.request(desk.reviewer), merchant, label), labels))
    monkeypatch.undo()
    assert desk.facts(shelf_id(merchant)) == ["ShelfBegun", *["ThingPut"] * 4]
    assert set(shelves.get(desk.reviewer, shelf_id(merchant)).things) == set(labels)


def test_texts_of_the_command_that_begins_it_are_sealed_for_their_own_fact(desk, shelves, merchant):
    shelf = shelves.put(desk.request(desk.reviewer), merchant, "sealed").aggregate
    assert shelf.things == ("2:label:sealed",)


def test_a_version_was_never_seen_of_what_is_not_there(desk, shelves, merchant, nothing_recorded):
    with nothing_recorded, pytest.raises(NotFound) as caught:
        shelves.put(desk.request(desk.reviewer, 1), merchant, "apple")
    assert caught.value.kind == "plain_shelf"


def test_a_command_that_may_not_begin_it_needs_it(desk, shelves, merchant, nothing_recorded):
    with nothing_recorded, pytest.raises(NotFound):
        shelves.put_on(desk.request(desk.reviewer, 1), shelf_id(merchant), "apple")


# --- the checks in their order ---


def test_right_comes_before_everything(desk, shelves, merchant, nothing_recorded):
    with nothing_recorded, pytest.raises(Forbidden):
        shelves.put(desk.request(desk.finance), merchant, "apple")


def test_a_kind_says_whom_it_concerns(desk, shelves, merchant):
    shelves.put(desk.request(desk.reviewer), merchant, "apple")
    owner = type(desk.seller)("owner", Role.MERCHANT, merchant)
    assert shelves.get(owner, shelf_id(merchant)).things == ("apple",)
    for read in (shelves.get, shelves.history):
        with pytest.raises(NotFound) as caught:
            read(desk.seller, shelf_id(merchant))
        assert caught.value.kind == "plain_shelf"


def test_an_aggregate_of_another_kind_is_not_there(desk, shelves, merchant):
    case_id = desk.file().aggregate.id
    shelves.put(desk.request(desk.reviewer), merchant, "apple")
    for read in (shelves.get, shelves.history):
        with pytest.raises(NotFound):
            read(desk.reviewer, case_id)
    with pytest.raises(NotFound):
        shelves.put_on(desk.request(desk.reviewer, 1), case_id, "apple")
    for read in (desk.cases.get, desk.cases.history):
        with pytest.raises(NotFound):
            read(desk.reviewer, shelf_id(merchant))
    with pytest.raises(NotFound):
        desk.cases.claim(desk.request(desk.reviewer, 2), shelf_id(merchant))


def test_the_history_comes_with_the_aggregate_folded_from_it(desk, shelves, merchant):
    shelves.put(desk.request(desk.reviewer), merchant, "apple")
    shelf, facts = shelves.history(desk.reviewer, shelf_id(merchant))
    assert [type(one.fact) for one in facts] == [ShelfBegun, ThingPut]
    assert (shelf.version, shelf.things) == (2, ("apple",))


def test_a_stale_version_brings_the_facts_since(desk, shelves, merchant, nothing_recorded):
    shelves.put(desk.request(desk.reviewer), merchant, "apple")
    with nothing_recorded, pytest.raises(VersionMismatch) as caught:
        shelves.put_on(desk.request(desk.reviewer, 1), shelf_id(merchant), "pear")
    assert caught.value.aggregate.version == 2
    assert [type(one.fact) for one in caught.value.since] == [ThingPut]


def test_a_version_that_is_needed_must_be_said(desk, shelves, merchant, nothing_recorded):
    shelves.put(desk.request(desk.reviewer), merchant, "apple")
    with nothing_recorded, pytest.raises(PreconditionRequired):
        shelves.put_on(desk.request(desk.reviewer), shelf_id(merchant), "pear")


def test_a_part_that_is_missing_is_told_by_its_kind(desk, shelves, merchant, nothing_recorded):
    with nothing_recorded, pytest.raises(NotFound) as caught:
        shelves.put(desk.request(desk.reviewer), merchant, "missing")
    assert caught.value.kind == "thing"


# --- what is recorded with the facts ---


def test_a_key_gives_the_first_answer_of_any_kind_of_aggregate(desk, shelves, merchant):
    request = desk.request(desk.reviewer, key=f"k-{merchant}")
    first = shelves.put(request, merchant, "apple")
    shelves.put(desk.request(desk.reviewer), merchant, "pear")
    again = shelves.put(request, merchant, "apple")
    assert (again.position, again.subject) == (first.position, first.subject)
    assert again.aggregate.things == ("apple",)
    other = desk.request(desk.reviewer, key=f"k-{merchant}", body=b"other")
    with pytest.raises(IdempotencyKeyReused):
        shelves.put(other, merchant, "apple")


def test_a_command_that_says_nothing_new_is_answered_with_what_is(desk, shelves, merchant):
    first = shelves.put(desk.request(desk.reviewer), merchant, "apple")
    again = shelves.put(desk.request(desk.reviewer), merchant, "apple")
    assert (again.aggregate.version, again.position) == (2, first.position)


def test_a_kind_says_what_its_facts_claim_and_how_it_refuses(desk, shelves, merchant, nothing_recorded):
    label = f"unique-{merchant}"
    shelves.put(desk.request(desk.reviewer), merchant, label)
    with nothing_recorded, pytest.raises(ShelfTaken, match=label):
        shelves.put(desk.request(desk.reviewer), f"{merchant}-2", label)
