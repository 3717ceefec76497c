"""API keys: made once, never stored, recognised from memory, ended for good."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from application.errors import ServiceUnavailable
from domain.values import Actor, Role
from infrastructure.event_store.connections import Datastore
from infrastructure.keys import REMEMBERED_FOR, USE_NOTED_EVERY, ApiKeys

REVIEWER = Actor("reviewer-1", Role.REVIEWER)
SELLER = Actor("seller-1", Role.MERCHANT, "m-2001")
NOW = datetime(2026, 11, 6, 8, tzinfo=UTC)


class StandingClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class CountingDatastore(Datastore):
    """Counts the statements that are sent."""

    calls = 0

    def call(self, *args, **options):
        self.calls += 1
        return super().call(*args, **options)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def datastore(migrated_database: str) -> Iterator[CountingDatastore]:
    opened = CountingDatastore(migrated_database, pool_size=1, max_overflow=1)
    opened.pool.open()
    yield opened
    opened.close()


@pytest.fixture
def keys(datastore: CountingDatastore, clock: StandingClock) -> Iterator[ApiKeys]:
    opened = ApiKeys(datastore, clock)
    yield opened
    opened.close()


@pytest.mark.parametrize("actor", [REVIEWER, SELLER])
def test_a_key_tells_as_whom_its_caller_acts(keys, actor):
    key = keys.create(actor)
    caller = keys.authenticate(key)
    assert caller.actor == actor
    assert key.startswith(f"rc_{caller.key_id}_")


def test_keys_are_long_random_and_never_the_same(keys):
    secrets = {keys.create(REVIEWER).split("_", 2)[2] for _ in range(20)}
    assert len(secrets) == 20
    assert min(map(len, secrets)) >= 43


def test_the_database_holds_no_secret(keys, migrated_database):
    secret = keys.create(REVIEWER).split("_", 2)[2]
    with psycopg.connect(migrated_database) as connection:
        ((row,),) = connection.execute("SELECT api_keys::text FROM api_keys").fetchall()
    assert secret not in row
    assert secret.encode().hex() not in row


def test_what_is_not_a_key_is_nobodys(keys):
    key = keys.create(REVIEWER)
    near = (
        key[:-1],
        key + "x",
        key.upper(),
        key[1:],
        f"RC{key[2:]}",
        key.replace("rc_", "rc_0", 1),
        f"{key}\n",
    )
    for wrong in (*near, "", "rc", "rc__", "rc_x", "x", "rc_\0_x", "rc_é_x", "rc_" + "a" * 10_000 + "_x"):
        assert keys.authenticate(wrong) is None, wrong
    assert keys.authenticate(key)


def test_one_keys_secret_does_not_open_another(keys):
    one, other = keys.create(REVIEWER), keys.create(SELLER)
    mixed = "_".join([*one.split("_", 2)[:2], other.split("_", 2)[2]])
    assert keys.authenticate(mixed) is None


def test_a_revoked_key_opens_nothing_from_then_on(keys):
    key = keys.create(REVIEWER)
    caller = keys.authenticate(key)
    assert keys.revoke(caller.key_id) is True
    assert keys.authenticate(key) is None
    assert keys.revoke(caller.key_id) is False
    assert keys.revoke("nothing") is False


def test_a_key_revoked_by_another_process_is_forgotten_in_time(keys, datastore, clock):
    key = keys.create(REVIEWER)
    caller = keys.authenticate(key)
    elsewhere = ApiKeys(datastore, clock)
    elsewhere.revoke(caller.key_id)
    elsewhere.close()
    assert keys.authenticate(key)
    clock.at += REMEMBERED_FOR
    assert keys.authenticate(key) is None


def test_a_clock_that_is_put_back_does_not_prolong_a_revoked_key(keys, datastore, clock):
    key = keys.create(REVIEWER)
    caller = keys.authenticate(key)
    elsewhere = ApiKeys(datastore, clock)
    elsewhere.revoke(caller.key_id)
    elsewhere.close()
    clock.at -= timedelta(hours=1)
    assert keys.authenticate(key) is None


def test_a_key_expires_at_its_time_even_when_it_is_remembered(keys, clock):
    key = keys.create(REVIEWER, expires_at=NOW + timedelta(seconds=2))
    assert keys.authenticate(key)
    clock.at += timedelta(seconds=2)
    assert keys.authenticate(key) is None


def test_a_remembered_key_costs_no_query(keys, datastore):
    key = keys.create(REVIEWER)
    keys.authenticate(key)
    keys.close()
    before = datastore.calls
    for _ in range(50):
        assert keys.authenticate(key)
        assert keys.authenticate(key + "x") is None
    assert datastore.calls == before


def test_the_last_use_is_noted_now_and_then(keys, clock):
    key = keys.create(REVIEWER)
    assert keys.list()[0].last_used_at is None
    keys.authenticate(key)
    clock.at += USE_NOTED_EVERY / 2
    keys.authenticate(key)
    keys.close()
    assert keys.list()[0].last_used_at == NOW


def test_keys_are_listed_without_their_secrets(keys, clock):
    first = keys.create(REVIEWER)
    clock.at += timedelta(seconds=1)
    keys.create(SELLER, expires_at=NOW + timedelta(days=1))
    listed = keys.list()
    assert [one.actor for one in listed] == [REVIEWER, SELLER]
    assert [one.valid(NOW + timedelta(days=2)) for one in listed] == [True, False]
    assert first.split("_", 2)[2] not in repr(listed)


@pytest.mark.parametrize(
    "actor",
    [
        Actor("seller-1", Role.MERCHANT),
        Actor("reviewer-1", Role.REVIEWER, "m-2001"),
        Actor("system", Role.SYSTEM),
        Actor("", Role.AGENT),
    ],
)
def test_an_actor_that_cannot_have_a_key_is_refused(keys, actor):
    with pytest.raises(ValueError, match="key"):
        keys.create(actor)
    assert keys.list() == []


def test_the_memory_of_keys_is_bounded(keys, datastore, monkeypatch):
    monkeypatch.setattr("infrastructure.keys.REMEMBERED_KEYS", 2)
    key = keys.create(REVIEWER)
    keys.authenticate(key)
    for number in range(3):
        keys.authenticate(f"rc_{number}_x")
    before = datastore.calls
    keys.authenticate(key)
    assert datastore.calls == before + 1


def test_without_a_database_nobody_is_told_apart(keys, datastore, migrated_database):
    key = keys.create(REVIEWER)
    with psycopg.connect(migrated_database, autocommit=True) as connection:
        connection.execute("ALTER TABLE api_keys RENAME TO mislaid")
    datastore.pool.close()
    with pytest.raises(ServiceUnavailable):
        keys.authenticate(key)
