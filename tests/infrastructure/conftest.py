"""Fixtures of the tests that need our tables, with a history or without."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from domain.case import Case
from domain.values import Actor, CaseType, Claim, Money, OrderLine, RemedyKind, Role
from infrastructure.bench.histories import fill
from infrastructure.migrate import migrate
from infrastructure.policy_pack import default_pack
from infrastructure.projection_supervisor import ProjectionSupervisor
from infrastructure.store import PostgresStore
from projections.read_model import ReadModel

DEFAULT = default_pack()

FILED_AT = datetime(2026, 11, 6, 8, tzinfo=UTC)
EVENTS = 2000


@pytest.fixture
def migrated_database(fresh_database: str) -> str:
    """URL of a new database with every migration applied."""
    migrate(fresh_database)
    return fresh_database


@pytest.fixture
def store(migrated_database: str) -> Iterator[PostgresStore]:
    """The case store on a new database."""
    with PostgresStore(migrated_database) as opened:
        yield opened


@pytest.fixture
def new_case() -> Callable[..., Case]:
    """Files a case that nobody has recorded yet."""

    def file(case_id: UUID | None = None) -> Case:
        paid = Money(19900, "CNY")
        return Case.file(
            by=Actor("buyer-app", Role.BUYER_INTEGRATION),
            case_id=case_id or uuid4(),
            number="AS-20261106-000001",
            case_type=CaseType.RETURN_REFUND,
            reason="quality_defect",
            channel="app",
            buyer="b-1001",
            merchant_id="m-2001",
            order=OrderLine("PO-1", "1", "SKU-9", "羽绒服", "clothing", 1, paid, FILED_AT, FILED_AT),
            claim=Claim((RemedyKind.REFUND,), paid),
            policy=DEFAULT,
            at=FILED_AT,
        )

    return file


class Runs(Protocol):
    """What works until it is told to stop."""

    def run(self, stop: Event) -> None: ...


class Kept:
    """A database that is followed, with a history of `events` events of some 150 cases."""

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
    def taken_away(self) -> Iterator[None]:
        """Every connection is ended and no new one accepted, as while a server restarts."""
        name = psycopg.conninfo.conninfo_to_dict(self.url)["dbname"]
        elsewhere = psycopg.conninfo.make_conninfo(self.url, dbname="template1")
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        with psycopg.connect(elsewhere, autocommit=True) as server:
            server.execute(allow.format(sql.Identifier(str(name)), sql.SQL("false")))
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(self.url)
            yield
            server.execute(allow.format(sql.Identifier(str(name)), sql.SQL("true")))

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
    """A database of its own for the test, with a history that nobody has followed yet."""
    name = sql.Identifier(f"test_{uuid4().hex}")
    with psycopg.connect(database_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(told_database)))
        try:
            yield Kept(_beside(database_url, name.as_string(None).strip('"')))
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _beside(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()
