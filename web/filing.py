"""Routes by which a case is filed, read and examined."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response

from application.accesses import Access
from application.cases import Answer, Cases, Request
from application.cases.recalling import Moment
from web import answers, schemas
from web.presenter import Presenter
from web.routes import CLAIMED, Extra, Routes, versioned

_NOTHING: Mapping[str, Any] = {}


def register(routes: Routes, cases: Cases, show: Presenter) -> None:
    """Add the routes."""
    _reading(routes, cases, show)
    _working(routes, cases)
    _examining(routes, cases)


def _reading(routes: Routes, cases: Cases, show: Presenter) -> None:
    @routes.read(
        "/cases/<case_id>",
        "cases.read",
        answers.Case,
        schemas.MomentQuery(),
        codes=["case_not_found", "version_not_found", "decision_not_found"],
        opens=True,
    )
    def get_case(access: Access, query: dict[str, Any], case_id: UUID) -> Response:
        """The case as the caller may see it; with version, at or decision as it was known then."""
        by, known = access.by, cases.as_known(access.by, case_id, Moment(**query))
        shown = show.case(
            known.case,
            known.facts,
            access,
            cases.allowed(by, known.case, known.at),
            cases.burden(known.case, known.at),
            cases.viewer_state(by, known.case, known.at),
            known.at,
            known.current,
        )
        return versioned(shown, known.case.version)

    @routes.read(
        "/cases/<case_id>/history",
        "cases.read",
        answers.History,
        schemas.MomentQuery(),
        codes=["case_not_found", "decision_not_found"],
        opens=True,
    )
    def get_history(access: Access, query: dict[str, Any], case_id: UUID) -> Response:
        """The facts of the case in order; with version, at or decision those that were known then."""
        case, known = cases.history_known(access.by, case_id, Moment(**query))
        return versioned({"data": show.history(case, known, access)}, case.version)


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


def _examining(routes: Routes, cases: Cases) -> None:
    @routes.command(
        "/cases/<case_id>/verification",
        "cases.verify",
        schemas.VerificationSchema(),
        versioned=True,
        codes=[
            *CLAIMED,
            "wrong_stage",
            "liability_must_sum_to_100",
            "evidence_not_found",
            "evidence_taken_back",
        ],
    )
    def verify_case(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Record what the examination found."""
        return cases.verify(request, case_id, **body), _NOTHING
