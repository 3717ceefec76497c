"""What the case asks of whoever looks at it."""

from datetime import datetime

from domain.case.appealing import Appealing
from domain.case.clocks import Running
from domain.case.goods import Leg
from domain.case.state import ENDED
from domain.policy import Policy
from domain.values import (
    ClockKind,
    GoodsState,
    Party,
    RectificationState,
    RemedyKind,
    Side,
    Stage,
    ViewerState,
)

_WITH_THE_PLATFORM = frozenset({Stage.FILED, Stage.IN_REVIEW, Stage.APPEALED})
_OVER = ENDED | {Stage.FOLLOWING_UP}
_PROMISERS = {Party.BUYER: Side.BUYER, Party.MERCHANT: Side.MERCHANT}
_UNDONE = frozenset({RectificationState.ORDERED, RectificationState.REJECTED})


def viewer_state(case: Appealing, side: Side | None, policy: Policy, at: datetime) -> ViewerState:
    """What a side must, may or need not do now; without a side, what the platform's people must.

    What must be done comes before what may be: first a duty, then the platform's review, the right of appeal,
    what others do, and the end.
    """
    if side is None:
        return _to_the_platform(case)
    if _owes(case, side):
        return ViewerState.ACTION_REQUIRED
    if _with_the_platform(case):
        return ViewerState.UNDER_REVIEW
    if case.may_appeal(side, policy, at):
        return ViewerState.APPEALABLE
    return ViewerState.RESOLVED if case.stage in _OVER else ViewerState.WAITING_FOR_OTHER


def _to_the_platform(case: Appealing) -> ViewerState:
    asked = case.follow_ups.current()
    to_ask = case.stage is Stage.FOLLOWING_UP and asked is not None and asked.open
    if to_ask or _with_the_platform(case):
        return ViewerState.ACTION_REQUIRED
    return ViewerState.RESOLVED if case.stage in _OVER else ViewerState.WAITING_FOR_OTHER


def _with_the_platform(case: Appealing) -> bool:
    """Whether its people are to say how the case goes on."""
    asked = case.stage is Stage.NEGOTIATING and _turn(case) is None
    return asked or case.stage in _WITH_THE_PLATFORM


def _owes(case: Appealing, side: Side) -> bool:
    """Whether the side must put its house in order, show or say something in time, or move goods."""
    duty = case.rectification
    if case.stage is Stage.SUSPENDED:
        return False
    if side is Side.MERCHANT and duty and duty.state in _UNDONE:
        return True
    if any(_awaited(case, clock) is side for clock in case.clocks.running.values()):
        return True
    if case.stage is Stage.NEGOTIATING:
        return _turn(case) is side
    return case.stage is Stage.EXECUTING and any(side in _movers(leg, case) for leg in case.goods.standing())


def _awaited(case: Appealing, clock: Running) -> Side | None:
    """From which side a running clock awaits something that it has to say, show or do."""
    match clock.kind:
        case ClockKind.ANSWER:
            return Side.MERCHANT
        case ClockKind.REPLY if case.negotiation:
            return case.negotiation.offers[clock.subject].party.other
        case ClockKind.EVIDENCE:
            return case.evidence.requests[clock.subject].party
        case ClockKind.PROMISE:
            return _PROMISERS.get(case.promises.all[clock.subject].party)
        case _:
            return None


def _turn(case: Appealing) -> Side | None:
    """Whose turn it is while the sides negotiate; once the platform was asked, nobody's."""
    talks = case.negotiation
    return None if talks is None or talks.escalated_by or talks.defaulted else talks.turn


def _movers(leg: Leg, case: Appealing) -> set[Side]:
    """Whose turn it is to move goods, or to say what becomes of them."""
    sender = Side.BUYER if leg.inbound else Side.MERCHANT
    match leg.state:
        case GoodsState.TO_SHIP if leg.inbound:
            return {Side.BUYER, Side.MERCHANT} if leg.authorisable else {Side.BUYER}
        case GoodsState.TO_SHIP:
            return set() if case.goods.returning() else {Side.MERCHANT}
        case GoodsState.REFUSED:
            return {Side.MERCHANT if leg.kind is RemedyKind.RETURN else sender}
        case GoodsState.RECEIVED | GoodsState.INSPECTED:
            return {sender.other}
        case GoodsState.IN_REPAIR | GoodsState.REPAIR_FAILED:
            return {Side.MERCHANT}
        case GoodsState.REPAIRED:
            return {Side.BUYER}
        case _:
            return set()
