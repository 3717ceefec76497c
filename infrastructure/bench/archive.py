"""What it takes to save a whole history, to make a database of it again, and to verify one case offline."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

import recourse_verify
from infrastructure.archive import reading, writing
from infrastructure.bench.append import scratch_database
from infrastructure.bench.histories import fill
from infrastructure.event_store.connections import Datastore
from infrastructure.migrate import migrate
from infrastructure.projection_supervisor import ProjectionSupervisor
from infrastructure.transparency.published import PublishedLog
from infrastructure.transparency.sealer import Sealer
from infrastructure.transparency.tree import newest_log

EVENTS = 1_000_000
CASE_EVENTS = 30
ROUNDS = 50

TARGET_MINUTES = 15
TARGET_OFFLINE_MILLISECONDS = 100

_A_CASE = b"""
    SELECT originator_id, max(originator_version) FROM events
    GROUP BY originator_id ORDER BY abs(max(originator_version) - %s) LIMIT 1
"""


def run(url: str, events: int = EVENTS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure in scratch databases beside the one of `url`.

    `backup` and `restore`: seconds; a restore hashes every leaf, folds every read model, and compares.
    `offline`: milliseconds for the proof of one case of about 30 events, the median of `rounds`.
    """
    result: dict[str, Any] = {"events": events, "rounds": rounds}
    with TemporaryDirectory(prefix="recourse-bench-") as name, scratch_database(url) as scratch:
        folder = Path(name)
        migrate(scratch)
        fill(scratch, events)
        _prepare(scratch, folder / "home")
        began = perf_counter()
        writing.backup(scratch, folder / "archive")
        result["backup"] = perf_counter() - began
        result["bytes"] = sum(path.stat().st_size for path in (folder / "archive").rglob("*.json*"))
        result["offline_events"], result["offline"] = _offline(scratch, rounds)
        with scratch_database(url) as empty:
            migrate(empty)
            began = perf_counter()
            reading.restore(empty, empty, folder / "archive")
            result["restore"] = perf_counter() - began
    return result


def print_table(result: dict[str, Any], console: Console) -> None:
    """The result of `run` as a table."""
    table = Table(title="What the archive and an offline proof cost")
    for heading in ("", "measured", "goal"):
        table.add_column(heading)
    both = (result["backup"] + result["restore"]) / 60
    table.add_row(f"saving {result['events']:,} facts", f"{result['backup']:.0f} s", "")
    table.add_row("the archive", f"{result['bytes'] / result['events']:,.0f} bytes a fact", "")
    table.add_row("restoring, proving and folding them", f"{result['restore']:.0f} s", "")
    table.add_row("both", f"{both:.1f} min", f"{TARGET_MINUTES} min")
    offline = f"a case of {result['offline_events']} facts, verified offline"
    table.add_row(offline, f"{result['offline']:.1f} ms", f"{TARGET_OFFLINE_MILLISECONDS} ms")
    console.print(table)


def _prepare(url: str, home: Path) -> None:
    """The read models up to date, and everything sealed and signed."""
    supervisor = ProjectionSupervisor(url, holder="bench")
    supervisor.prepare()
    supervisor.catch_up()
    sealer = Sealer(url, home, origin=lambda: "recourse.local/bench")
    try:
        sealer.catch_up()
    finally:
        sealer.close()


def _offline(url: str, rounds: int) -> tuple[int, float]:
    """How many events the case has, and the milliseconds that verifying its proof takes."""
    with psycopg.connect(url) as connection:
        ((case_id, version),) = connection.execute(_A_CASE, (CASE_EVENTS,)).fetchall()
        vkey = newest_log(connection).verifier.vkey
    with Datastore(url, pool_size=1, max_overflow=0) as datastore:
        shown = range(1, version + 1)
        document = PublishedLog(datastore).case_proof(case_id, version, shown, None).document
    times = []
    for _ in range(rounds):
        began = perf_counter()
        recourse_verify.check(document, vkey, None, recourse_verify.Report())
        times.append((perf_counter() - began) * 1000)
    return version, median(times)
