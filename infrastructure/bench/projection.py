"""Catching up with the history: our projector against eventsourcing's stock ProjectionRunner, and its memory.

Both keep the review queue, each alone in a process of its own, in alternating rounds. The stock runner reads
the stock recorder's table; it is given our mapper, our row, our fold, and its own filter by kind of fact, so
that only the ways of reading and writing are compared. A rate counts all events passed, also filtered ones.
"""

import sys
from random import Random
from resource import RUSAGE_SELF, getrusage
from statistics import median
from subprocess import PIPE
from subprocess import run as run_process
from time import perf_counter
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import Mapper, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.conninfo import conninfo_to_dict
from rich.console import Console
from rich.table import Table as Printed

from infrastructure.bench.append import scratch_database
from infrastructure.bench.histories import AT_ONCE, fill, told
from infrastructure.bench.peak import peak_megabytes
from infrastructure.mapper import FactMapper
from infrastructure.migrate import migrate
from infrastructure.projection_supervisor import ProjectionSupervisor
from infrastructure.projection_tables import Table
from infrastructure.projector import Projector
from projections.review_queue import REVIEW_QUEUE

EVENTS = 200_000
STOCK_EVENTS = 10_000
"""Fewer, since it takes the same time for each; fewer cases under way keep the mix of facts alike."""
MEMORY_EVENTS = 1_000_000
TARGET_OF_STOCK = 15.0
TARGET_RATE = 15_000
TARGET_MEGABYTES = 200

FOLDED = tuple(sorted(fact.__name__ for fact in REVIEW_QUEUE.steps))


class CaughtUp(msgspec.Struct, frozen=True):
    """What one process did: events passed, wall and processor seconds, peak resident megabytes."""

    events: int
    seconds: float
    processor_seconds: float
    megabytes: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds


def run(
    url: str,
    events: int = EVENTS,
    stock_events: int = STOCK_EVENTS,
    memory_events: int = MEMORY_EVENTS,
    rounds: int = 3,
) -> dict[str, Any]:
    """Measure in scratch databases beside the one of `url`; return medians, their ratio and the memory.

    `projector` and `stock` are events a second, `of_stock` their ratio, `megabytes` the projector's peak
    while catching up `memory_events` events (none: 0).
    """
    with scratch_database(url) as ours, scratch_database(url) as stock:
        _fill_ours(ours, events)
        _fill_stock(stock, stock_events)
        measured: dict[str, list[CaughtUp]] = {"projector": [], "stock": []}
        for _ in range(rounds):
            _forget_ours(ours)
            measured["projector"].append(_in_own_process("projector", ours, events))
            _forget_stock(stock)
            measured["stock"].append(_in_own_process("stock", stock, stock_events))
    rates = {form: median(one.rate for one in found) for form, found in measured.items()}
    return {
        "events": events,
        "stock_events": stock_events,
        "rounds": rounds,
        **rates,
        "of_stock": rates["projector"] / rates["stock"],
        "processor_seconds": median(one.processor_seconds for one in measured["projector"]),
        "memory_events": memory_events,
        "megabytes": _memory(url, memory_events) if memory_events else 0.0,
    }


def print_table(result: dict[str, Any], console: Console) -> None:
    """The result of `run` as a table."""
    table = Printed(title="Catching up with the review queue")
    for heading in ("", "events", "events/s", "x stock"):
        table.add_column(heading, justify="right" if heading else "left")
    table.add_row("stock runner", f"{result['stock_events']:,}", f"{result['stock']:,.0f}", "1.0")
    table.add_row(
        "projector", f"{result['events']:,}", f"{result['projector']:,.0f}", f"{result['of_stock']:.1f}"
    )
    console.print(table)
    console.print(
        f"medians of {result['rounds']} alternating rounds;"
        f" goal: {TARGET_OF_STOCK:g} x stock and {TARGET_RATE:,}/s"
    )
    if result["memory_events"]:
        console.print(
            f"peak memory over {result['memory_events']:,} events: {result['megabytes']:.0f} MB;"
            f" goal: below {TARGET_MEGABYTES} MB"
        )


def _memory(url: str, events: int) -> float:
    with scratch_database(url) as scratch:
        _fill_ours(scratch, events)
        return _in_own_process("projector", scratch, events).megabytes


def _in_own_process(form: str, url: str, events: int) -> CaughtUp:
    child = run_process(
        [sys.executable, "-m", __spec__.name, form, url, str(events)], stdout=PIPE, check=True
    )
    return msgspec.json.decode(child.stdout, type=CaughtUp)


# --- ours -------------------------------------------------------------------------------------------


def _fill_ours(url: str, events: int, at_once: int = AT_ONCE) -> None:
    migrate(url)
    ProjectionSupervisor(url, holder="bench", models=[REVIEW_QUEUE]).prepare()
    fill(url, events, at_once=at_once)


def _forget_ours(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE review_queue_v3")
        connection.execute("UPDATE projections SET position = 0")


def _projected(url: str) -> int:
    projector = Projector(url, REVIEW_QUEUE, holder="bench")
    try:
        return projector.catch_up()
    finally:
        projector.close()


# --- stock ------------------------------------------------------------------------------------------


class StockCases(Application[UUID]):
    """eventsourcing's application on its own recorder."""

    name = "StockCases"

    def construct_mapper(self) -> Mapper[UUID]:
        """Ours, which is the quicker one."""
        return FactMapper()


class StockView(PostgresTrackingRecorder):
    """The review queue's table beside the stock tracking table."""

    table = Table(REVIEW_QUEUE, REVIEW_QUEUE.table)

    def take(self, fact: Any, tracking: Tracking) -> None:
        """Row and position in one transaction, event by event: the runner knows no batches."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            case_id = fact.originator_id
            before = {} if fact.originator_version == 1 else self.table.load(cursor.connection, [case_id])
            after = {case_id: REVIEW_QUEUE.fold(before.get(case_id, {}), fact)}
            self.table.write_cases(cursor.connection, before, after)


class StockQueue(Projection[StockView]):
    """The review queue as a stock projection."""

    topics = FOLDED

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Fold one fact."""
        self.view.take(domain_event, tracking)


def _stock_settings(url: str) -> dict[str, str]:
    given = conninfo_to_dict(url)
    names = {"DBNAME": "dbname", "HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password"}
    connection = {f"POSTGRES_{name}": str(given.get(key, "")) for name, key in names.items()}
    return {"PERSISTENCE_MODULE": "eventsourcing.postgres", **connection}


def _fill_stock(url: str, events: int) -> None:
    migrate(url)
    ProjectionSupervisor(url, holder="bench", models=[REVIEW_QUEUE]).prepare()
    with StockCases(_stock_settings(url)):
        pass  # creates its table
    chance = Random(1)  # noqa: S311  # the same story every time is the point
    with (
        psycopg.connect(url) as connection,
        connection.cursor() as cursor,
        cursor.copy("COPY stockcases_events FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(["uuid", "int8", "text", "bytea", "int8"])
        for position, event in enumerate(told(chance, events, at_once=max(1, events // 20)), 1):
            copy.write_row((*event, position))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) stockcases_events")


def _forget_stock(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE review_queue_v3")
        connection.execute("DROP TABLE IF EXISTS stockqueue_tracking")


def _stock_run(url: str, events: int) -> int:
    last = _last_folded(url)
    with ProjectionRunner(
        application_class=StockCases,
        projection_class=StockQueue,
        view_class=StockView,
        env=_stock_settings(url),
    ) as runner:
        runner.wait(last, timeout=600)
    return events


def _last_folded(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT max(notification_id) FROM stockcases_events WHERE topic = ANY(%s)", (list(FOLDED),)
        )
        return int(found.fetchall()[0][0])


def main(form: str, url: str, events: int) -> None:
    """One catch-up in this process; prints a `CaughtUp` as JSON."""
    began = perf_counter()
    passed = _projected(url) if form == "projector" else _stock_run(url, events)
    seconds = perf_counter() - began
    used = getrusage(RUSAGE_SELF)
    found = CaughtUp(passed, seconds, used.ru_utime + used.ru_stime, peak_megabytes())
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
