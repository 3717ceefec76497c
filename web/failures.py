"""Where every failure of a request becomes a problem, and what nobody expected is logged."""

import logging
from pathlib import Path
from traceback import extract_tb
from uuid import UUID

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from application.accesses import Access, Accesses
from application.errors import Forbidden, NotFound, RequestError, ServiceUnavailable, VersionMismatch
from application.store import StoreUnavailable
from domain.refusals import Refusal
from web import problems
from web.presenter import Presenter, state
from web.problems import Problem
from web.requests import access, incoming
from web.routes import UUID_FORM

log = logging.getLogger(__name__)

_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
FRAMES = 12
_API = "/api/"
_OPERATIONS = ("/livez", "/readyz", "/version", "/metrics")


def register(app: Flask, show: Presenter, accesses: Accesses) -> None:
    """Add the handlers. What a page for people fails with stays a page."""

    def answered(problem: Problem) -> Response:
        return problems.answer(problem, incoming().request_id)

    def refused(error: RequestError | Refusal | StoreUnavailable) -> Response:
        if isinstance(error, VersionMismatch):
            return answered(_moved_on(error, show))
        try:
            _keep_record(error, accesses)
        except (ServiceUnavailable, StoreUnavailable) as down:
            return answered(problems.of(down))
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


def _keep_record(error: RequestError | Refusal | StoreUnavailable, accesses: Accesses) -> None:
    """Record the refusal of a case that there is; the answer is the same as if there were none.

    Raises ServiceUnavailable.
    """
    case_id = (request.view_args or {}).get("case_id", "")
    if UUID_FORM.fullmatch(case_id) and (isinstance(error, Forbidden) or error == NotFound("case")):
        view = current_app.view_functions[str(request.endpoint)]
        accesses.refused(_access(vars(view)["permission"]), UUID(case_id))


def _access(permission: str) -> Access:
    """The access that was asked for; a reason that is none is left out, since nothing is shown for it."""
    try:
        return access(permission)
    except Problem:
        here = incoming()
        return Access(here.known_caller.actor, permission, here.request_id)


def _moved_on(error: VersionMismatch, show: Presenter) -> Problem:
    current = error.aggregate
    since = show.changes(error.since, _access("cases.read"))
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
