"""Commands after settlement: asking the buyer, closing, reopening; and withdrawing before."""

from datetime import datetime
from uuid import UUID

from domain import events
from domain.case.follow_up import FollowUp
from domain.case.recovering import Recovering
from domain.case.state import GOODS_CLOCKS, PROOF_ASKED_FOR, STAGES, UNPROVEN
from domain.policy import Policy, pack
from domain.policy.deadlines import reopening_closes
from domain.refusals import (
    AppealOpen,
    ApprovalPending,
    ClockOpen,
    CompensationAlreadySettled,
    CompensationNotSettled,
    EvidenceOutstanding,
    FollowUpOpen,
    GoodsNotSettled,
    NotReopenable,
    OutcomeMissing,
    RectificationOpen,
    ResolutionContradictsOutcome,
    WrongStage,
)
from domain.values import (
    BARE_DUTIES,
    Actor,
    AttemptOutcome,
    Channel,
    RemedyKind,
    ReopenGround,
    Resolution,
    ReversalCause,
    Role,
    Sealed,
    Stage,
    VoidCause,
)

_BEFORE_DECISION = frozenset({Resolution.DECLINED, Resolution.ANSWERED})
_UNSETTLED = frozenset({Stage.FILED, Stage.IN_REVIEW})
_OUTCOME_OF_GOODS = {
    RemedyKind.RESEND: Resolution.REPLACED,
    RemedyKind.REPLACEMENT: Resolution.REPLACED,
    RemedyKind.REPAIR: Resolution.REPAIRED,
}


class Ending(Recovering):
    """How a case ends, and begins again."""

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

    def _open_follow_up(self, follow_up_id: UUID) -> FollowUp:
        if follow_up_id in self.follow_ups.all:
            self._unless_closed()
        return self.follow_ups.open(follow_up_id)

    def close(self, by: Actor, resolution: Resolution, reasons: Sealed, at: datetime) -> None:
        """End the case as what happened on it.

        Refused, in this order: CaseAlreadyClosed (WrongStage when withdrawn or expired), AppealOpen,
        OutcomeMissing, ResolutionContradictsOutcome, ApprovalPending, CompensationNotSettled,
        GoodsNotSettled, WrongStage, FollowUpOpen, RectificationOpen, EvidenceOutstanding, ClockOpen.
        """
        self._unless_closed()
        if self.stage in (Stage.WITHDRAWN, Stage.EXPIRED):
            raise WrongStage(f"the case is {self.stage}")
        if self.stage is Stage.MERGED and resolution is Resolution.MERGED:
            self._record(events.CaseClosed, at, resolution=resolution, reasons=reasons)
            return
        if self.stage is Stage.APPEALED:
            raise AppealOpen
        self._matches_outcome(resolution)
        if self.proposals.waiting:
            raise ApprovalPending
        if not self.money.settled:
            raise CompensationNotSettled
        if not self.goods.settled:
            raise GoodsNotSettled
        dismissed = self.stage in _UNSETTLED and resolution in _BEFORE_DECISION
        if self.stage is not Stage.FOLLOWING_UP and not dismissed:
            raise WrongStage(f"the case is {self.stage}")
        self._followed_up(by)
        if self.rectification and self.rectification.open:
            raise RectificationOpen
        if self.clocks.of_kind(*PROOF_ASKED_FOR):
            raise EvidenceOutstanding
        if self.clocks.of_kind(*BARE_DUTIES):
            raise ClockOpen
        if resolution is Resolution.DECLINED:
            self._record(events.CaseDeclined, at, objections=self.filing.objections, reasons=reasons)
            self._record(events.CaseClosed, at, resolution=resolution)
        else:
            self._record(events.CaseClosed, at, resolution=resolution, reasons=reasons)

    def _matches_outcome(self, resolution: Resolution) -> None:
        if self.decision is None and self.agreement is None:
            if resolution not in _BEFORE_DECISION:
                raise OutcomeMissing
            if self.verified and self.verified.finding not in UNPROVEN:
                raise ResolutionContradictsOutcome(f"the finding is {self.verified.finding}")
        elif resolution is Resolution.MERGED:
            raise OutcomeMissing("the case was not merged")
        elif resolution not in self._outcomes():
            raise ResolutionContradictsOutcome

    def _outcomes(self) -> set[Resolution]:
        """The resolutions that what was granted supports."""
        supported = {_OUTCOME_OF_GOODS[kind] for kind in self.goods.kinds() if kind in _OUTCOME_OF_GOODS}
        if self.money.compensates():
            supported.add(Resolution.COMPENSATED)
        if supported or self.goods.standing():
            return supported | {Resolution.SETTLED}
        return {Resolution.SETTLED if self.agreement else Resolution.REJECTED, Resolution.ANSWERED}

    def _followed_up(self, by: Actor) -> None:
        follow_up = self.follow_ups.current()
        if self.stage is not Stage.FOLLOWING_UP or follow_up is None:
            return
        if follow_up.open:
            raise FollowUpOpen
        if follow_up.satisfied is False and by.role is not Role.SUPERVISOR:
            raise FollowUpOpen("the buyer is not satisfied: reopen the case, or let a supervisor close it")

    def reopen(self, ground: ReopenGround, reasons: Sealed, policy: Policy, at: datetime) -> None:
        """Take the case up again for another round. Refused: NotReopenable."""
        if self.stage not in STAGES["reopening"]:
            raise NotReopenable
        if self.privacy.erased:
            raise NotReopenable("personal data that it rested on were erased")
        follow_up = self.follow_ups.current()
        if ground is ReopenGround.UNSATISFIED and not (follow_up and follow_up.satisfied is False):
            raise NotReopenable("no follow-up found the buyer unsatisfied")
        if ground is ReopenGround.OVERTURNED and not self.appeals.fallen:
            raise NotReopenable("nothing was overturned since the last decision")
        if ground is ReopenGround.GRACE and not self._in_grace(policy, at):
            raise NotReopenable(f"the grace period is over ({pack.GRACE.id}): file a new case and link it")
        self._begin_round(ground, reasons, policy, at)

    def _begin_round(
        self, ground: ReopenGround, reasons: Sealed | None, policy: Policy, at: datetime
    ) -> None:
        asked = self.follow_ups.current()
        self._record(
            events.CaseReopened,
            at,
            ground=ground,
            round=self.round + 1,
            reasons=reasons,
            due=self.due_in(Stage.IN_REVIEW, policy, at),
        )
        if asked:
            self._end_clock(asked.follow_up_id, events.ClockCancelled, at)

    def _in_grace(self, policy: Policy, at: datetime) -> bool:
        """A case that has not ended, or ended no longer ago than the operator allows (O-13)."""
        if self.open or self.closed_at is None:
            return True
        return at < reopening_closes(self.closed_at, policy).value

    def withdraw(self, reasons: Sealed, at: datetime) -> None:
        """Take the case back; what was granted and not paid falls.

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
        self._void_proposal(VoidCause.WITHDRAWN, at)
        for line in self.money.standing():
            self._falls(line, ReversalCause.WITHDRAWN, line.stands, None, at)
        self._cancel_clocks(at, *PROOF_ASKED_FOR, *GOODS_CLOCKS, *BARE_DUTIES)
