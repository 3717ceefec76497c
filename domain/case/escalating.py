"""Commands that take the case from the sides to the platform, and what a merchant's silence leads to."""

from datetime import datetime
from uuid import UUID, uuid5

from domain import events
from domain.case.clocks import Running
from domain.case.negotiating import Negotiating
from domain.case.negotiation import Negotiation
from domain.case.state import PROOF_ASKED_FOR, unopposed
from domain.policy import Policy, pack
from domain.policy.claim import asked_for, spread
from domain.policy.deadlines import appeal_closes, escalation_closes, escalation_opens
from domain.policy.derivation import shown, step
from domain.policy.entitlement import Entitlement, entitlements, largest
from domain.refusals import (
    CaseAlreadyEscalated,
    EscalationTooEarly,
    EscalationWindowOver,
)
from domain.values import (
    MONEY_KINDS,
    NEGOTIATORS,
    SIDES,
    Actor,
    ClockKind,
    Derivation,
    EscalationGround,
    Remedy,
    RemedyKind,
    Role,
    Sealed,
    Side,
    Stage,
)

MACHINE = Actor("system", Role.SYSTEM)
"""As whom the system decides."""


class Escalating(Negotiating):
    """M-5: who may ask the platform and when. M-1: a merchant that is silent is decided against."""

    def escalate(self, by: Actor, reasons: Sealed, policy: Policy, at: datetime) -> None:
        """Ask the platform to decide; a merchant that is complained of must answer in time (M-1).

        Refused: CaseAlreadyClosed, WrongStage, CaseAlreadyEscalated, EscalationTooEarly,
        EscalationWindowOver.
        """
        self._unless_closed()
        self._in_stage("escalation")
        side = SIDES[by.role]
        derivation = self._escalatable(side, policy, at)
        talks = self._talks()
        self._record(
            events.CaseEscalated,
            at,
            party=side,
            ground=_ground(talks, side),
            reasons=reasons,
            derivation=derivation,
            due=self.due_in(Stage.IN_REVIEW, policy, at),
        )
        self._cancel_clocks(at, ClockKind.REPLY)
        if side is Side.BUYER and not self.clocks.of_kind(ClockKind.ANSWER):
            self._await_answer(talks.notice_id, policy, at)

    def _escalatable(self, side: Side, policy: Policy, at: datetime) -> Derivation:
        """How M-5 opens the platform to this side: it was refused, or has negotiated for long enough."""
        talks = self._talks()
        if talks.escalated_by:
            raise CaseAlreadyEscalated
        refused = talks.refusals.get(side.other)
        if refused:
            closes = escalation_closes(refused, policy)
            until = self.appeals.put_off(refused, closes.value)
            if at >= until:
                raise EscalationWindowOver(f"{pack.ESCALATION.id}: until {shown(until)}")
            return closes.derivation
        opens = escalation_opens(talks.began, policy)
        if at < opens.value:
            raise EscalationTooEarly(
                f"{pack.ESCALATION.id}: from {shown(opens.value)} on, or after a refusal"
            )
        return opens.derivation

    def _out_of_turn(self, by: Actor, policy: Policy, at: datetime) -> set[str]:
        """What the turn and the windows keep this caller from."""
        barred, side = set(), NEGOTIATORS.get(by.role)
        if self.negotiation is None or self.negotiation.turn is not side:
            barred.add("offers")
        if side is not Side.MERCHANT or not unopposed(lambda: self._may_answer(at)):
            barred.add("answers")
        if not unopposed(lambda: self._escalatable(SIDES.get(by.role, Side.BUYER), policy, at)):
            barred.add("escalation")
        return barred

    def _default(self, clock: Running, policy: Policy, at: datetime) -> None:
        """The merchant was silent (M-1). Where nobody of the platform is at it yet, the system decides.

        What only people can grant, people decide.
        """
        rule = policy.needed(pack.ANSWER)
        self._record(
            events.MerchantDefaulted,
            at,
            clause=rule.key.id,
            derivation=(step(rule, "defaulted", due=clock.due, missed=at),),
        )
        if self.stage is not Stage.NEGOTIATING:
            return
        self._step_in(MACHINE, policy, at)
        decision_id = uuid5(self.id, f"default/{self.version}")
        remedies, derivation = self.granted_by_default(decision_id, policy)
        if not remedies:
            return
        closes = appeal_closes(at, policy)
        self._record(
            events.DecisionIssued,
            at,
            decision_id=decision_id,
            round=self.round,
            by=MACHINE.id,
            remedies=remedies,
            clauses=(rule.key.id,),
            policy=policy.version,
            reasons=None,
            appeal_until=closes.value,
            derivation=closes.derivation + derivation,
            automated=True,
            due=self.due_in(Stage.EXECUTING, policy, at),
        )
        self._cancel_clocks(at, *PROOF_ASKED_FOR)
        self._execute(decision_id, policy, at)

    def granted_by_default(self, decision_id: UUID, policy: Policy) -> tuple[tuple[Remedy, ...], Derivation]:
        """What a silent merchant owes by the decision of this id: what is claimed, as far as it is due."""
        rule, filing = policy.needed(pack.ANSWER), self.filing
        opened = self._opened(policy)
        room = {kind: one.limit or 0 for kind, one in opened.items()}
        money = spread(asked_for(filing.claim, filing.order), filing.claim.remedies, room)
        remedies = self._claimed(decision_id, money)
        entitled = (part for kind in money for part in opened[kind].derivation)
        granted = (step(rule, _granting(one), kind=str(one.kind)) for one in remedies)
        return remedies, (*entitled, *granted)

    def _opened(self, policy: Policy) -> dict[RemedyKind, Entitlement]:
        """The most that may be granted of each claimed kind of money without asking anybody."""
        found = entitlements(self.matter(), policy)
        claimed = MONEY_KINDS & set(self.filing.claim.remedies)
        best = {kind: largest(kind, found) for kind in claimed}
        return {kind: one for kind, one in best.items() if one}


def _ground(talks: Negotiation, side: Side) -> EscalationGround:
    if side.other in talks.refusals:
        return EscalationGround.REFUSED
    return EscalationGround.SILENCE if talks.turn is side.other else EscalationGround.NO_AGREEMENT


def _granting(remedy: Remedy) -> int | str:
    return remedy.amount.amount_minor if remedy.amount else "granted"
