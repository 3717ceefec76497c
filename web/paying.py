"""Routes by which what was decided is paid, and what was paid in vain comes back."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from application.cases import Answer, Cases, Request
from web import schemas
from web.routes import Extra, Routes

_NOTHING: Mapping[str, Any] = {}


def register(routes: Routes, cases: Cases) -> None:
    """Add the routes."""
    _paying(routes, cases)
    _taking_back(routes, cases)


def _paying(routes: Routes, cases: Cases) -> None:
    line = "/cases/<case_id>/compensations/<compensation_id>"
    settled = ("case_already_closed", "compensation_already_settled", "wrong_stage", "compensation_not_found")

    @routes.command(
        f"{line}/confirmation",
        "compensations.settle",
        schemas.ConfirmationSchema(),
        codes=[*settled, "amount_mismatch"],
    )
    def confirm_compensation(
        request: Request, body: dict[str, Any], case_id: UUID, compensation_id: UUID
    ) -> tuple[Answer, Extra]:
        """Record that a line was paid; the same reference again gives the same answer."""
        return cases.confirm_compensation(request, case_id, compensation_id, **body), _NOTHING

    @routes.command(f"{line}/failure", "compensations.settle", schemas.FailureSchema(), codes=settled)
    def fail_compensation(
        request: Request, body: dict[str, Any], case_id: UUID, compensation_id: UUID
    ) -> tuple[Answer, Extra]:
        """Record that an attempt to pay failed; the same reference again gives the same answer."""
        return cases.fail_compensation(request, case_id, compensation_id, **body), _NOTHING

    @routes.command(
        f"{line}/instruction",
        "compensations.instruct",
        schemas.InstructionSchema(),
        codes=[*settled, "compensation_not_settled"],
    )
    def instruct_compensation(
        request: Request, body: dict[str, Any], case_id: UUID, compensation_id: UUID
    ) -> tuple[Answer, Extra]:
        """Order a new attempt to pay, with its own gateway key."""
        return cases.instruct_compensation(request, case_id, compensation_id, **body), _NOTHING


def _taking_back(routes: Routes, cases: Cases) -> None:
    recovery = "/cases/<case_id>/recoveries/<recovery_id>"
    settled = ("recovery_already_settled", "recovery_not_found")

    @routes.command(
        "/cases/<case_id>/compensations/<compensation_id>/reversal",
        "compensations.reverse",
        schemas.ReversalSchema(),
        versioned=True,
        codes=["amount_mismatch", "compensation_already_settled", "compensation_not_found", "wrong_stage"],
    )
    def reverse_compensation(
        request: Request, body: dict[str, Any], case_id: UUID, compensation_id: UUID
    ) -> tuple[Answer, Extra]:
        """Take back what stands of a line, or a part of it: unpaid it falls, paid it is to be recovered."""
        return cases.reverse_compensation(request, case_id, compensation_id, **body), _NOTHING

    @routes.command(
        f"{recovery}/payment",
        "recoveries.settle",
        schemas.RepaymentSchema(),
        codes=[*settled, "amount_mismatch"],
    )
    def record_recovery(
        request: Request, body: dict[str, Any], case_id: UUID, recovery_id: UUID
    ) -> tuple[Answer, Extra]:
        """Record that money came back; the same reference again gives the same answer."""
        return cases.record_recovery(request, case_id, recovery_id, **body), _NOTHING

    @routes.command(
        f"{recovery}/write-off",
        "recoveries.write_off",
        schemas.ReasonsSchema(),
        versioned=True,
        codes=settled,
    )
    def write_off_recovery(
        request: Request, body: dict[str, Any], case_id: UUID, recovery_id: UUID
    ) -> tuple[Answer, Extra]:
        """Give up what has not come back."""
        return cases.write_off_recovery(request, case_id, recovery_id, **body), _NOTHING
