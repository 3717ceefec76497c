"""Routes of the indicators: numbers of many cases as of any instant, and the facts behind each."""

from datetime import datetime
from typing import Any

import msgspec
from flask import Response
from psycopg import Connection

from application.clock import Clock
from application.errors import NotFound
from domain.values import Actor
from projections import indicators
from projections.case_times import CASE_TIMES
from projections.milestones import MILESTONES
from web import answers, schemas
from web.lists import Reader, page
from web.routes import Routes, sent


def register(routes: Routes, reader: Reader, clock: Clock) -> None:
    """Add the routes."""

    @routes.read("/indicators", "indicators.read", answers.Indicators, schemas.IndicatorsQuery())
    def get_indicators(by: Actor, query: dict[str, Any]) -> Response:
        """The numbers of the cases filed in a span, as they stand or as they stood at an instant."""
        now, min_position = clock.now(), query.pop("min_position", None)
        then = query.pop("as_of", now)
        asked = _cohort(query)
        if then < now:
            found = reader.read_past(
                CASE_TIMES, lambda rows, table: indicators.numbers(rows, table, at=then, **asked), then
            )
            return _told(found, then)

        def live(rows: Connection[Any]) -> bytes:
            return indicators.numbers(rows, at=now, **asked)

        return _told(reader.read(CASE_TIMES, live, min_position), now)

    @routes.read(
        "/indicators/<indicator>/facts",
        "indicators.read",
        answers.IndicatorFacts,
        schemas.IndicatorFactsQuery(),
        codes=["indicator_not_found"],
    )
    def list_indicator_facts(by: Actor, query: dict[str, Any], indicator: str) -> Response:
        """The facts behind a number, the earliest first."""
        until = min(query.pop("as_of", clock.now()), clock.now())
        paging: dict[str, Any] = {
            name: query.pop(name) for name in ("limit", "cursor", "min_position") if name in query
        }
        asked = {**_cohort(query), **paging, "name": indicator, "at": until}
        try:
            return page(reader, MILESTONES, indicators.facts, asked)
        except indicators.UnknownIndicator:
            raise NotFound("indicator") from None


def _cohort(query: dict[str, Any]) -> dict[str, Any]:
    spans = {"filed_from": query.pop("from", None), "filed_to": query.pop("to", None)}
    return {**query, **spans}


def _told(found: bytes, at: datetime) -> Response:
    return sent(msgspec.json.encode({"at": at, **msgspec.json.decode(found)}))
