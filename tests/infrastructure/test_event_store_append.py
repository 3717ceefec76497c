"""Facts and the rows recorded with them: together or not at all, and a refusal says what is the case."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from application.store import (
    BlindEntry,
    ClaimTaken,
    Deadline,
    DeadlineNotPending,
    Effects,
    IdempotencyKey,
    KeyAlreadyUsed,
    KeyInUse,
    OutboxMessage,
    Provenance,
    StoreError,
    StoreUnavailable,
    VersionConflict,
    WrappedKey,
)
from infrastructure.event_store import ConcurrentPostgresFactory
from infrastructure.event_store.append_call import PendingEvent
from infrastructure.event_store.recorder import ConcurrentRecorder

WHO = Provenance("agent-1", "agent", "req-1")
DUE = datetime(2026, 11, 9, 8, tzinfo=UTC)
CLOCK, PERSON_KEY = uuid4(), uuid4()
LEFT_BEHIND = """
    SELECT kind, count(*) FROM (
        SELECT 'events' FROM events UNION ALL SELECT 'claims' FROM claims
        UNION ALL SELECT 'idempotency' FROM idempotency UNION ALL SELECT 'deadlines' FROM deadlines
        UNION ALL SELECT 'outbox' FROM outbox UNION ALL SELECT 'data_keys' FROM vault.data_keys
    ) AS found (kind) GROUP BY kind ORDER BY kind"""
SESSION = (
    b"SELECT current_setting('lock_timeout'), current_setting('statement_timeout'),"
    b" current_setting('idle_in_transaction_session_timeout')"
)
FORKING = """
import os, sys
from uuid import uuid4
from eventsourcing.persistence import StoredEvent
from infrastructure.event_store import ConcurrentPostgresFactory
recorder = ConcurrentPostgresFactory({"POSTGRES_URL": sys.argv[1]}).application_recorder()
if os.fork() == 0:
    try:
        recorder.insert_events([StoredEvent(uuid4(), 1, "Happened", b"{}")])
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
"""


@pytest.fixture
def recorder(migrated_database: str) -> Iterator[ConcurrentRecorder]:
    factory = ConcurrentPostgresFactory({"POSTGRES_URL": migrated_database})
    yield factory.application_recorder()
    factory.close()


@pytest.fixture
def rows(migrated_database: str) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """Runs a query beside the recorder."""
    with psycopg.connect(migrated_database, autocommit=True) as connection:
        yield lambda query, *params: connection.execute(query, params).fetchall()


def event(case_id: UUID | None = None, version: int = 1) -> PendingEvent:
    return PendingEvent(case_id or uuid4(), version, "Happened", b'{"a":"\\u0000"}', uuid4(), 1)


def test_effects_are_recorded_with_the_facts(
    recorder: ConcurrentRecorder, rows: Callable[..., list[tuple[Any, ...]]]
) -> None:
    first, last = event(), event()
    last = replace(last, originator_id=first.originator_id, originator_version=2)
    message, thing = uuid4(), uuid4()
    position = recorder.append(
        [first, last],
        WHO,
        Effects(
            claims=("line:1", "line:2"),
            deadlines=(Deadline(CLOCK, "follow_up", DUE),),
            outbox=(OutboxMessage(message, "instruct_refund", {"amount_minor": 5, "note": "羽绒"}),),
            data_keys=(WrappedKey("buyer", PERSON_KEY, b"\x00wrapped\xff"),),
            blind_index=(BlindEntry("buyer", "phone", b"\x00digest\xff"),),
            idempotency=IdempotencyKey("key-1", "abc", b"\xfe\x00"),
            subject=thing,
        ),
    )
    case = first.originator_id
    assert rows("SELECT claim, case_id FROM claims ORDER BY claim") == [("line:1", case), ("line:2", case)]
    assert rows("SELECT case_id, clock_id, kind, due, state FROM deadlines") == [
        (case, CLOCK, "follow_up", DUE, "pending")
    ]
    assert rows("SELECT message_id, case_id, kind, payload, causation_id, attempts, state FROM outbox") == [
        (message, case, "instruct_refund", {"amount_minor": 5, "note": "羽绒"}, last.event_id, 0, "pending")
    ]
    assert rows("SELECT case_id, person, key_id, wrapped FROM vault.data_keys") == [
        (case, "buyer", PERSON_KEY, b"\x00wrapped\xff")
    ]
    assert rows("SELECT case_id, person, kind, digest FROM vault.blind_index") == [
        (case, "buyer", "phone", b"\x00digest\xff")
    ]
    assert rows("SELECT scope, key, fingerprint, case_id, version, position, subject FROM idempotency") == [
        ("key-1", "abc", b"\xfe\x00", case, 2, position + 1, thing)
    ]
    assert rows("SELECT originator_version, position, state, event_id FROM events ORDER BY position") == [
        (1, position, first.state, first.event_id),
        (2, position + 1, last.state, last.event_id),
    ]


def test_one_fact_takes_the_same_effects_as_several(
    recorder: ConcurrentRecorder, rows: Callable[..., list[tuple[Any, ...]]]
) -> None:
    alone = event()
    kept = Effects(claims=("line:1",), idempotency=IdempotencyKey("key-1", "abc", b"f"))
    position = recorder.append([alone], WHO, kept)
    assert rows("SELECT case_id, version, position FROM idempotency") == [(alone.originator_id, 1, position)]
    assert rows("SELECT case_id FROM claims") == [(alone.originator_id,)]


def test_somebody_elses_rolled_back_transaction_on_the_connection_does_no_harm(
    migrated_database: str,
) -> None:
    settings = {"POSTGRES_URL": migrated_database, "POSTGRES_POOL_SIZE": "1", "POSTGRES_MAX_OVERFLOW": "0"}
    factory = ConcurrentPostgresFactory(settings)
    recorder = factory.application_recorder()
    recorder.append([event()], WHO)
    with factory.datastore.transaction() as cursor:  # rolls back, and psycopg then drops what is prepared
        cursor.execute("SELECT 1", prepare=True)
    recorder.append([event()], WHO)
    factory.close()


def test_a_thousand_facts_stand_in_the_order_in_which_they_were_given(
    recorder: ConcurrentRecorder, rows: Callable[..., list[tuple[Any, ...]]]
) -> None:
    case_id = uuid4()
    first = recorder.append([event(case_id, version) for version in range(1, 1001)], WHO)
    assert rows("SELECT originator_version, position FROM events ORDER BY position") == [
        (version, first + version - 1) for version in range(1, 1001)
    ]


def test_more_facts_than_a_transaction_has_places_are_refused(recorder: ConcurrentRecorder) -> None:
    case_id = uuid4()
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="at most 65536"):
        recorder.append([event(case_id, version) for version in range(65_537)], WHO)


# --- claims -----------------------------------------------------------------------------------------


def test_a_claim_held_by_another_case_is_refused_with_its_holder(recorder: ConcurrentRecorder) -> None:
    holder = event()
    recorder.append([holder], WHO, Effects(claims=("line:1",)))
    with pytest.raises(ClaimTaken) as refusal:
        recorder.append([event()], WHO, Effects(claims=("line:0", "line:1")))
    assert (refusal.value.claim, refusal.value.held_by) == ("line:1", holder.originator_id)


def test_a_case_may_take_again_what_it_holds(recorder: ConcurrentRecorder) -> None:
    case_id = uuid4()
    recorder.append([event(case_id, 1)], WHO, Effects(claims=("line:1",)))
    recorder.append([event(case_id, 2)], WHO, Effects(claims=("line:1",)))


def test_a_released_claim_is_free_for_another_case(recorder: ConcurrentRecorder) -> None:
    case_id = uuid4()
    recorder.append([event(case_id, 1)], WHO, Effects(claims=("line:1",)))
    recorder.append([event(case_id, 2)], WHO, Effects(released=("line:1",)))
    recorder.append([event()], WHO, Effects(claims=("line:1",)))


def test_a_case_releases_no_claim_of_another(
    recorder: ConcurrentRecorder, rows: Callable[..., list[tuple[Any, ...]]]
) -> None:
    holder = event()
    recorder.append([holder], WHO, Effects(claims=("line:1",)))
    recorder.append([event()], WHO, Effects(released=("line:1",)))
    assert rows("SELECT case_id FROM claims") == [(holder.originator_id,)]


# --- deadlines --------------------------------------------------------------------------------------


def test_a_deadline_fires_once(
    recorder: ConcurrentRecorder, rows: Callable[..., list[tuple[Any, ...]]]
) -> None:
    case_id = uuid4()
    recorder.append([event(case_id, 1)], WHO, Effects(deadlines=(Deadline(CLOCK, "follow_up", DUE),)))
    recorder.append([event(case_id, 2)], WHO, Effects(fired=CLOCK))
    assert rows("SELECT state FROM deadlines") == [("done",)]
    with pytest.raises(DeadlineNotPending):
        recorder.append([event(case_id, 3)], WHO, Effects(fired=CLOCK))


def test_a_deadline_that_has_fired_is_not_said_to_be_cancelled(
    recorder: ConcurrentRecorder, rows: Callable[..., list[tuple[Any, ...]]]
) -> None:
    case_id = uuid4()
    recorder.append([event(case_id, 1)], WHO, Effects(deadlines=(Deadline(CLOCK, "follow_up", DUE),)))
    recorder.append([event(case_id, 2)], WHO, Effects(fired=CLOCK))
    recorder.append([event(case_id, 3)], WHO, Effects(ended=(CLOCK,)))
    assert rows("SELECT state FROM deadlines") == [("done",)]


def test_an_ended_deadline_does_not_fire(
    recorder: ConcurrentRecorder, rows: Callable[..., list[tuple[Any, ...]]]
) -> None:
    case_id = uuid4()
    recorder.append([event(case_id, 1)], WHO, Effects(deadlines=(Deadline(CLOCK, "follow_up", DUE),)))
    recorder.append([event(case_id, 2)], WHO, Effects(ended=(CLOCK,)))
    assert rows("SELECT state FROM deadlines") == [("cancelled",)]
    with pytest.raises(DeadlineNotPending):
        recorder.append([event(case_id, 3)], WHO, Effects(fired=CLOCK))


def test_a_clock_that_is_set_anew_is_pending_at_its_new_time(
    recorder: ConcurrentRecorder, rows: Callable[..., list[tuple[Any, ...]]]
) -> None:
    case_id, later = uuid4(), DUE + timedelta(days=1)
    recorder.append([event(case_id, 1)], WHO, Effects(deadlines=(Deadline(CLOCK, "follow_up", DUE),)))
    anew = Effects(ended=(CLOCK,), deadlines=(Deadline(CLOCK, "follow_up", later),))
    recorder.append([event(case_id, 2)], WHO, anew)
    assert rows("SELECT due, state FROM deadlines") == [(later, "pending")]


# --- idempotency ------------------------------------------------------------------------------------


def test_a_used_key_is_reported_before_anything_else_that_is_taken(recorder: ConcurrentRecorder) -> None:
    once = event()
    effects = Effects(claims=("line:1",), idempotency=IdempotencyKey("key-1", "abc", b"f"))
    recorder.append([once], WHO, effects)
    with pytest.raises(KeyAlreadyUsed):
        recorder.append([replace(once, event_id=uuid4())], WHO, effects)


def test_a_key_is_free_again_after_thirty_days(
    recorder: ConcurrentRecorder, rows: Callable[..., list[tuple[Any, ...]]]
) -> None:
    kept = Effects(idempotency=IdempotencyKey("key-1", "abc", b"f"))
    recorder.append([event()], WHO, kept)
    rows("UPDATE idempotency SET created_at = now() - interval '30 days' RETURNING 1")
    again = event()
    recorder.append([again], WHO, kept)
    assert rows("SELECT case_id, created_at > now() - interval '1 day' FROM idempotency") == [
        (again.originator_id, True)
    ]


@contextmanager
def unfinished(url: str, pending: PendingEvent, key: str) -> Iterator[None]:
    """Another request that has recorded this fact and this key, and has not committed."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "SELECT append_fact(%s, 1, 'Happened', '{}', %s, 1::smallint, 'a', 'agent', 'r', NULL, %s)",
            (
                pending.originator_id,
                uuid4(),
                f'{{"idempotency": {{"scope": "key-1", "key": "{key}", "fingerprint": "Zg=="}}}}',
            ),
        )
        yield
        connection.rollback()


def test_a_key_of_a_request_that_is_still_running_is_in_use(
    recorder: ConcurrentRecorder, migrated_database: str
) -> None:
    kept = Effects(idempotency=IdempotencyKey("key-1", "abc", b"f"))
    with unfinished(migrated_database, event(), "abc"), pytest.raises(KeyInUse):
        recorder.append([event()], WHO, kept)
    recorder.append([event()], WHO, kept)


def test_waiting_too_long_for_another_writer_of_the_case_is_no_conflict_yet(
    recorder: ConcurrentRecorder, migrated_database: str
) -> None:
    contended = event()
    kept = Effects(idempotency=IdempotencyKey("key-1", "abc", b"f"))
    with unfinished(migrated_database, contended, "other"), pytest.raises(StoreUnavailable):
        recorder.append([contended], WHO, kept)
    recorder.append([contended], WHO, kept)


# --- all or nothing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (Effects(claims=("line:1",)), ClaimTaken),
        (Effects(fired=uuid4()), DeadlineNotPending),
        (Effects(idempotency=IdempotencyKey("key-1", "abc", b"f")), KeyAlreadyUsed),
        (
            Effects(data_keys=(WrappedKey("buyer", uuid4(), b"w"), WrappedKey("buyer", uuid4(), b"w"))),
            VersionConflict,
        ),
    ],
)
def test_a_refusal_leaves_nothing_behind(
    recorder: ConcurrentRecorder,
    rows: Callable[..., list[tuple[Any, ...]]],
    refused: Effects,
    error: type[StoreError],
) -> None:
    taken = Effects(claims=("line:1",), idempotency=IdempotencyKey("key-1", "abc", b"f"))
    recorder.append([event()], WHO, taken)
    also = Effects(
        claims=(*refused.claims, "line:2"),
        deadlines=(Deadline(uuid4(), "follow_up", DUE),),
        outbox=(OutboxMessage(uuid4(), "instruct_refund", {}),),
        fired=refused.fired,
        data_keys=refused.data_keys or (WrappedKey("buyer", uuid4(), b"w"),),
        idempotency=refused.idempotency or IdempotencyKey("key-1", "other", b"f"),
    )
    with pytest.raises(error):
        recorder.append([event()], WHO, also)
    assert rows(LEFT_BEHIND) == [("claims", 1), ("events", 1), ("idempotency", 1)]


@pytest.mark.parametrize(
    "rewriting",
    ["UPDATE events SET topic = 'Other'", "DELETE FROM events", "TRUNCATE events"],
)
def test_recorded_facts_are_neither_changed_nor_removed(
    recorder: ConcurrentRecorder, rows: Callable[..., list[tuple[Any, ...]]], rewriting: str
) -> None:
    recorder.append([event()], WHO)
    with pytest.raises(psycopg.errors.RestrictViolation, match="never changed or removed"):
        rows(rewriting)


# --- how it may be built ----------------------------------------------------------------------------


def test_the_librarys_database_functions_are_refused(migrated_database: str) -> None:
    with pytest.raises(OSError, match="POSTGRES_ENABLE_DB_FUNCTIONS"):
        ConcurrentPostgresFactory({"POSTGRES_URL": migrated_database, "POSTGRES_ENABLE_DB_FUNCTIONS": "y"})


@pytest.mark.parametrize(
    ("env", "complaint"),
    [
        ({}, "POSTGRES_URL is not set"),
        ({"POSTGRES_URL": "postgresql:///x", "POSTGRES_POOL_SIZE": "-1"}, "POSTGRES_POOL_SIZE is '-1'"),
    ],
)
def test_an_unusable_setting_is_refused(env: dict[str, str], complaint: str) -> None:
    with pytest.raises(OSError, match=complaint):
        ConcurrentPostgresFactory(env)


def test_a_store_built_before_fork_is_refused_in_the_child(migrated_database: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKING, migrated_database]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    assert said.startswith("built before fork")


def test_every_connection_bounds_its_locks_statements_and_idle_transactions(
    recorder: ConcurrentRecorder,
) -> None:
    assert recorder.datastore.read(SESSION) == [("1s", "5s", "5s")]
