"""The OpenAPI document and the page that shows it, all from this server."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import msgspec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint, Flask, Response
from flask_smorest import Api

from web.routes import PREFIX, public, sent

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI sets style attributes, hence the inline styles; scripts come from here alone."""

ASSETS: Mapping[str, str] = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
}

DESCRIPTION = """After-sales cases of one marketplace, as facts.

Send an API key as `Authorization: Bearer rc_...`. Every command answers the `version` of what it was given to
as `ETag`; commands that need it take it back as `If-Match`. `position` of an answer, sent to a list as
`min_position`, makes the list show at least that command. Failures are problem+json with a stable `code`.
Where texts are opened, `X-Access-Reason` says why; it is kept in the access log of the case."""

_HEADER = {"in": "header", "schema": {"type": "string"}}
PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "IfMatch": {
        **_HEADER,
        "name": "If-Match",
        "required": True,
        "description": 'The version seen, as `"3"`.',
    },
    "IfMatchOptional": {**_HEADER, "name": "If-Match", "description": "Compared when it is sent."},
    "IdempotencyKey": {
        **_HEADER,
        "name": "Idempotency-Key",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "description": "Kept for 30 days: the same key and body get the first answer.",
    },
    "LeaseToken": {
        **_HEADER,
        "name": "Lease-Token",
        "description": "The token of one's lease; fences out old ones.",
    },
    "AccessReason": {
        **_HEADER,
        "name": "X-Access-Reason",
        "schema": {"type": "string", "minLength": 4, "maxLength": 200},
        "description": "Why it is to be seen: UTF-8, which may be percent-encoded. Kept in the access log.",
    },
    "RequestId": {**_HEADER, "name": "X-Request-Id", "description": "Kept with the facts, and sent back."},
}
HEADERS: Mapping[str, Mapping[str, Any]] = {
    "Version": {"description": "The version of what the command was given to.", "schema": {"type": "string"}},
    "Location": {"description": "Where it can be read.", "schema": {"type": "string"}},
}


class DocumentedApi(Api):  # type: ignore[misc]
    """flask-smorest's document alone: failures, and the pages that show the document, are ours."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """None here: see `web.failures`."""


def document(app: Flask, version: str) -> DocumentedApi:
    """Begin the document of the application."""
    api = DocumentedApi(
        app,
        spec_kwargs={
            "title": "Recourse",
            "version": version,
            "openapi_version": "3.1.0",
            "marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=_schema_name),
            "info": {"description": DESCRIPTION},
            "security": [{"apiKey": []}],
        },
    )
    components = api.spec.components
    components.security_scheme(
        "apiKey", {"type": "http", "scheme": "bearer", "bearerFormat": "rc_<id>_<secret>"}
    )
    for name, parameter in PARAMETERS.items():
        components.parameter(name, "header", dict(parameter))
    for name, header in HEADERS.items():
        components.header(name, dict(header))
    return api


def _schema_name(schema: Any) -> str:
    cls = schema if isinstance(schema, type) else type(schema)
    return str(cls.__name__).removesuffix("Schema")


def pages(app: Flask, api: DocumentedApi) -> None:
    """Serve the finished document and the page that shows it."""
    text = msgspec.json.encode(api.spec.to_dict())
    folder = files("web") / "static"
    page = (folder / "docs.html").read_bytes()
    assets = {name: (folder / "swagger-ui" / name).read_bytes() for name in ASSETS}
    blueprint = Blueprint("documents", __name__, url_prefix=PREFIX)

    @blueprint.get("/openapi.json")
    @public
    def openapi() -> Response:
        return sent(text)

    @blueprint.get("/docs")
    @public
    def docs() -> Response:
        return _page(page, "text/html; charset=utf-8")

    @blueprint.get(f"/docs/<any({', '.join(repr(name) for name in ASSETS)}):name>")
    @public
    def asset(name: str) -> Response:
        response = _page(assets[name], ASSETS[name])
        response.cache_control.public = True
        response.cache_control.max_age = 86_400
        return response

    app.register_blueprint(blueprint)


def _page(content: bytes, content_type: str) -> Response:
    response = Response(content, content_type=content_type)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
