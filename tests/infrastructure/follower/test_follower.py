"""A process is handed every fact that it reads, in order, whatever happens on the way."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from random import Random
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from application.errors import ServiceUnavailable
from application.store import Provenance, StoreUnavailable
from domain.case import Case
from domain.events import CaseFiled, Fact, NoteAdded
from domain.values import Sealed, SealedFor, Visibility
from infrastructure.follower import Follower
from infrastructure.mapper import FactMapper
from infrastructure.process_supervisor import ProcessSupervisor
from infrastructure.projector import LeadershipLost, NotLeading
from infrastructure.store import PostgresStore

WHO = Provenance("shop-1", "buyer-integration", "req-1")
ROOT = Path(__file__).parents[3]
APPEND = "SELECT append_fact(%s, 1, 'CaseFiled', %s, %s, 1::smallint, 'a', 'system', 'r', NULL, NULL)"


# --- every fact, in order ---------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1000, 7])
def test_a_new_process_is_handed_every_fact_that_it_reads_once_from_the_first_one_on(
    kept, follow, remembering, expected, stored_position, batch
) -> None:
    process = remembering()
    follow(process, batch=batch).catch_up()

    assert process.positions == expected
    assert stored_position() == kept.events


def test_a_fact_is_handed_over_with_all_that_the_store_knows_of_it(kept, follow, remembering) -> None:
    process = remembering()
    follow(process).catch_up()

    with PostgresStore(kept.url) as store:
        for stream in {recorded.fact.originator_id for recorded in process.seen[:50]}:
            known = [one for one in store.facts(stream) if type(one.fact) in process.reads]
            assert [one for one in process.seen if one.fact.originator_id == stream] == known


def test_a_process_that_reads_nothing_moves_over_everything(
    kept, follow, remembering, stored_position
) -> None:
    process = remembering()
    process.reads = frozenset()
    follow(process).catch_up()

    assert process.seen == []
    assert stored_position() == kept.events


def test_who_goes_on_begins_where_it_was_left(kept, follow, remembering, new_case) -> None:
    follow(remembering(), holder="first").catch_up()
    process = remembering()
    second = follow(process, holder="second", lease=timedelta(0))
    kept.execute("UPDATE processes SET lease_until = now()")
    with PostgresStore(kept.url) as store:
        position = store.save(new_case(), WHO)
    kept.eventually(lambda: second.advance())

    assert process.positions == [position]


def test_nothing_is_handed_over_before_it_is_final(
    kept, follow, remembering, expected, stored_position, new_case
) -> None:
    process = remembering()
    follower = follow(process)
    with psycopg.connect(kept.url) as writer:
        writer.execute("SELECT pg_current_xact_id()")
        with PostgresStore(kept.url) as store:
            position = store.save(new_case(), WHO)
        follower.catch_up()

        assert process.positions == expected
        assert stored_position() == kept.events

    kept.eventually(lambda: follower.advance())
    assert process.positions == [*expected, position]


def test_no_fact_of_writers_who_dawdle_is_skipped(kept, remembering, expected, new_case) -> None:
    """They take their places in the order early and commit late; one in five rolls back."""
    process = remembering()
    state = FactMapper().to_stored_event(new_case().pending_events[0]).state
    committed: list[UUID] = []

    def dawdle(seed: int) -> None:
        chance = Random(seed)
        with psycopg.connect(kept.url) as connection:
            for _ in range(25):
                stream = uuid4()
                connection.execute(APPEND, (stream, state, uuid4()))
                sleep(chance.random() / 100)
                if chance.random() < 0.2:
                    connection.rollback()
                else:
                    connection.commit()
                    committed.append(stream)

    writers = [Thread(target=dawdle, args=(seed,)) for seed in range(8)]
    with kept.running(Follower(kept.url, process, holder="test")):
        kept.eventually(lambda: len(process.seen) == len(expected))
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        kept.eventually(lambda: len(process.seen) >= len(expected) + len(committed))

    assert len(committed) > 100
    assert process.positions == sorted(set(process.positions))
    handed = [recorded.fact.originator_id for recorded in process.seen[len(expected) :]]
    assert sorted(handed) == sorted(committed)


def test_no_transaction_is_open_while_a_process_reacts(kept, follow, remembering) -> None:
    states: set[tuple[Any, ...]] = set()

    def look(_: Any) -> None:
        states.update(
            kept.ask(
                "SELECT state, backend_xid, backend_xmin FROM pg_stat_activity"
                " WHERE application_name = 'recourse remembering' AND datname = current_database()"
            )
        )

    process = remembering(look)
    follow(process, batch=100).advance()

    assert process.seen
    assert states == {("idle", None, None)}


def test_what_a_reaction_records_is_handed_on_until_nothing_is_left(
    migrated_database, remembering, new_case
) -> None:
    with PostgresStore(migrated_database) as store:

        def note(recorded: Any) -> None:
            case = store.load(Case, recorded.fact.originator_id)
            assert case
            text = Sealed(SealedFor.PLATFORM, uuid4(), "text")
            case.note(uuid4(), text, Visibility.INTERNAL, recorded.fact.timestamp)
            store.save(case, Provenance("notes", "system", "r", recorded.event_id))

        reading, noting = remembering(), remembering(note)
        reading.name, reading.reads = "reading", frozenset({NoteAdded})
        noting.reads = frozenset({CaseFiled})
        for _ in range(3):
            store.save(new_case(), WHO)
        ProcessSupervisor(migrated_database, [reading, noting], holder="test").catch_up()

    assert [one.provenance.causation_id for one in reading.seen] == [one.event_id for one in noting.seen]
    assert len(reading.seen) == 3


# --- one leader -------------------------------------------------------------------------------------


def test_of_two_followers_one_leads(follow, remembering, expected) -> None:
    process = remembering()
    first, second = follow(process, holder="first", batch=100), follow(process, holder="second", batch=100)
    assert first.advance()

    with pytest.raises(NotLeading):
        second.advance()

    first.close()
    second.catch_up()
    assert process.positions == expected


def test_two_followers_that_run_hand_each_fact_over_once(
    kept, remembering, expected, stored_position
) -> None:
    process = remembering()
    with (
        kept.running(Follower(kept.url, process, holder="first", batch=50)),
        kept.running(Follower(kept.url, process, holder="second", batch=50)),
    ):
        kept.eventually(lambda: stored_position() == kept.events)

    assert process.positions == expected


def test_a_leader_keeps_its_lease_while_idle_and_while_reactions_take_long(
    kept, follow, remembering, expected
) -> None:
    lease = timedelta(seconds=0.9)
    second = follow(remembering(), holder="second", lease=lease)
    refused: list[int] = []

    def try_to_lead(seconds: float) -> None:
        ends_at = monotonic() + seconds
        while monotonic() < ends_at:
            with pytest.raises(NotLeading):
                second.advance()
            refused.append(1)

    def take_long(recorded: Any) -> None:
        if recorded.position in expected[:5]:
            try_to_lead(0.4)

    process = remembering(take_long)
    first = follow(process, holder="first", lease=lease)
    with kept.running(first):
        kept.eventually(lambda: len(process.seen) == len(expected))
        try_to_lead(2)

    assert process.positions == expected
    assert refused


def test_a_leader_that_was_overtaken_stops_at_the_fact_at_hand_and_saves_nothing(
    kept, follow, remembering, expected, stored_position
) -> None:
    other = remembering()
    new = follow(other, holder="new")
    process = remembering(lambda _: new.catch_up())
    old = follow(process, holder="old", lease=timedelta(0))

    with pytest.raises(LeadershipLost):
        old.advance()

    assert process.positions == expected[:1]
    assert other.positions == expected
    assert stored_position() == kept.events
    with pytest.raises(NotLeading):
        old.advance()


def test_an_old_leader_that_goes_leaves_the_lease_of_the_new_one(follow, remembering) -> None:
    old, new = (follow(remembering(), holder=name, lease=lease) for name, lease in LEASES.items())
    old.catch_up()
    new.advance()

    old.close()

    with pytest.raises(NotLeading):
        old.advance()


LEASES = {"old": timedelta(0), "new": timedelta(minutes=1)}

LEAD = """
import sys
from datetime import timedelta
from threading import Event
from domain.events import CaseClosed, CaseFiled, DecisionIssued
from infrastructure.follower import Follower

class Counting:
    name = "remembering"
    reads = frozenset({CaseFiled, DecisionIssued, CaseClosed})
    seen = 0

    def react(self, recorded):
        self.seen += 1
        print(recorded.position, flush=True)
        if self.seen == 60:
            Event().wait()

Follower(sys.argv[1], Counting(), holder="killed", lease=timedelta(seconds=5), batch=100).run(Event())
"""


def test_what_a_killed_leader_had_not_saved_is_repeated_and_nothing_is_lost(
    kept, remembering, expected, stored_position
) -> None:
    process = remembering()
    with subprocess.Popen(
        [sys.executable, "-c", LEAD, kept.url], cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ}
    ) as leader:
        try:
            assert leader.stdout
            handed = [int(leader.stdout.readline()) for _ in range(60)]
        finally:
            leader.send_signal(signal.SIGKILL)
    assert kept.ask("SELECT holder FROM processes") == [("killed",)]
    saved = stored_position()
    with kept.running(Follower(kept.url, process, holder="next")):
        kept.eventually(lambda: stored_position() == kept.events)

    assert handed == expected[:60]
    assert process.positions == [position for position in expected if position > saved]
    assert 0 < saved < handed[-1], "nothing was saved, or the fact at hand was taken for done"


def test_a_follower_that_is_asked_to_stop_finishes_the_fact_at_hand_and_saves_it(
    kept, follow, remembering, expected, stored_position
) -> None:
    stop = Event()

    def stop_at_the_fifth(recorded: Any) -> None:
        if recorded.position == expected[4]:
            stop.set()

    process = remembering(stop_at_the_fifth)
    follow(process).run(stop)

    assert process.positions == expected[:5]
    assert stored_position() == expected[4]
    after = remembering()
    follow(after, holder="next").catch_up()
    assert after.positions == expected[5:]


# --- outages ----------------------------------------------------------------------------------------


def test_a_database_that_goes_away_and_returns_is_waited_for(kept, remembering, new_case, caplog) -> None:
    process = remembering()
    with kept.running(Follower(kept.url, process, holder="test")), PostgresStore(kept.url) as store:
        kept.eventually(lambda: len(process.seen) > 100)
        with kept.taken_away():
            kept.eventually(lambda: "remembering: no database" in caplog.text)
        position = store.save(new_case(), WHO)

        kept.eventually(lambda: position in process.positions)


@pytest.mark.parametrize("away", [ServiceUnavailable, StoreUnavailable])
def test_a_service_that_is_away_parks_nothing_and_holds_the_facts_back_until_it_returns(
    kept, follow, remembering, expected, stored_position, away
) -> None:
    left = [away()] * 5

    def unavailable(recorded: Any) -> None:
        if recorded.position == expected[10] and left:
            raise left.pop()

    process = remembering(unavailable)
    follower = follow(process)
    for _ in range(5):
        with pytest.raises(away):
            follower.advance()
        assert process.positions == expected[:10]
        assert stored_position() == expected[9]
    follower.catch_up()

    assert process.positions == expected
    assert kept.ask("SELECT * FROM parked_streams") == []


def test_a_service_that_is_away_does_not_end_the_follower(kept, remembering, expected, caplog) -> None:
    left = [ServiceUnavailable()]

    def unavailable(_: Any) -> None:
        if left:
            raise left.pop()

    process = remembering(unavailable)
    with kept.running(Follower(kept.url, process, holder="test")):
        kept.eventually(lambda: len(process.seen) == len(expected))

    assert process.positions == expected
    assert "no database or service (ServiceUnavailable())" in caplog.text


def test_a_failure_nobody_foresaw_is_logged_and_the_work_taken_up_again(
    kept, remembering, expected, caplog
) -> None:
    process = remembering()
    kept.execute("ALTER TABLE processes RENAME TO mislaid")

    with kept.running(Follower(kept.url, process, holder="test")):
        kept.eventually(lambda: "remembering: failed" in caplog.text)
        kept.execute("ALTER TABLE mislaid RENAME TO processes")
        kept.eventually(lambda: len(process.seen) == len(expected))


# --- mistakes ---------------------------------------------------------------------------------------


def test_a_process_cannot_read_what_is_stored_under_no_name(kept, remembering) -> None:
    process = remembering()
    process.reads = frozenset({Fact, CaseFiled})
    with pytest.raises(ValueError, match="under no name: Fact"):
        Follower(kept.url, process, holder="test")


def test_two_processes_cannot_share_a_name(kept, remembering) -> None:
    with pytest.raises(ValueError, match="share a name"):
        ProcessSupervisor(kept.url, [remembering(), remembering()], holder="test")
