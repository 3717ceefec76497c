"""PostgreSQL 18 in the home folder, for the demo, development and tests: nothing to install, no port.

Whoever holds the lock of a home owns its server. The server listens on one unix socket, in a folder that only
its account can enter, and admits that account and the owner by peer authentication: there is no password.
"""

import fcntl
import os
import pwd
import re
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import quote

import psutil
import psycopg

from infrastructure.child_process import end_with_parent
from infrastructure.migrate import APPLICATION_ROLE
from infrastructure.postgres_programs import (
    ENVIRONMENT,
    MAJOR,
    Account,
    EmbeddedError,
    programs_for,
    server_account,
)

NAME = "recourse"  # of the superuser and of the database
ROLES = (NAME, APPLICATION_ROLE)
SOCKET_PORT = 5432  # part of the socket's file name only: nothing listens on TCP
PUBLIC_TEMPORARY_FOLDERS = ("/tmp", "/var/tmp")  # noqa: S108 - a folder of our own is made in one of them
START_SECONDS = 120.0  # includes crash recovery of a large database
STOP_SECONDS = 60.0
POLL_SECONDS = 0.02
LARGEST_LOG = 16 * 1024 * 1024  # bytes; a larger log is turned over at the next start

_BACKENDS_LINGER = "pre-existing shared memory block"

Part = TypeVar("Part")


class HomeRefused(EmbeddedError):
    """The home folder belongs to someone else or holds something this version cannot run."""


class HomeInUse(EmbeddedError):
    """Another process owns the server of this home."""


class StartFailed(EmbeddedError):
    """initdb or postgres gave up; the message carries what it said."""


@dataclass(frozen=True)
class Postmaster:
    """What a data folder's postmaster.pid says of the last server that started there."""

    pid: int
    run_folder: Path
    status: str

    def is_live(self) -> bool:
        """A recycled, zombie or foreign pid does not count: its command line must name the run folder."""
        try:
            return _socket_option(self.run_folder) in psutil.Process(self.pid).cmdline()
        except psutil.NoSuchProcess:
            return False


class Embedded:
    """The server of one home.

    Start it in a thread that lives as long as the server shall: on Linux the server stops when that thread
    ends, so that even a killed owner leaves no orphan. `durable=False` switches fsync off, for tests only.
    """

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        self._home = home.absolute()
        self._data = _data_folder(self._home)
        self._durable = durable
        self._lock: int | None = None
        self._run_folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Create the database if there is none, start the server and return its URL when it answers.

        Raises HomeRefused, HomeInUse, ProgramsUnusable or StartFailed; then nothing is left running.
        """
        _prepare_home(self._home)
        self._lock = _take_lock(self._home)
        try:
            account = server_account()
            self._run_folder = _make_run_folder(account)
            self._launch(account)
            _exchange_run_folder(self._lock, self._run_folder)
            _ensure_database(self._run_folder)
        except BaseException:
            self.stop()
            raise
        return self.url

    @property
    def url(self) -> str:
        """URL of the database for its owner, the same for as long as this object owns the home."""
        return _url(_started(self._run_folder))

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return _started(self._process).pid

    def revive(self) -> bool:
        """Start the server again at the same URL if it has died; True if it had."""
        if _started(self._process).poll() is None:
            return False
        self._launch(server_account())
        return True

    def stop(self) -> None:
        """End open connections, write everything to disk, stop. Harmless when nothing runs."""
        if self._process is not None:
            _stop_child(self._process)
            self._process = None
        if self._run_folder is not None:
            shutil.rmtree(self._run_folder, ignore_errors=True)
            self._run_folder = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @staticmethod
    def running(home: Path) -> str | None:
        """URL, for the database's owner, of the server that is ready in this home; None when there is none.

        Raises HomeRefused when the home belongs to someone else or cannot be reached.
        """
        try:
            _refuse_foreign(home, os.geteuid())
        except FileNotFoundError:
            return None
        except OSError as fault:
            raise HomeRefused(f"{home} cannot be looked into: {fault.strerror}") from fault
        postmaster = _postmaster(_data_folder(home.absolute()))
        if postmaster is None or postmaster.status != "ready" or not postmaster.is_live():
            return None
        return _url(postmaster.run_folder)

    def _launch(self, account: Account) -> None:
        programs = programs_for(account)
        _refuse_other_versions(self._home)
        if not self._data.exists():
            _initialise(self._data, programs, account, durable=self._durable)
        _refuse_foreign(self._data, account.uid)
        _clear_the_way(self._data, _started(self._run_folder))
        _write_access_rules(self._data, account)
        deadline = time.monotonic() + START_SECONDS
        while not self._came_up(programs, account, deadline):
            time.sleep(POLL_SECONDS)

    def _came_up(self, programs: Path, account: Account, deadline: float) -> bool:
        """True when the server is ready, False when it is worth another try; else StartFailed."""
        log = self._home / "postgres.log"
        with _appending(log) as output, _place_for(self._data, account) as (place, descriptors):
            before = os.fstat(output).st_size
            self._process = subprocess.Popen(
                [programs / "postgres", "-D", place, *self._options()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=ENVIRONMENT,
                user=account.user,
                group=account.group,
                extra_groups=account.extra_groups,
                pass_fds=descriptors,
                start_new_session=True,
                preexec_fn=end_with_parent(signal.SIGINT),
            )
        if _await_ready(self._process, self._data, deadline):
            return True
        said = log.read_bytes()[before:].decode(errors="replace")
        if self._process.poll() is not None and _BACKENDS_LINGER in said and time.monotonic() < deadline:
            return False
        raise StartFailed(f"PostgreSQL did not start; it said, in {log}:\n{said[-2000:].strip()}")

    def _options(self) -> list[str]:
        settings = [
            _socket_option(_started(self._run_folder)),
            "listen_addresses=",
            f"port={SOCKET_PORT}",
            "max_connections=200",
            "timezone=UTC",
            "log_timezone=UTC",
            "log_checkpoints=off",
            # Rows and statements carry what people wrote; a log is no place for it.
            "log_error_verbosity=terse",
            "log_min_error_statement=panic",
        ]
        if not self._durable:
            settings += ["fsync=off", "full_page_writes=off"]
        return [word for setting in settings for word in ("-c", setting)]


def _started(part: Part | None) -> Part:
    if part is None:
        raise RuntimeError("the embedded server has not been started")
    return part


def for_application(url: str) -> str:
    """The URL of an embedded database as the application connects to it."""
    return url.replace(f"//{NAME}@", f"//{APPLICATION_ROLE}@", 1)


def _url(run_folder: Path) -> str:
    """The port is named so that PGPORT in the environment cannot lead a client astray."""
    return f"postgresql://{NAME}@/{NAME}?host={quote(str(run_folder), safe='')}&port={SOCKET_PORT}"


def _socket_option(run_folder: Path) -> str:
    return f"unix_socket_directories={run_folder}"


def _data_folder(home: Path) -> Path:
    return home / f"postgres-{MAJOR}"


# The home


def _prepare_home(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_foreign(home, os.geteuid())
    except OSError as fault:
        raise HomeRefused(
            f"{home} cannot be the home folder: {fault.strerror}; choose another with RECOURSE_HOME"
        ) from fault


def _refuse_foreign(folder: Path, uid: int) -> None:
    owner = folder.stat().st_uid
    if owner != uid:
        raise HomeRefused(
            f"{folder} belongs to {_user_name(owner)}, not to {_user_name(uid)}; run as its owner, "
            f"or mend it with: sudo chown -R {_user_name(uid)} {shlex.quote(str(folder))}"
        )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _refuse_other_versions(home: Path) -> None:
    for other in home.glob("postgres-[0-9]*"):
        stamp = other / "PG_VERSION"
        if other.suffix != ".new" and stamp.exists() and stamp.read_text().strip() != str(MAJOR):
            raise HomeRefused(
                f"{other} was made by PostgreSQL {stamp.read_text().strip()} and this version runs {MAJOR}; "
                f"dump it with the version that made it, or put it aside with: "
                f"mv {shlex.quote(str(other))} {shlex.quote(str(home / 'old-database'))}"
            )


def _take_lock(home: Path) -> int:
    """The lock ends with its holder, however it ends; the pid inside is for the message only."""
    lock = os.open(home / "owner.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 32, 0).decode(errors="replace").partition("\n")[0]
        os.close(lock)
        url = Embedded.running(home)
        use = f"use its database with RECOURSE_DATABASE_URL='{url}', or " if url else ""
        raise HomeInUse(f"process {holder} already runs {home}; {use}stop it with: kill {holder}") from None
    _record_holder(lock, os.pread(lock, 1024, 0).partition(b"\n")[2])
    return lock


def _record_holder(lock: int, run_folder: bytes) -> None:
    os.truncate(lock, 0)
    os.pwrite(lock, b"%d\n%s" % (os.getpid(), run_folder), 0)


def _exchange_run_folder(lock: int, run_folder: Path) -> None:
    """Note ours in the lock file and take away the one that a killed holder noted there."""
    former = Path(os.fsdecode(os.pread(lock, 1024, 0).partition(b"\n")[2]))
    if former.name.startswith("recourse-"):
        shutil.rmtree(former, ignore_errors=True)
    _record_holder(lock, os.fsencode(run_folder))


def _make_run_folder(account: Account) -> Path:
    """A new folder for the socket, closed to everyone but the account."""
    runtime = [] if account.is_other else [os.environ.get("XDG_RUNTIME_DIR", "")]
    for base in (*runtime, tempfile.gettempdir(), *PUBLIC_TEMPORARY_FOLDERS):
        if not _can_hold_sockets(Path(base), account):
            continue
        folder = Path(tempfile.mkdtemp(prefix="recourse-", dir=base))
        if account.is_other:
            os.chown(folder, account.uid, account.gid)
        return folder
    raise HomeRefused("no temporary folder can hold a socket; mend it with: export TMPDIR=/tmp")


def _can_hold_sockets(base: Path, account: Account) -> bool:
    """A socket's address holds 103 bytes (macOS) or 107 (Linux); PostgreSQL's list of folders is plain."""
    plain = re.fullmatch(r"/[\w./-]{0,60}", str(base), re.ASCII) is not None
    if not plain or not base.is_dir() or not os.access(base, os.W_OK | os.X_OK):
        return False
    return not account.is_other or all(part.stat().st_mode & stat.S_IXOTH for part in (base, *base.parents))


# The data folder


def _initialise(data: Path, programs: Path, account: Account, *, durable: bool) -> None:
    """Made under another name and renamed when complete: an interrupted start leaves nothing half made."""
    draft = data.with_name(f"{data.name}.new")
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    if account.is_other:
        os.chown(draft, account.uid, account.gid)
    with _place_for(draft, account) as (place, descriptors):
        made = subprocess.run(
            [
                programs / "initdb",
                f"--pgdata={place}",
                f"--username={NAME}",
                "--locale-provider=libc",
                "--locale=C",
                "--encoding=UTF8",
                "--auth-local=peer",
                "--auth-host=reject",
                *([] if durable else ["--no-sync"]),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            cwd="/",
            env=ENVIRONMENT,
            user=account.user,
            group=account.group,
            extra_groups=account.extra_groups,
            pass_fds=descriptors,
        )
    if made.returncode != 0:
        raise StartFailed(f"initdb could not make {data}:\n{made.stderr.strip()}")
    draft.rename(data)


@contextmanager
def _place_for(data: Path, account: Account) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Path of the data folder for the account's processes, and the descriptors that they inherit.

    Another user reaches the folder through an open descriptor: no parent has to be opened to that user, and
    the home stays closed.
    """
    if not account.is_other:
        yield str(data), ()
        return
    descriptor = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield f"/proc/self/fd/{descriptor}", (descriptor,)
    finally:
        os.close(descriptor)


def _write_access_rules(data: Path, account: Account) -> None:
    """At every start, because a home may have changed its owner meanwhile."""
    admitted = {_user_name(os.geteuid()), account.name}
    _overwrite(data / "pg_hba.conf", f"local all {','.join(ROLES)} peer map={NAME}\n")
    pairs = [(name, role) for name in sorted(admitted) for role in ROLES]
    _overwrite(data / "pg_ident.conf", "".join(f'{NAME} "{name}" {role}\n' for name, role in pairs))


def _overwrite(file: Path, text: str) -> None:
    """Keep the file's owner, and follow no link that the server's account may have laid for root."""
    descriptor = os.open(file, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)


@contextmanager
def _appending(log: Path) -> Iterator[int]:
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".log.1"))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


# The server process


def _postmaster(data: Path) -> Postmaster | None:
    try:
        lines = (data / "postmaster.pid").read_text(errors="replace").splitlines()
        return Postmaster(int(lines[0]), Path(lines[4]), lines[7].strip() if len(lines) > 7 else "")
    except (FileNotFoundError, IndexError, ValueError):  # absent, or being written
        return None


def _clear_the_way(data: Path, run_folder: Path) -> None:
    """Undo what a killed owner or a crashed server left; the lock says that nobody else is at it."""
    left = _postmaster(data)
    if left is not None and left.is_live():
        _stop_orphan(left.pid)
    for socket in run_folder.glob(".s.PGSQL.*"):
        socket.unlink()
    _disown_pid(data / "postmaster.pid")


def _disown_pid(file: Path) -> None:
    """A recycled pid would keep PostgreSQL from starting. Its parent's pid, ours, does not.

    The rest of the file stays: it lets PostgreSQL detect backends of the dead server.
    """
    if file.exists():
        _, *rest = file.read_text().splitlines(keepends=True)
        _overwrite(file, "".join([f"{os.getpid()}\n", *rest]))


def _stop_orphan(pid: int) -> None:
    os.kill(pid, signal.SIGINT)
    try:
        psutil.Process(pid).wait(STOP_SECONDS)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        raise StartFailed(f"an earlier PostgreSQL does not stop; mend it with: kill -QUIT {pid}") from None


def _await_ready(process: subprocess.Popen[bytes], data: Path, deadline: float) -> bool:
    while time.monotonic() < deadline:
        found = _postmaster(data)
        if found is not None and found.pid == process.pid and found.status == "ready":
            return True
        try:
            process.wait(POLL_SECONDS)
            return False
        except subprocess.TimeoutExpired:
            continue
    return False


def _stop_child(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown first; what does not heed it recovers at the next start."""
    for request, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10.0), (signal.SIGKILL, None)):
        process.send_signal(request)
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            continue


def _ensure_database(run_folder: Path) -> None:
    with psycopg.connect(_url(run_folder), dbname="postgres", autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone() is None:
            connection.execute(f"CREATE DATABASE {NAME} TEMPLATE template0")
        if (
            connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APPLICATION_ROLE]).fetchone()
            is None
        ):
            connection.execute(f"CREATE ROLE {APPLICATION_ROLE} LOGIN")
