"""Routes by which a case is classified, rests, goes on, and is put together with others."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from application.cases import Answer, Cases
from application.running import Request
from web import schemas
from web.routes import Extra, Routes

_NOTHING: Mapping[str, Any] = {}

GIVEN = ("case_already_closed", "wrong_stage")


def register(routes: Routes, cases: Cases) -> None:
    """Add the routes."""
    _resting(routes, cases)
    _relating(routes, cases)


def _resting(routes: Routes, cases: Cases) -> None:
    @routes.command(
        "/cases/<case_id>/suspension",
        "cases.suspend",
        schemas.SuspensionSchema(),
        versioned=True,
        codes=GIVEN,
    )
    def suspend_case(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Let the case rest, its clocks paused: settlement talks, a court or the police."""
        return cases.suspend(request, case_id, **body), _NOTHING

    @routes.command(
        "/cases/<case_id>/suspension/receipt",
        "cases.suspend",
        schemas.ReceiptSchema(),
        codes=[*GIVEN, "receipt_not_awaited", "evidence_not_found"],
    )
    def confirm_suspension(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Put the receipt of the court or the police on file: the case rests on."""
        return cases.confirm_suspension(request, case_id, **body), _NOTHING

    @routes.command(
        "/cases/<case_id>/resumption", "cases.suspend", schemas.ReasonsSchema(), versioned=True, codes=GIVEN
    )
    def resume_case(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Let the case go on where it was, each clock with what was left."""
        return cases.resume(request, case_id, **body), _NOTHING


def _relating(routes: Routes, cases: Cases) -> None:
    @routes.command(
        "/cases/<case_id>/classification",
        "cases.classify",
        schemas.ClassificationSchema(),
        versioned=True,
        codes=GIVEN,
    )
    def classify_case(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Judge the case under this reason from now on."""
        return cases.classify(request, case_id, **body), _NOTHING

    @routes.command("/cases/<case_id>/links", "cases.relate", schemas.LinkSchema(), codes=["not_mergeable"])
    def link_case(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Note that another case belongs to this one."""
        return cases.link(request, case_id, **body), _NOTHING

    @routes.command(
        "/cases/<case_id>/merger",
        "cases.merge",
        schemas.MergerSchema(),
        versioned=True,
        codes=[*GIVEN, "not_mergeable", "compensation_not_settled", "compensation_already_settled"],
    )
    def merge_case(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """End this case in favour of another one of the same buyer and merchant."""
        return cases.merge(request, case_id, **body), _NOTHING
