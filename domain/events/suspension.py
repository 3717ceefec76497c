"""A case that rests while others deal with the matter, and that goes on."""

from datetime import datetime
from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import ResumeCause, Sealed, Stage, SuspensionGround


@stored_as("CaseSuspended")
class CaseSuspended(Fact):
    """The case rests on this ground, until `until` at the latest; it goes on in the stage `resumes`."""

    suspension_id: UUID
    ground: SuspensionGround
    resumes: Stage
    until: datetime
    by: str
    reasons: Sealed


@stored_as("SuspensionConfirmed")
class SuspensionConfirmed(Fact):
    """A receipt of the court or the police is on file: the case rests on, until `until` if a rule ends it."""

    suspension_id: UUID
    evidence_id: UUID
    until: datetime | None


@stored_as("CaseResumed")
class CaseResumed(Fact):
    """The case goes on in the stage `resumes`.

    due: by when it is then to be reviewed or executed (None: neither, or asked about when it was due).
    """

    suspension_id: UUID
    resumes: Stage
    cause: ResumeCause
    reasons: Sealed | None = None
    due: datetime | None = None
