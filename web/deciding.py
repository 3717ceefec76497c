"""Routes by which a case is decided."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from application.cases import Answer, Cases, Request
from domain.values import Remedy
from web import answers, presenter, schemas
from web.routes import CLAIMED, Extra, Routes


def register(routes: Routes, cases: Cases, new_id: Callable[[], UUID]) -> None:
    """Add the routes."""

    @routes.command(
        "/cases/<case_id>/decisions",
        "cases.decide",
        schemas.DecisionSchema(),
        answers.Decided,
        versioned=True,
        created="/cases/{case_id}",
        codes=[*CLAIMED, "case_not_verified", "wrong_stage", "compensation_exceeds_entitlement"],
    )
    def decide_case(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Decide the round: what is granted, under which clauses."""
        remedies = tuple(Remedy(new_id(), **one) for one in body["remedies"])
        done = cases.decide(request, case_id, remedies, body["clauses"], body["reasons"])
        return done, {"decision_id": done.subject, **presenter.decision(done.aggregate)}
