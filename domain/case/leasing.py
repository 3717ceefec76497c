"""Commands on who works on the case."""

from datetime import datetime

from domain import events
from domain.case.state import CaseState
from domain.policy import Policy, pack
from domain.policy.calendar import due
from domain.refusals import CaseClaimedByAnother, CaseNotClaimed
from domain.values import Actor, ReleaseCause, Stage


class Leasing(CaseState):
    """At most one person works on the case at a time."""

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
        expires_at = due(at, policy.need(pack.LEASE).term, policy.calendars)
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

    def _claimed_by(self, by: Actor, token: str | None, at: datetime) -> None:
        lease = self._live_lease(at)
        if lease and lease.holder != by.id:
            raise CaseClaimedByAnother
        if lease is None or not lease.held_by(by.id, token, at):
            raise CaseNotClaimed
