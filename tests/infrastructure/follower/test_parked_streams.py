"""A stream whose fact a process cannot react to waits; every other stream flows, and a replay mends it."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.events import CaseFiled, DecisionIssued
from domain.refusals import WrongStage
from infrastructure.follower import StreamNotParked, StreamStillFails
from infrastructure.process_supervisor import ProcessSupervisor, UnknownProcess
from infrastructure.projector import LeadershipLost


class Mishap(Exception):
    """Something nobody foresaw, with what a person wrote in its text."""


class Failing:
    """Fails for the decision of one stream, as often as told."""

    def __init__(self, stream: UUID, times: float = float("inf"), error: Exception | None = None) -> None:
        self.left = times
        self._stream = stream
        self._error = error or Mishap("I live in Long Street 5")

    def __call__(self, recorded: Any) -> None:
        decided = isinstance(recorded.fact, DecisionIssued) and recorded.fact.originator_id == self._stream
        if decided and self.left > 0:
            self.left -= 1
            raise self._error


@pytest.fixture
def chosen(kept: Any) -> tuple[UUID, int, int]:
    """A case that is decided and closed well before the end: its id, the decision's version and position."""
    (row,) = kept.ask(
        "SELECT originator_id, originator_version, position FROM events AS decided"
        " WHERE topic = 'DecisionIssued' AND EXISTS (SELECT FROM events WHERE topic = 'CaseClosed'"
        " AND originator_id = decided.originator_id AND position > decided.position)"
        " ORDER BY position LIMIT 1"
    )
    found: tuple[UUID, int, int] = row
    return found


@pytest.fixture
def supervisor(kept: Any) -> Any:
    return lambda process, **options: ProcessSupervisor(kept.url, [process], **{"holder": "test"} | options)


def of(stream: UUID, process: Any) -> list[type]:
    return [type(one.fact) for one in process.seen if one.fact.originator_id == stream]


@pytest.mark.parametrize("batch", [2000, 100, 1])
def test_a_failing_stream_is_parked_while_all_others_flow(
    kept, follow, remembering, supervisor, expected, chosen, stored_position, batch
) -> None:
    stream, version, position = chosen
    process = remembering(Failing(stream))
    follow(process, batch=batch).catch_up()

    (parked,) = supervisor(process).parked()
    assert (parked.process, parked.stream_id, parked.version, parked.position, parked.topic) == (
        "remembering",
        stream,
        version,
        position,
        "DecisionIssued",
    )
    assert of(stream, process) == [CaseFiled]
    skipped = kept.ask(
        "SELECT position FROM events WHERE originator_id = %s AND originator_version >= %s", stream, version
    )
    assert process.positions == [one for one in expected if (one,) not in skipped]
    assert stored_position() == kept.events


@pytest.mark.parametrize(
    ("error", "kept_as"), [(Mishap("I live in Long Street 5"), "Mishap"), (WrongStage(), "wrong_stage")]
)
def test_the_error_that_is_kept_quotes_nothing(
    follow, remembering, supervisor, chosen, error, kept_as
) -> None:
    process = remembering(Failing(chosen[0], error=error))
    follow(process).catch_up()

    assert supervisor(process).parked()[0].error == kept_as


def test_a_failure_that_passes_parks_nothing(follow, remembering, supervisor, expected, chosen) -> None:
    process = remembering(Failing(chosen[0], times=2))
    follow(process).catch_up()

    assert process.positions == expected
    assert supervisor(process).parked() == []


def test_a_parked_stream_stays_parked_for_the_next_leader(
    kept, follow, remembering, expected, chosen
) -> None:
    stream = chosen[0]
    first = follow(remembering(Failing(stream)), holder="first")
    first.catch_up()
    first.close()
    kept.execute("UPDATE processes SET position = 0")
    process = remembering()
    follow(process, holder="second").catch_up()

    assert of(stream, process) == []
    assert len(process.seen) < len(expected)


def test_a_stream_that_cannot_be_parked_is_not_passed_over(
    kept, follow, remembering, supervisor, chosen
) -> None:
    failing = Failing(chosen[0])

    def lose_the_table(recorded: Any) -> None:
        if recorded.position == chosen[2] and failing.left:
            kept.execute("ALTER TABLE IF EXISTS parked_streams RENAME TO mislaid")
        failing(recorded)

    process = remembering(lose_the_table)
    follower = follow(process)
    with pytest.raises(psycopg.errors.UndefinedTable):
        follower.catch_up()
    kept.execute("ALTER TABLE mislaid RENAME TO parked_streams")
    failing.left = 0
    follower.catch_up()

    assert chosen[2] in process.positions


def test_a_replay_hands_over_what_waited_in_order_and_lets_the_stream_flow(
    kept, follow, remembering, supervisor, expected, chosen
) -> None:
    stream, _, _ = chosen
    failing = Failing(stream)
    process = remembering(failing)
    follow(process).catch_up()
    failing.left = 0

    handed = supervisor(process).replay("remembering", stream)

    assert sorted(process.positions) == expected
    mine = [one.position for one in process.seen if one.fact.originator_id == stream]
    assert mine == sorted(mine)
    assert handed == len(mine) - 1
    assert supervisor(process).parked() == []


def test_a_replay_that_fails_again_leaves_the_stream_parked_at_the_fact_that_fails_now(
    follow, remembering, supervisor, chosen
) -> None:
    stream, version, _ = chosen
    failing = Failing(stream)
    process = remembering(failing)
    follow(process).catch_up()
    with pytest.raises(StreamStillFails, match=rf"^version {version}, DecisionIssued: Mishap$"):
        supervisor(process).replay("remembering", stream)
    assert supervisor(process).parked()[0].version == version

    def close_fails(recorded: Any) -> None:
        if recorded.fact.originator_id == stream and not isinstance(recorded.fact, DecisionIssued):
            raise WrongStage

    process.do = close_fails
    with pytest.raises(StreamStillFails, match=r"CaseClosed: wrong_stage$"):
        supervisor(process).replay("remembering", stream)

    (parked,) = supervisor(process).parked()
    assert (parked.topic, parked.error) == ("CaseClosed", "wrong_stage")
    assert parked.version > version


def test_what_is_not_parked_cannot_be_replayed(remembering, supervisor) -> None:
    with pytest.raises(StreamNotParked, match="remembering does not wait with stream"):
        supervisor(remembering()).replay("remembering", uuid4())
    with pytest.raises(UnknownProcess, match="there is no process nonsense"):
        supervisor(remembering()).replay("nonsense", uuid4())


def test_a_replay_loses_nothing_of_the_batch_that_the_leader_has_in_hand(
    kept, follow, remembering, supervisor, expected, chosen
) -> None:
    """The leader has passed over facts of the parked stream in its batch: it must not save beyond them."""
    stream, _, position = chosen
    last = max(
        kept.ask("SELECT max(position) FROM events WHERE originator_id = %s AND topic = 'CaseClosed'", stream)
    )[0]
    failing = Failing(stream)
    handed: list[int] = []

    def replay_once(recorded: Any) -> None:
        failing(recorded)
        if recorded.position > last and failing.left:
            failing.left = 0
            handed.append(supervisor(process).replay("remembering", stream))

    process = remembering(replay_once)
    leader = follow(process, batch=2000, lease=timedelta(minutes=1))
    with pytest.raises(LeadershipLost):
        leader.catch_up()
    leader.catch_up()

    assert handed == [1], "the fact that failed is passed, and nothing beyond it is saved yet"
    assert set(process.positions) == set(expected)
    assert kept.ask("SELECT * FROM parked_streams") == []
    assert position < last


def test_a_replay_beside_a_running_leader_loses_nothing(
    kept, remembering, supervisor, expected, chosen, stored_position
) -> None:
    stream, _, _ = chosen
    failing = Failing(stream)
    process = remembering(failing)
    with kept.running(supervisor(process, batch=20)):
        kept.eventually(lambda: supervisor(process).parked() != [])
        failing.left = 0
        supervisor(process).replay("remembering", stream)
        kept.eventually(lambda: stored_position() == kept.events)

    assert set(process.positions) == set(expected)


@pytest.mark.parametrize(
    ("state", "error"), [('{"class_version": 99}', "NewerSchema"), ('{"number"', "MalformedFact")]
)
def test_a_fact_that_cannot_be_read_is_never_guessed(
    kept, follow, remembering, supervisor, state, error
) -> None:
    stream = uuid4()
    kept.execute(
        "INSERT INTO events VALUES (%s, 1, %s, 'CaseFiled', %s, %s, now(), 'a', 'system', '', NULL, 1)",
        stream,
        kept.events + 1,
        state.encode(),
        uuid4(),
    )
    process = remembering()
    follow(process).catch_up()

    (parked,) = supervisor(process).parked()
    assert (parked.stream_id, parked.error) == (stream, error)


def test_the_status_tells_lag_leader_and_parked_streams(
    kept, follow, remembering, supervisor, chosen
) -> None:
    process = remembering(Failing(chosen[0]))

    def status() -> tuple[Any, ...]:
        (one,) = supervisor(process).status()
        return one.position, one.lag_events, one.lag_seconds > 0, one.parked, one.holder

    assert status() == (0, kept.events, True, 0, None)
    follower = follow(process, holder="me", batch=kept.events - 100)
    follower.advance()
    assert status() == (kept.events - 100, 100, True, 1, "me")
    follower.catch_up()
    follower.close()
    assert status() == (kept.events, 0, False, 1, None)
