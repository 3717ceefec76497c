"""The front door: builds every part from the settings, and is the command line `recourse`.

The only file that knows every room, and nobody imports it. First the composition, then the commands.

Exit codes: 0 done · 1 failed, and the last line says what to run next · 2 unusable settings or arguments ·
3 done in part, or a difference was found.
"""

import atexit
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property, wraps
from http.client import HTTPConnection, HTTPException
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID, uuid4

import click
import msgspec
import psycopg
from flask import Flask
from marshmallow import ValidationError
from rich.console import Console
from rich.text import Text

from application.cases import Cases
from application.effects import PAYMENT
from application.errors import NotFound, ServiceUnavailable
from application.intake import Intake, IntakeInterrupted, Line, LineRefused, Outcome, Refused, Tally
from application.settlement import SettlementProcess
from application.store import StoreUnavailable
from domain import policy
from domain.case import Case
from domain.events import Fact
from domain.values import Actor, Role
from infrastructure import (
    credentials,
    doctor,
    jump_guard,
    key_file,
    logs,
    migrate,
    reference,
    screen,
    serving,
    settings,
    ticker,
)
from infrastructure import (
    outbox as outbox_worker,
)
from infrastructure.case_store import PostgresCaseStore
from infrastructure.clock import DatabaseClock, database_time
from infrastructure.demo import tour
from infrastructure.demo.cases import as_lines, example_cases
from infrastructure.demo.client import Client
from infrastructure.embedded import Embedded
from infrastructure.event_store.connections import Datastore
from infrastructure.event_store.order import NotMigrated
from infrastructure.gateways import ManualGateway, SandboxGateway
from infrastructure.health import Health
from infrastructure.keys import ApiKeys
from infrastructure.postgres_programs import EmbeddedError
from infrastructure.progress import progress
from infrastructure.projection_supervisor import (
    NotParked,
    ProjectionSupervisor,
    ReplayFailed,
    UnknownProjection,
)
from infrastructure.read_models import ReadModels
from infrastructure.settings import BadSettings, Settings
from infrastructure.supervision import Part, PartFailed, StopRequested, Supervisor
from infrastructure.vault import PostgresVault, WrongKeyFile
from projections import case_index, review_queue
from projections.catalogue import ALL
from web import strict_json
from web.app import WebSettings, create_app
from web.fields import faults
from web.limits import Rate
from web.presenter import Presenter
from web.problems import Problem
from web.schemas import FilingSchema

OPERATOR = Actor("operator", Role.ADMIN)
"""As whom the command line reads: everything but what people wrote."""

VERSION = version("recourse")

INTEGRATION = credentials.HOLDERS["buyer-integration"]
"""As whom the command line files, unless told otherwise."""

out = Console(width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True, width=None if sys.stderr.isatty() else 160)


# --- composition --------------------------------------------------------------------------------------


class NoDatabase(Exception):
    """No PostgreSQL is named, and none of ours runs in the home folder."""


def database_url(given: Settings) -> str:
    """Of the database that is named, or of the one that runs in the home folder. Raises NoDatabase."""
    url = given.database_url or Embedded.running(given.home)
    if url is None:
        raise NoDatabase(f"no database: RECOURSE_DATABASE_URL is not set, and none runs in {given.home}")
    return url


class Parts:
    """Everything that works on one database, built when it is first asked for. Build it after fork."""

    def __init__(self, given: Settings, url: str) -> None:
        self.settings = given
        self.url = url
        self._stack = ExitStack()

    def __enter__(self) -> "Parts":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._stack.close()

    @cached_property
    def store(self) -> PostgresCaseStore:
        """The cases."""
        pool = {"pool_size": self.settings.pool_size, "max_overflow": self.settings.pool_overflow}
        return self._stack.enter_context(PostgresCaseStore(self.url, **pool))

    @property
    def datastore(self) -> Datastore:
        """The connections, shared by everything in this process."""
        return self.store.datastore

    @cached_property
    def clock(self) -> DatabaseClock:
        """The time as the database tells it."""
        return DatabaseClock(database_time(self.datastore))

    @cached_property
    def vault(self) -> PostgresVault:
        """The keeper of texts. Raises KeyFileRefused and WrongKeyFile."""
        vault = PostgresVault(self.datastore, key_file.provide(self.settings.key_file))
        vault.check()
        return vault

    @cached_property
    def cases(self) -> Cases:
        """The use cases."""
        return Cases(self.store, self.vault, policy.DEFAULT, self.clock, uuid4)

    @cached_property
    def keys(self) -> ApiKeys:
        """The API keys."""
        keys = ApiKeys(self.datastore, self.clock)
        self._stack.callback(keys.close)
        return keys

    @cached_property
    def presenter(self) -> Presenter:
        """What callers are shown of cases."""
        return Presenter(self.vault)

    @cached_property
    def reader(self) -> ReadModels:
        """Queries of read models."""
        return ReadModels(self.datastore)

    @cached_property
    def projections(self) -> ProjectionSupervisor:
        """The keeper of the read models."""
        return ProjectionSupervisor(self.url, holder=self.process)

    @cached_property
    def outbox(self) -> outbox_worker.OutboxWorker:
        """What delivers messages: payment instructions, to the gateway."""
        gateway = SandboxGateway() if self.settings.payments == "sandbox" else ManualGateway()
        settlement = SettlementProcess(self.store, self.cases, gateway, self.clock)
        return outbox_worker.OutboxWorker(self.datastore, self.clock, {PAYMENT: settlement.deliver})

    @cached_property
    def ticker(self) -> ticker.Ticker:
        """What acts upon due times, by a clock that is watched for jumps."""
        guard = jump_guard.JumpGuard()
        watched = DatabaseClock(database_time(self.datastore), observe=guard.observe)
        cases = Cases(self.store, self.vault, policy.DEFAULT, watched, uuid4)
        hold = jump_guard.VerdictHold(guard, self.datastore, self.process)
        return ticker.Ticker(self.datastore, self.store, cases, watched, hold)

    @property
    def process(self) -> str:
        """This process among all that work on the database."""
        return f"{socket.gethostname()}:{os.getpid()}"


def web_app(given: Settings, url: str) -> Flask:
    """The application of one web worker."""
    parts = Parts(given, url)
    atexit.register(parts.close)
    health = Health(parts.datastore)
    return create_app(
        cases=parts.cases,
        vault=parts.vault,
        keys=parts.keys,
        reader=parts.reader,
        clock=parts.clock,
        probes={
            "database": health.database,
            "migrations": health.migrations,
            "projections": health.projections,
        },
        lag=health.lag,
        new_id=uuid4,
        settings=WebSettings(VERSION, Rate(given.web_rate, 2 * given.web_rate) if given.web_rate else None),
    )


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document; it needs no database."""
    absent: Any = None
    app = create_app(
        cases=Cases(absent, absent, policy.DEFAULT, absent, uuid4),
        vault=absent,
        keys=absent,
        reader=absent,
        clock=absent,
        probes={},
        lag=dict,
        new_id=uuid4,
        settings=WebSettings(VERSION),
    )
    document: dict[str, Any] = app.test_client().get("/api/v1/openapi.json").get_json()
    return document


# --- how a command fails ------------------------------------------------------------------------------


class Failure(click.ClickException):
    """A command that failed in a way that its user can mend; `then` is what to run next."""

    def __init__(self, message: str, then: str) -> None:
        super().__init__(message)
        self.then = then

    def show(self, file: Any = None) -> None:
        """What is wrong, and the next command to run."""
        err.print(Text.assemble(("recourse: ", "bold red"), self.message), soft_wrap=True)
        err.print(Text.assemble(("next: ", "dim"), self.then), soft_wrap=True)


class Unusable(Failure):
    """Settings or arguments that nothing can be done with."""

    exit_code = 2


class DoneInPart(Failure):
    """Some of the work was done, and some was refused."""

    exit_code = 3


ADVICE: tuple[tuple[tuple[type[Exception], ...], type[Failure], str], ...] = (
    ((BadSettings,), Unusable, "recourse doctor"),
    (
        (NoDatabase,),
        Failure,
        "recourse dev, or: export RECOURSE_DATABASE_URL=postgresql://user@host:5432/name",
    ),
    ((NotMigrated, migrate.MigrationRefused), Failure, "recourse migrate"),
    ((credentials.HomeTaken,), Failure, "recourse dev --home ANOTHER-FOLDER"),
    ((serving.AddressTaken,), Failure, "recourse dev --port 0"),
    ((key_file.KeyFileRefused, WrongKeyFile), Failure, "recourse doctor"),
    ((NotFound,), Failure, "recourse queue"),
    ((IntakeInterrupted,), Failure, "recourse doctor, then the same command again: nothing is filed twice"),
    ((UnknownProjection, NotParked, ReplayFailed), Failure, "recourse projections status"),
    (
        (EmbeddedError, PartFailed, ServiceUnavailable, StoreUnavailable, psycopg.Error),
        Failure,
        "recourse doctor",
    ),
)
"""Failures that are expected, how each ends the command, and what to run next."""


class FrontDoor(click.Group):
    """Turns expected failures into advice; an unexpected one stays a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except Exception as fault:
            for kinds, failure, then in ADVICE:
                if isinstance(fault, kinds):
                    raise failure(said(fault), then) from fault
            raise


def said(fault: Exception) -> str:
    """What an expected failure says of itself; its docstring, when it says nothing."""
    text = str(fault).strip() or (type(fault).__doc__ or type(fault).__name__).strip()
    match fault:
        case psycopg.Error():
            return text.splitlines()[0]
        case NotFound(kind):
            return f"there is no {kind}"
        case IntakeInterrupted(line=line):
            return f"the service went away before line {line}"
        case _:
            return text


# --- what commands share ------------------------------------------------------------------------------

Command = Callable[..., Any]

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
port_option = click.option("--port", type=int, help="Port to listen on; 0: any that is free.")


def with_settings(**forced: str) -> Callable[[Command], Command]:
    """Hand the command its settings; `forced` variables win over the environment."""

    def decorate(command: Command) -> Command:
        @click.option(
            "--home", type=click.Path(file_okay=False), help="Home folder, instead of RECOURSE_HOME."
        )
        @wraps(command)
        def run(*args: Any, home: str | None, **options: Any) -> Any:
            given = {"RECOURSE_HOME": home, "RECOURSE_PORT": options.pop("port", None)} | forced
            named = {name: str(value) for name, value in given.items() if value is not None}
            return command(settings.load({**os.environ, **named}), *args, **options)

        return run

    return decorate


def with_parts(command: Command) -> Command:
    """Hand the command everything that works on the database."""

    @with_settings()
    @wraps(command)
    def run(given: Settings, *args: Any, **options: Any) -> Any:
        with Parts(given, database_url(given)) as parts:
            return command(parts, *args, **options)

    return run


def print_json(value: Any) -> None:
    """JSON for scripts, on standard output."""
    click.echo(msgspec.json.encode(value))


def stop_on_signals() -> threading.Event:
    """Set by SIGTERM and SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@click.group(
    cls=FrontDoor, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(VERSION, prog_name="recourse", message="%(prog)s %(version)s")
def main() -> None:
    """Recourse: after-sales cases of a marketplace as facts.

    Settings come from the environment (RECOURSE_...); see docs/reference/settings.md.

    \b
    Exit codes: 0 done; 1 failed, the last line says what to run next;
    2 unusable settings or arguments; 3 done in part, or a difference was found.
    """


# --- running everything -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Running:
    """A whole installation that runs as children of this process."""

    url: str
    database_url: str
    home: Path
    credentials: Path
    keys: Mapping[str, str]
    supervisor: Supervisor


@contextmanager
def running(given: Settings) -> Iterator[Running]:
    """Database, web, worker and ticker, ready; all stopped at the end, the database last.

    Raises HomeTaken, AddressTaken, EmbeddedError, MigrationRefused, PartFailed and StopRequested.
    """
    with ExitStack() as stack:
        stack.enter_context(credentials.home_to_ourselves(given.home))
        listener = stack.enter_context(serving.listen(given.host, given.port))
        embedded = None if given.database_url else stack.enter_context(Embedded(given.home))
        database = embedded.url if embedded else database_url(given)
        given = replace(given, database_url=database)
        keys = prepared(given)
        host, port = listener.getsockname()[:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        supervisor = stack.enter_context(Supervisor(children(given, listener, url), say, embedded))
        yield Running(url, database, given.home, given.home / credentials.FILE_NAME, keys, supervisor)


def prepared(given: Settings) -> dict[str, str]:
    """Bring the database up to date and make the keys of the home; returns them by name."""
    url = database_url(given)
    migrate.migrate(url)
    with Parts(given, url) as parts:
        parts.projections.prepare()
        parts.vault.check()
        return credentials.provide(
            given.home,
            lambda key: parts.keys.authenticate(key) is not None,
            parts.keys.create,
        )


def children(given: Settings, listener: socket.socket, url: str) -> list[Part]:
    """The parts of an installation, in the order in which they start."""
    environment = environment_of(given)

    def part(name: str, *arguments: str, **more: Any) -> Part:
        return Part(name, [sys.executable, str(Path(__file__).resolve()), *arguments], environment, **more)

    inherited = listener.fileno()
    web = part(
        "web", "serve", "--listener", str(inherited), descriptors=(inherited,), ready=lambda: alive(url)
    )
    return [part("worker", "work"), part("ticker", "tick"), web]


def environment_of(given: Settings) -> dict[str, str]:
    """The environment of a child process, in which it finds the same settings."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(settings.PREFIX)}
    values = {name: getattr(given, name) for name in given.__dataclass_fields__}
    return others | {f"{settings.PREFIX}{name.upper()}": str(value) for name, value in values.items()}


def alive(url: str) -> bool:
    """Whether the web server answers."""
    where = url.removeprefix("http://")
    connection = HTTPConnection(where, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (HTTPException, OSError):
        return False
    finally:
        connection.close()


def say(what: str) -> None:
    """Something to know about the parts."""
    err.print(f"[yellow]recourse:[/] {what}", highlight=False)


@main.command()
@port_option
@with_settings()
def dev(given: Settings) -> None:
    """Run database, web, projections, processes and ticker together, until Ctrl-C or SIGTERM.

    Prints one line of JSON on standard output when everything is ready: url, home, credentials.
    """
    try:
        with running(given) as all_of_it:
            ready = {
                "url": all_of_it.url,
                "home": str(all_of_it.home),
                "credentials": str(all_of_it.credentials),
            }
            click.echo(json.dumps(ready))
            say(f"running at {all_of_it.url}; Ctrl-C stops everything")
            all_of_it.supervisor.attend()
    except StopRequested:
        say("stopped")


@main.command()
@click.option("--once", is_flag=True, help="Print and exit with everything stopped.")
@port_option
@with_settings(RECOURSE_PAYMENTS="sandbox")
def demo(given: Settings, once: bool) -> None:
    """Run everything, file 300 example cases, and drive one case through its whole path.

    Payments are confirmed by a built-in sandbox. Everything keeps running until Ctrl-C, except with --once.
    """
    try:
        with err.status("Starting database, worker, ticker and web server"):
            started = ExitStack()
            all_of_it = started.enter_context(running(given))
        with started:
            client = started.enter_context(Client(all_of_it.url, dict(all_of_it.keys)))
            lines = [line.encode() for line in as_lines(example_cases())]
            with Parts(given, all_of_it.database_url) as parts:
                file_lines(parts, lines, INTEGRATION.id, lambda line: None)
            tour.show(out, client)
            out.print(f"\nAPI         {all_of_it.url}/api/v1/docs", highlight=False)
            out.print(f"Credentials {all_of_it.credentials}", highlight=False)
            if not once:
                say("running until Ctrl-C")
                all_of_it.supervisor.attend()
    except StopRequested:
        say("stopped")


# --- the parts, for production ------------------------------------------------------------------------


@main.command()
@click.option("--listener", type=int, hidden=True, help="An inherited listening socket.")
@port_option
@with_settings()
def serve(given: Settings, listener: int | None) -> None:
    """Serve the HTTP API (and nothing else), gracefully until SIGTERM."""
    logs.log_here("web", given.log_level)
    url = database_url(given)
    where = socket.socket(fileno=listener) if listener else serving.listen(given.host, given.port)
    if listener is None:
        err.print("listening on {}:{}".format(*where.getsockname()[:2]), highlight=False)
    serving.serve(lambda: web_app(given, url), where, workers=given.web_workers, threads=given.web_threads)


@main.command()
@with_settings()
def work(given: Settings) -> None:
    """Keep the read models up to date and deliver the outbox, until SIGTERM."""
    logs.log_here("worker", given.log_level)
    stop = stop_on_signals()
    with Parts(given, database_url(given)) as parts:
        parts.projections.prepare()
        outbox = threading.Thread(target=parts.outbox.run, args=(stop,), name="outbox")
        outbox.start()
        parts.projections.run(stop)
        outbox.join()


@main.command()
@with_settings()
def tick(given: Settings) -> None:
    """Act upon due times, until SIGTERM. Any number of tickers may run."""
    logs.log_here("ticker", given.log_level)
    stop = stop_on_signals()
    with Parts(given, database_url(given)) as parts:
        parts.ticker.run(stop)


@main.command("migrate")
@dry_run
@with_settings()
def migrate_command(given: Settings, dry_run: bool) -> None:
    """Bring the database up to date: tables, then read models."""
    url = database_url(given)
    if dry_run:
        for name in migrate.pending(url):
            out.print(f"would apply {name}", highlight=False)
        return
    for name in migrate.migrate(url):
        out.print(f"applied {name}", highlight=False)
    with Parts(given, url) as parts:
        for table in parts.projections.prepare():
            out.print(f"made {table}", highlight=False)
    out.print("up to date")


# --- reading ------------------------------------------------------------------------------------------


def find_case(parts: Parts, name: str) -> UUID:
    """The id of a case that is named by id or number. Raises NotFound."""
    try:
        return UUID(name)
    except ValueError:
        page = parts.reader.read(case_index.CASE_INDEX, lambda rows: case_index.page(rows, number=name))
        found = json.loads(page)["data"]
    if not found:
        raise NotFound(f"case {name}")
    return UUID(found[0]["case_id"])


@main.group("case")
def case_group() -> None:
    """Look at one case, named by its id or number. Texts stay sealed here."""


@case_group.command("show")
@click.argument("case")
@as_json
@with_parts
def case_show(parts: Parts, case: str, as_json: bool) -> None:
    """The case as it is now."""
    found, facts = parts.cases.history(OPERATOR, find_case(parts, case))
    allowed = parts.cases.allowed(OPERATOR, found)
    shown = msgspec.to_builtins(parts.presenter.case(found, facts, OPERATOR, allowed, parts.clock.now()))
    print_json(shown) if as_json else screen.print_case(out, shown)


@case_group.command("history")
@click.argument("case")
@as_json
@with_parts
def case_history(parts: Parts, case: str, as_json: bool) -> None:
    """Every fact of the case in order."""
    found, facts = parts.cases.history(OPERATOR, find_case(parts, case))
    shown = msgspec.to_builtins(parts.presenter.history(found.id, facts, OPERATOR))
    print_json({"data": shown}) if as_json else screen.print_history(
        out, {"number": found.filing.number}, shown
    )


@case_group.command("replay")
@click.argument("case")
@click.option("--version", "version", type=click.IntRange(1), help="Stop after this fact.")
@as_json
@with_parts
def case_replay(parts: Parts, case: str, version: int | None, as_json: bool) -> None:
    """Fold the case again from its facts, one by one: what it was after each."""
    _, facts = parts.cases.history(OPERATOR, find_case(parts, case))
    shown = list(replayed(one.fact for one in facts[:version]))
    print_json({"data": shown}) if as_json else screen.print_replay(out, shown)


def replayed(facts: Iterable[Fact]) -> Iterator[screen.ReplayStep]:
    """What the case was after each of its facts."""
    case: Case | None = None
    for fact in facts:
        case = fact.mutate(case)
        if case is not None:
            yield screen.ReplayStep.of(case, fact)


@main.command()
@click.argument("name", default="review", type=click.Choice(review_queue.QUEUE_NAMES))
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many cases.")
@as_json
@with_parts
def queue(parts: Parts, name: str, limit: int, as_json: bool) -> None:
    """Who must act on which case, by when: the most urgent cases of a queue."""
    now = parts.clock.now()
    model, read = review_queue.REVIEW_QUEUE, parts.reader.read
    page = json.loads(read(model, lambda rows: review_queue.page(rows, name, at=now, limit=limit)))
    counts = json.loads(read(model, lambda rows: review_queue.counts(rows, at=now)))
    print_json(page) if as_json else screen.print_queue(out, name, page, counts)


# --- bulk intake --------------------------------------------------------------------------------------

FILING = FilingSchema()


@main.command("file")
@click.option(
    "--from", "source", required=True, type=click.File("rb"), help="JSON lines; - for standard input."
)
@click.option("--errors", type=click.Path(dir_okay=False, path_type=Path), help="Where refused lines go.")
@click.option(
    "--as", "subject", default=INTEGRATION.id, show_default=True, help="Who files: the key's subject."
)
@dry_run
@as_json
@with_parts
def file_command(
    parts: Parts, source: BinaryIO, errors: Path | None, subject: str, dry_run: bool, as_json: bool
) -> None:
    """File cases in bulk: one JSON object of POST /cases a line, plus an optional "idempotency_key".

    Refused lines are told with their number and reason; the rest is filed. Running it again files nothing
    twice. Exit code 3: some lines were refused.
    """
    lines = source.readlines()
    with ExitStack() as stack:
        bad = stack.enter_context(errors.open("wb")) if errors else None
        reject = bad.write if bad else lambda line: None
        tally = check_lines(lines, reject) if dry_run else file_lines(parts, lines, subject, reject)
    if as_json:
        print_json(tally)
    else:
        verb = "could be filed" if dry_run else "filed"
        counts = (
            f"{tally.filed:,} {verb}, {tally.already_filed:,} were filed before, {tally.refused:,} refused"
        )
        out.print(counts, highlight=False)
    if tally.refused:
        where = f"; they are in {errors}" if errors else ""
        raise DoneInPart(f"{tally.refused:,} lines were refused{where}", "mend them, and file them again")


Reject = Callable[[bytes], object]


def file_lines(parts: Parts, lines: list[bytes], subject: str, reject: Reject) -> Tally:
    """File the lines as this subject. Raises Forbidden and IntakeInterrupted."""
    intake = Intake(parts.cases, parts.store, parts.vault, parse_line, replace(INTEGRATION, id=subject))
    with told("filing cases", len(lines)) as note:
        return intake.read(lines, progress=note, reject=reject)


def check_lines(lines: list[bytes], reject: Reject) -> Tally:
    """What `file_lines` would refuse for the line alone."""
    refused = 0
    with told("checking cases", len(lines)) as note:
        for number, line in enumerate(lines, 1):
            try:
                parse_line(line)
            except LineRefused as bad:
                refused += 1
                reject(line)
                note(Refused(number, bad.code, bad.reason))
    return Tally(len(lines) - refused, 0, refused)


@contextmanager
def told(what: str, total: int) -> Iterator[Callable[[Outcome], None]]:
    """Show the progress of an intake, and each refusal as it happens."""
    done = 0
    with progress(err, what) as advance:

        def note(outcome: Outcome) -> None:
            nonlocal done
            done += 1
            advance(done, total)
            if isinstance(outcome, Refused):
                reason = f"line {outcome.line}: {outcome.code}: {outcome.reason}"
                err.print(reason, markup=False, highlight=False)

        yield note


def parse_line(raw: bytes) -> Line:
    """A line, read and validated as the body of POST /cases is. Raises LineRefused."""
    try:
        value = strict_json.parse(raw)
        key = value.pop("idempotency_key", None) if isinstance(value, dict) else None
        return Line(FILING.load(value), strict_json.canonical(value), key)
    except Problem as problem:
        raise LineRefused(problem.code, problem.detail) from None
    except ValidationError as invalid:
        found = [f"{fault.pointer or '/'}: {fault.detail}" for fault in faults(invalid, "body")]
        raise LineRefused("invalid_request", "; ".join(found)) from None


# --- read models --------------------------------------------------------------------------------------


@main.group()
def projections() -> None:
    """Watch, mend, rebuild and compare the read models."""


@projections.command()
@as_json
@with_parts
def status(parts: Parts, as_json: bool) -> None:
    """How far each read model is."""
    found = parts.projections.status()
    print_json({"data": found}) if as_json else screen.print_projections(out, found)


@projections.command()
@click.argument("name", type=click.Choice([model.name for model in ALL]))
@dry_run
@with_parts
def rebuild(parts: Parts, name: str, dry_run: bool) -> None:
    """Fill a read model anew beside the live one, and swap the two without downtime."""
    if dry_run:
        compare(parts, name, as_json=False)
        return
    with progress(err, f"rebuilding {name}") as done:
        rebuilt = parts.projections.rebuild(name, done)
    out.print(f"{name}: {rebuilt.events:,} facts folded", highlight=False)
    screen.print_difference(out, name, rebuilt.difference)


def compare(parts: Parts, name: str, as_json: bool) -> None:
    """Print in what a read model differs from one folded anew; exit with 3 when it does."""
    with progress(err, f"folding {name} beside the live table") as done:
        difference = parts.projections.diff(name, done)
    print_json(difference) if as_json else screen.print_difference(out, name, difference)
    if difference:
        raise click.exceptions.Exit(3)


@projections.command()
@click.argument("name", type=click.Choice([model.name for model in ALL]))
@as_json
@with_parts
def diff(parts: Parts, name: str, as_json: bool) -> None:
    """Compare a read model with one folded from the first fact. Exit code 3: they differ."""
    compare(parts, name, as_json)


@projections.command()
@as_json
@with_parts
def parked(parts: Parts, as_json: bool) -> None:
    """The cases that a read model waits with, and why."""
    found = parts.projections.parked()
    print_json({"data": found}) if as_json else screen.print_parked(out, found)


@projections.command()
@click.argument("case")
@with_parts
def replay(parts: Parts, case: str) -> None:
    """Fold a parked case again, after what made it fail was mended."""
    for name in parts.projections.replay(find_case(parts, case)):
        out.print(f"{name}: mended", highlight=False)


# --- keys ---------------------------------------------------------------------------------------------


@main.group()
def key() -> None:
    """Make, list and revoke API keys."""


@key.command()
@click.option("--role", required=True, type=click.Choice([role for role in Role if role is not Role.SYSTEM]))
@click.option("--subject", required=True, help="Who will use it: a person or a system.")
@click.option("--merchant", help="The merchant, for the merchant role alone.")
@click.option(
    "--days", type=click.IntRange(1, 3650), help="For how long it is valid; without it, until revoked."
)
@dry_run
@with_parts
def create(
    parts: Parts, role: str, subject: str, merchant: str | None, days: int | None, dry_run: bool
) -> None:
    """Make a key and print it on standard output: it is shown this once."""
    if (role == Role.MERCHANT) != (merchant is not None):
        raise click.UsageError("--merchant names the merchant of a merchant's key, and of no other")
    expires_at = parts.clock.now() + timedelta(days=days) if days else None
    if dry_run:
        out.print(f"would make a key for {subject} as {role}", highlight=False)
        return
    click.echo(parts.keys.create(Actor(subject, Role(role), merchant), expires_at=expires_at))


@key.command()
@click.argument("key_id")
@dry_run
@with_parts
def revoke(parts: Parts, key_id: str, dry_run: bool) -> None:
    """End a key for good. Names the id: the part between `rc_` and the next `_`."""
    known = [one for one in parts.keys.list() if one.key_id == key_id and one.revoked_at is None]
    if not known:
        raise Failure(f"no key {key_id} is in force", "recourse key list")
    if dry_run:
        out.print(f"would revoke {key_id} of {known[0].actor.id}", highlight=False)
        return
    parts.keys.revoke(key_id)
    out.print(f"revoked {key_id} of {known[0].actor.id}", highlight=False)


@key.command("list")
@as_json
@with_parts
def key_list(parts: Parts, as_json: bool) -> None:
    """Every key, never a secret."""
    found = parts.keys.list()
    print_json({"data": found}) if as_json else screen.print_keys(out, found, parts.clock.now())


# --- messages out, and the clock ----------------------------------------------------------------------


@main.group()
def outbox() -> None:
    """Messages that leave the system: what waits, and what waits for a person."""


@outbox.command("status")
@as_json
@with_parts
def outbox_status(parts: Parts, as_json: bool) -> None:
    """How many messages wait, since when, and which are parked."""
    now, parked = outbox_worker.status(parts.datastore), outbox_worker.parked(parts.datastore)
    print_json({"status": now, "parked": parked}) if as_json else screen.print_outbox(out, now, parked)


@outbox.command()
@click.argument("message_id", type=click.UUID)
@with_parts
def redeliver(parts: Parts, message_id: UUID) -> None:
    """Have a message delivered now, with all its attempts anew, under its old key: nothing is paid twice."""
    try:
        outbox_worker.redeliver(parts.datastore, message_id)
    except LookupError as fault:
        raise Failure(str(fault), "recourse outbox status") from fault
    out.print(f"{message_id} will be delivered now", highlight=False)


@main.group()
def clock() -> None:
    """Due times, and the alarms that hold them while the database's clock is under suspicion."""


@clock.command("status")
@as_json
@with_parts
def clock_status(parts: Parts, as_json: bool) -> None:
    """How many due times are pending, and which alarms are open."""
    now, alarms = ticker.status(parts.datastore, parts.clock.now()), jump_guard.open_alarms(parts.datastore)
    print_json({"status": now, "alarms": alarms}) if as_json else screen.print_clock(out, now, alarms)


@clock.command()
@click.argument("alarm_id", type=click.UUID)
@with_parts
def acknowledge(parts: Parts, alarm_id: UUID) -> None:
    """Settle an alarm: the clock is right, or was put right. Due times are acted upon again."""
    if not jump_guard.acknowledge(parts.datastore, [alarm_id], OPERATOR.id):
        raise Failure(f"no alarm {alarm_id} is open", "recourse clock status")
    out.print(f"{alarm_id} is settled", highlight=False)


# --- about the installation ---------------------------------------------------------------------------


@main.command("doctor")
@as_json
def doctor_command(as_json: bool) -> None:
    """Look for what may be wrong; each finding with the command that mends it. Exit code 1: a fault."""
    findings = doctor.examine(settings.load(os.environ))
    print_json({"data": findings}) if as_json else screen.print_findings(out, findings)
    if any(finding.level == "fault" for finding in findings):
        raise click.exceptions.Exit(1)


@main.command()
def openapi() -> None:
    """Print the OpenAPI document of the HTTP API."""
    click.echo(json.dumps(openapi_document(), indent=2, ensure_ascii=False, sort_keys=True))


@main.command("reference", hidden=True)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def reference_command(folder: Path) -> None:
    """Write the reference pages: facts, refusals, endpoints, settings, commands."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in reference_pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def reference_pages() -> dict[str, str]:
    """The reference pages by file name."""
    return reference.pages(ALL, openapi_document(), settings.DESCRIPTIONS, main)


if __name__ == "__main__":
    main()
