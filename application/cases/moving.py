"""Use cases that move goods."""

from uuid import UUID

from application.cases.running import Answer, CaseRunning
from application.running import Request


class Moving(CaseRunning):
    """What is shipped back and forth."""

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
