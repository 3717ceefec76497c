"""Story 4: a merchant that is silent for a day is decided against by the clock, and pays within the next."""

from datetime import timedelta


def rfc3339(moment):
    return moment.isoformat().replace("+00:00", "Z")


def test_a_silent_merchant_is_defaulted_by_the_clock_decided_against_and_pays(world):
    buyer, agent, auditor = map(world.caller, ("buyer-integration", "agent", "auditor"))
    reviewer, merchant = world.caller("reviewer"), world.caller("merchant:m-2001")
    began = world.at
    filed = buyer.post("/cases", world.filing("SILENCE-1"))
    case = f"/cases/{filed['case_id']}"
    agent.post(f"{case}/notice", {"channel": "app"})
    world.settle()
    assert reviewer.get("/queues/review")["data"] == []
    (loop,) = agent.get("/loops")["data"]
    assert loop["open_because"] == ["negotiation", "clock"]
    asked = merchant.get(case)
    assert "answers" in asked["allowed"]
    assert asked["negotiation"]["answer_due"] == rfc3339(began + timedelta(hours=24))
    (deadline,) = merchant.get("/deadlines", party="merchant")["data"]
    assert (deadline["kind"], deadline["rule"]) == ("answer", "M-1")
    assert deadline["due"] == (began + timedelta(hours=24)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    world.pass_time(hours=23, minutes=59)
    assert merchant.get(case)["stage"] == "negotiating"
    world.object_to_payments(lambda _: "the shop's account is empty")
    world.pass_time(minutes=1)

    decided = merchant.get(case)
    assert (decided["stage"], decided["negotiation"]["defaulted"]) == ("executing", True)
    decision = decided["decision"]
    assert (decision["automated"], decision["clauses"], decision["by"]) == (True, ["M-1"], "system")
    assert decision["at"] == rfc3339(began + timedelta(hours=24))
    derived = [(step["rule"], step["result"]) for step in decision["derivation"]]
    assert derived[1:] == [("RF-1", 19900), ("M-1", 19900)]
    assert derived[0] == ("M-4", decision["appeal_until"])
    assert "human-review" in decided["allowed"]
    (line,) = decided["compensations"]
    assert (line["amount"]["amount_minor"], line["state"]) == (19900, "failed")
    (queued,) = reviewer.get("/queues/execution")["data"]
    assert queued["due"].startswith((began + timedelta(hours=48)).isoformat()[:19])
    (loop,) = agent.get("/loops")["data"]
    assert loop["open_because"] == ["money", "clock"]

    world.object_to_payments(lambda _: None)
    again = f"{case}/compensations/{line['compensation_id']}/instruction"
    world.pass_time(hours=20)
    world.caller("finance").post(again, {"payer": "deposit"})
    world.settle()
    paid = buyer.get(case)
    assert (paid["stage"], paid["compensations"][0]["state"]) == ("following_up", "paid")

    world.pass_time(days=4)
    history = auditor.get(f"{case}/history")["data"]
    assert [(fact["type"], fact["actor"]["role"]) for fact in history] == [
        ("CaseFiled", "buyer-integration"),
        ("NoticeDelivered", "agent"),
        ("ClockStarted", "agent"),
        ("ClockMissed", "system"),
        ("MerchantDefaulted", "system"),
        ("PlatformSteppedIn", "system"),
        ("DecisionIssued", "system"),
        ("CompensationInstructed", "system"),
        ("ClockStarted", "system"),
        ("CompensationFailed", "system"),
        ("CompensationInstructed", "finance"),
        ("CaseCompensated", "system"),
        ("ClockSatisfied", "system"),
        ("FollowUpScheduled", "system"),
        ("ClockStarted", "system"),
        ("ClockMissed", "system"),
    ]


def test_what_was_decided_but_not_done_in_time_is_on_record(world):
    buyer, agent = world.caller("buyer-integration"), world.caller("agent")
    filed = buyer.post("/cases", world.filing("SILENCE-2"))
    case = f"/cases/{filed['case_id']}"
    agent.post(f"{case}/notice", {"channel": "app"})
    world.object_to_payments(lambda _: "the shop's account is empty")
    world.pass_time(hours=48)
    last = world.caller("auditor").get(f"{case}/history")["data"][-1]
    assert (last["type"], last["data"]["kind"]) == ("ClockMissed", "execution")
    (loop,) = agent.get("/loops")["data"]
    assert loop["open_because"] == ["money"]


def test_a_merchant_that_answers_in_time_is_not_defaulted(world):
    agent, merchant = world.caller("agent"), world.caller("merchant:m-2001")
    filed = world.caller("buyer-integration").post("/cases", world.filing("SILENCE-3"))
    case = f"/cases/{filed['case_id']}"
    notice = agent.post(f"{case}/notice", {"channel": "app"})
    world.pass_time(hours=23, minutes=59)
    merchant.post(f"{case}/answers", {"stance": "disputes", "text": "没有瑕疵"}, version=notice["version"])
    world.pass_time(days=30)
    assert merchant.get(case)["stage"] == "negotiating"


def test_a_merchant_has_people_decide_and_is_paid_back(world):
    """What nobody looked at is looked at; the buyer owes what it got for nothing."""
    buyer, reviewer = world.caller("buyer-integration"), world.caller("reviewer")
    filed = buyer.post("/cases", world.filing("SILENCE-4"))
    case = f"/cases/{filed['case_id']}"
    world.caller("agent").post(f"{case}/notice", {"channel": "app"})
    world.pass_time(hours=24)
    paid = buyer.get(case)
    assert paid["compensations"][0]["state"] == "paid"
    merchant, reasons = world.caller("merchant:m-2001"), {"reasons": "系统停机，未能答复"}
    demanded = merchant.post(f"{case}/human-review", reasons, version=paid["version"])
    world.settle()
    (queued,) = reviewer.get("/queues/review")["data"]
    assert filed["case_id"] == queued["case_id"]

    claimed = reviewer.post(f"{case}/lease", version=demanded["version"])
    finding = {"finding": "not_upheld", "liability": [], "evidence": [], "reasons": "未见瑕疵"}
    verified = reviewer.post(f"{case}/verification", finding, version=claimed["version"])
    nothing = {"remedies": [], "clauses": ["Q-1"], "reasons": "不支持"}
    decided = reviewer.post(f"{case}/decisions", nothing, version=verified["version"])
    assert decided["stage"] == "following_up"
    seen = world.caller("finance").get(case)
    assert [line["state"] for line in seen["compensations"]] == ["reversed"]
    (recovery,) = seen["recoveries"]
    assert (recovery["debtor"], recovery["amount"]["amount_minor"]) == ("buyer", 19900)
