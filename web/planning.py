"""Routes of who has to do what by when: the clocks that are pending."""

from typing import Any

from flask import Response

from application.clock import Clock
from application.sight import sight
from domain.values import Actor
from projections import deadlines
from web import answers, schemas
from web.lists import Reader, own, page
from web.routes import Routes


def register(routes: Routes, reader: Reader, clock: Clock) -> None:
    """Add the routes."""

    @routes.read(
        "/deadlines",
        "deadlines.read",
        answers.Deadlines,
        schemas.DeadlinesQuery(),
        codes=["merchant_not_found"],
    )
    def list_deadlines(by: Actor, query: dict[str, Any]) -> Response:
        """Clocks that run, or stand still, the earliest due first: those that the caller may read."""
        span = {"due_from": query.pop("from", None), "due_to": query.pop("to", None)}
        seen = {**own(by, query), "drafts": sight(by).drafts, "at": clock.now()}
        return page(reader, deadlines.DEADLINES, deadlines.page, {**query, **span, **seen})
