"""What may be wrong with an installation, each finding with the command that mends it."""

import os
import shlex
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import psycopg

from application.errors import ServiceUnavailable
from domain.values import ErasureState
from infrastructure import erasure_ledger, key_file, migrate
from infrastructure.embedded import Embedded, HomeRefused, for_application
from infrastructure.epochs import Epochs
from infrastructure.event_store.connections import Datastore
from infrastructure.health import Health
from infrastructure.settings import Settings, without_password
from infrastructure.transparency import signing
from infrastructure.transparency.sealer import NotAnExtension, compare
from infrastructure.transparency.signing import KeptCheckpoint, LogKeyRefused
from infrastructure.transparency.tree import StoredTree, newest_log
from infrastructure.vault import PostgresVault, WrongKeyFile
from projections.erasures import ERASURES

MODULES = ("domain", "application", "projections", "infrastructure", "web", "recourse")
OURS = Path(__file__).parents[1]
OLDEST_PYTHON = (3, 11)
POSTGRES = range(15, 19)
TOLERATED_SKEW = timedelta(seconds=2)
DEMO_SPAN = timedelta(days=7)
OTHER_PROCESSES = 5  # projections, processes, outbox, ticker and a command line, each with a pool of its own
CONNECT_SECONDS = 5

Level = Literal["ok", "warning", "fault"]


@dataclass(frozen=True)
class Finding:
    """The result of one check. `mend` is the command to run, or the step to take; empty when all is well."""

    check: str
    level: Level
    detail: str
    mend: str = ""


def examine(given: Settings) -> list[Finding]:
    """Every finding about this installation, in the order in which they should be mended."""
    embedded = given.database_url is None
    findings = [python(sys.version_info[:3]), *rooms(), *(home(given.home) if embedded else ())]
    url, finding = where(given)
    return [*findings, key(given.key_file), finding, *(database(url, given) if url else ())]


def python(version: tuple[int, int, int]) -> Finding:
    """Python itself."""
    shown = ".".join(map(str, version))
    if version[:2] < OLDEST_PYTHON:
        return Finding("python", "fault", f"Python {shown} is too old", "install Python 3.11 or newer")
    return Finding("python", "ok", f"Python {shown}")


def rooms(
    names: Sequence[str] = MODULES, ours: Path = OURS, find: Callable[[str], Any] = find_spec
) -> Iterator[Finding]:
    """Rooms have common names: another distribution's `web` must not be taken for ours."""
    for name in names:
        spec = find(name)
        place = None if spec is None or spec.origin is None else Path(spec.origin).resolve()
        if place is None:
            yield Finding(f"room {name}", "fault", "is not installed", "make clean setup")
        elif place.parent != (ours / name).resolve() and place.parent != ours.resolve():
            yield Finding(
                f"room {name}",
                "fault",
                f"comes from {place}, not from {ours}",
                "install Recourse in an environment of its own: make clean setup",
            )
        else:
            yield Finding(f"room {name}", "ok", f"from {ours}")


def home(folder: Path) -> Iterator[Finding]:
    """Owner and modes of the home folder."""
    if not folder.exists():
        yield Finding("home", "ok", f"{folder} will be made at the first start")
        return
    status = folder.stat()
    if status.st_uid != os.geteuid():
        yield Finding(
            "home",
            "fault",
            f"{folder} belongs to user {status.st_uid}, not to {os.geteuid()}",
            f"sudo chown -R {os.geteuid()} {shlex.quote(str(folder))}",
        )
    elif stat.S_IMODE(status.st_mode) & 0o077:
        yield Finding(
            "home",
            "warning",
            f"{folder} is open to others (mode {stat.S_IMODE(status.st_mode):04o})",
            f"chmod 700 {shlex.quote(str(folder))}",
        )
    else:
        yield Finding("home", "ok", f"{folder}, closed to others")


def key(path: Path) -> Finding:
    """The file that opens every personal text."""
    try:
        key_file.load(path)
    except key_file.KeyFileMissing:
        return Finding("key file", "ok", f"{path} will be made at the first start")
    except key_file.KeyFileRefused as refused:
        detail, _, mend = str(refused).rpartition("; ")
        return Finding("key file", "fault", detail, mend.removeprefix("run: "))
    return Finding("key file", "ok", f"{path}, readable by its owner alone; keep a copy of it elsewhere")


def where(given: Settings) -> tuple[str | None, Finding]:
    """The database that commands would use now, and what to say of it."""
    if given.database_url is not None:
        return given.database_url, Finding("database", "ok", f"at {given.shown_database_url}")
    try:
        url = Embedded.running(given.home)
    except HomeRefused as refused:
        return None, Finding("database", "fault", str(refused), "see home")
    if url is None:
        return None, Finding(
            "database", "ok", f"its own in {given.home}, which is not running", "recourse dev"
        )
    url = for_application(url)
    return url, Finding("database", "ok", f"its own in {given.home}, at {without_password(url)}")


def database(url: str, given: Settings) -> Iterator[Finding]:
    """The server behind the URL, as far as it can be asked."""
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
            yield server_version(connection.info.server_version // 10000)
            yield encoding(_one(connection, "SHOW server_encoding"))
            yield connections(int(_one(connection, "SHOW max_connections")), given)
            yield clock(_skew(connection))
        missing = migrate.pending(url)
        yield migrations(missing)
        if not missing:
            with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
                yield rights(
                    _one(connection, "SELECT has_table_privilege('public.events', 'UPDATE, DELETE')")
                )
            yield from sealed(url, given.key_file)
            yield parked_streams(url)
            yield ledger(url, given.home / erasure_ledger.FILE_NAME)
            yield sealing(url, given)
        if given.database_url is None and not missing:
            with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
                span = _one(
                    connection, "SELECT coalesce(max(recorded_at) - min(recorded_at), '0') FROM public.events"
                )
                yield production_data(span)
    except psycopg.Error as failure:
        said = str(failure).strip().splitlines()[0]
        yield Finding("reachable", "fault", said, "start PostgreSQL, or correct RECOURSE_DATABASE_URL")
    except migrate.MigrationRefused as refused:
        yield Finding(
            "migrations", "fault", str(refused), "install the Recourse that this database belongs to"
        )


def server_version(major: int) -> Finding:
    """PostgreSQL's version."""
    if major in POSTGRES:
        return Finding("version", "ok", f"PostgreSQL {major}")
    return Finding(
        "version",
        "fault" if major < POSTGRES.start else "warning",
        f"PostgreSQL {major}; tried are {POSTGRES.start} to {POSTGRES.stop - 1}",
        f"use PostgreSQL {POSTGRES.stop - 1}",
    )


def encoding(name: str) -> Finding:
    """Anything but UTF-8 refuses some of what people write."""
    if name == "UTF8":
        return Finding("encoding", "ok", name)
    return Finding("encoding", "fault", f"{name} cannot hold every text", "createdb --encoding UTF8 recourse")


def connections(maximum: int, given: Settings) -> Finding:
    """All pools of all processes together must stay below the server's limit."""
    needed = (given.web_workers + OTHER_PROCESSES) * (given.pool_size + given.pool_overflow)
    if needed < maximum:
        return Finding("connections", "ok", f"at most {needed} of {maximum}")
    return Finding(
        "connections",
        "warning",
        f"pools may open {needed}, the server allows {maximum}",
        "lower RECOURSE_POOL_SIZE or RECOURSE_WEB_WORKERS, or raise max_connections",
    )


def clock(skew: timedelta) -> Finding:
    """Deadlines follow the database's clock, what people see follows this machine's."""
    seconds = skew.total_seconds()
    if abs(skew) <= TOLERATED_SKEW:
        return Finding("clock", "ok", f"{seconds:+z.1f} s against the database")
    return Finding(
        "clock",
        "warning",
        f"{seconds:+z.1f} s against the database",
        "timedatectl set-ntp true, on both machines",
    )


def migrations(missing: Sequence[str]) -> Finding:
    """The tables that this version needs."""
    if missing:
        return Finding("migrations", "fault", f"not applied: {', '.join(missing)}", "recourse migrate")
    return Finding("migrations", "ok", "all applied")


def rights(may_change: bool) -> Finding:
    """The application needs no right to change facts, and whoever takes it over should have none."""
    if may_change:
        return Finding(
            "role",
            "warning",
            "the application's role may change facts",
            f"connect as {migrate.APPLICATION_ROLE} (RECOURSE_DATABASE_URL); migrate as the owner"
            " (RECOURSE_MIGRATION_URL)",
        )
    return Finding("role", "ok", "adds facts and changes none")


def sealed(url: str, path: Path) -> Iterator[Finding]:
    """Whether this key file opens what was sealed in the database; faults of its own, `key` tells."""
    try:
        with Datastore(url, pool_size=1, max_overflow=0) as datastore:
            PostgresVault(datastore, _key_or_any(path), Epochs(path)).check()
    except WrongKeyFile:
        yield Finding(
            "sealed texts",
            "fault",
            f"belong to another key file than {path}",
            f"cp YOUR-COPY {shlex.quote(str(path))}",
        )
    except (key_file.KeyFileRefused, ServiceUnavailable):
        return
    else:
        yield Finding("sealed texts", "ok", "none, or sealed under this key file")


def _key_or_any(path: Path) -> key_file.MasterKey:
    """The key; where there is none yet, one that opens nothing that is sealed already."""
    try:
        return key_file.load(path)
    except key_file.KeyFileMissing:
        return key_file.MasterKey(os.urandom(key_file.KEY_BYTES))


def parked_streams(url: str) -> Finding:
    """Duties that are not done because a process could not react to a fact."""
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
        parked = _one(connection, "SELECT count(*) FROM public.parked_streams")
    if parked:
        return Finding(
            "processes", "fault", f"wait with {parked} parked streams", "recourse processes parked"
        )
    return Finding("processes", "ok", "wait with no stream")


def ledger(url: str, path: Path) -> Finding:
    """Whether every erasure of the database is in the ledger, without which a backup would undo it."""
    try:
        told = {one.case_id for one, _ in erasure_ledger.ErasureLedgerFile(path).entries()}
    except erasure_ledger.LedgerRefused as refused:
        detail, _, mend = str(refused).rpartition("; ")
        return Finding("erasures", "fault", detail, mend.removeprefix("run: "))
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
        if _one(connection, f"SELECT to_regclass('{ERASURES.table}')") is None:
            return Finding("erasures", "ok", "nobody could ask for one yet")
        statement = f"SELECT DISTINCT case_id FROM {ERASURES.table} WHERE state = '{ErasureState.ERASED}'"  # noqa: S608  # constants
        erased = {case_id for (case_id,) in connection.execute(statement.encode()).fetchall()}
    if missing := len(erased - told):
        return Finding(
            "erasures",
            "warning",
            f"{path} does not tell of {missing} cases that were erased: a backup would bring their data back",
            f"cp YOUR-COPY {shlex.quote(str(path))}",
        )
    return Finding("erasures", "ok", f"all {len(erased)} are in the ledger; keep a copy of it elsewhere")


def sealing(url: str, given: Settings) -> Finding:
    """Whether facts are sealed into the transparency log, and whether this home could go on with it."""
    with (
        psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection,
        Datastore(url, pool_size=1, max_overflow=0) as datastore,
    ):
        told = connection.execute("SELECT reason, detail FROM transparency.sealer_state").fetchone()
        if told is not None and told[0] is not None:
            return _hindered(told[1])
        if not Health(datastore).log()["ok"]:
            return Finding("log", "fault", "facts wait to be sealed; no sealer works", "recourse seal")
        if told is None or not given.log_key_file.exists():
            return Finding("log", "ok", "nothing waits to be sealed")
        return _continued(connection, given)


def _continued(connection: psycopg.Connection[Any], given: Settings) -> Finding:
    """What the sealer would say if it were started here."""
    try:
        known = newest_log(connection)
        signing.of_log(given.log_key_file, known.verifier)
        kept = KeptCheckpoint(given.home / signing.KEPT_FILE).read(known.verifier)
        compare(StoredTree(connection, known), kept)
    except (LogKeyRefused, NotAnExtension) as refused:
        return _hindered(str(refused))
    return Finding("log", "ok", f"{known.origin} is sealed; keep a copy of {given.log_key_file} elsewhere")


def _hindered(why: str) -> Finding:
    detail, _, mend = why.rpartition("; ")
    return Finding("log", "fault", detail or mend, mend if detail else "recourse seal")


def production_data(span: timedelta) -> Finding:
    """The embedded server has no standby, no backup and no upgrade path: it is for trying things out."""
    if span < DEMO_SPAN:
        return Finding("embedded", "ok", "for the demo, development and tests")
    return Finding(
        "embedded",
        "warning",
        f"the embedded database holds {span.days} days of cases; it is not made for production",
        "move to a PostgreSQL of your own and set RECOURSE_DATABASE_URL",
    )


def _one(connection: psycopg.Connection[Any], question: str) -> Any:
    row = connection.execute(question.encode()).fetchone()
    return None if row is None else row[0]


def _skew(connection: psycopg.Connection[Any]) -> timedelta:
    """This machine's clock minus the database's, the way there and back shared evenly."""
    asked = datetime.now(UTC)
    theirs: datetime = _one(connection, "SELECT clock_timestamp()")
    return asked + (datetime.now(UTC) - asked) / 2 - theirs
