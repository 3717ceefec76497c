"""Routes by which a case is filed, read, claimed, examined and decided."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response

from application.cases import Answer, Cases, Request
from application.clock import Clock
from domain.values import Actor, Remedy
from web import answers, presenter, schemas
from web.presenter import Presenter
from web.routes import Extra, Routes, versioned

_NOTHING: Mapping[str, Any] = {}

CLAIMED = ("case_already_closed", "case_not_claimed", "case_claimed_by_another")


def register(routes: Routes, cases: Cases, show: Presenter, clock: Clock, new_id: Callable[[], UUID]) -> None:
    """Add the routes."""
    _reading(routes, cases, show, clock)
    _working(routes, cases)
    _examining(routes, cases, new_id)


def _reading(routes: Routes, cases: Cases, show: Presenter, clock: Clock) -> None:
    @routes.read(
        "/cases/<case_id>", "cases.read", answers.Case, schemas.NothingSchema(), codes=["case_not_found"]
    )
    def get_case(by: Actor, query: dict[str, Any], case_id: UUID) -> Response:
        """The case as the caller may see it."""
        case, facts = cases.history(by, case_id)
        shown = show.case(case, facts, by, cases.allowed(by, case), clock.now())
        return versioned(shown, case.version)

    @routes.read(
        "/cases/<case_id>/history",
        "cases.read",
        answers.History,
        schemas.HistoryQuery(),
        codes=["case_not_found"],
    )
    def get_history(by: Actor, query: dict[str, Any], case_id: UUID) -> Response:
        """The facts of the case in order; with `version` or `at` as they were known then."""
        case, facts = cases.history(by, case_id)
        version, at = query.get("version", case.version), query.get("at", datetime.max.replace(tzinfo=UTC))
        known = [one for one in facts if one.fact.originator_version <= version and one.recorded_at <= at]
        return versioned({"data": show.history(case_id, known, by)}, case.version)


def _working(routes: Routes, cases: Cases) -> None:
    @routes.command(
        "/cases",
        "cases.file",
        schemas.FilingSchema(),
        created="/cases/{case_id}",
        codes=["case_already_open_for_order_line"],
    )
    def file_case(request: Request, body: dict[str, Any]) -> tuple[Answer, Extra]:
        """File a case for one order line."""
        return cases.file(request, **body), _NOTHING

    @routes.command(
        "/cases/<case_id>/lease",
        "cases.claim",
        schemas.NothingSchema(),
        answers.Leased,
        versioned=True,
        codes=["case_already_closed", "case_claimed_by_another", "wrong_stage"],
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
        "/cases/<case_id>/notes",
        "cases.note",
        schemas.NoteSchema(),
        answers.Noted,
        codes=["case_already_closed", "wrong_stage"],
    )
    def add_note(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Write something down, for staff or for the parties too."""
        done = cases.note(request, case_id, **body)
        return done, {"note_id": done.subject}


def _examining(routes: Routes, cases: Cases, new_id: Callable[[], UUID]) -> None:
    @routes.command(
        "/cases/<case_id>/evidence",
        "evidence.submit",
        schemas.EvidenceSchema(),
        answers.EvidenceOnFile,
        created="/cases/{case_id}",
        codes=["case_already_closed", "wrong_stage"],
    )
    def submit_evidence(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Put evidence on file by reference; a party only its own."""
        done = cases.submit_evidence(request, case_id, **body)
        return done, {"evidence_id": done.subject}

    @routes.command(
        "/cases/<case_id>/verification",
        "cases.verify",
        schemas.VerificationSchema(),
        versioned=True,
        codes=[*CLAIMED, "wrong_stage", "liability_must_sum_to_100", "evidence_not_found"],
    )
    def verify_case(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Record what the examination found."""
        return cases.verify(request, case_id, **body), _NOTHING

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
