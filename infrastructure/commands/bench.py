"""`recourse bench`: each ratio measured in one run, on this machine. Never run as a test."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import click
import psycopg
from psycopg.conninfo import conninfo_to_dict
from rich.console import Console

from domain.values import Actor, Role
from infrastructure import serving
from infrastructure.bench import append, archive, audit, http, projection, queue, rules
from infrastructure.bench.append import scratch_database
from infrastructure.commands.terminal import (
    Door,
    Listing,
    Parts,
    as_json,
    err,
    out,
    print_json,
    with_settings,
)
from infrastructure.embedded import Embedded
from infrastructure.installation import awaited, environment_of, is_alive, url_of
from infrastructure.key_file import FILE_NAME
from infrastructure.migrate import migrate
from infrastructure.settings import Settings
from infrastructure.transparency.signing import KEY_FILE as LOG_KEY_FILE

Measure = Callable[[Settings, bool], dict[str, Any]]
Print = Callable[[dict[str, Any], Console], None]


@click.group(cls=Listing)
def bench() -> None:
    """Measure it all on a PostgreSQL of its own, or on the one of RECOURSE_DATABASE_URL.

    Every ratio is measured in the same run, in alternating rounds. --quick is for trying, not for figures.
    """


def measure_append(given: Settings, quick: bool) -> dict[str, Any]:
    """Saves a second."""
    rounds, seconds = (1, 0.3) if quick else (7, 1.0)
    return append.run(url_in(given), rounds, seconds)


def measure_projection(given: Settings, quick: bool) -> dict[str, Any]:
    """Events a second, and the memory that it takes."""
    if quick:
        return projection.run(url_in(given), events=5_000, stock_events=500, memory_events=0, rounds=1)
    return projection.run(url_in(given))


def measure_queue(given: Settings, quick: bool) -> dict[str, Any]:
    """One page of the queue, with few and with many open cases."""
    return queue.run(url_in(given), (100, 1_000), 3) if quick else queue.run(url_in(given))


def measure_rules(given: Settings, quick: bool) -> dict[str, Any]:
    """Deciding, deriving again, the past, and due times."""
    door: Door = click.get_current_context().find_root().obj

    def fire(url: str) -> float:
        """Act upon everything that is due; in how many seconds."""
        with door.open(beside(given, url)) as parts:
            began = perf_counter()
            parts.ticker.fire_due()
            return perf_counter() - began

    if quick:
        return rules.run(url_in(given), fire, events=2_000, few=500, rounds=1, backlog=20)
    return rules.run(url_in(given), fire)


def beside(given: Settings, scratch: str) -> Settings:
    """The settings for a scratch database on the server that is measured."""
    name = conninfo_to_dict(scratch)["dbname"]
    url = urlsplit(url_in(given))._replace(path=f"/{name}").geturl()
    return replace(given, database_url=url, web_rate=0, log_level="WARNING")


def measure_http(given: Settings, quick: bool) -> dict[str, Any]:
    """Requests a second."""
    door: Door = click.get_current_context().find_root().obj
    with scratch_database(url_in(given)) as scratch:
        alone = beside(given, scratch)
        url = url_in(alone)
        migrate(url)
        with door.open(alone) as parts:
            parts.projections.prepare()
            filing = parts.keys.create(Actor("bench", Role.BUYER_INTEGRATION))
            reading = parts.keys.create(Actor("bench", Role.REVIEWER))
            with web_server(alone, door) as (address, pid):
                target = http.Target(address, pid, filing, reading)
                rounds, seconds = (1, 0.5) if quick else (5, 4.0)
                return http.run(target, lambda: settle(parts, url), rounds, seconds)


def settle(parts: Parts, url: str) -> None:
    """Bring read models up to date, and do what autovacuum does within a minute of so many new rows."""
    parts.projections.catch_up()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")


def measure_audit(given: Settings, quick: bool) -> dict[str, Any]:
    """Sealing, and verifying."""
    door: Door = click.get_current_context().find_root().obj

    @contextmanager
    def sealing(url: str) -> Iterator[None]:
        """The sealer as a process of its own."""
        process = subprocess.Popen([*door.program, "seal"], env=environment_of(beside(with_home, url)))
        try:
            yield
        finally:
            process.terminate()
            process.wait()

    with TemporaryDirectory(prefix="recourse-bench-") as folder:
        home = Path(folder)
        with_home = replace(given, home=home, log_key_file=home / LOG_KEY_FILE, witnesses="")
        if quick:
            return audit.run(
                url_in(given), sealing, events=3_000, load_seconds=2, rounds=1, round_seconds=0.3
            )
        return audit.run(url_in(given), sealing)


def measure_archive(given: Settings, quick: bool) -> dict[str, Any]:
    """Saving, and restoring."""
    return archive.run(url_in(given), events=3_000) if quick else archive.run(url_in(given))


@contextmanager
def web_server(given: Settings, door: Door) -> Iterator[tuple[str, int]]:
    """Our web server as a process of its own: its URL and process id."""
    with serving.listen("127.0.0.1", 0) as listener:
        inherited = listener.fileno()
        process = subprocess.Popen(
            [*door.program, "serve", "--listener", str(inherited)],
            env=environment_of(given),
            pass_fds=(inherited,),
        )
        try:
            url = url_of(listener)
            awaited(lambda: is_alive(url))
            yield url, process.pid
        finally:
            process.terminate()
            process.wait()


MEASUREMENTS: dict[str, tuple[str, Measure, Print]] = {
    "append": (
        "Saves a second, against the stock recorder and bare psycopg.",
        measure_append,
        append.print_table,
    ),
    "projection": (
        "Events a second and memory of a catch-up, against the stock runner.",
        measure_projection,
        projection.print_table,
    ),
    "http": (
        "Requests a second of the web server, beside a route that returns a constant.",
        measure_http,
        http.print_table,
    ),
    "queue": (
        "One page of the review queue, with few and with many open cases.",
        measure_queue,
        queue.print_table,
    ),
    "audit": (
        "How soon facts are sealed, what that costs, and verifying a whole log.",
        measure_audit,
        audit.print_table,
    ),
    "archive": (
        "Saving a whole log, and restoring it with its proof.",
        measure_archive,
        archive.print_table,
    ),
    "rules": (
        "Deciding a long case, reading a whole log again, and a backlog of due times.",
        measure_rules,
        rules.print_table,
    ),
}


@contextmanager
def server_of(given: Settings) -> Iterator[Settings]:
    """The settings with the database that is named, or with a new one that ends with the measurement."""
    if given.database_url:
        yield given
        return
    with TemporaryDirectory(prefix="recourse-bench-") as folder:
        home = Path(folder)
        with Embedded(home) as server:
            yield replace(
                given, home=home, key_file=home / FILE_NAME, database_url=server.url, migration_url=server.url
            )


def url_in(given: Settings) -> str:
    """Of the database to measure beside."""
    return str(given.database_url)


def command(name: str, what: str, measured: list[str]) -> None:
    """Add the command that takes these measurements."""

    @bench.command(name, help=what)
    @click.option("--quick", is_flag=True, help="Few and short rounds: shows that it works, says nothing.")
    @as_json
    @with_settings()
    def run(given: Settings, quick: bool, as_json: bool) -> None:
        results = {}
        with server_of(given) as with_server:
            for one in measured:
                _, measure, print_table = MEASUREMENTS[one]
                err.print(f"measuring {one}", style="dim", highlight=False)
                results[one] = measure(with_server, quick)
                if not as_json:
                    print_table(results[one], out)
        if as_json:
            print_json(results)


for name in MEASUREMENTS:
    command(name, MEASUREMENTS[name][0], [name])
command("all", "All of them.", list(MEASUREMENTS))
