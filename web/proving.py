"""Routes by which evidence is asked for, taken in, put on file, judged and read, and goods are inspected."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from application.accesses import Access
from application.blobs import Content
from application.cases import Answer, Cases, Files, Request
from web import answers, dossier, schemas
from web.routes import CLAIMED, Extra, Routes

_NOTHING: Mapping[str, Any] = {}


def register(routes: Routes, cases: Cases, files: Files) -> None:
    """Add the routes."""
    _asking(routes, cases)
    _filing(routes, cases, files)
    _judging(routes, cases)
    _finding_out(routes, cases)


def _asking(routes: Routes, cases: Cases) -> None:
    @routes.command(
        "/cases/<case_id>/evidence-requests",
        "evidence.request",
        schemas.EvidenceRequestSchema(),
        answers.EvidenceAskedFor,
        created="/cases/{case_id}",
        codes=[
            "case_already_closed",
            "case_claimed_by_another",
            "wrong_stage",
            "nothing_requested",
            "evidence_already_requested",
        ],
    )
    def request_evidence(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Ask a side for evidence, within the term of the policy."""
        done = cases.request_evidence(request, case_id, **body)
        return done, dossier.last_request(done.aggregate)


def _filing(routes: Routes, cases: Cases, files: Files) -> None:
    @routes.upload(
        "/cases/<case_id>/evidence/staging",
        "evidence.submit",
        schemas.StagingQuery(),
        answers.EvidenceOnFile,
        created="/cases/{case_id}",
        codes=["case_already_closed", "wrong_stage", "too_many_pieces_staged"],
    )
    def stage_evidence(
        request: Request, query: dict[str, Any], content: Content, case_id: UUID
    ) -> tuple[Answer, Extra]:
        """Take in the bytes of a piece of evidence, to be submitted before long; a party only its own."""
        done = files.stage(request, case_id, query["party"], content)
        return done, {"evidence_id": done.subject}

    @routes.command(
        "/cases/<case_id>/evidence",
        "evidence.submit",
        schemas.EvidenceSchema(),
        answers.EvidenceOnFile,
        created="/cases/{case_id}",
        codes=[
            "case_already_closed",
            "wrong_stage",
            "evidence_not_found",
            "digest_mismatch",
            "evidence_request_not_found",
            "not_addressed",
            "evidence_window_over",
        ],
    )
    def submit_evidence(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Put evidence on file, staged bytes or a reference alone; a party only its own."""
        done = cases.submit_evidence(request, case_id, **body)
        return done, {"evidence_id": done.subject}

    @routes.download(
        "/cases/<case_id>/evidence/<evidence_id>/content",
        "evidence.read",
        codes=[
            "case_not_found",
            "evidence_not_found",
            "evidence_content_not_found",
            "processing_is_restricted",
        ],
    )
    def get_evidence_content(access: Access, case_id: UUID, evidence_id: UUID) -> tuple[Content, str]:
        """The bytes of a piece of evidence that was submitted."""
        return files.content(access, case_id, evidence_id), str(evidence_id)


def _judging(routes: Routes, cases: Cases) -> None:
    piece = "/cases/<case_id>/evidence/<evidence_id>"
    standing = ("case_already_closed", "wrong_stage", "evidence_not_found", "evidence_taken_back")
    of_others = (*standing, "own_evidence", "evidence_already_judged")

    @routes.command(f"{piece}/acceptance", "evidence.judge", schemas.AcceptanceSchema(), codes=of_others)
    def accept_evidence(
        request: Request, body: dict[str, Any], case_id: UUID, evidence_id: UUID
    ) -> tuple[Answer, Extra]:
        """Take another party's evidence for what it claims to be."""
        return cases.accept_evidence(request, case_id, evidence_id, **body), _NOTHING

    @routes.command(f"{piece}/challenge", "evidence.judge", schemas.ReasonsSchema(), codes=of_others)
    def challenge_evidence(
        request: Request, body: dict[str, Any], case_id: UUID, evidence_id: UUID
    ) -> tuple[Answer, Extra]:
        """Dispute another party's evidence."""
        return cases.challenge_evidence(request, case_id, evidence_id, **body), _NOTHING

    @routes.command(
        f"{piece}/withdrawal",
        "evidence.withdraw",
        schemas.ReasonsSchema(),
        codes=[*standing, "evidence_of_another", "evidence_cited"],
    )
    def withdraw_evidence(
        request: Request, body: dict[str, Any], case_id: UUID, evidence_id: UUID
    ) -> tuple[Answer, Extra]:
        """Take one's own evidence back, before a finding cites it."""
        return cases.withdraw_evidence(request, case_id, evidence_id, **body), _NOTHING


def _finding_out(routes: Routes, cases: Cases) -> None:
    @routes.command(
        "/cases/<case_id>/burden",
        "burden.shift",
        schemas.BurdenShiftSchema(),
        versioned=True,
        codes=[*CLAIMED, "wrong_stage", "burden_unchanged", "clause_not_in_force"],
    )
    def shift_burden(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Let the other side prove from now on."""
        return cases.shift_burden(request, case_id, **body), _NOTHING

    @routes.command(
        "/cases/<case_id>/inspections",
        "inspections.order",
        schemas.InspectionSchema(),
        answers.InspectionUnderWay,
        versioned=True,
        created="/cases/{case_id}",
        codes=[*CLAIMED, "wrong_stage", "inspection_open"],
    )
    def order_inspection(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Have the goods inspected."""
        done = cases.order_inspection(request, case_id, **body)
        return done, {"inspection_id": done.subject}

    @routes.command(
        "/cases/<case_id>/inspections/<inspection_id>/report",
        "inspections.report",
        schemas.InspectionReportSchema(),
        codes=[
            "case_already_closed",
            "wrong_stage",
            "inspection_not_found",
            "inspection_already_reported",
        ],
    )
    def report_inspection(
        request: Request, body: dict[str, Any], case_id: UUID, inspection_id: UUID
    ) -> tuple[Answer, Extra]:
        """Record what an inspection found; the policy says who bears its cost."""
        return cases.report_inspection(request, case_id, inspection_id, **body), _NOTHING
