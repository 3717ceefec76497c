"""Use cases that pay what was decided, and take back what was paid in vain."""

from datetime import datetime
from uuid import UUID

from application.cases.running import Answer, CaseRunning
from application.running import Request, reasons_of
from application.vault import Sealing
from domain.case import Case
from domain.values import (
    Money,
    Payer,
    SealedFor,
)


class Paying(CaseRunning):
    """Instructions to pay, what became of them, and what comes back."""

    def confirm_compensation(
        self,
        request: Request,
        case_id: UUID,
        compensation_id: UUID,
        reference: str,
        paid_at: datetime,
        amount: Money | None = None,
        attempt: int | None = None,
    ) -> Answer:
        """Record that a line was paid, by this attempt; the same reference again gives the same answer."""
        self._not_after(paid_at, self._clock.now(), "/paid_at")
        return self._command(
            request,
            case_id,
            "compensations.settle",
            lambda case, _, at: case.confirm_compensation(
                compensation_id, reference, paid_at, amount, self._policy(case, at), at, attempt
            ),
        )

    def fail_compensation(
        self,
        request: Request,
        case_id: UUID,
        compensation_id: UUID,
        reference: str,
        reason: str,
        attempt: int | None = None,
    ) -> Answer:
        """Record that an attempt to pay failed; the same reference again gives the same answer."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> int | None:
            sealed = sealing.seal(SealedFor.PLATFORM, "reason", reason)
            return case.fail_compensation(
                compensation_id, reference, sealed, self._policy(case, at), at, attempt
            )

        return self._command(request, case_id, "compensations.settle", decide)

    def instruct_compensation(
        self, request: Request, case_id: UUID, compensation_id: UUID, payer: Payer
    ) -> Answer:
        """Order a new attempt on a failed line."""
        return self._command(
            request,
            case_id,
            "compensations.instruct",
            lambda case, _, at: case.instruct_compensation(compensation_id, payer, at),
        )

    def reverse_compensation(
        self,
        request: Request,
        case_id: UUID,
        compensation_id: UUID,
        reasons: str,
        amount: Money | None = None,
    ) -> Answer:
        """Take back what stands of a line, or this much of it. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = reasons_of(sealing, reasons)
            case.reverse_compensation(compensation_id, amount, sealed, self._policy(case, at), at)

        return self._versioned(request, case_id, "compensations.reverse", decide)

    def record_recovery(
        self, request: Request, case_id: UUID, recovery_id: UUID, amount: Money, reference: str
    ) -> Answer:
        """Record that money came back; the same reference again gives the same answer."""
        return self._command(
            request,
            case_id,
            "recoveries.settle",
            lambda case, _, at: case.record_recovery(recovery_id, amount, reference, at),
        )

    def write_off_recovery(self, request: Request, case_id: UUID, recovery_id: UUID, reasons: str) -> Answer:
        """Give up what has not come back. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.write_off_recovery(recovery_id, reasons_of(sealing, reasons), at)

        return self._versioned(request, case_id, "recoveries.write_off", decide)
