"""Where every failure of a request becomes a problem, and what nobody expected is logged."""

import logging
from pathlib import Path
from traceback import extract_tb

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from application.errors import RequestError, VersionMismatch
from application.store import StoreUnavailable
from domain.refusals import Refusal
from web import problems
from web.presenter import Presenter, state
from web.problems import Problem
from web.requests import incoming

log = logging.getLogger(__name__)

_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
FRAMES = 12
_API = "/api/"
_OPERATIONS = ("/livez", "/readyz", "/version", "/metrics")


def register(app: Flask, show: Presenter) -> None:
    """Add the handlers. What a page for people fails with stays a page."""

    def answered(problem: Problem) -> Response:
        return problems.answer(problem, incoming().request_id)

    def refused(error: RequestError | Refusal | StoreUnavailable) -> Response:
        if isinstance(error, VersionMismatch):
            return answered(_moved_on(error, show))
        return answered(problems.of(error))

    def failed_by_http(error: HTTPException) -> Response | HTTPException:
        if not _for_programs():
            return error
        status = error.code or 500
        code = _BY_STATUS.get(status, "bad_request" if status < 500 else "internal_error")
        allow = dict(one for one in error.get_headers() if one[0] == "Allow")
        return answered(Problem(code, headers=allow))

    def failed(error: Exception) -> Response:
        log.error(
            "a request failed: %s",
            _described(error),
            extra={"request_id": incoming().request_id, "method": request.method, "route": route()},
        )
        return answered(Problem("internal_error"))

    app.register_error_handler(Problem, answered)
    for kind in (RequestError, Refusal, StoreUnavailable):
        app.register_error_handler(kind, refused)
    app.register_error_handler(HTTPException, failed_by_http)
    app.register_error_handler(Exception, failed)


def route() -> str:
    """The rule that a request matched: it names no case and nobody."""
    return request.url_rule.rule if request.url_rule else "-"


def _described(error: Exception) -> str:
    """The type of an exception and its way through the code; its own text may quote what people wrote."""
    places = (
        f"{Path(one.filename).name}:{one.lineno} {one.name}"
        for one in extract_tb(error.__traceback__)[-FRAMES:]
    )
    return f"{type(error).__qualname__} through {', '.join(places)}"


def _moved_on(error: VersionMismatch, show: Presenter) -> Problem:
    current = error.aggregate
    since = show.changes(error.since, incoming().known_caller.actor)
    return Problem(
        "version_mismatch",
        f"the {current.kind().replace('_', ' ')} is at version {current.version}",
        headers={"ETag": f'"{current.version}"'},
        more={**state(current), "since": since},
    )


def _for_programs() -> bool:
    """Whether a failure outside every route is told to a program: only browsers ask for pages by name."""
    if request.path.startswith(_API) or request.path in _OPERATIONS:
        return True
    return "text/html" not in request.headers.get("Accept", "")
