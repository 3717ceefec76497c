"""What was found, proposed and decided."""

from datetime import datetime
from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import (
    Circumstance,
    Derivation,
    Finding,
    LiabilityShare,
    Money,
    Remedy,
    Role,
    Sealed,
    VoidCause,
)


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


@stored_as("DecisionProposed")
class DecisionProposed(Fact):
    """A decision waits for a second person, who approves exactly what `proposal_hash` is the SHA-256 of.

    evidence: what was on file · version_seen: the version of the case that it was made on ·
    discretion: why it departs from what the rules derive, if it does.
    """

    proposal_id: UUID
    round: int
    by: str
    role: Role
    remedies: tuple[Remedy, ...]
    clauses: tuple[str, ...]
    evidence: tuple[UUID, ...]
    version_seen: int
    policy: str
    reasons: Sealed
    discretion: Sealed | None
    proposal_hash: str
    derivation: Derivation = ()


@stored_as("DecisionApproved")
class DecisionApproved(Fact):
    """A second person approved a proposal; the decision of the same id was issued with it."""

    proposal_id: UUID
    by: str
    proposal_hash: str


@stored_as("ProposalVoided")
class ProposalVoided(Fact):
    """A proposal can no longer be approved; a rejection carries its reasons."""

    proposal_id: UUID
    cause: VoidCause
    reasons: Sealed | None = None


@stored_as("DecisionIssued")
class DecisionIssued(Fact):
    """The round was decided: what is granted, under which clauses, for which reasons.

    discretion: why it departs from what the rules derive, if it does · appeal_until: until when a party may
    appeal (None: there was no appeal when it was issued) · automated: no person had a part in it; what
    explains it are the clauses and the derivation · due: by when it is to be executed · replaces: the
    decision of the system that people were asked to make, and made otherwise; what rested on it falls.
    """

    decision_id: UUID
    round: int
    by: str
    remedies: tuple[Remedy, ...]
    clauses: tuple[str, ...]
    policy: str
    reasons: Sealed | None
    discretion: Sealed | None = None
    appeal_until: datetime | None = None
    derivation: Derivation = ()
    automated: bool = False
    due: datetime | None = None
    replaces: UUID | None = None
