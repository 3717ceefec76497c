"""Goods that come back, or do not: what the clocks make of a return."""

import pytest

REFUND = {
    "kind": "refund",
    "amount": {"amount_minor": 19900, "currency": "CNY"},
    "payer": "merchant",
    "release": "goods_accepted",
}
UPHELD = {
    "finding": "upheld",
    "liability": [{"party": "merchant", "share": 100}],
    "evidence": [],
    "reasons": "属实",
}


@pytest.fixture
def case(world):
    """A refund waits for the goods to come back; the buyer was told where to."""
    filed = world.caller("buyer-integration").post("/cases", world.filing("PO-7"))
    path, reviewer = f"/cases/{filed['case_id']}", world.caller("reviewer")
    version = reviewer.post(f"{path}/lease", version=1)["version"]
    version = reviewer.post(f"{path}/verification", UPHELD, version=version)["version"]
    decision = {"remedies": [REFUND, {"kind": "return"}], "clauses": ["Q-1"], "reasons": "退货退款"}
    goods = reviewer.post(f"{path}/decisions", decision, version=version)["goods"]
    world.caller("merchant:m-2001").post(f"{path}/goods/{goods[0]['goods_id']}/authorisation")
    return path


def seen(world, case):
    found = world.caller("reviewer").get(case)
    return found["stage"], found["goods"][0]["state"], found["compensations"][0]["state"]


def moved(world, case, who, what):
    (leg,) = world.caller(who).get(case)["goods"]
    world.caller(who).post(f"{case}/goods/{leg['goods_id']}/{what}", {"reference": "SF-1"})


def test_a_return_that_the_merchant_leaves_alone_for_fifteen_days_is_refunded(world, case):
    moved(world, case, "buyer-integration", "shipment")
    moved(world, case, "agent", "receipt")
    world.pass_time(days=15)
    assert seen(world, case) == ("executing", "received", "authorised")
    world.pass_time(days=1)
    assert seen(world, case) == ("following_up", "accepted", "paid")


def test_the_case_of_a_buyer_who_sends_nothing_in_a_week_expires_and_its_order_line_is_free(world, case):
    world.pass_time(days=7)
    assert seen(world, case) == ("executing", "to_ship", "authorised")
    world.pass_time(days=1)
    assert seen(world, case) == ("expired", "lapsed", "reversed")
    again = world.caller("buyer-integration").post("/cases", world.filing("PO-7"))
    assert (again["stage"], f"/cases/{again['case_id']}" == case) == ("filed", False)


def test_a_return_in_time_stops_the_clock(world, case):
    world.pass_time(days=6)
    moved(world, case, "buyer-integration", "shipment")
    world.pass_time(days=30)
    assert seen(world, case) == ("executing", "in_transit", "authorised")
