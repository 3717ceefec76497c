"""Routes for those who run the service: life, readiness, version, metrics. They need no caller."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import nan
from typing import Any

import msgspec
from flask import Response
from marshmallow import Schema
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from application.errors import ServiceUnavailable
from web import answers
from web.routes import JSON, ApiBlueprint, public, sent

METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS"})
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


Probe = Callable[[], Mapping[str, Any]]
"""One check: `ok`, and what it found. Raises ServiceUnavailable."""

Lag = Callable[[], Mapping[str, float]]
"""How many seconds each is behind the log, by name. Raises ServiceUnavailable."""


Figures = Callable[[], Mapping[str, float]]
"""Figures by name. Raises ServiceUnavailable."""

LOG = {
    "leaves": "Leaves of the transparency log.",
    "unsealed_facts": "Facts that are no leaf yet; up to 100,000 are counted.",
    "checkpoint_age": "Seconds since a checkpoint was signed; that grows while nothing is recorded.",
}


@dataclass(frozen=True, slots=True)
class Metrics:
    """What is counted in this process."""

    registry: CollectorRegistry
    requests: Counter
    seconds: Histogram
    lag: Gauge
    process_lag: Gauge
    log: Mapping[str, Gauge]

    @classmethod
    def new(cls) -> "Metrics":
        """Counters of one application."""
        registry = CollectorRegistry()
        labels = ("method", "route", "status")
        return cls(
            registry,
            Counter("recourse_http_requests", "Requests answered.", labels, registry=registry),
            Histogram(
                "recourse_http_request_seconds",
                "Time from a request to its answer.",
                ("route",),
                buckets=BUCKETS,
                registry=registry,
            ),
            Gauge(
                "recourse_projection_lag_seconds",
                "Age of the oldest fact that a read model lacks.",
                ("read_model",),
                registry=registry,
            ),
            Gauge(
                "recourse_process_lag_seconds",
                "Age of the oldest fact that a process has not seen.",
                ("process",),
                registry=registry,
            ),
            {name: Gauge(f"recourse_log_{name}", what, registry=registry) for name, what in LOG.items()},
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer. A method that nobody serves is not named: anybody could invent ever new ones."""
        self.requests.labels(method if method in METHODS else "other", route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)


def register(
    blueprint: ApiBlueprint,
    probes: Mapping[str, Probe],
    watched: Mapping[str, Probe],
    lag: Lag,
    process_lag: Lag,
    log_figures: Figures,
    metrics: Metrics,
    version: str,
) -> None:
    """Add the routes. Whoever fails a probe is not ready; what is `watched` may fail while others serve."""

    def livez() -> Response:
        """That the process answers."""
        return sent(b'{"status":"ok"}')

    def readyz() -> Response:
        """Whether requests can be served: database, migrations, read models; and whether facts are sealed."""
        checks = {name: _checked(probe) for name, probe in probes.items()}
        others = {name: _checked(probe) for name, probe in watched.items()}
        ready, sound = _all_ok(checks), _all_ok(others)
        status = ("ready" if sound else "degraded") if ready else "not_ready"
        body = {"status": status, "checks": checks | others}
        return sent(msgspec.json.encode(body), 200 if ready else 503)

    def show_version() -> Response:
        """What is running."""
        return sent(msgspec.json.encode({"name": "recourse", "version": version}))

    def show_metrics() -> Response:
        """Counters, lags, and how far the log is sealed, in the text form of Prometheus."""
        _show(metrics.lag, lag)
        _show(metrics.process_lag, process_lag)
        _show_figures(metrics.log, log_figures)
        return Response(generate_latest(metrics.registry), content_type=CONTENT_TYPE_LATEST)

    text = {"text/plain": {"schema": {"type": "string"}}}
    _add(blueprint, "/livez", livez, _json(answers.Life))
    _add(blueprint, "/readyz", readyz, _json(answers.Readiness), unready=_json(answers.Readiness))
    _add(blueprint, "/version", show_version, _json(answers.Version))
    _add(blueprint, "/metrics", show_metrics, text)


def _json(schema: type[Schema]) -> dict[str, Any]:
    return {JSON: {"schema": schema}}


def _add(
    blueprint: ApiBlueprint,
    rule: str,
    view: Callable[[], Response],
    content: dict[str, Any],
    unready: dict[str, Any] | None = None,
) -> None:
    responses = {200: {"description": "Answered.", "content": content}}
    if unready:
        responses[503] = {"description": "A check failed.", "content": unready}
    blueprint.route(rule)(
        public(blueprint.doc(operationId=view.__name__, security=[], responses=responses)(view))
    )


def _checked(probe: Probe) -> Mapping[str, Any]:
    try:
        return probe()
    except ServiceUnavailable:
        return {"ok": False, "detail": "the database cannot be reached"}


def _all_ok(checks: Mapping[str, Mapping[str, Any]]) -> bool:
    return all(check["ok"] is True for check in checks.values())


def _show_figures(gauges: Mapping[str, Gauge], figures: Figures) -> None:
    """What is not known is told as such."""
    try:
        measured = figures()
    except ServiceUnavailable:
        measured = {}
    for name, gauge in gauges.items():
        gauge.set(measured.get(name, nan))


def _show(gauge: Gauge, lag: Lag) -> None:
    """What can be counted is told also while the database is away."""
    gauge.clear()
    try:
        measured = lag()
    except ServiceUnavailable:
        return
    for name, seconds in measured.items():
        gauge.labels(name).set(seconds)
