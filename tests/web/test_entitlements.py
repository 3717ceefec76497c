"""What may be granted on a case is told before anybody decides it."""

import pytest

from web import answers

FOOD = {"case_type": "food_safety", "reason": "unsafe_food"}


def told(case, who="reviewer", **query):
    answer = case.call(who).get(f"{case.path}/entitlements", **query)
    assert answer.status_code == 200, answer.text
    assert answers.Entitlements().validate(answer.json()) == {}
    return {(one["kind"], one["clause"]): one for one in answer.json()["data"]}


def yuan(amount):
    return {"amount_minor": amount * 100, "currency": "CNY"}


def test_each_remedy_is_told_with_its_limit_its_clause_and_how_it_came_about(story):
    found = told(story())
    assert found["refund", "RF-1"]["limit"] == yuan(199)
    assert found["freight", "O-5"]["limit"] == yuan(500)
    assert found["replacement", "Q-1"]["limit"] is found["replacement", "Q-1"]["points"] is None
    assert (found["points", "O-1"]["points"], found["points", "O-1"]["limit"]) == (50_000, None)
    assert found["refund", "RF-1"]["title"] == {
        "zh": "退款不超过实付",
        "en": "A refund is at most what was paid",
    }
    assert found["refund", "RF-1"]["derivation"] == [
        {"rule": "RF-1", "policy": "cn-2026", "inputs": {"paid": 19900}, "result": 19900}
    ]
    assert told(story(), "agent")["points", "O-1"]["points"] == 10_000


def test_what_the_verification_established_opens_what_needs_it(story):
    case = story(**FOOD)
    assert ("multiple", "F-2") not in told(case)
    case.leased()
    finding = {
        "finding": "upheld",
        "liability": [{"party": "merchant", "share": 100}],
        "reasons": "抽检不合格",
    }
    established = {"established": ["seller_knew"], "loss": yuan(1000)}
    case.did("reviewer", "verification", finding | established)
    assert told(case)["multiple", "F-2"]["limit"] == yuan(3000)
    multiple = {"kind": "multiple", "amount": yuan(3000), "payer": "merchant"}
    decision = {"remedies": [multiple], "clauses": ["F-2"], "reasons": "明知"}
    assert case.ask("reviewer", "decisions", decision).status_code == 201


def test_clauses_may_be_named(story):
    assert ("multiple", "F-1") not in told(story())
    assert told(story(), clauses="F-1,C-1")["multiple", "F-1"]["limit"] == yuan(597)


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [("merchant", 403, "forbidden"), ("buyer", 403, "forbidden"), ("finance", 403, "forbidden")],
)
def test_it_is_for_those_who_decide_and_audit(story, refused, who, status, code):
    case = story()
    refused(status, code, lambda: case.call(who).get(f"{case.path}/entitlements"))


def test_what_is_no_clause_is_refused(story, refused):
    case = story()
    refused(
        422, "invalid_request", lambda: case.call("reviewer").get(f"{case.path}/entitlements", clauses="F 1")
    )
