"""The world of the journeys through time: one clock for every part, and nothing that was not asked for."""

from datetime import timedelta

NOTHING = {"finding": "not_upheld", "liability": [], "evidence": [], "reasons": "未见瑕疵"}
REFUND = {"kind": "refund", "amount": {"amount_minor": 19900, "currency": "CNY"}}


def decided(world, order_id):
    filed = world.caller("buyer-integration").post("/cases", world.filing(order_id))
    case, reviewer = f"/cases/{filed['case_id']}", world.caller("reviewer")
    version = reviewer.post(f"{case}/lease", version=1)["version"]
    finding = NOTHING | {"finding": "upheld", "liability": [{"party": "merchant", "share": 100}]}
    version = reviewer.post(f"{case}/verification", finding, version=version)["version"]
    decision = {"remedies": [REFUND], "clauses": ["Q-1"], "reasons": "属实"}
    reviewer.post(f"{case}/decisions", decision, version=version)
    return case


def facts(world, case):
    return [fact["type"] for fact in world.caller("auditor").get(f"{case}/history")["data"]]


def test_nothing_is_paid_and_no_list_follows_until_the_world_is_let_go_on(world):
    case = decided(world, "PO-1")
    assert world.caller("reviewer").get(case)["compensations"][0]["state"] == "instructed"
    assert world.caller("reviewer").get("/queues/execution")["data"] == []
    world.settle()
    assert world.caller("reviewer").get(case)["stage"] == "following_up"
    (row,) = world.caller("reviewer").get("/queues/follow_up")["data"]
    assert case.endswith(row["case_id"])


def test_what_falls_due_while_time_passes_happens_at_its_due_time(world):
    case = decided(world, "PO-1")
    world.settle()
    settled_at = world.at
    world.pass_time(hours=71)
    assert "ClockMissed" not in facts(world, case)
    world.pass_time(days=30)
    missed = world.caller("auditor").get(f"{case}/history")["data"][-1]
    assert (missed["type"], missed["actor"]["role"]) == ("ClockMissed", "system")
    assert missed["at"] == (settled_at + timedelta(hours=72)).isoformat().replace("+00:00", "Z")
    assert world.at == settled_at + timedelta(hours=71, days=30)


def test_a_payment_that_fails_is_not_paid(world):
    world.object_to_payments(lambda instruction: "account closed")
    case = decided(world, "PO-1")
    world.settle()
    assert world.caller("finance").get(case)["compensations"][0]["state"] == "failed"
    assert "CaseCompensated" not in facts(world, case)


def test_a_world_begins_empty(world):
    assert world.caller("auditor").get("/cases")["data"] == []
