"""Whole journeys over HTTP: by the real processes, started as a script would start them, or through time.

`dev` is a running `recourse dev`. `world` is the same installation inside this process: the parts that the
front door composes, all by one clock that the test moves.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
import psycopg
import pytest
import requests
from flask import Flask
from psycopg import sql

import recourse
from application.clock import Clock
from application.payments import Instruction, PaymentGateway
from infrastructure import settings
from infrastructure.clock import Reading
from infrastructure.commands.erasures import LEDGER
from infrastructure.credentials import HOLDERS
from infrastructure.gateways import SandboxGateway
from infrastructure.migrate import migrate
from infrastructure.projection_supervisor import ProjectionSupervisor

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 90.0


def awaited(condition: Callable[[], Any], what: str, patience: float = PATIENCE_SECONDS) -> Any:
    """The condition's first true value; fails when it does not come true in time."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    pytest.fail(f"waited {patience:.0f} s in vain until {what}")


class Caller:
    """One API key's view of the API; remembers nothing."""

    def __init__(self, url: str, key: str) -> None:
        self._url = f"{url}/api/v1"
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers["Authorization"] = f"Bearer {key}"

    def get(self, path: str, **params: Any) -> Any:
        """The body of a read that must succeed."""
        answer = self._http.get(self._url + path, params=params, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """Any request, whatever comes of it."""
        return self._http.request(method, self._url + path, json=body, headers=headers, timeout=30)

    def post(self, path: str, body: Any = None, version: int | None = None, **headers: str) -> Any:
        """The body of a command that must succeed."""
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        answer = self.ask("POST", path, {} if body is None else body, **headers)
        assert answer.status_code in (200, 201), answer.text
        assert answer.headers["ETag"] == f'"{answer.json()["version"]}"'
        return answer.json()

    def upload(self, path: str, data: bytes, media_type: str, **query: str) -> Any:
        """A command whose body is a file, which must succeed: its answer."""
        headers = {"Content-Type": media_type}
        answer = self._http.post(self._url + path, data=data, params=query, headers=headers, timeout=60)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def download(self, path: str) -> bytes:
        """A file, which must be there."""
        answer = self._http.get(self._url + path, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.content


class Running:
    """A running `recourse dev` and everyone who has a key to it."""

    def __init__(self, process: subprocess.Popen[str], home: Path, log: Path) -> None:
        self.process = process
        self.home = home
        self.log = log
        ready = json.loads(self._first_line())
        self.url = ready["url"]
        self.credentials = Path(ready["credentials"])

    def _first_line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, f"recourse dev ended before it was ready:\n{self.log.read_text()}"
        return line

    def caller(self, name: str) -> Caller:
        """Whoever has this name in the credentials."""
        return Caller(self.url, json.loads(self.credentials.read_text())[name])

    @property
    def port(self) -> int:
        """The port that the API listens on."""
        return int(urlsplit(self.url).port or 0)

    def processes(self) -> list[psutil.Process]:
        """Every process below this one."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def part(self, *words: str) -> psutil.Process | None:
        """The first process below this one whose command line has all the words."""
        for process in self.processes():
            try:
                line = " ".join(process.cmdline())
            except psutil.NoSuchProcess:
                continue
            if all(word in line for word in words):
                return process
        return None

    def stop(self) -> int:
        """Ask it to stop, wait until it has, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_SECONDS)
        assert self.process.stdout
        self.process.stdout.close()
        return code


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Running]]:
    """Starts `recourse dev` in a home of its own; whatever still runs at the end is stopped."""
    started: list[Running] = []

    def run(home: Path | None = None, **settings: str) -> Running:
        home = home or tmp_path_factory.mktemp("home")
        log = home.with_name(f"{home.name}.log")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RECOURSE_")}
        with log.open("a") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "recourse", "dev", "--port", "0", "--home", str(home)],
                cwd=ROOT,
                env=kept | {f"RECOURSE_{name}": value for name, value in settings.items()},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        running = Running(process, home, log)
        started.append(running)
        return running

    yield run
    for running in started:
        running.stop()


@pytest.fixture(scope="session")
def dev(start: Callable[..., Running]) -> Running:
    """One installation that the journeys share."""
    return start()


def filing(order_id: str, **content: Any) -> dict[str, Any]:
    """The body that files a case for a down jacket of 199 yuan with a broken zip."""
    body: dict[str, Any] = {
        "case_type": "return_refund",
        "reason": "quality_defect",
        "channel": "app",
        "buyer_id": "b-1001",
        "merchant_id": "m-2001",
        "order": {
            "order_id": order_id,
            "line_id": "1",
            "sku": "SKU-9",
            "title": "羽绒服",
            "category": "clothing",
            "quantity": 1,
            "paid": {"amount_minor": 19900, "currency": "CNY"},
            "purchased_at": "2026-11-01T08:00:00Z",
            "delivered_at": "2026-11-05T02:00:00Z",
            "promises": ["fake_one_pay_ten"],
            "confirmations": [],
        },
        "claim": {
            "remedies": ["refund"],
            "amount": {"amount_minor": 19900, "currency": "CNY"},
            "quantity": 1,
        },
        "statement": "拉链坏了",
        "contact": {"name": "王芳", "phone": "13800000000", "address": "杭州市某路 1 号"},
    }
    return body | content


@pytest.fixture
def words() -> Any:
    """What the journeys say: a filing's body, and waiting for a condition."""

    class Words:
        filing = staticmethod(filing)
        awaited = staticmethod(awaited)

    return Words


# --- through time ---------------------------------------------------------------------------------------

MORNING = datetime(2036, 3, 4, 2, tzinfo=UTC)
"""Ten o'clock on a Tuesday in Shanghai. Later than the database's own clock, by which messages fall due."""

_WAITING = b"""
    SELECT min(at) FROM (
        SELECT due FROM deadlines WHERE state = 'pending'
        UNION ALL SELECT next_attempt_at FROM outbox WHERE state = 'pending'
    ) AS waiting (at) WHERE at > %s
"""


class MovableClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = MORNING

    def now(self) -> datetime:
        """The instant at which it stands."""
        return self.at


class MovableParts(recourse.Parts):
    """What the front door composes, by a clock that the test moves and a gateway that it can set against."""

    def __init__(self, given: settings.Settings) -> None:
        super().__init__(given)
        self.movable = MovableClock()
        self.objection: Callable[[Instruction], str | None] = lambda _: None

    def timed(self, observe: Callable[[Reading], None]) -> Clock:
        """The one clock."""
        return self.movable

    @property
    def gateway(self) -> PaymentGateway:
        """Pays at once what nobody objects to."""
        return SandboxGateway(lambda instruction: self.objection(instruction))


class World:
    """An installation of its own, alone in its time. Nothing happens in it but what a test asks for.

    Commands record their facts at once; what follows from them in other processes happens in `settle`, which
    `pass_time` includes.
    """

    def __init__(self, parts: MovableParts, url: str) -> None:
        self._parts = parts
        self._url = url
        self._keys = {name: parts.keys.create(actor) for name, actor in HOLDERS.items()}

    @property
    def at(self) -> datetime:
        """What time it is."""
        return self._parts.movable.at

    def caller(self, name: str) -> Caller:
        """Whoever has this name in the credentials of a home."""
        return Caller(self._url, self._keys[name])

    def filing(self, order_id: str, **content: Any) -> dict[str, Any]:
        """The body that files a case for what was bought nine days ago and arrived five days ago."""
        body = filing(order_id)
        body["order"]["purchased_at"] = (self.at - timedelta(days=9)).isoformat()
        body["order"]["delivered_at"] = (self.at - timedelta(days=5)).isoformat()
        return body | content

    def pass_time(self, **by: float) -> None:
        """Let time pass, stopping wherever something falls due, and let what follows happen then."""
        end = self.at + timedelta(**by)
        self.settle()
        while (following := self._next_due()) and following <= end:
            self._parts.movable.at = following
            self.settle()
        self._parts.movable.at = end
        self.settle()

    def settle(self) -> None:
        """Let everything happen that can happen now: clocks, payments, read models, processes."""
        while self._work():
            pass

    def object_to_payments(self, objection: Callable[[Instruction], str | None]) -> None:
        """Have the gateway refuse what this gives a reason against."""
        self._parts.objection = objection

    def apply_ledger(self) -> None:
        """What is done before anything is served."""
        self._parts.forgetting.apply_ledger(LEDGER)

    def bytes_kept(self) -> set[str]:
        """The pieces of evidence of which there are bytes."""
        found: list[str] = self._ask(b"SELECT coalesce(json_agg(DISTINCT blob_id), '[]') FROM blob_chunks")
        return set(found)

    def _work(self) -> bool:
        before = self._events()
        fired = self._parts.ticker.fire_due()
        while self._parts.outbox.deliver_next():
            fired += 1
        self._parts.projections.catch_up()
        self._parts.followers.catch_up()
        return bool(fired) or self._events() > before

    def _events(self) -> int:
        return int(self._ask(b"SELECT count(*) FROM events"))

    def _next_due(self) -> datetime | None:
        found: datetime | None = self._ask(_WAITING, self.at)
        return found

    def _ask(self, statement: bytes, *values: object) -> Any:
        with psycopg.connect(self._parts.url) as connection:
            ((found,),) = connection.execute(statement, values).fetchall()
        return found


@pytest.fixture(scope="session")
def prepared(database_url: str) -> Iterator[str]:
    """The name of a database with every table and no row, to be copied."""
    name = f"prepared_{uuid4().hex}"
    url = urlsplit(database_url)._replace(path=f"/{name}").geturl()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        migrate(url)
        ProjectionSupervisor(url, holder="tests").prepare()
        yield name
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def copied(database_url: str, prepared: str) -> Iterator[str]:
    """URL of a copy of the prepared database, for one test."""
    name = f"world_{uuid4().hex}"
    quoted, template = sql.Identifier(name), sql.Identifier(prepared)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(quoted, template))
        try:
            yield urlsplit(database_url)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(quoted))


@pytest.fixture
def world(
    copied: str, tmp_path: Path, serve: Callable[[Flask], AbstractContextManager[str]]
) -> Iterator[World]:
    """A new world at ten in the morning, in which the sandbox gateway pays."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    named = {"HOME": str(home), "DATABASE_URL": copied, "PAYMENTS": "sandbox", "WEB_RATE": "0"}
    given = settings.load({f"RECOURSE_{name}": value for name, value in named.items()})
    with ExitStack() as stack:
        parts = stack.enter_context(MovableParts(given))
        url = stack.enter_context(serve(recourse.web_app(parts)))
        yield World(parts, url)
