"""Reading one page of the review queue, from a thousand open cases to a million; alternating rounds."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from statistics import median
from time import perf_counter
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import Connection
from rich.console import Console
from rich.table import Table

from infrastructure.bench.append import scratch_database
from infrastructure.migrate import migrate
from infrastructure.projection_supervisor import ProjectionSupervisor
from projections.pages import Place
from projections.review_queue import LISTING, REVIEW_QUEUE, page

SIZES = (1_000, 10_000, 100_000, 1_000_000)
TARGET_GROWTH = 1.5
READS = 50
"""In a row on one table, of which the median counts; then the next table has its turn."""

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)

MIDDLE = Place(AT, uuid4()).cursor()
"""Half of the cases are due before."""

_FILL = """
    INSERT INTO review_queue_v3
        (case_id, queue, stage, number, case_type, merchant_id, filed_by, filed_at, due, holder, lease_until,
         escalated)
    SELECT gen_random_uuid(), 'review', CASE WHEN n %% 3 = 0 THEN 'in_review' ELSE 'filed' END,
           'AS-20261122-' || lpad(n::text, 10, '0'),
           (ARRAY['return_refund', 'counterfeit', 'repair'])[1 + n %% 3],
           'm-' || 2000 + n %% 500, 'shop-' || 1 + n %% 3, filed_at, filed_at + interval '48 hours',
           CASE WHEN n %% 5 = 0 THEN 'reviewer-' || n %% 40 END,
           CASE WHEN n %% 5 = 0 THEN filed_at + interval '49 hours' END, false
    FROM (SELECT n, %(at)s - random() * interval '4 days' AS filed_at
          FROM generate_series(1, %(size)s) AS n) AS made
"""


def run(url: str, sizes: Sequence[int] = SIZES, rounds: int = 15) -> dict[str, Any]:
    """Measure in scratch databases beside the one of `url`.

    `milliseconds` maps each number of open cases to the median time of a first page (50 rows, as the API
    sends it) and of one from the middle, by cursor; `growth` is the largest number's time over the
    smallest's; `plan` tells how the largest table was read.
    """
    with ExitStack() as stack:
        tables = {size: stack.enter_context(_filled(url, size)) for size in sizes}
        times: dict[int, dict[str, list[float]]] = {size: {"first": [], "middle": []} for size in sizes}
        for _ in range(rounds):
            for size, connection in tables.items():
                times[size]["first"].append(_read(connection, None))
                times[size]["middle"].append(_read(connection, MIDDLE))
        plan = _plan(tables[max(sizes)])
    found = {size: {where: median(one) for where, one in pair.items()} for size, pair in times.items()}
    smallest, largest = found[min(sizes)], found[max(sizes)]
    return {
        "rounds": rounds,
        "milliseconds": found,
        "growth": {where: largest[where] / smallest[where] for where in ("first", "middle")},
        "plan": plan,
    }


def print_table(result: dict[str, Any], console: Console) -> None:
    """The result of `run` as a table."""
    table = Table(title="One page of the review queue, 50 rows, milliseconds")
    for heading in ("open cases", "first page", "page in the middle"):
        table.add_column(heading, justify="right")
    for size, found in result["milliseconds"].items():
        table.add_row(f"{size:,}", f"{found['first']:.3f}", f"{found['middle']:.3f}")
    console.print(table)
    growth = result["growth"]
    console.print(
        f"from the smallest to the largest: x {growth['first']:.2f} and x {growth['middle']:.2f};"
        f" goal: below {TARGET_GROWTH:g}. Plan: {result['plan']}"
    )


@contextmanager
def _filled(url: str, size: int) -> Iterator[Connection[Any]]:
    with scratch_database(url) as scratch:
        migrate(scratch)
        ProjectionSupervisor(scratch, holder="bench", models=[REVIEW_QUEUE]).prepare()
        with psycopg.connect(scratch, autocommit=True) as connection:
            connection.execute(_FILL, {"size": size, "at": AT})
            connection.execute("VACUUM (ANALYZE) review_queue_v3")
            yield connection


def _read(connection: Connection[Any], cursor: str | None) -> float:
    """The median milliseconds of some reads in a row."""
    times = []
    for _ in range(READS):
        began = perf_counter()
        page(connection, "review", at=AT, cursor=cursor)
        times.append((perf_counter() - began) * 1000)
    return median(times)


def _plan(connection: Connection[Any]) -> str:
    statement = LISTING.select(["queue = %(queue)s", LISTING.after], rows=51)
    values = {"queue": "review", "at": AT, "after_at": AT, "after_id": uuid4()}
    rows = connection.execute(b"EXPLAIN (FORMAT JSON) " + statement.encode(), values).fetchall()
    return " <- ".join(_nodes(rows[0][0][0]["Plan"]))


def _nodes(node: dict[str, Any]) -> Iterator[str]:
    index = f" using {node['Index Name']} where {node['Index Cond']}" if "Index Cond" in node else ""
    yield node["Node Type"] + index
    for child in node.get("Plans", ()):
        yield from _nodes(child)
