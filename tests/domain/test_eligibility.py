"""Each rule of eligibility alone, on both sides of its boundary, and what a filing stores of it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain.policy import eligibility, pack
from domain.policy.calendar import SHANGHAI
from domain.policy.taxonomy import Kind, Reason, Taxonomy
from domain.values import CaseType, Money, Objection, OrderLine, Step

SIGNED = datetime(2026, 11, 3, 20, 15, tzinfo=SHANGHAI)


def shanghai(month, day, hour=0, minute=0, year=2026):
    """Hour 24 is the end of the day."""
    return datetime(year, month, day, tzinfo=SHANGHAI) + timedelta(hours=hour, minutes=minute)


def line(category="clothing", delivered_at=SIGNED, **order):
    return OrderLine(
        "PO-1", "1", "SKU-9", "x", category, 1, Money(19_900, "CNY"), SIGNED, delivered_at, **order
    )


BOUNDARIES = [
    # NR-1: signed for on the 3rd, so the 4th is the first day and the 10th the seventh.
    (
        eligibility.within_return_window,
        "clothing",
        shanghai(11, 10, 24),
        Objection("NR-1", "return_window_over"),
    ),
    (
        eligibility.returned_as_defective_in_time,
        "clothing",
        shanghai(11, 10, 24),
        Objection("Q-1", "return_window_over"),
    ),
    # 3B-1: the 15th day is the 18th; the 16th day is too late.
    (
        eligibility.exchanged_in_time,
        "appliance",
        shanghai(11, 18, 24),
        Objection("3B-1", "exchange_window_over"),
    ),
    (
        eligibility.under_warranty,
        "clothing",
        shanghai(11, 3, 24, year=2027),
        Objection("Q-3", "warranty_over"),
    ),
    (
        eligibility.under_warranty,
        "appliance_main_part",
        shanghai(11, 3, 24, year=2029),
        Objection("Q-3", "warranty_over"),
    ),
    (
        eligibility.flaw_shown_in_time,
        "fresh",
        SIGNED + timedelta(hours=24),
        Objection("E-1", "flaw_shown_too_late"),
    ),
    (
        eligibility.flaw_shown_in_time,
        "clothing",
        shanghai(11, 10, 24),
        Objection("E-1", "flaw_shown_too_late"),
    ),
]


@pytest.mark.parametrize(("rule", "category", "end", "objection"), BOUNDARIES)
def test_a_term_is_kept_until_its_last_moment(policy, rule, category, end, objection):
    assert rule(line(category), end - timedelta(microseconds=1), policy).value is None
    assert rule(line(category), end, policy).value == objection


@pytest.mark.parametrize(("rule", "category", "end", "objection"), BOUNDARIES)
def test_goods_that_did_not_arrive_miss_no_term(policy, rule, category, end, objection):
    assert rule(line(category, delivered_at=None), end, policy) == eligibility.UNASKED


@pytest.mark.parametrize("category", ["custom_made", "perishable", "digital_unsealed", "newspaper"])
def test_some_goods_are_never_returned_without_a_reason(policy, category):
    found = eligibility.returnable_category(line(category), SIGNED, policy)
    assert found.value == Objection("NR-2", "category_excluded")
    assert eligibility.returnable_category(line(), SIGNED, policy).value is None


@pytest.mark.parametrize(
    ("category", "confirmations", "objection"),
    [
        ("food", (), None),
        ("food", ("opened_affects_health",), "opened_affects_health"),
        ("cosmetics", ("opened_affects_health",), "opened_affects_health"),
        ("clothing", ("opened_affects_health",), None),
        ("digital", ("activation_loses_value",), "activation_loses_value"),
        ("food", ("activation_loses_value",), None),
        ("clothing", ("disclosed_flaw",), "disclosed_flaw"),
        ("food", ("near_expiry",), "near_expiry"),
        ("food", ("something_else",), None),
    ],
)
def test_three_classes_are_excluded_only_by_the_buyers_confirmation(
    policy, category, confirmations, objection
):
    found = eligibility.not_excluded_by_confirmation(
        line(category, confirmations=confirmations), SIGNED, policy
    )
    assert found.value == (objection and Objection("NR-3", objection))


def test_opened_food_without_the_confirmation_may_not_be_refused(story):
    assert story.filed(reason="no_reason", category="food").case.filing.objections == ()


def test_confirmed_food_is_objected_to_with_its_clause(story):
    story.filed(reason="no_reason", category="food", confirmations=("opened_affects_health",))
    assert story.case.filing.objections == (Objection("NR-3", "opened_affects_health"),)


def test_a_filing_keeps_every_rule_that_was_asked(story):
    filing = story.filed(reason="no_reason").case.filing
    assert [(step.rule, step.result) for step in filing.derivation] == [
        ("NR-1", "2026-11-12T16:00:00Z"),
        ("NR-1", "met"),
        ("NR-2", "met"),
        ("NR-3", "met"),
    ]
    assert filing.derivation[1] == Step(
        "NR-1", "cn-2026", {"until": "2026-11-12T16:00:00Z", "asked": "2026-11-10T04:00:00Z"}, "met"
    )


def test_the_derivation_ends_with_the_objection(story):
    filing = story.filed(reason="no_reason", category="custom_made").case.filing
    assert ("NR-2", "category_excluded") in [(step.rule, step.result) for step in filing.derivation]


def test_a_rule_that_is_not_in_force_is_not_asked(policy, without):
    changed = without(policy, pack.NO_REASON_RETURN)
    late = SIGNED + timedelta(days=60)
    assert eligibility.within_return_window(line(), late, changed) == eligibility.UNASKED


def test_the_taxonomy_says_which_rules_are_asked(policy):
    label = policy.title
    taxonomy = Taxonomy(
        {CaseType.REPAIR: Kind(label, ("Q-3",))},
        {"worn_out": Reason(label, frozenset({CaseType.REPAIR}), ("E-1",))},
    )
    changed = replace(policy, taxonomy=taxonomy)
    late = SIGNED + timedelta(days=800)

    def clauses(case_type, reason):
        return [one.clause for one in eligibility.assessed(case_type, reason, line(), late, changed).value]

    assert clauses(CaseType.REPAIR, "worn_out") == ["Q-3", "E-1"]
    assert clauses(CaseType.REPAIR, "no_reason") == ["Q-3"]
    assert clauses(CaseType.EXCHANGE, "worn_out") == []
    assert clauses(CaseType.EXCHANGE, "a_reason_of_their_own") == []
