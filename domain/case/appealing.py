"""Commands on appeals (M-4): once a party and round, in time, with new evidence, to another reviewer."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from domain import events
from domain.case.accountability import Accountability
from domain.case.appeal import Appeal, Ruling
from domain.case.deciding import Award, Deciding
from domain.case.ending import Ending
from domain.case.money import Ledger
from domain.case.proving import Proving
from domain.case.state import PROOF_ASKED_FOR, STAGES
from domain.case.variation import Difference, difference, idle
from domain.policy import Policy, pack
from domain.policy.deadlines import appeal_closes
from domain.refusals import (
    AlreadyAppealed,
    AmountMismatch,
    AppealOpen,
    AppealTargetMissing,
    AppealWindowOver,
    NewEvidenceMissing,
    SecondReviewRequired,
    UnknownPart,
    WrongStage,
)
from domain.values import (
    MONEY_KINDS,
    SIDES,
    Actor,
    AppealAgainst,
    ClockKind,
    Derivation,
    Exhibit,
    Money,
    Party,
    PenaltyReversalCause,
    Remedy,
    ReopenGround,
    ReversalCause,
    Sealed,
    Side,
    Stage,
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Who judges an appeal, under which lease, by which clauses and for which reasons."""

    by: Actor
    token: str | None
    clauses: tuple[str, ...]
    reasons: Sealed


class Appealing(Proving, Deciding, Ending, Accountability):
    """A party's second chance, and what comes of it."""

    def appeal(
        self,
        by: Actor,
        appeal_id: UUID,
        against: AppealAgainst,
        target: UUID | None,
        evidence: tuple[UUID, ...],
        exhibits: tuple[Exhibit, ...],
        reasons: Sealed,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Appeal for one's own side. A closed case is thereby taken up again.

        target: which decision, penalty or recovery; None: the last one · evidence: what is on file ·
        exhibits: what is put on file with the appeal.

        Refused: AppealOpen, AppealTargetMissing, WrongStage, AppealWindowOver, AlreadyAppealed,
        EvidenceTakenBack, NewEvidenceMissing. Raises UnknownPart for evidence that is not on file.
        """
        side = SIDES[by.role]
        ruling = self._appealable(side, against, target, policy, at)
        self._brings_new_evidence(ruling, evidence, exhibits)
        rule = policy.needed(pack.EXECUTION)
        self._record(
            events.AppealFiled,
            at,
            appeal_id=appeal_id,
            party=side,
            against=against,
            target=ruling.ruling_id,
            round=self.round,
            evidence=(*evidence, *(one.evidence_id for one in exhibits)),
            reasons=reasons,
            by=by.id,
            resumes=self.stage,
            due=self.due_in(Stage.APPEALED, policy, at),
        )
        for one in exhibits:
            party = Party(side)
            self.submit_evidence(by, one.evidence_id, party, one.kind, one.sha256, one.title, one.uri, at)
        self._start_term(ClockKind.APPEAL, appeal_id, rule, rule.terms.review, policy, at)

    def may_appeal(self, side: Side, policy: Policy, at: datetime) -> bool:
        """Whether there is anything that this side could appeal against now."""
        in_stage = self.stage in STAGES["appeals"]
        return in_stage and not self._used_up(side, policy) and bool(self.appeals.in_time(side, at))

    def _no_appeal_of(self, by: Actor, policy: Policy, at: datetime) -> set[str]:
        """The commands on appeals, and on the lease under which they are judged, not open to this caller."""
        side, open_one, barred = SIDES.get(by.role), self.appeals.open(), set()
        if side is None or not self.may_appeal(side, policy, at):
            barred.add("appeals")
        if open_one is None or open_one.party is not side:
            barred.add("appeal-withdrawal")
        if not self._may_judge(by.id, by.role):
            barred |= {"appeal-decision", "lease"}
        lease = self._live_lease(at)
        return barred if lease and lease.holder == by.id else barred | {"appeal-decision"}

    def _appealable(
        self, side: Side, against: AppealAgainst, target: UUID | None, policy: Policy, at: datetime
    ) -> Ruling:
        if self.stage is Stage.APPEALED:
            raise AppealOpen
        ruling = self.appeals.ruling(side, against, target)
        if ruling is None:
            raise AppealTargetMissing
        self._in_stage("appeals")
        if not self.appeals.open_at(ruling, at):
            raise AppealWindowOver(f"{pack.APPEAL.id}: until {self.appeals.until(ruling)}")
        if self._used_up(side, policy):
            raise AlreadyAppealed(f"{pack.APPEAL.id}: round {self.round}")
        return ruling

    def _used_up(self, side: Side, policy: Policy) -> bool:
        return self.appeals.filed(side, self.round) >= policy.need(pack.APPEAL).per_round

    def _brings_new_evidence(
        self, ruling: Ruling, evidence: tuple[UUID, ...], exhibits: tuple[Exhibit, ...]
    ) -> None:
        self.evidence.weighable(evidence)
        if not exhibits and not any(self.evidence.filed_after(ruling.version, one) for one in evidence):
            raise NewEvidenceMissing(pack.APPEAL.id)

    def withdraw_appeal(self, by: Actor, appeal_id: UUID, policy: Policy, at: datetime) -> None:
        """Take one's own appeal back; the case goes on as if there had been none, but it is used up.

        Raises UnknownPart, also for the other side's. Refused: CaseAlreadyClosed, WrongStage when it is over.
        """
        appeal = self.appeals.appeal(appeal_id)
        if appeal.party is not SIDES[by.role]:
            raise UnknownPart("appeal")
        self._unless_closed()
        self._undecided(appeal)
        self._record(
            events.AppealWithdrawn,
            at,
            appeal_id=appeal_id,
            resumes=appeal.resumes,
            due=self.due_in(appeal.resumes, policy, at),
        )
        self._end_of_appeal(appeal_id, events.ClockCancelled, at)
        self._carry_on(policy, at)

    # --- deciding ---

    def uphold(self, judgement: Judgement, appeal_id: UUID, policy: Policy, at: datetime) -> None:
        """Let what was appealed against stand; the case goes on where it was. Refuses as `overturn`."""
        appeal = self._judged(judgement, appeal_id, policy, at)
        self._record(
            events.DecisionUpheld,
            at,
            appeal_id=appeal_id,
            by=judgement.by.id,
            clauses=judgement.clauses,
            reasons=judgement.reasons,
            resumes=appeal.resumes,
            due=self.due_in(appeal.resumes, policy, at),
        )
        self._end_of_appeal(appeal_id, events.ClockSatisfied, at)
        self._carry_on(policy, at)

    def overturn(self, judgement: Judgement, appeal_id: UUID, policy: Policy, at: datetime) -> None:
        """Let what was appealed against fall, and with a decision all that rests on it: a new round begins.

        Raises UnknownPart. Refused: CaseAlreadyClosed, AnotherReviewerRequired, ConflictOfInterest,
        CaseNotClaimed, CaseClaimedByAnother, WrongStage when it is over, ClauseNotInForce.
        """
        appeal = self._judged(judgement, appeal_id, policy, at)
        of_a_decision = appeal.against is AppealAgainst.DECISION
        fallen = idle(self._legs()) if of_a_decision else ()
        resumes = Stage.IN_REVIEW if of_a_decision else appeal.resumes
        self._record(
            events.DecisionOverturned,
            at,
            appeal_id=appeal_id,
            by=judgement.by.id,
            clauses=judgement.clauses,
            reasons=judgement.reasons,
            resumes=resumes,
            cancelled=fallen,
            due=self.due_in(resumes, policy, at),
        )
        self._end_of_appeal(appeal_id, events.ClockSatisfied, at)
        match appeal.against:
            case AppealAgainst.DECISION:
                self._cancel_shipping(fallen, at)
                self._undo_round(appeal, policy, at)
            case AppealAgainst.PENALTY:
                self._reverse_penalty(appeal.target, PenaltyReversalCause.PENALTY_OVERTURNED, at, appeal_id)
                self._carry_on(policy, at)
            case AppealAgainst.RECOVERY:
                self._give_up(appeal.target, 0, at)
                self._carry_on(policy, at)

    def _cancel_shipping(self, goods_ids: tuple[UUID, ...], at: datetime) -> None:
        for goods_id in goods_ids:
            self._end_clock(goods_id, events.ClockCancelled, at)

    def _undo_round(self, appeal: Appeal, policy: Policy, at: datetime) -> None:
        """Take back whatever rests on a decision that fell, then begin the next round."""
        self._cancel_clocks(at, ClockKind.EXECUTION)
        self._reverse_all(ReversalCause.OVERTURNED, policy, at)
        self._let_off(appeal.target, PenaltyReversalCause.DECISION_OVERTURNED, at, appeal.appeal_id)
        self._begin_round(ReopenGround.OVERTURNED, None, policy, at)

    def _give_up(self, recovery_id: UUID, minor: int, at: datetime) -> None:
        """Ask for no more than so much of what a recovery still misses."""
        recovery = self.money.recoveries[recovery_id]
        less = Money(recovery.missing_minor - minor, recovery.amount.currency)
        if less.amount_minor > 0:
            self._record(events.RecoveryReduced, at, recovery_id=recovery_id, amount=less)

    def vary_decision(
        self,
        judgement: Judgement,
        appeal_id: UUID,
        remedies: tuple[Remedy, ...],
        policy: Policy,
        at: datetime,
    ) -> None:
        """Let the decision grant just these remedies: what is missing is granted, what is too much falls.

        Refuses as `overturn`, and CompensationExceedsEntitlement, DiscretionRequired, and
        SecondReviewRequired for what one person does not decide alone (O-2).
        """
        self._judged(judgement, appeal_id, policy, at, AppealAgainst.DECISION)
        changes = self.variation(remedies)
        award = Award(remedies, judgement.clauses, judgement.reasons)
        after = self.money_after(changes)
        derivation = self.examined(award, judgement.by.role, policy, after)
        alone = self._second_person(award, policy, after)
        if alone.value:
            raise SecondReviewRequired(pack.FOUR_EYES.id)
        asked = self.follow_ups.current()
        closes = appeal_closes(at, policy)
        self._record(
            events.DecisionVaried,
            at,
            appeal_id=appeal_id,
            by=judgement.by.id,
            clauses=judgement.clauses,
            policy=policy.version,
            reasons=judgement.reasons,
            resumes=Stage.EXECUTING,
            remedies=remedies,
            added=changes.granted,
            cancelled=changes.cancelled,
            appeal_until=closes.value,
            derivation=closes.derivation + derivation + alone.derivation,
            due=self.due_in(Stage.EXECUTING, policy, at),
        )
        self._end_of_appeal(appeal_id, events.ClockSatisfied, at)
        if asked:
            self._end_clock(asked.follow_up_id, events.ClockCancelled, at)
        self._cancel_shipping(changes.cancelled, at)
        self._take_back_surplus(changes, policy, at)
        self._carry_on(policy, at)

    def vary_penalty(
        self,
        judgement: Judgement,
        appeal_id: UUID,
        points: int,
        fine: Money | None,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Let a penalty count for so many points and this fine.

        Refuses as `overturn`, and PenaltyOutsideTariff for what does not lower it.
        """
        appeal = self._judged(judgement, appeal_id, policy, at, AppealAgainst.PENALTY)
        tariff = self._lowered(self.penalties[appeal.target], points, fine, policy)
        self._vary(judgement, appeal, tariff, policy, at)
        self._record(
            events.PenaltyAdjusted,
            at,
            penalty_id=appeal.target,
            merchant_id=self.filing.merchant_id,
            points=points,
            fine=fine,
            policy=policy.version,
            appeal_id=appeal_id,
            by=judgement.by.id,
            derivation=tariff,
        )
        self._carry_on(policy, at)

    def vary_recovery(
        self, judgement: Judgement, appeal_id: UUID, amount: Money, policy: Policy, at: datetime
    ) -> None:
        """Ask for only so much of what a recovery still misses.

        Refuses as `overturn`, and AmountMismatch for more than that.
        """
        appeal = self._judged(judgement, appeal_id, policy, at, AppealAgainst.RECOVERY)
        recovery = self.money.recoveries[appeal.target]
        if amount.currency != recovery.amount.currency or amount.amount_minor > recovery.missing_minor:
            raise AmountMismatch(f"at most {recovery.missing_minor} {recovery.amount.currency} minor units")
        self._vary(judgement, appeal, (), policy, at)
        self._give_up(appeal.target, amount.amount_minor, at)
        self._carry_on(policy, at)

    def _vary(
        self, judgement: Judgement, appeal: Appeal, derivation: Derivation, policy: Policy, at: datetime
    ) -> None:
        """Record that something stands in another form, which leaves the decision and the stage alone."""
        self._record(
            events.DecisionVaried,
            at,
            appeal_id=appeal.appeal_id,
            by=judgement.by.id,
            clauses=judgement.clauses,
            policy=policy.version,
            reasons=judgement.reasons,
            resumes=appeal.resumes,
            derivation=derivation,
            due=self.due_in(appeal.resumes, policy, at),
        )
        self._end_of_appeal(appeal.appeal_id, events.ClockSatisfied, at)

    def variation(self, remedies: tuple[Remedy, ...]) -> Difference:
        """What has to change so that the last decision grants just these remedies."""
        return difference(self._granted_lines(), self._legs(), remedies)

    def money_after(self, changes: Difference) -> Ledger:
        """What stands of all money when these changes are made."""
        money = self.money.granted([one for one in changes.granted if one.kind in MONEY_KINDS])
        for compensation_id, amount in changes.reduced:
            money = money.put(money.lines[compensation_id].without(amount))
        return money

    def _take_back_surplus(self, changes: Difference, policy: Policy, at: datetime) -> None:
        for compensation_id, amount in changes.reduced:
            line = self.money.line(compensation_id)
            if amount and line.recalled and line.recalled.amount:
                amount = replace(amount, amount_minor=amount.amount_minor + line.recalled.amount.amount_minor)
            self._reverse_line(line, ReversalCause.VARIED, policy, at, amount)

    def _judged(
        self,
        judgement: Judgement,
        appeal_id: UUID,
        policy: Policy,
        at: datetime,
        against: AppealAgainst | None = None,
    ) -> Appeal:
        appeal, by = self.appeals.appeal(appeal_id), judgement.by
        if against not in (None, appeal.against):
            raise UnknownPart("appeal")
        self._unless_closed()
        self._had_no_part(by.id, by.role)
        self._impartial(by.id)
        self._claimed_by(by, judgement.token, at)
        self._undecided(appeal)
        self._in_force(judgement.clauses, policy)
        return appeal

    def _end_of_appeal(
        self, appeal_id: UUID, how: type[events.ClockSatisfied] | type[events.ClockCancelled], at: datetime
    ) -> None:
        self._end_clock(appeal_id, how, at)
        self._cancel_clocks(at, *PROOF_ASKED_FOR)

    def _undecided(self, appeal: Appeal) -> None:
        if not appeal.open:
            raise WrongStage(f"the appeal is {appeal.state}")
        if self.stage is not Stage.APPEALED:
            raise WrongStage(f"the case is {self.stage}")
