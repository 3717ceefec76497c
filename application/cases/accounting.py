"""Use cases on the merchant: penalties, and the duty to rectify."""

from datetime import datetime
from uuid import UUID

from application.cases.running import Answer, CaseRunning
from application.running import Request, reasons_of
from application.vault import Sealing
from domain.case import Case
from domain.values import (
    Money,
    SealedFor,
)


class Accounting(CaseRunning):
    """What a case asks of the merchant beyond its remedies."""

    def penalise(
        self,
        request: Request,
        case_id: UUID,
        points: int,
        fine: Money | None,
        clause: str,
        reasons: str,
    ) -> Answer:
        """Penalise the merchant. Needs the version."""
        penalty_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.penalise(
                request.by,
                penalty_id,
                points,
                fine,
                clause,
                reasons_of(sealing, reasons),
                self._policy(case, at),
                at,
            )

        return self._versioned(request, case_id, "penalties.assess", decide, penalty_id)

    def adjust_penalty(
        self,
        request: Request,
        case_id: UUID,
        penalty_id: UUID,
        points: int,
        fine: Money | None,
        reasons: str,
    ) -> Answer:
        """Lower a penalty that somebody else assessed. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed, policy = reasons_of(sealing, reasons), self._policy(case, at)
            case.adjust_penalty(request.by, penalty_id, points, fine, sealed, policy, at)

        return self._versioned(request, case_id, "penalties.adjust", decide)

    def order_rectification(self, request: Request, case_id: UUID, terms: str, due: datetime) -> Answer:
        """Tell the merchant what to put right by when. Needs the version."""
        self._within_a_year(due, "/due")
        rectification_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealing.seal(SealedFor.PLATFORM, "terms", terms)
            case.order_rectification(rectification_id, sealed, due, at)

        return self._versioned(request, case_id, "rectification.order", decide, rectification_id)

    def submit_rectification(self, request: Request, case_id: UUID, text: str) -> Answer:
        """Record what the merchant did."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.submit_rectification(sealing.seal(SealedFor.MERCHANT, "text", text), at)

        return self._command(request, case_id, "rectification.submit", decide)

    def judge_rectification(self, request: Request, case_id: UUID, accepted: bool, reasons: str) -> Answer:
        """Take what the merchant submitted as enough, or not. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.judge_rectification(accepted, reasons_of(sealing, reasons), at)

        return self._versioned(request, case_id, "rectification.judge", decide)

    def waive_rectification(self, request: Request, case_id: UUID, reasons: str) -> Answer:
        """Ask no more of the merchant. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.waive_rectification(reasons_of(sealing, reasons), at)

        return self._versioned(request, case_id, "rectification.waive", decide)
