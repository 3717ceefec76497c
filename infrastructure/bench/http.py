"""Requests a second of a running web server: POST /cases and the review queue, beside a constant route."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import msgspec
import psutil
from rich.console import Console
from rich.table import Table

from infrastructure.bench.load import NUMBER, Figures, Load

CONNECTIONS = 16
POST_OF_CONSTANT = 0.15
QUEUE_OF_CONSTANT = 0.25
WORKER_MB = 150
NUMBERS_A_ROUND = 1_000_000

EXPECTED = {"constant": "200", "post": "201", "queue": "200"}


class UnexpectedAnswers(Exception):
    """The server answered something else than what was measured; the figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Target:
    """A running server: its URL, its process, and keys that may file and may read the queue."""

    url: str
    pid: int
    filing_key: str
    reading_key: str


def run(
    target: Target, settle: Callable[[], object], rounds: int = 5, seconds: float = 4.0
) -> dict[str, Any]:
    """Measure in alternating rounds; medians over the rounds, and the ratios measured in the same round.

    `settle` brings the read models up to date; it is called between filing and reading. Raises
    UnexpectedAnswers.
    """
    requests = _requests(target)
    measured: dict[str, list[Figures]] = {name: [] for name in requests}
    numbers = count(0, NUMBERS_A_ROUND)
    for _ in range(rounds):
        for name, request in requests.items():
            if name == "queue":
                settle()
            measured[name].append(_measure(target, name, request, seconds, next(numbers)))
    return {
        "rounds": rounds,
        "seconds": seconds,
        "connections": CONNECTIONS,
        "routes": {name: _medians(figures) for name, figures in measured.items()},
        "post_of_constant": _ratio(measured["post"], measured["constant"]),
        "queue_of_constant": _ratio(measured["queue"], measured["constant"]),
        "worker_mb": _largest_worker_mb(target.pid),
    }


def print_table(result: dict[str, Any], console: Console) -> None:
    """The figures, and whether they reach what is asked."""
    table = Table(title=f"HTTP, {result['connections']} connections, median of {result['rounds']} rounds")
    for name in ("route", "a second", "p50 ms", "p99 ms", "of constant", "asked"):
        table.add_column(name, justify="left" if name == "route" else "right")
    ratios = {
        "post": ("post_of_constant", POST_OF_CONSTANT),
        "queue": ("queue_of_constant", QUEUE_OF_CONSTANT),
    }
    for name, figures in result["routes"].items():
        ratio, asked = ratios.get(name, ("", 0.0))
        table.add_row(
            {"constant": "GET /livez", "post": "POST /cases", "queue": "GET /queues/review"}[name],
            f"{figures['per_second']:,.0f}",
            f"{figures['p50_ms']:.1f}",
            f"{figures['p99_ms']:.1f}",
            f"{result[ratio]:.2f}" if ratio else "",
            f"{asked:.2f}" if ratio else "",
        )
    console.print(table)
    console.print(f"largest web worker: {result['worker_mb']:.0f} MB (asked: below {WORKER_MB})")


def _requests(target: Target) -> dict[str, str]:
    body = json.dumps(_filing(), ensure_ascii=True)
    return {
        "constant": _request(target, "GET /livez", target.reading_key),
        "post": _request(target, "POST /api/v1/cases", target.filing_key, body),
        "queue": _request(target, "GET /api/v1/queues/review?limit=50", target.reading_key),
    }


def _request(target: Target, line: str, key: str, body: str = "") -> str:
    head = [f"{line} HTTP/1.1", f"Host: {urlsplit(target.url).netloc}", f"Authorization: Bearer {key}"]
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", body])


def _filing() -> dict[str, Any]:
    return {
        "case_type": "return_refund",
        "reason": "quality_defect",
        "channel": "app",
        "buyer_id": "b-1001",
        "merchant_id": "m-2001",
        "order": {
            "order_id": f"PO-{NUMBER.decode()}",
            "line_id": "1",
            "sku": "SKU-9",
            "title": "羽绒服",
            "category": "clothing",
            "quantity": 1,
            "paid": {"amount_minor": 19900, "currency": "CNY"},
            "purchased_at": "2026-11-01T08:00:00Z",
            "delivered_at": "2026-11-05T02:00:00Z",
        },
        "claim": {
            "remedies": ["refund"],
            "amount": {"amount_minor": 19900, "currency": "CNY"},
            "quantity": 1,
        },
        "statement": "收到两天拉链就坏了，要求退款。",
        "contact": {"name": "王芳", "phone": "13800000000", "address": "上海市浦东新区张杨路500号"},
    }


def _measure(target: Target, name: str, request: str, seconds: float, first_number: int) -> Figures:
    where = urlsplit(target.url)
    load = Load(
        where.hostname or "", where.port or 80, request, CONNECTIONS, seconds, first_number=first_number
    )
    done = subprocess.run(
        [sys.executable, "-m", "infrastructure.bench.load"],
        input=msgspec.json.encode(load),
        stdout=subprocess.PIPE,
        check=True,
    )
    figures = msgspec.json.decode(done.stdout, type=Figures)
    if set(figures.statuses) != {EXPECTED[name]}:
        raise UnexpectedAnswers(f"{name}: expected {EXPECTED[name]} alone, got {figures.statuses}")
    return figures


def _medians(figures: list[Figures]) -> dict[str, float]:
    return {
        "per_second": median(one.per_second for one in figures),
        "p50_ms": median(one.p50_ms for one in figures),
        "p99_ms": median(one.p99_ms for one in figures),
    }


def _ratio(figures: list[Figures], constant: list[Figures]) -> float:
    return median(one.per_second / base.per_second for one, base in zip(figures, constant, strict=True))


def _largest_worker_mb(pid: int) -> float:
    """The largest process of the server, in MB (10^6 bytes) of resident memory."""
    server = psutil.Process(pid)
    return max(one.memory_info().rss for one in [server, *server.children(recursive=True)]) / 1e6
