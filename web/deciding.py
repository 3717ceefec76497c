"""Routes by which a case is decided, a second person agrees or not, and goodwill is given."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from application.cases import Answer, Cases, Request
from domain.values import Remedy
from web import answers, presenter, schemas
from web.routes import CLAIMED, Extra, Routes, Waiting

_NOTHING: Mapping[str, Any] = {}

GRANTING = (
    "conflict_of_interest",
    "clause_not_in_force",
    "compensation_exceeds_entitlement",
    "discretion_required",
)
JUDGING = ("case_already_closed", "proposal_not_found", "proposal_void", "conflict_of_interest")


def register(routes: Routes, cases: Cases, new_id: Callable[[], UUID]) -> None:
    """Add the routes."""
    _deciding(routes, cases, new_id)
    _judging_proposals(routes, cases)
    _giving(routes, cases)


def _deciding(routes: Routes, cases: Cases, new_id: Callable[[], UUID]) -> None:
    @routes.command(
        "/cases/<case_id>/decisions",
        "cases.decide",
        schemas.DecisionSchema(),
        answers.Decided,
        versioned=True,
        created="/cases/{case_id}",
        waiting=answers.Proposed,
        codes=[*CLAIMED, *GRANTING, "case_not_verified", "wrong_stage", "approval_pending"],
    )
    def decide_case(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra] | Waiting:
        """Decide the round: what is granted, under which clauses. 202: it waits for a second person."""
        remedies = tuple(Remedy(new_id(), **one) for one in body.pop("remedies"))
        done = cases.decide(request, case_id, remedies, **body)
        proposal = done.aggregate.proposals.waiting
        if proposal:
            return Waiting(done, presenter.proposal(proposal))
        return done, {"decision_id": done.subject, **presenter.decision(done.aggregate)}


def _judging_proposals(routes: Routes, cases: Cases) -> None:
    proposal = "/cases/<case_id>/decisions/<proposal_id>"

    @routes.command(
        f"{proposal}/approval",
        "decisions.approve",
        schemas.ApprovalSchema(),
        answers.Decided,
        versioned=True,
        created="/cases/{case_id}",
        codes=[*JUDGING, *GRANTING, "proposal_hash_mismatch", "second_person_required"],
    )
    def approve_decision(
        request: Request, body: dict[str, Any], case_id: UUID, proposal_id: UUID
    ) -> tuple[Answer, Extra]:
        """Approve exactly what was proposed, as its second person: the decision is issued."""
        done = cases.approve_decision(request, case_id, proposal_id, **body)
        return done, {"decision_id": done.subject, **presenter.decision(done.aggregate)}

    @routes.command(
        f"{proposal}/rejection", "decisions.approve", schemas.ReasonsSchema(), versioned=True, codes=JUDGING
    )
    def reject_decision(
        request: Request, body: dict[str, Any], case_id: UUID, proposal_id: UUID
    ) -> tuple[Answer, Extra]:
        """Refuse to approve what was proposed: the case goes back to its review."""
        return cases.reject_decision(request, case_id, proposal_id, **body), _NOTHING


def _giving(routes: Routes, cases: Cases) -> None:
    @routes.command(
        "/cases/<case_id>/goodwill",
        "goodwill.grant",
        schemas.GoodwillSchema(),
        answers.Given,
        versioned=True,
        created="/cases/{case_id}",
        codes=["case_already_closed", "wrong_stage", "conflict_of_interest", "goodwill_over_limit"],
    )
    def grant_goodwill(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Give the buyer a coupon or points at the platform's expense, beside any decision."""
        done = cases.grant_goodwill(request, case_id, **body)
        return done, {"compensation": presenter.paying(done.aggregate, done.subject)}
