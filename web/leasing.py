"""Routes by which a case is claimed, given back or over, and left to others for want of impartiality."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from application.cases import Answer, Cases, Request
from web import answers, presenter, schemas
from web.routes import CLAIMED, Extra, Routes

_NOTHING: Mapping[str, Any] = {}


def register(routes: Routes, cases: Cases) -> None:
    """Add the routes."""

    @routes.command(
        "/cases/<case_id>/lease",
        "cases.claim",
        schemas.NothingSchema(),
        answers.Leased,
        versioned=True,
        codes=["case_already_closed", "case_claimed_by_another", "wrong_stage", "conflict_of_interest"],
    )
    def claim_case(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Claim the case under a lease, or renew one's own."""
        done = cases.claim(request, case_id)
        return done, {"lease": presenter.lease(done.aggregate.lease)}

    @routes.command(
        "/cases/<case_id>/lease",
        "cases.claim",
        schemas.NothingSchema(),
        method="DELETE",
        versioned=True,
        codes=CLAIMED,
    )
    def release_case(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Give the case back."""
        return cases.release(request, case_id), _NOTHING

    @routes.command(
        "/cases/<case_id>/reassignment",
        "cases.reassign",
        schemas.ReassignmentSchema(),
        answers.Reassigned,
        versioned=True,
        codes=["case_already_closed", "wrong_stage", "conflict_of_interest"],
    )
    def reassign_case(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Give the case to somebody else of the staff, whoever holds it; earlier lease tokens are void."""
        done = cases.reassign(request, case_id, **body)
        return done, {"lease": presenter.assignment(done.aggregate.lease)}

    @routes.command(
        "/cases/<case_id>/recusal",
        "cases.recuse",
        schemas.ReasonsSchema(),
        codes=["case_already_closed", "wrong_stage"],
    )
    def recuse(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Declare an interest in the case: one's lease ends, and one cannot claim or decide it any more."""
        return cases.recuse(request, case_id, **body), _NOTHING
