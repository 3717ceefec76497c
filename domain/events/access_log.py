"""Who saw what of a case, or of another aggregate, and who was refused: facts of a stream beside its own.

Who it was, in which role and through which request is kept with each fact by the store. `permission` is the
one that was asked for; `reason`, why the caller wanted it, where it said so. It is sealed for its access: the
version of the fact is given only as it is recorded.
"""

from datetime import date
from uuid import UUID

from eventsourcing.domain import AggregateCreated

from domain.events.fact import Fact, stored_as
from domain.values import Sealed


@stored_as("AccessLogOpened", of="AccessLog")
class AccessLogOpened(Fact, AggregateCreated):
    """Somebody came to see something of the subject for the first time on this day (UTC)."""

    subject_id: UUID
    day: date


@stored_as("PageRead", of="AccessLog")
class PageRead(Fact):
    """An auditor read a page of the subject on which no text was opened."""

    access_id: UUID
    permission: str
    reason: Sealed | None


@stored_as("SealedDataOpened", of="AccessLog")
class SealedDataOpened(Fact):
    """Sealed texts or bytes were opened; `fields` names them, and never says what stood there."""

    access_id: UUID
    permission: str
    fields: tuple[str, ...]
    reason: Sealed | None


@stored_as("CaseExported", of="AccessLog")
class CaseExported(Fact):
    """What is kept of a case, or of a person in it, was handed out; `export` says in which form."""

    access_id: UUID
    permission: str
    export: str
    fields: tuple[str, ...]
    reason: Sealed | None


@stored_as("AccessRefused", of="AccessLog")
class AccessRefused(Fact):
    """Somebody asked for what was not theirs to see or to do, and was refused."""

    access_id: UUID
    permission: str
    reason: Sealed | None
