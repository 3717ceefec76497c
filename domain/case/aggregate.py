"""The commands of a case: each checks its guards, then records facts. No I/O, no clock, no randomness."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from eventsourcing.domain import Aggregate

from domain import events
from domain.case.clocks import Clocks, Running
from domain.case.evolution import evolve
from domain.case.follow_up import FollowUps
from domain.case.goods import Goods, Leg
from domain.case.lease import Lease
from domain.case.merchant import Penalty, Rectification
from domain.case.money import Ledger, Line
from domain.events import stored_as
from domain.policy import Policy, multiple_cap, objections
from domain.refusals import (
    AmountMismatch,
    CaseAlreadyClosed,
    CaseClaimedByAnother,
    CaseNotClaimed,
    CaseNotVerified,
    CompensationAlreadySettled,
    CompensationExceedsEntitlement,
    CompensationNotSettled,
    DecisionMissing,
    FollowUpOpen,
    GoodsNotSettled,
    LiabilityMustSumTo100,
    NotReopenable,
    OutcomeMissing,
    PenaltyOutsideTariff,
    RectificationOpen,
    ResolutionContradictsOutcome,
    UnknownPart,
    WrongStage,
)
from domain.values import (
    GOODS_KINDS,
    STAFF,
    Actor,
    AttemptOutcome,
    CaseType,
    Channel,
    Claim,
    ClockKind,
    CompensationState,
    Contact,
    EvidenceParty,
    Finding,
    GoodsState,
    LiabilityShare,
    Money,
    OrderLine,
    Payer,
    RectificationState,
    Release,
    ReleaseCause,
    Remedy,
    RemedyKind,
    ReopenGround,
    Resolution,
    Role,
    Sealed,
    Stage,
    Visibility,
)

_LIVE = frozenset({Stage.FILED, Stage.IN_REVIEW, Stage.EXECUTING, Stage.FOLLOWING_UP})
_DECIDED = frozenset({Stage.EXECUTING, Stage.FOLLOWING_UP, Stage.CLOSED})

STAGES: dict[str, frozenset[Stage]] = {
    "lease": _LIVE,
    "notes": _LIVE,
    "evidence": _LIVE,
    "verification": frozenset({Stage.IN_REVIEW}),
    "decisions": frozenset({Stage.IN_REVIEW}),
    "compensations": frozenset({Stage.EXECUTING}),
    "goods": frozenset({Stage.EXECUTING}),
    "penalties": _DECIDED,
    "rectification": _DECIDED,
    "follow-ups": frozenset({Stage.FOLLOWING_UP}),
    "closure": frozenset({Stage.FILED, Stage.IN_REVIEW, Stage.FOLLOWING_UP}),
    "reopening": frozenset({Stage.FOLLOWING_UP, Stage.CLOSED}),
    "withdrawal": frozenset({Stage.FILED, Stage.IN_REVIEW, Stage.EXECUTING}),
}
"""From which stages each command can be given: the one table that guards and `possible` read."""

_BEFORE_DECISION = frozenset({Resolution.DECLINED, Resolution.ANSWERED})
_UNPROVEN = frozenset({Finding.NOT_UPHELD, Finding.INCONCLUSIVE})


@stored_as("Case")
class Case(Aggregate):
    """One after-sales case from its filing to its last follow-up."""

    def __init__(self) -> None:
        self.filing: events.CaseFiled
        self.stage: Stage
        self.round: int
        self.lease: Lease | None = None
        self.evidence: frozenset[UUID] = frozenset()
        self.verification: events.CaseVerified | None = None
        self.decision: events.DecisionIssued | None = None
        self.money = Ledger()
        self.goods = Goods()
        self.penalties: dict[UUID, Penalty] = {}
        self.rectification: Rectification | None = None
        self.follow_ups = FollowUps()
        self.clocks = Clocks()
        self.closed_at: datetime | None = None

    def evolve(self, fact: events.Fact) -> None:
        """Fold one fact into this case."""
        evolve(fact, self)

    # --- filing -----------------------------------------------------------------------------------

    @classmethod
    def file(
        cls,
        by: Actor,
        case_id: UUID,
        number: str,
        case_type: CaseType,
        reason: str,
        channel: str,
        buyer: str,
        merchant_id: str,
        order: OrderLine,
        claim: Claim,
        policy: Policy,
        at: datetime,
        statement: Sealed | None = None,
        contact: Contact | None = None,
    ) -> "Case":
        """File a case. Never refused: what speaks against taking it up is stored with the filing."""
        return cls._create(
            events.CaseFiled,
            id=case_id,
            timestamp=at,
            number=number,
            case_type=case_type,
            reason=reason,
            channel=channel,
            buyer=buyer,
            merchant_id=merchant_id,
            order=order,
            claim=claim,
            filed_by=by.id,
            policy=policy.version,
            objections=objections(case_type, reason, order, at, policy),
            statement=statement,
            contact=contact,
        )

    # --- who works on it --------------------------------------------------------------------------

    def claim(self, by: Actor, policy: Policy, at: datetime) -> None:
        """Take the case under a lease, or renew one's own. Claiming a filed case starts its review.

        Refused: CaseAlreadyClosed, CaseClaimedByAnother, WrongStage.
        """
        self._unless_closed()
        lease = self._live_lease(at)
        if lease and lease.holder != by.id:
            raise CaseClaimedByAnother
        self._in_stage("lease")
        token = str(self.version + 1)
        expires_at = at + policy.lease
        if lease:
            self._record(events.LeaseRenewed, at, holder=by.id, token=token, expires_at=expires_at)
            return
        self._record(events.CaseClaimed, at, holder=by.id, role=by.role, token=token, expires_at=expires_at)
        if self.stage is Stage.FILED:
            self._record(events.PlatformSteppedIn, at, by=by.id)

    def release(self, by: Actor, token: str | None, at: datetime) -> None:
        """Give the case back. Refused: CaseAlreadyClosed, CaseNotClaimed, CaseClaimedByAnother."""
        self._unless_closed()
        self._claimed_by(by, token, at)
        self._record(events.CaseReleased, at, holder=by.id, cause=ReleaseCause.RELEASED)

    def note(self, note_id: UUID, text: Sealed, visibility: Visibility, at: datetime) -> None:
        """Write something down. Refused: CaseAlreadyClosed, WrongStage."""
        self._unless_closed()
        self._in_stage("notes")
        self._record(events.NoteAdded, at, note_id=note_id, text=text, visibility=visibility)

    # --- evidence, finding, decision --------------------------------------------------------------

    def submit_evidence(
        self,
        by: Actor,
        evidence_id: UUID,
        party: EvidenceParty,
        kind: str,
        sha256: str,
        title: Sealed,
        uri: Sealed | None,
        at: datetime,
    ) -> None:
        """Put evidence on file by reference. Refused: CaseAlreadyClosed, WrongStage."""
        self._unless_closed()
        self._in_stage("evidence")
        self._record(
            events.EvidenceSubmitted,
            at,
            evidence_id=evidence_id,
            party=party,
            by_staff=by.role in STAFF,
            kind=kind,
            sha256=sha256,
            title=title,
            uri=uri,
        )

    def verify(
        self,
        by: Actor,
        token: str | None,
        finding: Finding,
        liability: tuple[LiabilityShare, ...],
        evidence: tuple[UUID, ...],
        reasons: Sealed,
        at: datetime,
    ) -> None:
        """Record what the examination found, and who is liable for what share.

        Refused: CaseAlreadyClosed, CaseNotClaimed, CaseClaimedByAnother, WrongStage, LiabilityMustSumTo100.
        Raises UnknownPart for evidence that is not on file.
        """
        self._unless_closed()
        self._claimed_by(by, token, at)
        self._in_stage("verification")
        if sum(one.share for one in liability) != 100 and not (not liability and finding in _UNPROVEN):
            raise LiabilityMustSumTo100
        if not self.evidence.issuperset(evidence):
            raise UnknownPart("evidence")
        self._record(
            events.CaseVerified,
            at,
            round=self.round,
            by=by.id,
            finding=finding,
            liability=liability,
            evidence=evidence,
            reasons=reasons,
        )

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

    @property
    def verified(self) -> events.CaseVerified | None:
        """The finding of the present round."""
        found = self.verification
        return found if found and found.round == self.round else None

    def _within_entitlement(
        self, by: Actor, remedies: tuple[Remedy, ...], clauses: tuple[str, ...], policy: Policy
    ) -> None:
        order = self.filing.order
        goodwill = policy.goodwill.get(by.role)
        after = self.money.granted([one for one in remedies if one.kind not in GOODS_KINDS])
        caps = {
            RemedyKind.REFUND: order.paid.amount_minor,
            RemedyKind.FREIGHT: policy.freight_cap_minor,
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

    # --- money and goods --------------------------------------------------------------------------

    def confirm_compensation(
        self,
        compensation_id: UUID,
        reference: str,
        paid_at: datetime,
        amount: Money | None,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Record that a line was paid. The same reference again records nothing.

        Raises UnknownPart.
        Refused: CaseAlreadyClosed, CompensationAlreadySettled, WrongStage, AmountMismatch.
        """
        line = self.money.line(compensation_id)
        if line.state is CompensationState.PAID and reference in line.references:
            return
        self._awaiting_payment(line)
        if amount is not None and amount != line.amount:
            raise AmountMismatch
        self._record(
            events.CaseCompensated,
            at,
            compensation_id=compensation_id,
            reference=reference,
            paid_at=paid_at,
            kind=line.kind,
            amount=line.amount,
            points=line.points,
        )
        self._settle(policy, at)

    def fail_compensation(self, compensation_id: UUID, reference: str, reason: Sealed, at: datetime) -> None:
        """Record that an attempt to pay failed. The same reference again records nothing.

        Raises UnknownPart. Refused: CaseAlreadyClosed, CompensationAlreadySettled, WrongStage.
        """
        line = self.money.line(compensation_id)
        if reference in line.references and line.state is not CompensationState.PAID:
            return
        self._awaiting_payment(line)
        self._record(
            events.CompensationFailed,
            at,
            compensation_id=compensation_id,
            reference=reference,
            reason=reason,
        )

    def instruct_compensation(self, compensation_id: UUID, payer: Payer, at: datetime) -> None:
        """Order a new attempt on a line whose last one failed, out of this payer's account.

        Raises UnknownPart. Refused: CaseAlreadyClosed, CompensationAlreadySettled, CompensationNotSettled
        (an attempt is under way), WrongStage.
        """
        line = self.money.line(compensation_id)
        self._awaiting_payment(line)
        if line.state is CompensationState.INSTRUCTED:
            raise CompensationNotSettled("an attempt to pay this line is under way")
        self._instruct([line], at, payer)

    def _awaiting_payment(self, line: Line) -> None:
        self._unless_closed()
        if line.settled:
            raise CompensationAlreadySettled
        self._in_stage("compensations")
        if line.state is CompensationState.AUTHORISED:
            raise WrongStage("the line waits for goods to be accepted")

    def _instruct_payable(self, at: datetime) -> None:
        waiting = self.money.authorised()
        self._instruct((one for one in waiting if one.release is Release.NOW or self.goods.settled), at)

    def _instruct(self, lines: Iterable[Line], at: datetime, payer: Payer | None = None) -> None:
        for line in list(lines):
            self._record(
                events.CompensationInstructed,
                at,
                compensation_id=line.compensation_id,
                attempt=line.attempts + 1,
                gateway_key=line.gateway_key(),
                kind=line.kind,
                payer=payer or line.payer,
                amount=line.amount,
                points=line.points,
            )

    def ship_goods(self, goods_id: UUID, reference: str, at: datetime) -> None:
        """Record that a leg left. Again the same reference: nothing. Refused as `accept_goods`."""
        self._move_goods(goods_id, reference, GoodsState.TO_SHIP, events.GoodsShipped, at)

    def receive_goods(self, goods_id: UUID, reference: str, at: datetime) -> None:
        """Record that a leg arrived. Again the same reference: nothing. Refused as `accept_goods`."""
        self._move_goods(goods_id, reference, GoodsState.IN_TRANSIT, events.GoodsReceived, at)

    def accept_goods(self, goods_id: UUID, reference: str, policy: Policy, at: datetime) -> None:
        """Record that a leg was taken as good; instruct what was held back until all were.

        Raises UnknownPart. Refused: CaseAlreadyClosed, WrongStage (also when the leg has not arrived).
        """
        self._move_goods(goods_id, reference, GoodsState.RECEIVED, events.GoodsAccepted, at)
        self._instruct_payable(at)
        self._settle(policy, at)

    def _move_goods(
        self, goods_id: UUID, reference: str, expected: GoodsState, fact: type[events.Fact], at: datetime
    ) -> None:
        leg = self.goods.leg(goods_id)
        if _already(leg, expected) and reference in leg.references:
            return
        self._unless_closed()
        self._in_stage("goods")
        if leg.state is not expected:
            raise WrongStage(f"the goods are {leg.state}")
        self._record(fact, at, goods_id=goods_id, reference=reference)

    def _settle(self, policy: Policy, at: datetime) -> None:
        if self.stage is not Stage.EXECUTING or not (self.money.settled and self.goods.settled):
            return
        follow_up_id = uuid5(self.id, f"follow-up/{self.version}")
        due = at + policy.follow_up_delay
        self._record(
            events.FollowUpScheduled,
            at,
            follow_up_id=follow_up_id,
            due=due,
            max_attempts=policy.follow_up_attempts,
        )
        self._start_clock(ClockKind.FOLLOW_UP, follow_up_id, due, at)

    # --- merchant ---------------------------------------------------------------------------------

    def penalise(
        self,
        penalty_id: UUID,
        points: int,
        fine: Money | None,
        clause: str,
        reasons: Sealed,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Penalise the merchant for what the decision established.

        Refused: DecisionMissing, WrongStage, PenaltyOutsideTariff.
        """
        decision = self._decided("penalties")
        tariff = policy.tariff.get(clause)
        if tariff is None or points > tariff.max_points:
            raise PenaltyOutsideTariff
        if fine and (fine.currency != policy.currency or fine.amount_minor > tariff.max_fine_minor):
            raise PenaltyOutsideTariff
        expires_at = at + policy.penalty_expiry
        self._record(
            events.PenaltyAssessed,
            at,
            penalty_id=penalty_id,
            merchant_id=self.filing.merchant_id,
            decision_id=decision.decision_id,
            points=points,
            fine=fine,
            clause=clause,
            expires_at=expires_at,
            policy=policy.version,
            reasons=reasons,
        )
        self._start_clock(ClockKind.PENALTY_EXPIRY, penalty_id, expires_at, at)

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
            raise WrongStage(f"the rectification is {self.rectification.state}")
        return self.rectification

    def _lapse(self, duty: Rectification, at: datetime) -> None:
        self._record(
            events.RectificationLapsed,
            at,
            rectification_id=duty.rectification_id,
            merchant_id=self.filing.merchant_id,
        )

    def _decided(self, command: str) -> events.DecisionIssued:
        if self.decision is None:
            self._unless_closed()
            raise DecisionMissing
        self._in_stage(command)
        return self.decision

    # --- follow-up --------------------------------------------------------------------------------

    def attempt_follow_up(
        self, follow_up_id: UUID, channel: Channel, outcome: AttemptOutcome, at: datetime
    ) -> None:
        """Record an attempt to reach the buyer; the last one that fails ends the follow-up.

        Raises UnknownPart. Refused: CaseAlreadyClosed, FollowUpAlreadyCompleted.
        """
        follow_up = self._open_follow_up(follow_up_id)
        self._record(
            events.FollowUpAttempted,
            at,
            follow_up_id=follow_up_id,
            number=follow_up.attempts + 1,
            channel=channel,
            outcome=outcome,
        )
        if follow_up.last_chance(outcome):
            self._record(events.FollowUpExhausted, at, follow_up_id=follow_up_id)
            self._end_clock(follow_up_id, events.ClockCancelled, at)

    def complete_follow_up(
        self,
        follow_up_id: UUID,
        satisfied: bool,
        at: datetime,
        speed: int | None = None,
        attitude: int | None = None,
        effectiveness: int | None = None,
        comment: Sealed | None = None,
        suggestion: Sealed | None = None,
    ) -> None:
        """Record the buyer's answer; scores run from 1 to 5.

        Raises UnknownPart. Refused: CaseAlreadyClosed, FollowUpAlreadyCompleted.
        """
        self._open_follow_up(follow_up_id)
        self._record(
            events.FollowUpCompleted,
            at,
            follow_up_id=follow_up_id,
            satisfied=satisfied,
            speed=speed,
            attitude=attitude,
            effectiveness=effectiveness,
            comment=comment,
            suggestion=suggestion,
        )
        self._end_clock(follow_up_id, events.ClockSatisfied, at)

    def _open_follow_up(self, follow_up_id: UUID) -> Any:
        if follow_up_id in self.follow_ups.all:
            self._unless_closed()
        return self.follow_ups.open(follow_up_id)

    # --- the end, and after -----------------------------------------------------------------------

    def close(self, by: Actor, resolution: Resolution, reasons: Sealed, at: datetime) -> None:
        """End the case as what happened on it.

        Refused, in this order: CaseAlreadyClosed (WrongStage when withdrawn), OutcomeMissing,
        ResolutionContradictsOutcome, CompensationNotSettled, GoodsNotSettled, WrongStage, FollowUpOpen,
        RectificationOpen.
        """
        self._unless_closed()
        if self.stage is Stage.WITHDRAWN:
            raise WrongStage("the case was withdrawn")
        self._matches_outcome(resolution)
        if not self.money.settled:
            raise CompensationNotSettled
        if not self.goods.settled:
            raise GoodsNotSettled
        if self.stage is not Stage.FOLLOWING_UP and resolution not in _BEFORE_DECISION:
            raise WrongStage
        self._followed_up(by)
        if self.rectification and self.rectification.open:
            raise RectificationOpen
        if resolution is Resolution.DECLINED:
            self._record(events.CaseDeclined, at, objections=self.filing.objections, reasons=reasons)
            self._record(events.CaseClosed, at, resolution=resolution)
        else:
            self._record(events.CaseClosed, at, resolution=resolution, reasons=reasons)

    def _matches_outcome(self, resolution: Resolution) -> None:
        if self.decision is None:
            if resolution not in _BEFORE_DECISION:
                raise OutcomeMissing
            if self.verified and self.verified.finding not in _UNPROVEN:
                raise ResolutionContradictsOutcome(f"the finding is {self.verified.finding}")
        elif resolution is Resolution.MERGED:
            raise OutcomeMissing("the case was not merged")
        elif resolution not in self._outcomes():
            raise ResolutionContradictsOutcome

    def _outcomes(self) -> set[Resolution]:
        """The resolutions that what was granted supports."""
        supported = {_OUTCOME_OF_GOODS[kind] for kind in self.goods.kinds() if kind in _OUTCOME_OF_GOODS}
        if self.money.standing():
            supported.add(Resolution.COMPENSATED)
        if supported or self.goods.legs:
            return supported | {Resolution.SETTLED}
        return {Resolution.REJECTED, Resolution.ANSWERED}

    def _followed_up(self, by: Actor) -> None:
        follow_up = self.follow_ups.current()
        if self.stage is not Stage.FOLLOWING_UP or follow_up is None:
            return
        if follow_up.open:
            raise FollowUpOpen
        if follow_up.satisfied is False and by.role is not Role.SUPERVISOR:
            raise FollowUpOpen("the buyer is not satisfied: reopen the case, or let a supervisor close it")

    def reopen(self, ground: ReopenGround, reasons: Sealed, at: datetime) -> None:
        """Take the case up again for another round. Refused: NotReopenable."""
        if self.stage not in STAGES["reopening"]:
            raise NotReopenable
        follow_up = self.follow_ups.current()
        if ground is ReopenGround.UNSATISFIED and not (follow_up and follow_up.satisfied is False):
            raise NotReopenable("no follow-up found the buyer unsatisfied")
        if ground is ReopenGround.OVERTURNED:
            raise NotReopenable("no decision was overturned")
        self._record(events.CaseReopened, at, ground=ground, round=self.round + 1, reasons=reasons)
        if follow_up:
            self._end_clock(follow_up.follow_up_id, events.ClockCancelled, at)

    def withdraw(self, reasons: Sealed, at: datetime) -> None:
        """Take the case back.

        Refused: CaseAlreadyClosed, WrongStage, and when money moved CompensationNotSettled or
        CompensationAlreadySettled.
        """
        self._unless_closed()
        self._in_stage("withdrawal")
        if self.money.under_way():
            raise CompensationNotSettled
        if self.money.paid():
            raise CompensationAlreadySettled
        self._record(events.CaseWithdrawn, at, reasons=reasons)

    # --- clocks -----------------------------------------------------------------------------------

    def miss_clock(self, clock_id: UUID, at: datetime) -> None:
        """Record that a due time passed and what follows; nothing for a clock that ended or is not due."""
        clock = self.clocks.running.get(clock_id)
        if clock is None or at < clock.due:
            return
        self._record(events.ClockMissed, at, clock_id=clock_id, kind=clock.kind, subject=clock.subject)
        match clock.kind:
            case ClockKind.PENALTY_EXPIRY:
                self._record(
                    events.PenaltyExpired,
                    at,
                    penalty_id=clock.subject,
                    merchant_id=self.filing.merchant_id,
                )
            case ClockKind.RECTIFICATION:
                duty = self.rectification
                if duty and duty.state is not RectificationState.SUBMITTED:
                    self._lapse(duty, at)
            case ClockKind.FOLLOW_UP:
                pass

    def _start_clock(self, kind: ClockKind, subject: UUID, due: datetime, at: datetime) -> None:
        clock_id = uuid5(subject, f"clock/{self.version}")
        self._record(events.ClockStarted, at, clock_id=clock_id, kind=kind, subject=subject, due=due)

    def _end_clock(
        self, subject: UUID, how: type[events.ClockSatisfied] | type[events.ClockCancelled], at: datetime
    ) -> None:
        clock: Running | None = self.clocks.of(subject)
        if clock:
            self._record(how, at, clock_id=clock.clock_id, kind=clock.kind)

    @property
    def new_facts(self) -> list[events.Fact]:
        """The facts of this command, not yet recorded."""
        return [fact for fact in self.pending_events if isinstance(fact, events.Fact)]

    # --- guards -----------------------------------------------------------------------------------

    def possible(self, by: Actor, at: datetime) -> list[str]:
        """The commands that the stage, the lease and the finding allow this caller, whatever its role may."""
        lease = self._live_lease(at)
        barred = set() if lease and lease.holder == by.id else {"verification", "decisions"}
        if lease and lease.holder != by.id:
            barred.add("lease")
        if self.verified is None:
            barred.add("decisions")
        return [name for name, stages in STAGES.items() if self.stage in stages and name not in barred]

    def _record(self, fact: type[events.Fact], at: datetime, **content: Any) -> None:
        self.trigger_event(fact, timestamp=at, **content)

    def _unless_closed(self) -> None:
        if self.stage is Stage.CLOSED:
            raise CaseAlreadyClosed

    def _in_stage(self, command: str) -> None:
        if self.stage not in STAGES[command]:
            raise WrongStage(f"the case is {self.stage}")

    def _live_lease(self, at: datetime) -> Lease | None:
        return self.lease if self.lease and self.lease.live(at) else None

    def _claimed_by(self, by: Actor, token: str | None, at: datetime) -> None:
        lease = self._live_lease(at)
        if lease and lease.holder != by.id:
            raise CaseClaimedByAnother
        if lease is None or not lease.held_by(by.id, token, at):
            raise CaseNotClaimed


_OUTCOME_OF_GOODS = {
    RemedyKind.RESEND: Resolution.REPLACED,
    RemedyKind.REPLACEMENT: Resolution.REPLACED,
    RemedyKind.REPAIR: Resolution.REPAIRED,
}
_ORDER_OF_GOODS = list(GoodsState)


def _already(leg: Leg, expected: GoodsState) -> bool:
    """Whether the leg is beyond the state that a movement starts from."""
    return _ORDER_OF_GOODS.index(leg.state) > _ORDER_OF_GOODS.index(expected)
