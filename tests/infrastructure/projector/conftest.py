"""A database with a history and the read models' tables, and what the tests ask of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from infrastructure.bench.histories import fill
from infrastructure.migrate import migrate
from infrastructure.projection_supervisor import ProjectionSupervisor
from projections.read_model import ReadModel

EVENTS = 2000


class Runs(Protocol):
    """What works until it is told to stop."""

    def run(self, stop: Event) -> None: ...


class Kept:
    """A database whose read models are kept, with a history of `events` events of some 150 cases."""

    events = EVENTS

    def __init__(self, url: str) -> None:
        self.url = url

    def supervisor(self, **options: Any) -> ProjectionSupervisor:
        return ProjectionSupervisor(self.url, **{"holder": "test"} | options)

    def rows(self, model: ReadModel[Any], table: str | None = None) -> list[tuple[Any, ...]]:
        """Every row with all its columns, by key."""
        statement = sql.SQL("SELECT * FROM {} ORDER BY {}").format(
            sql.Identifier(table or model.table), sql.Identifier(model.row.KEY)
        )
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement).fetchall()

    def position(self, model: ReadModel[Any]) -> int:
        return int(self.ask("SELECT position FROM projections WHERE table_name = %s", model.table)[0][0])

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def execute(self, statement: str, *values: Any) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode(), values)

    def eventually(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        give_up_at = monotonic() + seconds
        while not condition():
            assert monotonic() < give_up_at, "it did not come to pass"
            sleep(0.01)

    @contextmanager
    def running(self, worker: Runs) -> Iterator[None]:
        """The worker runs in a thread of its own, and ends when it is asked to."""
        stop = Event()
        thread = Thread(target=worker.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(20)
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def told_database(database_url: str) -> Iterator[str]:
    """Name of a database to be copied: made once, connected to by nobody."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = _beside(database_url, name)
        migrate(url)
        fill(url, EVENTS, at_once=60)
        ProjectionSupervisor(url, holder="test").prepare()
        yield name
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def kept(database_url: str, told_database: str) -> Iterator[Kept]:
    """A database of its own for the test, with a history that no read model has seen yet."""
    name = sql.Identifier(f"test_{uuid4().hex}")
    with psycopg.connect(database_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(told_database)))
        try:
            yield Kept(_beside(database_url, name.as_string(None).strip('"')))
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _beside(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()
