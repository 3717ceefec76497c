"""Every code of the contract, and that nothing is recorded when it is answered."""

from uuid import uuid4

import pytest

from web import answers, problems
from web.titles import CHINESE, ENGLISH

CNY = "CNY"
REFUND = {"kind": "refund", "amount": {"amount_minor": 19900, "currency": CNY}, "payer": "merchant"}
REPAIR = {"kind": "repair"}
NOT_UPHELD = {"finding": "not_upheld", "liability": [], "reasons": "x"}
DECISION = {"remedies": [REFUND], "clauses": ["Q-1"], "reasons": "x"}
REASONS = {"reasons": "x"}
PAID = {"reference": "p-9", "paid_at": "2026-11-10T07:00:00Z"}
CLOSED = {"resolution": "compensated", "reasons": "x"}
PENALTY = {"points": 2, "clause": "S-1", "reasons": "x"}


# --- refusals of the case ------------------------------------------------------------------------------


def test_wrong_stage(story, refused):
    told = story().decided(REFUND)
    told.leased()
    refused(409, "wrong_stage", lambda: told.ask("reviewer", "verification", NOT_UPHELD))


def test_case_already_closed_is_the_answer_to_everything_that_a_closed_case_refuses(story, refused):
    told = story().closed()
    follow_up = told.follow_up()
    asked = {
        "lease": ("reviewer", {}),
        "notes": ("reviewer", {"text": "x", "visibility": "internal"}),
        "evidence": ("buyer", {"party": "buyer", "kind": "photo", "title": "x", "sha256": "0" * 64}),
        "verification": ("reviewer", NOT_UPHELD),
        "decisions": ("reviewer", DECISION),
        f"{told.line()}/confirmation": ("finance", PAID),
        f"{told.line()}/failure": ("finance", {"reference": "p-9", "reason": "x"}),
        f"{told.line()}/instruction": ("finance", {"payer": "fund"}),
        f"{follow_up}/attempts": ("agent", {"channel": "phone", "outcome": "reached"}),
        f"{follow_up}/completion": ("agent", {"satisfied": True}),
        "closure": ("reviewer", CLOSED),
        "withdrawal": ("buyer", REASONS),
    }
    for what, (who, body) in asked.items():
        refused(409, "case_already_closed", lambda what=what, who=who, body=body: told.ask(who, what, body))


def test_case_not_claimed(story, refused):
    told = story()
    refused(409, "case_not_claimed", lambda: told.ask("reviewer", "verification", NOT_UPHELD))


def test_case_claimed_by_another(story, refused):
    told = story().leased()
    refused(409, "case_claimed_by_another", lambda: told.ask("reviewer:2", "lease"))
    refused(409, "case_claimed_by_another", lambda: told.ask("reviewer:2", "verification", NOT_UPHELD))


def test_case_not_verified(story, refused):
    told = story().leased()
    refused(409, "case_not_verified", lambda: told.ask("reviewer", "decisions", DECISION))


def test_decision_missing(story, refused):
    told = story().verified()
    refused(409, "decision_missing", lambda: told.ask("reviewer", "penalties", PENALTY))
    order = {"terms": "x", "due": "2026-11-17T08:00:00Z"}
    refused(409, "decision_missing", lambda: told.ask("reviewer", "rectification", order))


@pytest.mark.parametrize("shares", [[], [60], [60, 50]])
def test_liability_must_sum_to_100(story, refused, shares):
    told = story().leased()
    parties = ["merchant", "courier"]
    liability = [{"party": party, "share": share} for party, share in zip(parties, shares, strict=False)]
    body = {"finding": "upheld", "liability": liability, "reasons": "x"}
    refused(409, "liability_must_sum_to_100", lambda: told.ask("reviewer", "verification", body))


def test_compensation_exceeds_entitlement(story, refused):
    told = story().verified()
    more = REFUND | {"amount": {"amount_minor": 19901, "currency": CNY}}
    body = DECISION | {"remedies": [more]}
    problem = refused(
        409, "compensation_exceeds_entitlement", lambda: told.ask("reviewer", "decisions", body)
    )
    assert "19900" in problem["detail"]


def test_compensation_not_settled(story, refused):
    told = story().decided(REFUND)
    refused(409, "compensation_not_settled", lambda: told.ask("reviewer", "closure", CLOSED))
    refused(409, "compensation_not_settled", lambda: told.ask("buyer", "withdrawal", REASONS))
    refused(
        409,
        "compensation_not_settled",
        lambda: told.ask("finance", f"{told.line()}/instruction", {"payer": "fund"}),
    )


def test_compensation_already_settled(story, refused):
    told = story().paid()
    refused(
        409, "compensation_already_settled", lambda: told.ask("finance", f"{told.line()}/confirmation", PAID)
    )


def test_amount_mismatch(story, refused):
    told = story().decided(REFUND)
    body = PAID | {"amount": {"amount_minor": 1, "currency": CNY}}
    refused(409, "amount_mismatch", lambda: told.ask("finance", f"{told.line()}/confirmation", body))


def test_goods_not_settled(story, refused):
    told = story().decided(REPAIR)
    body = {"resolution": "repaired", "reasons": "x"}
    refused(409, "goods_not_settled", lambda: told.ask("reviewer", "closure", body))


def test_follow_up_open(story, refused):
    told = story().paid()
    refused(409, "follow_up_open", lambda: told.ask("reviewer", "closure", CLOSED))


def test_an_unsatisfied_follow_up_keeps_the_case_open_for_all_but_a_supervisor(story, refused):
    told = story().followed_up(satisfied=False)
    refused(409, "follow_up_open", lambda: told.ask("reviewer", "closure", CLOSED))
    assert told.ask("supervisor", "closure", CLOSED).status_code == 200


def test_follow_up_already_completed(story, refused):
    told = story().followed_up()
    done = told.follow_up()
    refused(
        409,
        "follow_up_already_completed",
        lambda: told.ask("agent", f"{done}/completion", {"satisfied": True}),
    )


def test_rectification_open(story, refused):
    told = story().rectifying()
    told.did("agent", f"{told.follow_up()}/completion", {"satisfied": True}, versioned=False)
    refused(409, "rectification_open", lambda: told.ask("reviewer", "closure", CLOSED))
    order = {"terms": "x", "due": "2026-11-17T08:00:00Z"}
    refused(409, "rectification_open", lambda: told.ask("reviewer", "rectification", order))
    verdict = {"accepted": True, "reasons": "x"}
    refused(409, "rectification_open", lambda: told.ask("reviewer", "rectification/verdict", verdict))


def test_outcome_missing(story, refused):
    told = story().leased()
    refused(409, "outcome_missing", lambda: told.ask("reviewer", "closure", CLOSED))


def test_resolution_contradicts_outcome(story, refused):
    told = story().followed_up()
    body = {"resolution": "rejected", "reasons": "x"}
    refused(409, "resolution_contradicts_outcome", lambda: told.ask("reviewer", "closure", body))


def test_not_reopenable(story, refused):
    told = story()
    body = {"ground": "new_facts", "reasons": "x"}
    refused(409, "not_reopenable", lambda: told.ask("reviewer", "reopening", body))


def test_case_already_open_for_order_line(story, call, filing, refused):
    told = story()
    again = filing(order=told.order)
    refused(409, "case_already_open_for_order_line", lambda: call("buyer").post("/cases", again))


def test_an_order_line_is_free_again_when_its_case_has_ended_and_taken_again_by_a_reopening(
    story, call, filing, refused
):
    told = story().closed()
    call("buyer").done("/cases", filing(order=told.order))
    body = {"ground": "new_facts", "reasons": "x"}
    refused(409, "case_already_open_for_order_line", lambda: told.ask("reviewer", "reopening", body))


def test_penalty_outside_tariff(story, refused):
    told = story().paid()
    for body in (
        PENALTY | {"points": 13},
        PENALTY | {"clause": "S-9"},
        PENALTY | {"fine": {"amount_minor": 5_000_001, "currency": CNY}},
        PENALTY | {"fine": {"amount_minor": 1, "currency": "USD"}},
    ):
        refused(409, "penalty_outside_tariff", lambda body=body: told.ask("reviewer", "penalties", body))


# --- everything else -----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "rc_000000000000_x", "rc__", "Basic", "rc_" + "x" * 500])
def test_unauthenticated(with_key, filing, refused, key):
    caller = with_key(key)
    problem = refused(401, "unauthenticated", lambda: caller.post("/cases", filing()))
    assert problem["errors"] == []


def test_forbidden(story, refused):
    told = story()
    refused(403, "forbidden", lambda: told.ask("auditor", "lease"))
    refused(403, "forbidden", lambda: told.ask("buyer", "closure", CLOSED))


def test_evidence_for_another_party_is_forbidden(story, refused):
    told = story()
    body = {"party": "buyer", "kind": "photo", "title": "x", "sha256": "0" * 64}
    refused(403, "forbidden", lambda: told.ask("merchant", "evidence", body))


@pytest.mark.parametrize("case_id", [str(uuid4()), "1", "x" * 300, "%00", f"{uuid4()}".replace("-", "")])
def test_case_not_found(call, refused, case_id):
    reviewer = call("reviewer")
    refused(404, "case_not_found", lambda: reviewer.get(f"/cases/{case_id}"))
    refused(404, "case_not_found", lambda: reviewer.get(f"/cases/{case_id}/history"))
    refused(404, "case_not_found", lambda: reviewer.post(f"/cases/{case_id}/lease", {}, 1))


def test_parts_that_the_case_does_not_have_are_not_found(story, refused):
    told = story().paid()
    other = uuid4()
    asked = {
        "compensation": ("finance", f"compensations/{other}/confirmation", PAID),
        "goods": ("logistics", f"goods/{other}/receipt", {"reference": "x"}),
        "follow_up": ("agent", f"follow-ups/{other}/completion", {"satisfied": True}),
        "rectification": ("merchant", "rectification/submission", {"text": "x"}),
    }
    for kind, (who, what, body) in asked.items():
        refused(
            404, f"{kind}_not_found", lambda who=who, what=what, body=body: told.ask(who, what, body, False)
        )
    refused(404, "compensation_not_found", lambda: told.ask("finance", "compensations/1/confirmation", PAID))


def test_evidence_that_is_not_on_file_is_not_found(story, refused):
    told = story().leased()
    body = NOT_UPHELD | {"evidence": [str(uuid4())]}
    refused(404, "evidence_not_found", lambda: told.ask("reviewer", "verification", body))


def test_queue_not_found(call, refused):
    refused(404, "queue_not_found", lambda: call("reviewer").get("/queues/nothing"))
    refused(404, "queue_not_found", lambda: call("reviewer").post("/queues/nothing/next"))


def test_not_found_and_method_not_allowed(call, refused):
    nobody = call("nobody")
    refused(404, "not_found", lambda: nobody.get("/nothing"))
    refused(404, "not_found", lambda: nobody.ask_at_root("GET", "/api/v2/cases"))
    problem = refused(405, "method_not_allowed", lambda: nobody.ask("PUT", "/cases"))
    assert problem["title"] == "This method is not allowed here"
    assert "POST" in nobody.ask("PUT", "/cases").headers["Allow"]


def test_a_browser_that_loses_its_way_is_shown_a_page(call):
    answer = call("nobody").ask_at_root("GET", "/nothing", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    below_the_api = call("nobody").ask("GET", "/nothing", headers={"Accept": "text/html"})
    assert below_the_api.headers["Content-Type"] == "application/problem+json"


def test_version_mismatch_tells_the_current_version_and_who_changed_what_since(story, refused):
    told = story().leased()
    problem = refused(
        412, "version_mismatch", lambda: told.call("reviewer").post(f"{told.path}/lease", {}, 1)
    )
    assert (problem["version"], problem["stage"]) == (3, "in_review")
    assert [one["type"] for one in problem["since"]] == ["CaseClaimed", "PlatformSteppedIn"]
    assert {one["actor"]["id"] for one in problem["since"]} == {"reviewer-1"}
    assert [one["version"] for one in problem["since"]] == [2, 3]
    assert answers.StaleCase().validate(problem) == {}


def test_a_stale_version_is_told_nothing_that_is_sealed(story, refused):
    told = story()
    told.did("agent", "notes", {"text": "机密", "visibility": "internal"}, versioned=False)
    problem = refused(
        412, "version_mismatch", lambda: told.call("reviewer").post(f"{told.path}/lease", {}, 1)
    )
    assert problem["since"][0]["data"]["text"] is None


def test_precondition_required(story, refused):
    told = story()
    refused(428, "precondition_required", lambda: told.ask("reviewer", "lease", versioned=False))


# --- how they are worded -------------------------------------------------------------------------------


def test_every_code_has_a_status_and_a_title_in_both_languages():
    assert problems.STATUS.keys() == ENGLISH.keys() == CHINESE.keys()
    for titles in (ENGLISH, CHINESE):
        assert all(titles.values())
        assert len(set(titles.values())) == len(titles)


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("zh-Hans-CN", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.1", "zh"),
        ("zh_TW", "zh"),
        ("en-GB", "en"),
        ("fr", "en"),
        ("", "en"),
        ("fr;q=1,zh;q=0.5", "zh"),
        ("*", "en"),
        ("\x7f;;q=x", "en"),
    ],
)
def test_titles_follow_the_accepted_languages(call, asked, language):
    answer = call("nobody").ask("GET", "/cases", headers={"Accept-Language": asked})
    titles = {"en": ENGLISH, "zh": CHINESE}
    assert answer.headers["Content-Language"] == language
    assert answer.json()["title"] == titles[language]["unauthenticated"]
    assert "Accept-Language" in answer.headers["Vary"]
