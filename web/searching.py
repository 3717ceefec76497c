"""Route of the search by what stands sealed in cases."""

from typing import Any

import msgspec
from flask import Response

from application.accesses import Access
from application.phone_search import PhoneSearch
from application.running import Request
from web import answers, presenter, schemas
from web.routes import Routes, sent


def register(routes: Routes, search: PhoneSearch) -> None:
    """Add the route."""

    @routes.inquiry(
        "/cases/search",
        "cases.search",
        schemas.PhoneSchema(),
        answers.CasesByPhone,
        codes=["access_reason_required"],
        opens=True,
    )
    def find_cases_by_phone(access: Access, request: Request, body: dict[str, Any]) -> Response:
        """Cases by the buyer's phone number, however it is written; auditors say why."""
        found = search.find(access, body["phone"], body.get("cursor"), body["limit"])
        page = {
            "data": [presenter.found(case) for case in found.cases],
            "has_more": found.following is not None,
            "next_cursor": found.following,
        }
        return sent(msgspec.json.encode(page))
