"""The WSGI application: every dependency is an argument, and every route names its permission."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    settling,
)
from web import incidents as incident_routes
from web import transparency as log_routes
from web.failures import route
from web.limits import Rate, RateLimiter
from web.lists import Reader
from web.operations import Figures, Lag, Metrics, Probe
from web.presenter import Presenter
from web.requests import Commands, Gate, Incoming, incoming, request_id
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


def create_app(
    *,
    cases: Cases,
    files: Files,
    accesses: Accesses,
    forgetful: Forgetting,
    subjects: Subjects,
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
    limiter = RateLimiter(settings.rate, perf_counter) if settings.rate else None

    blueprint = ApiBlueprint("cases", __name__, url_prefix=PREFIX, description="Cases and their read models")
    blueprint.before_request(Gate(keys, limiter).admit)
    routes = Routes(blueprint, Commands(vault))
    filing.register(routes, cases, presenter)
    proving.register(routes, cases, files)
    negotiating.register(routes, cases, new_id)
    leasing.register(routes, cases)
    entitling.register(routes, cases)
    deciding.register(routes, cases, new_id)
    appealing.register(routes, cases, new_id)
    paying.register(routes, cases)
    moving.register(routes, cases)
    settling.register(routes, cases)
    handling.register(routes, cases)
    forgetting.register(routes, forgetful, subjects, presenter, reader, clock)
    lists.register(routes, reader, cases, vault, clock)
    portal.register(routes, reader, clock)
    planning.register(routes, reader, clock)
    indicators.register(routes, reader, clock)
    policy_book.register(routes, policies, simulations)
    incident_routes.register(routes, incidents, presenter, reader, clock)
    reading.register(routes, accesses)
    correcting.register(routes, corrective_actions, presenter, reader, clock)
    log_routes.register(routes, transparency)
    public_log = ApiBlueprint("log", __name__, url_prefix=PREFIX, description="The transparency log")
    log_routes.register_public(public_log, transparency)
    watching = ApiBlueprint("operations", __name__, description="For those who run the service")
    operations.register(watching, probes, watched, lag, process_lag, log_figures, metrics, settings.version)

    api = openapi.document(app, settings.version)
    api.register_blueprint(blueprint)
    api.register_blueprint(public_log)
    api.register_blueprint(watching)
    openapi.pages(app, api)
    require_permissions(app)
    return app


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
