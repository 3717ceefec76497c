"""What is known of the parties' personal data: who needs them kept, who may not read them, what is gone."""

from dataclasses import dataclass, field, replace
from uuid import UUID

from domain import events
from domain.refusals import LegalHoldAlreadyReleased, ProposalVoid, UnknownPart
from domain.values import Side


@dataclass(frozen=True, slots=True)
class Privacy:
    """Legal holds and those that were released, restrictions by side, what is proposed, and what was erased.

    `proposals` holds None for one that was judged.
    """

    holds: dict[UUID, events.LegalHoldPlaced] = field(default_factory=dict)
    released: frozenset[UUID] = frozenset()
    restrictions: dict[Side, events.ProcessingRestricted] = field(default_factory=dict)
    proposals: dict[UUID, events.ErasureProposed | None] = field(default_factory=dict)
    erasures: tuple[events.PersonalDataErased, ...] = ()

    @property
    def held(self) -> tuple[events.LegalHoldPlaced, ...]:
        """The holds in force."""
        return tuple(hold for hold_id, hold in self.holds.items() if hold_id not in self.released)

    @property
    def erased(self) -> frozenset[Side]:
        """The sides whose data were erased."""
        return frozenset(one.party for one in self.erasures)

    def knows(self, erasure_id: UUID) -> bool:
        """Whether this erasure was recorded."""
        return any(one.erasure_id == erasure_id for one in self.erasures)

    def rejected(self, proposal_id: UUID) -> bool:
        """Whether it was decided that what was proposed stays."""
        judged = proposal_id in self.proposals and self.proposals[proposal_id] is None
        return judged and not self.knows(proposal_id)

    @property
    def waiting(self) -> tuple[events.ErasureProposed, ...]:
        """What waits for a second person."""
        return tuple(one for one in self.proposals.values() if one)

    def hold(self, hold_id: UUID) -> events.LegalHoldPlaced:
        """The hold of this id that is in force. Raises UnknownPart and LegalHoldAlreadyReleased."""
        if hold_id not in self.holds:
            raise UnknownPart("legal_hold")
        if hold_id in self.released:
            raise LegalHoldAlreadyReleased
        return self.holds[hold_id]

    def proposed(self, party: Side) -> events.ErasureProposed | None:
        """What waits for a second person about this side's data."""
        return next((one for one in self.waiting if one.party is party), None)

    def to_judge(self, proposal_id: UUID) -> events.ErasureProposed:
        """The proposal of this id that waits. Raises UnknownPart and ProposalVoid."""
        if proposal_id not in self.proposals:
            raise UnknownPart("proposal")
        found = self.proposals[proposal_id]
        if found is None:
            raise ProposalVoid("it was judged")
        return found

    def judged(self, proposal_id: UUID) -> "Privacy":
        """With a proposal that waits no more."""
        return replace(self, proposals=self.proposals | {proposal_id: None})
