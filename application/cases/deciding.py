"""Use cases that decide a case: by one person, or by two where much is at stake."""

from datetime import datetime
from uuid import UUID

from application.cases.running import Answer, CaseRunning
from application.running import Request, reasons_of, sealed_if_given
from application.vault import Sealing
from domain.case import Case
from domain.events import DecisionProposed
from domain.policy import Policy
from domain.policy.entitlement import Entitlement, entitlements, goodwill
from domain.values import Actor, Remedy, Sealed, SealedFor


class Deciding(CaseRunning):
    """What is granted, under which clauses, and who must agree to it."""

    def decide(
        self,
        request: Request,
        case_id: UUID,
        remedies: tuple[Remedy, ...],
        clauses: tuple[str, ...],
        reasons: str,
        discretion: str | None = None,
    ) -> Answer:
        """Decide the round, or propose what needs a second person. Needs the version and the lease.

        Each remedy comes with a new id. The answer's subject is the decision's id, or the proposal's.
        """
        decision_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.decide(
                request.by,
                request.lease_token,
                decision_id,
                remedies,
                clauses,
                reasons_of(sealing, reasons),
                self._policy(case, at),
                at,
                sealed_if_given(sealing, SealedFor.PLATFORM, "discretion", discretion),
            )

        return self._versioned(request, case_id, "cases.decide", decide, decision_id)

    def entitlements(
        self, by: Actor, case_id: UUID, clauses: tuple[str, ...] | None = None
    ) -> tuple[Case, Policy, tuple[Entitlement, ...]]:
        """What this caller could grant now, under these clauses or those of the case's reason."""
        case = self._load(by, case_id, "entitlements.read")
        policy = self._policy(case, self._clock.now())
        owed = entitlements(case.matter(), policy, clauses)
        return case, policy, (*owed, *goodwill(by.role, case.filing.order, policy))

    def approve_decision(
        self, request: Request, case_id: UUID, proposal_id: UUID, proposal_hash: str
    ) -> Answer:
        """Issue the decision that waits, as its second person. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            texts = self._texts_for_decision(case, case.proposals.to_judge(proposal_id))
            case.approve(request.by, proposal_id, proposal_hash, *texts, self._policy(case, at), at)

        return self._versioned(request, case_id, "decisions.approve", decide, proposal_id)

    def reject_decision(self, request: Request, case_id: UUID, proposal_id: UUID, reasons: str) -> Answer:
        """Refuse to approve the decision that waits. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.reject(request.by, proposal_id, reasons_of(sealing, reasons), at)

        return self._versioned(request, case_id, "decisions.approve", decide, proposal_id)

    def _texts_for_decision(self, case: Case, proposal: DecisionProposed) -> tuple[Sealed, Sealed | None]:
        """The proposal's reasons, sealed for the decision: what is sealed opens in its own fact alone."""
        # The approval is recorded first, the decision second.
        sealing = self._vault.sealing(case.id, case.version + 2)

        def resealed(field: str, text: Sealed) -> Sealed:
            place = (proposal.originator_version, field)
            opened = self._vault.open(case.id, {place: text})[place]
            return text if opened is None else sealing.seal(text.person, field, opened)

        discretion = proposal.discretion and resealed("discretion", proposal.discretion)
        return resealed("reasons", proposal.reasons), discretion
