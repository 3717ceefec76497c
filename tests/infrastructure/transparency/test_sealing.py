"""The sealer as a process: it tells what hinders it once, and goes on when that is mended."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg
import pytest

from infrastructure import doctor
from infrastructure.event_store.connections import Datastore
from infrastructure.health import Health
from infrastructure.settings import Settings, load
from infrastructure.transparency import sealer as sealing
from infrastructure.transparency import signing
from infrastructure.transparency.sealer import Sealer


@pytest.fixture
def health(migrated_database: str) -> Iterator[Health]:
    with Datastore(migrated_database, pool_size=1, max_overflow=1) as datastore:
        datastore.pool.open()
        yield Health(datastore)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "OUTAGE_PAUSE", 0.01)


@contextmanager
def at_work(sealer: Sealer) -> Iterator[Event]:
    stop = Event()
    thread = Thread(target=sealer.run, args=(stop,))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join()


def until(condition: Any, health: Health, seconds: float = 20.0) -> dict[str, Any]:
    """What health tells of the log as soon as the condition holds."""
    waiting, told = Event(), dict(health.log())
    for _ in range(int(seconds / 0.02)):
        told = dict(health.log())
        if condition(told):
            return told
        waiting.wait(0.02)
    pytest.fail(f"it did not come to pass: {told}")


def given(url: str, home: Path) -> Settings:
    return load({"RECOURSE_DATABASE_URL": url, "RECOURSE_HOME": str(home)})


def finding(url: str, home: Path) -> doctor.Finding:
    return doctor.sealing(url, given(url, home))


def test_before_a_sealer_ever_ran_that_is_told(health: Health, migrated_database: str, tmp_path: Path):
    assert health.log() == {"ok": True, "state": "not_started", "leaves": 0, "unsealed_seconds": 0.0}
    assert health.log_figures() == {"leaves": 0, "unsealed_facts": 0}
    assert finding(migrated_database, tmp_path).level == "ok"


def test_facts_that_nobody_seals_are_a_fault(health: Health, history: str, tmp_path: Path):
    told = health.log()
    assert (told["ok"], told["state"]) == (False, "not_started")
    assert health.log_figures()["unsealed_facts"] == 1_500
    assert finding(history, tmp_path).mend == "recourse seal"


def test_a_sealer_that_works_seals_everything_and_says_so(
    health: Health, history: str, tmp_path: Path, sealer: Sealer
):
    with at_work(sealer):
        told = until(lambda told: told["leaves"] > 1_500, health)  # with a case map
    assert (told["ok"], told["state"]) == (True, "sealing")
    figures = health.log_figures()
    assert (figures["leaves"], figures["unsealed_facts"]) == (1_501, 0)
    assert 0 <= figures["checkpoint_age"] < 20
    assert finding(history, tmp_path).level == "ok"


def test_a_missing_key_is_told_once_and_sealing_goes_on_when_it_is_back(
    health: Health, history: str, tmp_path: Path, sealer: Sealer, caplog: pytest.LogCaptureFixture
):
    sealer.seal()
    sealer.close()
    away = (tmp_path / signing.KEY_FILE).rename(tmp_path / "away")
    with at_work(sealer), caplog.at_level(logging.INFO):
        told = until(lambda told: told["state"] == "stopped", health)
        assert (told["ok"], told["reason"]) == (False, "log_key_refused")
        found = finding(history, tmp_path)
        assert (found.level, "there is no log key" in found.detail) == ("fault", True)
        assert found.mend == "put your copy of it there"
        away.rename(tmp_path / signing.KEY_FILE)
        until(lambda told: told["state"] == "sealing", health)
    said = [record.getMessage() for record in caplog.records]
    assert [line.partition(":")[0] for line in said] == ["the log is not sealed", "the log is sealed"]


def test_a_history_that_was_put_back_is_refused_for_all_to_see(
    health: Health, sealed: str, tmp_path: Path, sealer: Sealer
):
    sealer.close()
    with psycopg.connect(sealed, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM transparency.leaves WHERE index > 1000")
    assert finding(sealed, tmp_path).level == "fault"  # also while no sealer runs
    with at_work(sealer):
        told = until(lambda told: told["state"] == "stopped", health)
    assert told["reason"] == "history_refused"
    assert finding(sealed, tmp_path).mend.endswith("recourse audit reopen")


def test_a_second_sealer_says_nothing_of_the_first(
    health: Health,
    history: str,
    tmp_path: Path,
    sealer: Sealer,
    new_sealer: Any,
    caplog: pytest.LogCaptureFixture,
):
    with at_work(sealer):
        until(lambda told: told["state"] == "sealing", health)
        with at_work(new_sealer(history, tmp_path / "elsewhere")):
            until(lambda _: "Another process seals this log" in caplog.text, health)
            assert health.log()["state"] == "sealing"
