"""Goods that come back: what breaks them, who pays their way, how long they are warranted."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.policy import pack
from domain.policy.calendar import SHANGHAI
from domain.policy.derivation import Derived
from domain.policy.goods import exchange_open, freight_bearer, intactness, warranty_ends
from domain.values import LiableParty, Money, Objection, OrderLine

SIGNED = datetime(2026, 11, 3, 20, 15, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("category", "found", "broken"),
    [
        ("clothing", (), ()),
        ("clothing", ("packaging_opened", "tried"), ()),
        ("clothing", ("tag_removed",), ("tag_removed",)),
        ("clothing", ("soiled", "tried", "tag_removed"), ("soiled", "tag_removed")),
        ("electronics", ("packaging_opened",), ()),
        ("electronics", ("tag_removed",), ()),
        ("electronics", ("activated", "activated"), ("activated",)),
        ("food", ("packaging_opened",), ()),
        ("food", ("seal_broken",), ("seal_broken",)),
        ("stationery", ("damaged",), ("damaged",)),
        ("stationery", ("seal_broken",), ()),
    ],
)
def test_each_thing_that_broke_the_goods_is_named(policy, category, found, broken):
    result = intactness(category, found, policy)
    assert result.value == tuple(Objection("NR-4", one) for one in broken)
    (step,) = result.derivation
    assert (step.rule, step.result) == ("NR-4", ",".join(broken) or "intact")


def test_what_is_allowed_never_breaks_goods(policy):
    terms = policy.need(pack.INTACT)
    assert not terms.allowed & terms.breaks
    assert not any(terms.allowed & broken for broken in terms.categories.values())


@pytest.mark.parametrize(
    ("reason", "promises", "bearer"),
    [
        ("no_reason", (), LiableParty.BUYER),
        ("no_reason", ("free_return_freight",), LiableParty.MERCHANT),
        ("quality_defect", (), LiableParty.MERCHANT),
        ("wrong_item", (), LiableParty.MERCHANT),
    ],
)
def test_the_buyer_bears_the_freight_of_a_return_without_reason_alone(policy, reason, promises, bearer):
    order = OrderLine("PO-1", "1", "S", "x", "c", 1, Money(1, "CNY"), SIGNED, SIGNED, promises)
    found = freight_bearer(reason, order, policy)
    assert (found.value, found.derivation[0].result) == (bearer, bearer)


def test_a_warranty_does_not_count_the_time_in_repair(policy):
    plain = warranty_ends("clothing", SIGNED, timedelta(), policy)
    repaired: Any = warranty_ends("clothing", SIGNED, timedelta(days=20, hours=3), policy)
    assert plain.value == datetime(2027, 11, 4, tzinfo=SHANGHAI)
    assert repaired.value == datetime(2027, 11, 24, 3, tzinfo=SHANGHAI)
    assert repaired.derivation[-1].inputs["in_repair"] == (20 * 24 + 3) * 3600


def test_the_warranty_of_a_main_part_is_longer(policy):
    found = warranty_ends("appliance_main_part", SIGNED, timedelta(), policy)
    assert found.value == datetime(2029, 11, 4, tzinfo=SHANGHAI)


def test_without_the_rule_there_is_no_warranty(policy, without):
    assert warranty_ends("c", SIGNED, timedelta(), without(policy, pack.WARRANTY)) == Derived(None)


@pytest.mark.parametrize(("failed", "opened"), [(0, False), (1, False), (2, True), (3, True)])
def test_two_failed_repairs_open_an_exchange(policy, failed, opened):
    assert exchange_open(failed, policy).value is opened
