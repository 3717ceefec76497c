"""Commands that decide the case: by one person, or by two where much is at stake."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain import events
from domain.case.accountability import Accountability
from domain.case.goods import Leg
from domain.case.leasing import Leasing
from domain.case.money import DEBTORS, Ledger, Line
from domain.case.settlement import Settlement
from domain.case.state import PROOF_ASKED_FOR, UNPROVEN
from domain.case.variation import Difference, difference
from domain.digest import digest
from domain.policy import Policy
from domain.policy.approval import second_person
from domain.policy.deadlines import appeal_closes
from domain.policy.derivation import Derived
from domain.policy.entitlement import Entitlement, Matter, entitlements, fixes_amount, goodwill, largest
from domain.refusals import (
    ApprovalPending,
    CaseNotVerified,
    CompensationExceedsEntitlement,
    ConflictOfInterest,
    DiscretionRequired,
    ProposalHashMismatch,
    SecondPersonRequired,
)
from domain.values import (
    GOODS_KINDS,
    MONEY_KINDS,
    Actor,
    ClockKind,
    Derivation,
    Money,
    PenaltyReversalCause,
    ReleaseCause,
    Remedy,
    RemedyKind,
    ReversalCause,
    Role,
    Sealed,
    Side,
    Stage,
    VoidCause,
)


@dataclass(frozen=True, slots=True)
class Award:
    """What is decided: what is granted, under which clauses, for which reasons.

    reasons: none where the system decided · discretion: why it departs from what the rules derive, if so.
    """

    remedies: tuple[Remedy, ...]
    clauses: tuple[str, ...]
    reasons: Sealed | None
    discretion: Sealed | None = None

    @property
    def money(self) -> list[Remedy]:
        """What of it is paid."""
        return [one for one in self.remedies if one.kind in MONEY_KINDS]


class Deciding(Leasing, Settlement, Accountability):
    """What is granted, under which clauses, and who must agree to it."""

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
        discretion: Sealed | None = None,
    ) -> None:
        """Decide the round, release the lease, instruct what need not wait; with nothing to do, follow up.

        What needs a second person (O-2) is proposed instead, under the id that the decision will have.

        Refused: CaseAlreadyClosed, CaseNotClaimed, CaseClaimedByAnother, CaseNotVerified, WrongStage,
        ApprovalPending, ConflictOfInterest, ClauseNotInForce, CompensationExceedsEntitlement,
        DiscretionRequired.
        """
        self._unless_closed()
        self._claimed_by(by, token, at)
        if self.verified is None:
            raise CaseNotVerified
        self._in_stage("decisions")
        if self.proposals.waiting:
            raise ApprovalPending
        self._impartial(by.id)
        award = Award(remedies, clauses, reasons, discretion)
        derivation = self.examined(award, by.role, policy)
        waits = self._second_person(award, policy)
        if waits.value:
            self._unless_filed_by(by.id)
            self._propose(by, decision_id, award, derivation + waits.derivation, policy, at)
        else:
            self._issue(decision_id, by.id, award, derivation + waits.derivation, policy, at)

    def approve(
        self,
        by: Actor,
        proposal_id: UUID,
        proposal_hash: str,
        reasons: Sealed,
        discretion: Sealed | None,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Issue the decision that waits, as its second person; what is granted is examined once more.

        `reasons` and `discretion` are those of the proposal, sealed for the decision.

        Refused: CaseAlreadyClosed, ProposalVoid, ProposalHashMismatch, SecondPersonRequired,
        ConflictOfInterest, ClauseNotInForce, CompensationExceedsEntitlement, DiscretionRequired.
        Raises UnknownPart.
        """
        self._unless_closed()
        proposal = self.proposals.to_judge(proposal_id)
        if proposal_hash != proposal.proposal_hash:
            raise ProposalHashMismatch
        if by.id == proposal.by:
            raise SecondPersonRequired
        self._impartial(by.id)
        self._unless_filed_by(by.id)
        award = Award(proposal.remedies, proposal.clauses, reasons, discretion)
        derivation = self.examined(award, proposal.role, policy)
        derivation += self._second_person(award, policy).derivation
        self._record(
            events.DecisionApproved, at, proposal_id=proposal_id, by=by.id, proposal_hash=proposal_hash
        )
        self._issue(proposal_id, proposal.by, award, derivation, policy, at)

    def reject(self, by: Actor, proposal_id: UUID, reasons: Sealed, at: datetime) -> None:
        """Refuse to approve the decision that waits; the case goes back to its review.

        Refused: CaseAlreadyClosed, ProposalVoid, ConflictOfInterest. Raises UnknownPart.
        """
        self._unless_closed()
        self.proposals.to_judge(proposal_id)
        self._impartial(by.id)
        self._void_proposal(VoidCause.REJECTED, at, reasons)

    # --- what is granted ---

    def examined(self, award: Award, role: Role, policy: Policy, after: Ledger | None = None) -> Derivation:
        """How much the rules allow of each kind of money that is granted; `after` is what then stands.

        Refused: ClauseNotInForce, CompensationExceedsEntitlement, DiscretionRequired.
        """
        self._in_force(award.clauses, policy)
        order = self.filing.order
        if any(one.amount and one.amount.currency != order.paid.currency for one in award.remedies):
            raise CompensationExceedsEntitlement(f"only {order.paid.currency} can be granted on this order")
        found = (*entitlements(self.matter(), policy, award.clauses), *goodwill(role, order, policy))
        after = after or self.money.granted(award.money)
        derivation: Derivation = ()
        for kind in dict.fromkeys(one.kind for one in award.money):
            derivation += self._allowed(kind, after, largest(kind, found), award, policy)
        return derivation

    def _allowed(
        self,
        kind: RemedyKind,
        after: Ledger,
        best: Entitlement | None,
        award: Award,
        policy: Policy,
    ) -> Derivation:
        limit = best.limit or 0 if best else 0
        granted = after.points() if kind is RemedyKind.POINTS else after.amount_of(kind)
        if best is None or granted > limit:
            raise CompensationExceedsEntitlement(f"{kind}: at most {limit}")
        if granted < limit and award.discretion is None and fixes_amount(best.clause, policy):
            raise DiscretionRequired(f"{kind}: {limit} under {best.clause}")
        return best.derivation

    def matter(self) -> Matter:
        """What is to be decided, as it was filed and found in this round."""
        filing, found = self.filing, self.verified
        established = frozenset(found.established if found else ())
        loss = found.loss if found else None
        return Matter(filing.order, filing.claim, self.reason, filing.timestamp, established, loss)

    def _second_person(self, award: Award, policy: Policy, after: Ledger | None = None) -> Derived[bool]:
        stands = (after or self.money.granted(award.money)).amount()
        granted = Money(stands, self.filing.order.paid.currency)
        return second_person(stands - self.money.amount(), granted, award.discretion is not None, policy)

    def _unless_filed_by(self, subject: str) -> None:
        """Whoever filed the case for the buyer has no part in what needs two people."""
        if subject == self.filing.filed_by:
            raise ConflictOfInterest("the case was filed by the same person")

    # --- what the system had decided ---

    def decided_otherwise(self, award: Award) -> UUID | None:
        """The system's decision that people make otherwise, if they do.

        They make the same one when they find the merchant liable and let just what the system granted stand.
        """
        made = next((one for one in self.decisions if one.decision_id == self.contested), None)
        if made is None:
            return None
        lines = [*self._granted_lines(), *map(Line.of, award.money)]
        goods = [Leg(one.remedy_id, one.kind) for one in award.remedies if one.kind in GOODS_KINDS]
        changed = difference(lines, [*self._legs(), *goods], made.remedies) != Difference()
        return made.decision_id if changed or self._unproven() or not self._merchant_liable() else None

    def _unproven(self) -> bool:
        return self.verified is not None and self.verified.finding in UNPROVEN

    def _merchant_liable(self) -> bool:
        shares = self.verified.liability if self.verified else ()
        return any(DEBTORS.get(one.party) is Side.MERCHANT for one in shares if one.share)

    def _legs(self) -> list[Leg]:
        """What stands of the goods of the last decision and of what varied it."""
        return [leg for leg in self.goods.standing() if leg.goods_id in self.granted]

    # --- what is recorded ---

    def _propose(
        self,
        by: Actor,
        proposal_id: UUID,
        award: Award,
        derivation: Derivation,
        policy: Policy,
        at: datetime,
    ) -> None:
        evidence = tuple(sorted(self.evidence.standing()))
        self._record(
            events.DecisionProposed,
            at,
            proposal_id=proposal_id,
            round=self.round,
            by=by.id,
            role=by.role,
            remedies=award.remedies,
            clauses=award.clauses,
            evidence=evidence,
            version_seen=self.version,
            policy=policy.version,
            reasons=award.reasons,
            discretion=award.discretion,
            proposal_hash=digest(self.id, self.version, self.round, award, evidence),
            derivation=derivation,
        )
        self._record(events.CaseReleased, at, holder=by.id, cause=ReleaseCause.PROPOSED)

    def _issue(
        self,
        decision_id: UUID,
        by: str,
        award: Award,
        derivation: Derivation,
        policy: Policy,
        at: datetime,
    ) -> None:
        replaced = self.decided_otherwise(award)
        fallen = self._granted_lines() if replaced and self._unproven() else []
        closes = appeal_closes(at, policy)
        self._record(
            events.DecisionIssued,
            at,
            decision_id=decision_id,
            round=self.round,
            by=by,
            remedies=award.remedies,
            clauses=award.clauses,
            policy=policy.version,
            reasons=award.reasons,
            discretion=award.discretion,
            appeal_until=closes.value,
            derivation=closes.derivation + derivation,
            due=self.due_in(Stage.EXECUTING, policy, at),
            replaces=replaced,
        )
        for line in fallen:
            self._reverse_line(line, ReversalCause.HUMAN_REVIEW, policy, at)
        if replaced:
            self._let_off(replaced, PenaltyReversalCause.HUMAN_REVIEW, at)
        self._cancel_clocks(at, ClockKind.ANSWER)
        lease = self._live_lease(at)
        if lease:
            self._record(events.CaseReleased, at, holder=lease.holder, cause=ReleaseCause.DECIDED)
        self._cancel_clocks(at, *PROOF_ASKED_FOR)
        self._carry_on(policy, at)
