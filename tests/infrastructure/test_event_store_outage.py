"""What happens when the wire breaks: nothing is lost, nothing is recorded twice, and no restart is needed."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Self
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from application.store import (
    Effects,
    IdempotencyKey,
    KeyAlreadyUsed,
    Provenance,
    StoreUnavailable,
    VersionConflict,
    WrappedKey,
)
from domain.case import Case
from infrastructure.event_store import ConcurrentPostgresFactory
from infrastructure.event_store.append_call import PendingEvent
from infrastructure.event_store.recorder import ConcurrentRecorder
from infrastructure.projector import connected
from infrastructure.store import PostgresStore

WHO = Provenance("agent-1", "agent", "req-1")
READY_FOR_QUERY = b"Z\x00\x00\x00\x05I"
"""How the server ends an answer outside a transaction: what it was told is committed, or rolled back."""


class Wire:
    """A proxy before the database that can be cut at a chosen moment."""

    def __init__(self, url: str) -> None:
        server = conninfo_to_dict(url)
        self._server = (str(server["host"]), int(server.get("port") or 5432))
        self._open: list[socket.socket] = []
        self._lose_question, self._lose_answer = Event(), Event()
        self._port = 0
        self.mend()
        self.url = make_conninfo(
            url, host="127.0.0.1", port=self._port, sslmode="disable", gssencmode="disable"
        )

    def mend(self) -> None:
        """Accept connections, at the same address as before."""
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=64)
        self._port = self._listener.getsockname()[1]
        Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Break every connection and accept none."""
        for broken in [self._listener, *self._open]:
            close(broken)
        self._open.clear()

    def lose_next_question(self) -> None:
        """Break the connection that speaks next, before the server hears it."""
        self._lose_question.set()

    def lose_next_answer(self) -> None:
        """Break the connection that speaks next, after the server has done what it was told."""
        self._lose_answer.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.cut()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = self._connect()
            self._open += [client, server]
            answers = Event()
            Thread(target=self._questions, args=(client, server, answers), daemon=True).start()
            Thread(target=self._answers, args=(client, server, answers), daemon=True).start()

    def _connect(self) -> socket.socket:
        host, port = self._server
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _questions(self, client: socket.socket, server: socket.socket, losing: Event) -> None:
        with ends(client, server):
            while data := client.recv(65536):
                if self._lose_question.is_set():
                    self._lose_question.clear()
                    return
                if self._lose_answer.is_set():
                    self._lose_answer.clear()
                    losing.set()
                server.sendall(data)

    def _answers(self, client: socket.socket, server: socket.socket, losing: Event) -> None:
        with ends(client, server):
            while data := server.recv(65536):
                if not losing.is_set():
                    client.sendall(data)
                elif data.endswith(READY_FOR_QUERY):
                    return


@contextmanager
def ends(client: socket.socket, server: socket.socket) -> Iterator[None]:
    """Closes both ends of a connection when either is gone."""
    with suppress(OSError):
        yield
    close(client)
    close(server)


def close(end: socket.socket) -> None:
    with suppress(OSError):  # the other side was quicker
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@pytest.fixture
def wire(migrated_database: str) -> Iterator[Wire]:
    with Wire(migrated_database) as wire:
        yield wire


@pytest.fixture
def recorder(wire: Wire) -> Iterator[ConcurrentRecorder]:
    """A recorder at the far end of the wire, with one connection on which both statements are prepared."""
    factory = ConcurrentPostgresFactory(
        {"POSTGRES_URL": wire.url, "POSTGRES_POOL_SIZE": "1", "POSTGRES_MAX_OVERFLOW": "0"}
    )
    recorder = factory.application_recorder()
    recorder.append([event()], WHO)
    recorder.append([event(), event()], WHO)
    yield recorder
    factory.close()


@pytest.fixture
def recorded(migrated_database: str) -> Callable[[UUID], list[tuple[int, UUID]]]:
    """What stands in the database of a case: positions and event ids."""

    def look(case_id: UUID) -> list[tuple[int, UUID]]:
        with psycopg.connect(migrated_database) as connection:
            return connection.execute(
                "SELECT position, event_id FROM events WHERE originator_id = %s ORDER BY position", (case_id,)
            ).fetchall()

    return look


def event(case_id: UUID | None = None, version: int = 1) -> PendingEvent:
    return PendingEvent(case_id or uuid4(), version, "Happened", b"{}", uuid4(), 1)


Recorded = Callable[[UUID], list[tuple[int, UUID]]]


@pytest.mark.parametrize(
    "effects", [Effects(), Effects(idempotency=IdempotencyKey("k", "1", b"f"), claims=("c",))]
)
def test_a_commit_whose_answer_was_lost_is_answered_as_the_success_that_it_was(
    recorder: ConcurrentRecorder, wire: Wire, recorded: Recorded, effects: Effects
) -> None:
    mine = event()
    wire.lose_next_answer()
    position = recorder.append([mine], WHO, effects)
    assert recorded(mine.originator_id) == [(position, mine.event_id)]


def test_several_facts_whose_answer_was_lost_are_answered_with_the_position_of_the_first(
    recorder: ConcurrentRecorder, wire: Wire, recorded: Recorded
) -> None:
    case_id = uuid4()
    facts = [event(case_id, version) for version in (1, 2, 3)]
    wire.lose_next_answer()
    first = recorder.append(facts, WHO)
    assert recorded(case_id) == [(first + n, fact.event_id) for n, fact in enumerate(facts)]


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("effects", [Effects(), Effects(data_keys=(WrappedKey("platform", uuid4(), b"w"),))])
def test_a_fact_added_whose_answer_was_lost_is_not_added_again(
    recorder: ConcurrentRecorder, wire: Wire, recorded: Recorded, others: int, effects: Effects
) -> None:
    stream = uuid4()
    for _ in range(others):
        recorder.add([event(stream), event(stream, 2)], WHO, Effects())
    begun, added = event(stream), event(stream, 2)
    wire.lose_next_answer()
    recorder.add([begun, added], WHO, effects)
    assert [event_id for _, event_id in recorded(stream)].count(added.event_id) == 1
    assert len(recorded(stream)) == 2 + others


def test_a_call_that_never_arrived_is_repeated_and_recorded_once(
    recorder: ConcurrentRecorder, wire: Wire, recorded: Recorded
) -> None:
    mine = event()
    wire.lose_next_question()
    position = recorder.append([mine], WHO)
    assert recorded(mine.originator_id) == [(position, mine.event_id)]


def test_somebody_elses_fact_is_still_a_conflict_after_a_lost_answer(
    recorder: ConcurrentRecorder, wire: Wire, recorded: Recorded
) -> None:
    theirs = event()
    recorder.append([theirs], WHO)
    wire.lose_next_answer()
    with pytest.raises(VersionConflict):
        recorder.append([event(theirs.originator_id)], WHO)
    assert [event_id for _, event_id in recorded(theirs.originator_id)] == [theirs.event_id]


def test_somebody_elses_key_is_still_used_after_a_lost_answer(
    recorder: ConcurrentRecorder, wire: Wire
) -> None:
    kept = Effects(idempotency=IdempotencyKey("k", "1", b"f"))
    recorder.append([event()], WHO, kept)
    wire.lose_next_answer()
    with pytest.raises(KeyAlreadyUsed):
        recorder.append([event()], WHO, kept)


def test_connections_ended_by_the_server_are_replaced_unnoticed(
    recorder: ConcurrentRecorder, migrated_database: str, recorded: Recorded
) -> None:
    with psycopg.connect(migrated_database) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    mine = event()
    position = recorder.append([mine], WHO)
    assert recorded(mine.originator_id) == [(position, mine.event_id)]


def test_a_store_is_unavailable_while_the_database_is_away_and_works_again_when_it_is_back(
    wire: Wire, new_case: Callable[..., Case]
) -> None:
    with PostgresStore(wire.url) as store:
        before = new_case()
        store.save(before, WHO)
        wire.cut()
        with pytest.raises(StoreUnavailable):
            store.load(Case, before.id)
        with pytest.raises(StoreUnavailable):
            store.save(new_case(), WHO)
        wire.mend()
        after = new_case()
        store.save(after, WHO)
        assert store.load(Case, before.id) is not None
        assert store.load(Case, after.id) is not None


def test_nobody_waits_for_hours_for_the_answer_of_a_server_that_vanished(migrated_database: str) -> None:
    with (
        PostgresStore(migrated_database) as store,
        store.datastore.pool.connection() as pooled,
        connected(migrated_database, "test") as projectors,
    ):
        for connection in (pooled, projectors):
            asked = {
                name: int(value)
                for name, value in connection.info.get_parameters().items()
                if value.isdigit()
            }
            last_probe = asked["keepalives_idle"] + asked["keepalives_interval"] * asked["keepalives_count"]
            assert last_probe <= 15
            assert asked["tcp_user_timeout"] <= 15_000
