"""What the doctor finds, and what it says to mend it."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.machinery import ModuleSpec
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from application.erasures import Erasure
from domain.values import Side
from infrastructure import doctor, key_file
from infrastructure.doctor import Finding
from infrastructure.embedded import Embedded
from infrastructure.erasure_ledger import FILE_NAME, ErasureLedgerFile
from infrastructure.event_store.connections import Datastore
from infrastructure.key_file import MasterKey
from infrastructure.projection_supervisor import ProjectionSupervisor
from infrastructure.settings import Settings, load
from infrastructure.vault import PostgresVault
from projections.erasures import ERASURES

CASE = UUID(int=1)
TREE = Path(__file__).parents[2]


def given(url: str | None = None, **variables: str) -> Settings:
    named = {"DATABASE_URL": url or "", **variables}
    return load({f"RECOURSE_{name}": value for name, value in named.items()})


def as_application(url: str) -> str:
    """The URL with the rights of the application's role."""
    return f"{url}{'&' if '?' in url else '?'}options=-c%20role%3Drecourse_app"


def troubles(findings: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.level for finding in findings if finding.level != "ok"}


def test_a_sound_installation_has_no_trouble(migrated_database: str, tmp_path: Path) -> None:
    key_file.create(tmp_path / "key")
    findings = doctor.examine(given(as_application(migrated_database), KEY_FILE=str(tmp_path / "key")))
    assert troubles(findings) == {}
    assert {finding.check for finding in findings} >= {
        "python",
        "room web",
        "key file",
        "database",
        "version",
    }


def test_a_role_that_may_change_facts_is_warned_of(migrated_database: str) -> None:
    assert troubles(doctor.examine(given(migrated_database)))["role"] == "warning"


def test_an_installation_that_was_never_started_has_no_trouble(tmp_path: Path) -> None:
    findings = doctor.examine(given(HOME=str(tmp_path / "home")))
    assert troubles(findings) == {}
    assert not (tmp_path / "home").exists()


def test_a_running_home_is_examined_too(tmp_path: Path) -> None:
    with Embedded(tmp_path / "home", durable=False):
        findings = doctor.examine(given(HOME=str(tmp_path / "home")))
    assert troubles(findings) == {"migrations": "fault"}


@pytest.mark.parametrize(
    ("version", "level"), [((3, 10, 13), "fault"), ((3, 11, 0), "ok"), ((3, 14, 1), "ok")]
)
def test_python_must_be_new_enough(version: tuple[int, int, int], level: str) -> None:
    assert doctor.python(version).level == level


def test_a_room_of_another_distribution_is_found(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "__init__.py").write_text("")
    script = "from infrastructure import doctor; print([f.detail for f in doctor.rooms() if f.level != 'ok'])"
    path = os.pathsep.join([str(tmp_path), str(TREE)])
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        env=os.environ | {"PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str([f"comes from {tmp_path}/web/__init__.py, not from {TREE}"])


def test_a_room_that_is_not_installed_is_found() -> None:
    def nothing(_: str) -> ModuleSpec | None:
        return None

    assert [finding.level for finding in doctor.rooms(["web"], find=nothing)] == ["fault"]


def test_a_home_that_is_open_to_others_is_warned_of(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (finding,) = doctor.home(tmp_path)
    assert (finding.level, finding.mend) == ("warning", f"chmod 700 {tmp_path}")
    tmp_path.chmod(0o700)
    assert [finding.level for finding in doctor.home(tmp_path)] == ["ok"]


def test_a_home_of_another_user_is_a_fault(tmp_path: Path) -> None:
    foreign = tmp_path if os.geteuid() == 0 else Path("/usr")
    if os.geteuid() == 0:
        os.chown(foreign, 1, 1)
    (finding,) = doctor.home(foreign)
    assert (finding.level, finding.mend) == ("fault", f"sudo chown -R {os.geteuid()} {foreign}")
    assert doctor.where(given(HOME=str(foreign)))[1].level == "fault"


def test_a_key_file_that_others_may_read_is_a_fault(tmp_path: Path) -> None:
    key_file.create(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    finding = doctor.key(tmp_path / "key")
    assert (finding.level, finding.mend) == ("fault", f"chmod 600 {tmp_path}/key")


def test_a_damaged_key_file_is_a_fault(tmp_path: Path) -> None:
    key_file.create(tmp_path / "key")
    (tmp_path / "key").write_text("rubbish")
    assert doctor.key(tmp_path / "key").level == "fault"


@pytest.mark.parametrize("another", [True, False], ids=["another key file", "no key file"])
def test_a_key_file_that_is_not_the_databases_is_a_fault(
    migrated_database: str, tmp_path: Path, another: bool
) -> None:
    with Datastore(migrated_database, pool_size=1, max_overflow=0) as datastore:
        PostgresVault(datastore, MasterKey(bytes(32))).bind()
    if another:
        key_file.create(tmp_path / "key")

    findings = doctor.examine(given(as_application(migrated_database), KEY_FILE=str(tmp_path / "key")))

    assert troubles(findings) == {"sealed texts": "fault"}


def test_a_database_that_cannot_be_reached_is_a_fault_without_its_password() -> None:
    settings = given("postgresql://app:hunter2@127.0.0.1:1/cases")
    findings = [doctor.where(settings)[1], *doctor.database(settings.database_url or "", settings)]
    assert troubles(findings) == {"reachable": "fault"}
    assert "Connection refused" in findings[-1].detail
    assert "hunter2" not in repr(findings)


def test_missing_migrations_are_named(fresh_database: str) -> None:
    (finding,) = [
        finding for finding in doctor.database(fresh_database, given(fresh_database)) if finding.level != "ok"
    ]
    assert (finding.check, finding.mend) == ("migrations", "recourse migrate")
    assert "001_event_store" in finding.detail


def test_parked_streams_are_a_fault_with_the_command_that_shows_them(migrated_database: str) -> None:
    with psycopg.connect(migrated_database) as connection:
        connection.execute("INSERT INTO processes (name) VALUES ('standing')")
        connection.execute(
            "INSERT INTO parked_streams (process, stream_id, version, position, topic, error)"
            " VALUES ('standing', %s, 1, 1, 'CaseFiled', 'ValueError')",
            (CASE,),
        )
    finding = doctor.parked_streams(migrated_database)
    assert (finding.level, finding.mend) == ("fault", "recourse processes parked")
    assert finding in list(doctor.database(migrated_database, given(migrated_database)))


def test_a_database_of_a_newer_recourse_is_a_fault(migrated_database: str) -> None:
    with psycopg.connect(migrated_database) as connection:
        connection.execute("INSERT INTO schema_migrations (name, sha256) VALUES ('999_future.sql', 'x')")
    assert troubles(list(doctor.database(migrated_database, given(migrated_database)))) == {
        "migrations": "fault"
    }


@pytest.mark.parametrize(("major", "level"), [(14, "fault"), (15, "ok"), (18, "ok"), (19, "warning")])
def test_postgresql_must_be_one_that_was_tried(major: int, level: str) -> None:
    assert doctor.server_version(major).level == level


def test_only_utf8_holds_every_text() -> None:
    assert [doctor.encoding(name).level for name in ("UTF8", "SQL_ASCII")] == ["ok", "fault"]


def test_pools_must_stay_below_the_limit_of_the_server() -> None:
    settings = replace(given(), web_workers=2, pool_size=5, pool_overflow=5)
    assert [doctor.connections(maximum, settings).level for maximum in (71, 70)] == ["ok", "warning"]


@pytest.mark.parametrize(("seconds", "level"), [(0, "ok"), (-2, "ok"), (3, "warning"), (-3, "warning")])
def test_clocks_that_differ_are_warned_of(seconds: int, level: str) -> None:
    assert doctor.clock(timedelta(seconds=seconds)).level == level


def test_the_difference_of_the_clocks_is_measured(fresh_database: str) -> None:
    with psycopg.connect(fresh_database) as connection:
        before = datetime.now(UTC)
        skew = doctor._skew(connection)
        assert abs(skew) <= datetime.now(UTC) - before


def test_production_data_in_the_embedded_database_is_warned_of() -> None:
    assert [doctor.production_data(timedelta(days=days)).level for days in (0, 6, 7)] == [
        "ok",
        "ok",
        "warning",
    ]


def test_an_erasure_that_the_ledger_does_not_know_is_warned_of(
    migrated_database: str, tmp_path: Path
) -> None:
    ProjectionSupervisor(migrated_database, holder="test").prepare()
    path = tmp_path / FILE_NAME
    assert doctor.ledger(migrated_database, path).level == "ok"
    with psycopg.connect(migrated_database, autocommit=True) as connection:
        connection.execute(
            f"INSERT INTO {ERASURES.table} (request_id, case_id, party, state, moved_at)"  # noqa: S608  # constants
            " VALUES (gen_random_uuid(), %s, 'buyer', 'erased', now())".encode(),
            (CASE,),
        )
    missing = doctor.ledger(migrated_database, path)
    assert (missing.level, missing.mend) == ("warning", f"cp YOUR-COPY {path}")
    at = datetime(2029, 11, 11, tzinfo=UTC)
    erased = Erasure(UUID(int=2), CASE, Side.BUYER, UUID(int=3), "supervisor-1", "admin-1", at)
    ErasureLedgerFile(path).begin(erased)
    assert doctor.ledger(migrated_database, path).level == "ok"
    path.chmod(0o644)
    assert doctor.ledger(migrated_database, path).level == "fault"
