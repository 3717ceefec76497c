"""Use cases of the review: who works on a case, what is put on file, what is found and decided."""

from datetime import datetime
from uuid import UUID

from application import access
from application.cases.running import Answer, CaseRunning
from application.errors import (
    Forbidden,
    NotFound,
)
from application.running import Request, reasons_of, sealed_if_given
from application.vault import Sealing
from domain.case import Case
from domain.refusals import CaseClaimedByAnother, Refusal
from domain.values import (
    EvidenceParty,
    Finding,
    LiabilityShare,
    Remedy,
    SealedFor,
    Visibility,
)


class Reviewing(CaseRunning):
    """From the claim to the decision."""

    def claim(self, request: Request, case_id: UUID) -> Answer:
        """Take the case under a lease, or renew one's own. Needs the version."""
        return self._versioned(
            request, case_id, "cases.claim", lambda case, _, at: case.claim(request.by, self._policy, at)
        )

    def claim_next(self, request: Request, candidates: list[UUID]) -> Answer | None:
        """Take the first of these cases that can still be had; None when none can."""
        self._permit(request.by, "cases.claim")
        if known := self._replayed(request):
            return known

        def claim_if_free(case: Case, sealing: Sealing, at: datetime) -> None:
            # A queue may lag behind its caller, who asked for another case and not to renew a lease.
            if case.lease and case.lease.live(at):
                raise CaseClaimedByAnother
            case.claim(request.by, self._policy, at)

        for case_id in candidates:
            try:
                return self._command(request, case_id, "cases.claim", claim_if_free)
            except (Refusal, NotFound):
                continue
        return None

    def release(self, request: Request, case_id: UUID) -> Answer:
        """Give the case back. Needs the version."""
        return self._versioned(
            request,
            case_id,
            "cases.claim",
            lambda case, _, at: case.release(request.by, request.lease_token, at),
        )

    def note(self, request: Request, case_id: UUID, text: str, visibility: Visibility) -> Answer:
        """Write something down."""
        note_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.note(note_id, sealing.seal(SealedFor.PLATFORM, "text", text), visibility, at)

        return self._command(request, case_id, "cases.note", decide, note_id)

    def submit_evidence(
        self,
        request: Request,
        case_id: UUID,
        party: EvidenceParty,
        kind: str,
        title: str,
        sha256: str,
        uri: str | None = None,
    ) -> Answer:
        """Put evidence on file by reference; outside callers only for their own party."""
        own = access.OWN_PARTY.get(request.by.role, party)
        if own is not party:
            raise Forbidden("evidence.submit")
        evidence_id = self._new_id()
        person = SealedFor(party)

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.submit_evidence(
                request.by,
                evidence_id,
                party,
                kind,
                sha256,
                sealing.seal(person, "title", title),
                sealed_if_given(sealing, person, "uri", uri),
                at,
            )

        return self._command(request, case_id, "evidence.submit", decide, evidence_id)

    def verify(
        self,
        request: Request,
        case_id: UUID,
        finding: Finding,
        liability: tuple[LiabilityShare, ...],
        evidence: tuple[UUID, ...],
        reasons: str,
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
            )

        return self._versioned(request, case_id, "cases.verify", decide)

    def decide(
        self,
        request: Request,
        case_id: UUID,
        remedies: tuple[Remedy, ...],
        clauses: tuple[str, ...],
        reasons: str,
    ) -> Answer:
        """Decide the round. Needs the version and the lease. Each remedy comes with a new id."""
        decision_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.decide(
                request.by,
                request.lease_token,
                decision_id,
                remedies,
                clauses,
                reasons_of(sealing, reasons),
                self._policy,
                at,
            )

        return self._versioned(request, case_id, "cases.decide", decide, decision_id)
