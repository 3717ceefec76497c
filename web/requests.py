"""What every request brings: who asks, under which request id, with which body and which conditions."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes
from uuid import UUID

import marshmallow
from flask import Request as HttpRequest
from flask import current_app, g, request
from gunicorn.http.errors import ParseException
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from application.accesses import Access
from application.keys import Caller, Keys
from application.running import Request
from application.store import IdempotencyKey
from application.vault import Vault
from web import strict_json
from web.fields import faults
from web.limits import RateLimiter
from web.problems import Fault, Problem, malformed

LARGEST_BODY = 1024 * 1024
LARGEST_DRAINED_BODY = 16 * 1024 * 1024
"""A refused body is read to its end up to here: a server that closes on unread data resets the connection."""

_CHUNK = 64 * 1024

SHORTEST_REASON, LONGEST_REASON = 4, 200
"""How many characters say why somebody wants to see something."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The bodies that a route takes: of these media types, up to so many bytes."""

    media_types: tuple[str, ...]
    largest: int


JSON_BODY = Accepted(("application/json",), LARGEST_BODY)
"""What a route takes that says nothing else."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_ETAG = re.compile(r'(W/)?"([0-9]{1,40})"')
_IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_LEASE_TOKEN = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(slots=True)
class Incoming:
    """One request on its way in."""

    request_id: str
    started: float
    caller: Caller | None = None
    body: bytes = b""
    value: Any = None

    @property
    def known_caller(self) -> Caller:
        """The caller of a route that needs one."""
        if self.caller is None:
            raise Problem("unauthenticated")
        return self.caller


def incoming() -> Incoming:
    """The request that this thread answers."""
    found: Incoming = g.incoming
    return found


def request_id(made: Callable[[], UUID]) -> str:
    """The caller's X-Request-Id if it is a fit one, else a new one."""
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else made().hex


class Gate:
    """What is checked before a route is entered, in the order of the contract: 401, 429, 413, 415."""

    def __init__(self, keys: Keys, limiter: RateLimiter | None) -> None:
        self._keys = keys
        self._limiter = limiter

    def admit(self) -> None:
        """Let the request in, with its caller and its body. Raises Problem."""
        accepted, here = _accepted(), incoming()
        try:
            here.caller = self._authenticated()
            _within_rate(self._limiter, here.caller.key_id)
        except Exception:
            with suppress(RequestEntityTooLarge):  # of a body that nobody may send none is kept
                _read_body(0)
            raise
        body, too_large = _read_body(accepted.largest)
        if too_large:
            raise Problem("body_too_large", f"at most {accepted.largest} bytes")
        if body and request.mimetype not in accepted.media_types:
            raise Problem("unsupported_media_type", f"send {' or '.join(accepted.media_types)}")
        here.body = body

    def _authenticated(self) -> Caller:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        caller = self._keys.authenticate(key.strip()) if scheme.lower() == "bearer" else None
        if caller is None:
            raise Problem("unauthenticated", headers={"WWW-Authenticate": 'Bearer realm="recourse"'})
        return caller


class OpenGate:
    """What is checked before a route that needs no key: 429, by the address that asks."""

    def __init__(self, limiter: RateLimiter | None) -> None:
        """`limiter` is not the keys': nobody without one pushes out what is known of them."""
        self._limiter = limiter

    def admit(self) -> None:
        """Let the request in. Raises Problem."""
        _within_rate(self._limiter, request.remote_addr or "")


def _within_rate(limiter: RateLimiter | None, who: str) -> None:
    wait = limiter.wait_for(who) if limiter else 0.0
    if wait:
        raise Problem("rate_limited", headers={"Retry-After": str(ceil(wait))})


def _accepted() -> Accepted:
    view = current_app.view_functions[str(request.endpoint)]
    accepted: Accepted = getattr(view, "accepts", JSON_BODY)
    return accepted


def _read_body(largest: int) -> tuple[bytes, bool]:
    """The body, or nothing and True for one that is too large; read to its end either way.

    Raises Problem `bad_request` for one that is broken, RequestEntityTooLarge for one whose end is too far.
    """
    request.max_content_length = LARGEST_DRAINED_BODY
    try:
        return _read(largest)
    except ParseException:
        # Where a broken chunk ends nobody knows, so nothing more can be read from this connection.
        raise Problem("bad_request", "the body is broken", headers={"Connection": "close"}) from None


def _read(largest: int) -> tuple[bytes, bool]:
    length = request.content_length
    if length is not None and length <= largest:
        return request.stream.read(), False
    parts: list[bytes] = []
    size = 0
    while chunk := request.stream.read(_CHUNK):
        size += len(chunk)
        if size <= largest:
            parts.append(chunk)
    return (b"", True) if size > largest else (b"".join(parts), False)


class StrictParser(FlaskParser):
    """Takes bodies by our own reading of JSON, and answers what does not fit with our problem."""

    DEFAULT_UNKNOWN_BY_LOCATION = dict.fromkeys(("json", "query"))

    def load_json(self, req: HttpRequest, schema: marshmallow.Schema) -> Any:
        """The body's value; `{}` where a command that says everything by its address has none."""
        here = incoming()
        here.value = strict_json.parse(here.body) if here.body or schema.fields else {}
        return here.value

    def load_querystring(self, req: HttpRequest, schema: marshmallow.Schema) -> Any:
        """The query's members, each said once."""
        for name, values in req.args.lists():
            if len(values) > 1:
                raise malformed(Fault(f"/{name}", "duplicate_member", "is given more than once", "query"))
        return req.args.to_dict()

    def handle_error(
        self,
        error: marshmallow.ValidationError,
        req: HttpRequest,
        schema: marshmallow.Schema,
        *,
        error_status_code: int | None,
        error_headers: Any,
    ) -> NoReturn:
        """Answer 422 with every fault and its place."""
        messages = error.messages
        location = next(iter(messages)) if isinstance(messages, dict) else "json"
        inner = marshmallow.ValidationError(messages[location])  # type: ignore[index]
        raise malformed(*faults(inner, "query" if location == "query" else "body")) from None


class Commands:
    """Reads a command's conditions from the headers."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def request(self, compares: bool) -> Request:
        """The request as the use cases know it; `compares`: with its If-Match.

        Raises Problem `invalid_request` for a malformed header.
        """
        here = incoming()
        actor = here.known_caller.actor
        return Request(
            by=actor,
            request_id=here.request_id,
            expected_version=_expected_version() if compares else None,
            idempotency=self._idempotency(actor.id, here.value),
            lease_token=_header("Lease-Token", _LEASE_TOKEN, "the token of a lease"),
        )

    def _idempotency(self, subject: str, value: Any) -> IdempotencyKey | None:
        if request.method != "POST":
            return None
        key = _header("Idempotency-Key", _IDEMPOTENCY_KEY, "1 to 255 printable characters")
        if key is None:
            return None
        asked = b"\n".join((request.method.encode(), request.path.encode(), strict_json.canonical(value)))
        return IdempotencyKey(subject, key, self._vault.fingerprint(asked))


def access(permission: str) -> Access:
    """Who looks, and why if it says so. Raises Problem `invalid_request` for a malformed reason."""
    here = incoming()
    return Access(here.known_caller.actor, permission, here.request_id, _stated_reason())


def _stated_reason() -> str | None:
    """X-Access-Reason: UTF-8, as it is or percent-encoded: browsers send nothing beyond Latin-1."""
    sent = request.headers.get("X-Access-Reason")
    if sent is None:
        return None
    try:
        reason = unquote_to_bytes(sent.encode("latin-1")).decode().strip()
    except UnicodeDecodeError:
        reason = ""
    if not (SHORTEST_REASON <= len(reason) <= LONGEST_REASON and reason.isprintable()):
        what = f"must be {SHORTEST_REASON} to {LONGEST_REASON} printable characters in UTF-8"
        raise malformed(Fault("/X-Access-Reason", "invalid_format", what, "header"))
    return reason


def _expected_version() -> int | None:
    tag = _header("If-Match", _ETAG, 'the version that you saw, as "3"')
    if tag is None:
        return None
    # If-Match compares strongly (RFC 9110, 13.1.1): a weak tag matches nothing, and nothing has version 0.
    return 0 if tag.startswith("W/") else int(tag.strip('"'))


def _header(name: str, form: re.Pattern[str], what: str) -> str | None:
    text = request.headers.get(name)
    if text is not None and not form.fullmatch(text):
        raise malformed(Fault(f"/{name}", "invalid_format", f"must be {what}", "header"))
    return text
