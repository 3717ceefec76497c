"""Facts of an incident: many cases with one cause, dealt with together."""

from datetime import datetime
from uuid import UUID

from eventsourcing.domain import AggregateCreated

from domain.events.fact import Fact, stored_as
from domain.values import (
    Derivation,
    Detector,
    Finding,
    IncidentStep,
    LiabilityShare,
    Payer,
    RemedyRule,
    Sealed,
)


@stored_as("IncidentRaised", of="Incident")
class IncidentRaised(Fact, AggregateCreated):
    """Something unusual was seen by a detector or a person; `derivation` holds the counts behind it.

    merchant_id, sku, reason, buyer: what the cases have in common, where they do.
    """

    detector: Detector
    merchant_id: str | None
    sku: str | None
    reason: str | None
    buyer: str | None
    cases: tuple[UUID, ...]
    by: str
    derivation: Derivation = ()


@stored_as("IncidentCaseJoined", of="Incident")
class IncidentCaseJoined(Fact):
    """One more case belongs to the incident, which makes them `count`."""

    case_id: UUID
    count: int


@stored_as("IncidentStepDue", of="Incident")
class IncidentStepDue(Fact):
    """A step of the incident must be taken by `due` (X-1)."""

    clock_id: UUID
    step: IncidentStep
    due: datetime
    derivation: Derivation


@stored_as("IncidentStepTaken", of="Incident")
class IncidentStepTaken(Fact):
    """A step was taken, in time or late."""

    clock_id: UUID
    step: IncidentStep
    by: str
    text: Sealed


@stored_as("IncidentStepMissed", of="Incident")
class IncidentStepMissed(Fact):
    """A step was not taken in time, the `count`th so far; it is still to be taken."""

    clock_id: UUID
    step: IncidentStep
    count: int


@stored_as("IncidentSteppedIn", of="Incident")
class IncidentSteppedIn(Fact):
    """The platform steps in on every case of the incident."""

    by: str


@stored_as("BatchProposed", of="Incident")
class BatchProposed(Fact):
    """One decision was proposed for these cases; what each is granted is derived by its own figures."""

    batch_id: UUID
    batch_hash: str
    cases: tuple[UUID, ...]
    finding: Finding
    liability: tuple[LiabilityShare, ...]
    rules: tuple[RemedyRule, ...]
    clauses: tuple[str, ...]
    payer: Payer
    by: str
    reasons: Sealed


@stored_as("BatchApproved", of="Incident")
class BatchApproved(Fact):
    """A second person approved the batch of this hash."""

    batch_id: UUID
    batch_hash: str
    by: str


@stored_as("BatchCaseDecided", of="Incident")
class BatchCaseDecided(Fact):
    """The batch's decision was issued on one case."""

    batch_id: UUID
    case_id: UUID


@stored_as("BatchCaseFailed", of="Incident")
class BatchCaseFailed(Fact):
    """One case refused the batch's decision, the `count`th, with this code; it is left to a reviewer."""

    batch_id: UUID
    case_id: UUID
    code: str
    count: int


@stored_as("IncidentClosed", of="Incident")
class IncidentClosed(Fact):
    """The incident is over."""

    by: str
    reasons: Sealed
