"""Commands of the review: who works on the case, what is put on file, what is found and decided."""

from datetime import datetime
from uuid import UUID

from domain import events
from domain.case.settlement import Settlement
from domain.case.state import UNPROVEN
from domain.policy import Policy, pack
from domain.policy.calendar import due
from domain.policy.entitlement import multiple_cap
from domain.refusals import (
    CaseClaimedByAnother,
    CaseNotClaimed,
    CaseNotVerified,
    CompensationExceedsEntitlement,
    LiabilityMustSumTo100,
    UnknownPart,
)
from domain.values import (
    GOODS_KINDS,
    STAFF,
    Actor,
    EvidenceParty,
    Finding,
    LiabilityShare,
    ReleaseCause,
    Remedy,
    RemedyKind,
    Sealed,
    Stage,
    Visibility,
)


class Review(Settlement):
    """From the claim to the decision."""

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

    def note(self, note_id: UUID, text: Sealed, visibility: Visibility, at: datetime) -> None:
        """Write something down. Refused: CaseAlreadyClosed, WrongStage."""
        self._unless_closed()
        self._in_stage("notes")
        self._record(events.NoteAdded, at, note_id=note_id, text=text, visibility=visibility)

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
        if sum(one.share for one in liability) != 100 and not (not liability and finding in UNPROVEN):
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

    def _within_entitlement(
        self, by: Actor, remedies: tuple[Remedy, ...], clauses: tuple[str, ...], policy: Policy
    ) -> None:
        order = self.filing.order
        goodwill = policy.need(pack.GOODWILL).limits.get(by.role)
        after = self.money.granted([one for one in remedies if one.kind not in GOODS_KINDS])
        caps = {
            RemedyKind.REFUND: order.paid.amount_minor,
            RemedyKind.FREIGHT: policy.need(pack.FREIGHT_CAP).minor,
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

    def _claimed_by(self, by: Actor, token: str | None, at: datetime) -> None:
        lease = self._live_lease(at)
        if lease and lease.holder != by.id:
            raise CaseClaimedByAnother
        if lease is None or not lease.held_by(by.id, token, at):
            raise CaseNotClaimed
