"""What was found, proposed and decided."""

from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import Circumstance, Finding, LiabilityShare, Money, Remedy, Sealed


@stored_as("CaseVerified")
class CaseVerified(Fact):
    """The claim was examined. The finding belongs to the round, not to the lease under which it was made.

    `established` and `loss`, what the buyer lost beside the price, are what rules ask for beyond the claim.
    """

    round: int
    by: str
    finding: Finding
    liability: tuple[LiabilityShare, ...]
    evidence: tuple[UUID, ...]
    reasons: Sealed
    established: tuple[Circumstance, ...] = ()
    loss: Money | None = None


@stored_as("DecisionIssued")
class DecisionIssued(Fact):
    """The round was decided: what is granted, under which clauses, for which reasons."""

    decision_id: UUID
    round: int
    by: str
    remedies: tuple[Remedy, ...]
    clauses: tuple[str, ...]
    policy: str
    reasons: Sealed
