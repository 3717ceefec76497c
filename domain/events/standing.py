"""A merchant's standing: the points of its penalties over all cases, and the sanctions that they reach."""

from datetime import datetime
from uuid import UUID

from eventsourcing.domain import AggregateCreated

from domain.events.fact import Fact, stored_as
from domain.values import Derivation, DropCause, SanctionEnd


@stored_as("StandingOpened", of="MerchantStanding")
class StandingOpened(Fact, AggregateCreated):
    """A merchant was penalised for the first time."""

    merchant_id: str


@stored_as("PointsCounted", of="MerchantStanding")
class PointsCounted(Fact):
    """The points of a penalty were entered; they count until it expires or `quarter_ends`.

    quarter_ends: the end of the quarter in which the penalty was assessed; none where points are not reset.
    """

    merchant_id: str
    penalty_id: UUID
    case_id: UUID
    points: int
    clause: str
    assessed_at: datetime
    expires_at: datetime
    quarter_ends: datetime | None


@stored_as("PointsAdjusted", of="MerchantStanding")
class PointsAdjusted(Fact):
    """A penalty was lowered; its points count as if they had never been more."""

    penalty_id: UUID
    points: int


@stored_as("PointsDropped", of="MerchantStanding")
class PointsDropped(Fact):
    """The points of a penalty no longer count; if it was reversed, as if they never had."""

    penalty_id: UUID
    points: int
    cause: DropCause


@stored_as("QuarterClosed", of="MerchantStanding")
class QuarterClosed(Fact):
    """A quarter ended, and with it what counted in it: `points` in all."""

    quarter_ends: datetime
    points: int


@stored_as("SanctionStarted", of="MerchantStanding")
class SanctionStarted(Fact):
    """The points reached a tier; its measures hold from `since` until `until`.

    penalties: those whose points it rests on, the last of which reached the tier · clauses: theirs.
    """

    merchant_id: str
    sanction_id: UUID
    tier: int
    measures: tuple[str, ...]
    points: int
    penalties: tuple[UUID, ...]
    clauses: tuple[str, ...]
    since: datetime
    until: datetime
    policy: str
    derivation: Derivation = ()


@stored_as("SanctionPublished", of="MerchantStanding")
class SanctionPublished(Fact):
    """A sanction is shown to everybody; one that is reversed is shown no more."""

    sanction_id: UUID


@stored_as("SanctionEnded", of="MerchantStanding")
class SanctionEnded(Fact):
    """A sanction was served, superseded by a higher one, or fell with points that it rested on.

    One that had ended can still be reversed: it should never have been.
    """

    sanction_id: UUID
    cause: SanctionEnd


@stored_as("SanctionRestored", of="MerchantStanding")
class SanctionRestored(Fact):
    """A sanction goes on that a fallen one had superseded, until it would have ended all along."""

    sanction_id: UUID
