"""What the transparency log costs: how soon facts are sealed and signed, what that takes, and verifying all.

The sealer runs as it does in production, in a process of its own. Delays are measured by the database's
clock: from the beginning of a fact's transaction until somebody who looks every 20 ms sees its leaf, or the
checkpoint that covers it. Verifying runs in a process of its own, whose processor time is that of one core.
"""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from pathlib import Path
from statistics import median
from subprocess import PIPE
from subprocess import run as run_process
from tempfile import TemporaryDirectory
from threading import Event
from time import monotonic, perf_counter, process_time, sleep
from typing import Any, NamedTuple

import msgspec
import psycopg
from rich.console import Console
from rich.table import Table

import recourse_verify
from infrastructure.bench.append import Save, ours, rate, scratch_database
from infrastructure.bench.histories import fill
from infrastructure.bench.peak import peak_megabytes
from infrastructure.event_store.connections import Datastore
from infrastructure.installation import awaited
from infrastructure.migrate import migrate
from infrastructure.transparency.published import PublishedLog
from infrastructure.transparency.sealer import Sealer, identity
from infrastructure.transparency.stored import StoredLog, snapshot
from infrastructure.transparency.tree import newest_log
from infrastructure.transparency.verification import verify

EVENTS = 1_000_000
LOAD = 500
LOAD_THREADS = 4
LOAD_SECONDS = 30.0
ROUNDS = 7
ROUND_SECONDS = 4.0
THREADS = 8
LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 120.0

TARGET_LEAF_SECONDS = 1.0
TARGET_CHECKPOINT_SECONDS = 10.0
TARGET_OF_UNSEALED = 0.9
TARGET_OFFLINE_MILLISECONDS = 100
TARGET_PROOF_BYTES = 2_048
TARGET_VERIFY_SECONDS = 60
TARGET_VERIFY_MEGABYTES = 300

OFFLINE_FACTS = 30
OFFLINE_ROUNDS = 15

Sealing = Callable[[str], AbstractContextManager[None]]
"""Seals a database, in a process of its own, while it is entered."""

_SEEN = b"""
    SELECT clock_timestamp(), (
        SELECT position FROM transparency.leaves WHERE position IS NOT NULL ORDER BY index DESC LIMIT 1
    ), (
        SELECT position FROM transparency.leaves
        WHERE index < (SELECT max(size) FROM transparency.checkpoints) AND position IS NOT NULL
        ORDER BY index DESC LIMIT 1
    )
"""
_WAITING = b"""
    SELECT count(*) FROM events WHERE position > coalesce((
        SELECT position FROM transparency.leaves WHERE position IS NOT NULL ORDER BY index DESC LIMIT 1), 0)
"""


_A_CASE = """
    SELECT originator_id, count(*) FROM events GROUP BY originator_id ORDER BY abs(count(*) - %s) LIMIT 1
"""


class Look(NamedTuple):
    """How far facts were sealed, and signed, at an instant."""

    at: datetime
    sealed: int
    signed: int


class Verified(msgspec.Struct, frozen=True):
    """What one process verified: seconds, processor seconds, peak resident megabytes, faults."""

    seconds: float
    processor_seconds: float
    megabytes: float
    faults: int


def run(
    url: str,
    sealing: Sealing,
    events: int = EVENTS,
    load_seconds: float = LOAD_SECONDS,
    rounds: int = ROUNDS,
    round_seconds: float = ROUND_SECONDS,
) -> dict[str, Any]:
    """Measure in scratch databases beside the one of `url`.

    `leaf_p99`, `leaf_worst`, `checkpoint_worst`: seconds under 500 facts a second. `alone`, `sealed`: saves a
    second without and with the sealer, medians of alternating rounds. `offline_milliseconds`: for a case of
    `offline_facts`, by the verifier that auditors are given; `proof_bytes`: of its proof, for each of them,
    without the facts themselves. `verify_...`: seconds and megabytes.
    """
    result: dict[str, Any] = {"events": events, "rounds": rounds, "load": LOAD, "load_seconds": load_seconds}
    with scratch_database(url) as scratch, ExitStack() as stack:
        migrate(scratch)
        save = ours(scratch, stack, rows=False)
        with sealing(scratch):
            result |= _delays(scratch, save, load_seconds)
        result |= _rates(scratch, save, sealing, rounds, round_seconds)
    with scratch_database(url) as scratch:
        migrate(scratch)
        fill(scratch, events)
        result["seal_rate"] = events / _sealed_at_once(scratch)
        result |= _offline(scratch)
        result |= {f"verify_{name}": value for name, value in _verified(scratch).items()}
    return result


def print_table(result: dict[str, Any], console: Console) -> None:
    """The result of `run` as a table."""
    table = Table(title="What the transparency log costs")
    for heading in ("", "measured", "goal"):
        table.add_column(heading)
    load = f"at {result['load']} facts/s"
    processor = f"{result['verify_processor_seconds']:.1f} s of processor"
    rows = (
        (f"fact to leaf, p99, {load}", f"{result['leaf_p99']:.2f} s", f"{TARGET_LEAF_SECONDS:g} s"),
        (f"fact to leaf, worst, {load}", f"{result['leaf_worst']:.2f} s", ""),
        (
            f"fact to checkpoint, worst, {load}",
            f"{result['checkpoint_worst']:.2f} s",
            f"{TARGET_CHECKPOINT_SECONDS:g} s",
        ),
        (f"saves/s by {THREADS} threads, alone", f"{result['alone']:,.0f}", ""),
        ("beside the sealer", f"{result['sealed']:,.0f}", ""),
        ("of alone", f"{result['of_alone']:.2f}", f"{TARGET_OF_UNSEALED:g}"),
        ("facts/s sealed at once", f"{result['seal_rate']:,.0f}", ""),
        (
            f"verifying a case of {result['offline_facts']} facts offline",
            f"{result['offline_milliseconds']:.1f} ms",
            f"{TARGET_OFFLINE_MILLISECONDS} ms",
        ),
        ("its proof, each fact", f"{result['proof_bytes']:,.0f} bytes", f"{TARGET_PROOF_BYTES:,} bytes"),
        (
            f"verifying {result['events']:,} facts",
            f"{result['verify_seconds']:.1f} s, {processor}, {result['verify_megabytes']:.0f} MB",
            f"{TARGET_VERIFY_SECONDS} s, {TARGET_VERIFY_MEGABYTES} MB",
        ),
    )
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print(f"medians of {result['rounds']} alternating rounds")


# --- under load ---------------------------------------------------------------------------------------


def _delays(url: str, save: Save, seconds: float) -> dict[str, float]:
    """How long facts waited for their leaf and for their checkpoint, once the sealer is at work."""
    save(0)
    _await_nothing_waiting(url)
    with psycopg.connect(url, autocommit=True) as connection:
        (first,) = connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone() or (0,)
    over = Event()
    with ThreadPoolExecutor(LOAD_THREADS + 1) as pool:
        looking = pool.submit(_looks, url, over)
        paced = [pool.submit(_paced, save, worker, seconds) for worker in range(LOAD_THREADS)]
        for one in paced:
            one.result()
        _await_nothing_waiting(url, signed=True)
        over.set()
        looks = looking.result()
    with psycopg.connect(url, autocommit=True) as connection:
        facts = connection.execute(
            b"SELECT position, recorded_at FROM events WHERE position > %s ORDER BY position", (first,)
        ).fetchall()
    leaf = _waited(facts, [(look.at, look.sealed) for look in looks])
    checkpoint = _waited(facts, [(look.at, look.signed) for look in looks])
    return {
        "facts_per_second": len(facts) / seconds,
        "leaf_p99": leaf[int(len(leaf) * 0.99)],
        "leaf_worst": leaf[-1],
        "checkpoint_worst": checkpoint[-1],
    }


def _paced(save: Save, worker: int, seconds: float) -> None:
    """Save at the pace of one worker among the others."""
    began = perf_counter()
    every = LOAD_THREADS / LOAD
    for number in range(int(seconds / every)):
        sleep(max(0.0, began + (number + worker / LOAD_THREADS) * every - perf_counter()))
        save(worker)


def _looks(url: str, over: Event) -> list[Look]:
    """Looks until it is over, and once more."""
    looks, last = [], False
    with psycopg.connect(url, autocommit=True) as connection:
        while not last:
            last = over.wait(LOOK_SECONDS)
            at, sealed, signed = connection.execute(_SEEN).fetchone() or (None, 0, 0)
            looks.append(Look(at, sealed or 0, signed or 0))
    return looks


def _waited(facts: Sequence[tuple[int, datetime]], seen: Sequence[tuple[datetime, int]]) -> list[float]:
    """Seconds from each fact until it was seen, the longest last."""
    waited, looks = [], iter(seen)
    at, reached = next(looks)
    for position, recorded_at in facts:
        while reached < position:
            at, reached = next(looks)
        waited.append(max(0.0, (at - recorded_at).total_seconds()))
    return sorted(waited)


def _await_nothing_waiting(url: str, *, signed: bool = False) -> None:
    with psycopg.connect(url, autocommit=True) as connection:

        def done() -> bool:
            if connection.execute(_WAITING).fetchone() != (0,):
                return False
            _, sealed_to, signed_to = connection.execute(_SEEN).fetchone() or (None, 0, 0)
            return not signed or sealed_to == signed_to

        awaited(done, PATIENCE_SECONDS)


# --- beside recording ---------------------------------------------------------------------------------


def _rates(url: str, save: Save, sealing: Sealing, rounds: int, seconds: float) -> dict[str, float]:
    """Saves a second without the sealer and beside it; it has caught up when a round begins."""
    rates: dict[str, list[float]] = {"alone": [], "sealed": []}
    rate(save, THREADS, seconds / 4)
    for _ in range(rounds):
        rates["alone"].append(rate(save, THREADS, seconds))
        with sealing(url):
            _await_nothing_waiting(url, signed=True)
            rates["sealed"].append(rate(save, THREADS, seconds))
            _await_nothing_waiting(url)
    found = {form: median(measured) for form, measured in rates.items()}
    return {**found, "of_alone": found["sealed"] / found["alone"]}


# --- verifying ----------------------------------------------------------------------------------------


def _sealed_at_once(url: str) -> float:
    """Seal a whole history; in how many seconds."""
    with TemporaryDirectory(prefix="recourse-bench-") as home:
        sealer = Sealer(url, Path(home), origin=lambda: "bench.local/log")
        began = monotonic()
        sealer.catch_up()
        took = monotonic() - began
        sealer.close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
    return took


def _offline(url: str) -> dict[str, Any]:
    """One case, as an auditor checks it."""
    with Datastore(url, pool_size=1, max_overflow=0) as datastore:
        datastore.pool.open()
        case, facts = datastore.read(_A_CASE.encode(), (OFFLINE_FACTS,))[0]
        log, vkey = PublishedLog(datastore), identity(url).vkey
        whole = log.case_proof(case, facts, range(1, facts + 1), None).document
        alone = log.case_proof(case, facts, (), None).document
    took = []
    for _ in range(OFFLINE_ROUNDS):
        began = perf_counter()
        recourse_verify.check(whole, vkey, None, recourse_verify.Report(), [])
        took.append(perf_counter() - began)
    return {
        "offline_facts": facts,
        "offline_milliseconds": median(took) * 1000,
        "proof_bytes": len(alone) / facts,
    }


def _verified(url: str) -> dict[str, Any]:
    child = run_process([sys.executable, "-m", __spec__.name, url], stdout=PIPE, check=True)
    return msgspec.structs.asdict(msgspec.json.decode(child.stdout, type=Verified))


def _verify_here(url: str) -> Verified:
    began, worked = perf_counter(), process_time()
    with snapshot(url) as connection:
        report = verify(StoredLog(connection, newest_log(connection)))
    return Verified(perf_counter() - began, process_time() - worked, peak_megabytes(), report.faults)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(_verify_here(sys.argv[1])))
