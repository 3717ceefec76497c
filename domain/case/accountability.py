"""Commands on the merchant: penalties, and the duty to rectify."""

from datetime import datetime
from uuid import UUID

from domain import events
from domain.case.merchant import Penalty, Rectification
from domain.case.state import CaseState
from domain.policy import Policy, pack
from domain.policy.calendar import due as due_of
from domain.policy.deadlines import appeal_closes
from domain.policy.tariff import tariff_of
from domain.refusals import (
    ConflictOfInterest,
    DecisionMissing,
    PenaltyNotLive,
    PenaltyOutsideTariff,
    RectificationOpen,
    UnknownPart,
    WrongStage,
)
from domain.values import (
    Actor,
    ClockKind,
    Derivation,
    Money,
    PenaltyReversalCause,
    PenaltyState,
    RectificationState,
    Sealed,
)


class Accountability(CaseState):
    """What the case asks of the merchant beyond its remedies."""

    def penalise(
        self,
        by: Actor,
        penalty_id: UUID,
        points: int,
        fine: Money | None,
        clause: str,
        reasons: Sealed,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Penalise the merchant for what the decision established.

        Refused: DecisionMissing, WrongStage, ConflictOfInterest, PenaltyOutsideTariff.
        """
        decision = self._decided("penalties")
        self._no_interest(by.id)
        rule, tariff = policy.needed(pack.PENALTIES), tariff_of(clause, policy)
        if tariff.value is None or not tariff.value.knows(points, fine, policy.currency):
            raise PenaltyOutsideTariff
        closes = appeal_closes(at, policy)
        self._record(
            events.PenaltyAssessed,
            at,
            penalty_id=penalty_id,
            merchant_id=self.filing.merchant_id,
            decision_id=decision.decision_id,
            points=points,
            fine=fine,
            clause=clause,
            expires_at=due_of(at, rule.terms.expiry, policy.calendars),
            policy=policy.version,
            reasons=reasons,
            by=by.id,
            appeal_until=closes.value,
            derivation=closes.derivation + tariff.derivation,
        )
        self._start_term(ClockKind.PENALTY_EXPIRY, penalty_id, rule, rule.terms.expiry, policy, at)

    def adjust_penalty(
        self,
        by: Actor,
        penalty_id: UUID,
        points: int,
        fine: Money | None,
        reasons: Sealed,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Lower a penalty that somebody else assessed: fewer points, or a smaller fine, within its tariff.

        Raises UnknownPart. Refused: WrongStage, PenaltyNotLive, ConflictOfInterest, PenaltyOutsideTariff.
        """
        penalty = self.penalties.get(penalty_id)
        if penalty is None:
            raise UnknownPart("penalty")
        self._in_stage("adjustment")
        if penalty.state is not PenaltyState.LIVE:
            raise PenaltyNotLive(f"it is {penalty.state}")
        if penalty.by == by.id:
            raise ConflictOfInterest("the penalty was assessed by the same person")
        self._no_interest(by.id)
        tariff = self._lowered(penalty, points, fine, policy)
        self._record(
            events.PenaltyAdjusted,
            at,
            penalty_id=penalty_id,
            merchant_id=self.filing.merchant_id,
            points=points,
            fine=fine,
            policy=policy.version,
            by=by.id,
            reasons=reasons,
            derivation=tariff,
        )

    def _lowered(self, penalty: Penalty, points: int, fine: Money | None, policy: Policy) -> Derivation:
        """How a lower penalty stands in its tariff. Refused: PenaltyOutsideTariff."""
        tariff = tariff_of(penalty.clause, policy)
        if tariff.value is None or not tariff.value.knows(points, fine, policy.currency):
            raise PenaltyOutsideTariff
        if not penalty.lowered_by(points, fine):
            raise PenaltyOutsideTariff("a penalty that was assessed is only lowered")
        return tariff.derivation

    def order_rectification(self, rectification_id: UUID, terms: Sealed, due: datetime, at: datetime) -> None:
        """Tell the merchant what to put right by when.

        Refused: DecisionMissing, WrongStage, RectificationOpen.
        """
        self._decided("rectification")
        if self.rectification and self.rectification.open:
            raise RectificationOpen
        self._record(
            events.RectificationOrdered,
            at,
            rectification_id=rectification_id,
            merchant_id=self.filing.merchant_id,
            terms=terms,
            due=due,
        )
        self._start_clock(ClockKind.RECTIFICATION, rectification_id, due, at)

    def submit_rectification(self, text: Sealed, at: datetime) -> None:
        """Record what the merchant did. Raises UnknownPart. Refused: WrongStage when it is over."""
        duty = self._open_rectification()
        self._record(events.RectificationSubmitted, at, rectification_id=duty.rectification_id, text=text)

    def judge_rectification(self, accepted: bool, reasons: Sealed, at: datetime) -> None:
        """Take what the merchant submitted as enough, or not. One rejected after its term lapses.

        Raises UnknownPart. Refused: WrongStage when it is over, RectificationOpen when nothing was submitted.
        """
        duty = self._open_rectification()
        if duty.state is not RectificationState.SUBMITTED:
            raise RectificationOpen("the merchant has submitted nothing to judge")
        fact = events.RectificationAccepted if accepted else events.RectificationRejected
        self._record(fact, at, rectification_id=duty.rectification_id, reasons=reasons)
        if accepted:
            self._end_clock(duty.rectification_id, events.ClockSatisfied, at)
        elif self.clocks.of(duty.rectification_id) is None:
            self._lapse(duty, at)

    def waive_rectification(self, reasons: Sealed, at: datetime) -> None:
        """Ask no more of the merchant. Raises UnknownPart. Refused: WrongStage when it is over."""
        duty = self._open_rectification()
        self._record(events.RectificationWaived, at, rectification_id=duty.rectification_id, reasons=reasons)
        self._end_clock(duty.rectification_id, events.ClockCancelled, at)

    def _open_rectification(self) -> Rectification:
        if self.rectification is None:
            raise UnknownPart("rectification")
        if not self.rectification.open:
            self._unless_closed()
            raise WrongStage(f"the rectification is {self.rectification.state}")
        return self.rectification

    def _lapse(self, duty: Rectification, at: datetime) -> None:
        self._record(
            events.RectificationLapsed,
            at,
            rectification_id=duty.rectification_id,
            merchant_id=self.filing.merchant_id,
        )

    def _let_off(
        self, decision_id: UUID, cause: PenaltyReversalCause, at: datetime, appeal_id: UUID | None = None
    ) -> None:
        """Take back what rests on a decision that fell: every penalty, and an open duty to rectify."""
        for penalty in list(self.penalties.values()):
            if penalty.decision_id == decision_id:
                self._reverse_penalty(penalty.penalty_id, cause, at, appeal_id)
        duty = self.rectification
        if duty is None or not duty.open or duty.decision_id != decision_id:
            return
        self._record(
            events.RectificationWaived, at, rectification_id=duty.rectification_id, appeal_id=appeal_id
        )
        self._end_clock(duty.rectification_id, events.ClockCancelled, at)

    def _reverse_penalty(
        self, penalty_id: UUID, cause: PenaltyReversalCause, at: datetime, appeal_id: UUID | None
    ) -> None:
        if self.penalties[penalty_id].state is PenaltyState.REVERSED:
            return
        self._record(
            events.PenaltyReversed,
            at,
            penalty_id=penalty_id,
            merchant_id=self.filing.merchant_id,
            cause=cause,
            appeal_id=appeal_id,
        )
        self._end_clock(penalty_id, events.ClockCancelled, at)

    def _decided(self, command: str) -> events.DecisionIssued:
        if self.decision is None:
            self._unless_closed()
            raise DecisionMissing
        self._in_stage(command)
        return self.decision
