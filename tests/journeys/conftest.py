"""Whole journeys: the real processes, started as a script would start them, driven over HTTP."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import requests

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
