"""What the sides say to each other over HTTP: notice, answer, offers, asking the platform; and promises."""

from uuid import UUID, uuid4

import pytest

from application.cases import Request
from domain.values import Actor, Role
from web import answers

CNY_100 = {"amount_minor": 10_000, "currency": "CNY"}
PART = {"remedies": [{"kind": "refund", "amount": CNY_100}], "text": "退一半可以吗"}
REASONS = {"reasons": "协商不成"}


@pytest.fixture
def told(story):
    """A case whose merchant was told of it."""
    told = story()
    told.did("agent", "notice", {"channel": "app"}, versioned=False)
    return told


def offered(told, who="merchant"):
    """An offer of this side; its path under the case."""
    return f"offers/{told.did(who, 'offers', PART)['offer_id']}"


def page(told, who="agent"):
    """The case page; it has the documented shape."""
    shown = told.call(who).get(told.path).json()
    assert answers.Case().validate(shown) == {}
    return shown


def refuse(told):
    told.did("merchant", "answers", {"stance": "refuses", "text": "不退"})


def test_a_notice_begins_the_time_to_answer(told):
    shown = page(told, "merchant")
    assert (shown["stage"], shown["negotiation"]["turn"]) == ("negotiating", "merchant")
    assert shown["negotiation"]["answer_due"] == "2026-11-11T08:00:00Z"
    assert {"answers", "offers"} <= set(shown["allowed"])
    assert not {"answers", "offers", "escalation"} & set(page(told, "buyer")["allowed"])


def test_a_case_that_nobody_negotiates_says_so(story):
    assert page(story())["negotiation"] is None


def test_a_merchant_that_agrees_pays_what_was_claimed(told):
    agreed = told.did("merchant", "answers", {"stance": "agrees", "text": "同意退款"})
    assert agreed["stage"] == "executing"
    (line,) = agreed["compensations"]
    assert (line["amount"]["amount_minor"], line["payer"], line["state"]) == (
        19_900,
        "merchant",
        "instructed",
    )
    assert page(told)["negotiation"]["agreement"]["party"] == "merchant"


def test_a_merchant_that_does_not_agree_pays_nothing(told):
    disputed = told.did("merchant", "answers", {"stance": "disputes", "text": "没有瑕疵"})
    assert (disputed["stage"], disputed["compensations"]) == ("negotiating", [])
    answer = page(told, "buyer")["negotiation"]["answer"]
    assert (answer["stance"], answer["text"]) == ("disputes", "没有瑕疵")


def test_offers_go_to_and_fro_until_one_is_accepted(told):
    first = offered(told)
    counter = PART | {"remedies": [{"kind": "refund", "amount": {"amount_minor": 15_000, "currency": "CNY"}}]}
    second = told.did("buyer", "offers", counter)["offer_id"]
    shown = page(told, "merchant")["negotiation"]
    assert [(one["party"], one["state"], one["text"]) for one in shown["offers"]] == [
        ("merchant", "declined", "退一半可以吗"),
        ("buyer", "open", "退一半可以吗"),
    ]
    assert first.endswith(shown["offers"][0]["offer_id"])
    agreed = told.did("merchant", f"offers/{second}/acceptance")
    assert agreed["stage"] == "executing"
    assert [one["amount"]["amount_minor"] for one in agreed["compensations"]] == [15_000]


def test_an_agent_replies_for_the_buyer(told):
    assert told.did("agent", f"{offered(told)}/acceptance")["stage"] == "executing"


def test_an_offer_is_declined_with_reasons_that_the_other_side_reads(told):
    told.did("buyer", f"{offered(told)}/refusal", {"reasons": "太少"})
    history = told.call("merchant").get(f"{told.path}/history").json()["data"]
    (declined,) = [one["data"] for one in history if one["type"] == "OfferDeclined"]
    assert (declined["party"], declined["reasons"]) == ("buyer", "太少")


def test_not_your_turn(told, refused):
    refused(409, "not_your_turn", lambda: told.ask("buyer", "offers", PART))
    first = offered(told)
    refused(409, "not_your_turn", lambda: told.ask("merchant", f"{first}/acceptance"))
    answer = {"stance": "agrees", "text": "好"}
    refused(409, "not_your_turn", lambda: told.ask("merchant", "answers", answer))


def test_answer_overdue(told, refused, clock):
    clock.move(hours=24)
    answer = {"stance": "agrees", "text": "好"}
    problem = refused(409, "answer_overdue", lambda: told.ask("merchant", "answers", answer))
    assert "M-1" in problem["detail"]


def test_offer_not_open(told, refused, clock):
    first = offered(told)
    clock.move(hours=24)
    refused(409, "offer_not_open", lambda: told.ask("buyer", f"{first}/acceptance"))


def test_an_offer_that_nobody_made_is_not_found(told, refused):
    refused(404, "offer_not_found", lambda: told.ask("merchant", f"offers/{uuid4()}/acceptance"))
    refused(404, "offer_not_found", lambda: told.ask("merchant", "offers/1/refusal", REASONS))


@pytest.mark.parametrize(
    "remedies",
    [[], [{"kind": "refund"}], [{"kind": "refund", "amount": {"amount_minor": 0, "currency": "CNY"}}]],
)
def test_an_offer_of_nothing_is_malformed(told, refused, remedies):
    body = PART | {"remedies": remedies}
    refused(422, "invalid_request", lambda: told.ask("merchant", "offers", body))


def test_an_offer_stays_within_what_the_sides_can_agree_on(told, refused):
    theirs = PART | {"remedies": [{"kind": "refund", "amount": CNY_100, "payer": "fund"}]}
    refused(409, "compensation_exceeds_entitlement", lambda: told.ask("merchant", "offers", theirs))
    unknown = PART | {"clauses": ["Z-9"]}
    refused(409, "clause_not_in_force", lambda: told.ask("merchant", "offers", unknown))


def test_what_answers_to_something_needs_the_version_of_it(told, refused):
    first = offered(told)
    for what, who, body in (
        ("answers", "merchant", {"stance": "agrees", "text": "好"}),
        ("offers", "buyer", PART),
        (f"{first}/acceptance", "buyer", {}),
        (f"{first}/refusal", "buyer", REASONS),
        ("escalation", "buyer", REASONS),
    ):
        asking = (who, what, body, False)
        refused(428, "precondition_required", lambda asking=asking: told.ask(*asking))


def test_the_platform_is_asked_after_a_refusal_and_the_case_stands_in_its_queue(told, installation):
    installation.catch_up()
    assert told.id not in queued(told)
    refuse(told)
    assert "escalation" in page(told, "buyer")["allowed"]
    told.did("buyer", "escalation", REASONS)
    installation.catch_up()
    assert told.id in queued(told)
    loops = told.call("agent").every("/loops")
    assert [one["open_because"] for one in loops if one["case_id"] == told.id] == [
        ["review", "negotiation", "clock"]
    ]
    escalation = page(told, "merchant")["negotiation"]["escalation"]
    assert (escalation["ground"], escalation["reasons"]) == ("refused", "协商不成")
    assert told.did("reviewer", "lease")["stage"] == "in_review"


def queued(told):
    rows = told.call("reviewer").every("/queues/review")
    return [one["case_id"] for one in rows]


def test_escalation_too_early(told, refused):
    problem = refused(409, "escalation_too_early", lambda: told.ask("buyer", "escalation", REASONS))
    assert "M-5" in problem["detail"]


def test_escalation_window_over(told, refused, clock):
    refuse(told)
    clock.move(days=16)
    problem = refused(409, "escalation_window_over", lambda: told.ask("buyer", "escalation", REASONS))
    assert "M-5" in problem["detail"]


def test_case_already_escalated(told, refused):
    refuse(told)
    told.did("buyer", "escalation", REASONS)
    refused(409, "case_already_escalated", lambda: told.ask("merchant", "escalation", REASONS))


def test_clock_open(told, refused):
    refuse(told)
    told.did("buyer", "escalation", REASONS)
    told.leased()
    body = {"resolution": "answered", "reasons": "已答复"}
    refused(409, "clock_open", lambda: told.ask("reviewer", "closure", body))


def test_only_those_who_may_speak_do(told, refused):
    answer = {"stance": "agrees", "text": "好"}
    refused(403, "forbidden", lambda: told.ask("buyer", "answers", answer))
    refused(403, "forbidden", lambda: told.ask("reviewer", "offers", PART))
    refused(403, "forbidden", lambda: told.ask("agent", "escalation", REASONS))
    refused(403, "forbidden", lambda: told.ask("merchant", "notice", {"channel": "app"}, False))
    refused(404, "case_not_found", lambda: told.ask("merchant:2", "answers", answer))
    refused(404, "case_not_found", lambda: told.ask("buyer:2", "escalation", REASONS))


def test_a_case_is_told_of_once(told, refused):
    refused(409, "wrong_stage", lambda: told.ask("agent", "notice", {"channel": "app"}, False))


# --- a decision by people ------------------------------------------------------------------------------


@pytest.fixture
def defaulted(told, installation, clock):
    """The merchant was silent for a day, and the system decided against it."""
    clock.move(hours=24)
    case_id = UUID(told.id)
    cases, ticker = installation.parts["cases"], Actor("ticker", Role.SYSTEM)
    (running,) = cases.get(Actor("agent-1", Role.AGENT), case_id).clocks.running
    cases.miss_clock(Request(ticker, "clock"), case_id, running)
    told.version = page(told)["version"]
    return told


def test_a_side_has_people_decide_what_the_system_decided(defaulted, refused):
    shown = page(defaulted, "merchant")
    assert (shown["decision"]["automated"], shown["decision"]["reasons"]) == (True, None)
    assert "human-review" in shown["allowed"]
    refused(403, "forbidden", lambda: defaulted.ask("agent", "human-review", REASONS))
    refused(428, "precondition_required", lambda: defaulted.ask("merchant", "human-review", REASONS, False))
    assert defaulted.did("merchant", "human-review", REASONS)["stage"] == "in_review"
    demanded = page(defaulted, "buyer")["human_review"]
    assert (demanded["party"], demanded["reasons"]) == ("merchant", "协商不成")
    defaulted.leased()


def test_human_review_window_over(defaulted, refused, clock):
    clock.move(days=8)
    problem = refused(
        409, "human_review_window_over", lambda: defaulted.ask("buyer", "human-review", REASONS)
    )
    assert "M-4" in problem["detail"]


def test_decision_not_automated(story, refused):
    told = story().paid()
    refused(409, "decision_not_automated", lambda: told.ask("buyer", "human-review", REASONS))
    early = story()
    refused(409, "decision_missing", lambda: early.ask("buyer", "human-review", REASONS))


# --- promises ------------------------------------------------------------------------------------------

PROMISE = {"text": "三日内补寄配件", "due": "2026-11-13T08:00:00Z"}


def promised(told, who="merchant"):
    made = told.did(who, "promises", PROMISE, versioned=False)
    return f"promises/{made['promise_id']}/fulfilment"


def test_a_promise_is_made_by_its_party_and_kept_when_another_says_so(told, refused):
    kept = promised(told)
    (shown,) = page(told, "buyer")["promises"]
    assert (shown["party"], shown["text"], shown["state"]) == ("merchant", PROMISE["text"], "open")
    refused(403, "forbidden", lambda: told.ask("merchant", kept, {}, False))
    told.did("buyer", kept, versioned=False)
    assert page(told)["promises"][0]["state"] == "kept"
    refused(409, "promise_already_over", lambda: told.ask("buyer", kept, {}, False))


def test_staff_promise_for_the_platform_and_say_themselves_that_it_was_kept(told):
    kept = promised(told, "agent")
    assert page(told)["promises"][0]["party"] == "platform"
    told.did("agent", kept, versioned=False)


def test_a_promise_lies_in_the_future_and_there_is_one(told, refused):
    for due in ("2026-11-10T08:00:00Z", "2027-11-13T08:00:00Z"):
        body = PROMISE | {"due": due}
        refused(422, "invalid_request", lambda body=body: told.ask("merchant", "promises", body, False))
    kept = f"promises/{uuid4()}/fulfilment"
    refused(404, "promise_not_found", lambda: told.ask("buyer", kept, {}, False))
