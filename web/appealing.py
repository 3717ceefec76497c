"""Routes by which a side appeals, takes its appeal back, and another reviewer decides about it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from application.cases import Answer, Cases, Request
from application.cases.appealing import Verdict
from domain.values import Remedy
from web import answers, presenter, schemas
from web.deciding import GRANTING
from web.routes import CLAIMED, Extra, Routes


def register(routes: Routes, cases: Cases, new_id: Callable[[], UUID]) -> None:
    """Add the routes."""
    _appealing(routes, cases)
    _judging(routes, cases, new_id)


def _appealing(routes: Routes, cases: Cases) -> None:
    @routes.command(
        "/cases/<case_id>/appeals",
        "appeals.file",
        schemas.AppealSchema(),
        answers.Appealed,
        versioned=True,
        created="/cases/{case_id}",
        codes=[
            "appeal_open",
            "appeal_target_missing",
            "wrong_stage",
            "appeal_window_over",
            "already_appealed",
            "new_evidence_missing",
            "evidence_not_found",
            "evidence_taken_back",
            "case_already_open_for_order_line",
        ],
    )
    def file_appeal(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Appeal for one's own side against a decision, a penalty or a recovery, with new evidence."""
        done = cases.appeal(request, case_id, **body)
        return done, _shown(done, done.subject)

    @routes.command(
        "/cases/<case_id>/appeals/<appeal_id>/withdrawal",
        "appeals.file",
        schemas.NothingSchema(),
        answers.Appealed,
        versioned=True,
        codes=["appeal_not_found", "case_already_closed", "wrong_stage"],
    )
    def withdraw_appeal(
        request: Request, body: dict[str, Any], case_id: UUID, appeal_id: UUID
    ) -> tuple[Answer, Extra]:
        """Take one's own appeal back; it stays used up."""
        done = cases.withdraw_appeal(request, case_id, appeal_id)
        return done, _shown(done, appeal_id)


def _judging(routes: Routes, cases: Cases, new_id: Callable[[], UUID]) -> None:
    @routes.command(
        "/cases/<case_id>/appeals/<appeal_id>/decision",
        "appeals.decide",
        schemas.AppealDecisionSchema(),
        answers.Appealed,
        versioned=True,
        codes=[
            *CLAIMED,
            *GRANTING,
            "appeal_not_found",
            "another_reviewer_required",
            "wrong_stage",
            "second_review_required",
            "penalty_outside_tariff",
            "amount_mismatch",
        ],
    )
    def decide_appeal(
        request: Request, body: dict[str, Any], case_id: UUID, appeal_id: UUID
    ) -> tuple[Answer, Extra]:
        """Let what was appealed against stand, vary it, or overturn it with everything that rests on it."""
        asked = body.pop("remedies", None)
        remedies = None if asked is None else tuple(Remedy(new_id(), **one) for one in asked)
        verdict = Verdict(remedies=remedies, **body)
        done = cases.decide_appeal(request, case_id, appeal_id, verdict)
        return done, {**_shown(done, appeal_id), **presenter.decision(done.aggregate)}


def _shown(done: Answer, appeal_id: UUID | None) -> Extra:
    return presenter.appeal(done.aggregate.appeals.all[appeal_id]) if appeal_id else {}
