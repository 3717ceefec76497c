"""Who sees which cases, and what of them."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from application.accesses import Access
from application.store import Provenance, RecordedFact
from domain.events import CaseReleased
from domain.values import Actor, ReleaseCause, Role
from web.presenter import Presenter

REFUND = {"kind": "refund", "amount": {"amount_minor": 19900, "currency": "CNY"}, "payer": "merchant"}
READERS = ["agent", "reviewer", "supervisor", "auditor", "finance", "logistics", "admin"]


@pytest.fixture
def told(story):
    """A case with texts of every kind."""
    told = story().verified()
    told.did("agent", "notes", {"text": "内部备注", "visibility": "internal"}, versioned=False)
    told.did("agent", "notes", {"text": "公开备注", "visibility": "parties"}, versioned=False)
    evidence = {"party": "buyer", "kind": "photo", "title": "拉链照片", "sha256": "0" * 64, "uri": "s3://b/1"}
    told.did("buyer", "evidence", evidence, versioned=False)
    return told


@pytest.mark.parametrize("who", READERS)
def test_the_platform_reads_every_case(told, who):
    assert told.call(who).get(told.path).status_code == 200
    assert told.call(who).get(f"{told.path}/history").status_code == 200


@pytest.mark.parametrize("who", ["merchant:2", "buyer:2"])
def test_a_case_of_somebody_else_is_not_found(told, refused, who):
    refused(404, "case_not_found", lambda: told.call(who).get(told.path))
    refused(404, "case_not_found", lambda: told.call(who).get(f"{told.path}/history"))
    party = who.split(":")[0]
    evidence = {"party": party, "kind": "photo", "title": "x", "sha256": "0" * 64}
    refused(404, "case_not_found", lambda: told.ask(who, "evidence", evidence))


def test_a_stranger_learns_nothing_from_the_version_it_names(told, refused):
    evidence = {"party": "merchant", "kind": "photo", "title": "x", "sha256": "0" * 64}
    refused(
        404, "case_not_found", lambda: told.call("merchant:2").post(f"{told.path}/evidence", evidence, 99)
    )


@pytest.mark.parametrize("who", ["agent", "reviewer", "supervisor"])
def test_staff_read_everything(told, who):
    case = told.call(who).get(told.path).json()
    assert (case["statement"], case["contact"]["phone"]) == ("拉链坏了", "13800000000")
    assert [one["text"] for one in case["notes"]] == ["内部备注", "公开备注"]
    assert [(one["title"], one["uri"]) for one in case["evidence"]] == [("拉链照片", "s3://b/1")]
    assert case["lease"]["holder"] == "reviewer-1"


def test_whoever_filed_reads_its_texts_and_no_internal_note(told):
    case = told.call("buyer").get(told.path).json()
    assert (case["statement"], case["contact"]["name"]) == ("拉链坏了", "王芳")
    assert [one["text"] for one in case["notes"]] == ["公开备注"]


def test_a_merchant_reads_its_case_without_contact_data_internal_notes_and_names(told):
    merchant = told.call("merchant")
    case, history = merchant.get(told.path).json(), merchant.get(f"{told.path}/history").json()["data"]
    assert case["statement"] == "拉链坏了"
    assert case["contact"] is None
    assert [one["text"] for one in case["notes"]] == ["公开备注"]
    assert (case["lease"]["holder"], case["lease"]["role"]) == (None, "reviewer")
    filed = history[0]["data"]
    assert filed["statement"] == "拉链坏了"
    assert filed.keys().isdisjoint({"contact", "buyer"})
    notes = [one for one in history if one["type"] == "NoteAdded"]
    assert [one["data"]["text"] for one in notes] == ["公开备注"]
    staff = [one["actor"] for one in history if one["actor"]["role"] in ("agent", "reviewer")]
    assert staff
    assert {actor["id"] for actor in staff} == {None}
    whole = json.dumps([case, history], ensure_ascii=False)
    for hidden in ("王芳", "13800000000", "杭州市", "内部备注", "reviewer-1", "agent-1"):
        assert hidden not in whole


def test_versions_of_a_merchants_history_have_gaps_where_notes_are_internal(told):
    versions = [one["version"] for one in told.call("merchant").get(f"{told.path}/history").json()["data"]]
    assert versions == [1, 2, 3, 4, 6, 7]


def test_an_auditor_reads_everything_but_contact_data(told):
    caller = told.call("auditor")
    case, history = caller.get(told.path).json(), caller.get(f"{told.path}/history").json()["data"]
    assert (case["statement"], case["contact"]) == ("拉链坏了", None)
    assert [one["text"] for one in case["notes"]] == ["内部备注", "公开备注"]
    assert {one["actor"]["id"] for one in history} == {"buyer-app", "reviewer-1", "agent-1"}
    whole = json.dumps([case, history], ensure_ascii=False)
    for hidden in ("王芳", "13800000000", "杭州市"):
        assert hidden not in whole


@pytest.mark.parametrize("who", ["finance", "logistics", "admin"])
def test_whoever_neither_works_on_cases_nor_is_a_party_reads_facts_without_texts(told, who):
    caller = told.call(who)
    case, history = caller.get(told.path).json(), caller.get(f"{told.path}/history").json()["data"]
    assert [one["version"] for one in history] == list(range(1, told.version + 1))
    assert case["statement"] is None
    assert case["contact"] is None
    assert "contact" not in history[0]["data"]
    assert {one["data"]["text"] for one in history if one["type"] == "NoteAdded"} == {None}
    whole = json.dumps([case, history], ensure_ascii=False)
    for hidden in ("王芳", "13800000000", "杭州市", "备注", "拉链坏了", "拉链照片", "看过了"):
        assert hidden not in whole


def test_a_history_tells_who_did_what_when(told):
    (filed, claimed, *_) = told.call("reviewer").get(f"{told.path}/history").json()["data"]
    assert filed.keys() == {"version", "position", "type", "recorded_at", "at", "actor", "request_id", "data"}
    assert (filed["type"], filed["version"]) == ("CaseFiled", 1)
    assert filed["actor"] == {"id": "buyer-app", "role": "buyer-integration"}
    assert filed["at"] == "2026-11-10T08:00:00Z"
    assert filed["data"]["order"] == told.order
    assert filed["data"]["contact"] == {"name": "王芳", "phone": "13800000000", "address": "杭州市"}
    assert (claimed["type"], claimed["actor"]["id"]) == ("CaseClaimed", "reviewer-1")
    assert filed["data"].keys().isdisjoint({"originator_id", "originator_version", "timestamp"})


def test_a_history_as_known_at_a_version_or_an_instant(told):
    def history(**query):
        return told.call("reviewer").get(f"{told.path}/history", **query).json()["data"]

    whole = history()
    assert history(version=2) == whole[:2]
    assert history(at=whole[2]["recorded_at"]) == whole[:3]
    assert history(at="2020-01-01T00:00:00Z") == []


def test_the_token_of_a_lease_is_its_holders_own(told):
    assert told.call("reviewer").get(told.path).json()["lease"]["token"]
    assert told.call("supervisor").get(told.path).json()["lease"]["token"] is None


@pytest.mark.parametrize("who", ["supervisor", "auditor", "buyer", "merchant"])
def test_a_history_shows_the_token_of_a_lease_to_its_holder_alone(told, who):
    def claimed(name):
        history = told.call(name).get(f"{told.path}/history").json()["data"]
        return next(one["data"] for one in history if one["type"] == "CaseClaimed")

    assert "token" in claimed("reviewer")
    assert "token" not in claimed(who)


def test_a_merchant_is_not_told_who_of_the_platform_held_the_case_that_it_settled(story):
    told = story()
    told.did("agent", "notice", {"channel": "app"}, versioned=False)
    told.leased("agent")
    told.did("merchant", "answers", {"stance": "agrees", "text": "同意"})
    history = told.call("merchant").get(f"{told.path}/history").json()["data"]
    (released,) = [one for one in history if one["type"] == "CaseReleased"]
    assert released["actor"] == {"id": "seller-1", "role": "merchant"}
    assert "agent-1" not in json.dumps(history)


@pytest.mark.parametrize(
    ("by", "named"),
    [("reviewer-1", None), ("batch:1", None), ("system", "system"), ("incidents", "incidents")],
)
def test_what_the_system_records_names_to_a_merchant_no_person(by, named):
    at = datetime(2026, 11, 10, tzinfo=UTC)
    said: dict[str, Any] = {"holder": by, "cause": ReleaseCause.DECIDED}
    released = CaseReleased(originator_id=uuid4(), originator_version=7, timestamp=at, **said)
    origin = Provenance("incidents", Role.SYSTEM, "batch", None)
    recorded = RecordedFact(released, 1, uuid4(), at, origin)
    merchant = Access(Actor("seller-1", Role.MERCHANT, "m-2001"), "cases.read", "req-1")
    nothing_opened: Any = None
    (shown,) = Presenter(nothing_opened).changes([recorded], merchant)
    assert shown["data"]["holder"] == named


def test_allowed_names_what_the_caller_could_do_now(told):
    def allowed(who):
        return told.call(who).get(told.path).json()["allowed"]

    assert {"verification", "decisions", "notes", "closure"} <= set(allowed("reviewer"))
    assert set(allowed("reviewer:2")).isdisjoint({"verification", "decisions"})
    assert set(allowed("merchant")) == {"promises", "evidence"}
    assert set(allowed("buyer")) == {"promises", "evidence", "withdrawal"}
    assert allowed("auditor") == ["legal-holds"]


def test_staff_may_file_evidence_for_any_party_and_are_recorded_as_doing_so(told):
    evidence = {"party": "buyer", "kind": "photo", "title": "x", "sha256": "0" * 64}
    told.did("agent", "evidence", evidence, versioned=False)
    *_, last = told.call("agent").get(told.path).json()["evidence"]
    assert (last["by_staff"], last["party"], last["actor"]["id"]) == (True, "buyer", "agent-1")


def test_only_the_merchant_concerned_submits_a_rectification(story, refused):
    told = story().rectifying()
    submission = {"text": "x"}
    refused(404, "case_not_found", lambda: told.ask("merchant:2", "rectification/submission", submission))
    told.did("merchant", "rectification/submission", submission, versioned=False)
