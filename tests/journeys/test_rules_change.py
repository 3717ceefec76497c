"""The rules change: drafted, approved by another, public for a week; each rule counts in its own time."""

from datetime import date, timedelta

import pytest

COUPON = {"kind": "coupon", "amount": {"amount_minor": 10_000, "currency": "CNY"}, "payer": "platform"}
FINDING = {
    "finding": "upheld",
    "liability": [{"party": "merchant", "share": 100}],
    "evidence": [],
    "reasons": "属实",
}


@pytest.fixture
def rules(world):
    """The built-in document under another name: returns within ten days, no coupons of agents."""
    document = world.caller("merchant:m-2001").get("/policies/cn-2026")["document"]
    window, limits = document["rules"]["NR-1"]["terms"], document["rules"]["O-1"]["terms"]["limits"]
    window["window"] = {"days": 10}
    limits["agent"] = {"coupon_minor": 0, "points": 0}
    return {**document, "version": "mall-2", "effective_from": day_of(world.at)}


def day_of(at) -> str:
    return date(at.year, at.month, at.day).isoformat()


def publish(world, document, **more):
    """Drafted by one supervisor, approved by the other."""
    drafted = world.caller("supervisor").post("/policies", {"document": document, "note": "规则更新", **more})
    approval = f"/policies/{document['version']}/approval"
    return world.caller("supervisor:2").post(approval, version=drafted["version"])


def filed(world, number, reason="no_reason"):
    """Filed for what was bought nine days ago and arrived eight days ago, for a return without a reason."""
    body = world.filing(f"PO-{number}", reason=reason)
    body["order"]["delivered_at"] = (world.at - timedelta(days=8)).isoformat()
    return world.caller("buyer-integration").post("/cases", body)


def objections(world, case):
    found = world.caller("auditor").get(f"/cases/{case['case_id']}")["objections"]
    return [one["clause"] for one in found]


def give_coupon(world, case):
    """An agent claims, finds for the buyer and gives a coupon."""
    path, agent = f"/cases/{case['case_id']}", world.caller("agent")
    version = agent.post(f"{path}/lease", version=case["version"])["version"]
    version = agent.post(f"{path}/verification", FINDING, version=version)["version"]
    decision = {"remedies": [COUPON], "clauses": ["Q-1"], "reasons": "关怀"}
    return agent.ask("POST", f"{path}/decisions", decision, **{"If-Match": f'"{version}"'})


def test_each_rule_counts_in_its_own_time(world, rules):
    publish(world, {**rules, "version": "mall-1", "rules": world_rules(world)})
    effective_from = (world.at + timedelta(days=7)).isoformat()
    assert publish(world, rules, effective_from=effective_from)["state"] == "upcoming"

    before = filed(world, 1, "quality_defect")
    assert give_coupon(world, before).status_code == 201
    waiting = filed(world, 2, "quality_defect")
    world.pass_time(days=7)

    # A limit counts as at the decision, whenever the case was filed.
    refused = give_coupon(world, waiting)
    assert (refused.status_code, refused.json()["code"]) == (409, "compensation_exceeds_entitlement")
    # The window of a return counts as at the purchase, whenever it is asked for.
    assert objections(world, filed(world, 3)) == ["NR-1"]
    world.pass_time(days=10)
    assert objections(world, filed(world, 4)) == []

    states = {one["policy"]: one["state"] for one in world.caller("agent").get("/policies")["data"]}
    assert states == {"mall-2": "in_force", "mall-1": "superseded", "cn-2026": "superseded"}


def world_rules(world):
    return world.caller("auditor").get("/policies/cn-2026")["document"]["rules"]


def test_a_broken_document_is_refused_with_every_fault_and_the_published_one_stays_in_force(world, rules):
    publish(world, rules)
    broken = {**rules, "version": "mall-3", "currency": 7}
    broken["rules"] = {**rules["rules"], "X-99": {}, "NR-1": {**rules["rules"]["NR-1"], "source": ""}}
    body = {"document": broken, "note": "有误"}
    answer = world.caller("supervisor").ask("POST", "/policies", body)
    assert answer.status_code == 422
    pointers = {one["pointer"] for one in answer.json()["errors"]}
    assert {"/document/currency", "/document/rules/X-99", "/document/rules/NR-1/source"} <= pointers
    (in_force,) = [
        one for one in world.caller("agent").get("/policies")["data"] if one["state"] == "in_force"
    ]
    assert in_force["policy"] == "mall-2"


def test_every_figure_shows_its_source_and_how_well_it_is_known(world):
    shown = world.caller("merchant:m-2001").get("/policies/cn-2026")
    assert len(shown["rules"]) == shown["sources"]["rules"] > 40
    assert all(one["source"] and one["confidence"] in "ABCH" for one in shown["rules"])
    assert [one["rule"] for one in shown["rules"] if not one["enabled"]] == shown["sources"]["disabled"]
