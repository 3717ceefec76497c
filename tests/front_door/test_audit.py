"""`recourse audit recompute` over a whole log in a real database."""

import json

import psycopg
import pytest

from infrastructure.bench.histories import fill
from infrastructure.event_store.connections import Datastore
from infrastructure.fact_log import StoredFacts
from infrastructure.policy_pack import default_document

EVENTS = 3000


@pytest.fixture
def filled(recourse_on):
    """A command line on a log of a few hundred cases."""
    fill(recourse_on.url, EVENTS, at_once=10)
    return recourse_on


def test_an_honest_log_holds_no_difference(filled):
    found = filled.json("audit", "recompute")
    assert found["facts"] >= EVENTS
    assert found["differences"] == []
    assert "everything that was decided is what the rules say" in filled("audit", "recompute").stdout


def test_a_due_time_changed_in_the_table_is_found_and_named(filled):
    with psycopg.connect(filled.url) as connection:
        connection.execute("ALTER TABLE events DISABLE TRIGGER USER")
        ((case_id, version, state),) = connection.execute(
            "SELECT originator_id, originator_version, state FROM events"
            " WHERE topic = 'ClockStarted' AND state LIKE '%penalty_expiry%' ORDER BY position LIMIT 1"
        ).fetchall()
        changed = json.loads(bytes(state)) | {"due": "2039-01-01T00:00:00Z"}
        connection.execute(
            "UPDATE events SET state = %s WHERE originator_id = %s AND originator_version = %s",
            (json.dumps(changed, separators=(",", ":")).encode(), case_id, version),
        )
    (found,) = filled.json("audit", "recompute", code=3)["differences"]
    assert (found["stream"], found["version"]) == (str(case_id), version)
    assert (found["fact"], found["part"], found["stored"]) == ("ClockStarted", "due", "2039-01-01T00:00:00Z")
    told = filled("audit", "recompute", code=3).stdout
    assert "1 differences" in told
    assert "ClockStarted" in told


def test_the_log_is_read_stream_by_stream_whatever_the_size_of_a_page(filled):
    datastore = Datastore(filled.url, pool_size=1, max_overflow=0)
    datastore.pool.open()
    whole = [
        (one.fact.originator_id, one.fact.originator_version) for one in StoredFacts(datastore).streams()
    ]
    paged = StoredFacts(datastore, page=7).streams()
    assert [(one.fact.originator_id, one.fact.originator_version) for one in paged] == whole
    assert whole == sorted(whole)
    assert len(whole) == StoredFacts(datastore).size()
    datastore.close()


# --- what if ------------------------------------------------------------------------------------------


@pytest.fixture
def draft(tmp_path):
    """A file with the built-in policy, but with an hour for the follow-up and one point for a penalty."""
    document = json.loads(json.dumps(default_document(), default=str))
    document["version"] = "draft"
    document["rules"]["O-4"]["terms"]["delay"] = {"hours": 1}
    document["rules"]["S-1"]["terms"]["tariff"]["S-1"]["max_points"] = 1
    path = tmp_path / "draft.json"
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return str(path)


def test_a_draft_is_simulated_by_merchant_and_type_and_nothing_is_written(filled, draft):
    before = filled.json("audit", "recompute")["facts"]
    asked = ("policy", "simulate", draft, "--from", "2026-01-01", "--to", "2027-12-31")
    said = filled.json(*asked)
    total = said["total"]
    assert 0 < total["changed"] <= total["cases"]
    assert total["points_simulated"] == total["points"] / 2 > 0
    assert total["missed_simulated"] > total["missed"]
    assert total["cost_simulated"] == total["cost"] > 0
    assert sum(group["cases"] for group in said["groups"]) == total["cases"]
    assert {change["what"] for change in said["changes"]} >= {"due", "penalty"}
    assert filled.json("audit", "recompute")["facts"] == before
    assert "cases change" in filled(*asked).stdout


def test_the_policy_in_force_changes_nothing(filled):
    said = filled.json("policy", "simulate", "cn-2026", "--from", "2026-01-01", "--to", "2027-12-31")
    assert (said["total"]["changed"], said["changes"]) == (0, [])


def test_a_window_without_cases_compares_nothing(filled, draft):
    said = filled.json("policy", "simulate", draft, "--from", "2020-01-01", "--to", "2020-01-02")
    assert (said["total"]["cases"], said["groups"]) == (0, [])


def test_an_unsound_draft_is_told_with_the_command_that_shows_its_faults(filled, tmp_path):
    (tmp_path / "draft.yaml").write_text("version: draft")
    path = str(tmp_path / "draft.yaml")
    told = filled("policy", "simulate", path, "--from", "2026-01-01", "--to", "2026-01-02", code=1)
    assert f"next: recourse policy check {path}" in told.stderr


def test_who_saw_what_is_no_part_of_what_is_derived(filled):
    with psycopg.connect(filled.url) as connection:
        connection.execute(
            "INSERT INTO events SELECT gen_random_uuid(), 2, position, 'PageRead', '{}', gen_random_uuid(),"
            " recorded_at, actor_id, actor_role, request_id, NULL, 1 FROM events LIMIT 1"
        )
    assert filled.json("audit", "recompute")["differences"] == []


@pytest.fixture
def decided(filled):
    """A case that was decided, the version of its decision, and the id of it."""
    with psycopg.connect(filled.url) as connection:
        ((case_id, version, state),) = connection.execute(
            "SELECT originator_id, originator_version, state FROM events"
            " WHERE topic = 'DecisionIssued' ORDER BY position LIMIT 1"
        ).fetchall()
    return str(case_id), version, json.loads(bytes(state))["decision_id"]


def test_a_case_is_shown_as_it_was_known_at_a_version_or_to_whoever_decided(filled, decided):
    case_id, version, decision_id = decided
    assert filled.json("audit", "show", case_id) == filled.json("case", "show", case_id)
    made = filled.json("audit", "show", case_id, "--version", str(version))
    seen = filled.json("audit", "show", case_id, "--decision", decision_id)
    assert (made["version"], made["decision"]["decision_id"]) == (version, decision_id)
    assert (seen["version"], seen["decision"]) == (version - 1, None)
    assert made["number"] in filled("audit", "show", case_id, "--decision", decision_id).stdout


def test_two_moments_of_a_case_are_compared(filled, decided):
    case_id, version, _ = decided
    words = ("audit", "show", case_id, "--version", str(version - 1), "--against", "2100-01-01")
    changed = {one["path"]: one for one in filled.json(*words)["data"]}
    assert changed["/version"]["before"] == version - 1
    assert changed["/version"]["after"] == filled.json("case", "show", case_id)["version"]
    assert changed["/decision"]["before"] is None
    assert "/decision" in filled(*words).stdout
    now = ("audit", "show", case_id, "--at", "2100-01-01", "--against", "2100-01-01T00:00:00Z")
    assert filled.json(*now) == {"data": []}
    assert "nothing changed" in filled(*now).stdout


def test_a_moment_at_which_there_was_nothing_is_told(filled, decided):
    case_id, *_ = decided
    before = filled("audit", "show", case_id, "--at", "2020-01-01T00:00:00+08:00", code=1)
    assert "there is no version" in before.stderr
    assert "there is no version" in filled("audit", "show", case_id, "--version", "9999", code=1).stderr
    assert "must be an instant" in filled("audit", "show", case_id, "--at", "noon", code=2).stderr
