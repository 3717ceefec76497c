"""Commands that give the buyer something beside any decision."""

from datetime import datetime

from domain import events
from domain.case.leasing import Leasing
from domain.case.settlement import Settlement
from domain.policy import Policy
from domain.policy.entitlement import goodwill
from domain.refusals import GoodwillOverLimit
from domain.values import Actor, Derivation, Remedy, RemedyKind, Role, Sealed


class Giving(Leasing, Settlement):
    """Goodwill: the platform's own gift, which needs no finding and says nothing about one."""

    def grant_goodwill(self, by: Actor, gift: Remedy, reasons: Sealed, policy: Policy, at: datetime) -> None:
        """Give a coupon or points, and instruct it at once.

        Refused: CaseAlreadyClosed, WrongStage, ConflictOfInterest, GoodwillOverLimit.
        """
        self._unless_closed()
        self._in_stage("goodwill")
        self._impartial(by.id)
        self._record(
            events.GoodwillGranted,
            at,
            compensation_id=gift.remedy_id,
            by=by.id,
            role=by.role,
            kind=gift.kind,
            amount=gift.amount,
            points=gift.points,
            policy=policy.version,
            reasons=reasons,
            derivation=self.within_limit(by.role, gift, policy),
        )
        self._instruct([self.money.line(gift.remedy_id)], at)

    def within_limit(self, role: Role, gift: Remedy, policy: Policy) -> Derivation:
        """What the role may give over the whole case (O-1), this gift too. Refused: GoodwillOverLimit."""
        order, after = self.filing.order, self.money.given(gift)
        if gift.amount and gift.amount.currency != order.paid.currency:
            raise GoodwillOverLimit(f"only {order.paid.currency} can be given on this order")
        limits = {one.kind: one for one in goodwill(role, order, policy)}
        limit = limits[gift.kind]
        given = after.points() if gift.kind is RemedyKind.POINTS else after.amount_of(gift.kind)
        if given > (limit.limit or 0):
            raise GoodwillOverLimit(f"at most {limit.limit} over the whole case")
        return limit.derivation
