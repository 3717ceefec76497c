"""Commands that serve to prove: evidence is asked for, put on file and judged, goods are inspected."""

from datetime import datetime
from uuid import UUID

from domain import events
from domain.case.evidence import EvidenceRequest, Piece
from domain.case.leasing import Leasing
from domain.policy import Policy, pack
from domain.policy.calendar import due as due_of
from domain.policy.deadlines import evidence_due
from domain.policy.derivation import Derived
from domain.policy.proof import burden_of_proof, checklist, inspection_bearer
from domain.refusals import (
    BurdenUnchanged,
    CaseClaimedByAnother,
    DigestMismatch,
    EvidenceAlreadyJudged,
    EvidenceAlreadyRequested,
    EvidenceCited,
    EvidenceOfAnother,
    EvidenceTakenBack,
    EvidenceWindowOver,
    InspectionAlreadyReported,
    InspectionOpen,
    NotAddressed,
    NothingRequested,
    OwnEvidence,
    TooManyPiecesStaged,
)
from domain.values import (
    STAFF,
    Actor,
    ClockKind,
    InspectionOutcome,
    Money,
    Party,
    RequestState,
    Sealed,
    Side,
    VoidCause,
)


class Proving(Leasing):
    """What is asked for, what is on file and what is made of it, until a finding cites it."""

    # --- asking ---

    def request_evidence(
        self,
        by: Actor,
        request_id: UUID,
        party: Side,
        kinds: tuple[str, ...],
        text: Sealed | None,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Ask a side for kinds of evidence within the policy's term; without kinds, for the checklist's.

        Refused: CaseAlreadyClosed, CaseClaimedByAnother, WrongStage, NothingRequested,
        EvidenceAlreadyRequested.
        """
        self._unless_closed()
        lease = self._live_lease(at)
        if lease and lease.holder != by.id:
            raise CaseClaimedByAnother
        self._in_stage("evidence-requests")
        asked = Derived(tuple(dict.fromkeys(kinds))) if kinds else self._checklist(party, policy)
        if not self._still_to_ask(party, asked.value):
            raise EvidenceAlreadyRequested
        rule = policy.needed(pack.SUPPLEMENT)
        self._record(
            events.EvidenceRequested,
            at,
            request_id=request_id,
            party=party,
            kinds=asked.value,
            due=evidence_due(at, policy).value,
            by=by.id,
            text=text,
            derivation=asked.derivation,
        )
        self._start_term(ClockKind.EVIDENCE, request_id, rule, rule.terms.term, policy, at)

    def _checklist(self, party: Side, policy: Policy) -> Derived[tuple[str, ...]]:
        listed = checklist(self.reason, party, policy)
        if not listed.value:
            raise NothingRequested(f"{pack.CHECKLIST.id} names nothing for {self.reason}")
        return listed

    def _still_to_ask(self, party: Side, kinds: tuple[str, ...]) -> set[str]:
        asked = {
            kind
            for request in self.evidence.requests.values()
            if request.party is party and self.clocks.of(request.request_id)
            for kind in self.evidence.missing(request)
        }
        return set(kinds) - asked

    def _lapse_request(self, request_id: UUID, at: datetime) -> None:
        party = self.evidence.requests[request_id].party
        self._record(events.EvidenceLapsed, at, request_id=request_id, party=party)

    # --- putting on file ---

    def stage_evidence(
        self,
        by: Actor,
        evidence_id: UUID,
        party: Party,
        sha256: str,
        size: int,
        media_type: str,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Take bytes in, to be submitted within the policy's term or discarded.

        Refused: CaseAlreadyClosed, WrongStage, TooManyPiecesStaged.
        """
        self._unless_closed()
        self._in_stage("evidence")
        rule = policy.needed(pack.STAGING)
        if len(self.evidence.staged(party)) >= rule.terms.pieces:
            raise TooManyPiecesStaged(f"at most {rule.terms.pieces} ({pack.STAGING.id})")
        self._record(
            events.EvidenceStaged,
            at,
            evidence_id=evidence_id,
            party=party,
            by_staff=by.role in STAFF,
            sha256=sha256,
            size=size,
            media_type=media_type,
            due=due_of(at, rule.terms.term, policy.calendars),
        )
        self._start_term(ClockKind.STAGING, evidence_id, rule, rule.terms.term, policy, at)

    def _discard_staged(self, evidence_id: UUID, at: datetime) -> None:
        party = self.evidence.pieces[evidence_id].party
        self._record(events.EvidenceDiscarded, at, evidence_id=evidence_id, party=party)

    def submit_evidence(
        self,
        by: Actor,
        evidence_id: UUID,
        party: Party,
        kind: str,
        sha256: str,
        title: Sealed,
        uri: Sealed | None,
        at: datetime,
        request_id: UUID | None = None,
        staged: bool = False,
    ) -> int | None:
        """Put evidence on file: by reference under a new id, or the bytes that were staged under this id.

        With `request_id` it answers a request, which is satisfied when nothing is missing any more. Staged
        bytes that are on file already record nothing: the version that recorded them is returned.

        Raises UnknownPart. Refused: CaseAlreadyClosed, WrongStage, DigestMismatch, NotAddressed,
        EvidenceWindowOver.
        """
        piece = self.evidence.taken_in(evidence_id, party) if staged else None
        if piece and piece.filed is not None and piece.sha256 == sha256:
            return piece.filed
        self._unless_closed()
        self._in_stage("evidence")
        if piece and piece.sha256 != sha256:
            raise DigestMismatch
        request = self._answerable(request_id, party, at) if request_id else None
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
            request_id=request_id,
            late=request is None and self.evidence.late(party, kind, self.clocks, at),
        )
        self._void_proposal(VoidCause.NEW_EVIDENCE, at)
        self._end_clock(evidence_id, events.ClockSatisfied, at)
        if request and not self.evidence.missing(request):
            self._end_clock(request.request_id, events.ClockSatisfied, at)
        return None

    def _answerable(self, request_id: UUID, party: Party, at: datetime) -> EvidenceRequest:
        request = self.evidence.request(request_id)
        if not request.addresses(party):
            raise NotAddressed
        if not self.clocks.of(request_id) or self.clocks.overdue(request_id, at):
            raise EvidenceWindowOver(f"{pack.SUPPLEMENT.id}: it ended at {request.due.isoformat()}")
        return request

    # --- judging ---

    def accept_evidence(self, party: Party, evidence_id: UUID, reasons: Sealed | None, at: datetime) -> None:
        """Take another party's piece for what it claims to be.

        Raises UnknownPart. Refused: CaseAlreadyClosed, WrongStage, EvidenceTakenBack, OwnEvidence,
        EvidenceAlreadyJudged.
        """
        self._open_to_judgement(party, evidence_id, accepted=True)
        self._record(events.EvidenceAccepted, at, evidence_id=evidence_id, by_party=party, reasons=reasons)

    def challenge_evidence(self, party: Party, evidence_id: UUID, reasons: Sealed, at: datetime) -> None:
        """Dispute another party's piece. Raises and refuses as `accept_evidence`."""
        self._open_to_judgement(party, evidence_id, accepted=False)
        self._record(events.EvidenceChallenged, at, evidence_id=evidence_id, by_party=party, reasons=reasons)

    def _open_to_judgement(self, party: Party, evidence_id: UUID, *, accepted: bool) -> None:
        piece = self._standing(evidence_id)
        if piece.party is party:
            raise OwnEvidence
        if piece.words.get(party) is accepted:
            raise EvidenceAlreadyJudged

    def withdraw_evidence(
        self,
        by: Actor,
        party: Party,
        evidence_id: UUID,
        reasons: Sealed,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Take one's own piece back; staff also what staff filed for a party.

        A request that it satisfied is open again until its due time, and has lapsed after it.

        Raises UnknownPart. Refused: CaseAlreadyClosed, WrongStage, EvidenceTakenBack, EvidenceOfAnother,
        EvidenceCited.
        """
        piece = self._standing(evidence_id)
        if piece.party is not party and not (piece.by_staff and by.role in STAFF):
            raise EvidenceOfAnother
        if piece.cited:
            raise EvidenceCited
        answered = self._satisfied_by(piece)
        self._record(
            events.EvidenceWithdrawn, at, evidence_id=evidence_id, party=piece.party, reasons=reasons
        )
        if answered and self.evidence.missing(answered):
            self._ask_again(answered, policy, at)

    def _standing(self, evidence_id: UUID) -> Piece:
        piece = self.evidence.on_file(evidence_id)
        self._unless_closed()
        self._in_stage("evidence")
        if piece.withdrawn:
            raise EvidenceTakenBack
        return piece

    def _satisfied_by(self, piece: Piece) -> EvidenceRequest | None:
        request = self.evidence.requests.get(piece.request_id) if piece.request_id else None
        if request and self.evidence.state_of(request, self.clocks) is RequestState.SATISFIED:
            return request
        return None

    def _ask_again(self, request: EvidenceRequest, policy: Policy, at: datetime) -> None:
        if at >= request.due:
            self._lapse_request(request.request_id, at)
            return
        calendar = policy.needed(pack.SUPPLEMENT).terms.term.calendar
        self._start_clock(ClockKind.EVIDENCE, request.request_id, request.due, at, calendar)

    # --- the burden of proof ---

    def burden(self, policy: Policy) -> Derived[Side]:
        """The side that must prove now; the derivation is the policy's, and empty once it was shifted."""
        if self.evidence.burden:
            return Derived(self.evidence.burden)
        filing = self.filing
        return burden_of_proof(self.reason, filing.order, filing.timestamp, policy)

    def shift_burden(
        self,
        by: Actor,
        token: str | None,
        to: Side,
        clause: str,
        reasons: Sealed,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Let the other side prove from now on, under a clause.

        Refused: CaseAlreadyClosed, CaseNotClaimed, CaseClaimedByAnother, WrongStage, BurdenUnchanged,
        ClauseNotInForce.
        """
        self._unless_closed()
        self._claimed_by(by, token, at)
        self._in_stage("burden")
        if self.burden(policy).value is to:
            raise BurdenUnchanged
        self._in_force((clause,), policy)
        self._record(events.BurdenShifted, at, to=to, by=by.id, clause=clause, reasons=reasons)

    # --- inspecting ---

    def order_inspection(
        self,
        by: Actor,
        token: str | None,
        inspection_id: UUID,
        subject: Sealed,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Have the goods inspected within the policy's term.

        Refused: CaseAlreadyClosed, CaseNotClaimed, CaseClaimedByAnother, WrongStage, InspectionOpen.
        """
        self._unless_closed()
        self._claimed_by(by, token, at)
        self._in_stage("inspections")
        if self.clocks.of_kind(ClockKind.INSPECTION):
            raise InspectionOpen
        rule = policy.needed(pack.INSPECTION)
        self._record(
            events.InspectionOrdered,
            at,
            inspection_id=inspection_id,
            by=by.id,
            subject=subject,
            due=due_of(at, rule.terms.term, policy.calendars),
        )
        self._start_term(ClockKind.INSPECTION, inspection_id, rule, rule.terms.term, policy, at)

    def report_inspection(
        self,
        inspection_id: UUID,
        outcome: InspectionOutcome,
        cost: Money,
        report: Sealed,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Record what an inspection found, in time or not, and who bears its cost by the policy.

        Raises UnknownPart. Refused: CaseAlreadyClosed, WrongStage, InspectionAlreadyReported.
        """
        inspection = self.evidence.inspection(inspection_id)
        self._unless_closed()
        self._in_stage("evidence")
        if inspection.outcome:
            raise InspectionAlreadyReported
        bearer = inspection_bearer(outcome, policy)
        self._record(
            events.InspectionReported,
            at,
            inspection_id=inspection_id,
            outcome=outcome,
            cost=cost,
            bearer=bearer.value,
            report=report,
            derivation=bearer.derivation,
        )
        self._void_proposal(VoidCause.NEW_EVIDENCE, at)
        self._end_clock(inspection_id, events.ClockSatisfied, at)
