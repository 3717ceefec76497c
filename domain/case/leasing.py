"""Commands on who works on the case, and who may not."""

from datetime import datetime

from domain import events
from domain.case.state import CaseState
from domain.policy import Policy, pack
from domain.policy.calendar import due
from domain.refusals import (
    AnotherReviewerRequired,
    CaseClaimedByAnother,
    CaseNotClaimed,
    ConflictOfInterest,
)
from domain.values import Actor, ClockKind, ReleaseCause, Role, Sealed, Stage, VoidCause


class Leasing(CaseState):
    """At most one person works on the case at a time, and nobody judges what they have an interest in."""

    def claim(self, by: Actor, policy: Policy, at: datetime) -> None:
        """Take the case under a lease, or renew one's own; one that is filed or negotiated is taken up.

        Refused: CaseAlreadyClosed, CaseClaimedByAnother, WrongStage, ConflictOfInterest,
        AnotherReviewerRequired.
        """
        self._unless_closed()
        lease = self._live_lease(at)
        if lease and lease.holder != by.id:
            raise CaseClaimedByAnother
        self._in_stage("lease")
        self._impartial(by.id)
        self._had_no_part(by.id, by.role)
        if lease:
            self._hold(events.LeaseRenewed, policy, at, holder=by.id)
            return
        self._expire_lease(at)
        self._hold(events.CaseClaimed, policy, at, holder=by.id, role=by.role)
        self._step_in(by, policy, at)

    def reassign(self, by: Actor, to: str, role: Role, policy: Policy, at: datetime) -> None:
        """Give the case to `to`, whoever holds it; if it is filed or negotiated, it is taken up.

        Refused: CaseAlreadyClosed, WrongStage, ConflictOfInterest and AnotherReviewerRequired (of `to`).
        """
        self._unless_closed()
        self._in_stage("reassignment")
        self._impartial(to)
        self._had_no_part(to, role)
        self._expire_lease(at)
        self._hold(events.CaseReassigned, policy, at, by=by.id, holder=to, role=role)
        self._step_in(by, policy, at)

    def release(self, by: Actor, token: str | None, at: datetime) -> None:
        """Give the case back. Refused: CaseAlreadyClosed, CaseNotClaimed, CaseClaimedByAnother."""
        self._unless_closed()
        self._claimed_by(by, token, at)
        self._record(events.CaseReleased, at, holder=by.id, cause=ReleaseCause.RELEASED)

    def recuse(self, by: Actor, reasons: Sealed, at: datetime) -> None:
        """Declare an interest in the case: `by` may no longer judge it, and their lease and proposal end.

        Declared again, nothing is recorded. Refused: CaseAlreadyClosed, WrongStage.
        """
        self._unless_closed()
        self._in_stage("recusal")
        if by.id in self.impartiality.declared:
            return
        self._record(events.ConflictDeclared, at, by=by.id, reasons=reasons)
        lease = self._live_lease(at)
        if lease and lease.holder == by.id:
            self._record(events.CaseReleased, at, holder=by.id, cause=ReleaseCause.RECUSED)
        waiting = self.proposals.waiting
        if waiting and waiting.by == by.id:
            self._void_proposal(VoidCause.RECUSED, at)

    def _hold(
        self,
        fact: type[events.CaseClaimed] | type[events.LeaseRenewed] | type[events.CaseReassigned],
        policy: Policy,
        at: datetime,
        **who: str,
    ) -> None:
        """Record who holds the case until when, under a new token that fences out every earlier one."""
        expires_at = due(at, policy.need(pack.LEASE).term, policy.calendars)
        self._record(fact, at, **who, token=str(self.version + 1), expires_at=expires_at)

    def _expire_lease(self, at: datetime) -> None:
        if self.lease and not self.lease.live(at):
            self._record(events.LeaseExpired, at, holder=self.lease.holder, expired_at=self.lease.expires_at)

    def _step_in(self, by: Actor, policy: Policy, at: datetime) -> None:
        if self.stage in (Stage.FILED, Stage.NEGOTIATING):
            reviewed = self.due_when_taken_up(policy, at)
            self._record(events.PlatformSteppedIn, at, by=by.id, due=reviewed)
            self._cancel_clocks(at, ClockKind.REPLY)

    def _had_no_part(self, subject: str, role: Role) -> None:
        """An open appeal is a reviewer's to judge who had no part in what it is against (M-4)."""
        if not self._may_judge(subject, role):
            raise AnotherReviewerRequired(pack.APPEAL.id)

    def _may_judge(self, subject: str, role: Role) -> bool:
        appeal = self.appeals.open()
        if appeal is None:
            return True
        return role is Role.REVIEWER and subject not in self.appeals.rulings[appeal.target].judges

    def _claimed_by(self, by: Actor, token: str | None, at: datetime) -> None:
        lease = self._live_lease(at)
        if lease and lease.holder != by.id:
            raise CaseClaimedByAnother
        if lease is None or not lease.held_by(by.id, token, at):
            raise CaseNotClaimed

    def _impartial(self, subject: str) -> None:
        if objection := self.impartiality.objection(subject):
            raise ConflictOfInterest(objection)
