"""Commands of the review: what is noted and found."""

from datetime import datetime
from uuid import UUID

from domain import events
from domain.case.proving import Proving
from domain.case.state import UNPROVEN
from domain.refusals import LiabilityMustSumTo100
from domain.values import (
    Actor,
    Circumstance,
    Finding,
    LiabilityShare,
    Money,
    Sealed,
    Visibility,
    VoidCause,
)


class Review(Proving):
    """From the claim to the finding."""

    def note(self, note_id: UUID, text: Sealed, visibility: Visibility, at: datetime) -> None:
        """Write something down. Refused: CaseAlreadyClosed, WrongStage."""
        self._unless_closed()
        self._in_stage("notes")
        self._record(events.NoteAdded, at, note_id=note_id, text=text, visibility=visibility)

    def verify(
        self,
        by: Actor,
        token: str | None,
        finding: Finding,
        liability: tuple[LiabilityShare, ...],
        evidence: tuple[UUID, ...],
        reasons: Sealed,
        at: datetime,
        established: tuple[Circumstance, ...] = (),
        loss: Money | None = None,
    ) -> None:
        """Record what the examination found, and who is liable for what share.

        `established` and `loss` are what rules ask for beyond the claim. The last finding of a round counts;
        a proposal that rests on an earlier one is void.

        Refused: CaseAlreadyClosed, CaseNotClaimed, CaseClaimedByAnother, WrongStage, LiabilityMustSumTo100,
        EvidenceTakenBack. Raises UnknownPart for evidence that is not on file.
        """
        self._unless_closed()
        self._claimed_by(by, token, at)
        self._in_stage("verification")
        if sum(one.share for one in liability) != 100 and not (not liability and finding in UNPROVEN):
            raise LiabilityMustSumTo100
        self.evidence.weighable(evidence)
        self._record(
            events.CaseVerified,
            at,
            round=self.round,
            by=by.id,
            finding=finding,
            liability=liability,
            evidence=evidence,
            reasons=reasons,
            established=established,
            loss=loss,
        )
        self._void_proposal(VoidCause.NEW_FINDING, at)
