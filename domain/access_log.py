"""The access log: who saw what of one subject on one day. It has no guards, and decides nothing.

One stream for each subject and day, so that none grows long, and those who read at the same time seldom meet.
What is seen of a case never stands on the case's own stream: a read changes no version.
"""

from datetime import date, datetime, timedelta
from functools import singledispatch
from uuid import UUID, uuid5

from domain import events
from domain.aggregate import EvolvingAggregate
from domain.events import Fact, stored_as
from domain.values import Sealed


def log_id(subject_id: UUID, day: date) -> UUID:
    """The one log of this subject on this day (UTC)."""
    return uuid5(subject_id, f"access-log/{day.isoformat()}")


def log_ids(subject_id: UUID, first: date, last: date) -> list[UUID]:
    """The logs of every day from the first to the last, whether or not anybody came."""
    days = range((last - first).days + 1)
    return [log_id(subject_id, first + timedelta(days=number)) for number in days]


@stored_as("AccessLog")
class AccessLog(EvolvingAggregate):
    """Who saw what of one subject on one day."""

    def evolve(self, fact: Fact) -> None:
        """Fold one fact into this log."""
        evolve(fact, self)

    @classmethod
    def open(cls, subject_id: UUID, day: date, at: datetime) -> "AccessLog":
        """Begin the log of a day."""
        return cls._create(
            events.AccessLogOpened,
            id=log_id(subject_id, day),
            timestamp=at,
            subject_id=subject_id,
            day=day,
        )

    def read(self, permission: str, reason: Sealed | None, at: datetime) -> None:
        """An auditor read a page without texts."""
        self._record(events.PageRead, at, permission=permission, reason=reason)

    def opened(self, permission: str, fields: tuple[str, ...], reason: Sealed | None, at: datetime) -> None:
        """Texts or bytes were opened."""
        self._record(events.SealedDataOpened, at, permission=permission, fields=fields, reason=reason)

    def exported(
        self, permission: str, export: str, fields: tuple[str, ...], reason: Sealed, at: datetime
    ) -> None:
        """What is kept of a case, or of a person in it, was handed out."""
        self._record(
            events.CaseExported, at, permission=permission, export=export, fields=fields, reason=reason
        )

    def refused(self, permission: str, reason: Sealed | None, at: datetime) -> None:
        """Somebody was refused."""
        self._record(events.AccessRefused, at, permission=permission, reason=reason)


@singledispatch
def evolve(fact: Fact, log: AccessLog) -> None:
    """Fold one fact into the log; a fact without an evolution of its own is a programming error."""
    raise TypeError(f"{type(fact).__name__} has no evolution")


@evolve.register(events.AccessLogOpened)
@evolve.register(events.PageRead)
@evolve.register(events.SealedDataOpened)
@evolve.register(events.CaseExported)
@evolve.register(events.AccessRefused)
def _(fact: Fact, log: AccessLog) -> None:
    """Told to whoever reads the log; nothing is decided by it."""
