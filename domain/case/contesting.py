"""The command by which a side has people decide what the system decided."""

from datetime import datetime

from domain import events
from domain.case.accountability import Accountability
from domain.case.settlement import Settlement
from domain.case.state import unopposed
from domain.policy import Policy, pack
from domain.policy.deadlines import appeal_closes
from domain.policy.derivation import shown
from domain.refusals import DecisionNotAutomated, HumanReviewWindowOver
from domain.values import SIDES, Actor, ClockKind, CompensationState, Derivation, ReversalCause, Sealed, Stage

_NOT_UNDER_WAY = (CompensationState.AUTHORISED, CompensationState.FAILED)


class Contesting(Settlement, Accountability):
    """Whom a decision concerns need not have one that no person had a part in (D-3)."""

    def demand_review(self, by: Actor, reasons: Sealed, policy: Policy, at: datetime) -> None:
        """Have people decide anew what the system decided, within the time to appeal (M-4).

        What is under way comes to its end, and what was paid stands until they have decided; the rest falls.
        A closed case is thereby taken up again.

        Refused: CaseAlreadyClosed and DecisionMissing where nothing was decided, WrongStage,
        DecisionNotAutomated, HumanReviewWindowOver.
        """
        decision, derivation = self._contestable(policy, at)
        self._record(
            events.HumanReviewDemanded,
            at,
            party=SIDES[by.role],
            decision_id=decision.decision_id,
            round=self.round + 1,
            reasons=reasons,
            cancelled=self.goods.idle(),
            derivation=derivation,
            due=self.due_in(Stage.IN_REVIEW, policy, at),
        )
        self._cancel_clocks(at, ClockKind.EXECUTION, ClockKind.FOLLOW_UP, ClockKind.GOODS_SHIPMENT)
        for line in self.money.standing():
            if line.state in _NOT_UNDER_WAY:
                self._reverse_line(line, ReversalCause.HUMAN_REVIEW, policy, at)

    def _contestable(self, policy: Policy, at: datetime) -> tuple[events.DecisionIssued, Derivation]:
        """The system's decision, and until when people can be asked to make it."""
        decision = self._decided("human-review")
        if not decision.automated:
            raise DecisionNotAutomated
        if any(one.target == decision.decision_id and one.judged for one in self.appeals.all.values()):
            raise DecisionNotAutomated("people have judged it on appeal")
        closes = appeal_closes(decision.timestamp, policy)
        until = self.appeals.put_off(decision.timestamp, closes.value)
        if at >= until:
            raise HumanReviewWindowOver(f"{pack.APPEAL.id}: until {shown(until)}")
        return decision, closes.derivation

    def _beyond_contest(self, policy: Policy, at: datetime) -> set[str]:
        return set() if unopposed(lambda: self._contestable(policy, at)) else {"human-review"}
