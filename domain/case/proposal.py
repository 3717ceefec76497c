"""Decisions that wait for a second person."""

from dataclasses import dataclass, field, replace
from uuid import UUID

from domain import events
from domain.refusals import ProposalVoid, UnknownPart
from domain.values import ProposalState, VoidCause


@dataclass(frozen=True, slots=True)
class Proposal:
    """One decision as it was proposed, and what became of it."""

    fact: events.DecisionProposed
    state: ProposalState = ProposalState.WAITING
    cause: VoidCause | None = None


@dataclass(frozen=True, slots=True)
class Proposals:
    """Every proposal of the case; at most one waits."""

    all: dict[UUID, Proposal] = field(default_factory=dict)

    @property
    def waiting(self) -> events.DecisionProposed | None:
        """The one that waits for a second person."""
        found = (one.fact for one in self.all.values() if one.state is ProposalState.WAITING)
        return next(found, None)

    def to_judge(self, proposal_id: UUID) -> events.DecisionProposed:
        """The proposal of this id that waits; raises UnknownPart or ProposalVoid."""
        if proposal_id not in self.all:
            raise UnknownPart("proposal")
        proposal = self.all[proposal_id]
        if proposal.state is not ProposalState.WAITING:
            raise ProposalVoid(f"it is {proposal.cause or proposal.state}")
        return proposal.fact

    def approved(self, proposal_id: UUID) -> bool:
        """Whether a second person agreed to it."""
        found = self.all.get(proposal_id)
        return found is not None and found.state is ProposalState.APPROVED

    def made(self, fact: events.DecisionProposed) -> "Proposals":
        """With one more that waits."""
        return Proposals(self.all | {fact.proposal_id: Proposal(fact)})

    def ended(self, proposal_id: UUID, state: ProposalState, cause: VoidCause | None = None) -> "Proposals":
        """With one that waits no more."""
        return Proposals(self.all | {proposal_id: replace(self.all[proposal_id], state=state, cause=cause)})
