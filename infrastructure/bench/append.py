"""Saves a second: our store, eventsourcing's stock one, bare psycopg; alternating rounds, one database."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from statistics import median
from threading import Barrier
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, AggregateCreated
from eventsourcing.persistence import Mapper, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.json import Jsonb
from rich.console import Console
from rich.table import Table

from application.store import Deadline, Effects, IdempotencyKey, OutboxMessage, Provenance
from infrastructure.event_store.append_call import NO_EFFECTS
from infrastructure.mapper import FactMapper
from infrastructure.migrate import migrate
from infrastructure.store import FactApplication

THREADS = (1, 4, 8)
TARGET_OF_STOCK = 3.0
TARGET_OF_BARE = 0.6

WHO = Provenance("reviewer-1", "reviewer", "req-0123456789abcdef")
AT = datetime(2026, 11, 6, 8, tzinfo=UTC)
DETAILS = {
    "number": "AS-20261106-000001",
    "merchant_id": "m-2001",
    "reason": "quality_defect",
    "title": "羽绒服 男款 冬季 加厚",
    "statement": "q1Zk" * 20,
    "amount_minor": 19900,
    "currency": "CNY",
}

Save = Callable[[int], None]
"""Saves one case on behalf of the worker with this number."""


class BenchCaseFiled(AggregateCreated):
    """A fact of about 330 stored bytes, of fields that the stock transcoder keeps as well."""

    number: str
    merchant_id: str
    reason: str
    title: str
    statement: str
    amount_minor: int
    currency: str


class BenchCase(Aggregate):
    """An aggregate that is filed and nothing else."""

    @classmethod
    def file(cls) -> "BenchCase":
        """A new one-event case."""
        return cls._create(BenchCaseFiled, id=uuid4(), timestamp=AT, **DETAILS)


def run(url: str, rounds: int = 7, seconds: float = 1.0) -> dict[str, Any]:
    """Measure in a scratch database beside the one of `url`; return medians and ratios.

    `events_only` and `with_rows` each map the number of threads to the saves a second of the three forms
    and to the ratios `of_stock` and `of_bare`.
    """
    with scratch_database(url) as scratch:
        migrate(scratch)
        return {
            "rounds": rounds,
            "seconds": seconds,
            "postgresql": _server_version(scratch),
            "events_only": _variant(scratch, rounds, seconds, rows=False),
            "with_rows": _variant(scratch, rounds, seconds, rows=True),
        }


def print_table(result: dict[str, Any], console: Console) -> None:
    """The result of `run` as a table."""
    table = Table(title=f"Saves a second of a one-event case, PostgreSQL {result['postgresql']}")
    for heading in ("recorded", "threads", *FORMS, "x stock", "of bare"):
        table.add_column(heading, justify="left" if heading == "recorded" else "right")
    for variant, label in (("events_only", "event"), ("with_rows", "event + 4 rows")):
        for threads, found in result[variant].items():
            rates = [f"{found[form]:,.0f}" for form in FORMS]
            table.add_row(label, str(threads), *rates, f"{found['of_stock']:.2f}", f"{found['of_bare']:.2f}")
    console.print(table)
    console.print(
        f"medians of {result['rounds']} alternating rounds of {result['seconds']:g} s;"
        f" goal at {THREADS[-1]} threads: {TARGET_OF_STOCK:g} x stock, {TARGET_OF_BARE:g} of bare"
    )


@contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """URL of a new database beside the one of `url`, dropped afterwards."""
    name = f"recourse_bench_{uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield make_conninfo(url, dbname=name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _server_version(url: str) -> str:
    with psycopg.connect(url) as connection:
        return connection.info.parameter_status("server_version") or "?"


def _variant(url: str, rounds: int, seconds: float, *, rows: bool) -> dict[int, dict[str, float]]:
    with ExitStack() as stack:
        saves = {form: build(url, stack, rows=rows) for form, build in FORMS.items()}
        for save in saves.values():
            rate(save, THREADS[-1], seconds / 4)
        return {threads: _compared(saves, threads, rounds, seconds) for threads in THREADS}


def _compared(saves: dict[str, Save], threads: int, rounds: int, seconds: float) -> dict[str, float]:
    measured: dict[str, list[float]] = {form: [] for form in FORMS}
    for _ in range(rounds):
        for form in FORMS:
            measured[form].append(rate(saves[form], threads, seconds))
    found = {form: median(rates) for form, rates in measured.items()}
    return {**found, "of_stock": found["ours"] / found["stock"], "of_bare": found["ours"] / found["bare"]}


def rate(save: Save, threads: int, seconds: float) -> float:
    """Saves a second of all threads together."""
    start = Barrier(threads + 1)

    def work(index: int) -> int:
        start.wait()
        end = perf_counter() + seconds
        saved = 0
        while perf_counter() < end:
            save(index)
            saved += 1
        return saved

    with ThreadPoolExecutor(threads) as pool:
        workers = [pool.submit(work, index) for index in range(threads)]
        start.wait()
        began = perf_counter()
        counts = [worker.result() for worker in workers]
        return sum(counts) / (perf_counter() - began)


def _effects() -> Effects:
    """One row of each kind, all with ids of their own."""
    clock, message, order_line = uuid4(), uuid4(), uuid4()
    return Effects(
        claims=(f"order-line:{order_line}",),
        deadlines=(Deadline(clock, "follow_up", AT + timedelta(days=3)),),
        outbox=(OutboxMessage(message, "instruct_refund", {"amount_minor": 19900, "currency": "CNY"}),),
        idempotency=IdempotencyKey("key-1", str(order_line), b"f" * 32),
    )


# --- ours -------------------------------------------------------------------------------------------


class BenchApplication(FactApplication):
    """The product's application, recording the fact of this measurement."""

    def construct_mapper(self) -> Mapper[UUID]:
        """Knows one fact."""
        return FactMapper({"BenchCaseFiled": BenchCaseFiled})  # type: ignore[dict-item]  # no Fact, so no Case


def ours(url: str, stack: ExitStack, *, rows: bool) -> Save:
    """The product's way, until the stack ends."""
    application = stack.enter_context(
        BenchApplication(
            {
                "PERSISTENCE_MODULE": "infrastructure.event_store",
                "POSTGRES_URL": url,
                "POSTGRES_POOL_SIZE": str(THREADS[-1]),
            }
        )
    )

    def save(worker: int) -> None:
        application.record(BenchCase.file(), WHO, _effects() if rows else NO_EFFECTS)  # type: ignore[arg-type]

    return save


# --- stock ------------------------------------------------------------------------------------------


class RowsRecorder(PostgresApplicationRecorder):
    """The stock recorder, writing the same rows through its hook."""

    def _insert_events(self, curs: Any, stored_events: Any, **kwargs: Any) -> None:
        effects = kwargs.get("effects")
        if effects is not None:
            _insert_rows(curs, stored_events[0], effects)


def _insert_rows(curs: Any, event: StoredEvent, effects: Effects) -> None:
    key = effects.idempotency
    (claim,), (deadline,), (message,) = effects.claims, effects.deadlines, effects.outbox
    case_id = event.originator_id
    if key is not None:
        curs.execute(
            "INSERT INTO idempotency (scope, key, fingerprint, case_id, version, position)"
            " VALUES (%s, %s, %s, %s, %s, 0)",
            (key.scope, key.key, key.fingerprint, case_id, event.originator_version),
            prepare=True,
        )
    curs.execute("INSERT INTO claims VALUES (%s, %s)", (claim, case_id), prepare=True)
    curs.execute(
        "INSERT INTO deadlines (case_id, clock_id, kind, due) VALUES (%s, %s, %s, %s)",
        (case_id, deadline.clock_id, deadline.kind, deadline.due),
        prepare=True,
    )
    curs.execute(
        "INSERT INTO outbox (message_id, case_id, kind, payload) VALUES (%s, %s, %s, %s)",
        (message.message_id, case_id, message.kind, Jsonb(message.payload)),
        prepare=True,
    )


def stock(url: str, stack: ExitStack, *, rows: bool) -> Save:
    """The library's way, with its JSONTranscoder, until the stack ends."""
    given = conninfo_to_dict(url)
    application: Application[UUID] = stack.enter_context(
        Application(
            {
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "APPLICATION_RECORDER_TOPIC": f"{__name__}:{RowsRecorder.__name__}",
                "POSTGRES_DBNAME": str(given["dbname"]),
                "POSTGRES_HOST": str(given.get("host", "")),
                "POSTGRES_PORT": str(given.get("port", "")),
                "POSTGRES_USER": str(given.get("user", "")),
                "POSTGRES_PASSWORD": str(given.get("password", "")),
                "POSTGRES_POOL_SIZE": str(THREADS[-1]),
            }
        )
    )

    def save(worker: int) -> None:
        application.save(BenchCase.file(), **({"effects": _effects()} if rows else {}))

    return save


# --- bare -------------------------------------------------------------------------------------------


def bare(url: str, stack: ExitStack, *, rows: bool) -> Save:
    """psycopg alone: a cursor for each worker, the same SQL, no aggregate; until the stack ends."""
    cursors = [
        stack.enter_context(psycopg.connect(url, autocommit=True)).cursor() for _ in range(THREADS[-1])
    ]
    event = FactMapper({"BenchCaseFiled": BenchCaseFiled}).to_stored_event(  # type: ignore[dict-item]
        BenchCase.file().pending_events[0]
    )

    def save(worker: int) -> None:
        case_id, event_id = uuid4(), uuid4()
        cursors[worker].execute(
            "SELECT append_fact(%b, %b, %s, %b, %b, %b, %s, %s, %s, %b, %s)",
            (
                case_id,
                1,
                event.topic,
                event.state,
                event_id,
                1,
                WHO.actor_id,
                WHO.actor_role,
                WHO.request_id,
                None,
                _bare_rows() if rows else None,
            ),
            prepare=True,
        ).fetchone()

    return save


def _bare_rows() -> str:
    order_line = uuid4()
    return (
        f'{{"claims":["order-line:{order_line}"],'
        f'"deadlines":[{{"clock_id":"{uuid4()}","kind":"follow_up","due":"2026-11-09T08:00:00Z"}}],'
        f'"outbox":[{{"message_id":"{uuid4()}","kind":"instruct_refund",'
        f'"payload":{{"amount_minor":19900,"currency":"CNY"}}}}],'
        f'"idempotency":{{"scope":"key-1","key":"{order_line}","fingerprint":"ZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY="}}}}'
    )


FORMS: dict[str, Callable[..., Save]] = {"stock": stock, "ours": ours, "bare": bare}
"""Who is measured, in the order of each round."""
