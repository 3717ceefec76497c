"""Route of the access log: who saw what of a case."""

from typing import Any
from uuid import UUID

import msgspec
from flask import Response

from application.accesses import Access, Accesses
from web import answers, presenter, schemas
from web.lists import link
from web.routes import Routes, sent


def register(routes: Routes, accesses: Accesses) -> None:
    """Add the route."""

    @routes.read(
        "/cases/<case_id>/accesses",
        "accesses.read",
        answers.Accesses,
        schemas.AccessesQuery(),
        codes=["case_not_found", "access_reason_required"],
        opens=True,
    )
    def list_accesses(access: Access, query: dict[str, Any], case_id: UUID) -> Response:
        """Who opened, audited, exported or was refused what of a case, and why; the newest first."""
        limit = query["limit"]
        found = accesses.entries(access, case_id, query.get("cursor"), limit + 1)
        shown, more = found[:limit], len(found) > limit
        body = {
            "data": [presenter.access_entry(one) for one in shown],
            "has_more": more,
            "next_cursor": str(shown[-1].recorded.position) if more else None,
        }
        text = msgspec.json.encode(body)
        return sent(text, headers=link(text))
