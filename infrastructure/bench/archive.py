"""What it takes to save a whole history, and to make a database of it again that proves itself."""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.table import Table

from infrastructure.archive import reading, writing
from infrastructure.bench.append import scratch_database
from infrastructure.bench.histories import fill
from infrastructure.migrate import migrate
from infrastructure.projection_supervisor import ProjectionSupervisor
from infrastructure.transparency.sealer import Sealer

EVENTS = 1_000_000

TARGET_MINUTES = 15


def run(url: str, events: int = EVENTS) -> dict[str, Any]:
    """Measure in scratch databases beside the one of `url`.

    `backup` and `restore`: seconds; a restore hashes every leaf, folds every read model, and compares.
    """
    result: dict[str, Any] = {"events": events}
    with TemporaryDirectory(prefix="recourse-bench-") as name, scratch_database(url) as scratch:
        folder = Path(name)
        migrate(scratch)
        fill(scratch, events)
        _prepare(scratch, folder / "home")
        began = perf_counter()
        writing.backup(scratch, folder / "archive")
        result["backup"] = perf_counter() - began
        result["bytes"] = sum(path.stat().st_size for path in (folder / "archive").rglob("*.json*"))
        with scratch_database(url) as empty:
            migrate(empty)
            began = perf_counter()
            reading.restore(empty, empty, folder / "archive")
            result["restore"] = perf_counter() - began
    return result


def print_table(result: dict[str, Any], console: Console) -> None:
    """The result of `run` as a table."""
    table = Table(title="What the archive costs")
    for heading in ("", "measured", "goal"):
        table.add_column(heading)
    both = (result["backup"] + result["restore"]) / 60
    table.add_row(f"saving {result['events']:,} facts", f"{result['backup']:.0f} s", "")
    table.add_row("the archive", f"{result['bytes'] / result['events']:,.0f} bytes a fact", "")
    table.add_row("restoring, proving and folding them", f"{result['restore']:.0f} s", "")
    table.add_row("both", f"{both:.1f} min", f"{TARGET_MINUTES} min")
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
