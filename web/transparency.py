"""Routes of the transparency log: heads and hashes for everybody, entries and proofs for who may read."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from flask import Response

from application.accesses import Access
from application.errors import InvalidRequest, NotFound
from application.transparency import Tile, Transparency
from domain.values import Actor
from web import answers, schemas
from web.problems import Fault, malformed
from web.routes import ApiBlueprint, Routes, problem_docs, public, sent

TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
NEWEST = "public, max-age=1"
FOR_EVER = f"max-age={int(timedelta(days=365).total_seconds())}, immutable"
"""What stands under a checkpoint never changes."""

MISSING = ("log_tile_not_found", "log_checkpoint_not_found")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")


def register(routes: Routes, transparency: Transparency) -> None:
    """Add the routes that need a caller."""

    @routes.read(
        "/cases/<case_id>/proof",
        "cases.prove",
        answers.CaseProof,
        schemas.ProofQuery(),
        codes=["case_not_found", "not_sealed_yet"],
        opens=True,
    )
    def get_case_proof(access: Access, query: dict[str, Any], case_id: UUID) -> Response:
        """What proves the case offline; what the caller may not read is withheld in it."""
        try:
            return sent(transparency.case_proof(access, case_id, query["since"]))
        except InvalidRequest as wrong:
            raise malformed(Fault(wrong.pointer, wrong.code, wrong.detail, "query")) from None

    _entries(routes, transparency)


def _entries(routes: Routes, transparency: Transparency) -> None:
    missing = ("log_entry_not_found", "log_checkpoint_not_found")

    @routes.read("/log/entries/<entry>", "log.read", answers.LogEntry, schemas.NothingSchema(), codes=missing)
    def get_log_entry(by: Actor, query: dict[str, Any], entry: str) -> Response:
        """One entry of the log, with its proof."""
        found = transparency.entry(by, _number(entry))
        return sent(msgspec.json.encode({**found._asdict(), "number": str(found.number)}))

    @routes.content("/log/entries/<entry>.tlog-proof", "log.read", TEXT, codes=missing)
    def get_log_entry_proof(by: Actor, entry: str) -> Response:
        """The proof of one entry alone, as a file (https://c2sp.org/tlog-proof)."""
        return Response(transparency.entry(by, _number(entry)).proof, content_type=TEXT)

    @routes.content("/log/tile/entries/<path:place>", "log.read", BYTES, codes=MISSING)
    def get_log_entries(by: Actor, place: str) -> Response:
        """A bundle of entries, two bytes of length before each (https://c2sp.org/tlog-tiles)."""
        found = transparency.entries(by, Tile.at(f"tile/entries/{place}"))
        return _cached(found, BYTES, f"private, {FOR_EVER}")


def register_public(blueprint: ApiBlueprint, transparency: Transparency) -> None:
    """Add the routes that need no caller: they tell how much was recorded, and nothing of what."""

    def get_log_checkpoint() -> Response:
        """The newest head of the log, signed and cosigned (https://c2sp.org/tlog-checkpoint)."""
        return _cached(transparency.checkpoint().encode(), TEXT, NEWEST)

    def get_log_tile(level: str, place: str) -> Response:
        """Hashes of the log's tree (https://c2sp.org/tlog-tiles)."""
        found = transparency.tile(Tile.at(f"tile/{level}/{place}"))
        return _cached(found, BYTES, f"public, {FOR_EVER}")

    _add(blueprint, "/log/checkpoint", get_log_checkpoint, TEXT, MISSING[1:])
    _add(blueprint, "/log/tile/<level>/<path:place>", get_log_tile, BYTES, MISSING)


def _add(
    blueprint: ApiBlueprint, rule: str, view: Callable[..., Response], media_type: str, codes: tuple[str, ...]
) -> None:
    answered = {"description": "Answered.", "content": {media_type: {"schema": {}}}}
    responses = {
        200: answered,
        **problem_docs([*codes, "rate_limited", "internal_error", "service_unavailable"]),
    }
    documented = blueprint.doc(operationId=view.__name__, security=[], responses=responses)(view)
    blueprint.route(rule)(public(documented))


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise NotFound("log_entry")
    return int(text)


def _cached(content: bytes, content_type: str, how: str) -> Response:
    return Response(content, headers={"Cache-Control": how}, content_type=content_type)
