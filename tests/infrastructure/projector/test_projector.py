"""The projector and its supervisor on a real PostgreSQL: the same rows whatever happens on the way."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from application.store import Effects, Provenance
from domain.case import Case
from domain.events import FACTS, Fact
from infrastructure.event_store.append_call import AppendCall, PendingEvent
from infrastructure.projection_supervisor import ProjectionSupervisor, UnknownProjection, wait_for
from infrastructure.projection_tables import Table
from infrastructure.projector import LeadershipLost, NotLeading, Projector
from infrastructure.store import PostgresStore
from projections.catalogue import ALL
from projections.read_model import ReadModel
from projections.review_queue import REVIEW_QUEUE

WHO = Provenance("shop-1", "buyer-integration", "req-1")
ROOT = Path(__file__).parents[3]

NewCase = Callable[[], Case]

OF_CASES = [model for model in ALL if "Case" in model.kinds]
"""The read models that the history of cases in these tests' database has something to say to."""

each_model = pytest.mark.parametrize("model", OF_CASES, ids=lambda model: model.name)


# --- the same rows ----------------------------------------------------------------------------------


@each_model
def test_batches_of_any_size_leave_the_same_rows(kept: Any, model: ReadModel[Any]) -> None:
    seen = []
    for batch in (1000, 7):
        projector = Projector(kept.url, model, holder="test", batch=batch)
        assert projector.catch_up() == kept.events
        projector.close()
        seen.append(kept.rows(model))
        kept.execute(f"TRUNCATE {model.table}")
        kept.execute("UPDATE projections SET position = 0")

    assert seen[0] == seen[1] != []


@each_model
def test_a_history_delivered_twice_leaves_the_rows_of_once(kept: Any, model: ReadModel[Any]) -> None:
    projector = Projector(kept.url, model, holder="test", batch=100)
    projector.catch_up()
    projector.close()
    once = kept.rows(model)

    kept.execute("UPDATE projections SET position = 0")
    assert projector.catch_up() == kept.events
    projector.close()

    assert kept.rows(model) == once


@each_model
def test_the_rows_are_those_of_the_pure_fold(kept: Any, model: ReadModel[Any]) -> None:
    projector = Projector(kept.url, model, holder="test", batch=100)
    projector.catch_up()
    projector.close()

    with PostgresStore(kept.url) as store, psycopg.connect(kept.url) as connection:
        cases = connection.execute("SELECT DISTINCT originator_id FROM events").fetchall()
        stored = Table(model, model.table).load(connection, [case_id for (case_id,) in cases])
        for (case_id,) in cases:
            rows: Any = {}
            for recorded in store.facts(case_id):
                rows = model.fold(rows, recorded.fact)

            assert stored.get(case_id, {}) == rows


def test_nothing_is_read_beyond_what_is_final(kept: Any, new_case: NewCase) -> None:
    projector = Projector(kept.url, REVIEW_QUEUE, holder="test")
    with psycopg.connect(kept.url) as writer:
        writer.execute("SELECT pg_current_xact_id()")
        with PostgresStore(kept.url) as store:
            store.save(new_case(), WHO)

        assert projector.catch_up() == kept.events
        assert projector.advance() == 0

    assert projector.catch_up() == 1
    projector.close()


class ShelfBegun(Fact):
    """A fact of an aggregate that is no case."""

    OF = "Shelf"


def test_facts_of_other_kinds_are_passed_over_without_being_read(
    kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable = PendingEvent(uuid4(), 1, "ShelfBegun", b"no fact can be read from this", uuid4(), 1)
    with PostgresStore(kept.url) as store:
        position = store.datastore.append(AppendCall.of([unreadable], WHO, Effects()), 1)
    monkeypatch.setitem(FACTS, "ShelfBegun", ShelfBegun)
    projector = Projector(kept.url, REVIEW_QUEUE, holder="test")

    assert projector.catch_up() == kept.events + 1
    projector.close()
    assert kept.position(REVIEW_QUEUE) == position
    assert kept.supervisor().parked() == []


def test_catching_up_stops_at_the_position_asked_for(kept: Any) -> None:
    projector = Projector(kept.url, REVIEW_QUEUE, holder="test", batch=100)

    assert projector.catch_up(until=250) == 250
    projector.close()
    assert kept.position(REVIEW_QUEUE) == 250


def test_all_read_models_catch_up_one_after_the_other(kept: Any) -> None:
    assert kept.supervisor().catch_up() == kept.events * len(ALL)
    assert kept.supervisor().catch_up() == 0


def test_preparing_again_makes_nothing(kept: Any) -> None:
    assert kept.supervisor().prepare() == []


def test_many_may_prepare_at_once(migrated_database: str) -> None:
    made: list[str] = []
    threads = [
        Thread(target=lambda: made.extend(ProjectionSupervisor(migrated_database, holder="test").prepare()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(made) == sorted(model.table for model in ALL)


# --- one leader -------------------------------------------------------------------------------------


def test_of_two_projectors_one_leads(kept: Any) -> None:
    first = Projector(kept.url, REVIEW_QUEUE, holder="first", batch=100)
    second = Projector(kept.url, REVIEW_QUEUE, holder="second", batch=100)
    assert first.advance() == 100

    with pytest.raises(NotLeading):
        second.advance()

    first.close()
    assert second.advance() == 100
    second.close()
    assert kept.position(REVIEW_QUEUE) == 200


def test_an_idle_leader_keeps_its_lease(kept: Any) -> None:
    first = Projector(kept.url, REVIEW_QUEUE, holder="first", lease=timedelta(seconds=0.6))
    second = Projector(kept.url, REVIEW_QUEUE, holder="second", lease=timedelta(seconds=0.6))
    first.catch_up()

    with kept.running(first):
        ends_at = monotonic() + 1.5
        while monotonic() < ends_at:
            with pytest.raises(NotLeading):
                second.advance()
    second.close()


def test_the_write_of_an_old_leader_is_refused(kept: Any) -> None:
    old = Projector(kept.url, REVIEW_QUEUE, holder="old", lease=timedelta(0), batch=100)
    new = Projector(kept.url, REVIEW_QUEUE, holder="new", batch=100)
    assert old.advance() == 100
    assert new.advance() == 100
    before = kept.rows(REVIEW_QUEUE)

    with pytest.raises(LeadershipLost):
        old.advance()

    assert kept.rows(REVIEW_QUEUE) == before
    assert kept.position(REVIEW_QUEUE) == 200
    with pytest.raises(NotLeading):
        old.advance()
    new.close()
    old.close()


def test_an_old_leader_that_goes_leaves_the_lease_of_the_new_one(kept: Any) -> None:
    old = Projector(kept.url, REVIEW_QUEUE, holder="old", lease=timedelta(0))
    new = Projector(kept.url, REVIEW_QUEUE, holder="new")
    old.lead()
    new.lead()

    old.close()

    with pytest.raises(NotLeading):
        old.lead()
    new.close()
    old.close()


LEAD = """
import sys
from threading import Event
from datetime import timedelta
from infrastructure.projection_supervisor import ProjectionSupervisor
supervisor = ProjectionSupervisor(sys.argv[1], holder="killed", lease=timedelta(seconds=1))
print("ready", flush=True)
supervisor.run(Event())
"""


def test_when_the_leader_is_killed_another_takes_over(kept: Any, new_case: NewCase) -> None:
    leader = subprocess.Popen(
        [sys.executable, "-c", LEAD, kept.url], cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ}
    )
    try:
        kept.eventually(lambda: {row.holder for row in kept.supervisor().status()} == {"killed"})
        with kept.running(kept.supervisor(lease=timedelta(seconds=1))):
            leader.send_signal(signal.SIGKILL)
            leader.wait()
            with PostgresStore(kept.url) as store:
                position = store.save(new_case(), WHO)
            for model in ALL:
                assert kept.supervisor().wait_for(model.name, position, timeout=20)
    finally:
        leader.kill()
        leader.wait()
        if leader.stdout:
            leader.stdout.close()


# --- outages ----------------------------------------------------------------------------------------


def test_a_database_that_goes_away_and_returns_is_waited_for(
    kept: Any, new_case: NewCase, caplog: pytest.LogCaptureFixture
) -> None:
    def missed_by(model: ReadModel[Any]) -> bool:
        return any(f"{model.table}: no database" in message for message in caplog.messages)

    with kept.running(kept.supervisor()), PostgresStore(kept.url) as store:
        kept.eventually(lambda: all(row.lag_events == 0 for row in kept.supervisor().status()))
        with kept.taken_away():
            kept.eventually(lambda: all(missed_by(model) for model in ALL))
        position = store.save(new_case(), WHO)

        for model in ALL:
            assert kept.supervisor().wait_for(model.name, position, timeout=20)


def test_a_failure_nobody_foresaw_is_logged_and_the_work_taken_up_again(
    kept: Any, caplog: pytest.LogCaptureFixture
) -> None:
    projector = Projector(kept.url, REVIEW_QUEUE, holder="test")
    kept.execute("ALTER TABLE review_queue_v3 RENAME TO mislaid")

    with kept.running(projector):
        kept.eventually(lambda: "review_queue_v3: failed" in caplog.text)
        kept.execute("ALTER TABLE mislaid RENAME TO review_queue_v3")
        kept.eventually(lambda: kept.position(REVIEW_QUEUE) == kept.events)


# --- freshness --------------------------------------------------------------------------------------


def test_a_list_read_waits_for_the_position_that_it_was_given(kept: Any, new_case: NewCase) -> None:
    with kept.running(kept.supervisor()), PostgresStore(kept.url) as store:
        for _ in range(5):
            case = new_case()
            position = store.save(case, WHO)

            assert kept.supervisor().wait_for("review_queue", position, timeout=20)
            assert str(case.id) in {str(row[0]) for row in kept.rows(REVIEW_QUEUE)}


def test_a_position_that_does_not_come_is_waited_for_in_vain(kept: Any) -> None:
    started = monotonic()

    assert not kept.supervisor().wait_for("review_queue", 1, timeout=0.2)
    assert 0.2 <= monotonic() - started < 5
    assert kept.supervisor().wait_for("review_queue", 0, timeout=0)
    assert not kept.supervisor().wait_for("review_queue", 2**80, timeout=0)


def test_no_connection_is_held_while_waiting(kept: Any) -> None:
    held = []

    @contextmanager
    def borrow() -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(kept.url) as connection:
            held.append(monotonic())
            yield connection

    assert not wait_for(borrow, REVIEW_QUEUE, 1, timeout=0.1)
    assert len(held) > 1
    assert all(later > earlier for earlier, later in pairwise(held))


def test_a_read_model_without_a_name_is_unknown(kept: Any) -> None:
    with pytest.raises(UnknownProjection):
        kept.supervisor().wait_for("nonsense", 1)


def test_the_lag_is_told_in_events_and_seconds(kept: Any) -> None:
    def lag() -> tuple[int, bool]:
        (row,) = [row for row in kept.supervisor().status() if row.name == "review_queue"]
        return row.lag_events, row.lag_seconds > 0

    projector = Projector(kept.url, REVIEW_QUEUE, holder="test", batch=100)
    assert lag() == (kept.events, True)
    projector.advance()
    assert lag() == (kept.events - 100, True)
    projector.catch_up()
    projector.close()
    assert lag() == (0, False)


def test_the_status_names_who_leads_and_until_when_it_does(kept: Any) -> None:
    projector = Projector(kept.url, REVIEW_QUEUE, holder="me")

    projector.advance()
    leading = {row.name: row.holder for row in kept.supervisor().status()}
    projector.close()
    after = {row.name: row.holder for row in kept.supervisor().status()}

    assert leading["review_queue"] == "me"
    assert leading["follow_ups"] is None
    assert after["review_queue"] is None
