"""What the penalties of a merchant come to: points, and one sanction at a time."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import (
    PointsAdjusted,
    PointsCounted,
    PointsDropped,
    QuarterClosed,
    SanctionEnded,
    SanctionPublished,
    SanctionRestored,
    SanctionStarted,
    StandingOpened,
)
from domain.policy import pack
from domain.policy.calendar import Term, Unit, due
from domain.refusals import UnknownPart
from domain.standing import MerchantStanding, standing_id
from domain.values import DropCause, SanctionEnd
from infrastructure.mapper import FactMapper
from infrastructure.policy_pack import default_pack

DEFAULT = default_pack()

OCTOBER = datetime(2026, 10, 5, 4, 0, tzinfo=UTC)
"""Early in a quarter of Shanghai, which ends with December."""

QUARTER_ENDS = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
MAPPER = FactMapper()
TERMS = DEFAULT.need(pack.PENALTIES)


def an_id(name):
    """The same id for the same name."""
    return uuid5(UUID(int=7), name)


def days(amount):
    return Term(amount, Unit.DAYS)


def differing(**terms):
    """The policy with other terms of S-1."""
    rule = replace(DEFAULT.rules["S-1"], terms=replace(TERMS, **terms))
    return replace(DEFAULT, rules={**DEFAULT.rules, "S-1": rule})


LASTING = differing(quarterly_reset=False)


class Books:
    """The standing of one merchant, stored and replayed after every command through the production mapper."""

    def __init__(self, at=OCTOBER):
        self.at = at
        self.policy = DEFAULT
        self.standing = MerchantStanding.open("m-2001", at)
        self.facts = []
        self.replay()

    def replay(self):
        self.facts += [
            MAPPER.to_domain_event(MAPPER.to_stored_event(one)) for one in self.standing.collect_events()
        ]
        loaded: Any = None
        for fact in self.facts:
            loaded = fact.mutate(loaded)
        assert vars(loaded) == vars(self.standing)
        self.standing = loaded

    def does(self, command):
        """What the command records."""
        before = len(self.facts)
        command(self.standing)
        self.replay()
        return self.facts[before:]

    def in_force(self, _):
        return self.policy

    def later(self, **by):
        self.at += timedelta(**by)
        return self

    def count(self, name, points, assessed_at=None, clause="S-1"):
        assessed_at = assessed_at or self.at
        expires_at = due(assessed_at, TERMS.expiry, {})
        return self.does(
            lambda one: one.count(
                an_id(name), an_id(f"case of {name}"), points, clause, assessed_at, expires_at,
                self.in_force, self.at,
            )
        )  # fmt: skip

    def adjust(self, name, points):
        return self.does(lambda one: one.adjust(an_id(name), points, self.in_force, self.at))

    def reverse(self, name):
        return self.does(lambda one: one.reverse(an_id(name), self.in_force, self.at))

    def expire(self, name):
        return self.does(lambda one: one.expire(an_id(name), self.at))

    def miss(self, clock_id):
        return self.does(lambda one: one.miss_clock(clock_id, self.at))

    @property
    def tier(self):
        return self.standing.running.tier if self.standing.running else 0


@pytest.fixture
def books():
    return Books()


def kinds(facts):
    return [type(fact) for fact in facts]


# --- counting ---


def test_a_merchant_has_one_standing():
    books = Books()
    assert kinds(books.facts) == [StandingOpened]
    assert (books.standing.id, books.standing.merchant_id) == (standing_id("m-2001"), "m-2001")
    assert standing_id("m-2001") != standing_id("m-2002")


def test_points_are_counted_once_however_often_they_are_told(books):
    (counted,) = books.count("p", 2)
    assert (type(counted), counted.points, counted.quarter_ends) == (PointsCounted, 2, QUARTER_ENDS)
    assert books.count("p", 2) == []
    assert books.standing.points == 2


def test_points_below_the_first_tier_start_nothing(books):
    assert kinds(books.count("p", 2)) == [PointsCounted]


def test_points_that_reach_a_tier_start_its_sanction(books):
    books.count("p", 2)
    _, started = books.count("q", 1, clause="S-2")
    assert type(started) is SanctionStarted
    assert (started.tier, started.points, started.measures) == (1, 3, ("no_promotion",))
    assert started.penalties == (an_id("p"), an_id("q"))
    assert started.clauses == ("S-1", "S-2")
    assert (started.since, started.until) == (books.at, due(books.at, days(7), {}))


def test_a_sanction_carries_how_it_was_derived(books):
    books.count("p", 2)
    _, started = books.count("q", 1)
    reached, until = started.derivation
    assert (reached.rule, reached.policy, reached.result) == ("S-1", DEFAULT.version, 1)
    assert reached.inputs == {"points": 3, "before": 2}
    assert (until.rule, until.inputs["tier"], until.inputs["amount"]) == ("S-1", 1, 7)


def test_more_points_within_the_tier_start_nothing(books):
    books.count("p", 3)
    assert kinds(books.count("q", 2)) == [PointsCounted]


def test_a_higher_tier_takes_the_place_of_a_lower_one(books):
    books.count("p", 3)
    _, ended, started = books.later(days=1).count("q", 3)
    assert (type(ended), ended.cause) == (SanctionEnded, SanctionEnd.SUPERSEDED)
    assert (type(started), started.tier) == (SanctionStarted, 2)
    assert books.standing.running.sanction_id == started.sanction_id


def test_tiers_that_are_leapt_over_start_nothing(books):
    assert kinds(books.count("p", 9)) == [PointsCounted, SanctionStarted]
    assert books.tier == 3


def test_a_tier_that_is_reached_again_while_its_sanction_runs_starts_no_second_one(books):
    books.policy = LASTING
    books.count("p", 3)
    books.miss(books.standing.running.sanction_id)
    books.later(days=80).count("q", 3)
    books.later(days=11).expire("p")
    assert (books.standing.points, books.tier) == (3, 2)
    assert kinds(books.count("r", 3)) == [PointsCounted]


def test_a_penalty_of_no_points_is_entered_and_reaches_nothing(books):
    books.count("p", 3)
    assert kinds(books.count("q", 0)) == [PointsCounted]


@pytest.mark.parametrize(("points", "published"), [(9, False), (12, True), (15, True)])
def test_sanctions_from_a_tier_of_the_policy_on_are_published(books, points, published):
    assert (SanctionPublished in kinds(books.count("p", points))) is published


def test_a_policy_may_publish_none(books):
    books.policy = differing(published_from=0)
    assert SanctionPublished not in kinds(books.count("p", 15))


def test_each_penalty_is_judged_by_the_policy_in_force_when_it_was_entered(books):
    books.count("p", 2)
    tiers = (replace(TERMS.tiers[0], from_points=2), *TERMS.tiers[1:])
    stricter = differing(tiers=tiers)
    changes = books.at + timedelta(hours=1)
    books.in_force = lambda at: DEFAULT if at < changes else stricter
    books.later(days=1)
    assert kinds(books.count("q", 1)) == [PointsCounted]
    books.reverse("p")
    assert books.tier == 0
    assert kinds(books.count("r", 1)) == [PointsCounted, SanctionStarted]


# --- expiry and the quarter ---


def test_expired_points_count_no_longer(books):
    books.count("p", 2)
    (dropped,) = books.later(days=91).expire("p")
    assert (type(dropped), dropped.cause, dropped.points) == (PointsDropped, DropCause.EXPIRED, 2)
    assert books.standing.points == 0
    assert books.expire("p") == []


def test_a_sanction_runs_on_when_points_expire(books):
    books.count("p", 3)
    books.expire("p")
    assert books.tier == 1


def test_a_sanction_is_served_when_its_time_is_over(books):
    books.count("p", 3)
    running = books.standing.running
    books.at = running.until - timedelta(seconds=1)
    assert books.miss(running.sanction_id) == []
    books.later(seconds=1)
    (ended,) = books.miss(running.sanction_id)
    assert (type(ended), ended.cause) == (SanctionEnded, SanctionEnd.SERVED)
    assert books.miss(running.sanction_id) == []


def test_points_start_anew_when_the_quarter_ends_in_shanghai(books):
    books.count("p", 2)
    clock = books.standing.quarter_clock(QUARTER_ENDS)
    assert books.standing.clocks[clock] == QUARTER_ENDS
    books.at = QUARTER_ENDS - timedelta(seconds=1)
    assert books.miss(clock) == []
    books.later(seconds=1)
    closed, dropped = books.miss(clock)
    assert (type(closed), closed.points) == (QuarterClosed, 2)
    assert (type(dropped), dropped.cause) == (PointsDropped, DropCause.RESET)
    assert books.standing.points == 0
    assert books.miss(clock) == []
    assert books.expire("p") == []


def test_points_of_the_quarter_before_do_not_count_although_its_clock_is_late(books):
    books.count("p", 2)
    books.at = QUARTER_ENDS
    assert kinds(books.count("q", 2)) == [PointsCounted]
    books.miss(books.standing.quarter_clock(QUARTER_ENDS))
    assert books.standing.points == 2


def test_a_penalty_that_is_told_of_late_counts_in_the_quarter_in_which_it_was_assessed(books):
    books.count("p", 2)
    books.at = QUARTER_ENDS + timedelta(minutes=5)
    _, started, dropped = books.count("q", 2, assessed_at=QUARTER_ENDS - timedelta(minutes=1))
    assert (type(started), started.since) == (SanctionStarted, books.at)
    assert (type(dropped), dropped.cause) == (PointsDropped, DropCause.RESET)
    assert set(books.standing.quarters.values()) == {QUARTER_ENDS}


def test_a_policy_may_never_reset_points(books):
    books.policy = LASTING
    (counted,) = books.count("p", 2)
    assert counted.quarter_ends is None
    assert books.standing.clocks == {}
    books.at = QUARTER_ENDS
    assert SanctionStarted in kinds(books.count("q", 1))


def test_expired_points_do_not_count_although_nobody_has_said_so_yet(books):
    books.policy = LASTING
    books.count("p", 2)
    assert kinds(books.later(days=91).count("q", 2)) == [PointsCounted]


# --- what falls ---


def test_a_reversed_penalty_takes_the_sanction_with_it_that_rested_on_it(books):
    books.count("p", 2)
    books.count("q", 1)
    dropped, ended = books.later(days=1).reverse("p")
    assert (type(dropped), dropped.cause) == (PointsDropped, DropCause.REVERSED)
    assert (type(ended), ended.cause) == (SanctionEnded, SanctionEnd.REVERSED)
    assert (books.standing.points, books.tier) == (1, 0)
    assert books.reverse("p") == []


def test_a_sanction_stands_that_the_rest_bears_out(books):
    books.count("p", 2)
    books.count("q", 3)
    assert kinds(books.reverse("p")) == [PointsDropped]
    assert books.tier == 1


def test_a_lowered_penalty_counts_as_if_it_had_never_been_more(books):
    books.count("p", 3)
    adjusted, ended = books.adjust("p", 2)
    assert (type(adjusted), adjusted.points) == (PointsAdjusted, 2)
    assert (type(ended), ended.cause) == (SanctionEnded, SanctionEnd.REVERSED)
    assert books.adjust("p", 2) == books.adjust("p", 3) == []
    assert books.standing.points == 2


def test_a_lower_sanction_goes_on_when_the_higher_one_falls(books):
    _, lower = books.count("p", 3)
    books.later(days=1).count("q", 3)
    _, ended, restored = books.later(days=1).reverse("q")
    assert (ended.cause, type(restored)) == (SanctionEnd.REVERSED, SanctionRestored)
    assert restored.sanction_id == lower.sanction_id == books.standing.running.sanction_id
    assert books.standing.clocks[lower.sanction_id] == lower.until


def test_a_lower_sanction_whose_time_is_over_stays_over(books):
    books.count("p", 3)
    books.later(days=1).count("q", 3)
    assert kinds(books.later(days=8).reverse("q")) == [PointsDropped, SanctionEnded]
    assert books.tier == 0


def test_what_is_left_may_bear_out_a_lower_tier_from_then_on(books):
    books.count("p", 2)
    _, started = books.later(days=1).count("q", 4)
    assert started.tier == 2
    _, ended, lower = books.later(days=1).reverse("p")
    assert (ended.sanction_id, ended.cause) == (started.sanction_id, SanctionEnd.REVERSED)
    assert (type(lower), lower.tier, lower.since) == (SanctionStarted, 1, started.since)
    assert lower.until == due(started.since, days(7), {})


def test_a_served_sanction_falls_too(books):
    books.count("p", 3)
    served = books.standing.running
    books.at = served.until
    books.miss(served.sanction_id)
    _, fallen = books.later(days=1).reverse("p")
    assert (fallen.sanction_id, fallen.cause) == (served.sanction_id, SanctionEnd.REVERSED)


def test_a_penalty_can_fall_after_it_expired(books):
    books.count("p", 3)
    books.expire("p")
    assert kinds(books.reverse("p")) == [PointsDropped, SanctionEnded]
    assert books.tier == 0


def test_a_penalty_that_fell_takes_no_more(books):
    books.count("p", 3)
    books.reverse("p")
    assert books.adjust("p", 1) == books.expire("p") == books.count("p", 3) == []


@pytest.mark.parametrize("command", ["reverse", "expire", lambda books, name: books.adjust(name, 0)])
def test_a_penalty_that_was_never_told_of_is_unknown(books, command):
    with pytest.raises(UnknownPart):
        command(books, "p") if callable(command) else getattr(books, command)("p")


# --- as if it had never been ---


@dataclass(frozen=True)
class Step:
    """After some time something becomes of a penalty; `about` says of which one."""

    after: timedelta
    what: str
    about: int
    points: int


steps = st.lists(
    st.builds(
        Step,
        st.timedeltas(timedelta(0), timedelta(days=20)),
        st.sampled_from(["assess", "assess", "assess", "adjust", "reverse"]),
        st.integers(0, 30),
        st.integers(1, 6),
    ),
    max_size=25,
)


@dataclass
class Told:
    """A merchant's penalties step by step, in which everything falls due in its time, or a little late."""

    books: Books
    late: bool
    known: list = field(default_factory=list)
    expiries: dict = field(default_factory=dict)

    def tell(self, step, left_out):
        until = self.books.at + step.after
        if not self.late:
            while (moment := self.next_due()) and moment <= until:
                self.books.at = moment
                self.fall_due()
        self.books.at = until
        self.fall_due()
        if step.what == "assess":
            self.known.append(f"penalty {len(self.known)}")
        if self.known:
            name = self.known[-1] if step.what == "assess" else self.known[step.about % len(self.known)]
            if name not in left_out:
                self.become(name, step)

    def become(self, name, step):
        match step.what:
            case "assess":
                self.books.count(name, step.points)
                self.expiries[name] = due(self.books.at, TERMS.expiry, {})
            case "adjust":
                self.books.adjust(name, step.points)
            case "reverse":
                self.books.reverse(name)

    def next_due(self):
        return min([*self.books.standing.clocks.values(), *self.expiries.values()], default=None)

    def fall_due(self):
        for clock_id in list(self.books.standing.clocks):
            self.books.miss(clock_id)
        for name in [name for name, moment in self.expiries.items() if moment <= self.books.at]:
            self.books.expire(name)
            del self.expiries[name]

    def outcome(self):
        self.fall_due()
        standing = self.books.standing
        lines = {key: (one.counted.points, one.dropped) for key, one in standing.lines.items() if one.valid}
        return standing.points, lines, standing.running, standing.clocks.keys() - standing.quarters.keys()


def told(story, late, left_out=frozenset()):
    whole = Told(Books(), late)
    for step in story:
        whole.tell(step, left_out)
    return whole


@settings(deadline=None)
@given(story=steps, late=st.booleans())
def test_what_was_reversed_leaves_the_standing_as_if_it_had_never_been(story, late):
    whole = told(story, late)
    reversed_ = {name for name in whole.known if not whole.books.standing.lines[an_id(name)].valid}
    without = told(story, late, reversed_)
    assert whole.outcome() == without.outcome()


@settings(deadline=None)
@given(story=steps, late=st.booleans())
def test_one_sanction_runs_at_a_time_and_each_is_started_once(story, late):
    books = told(story, late).books
    started = [fact.sanction_id for fact in books.facts if type(fact) is SanctionStarted]
    assert len(started) == len(set(started))
    running = set()
    for fact in books.facts:
        match fact:
            case SanctionStarted() | SanctionRestored():
                running.add(fact.sanction_id)
            case SanctionEnded():
                running.discard(fact.sanction_id)
        assert len(running) <= 1
