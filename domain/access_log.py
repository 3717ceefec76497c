"""The access log: who saw what of one subject on one day. It has no guards, and decides nothing.

One stream for each subject and day, so that none grows long, and those who read at the same time seldom meet.
What is seen of a case never stands on the case's own stream: a read changes no version.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import singledispatch
from typing import Any
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


@dataclass(frozen=True, slots=True)
class Look:
    """What every entry says: which access it was, by which permission, and why, sealed."""

    access_id: UUID
    permission: str
    reason: Sealed | None


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

    def read(self, look: Look, at: datetime) -> None:
        """An auditor read a page without texts."""
        self._told(events.PageRead, look, at)

    def opened(self, look: Look, fields: tuple[str, ...], at: datetime) -> None:
        """Texts or bytes were opened."""
        self._told(events.SealedDataOpened, look, at, fields=fields)

    def exported(self, look: Look, export: str, fields: tuple[str, ...], at: datetime) -> None:
        """What is kept of a case, or of a person in it, was handed out."""
        self._told(events.CaseExported, look, at, export=export, fields=fields)

    def refused(self, look: Look, at: datetime) -> None:
        """Somebody was refused."""
        self._told(events.AccessRefused, look, at)

    def _told(self, fact: type[Fact], look: Look, at: datetime, **more: Any) -> None:
        said = {"access_id": look.access_id, "permission": look.permission, "reason": look.reason}
        self._record(fact, at, **said, **more)


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
