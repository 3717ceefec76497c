"""Use cases of the review: what is noted and found."""

from datetime import datetime
from uuid import UUID

from application.cases.running import Answer, CaseRunning
from application.running import Request, reasons_of
from application.vault import Sealing
from domain.case import Case
from domain.values import Circumstance, Finding, LiabilityShare, Money, SealedFor, Visibility


class Reviewing(CaseRunning):
    """From the claim to the finding."""

    def note(self, request: Request, case_id: UUID, text: str, visibility: Visibility) -> Answer:
        """Write something down."""
        note_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.note(note_id, sealing.seal(SealedFor.PLATFORM, "text", text), visibility, at)

        return self._command(request, case_id, "cases.note", decide, note_id)

    def verify(
        self,
        request: Request,
        case_id: UUID,
        finding: Finding,
        liability: tuple[LiabilityShare, ...],
        evidence: tuple[UUID, ...],
        reasons: str,
        established: tuple[Circumstance, ...] = (),
        loss: Money | None = None,
    ) -> Answer:
        """Record what the examination found. Needs the version and the lease."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.verify(
                request.by,
                request.lease_token,
                finding,
                liability,
                evidence,
                reasons_of(sealing, reasons),
                at,
                established,
                loss,
            )

        return self._versioned(request, case_id, "cases.verify", decide)
