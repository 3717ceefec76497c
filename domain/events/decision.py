"""What was found, proposed and decided."""

from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import Finding, LiabilityShare, Remedy, Sealed


@stored_as("CaseVerified")
class CaseVerified(Fact):
    """The claim was examined. The finding belongs to the round, not to the lease under which it was made."""

    round: int
    by: str
    finding: Finding
    liability: tuple[LiabilityShare, ...]
    evidence: tuple[UUID, ...]
    reasons: Sealed


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
