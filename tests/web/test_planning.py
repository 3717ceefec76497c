"""Who has to do what by when, over HTTP: pending clocks, each to those who may read its case."""

import hashlib
from uuid import uuid4

import pytest

from web import answers

PICTURE = b"\xff\xd8\xff picture"


@pytest.fixture
def merchant_id():
    """A merchant that no other test knows."""
    return f"m-{uuid4().hex[:8]}"


@pytest.fixture
def clocks(call, installation):
    """The kinds and parties of the clocks of one case, as somebody sees them."""

    def listed(told, who="supervisor", **asked):
        installation.catch_up()
        body = call(who).get("/deadlines", case_id=told.id, **asked).json()
        assert answers.Deadlines().validate(body) == {}
        return [(one["kind"], one["party"]) for one in body["data"]]

    return listed


def test_the_clock_of_a_case_tells_what_is_due_when_and_by_which_rule(story, call, installation):
    told = story()
    told.did("agent", "notice", {"channel": "app"}, versioned=False)
    installation.catch_up()
    (shown,) = call("agent").get("/deadlines", case_id=told.id).json()["data"]
    number = call("agent").get(told.path).json()["number"]
    assert shown.pop("clock_id") != shown.pop("subject_id")
    assert shown == {
        "case_id": told.id,
        "number": number,
        "merchant_id": "m-2001",
        "kind": "answer",
        "duty": True,
        "party": "merchant",
        "due": "2026-11-11T08:00:00.000000Z",
        "overdue": False,
        "paused": False,
        "seconds_left": None,
        "rule": "M-1",
        "policy": "cn-2026",
    }


def test_clocks_are_found_by_every_filter_and_go_when_they_end(story, clocks, clock, call):
    told = story().rectifying()
    told.did("reviewer", "penalties", {"points": 1, "clause": "S-1", "reasons": "违规"})
    follow_up, rectification, expiry = (
        ("follow_up", "platform"),
        ("rectification", "merchant"),
        ("penalty_expiry", "merchant"),
    )
    assert clocks(told) == [follow_up, rectification, expiry]
    assert clocks(told, duty="true") == [follow_up, rectification]
    assert clocks(told, duty="false") == clocks(told, kind="penalty_expiry") == [expiry]
    assert clocks(told, party="platform") == [follow_up]
    span = {"from": "2026-11-14T00:00:00Z", "to": "2026-11-18T00:00:00Z"}
    assert clocks(told, **span) == [rectification]
    clock.move(days=4)
    assert clocks(told, overdue="true") == [follow_up]
    assert clocks(told, overdue="false") == [rectification, expiry]
    told.did("merchant", "rectification/submission", {"text": "已整改"}, versioned=False)
    assert ("rectification", "platform") in clocks(told)
    told.did("reviewer", "rectification/verdict", {"accepted": True, "reasons": "可"})
    assert clocks(told) == [follow_up, expiry]


def test_a_clock_that_stands_still_is_shown_where_it_is_asked_for(story, call, clocks):
    told = story().paid()
    told.did("reviewer", "suspension", {"ground": "court", "reasons": "法院已受理"})
    assert clocks(told) == [("suspension", "third_party")]
    assert clocks(told, paused="true") == [("follow_up", "platform")]
    (shown,) = call("reviewer").get("/deadlines", case_id=told.id, paused="true").json()["data"]
    assert (shown["due"], shown["paused"], shown["overdue"]) == (None, True, False)
    assert shown["seconds_left"] == 72 * 3600


def test_each_sees_the_clocks_of_its_own_cases(story, clocks, refused, call):
    told, other = story().paid(), story(merchant_id="m-2002").paid()
    waiting = [("follow_up", "platform")]
    for who in ("supervisor", "auditor", "finance", "buyer"):
        assert clocks(told, who) == clocks(other, who) == waiting
    assert (clocks(told, "merchant"), clocks(other, "merchant")) == (waiting, [])
    assert (clocks(told, "merchant:2"), clocks(other, "merchant:2")) == ([], waiting)
    assert clocks(told, "buyer:2") == []
    refused(404, "merchant_not_found", lambda: call("merchant").get("/deadlines?merchant_id=m-2002"))


def test_what_the_buyer_has_not_submitted_yet_is_none_of_the_merchants_business(story, clocks):
    told = story()
    query = {"party": "buyer", "sha256": hashlib.sha256(PICTURE).hexdigest()}
    headers = {"Content-Type": "image/jpeg"}
    place = f"{told.path}/evidence/staging"
    staged = told.call("buyer").ask("POST", place, params=query, data=PICTURE, headers=headers)
    assert staged.status_code == 201, staged.text
    assert clocks(told, "buyer") == clocks(told, "agent") == [("staging", "buyer")]
    assert clocks(told, "merchant") == []


def test_pages_of_clocks_follow_each_other(story, call, installation, merchant_id):
    told = [story(merchant_id=merchant_id).paid() for _ in range(3)]
    installation.catch_up()
    first = call("reviewer").get("/deadlines", merchant_id=merchant_id, limit=2)
    assert first.headers["Link"].endswith('rel="next"')
    cursor = first.json()["next_cursor"]
    rest = call("reviewer").get("/deadlines", merchant_id=merchant_id, limit=2, cursor=cursor).json()
    shown = [one["case_id"] for one in first.json()["data"] + rest["data"]]
    assert (sorted(shown), rest["has_more"]) == (sorted(one.id for one in told), False)


@pytest.mark.parametrize(
    "query", ["kind=x", "party=x", "overdue=x", "from=x", "paused=x", "case_id=x", "cursor=x", "extra=x"]
)
def test_a_question_that_makes_no_sense_is_told_so(call, refused, query):
    refused(422, "invalid_request", lambda: call("reviewer").get(f"/deadlines?{query}"))
