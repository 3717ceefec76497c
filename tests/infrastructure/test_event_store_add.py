"""A fact at the end of a stream that many add to at once: each gets its place, and nobody is refused."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from application.store import Effects, Provenance, VersionConflict, WrappedKey
from infrastructure.event_store import ConcurrentPostgresFactory
from infrastructure.event_store.append_call import PendingEvent
from infrastructure.event_store.recorder import ConcurrentRecorder

WHO = Provenance("agent-1", "agent", "req-1")
WRITERS, EACH = 8, 25


@pytest.fixture
def recorder(migrated_database: str) -> Iterator[ConcurrentRecorder]:
    environment = {"POSTGRES_URL": migrated_database, "POSTGRES_POOL_SIZE": str(WRITERS)}
    factory = ConcurrentPostgresFactory(environment)
    yield factory.application_recorder()
    factory.close()


@pytest.fixture
def rows(migrated_database: str) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """Runs a query beside the recorder."""
    with psycopg.connect(migrated_database, autocommit=True) as connection:
        yield lambda query, *params: connection.execute(query, params).fetchall()


def two(stream: UUID) -> list[PendingEvent]:
    """What begins the stream, and what is added."""
    return [PendingEvent(stream, place, name, b"{}", uuid4(), 1) for place, name in enumerate("BA", 1)]


def test_the_first_fact_begins_the_stream_and_later_ones_follow(recorder, rows) -> None:
    stream = uuid4()
    for _ in range(3):
        recorder.add(two(stream), WHO, Effects())
    found = rows(
        "SELECT originator_version, topic, actor_id, actor_role, request_id FROM events"
        " WHERE originator_id = %s ORDER BY 1",
        stream,
    )
    assert [row[:2] for row in found] == [(1, "B"), (2, "A"), (3, "A"), (4, "A")]
    assert {row[2:] for row in found} == {("agent-1", "agent", "req-1")}


def test_those_who_add_at_once_stand_in_one_order_by_version_and_by_position(recorder, rows) -> None:
    """Followers read by position: a later version with an earlier position would come first."""
    stream, together = uuid4(), Barrier(WRITERS)

    def write(_: int) -> None:
        together.wait()
        for _ in range(EACH):
            recorder.add(two(stream), WHO, Effects())

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    found = rows(
        "SELECT originator_version, topic FROM events WHERE originator_id = %s ORDER BY position", stream
    )
    assert found == [(1, "B"), *((version, "A") for version in range(2, WRITERS * EACH + 2))]


def test_a_data_key_that_another_one_made_first_is_a_conflict_and_leaves_nothing(recorder, rows) -> None:
    stream = uuid4()
    keys = [Effects(data_keys=(WrappedKey("platform", uuid4(), b"w"),)) for _ in range(2)]
    recorder.add(two(stream), WHO, keys[0])
    with pytest.raises(VersionConflict):
        recorder.add(two(stream), WHO, keys[1])
    assert rows("SELECT count(*) FROM events WHERE originator_id = %s", stream) == [(2,)]
