"""A history with its log."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest

from infrastructure.bench.histories import fill
from infrastructure.transparency.sealer import Sealer
from infrastructure.transparency.tree import StoredTree, newest_log

EVENTS = 1_500


class NewSealer(Protocol):
    """Makes a sealer whose files are in a folder; it is closed at the end of the test."""

    def __call__(self, url: str, home: Path, **options: Any) -> Sealer: ...


@pytest.fixture
def new_sealer() -> Iterator[NewSealer]:
    """Makes sealers."""
    with ExitStack() as opened:

        def make(url: str, home: Path, **options: Any) -> Sealer:
            sealer = Sealer(url, home, origin=lambda: "recourse.test/log", **options)
            opened.callback(sealer.close)
            return sealer

        yield make


@pytest.fixture
def history(migrated_database: str) -> str:
    """URL of a database with a history that nobody has sealed."""
    fill(migrated_database, EVENTS, at_once=100)
    return migrated_database


@pytest.fixture
def sealer(history: str, tmp_path: Path, new_sealer: NewSealer) -> Sealer:
    """The sealer of that history, with its files in `tmp_path`."""
    return new_sealer(history, tmp_path)


@pytest.fixture
def sealed(history: str, sealer: Sealer) -> str:
    """URL of a database whose whole history is sealed and signed."""
    sealer.catch_up()
    return history


@pytest.fixture
def tree(sealed: str) -> Iterator[StoredTree]:
    """The tree of that log."""
    with psycopg.connect(sealed, autocommit=True) as connection:
        yield StoredTree(connection, newest_log(connection))
