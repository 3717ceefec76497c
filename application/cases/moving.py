"""Use cases that move goods, look at them and repair them."""

from datetime import datetime
from uuid import UUID

from application.cases.running import Answer, CaseRunning
from application.running import Request, sealed_if_given
from application.vault import Sealing
from domain.case import Case
from domain.values import GoodsCondition, RepairOutcome, Role, SealedFor

_AUTHORS = {Role.BUYER_INTEGRATION: SealedFor.BUYER, Role.MERCHANT: SealedFor.MERCHANT}
"""Whose text it is that a party gives as its reasons; the others speak for the platform."""


class Moving(CaseRunning):
    """What is shipped back and forth."""

    def authorise_return(
        self, request: Request, case_id: UUID, goods_id: UUID, address: str | None = None
    ) -> Answer:
        """Let the buyer send goods in, to this address."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealed_if_given(sealing, SealedFor.MERCHANT, "address", address)
            case.authorise_return(request.by, goods_id, sealed, self._policy(case, at), at)

        return self._command(request, case_id, "goods.authorise", decide)

    def ship_goods(self, request: Request, case_id: UUID, goods_id: UUID, reference: str) -> Answer:
        """Record that a leg left."""
        return self._command(
            request,
            case_id,
            "goods.move",
            lambda case, _, at: case.ship_goods(request.by, goods_id, reference, at),
        )

    def receive_goods(self, request: Request, case_id: UUID, goods_id: UUID, reference: str) -> Answer:
        """Record that a leg arrived."""
        return self._command(
            request,
            case_id,
            "goods.move",
            lambda case, _, at: case.receive_goods(
                request.by, goods_id, reference, self._policy(case, at), at
            ),
        )

    def accept_goods(self, request: Request, case_id: UUID, goods_id: UUID, reference: str) -> Answer:
        """Record that a leg was taken as good."""
        return self._command(
            request,
            case_id,
            "goods.move",
            lambda case, _, at: case.accept_goods(
                request.by, goods_id, reference, self._policy(case, at), at
            ),
        )

    def lose_goods(self, request: Request, case_id: UUID, goods_id: UUID, reference: str) -> Answer:
        """Record that a leg was lost on its way."""
        return self._command(
            request,
            case_id,
            "goods.move",
            lambda case, _, at: case.lose_goods(request.by, goods_id, reference, self._policy(case, at), at),
        )

    def refuse_goods(self, request: Request, case_id: UUID, goods_id: UUID, reasons: str) -> Answer:
        """Record that a leg was not taken from the carrier."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealing.seal(_author(request), "reasons", reasons)
            case.refuse_goods(request.by, goods_id, sealed, self._policy(case, at), at)

        return self._command(request, case_id, "goods.judge", decide)

    def inspect_goods(
        self,
        request: Request,
        case_id: UUID,
        goods_id: UUID,
        condition: GoodsCondition,
        found: tuple[str, ...] = (),
    ) -> Answer:
        """Record what was found of a leg that arrived."""
        return self._command(
            request,
            case_id,
            "goods.inspect",
            lambda case, _, at: case.inspect_goods(
                request.by, goods_id, condition, found, self._policy(case, at), at
            ),
        )

    def reject_goods(
        self, request: Request, case_id: UUID, goods_id: UUID, clause: str, reasons: str
    ) -> Answer:
        """Record that a leg is not taken as good, under this clause."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealing.seal(_author(request), "reasons", reasons)
            case.reject_goods(request.by, goods_id, clause, sealed, self._policy(case, at), at)

        return self._command(request, case_id, "goods.judge", decide)

    def start_repair(self, request: Request, case_id: UUID, goods_id: UUID) -> Answer:
        """Record that a repair began."""
        return self._command(
            request,
            case_id,
            "goods.repair",
            lambda case, _, at: case.start_repair(goods_id, self._policy(case, at), at),
        )

    def complete_repair(
        self, request: Request, case_id: UUID, goods_id: UUID, outcome: RepairOutcome
    ) -> Answer:
        """Record how a repair ended."""
        return self._command(
            request,
            case_id,
            "goods.repair",
            lambda case, _, at: case.complete_repair(goods_id, outcome, self._policy(case, at), at),
        )


def _author(request: Request) -> SealedFor:
    return _AUTHORS.get(request.by.role, SealedFor.PLATFORM)
