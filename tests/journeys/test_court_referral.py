"""Story 9: a court deals with the matter; the case rests with its clocks, and goes on with what was left."""

RECEIPT = {"party": "platform", "kind": "court_receipt", "title": "受理通知书", "sha256": "0" * 64}


def test_a_case_before_a_court_rests_and_goes_on_with_the_time_that_was_left(world):
    buyer, reviewer, finance = map(world.caller, ("buyer-integration", "reviewer", "finance"))
    filed = buyer.post("/cases", world.filing("PO-1"))
    path = f"/cases/{filed['case_id']}"

    def did(what: str, body: object = None) -> dict:
        answer: dict = reviewer.post(f"{path}/{what}", body, version=reviewer.get(path)["version"])
        return answer

    did("lease")
    shares = [{"party": "merchant", "share": 100}]
    did("verification", {"finding": "upheld", "liability": shares, "reasons": "属实"})
    refund = {"kind": "refund", "amount": {"amount_minor": 19900, "currency": "CNY"}}
    did("decisions", {"remedies": [refund], "clauses": ["Q-1"], "reasons": "退款"})
    world.settle()
    due = reviewer.get(path)["follow_ups"][-1]["due"]
    assert reviewer.get(path)["stage"] == "following_up"

    # A day later a court takes the matter up: the follow-up had two days left.
    world.pass_time(hours=24)
    did("suspension", {"ground": "court", "reasons": "法院已受理"})
    receipt = reviewer.post(f"{path}/evidence", RECEIPT)["evidence_id"]
    reviewer.post(f"{path}/suspension/receipt", {"evidence_id": receipt})
    world.pass_time(days=40)
    case = reviewer.get(path)
    assert case["stage"] == "suspended"
    assert world.caller("supervisor").get("/loops")["data"][0]["open_because"][:1] == ["suspension"]
    assert [one["type"] for one in reviewer.get(f"{path}/history")["data"]].count("ClockMissed") == 0
    assert buyer.get("/deadlines")["data"] == []
    (paused,) = buyer.get("/deadlines", paused="true")["data"]
    assert (paused["kind"], paused["seconds_left"]) == ("follow_up", 48 * 3600)

    did("resumption", {"reasons": "法院已判决"})
    (resumed,) = [one for one in reviewer.get(f"{path}/history")["data"] if one["type"] == "ClockResumed"]
    assert resumed["data"]["due"] > due
    assert reviewer.get(path)["follow_ups"][-1]["due"] == resumed["data"]["due"]
    world.settle()
    (listed,) = reviewer.get("/follow-ups")["data"]
    assert listed["due"][:19] == resumed["data"]["due"][:19]
    world.pass_time(hours=47)
    assert [one["type"] for one in reviewer.get(f"{path}/history")["data"]].count("ClockMissed") == 0
    world.pass_time(hours=2)
    assert [one["type"] for one in reviewer.get(f"{path}/history")["data"]].count("ClockMissed") == 1
    assert finance.get(path)["stage"] == "following_up"


def test_without_a_receipt_the_case_goes_on_after_seven_working_days(world):
    buyer, reviewer = world.caller("buyer-integration"), world.caller("reviewer")
    filed = buyer.post("/cases", world.filing("PO-1"))
    path = f"/cases/{filed['case_id']}"
    reviewer.post(f"{path}/suspension", {"ground": "police", "reasons": "已报警"}, version=filed["version"])
    world.pass_time(days=9)
    assert reviewer.get(path)["stage"] == "suspended"
    world.pass_time(days=1)
    case = reviewer.get(path)
    assert case["stage"] == "filed"
    (resumed,) = [one for one in reviewer.get(f"{path}/history")["data"] if one["type"] == "CaseResumed"]
    assert resumed["data"]["cause"] == "lapsed"
    assert resumed["actor"]["role"] == "system"
