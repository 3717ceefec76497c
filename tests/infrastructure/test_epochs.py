"""A new epoch: what lives is opened as before, and copies of the keys from before open nothing any more."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from application.errors import ServiceUnavailable
from application.store import Effects, Provenance, StoreUnavailable
from application.vault import CannotOpen
from domain.case import Case
from domain.values import Sealed, SealedFor
from infrastructure import key_file
from infrastructure.epochs import Epochs
from infrastructure.event_store.connections import Datastore
from infrastructure.key_roll import Rolled, RollUnfinished, roll
from infrastructure.store import PostgresStore
from infrastructure.vault import PostgresVault, WrongKeyFile

SOMEBODY = Provenance("somebody", "system", "req-1")
KEYS = "SELECT case_id, person, key_id, wrapped, epoch FROM vault.data_keys ORDER BY case_id, person"
PUT = "INSERT INTO vault.data_keys (case_id, person, key_id, wrapped, epoch) VALUES (%s, %s, %s, %s, %s)"


class Home:
    """A key file with its epochs, a database, and whoever works on both."""

    def __init__(self, path: Path, datastore: Datastore, store: PostgresStore, new_case: Any) -> None:
        self.path, self.datastore, self.store, self._new_case = path, datastore, store, new_case
        self.master = key_file.provide(path)
        self.epochs = Epochs(path)
        self.vault = PostgresVault(datastore, self.master, self.epochs)
        self.vault.bind()

    def server(self) -> PostgresVault:
        """Another process, as it begins now."""
        return PostgresVault(self.datastore, self.master, Epochs(self.path))

    def sealed(self, vault: PostgresVault | None = None, text: str = "王芳") -> tuple[UUID, Sealed]:
        """A case with a sealed text of its buyer."""
        case: Case = self._new_case()
        sealing = (vault or self.vault).sealing(case.id, 1)
        sealed = sealing.seal(SealedFor.BUYER, "statement", text)
        self.store.save(case, SOMEBODY, Effects(data_keys=sealing.new_keys))
        return case.id, sealed

    def opened(self, case_id: UUID, sealed: Sealed, vault: PostgresVault | None = None) -> str | None:
        """The text again."""
        return (vault or self.vault).open(case_id, {(1, "statement"): sealed})[1, "statement"]

    def roll(self, **options: Any) -> Rolled:
        """Begin the next epoch, as a command of its own does."""
        return roll(self.datastore, self.server(), Epochs(self.path), lambda _: None, **options)

    def rows(self) -> list[Any]:
        """The keys as they are stored."""
        with psycopg.connect(self.datastore.url) as connection:
            return connection.execute(KEYS.encode()).fetchall()

    def put_back(self, rows: list[Any]) -> None:
        """An older copy of the keys in the place of those that are there."""
        with psycopg.connect(self.datastore.url) as connection:
            connection.execute("DELETE FROM vault.data_keys")
            connection.cursor().executemany(PUT.encode(), rows)


@pytest.fixture
def home(
    tmp_path: Path, migrated_database: str, store: PostgresStore, new_case: Callable[..., Case]
) -> Iterator[Home]:
    with Datastore(migrated_database, pool_size=2, max_overflow=1) as datastore:
        yield Home(tmp_path / "vault.key", datastore, store, new_case)


def test_the_first_epoch_begins_with_the_first_use(home: Home) -> None:
    home.sealed()
    assert home.epochs.present() == [1]
    assert stat.S_IMODE(home.epochs.path(1).stat().st_mode) == 0o600
    assert [row[-1] for row in home.rows()] == [1]


def test_what_was_sealed_is_opened_in_the_next_epoch(home: Home) -> None:
    texts = [home.sealed(text=f"第{number}位") for number in range(3)]
    before = home.rows()
    rolled = home.roll()
    assert (rolled.epoch, rolled.rewrapped, rolled.ended) == (2, 3, [1])
    assert [home.opened(*one) for one in texts] == ["第0位", "第1位", "第2位"]
    assert [row[:3] for row in home.rows()] == [row[:3] for row in before]
    assert not {row[3] for row in home.rows()} & {row[3] for row in before}


def test_a_copy_of_the_keys_from_before_opens_nothing(home: Home) -> None:
    case_id, sealed = home.sealed()
    copy = home.rows()
    home.roll()
    home.put_back(copy)
    assert not home.epochs.path(1).exists()
    with pytest.raises(CannotOpen):
        home.opened(case_id, sealed, home.server())


def test_with_the_secret_of_its_epoch_the_copy_would_open(home: Home) -> None:
    """Shows that it is the destroyed secret which closes the copy, and nothing else."""
    case_id, sealed = home.sealed()
    copy, secret = home.rows(), home.epochs.path(1).read_bytes()
    home.roll()
    home.put_back(copy)
    home.epochs.path(1).write_bytes(secret)
    home.epochs.path(1).chmod(0o600)
    assert home.opened(case_id, sealed, home.server()) == "王芳"


def test_whoever_serves_meanwhile_opens_and_seals_in_the_new_epoch(home: Home) -> None:
    serving, (case_id, sealed) = home.server(), home.sealed()
    assert home.opened(case_id, sealed, serving) == "王芳"
    home.roll()
    assert home.opened(case_id, sealed, serving) == "王芳"
    home.sealed(serving)
    assert sorted(row[-1] for row in home.rows()) == [2, 2]


def test_a_key_that_was_wrapped_before_the_epoch_began_is_refused_after(home: Home) -> None:
    case: Case = home._new_case()
    sealing = home.vault.sealing(case.id, 1)
    sealing.seal(SealedFor.BUYER, "statement", "王芳")
    home.roll()
    with pytest.raises(StoreUnavailable):
        home.store.save(case, SOMEBODY, Effects(data_keys=sealing.new_keys))
    assert home.rows() == []


def test_bytes_that_precede_their_fact_are_not_kept_under_a_key_of_before(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = home.server()
    home.roll()
    case_id = uuid4()
    assert serving.key_of(case_id, SealedFor.BUYER).key_id == home.rows()[0][2]
    assert [row[-1] for row in home.rows()] == [2]
    monkeypatch.setattr(Epochs, "newest", lambda _: 1)
    monkeypatch.setattr(Epochs, "secret", lambda *_: bytes(32))
    with pytest.raises(ServiceUnavailable):
        PostgresVault(home.datastore, home.master, home.epochs).key_of(uuid4(), SealedFor.BUYER)
    assert [row[-1] for row in home.rows()] == [2]


def test_the_old_secret_stays_while_a_transaction_from_before_may_still_write(home: Home) -> None:
    case_id, sealed = home.sealed()
    with psycopg.connect(home.datastore.url) as before:
        before.execute("SELECT pg_current_xact_id()")
        with pytest.raises(RollUnfinished):
            home.roll(patience=0.0)
        assert home.epochs.present() == [1, 2]
        before.rollback()
    assert home.opened(case_id, sealed) == "王芳"
    assert home.roll().ended == [1, 2]
    assert home.opened(case_id, sealed) == "王芳"


def test_a_roll_that_broke_off_is_completed_by_the_next(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    case_id, sealed = home.sealed()
    monkeypatch.setattr(Epochs, "end_before", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        home.roll()
    monkeypatch.undo()
    assert home.roll().ended == [1, 2]
    assert home.opened(case_id, sealed) == "王芳"


def test_a_database_whose_epoch_is_missing_is_not_served(home: Home) -> None:
    home.sealed()
    home.epochs.path(1).rename(home.path.with_name("elsewhere"))
    with pytest.raises(WrongKeyFile, match=r"vault\.key\.1 is missing"):
        home.server().bind()


def test_a_destroyed_secret_is_overwritten_before_its_name_goes(home: Home) -> None:
    held = os.open(home.epochs.path(1), os.O_RDONLY)
    secret = os.pread(held, 200, 0)
    home.roll()
    assert os.pread(held, 200, 0) != secret
    os.close(held)
