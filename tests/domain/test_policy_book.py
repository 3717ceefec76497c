"""The policy book: two people, public before it takes effect, readable for ever."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Self

import pytest

from domain.events import (
    Fact,
    PolicyBookOpened,
    PolicyDrafted,
    PolicyDraftWithdrawn,
    PolicyPublished,
    PolicyRetired,
)
from domain.policy_book import BOOK_ID, NOTICE, PolicyBook
from domain.refusals import (
    PolicyEffectiveTooEarly,
    PolicyInForceCannotBeRetired,
    PolicyNeedsSecondPerson,
    PolicyNotDrafted,
    PolicyNotPublished,
    PolicyVersionExists,
    Refusal,
    UnknownPart,
)
from domain.values import Actor, PolicyState, Role, Urgency, UrgentGround
from infrastructure.mapper import FactMapper

NOON = datetime(2026, 11, 10, 4, 0, tzinfo=UTC)
MAPPER = FactMapper()
DRAFTER = Actor("supervisor-1", Role.SUPERVISOR)
APPROVER = Actor("supervisor-2", Role.SUPERVISOR)
SAFETY = Urgency(UrgentGround.SAFETY, "有害商品")

Command = Callable[[PolicyBook], object]


class Told:
    """A book told by commands; `given` stores and replays every fact through the production mapper."""

    def __init__(self) -> None:
        self.at = NOON
        self._facts: list[Any] = []
        self.book = PolicyBook.open(self.at)
        self._replayed()

    def given(self, *commands: Command) -> Self:
        """These commands were carried out, recorded, and the book loaded again."""
        for command in commands:
            command(self.book)
        return self._replayed()

    def published(self, policy: str = "cn-2027", after: timedelta = NOTICE, **draft: Any) -> Self:
        """Drafted and approved, in force `after` now."""
        return self.given(self.draft(policy, after, **draft), self.approve(policy))

    def later(self, **by: float) -> Self:
        """Time passes."""
        self.at += timedelta(**by)
        return self

    def draft(
        self, policy: str = "cn-2027", after: timedelta = NOTICE, urgency: Urgency | None = None
    ) -> Command:
        """Drafting a version that is to be in force `after` now."""
        return lambda book: book.draft(
            DRAFTER, policy, f'{{"version":"{policy}"}}', self.at + after, "双十二", urgency, self.at
        )

    def approve(self, policy: str = "cn-2027", by: Actor = APPROVER) -> Command:
        """Approving a draft."""
        return lambda book: book.approve(by, policy, self.at)

    def withdraw(self, policy: str = "cn-2027") -> Command:
        """Giving a draft up."""
        return lambda book: book.withdraw(policy, "有误", self.at)

    def retire(self, policy: str = "cn-2027") -> Command:
        """Using a version no more."""
        return lambda book: book.retire(policy, "改期", self.at)

    def state(self, policy: str = "cn-2027") -> PolicyState:
        """How a version stands now."""
        return self.book.state_of(policy, self.at)

    def then(self, command: Command, *facts: type[Fact]) -> list[Any]:
        """The command records these facts and no others; returns them."""
        command(self.book)
        new = list(self.book.pending_events)
        assert [type(fact) for fact in new] == list(facts)
        self._replayed()
        return new

    def refused(self, command: Command, refusal: type[Refusal] | type[UnknownPart]) -> None:
        """The book refuses, and nothing is recorded."""
        before = vars(self.book).copy()
        with pytest.raises(refusal):
            command(self.book)
        assert not self.book.pending_events
        assert vars(self.book) == before

    def _replayed(self) -> Self:
        self._facts += [
            MAPPER.to_domain_event(MAPPER.to_stored_event(fact)) for fact in self.book.collect_events()
        ]
        loaded: Any = None
        for fact in self._facts:
            loaded = fact.mutate(loaded)
        self.book = loaded
        return self


@pytest.fixture
def told() -> Told:
    """An empty book."""
    return Told()


def test_there_is_one_book(told):
    assert (told.book.id, told.book.version) == (BOOK_ID, 1)
    assert [type(fact) for fact in told._facts] == [PolicyBookOpened]


# --- drafting ---


def test_a_draft_is_kept_whole_with_its_digest(told):
    (drafted,) = told.then(told.draft(), PolicyDrafted)
    assert (drafted.policy, drafted.drafted_by, drafted.note) == ("cn-2027", "supervisor-1", "双十二")
    assert drafted.sha256 == sha256(drafted.document.encode()).hexdigest()
    assert told.state() is PolicyState.DRAFTED


def test_a_draft_counts_for_nothing(told):
    told.given(told.draft()).later(days=30)
    assert told.book.in_force(told.at) is None


@pytest.mark.parametrize("end", ["drafted", "withdrawn", "published", "retired"])
def test_a_name_is_used_once(told, end):
    told.given(told.draft())
    if end == "withdrawn":
        told.given(told.withdraw())
    if end in ("published", "retired"):
        told.given(told.approve())
    if end == "retired":
        told.given(told.retire())
    told.refused(told.draft(), PolicyVersionExists)


# --- two people ---


def test_a_second_person_publishes(told):
    drafted = told.given(told.draft()).book.editions["cn-2027"]
    (published,) = told.then(told.approve(), PolicyPublished)
    assert (published.drafted_by, published.approved_by) == ("supervisor-1", "supervisor-2")
    assert (published.sha256, published.effective_from) == (drafted.sha256, NOON + NOTICE)
    assert told.state() is PolicyState.UPCOMING


def test_nobody_approves_their_own_draft(told):
    told.given(told.draft()).refused(told.approve(by=DRAFTER), PolicyNeedsSecondPerson)


def test_the_same_person_in_another_role_is_no_second_person(told):
    told.given(told.draft())
    told.refused(told.approve(by=Actor(DRAFTER.id, Role.ADMIN)), PolicyNeedsSecondPerson)


@pytest.mark.parametrize("command", ["approve", "withdraw"])
@pytest.mark.parametrize("end", ["withdrawn", "published", "retired"])
def test_what_is_no_draft_is_neither_approved_nor_withdrawn(told, command, end):
    told.given(told.draft())
    told.given(told.withdraw() if end == "withdrawn" else told.approve())
    if end == "retired":
        told.given(told.retire())
    told.refused(getattr(told, command)(), PolicyNotDrafted)


@pytest.mark.parametrize("command", ["approve", "withdraw", "retire"])
def test_a_version_that_nobody_drafted_is_unknown(told, command):
    told.refused(getattr(told, command)("cn-2030"), UnknownPart)


def test_a_draft_can_be_given_up_and_stays_readable(told):
    told.given(told.draft())
    (withdrawn,) = told.then(told.withdraw(), PolicyDraftWithdrawn)
    assert withdrawn.reason == "有误"
    assert told.state() is PolicyState.WITHDRAWN
    assert told.book.editions["cn-2027"].document == '{"version":"cn-2027"}'


# --- public before it takes effect (R-3) ---


def test_the_first_version_need_not_wait(told):
    told.published(after=timedelta())
    assert told.state() is PolicyState.IN_FORCE


def test_what_is_published_late_takes_effect_when_it_is_published(told):
    told.given(told.draft(after=timedelta())).later(hours=3).given(told.approve())
    assert told.book.editions["cn-2027"].effective_from == NOON + timedelta(hours=3)
    assert told.book.in_force(NOON) is None


@pytest.mark.parametrize("short", [timedelta(microseconds=1), NOTICE])
def test_later_versions_are_public_for_seven_days_first(told, short):
    told.published("cn-2026.2", after=timedelta())
    told.refused(told.draft(after=NOTICE - short), PolicyEffectiveTooEarly)
    told.then(told.draft(after=NOTICE), PolicyDrafted)


def test_the_seven_days_count_from_the_publication(told):
    told.published("cn-2026.2", after=timedelta()).given(told.draft(after=NOTICE))
    told.later(seconds=1).refused(told.approve(), PolicyEffectiveTooEarly)


def test_a_first_version_that_was_recalled_was_public_all_the_same(told):
    told.published("cn-2026.2").given(told.retire("cn-2026.2"))
    told.refused(told.draft(after=timedelta(days=1)), PolicyEffectiveTooEarly)


def test_a_named_urgent_ground_shortens_the_notice_and_is_recorded(told):
    told.published("cn-2026.2", after=timedelta())
    (drafted,) = told.then(told.draft(after=timedelta(hours=1), urgency=SAFETY), PolicyDrafted)
    assert drafted.urgency == SAFETY
    told.later(hours=2).then(told.approve(), PolicyPublished)
    assert told.state() is PolicyState.IN_FORCE


# --- what is in force ---


def test_a_version_is_in_force_until_the_next_one_is(told):
    told.published("one", after=timedelta()).published("two")
    boundary = NOON + NOTICE
    moments = [NOON - timedelta(seconds=1), NOON, boundary - timedelta(microseconds=1), boundary]
    found = [told.book.in_force(at) for at in moments]
    assert [edition and edition.policy for edition in found] == [None, "one", "one", "two"]
    told.later(days=7)
    assert (told.state("one"), told.state("two")) == (PolicyState.SUPERSEDED, PolicyState.IN_FORCE)


def test_versions_count_in_the_order_in_which_they_take_effect(told):
    told.published("one", after=timedelta()).published("late", after=timedelta(days=30)).published("early")
    assert [edition.policy for edition in told.book.timeline()] == ["one", "early", "late"]


def test_of_two_that_take_effect_at_once_the_one_published_later_counts(told):
    told.given(told.draft("one", timedelta(days=8)), told.draft("two", timedelta(days=8)))
    told.given(told.approve("two")).later(hours=1).given(told.approve("one")).later(days=9)
    assert (told.state("one"), told.state("two")) == (PolicyState.IN_FORCE, PolicyState.SUPERSEDED)


# --- retiring ---


def test_a_version_that_is_to_come_can_be_recalled(told):
    told.published("one", after=timedelta()).published("two")
    (retired,) = told.then(told.retire("two"), PolicyRetired)
    assert retired.reason == "改期"
    told.later(days=30)
    assert (told.state("one"), told.state("two")) == (PolicyState.IN_FORCE, PolicyState.RETIRED)


def test_what_was_in_force_stays_so_for_its_time(told):
    told.published("one", after=timedelta()).published("two").later(days=8).given(told.retire("one"))
    edition = told.book.in_force(NOON)
    assert edition
    assert (edition.policy, told.state("one")) == ("one", PolicyState.RETIRED)
    assert edition.document == '{"version":"one"}'


def test_what_is_in_force_cannot_be_retired(told):
    told.published(after=timedelta()).refused(told.retire(), PolicyInForceCannotBeRetired)


@pytest.mark.parametrize("end", ["drafted", "withdrawn", "retired"])
def test_what_is_not_public_is_not_retired(told, end):
    told.published("one", after=timedelta()).given(told.draft())
    if end == "withdrawn":
        told.given(told.withdraw())
    if end == "retired":
        told.given(told.approve(), told.retire())
    told.refused(told.retire(), PolicyNotPublished)
