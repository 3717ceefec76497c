"""How much each clause allows: every rule alone, at its floor, its cap and its conditions."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.policy import pack
from domain.policy.calendar import SHANGHAI
from domain.policy.entitlement import Matter, entitlements, goodwill, largest
from domain.policy.pack import Need
from domain.policy.tariff import tariff_of
from domain.values import Circumstance, Claim, Money, OrderLine, RemedyKind, Role, Step

SIGNED = datetime(2026, 11, 3, 20, 15, tzinfo=SHANGHAI)
KNEW = Circumstance.SELLER_KNEW
BUYER_KNEW = Circumstance.BUYER_KNEW


def matter(
    paid=19_900,
    reason="counterfeit",
    filed_at=SIGNED,
    established=(),
    loss=None,
    currency="CNY",
    claimed=None,
    **order,
):
    """Of the whole line, if no number of pieces is claimed."""
    fields: dict[str, Any] = {"quantity": 1, "category": "clothing", "delivered_at": SIGNED} | order
    line = OrderLine("PO-1", "1", "SKU-9", "x", paid=Money(paid, currency), purchased_at=SIGNED, **fields)
    claim = Claim((RemedyKind.REFUND,), quantity=claimed or line.quantity)
    return Matter(line, claim, reason, filed_at, frozenset(established), loss and Money(loss, "CNY"))


def best(found: Any, kind: RemedyKind = RemedyKind.MULTIPLE) -> Any:
    """The largest entitlement to this kind."""
    return largest(kind, found)


def limit(found: Any, kind: RemedyKind = RemedyKind.MULTIPLE) -> Any:
    """The most of this kind, if there is any."""
    one = best(found, kind)
    return one and one.limit


# --- damages ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paid", "damages"), [(1, 50_000), (16_666, 50_000), (16_667, 50_001), (19_900, 59_700)]
)
def test_fraud_is_three_times_the_price_and_at_least_500_yuan(policy, paid, damages):
    assert limit(entitlements(matter(paid), policy, ("F-1",))) == damages


@pytest.mark.parametrize("clause", ["F-2", "F-3"])
@pytest.mark.parametrize(
    ("paid", "loss", "damages"),
    [
        (9_999, None, 100_000),
        (10_000, None, 100_000),
        (10_001, None, 100_010),
        (10_000, 33_333, 100_000),
        (10_000, 33_334, 100_002),
        (50_000, 100_000, 500_000),
    ],
)
def test_unsafe_food_and_drugs_are_ten_prices_or_three_losses_and_at_least_1000_yuan(
    policy, clause, paid, loss, damages
):
    found = entitlements(matter(paid, established=(KNEW,), loss=loss), policy, (clause,))
    assert limit(found) == damages


@pytest.mark.parametrize(
    ("clause", "established", "opened"),
    [
        ("F-2", (), False),
        ("F-2", (KNEW,), True),
        ("F-2", (Circumstance.SELLER_IS_PRODUCER,), True),
        ("F-2", (KNEW, Circumstance.HARMLESS_LABEL_FLAW), False),
        ("F-3", (), False),
        ("F-3", (KNEW,), True),
        ("F-3", (KNEW, Circumstance.HARMLESS_LABEL_FLAW), True),
        ("F-1", (), True),
    ],
)
def test_the_finding_must_establish_what_the_rule_needs_and_not_what_it_excludes(
    policy, clause, established, opened
):
    found = entitlements(matter(established=established), policy, (clause,))
    assert (limit(found) is not None) is opened


@pytest.mark.parametrize(
    ("quantity", "damages"), [(1, 1_000_000), (5, 1_000_000), (6, 833_330), (10, 500_000)]
)
def test_a_knowing_buyer_is_limited_to_what_it_may_need(policy, quantity, damages):
    bought = matter(100_000, established=(KNEW, BUYER_KNEW), quantity=quantity, category="food")
    found = entitlements(bought, policy, ("F-2",))
    assert limit(found) == damages
    assert [step.rule for step in best(found).derivation] == ["F-4", "F-2"]


def test_the_need_is_that_of_the_category(policy):
    rule = replace(policy.rules["F-4"], terms=Need(5, {"wine": 2}))
    changed = replace(policy, rules={**policy.rules, "F-4": rule})
    bought = matter(100_000, established=(KNEW, BUYER_KNEW), quantity=10, category="wine")
    assert limit(entitlements(bought, changed, ("F-2",))) == 200_000


def test_who_did_not_know_is_limited_by_nothing(policy):
    bought = matter(100_000, established=(KNEW,), quantity=50, category="food")
    assert limit(entitlements(bought, policy, ("F-2",))) == 1_000_000


def test_need_does_not_limit_fraud(policy):
    bought = matter(100_000, established=(BUYER_KNEW,), quantity=50)
    assert limit(entitlements(bought, policy, ("F-1",))) == 300_000


def test_ten_for_one_fake_is_owed_where_it_was_promised(policy):
    promised = matter(promises=("fake_one_pay_ten",))
    assert limit(entitlements(promised, policy, ("P-10",))) == 199_000
    assert limit(entitlements(matter(), policy, ("P-10",))) is None


def test_a_promise_stands_above_the_statute(policy):
    found = entitlements(matter(promises=("fake_one_pay_ten",)), policy, ("F-1", "P-10"))
    one = best(found)
    assert (one.clause, one.limit) == ("P-10", 199_000)


@pytest.mark.parametrize(
    ("paid", "damages"), [(99, 9), (100, 10), (19_900, 1_990), (200_000, 20_000), (200_010, 20_000)]
)
def test_misdescription_is_a_tenth_of_the_price_and_at_most_200_yuan(policy, paid, damages):
    assert limit(entitlements(matter(paid), policy, ("C-1",))) == damages


@pytest.mark.parametrize(
    ("paid", "damages"), [(999, 499), (1_000, 500), (1_666, 500), (1_667, 500), (1_670, 501), (19_900, 5_970)]
)
def test_a_missing_gift_is_30_percent_at_least_5_yuan_and_never_above_half(policy, paid, damages):
    assert limit(entitlements(matter(paid), policy, ("C-2",))) == damages


def test_a_figure_that_nobody_verified_grants_nothing(policy):
    assert limit(entitlements(matter(), policy, ("Z-1",))) is None


def test_in_another_currency_only_what_is_in_proportion_is_owed(policy):
    foreign = matter(100, currency="USD")
    assert limit(entitlements(foreign, policy, ("F-1",))) == 300
    assert limit(entitlements(foreign, policy, ("C-1",))) == 0
    assert limit(entitlements(foreign, policy), RemedyKind.FREIGHT) == 0


def test_damages_say_how_they_came_about(policy):
    bought = matter(10_000, established=(KNEW,), loss=40_000)
    (step,) = best(entitlements(bought, policy, ("F-2",))).derivation
    assert step == Step(
        "F-2", "cn-2026", {"price": 10_000, "loss": 40_000, "established": "seller_knew"}, 120_000
    )


@pytest.mark.parametrize(("claimed", "damages"), [(1, 99_999), (2, 199_998), (3, 300_000), (4, 300_000)])
def test_damages_are_measured_on_the_claimed_pieces(policy, claimed, damages):
    """Of 1,000.00 yuan for three pieces: a rest of a fen is not counted, more pieces than bought neither."""
    bought = matter(100_000, quantity=3, claimed=claimed)
    assert limit(entitlements(bought, policy, ("F-1",))) == damages


@pytest.mark.parametrize(("claimed", "damages"), [(1, 3_333), (2, 6_666), (3, 10_000)])
def test_so_is_a_share_of_the_price(policy, claimed, damages):
    one = best(entitlements(matter(100_000, quantity=3, claimed=claimed), policy, ("C-1",)))
    assert one.limit == damages
    part = {} if claimed == 3 else {"pieces": claimed, "quantity": 3}
    assert one.derivation[0].inputs == {"paid": 100_000 * claimed // 3} | part


def test_the_least_that_is_owed_is_owed_for_a_part_too(policy):
    assert limit(entitlements(matter(100_000, quantity=100, claimed=1), policy, ("F-1",))) == 50_000


def test_a_refund_is_bounded_by_the_whole_line_whatever_part_is_claimed(policy):
    bought = matter(100_000, quantity=3, claimed=1)
    assert limit(entitlements(bought, policy, ()), RemedyKind.REFUND) == 100_000


@pytest.mark.parametrize(("claimed", "damages"), [(1, 100_000), (4, 400_000), (5, 500_000), (6, 500_000)])
def test_a_knowing_buyer_needs_no_more_than_it_claims(policy, claimed, damages):
    bought = matter(100_000, established=(KNEW, BUYER_KNEW), quantity=10, category="food", claimed=claimed)
    assert limit(entitlements(bought, policy, ("F-2",))) == damages


# --- refund, freight, goods, goodwill -----------------------------------------------------------------


def test_a_refund_is_what_was_paid(policy):
    one = best(entitlements(matter(19_900), policy, ()), RemedyKind.REFUND)
    assert (one.clause, one.limit) == ("RF-1", 19_900)


@pytest.mark.parametrize(
    ("reason", "promises", "clause", "most"),
    [
        ("quality_defect", (), "O-5", 50_000),
        ("a_reason_of_their_own", (), "O-5", 50_000),
        ("no_reason", (), "NR-6", 0),
        ("no_reason", ("free_return_freight",), "O-5", 50_000),
    ],
)
def test_freight_is_owed_where_the_buyer_does_not_bear_it(policy, reason, promises, clause, most):
    found = entitlements(matter(reason=reason, promises=promises), policy)
    one = best(found, RemedyKind.FREIGHT)
    assert (one.clause, one.limit) == (clause, most)
    assert one.derivation[0].rule == "NR-6"


GOODS = {RemedyKind.RETURN, RemedyKind.REPLACEMENT, RemedyKind.REPAIR}


@pytest.mark.parametrize(
    ("days", "kinds"),
    [
        (
            0,
            [
                ("return", "Q-1"),
                ("replacement", "Q-1"),
                ("repair", "Q-1"),
                ("replacement", "3B-1"),
                ("repair", "Q-3"),
            ],
        ),
        (8, [("replacement", "Q-1"), ("repair", "Q-1"), ("replacement", "3B-1"), ("repair", "Q-3")]),
        (16, [("replacement", "Q-1"), ("repair", "Q-1"), ("repair", "Q-3")]),
        (400, [("replacement", "Q-1"), ("repair", "Q-1")]),
    ],
)
def test_defective_goods_are_returned_first_and_exchanged_or_repaired_later(policy, days, kinds):
    filed = matter(reason="quality_defect", filed_at=SIGNED + timedelta(days=days))
    assert [(one.kind, one.clause) for one in entitlements(filed, policy) if one.kind in GOODS] == kinds


@pytest.mark.parametrize(("days", "opened"), [(7, True), (8, False)])
def test_a_return_without_reason_is_open_for_seven_days(policy, days, opened):
    filed = matter(reason="no_reason", filed_at=SIGNED + timedelta(days=days))
    assert (RemedyKind.RETURN in {one.kind for one in entitlements(filed, policy)}) is opened


def test_without_clauses_those_of_the_reason_count(policy):
    found = entitlements(matter(reason="counterfeit", promises=("fake_one_pay_ten",)), policy)
    assert {one.clause for one in found if one.kind is RemedyKind.MULTIPLE} == {"F-1", "P-10"}


def test_a_clause_that_opens_nothing_is_no_fault(policy):
    assert [one.clause for one in entitlements(matter(), policy, ("M-1", "UNKNOWN"))] == ["RF-1", "O-5"]


@pytest.mark.parametrize(
    ("role", "coupon", "points"),
    [(Role.AGENT, 10_000, 10_000), (Role.REVIEWER, 50_000, 50_000), (Role.FINANCE, 0, 0)],
)
def test_goodwill_is_limited_by_role(policy, role, coupon, points):
    found = goodwill(role, matter().order, policy)
    assert [(one.kind, one.limit) for one in found] == [
        (RemedyKind.COUPON, coupon),
        (RemedyKind.POINTS, points),
    ]
    assert [one.derivation for one in found] == [
        (Step("O-1", "cn-2026", {"role": role}, most),) for most in (coupon, points)
    ]


def test_penalties_have_a_tariff(policy):
    found: Any = tariff_of("S-1", policy)
    assert (found.value.max_points, found.value.max_fine_minor) == (12, 5_000_000)
    assert tariff_of("NR-1", policy).value is None


def test_a_rule_that_is_not_in_force_opens_nothing(policy, without):
    changed = without(policy, pack.FRAUD)
    assert limit(entitlements(matter(), changed, ("F-1",))) is None
