"""Routes of who has to do what by when: pending clocks, and the work of the platform's people."""

from typing import Any

from flask import Response

from application.access import may
from application.clock import Clock
from application.sight import sight
from domain.values import Actor
from projections import deadlines, workload
from web import answers, schemas
from web.lists import Reader, own, page
from web.routes import Routes, sent


def register(routes: Routes, reader: Reader, clock: Clock) -> None:
    """Add the routes."""
    _deadlines(routes, reader, clock)
    _workload(routes, reader, clock)


def _deadlines(routes: Routes, reader: Reader, clock: Clock) -> None:
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


def _workload(routes: Routes, reader: Reader, clock: Clock) -> None:
    @routes.read("/reviewers/workload", "workload.read", answers.Workload, schemas.WorkloadQuery())
    def get_workload(by: Actor, query: dict[str, Any]) -> Response:
        """What everybody has on the desk and decided; who works on cases sees their own alone."""
        asked: dict[str, Any] = {
            "at": clock.now(),
            "since": query.get("from"),
            "until": query.get("to"),
            "worker": None if may(by, "workload.read_all") else by.id,
        }
        return sent(
            reader.read(
                workload.WORKLOAD,
                lambda connection: workload.each(connection, **asked),
                query.get("min_position"),
            )
        )
