"""`recourse audit recompute` over a whole log in a real database."""

import json

import psycopg
import pytest

from infrastructure.bench.histories import fill
from infrastructure.event_store.connections import Datastore
from infrastructure.fact_log import StoredFacts

EVENTS = 3000


@pytest.fixture
def filled(recourse_on):
    """A command line on a log of a few hundred cases."""
    fill(recourse_on.url, EVENTS)
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
            "SELECT originator_id, originator_version, state FROM events WHERE topic = 'ClockStarted'"
            " AND state LIKE '%follow_up%' ORDER BY position LIMIT 1"
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
