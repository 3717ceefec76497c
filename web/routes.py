"""How a route is made: each names its permission, its body, its answers and the codes it can refuse with."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from mimetypes import guess_extension
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec
from flask import Response
from flask import request as http_request
from flask_smorest import Blueprint
from marshmallow import Schema

from application import access
from application.accesses import Access
from application.blobs import LARGEST_BLOB, MEDIA_TYPES, Content
from application.errors import Forbidden, NotFound
from application.running import Answer, Request
from domain.values import Actor
from web import answers, presenter, problems
from web.requests import Accepted, Commands, StrictParser, incoming
from web.requests import access as access_of
from web.schemas import NothingSchema

JSON = "application/json"
PREFIX = "/api/v1"
ALWAYS = (
    "unauthenticated",
    "forbidden",
    "invalid_request",
    "rate_limited",
    "internal_error",
    "service_unavailable",
)
WITH_BODY = ("body_too_large", "unsupported_media_type")
POSTED = ("request_in_progress", "idempotency_key_reused")
CLAIMED = ("case_already_closed", "case_not_claimed", "case_claimed_by_another")

UUID_FORM = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_KINDS = {
    "case_id": "case",
    "compensation_id": "compensation",
    "evidence_id": "evidence",
    "follow_up_id": "follow_up",
    "goods_id": "goods",
    "recovery_id": "recovery",
    "proposal_id": "proposal",
    "hold_id": "legal_hold",
    "appeal_id": "appeal",
    "incident_id": "incident",
    "batch_id": "batch",
    "penalty_id": "penalty",
    "inspection_id": "inspection",
    "offer_id": "offer",
    "promise_id": "promise",
    "corrective_action_id": "corrective_action",
}

NOTHING = NothingSchema()
LONGEST_NAME = 128
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
NO_SHAPES: Mapping[int, type[Schema]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Resource:
    """What commands are given to.

    kind: its name in codes · path: where its commands are · stale: the answer to a version that is no more.
    """

    kind: str
    path: str
    stale: type[Schema]


_NAMES = {"version": "policy", "entry": "log_entry", "place": "log_tile"}
"""What a name in a path names, where it is not called so."""

CASE = Resource("case", "/cases/", answers.StaleCase)

Extra = Mapping[str, Any]
View = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A command that was taken, and is carried out when another person agrees: answered with 202."""

    answer: Answer[Any]
    extra: Extra


CommandView = Callable[..., tuple[Answer[Any], Extra] | Waiting | None]
"""Carries out one command, and says what its answer tells beyond what every command tells.

Called with the request, the body's value and the ids of the path by name. None: there was nothing to do
it to (204).
"""

UploadView = Callable[..., tuple[Answer[Any], Extra]]
"""As a CommandView, called with the query's value and the bytes in place of the body's value."""

InquiryView = Callable[[Access, Request, dict[str, Any]], Response]
"""Answers a POST about no single aggregate. Called with the access, the request and the body's value."""

ReadView = Callable[..., Response]
"""Answers a read. Called with the caller, the query's value and the ids of the path by name.

Where texts are opened, with the caller's `Access` in place of the caller.
"""

DownloadView = Callable[..., tuple[Content, str]]
"""Answers a file, with the name to save it under. Called with the access and the ids of the path by name."""

ContentView = Callable[..., Response]
"""Answers a read of another media type. Called with the caller and the names of the path."""


class ApiBlueprint(Blueprint):  # type: ignore[misc]
    """A blueprint that reads requests strictly."""

    ARGUMENTS_PARSER = StrictParser()


class Routes:
    """Adds routes to one blueprint."""

    def __init__(self, blueprint: ApiBlueprint, commands: Commands) -> None:
        self._blueprint = blueprint
        self._commands = commands

    def command(
        self,
        rule: str,
        permission: str,
        body: Schema,
        answer: type[Schema] = answers.Command,
        *,
        of: Resource = CASE,
        method: str = "POST",
        versioned: bool = False,
        created: str = "",
        codes: Iterable[str] = (),
        empty: str = "",
        waiting: type[Schema] | None = None,
    ) -> Callable[[CommandView], View]:
        """A command under `rule`; `codes` are its refusals and the parts that it can miss.

        of: what it is given to; If-Match is read below its path: elsewhere there is nothing to compare with ·
        created: where one can read what the command creates, filled in from the answer ·
        waiting: the answer when another person must agree first.
        """
        status = 201 if created else 200
        compares = rule.startswith(of.path)
        possible = [*codes, *WITH_BODY, *ALWAYS, *(POSTED if method == "POST" else ())]
        possible += [f"{of.kind}_not_found", "version_mismatch"] if compares else []
        possible += ["precondition_required"] if versioned else []

        def register(function: CommandView) -> View:
            @wraps(function)
            def view(value: dict[str, Any], **place: str) -> Response:
                request = self._commands.request(compares)
                _permit(request.by, permission)
                done = function(request, value, **_ids(place))
                return Response(status=204) if done is None else _commanded(done, created)

            headers = ["RequestId", *(["IdempotencyKey"] if method == "POST" else [])]
            headers += ["IfMatch" if versioned else "IfMatchOptional"] if compares else []
            headers += ["LeaseToken"] if compares and of is CASE else []
            answered = {status: _answer_doc(answer, status)}
            answered |= {202: _answer_doc(waiting, 202)} if waiting else {}
            answered |= {204: {"description": empty}} if empty else {}
            failures = problem_docs(possible, {412: of.stale})
            documented = self._documented(view, permission, {**answered, **failures}, headers)
            return self._added(documented, rule, method, permission, body, "json")

        return register

    def read(
        self,
        rule: str,
        permission: str,
        answer: type[Schema],
        query: Schema,
        *,
        codes: Iterable[str] = (),
        opens: bool = False,
    ) -> Callable[[ReadView], View]:
        """A read under `rule`; `opens`: texts are opened for it, which is recorded with the stated reason."""

        def register(function: ReadView) -> View:
            @wraps(function)
            def view(asked: dict[str, Any], **place: str) -> Response:
                seen = access_of(permission) if opens else incoming().known_caller.actor
                _permit(incoming().known_caller.actor, permission)
                return function(seen, asked, **_ids(place))

            answered = {200: _answer_doc(answer, 200)}
            failures = problem_docs([*codes, *ALWAYS])
            headers = ["AccessReason"] if opens else []
            documented = self._documented(view, permission, {**answered, **failures}, headers)
            return self._added(documented, rule, "GET", permission, query, "query")

        return register

    def inquiry(
        self,
        rule: str,
        permission: str,
        body: Schema,
        answer: type[Schema],
        *,
        codes: Iterable[str] = (),
        opens: bool = False,
    ) -> Callable[[InquiryView], View]:
        """A POST that concerns no single aggregate; what it asks about stays out of the address.

        To repeat it does no harm: an Idempotency-Key is taken, and nothing is kept under it.
        """

        def register(function: InquiryView) -> View:
            @wraps(function)
            def view(value: dict[str, Any]) -> Response:
                request = self._commands.request(compares=False)
                _permit(request.by, permission)
                return function(access_of(permission), request, value)

            answered = {200: _answer_doc(answer, 200), **problem_docs([*codes, *WITH_BODY, *ALWAYS])}
            headers = ["RequestId", "IdempotencyKey", *(["AccessReason"] if opens else [])]
            documented = self._documented(view, permission, answered, headers)
            return self._added(documented, rule, "POST", permission, body, "json")

        return register

    def upload(
        self,
        rule: str,
        permission: str,
        query: Schema,
        answer: type[Schema],
        *,
        created: str,
        codes: Iterable[str] = (),
    ) -> Callable[[UploadView], View]:
        """A command on a case whose body is a file of a declared media type; `sha256` is in the query."""
        possible = [*codes, *WITH_BODY, *ALWAYS, *POSTED, "case_not_found", "version_mismatch"]

        def register(function: UploadView) -> View:
            @wraps(function)
            def view(asked: dict[str, Any], **place: str) -> Response:
                here = incoming()
                content = Content.checked(http_request.mimetype, asked.pop("sha256"), here.body)
                here.value = {**asked, "media_type": content.media_type, "sha256": content.sha256}
                request = self._commands.request(compares=True)
                _permit(request.by, permission)
                return _commanded(function(request, asked, content, **_ids(place)), created)

            headers = ["RequestId", "IdempotencyKey", "IfMatchOptional"]
            answers_docs = {201: _answer_doc(answer, 201), **problem_docs(possible, {412: CASE.stale})}
            body = {"required": True, "content": {name: {"schema": {}} for name in MEDIA_TYPES}}
            documented = self._documented(view, permission, answers_docs, headers, requestBody=body)
            added = self._added(documented, rule, "POST", permission, query, "query")
            added.accepts = Accepted(tuple(MEDIA_TYPES), LARGEST_BLOB)  # type: ignore[attr-defined]
            return added

        return register

    def download(
        self, rule: str, permission: str, *, codes: Iterable[str] = ()
    ) -> Callable[[DownloadView], View]:
        """A read under `rule` whose answer is a file."""

        def register(function: DownloadView) -> View:
            @wraps(function)
            def view(asked: dict[str, Any], **place: str) -> Response:
                seen = access_of(permission)
                _permit(seen.by, permission)
                return attached(*function(seen, **_ids(place)))

            answered = {
                "description": "The bytes, to be saved and never shown in a page",
                "content": {name: {"schema": {}} for name in MEDIA_TYPES},
            }
            docs = {200: answered, **problem_docs([*codes, *ALWAYS])}
            documented = self._documented(view, permission, docs, ["AccessReason"])
            return self._added(documented, rule, "GET", permission, NOTHING, "query")

        return register

    def content(
        self, rule: str, permission: str, media_type: str, *, codes: Iterable[str] = ()
    ) -> Callable[[ContentView], View]:
        """A read under `rule` whose answer is of another media type than JSON."""

        def register(function: ContentView) -> View:
            @wraps(function)
            def view(asked: dict[str, Any], **place: str) -> Response:
                by = incoming().known_caller.actor
                _permit(by, permission)
                return function(by, **_ids(place))

            answered = {"description": "Answered.", "content": {media_type: {"schema": {}}}}
            docs = {200: answered, **problem_docs([*codes, *ALWAYS])}
            documented = self._documented(view, permission, docs, [])
            return self._added(documented, rule, "GET", permission, NOTHING, "query")

        return register

    def _documented(
        self,
        view: View,
        permission: str,
        responses: Mapping[int, Mapping[str, Any]],
        headers: Sequence[str],
        **more: Any,
    ) -> View:
        roles = sorted(access.PERMISSIONS[permission])
        extra: dict[str, Any] = more | ({"parameters": list(headers)} if headers else {})
        documented: View = self._blueprint.doc(
            operationId=view.__name__,
            responses=responses,
            **{"x-permission": permission, "x-roles": [role.value for role in roles]},
            **extra,
        )(view)
        return documented

    def _added(
        self, view: View, rule: str, method: str, permission: str, schema: Schema, location: str
    ) -> View:
        required = location == "query" or bool(schema.fields)
        strict: View = self._blueprint.arguments(schema, location=location, required=required)(view)
        strict.permission = permission  # type: ignore[attr-defined]
        self._blueprint.route(rule, methods=[method])(strict)
        return strict


def public(view: View) -> View:
    """Mark a view that needs no caller."""
    view.permission = None  # type: ignore[attr-defined]
    return view


def sent(text: bytes, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> Response:
    """JSON text as an answer."""
    return Response(text, status, headers, content_type=JSON)


def attached(content: Content, name: str) -> Response:
    """A file to be saved under a name; its type is declared, and must not be guessed."""
    ending = guess_extension(content.media_type) or ""
    headers = {"Content-Disposition": f'attachment; filename="{name}{ending}"'}
    return Response(content.data, headers=headers, content_type=content.media_type)


def versioned(
    value: Any, version: int, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A value as JSON, with a version as its entity tag."""
    return sent(msgspec.json.encode(value), status, {"ETag": f'"{version}"', **(headers or {})})


def _commanded(done: tuple[Answer[Any], Extra] | Waiting, created: str) -> Response:
    if isinstance(done, Waiting):
        return versioned({**presenter.command(done.answer), **done.extra}, done.answer.aggregate.version, 202)
    answer, extra = done
    body = {**presenter.command(answer), **extra}
    place = {"Location": PREFIX + created.format_map(body)} if created else {}
    return versioned(body, answer.aggregate.version, 201 if created else 200, place)


def _permit(by: Actor, permission: str) -> None:
    if not access.may(by, permission):
        raise Forbidden(permission)


def _ids(place: Mapping[str, str]) -> dict[str, Any]:
    """The names in the path. What cannot be one names nothing: told only now, as 401 and 422 come first."""
    return {name: _id(name, text) if name in _KINDS else _name(name, text) for name, text in place.items()}


def _id(name: str, text: str) -> UUID:
    if not UUID_FORM.fullmatch(text):
        raise NotFound(_KINDS[name])
    return UUID(text)


def _name(name: str, text: str) -> str:
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise NotFound(_NAMES.get(name, name.removesuffix("_id")))
    return text


def _answer_doc(answer: type[Schema], status: int) -> dict[str, Any]:
    headers = {"ETag": "Version"} if issubclass(answer, answers.Recorded) else {}
    if status == 201:
        headers["Location"] = "Location"
    return {
        "description": (answer.__doc__ or "").strip().splitlines()[0],
        "content": {JSON: {"schema": answer}},
        **({"headers": headers} if headers else {}),
    }


def problem_docs(
    codes: Iterable[str], shapes: Mapping[int, type[Schema]] = NO_SHAPES
) -> dict[int, dict[str, Any]]:
    """The documentation of these failures, by status; `shapes`: of those whose answer tells more."""
    by_status: dict[int, list[str]] = {}
    for code in sorted(set(codes)):
        by_status.setdefault(problems.STATUS[code], []).append(code)
    return {
        status: {
            "description": "; ".join(f"`{code}`: {problems.title(code, 'en')}" for code in group),
            "content": {problems.MEDIA_TYPE: {"schema": shapes.get(status, answers.Problem)}},
            "x-codes": group,
        }
        for status, group in sorted(by_status.items())
    }
