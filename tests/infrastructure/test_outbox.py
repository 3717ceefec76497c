"""What was recorded for the outside arrives at least once, and waits for a person when it cannot."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from application.delivery import Delivery, Undeliverable
from application.payments import GatewayUnavailable
from infrastructure.event_store.connections import Datastore
from infrastructure.outbox import (
    LONGEST_PAUSE,
    OutboxStatus,
    OutboxWorker,
    parked,
    pause_after,
    redeliver,
    status,
)


class SteppedClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.at = datetime(2027, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


class Counterparty:
    """Takes messages, and counts how often it was handed each."""

    def __init__(self) -> None:
        self.taken: Counter[UUID] = Counter()
        self.deliveries: list[Delivery] = []
        self.answer: BaseException | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def deliver(self, delivery: Delivery) -> None:
        self.taken[delivery.message_id] += 1
        self.deliveries.append(delivery)
        self.meanwhile()
        if self.answer:
            raise self.answer


class Office:
    """An outbox, who reads from it and a clock."""

    def __init__(self, datastore: Datastore) -> None:
        self.datastore = datastore
        self.url = datastore.url
        self.clock = SteppedClock()
        self.counterparty = Counterparty()

    def worker(self, **options) -> OutboxWorker:
        return OutboxWorker(self.datastore, self.clock, {"payment": self.counterparty.deliver}, **options)

    def send(self, number: int = 1, kind: str = "payment") -> list[UUID]:
        ids = [uuid4() for _ in range(number)]
        with psycopg.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO outbox (message_id, case_id, kind, payload, causation_id)"
                " VALUES (%s, %s, %s, '{\"points\": 5}', %s)",
                [(message_id, uuid4(), kind, uuid4()) for message_id in ids],
            )
        return ids

    def row(self, message_id: UUID) -> tuple[Any, ...]:
        with psycopg.connect(self.url) as connection:
            (row,) = connection.execute(
                "SELECT state, attempts, last_error, claimed_until FROM outbox WHERE message_id = %s",
                (message_id,),
            )
        return row


@pytest.fixture
def office(migrated_database: str) -> Iterator[Office]:
    with Datastore(migrated_database, pool_size=1, max_overflow=8) as datastore:
        yield Office(datastore)


def test_a_message_is_delivered_once_with_all_that_it_says(office: Office):
    (message_id,) = office.send()
    worker = office.worker()
    assert worker.deliver_next()
    assert not worker.deliver_next()
    (delivery,) = office.counterparty.deliveries
    assert delivery.message_id == message_id
    assert delivery.kind == "payment"
    assert delivery.payload == {"points": 5}
    assert isinstance(delivery.causation_id, UUID)
    assert office.row(message_id) == ("delivered", 1, None, None)


def test_no_transaction_is_open_while_a_message_is_delivered(office: Office):
    office.send()
    seen = []

    def look() -> None:
        with psycopg.connect(office.url) as connection:
            seen.append(
                connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                    " AND xact_start IS NOT NULL"
                ).fetchone()
            )

    office.counterparty.meanwhile = look
    office.worker().deliver_next()
    assert seen == [(0,)]


def test_a_failed_delivery_is_tried_again_after_longer_and_longer_pauses(office: Office):
    (message_id,) = office.send()
    office.counterparty.answer = GatewayUnavailable("down")
    worker = office.worker()
    for attempt in (1, 2, 3):
        assert worker.deliver_next()
        assert not worker.deliver_next()
        assert office.row(message_id) == ("pending", attempt, "GatewayUnavailable", None)
        office.clock.at += pause_after(attempt) - timedelta(milliseconds=1)
        assert not worker.deliver_next()
        office.clock.at += timedelta(milliseconds=1)
    office.counterparty.answer = None
    assert worker.deliver_next()
    assert office.row(message_id) == ("delivered", 4, None, None)


def test_pauses_double_up_to_a_limit():
    seconds = [pause_after(attempts).total_seconds() for attempts in range(1, 14)]
    assert seconds[:4] == [2, 4, 8, 16]
    assert seconds[-1] == LONGEST_PAUSE.total_seconds()
    assert pause_after(10_000) == LONGEST_PAUSE


def test_after_the_last_attempt_a_message_is_parked_and_seen(office: Office):
    (message_id,) = office.send()
    office.counterparty.answer = RuntimeError("quotes 13800000000")
    worker = office.worker(max_attempts=3)
    for _ in range(3):
        assert worker.deliver_next()
        office.clock.at += LONGEST_PAUSE
    assert not worker.deliver_next()
    (message,) = parked(office.datastore)
    assert (message.message_id, message.attempts) == (message_id, 3)
    assert message.last_error == "given up after 3 attempts: RuntimeError"
    assert status(office.datastore) == OutboxStatus(pending=0, parked=1, oldest_pending=None)


def test_what_cannot_be_delivered_is_parked_at_once(office: Office):
    office.send()
    office.counterparty.answer = Undeliverable("paid, but the case is closed")
    office.worker().deliver_next()
    (message,) = parked(office.datastore)
    assert (message.attempts, message.last_error) == (1, "paid, but the case is closed")


def test_a_kind_that_nobody_delivers_is_parked_and_does_not_hold_the_others(office: Office):
    office.send(kind="telegram")
    office.send()
    worker = office.worker()
    while worker.deliver_next():
        pass
    assert [message.last_error for message in parked(office.datastore)] == [
        "nobody here delivers messages of kind telegram"
    ]
    assert office.counterparty.taken.total() == 1


def test_a_parked_message_can_be_delivered_again_with_all_its_attempts(office: Office):
    (message_id,) = office.send()
    office.counterparty.answer = Undeliverable("no")
    worker = office.worker()
    worker.deliver_next()
    office.counterparty.answer = None
    redeliver(office.datastore, message_id)
    assert status(office.datastore).pending == 1
    assert worker.deliver_next()
    assert office.row(message_id) == ("delivered", 1, None, None)


def test_a_message_that_does_not_exist_cannot_be_delivered_again(office: Office):
    with pytest.raises(LookupError):
        redeliver(office.datastore, uuid4())


def test_workers_at_once_deliver_each_message_once(office: Office):
    sent = office.send(200)
    together = threading.Barrier(6)

    def work() -> None:
        worker = office.worker()
        together.wait()
        while worker.deliver_next():
            pass

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert office.counterparty.taken == Counter(sent)


def test_a_message_of_a_worker_that_died_is_delivered_again_when_its_lease_ends(office: Office):
    (message_id,) = office.send()
    office.counterparty.answer = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        office.worker(lease=timedelta(minutes=2)).deliver_next()
    office.counterparty.answer = None
    other = office.worker()
    assert not other.deliver_next()
    office.clock.at += timedelta(minutes=2)
    assert other.deliver_next()
    assert office.counterparty.taken == {message_id: 2}


def test_a_message_that_kills_its_workers_is_parked_at_last(office: Office):
    office.send()
    office.counterparty.answer = KeyboardInterrupt()
    worker = office.worker(max_attempts=2)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            worker.deliver_next()
        office.clock.at += timedelta(hours=1)
    assert worker.deliver_next()
    (message,) = parked(office.datastore)
    assert message.last_error == "given up: 2 attempts ended without an answer"
    assert office.counterparty.taken.total() == 2


@pytest.mark.parametrize("answer", [None, GatewayUnavailable(), Undeliverable("the slow one gives up")])
def test_who_has_lost_the_lease_records_nothing(office: Office, answer: Exception | None, caplog):
    (message_id,) = office.send()
    slow, quick = office.worker(), office.worker()

    def is_overtaken() -> None:
        office.counterparty.meanwhile = lambda: None
        office.clock.at += timedelta(hours=1)
        office.counterparty.answer = Undeliverable("the quick one gives up")
        assert quick.deliver_next()
        office.counterparty.answer = answer

    office.counterparty.meanwhile = is_overtaken
    assert slow.deliver_next()
    assert office.row(message_id) == ("parked", 2, "the quick one gives up", None)
    said = [record.getMessage() for record in caplog.records if "is parked" in record.getMessage()]
    assert said == [f"message {message_id} is parked: the quick one gives up"]


def test_a_running_worker_outlives_a_database_that_is_away_and_stops_when_told(office, database_url, caplog):
    arrived, noticed, stop = threading.Event(), threading.Event(), threading.Event()
    office.counterparty.meanwhile = arrived.set
    log, notice = logging.getLogger("infrastructure.outbox"), Noticing(noticed)
    log.addHandler(notice)
    running = threading.Thread(target=office.worker().run, args=(stop, 0.02))
    running.start()
    try:
        office.send()
        assert arrived.wait(20)
        arrived.clear()
        with closed(database_url, office.url):
            assert noticed.wait(20)
        office.send()
        assert arrived.wait(20)
    finally:
        stop.set()
        running.join(20)
        log.removeHandler(notice)
    assert not running.is_alive()
    assert "the outbox waits for the database" in caplog.messages


def test_a_running_worker_outlives_a_schema_that_is_being_changed(office: Office, caplog):
    arrived, noticed, stop = threading.Event(), threading.Event(), threading.Event()
    office.counterparty.meanwhile = arrived.set
    office.send()
    log, notice = logging.getLogger("infrastructure.outbox"), Noticing(noticed)
    log.addHandler(notice)
    rename = b"ALTER TABLE %s RENAME TO %s"
    running = threading.Thread(target=office.worker().run, args=(stop, 0.02))
    with psycopg.connect(office.url, autocommit=True) as connection:
        connection.execute(rename % (b"outbox", b"elsewhere"))
        running.start()
        try:
            assert noticed.wait(20)
            connection.execute(rename % (b"elsewhere", b"outbox"))
            assert arrived.wait(20)
        finally:
            stop.set()
            running.join(20)
            log.removeHandler(notice)
    assert not running.is_alive()
    assert "the outbox could not be read or written" in caplog.messages


class Noticing(logging.Handler):
    """Tells when anything is logged."""

    def __init__(self, noticed: threading.Event) -> None:
        super().__init__()
        self._noticed = noticed

    def emit(self, record: logging.LogRecord) -> None:
        self._noticed.set()


@contextmanager
def closed(server_url: str, url: str) -> Iterator[None]:
    """While it lasts, every connection to the database is broken and none is accepted."""
    name = urlsplit(url).path[1:]
    with psycopg.connect(server_url, autocommit=True) as server:
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        server.execute(allow.format(sql.Identifier(name), sql.Literal(False)))
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        try:
            yield
        finally:
            server.execute(allow.format(sql.Identifier(name), sql.Literal(True)))
