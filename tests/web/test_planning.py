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


# --- the work of the platform's people ----------------------------------------------------------------

EXPENSIVE = {"amount_minor": 600_000, "currency": "CNY"}
APPEAL = {
    "reasons": "买家自己剪断了拉链",
    "new_evidence": [{"kind": "video", "title": "录像", "sha256": "1" * 64, "uri": "s3://x/2.mp4"}],
}
OVERTURNED = {"outcome": "overturned", "clauses": ["Q-1"], "reasons": "录像为证"}


@pytest.fixture
def work(call, installation):
    """What somebody has on the desk and did, as the supervisor sees it; other tests add to it."""

    def of(who, **span):
        installation.catch_up()
        body = call("supervisor").get("/reviewers/workload", **span).json()
        assert answers.Workload().validate(body) == {}
        assert [one["reviewer_id"] for one in body["data"]] == sorted(
            one["reviewer_id"] for one in body["data"]
        )
        found = {one["reviewer_id"]: one for one in body["data"]}[who]
        return {
            name: value
            for name, value in found.items()
            if isinstance(value, int) or name in ("leases", "decisions", "appeals_lost")
        }

    return of


def grown(before, after):
    """By how much each number that changed has grown."""
    flat: dict[str, int] = {}
    for name, value in after.items():
        pairs = value.items() if isinstance(value, dict) else [(name, value)]
        was = before[name] if isinstance(value, dict) else before
        flat |= {key: number - was[key] for key, number in pairs if number != was[key]}
    return flat


def test_what_somebody_holds_and_decides_is_counted(story, work):
    story().decided()
    before = work("reviewer-1")
    told = story().leased()
    assert grown(before, work("reviewer-1")) == {"held": 1}
    told.decided()
    one_more = {"today": 1, "last_7_days": 1, "last_30_days": 1, "in_span": 1}
    assert grown(before, work("reviewer-1")) == one_more


def test_decisions_are_counted_in_the_span_that_is_asked_for(story, work):
    spans = [
        {"from": "2026-11-10T08:00:00Z"},
        {"from": "2026-11-10T08:00:00Z", "to": "2026-11-10T08:00:01Z"},
        {"from": "2026-11-10T08:00:01Z"},
        {"to": "2026-11-10T08:00:00Z"},
    ]
    story().decided()
    before = [work("reviewer-1", **span)["decisions"]["in_span"] for span in spans]
    story().decided()
    after = [work("reviewer-1", **span)["decisions"]["in_span"] for span in spans]
    assert [new - old for old, new in zip(before, after, strict=True)] == [1, 1, 0, 0]


def test_the_span_that_was_asked_for_is_told(call):
    span = {"from": "2026-11-01T00:00:00+08:00", "to": "2026-11-08T00:00:00+08:00"}
    body = call("auditor").get("/reviewers/workload", **span).json()
    assert (body["from"], body["to"]) == ("2026-10-31T16:00:00.000000Z", "2026-11-07T16:00:00.000000Z")
    body = call("auditor").get("/reviewers/workload").json()
    assert (body["from"], body["to"]) == ("2026-10-11T08:00:00.000000Z", "2026-11-10T08:00:00.000000Z")


def test_a_decision_that_waits_for_a_second_person_is_its_proposers(story, filing, work, call):
    story().decided()
    before = work("reviewer-1")
    order = filing()["order"] | {"paid": EXPENSIVE, "order_id": f"PO-{uuid4()}"}
    told = story(order=order).verified()
    refund = {"kind": "refund", "amount": EXPENSIVE, "payer": "merchant"}
    body = {"remedies": [refund], "clauses": ["Q-1"], "reasons": "整机报废"}
    answer = told.ask("reviewer", "decisions", body)
    assert answer.status_code == 202, answer.text
    assert grown(before, work("reviewer-1")) == {"proposals_waiting": 1}
    proposal, told.version = answer.json(), answer.json()["version"]
    place = f"decisions/{proposal['proposal_id']}/approval"
    told.did("supervisor", place, {"proposal_hash": proposal["proposal_hash"]})
    assert grown(before, work("reviewer-1")).keys() == {"today", "last_7_days", "last_30_days", "in_span"}


def test_what_falls_on_appeal_is_counted_for_both(story, work):
    told = story().paid()
    appeal_id = told.did("merchant", "appeals", APPEAL)["appeal_id"]
    told.leased("reviewer:2")
    decider, judge = work("reviewer-1"), work("reviewer-2")
    told.did("reviewer:2", f"appeals/{appeal_id}/decision", OVERTURNED)
    assert grown(decider, work("reviewer-1")) == {"overturned": 1}
    assert grown(judge, work("reviewer-2")) == {"appeals_judged": 1, "held": -1}


@pytest.mark.parametrize("who", ["reviewer", "agent"])
def test_who_works_on_cases_sees_their_own_work_alone(story, call, installation, who):
    for name in ("reviewer", "agent"):
        story().leased(name)
    told = story().leased("agent")
    installation.catch_up()
    body = call(who).get("/reviewers/workload", min_position=told.position).json()
    assert answers.Workload().validate(body) == {}
    assert [one["reviewer_id"] for one in body["data"]] == [f"{who}-1"]
    for other in ("supervisor", "auditor", "admin"):
        seen = call(other).get("/reviewers/workload").json()["data"]
        assert {"reviewer-1", "agent-1"} <= {one["reviewer_id"] for one in seen}
        assert body["data"][0] in seen


@pytest.mark.parametrize("who", ["buyer", "merchant", "finance", "logistics"])
def test_the_work_of_the_platforms_people_is_not_for_others(call, refused, who):
    refused(403, "forbidden", lambda: call(who).get("/reviewers/workload"))


@pytest.mark.parametrize("query", ["from=x", "to=2026-11-10", "reviewer_id=reviewer-1", "min_position=x"])
def test_a_question_about_work_that_makes_no_sense_is_told_so(call, refused, query):
    refused(422, "invalid_request", lambda: call("supervisor").get(f"/reviewers/workload?{query}"))
