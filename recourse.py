"""The front door: builds every part from the settings, and is the command line `recourse`.

The only file that knows every room, and nobody imports it. First the composition, then the commands;
commands that need no other room than the infrastructure stand in `infrastructure.commands`.

Exit codes: 0 done · 1 failed, and the last line says what to run next · 2 unusable settings or arguments ·
3 done in part, or a difference was found.
"""

import atexit
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any, Self
from uuid import UUID, uuid4

import click
import msgspec
import psycopg
from flask import Flask
from marshmallow import ValidationError

from application.accesses import Access, Accesses
from application.cases import Cases, Files, Forgetting
from application.cases.recalling import Moment
from application.clock import Clock
from application.corrective_actions import CorrectionProcess, CorrectiveActions
from application.effects import PAYMENT
from application.errors import NotFound, ServiceUnavailable
from application.incidents import AlertProcess, IncidentProcess, Incidents
from application.intake import IntakeInterrupted, Line, LineRefused
from application.payments import PaymentGateway
from application.phone_search import PhoneSearch
from application.policies import Policies
from application.processes import Process
from application.rulebook import PublishedPolicies
from application.settlement import SettlementProcess
from application.simulation import Simulations
from application.standings import StandingProcess, Standings
from application.store import StoreUnavailable
from application.subjects import Subjects
from application.transparency import Transparency
from domain import policy
from domain.case import Case
from domain.events import Fact
from infrastructure import (
    credentials,
    doctor,
    erasure_ledger,
    jump_guard,
    key_file,
    logs,
    migrate,
    policy_documents,
    policy_pack,
    reference,
    screen,
    serving,
    settings,
)
from infrastructure.archive.reading import ArchiveInvalid, DatabaseNotEmpty
from infrastructure.archive.writing import NothingSigned
from infrastructure.blind_index import StoredBlindIndex
from infrastructure.blobs import PostgresBlobs
from infrastructure.clock import DatabaseClock, Reading, database_time
from infrastructure.commands.archive import backup, restore
from infrastructure.commands.audit import audit
from infrastructure.commands.bench import bench
from infrastructure.commands.cases import OPERATOR, find_case
from infrastructure.commands.duties import clock, outbox, processes
from infrastructure.commands.erasures import LEDGER, erasures
from infrastructure.commands.filing import file, file_lines
from infrastructure.commands.keys import key
from infrastructure.commands.policy import policy as policy_group
from infrastructure.commands.read_models import projections
from infrastructure.commands.terminal import (
    Advice,
    AdvisedGroup,
    Door,
    Listing,
    Unusable,
    an_instant,
    as_json,
    dry_run,
    err,
    out,
    port_option,
    print_json,
    with_parts,
    with_settings,
)
from infrastructure.comparison import changes
from infrastructure.demo import tour
from infrastructure.demo.cases import as_lines, example_cases
from infrastructure.demo.client import Client
from infrastructure.demo.client import Refused as RequestRefused
from infrastructure.demo.story import PaymentsLate
from infrastructure.epochs import Epochs
from infrastructure.erasure_ledger import ErasureLedgerFile, LedgerRefused
from infrastructure.event_store.connections import Datastore
from infrastructure.event_store.order import EpochBehind, NotMigrated, RestoreUnfinished
from infrastructure.fact_log import StoredFacts
from infrastructure.gateways import ManualGateway, SandboxGateway
from infrastructure.health import Health
from infrastructure.installation import NoDatabase, Running, running, with_database
from infrastructure.key_roll import RollUnfinished
from infrastructure.keys import ApiKeys
from infrastructure.occurrences import StoredOccurrences
from infrastructure.outbox import OutboxWorker
from infrastructure.postgres_programs import EmbeddedError
from infrastructure.process_supervisor import ProcessSupervisor
from infrastructure.projection_rebuild import RebuildUnderWay, SwapRefused
from infrastructure.projection_supervisor import NotParked, ProjectionSupervisor, ReplayFailed
from infrastructure.read_models import ReadModels
from infrastructure.recurrence import StoredActions, StoredRecurrence
from infrastructure.settings import BadSettings, Settings
from infrastructure.store import PostgresStore
from infrastructure.subject_index import StoredSubjects
from infrastructure.supervision import PartFailed, StopRequested
from infrastructure.ticker import Ticker
from infrastructure.transparency import witnesses
from infrastructure.transparency.export import FolderRefused
from infrastructure.transparency.published import PublishedLog
from infrastructure.transparency.sealer import Sealer
from infrastructure.transparency.tree import NoLog
from infrastructure.transparency.witnesses import Witnesses, parsed_witnesses
from infrastructure.vault import PostgresVault, WrongKeyFile
from projections import review_queue
from projections.catalogue import ALL
from web import problems, strict_json
from web.app import WebSettings, create_app
from web.fields import faults
from web.limits import Rate
from web.presenter import Presenter
from web.schemas import FilingSchema

log = logging.getLogger(__name__)

VERSION = version("recourse")
PROGRAM = (sys.executable, str(Path(__file__).resolve()))
"""This command line, to be run as a child process."""

AT_THE_SCREEN = Access(OPERATOR, "cases.read", "command-line")


# --- composition --------------------------------------------------------------------------------------


class Parts:
    """Everything that works on one database, built when it is first asked for. Build it after fork."""

    def __init__(self, given: Settings) -> None:
        self.settings = with_database(given)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._stack.close()

    @property
    def url(self) -> str:
        """Of the database."""
        return str(self.settings.database_url)

    @property
    def process(self) -> str:
        """This process among all that work on the database."""
        return f"{socket.gethostname()}:{os.getpid()}"

    @cached_property
    def store(self) -> PostgresStore:
        """The cases."""
        pool = {"pool_size": self.settings.pool_size, "max_overflow": self.settings.pool_overflow}
        return self._stack.enter_context(PostgresStore(self.url, **pool))

    @property
    def datastore(self) -> Datastore:
        """The connections, shared by everything in this process."""
        return self.store.datastore

    @cached_property
    def clock(self) -> Clock:
        """The time as the database tells it."""
        return self.timed(unwatched)

    def timed(self, observe: Callable[[Reading], None]) -> Clock:
        """The same by a clock whose every reading is shown to `observe`."""
        return DatabaseClock(database_time(self.datastore), observe=observe)

    @cached_property
    def epochs(self) -> Epochs:
        """The secrets in which data keys are wrapped."""
        return Epochs(self.settings.key_file)

    @cached_property
    def vault(self) -> PostgresVault:
        """The keeper of texts. Raises KeyFileRefused and WrongKeyFile."""
        vault = PostgresVault(self.datastore, key_file.provide(self.settings.key_file), self.epochs)
        vault.bind()
        return vault

    @cached_property
    def rulebook(self) -> PublishedPolicies:
        """The policies that count."""
        return PublishedPolicies(self.store, policy.compiled, policy_pack.default_pack(), monotonic)

    @cached_property
    def policies(self) -> Policies:
        """The use cases of the policy book."""
        return Policies(
            self.store,
            self.vault,
            self.rulebook,
            policy.compiled,
            policy_documents.read,
            policy_pack.default_document(),
            self.clock,
            uuid4,
        )

    @cached_property
    def simulations(self) -> Simulations:
        """What a draft would have changed."""
        return Simulations(self.policies, StoredFacts(self.datastore), self.rulebook)

    @cached_property
    def cases(self) -> Cases:
        """The use cases."""
        return Cases(self.store, self.vault, self.rulebook, self.clock, uuid4)

    @cached_property
    def blobs(self) -> PostgresBlobs:
        """The keeper of bytes."""
        return PostgresBlobs(self.datastore, self.vault)

    @cached_property
    def accesses(self) -> Accesses:
        """The record of who saw what."""
        return Accesses(self.store, self.vault, self.clock, uuid4)

    @cached_property
    def files(self) -> Files:
        """The use cases on the bytes of evidence."""
        parts = (self.store, self.vault, self.rulebook, self.clock, uuid4)
        return Files(*parts, self.blobs, self.accesses)

    @cached_property
    def ledger(self) -> ErasureLedgerFile:
        """The ledger of erasures, which is no part of the database."""
        return ErasureLedgerFile(self.settings.home / erasure_ledger.FILE_NAME)

    @cached_property
    def forgetting(self) -> Forgetting:
        """The use cases on personal data."""
        return Forgetting(self.store, self.vault, self.rulebook, self.clock, uuid4, self.vault, self.ledger)

    @cached_property
    def subjects(self) -> Subjects:
        """The use cases on all cases of a person."""
        return Subjects(self.cases, self.forgetting, self.vault, StoredSubjects(self.reader))

    @cached_property
    def phone_search(self) -> PhoneSearch:
        """The search by phone number."""
        return PhoneSearch(self.cases, self.accesses, self.vault, StoredBlindIndex(self.datastore))

    @cached_property
    def incidents(self) -> Incidents:
        """The use cases of incidents."""
        return Incidents(self.store, self.vault, self.rulebook, self.clock, uuid4)

    @cached_property
    def corrective_actions(self) -> CorrectiveActions:
        """The use cases of corrective actions."""
        return self.corrective_actions_by(self.clock)

    def corrective_actions_by(self, clock: Clock) -> CorrectiveActions:
        """The same by another clock."""
        recurrence = StoredRecurrence(self.reader)
        return CorrectiveActions(self.store, self.vault, self.rulebook, recurrence, clock, uuid4)

    @cached_property
    def standings(self) -> Standings:
        """The use cases of merchants' standings."""
        return Standings(self.store, self.vault, self.rulebook, self.clock, uuid4)

    @cached_property
    def transparency(self) -> Transparency:
        """The use cases of reading the transparency log."""
        return Transparency(self.cases, self.accesses, PublishedLog(self.datastore))

    @cached_property
    def keys(self) -> ApiKeys:
        """The API keys."""
        keys = ApiKeys(self.datastore, self.clock)
        self._stack.callback(keys.close)
        return keys

    @cached_property
    def presenter(self) -> Presenter:
        """What callers are shown of cases."""
        return Presenter(self.accesses)

    @cached_property
    def reader(self) -> ReadModels:
        """Queries of read models."""
        return ReadModels(self.datastore)

    @cached_property
    def projections(self) -> ProjectionSupervisor:
        """The keeper of the read models."""
        return ProjectionSupervisor(self.url, holder=self.process)

    @cached_property
    def processes(self) -> tuple[Process, ...]:
        """What follows the log of facts and gives commands."""
        occurrences = StoredOccurrences(self.reader)
        return (
            AlertProcess(self.store, self.incidents, occurrences, self.rulebook),
            IncidentProcess(self.incidents, self.cases),
            StandingProcess(self.standings),
            CorrectionProcess(self.corrective_actions, StoredActions(self.reader)),
        )

    @cached_property
    def followers(self) -> ProcessSupervisor:
        """What carries the processes along."""
        return ProcessSupervisor(self.url, self.processes, holder=self.process)

    @property
    def gateway(self) -> PaymentGateway:
        """Who pays what was instructed."""
        return SandboxGateway() if self.settings.payments == "sandbox" else ManualGateway()

    @cached_property
    def outbox(self) -> OutboxWorker:
        """What delivers messages: payment instructions, to the gateway."""
        settlement = SettlementProcess(self.store, self.cases, self.gateway, self.clock)
        return OutboxWorker(self.datastore, self.clock, {PAYMENT: settlement.deliver})

    @cached_property
    def ticker(self) -> Ticker:
        """What acts upon due times, by a clock that is watched for jumps."""
        guard = jump_guard.JumpGuard()
        watched = self.timed(guard.observe)
        cases = Cases(self.store, self.vault, self.rulebook, watched, uuid4)
        incidents = Incidents(self.store, self.vault, self.rulebook, watched, uuid4)
        standings = Standings(self.store, self.vault, self.rulebook, watched, uuid4)
        actions = self.corrective_actions_by(watched)
        hold = jump_guard.VerdictHold(guard, self.datastore, self.process)
        clockworks = (cases, incidents, standings, actions)
        return Ticker(self.datastore, clockworks, watched, hold, chores=(self.blobs.sweep,))

    @property
    def sealer(self) -> Sealer:
        """What seals every fact into the transparency log."""
        given = self.settings

        def origin() -> str:
            return given.log_origin or f"recourse.local/{uuid4().hex[:8]}"

        return Sealer(self.url, given.home, origin=origin, key_file=given.log_key_file)

    @property
    def witnesses(self) -> Witnesses:
        """What has the log's checkpoints cosigned."""
        return Witnesses(self.url, parsed_witnesses(self.settings.witnesses))


def unwatched(_: Reading) -> None:
    """Nobody looks at the readings of this clock."""


def web_worker(given: Settings) -> Flask:
    """The application of one web worker."""
    parts = Parts(given)
    atexit.register(parts.close)
    return web_app(parts)


def web_app(parts: Parts) -> Flask:
    """The application over these parts."""
    given = parts.settings
    health = Health(parts.datastore, [process.name for process in parts.processes])
    return create_app(
        cases=parts.cases,
        files=parts.files,
        accesses=parts.accesses,
        forgetful=parts.forgetting,
        subjects=parts.subjects,
        phone_search=parts.phone_search,
        policies=parts.policies,
        simulations=parts.simulations,
        incidents=parts.incidents,
        corrective_actions=parts.corrective_actions,
        transparency=parts.transparency,
        vault=parts.vault,
        keys=parts.keys,
        reader=parts.reader,
        clock=parts.clock,
        probes={
            "database": health.database,
            "migrations": health.migrations,
            "projections": health.projections,
        },
        watched={"log": health.log},
        lag=health.lag,
        process_lag=health.process_lag,
        log_figures=health.log_figures,
        new_id=uuid4,
        settings=WebSettings(VERSION, Rate(given.web_rate, 2 * given.web_rate) if given.web_rate else None),
    )


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document; it needs no database."""
    absent: Any = None
    app = create_app(
        cases=Cases(absent, absent, absent, absent, uuid4),
        files=Files(absent, absent, absent, absent, uuid4, absent, absent),
        accesses=Accesses(absent, absent, absent, uuid4),
        forgetful=Forgetting(absent, absent, absent, absent, uuid4, absent, absent),
        subjects=Subjects(absent, absent, absent, absent),
        phone_search=PhoneSearch(absent, absent, absent, absent),
        policies=Policies(absent, absent, absent, absent, absent, absent, absent, uuid4),
        simulations=Simulations(absent, absent, absent),
        incidents=Incidents(absent, absent, absent, absent, uuid4),
        corrective_actions=CorrectiveActions(absent, absent, absent, absent, absent, uuid4),
        transparency=Transparency(absent, absent, absent),
        vault=absent,
        keys=absent,
        reader=absent,
        clock=absent,
        probes={},
        watched={},
        lag=dict,
        process_lag=dict,
        log_figures=dict,
        new_id=uuid4,
        settings=WebSettings(VERSION),
    )
    document: dict[str, Any] = app.test_client().get("/api/v1/openapi.json").get_json()
    return document


FILING = FilingSchema()


def parse_line(raw: bytes) -> Line:
    """A line, read and validated as the body of POST /cases is. Raises LineRefused."""
    try:
        value = strict_json.parse(raw)
        key = value.pop("idempotency_key", None) if isinstance(value, dict) else None
        return Line(FILING.load(value), strict_json.canonical(value), key)
    except problems.Problem as problem:
        raise LineRefused(problem.code, problem.detail) from None
    except ValidationError as invalid:
        found = [f"{fault.pointer or '/'}: {fault.detail}" for fault in faults(invalid, "body")]
        raise LineRefused("invalid_request", "; ".join(found)) from None


# --- the command line ---------------------------------------------------------------------------------


class FrontDoor(AdvisedGroup):
    """Knows what to run next after each expected failure."""

    advice = (
        Advice((BadSettings,), "correct them (docs/reference/settings.md), then: recourse doctor", Unusable),
        Advice(
            (NoDatabase,),
            "recourse dev, or: export RECOURSE_DATABASE_URL=postgresql://user@host:5432/name",
            Unusable,
        ),
        Advice((NotMigrated, EpochBehind, migrate.MigrationRefused), "recourse migrate"),
        Advice((psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction), "recourse migrate"),
        Advice((credentials.HomeTaken,), "recourse dev --home ANOTHER-FOLDER"),
        Advice((credentials.HomeUnusable,), "recourse dev --home ANOTHER-FOLDER", Unusable),
        Advice((serving.AddressTaken,), "the same again with another port, such as: recourse dev --port 0"),
        Advice((key_file.KeyFileRefused, WrongKeyFile), "recourse doctor"),
        Advice((NothingSigned,), "recourse doctor"),
        Advice((ArchiveInvalid,), "recourse restore, of another backup and into another empty database"),
        Advice((DatabaseNotEmpty,), "createdb ANOTHER, then recourse restore into that one"),
        Advice((RestoreUnfinished,), "recourse restore, into another empty database"),
        Advice((RollUnfinished,), "recourse key roll"),
        Advice((LedgerRefused,), "mend it, then: recourse erasures apply"),
        Advice((NotFound,), "recourse queue"),
        Advice((NoLog,), "recourse doctor"),
        Advice((FolderRefused,), "recourse audit verify"),
        Advice((NotParked,), "recourse projections parked"),
        Advice((ReplayFailed, RebuildUnderWay, SwapRefused), "recourse projections status"),
        Advice((IntakeInterrupted,), "recourse doctor, then the same again: nothing is filed twice"),
        Advice((RequestRefused, PaymentsLate), "recourse doctor"),
        Advice(
            (EmbeddedError, PartFailed, ServiceUnavailable, StoreUnavailable, psycopg.Error),
            "recourse doctor",
        ),
    )


@click.group(
    cls=FrontDoor, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(VERSION, prog_name="recourse", message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Recourse: after-sales cases of a marketplace as facts.

    Settings come from the environment (RECOURSE_...); see docs/reference/settings.md.

    \b
    Exit codes: 0 done; 1 failed, the last line says what to run next;
    2 unusable settings or arguments; 3 done in part, or a difference was found.
    """
    context.obj = Door(Parts, PROGRAM, parse_line)


for command in (
    audit,
    backup,
    bench,
    clock,
    erasures,
    file,
    key,
    outbox,
    policy_group,
    processes,
    projections,
    restore,
):
    main.add_command(command)


def say(what: str) -> None:
    """Something to know about the parts."""
    err.print(f"recourse: {what}", style="yellow", highlight=False, markup=False)


@main.command()
@port_option
@with_settings()
def dev(given: Settings) -> None:
    """Run database, web, projections, processes, ticker and sealer together, until Ctrl-C or SIGTERM.

    Prints one line of JSON on standard output when everything is ready: url, home, credentials.
    """
    try:
        with running(given, Parts, PROGRAM, say) as ready:
            where = {
                "url": ready.url,
                "home": str(ready.settings.home),
                "credentials": str(ready.credentials),
            }
            click.echo(json.dumps(where))
            say(f"running at {ready.url}; Ctrl-C stops everything")
            ready.supervisor.attend()
    except StopRequested:
        pass
    say("stopped")


@main.command()
@click.option("--once", is_flag=True, help="Print and exit with everything stopped.")
@port_option
@with_settings(RECOURSE_PAYMENTS="sandbox", RECOURSE_LOG_LEVEL="WARNING")
def demo(given: Settings, once: bool) -> None:
    """Run everything, file 300 example cases, and drive one case through its whole path.

    Payments are confirmed by a built-in sandbox. Everything keeps running until Ctrl-C, except with --once.
    """
    try:
        with ExitStack() as stack:
            with err.status("Starting database, worker, ticker and web server"):
                ready = stack.enter_context(running(with_free_port(given), Parts, PROGRAM, say))
            show(ready)
            if not once:
                say("running until Ctrl-C")
                ready.supervisor.attend()
    except StopRequested:
        pass
    say(f"stopped; to go on with these cases: recourse dev --home {given.home}")


def with_free_port(given: Settings) -> Settings:
    """The settings with another port if something else listens on theirs: a demo runs wherever it can."""
    try:
        serving.listen(given.host, given.port).close()
    except serving.AddressTaken as taken:
        say(f"{taken}; taking another port")
        return replace(given, port=0)
    return given


def show(ready: Running) -> None:
    """File the example cases, give the tour, and say where everything is."""
    with Parts(ready.settings) as parts:
        lines = [line.encode() for line in as_lines(example_cases())]
        tally = file_lines(parts, parse_line, lines)
    out.print(
        f"{tally.filed:,} example cases filed, {tally.already_filed:,} were filed before", highlight=False
    )
    with Client(ready.url, dict(ready.keys)) as client:
        number = tour.show(out, client)
    for name, what in {
        "API": f"{ready.url}/api/v1/docs",
        "Credentials": ready.credentials,
        "More": f"recourse case history {number} --home {ready.settings.home}",
        "Prove it": f"recourse audit export {number} -o case.json --home {ready.settings.home}",
    }.items():
        out.print(f"{name:<12} {what}", highlight=False, soft_wrap=True)


# --- the parts, for production ------------------------------------------------------------------------


@main.command()
@click.option("--listener", type=int, hidden=True, help="An inherited listening socket.")
@port_option
@with_settings()
def serve(given: Settings, listener: int | None) -> None:
    """Serve the HTTP API (and nothing else), gracefully until SIGTERM."""
    logs.log_here("web", given.log_level)
    with Parts(given) as parts:
        parts.vault.check()  # what would end every worker is told here, with what to run next
        parts.forgetting.apply_ledger(LEDGER)  # an older database, put back, forgets again before it serves
    given = parts.settings
    where = socket.socket(fileno=listener) if listener else serving.listen(given.host, given.port)
    if listener is None:
        say("listening on {}:{}".format(*where.getsockname()[:2]))
    serving.serve(lambda: web_worker(given), where, workers=given.web_workers, threads=given.web_threads)


@main.command()
@with_settings()
def work(given: Settings) -> None:
    """Keep the read models up to date, carry the processes along and deliver the outbox, until SIGTERM."""
    logs.log_here("worker", given.log_level)
    stop = stop_on_signals()
    with Parts(given) as parts:
        duties = [
            threading.Thread(target=parts.outbox.run, args=(stop,), name="outbox"),
            threading.Thread(target=parts.followers.run, args=(stop,), name="processes"),
        ]
        parts.projections.prepare()
        for duty in duties:
            duty.start()
        log.info("keeping the read models, carrying the processes along and delivering the outbox")
        parts.projections.run(stop)
        for duty in duties:
            duty.join()


@main.command()
@with_settings()
def tick(given: Settings) -> None:
    """Act upon due times, until SIGTERM. Any number of tickers may run."""
    logs.log_here("ticker", given.log_level)
    stop = stop_on_signals()
    with Parts(given) as parts:
        ticker = parts.ticker
        log.info("acting upon due times")
        ticker.run(stop)


@main.command()
@with_settings()
def seal(given: Settings) -> None:
    """Seal every fact into the transparency log and sign its head, until SIGTERM. One sealer at a time.

    What hinders it is told and waited for; everything else goes on meanwhile.
    """
    logs.log_here("sealer", given.log_level)
    stop = stop_on_signals()
    with Parts(given) as parts:
        asking = threading.Thread(target=parts.witnesses.run, args=(stop,), name="witnesses", daemon=True)
        asking.start()
        parts.sealer.run(stop)
    asking.join(witnesses.TIMEOUT_SECONDS)


def stop_on_signals() -> threading.Event:
    """Set by SIGTERM and SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@main.command("migrate")
@dry_run
@with_settings()
def migrate_command(given: Settings, dry_run: bool) -> None:
    """Bring the database up to date: tables, then read models."""
    given = with_database(given)
    url = str(given.migration_url)
    if dry_run:
        done = [f"would apply {name}" for name in migrate.pending(url)]
    else:
        done = [f"applied {name}" for name in migrate.migrate(url)]
        with Parts(given) as parts:
            done += [f"made {table}" for table in parts.projections.prepare()]
    for line in done or ["up to date"]:
        out.print(line, highlight=False)


# --- reading ------------------------------------------------------------------------------------------


@main.group("case", cls=Listing)
def case_group() -> None:
    """Look at one case, named by its id or number. Texts stay sealed here."""


@case_group.command("show")
@click.argument("case")
@as_json
@with_parts
def case_show(parts: Parts, case: str, as_json: bool) -> None:
    """The case as it is now."""
    shown = page_of(parts, find_case(parts, case), Moment())
    print_json(shown) if as_json else screen.print_case(out, shown)


def page_of(parts: Parts, case_id: UUID, moment: Moment) -> dict[str, Any]:
    """The page of a case as it was known at a moment, without its texts. Raises NotFound."""
    cases, known = parts.cases, parts.cases.as_known(OPERATOR, case_id, moment)
    told = parts.presenter.case(
        known.case,
        known.facts,
        AT_THE_SCREEN,
        cases.allowed(OPERATOR, known.case, known.at),
        cases.burden(known.case, known.at),
        cases.viewer_state(OPERATOR, known.case, known.at),
        known.at,
        known.current,
    )
    page: dict[str, Any] = msgspec.to_builtins(told)
    return page


@audit.command("show")
@click.argument("case")
@click.option("--at", callback=an_instant, help="As known at this instant.")
@click.option("--version", type=click.IntRange(1), help="As known at this version.")
@click.option("--decision", type=click.UUID, help="As seen by whoever decided this, or judged this appeal.")
@click.option("--against", callback=an_instant, help="What had changed at this instant.")
@as_json
@with_parts
def audit_show(
    parts: Parts,
    case: str,
    at: datetime | None,
    version: int | None,
    decision: UUID | None,
    against: datetime | None,
    as_json: bool,
) -> None:
    """The case as it was known then, or what changed between then and another instant."""
    case_id = find_case(parts, case)
    shown = page_of(parts, case_id, Moment(version, at, decision))
    if against is None:
        print_json(shown) if as_json else screen.print_case(out, shown)
        return
    changed = list(changes(shown, page_of(parts, case_id, Moment(at=against))))
    if as_json:
        print_json({"data": [asdict(one) for one in changed]})
    else:
        screen.print_changes(out, shown["number"], changed)


@case_group.command("history")
@click.argument("case")
@as_json
@with_parts
def case_history(parts: Parts, case: str, as_json: bool) -> None:
    """Every fact of the case in order."""
    found, facts = parts.cases.history(OPERATOR, find_case(parts, case))
    shown = msgspec.to_builtins(parts.presenter.history(found, facts, AT_THE_SCREEN))
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


# --- about the installation ---------------------------------------------------------------------------


@main.command("doctor")
@as_json
@with_settings()
def doctor_command(given: Settings, as_json: bool) -> None:
    """Look for what may be wrong; each finding with the command that mends it. Exit code 1: a fault."""
    findings = doctor.examine(given)
    print_json({"data": findings}) if as_json else screen.print_findings(out, findings)
    if any(finding.level == "fault" for finding in findings):
        raise click.exceptions.Exit(1)


@main.command()
def openapi() -> None:
    """Print the OpenAPI document of the HTTP API."""
    click.echo(json.dumps(openapi_document(), indent=2, ensure_ascii=False, sort_keys=True))


@main.command("reference")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def reference_command(folder: Path) -> None:
    """Write the reference pages: facts, refusals, endpoints, settings, commands, the policy."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in reference_pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def reference_pages() -> dict[str, str]:
    """The reference pages by file name."""
    errors = [
        reference.ErrorCode(code, status, problems.title(code, "en"), problems.title(code, "zh"))
        for code, status in problems.STATUS.items()
    ]
    return reference.pages(
        ALL, errors, openapi_document(), settings.DESCRIPTIONS, main, policy_pack.default_pack()
    )


if __name__ == "__main__":
    main()
