"""What is on its way, and what is repaired."""

from dataclasses import replace
from typing import TYPE_CHECKING

from domain import events
from domain.case.evolution.fold import evolve
from domain.case.goods import Leg
from domain.values import GoodsState, RemedyKind, RepairOutcome

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.ReturnAuthorised)
def _(fact: events.ReturnAuthorised, case: "CaseState") -> None:
    case.goods = case.goods.put(replace(case.goods.legs[fact.goods_id], ship_by=fact.ship_by))


@evolve.register(events.GoodsShipped)
def _(fact: events.GoodsShipped, case: "CaseState") -> None:
    leg = replace(case.goods.legs[fact.goods_id], state=GoodsState.IN_TRANSIT)
    case.goods = case.goods.put(leg.reported(fact.reference, fact.originator_version))


@evolve.register(events.GoodsRefused)
def _(fact: events.GoodsRefused, case: "CaseState") -> None:
    case.goods = case.goods.put(replace(case.goods.legs[fact.goods_id], state=GoodsState.REFUSED))


@evolve.register(events.GoodsReceived)
def _(fact: events.GoodsReceived, case: "CaseState") -> None:
    leg = replace(case.goods.legs[fact.goods_id], state=GoodsState.RECEIVED, received_at=fact.timestamp)
    case.goods = case.goods.put(leg.reported(fact.reference, fact.originator_version))


@evolve.register(events.GoodsInspected)
def _(fact: events.GoodsInspected, case: "CaseState") -> None:
    leg = replace(case.goods.legs[fact.goods_id], state=GoodsState.INSPECTED, condition=fact.condition)
    case.goods = case.goods.put(leg)


@evolve.register(events.GoodsAccepted)
def _(fact: events.GoodsAccepted, case: "CaseState") -> None:
    leg = replace(case.goods.legs[fact.goods_id], state=GoodsState.ACCEPTED)
    case.goods = case.goods.put(leg.reported(fact.reference, fact.originator_version))


@evolve.register(events.GoodsRejected)
def _(fact: events.GoodsRejected, case: "CaseState") -> None:
    case.goods = case.goods.failing(replace(case.goods.legs[fact.goods_id], state=GoodsState.REJECTED))


@evolve.register(events.GoodsLost)
def _(fact: events.GoodsLost, case: "CaseState") -> None:
    leg = replace(case.goods.legs[fact.goods_id], state=GoodsState.LOST)
    case.goods = case.goods.failing(leg.reported(fact.reference, fact.originator_version))


@evolve.register(events.GoodsLapsed)
def _(fact: events.GoodsLapsed, case: "CaseState") -> None:
    """The buyer's silence ends the matter; the merchant's is a failure."""
    leg = replace(case.goods.legs[fact.goods_id], state=GoodsState.LAPSED, lapsed_at=fact.timestamp)
    goods = case.goods.forgoing(leg) if leg.inbound else case.goods.failing(leg)
    case.goods = goods.cancelled(fact.cancelled)


@evolve.register(events.RepairStarted)
def _(fact: events.RepairStarted, case: "CaseState") -> None:
    leg = replace(case.goods.legs[fact.goods_id], state=GoodsState.IN_REPAIR, repair_began=fact.timestamp)
    case.goods = replace(case.goods.put(leg), repairs=fact.number)


@evolve.register(events.RepairCompleted)
def _(fact: events.RepairCompleted, case: "CaseState") -> None:
    done = fact.outcome is RepairOutcome.REPAIRED
    state = GoodsState.REPAIRED if done else GoodsState.REPAIR_FAILED
    leg = replace(case.goods.legs[fact.goods_id], state=state)
    case.goods = case.goods.put(leg).repaired(fact.outcome)


@evolve.register(events.ExchangeOpened)
def _(fact: events.ExchangeOpened, case: "CaseState") -> None:
    legs = [
        replace(case.goods.legs[fact.goods_id], state=GoodsState.EXCHANGED),
        Leg(fact.replacement_id, RemedyKind.REPLACEMENT),
    ]
    if fact.return_id:
        legs.append(Leg(fact.return_id, RemedyKind.RETURN))
    case.goods = case.goods.put(*legs)
    if fact.goods_id in case.granted:
        case.granted = case.granted | {leg.goods_id for leg in legs}
