"""Use cases that serve to prove: evidence is asked for, put on file and judged, goods are inspected."""

from datetime import datetime
from uuid import UUID

from application import access
from application.cases.running import Answer, CaseRunning
from application.errors import Forbidden
from application.running import Request, reasons_of, sealed_if_given
from application.vault import Sealing
from domain.case import Case
from domain.policy.derivation import Derived
from domain.values import Actor, InspectionOutcome, Money, Party, SealedFor, Side


class Proving(CaseRunning):
    """From the first question to what a finding may rest on."""

    def request_evidence(
        self,
        request: Request,
        case_id: UUID,
        party: Side,
        kinds: tuple[str, ...] = (),
        text: str | None = None,
    ) -> Answer:
        """Ask a side for evidence: for these kinds, or for those of the checklist."""
        request_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealed_if_given(sealing, SealedFor.PLATFORM, "text", text)
            case.request_evidence(request.by, request_id, party, kinds, sealed, self._policy(case, at), at)

        return self._command(request, case_id, "evidence.request", decide, request_id)

    def submit_evidence(
        self,
        request: Request,
        case_id: UUID,
        party: Party,
        kind: str,
        title: str,
        sha256: str,
        uri: str | None = None,
        evidence_id: UUID | None = None,
        request_id: UUID | None = None,
    ) -> Answer:
        """Put evidence on file; outside callers only for their own party.

        `evidence_id` names bytes that were staged. Without it those of this digest are submitted, if the
        party has any staged; else the evidence is filed by reference.
        """
        for_own_party(request.by, party)
        staged = evidence_id or self._staged(request, case_id, party, sha256)
        filed = staged or self._new_id()
        person = SealedFor(party)

        def decide(case: Case, sealing: Sealing, at: datetime) -> int | None:
            return case.submit_evidence(
                request.by,
                filed,
                party,
                kind,
                sha256,
                sealing.seal(person, "title", title),
                sealed_if_given(sealing, person, "uri", uri),
                at,
                request_id,
                staged=staged is not None,
            )

        return self._command(request, case_id, "evidence.submit", decide, filed)

    def _staged(self, request: Request, case_id: UUID, party: Party, sha256: str) -> UUID | None:
        case = self._load(request.by, case_id, "evidence.submit")
        return next((one.evidence_id for one in case.evidence.staged(party) if one.sha256 == sha256), None)

    def accept_evidence(
        self, request: Request, case_id: UUID, evidence_id: UUID, reasons: str | None = None
    ) -> Answer:
        """Take another party's evidence for what it claims to be; staff speak for the platform."""
        party = access.speaks_for(request.by)

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealed_if_given(sealing, SealedFor(party), "reasons", reasons)
            case.accept_evidence(party, evidence_id, sealed, at)

        return self._command(request, case_id, "evidence.judge", decide)

    def challenge_evidence(self, request: Request, case_id: UUID, evidence_id: UUID, reasons: str) -> Answer:
        """Dispute another party's evidence; staff speak for the platform."""
        party = access.speaks_for(request.by)

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealing.seal(SealedFor(party), "reasons", reasons)
            case.challenge_evidence(party, evidence_id, sealed, at)

        return self._command(request, case_id, "evidence.judge", decide)

    def withdraw_evidence(self, request: Request, case_id: UUID, evidence_id: UUID, reasons: str) -> Answer:
        """Take one's own evidence back before a finding cites it; staff also what staff filed."""
        party = access.speaks_for(request.by)

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealing.seal(SealedFor(party), "reasons", reasons)
            case.withdraw_evidence(request.by, party, evidence_id, sealed, self._policy(case, at), at)

        return self._command(request, case_id, "evidence.withdraw", decide)

    def shift_burden(self, request: Request, case_id: UUID, to: Side, clause: str, reasons: str) -> Answer:
        """Let the other side prove from now on. Needs the version and the lease."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.shift_burden(
                request.by,
                request.lease_token,
                to,
                clause,
                reasons_of(sealing, reasons),
                self._policy(case, at),
                at,
            )

        return self._versioned(request, case_id, "burden.shift", decide)

    def order_inspection(self, request: Request, case_id: UUID, subject: str) -> Answer:
        """Have the goods inspected. Needs the version and the lease."""
        inspection_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealing.seal(SealedFor.PLATFORM, "subject", subject)
            case.order_inspection(
                request.by, request.lease_token, inspection_id, sealed, self._policy(case, at), at
            )

        return self._versioned(request, case_id, "inspections.order", decide, inspection_id)

    def report_inspection(
        self,
        request: Request,
        case_id: UUID,
        inspection_id: UUID,
        outcome: InspectionOutcome,
        cost: Money,
        report: str,
    ) -> Answer:
        """Record what an inspection found; the policy says who bears its cost."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealing.seal(SealedFor.PLATFORM, "report", report)
            case.report_inspection(inspection_id, outcome, cost, sealed, self._policy(case, at), at)

        return self._command(request, case_id, "inspections.report", decide)

    def burden(self, case: Case, at: datetime) -> Derived[Side]:
        """The side that must prove at an instant, and how the policy came to that."""
        return case.burden(self._policy(case, at))


def for_own_party(by: Actor, party: Party) -> None:
    """Raises Forbidden for outside callers who would file for another party than their own."""
    if access.OWN_PARTY.get(by.role, party) is not party:
        raise Forbidden("evidence.submit")
