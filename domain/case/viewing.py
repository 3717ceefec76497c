"""What the case asks of whoever looks at it."""

from datetime import datetime

from domain.case.appealing import Appealing
from domain.case.clocks import Running
from domain.case.goods import Leg
from domain.policy import Policy
from domain.values import (
    ClockKind,
    EvidenceParty,
    GoodsState,
    RectificationState,
    Side,
    Stage,
    ViewerState,
)

_WITH_THE_PLATFORM = frozenset({Stage.FILED, Stage.IN_REVIEW, Stage.APPEALED})
_OVER = frozenset({Stage.FOLLOWING_UP, Stage.CLOSED, Stage.WITHDRAWN, Stage.MERGED})
_PROMISERS = {EvidenceParty.BUYER: Side.BUYER, EvidenceParty.MERCHANT: Side.MERCHANT}
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
    if case.stage in _WITH_THE_PLATFORM:
        return ViewerState.UNDER_REVIEW
    if case.may_appeal(side, policy, at):
        return ViewerState.APPEALABLE
    return ViewerState.RESOLVED if case.stage in _OVER else ViewerState.WAITING_FOR_OTHER


def _to_the_platform(case: Appealing) -> ViewerState:
    asked = case.follow_ups.current()
    to_ask = case.stage is Stage.FOLLOWING_UP and asked is not None and asked.open
    if to_ask or case.stage in _WITH_THE_PLATFORM:
        return ViewerState.ACTION_REQUIRED
    return ViewerState.RESOLVED if case.stage in _OVER else ViewerState.WAITING_FOR_OTHER


def _owes(case: Appealing, side: Side) -> bool:
    """Whether the side must put its house in order, say something in time, or move goods."""
    duty = case.rectification
    if side is Side.MERCHANT and duty and duty.state in _UNDONE:
        return True
    if any(_awaited(case, clock) is side for clock in case.clocks.running.values()):
        return True
    return case.stage is Stage.EXECUTING and any(
        _mover(leg) is side for leg in case.goods.standing() if not leg.settled
    )


def _awaited(case: Appealing, clock: Running) -> Side | None:
    """From which side a running clock awaits something that it has to say, show or do."""
    match clock.kind:
        case ClockKind.ANSWER | ClockKind.GOODS_HANDLING:
            return Side.MERCHANT
        case ClockKind.REPLY if case.negotiation:
            return case.negotiation.offers[clock.subject].party.other
        case ClockKind.EVIDENCE:
            return case.evidence.requests[clock.subject].party
        case ClockKind.PROMISE:
            return _PROMISERS.get(case.promises.all[clock.subject].party)
        case _:
            return None


def _mover(leg: Leg) -> Side:
    """Whose turn it is to move goods: the sender's until they have left, then the receiver's."""
    sender = Side.BUYER if leg.inbound else Side.MERCHANT
    return sender if leg.state is GoodsState.TO_SHIP else sender.other
