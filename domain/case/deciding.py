"""Commands that decide the case."""

from datetime import datetime
from uuid import UUID

from domain import events
from domain.case.leasing import Leasing
from domain.case.settlement import Settlement
from domain.policy import Policy, pack
from domain.policy.entitlement import multiple_cap
from domain.refusals import CaseNotVerified, CompensationExceedsEntitlement
from domain.values import GOODS_KINDS, Actor, ReleaseCause, Remedy, RemedyKind, Sealed


class Deciding(Leasing, Settlement):
    """What is granted, under which clauses."""

    def decide(
        self,
        by: Actor,
        token: str | None,
        decision_id: UUID,
        remedies: tuple[Remedy, ...],
        clauses: tuple[str, ...],
        reasons: Sealed,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Decide the round, release the lease, instruct what need not wait; with nothing to do, follow up.

        Refused: CaseAlreadyClosed, CaseNotClaimed, CaseClaimedByAnother, CaseNotVerified, WrongStage,
        CompensationExceedsEntitlement.
        """
        self._unless_closed()
        self._claimed_by(by, token, at)
        if self.verified is None:
            raise CaseNotVerified
        self._in_stage("decisions")
        self._within_entitlement(by, remedies, clauses, policy)
        self._record(
            events.DecisionIssued,
            at,
            decision_id=decision_id,
            round=self.round,
            by=by.id,
            remedies=remedies,
            clauses=clauses,
            policy=policy.version,
            reasons=reasons,
        )
        self._record(events.CaseReleased, at, holder=by.id, cause=ReleaseCause.DECIDED)
        self._instruct_payable(at)
        self._settle(policy, at)

    def _within_entitlement(
        self, by: Actor, remedies: tuple[Remedy, ...], clauses: tuple[str, ...], policy: Policy
    ) -> None:
        order = self.filing.order
        goodwill = policy.need(pack.GOODWILL).limits.get(by.role)
        after = self.money.granted([one for one in remedies if one.kind not in GOODS_KINDS])
        caps = {
            RemedyKind.REFUND: order.paid.amount_minor,
            RemedyKind.FREIGHT: policy.need(pack.FREIGHT_CAP).minor,
            RemedyKind.MULTIPLE: multiple_cap(order, clauses, policy).amount_minor,
            RemedyKind.COUPON: goodwill.coupon_minor if goodwill else 0,
        }
        granted = {one.kind for one in remedies}
        for kind, cap in caps.items():
            if kind in granted and after.amount_of(kind) > cap:
                raise CompensationExceedsEntitlement(
                    f"{kind}: at most {cap} {order.paid.currency} minor units"
                )
        if RemedyKind.POINTS in granted and after.points() > (goodwill.points if goodwill else 0):
            raise CompensationExceedsEntitlement("points")
        if any(one.amount and one.amount.currency != order.paid.currency for one in remedies):
            raise CompensationExceedsEntitlement(f"only {order.paid.currency} can be granted on this order")
