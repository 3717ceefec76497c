"""Which policy counts when: the book's versions in their time, the built-in one before them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from application.errors import ServiceUnavailable
from application.rulebook import REFRESH_SECONDS, OnePolicy, PublishedPolicies
from application.store import StoreUnavailable
from domain.policy import Policy, pack
from domain.policy.pack import Applies
from domain.policy_book import NOTICE, PolicyBook
from domain.values import Actor, Role
from infrastructure.policy_pack import default_pack

DEFAULT = default_pack()

NOON = datetime(2026, 11, 10, 4, 0, tzinfo=UTC)
DRAFTER, APPROVER = Actor("supervisor-1", Role.SUPERVISOR), Actor("supervisor-2", Role.SUPERVISOR)


class KeptBook:
    """A store with nothing but a book, that counts how often it is asked."""

    def __init__(self) -> None:
        self._facts: list[Any] = []
        self.asked = self.loaded = 0
        self.down = False

    def publish(self, policy: str, at: datetime = NOON, effective_from: datetime | None = None) -> None:
        """A version that says its name in every rule."""
        book = self._folded() or PolicyBook.open(at)
        document = json.dumps({"version": policy})
        book.draft(DRAFTER, policy, document, effective_from or at, "", None, at)
        book.approve(APPROVER, policy, at)
        self._keep(book)

    def draft(self, policy: str, effective_from: datetime) -> None:
        book = self._folded() or PolicyBook.open(NOON)
        book.draft(DRAFTER, policy, json.dumps({"version": policy}), effective_from, "", None, NOON)
        self._keep(book)

    def retire(self, policy: str, at: datetime) -> None:
        book = self._folded()
        assert book
        book.retire(policy, "", at)
        self._keep(book)

    def _keep(self, book: PolicyBook) -> None:
        self._facts += book.collect_events()

    def _folded(self) -> Any:
        book: Any = None
        for fact in self._facts:
            book = fact.mutate(book)
        return book

    def facts(self, aggregate_id, *, after=0):
        self.asked += 1
        if self.down:
            raise StoreUnavailable
        return [SimpleNamespace(fact=fact) for fact in self._facts[after:]]

    def load(self, kind, aggregate_id, *, version=None):
        self.loaded += 1
        return self._folded()


class Compiler:
    """Makes a policy whose rules all bear the name of their version."""

    def __init__(self) -> None:
        self.compiled: list[str] = []

    def __call__(self, document: Mapping[str, Any]) -> Policy:
        name = document["version"]
        self.compiled.append(name)
        rules = {key: replace(rule, policy=name) for key, rule in DEFAULT.rules.items()}
        return replace(DEFAULT, version=name, rules=rules)


class Setting:
    """A rulebook over a kept book, and the seconds that pass for it."""

    def __init__(self) -> None:
        self.store, self.compiler, self.seconds = KeptBook(), Compiler(), 0.0
        store: Any = self.store
        self.rulebook = PublishedPolicies(store, self.compiler, DEFAULT, lambda: self.seconds)

    def in_force(self, at: datetime) -> str:
        return self.rulebook.in_force(at).version


@pytest.fixture
def setting() -> Setting:
    return Setting()


def rule(policy: Policy, applies: Applies) -> pack.Rule[Any]:
    """Some rule that counts at this moment."""
    return next(one for one in policy.rules.values() if one.applies is applies)


def test_the_built_in_policy_is_in_force_until_one_is_published(setting):
    setting.store.draft("two", NOON)
    assert setting.rulebook.in_force(NOON) is DEFAULT
    assert setting.rulebook.version(DEFAULT.version) is DEFAULT
    assert setting.rulebook.version("two") is None


def test_the_built_in_policy_stays_in_force_for_its_time(setting):
    setting.store.publish("two", effective_from=NOON)
    moments = [NOON - timedelta(microseconds=1), NOON, NOON + timedelta(days=9)]
    assert [setting.in_force(at) for at in moments] == [DEFAULT.version, "two", "two"]


def test_each_version_is_in_force_until_the_next_one(setting):
    setting.store.publish("two", effective_from=NOON)
    setting.store.publish("four", effective_from=NOON + timedelta(days=20))
    setting.store.publish("three", effective_from=NOON + NOTICE)
    days = [0, 6, 7, 19, 20, 400]
    found = [setting.in_force(NOON + timedelta(days=day)) for day in days]
    assert found == ["two", "two", "three", "three", "four", "four"]


def test_a_recalled_version_never_counts_but_is_known_by_its_name(setting):
    setting.store.publish("two", effective_from=NOON)
    setting.store.publish("three", effective_from=NOON + NOTICE)
    setting.store.retire("three", NOON + timedelta(days=1))
    assert setting.in_force(NOON + timedelta(days=30)) == "two"
    assert setting.rulebook.version("three").version == "three"


def test_each_rule_is_that_of_the_moment_that_it_says_counts(setting):
    setting.store.publish("two", effective_from=NOON)
    setting.store.publish("three", effective_from=NOON + NOTICE)
    act, filed, decided = NOON - timedelta(days=1), NOON, NOON + NOTICE
    policy = setting.rulebook.applicable(act, filed, decided)
    assert policy.version == "three"
    assert {one: rule(policy, one).policy for one in Applies} == {
        Applies.AT_ACT: DEFAULT.version,
        Applies.AT_FILING: "two",
        Applies.AT_DECISION: "three",
    }


def test_one_version_for_all_three_moments_is_that_version_itself(setting):
    setting.store.publish("two", effective_from=NOON)
    assert setting.rulebook.applicable(NOON, NOON, NOON) is setting.rulebook.version("two")


def test_the_same_three_versions_are_composed_once(setting):
    setting.store.publish("two", effective_from=NOON)
    act = NOON - timedelta(days=1)
    first = setting.rulebook.applicable(act, NOON, NOON)
    assert setting.rulebook.applicable(act, NOON, NOON + timedelta(days=1)) is first


# --- how often the book is read ---


def test_the_book_is_asked_for_news_every_few_seconds_at_most(setting):
    for _ in range(5):
        setting.in_force(NOON)
    assert setting.store.asked == 1
    setting.seconds += REFRESH_SECONDS - 0.01
    setting.in_force(NOON)
    assert setting.store.asked == 1
    setting.seconds += 0.01
    setting.in_force(NOON)
    assert (setting.store.asked, setting.store.loaded) == (2, 0)


def test_a_publication_elsewhere_is_heard_of_within_those_seconds(setting):
    setting.in_force(NOON)
    setting.store.publish("two", effective_from=NOON)
    assert setting.in_force(NOON) == DEFAULT.version
    setting.seconds += REFRESH_SECONDS
    assert setting.in_force(NOON) == "two"


def test_a_publication_of_our_own_counts_at_once(setting):
    setting.in_force(NOON)
    setting.store.publish("two", effective_from=NOON)
    setting.rulebook.forget()
    assert setting.in_force(NOON) == "two"


def test_each_version_is_compiled_once(setting):
    setting.store.publish("two", effective_from=NOON)
    setting.in_force(NOON)
    setting.store.publish("three", effective_from=NOON + NOTICE)
    setting.rulebook.forget()
    setting.in_force(NOON)
    assert setting.compiler.compiled == ["two", "three"]


def test_a_book_that_cannot_be_read_makes_the_service_unavailable_until_it_can(setting):
    setting.store.down = True
    with pytest.raises(ServiceUnavailable):
        setting.in_force(NOON)
    setting.store.down = False
    assert setting.in_force(NOON) == DEFAULT.version


def test_one_policy_can_stand_for_all(setting):
    one = OnePolicy(DEFAULT)
    assert one.in_force(NOON) is one.applicable(NOON, NOON, NOON) is one.version(DEFAULT.version) is DEFAULT
    assert one.version("two") is None
