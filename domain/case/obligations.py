"""The end of all obligations: the buyer is asked how it went, or nothing came of the case and it ends."""

from datetime import datetime
from uuid import uuid5

from domain import events
from domain.case.state import GOODS_CLOCKS, PROOF_ASKED_FOR, CaseState
from domain.policy import Policy, pack
from domain.policy.calendar import due
from domain.policy.derivation import step
from domain.values import BARE_DUTIES, ClockKind, Derivation, ExpiryGround, Side, Stage


class Obligations(CaseState):
    """What money and goods have in common: when nothing more is owed."""

    def _settle(self, policy: Policy, at: datetime) -> None:
        if not self.money.awaited():
            self._satisfy_clocks(at, ClockKind.EXECUTION)
        if self.stage is not Stage.EXECUTING or not (self.money.settled and self.goods.settled):
            return
        expiry = self.expiry(policy)
        if expiry:
            self._expire(expiry, at)
        else:
            self._schedule_follow_up(policy, at)

    def expiry(self, policy: Policy) -> Derivation:
        """How the clock ends a case whose buyer sent nothing in (O-8); empty while anything else stands."""
        if self.money.standing() or self.goods.standing():
            return ()
        rule, legs = policy.needed(pack.SHIP_RETURN), self.goods.legs
        return tuple(
            step(rule, "expired", goods=str(goods_id), missed=legs[goods_id].lapsed_at)
            for goods_id in self.goods.forgone
        )

    def _expire(self, derivation: Derivation, at: datetime) -> None:
        self._record(
            events.CaseExpired,
            at,
            ground=ExpiryGround.GOODS_NOT_SENT_IN,
            party=Side.BUYER,
            clause=pack.SHIP_RETURN.id,
            goods=self.goods.forgone,
            derivation=derivation,
        )
        self._cancel_clocks(at, *PROOF_ASKED_FOR, *GOODS_CLOCKS, *BARE_DUTIES)

    def _schedule_follow_up(self, policy: Policy, at: datetime) -> None:
        follow_up_id = uuid5(self.id, f"follow-up/{self.version}")
        rule = policy.needed(pack.FOLLOW_UP)
        self._record(
            events.FollowUpScheduled,
            at,
            follow_up_id=follow_up_id,
            due=due(at, rule.terms.delay, policy.calendars),
            max_attempts=rule.terms.attempts,
        )
        self._start_term(ClockKind.FOLLOW_UP, follow_up_id, rule, rule.terms.delay, policy, at)
