"""Commands that decide the case."""

from datetime import datetime
from uuid import UUID

from domain import events
from domain.case.leasing import Leasing
from domain.case.settlement import Settlement
from domain.policy import Policy
from domain.policy.entitlement import Matter, entitlements, goodwill, largest
from domain.refusals import CaseNotVerified, CompensationExceedsEntitlement
from domain.values import MONEY_KINDS, Actor, ReleaseCause, Remedy, RemedyKind, Sealed


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
        after = self.money.granted([one for one in remedies if one.kind in MONEY_KINDS])
        found = (*entitlements(self._matter(), policy, clauses), *goodwill(by.role, order, policy))
        for kind in MONEY_KINDS & {one.kind for one in remedies}:
            best = largest(kind, found)
            limit = best.limit or 0 if best else 0
            granted = after.points() if kind is RemedyKind.POINTS else after.amount_of(kind)
            if granted > limit:
                raise CompensationExceedsEntitlement(f"{kind}: at most {limit}")
        if any(one.amount and one.amount.currency != order.paid.currency for one in remedies):
            raise CompensationExceedsEntitlement(f"only {order.paid.currency} can be granted on this order")

    def _matter(self) -> Matter:
        """What is to be decided, as it was filed and found in this round."""
        filing, found = self.filing, self.verified
        established = frozenset(found.established if found else ())
        loss = found.loss if found else None
        return Matter(filing.order, filing.claim, filing.reason, filing.timestamp, established, loss)
