"""What the case asks of whoever looks at it."""

from datetime import datetime

from domain.case.appealing import Appealing
from domain.case.goods import Leg
from domain.policy import Policy
from domain.values import GoodsState, RectificationState, RemedyKind, Side, Stage, ViewerState

_WITH_THE_PLATFORM = frozenset({Stage.FILED, Stage.IN_REVIEW, Stage.APPEALED})
_OVER = frozenset({Stage.FOLLOWING_UP, Stage.CLOSED, Stage.WITHDRAWN, Stage.MERGED})
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
    """Whether the side must put its house in order, or move goods."""
    duty = case.rectification
    if side is Side.MERCHANT and duty and duty.state in _UNDONE:
        return True
    return case.stage is Stage.EXECUTING and any(
        _mover(leg) is side for leg in case.goods.standing() if not leg.settled
    )


def _mover(leg: Leg) -> Side:
    """Whose turn it is to move goods: the sender's until they have left, then the receiver's."""
    sender = Side.BUYER if leg.kind is RemedyKind.RETURN else Side.MERCHANT
    return sender if leg.state is GoodsState.TO_SHIP else sender.other
