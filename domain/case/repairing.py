"""Commands that repair goods; what cannot be repaired is exchanged, and warranties follow."""

from datetime import datetime, timedelta
from math import ceil
from uuid import UUID, uuid5

from domain import events
from domain.case.goods import Leg
from domain.case.moving import Moving
from domain.policy import Policy, pack
from domain.policy.goods import exchange_open, warranty_ends
from domain.refusals import WrongStage
from domain.values import GoodsState, RemedyKind, RepairOutcome

_TO_REPAIR = frozenset(
    {GoodsState.TO_SHIP, GoodsState.RECEIVED, GoodsState.INSPECTED, GoodsState.REPAIR_FAILED}
)
"""On the spot, or where the goods were sent to; and again after a repair that failed."""


class Repairing(Moving):
    """Repairs, exchanges and warranties."""

    def start_repair(self, goods_id: UUID, policy: Policy, at: datetime) -> None:
        """Record that a repair began.

        Raises UnknownPart. Refused: CaseAlreadyClosed, WrongStage (also when there is nothing to repair).
        """
        leg = self._repairable(goods_id)
        if leg.state not in _TO_REPAIR:
            raise WrongStage(f"the goods are {leg.state}")
        self._record(events.RepairStarted, at, goods_id=goods_id, number=self.goods.repairs + 1)
        self._end_clock(goods_id, events.ClockSatisfied, at)
        if self.warranty is None and self.filing.order.delivered_at:
            self._warrant(events.WarrantyStarted, goods_id, self.filing.order.delivered_at, policy, at)

    def complete_repair(self, goods_id: UUID, outcome: RepairOutcome, policy: Policy, at: datetime) -> None:
        """Record how a repair ended. So many that failed (3B-1) open an exchange.

        Raises UnknownPart. Refused: CaseAlreadyClosed, WrongStage (also when no repair is under way).
        """
        leg = self._repairable(goods_id)
        if leg.state is not GoodsState.IN_REPAIR or leg.repair_began is None:
            raise WrongStage(f"the goods are {leg.state}")
        self._record(
            events.RepairCompleted, at, goods_id=goods_id, number=self.goods.repairs, outcome=outcome
        )
        self._prolong(goods_id, at - leg.repair_began, policy, at)
        if outcome is RepairOutcome.FAILED:
            self._exchange(leg, policy, at)
        self._carry_on(policy, at)

    def _repairable(self, goods_id: UUID) -> Leg:
        leg = self.goods.leg(goods_id)
        self._unless_closed()
        self._in_stage("goods")
        if leg.kind is not RemedyKind.REPAIR:
            raise WrongStage("the goods are not to be repaired")
        return leg

    def _exchange(self, leg: Leg, policy: Policy, at: datetime) -> None:
        """Exchange what could not be repaired often enough; it comes back, unless it is there already."""
        opened = exchange_open(self.goods.failed_repairs, policy)
        if not opened.value:
            return
        self._record(
            events.ExchangeOpened,
            at,
            goods_id=leg.goods_id,
            replacement_id=uuid5(leg.goods_id, "replacement"),
            return_id=None if leg.left else uuid5(leg.goods_id, "return"),
            clause=pack.THREE_GUARANTEES.id,
            derivation=opened.derivation,
        )

    def _accepted(self, goods_id: UUID, policy: Policy, at: datetime) -> None:
        """The warranty of what was exchanged runs anew, from when it was delivered."""
        leg, rule = self.goods.legs[goods_id], policy.rule(pack.WARRANTY)
        if leg.kind is RemedyKind.REPLACEMENT and rule and rule.terms.restarts_on_exchange:
            self._warrant(events.WarrantyRestarted, goods_id, leg.received_at or at, policy, at)
        super()._accepted(goods_id, policy, at)

    # --- warranty (Q-3) ---

    def _warrant(
        self,
        fact: type[events.WarrantyStarted] | type[events.WarrantyRestarted],
        goods_id: UUID,
        begins: datetime,
        policy: Policy,
        at: datetime,
    ) -> None:
        ends = warranty_ends(self.filing.order.category, begins, timedelta(), policy)
        if ends.value:
            content = {"begins": begins, "ends_at": ends.value, "derivation": ends.derivation}
            self._record(fact, at, goods_id=goods_id, **content)

    def _prolong(self, goods_id: UUID, repair: timedelta, policy: Policy, at: datetime) -> None:
        if self.warranty is None:
            return
        in_repair = self.warranty.in_repair + timedelta(seconds=ceil(repair.total_seconds()))
        ends = warranty_ends(self.filing.order.category, self.warranty.begins, in_repair, policy)
        if ends.value:
            self._record(
                events.WarrantyExtended,
                at,
                goods_id=goods_id,
                in_repair=int(in_repair.total_seconds()),
                ends_at=ends.value,
                derivation=ends.derivation,
            )
