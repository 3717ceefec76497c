"""Routes of what a merchant sees of its cases: what to do by when, what was decided, how it stands."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from flask import Response
from psycopg import Connection

from application.clock import Clock
from domain.values import Actor
from projections import corrective_actions, merchant_cases, merchant_points, sanctions
from projections.corrective_actions import CORRECTIVE_ACTIONS
from projections.merchant_cases import MERCHANT_CASES
from projections.merchant_points import MERCHANT_POINTS
from projections.read_model import ReadModel
from projections.sanctions import SANCTIONS
from web import answers, schemas
from web.lists import Reader, own, page
from web.routes import Routes, sent

Ask = Callable[[ReadModel[Any], Callable[[Connection[Any]], bytes]], msgspec.Raw]
"""Reads JSON text from a read model."""


def register(routes: Routes, reader: Reader, clock: Clock) -> None:
    """Add the routes."""
    _standing(routes, reader, clock)
    _cases(routes, reader, clock)
    _portal(routes, reader, clock)


def _standing(routes: Routes, reader: Reader, clock: Clock) -> None:
    @routes.read(
        "/merchants/<merchant_id>/standing",
        "standings.read",
        answers.Standing,
        schemas.StandingQuery(),
        codes=["merchant_not_found"],
    )
    def get_standing(by: Actor, query: dict[str, Any], merchant_id: str) -> Response:
        """What counts against a merchant, what did on the days before, and what it is sanctioned with."""
        own(by, {"merchant_id": merchant_id})
        ask, at, days = _asking(reader, query), clock.now(), query["days"]
        shown = {"merchant_id": merchant_id, **_how_it_stands(ask, merchant_id, at, days)}
        return sent(msgspec.json.encode(shown))


def _cases(routes: Routes, reader: Reader, clock: Clock) -> None:
    @routes.read(
        "/merchants/<merchant_id>/cases",
        "portal.read",
        answers.MerchantCases,
        schemas.MerchantCasesQuery(),
        codes=["merchant_not_found"],
    )
    def list_merchant_cases(by: Actor, query: dict[str, Any], merchant_id: str) -> Response:
        """The cases of a merchant, the newest first: what each is for it, and what it must do by when."""
        asked = {**query, **own(by, {"merchant_id": merchant_id}), "merchant_id": merchant_id}
        return page(reader, MERCHANT_CASES, merchant_cases.page, {**asked, "at": clock.now()})


def _portal(routes: Routes, reader: Reader, clock: Clock) -> None:
    @routes.read(
        "/merchants/<merchant_id>/portal",
        "portal.read",
        answers.Portal,
        schemas.FreshQuery(),
        codes=["merchant_not_found"],
    )
    def get_portal(by: Actor, query: dict[str, Any], merchant_id: str) -> Response:
        """All that a merchant must know: what to do by when, what was decided, how it stands."""
        own(by, {"merchant_id": merchant_id})
        ask, at = _asking(reader, query), clock.now()

        def of_cases(what: Callable[..., bytes]) -> msgspec.Raw:
            return ask(MERCHANT_CASES, lambda rows: what(rows, merchant_id, at=at))

        def measures(rows: Connection[Any]) -> bytes:
            return corrective_actions.open_against(rows, merchant_id, at=at)

        shown = {
            "merchant_id": merchant_id,
            "cases": of_cases(merchant_cases.counts),
            "to_do": of_cases(merchant_cases.to_do),
            "decisions": of_cases(merchant_cases.decisions),
            "corrective_actions": ask(CORRECTIVE_ACTIONS, measures),
            **_how_it_stands(ask, merchant_id, at, days=1),
        }
        return sent(msgspec.json.encode(shown))


def _how_it_stands(ask: Ask, merchant_id: str, at: datetime, days: int) -> dict[str, msgspec.Raw]:
    def points(rows: Connection[Any]) -> bytes:
        return merchant_points.summary(rows, merchant_id, at=at, days=days)

    def sanctioned(rows: Connection[Any]) -> bytes:
        return sanctions.of_merchant(rows, merchant_id)

    return {"points": ask(MERCHANT_POINTS, points), "sanctions": ask(SANCTIONS, sanctioned)}


def _asking(reader: Reader, query: dict[str, Any]) -> Ask:
    position = query.get("min_position")
    return lambda model, what: msgspec.Raw(reader.read(model, what, position))
