"""A history replayed under a draft: the same rules change nothing; other ones say what they would change."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from application.rulebook import OnePolicy
from domain.policy import Policy, pack
from domain.policy.calendar import Term
from domain.policy.pack import GoodwillLimit, Key
from domain.simulation import Change, Replay
from domain.values import RemedyKind, Role
from infrastructure.bench.histories import Life
from infrastructure.policy_pack import default_pack

DEFAULT = default_pack()


def draft(key: Key[Any], **terms: Any) -> Policy:
    """The built-in policy with one rule changed."""
    rule = DEFAULT.needed(key)
    changed = replace(rule, terms=replace(rule.terms, **terms), policy="draft")
    return replace(DEFAULT, version="draft", rules={**DEFAULT.rules, key.id: changed})


def replayed(facts: list[Any], under: Policy, role: str = "reviewer") -> tuple[Replay, list[Change]]:
    """The case replayed, and everything that changed."""
    replay = Replay(under, OnePolicy(DEFAULT))
    return replay, [change for fact in facts for change in replay.take(fact, role, compared=True)]


@pytest.mark.parametrize("seed", range(40))
def test_the_rules_that_were_in_force_change_nothing(seed):
    replay, changes = replayed(Life(Random(seed)).facts, DEFAULT)
    assert changes == []
    tally = replay.tally
    assert (tally.cost, tally.points, tally.fines) == (
        tally.cost_simulated,
        tally.points_simulated,
        tally.fines_simulated,
    )
    assert tally.missed == tally.missed_simulated


def test_a_longer_window_takes_up_what_was_objected_to(story):
    late = story.at - timedelta(days=9)
    facts = story.filed(reason="no_reason", delivered_at=late)._facts
    _, changes = replayed(facts, draft(pack.NO_REASON_RETURN, window=Term(15, DEFAULT_UNIT)))
    assert [(one.what, one.simulated) for one in changes] == [("objections", "none")]


DEFAULT_UNIT = DEFAULT.needed(pack.NO_REASON_RETURN).terms.window.unit


def test_a_multiple_is_what_the_draft_fixes(story, a):
    story.filed(case_type="counterfeit", reason="counterfeit").claimed().verified()
    story.decided(a.remedy(RemedyKind.MULTIPLE, amount=a.yuan(597)), clauses=("F-1",))
    replay, changes = replayed(story._facts, draft(pack.FRAUD, times=4))
    assert [(one.what, one.stored, one.simulated) for one in changes] == [("multiple", "59700", "79600")]
    assert (replay.tally.cost, replay.tally.cost_simulated, replay.tally.changed) == (59_700, 79_600, 1)


def test_goodwill_that_was_granted_is_granted_again_as_far_as_the_draft_allows(story, a):
    story.in_review().decided(a.remedy(RemedyKind.COUPON, amount=a.yuan(100)))
    limits = {Role.REVIEWER: GoodwillLimit(coupon_minor=3_000, points=0)}
    replay, _ = replayed(story._facts, draft(pack.GOODWILL, limits=limits))
    assert (replay.tally.cost, replay.tally.cost_simulated) == (10_000, 3_000)
    wider = {Role.REVIEWER: GoodwillLimit(coupon_minor=90_000, points=0)}
    replay, changes = replayed(story._facts, draft(pack.GOODWILL, limits=wider))
    assert (replay.tally.cost_simulated, changes) == (10_000, [])


def test_a_clause_that_the_draft_does_not_have_is_named(story, a):
    story.filed(case_type="counterfeit", reason="counterfeit").claimed().verified()
    story.decided(a.remedy(RemedyKind.MULTIPLE, amount=a.yuan(597)), clauses=("F-1",))
    rules = {**DEFAULT.rules, "F-1": replace(DEFAULT.rules["F-1"], enabled=False)}
    replay, changes = replayed(story._facts, replace(DEFAULT, version="draft", rules=rules))
    assert [one.what for one in changes] == ["clauses", "multiple"]
    assert replay.tally.cost_simulated == 0


def test_penalties_are_held_to_the_tariff_of_the_draft(story, a):
    story.refunded().given(
        lambda case: case.penalise(
            story.reviewer, a.id("p"), 6, a.yuan(100), "S-1", a.text(), story.policy, story.at
        )
    )
    tariff = {"S-1": pack.Tariff(max_points=4, max_fine_minor=5_000)}
    replay, _ = replayed(story._facts, draft(pack.PENALTIES, tariff=tariff))
    tally = replay.tally
    assert (tally.points, tally.points_simulated) == (6, 4)
    assert (tally.fines, tally.fines_simulated) == (10_000, 5_000)


@pytest.mark.parametrize(("hours", "missed"), [(48, 0), (24, 0), (23, 1)])
def test_a_duty_that_was_done_in_time_is_missed_under_a_shorter_term(story, hours, missed):
    story.refunded().later(hours=24).asked()
    replay, changes = replayed(story._facts, draft(pack.FOLLOW_UP, delay=Term(hours)))
    assert (replay.tally.missed, replay.tally.missed_simulated) == (0, missed)
    assert ("follow_up" in [one.what for one in changes]) == bool(missed)


def test_what_lies_outside_the_window_is_folded_and_not_compared(story, a):
    story.filed(case_type="counterfeit", reason="counterfeit").claimed().verified()
    story.decided(a.remedy(RemedyKind.MULTIPLE, amount=a.yuan(597)), clauses=("F-1",))
    replay = Replay(draft(pack.FRAUD, times=4), OnePolicy(DEFAULT))
    assert [one for fact in story._facts for one in replay.take(fact, "reviewer", compared=False)] == []
    assert replay.tally.cases == 0
    assert replay.case
    assert replay.case.version == story.case.version
