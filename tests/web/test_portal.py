"""What a merchant sees of its cases: what to do by when, what was decided, how it stands."""

from uuid import uuid4

import pytest

from application.rulebook import OnePolicy
from application.standings import StandingProcess, Standings
from domain.values import ViewerState
from infrastructure.policy_pack import default_pack
from infrastructure.process_supervisor import ProcessSupervisor
from web import answers

REFUND = {"kind": "refund", "amount": {"amount_minor": 19900, "currency": "CNY"}, "payer": "merchant"}
PORTAL, CASES = "/merchants/m-2001/portal", "/merchants/m-2001/cases"


@pytest.fixture
def follow(installation):
    """Lets the standings follow what was recorded, and the read models after them."""
    rules = OnePolicy(default_pack())
    standings = Standings(installation.store, installation.vault, rules, installation.clock, uuid4)
    supervisor = ProcessSupervisor(installation.database, (StandingProcess(standings),), holder="tests")

    def catch_up():
        supervisor.catch_up()
        installation.catch_up()

    return catch_up


@pytest.fixture
def rectifying(story, follow):
    """A case on which the merchant was penalised and told to rectify within a week."""
    told = story().rectifying()
    told.did("reviewer", "penalties", {"points": 1, "clause": "S-1", "reasons": "违规"})
    follow()
    return told


def of_case(rows, told):
    """What a list holds of one case."""
    return [one for one in rows if one["case_id"] == told.id]


def test_the_portal_tells_all_that_a_merchant_must_know(rectifying, call):
    body = call("merchant").get(PORTAL, min_position=rectifying.position).json()
    assert answers.Portal().validate(body) == {}
    (duty,) = of_case(body["to_do"], rectifying)
    assert (duty["kind"], duty["due"], duty["overdue"]) == (
        "rectification",
        "2026-11-17T08:00:00.000000Z",
        False,
    )
    (decision,) = of_case(body["decisions"], rectifying)
    assert (decision["clauses"], decision["appeal_until"], decision["appealable"]) == (
        ["Q-1"],
        "2026-11-17T16:00:00.000000Z",
        True,
    )
    assert of_case(body["points"]["lines"], rectifying)[0]["points"] == 1
    assert len(body["points"]["by_day"]) == 1
    assert body["cases"].keys() == set(ViewerState)
    assert body["cases"]["action_required"] >= 1


def test_what_was_done_is_gone_from_the_portal(rectifying, call, follow):
    rectifying.did("merchant", "rectification/submission", {"text": "已整改"}, versioned=False)
    follow()
    assert of_case(call("merchant").get(PORTAL).json()["to_do"], rectifying) == []


def test_open_corrective_actions_are_shown(call, follow):
    cause = f"cause-{uuid4().hex[:8]}"

    def shown():
        listed = call("merchant").get(PORTAL).json()["corrective_actions"]
        return [(one["state"], one["overdue"]) for one in listed if one["root_cause"] == cause]

    body = {"merchant_id": "m-2001", "root_cause": cause, "terms": "请整改"}
    opened = call("reviewer").done("/corrective-actions", body)
    follow()
    assert shown() == [("open", False)]
    path = f"/corrective-actions/{opened['corrective_action_id']}"
    call("supervisor").done(f"{path}/closure", {"reasons": "x"}, version=1)
    follow()
    assert shown() == []


def test_a_merchant_that_nobody_knows_has_an_empty_portal(call):
    body = call("auditor").get(f"/merchants/m-{uuid4().hex[:8]}/portal").json()
    assert answers.Portal().validate(body) == {}
    assert (body["to_do"], body["decisions"], body["corrective_actions"]) == ([], [], [])
    assert set(body["cases"].values()) == {0}


def test_cases_say_what_they_are_for_the_merchant(rectifying, call):
    body = call("merchant").get(CASES, state="action_required", limit=200).json()
    assert answers.MerchantCases().validate(body) == {}
    (shown,) = of_case(body["data"], rectifying)
    assert (shown["state"], [one["kind"] for one in shown["to_do"]]) == ("action_required", ["rectification"])
    page = call("merchant").get(rectifying.path).json()
    assert page["viewer_state"] == "action_required"
    assert of_case(call("merchant").get(CASES, state="resolved", limit=200).json()["data"], rectifying) == []
    assert call("merchant").get(CASES, state="x").status_code == 422


def test_pages_of_cases_follow_each_other(story, call, installation):
    merchant_id = f"m-{uuid4().hex[:8]}"
    told = [story(merchant_id=merchant_id) for _ in range(3)]
    installation.catch_up()
    first = call("reviewer").get(f"/merchants/{merchant_id}/cases", limit=2)
    assert first.headers["Link"].endswith('rel="next"')
    rest = call("reviewer").get(
        f"/merchants/{merchant_id}/cases", limit=2, cursor=first.json()["next_cursor"]
    )
    shown = [one["case_id"] for one in first.json()["data"] + rest.json()["data"]]
    assert sorted(shown) == sorted(one.id for one in told)


@pytest.mark.parametrize("path", [PORTAL, CASES])
def test_a_portal_is_the_merchants_own_and_the_staffs(call, refused, path):
    for who in ("merchant", "agent", "reviewer", "supervisor", "auditor", "finance"):
        assert call(who).get(path).status_code == 200
    refused(404, "merchant_not_found", lambda: call("merchant:2").get(path))
    refused(403, "forbidden", lambda: call("buyer").get(path))
