"""Story 1: a quality defect, from the buyer's filing to the call that asks how it went."""

from datetime import UTC, datetime, timedelta


def test_a_quality_defect_is_filed_verified_compensated_penalised_rectified_followed_up_and_closed(
    dev, words
):
    buyer, agent, reviewer = dev.caller("buyer-integration"), dev.caller("agent"), dev.caller("reviewer")
    finance, merchant = dev.caller("finance"), dev.caller("merchant:m-2001")

    filed = buyer.post("/cases", words.filing("JOURNEY-1"))
    case = f"/cases/{filed['case_id']}"
    assert (filed["stage"], filed["version"]) == ("filed", 1)
    photo = buyer.post(
        f"{case}/evidence",
        {"party": "buyer", "kind": "photo", "title": "拉链", "sha256": "ab" * 32, "uri": "s3://x/1.jpg"},
    )
    agent.post(f"{case}/notes", {"text": "已致电买家，核对订单与瑕疵", "visibility": "internal"})

    queue = reviewer.get("/queues/review", min_position=photo["position"], merchant_id="m-2001")
    assert filed["case_id"] in [row["case_id"] for row in queue["data"]]

    seen = reviewer.get(case)
    claimed = reviewer.post(f"{case}/lease", version=seen["version"])
    assert claimed["stage"] == "in_review"
    verified = reviewer.post(
        f"{case}/verification",
        {
            "finding": "upheld",
            "liability": [{"party": "merchant", "share": 100}],
            "evidence": [photo["evidence_id"]],
            "reasons": "照片可见拉链断裂",
        },
        version=claimed["version"],
    )
    decided = reviewer.post(
        f"{case}/decisions",
        {
            "remedies": [
                {"kind": "return"},
                {
                    "kind": "refund",
                    "amount": {"amount_minor": 19900, "currency": "CNY"},
                    "payer": "merchant",
                    "release": "goods_accepted",
                },
                {"kind": "freight", "amount": {"amount_minor": 1200, "currency": "CNY"}, "payer": "merchant"},
                {"kind": "coupon", "amount": {"amount_minor": 2000, "currency": "CNY"}, "payer": "platform"},
            ],
            "clauses": ["Q-1"],
            "reasons": "质量问题，商家承担全部责任",
        },
        version=verified["version"],
    )
    assert decided["stage"] == "executing"
    lines = {line["kind"]: line for line in decided["compensations"]}
    assert (lines["refund"]["state"], lines["coupon"]["state"]) == ("authorised", "instructed")

    (leg,) = reviewer.get(case)["goods"]
    goods = f"{case}/goods/{leg['goods_id']}"
    buyer.post(f"{goods}/shipment", {"reference": "SF-1"})
    merchant.post(f"{goods}/receipt", {"reference": "SF-1"})
    merchant.post(f"{goods}/acceptance", {"reference": "SF-1"})

    paid = {}
    for number, kind in enumerate(("freight", "coupon", "refund")):
        line = f"{case}/compensations/{lines[kind]['compensation_id']}"
        body = {"reference": f"pay-{number}", "paid_at": datetime.now(UTC).isoformat()}
        paid = finance.post(f"{line}/confirmation", body)
    assert paid["stage"] == "following_up"

    penalised = reviewer.post(
        f"{case}/penalties",
        {
            "points": 2,
            "fine": {"amount_minor": 10000, "currency": "CNY"},
            "clause": "S-1",
            "reasons": "出售瑕疵商品",
        },
        version=paid["version"],
    )
    due = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    ordered = reviewer.post(
        f"{case}/rectification", {"terms": "复检同批次拉链", "due": due}, version=penalised["version"]
    )
    submitted = merchant.post(f"{case}/rectification/submission", {"text": "已复检 120 件"})
    assert submitted["version"] == ordered["version"] + 1
    reviewer.post(
        f"{case}/rectification/verdict",
        {"accepted": True, "reasons": "检验报告齐全"},
        version=submitted["version"],
    )

    (follow_up,) = reviewer.get(case)["follow_ups"]
    calls = f"{case}/follow-ups/{follow_up['follow_up_id']}"
    agent.post(f"{calls}/attempts", {"channel": "phone", "outcome": "unreachable"})
    answered = agent.post(
        f"{calls}/completion",
        {
            "satisfied": True,
            "speed": 5,
            "attitude": 5,
            "effectiveness": 4,
            "comment": "处理很快",
            "suggestion": "希望上架前抽检拉链",
        },
    )
    closed = agent.post(
        f"{case}/closure",
        {"resolution": "compensated", "reasons": "买家满意"},
        version=answered["version"],
    )
    assert closed["stage"] == "closed"

    history = dev.caller("auditor").get(f"{case}/history")["data"]
    assert [fact["version"] for fact in history] == list(range(1, closed["version"] + 1))
    assert [fact["type"] for fact in history] == [
        "CaseFiled",
        "EvidenceSubmitted",
        "NoteAdded",
        "CaseClaimed",
        "PlatformSteppedIn",
        "CaseVerified",
        "DecisionIssued",
        "CaseReleased",
        "CompensationInstructed",
        "CompensationInstructed",
        "GoodsShipped",
        "GoodsReceived",
        "ClockStarted",
        "GoodsAccepted",
        "ClockSatisfied",
        "CompensationInstructed",
        "CaseCompensated",
        "CaseCompensated",
        "CaseCompensated",
        "FollowUpScheduled",
        "ClockStarted",
        "PenaltyAssessed",
        "ClockStarted",
        "RectificationOrdered",
        "ClockStarted",
        "RectificationSubmitted",
        "RectificationAccepted",
        "ClockSatisfied",
        "FollowUpAttempted",
        "FollowUpCompleted",
        "ClockSatisfied",
        "CaseClosed",
    ]
    last = closed["position"]
    review = reviewer.get("/queues/review", min_position=last, limit=200)["data"]
    assert filed["case_id"] not in [row["case_id"] for row in review]
    penalties = merchant.get("/merchants/m-2001/penalties", min_position=last)
    (mine,) = [row for row in penalties["data"] if row["case_id"] == filed["case_id"]]
    assert (mine["points"], mine["fine"]["amount_minor"], mine["state"]) == (2, 10000, "live")
    follow_ups = agent.get("/follow-ups", state="done", min_position=last)["data"]
    assert ("done", 1) in [
        (row["state"], row["attempts"]) for row in follow_ups if row["case_id"] == filed["case_id"]
    ]
    loops = agent.get("/loops", min_position=last, limit=200)["data"]
    assert filed["case_id"] not in [row["case_id"] for row in loops]


def test_an_unsatisfied_buyer_goes_round_again(dev, words):
    buyer, agent, reviewer = dev.caller("buyer-integration"), dev.caller("agent"), dev.caller("reviewer")
    filed = buyer.post("/cases", words.filing("JOURNEY-2"))
    case = f"/cases/{filed['case_id']}"
    version = reviewer.post(f"{case}/lease", version=1)["version"]
    finding = {"finding": "not_upheld", "liability": [], "evidence": [], "reasons": "未见瑕疵"}
    version = reviewer.post(f"{case}/verification", finding, version=version)["version"]
    nothing = {"remedies": [], "clauses": ["Q-1"], "reasons": "不支持"}
    decided = reviewer.post(f"{case}/decisions", nothing, version=version)
    assert decided["stage"] == "following_up"
    (follow_up,) = agent.get(case)["follow_ups"]
    answer = {"satisfied": False, "speed": 3, "attitude": 4, "effectiveness": 1}
    answered = agent.post(f"{case}/follow-ups/{follow_up['follow_up_id']}/completion", answer)
    refused = agent.ask(
        "POST",
        f"{case}/closure",
        {"resolution": "rejected", "reasons": "已处理"},
        **{"If-Match": f'"{answered["version"]}"'},
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "follow_up_open")
    ground = {"ground": "unsatisfied", "reasons": "买家补充了视频"}
    reopened = reviewer.post(f"{case}/reopening", ground, version=answered["version"])
    assert reopened["stage"] == "in_review"
    loops = agent.get("/loops", min_position=reopened["position"], limit=200)["data"]
    (row,) = [row for row in loops if row["case_id"] == filed["case_id"]]
    assert row["open_because"] == ["review"]


def test_a_withdrawn_case_frees_its_order_line(dev, words):
    buyer = dev.caller("buyer-integration")
    filed = buyer.post("/cases", words.filing("JOURNEY-3"))
    second = buyer.ask("POST", "/cases", words.filing("JOURNEY-3"))
    assert (second.status_code, second.json()["code"]) == (409, "case_already_open_for_order_line")
    withdrawn = buyer.post(
        f"/cases/{filed['case_id']}/withdrawal", {"reasons": "不要了"}, version=filed["version"]
    )
    assert withdrawn["stage"] == "withdrawn"
    buyer.post("/cases", words.filing("JOURNEY-3"))
