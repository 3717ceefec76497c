"""What a merchant's points lead to (S-1): the tiers that they reach, whatever has become of them since."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.policy import pack
from domain.policy.calendar import quarter_end
from domain.policy.deadlines import due_by
from domain.policy.derivation import step
from domain.policy.pack import Penalties, Policy, Rule
from domain.values import Derivation

InForce = Callable[[datetime], Policy]
"""The policy that is in force at a moment."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The points of one penalty. They count from its assessment until it expires or its quarter ends.

    entered_at: when they came to be known here; a tier that they reach is judged by the policy of then.
    """

    penalty_id: UUID
    points: int
    clause: str
    assessed_at: datetime
    until: datetime
    entered_at: datetime

    def counts_with(self, other: "Counted") -> bool:
        """Whether there is a time at which both count."""
        return self.assessed_at < other.until and other.assessed_at < self.until


@dataclass(frozen=True, slots=True)
class Reached:
    """A tier that points reached: what it rests on, what it brings, and for how long."""

    number: int
    measures: tuple[str, ...]
    published: bool
    rests_on: tuple[Counted, ...]
    since: datetime
    until: datetime
    policy: str
    derivation: Derivation

    @property
    def points(self) -> int:
        """All that it rests on."""
        return sum(one.points for one in self.rests_on)

    @property
    def reached_by(self) -> UUID:
        """The penalty that reached it."""
        return self.rests_on[-1].penalty_id


def quarter_of(assessed_at: datetime, policy: Policy) -> datetime | None:
    """When the quarter ends in which a penalty counts; None where points are not reset."""
    return quarter_end(assessed_at) if policy.need(pack.PENALTIES).quarterly_reset else None


def course(counted: Iterable[Counted], in_force: InForce) -> list[Reached]:
    """Every sanction that these points, in the order in which they were entered, bring about.

    One sanction runs at a time: a tier that is reached while a sanction of it or of a higher one runs starts
    none, and a higher one takes the place of a lower one.
    """
    reached: list[Reached] = []
    before: list[Counted] = []
    for one in counted:
        before = [other for other in before if one.assessed_at < other.until]
        found = _reached([other for other in before if one.counts_with(other)], one, in_force)
        if found and not (reached and _holds(reached[-1], found)):
            reached.append(found)
        before.append(one)
    return reached


def _holds(running: Reached, found: Reached) -> bool:
    return found.since < running.until and found.number <= running.number


def _reached(before: Sequence[Counted], last: Counted, in_force: InForce) -> Reached | None:
    policy = in_force(last.entered_at)
    rule = policy.needed(pack.PENALTIES)
    had = sum(one.points for one in before)
    number = tier_of(had + last.points, rule.terms)
    if number == tier_of(had, rule.terms):
        return None
    return _sanction(number, (*before, last), rule, policy)


def tier_of(points: int, terms: Penalties) -> int:
    """The number of the highest tier that so many points reach, from 1; 0 for none."""
    return sum(tier.from_points <= points for tier in terms.tiers)


def _sanction(number: int, rests_on: tuple[Counted, ...], rule: Rule[Penalties], policy: Policy) -> Reached:
    tier, since = rule.terms.tiers[number - 1], rests_on[-1].entered_at
    points = sum(one.points for one in rests_on)
    until = due_by(rule, tier.term, since, policy, tier=number)
    return Reached(
        number=number,
        measures=tier.measures,
        published=0 < rule.terms.published_from <= number,
        rests_on=rests_on,
        since=since,
        until=until.value,
        policy=policy.version,
        derivation=(
            step(rule, number, points=points, before=points - rests_on[-1].points),
            *until.derivation,
        ),
    )
