"""What chance makes of goods that are on their way in a lived case."""

from collections.abc import Callable
from datetime import datetime
from random import Random
from uuid import UUID

from domain.case import Case
from domain.policy import Policy
from domain.values import Actor, GoodsCondition, GoodsState, RemedyKind, RepairOutcome, Sealed, Stage

Look = tuple[GoodsCondition, tuple[str, ...]]

_INTACT: Look = (GoodsCondition.INTACT, ())
_WORN: Look = (GoodsCondition.DAMAGED, ("tag_removed",))


class Shipping:
    """Moves every leg of one case to one of its ends.

    `later` lets some time pass and tells it, `wait` lets it be this instant.
    """

    def __init__(
        self,
        case: Case,
        by: Actor,
        policy: Policy,
        chance: Random,
        later: Callable[..., datetime],
        wait: Callable[[datetime], None],
        sealed: Callable[[], Sealed],
    ) -> None:
        self._case = case
        self._by = by
        self._policy = policy
        self._chance = chance
        self._later = later
        self._wait = wait
        self._sealed = sealed

    def settle(self) -> None:
        """Until no leg is on its way, or the case is in review again because of one."""
        while self._case.stage is Stage.EXECUTING and not self._case.goods.settled:
            leg = next(leg for leg in self._case.goods.legs.values() if not leg.settled)
            if leg.kind is RemedyKind.REPAIR:
                self._repair(leg.goods_id)
            else:
                self._move(leg.goods_id)

    def _move(self, goods_id: UUID) -> None:
        case, by, later = self._case, self._by, self._later
        if case.goods.leg(goods_id).authorisable and self._perhaps(0.5):
            case.authorise_return(by, goods_id, self._sealed(), self._policy, later(hours=1))
        if self._perhaps(0.3) and self._missed(goods_id):
            return
        case.ship_goods(by, goods_id, "SF-1", later(hours=20))
        if self._perhaps(0.2):
            case.lose_goods(by, goods_id, "SF-2", self._policy, later(hours=40))
        elif self._perhaps(0.2):
            case.refuse_goods(by, goods_id, self._sealed(), self._policy, later(hours=40))
            self._judge(goods_id, at_the_door=True)
        else:
            case.receive_goods(by, goods_id, "SF-2", self._policy, later(hours=40))
            self._judge(goods_id, at_the_door=False)

    def _judge(self, goods_id: UUID, at_the_door: bool) -> None:
        case, by, later = self._case, self._by, self._later
        worn = self._perhaps(0.2)
        if not at_the_door and self._perhaps(0.6):
            condition, found = _WORN if worn else _INTACT
            case.inspect_goods(by, goods_id, condition, found, self._policy, later(hours=5))
        if at_the_door or (worn and case.goods.leg(goods_id).state is GoodsState.INSPECTED):
            case.reject_goods(by, goods_id, "NR-4", self._sealed(), self._policy, later(hours=5))
        elif not (self._perhaps(0.15) and self._missed(goods_id)):
            case.accept_goods(by, goods_id, "SF-3", self._policy, later(hours=5))

    def _repair(self, goods_id: UUID) -> None:
        case, later = self._case, self._later
        case.start_repair(goods_id, self._policy, later(hours=20))
        outcome = RepairOutcome.FAILED if self._perhaps(0.8) else RepairOutcome.REPAIRED
        case.complete_repair(goods_id, outcome, self._policy, later(hours=100))
        if outcome is RepairOutcome.REPAIRED:
            case.accept_goods(self._by, goods_id, "SF-3", self._policy, later(hours=5))

    def _missed(self, goods_id: UUID) -> bool:
        """Whether a clock ran on these goods, which is over now."""
        clock = self._case.clocks.of(goods_id)
        if clock is None:
            return False
        self._wait(clock.due)
        self._case.miss_clock(clock.clock_id, self._policy, clock.due)
        return True

    def _perhaps(self, probability: float) -> bool:
        return self._chance.random() < probability
