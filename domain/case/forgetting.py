"""Commands on personal data: they are kept where they must be, withheld, and destroyed by two people."""

from datetime import datetime
from uuid import UUID, uuid5

from domain import events
from domain.case.state import ENDED, CaseState
from domain.digest import digest
from domain.policy import Policy, pack
from domain.policy.derivation import Derived, shown
from domain.policy.records import erasable_from
from domain.refusals import (
    ApprovalPending,
    CaseNotEnded,
    LegalHoldInForce,
    PersonalDataAlreadyErased,
    ProcessingIsRestricted,
    ProposalHashMismatch,
    RecordsStillKept,
    SecondPersonRequired,
)
from domain.values import Actor, ClockKind, Sealed, Side


class Forgetting(CaseState):
    """Legal holds, restriction and erasure. The history itself never changes."""

    # --- legal hold ---

    def place_legal_hold(self, by: Actor, hold_id: UUID, ground: Sealed, at: datetime) -> None:
        """Let nothing of the case be erased until the hold is released. Never refused."""
        self._record(events.LegalHoldPlaced, at, hold_id=hold_id, by=by.id, ground=ground)

    def release_legal_hold(self, by: Actor, hold_id: UUID, reasons: Sealed, at: datetime) -> None:
        """Need the case no longer. Refused: LegalHoldAlreadyReleased. Raises UnknownPart."""
        self.privacy.hold(hold_id)
        self._record(events.LegalHoldReleased, at, hold_id=hold_id, by=by.id, reasons=reasons)

    # --- restriction and erasure ---

    def request_erasure(
        self,
        by: Actor,
        party: Side,
        proposal_id: UUID,
        key_id: UUID | None,
        reasons: Sealed,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Ask for the erasure of a side's personal data, of which `key_id` is the key.

        While the records must be kept (R-1) the data are restricted instead (D-1): stored and protected, and
        not read. After that it waits for a second person. Asked for again while nothing has changed, it says
        nothing new.

        Refused: CaseNotEnded, PersonalDataAlreadyErased, and after the term LegalHoldInForce and
        ApprovalPending.
        """
        kept = self._kept(policy)
        if party in self.privacy.erased and key_id is None:
            raise PersonalDataAlreadyErased
        if at < kept.value:
            self._restrict(by, party, kept, reasons, at)
            return
        self._unheld()
        if self.privacy.proposed(party):
            raise ApprovalPending
        self._record(
            events.ErasureProposed,
            at,
            proposal_id=proposal_id,
            proposal_hash=digest(self.id, proposal_id, party, reasons),
            party=party,
            by=by.id,
            reasons=reasons,
            derivation=kept.derivation,
        )

    def approve_erasure(
        self,
        by: Actor,
        proposal_id: UUID,
        proposal_hash: str,
        key_id: UUID | None,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Have exactly what was proposed erased, as its second person: `key_id` is destroyed with this fact.

        Refused: CaseNotEnded, ProposalVoid, ProposalHashMismatch, SecondPersonRequired, RecordsStillKept,
        LegalHoldInForce. Raises UnknownPart.
        """
        kept = self._kept(policy)
        proposal = self.privacy.to_judge(proposal_id)
        if proposal_hash != proposal.proposal_hash:
            raise ProposalHashMismatch
        if by.id == proposal.by:
            raise SecondPersonRequired
        if at < kept.value:
            raise RecordsStillKept(f"{pack.RECORDS.id}: until {shown(kept.value)}")
        self._unheld()
        self.record_erasure(proposal_id, proposal.party, key_id, by.id, proposal.by, at)

    def reject_erasure(self, by: Actor, proposal_id: UUID, reasons: Sealed, at: datetime) -> None:
        """Let what was proposed to be erased stay. Refused: ProposalVoid. Raises UnknownPart."""
        self.privacy.to_judge(proposal_id)
        self._record(events.ErasureRejected, at, proposal_id=proposal_id, by=by.id, reasons=reasons)

    def record_erasure(
        self,
        erasure_id: UUID,
        party: Side,
        key_id: UUID | None,
        by: str,
        proposed_by: str,
        at: datetime,
    ) -> None:
        """Note what two people agreed to, whatever the case says of it now; noted once.

        An older copy of the history, put back, may not know of the agreement.
        """
        if self.privacy.knows(erasure_id):
            return
        self._record(
            events.PersonalDataErased,
            at,
            erasure_id=erasure_id,
            party=party,
            key_id=key_id,
            by=by,
            proposed_by=proposed_by,
        )
        restriction = self.privacy.restrictions.get(party)
        if restriction:
            self._end_clock(restriction.restriction_id, events.ClockCancelled, at)

    # --- who may read ---

    def restriction(self, party: Side) -> events.ProcessingRestricted | None:
        """What keeps a side's texts from being read; nothing while people work on the case."""
        if self.open or party in self.privacy.erased:
            return None
        return self.privacy.restrictions.get(party)

    def readable(self, party: Side) -> None:
        """Refused: ProcessingIsRestricted for a side whose texts may not be read."""
        found = self.restriction(party)
        if found:
            raise ProcessingIsRestricted(f"{found.clause}: records are kept until {shown(found.until)}")

    # --- guards ---

    def _kept(self, policy: Policy) -> Derived[datetime]:
        if self.stage not in ENDED or self.ended_at is None:
            raise CaseNotEnded(f"the case is {self.stage}")
        return erasable_from(self.ended_at, policy)

    def _unheld(self) -> None:
        if self.privacy.held:
            raise LegalHoldInForce(f"since {shown(self.privacy.held[0].timestamp)}")

    def _restrict(
        self, by: Actor, party: Side, kept: Derived[datetime], reasons: Sealed, at: datetime
    ) -> None:
        known = self.privacy.restrictions.get(party)
        if known and known.until == kept.value:
            return
        restriction_id = uuid5(self.id, f"restriction/{self.version}")
        self._record(
            events.ProcessingRestricted,
            at,
            restriction_id=restriction_id,
            party=party,
            until=kept.value,
            clause=pack.ERASURE.id,
            by=by.id,
            reasons=reasons,
            derivation=kept.derivation,
        )
        if known:
            self._end_clock(known.restriction_id, events.ClockCancelled, at)
        self._start_clock(ClockKind.RETENTION, restriction_id, kept.value, at, derivation=kept.derivation[:1])

    def _nothing_to_forget(self, by: Actor) -> set[str]:
        """The commands of this kind that there is no occasion for."""
        barred, waiting = set(), self.privacy.waiting
        if not self.privacy.held:
            barred.add("legal-hold-release")
        if not waiting:
            barred |= {"erasure-approval", "erasure-rejection"}
        elif all(one.by == by.id for one in waiting):
            barred.add("erasure-approval")
        if self.privacy.held:
            barred.add("erasure-approval")
        return barred
