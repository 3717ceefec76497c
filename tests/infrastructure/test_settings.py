"""Settings: defaults, limits, and faults that are all told at once."""

from pathlib import Path

import pytest

from infrastructure import settings
from infrastructure.settings import BadSettings, Settings, load, without_password
from infrastructure.transparency.notes import COSIGNATURE, Signer

VKEY = Signer("witness.example/w1", bytes(32), COSIGNATURE).verifier.vkey
WITNESSES = f"https://witness.example/w1 {VKEY}; http://127.0.0.1:8090 {VKEY}"


def faults(**given: str) -> tuple[str, ...]:
    with pytest.raises(BadSettings) as refused:
        load({f"RECOURSE_{name}": value for name, value in given.items()})
    return refused.value.faults


def test_an_empty_environment_gives_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/wang")
    assert load({}) == Settings(
        home=Path("/home/wang/.recourse"),
        key_file=Path("/home/wang/.recourse/vault.key"),
        database_url=None,
        host="127.0.0.1",
        port=8080,
        payments="manual",
        log_level="INFO",
        migration_url=None,
        log_key_file=Path("/home/wang/.recourse/log.key"),
        log_origin="",
        pool_size=5,
        pool_overflow=5,
        web_rate=500,
        web_threads=8,
        web_workers=2,
        witnesses="",
    )


def test_every_setting_can_be_given() -> None:
    assert load(
        {
            "RECOURSE_HOME": "/srv/recourse",
            "RECOURSE_KEY_FILE": "/etc/recourse/key",
            "RECOURSE_DATABASE_URL": "postgresql://app:secret@db.example:5433/cases?sslmode=require",
            "RECOURSE_MIGRATION_URL": "postgresql://owner:secret@db.example:5433/cases",
            "RECOURSE_HOST": "::1",
            "RECOURSE_PORT": "0",
            "RECOURSE_PAYMENTS": "sandbox",
            "RECOURSE_LOG_LEVEL": "DEBUG",
            "RECOURSE_LOG_KEY_FILE": "/etc/recourse/log.key",
            "RECOURSE_LOG_ORIGIN": "example.com/after-sales",
            "RECOURSE_WITNESSES": WITNESSES,
            "RECOURSE_POOL_SIZE": "1",
            "RECOURSE_POOL_OVERFLOW": "0",
            "RECOURSE_WEB_RATE": "0",
            "RECOURSE_WEB_THREADS": "100",
            "RECOURSE_WEB_WORKERS": "64",
        }
    ) == Settings(
        home=Path("/srv/recourse"),
        key_file=Path("/etc/recourse/key"),
        database_url="postgresql://app:secret@db.example:5433/cases?sslmode=require",
        host="::1",
        port=0,
        payments="sandbox",
        log_level="DEBUG",
        migration_url="postgresql://owner:secret@db.example:5433/cases",
        log_key_file=Path("/etc/recourse/log.key"),
        log_origin="example.com/after-sales",
        pool_size=1,
        pool_overflow=0,
        web_rate=0,
        web_threads=100,
        web_workers=64,
        witnesses=WITNESSES,
    )


def test_the_environment_of_the_process_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOURSE_PORT", "99999")
    assert load({}).port == 8080


def test_variables_of_others_and_empty_ones_do_not_matter() -> None:
    assert load({"PATH": "/bin", "RECOURSE_PORT": "", "RECOURSE_DATABASE_URL": " "}) == load({})


def test_every_fault_is_told_at_once() -> None:
    found = faults(
        PORT="70000", PAYMENTS="maybe", DATABASE_URL="mysql://x", POOL_SIZE="many", POTR="1", HOST="no host"
    )
    assert [fault.split(":")[0] for fault in found] == [
        "RECOURSE_DATABASE_URL",
        "RECOURSE_HOST",
        "RECOURSE_PAYMENTS",
        "RECOURSE_POOL_SIZE",
        "RECOURSE_PORT",
        "RECOURSE_POTR",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("PORT", "80.5"),
        ("HOST", "300.1.1.1"),
        ("HOST", "-x"),
        ("HOST", "a..b"),
        ("LOG_LEVEL", "loud"),
        ("POOL_SIZE", "0"),
        ("POOL_OVERFLOW", "-1"),
        ("WEB_RATE", "-1"),
        ("WEB_THREADS", "0"),
        ("WEB_WORKERS", "65"),
        ("DATABASE_URL", "db.example"),
        ("DATABASE_URL", "host=db dbname=cases"),
        ("DATABASE_URL", "postgresql://user@host:port/name"),
        ("DATABASE_URL", "postgresql://[::1/name"),
        ("DATABASE_URL", "postgresql://host/name?no_such_option=1"),
    ],
)
def test_a_value_outside_its_limits_is_a_fault(name: str, value: str) -> None:
    assert [fault.split(":")[0] for fault in faults(**{name: value})] == [f"RECOURSE_{name}"]


def test_a_typing_error_is_answered_with_the_name_that_was_meant() -> None:
    assert faults(DATABSE_URL="postgresql:///x") == (
        "RECOURSE_DATABSE_URL: there is no such setting; did you mean RECOURSE_DATABASE_URL?",
    )
    assert faults(VOLUME="11") == ("RECOURSE_VOLUME: there is no such setting; unset it.",)


@pytest.mark.parametrize("url", ["postgresql://u:hunter2@h:bad/x", "postgresql://h/x?password=hunter2&no=1"])
def test_a_fault_never_shows_a_password(url: str) -> None:
    assert "hunter2" not in str(faults(DATABASE_URL=url))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://app:hunter2@db:5433/cases?sslmode=require", "postgresql://app@db:5433/cases"),
        ("postgresql://db/cases?user=app&password=hunter2&sslpassword=hunter2", "postgresql://app@db/cases"),
        ("postgresql://app@/cases?host=%2Frun%2Fpg", "postgresql://app@/run/pg/cases"),
        ("postgresql:///", "postgresql:///"),
    ],
)
def test_a_database_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
    given = load({"RECOURSE_DATABASE_URL": url})
    assert given.shown_database_url == shown
    assert "hunter2" not in repr(given)


def test_a_home_may_be_given_below_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/wang")
    assert load({"RECOURSE_HOME": "~/cases"}).home == Path("/home/wang/cases")


def test_every_setting_is_described() -> None:
    described = {name.removeprefix(settings.PREFIX).lower() for name in settings.DESCRIPTIONS}
    assert described - {"test_database_url"} == set(Settings.__dataclass_fields__)


@pytest.mark.parametrize(
    "witnesses",
    [
        VKEY,
        f"ftp://witness.example {VKEY}",
        "https://witness.example not-a-key",
        f"https://witness.example {Signer('a.log', bytes(32)).verifier.vkey}",
        f"https://witness.example/?a=b {VKEY}",
    ],
)
def test_who_cannot_be_asked_to_cosign_is_refused(witnesses: str) -> None:
    assert [fault for fault in faults(WITNESSES=witnesses) if fault.startswith("RECOURSE_WITNESSES: ")]


def test_a_log_is_not_named_what_no_note_can_hold() -> None:
    assert faults(LOG_ORIGIN="a+b") == ("RECOURSE_LOG_ORIGIN: a log's name holds no space and no plus sign.",)
