"""Who saw what of a case, as HTTP records and tells it."""

from urllib.parse import quote

import pytest

from application.store import StoreUnavailable

WHY = "投诉复核 R-17"
STATED = {"X-Access-Reason": quote(WHY)}


@pytest.fixture
def told(story):
    return story()


@pytest.fixture
def entries(told):
    """The entries of the case's log, as they were before they are asked for."""

    def ask(**query):
        path = f"{told.path}/accesses"
        answer = told.call("supervisor").ask("GET", path, params=query, headers=STATED)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    return ask


@pytest.mark.parametrize("who", ["agent", "reviewer", "supervisor", "buyer", "merchant"])
@pytest.mark.parametrize("page", ["", "/history"])
def test_opening_texts_is_recorded_once_a_request(told, entries, who, page):
    answer = told.call(who).get(f"{told.path}{page}")
    (entry,) = entries()
    contact = [] if who == "merchant" else ["contact.address", "contact.name", "contact.phone"]
    assert entry["type"] == "SealedDataOpened"
    assert (entry["permission"], entry["fields"]) == ("cases.read", [*contact, "statement"])
    assert (entry["request_id"], entry["reason"]) == (answer.headers["X-Request-Id"], None)


@pytest.mark.parametrize("who", ["finance", "logistics", "admin"])
def test_whoever_reads_no_texts_leaves_no_record(told, entries, who):
    told.call(who).get(told.path)
    assert entries() == []


def test_a_case_is_read_at_the_same_version_however_often_it_is_looked_at(told):
    for who in ("agent", "auditor", "merchant:2"):
        told.call(who).get(told.path)
    assert told.call("agent").get(told.path).headers["ETag"] == '"1"'


def test_an_auditor_who_states_a_reason_reads_contact_data(told, entries):
    answer = told.call("auditor").ask("GET", told.path, headers=STATED)
    assert answer.json()["contact"] == {"name": "王芳", "phone": "13800000000", "address": "杭州市"}
    (entry,) = entries()
    assert entry["actor"] == {"id": "auditor-1", "role": "auditor"}
    assert (entry["reason"], "contact.phone" in entry["fields"]) == (WHY, True)


def test_an_auditor_who_states_none_reads_texts_alone_and_is_recorded(told, entries):
    answer = told.call("auditor").get(told.path)
    assert (answer.status_code, answer.json()["contact"]) == (200, None)
    (entry,) = entries()
    assert (entry["fields"], entry["reason"]) == (["statement"], None)


def test_an_auditor_is_recorded_where_there_is_nothing_to_open(story):
    told = story(statement=None, contact=None)
    told.call("auditor").get(told.path)
    answer = told.call("supervisor").ask("GET", f"{told.path}/accesses", headers=STATED)
    assert [one["type"] for one in answer.json()["data"]] == ["PageRead"]


@pytest.mark.parametrize("sent", [WHY.encode(), quote(WHY).encode()])
def test_a_reason_may_be_sent_in_utf_8_or_percent_encoded(told, entries, sent):
    assert told.call("agent").ask("GET", told.path, headers={"X-Access-Reason": sent}).status_code == 200
    assert [one["reason"] for one in entries()] == [WHY]


@pytest.mark.parametrize("sent", ["", "abc", "x" * 201, b"\xff\xfe\xfd\xfc", "%00%00%00%00", "%20%20abc%20"])
@pytest.mark.parametrize("page", ["", "/history", "/accesses"])
def test_a_reason_that_is_none_is_refused_and_nothing_shown(told, refused, sent, page):
    problem = refused(
        422,
        "invalid_request",
        lambda: told.call("auditor").ask("GET", f"{told.path}{page}", headers={"X-Access-Reason": sent}),
    )
    assert [(one["pointer"], one["in"]) for one in problem["errors"]] == [("/X-Access-Reason", "header")]


# --- refusals ---


def test_a_stranger_is_recorded_and_told_that_there_is_no_such_case(told, entries, refused):
    for who in ("merchant:2", "buyer:2"):
        refused(404, "case_not_found", lambda who=who: told.call(who).get(told.path))
    evidence = {"party": "merchant", "kind": "photo", "title": "x", "sha256": "0" * 64}
    refused(404, "case_not_found", lambda: told.ask("merchant:2", "evidence", evidence))
    assert [(one["type"], one["actor"]["id"], one["permission"]) for one in entries()] == [
        ("AccessRefused", "seller-2", "evidence.submit"),
        ("AccessRefused", "other-app", "cases.read"),
        ("AccessRefused", "seller-2", "cases.read"),
    ]


def test_whoever_lacks_the_right_is_recorded(told, entries, refused):
    path = f"{told.path}/evidence/{told.id}/content"
    refused(403, "forbidden", lambda: told.call("finance").ask("GET", path, headers=STATED))
    assert [(one["type"], one["permission"], one["reason"]) for one in entries()] == [
        ("AccessRefused", "evidence.read", WHY)
    ]


def test_a_refusal_is_recorded_whatever_is_sent_as_its_reason(told, entries, refused):
    sent = {"X_Access_Reason": "x"}
    refused(403, "forbidden", lambda: told.ask("buyer", "notes", NOTE, **sent))
    assert [(one["permission"], one["reason"]) for one in entries()] == [("cases.note", None)]


NOTE = {"text": "x", "visibility": "internal"}


def test_what_is_missing_in_a_case_of_ones_own_is_no_refusal(told, entries):
    path = f"{told.path}/evidence/{told.id}/content"
    assert told.call("agent").get(path).json()["code"] == "evidence_not_found"
    assert entries() == []


@pytest.mark.parametrize("path", ["/cases/nothing", "/cases/7d0f4b6a-6f0e-4a52-9a41-0e1f55f0a001"])
def test_asking_for_a_case_that_there_is_not_is_no_refusal(call, refused, path):
    refused(404, "case_not_found", lambda: call("merchant").get(path))


# --- what cannot be recorded ---


@pytest.mark.parametrize("who", ["agent", "auditor", "merchant:2"])
def test_what_cannot_be_recorded_is_not_answered(installation, told, who, monkeypatch):
    def unable(*_):
        raise StoreUnavailable

    accesses = installation.parts["accesses"]
    monkeypatch.setattr(accesses, "_store", Unwritable(installation.store, unable))
    answer = told.call(who).get(told.path)
    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert "拉链坏了" not in answer.text


class Unwritable:
    """A store that can be read alone."""

    def __init__(self, store, add):
        self._store, self.add = store, add

    def __getattr__(self, name):
        return getattr(self._store, name)


# --- reading the log ---


@pytest.mark.parametrize("who", ["buyer", "merchant", "agent", "reviewer", "finance", "logistics"])
def test_who_saw_what_is_told_to_few(told, refused, who):
    path = f"{told.path}/accesses"
    refused(403, "forbidden", lambda: told.call(who).ask("GET", path, headers=STATED))


@pytest.mark.parametrize("who", ["supervisor", "auditor", "admin"])
def test_whoever_reads_the_log_says_why(told, refused, who):
    path = f"{told.path}/accesses"
    refused(428, "access_reason_required", lambda: told.call(who).get(path))
    assert told.call(who).ask("GET", path, headers=STATED).status_code == 200


def test_the_log_comes_in_pages_the_newest_first(told):
    for who in ("agent", "reviewer", "agent"):
        told.call(who).get(told.path)
    path, found = f"{told.path}/accesses", []
    query = {"limit": 2}
    while True:
        answer = told.call("supervisor").ask("GET", path, params=query, headers=STATED)
        page = answer.json()
        found += [one["actor"]["id"] for one in page["data"]]
        if not page["has_more"]:
            break
        assert f"cursor={page['next_cursor']}" in answer.headers["Link"]
        query["cursor"] = page["next_cursor"]
    assert found == ["agent-1", "reviewer-1", "agent-1"]
    assert (page["next_cursor"], "Link" in answer.headers) == (None, False)
