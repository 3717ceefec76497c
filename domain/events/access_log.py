"""Who saw what of a case, or of another aggregate, and who was refused: facts of a stream beside its own.

Who it was, in which role and through which request is kept with each fact by the store. `permission` is the
one that was asked for; `reason`, why the caller wanted it, where it said so.
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

    permission: str
    reason: Sealed | None


@stored_as("SealedDataOpened", of="AccessLog")
class SealedDataOpened(Fact):
    """Sealed texts or bytes were opened; `fields` names them, and never says what stood there."""

    permission: str
    fields: tuple[str, ...]
    reason: Sealed | None


@stored_as("CaseExported", of="AccessLog")
class CaseExported(Fact):
    """What is kept of a case, or of a person in it, was handed out; `export` says in which form."""

    permission: str
    export: str
    fields: tuple[str, ...]
    reason: Sealed


@stored_as("AccessRefused", of="AccessLog")
class AccessRefused(Fact):
    """Somebody asked for what was not theirs to see or to do, and was refused."""

    permission: str
    reason: Sealed | None
