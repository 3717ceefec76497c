"""A merchant's standing over all its cases: which points count, and which sanction runs because of them.

One stream for each merchant. Penalties belong to their cases; here their points meet. What has fallen is
counted as if it had never been: after each fall the sanctions are brought in line with what is left.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import singledispatch
from uuid import UUID, uuid5

from domain import events
from domain.aggregate import EvolvingAggregate
from domain.events import Fact, stored_as
from domain.policy.sanctions import Counted, InForce, Reached, course, quarter_of
from domain.refusals import UnknownPart
from domain.values import DropCause, SanctionEnd

STANDINGS = UUID("4c7b2a90-5f1d-4e0b-9a35-8f6b1e02d7c4")
"""The namespace of the ids of standings."""


def standing_id(merchant_id: str) -> UUID:
    """The one standing of this merchant."""
    return uuid5(STANDINGS, merchant_id)


@dataclass(frozen=True, slots=True)
class Line:
    """The points of one penalty, and whether they still count."""

    counted: Counted
    quarter_ends: datetime | None
    dropped: DropCause | None = None

    @property
    def live(self) -> bool:
        """Whether they count now."""
        return self.dropped is None

    @property
    def valid(self) -> bool:
        """Whether they ever counted: what was reversed never did."""
        return self.dropped is not DropCause.REVERSED


@dataclass(frozen=True, slots=True)
class Sanction:
    """One sanction: `ended` says how it did, None that it runs."""

    sanction_id: UUID
    tier: int
    measures: tuple[str, ...]
    until: datetime
    ended: SanctionEnd | None = None


@stored_as("MerchantStanding")
class MerchantStanding(EvolvingAggregate):
    """What all penalties of a merchant come to. Each command that was carried out before changes nothing."""

    def __init__(self) -> None:
        self.merchant_id: str
        self.lines: dict[UUID, Line] = {}
        self.sanctions: dict[UUID, Sanction] = {}
        self.quarters: dict[UUID, datetime] = {}

    def evolve(self, fact: Fact) -> None:
        """Fold one fact into this standing."""
        evolve(fact, self)

    @property
    def points(self) -> int:
        """What counts now."""
        return sum(line.counted.points for line in self.lines.values() if line.live)

    @property
    def running(self) -> Sanction | None:
        """The sanction that runs; there is at most one."""
        return next((one for one in self.sanctions.values() if one.ended is None), None)

    def quarter_clock(self, quarter_ends: datetime) -> UUID:
        """The clock that ends this quarter."""
        return uuid5(self.id, f"quarter/{quarter_ends.isoformat()}")

    # --- commands ---

    @classmethod
    def open(cls, merchant_id: str, at: datetime) -> "MerchantStanding":
        """Begin the standing of a merchant."""
        return cls._create(
            events.StandingOpened, id=standing_id(merchant_id), timestamp=at, merchant_id=merchant_id
        )

    def count(
        self,
        penalty_id: UUID,
        case_id: UUID,
        points: int,
        clause: str,
        assessed_at: datetime,
        expires_at: datetime,
        in_force: InForce,
        at: datetime,
    ) -> None:
        """Enter the points of a penalty; a tier that they reach starts its sanction (S-1)."""
        if penalty_id in self.lines:
            return
        quarter_ends = quarter_of(assessed_at, in_force(assessed_at))
        self._record(
            events.PointsCounted,
            at,
            merchant_id=self.merchant_id,
            penalty_id=penalty_id,
            case_id=case_id,
            points=points,
            clause=clause,
            assessed_at=assessed_at,
            expires_at=expires_at,
            quarter_ends=quarter_ends,
        )
        self._bring_in_line(in_force, at)
        if quarter_ends and quarter_ends <= at:
            self._drop(self.lines[penalty_id], DropCause.RESET, at)

    def adjust(self, penalty_id: UUID, points: int, in_force: InForce, at: datetime) -> None:
        """Lower the points of a penalty, as if they had never been more. Raises UnknownPart."""
        line = self._line(penalty_id)
        if line.valid and points < line.counted.points:
            self._record(events.PointsAdjusted, at, penalty_id=penalty_id, points=points)
            self._bring_in_line(in_force, at)

    def reverse(self, penalty_id: UUID, in_force: InForce, at: datetime) -> None:
        """Take the points of a penalty out, as if they had never counted. Raises UnknownPart."""
        line = self._line(penalty_id)
        if line.valid:
            self._drop(line, DropCause.REVERSED, at)
            self._bring_in_line(in_force, at)

    def expire(self, penalty_id: UUID, at: datetime) -> None:
        """Count the points of a penalty no longer; what they led to runs on. Raises UnknownPart."""
        line = self._line(penalty_id)
        if line.live:
            self._drop(line, DropCause.EXPIRED, at)

    def miss_clock(self, clock_id: UUID, at: datetime) -> None:
        """End the sanction or the quarter whose time is over; nothing for what ended or is not due."""
        due = self.clocks.get(clock_id)
        if due is None or at < due:
            return
        if clock_id in self.sanctions:
            self._end(self.sanctions[clock_id], SanctionEnd.SERVED, at)
        else:
            self._close_quarter(due, at)

    @property
    def clocks(self) -> dict[UUID, datetime]:
        """The due times that are awaited: of running sanctions, and of quarters in which points count."""
        running = {key: one.until for key, one in self.sanctions.items() if one.ended is None}
        return running | self.quarters

    def called_for(self, in_force: InForce) -> dict[UUID, Reached]:
        """Every sanction that the points call for, whatever has become of it, by its id."""
        counted = (line.counted for line in self.lines.values() if line.valid)
        return {self._sanction_id(one): one for one in course(counted, in_force)}

    # --- what follows ---

    def _line(self, penalty_id: UUID) -> Line:
        if penalty_id not in self.lines:
            raise UnknownPart("penalty")
        return self.lines[penalty_id]

    def _drop(self, line: Line, cause: DropCause, at: datetime) -> None:
        penalty = line.counted
        self._record(
            events.PointsDropped, at, penalty_id=penalty.penalty_id, points=penalty.points, cause=cause
        )

    def _close_quarter(self, quarter_ends: datetime, at: datetime) -> None:
        lines = [one for one in self.lines.values() if one.live and one.quarter_ends == quarter_ends]
        points = sum(one.counted.points for one in lines)
        self._record(events.QuarterClosed, at, quarter_ends=quarter_ends, points=points)
        for line in lines:
            self._drop(line, DropCause.RESET, at)

    def _bring_in_line(self, in_force: InForce, at: datetime) -> None:
        """End what the points no longer bear out; let run what they lead to and is not over."""
        reached = self.called_for(in_force)
        last = next(reversed(reached), None)
        current = last if last and at < reached[last].until else None
        for sanction in list(self.sanctions.values()):
            if cause := _fate(sanction, sanction.sanction_id in reached, current, at):
                self._end(sanction, cause, at)
        if current:
            self._let_run(current, reached[current], at)

    def _sanction_id(self, reached: Reached) -> UUID:
        return uuid5(self.id, f"tier {reached.number} by {reached.reached_by}")

    def _let_run(self, sanction_id: UUID, reached: Reached, at: datetime) -> None:
        known = self.sanctions.get(sanction_id)
        if known is None:
            self._start(sanction_id, reached, at)
        elif known.ended:
            self._record(events.SanctionRestored, at, sanction_id=sanction_id)

    def _start(self, sanction_id: UUID, reached: Reached, at: datetime) -> None:
        self._record(
            events.SanctionStarted,
            at,
            merchant_id=self.merchant_id,
            sanction_id=sanction_id,
            tier=reached.number,
            measures=reached.measures,
            points=reached.points,
            penalties=tuple(one.penalty_id for one in reached.rests_on),
            clauses=tuple(sorted({one.clause for one in reached.rests_on})),
            since=reached.since,
            until=reached.until,
            policy=reached.policy,
            derivation=reached.derivation,
        )
        if reached.published:
            self._record(events.SanctionPublished, at, sanction_id=sanction_id)

    def _end(self, sanction: Sanction, cause: SanctionEnd, at: datetime) -> None:
        self._record(events.SanctionEnded, at, sanction_id=sanction.sanction_id, cause=cause)


def _fate(sanction: Sanction, borne_out: bool, current: UUID | None, at: datetime) -> SanctionEnd | None:
    """How a sanction ends now, if it does: one that has ended can only fall."""
    if not borne_out:
        return None if sanction.ended is SanctionEnd.REVERSED else SanctionEnd.REVERSED
    if sanction.ended or sanction.sanction_id == current:
        return None
    return SanctionEnd.SERVED if sanction.until <= at else SanctionEnd.SUPERSEDED


@singledispatch
def evolve(fact: Fact, standing: MerchantStanding) -> None:
    """Fold one fact into a standing; a fact without an evolution of its own is a programming error."""
    raise TypeError(f"{type(fact).__name__} has no evolution")


@evolve.register(events.StandingOpened)
def _(fact: events.StandingOpened, standing: MerchantStanding) -> None:
    standing.merchant_id = fact.merchant_id


@evolve.register(events.PointsCounted)
def _(fact: events.PointsCounted, standing: MerchantStanding) -> None:
    until = min(fact.expires_at, fact.quarter_ends or fact.expires_at)
    counted = Counted(
        fact.penalty_id, fact.points, fact.clause, fact.assessed_at, until, entered_at=fact.timestamp
    )
    standing.lines = standing.lines | {fact.penalty_id: Line(counted, fact.quarter_ends)}
    if fact.quarter_ends and fact.timestamp < fact.quarter_ends:
        clock_id = standing.quarter_clock(fact.quarter_ends)
        standing.quarters = standing.quarters | {clock_id: fact.quarter_ends}


@evolve.register(events.PointsAdjusted)
def _(fact: events.PointsAdjusted, standing: MerchantStanding) -> None:
    line = standing.lines[fact.penalty_id]
    lowered = replace(line, counted=replace(line.counted, points=fact.points))
    standing.lines = standing.lines | {fact.penalty_id: lowered}


@evolve.register(events.PointsDropped)
def _(fact: events.PointsDropped, standing: MerchantStanding) -> None:
    dropped = replace(standing.lines[fact.penalty_id], dropped=fact.cause)
    standing.lines = standing.lines | {fact.penalty_id: dropped}


@evolve.register(events.QuarterClosed)
def _(fact: events.QuarterClosed, standing: MerchantStanding) -> None:
    closed = standing.quarter_clock(fact.quarter_ends)
    standing.quarters = {key: ends for key, ends in standing.quarters.items() if key != closed}


@evolve.register(events.SanctionStarted)
def _(fact: events.SanctionStarted, standing: MerchantStanding) -> None:
    sanction = Sanction(fact.sanction_id, fact.tier, fact.measures, fact.until)
    standing.sanctions = standing.sanctions | {fact.sanction_id: sanction}


@evolve.register(events.SanctionPublished)
def _(fact: events.SanctionPublished, standing: MerchantStanding) -> None:
    """Told to others; nothing is decided by it."""


@evolve.register(events.SanctionEnded)
def _(fact: events.SanctionEnded, standing: MerchantStanding) -> None:
    ended = replace(standing.sanctions[fact.sanction_id], ended=fact.cause)
    standing.sanctions = standing.sanctions | {fact.sanction_id: ended}


@evolve.register(events.SanctionRestored)
def _(fact: events.SanctionRestored, standing: MerchantStanding) -> None:
    restored = replace(standing.sanctions[fact.sanction_id], ended=None)
    standing.sanctions = standing.sanctions | {fact.sanction_id: restored}
