"""Appeals over HTTP: filed, taken back, decided; refused with a stable code; shown to each side."""

from uuid import uuid4

import pytest

CNY = "CNY"
REFUND = {"kind": "refund", "amount": {"amount_minor": 19900, "currency": CNY}, "payer": "merchant"}
NEW = {"kind": "video", "title": "开箱录像", "sha256": "1" * 64, "uri": "s3://x/2.mp4"}
APPEAL = {"reasons": "买家自己剪断了拉链", "new_evidence": [NEW]}
UPHELD = {"outcome": "upheld", "clauses": ["Q-1"], "reasons": "录像不能证明"}
OVERTURNED = {"outcome": "overturned", "clauses": ["Q-1"], "reasons": "录像为证"}
PENALTY = {"points": 2, "fine": {"amount_minor": 10000, "currency": CNY}, "clause": "S-1", "reasons": "瑕疵"}


@pytest.fixture
def appealed(story):
    """A paid refund that the merchant has appealed against."""
    told = story().paid()
    told.appeal = f"appeals/{told.did('merchant', 'appeals', APPEAL)['appeal_id']}"
    return told


def test_a_side_appeals_and_is_told_the_appeal(story, call):
    told = story().paid()
    answer = told.did("merchant", "appeals", APPEAL)
    assert (answer["stage"], answer["appeal_state"]) == ("appealed", "open")
    case = call("merchant").get(told.path).json()
    (shown,) = case["appeals"]
    assert (shown["appeal_id"], shown["party"], shown["against"]) == (
        answer["appeal_id"],
        "merchant",
        "decision",
    )
    assert (shown["reasons"], shown["state"], shown["outcome"]) == (APPEAL["reasons"], "open", None)
    assert shown["due"] == "2026-11-12T08:00:00Z"
    (piece,) = case["evidence"]
    assert (shown["evidence"], piece["title"]) == ([piece["evidence_id"]], "开箱录像")


def test_evidence_that_is_on_file_can_be_cited(story):
    told = story().paid()
    body = {"party": "buyer", "kind": "photo", "title": "吊牌", "sha256": "0" * 64}
    evidence_id = told.did("buyer", "evidence", body, versioned=False)["evidence_id"]
    told.did("buyer", "appeals", {"evidence": [evidence_id], "reasons": "还有运费"})


def test_an_appeal_that_fails_leaves_everything_as_it_was(appealed, call):
    appealed.did("reviewer:2", "lease")
    answer = appealed.did("reviewer:2", f"{appealed.appeal}/decision", UPHELD)
    assert (answer["stage"], answer["appeal_state"]) == ("following_up", "upheld")
    (shown,) = call("merchant").get(appealed.path).json()["appeals"]
    assert (shown["outcome"]["clauses"], shown["outcome"]["reasons"]) == (["Q-1"], "录像不能证明")
    assert shown["outcome"]["by"] is None
    (seen,) = call("supervisor").get(appealed.path).json()["appeals"]
    assert seen["outcome"]["by"] == "reviewer-2"


def test_an_appeal_that_succeeds_takes_everything_back_and_begins_anew(story, call):
    told = story().paid()
    told.did("reviewer", "penalties", PENALTY)
    appeal = f"appeals/{told.did('merchant', 'appeals', APPEAL)['appeal_id']}"
    told.did("reviewer:2", "lease")
    answer = told.did("reviewer:2", f"{appeal}/decision", OVERTURNED)
    assert (answer["stage"], answer["appeal_state"]) == ("in_review", "overturned")
    case = call("reviewer").get(told.path).json()
    assert (case["round"], case["decision"], case["finding"]) == (2, None, None)
    assert [one["state"] for one in case["compensations"]] == ["reversed"]
    assert [one["amount"]["amount_minor"] for one in case["recoveries"]] == [19900]
    assert [one["state"] for one in case["penalties"]] == ["reversed"]
    assert call("reviewer").get(f"{told.path}/history").json()["data"][-1]["actor"]["id"] == "reviewer-2"


def test_a_varied_decision_answers_what_it_now_grants(appealed):
    appealed.did("reviewer:2", "lease")
    less = REFUND | {"amount": {"amount_minor": 10000, "currency": CNY}}
    body = {"outcome": "varied", "remedies": [less], "clauses": ["Q-1"], "reasons": "部分属实"}
    answer = appealed.did("reviewer:2", f"{appealed.appeal}/decision", body)
    assert (answer["stage"], answer["appeal_state"]) == ("following_up", "varied")
    assert [one["state"] for one in answer["compensations"]] == ["paid"]


def test_a_penalty_is_varied_alone(story, call):
    told = story().paid()
    told.did("reviewer", "penalties", PENALTY)
    appeal = f"appeals/{told.did('merchant', 'appeals', APPEAL | {'against': 'penalty'})['appeal_id']}"
    told.did("reviewer:2", "lease")
    body = {"outcome": "varied", "points": 1, "clauses": ["S-1"], "reasons": "初犯"}
    told.did("reviewer:2", f"{appeal}/decision", body)
    (penalty,) = call("merchant").get(told.path).json()["penalties"]
    assert (penalty["points"], penalty["fine"], penalty["state"]) == (1, None, "live")


def test_an_appeal_can_be_taken_back(appealed):
    answer = appealed.did("merchant", f"{appealed.appeal}/withdrawal")
    assert (answer["stage"], answer["appeal_state"]) == ("following_up", "withdrawn")


# --- refused ---


def test_the_refusals_of_an_appeal(story, refused, clock):
    told = story().verified()
    refused(409, "appeal_target_missing", lambda: told.ask("merchant", "appeals", APPEAL))
    told = story().paid()
    old = {"reasons": "不服"}
    refused(409, "new_evidence_missing", lambda: told.ask("merchant", "appeals", old))
    unknown = old | {"evidence": [str(uuid4())]}
    refused(404, "evidence_not_found", lambda: told.ask("merchant", "appeals", unknown))
    of_penalty = APPEAL | {"against": "penalty"}
    refused(409, "appeal_target_missing", lambda: told.ask("buyer", "appeals", of_penalty))
    told.did("reviewer", "reopening", {"ground": "new_facts", "reasons": "x"})
    refused(409, "wrong_stage", lambda: told.ask("merchant", "appeals", APPEAL))
    told = story().paid()
    clock.move(days=8)
    problem = refused(409, "appeal_window_over", lambda: told.ask("merchant", "appeals", APPEAL))
    assert problem["detail"].startswith("M-4: ")


def test_while_one_is_open_there_is_no_other_and_each_side_has_one_a_round(appealed, refused):
    refused(409, "appeal_open", lambda: appealed.ask("buyer", "appeals", APPEAL))
    closure = {"resolution": "compensated", "reasons": "x"}
    refused(409, "appeal_open", lambda: appealed.ask("reviewer", "closure", closure))
    appealed.did("merchant", f"{appealed.appeal}/withdrawal")
    refused(409, "already_appealed", lambda: appealed.ask("merchant", "appeals", APPEAL))


def test_only_another_reviewer_judges(appealed, refused):
    for who in ("reviewer", "agent"):
        problem = refused(409, "another_reviewer_required", lambda who=who: appealed.ask(who, "lease"))
        assert problem["detail"] == "M-4"
    decision = f"{appealed.appeal}/decision"
    refused(409, "another_reviewer_required", lambda: appealed.ask("reviewer", decision, UPHELD))
    refused(409, "case_not_claimed", lambda: appealed.ask("reviewer:2", decision, UPHELD))
    refused(403, "forbidden", lambda: appealed.ask("supervisor", decision, UPHELD))
    refused(403, "forbidden", lambda: appealed.ask("agent", "appeals", APPEAL))


def test_what_is_not_theirs_is_not_found(appealed, refused):
    refused(404, "case_not_found", lambda: appealed.ask("merchant:2", "appeals", APPEAL))
    refused(404, "case_not_found", lambda: appealed.ask("buyer:2", f"{appealed.appeal}/withdrawal"))
    refused(404, "appeal_not_found", lambda: appealed.ask("buyer", f"{appealed.appeal}/withdrawal"))
    refused(404, "appeal_not_found", lambda: appealed.ask("merchant", "appeals/1/withdrawal"))


def test_an_appeal_on_a_closed_case_needs_its_order_line(story, call, filing, refused):
    told = story().closed()
    call("buyer").done("/cases", filing(order=told.order))
    refused(409, "case_already_open_for_order_line", lambda: told.ask("merchant", "appeals", APPEAL))


def test_much_more_money_is_not_for_one_person_to_grant(story, refused, filing):
    order = filing()["order"] | {"paid": {"amount_minor": 600_000, "currency": CNY}}
    told = story(order=order)
    told.verified()
    little = REFUND | {"amount": {"amount_minor": 100_000, "currency": CNY}}
    told.did("reviewer", "decisions", {"remedies": [little], "clauses": ["Q-1"], "reasons": "x"})
    appeal = f"appeals/{told.did('buyer', 'appeals', APPEAL)['appeal_id']}"
    told.did("reviewer:2", "lease")
    much = REFUND | {"amount": {"amount_minor": 600_000, "currency": CNY}}
    body = {"outcome": "varied", "remedies": [much], "clauses": ["Q-1"], "reasons": "x"}
    refused(409, "second_review_required", lambda: told.ask("reviewer:2", f"{appeal}/decision", body))


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"outcome": "upheld", "points": 1}, "/points"),
        ({"outcome": "overturned", "remedies": []}, "/remedies"),
        ({"outcome": "varied"}, "/remedies"),
        ({"outcome": "varied", "clauses": []}, "/clauses"),
    ],
)
def test_a_judgement_says_what_it_changes_and_nothing_else(appealed, more, pointer):
    appealed.did("reviewer:2", "lease")
    body = {"clauses": ["Q-1"], "reasons": "x"} | more
    answer = appealed.ask("reviewer:2", f"{appealed.appeal}/decision", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


# --- what each side sees ---


def seen(call, told):
    return {who: call(who).get(told.path).json()["viewer_state"] for who in ("buyer", "merchant", "reviewer")}


def test_each_side_is_told_what_the_case_asks_of_it(story, call, clock):
    told = story()
    under_review = {"buyer": "under_review", "merchant": "under_review", "reviewer": "action_required"}
    assert seen(call, told) == under_review
    told.decided(REFUND | {"release": "goods_accepted"}, {"kind": "return"})
    assert seen(call, told) == {
        "buyer": "action_required",
        "merchant": "action_required",
        "reviewer": "waiting_for_other",
    }
    goods = f"goods/{told.goods[0]['goods_id']}"
    told.did("buyer", f"{goods}/shipment", {"reference": "SF-1"}, versioned=False)
    assert seen(call, told) == dict.fromkeys(("buyer", "merchant"), "appealable") | {
        "reviewer": "waiting_for_other"
    }
    told.did("merchant", f"{goods}/receipt", {"reference": "SF-1"}, versioned=False)
    assert seen(call, told) == {
        "buyer": "appealable",
        "merchant": "action_required",
        "reviewer": "waiting_for_other",
    }
    told.did("merchant", f"{goods}/acceptance", {"reference": "SF-1"}, versioned=False)
    told.did("merchant", "appeals", APPEAL)
    assert seen(call, told) == under_review
    clock.move(days=30)


def test_the_right_of_appeal_ends_and_what_is_closed_is_resolved(story, call, clock):
    told = story().closed()
    assert seen(call, told) == {"buyer": "appealable", "merchant": "appealable", "reviewer": "resolved"}
    assert call("merchant").get(told.path).json()["decision"]["appeal_until"] == "2026-11-17T16:00:00Z"
    assert "appeals" in call("merchant").get(told.path).json()["allowed"]
    clock.move(days=8)
    assert seen(call, told) == {"buyer": "resolved", "merchant": "resolved", "reviewer": "resolved"}
    assert "appeals" not in call("merchant").get(told.path).json()["allowed"]


def test_an_appealed_case_stands_in_the_review_queue_and_is_open_because_of_the_appeal(
    appealed, call, installation
):
    installation.catch_up()
    queued = call("reviewer:2").get("/queues/review", limit=200).json()["data"]
    (row,) = [row for row in queued if row["case_id"] == appealed.id]
    assert (row["stage"], row["due"]) == ("appealed", "2026-11-12T08:00:00.000000Z")
    loops = call("agent").get("/loops", limit=200).json()["data"]
    (loop,) = [row for row in loops if row["case_id"] == appealed.id]
    assert loop["open_because"] == ["appeal", "follow_up"]


def test_what_may_be_done_about_an_appeal_is_allowed_to_the_right_people(appealed, call):
    allowed = {
        who: set(call(who).get(appealed.path).json()["allowed"])
        for who in ("merchant", "buyer", "reviewer", "reviewer:2")
    }
    assert allowed["merchant"] & {"appeals", "appeal-withdrawal"} == {"appeal-withdrawal"}
    assert not allowed["buyer"] & {"appeals", "appeal-withdrawal"}
    assert not allowed["reviewer"] & {"lease", "appeal-decision"}
    assert allowed["reviewer:2"] & {"lease", "appeal-decision"} == {"lease"}
    appealed.did("reviewer:2", "lease")
    assert "appeal-decision" in call("reviewer:2").get(appealed.path).json()["allowed"]
