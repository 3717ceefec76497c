"""Every refusal and failure as problem+json (RFC 9457): one table of codes, statuses and titles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from flask import Response, request

from application.errors import (
    AccessReasonRequired,
    Forbidden,
    HistoryTooLong,
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    PreconditionRequired,
    RequestError,
    RequestInProgress,
    ServiceUnavailable,
    UnsoundPolicy,
)
from application.store import StoreUnavailable
from application.transparency import NotSealedYet
from domain.refusals import REFUSALS, Refusal
from web.titles import CHINESE, ENGLISH

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1
LANGUAGES = ("en", "zh")

STATUS: Mapping[str, int] = {refusal.code: 409 for refusal in REFUSALS} | {
    "bad_request": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "case_not_found": 404,
    "appeal_not_found": 404,
    "compensation_not_found": 404,
    "evidence_not_found": 404,
    "evidence_content_not_found": 404,
    "evidence_request_not_found": 404,
    "follow_up_not_found": 404,
    "goods_not_found": 404,
    "inspection_not_found": 404,
    "merchant_not_found": 404,
    "policy_not_found": 404,
    "proposal_not_found": 404,
    "offer_not_found": 404,
    "promise_not_found": 404,
    "penalty_not_found": 404,
    "queue_not_found": 404,
    "legal_hold_not_found": 404,
    "decision_not_found": 404,
    "version_not_found": 404,
    "recovery_not_found": 404,
    "rectification_not_found": 404,
    "incident_not_found": 404,
    "corrective_action_not_found": 404,
    "indicator_not_found": 404,
    "batch_not_found": 404,
    "log_checkpoint_not_found": 404,
    "log_entry_not_found": 404,
    "log_tile_not_found": 404,
    "method_not_allowed": 405,
    "request_in_progress": 409,
    "history_too_long": 409,
    "version_mismatch": 412,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "idempotency_key_reused": 422,
    "invalid_request": 422,
    "precondition_required": 428,
    "access_reason_required": 428,
    "rate_limited": 429,
    "internal_error": 500,
    "not_sealed_yet": 503,
    "service_unavailable": 503,
}
"""The HTTP status of each code. Codes are stable; none is ever reused for something else."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request: a JSON pointer into `part` (body, query or header)."""

    pointer: str
    code: str
    detail: str
    part: str = "body"


@dataclass
class Problem(Exception):
    """A request that is answered with a problem of this code."""

    code: str
    detail: str = ""
    errors: Sequence[Fault] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


def malformed(*faults: Fault) -> Problem:
    """The problem of a request whose shape is wrong."""
    return Problem("invalid_request", faults[0].detail, faults)


def title(code: str, language: str) -> str:
    """The title of a code in `en` or `zh`."""
    return (CHINESE if language == "zh" else ENGLISH)[code]


def of(error: RequestError | Refusal | StoreUnavailable) -> Problem:
    """The problem that this error of a use case is answered with."""
    match error:
        case Refusal():
            return Problem(error.code, error.detail)
        case NotFound(kind):
            return Problem(f"{kind}_not_found")
        case Forbidden(permission):
            return Problem("forbidden", f"needs the permission {permission}")
        case InvalidRequest(pointer, detail, code):
            return malformed(Fault(pointer, code, detail))
        case UnsoundPolicy(faults):
            return malformed(*(Fault(f"/document{one.path}", "unsound_policy", one.detail) for one in faults))
        case HistoryTooLong(facts, most):
            detail = f"{facts:,} facts, of at most {most:,}; use: recourse policy simulate"
            return Problem("history_too_long", detail)
        case PreconditionRequired():
            return Problem("precondition_required", "send the version that you saw as If-Match")
        case AccessReasonRequired():
            return Problem("access_reason_required", "say why as X-Access-Reason")
        case IdempotencyKeyReused():
            return Problem("idempotency_key_reused", "use a new Idempotency-Key for a new request")
        case RequestInProgress():
            return Problem("request_in_progress", headers=_later())
        case NotSealedYet():
            return Problem("not_sealed_yet", str(error), headers=_later())
        case ServiceUnavailable() | StoreUnavailable():
            return Problem("service_unavailable", headers=_later())
        case _:
            raise error


def _later() -> dict[str, str]:
    return {"Retry-After": str(RETRY_AFTER_SECONDS)}


def answer(problem: Problem, request_id: str) -> Response:
    """The problem in the caller's language."""
    language = request.accept_languages.best_match(LANGUAGES) or "en"
    status = STATUS[problem.code]
    body = {
        "type": f"urn:recourse:problem:{problem.code}",
        "title": title(problem.code, language),
        "status": status,
        "detail": problem.detail,
        "code": problem.code,
        "errors": [
            {"pointer": one.pointer, "code": one.code, "detail": one.detail, "in": one.part}
            for one in problem.errors
        ],
        "request_id": request_id,
        **problem.more,
    }
    response = Response(msgspec.json.encode(body), status, content_type=MEDIA_TYPE)
    response.headers.update(problem.headers)
    response.headers["Content-Language"] = language
    response.vary.add("Accept-Language")
    return response
