"""The main path over HTTP: every command's answer as the contract words it."""

REFUND = {"kind": "refund", "amount": {"amount_minor": 19900, "currency": "CNY"}, "payer": "merchant"}
POINTS = {"kind": "points", "points": 100, "payer": "platform"}
RETURN = {"kind": "return"}
HELD_REFUND = REFUND | {"release": "goods_accepted"}


def test_a_case_runs_from_its_filing_to_its_closure(story, call):
    told = story()
    lease = told.did("reviewer", "lease")
    assert lease["stage"] == "in_review"
    assert lease["lease"].keys() == {"holder", "token", "expires_at"}
    assert lease["lease"]["holder"] == "reviewer-1"

    evidence = told.did(
        "merchant",
        "evidence",
        {"party": "merchant", "kind": "photo", "title": "出库照片", "sha256": "aB" * 32, "uri": "s3://x/1"},
        versioned=False,
    )
    told.did(
        "reviewer",
        "verification",
        {
            "finding": "upheld",
            "liability": [{"party": "merchant", "share": 100}],
            "evidence": [evidence["evidence_id"]],
            "reasons": "拉链确有缺陷",
        },
    )
    decision = told.did(
        "reviewer", "decisions", {"remedies": [REFUND], "clauses": ["Q-1"], "reasons": "质量问题"}
    )
    (line,) = decision["compensations"]
    assert decision["stage"] == "executing"
    assert line.items() >= {"kind": "refund", "payer": "merchant", "state": "instructed"}.items()
    assert line["amount"] == REFUND["amount"]

    paid = told.did(
        "finance",
        f"compensations/{line['compensation_id']}/confirmation",
        {"reference": "pay-1", "paid_at": "2026-11-10T07:00:00Z", "amount": REFUND["amount"]},
        versioned=False,
    )
    assert paid["stage"] == "following_up"
    penalty = told.did(
        "reviewer",
        "penalties",
        {
            "points": 2,
            "fine": {"amount_minor": 10000, "currency": "CNY"},
            "clause": "S-1",
            "reasons": "屡次发生",
        },
    )
    told.did("reviewer", "rectification", {"terms": "整改质检流程", "due": "2026-11-17T08:00:00Z"})
    told.did("merchant", "rectification/submission", {"text": "已更换供应商"}, versioned=False)
    told.did("reviewer", "rectification/verdict", {"accepted": True, "reasons": "足够"})
    told.did(
        "agent",
        f"{told.follow_up()}/attempts",
        {"channel": "phone", "outcome": "unreachable"},
        versioned=False,
    )
    told.did(
        "agent",
        f"{told.follow_up()}/completion",
        {
            "satisfied": True,
            "speed": 5,
            "attitude": 5,
            "effectiveness": 4,
            "comment": "很快",
            "suggestion": "希望赠券",
        },
        versioned=False,
    )
    closed = told.did("reviewer", "closure", {"resolution": "compensated", "reasons": "已办结"})
    assert closed["stage"] == "closed"

    case = call("reviewer").get(told.path).json()
    assert case["version"] == closed["version"]
    assert (case["finding"], case["liability"]) == ("upheld", [{"party": "merchant", "share": 100}])
    assert [one["state"] for one in case["compensations"]] == ["paid"]
    assert [one["penalty_id"] for one in case["penalties"]] == [penalty["penalty_id"]]
    assert [(one["state"], one["attempts"]) for one in case["follow_ups"]] == [("done", 1)]
    assert case["rectification"]["state"] == "accepted"
    assert [(one["title"], one["sha256"]) for one in case["evidence"]] == [("出库照片", "ab" * 32)]
    assert case["decision"]["reasons"] == "质量问题"
    assert (case["lease"], case["allowed"]) == (None, ["penalties", "rectification", "reopening", "links"])


def test_creations_answer_201_with_their_id_and_place_and_other_commands_200(story):
    told = story().leased()
    evidence = {"party": "platform", "kind": "photo", "title": "x", "sha256": "0" * 64}
    created = told.ask("reviewer", "evidence", evidence)
    assert (created.status_code, created.headers["Location"]) == (201, f"/api/v1{told.path}")
    told.version = created.json()["version"]
    noted = told.ask("reviewer", "notes", {"text": "x", "visibility": "internal"})
    assert (noted.status_code, "Location" in noted.headers) == (200, False)


def test_goods_move_leg_by_leg_and_release_the_money_held_for_them(story):
    told = story().decided(RETURN, HELD_REFUND, POINTS)
    assert [one["state"] for one in told.compensations] == ["authorised", "instructed"]
    (leg,) = told.goods
    goods = f"goods/{leg['goods_id']}"
    told.did("buyer", f"{goods}/shipment", {"reference": "SF-1"}, versioned=False)
    told.did("logistics", f"{goods}/receipt", {"reference": "SF-1"}, versioned=False)
    told.did("merchant", f"{goods}/acceptance", {"reference": "WH-1"}, versioned=False)
    case = told.call("reviewer").get(told.path).json()
    assert [one["state"] for one in case["goods"]] == ["accepted"]
    assert [one["state"] for one in case["compensations"]] == ["instructed", "instructed"]


def test_a_payment_that_failed_is_ordered_anew_from_another_payer(story):
    told = story().decided(REFUND)
    told.did("finance", f"{told.line()}/failure", {"reference": "p-1", "reason": "账户冻结"}, versioned=False)
    told.did("supervisor", f"{told.line()}/instruction", {"payer": "fund"}, versioned=False)
    (line,) = told.call("finance").get(told.path).json()["compensations"]
    assert (line["payer"], line["state"], line["attempts"]) == ("fund", "instructed", 2)


def test_the_same_payment_reference_again_gives_the_same_answer(story, installation):
    told = story().paid("pay-7")
    first = (told.version, told.position)
    told.did("agent", "notes", {"text": "x", "visibility": "parties"}, versioned=False)
    before = installation.events()
    body = {"reference": "pay-7", "paid_at": "2026-11-10T07:00:00Z"}
    again = told.ask("finance", f"{told.line()}/confirmation", body, versioned=False)
    assert again.status_code == 200
    assert (again.json()["version"], again.json()["position"]) == first
    assert installation.events() == before


def test_a_lease_is_given_back(story):
    told = story().leased()
    answer = told.call("reviewer").ask(
        "DELETE", f"{told.path}/lease", headers={"If-Match": f'"{told.version}"'}
    )
    assert answer.status_code == 200
    assert answer.headers["ETag"] == f'"{told.version + 1}"'
    assert told.call("reviewer").get(told.path).json()["lease"] is None


def test_a_lease_that_ran_out_is_shown_no_more(story, clock):
    told = story().leased()
    assert told.call("auditor").get(told.path).json()["lease"]["holder"] == "reviewer-1"
    clock.move(hours=3)
    assert told.call("auditor").get(told.path).json()["lease"] is None


def test_an_old_lease_token_is_fenced_out(story, refused):
    told = story()
    token = told.did("reviewer", "lease")["lease"]["token"]
    told.did("reviewer", "lease")
    body = {"finding": "not_upheld", "liability": [], "reasons": "x"}
    refused(409, "case_not_claimed", lambda: told.ask("reviewer", "verification", body, Lease_Token=token))


def test_a_case_is_reopened_for_another_round(story):
    told = story().followed_up(satisfied=False)
    answer = told.did("supervisor", "reopening", {"ground": "unsatisfied", "reasons": "买家不满意"})
    case = told.call("supervisor").get(told.path).json()
    assert (answer["stage"], case["round"], case["finding"]) == ("in_review", 2, None)


def test_a_case_is_withdrawn_by_whoever_filed_it(story):
    told = story()
    assert told.did("buyer", "withdrawal", {"reasons": "不需要了"})["stage"] == "withdrawn"


def test_a_rectification_is_waived(story):
    told = story().rectifying()
    told.did("supervisor", "rectification/waiver", {"reasons": "供应商已停产"})
    assert told.call("supervisor").get(told.path).json()["rectification"]["state"] == "waived"


def test_a_command_needs_no_body_where_its_address_says_everything(story):
    told = story()
    answer = told.call("reviewer").ask(
        "POST", f"{told.path}/lease", headers={"If-Match": f'"{told.version}"'}
    )
    assert answer.status_code == 200
