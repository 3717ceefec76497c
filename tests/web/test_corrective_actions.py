"""Corrective actions over HTTP: who asks, who acts, who judges, and what each is shown."""

from uuid import uuid4

import pytest

from web import answers

TEXT = {"text": "更换供应商"}
YES = {"accepted": True, "reasons": "同意"}


@pytest.fixture
def cause():
    """A cause that no other test knows."""
    return f"cause-{uuid4().hex[:8]}"


@pytest.fixture
def opened(call, cause):
    """An action that staff opened against m-2001; its path."""
    body = {"merchant_id": "m-2001", "root_cause": cause, "terms": "请整改"}
    answer = call("reviewer").post("/corrective-actions", body)
    assert answer.status_code == 201, answer.text
    path = f"/corrective-actions/{answer.json()['corrective_action_id']}"
    assert answer.headers["Location"] == f"/api/v1{path}"
    return path


def test_an_action_goes_its_way(call, opened, clock):
    call("merchant").done(f"{opened}/measure", TEXT)
    call("reviewer").done(f"{opened}/verdict", YES, version=2)
    done = call("merchant").done(f"{opened}/completion", TEXT)
    assert answers.CorrectiveActionCommand().validate(done) == {}
    shown = call("merchant").get(opened)
    body = shown.json()
    assert shown.headers["ETag"] == '"4"'
    assert answers.CorrectiveAction().validate(body) == {}
    assert (body["state"], body["completed_at"]) == ("completed", clock.at.isoformat().replace("+00:00", "Z"))


def test_the_list_has_the_documented_shape_and_is_narrowed(call, opened, cause, installation):
    installation.catch_up()
    body = call("auditor").get("/corrective-actions", root_cause=cause).json()
    assert answers.CorrectiveActions().validate(body) == {}
    assert [(one["merchant_id"], one["state"]) for one in body["data"]] == [("m-2001", "open")]
    assert call("merchant").get("/corrective-actions", root_cause=cause).json()["data"] == body["data"]
    assert call("merchant:2").get("/corrective-actions", root_cause=cause).json()["data"] == []


def test_an_action_is_found_from_its_case(call, story, cause, installation):
    told = story()
    body = {"merchant_id": "m-2001", "root_cause": cause, "cases": [told.id], "terms": "请整改"}
    action_id = call("supervisor").done("/corrective-actions", body)["corrective_action_id"]
    installation.catch_up()
    found = call("agent").get("/corrective-actions", case_id=told.id).json()["data"]
    assert [one["corrective_action_id"] for one in found] == [action_id]


def test_each_is_shown_the_texts_and_the_people_that_are_its_to_see(call, opened):
    call("merchant").done(f"{opened}/measure", TEXT)
    call("reviewer").done(f"{opened}/verdict", YES, version=2)
    for who, people in (("merchant", None), ("auditor", "reviewer-1")):
        opening, measure, verdict = call(who).get(opened).json()["history"]
        assert opening["data"]["terms"] == "请整改"
        assert measure["data"]["text"] == "更换供应商"
        assert (verdict["data"]["reasons"], verdict["data"]["by"]) == ("同意", people)


def test_another_merchants_action_is_not_found(call, opened, refused):
    other = call("merchant:2")
    refused(404, "corrective_action_not_found", lambda: other.get(opened))
    refused(404, "corrective_action_not_found", lambda: other.post(f"{opened}/measure", TEXT))
    refused(404, "merchant_not_found", lambda: other.get("/corrective-actions", merchant_id="m-2001"))
    refused(404, "corrective_action_not_found", lambda: call("agent").get("/corrective-actions/x"))
    refused(404, "corrective_action_not_found", lambda: call("agent").get(f"/corrective-actions/{uuid4()}"))


def test_who_may_do_what(call, opened, refused):
    refused(403, "forbidden", lambda: call("reviewer").post(f"{opened}/measure", TEXT))
    refused(403, "forbidden", lambda: call("agent").post(f"{opened}/verdict", YES, 1))
    refused(403, "forbidden", lambda: call("reviewer").post(f"{opened}/closure", {"reasons": "x"}, 1))
    refused(403, "forbidden", lambda: call("buyer").get("/corrective-actions"))


def test_a_step_out_of_turn_is_refused(call, opened, refused):
    code = "corrective_action_out_of_turn"
    refused(409, code, lambda: call("merchant").post(f"{opened}/completion", TEXT))
    refused(409, code, lambda: call("reviewer").post(f"{opened}/verdict", YES, 1))


def test_a_second_action_against_the_same_cause_is_refused(call, opened, cause, refused):
    body = {"merchant_id": "m-2001", "root_cause": cause, "terms": "请整改"}
    problem = refused(
        409, "corrective_action_already_open", lambda: call("reviewer").post("/corrective-actions", body)
    )
    assert problem["detail"] == opened.rpartition("/")[2]


def test_a_closed_action_refuses_what_is_left(call, opened, refused):
    call("supervisor").done(f"{opened}/closure", {"reasons": "商家已退出"}, version=1)
    code = "corrective_action_already_closed"
    refused(409, code, lambda: call("merchant").post(f"{opened}/measure", TEXT))
    refused(409, code, lambda: call("supervisor").post(f"{opened}/closure", {"reasons": "x"}, 2))


def test_a_verdict_on_what_has_moved_on_is_told_so(call, opened):
    call("merchant").done(f"{opened}/measure", TEXT)
    stale = call("reviewer").post(f"{opened}/verdict", YES, 1)
    assert (stale.status_code, stale.json()["code"]) == (412, "version_mismatch")
    assert [one["type"] for one in stale.json()["since"]] == ["MeasureProposed"]
    assert call("reviewer").post(f"{opened}/verdict", YES).status_code == 428


def test_only_cases_of_the_merchant_can_be_named(call, story, cause, refused):
    other = story(merchant_id="m-2002")
    body = {"merchant_id": "m-2001", "root_cause": cause, "cases": [other.id], "terms": "请整改"}
    problem = refused(422, "invalid_request", lambda: call("reviewer").post("/corrective-actions", body))
    assert problem["errors"][0]["pointer"] == "/cases"
