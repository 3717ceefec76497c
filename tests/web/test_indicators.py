"""Indicators over HTTP: numbers as they stand and as they stood, and the facts behind each."""

from uuid import uuid4

import pytest

from projections.indicators import BEHIND
from web import answers


@pytest.fixture
def merchant_id():
    """A merchant that no other test knows."""
    return f"m-{uuid4().hex[:8]}"


def test_the_numbers_and_the_facts_behind_them_have_the_documented_shape(
    call, story, installation, merchant_id
):
    story(merchant_id=merchant_id).closed()
    installation.catch_up()
    body = call("auditor").get("/indicators", merchant_id=merchant_id).json()
    assert answers.Indicators().validate(body) == {}
    assert (body["at"], body["cases_filed"]) == ("2026-11-10T08:00:00Z", 1)
    assert body["compensation_cost_minor"] == {"CNY": 19900}
    assert body.keys() - {"at", "stale"} == BEHIND.keys()
    for name in BEHIND:
        answer = call("agent").get(f"/indicators/{name}/facts", merchant_id=merchant_id)
        assert answers.IndicatorFacts().validate(answer.json()) == {}, name
    (filed,) = call("agent").get("/indicators/cases_filed/facts", merchant_id=merchant_id).json()["data"]
    assert (filed["version"], filed["type"]) == (1, "CaseFiled")


def test_the_numbers_can_be_asked_for_as_of_a_day(call, clock, story, installation, merchant_id):
    told = story(merchant_id=merchant_id)
    clock.move(hours=5)
    told.decided()
    installation.catch_up()
    asked = {"merchant_id": merchant_id}
    now = call("reviewer").get("/indicators", **asked).json()
    assert now["first_resolution_hours"] == {"median": 5.0, "p90": 5.0, "cases": 1}
    then = call("reviewer").get("/indicators", as_of="2026-11-10T09:00:00Z", **asked).json()
    assert answers.Indicators().validate(then) == {}
    assert (then["at"], then["cases_filed"]) == ("2026-11-10T09:00:00Z", 1)
    assert then["first_resolution_hours"]["cases"] == 0
    assert then["waiting_hours"]["platform"] == 1.0
    path = "/indicators/first_resolution_hours/facts"
    behind = call("reviewer").get(path, as_of="2026-11-10T09:00:00Z", **asked).json()["data"]
    assert [fact["type"] for fact in behind] == ["CaseFiled"]
    assert len(call("reviewer").get(path, **asked).json()["data"]) == 2


def test_an_instant_to_come_is_not_foretold(call, merchant_id):
    found = call("admin").get("/indicators", merchant_id=merchant_id, as_of="2027-01-01T00:00:00Z").json()
    assert found["at"] == "2026-11-10T08:00:00Z"


def test_a_span_of_filings_can_be_asked_for(call, clock, story, installation, merchant_id):
    story(merchant_id=merchant_id)
    clock.move(days=1)
    story(merchant_id=merchant_id, case_type="exchange", claim={"remedies": ["replacement"], "quantity": 1})
    installation.catch_up()

    def filed(**asked):
        body = call("supervisor").get("/indicators", merchant_id=merchant_id, **asked).json()
        return body["cases_filed"]

    assert filed() == 2
    assert filed(**{"from": "2026-11-11T00:00:00Z"}) == filed(to="2026-11-11T00:00:00Z") == 1
    assert filed(case_type="exchange") == 1


def test_the_facts_come_in_pages(call, story, installation, merchant_id):
    told = story(merchant_id=merchant_id).closed()
    installation.catch_up()
    asked = {"merchant_id": merchant_id, "limit": 3, "min_position": told.position}
    first = call("auditor").get("/indicators/waiting_hours/facts", **asked)
    rest = call("auditor").ask("GET", first.headers["Link"].split(">")[0].removeprefix("</api/v1"))
    versions = [fact["version"] for fact in first.json()["data"] + rest.json()["data"]]
    assert len(set(versions)) == len(versions) == 5


def test_an_unknown_indicator_is_not_found(call, refused):
    for name in ("luck", "x" * 200):
        refused(
            404, "indicator_not_found", lambda name=name: call("auditor").get(f"/indicators/{name}/facts")
        )


def test_only_staff_auditors_and_admins_see_indicators(call, refused):
    for who in ("merchant", "buyer", "finance", "logistics"):
        for path in ("/indicators", "/indicators/cases_filed/facts"):
            refused(403, "forbidden", lambda who=who, path=path: call(who).get(path))


def test_what_is_not_asked_for_rightly_is_refused(call):
    for asked in ({"as_of": "yesterday"}, {"from": "2026"}, {"case_type": "x"}, {"until": "x"}):
        assert call("auditor").get("/indicators", **asked).status_code == 422, asked
