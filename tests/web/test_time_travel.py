"""A case as it was known at a version, at an instant, and to whoever decided: the page shown then."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

REFUND = {"kind": "refund", "amount": {"amount_minor": 19900, "currency": "CNY"}, "payer": "merchant"}
NEW = {"kind": "video", "title": "新证据", "sha256": "1" * 64}
SEERS = ["reviewer", "merchant", "buyer", "auditor", "finance"]


def page(told, who="reviewer", **query):
    return told.call(who).get(told.path, **query)


@pytest.fixture
def looked(story, clock):
    """A case driven to its end, and every page that anybody saw on the way, by version."""
    told, seen = story(), {}

    def look():
        clock.move(minutes=1)
        seen[told.version] = {who: page(told, who).json() for who in SEERS}

    steps = (
        lambda: told.leased(),
        lambda: told.did(
            "reviewer",
            "verification",
            {
                "finding": "upheld",
                "liability": [{"party": "merchant", "share": 100}],
                "reasons": "看过了",
            },
        ),
        lambda: told.did("agent", "notes", {"text": "内部备注", "visibility": "internal"}, versioned=False),
        lambda: told.compensations.extend(
            told.did("reviewer", "decisions", {"remedies": [REFUND], "clauses": ["Q-1"], "reasons": "属实"})[
                "compensations"
            ]
        ),
        lambda: told.did(
            "finance",
            f"{told.line()}/confirmation",
            {"reference": "p", "paid_at": "2026-11-10T07:00:00Z"},
            versioned=False,
        ),
        lambda: told.did("agent", f"{told.follow_up()}/completion", {"satisfied": True}, versioned=False),
        lambda: told.did("reviewer", "closure", {"resolution": "compensated", "reasons": "已办结"}),
    )
    look()
    for step in steps:
        step()
        look()
    return told, seen


WITH_TIME = {"allowed", "lease", "viewer_state"}
"""What also depends on the minute at which one looks."""


def lasting(case):
    return {name: value for name, value in case.items() if name not in WITH_TIME}


@pytest.mark.parametrize("who", SEERS)
def test_every_version_is_shown_as_it_was_then(looked, who):
    told, seen = looked
    assert len(seen) == 8
    for version, pages in seen.items():
        answer = page(told, who, version=version)
        assert answer.headers["ETag"] == f'"{version}"'
        assert lasting(answer.json()) == lasting(pages[who])
        assert answer.json()["allowed"] == pages[who]["allowed"]


def test_an_instant_shows_what_was_recorded_by_then(looked):
    told, seen = looked
    history = told.call("reviewer").get(f"{told.path}/history").json()["data"]
    for version in seen:
        recorded_at = history[version - 1]["recorded_at"]
        assert page(told, at=recorded_at).json()["version"] == version


@pytest.mark.parametrize("who", SEERS)
def test_an_instant_shows_the_page_as_the_history_stopped_there_made_it(looked, who):
    told, seen = looked
    history = told.call("reviewer").get(f"{told.path}/history").json()["data"]
    recorded = [datetime.fromisoformat(fact["recorded_at"]) for fact in history]
    for version, pages in seen.items():
        instants = [recorded[version - 1]]
        if version < len(recorded):
            instants.append(recorded[version] - timedelta(microseconds=1))
        for at in instants:
            assert lasting(page(told, who, at=at.isoformat()).json()) == lasting(pages[who])


def test_a_decision_shows_the_page_that_whoever_made_it_had_seen(looked):
    told, seen = looked
    issued = page(told).json()["decision"]
    at = max(version for version, pages in seen.items() if pages["reviewer"]["decision"] is None)
    shown = page(told, decision=issued["decision_id"]).json()
    assert lasting(shown) == lasting(seen[at]["reviewer"])
    assert (shown["version"], shown["decision"]) == (at, None)
    assert shown["lease"]["holder"] == "reviewer-1"
    assert "decisions" in shown["allowed"]


def test_the_history_ends_where_whoever_decided_had_read_to(looked):
    told, _ = looked
    decision = page(told).json()["decision"]["decision_id"]
    known = told.call("reviewer").get(f"{told.path}/history", decision=decision).json()["data"]
    assert known[-1]["type"] == "NoteAdded"


def test_what_was_not_known_then_is_not_found(looked, refused):
    told, seen = looked
    refused(404, "version_not_found", lambda: page(told, version=max(seen) + 1))
    refused(404, "version_not_found", lambda: page(told, at="2020-01-01T00:00:00Z"))
    refused(404, "decision_not_found", lambda: page(told, decision=str(uuid4())))
    refused(404, "case_not_found", lambda: page(told, "merchant:2", version=1))


@pytest.mark.parametrize("query", [{"version": 0}, {"version": "x"}, {"at": "yesterday"}, {"decision": "1"}])
def test_a_moment_that_is_none_is_refused(looked, refused, query):
    refused(422, "invalid_request", lambda: page(looked[0], **query))


def test_an_appeal_shows_what_whoever_judged_it_had_seen(story):
    told = story().decided(REFUND)
    appeal = told.did(
        "merchant", "appeals", {"against": "decision", "reasons": "不服", "new_evidence": [NEW]}
    )
    told.leased("reviewer:2")
    before = page(told, "reviewer:2").json()
    ruling = {"outcome": "upheld", "clauses": ["Q-1"], "reasons": "维持"}
    told.did("reviewer:2", f"appeals/{appeal['appeal_id']}/decision", ruling)
    shown = page(told, "reviewer:2", decision=appeal["appeal_id"]).json()
    assert lasting(shown) == lasting(before)


def test_what_nobody_may_read_any_more_is_not_read_in_the_past_either(story):
    told = story()
    told.did("agent", "closure", {"resolution": "answered", "reasons": "已答复"})
    told.did("supervisor", "erasure", {"party": "buyer", "reasons": "本人申请"}, versioned=False)
    then = page(told, version=1)
    assert (then.json()["stage"], then.json()["statement"], then.json()["contact"]) == ("filed", None, None)
    known = told.call("reviewer").get(f"{told.path}/history", version=1)
    for hidden in ("拉链坏了", "王芳", "13800000000"):
        assert hidden not in then.text + known.text
