"""Story 7: an unsatisfied buyer has the case reopened; its total time runs on, its first resolution stays."""

import pytest

REFUND = {"kind": "refund", "amount": {"amount_minor": 19900, "currency": "CNY"}, "payer": "merchant"}
FREIGHT = {"kind": "freight", "amount": {"amount_minor": 1200, "currency": "CNY"}, "payer": "merchant"}
UPHELD = {
    "finding": "upheld",
    "liability": [{"party": "merchant", "share": 100}],
    "evidence": [],
    "reasons": "属实",
}


@pytest.fixture
def case(world):
    """A case that was filed."""
    return f"/cases/{world.caller('buyer-integration').post('/cases', world.filing('PO-7'))['case_id']}"


def decide(world, case, remedy):
    reviewer = world.caller("reviewer")
    version = reviewer.get(case)["version"]
    version = reviewer.post(f"{case}/lease", version=version)["version"]
    version = reviewer.post(f"{case}/verification", UPHELD, version=version)["version"]
    decision = {"remedies": [remedy], "clauses": ["Q-1"], "reasons": "支持"}
    reviewer.post(f"{case}/decisions", decision, version=version)
    world.settle()


def ask_the_buyer(world, case, **answer):
    follow_up = world.caller("agent").get(case)["follow_ups"][-1]["follow_up_id"]
    world.caller("agent").post(f"{case}/follow-ups/{follow_up}/completion", answer)


def hours(world, **asked):
    numbers = world.caller("auditor").get("/indicators", **asked)
    first, total = numbers["first_resolution_hours"], numbers["total_resolution_hours"]
    return first["median"], total["median"]


def test_a_reopened_case_keeps_its_first_resolution_while_its_total_runs_on(world, case):
    world.pass_time(hours=6)
    decide(world, case, REFUND)
    assert hours(world) == (6, 6)
    world.pass_time(hours=4)
    ask_the_buyer(world, case, satisfied=False, speed=3, attitude=4, effectiveness=1)
    reviewer = world.caller("reviewer")
    ground = {"ground": "unsatisfied", "reasons": "运费没有退"}
    reviewer.post(f"{case}/reopening", ground, version=reviewer.get(case)["version"])
    reopened = world.at
    world.pass_time(hours=20)
    assert hours(world) == (6, 30)

    decide(world, case, FREIGHT)
    ask_the_buyer(world, case, satisfied=True, speed=4, attitude=5, effectiveness=5)
    closure = {"resolution": "compensated", "reasons": "买家满意"}
    reviewer.post(f"{case}/closure", closure, version=reviewer.get(case)["version"])
    world.pass_time(hours=48)

    numbers = world.caller("auditor").get("/indicators")
    assert hours(world) == (6, 30)
    assert numbers["reopen_rate"] == {"share": 1, "cases": 1, "of": 1}
    assert (numbers["satisfaction"]["share"], numbers["satisfaction"]["effectiveness"]) == (1, 5)
    assert numbers["compensation_cost_minor"] == {"CNY": 21100}
    behind = world.caller("auditor").get("/indicators/total_resolution_hours/facts")["data"]
    assert [fact["type"] for fact in behind] == [
        "CaseFiled",
        "FollowUpScheduled",
        "CaseReopened",
        "CaseClosed",
    ]

    then = world.caller("auditor").get("/indicators", as_of=reopened.isoformat())
    assert hours(world, as_of=reopened.isoformat()) == (6, 10)
    assert (then["satisfaction"]["share"], then["compensation_cost_minor"]) == (0, {"CNY": 19900})
    assert hours(world, as_of=world.at.isoformat()) == hours(world)
