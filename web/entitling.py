"""The route that tells what may be granted on a case, before anybody decides it."""

from typing import Any
from uuid import UUID

from flask import Response

from application.cases import Cases
from domain.case import Case
from domain.policy import Policy
from domain.policy.entitlement import Entitlement
from domain.values import Actor, Money, RemedyKind
from web import answers, schemas
from web.presenter import Shown
from web.routes import Routes, versioned


def register(routes: Routes, cases: Cases) -> None:
    """Add the route."""

    @routes.read(
        "/cases/<case_id>/entitlements",
        "entitlements.read",
        answers.Entitlements,
        schemas.EntitlementsQuery(),
        codes=["case_not_found"],
    )
    def get_entitlements(by: Actor, query: dict[str, Any], case_id: UUID) -> Response:
        """The most that may be granted of each remedy, under which clause, and how that comes about."""
        given = query.get("clauses")
        case, policy, found = cases.entitlements(by, case_id, tuple(given.split(",")) if given else None)
        shown = [_entitlement(one, case, policy) for one in found]
        return versioned({"policy": policy.version, "data": shown}, case.version)


def _entitlement(one: Entitlement, case: Case, policy: Policy) -> Shown:
    title, points = policy.rules[one.clause].title, one.kind is RemedyKind.POINTS
    currency = case.filing.order.paid.currency
    return {
        "kind": one.kind,
        "clause": one.clause,
        "title": {"zh": title.zh, "en": title.en},
        "limit": None if points or one.limit is None else Money(one.limit, currency),
        "points": one.limit if points else None,
        "derivation": one.derivation,
    }
