"""Story 5: new evidence overturns a decision; what came of it is undone, and every number restated."""

import hashlib
from datetime import timedelta

import pytest

REFUND = {"kind": "refund", "amount": {"amount_minor": 19900, "currency": "CNY"}, "payer": "merchant"}
UPHELD = {
    "finding": "upheld",
    "liability": [{"party": "merchant", "share": 100}],
    "evidence": [],
    "reasons": "照片可见拉链断裂",
}
NOT_UPHELD = {"finding": "not_upheld", "liability": [], "evidence": [], "reasons": "录像为证"}
GRANTED = {"remedies": [REFUND], "clauses": ["Q-1"], "reasons": "全额退款"}
NOTHING = {"remedies": [], "clauses": ["Q-1"], "reasons": "不予支持"}
PENALTY = {
    "points": 4,
    "fine": {"amount_minor": 20000, "currency": "CNY"},
    "clause": "S-1",
    "reasons": "出售瑕疵商品",
}
WARNING = {"points": 1, "clause": "S-1", "reasons": "回复迟缓"}
REASONS = "买家自己剪断了拉链"
APPEAL = {
    "reasons": REASONS,
    "new_evidence": [{"kind": "video", "title": "开箱录像", "sha256": "ab" * 32}],
}
OVERTURNED = {"outcome": "overturned", "clauses": ["Q-1"], "reasons": "录像为证"}
RECORDING = b"\0\0\0\x18ftypmp42" + bytes(100_000)


class Dispute:
    """A case between a buyer and the merchant m-2001."""

    def __init__(self, world, order_id, merchant_id="m-2001"):
        self.world, self.merchant_id = world, merchant_id
        self.buyer = world.caller("buyer-integration")
        self.merchant = world.caller(f"merchant:{merchant_id}")
        filed = self.buyer.post(
            "/cases", world.filing(order_id, merchant_id=merchant_id, buyer_id=f"b-{order_id}")
        )
        self.id, self.path = filed["case_id"], f"/cases/{filed['case_id']}"

    def seen(self, who="auditor"):
        return self.world.caller(who).get(self.path)

    def told(self, who, path, body=None):
        """A command with the present version, which must succeed."""
        version = self.seen(who)["version"]
        return self.world.caller(who).post(f"{self.path}/{path}", body, version=version)

    def refused(self, who, path, body=None):
        version = self.seen(who)["version"]
        answer = self.world.caller(who).ask(
            "POST", f"{self.path}/{path}", body or {}, **{"If-Match": f'"{version}"'}
        )
        return answer.status_code, answer.json()["code"]

    def decided(self, finding, decision, who="reviewer"):
        self.told(who, "lease")
        self.told(who, "verification", finding)
        self.told(who, "decisions", decision)
        self.world.settle()

    def followed_up_and_closed(self, resolution):
        follow_up = self.seen()["follow_ups"][-1]["follow_up_id"]
        agent = self.world.caller("agent")
        answer = {"satisfied": True, "speed": 5, "attitude": 5, "effectiveness": 5}
        agent.post(f"{self.path}/follow-ups/{follow_up}/completion", answer)
        self.told("agent", "closure", {"resolution": resolution, "reasons": "已处理"})
        self.world.settle()

    def facts(self):
        return [fact["type"] for fact in self.world.caller("auditor").get(f"{self.path}/history")["data"]]

    def states(self):
        """What the buyer, the merchant and the reviewers are told that the case asks of them."""
        seen = (self.buyer.get(self.path), self.merchant.get(self.path), self.seen("reviewer"))
        return tuple(one["viewer_state"] for one in seen)


def numbers(world, merchant_id):
    """What every list and sum says of a merchant, without ids and without what happened when."""
    portal, auditor = world.caller(f"merchant:{merchant_id}"), world.caller("auditor")
    standing = portal.get(f"/merchants/{merchant_id}/standing")
    indicators = auditor.get("/indicators", merchant_id=merchant_id)
    paid = auditor.get("/compensations", merchant_id=merchant_id, state="paid")["data"]
    return {
        "points": standing["points"]["live"],
        "by day": standing["points"]["by_day"],
        "sanction": standing["sanctions"]["running"],
        "penalties": portal.get(f"/merchants/{merchant_id}/penalties")["totals"],
        "paid": [line["amount"] for line in paid],
        "open recoveries": auditor.get("/recoveries", merchant_id=merchant_id, state="open")["data"],
        "cost": indicators["compensation_cost_minor"],
        "satisfaction": indicators["satisfaction"],
        "promises": indicators["promise_kept_rate"],
        "loops": auditor.get("/loops", merchant_id=merchant_id)["data"],
        "follow-ups due": auditor.get("/follow-ups", merchant_id=merchant_id, state="due")["data"],
        **{
            queue: auditor.get(f"/queues/{queue}", merchant_id=merchant_id)["data"]
            for queue in ("review", "approval", "execution", "follow_up")
        },
    }


@pytest.fixture
def dispute(world):
    """The merchant paid 199 yuan, is sanctioned for four points and must put its house in order."""
    told = Dispute(world, "PO-5")
    told.decided(UPHELD, GRANTED)
    told.told("reviewer", "penalties", PENALTY)
    due = world.at + timedelta(days=10)
    told.told("reviewer", "rectification", {"terms": "复检同批次拉链", "due": due.isoformat()})
    world.settle()
    return told


def test_new_evidence_overturns_a_decision_and_everything_that_rests_on_it(world, dispute):
    merchant, other, finance = dispute.merchant, world.caller("reviewer:2"), world.caller("finance")
    standing = merchant.get("/merchants/m-2001/standing")
    assert (standing["points"]["live"], standing["sanctions"]["running"]["tier"]) == (4, 1)
    assert dispute.states() == ("appealable", "action_required", "action_required")

    # six days later the merchant finds the recording
    world.pass_time(days=6)
    until = merchant.get(dispute.path)["decision"]["appeal_until"]
    assert until == "2036-03-11T16:00:00Z"
    assert dispute.refused("merchant:m-2001", "appeals", {"reasons": REASONS}) == (
        409,
        "new_evidence_missing",
    )
    sha256 = hashlib.sha256(RECORDING).hexdigest()
    merchant.upload(
        f"{dispute.path}/evidence/staging", RECORDING, "video/mp4", party="merchant", sha256=sha256
    )
    piece = merchant.post(
        f"{dispute.path}/evidence",
        {"party": "merchant", "kind": "video", "title": "开箱录像", "sha256": sha256},
    )
    appeal = dispute.told(
        "merchant:m-2001", "appeals", {"reasons": REASONS, "evidence": [piece["evidence_id"]]}
    )
    world.settle()
    assert dispute.states() == ("under_review", "action_required", "action_required")
    (queued,) = other.get("/queues/review")["data"]
    assert (queued["case_id"], queued["stage"]) == (dispute.id, "appealed")
    (loop,) = world.caller("agent").get("/loops")["data"]
    assert "appeal" in loop["open_because"]

    # whoever decided does not judge; another reviewer watches the recording
    decision = f"appeals/{appeal['appeal_id']}/decision"
    assert dispute.refused("reviewer", "lease") == (409, "another_reviewer_required")
    assert dispute.refused("reviewer", decision, OVERTURNED) == (409, "another_reviewer_required")
    dispute.told("reviewer:2", "lease")
    assert other.download(f"{dispute.path}/evidence/{piece['evidence_id']}/content") == RECORDING
    answer = dispute.told("reviewer:2", decision, OVERTURNED)
    assert (answer["stage"], answer["appeal_state"]) == ("in_review", "overturned")
    world.settle()
    tail = dispute.facts()[dispute.facts().index("DecisionOverturned") :]
    assert tail == [
        "DecisionOverturned",
        "ClockSatisfied",
        "CompensationReversed",
        "RecoveryOpened",
        "PenaltyReversed",
        "ClockCancelled",
        "RectificationWaived",
        "ClockCancelled",
        "CaseReopened",
    ]
    work = {one["reviewer_id"]: one for one in world.caller("supervisor").get("/reviewers/workload")["data"]}
    judges = {name: (one["appeals_judged"], one["appeals_lost"]["overturned"]) for name, one in work.items()}
    assert judges == {"reviewer-1": (0, 1), "reviewer-2": (1, 0)}
    standing = merchant.get("/merchants/m-2001/standing")
    assert (standing["points"]["live"], standing["sanctions"]["running"]) == (0, None)
    assert [one["state"] for one in standing["sanctions"]["past"]] == ["reversed"]

    # it is decided anew, the buyer pays back, and is asked how it went
    dispute.decided(NOT_UPHELD, NOTHING, "reviewer:2")
    (recovery,) = dispute.seen("finance")["recoveries"]
    assert (recovery["debtor"], recovery["amount"], recovery["state"]) == ("buyer", REFUND["amount"], "open")
    finance.post(
        f"{dispute.path}/recoveries/{recovery['recovery_id']}/payment",
        {"reference": "back-1", "amount": REFUND["amount"]},
    )
    dispute.followed_up_and_closed("rejected")
    assert (dispute.seen()["stage"], dispute.seen()["round"]) == ("closed", 2)

    # the buyer may appeal against what was decided now, until that window ends
    assert "appeals" in dispute.buyer.get(dispute.path)["allowed"]
    world.pass_time(days=8)
    assert dispute.states() == ("resolved", "resolved", "resolved")


def test_afterwards_every_number_is_what_it_would_have_been(world, dispute):
    """The other merchant's case was never decided wrongly; both have a penalty from another case."""
    never = Dispute(world, "PO-6", "m-2002")
    warned = [Dispute(world, f"PO-7-{one}", one) for one in ("m-2001", "m-2002")]
    for one in warned:
        one.decided(UPHELD, GRANTED)
        one.told("reviewer", "penalties", WARNING)
        one.followed_up_and_closed("compensated")
    appeal = dispute.told("merchant:m-2001", "appeals", APPEAL)
    dispute.told("reviewer:2", "lease")
    dispute.told("reviewer:2", f"appeals/{appeal['appeal_id']}/decision", OVERTURNED)
    for one in (dispute, never):
        one.decided(NOT_UPHELD, NOTHING, "reviewer:2")
        one.followed_up_and_closed("rejected")
    (recovery,) = dispute.seen("finance")["recoveries"]
    world.caller("finance").post(
        f"{dispute.path}/recoveries/{recovery['recovery_id']}/payment",
        {"reference": "back-1", "amount": REFUND["amount"]},
    )
    world.settle()

    told, without = numbers(world, "m-2001"), numbers(world, "m-2002")
    assert told == without
    assert told["penalties"] == {"points_live": 1, "fine_minor_live": 0}
    assert told["cost"] == {"CNY": 19900}
    # what it took is not forgotten: the rates say that a decision was overturned
    rate = world.caller("auditor").get("/indicators", merchant_id="m-2001")["overturn_rate"]
    assert (rate["cases"], rate["of"]) == (1, 2)
    behind = world.caller("auditor").get("/indicators/overturn_rate/facts", merchant_id="m-2001")["data"]
    assert "CaseReopened" in [fact["type"] for fact in behind]


def test_an_appeal_that_fails_leaves_what_was_decided(world, dispute):
    before = numbers(world, "m-2001")
    appeal = dispute.told("merchant:m-2001", "appeals", APPEAL)
    dispute.told("reviewer:2", "lease")
    upheld = {"outcome": "upheld", "clauses": ["Q-1"], "reasons": "录像不能证明"}
    dispute.told("reviewer:2", f"appeals/{appeal['appeal_id']}/decision", upheld)
    world.settle()
    assert numbers(world, "m-2001") == before
    assert dispute.refused("merchant:m-2001", "appeals", APPEAL) == (409, "already_appealed")


def test_an_appeal_that_nobody_decides_in_time_is_seen_to_be_late(world, dispute):
    dispute.told("merchant:m-2001", "appeals", APPEAL)
    world.pass_time(hours=49)
    assert dispute.facts()[-1] == "ClockMissed"
    assert dispute.seen()["stage"] == "appealed"
    (queued,) = world.caller("reviewer:2").get("/queues/review")["data"]
    assert queued["overdue"]


def test_an_appeal_after_the_window_is_too_late(world, dispute):
    world.pass_time(days=7, hours=14)
    assert dispute.refused("merchant:m-2001", "appeals", APPEAL) == (409, "appeal_window_over")
