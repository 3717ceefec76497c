"""What the case means for the merchant: penalties, and a duty to rectify."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from domain.values import Money, PenaltyState, RectificationState

OPEN_RECTIFICATION = frozenset(
    {RectificationState.ORDERED, RectificationState.SUBMITTED, RectificationState.REJECTED}
)


@dataclass(frozen=True, slots=True)
class Penalty:
    """One penalty, the decision that it rests on, and whether it counts."""

    penalty_id: UUID
    decision_id: UUID
    points: int
    fine: Money | None
    clause: str
    by: str | None = None
    state: PenaltyState = PenaltyState.LIVE

    def lowered_by(self, points: int, fine: Money | None) -> bool:
        """Whether these are less than it counts for, and more in nothing."""
        old, new = _minor(self.fine), _minor(fine)
        same = fine is None or self.fine is None or fine.currency == self.fine.currency
        return same and points <= self.points and new <= old and (points, new) != (self.points, old)


def _minor(fine: Money | None) -> int:
    return fine.amount_minor if fine else 0


@dataclass(frozen=True, slots=True)
class Rectification:
    """What the merchant must put right, by when, and because of which decision."""

    rectification_id: UUID
    due: datetime
    decision_id: UUID | None = None
    state: RectificationState = RectificationState.ORDERED

    @property
    def open(self) -> bool:
        """Whether it still holds the case."""
        return self.state in OPEN_RECTIFICATION

    def now(self, state: RectificationState) -> "Rectification":
        """In another state."""
        return replace(self, state=state)
