"""Story 2: a wave of counterfeit claims on one merchant is seen, and dealt with together."""

from typing import Any

PRICES = {"cheap": 9_900, "dear": 39_900, "promised": 19_900}


def counterfeit(world: Any, order_id: str, paid: int, promises: list[str]) -> dict[str, Any]:
    """The body of a claim that the goods are fake."""
    body: dict[str, Any] = world.filing(order_id, case_type="counterfeit", reason="counterfeit")
    body["order"] |= {"paid": {"amount_minor": paid, "currency": "CNY"}, "promises": promises}
    body["buyer_id"] = f"b-{order_id}"
    body["claim"] = {"remedies": ["refund", "multiple"]}
    return body


def test_a_counterfeit_wave_is_seen_and_decided_together(world):
    buyer, reviewer, supervisor = map(world.caller, ("buyer-integration", "reviewer", "supervisor"))
    orders = {"PO-1": ("cheap", []), "PO-2": ("dear", []), "PO-3": ("promised", ["fake_one_pay_ten"])}
    orders |= {"PO-4": ("cheap", []), "PO-5": ("cheap", [])}
    cases = {}
    for order_id, (price, promises) in orders.items():
        assert world.caller("reviewer").get("/incidents")["data"] == []
        filed = buyer.post("/cases", counterfeit(world, order_id, PRICES[price], promises))
        cases[order_id] = filed["case_id"]
        world.pass_time(minutes=30)

    # The fifth claim inside a day, and none in four weeks before: at the merchant, and of this very thing.
    raised = reviewer.get("/incidents", detector="spike_at_merchant")["data"]
    assert [one["cases"] for one in raised] == [5]
    assert len(reviewer.get("/incidents")["data"]) == 2
    incident = f"/incidents/{raised[0]['incident_id']}"
    found = reviewer.get(incident)
    assert set(found["cases"]) == set(cases.values())
    assert (found["merchant_id"], found["reason"]) == ("m-2001", "counterfeit")
    assert found["derivation"][0]["inputs"]["lately"] == 5

    # The platform steps in on all of them, and on a sixth that comes later.
    reviewer.post(f"{incident}/step-in", version=found["version"])
    filed = buyer.post("/cases", counterfeit(world, "PO-6", PRICES["cheap"], []))
    cases["PO-6"] = filed["case_id"]
    world.settle()
    assert {reviewer.get(f"/cases/{case_id}")["stage"] for case_id in cases.values()} == {"in_review"}

    # Feedback is late: the clock says so; facts and plan come in time.
    world.pass_time(hours=3)
    for step in ("feedback", "facts", "plan"):
        reviewer.post(f"{incident}/{step}", {"text": "抽检送检,结果为假"})
    steps = {one["step"]: one["missed"] for one in reviewer.get(incident)["steps"]}
    assert steps == {"feedback": True, "facts": False, "plan": False}

    # One case goes its own way: a reviewer is at work on it, and has its goods inspected as a sample.
    own = f"/cases/{cases['PO-5']}"
    held = reviewer.post(f"{own}/lease", version=reviewer.get(own)["version"])
    sample = reviewer.post(f"{own}/inspections", {"subject": "是否为正品"}, version=held["version"])
    found = {"outcome": "fake", "cost": {"amount_minor": 30_000, "currency": "CNY"}, "report": "非正品"}
    reviewer.post(f"{own}/inspections/{sample['inspection_id']}/report", found)
    (inspected,) = reviewer.get(own)["inspections"]
    assert (inspected["report"]["outcome"], inspected["report"]["bearer"]) == ("fake", "merchant")

    # One decision for all: proposed by one person, approved by another.
    proposal = {
        "finding": "upheld",
        "liability": [{"party": "merchant", "share": 100}],
        "rules": ["refund_in_full", "multiple"],
        "clauses": ["F-1", "P-10", "Q-1"],
        "payer": "fund",
        "reasons": "抽检鉴定为假冒商品",
    }
    version = reviewer.get(incident)["version"]
    batch = reviewer.post(f"{incident}/batches", proposal, version=version)
    approval = {"batch_hash": batch["batch"]["batch_hash"]}
    where = f"{incident}/batches/{batch['batch']['batch_id']}/approval"
    supervisor.post(where, approval, version=batch["version"])
    world.settle()

    done = reviewer.get(incident)["batch"]
    assert done["failed"] == [{"case_id": cases["PO-5"], "code": "case_claimed_by_another"}]
    assert len(done["decided"]) == 5 and done["open"] == []  # noqa: PT018

    # Three times the price with the floor of 500 yuan, or ten times where the merchant promised it.
    damages = {"PO-1": 50_000, "PO-2": 119_700, "PO-3": 199_000, "PO-4": 50_000, "PO-6": 50_000}
    for order_id, amount in damages.items():
        case = reviewer.get(f"/cases/{cases[order_id]}")
        lines = {line["kind"]: line for line in case["compensations"]}
        assert lines["multiple"]["amount"]["amount_minor"] == amount, order_id
        assert lines["refund"]["amount"]["amount_minor"] == PRICES[orders.get(order_id, ("cheap",))[0]]
        assert {line["state"] for line in lines.values()} == {"paid"}
        assert {line["payer"] for line in lines.values()} == {"fund"}
        assert case["decision"]["reasons"] == "抽检鉴定为假冒商品"
        assert case["stage"] == "following_up"
        # The fund paid first: what it paid is to be recovered from the merchant.
        assert {one["debtor"] for one in case["recoveries"]} == {"merchant"}
        assert len(case["recoveries"]) == len(lines)

    # It comes back out of the merchant's deposit.
    finance, dear = world.caller("finance"), f"/cases/{cases['PO-2']}"
    for one in finance.get(dear)["recoveries"]:
        payment = {"reference": f"deposit-{one['amount']['amount_minor']}", "amount": one["amount"]}
        finance.post(f"{dear}/recoveries/{one['recovery_id']}/payment", payment)
    assert {one["state"] for one in finance.get(dear)["recoveries"]} == {"recovered"}

    # The merchant is penalised up to a tier that everybody may read of.
    assert buyer.get("/publications")["data"] == []
    penalty = {"points": 12, "clause": "S-1", "reasons": "售假"}
    reviewer.post(f"{dear}/penalties", penalty, version=reviewer.get(dear)["version"])
    world.settle()
    (published,) = buyer.get("/publications")["data"]
    assert (published["merchant_id"], published["tier"], published["state"]) == ("m-2001", 4, "running")
    assert (published["measures"], published["clauses"]) == (
        ["no_promotion", "delisted", "listing_limit"],
        ["S-1"],
    )
    running = world.caller("merchant:m-2001").get("/merchants/m-2001/standing")["sanctions"]["running"]
    assert (running["sanction_id"], running["tier"]) == (published["sanction_id"], 4)

    reviewer.post(f"{incident}/closure", {"reasons": "已处置"}, version=reviewer.get(incident)["version"])
    world.settle()
    assert reviewer.get("/incidents", state="open", detector="spike_at_merchant")["data"] == []
