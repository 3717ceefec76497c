"""What is on its way."""

from typing import TYPE_CHECKING

from domain import events
from domain.case.evolution.fold import evolve
from domain.values import GoodsState

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.GoodsShipped)
def _(fact: events.GoodsShipped, case: "CaseState") -> None:
    case.goods = case.goods.moved(
        fact.goods_id, GoodsState.IN_TRANSIT, fact.reference, fact.originator_version
    )


@evolve.register(events.GoodsReceived)
def _(fact: events.GoodsReceived, case: "CaseState") -> None:
    case.goods = case.goods.moved(fact.goods_id, GoodsState.RECEIVED, fact.reference, fact.originator_version)


@evolve.register(events.GoodsAccepted)
def _(fact: events.GoodsAccepted, case: "CaseState") -> None:
    case.goods = case.goods.moved(fact.goods_id, GoodsState.ACCEPTED, fact.reference, fact.originator_version)
