"""Every deadline of the rules, and how it is derived."""

from datetime import datetime, timedelta

import pytest

from domain.policy import deadlines, pack
from domain.policy.calendar import SHANGHAI
from domain.policy.derivation import Derived
from domain.values import Money, OrderLine, Step

START = datetime(2026, 11, 10, 14, 1, tzinfo=SHANGHAI)


def shanghai(month, day, hour=0, minute=0, year=2026):
    """Hour 24 is the end of the day."""
    return datetime(year, month, day, tzinfo=SHANGHAI) + timedelta(hours=hour, minutes=minute)


@pytest.mark.parametrize(
    ("rule", "term", "end"),
    [
        ("M-1", "/term", shanghai(11, 11, 14, 1)),
        ("M-2", "/term", shanghai(11, 11, 9, 1)),
        ("M-3", "/review", shanghai(11, 12, 14, 1)),
        ("M-3", "/execute", shanghai(11, 11, 14, 1)),
        ("M-4", "/window", shanghai(11, 17, 24)),
        ("M-5", "/after", shanghai(11, 11, 14, 1)),
        ("M-5", "/within", shanghai(11, 25, 24)),
        ("NR-1", "/refund", shanghai(11, 17, 24)),
        ("NR-7", "/term", shanghai(11, 25, 24)),
        ("L-1", "/term", shanghai(11, 17, 24)),
        ("G-1", "/grounds/answer", shanghai(11, 19, 24)),
        ("G-1", "/grounds/mediation", shanghai(1, 9, 24, year=2027)),
        ("R-1", "/term", shanghai(11, 10, 24, year=2029)),
        ("S-1", "/expiry", shanghai(2, 8, 24, year=2027)),
        ("O-3", "/term", START + timedelta(hours=2)),
        ("O-4", "/delay", START + timedelta(hours=72)),
        ("O-7", "/term", START + timedelta(hours=24)),
        ("O-8", "/term", shanghai(11, 17, 24)),
        ("O-13", "/term", shanghai(11, 25, 24)),
    ],
)
def test_each_term_ends_when_its_rule_says(policy, rule, term, end):
    named = policy.rules[rule]
    found = deadlines.due_by(named, named.named_terms[term], START, policy)
    assert found.value == end
    assert [step.rule for step in found.derivation] == [rule]


@pytest.mark.parametrize(
    ("deadline", "end", "rule"),
    [
        (deadlines.evidence_due, shanghai(11, 11, 9, 1), "M-2"),
        (deadlines.review_due, shanghai(11, 12, 14, 1), "M-3"),
        (deadlines.execution_due, shanghai(11, 11, 14, 1), "M-3"),
        (deadlines.appeal_closes, shanghai(11, 17, 24), "M-4"),
        (deadlines.escalation_opens, shanghai(11, 11, 14, 1), "M-5"),
        (deadlines.escalation_closes, shanghai(11, 25, 24), "M-5"),
        (deadlines.reply_due, START + timedelta(hours=24), "O-7"),
        (deadlines.return_shipped_by, shanghai(11, 17, 24), "O-8"),
        (deadlines.reopening_closes, shanghai(11, 25, 24), "O-13"),
    ],
)
def test_each_deadline_asks_the_term_of_its_rule(policy, deadline, end, rule):
    found = deadline(START, policy)
    assert found.value == end
    assert [step.rule for step in found.derivation] == [rule]


def test_a_deadline_says_how_it_came_about(policy):
    assert deadlines.evidence_due(START, policy).derivation == (
        Step(
            rule="M-2",
            policy=policy.version,
            inputs={
                "start": "2026-11-10T06:01:00Z",
                "amount": 4,
                "unit": "hours",
                "calendar": "service_hours",
            },
            result="2026-11-11T01:01:00Z",
        ),
    )


@pytest.mark.parametrize(
    ("ground", "end"),
    [
        ("settlement", shanghai(12, 10, 24)),
        ("receipt", shanghai(11, 19, 24)),
        ("police", shanghai(5, 10, 24, year=2027)),
    ],
)
def test_a_suspension_lapses_by_its_ground(policy, ground, end):
    found = deadlines.suspension_lapses(ground, START, policy)
    assert found.value == end
    assert found.derivation[0].inputs["ground"] == ground


def test_an_incident_has_three_clocks(policy):
    found = deadlines.crisis_due(START, policy)
    assert [one.value - START for one in found] == [timedelta(hours=hours) for hours in (2, 12, 24)]
    assert [one.derivation[0].inputs["clock"] for one in found] == ["feedback", "facts", "plan"]


def line(category, delivered_at=START):
    return OrderLine("PO-1", "1", "SKU-9", "x", category, 1, Money(100, "CNY"), START, delivered_at)


@pytest.mark.parametrize(
    ("category", "end"),
    [
        ("fresh", START + timedelta(hours=24)),
        ("food", START + timedelta(hours=48)),
        ("appliance", START + timedelta(hours=72)),
        ("clothing", shanghai(11, 17, 24)),
        ("furniture", shanghai(11, 25, 24)),
    ],
)
def test_a_visible_flaw_is_shown_within_the_window_of_its_category(policy, category, end):
    assert deadlines.flaw_shown_by(line(category), policy).value == end


def test_goods_that_never_came_have_no_flaw_to_show(policy):
    assert deadlines.flaw_shown_by(line("food", delivered_at=None), policy) == Derived(None)


def test_a_rule_that_is_not_in_force_sets_no_deadline(policy, without):
    assert deadlines.flaw_shown_by(line("food"), without(policy, pack.EVIDENCE_WINDOWS)) == Derived(None)


def test_a_rule_that_must_be_there_is_missed(policy, without):
    with pytest.raises(KeyError, match="M-4"):
        deadlines.appeal_closes(START, without(policy, pack.APPEAL))
