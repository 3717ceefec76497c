"""Story 6: two repairs fail, the goods are exchanged; the time in repair is not counted."""

from datetime import datetime, timedelta

import pytest

REPAIR = {"kind": "repair"}
UPHELD = {
    "finding": "upheld",
    "liability": [{"party": "merchant", "share": 100}],
    "evidence": [],
    "reasons": "保修期内故障",
}


@pytest.fixture
def case(world):
    """A repair was decided."""
    filed = world.caller("buyer-integration").post(
        "/cases", world.filing("PO-6", case_type="repair", claim={"remedies": ["repair"]})
    )
    path, reviewer = f"/cases/{filed['case_id']}", world.caller("reviewer")
    version = reviewer.post(f"{path}/lease", version=1)["version"]
    version = reviewer.post(f"{path}/verification", UPHELD, version=version)["version"]
    decision = {"remedies": [REPAIR], "clauses": ["3B-1"], "reasons": "免费修理"}
    reviewer.post(f"{path}/decisions", decision, version=version)
    return path


def seen(world, case):
    return world.caller("reviewer").get(case)


def leg(world, case, kind):
    (found,) = [one for one in seen(world, case)["goods"] if one["kind"] == kind]
    return found


def does(world, case, who, kind, what, body=None):
    world.caller(who).post(f"{case}/goods/{leg(world, case, kind)['goods_id']}/{what}", body)


def ends(world, case):
    return datetime.fromisoformat(seen(world, case)["warranty"]["ends_at"])


def repaired_in_vain(world, case, **time):
    does(world, case, "merchant:m-2001", "repair", "repair-start")
    world.pass_time(**time)
    does(world, case, "merchant:m-2001", "repair", "repair-completion", {"outcome": "failed"})


def test_a_repair_that_fails_twice_becomes_an_exchange_with_a_new_warranty(world, case):
    buyer, merchant = "buyer-integration", "merchant:m-2001"
    does(world, case, merchant, "repair", "authorisation", {"address": "杭州维修中心"})
    does(world, case, buyer, "repair", "shipment", {"reference": "SF-1"})
    does(world, case, merchant, "repair", "receipt", {"reference": "SF-1"})
    does(world, case, merchant, "repair", "repair-start")
    before = ends(world, case)
    world.pass_time(days=5)
    does(world, case, merchant, "repair", "repair-completion", {"outcome": "failed"})
    assert ends(world, case) == before + timedelta(days=5)

    world.pass_time(days=1)
    repaired_in_vain(world, case, days=3)
    assert ends(world, case) == before + timedelta(days=8)
    assert seen(world, case)["warranty"]["in_repair"] == 8 * 24 * 3600
    assert leg(world, case, "repair")["state"] == "exchanged"
    assert leg(world, case, "replacement")["state"] == "to_ship"

    does(world, case, merchant, "replacement", "shipment", {"reference": "SF-2"})
    world.pass_time(days=2)
    delivered = world.at
    does(world, case, buyer, "replacement", "receipt", {"reference": "SF-2"})
    does(world, case, buyer, "replacement", "acceptance", {"reference": "SF-2"})
    warranty = seen(world, case)["warranty"]
    assert (datetime.fromisoformat(warranty["begins"]), warranty["in_repair"]) == (delivered, 0)
    assert ends(world, case) > before + timedelta(days=8)

    world.settle()
    assert world.caller("agent").get("/loops")["data"][0]["open_because"] == ["follow_up"]
    closed(world, case)


def closed(world, case):
    agent = world.caller("agent")
    (follow_up,) = seen(world, case)["follow_ups"]
    asked = agent.post(f"{case}/follow-ups/{follow_up['follow_up_id']}/completion", {"satisfied": True})
    body = {"resolution": "replaced", "reasons": "已换新"}
    assert agent.post(f"{case}/closure", body, version=asked["version"])["stage"] == "closed"


def test_a_merchant_that_sends_no_replacement_in_a_day_is_judged_anew(world, case):
    repaired_in_vain(world, case, hours=1)
    repaired_in_vain(world, case, hours=1)
    does(world, case, "buyer-integration", "return", "shipment", {"reference": "SF-1"})
    does(world, case, "merchant:m-2001", "return", "receipt", {"reference": "SF-1"})
    does(world, case, "merchant:m-2001", "return", "acceptance", {"reference": "SF-1"})
    world.pass_time(hours=23)
    assert seen(world, case)["stage"] == "executing"
    world.pass_time(hours=1)
    assert (seen(world, case)["stage"], seen(world, case)["round"]) == ("in_review", 2)
    assert leg(world, case, "replacement")["state"] == "lapsed"
