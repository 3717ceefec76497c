"""Routes by which a decided case is penalised, rectified, followed up and ended."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from application.cases import Answer, Cases, Request
from web import answers, schemas
from web.routes import Extra, Routes

_NOTHING: Mapping[str, Any] = {}


def register(routes: Routes, cases: Cases) -> None:
    """Add the routes."""
    _holding_to_account(routes, cases)
    _following_up(routes, cases)
    _ending(routes, cases)


def _holding_to_account(routes: Routes, cases: Cases) -> None:
    duty = "/cases/<case_id>/rectification"
    open_duty = ("wrong_stage", "rectification_not_found")

    @routes.command(
        "/cases/<case_id>/penalties",
        "penalties.assess",
        schemas.PenaltySchema(),
        answers.Penalised,
        versioned=True,
        created="/cases/{case_id}",
        codes=[
            "case_already_closed",
            "decision_missing",
            "wrong_stage",
            "conflict_of_interest",
            "penalty_outside_tariff",
        ],
    )
    def penalise(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Penalise the merchant for what the decision established."""
        done = cases.penalise(request, case_id, **body)
        return done, {"penalty_id": done.subject}

    @routes.command(
        "/cases/<case_id>/penalties/<penalty_id>/adjustment",
        "penalties.adjust",
        schemas.AdjustmentSchema(),
        versioned=True,
        codes=[
            "conflict_of_interest",
            "penalty_not_found",
            "penalty_not_live",
            "penalty_outside_tariff",
            "wrong_stage",
        ],
    )
    def adjust_penalty(
        request: Request, body: dict[str, Any], case_id: UUID, penalty_id: UUID
    ) -> tuple[Answer, Extra]:
        """Lower a penalty that somebody else assessed."""
        return cases.adjust_penalty(request, case_id, penalty_id, **body), _NOTHING

    @routes.command(
        duty,
        "rectification.order",
        schemas.RectificationSchema(),
        answers.Ordered,
        versioned=True,
        codes=["case_already_closed", "decision_missing", "wrong_stage", "rectification_open"],
    )
    def order_rectification(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Tell the merchant what to put right by when."""
        done = cases.order_rectification(request, case_id, **body)
        return done, {"rectification_id": done.subject}

    @routes.command(f"{duty}/submission", "rectification.submit", schemas.SubmissionSchema(), codes=open_duty)
    def submit_rectification(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Report what was done about it."""
        return cases.submit_rectification(request, case_id, **body), _NOTHING

    @routes.command(
        f"{duty}/verdict",
        "rectification.judge",
        schemas.VerdictSchema(),
        versioned=True,
        codes=[*open_duty, "rectification_open"],
    )
    def judge_rectification(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Take what the merchant did as enough, or not."""
        return cases.judge_rectification(request, case_id, **body), _NOTHING

    @routes.command(
        f"{duty}/waiver", "rectification.waive", schemas.ReasonsSchema(), versioned=True, codes=open_duty
    )
    def waive_rectification(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Ask no more of the merchant."""
        return cases.waive_rectification(request, case_id, **body), _NOTHING


def _following_up(routes: Routes, cases: Cases) -> None:
    follow_up = "/cases/<case_id>/follow-ups/<follow_up_id>"
    codes = ("case_already_closed", "follow_up_already_completed", "follow_up_not_found")

    @routes.command(f"{follow_up}/attempts", "follow_ups.work", schemas.AttemptSchema(), codes=codes)
    def attempt_follow_up(
        request: Request, body: dict[str, Any], case_id: UUID, follow_up_id: UUID
    ) -> tuple[Answer, Extra]:
        """Record an attempt to reach the buyer."""
        return cases.attempt_follow_up(request, case_id, follow_up_id, **body), _NOTHING

    @routes.command(f"{follow_up}/completion", "follow_ups.work", schemas.CompletionSchema(), codes=codes)
    def complete_follow_up(
        request: Request, body: dict[str, Any], case_id: UUID, follow_up_id: UUID
    ) -> tuple[Answer, Extra]:
        """Record the buyer's answer."""
        return cases.complete_follow_up(request, case_id, follow_up_id, **body), _NOTHING


def _ending(routes: Routes, cases: Cases) -> None:
    @routes.command(
        "/cases/<case_id>/closure",
        "cases.close",
        schemas.ClosureSchema(),
        versioned=True,
        codes=[
            "case_already_closed",
            "outcome_missing",
            "resolution_contradicts_outcome",
            "approval_pending",
            "compensation_not_settled",
            "goods_not_settled",
            "wrong_stage",
            "follow_up_open",
            "rectification_open",
            "evidence_outstanding",
            "clock_open",
        ],
    )
    def close_case(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """End the case as what happened on it."""
        return cases.close(request, case_id, **body), _NOTHING

    @routes.command(
        "/cases/<case_id>/reopening",
        "cases.reopen",
        schemas.ReopeningSchema(),
        versioned=True,
        codes=["not_reopenable", "case_already_open_for_order_line"],
    )
    def reopen_case(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Take the case up again for another round."""
        return cases.reopen(request, case_id, **body), _NOTHING

    @routes.command(
        "/cases/<case_id>/withdrawal",
        "cases.withdraw",
        schemas.ReasonsSchema(),
        versioned=True,
        codes=[
            "case_already_closed",
            "wrong_stage",
            "compensation_not_settled",
            "compensation_already_settled",
        ],
    )
    def withdraw_case(request: Request, body: dict[str, Any], case_id: UUID) -> tuple[Answer, Extra]:
        """Take the case back for the buyer."""
        return cases.withdraw(request, case_id, **body), _NOTHING
