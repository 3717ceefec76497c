"""Routes on personal data: legal holds, restriction and erasure, and what is held about a person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from flask import Response

from application.accesses import Access
from application.cases import Answer, Forgetting, Request
from application.clock import Clock
from application.subjects import Asked, Subjects
from domain.case import Case
from domain.values import Actor, Side
from projections import erasures
from projections.erasures import ERASURES
from web import answers, personal, schemas
from web.lists import Reader, page
from web.presenter import Presenter
from web.routes import Extra, Routes, Waiting, sent

_NOTHING: Mapping[str, Any] = {}
_CASE = "/cases/<case_id>"


def register(
    routes: Routes, forgetting: Forgetting, subjects: Subjects, show: Presenter, reader: Reader, clock: Clock
) -> None:
    """Add the routes."""
    _holding(routes, forgetting)
    _erasing(routes, forgetting, clock)
    _listing(routes, reader)
    _subjects(routes, subjects, show, clock)


def _holding(routes: Routes, forgetting: Forgetting) -> None:
    @routes.command(
        f"{_CASE}/legal-holds",
        "cases.hold",
        schemas.LegalHoldSchema(),
        answers.Held,
        created="/cases/{case_id}",
    )
    def place_legal_hold(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Let nothing of the case be erased until the hold is released."""
        done = forgetting.place_legal_hold(request, case_id, **body)
        return done, {"hold_id": done.subject}

    @routes.command(
        f"{_CASE}/legal-holds/<hold_id>/release",
        "cases.hold",
        schemas.ReasonsSchema(),
        codes=["legal_hold_not_found", "legal_hold_already_released"],
    )
    def release_legal_hold(
        request: Request, body: dict[str, Any], case_id: UUID, hold_id: UUID
    ) -> tuple[Answer, Extra]:
        """Need the case no longer."""
        return forgetting.release_legal_hold(request, case_id, hold_id, **body), _NOTHING


def _erasing(routes: Routes, forgetting: Forgetting, clock: Clock) -> None:
    @routes.command(
        f"{_CASE}/erasure",
        "erasures.request",
        schemas.ErasureSchema(),
        answers.PersonalDataKept,
        waiting=answers.ErasureWaiting,
        codes=[
            "case_not_ended",
            "personal_data_already_erased",
            "legal_hold_in_force",
            "approval_pending",
        ],
    )
    def request_erasure(
        request: Request, body: dict[str, Any], case_id: UUID
    ) -> tuple[Answer, Extra] | Waiting:
        """Ask for the erasure of a side's personal data: restricted while they must be kept. 202: waits."""
        done = forgetting.request_erasure(request, case_id, **body)
        shown = _stands(done.aggregate, body["party"], clock.now())
        return Waiting(done, shown) if "proposal_id" in shown else (done, shown)

    @routes.command(
        f"{_CASE}/erasure/<proposal_id>/approval",
        "erasures.approve",
        schemas.ApprovalSchema(),
        versioned=True,
        codes=[
            "case_not_ended",
            "proposal_not_found",
            "proposal_void",
            "proposal_hash_mismatch",
            "second_person_required",
            "records_still_kept",
            "legal_hold_in_force",
        ],
    )
    def approve_erasure(
        request: Request, body: dict[str, Any], case_id: UUID, proposal_id: UUID
    ) -> tuple[Answer, Extra]:
        """Have exactly what was proposed erased, as its second person. Nothing brings it back."""
        return forgetting.approve_erasure(request, case_id, proposal_id, **body), _NOTHING

    @routes.command(
        f"{_CASE}/erasure/<proposal_id>/rejection",
        "erasures.approve",
        schemas.ReasonsSchema(),
        versioned=True,
        codes=["proposal_not_found", "proposal_void"],
    )
    def reject_erasure(
        request: Request, body: dict[str, Any], case_id: UUID, proposal_id: UUID
    ) -> tuple[Answer, Extra]:
        """Let what was proposed to be erased stay."""
        return forgetting.reject_erasure(request, case_id, proposal_id, **body), _NOTHING


def _listing(routes: Routes, reader: Reader) -> None:
    @routes.read("/erasures", "erasures.read", answers.Erasures, schemas.ErasuresQuery())
    def list_erasures(by: Actor, query: dict[str, Any]) -> Response:
        """Whose personal data were asked to be erased, and how far that came; the longest waiting first."""
        return page(reader, ERASURES, erasures.page, query)


def _subjects(routes: Routes, subjects: Subjects, show: Presenter, clock: Clock) -> None:
    @routes.inquiry(
        "/subjects/export",
        "subjects.export",
        schemas.SubjectSchema(),
        answers.SubjectExport,
        codes=["access_reason_required"],
        opens=True,
    )
    def export_subject(access: Access, request: Request, body: dict[str, Any]) -> Response:
        """Everything that is held about a buyer, in every case, to be handed to that person."""
        at = clock.now()
        held = subjects.held(access, body["buyer_id"])
        return sent(msgspec.json.encode({"at": at, "data": [show.subject(*one, access, at) for one in held]}))

    @routes.inquiry(
        "/subjects/erasure", "erasures.request", schemas.ForgettingSchema(), answers.SubjectErasure
    )
    def erase_subject(access: Access, request: Request, body: dict[str, Any]) -> Response:
        """Ask for the erasure of a buyer's personal data in every case: what came of it in each."""
        at = clock.now()
        asked = subjects.request_erasure(request, **body)
        return sent(msgspec.json.encode({"data": [_outcome(one, at) for one in asked]}))


def _stands(case: Case, side: Side, at: datetime) -> dict[str, Any]:
    """How a side's data stand after their erasure was asked for, with the proposal that waits."""
    shown: dict[str, Any] = {"party": side, "personal_data": personal.state(case, side, at)}
    waiting = case.privacy.proposed(side)
    if waiting:
        shown |= {"proposal_id": waiting.proposal_id, "proposal_hash": waiting.proposal_hash}
    return shown


def _outcome(asked: Asked, at: datetime) -> dict[str, Any]:
    case, refusal = asked.case, asked.refusal
    return {
        "case_id": case.id,
        "number": case.filing.number,
        "stage": case.stage,
        "version": case.version,
        "refused": refusal and {"code": refusal.code, "detail": refusal.detail},
        "proposal_id": None,
        "proposal_hash": None,
        **_stands(case, Side.BUYER, at),
    }
