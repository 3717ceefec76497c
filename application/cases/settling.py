"""Use cases that move money and goods."""

from datetime import datetime
from uuid import UUID

from application.cases.running import Answer, CaseRunning
from application.running import Request
from application.vault import Sealing
from domain.case import Case
from domain.values import (
    Money,
    Payer,
    SealedFor,
)


class Settling(CaseRunning):
    """Paying and shipping what was decided."""

    def confirm_compensation(
        self,
        request: Request,
        case_id: UUID,
        compensation_id: UUID,
        reference: str,
        paid_at: datetime,
        amount: Money | None = None,
    ) -> Answer:
        """Record that a line was paid; the same reference again gives the same answer."""
        self._not_after(paid_at, self._clock.now(), "/paid_at")
        return self._command(
            request,
            case_id,
            "compensations.settle",
            lambda case, _, at: case.confirm_compensation(
                compensation_id, reference, paid_at, amount, self._policy(case, at), at
            ),
        )

    def fail_compensation(
        self, request: Request, case_id: UUID, compensation_id: UUID, reference: str, reason: str
    ) -> Answer:
        """Record that an attempt to pay failed; the same reference again gives the same answer."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> int | None:
            sealed = sealing.seal(SealedFor.PLATFORM, "reason", reason)
            return case.fail_compensation(compensation_id, reference, sealed, at)

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

    def ship_goods(self, request: Request, case_id: UUID, goods_id: UUID, reference: str) -> Answer:
        """Record that a leg left."""
        return self._command(
            request, case_id, "goods.move", lambda case, _, at: case.ship_goods(goods_id, reference, at)
        )

    def receive_goods(self, request: Request, case_id: UUID, goods_id: UUID, reference: str) -> Answer:
        """Record that a leg arrived."""
        return self._command(
            request, case_id, "goods.move", lambda case, _, at: case.receive_goods(goods_id, reference, at)
        )

    def accept_goods(self, request: Request, case_id: UUID, goods_id: UUID, reference: str) -> Answer:
        """Record that a leg was taken as good."""
        return self._command(
            request,
            case_id,
            "goods.move",
            lambda case, _, at: case.accept_goods(goods_id, reference, self._policy(case, at), at),
        )
