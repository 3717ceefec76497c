"""The WSGI application: every dependency is an argument, and every route names its permission."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from uuid import UUID

from flask import Flask, Response, g, request

from application import access
from application.accesses import Accesses
from application.cases import Cases, Files, Forgetting
from application.clock import Clock
from application.corrective_actions import CorrectiveActions
from application.incidents import Incidents
from application.keys import Keys
from application.phone_search import PhoneSearch
from application.policies import Policies
from application.simulation import Simulations
from application.subjects import Subjects
from application.transparency import Transparency
from application.vault import Vault
from web import (
    appealing,
    correcting,
    deciding,
    entitling,
    failures,
    filing,
    forgetting,
    handling,
    indicators,
    leasing,
    lists,
    moving,
    negotiating,
    openapi,
    operations,
    paying,
    planning,
    policy_book,
    portal,
    proving,
    reading,
    searching,
    settling,
)
from web import incidents as incident_routes
from web import transparency as log_routes
from web.failures import route
from web.limits import Rate, RateLimiter
from web.lists import Reader
from web.operations import Figures, Lag, Metrics, Probe
from web.presenter import Presenter
from web.requests import Commands, Gate, Incoming, OpenGate, incoming, request_id
from web.routes import PREFIX, ApiBlueprint, Routes

log = logging.getLogger(__name__)

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Sent with every answer that has no security policy of its own."""


class WebApplication(Flask):
    """Flask without async views: it need not ask of every function and decorator whether it is one."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself."""
        return func


class RouteWithoutPermission(Exception):
    """A route was added that says neither who may use it nor that everybody may."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What can be set about the application. `rate`: that of one key in this process; None: any."""

    version: str
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class Sections:
    """The routes by subject: each section is a blueprint and a tag of the document, behind the same gate."""

    gate: Gate
    commands: Commands
    made: list[ApiBlueprint] = field(default_factory=list)

    def section(self, name: str, description: str) -> Routes:
        """Begin a section."""
        blueprint = ApiBlueprint(name, __name__, url_prefix=PREFIX, description=description)
        blueprint.before_request(self.gate.admit)
        self.made.append(blueprint)
        return Routes(blueprint, self.commands)


def create_app(
    *,
    cases: Cases,
    files: Files,
    accesses: Accesses,
    forgetful: Forgetting,
    subjects: Subjects,
    phone_search: PhoneSearch,
    policies: Policies,
    simulations: Simulations,
    incidents: Incidents,
    corrective_actions: CorrectiveActions,
    transparency: Transparency,
    vault: Vault,
    keys: Keys,
    reader: Reader,
    clock: Clock,
    probes: Mapping[str, Probe],
    watched: Mapping[str, Probe],
    lag: Lag,
    process_lag: Lag,
    log_figures: Figures,
    new_id: Callable[[], UUID],
    settings: WebSettings,
) -> Flask:
    """Build the application. Raises RouteWithoutPermission."""
    app = WebApplication("recourse", static_folder=None, template_folder=None)
    metrics = Metrics.new()
    presenter = Presenter(accesses)
    _watch(app, metrics, new_id)
    failures.register(app, presenter, accesses)

    sections = Sections(Gate(keys, _limiter(settings)), Commands(vault))
    routes = sections.section("cases", "File a case, read it, write on it, and verify it")
    filing.register(routes, cases, presenter)
    routes = sections.section("evidence", "Evidence and its bytes, who must prove, and inspections")
    proving.register(routes, cases, files)
    routes = sections.section("negotiation", "Notice, answers, offers, escalation and promises")
    negotiating.register(routes, cases, new_id)
    routes = sections.section(
        "decisions", "Claim a case, see what may be granted, and decide, alone or by two"
    )
    leasing.register(routes, cases)
    entitling.register(routes, cases)
    deciding.register(routes, cases, new_id)
    routes = sections.section("appeals", "Appeal, and judge appeals")
    appealing.register(routes, cases, new_id)
    routes = sections.section("money", "What is paid, what is taken back, and what comes back")
    paying.register(routes, cases)
    routes = sections.section("goods", "Goods, leg by leg, and repairs")
    moving.register(routes, cases)
    routes = sections.section("closing", "Penalties, rectification, follow-ups, and the end of a case")
    settling.register(routes, cases)
    routes = sections.section("handling", "Let a case rest, classify it, link and merge it")
    handling.register(routes, cases)
    routes = sections.section(
        "personal-data", "Who saw what and why, legal holds, erasure by two people, and subject exports"
    )
    reading.register(routes, accesses)
    forgetting.register(routes, forgetful, subjects, presenter, reader, clock)
    routes = sections.section(
        "lists", "Read models over many cases: queues, loops, deadlines, money, workload"
    )
    lists.register(routes, reader, cases, vault, clock)
    searching.register(routes, phone_search)
    planning.register(routes, reader, clock)
    routes = sections.section("merchants", "How a merchant stands, and what it must do by when")
    portal.register(routes, reader, clock)
    routes = sections.section("indicators", "The numbers, and the facts behind them")
    indicators.register(routes, reader, clock)
    routes = sections.section("policies", "Versions of the rules, and what would be under a draft")
    policy_book.register(routes, policies, simulations)
    routes = sections.section("incidents", "Cases that belong together, decided as a batch by two people")
    incident_routes.register(routes, incidents, presenter, reader, clock)
    routes = sections.section("corrective-actions", "Measures against a cause, and their measured effect")
    correcting.register(routes, corrective_actions, presenter, reader, clock)
    routes = sections.section("proofs", "What proves a case offline, and the entries of the transparency log")
    log_routes.register(routes, transparency)
    public_log = ApiBlueprint(
        "log", __name__, url_prefix=PREFIX, description="The log's signed head and its hashes, for everybody"
    )
    public_log.before_request(OpenGate(_limiter(settings)).admit)
    log_routes.register_public(public_log, transparency)
    watching = ApiBlueprint("operations", __name__, description="For those who run the service")
    operations.register(watching, probes, watched, lag, process_lag, log_figures, metrics, settings.version)

    api = openapi.document(app, settings.version)
    for blueprint in (*sections.made, public_log, watching):
        api.register_blueprint(blueprint)
    openapi.pages(app, api)
    require_permissions(app)
    return app


def _limiter(settings: WebSettings) -> RateLimiter | None:
    return RateLimiter(settings.rate, perf_counter) if settings.rate else None


def require_permissions(app: Flask) -> None:
    """Raises RouteWithoutPermission when a route is open by mistake."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        permission = getattr(view, "permission", "")
        if permission is not None and permission not in access.PERMISSIONS:
            raise RouteWithoutPermission(f"{rule.rule} names no permission of the access table")


def _watch(app: Flask, metrics: Metrics, new_id: Callable[[], UUID]) -> None:
    """Give each request its id, and count and log each answer."""

    @app.before_request
    def begin() -> None:
        g.incoming = Incoming(request_id(new_id), perf_counter())

    @app.after_request
    def end(response: Response) -> Response:
        here = incoming()
        response.headers.add("X-Request-Id", here.request_id)
        if "Content-Security-Policy" not in response.headers:
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
        seconds = perf_counter() - here.started
        metrics.answered(request.method, route(), response.status_code, seconds)
        if log.isEnabledFor(logging.INFO):
            log.info("answered", extra=_answer(here, response.status_code, seconds))
        return response


def _answer(here: Incoming, status: int, seconds: float) -> dict[str, object]:
    return {
        "request_id": here.request_id,
        "method": request.method,
        "route": route(),
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
        "role": here.caller.actor.role.value if here.caller else None,
    }
