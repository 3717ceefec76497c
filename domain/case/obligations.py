"""The end of all obligations: with the last one settled, the buyer is to be asked how it went."""

from datetime import datetime
from uuid import uuid5

from domain import events
from domain.case.state import CaseState
from domain.policy import Policy, pack
from domain.policy.calendar import due
from domain.values import ClockKind, Stage


class Obligations(CaseState):
    """What money and goods have in common: when nothing more is owed."""

    def _settle(self, policy: Policy, at: datetime) -> None:
        if not self.money.awaited():
            self._satisfy_clocks(at, ClockKind.EXECUTION)
        if self.stage is not Stage.EXECUTING or not (self.money.settled and self.goods.settled):
            return
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
