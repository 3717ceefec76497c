"""Commands that move goods.

A movement comes from outside and comes again: under a reference that is known it records nothing, and the
command returns the version that recorded it.
"""

from datetime import datetime
from itertools import pairwise
from uuid import UUID

from domain import events
from domain.case.paying import Paying
from domain.policy import Policy
from domain.refusals import WrongStage
from domain.values import GoodsState

_STATE_BEFORE = dict(pairwise(reversed(GoodsState)))


class Settlement(Paying):
    """Paying and shipping what was decided."""

    def ship_goods(self, goods_id: UUID, reference: str, at: datetime) -> int | None:
        """Record that a leg left. Raises and refuses as `accept_goods`."""
        return self._move_goods(goods_id, reference, GoodsState.IN_TRANSIT, events.GoodsShipped, at)

    def receive_goods(self, goods_id: UUID, reference: str, at: datetime) -> int | None:
        """Record that a leg arrived. Raises and refuses as `accept_goods`."""
        return self._move_goods(goods_id, reference, GoodsState.RECEIVED, events.GoodsReceived, at)

    def accept_goods(self, goods_id: UUID, reference: str, policy: Policy, at: datetime) -> int | None:
        """Record that a leg was taken as good; instruct what was held back until all were.

        Raises UnknownPart. Refused: CaseAlreadyClosed, WrongStage (also when the leg has not arrived).
        """
        known = self._move_goods(goods_id, reference, GoodsState.ACCEPTED, events.GoodsAccepted, at)
        if known is None:
            self._instruct_payable(at)
            self._settle(policy, at)
        return known

    def _move_goods(
        self, goods_id: UUID, reference: str, reaching: GoodsState, fact: type[events.Fact], at: datetime
    ) -> int | None:
        leg = self.goods.leg(goods_id)
        if (reaching, reference) in leg.references:
            return leg.references[reaching, reference]
        self._unless_closed()
        self._in_stage("goods")
        if leg.state is not _STATE_BEFORE[reaching]:
            raise WrongStage(f"the goods are {leg.state}")
        self._record(fact, at, goods_id=goods_id, reference=reference)
        return None
