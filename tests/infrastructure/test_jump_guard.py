"""A clock that jumps holds every verdict until somebody has looked, or it is back where it belongs."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from infrastructure.clock import Reading
from infrastructure.event_store.connections import Datastore
from infrastructure.jump_guard import JumpGuard, VerdictHold, acknowledge, open_alarms

NOON = datetime(2026, 11, 10, 4, 0, tzinfo=UTC)


def reading(elapsed: float, ahead: float = 0.0, uncertainty: float = 0.0) -> Reading:
    """A clock that is so many seconds ahead after so many seconds."""
    return Reading(NOON + timedelta(seconds=elapsed + ahead), elapsed, uncertainty)


def seen(*readings: Reading) -> JumpGuard:
    guard = JumpGuard()
    for one in readings:
        guard.observe(one)
    return guard


@pytest.mark.parametrize("ahead", [-601, -60, -2.1, 600.1, 3600, 86_400 * 365])
def test_a_jump_is_seen_with_its_size(ahead: float):
    assert seen(reading(0), reading(30), reading(60, ahead)).jump == timedelta(seconds=ahead)


@pytest.mark.parametrize("ahead", [-1.9, 0, 1.9, 599.9])
def test_a_correction_is_no_jump(ahead: float):
    assert seen(reading(0), reading(30, ahead)).jump is None


def test_time_that_passes_evenly_is_no_jump_however_long_between_readings():
    assert seen(reading(0), reading(86_400)).jump is None


def test_what_a_slow_answer_makes_uncertain_is_no_jump():
    assert seen(reading(0), reading(30, -5, uncertainty=4)).jump is None
    assert seen(reading(0), reading(30, -5, uncertainty=1)).jump is not None


def test_a_slow_drift_adds_up_to_no_jump():
    assert seen(*(reading(30.0 * n, -0.5 * n) for n in range(100))).jump is None


def test_a_jump_stands_until_the_clock_is_back():
    guard = seen(reading(0), reading(30, 3600), reading(60, 3600))
    assert guard.jump == timedelta(hours=1)
    guard.observe(reading(90))
    assert guard.jump is None


def test_an_accepted_jump_is_the_new_time():
    guard = seen(reading(0), reading(30, 3600))
    guard.accept()
    guard.observe(reading(60, 3600))
    assert guard.jump is None
    guard.observe(reading(90))
    assert guard.jump == timedelta(hours=-1)


@pytest.fixture
def datastore(migrated_database: str) -> Iterator[Datastore]:
    with Datastore(migrated_database, pool_size=1, max_overflow=1) as datastore:
        yield datastore


def test_an_even_clock_holds_nothing(datastore: Datastore):
    guard = seen(reading(0), reading(30))
    assert not VerdictHold(guard, datastore, "ticker").in_force()
    assert open_alarms(datastore) == []


def test_a_jump_raises_one_alarm_in_log_and_status(datastore: Datastore, caplog):
    hold = VerdictHold(seen(reading(0), reading(30, 3600)), datastore, "ticker-1")
    assert hold.in_force()
    assert hold.in_force()
    (alarm,) = open_alarms(datastore)
    assert (alarm.process, alarm.jump_seconds) == ("ticker-1", 3600.0)
    (record,) = (one for one in caplog.records if one.levelno == logging.CRITICAL)
    assert "jumped by 3600 s" in record.getMessage()


def test_an_alarm_holds_every_ticker_and_those_that_start_later(datastore: Datastore):
    VerdictHold(seen(reading(0), reading(30, -60)), datastore, "ticker-1").in_force()
    assert VerdictHold(seen(reading(0)), datastore, "ticker-2").in_force()


def test_an_acknowledged_alarm_holds_nothing_and_its_clock_is_trusted(datastore: Datastore):
    guard = seen(reading(0), reading(30, 3600))
    hold = VerdictHold(guard, datastore, "ticker-1")
    hold.in_force()
    alarm_ids = [alarm.alarm_id for alarm in open_alarms(datastore)]
    assert acknowledge(datastore, alarm_ids, "ops-1") == alarm_ids
    assert acknowledge(datastore, alarm_ids, "ops-1") == []
    assert not hold.in_force()
    guard.observe(reading(60, 3600))
    assert not hold.in_force()
    assert open_alarms(datastore) == []


def test_a_clock_that_is_back_settles_its_own_alarm_and_no_other(datastore: Datastore):
    guard = seen(reading(0), reading(30, 3600))
    hold = VerdictHold(guard, datastore, "ticker-1")
    other = VerdictHold(seen(reading(0), reading(30, -3600)), datastore, "ticker-2")
    assert hold.in_force()
    assert other.in_force()
    guard.observe(reading(60))
    assert hold.in_force()
    assert [alarm.process for alarm in open_alarms(datastore)] == ["ticker-2"]
