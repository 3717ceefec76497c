"""Use cases of a merchant's standing, and the process that carries penalties from their cases into it."""

from collections.abc import Callable, Sequence
from uuid import UUID

from application.clock import Clock
from application.rulebook import Rulebook
from application.running import Answer, Request, Running
from application.store import Deadline, Effects, RecordedFact, Store
from application.vault import Vault
from domain import events
from domain.events import Fact, PenaltyAdjusted, PenaltyAssessed, PenaltyExpired, PenaltyReversed
from domain.standing import MerchantStanding, standing_id
from domain.values import Actor, Role

STANDING = Actor("standing", Role.SYSTEM)

SANCTION = "sanction"
QUARTER = "quarter"


class Standings(Running[MerchantStanding]):
    """Every use case of a standing. Safe to share between threads."""

    aggregate = MerchantStanding

    def __init__(
        self, store: Store, vault: Vault, rulebook: Rulebook, clock: Clock, new_id: Callable[[], UUID]
    ) -> None:
        super().__init__(store, vault, clock, new_id)
        self._rulebook = rulebook

    def _effects(self, aggregate: MerchantStanding, facts: Sequence[Fact]) -> Effects:
        return Effects(
            deadlines=tuple(deadline for fact in facts for deadline in _deadlines(aggregate, fact)),
            ended=tuple(fact.sanction_id for fact in facts if isinstance(fact, events.SanctionEnded)),
        )

    def count(self, request: Request, penalty: PenaltyAssessed) -> Answer[MerchantStanding]:
        """Enter the points of a penalty; the first one begins the merchant's standing."""
        return self._command(
            request,
            standing_id(penalty.merchant_id),
            "standings.keep",
            lambda standing, _, at: standing.count(
                penalty.penalty_id,
                penalty.originator_id,
                penalty.points,
                penalty.clause,
                penalty.timestamp,
                penalty.expires_at,
                self._rulebook.in_force,
                at,
            ),
            begin=lambda at: MerchantStanding.open(penalty.merchant_id, at),
        )

    def adjust(self, request: Request, penalty: PenaltyAdjusted) -> Answer[MerchantStanding]:
        """Lower the points of a penalty, as if they had never been more."""
        return self._command(
            request,
            standing_id(penalty.merchant_id),
            "standings.keep",
            lambda standing, _, at: standing.adjust(
                penalty.penalty_id, penalty.points, self._rulebook.in_force, at
            ),
        )

    def reverse(self, request: Request, penalty: PenaltyReversed) -> Answer[MerchantStanding]:
        """Take the points of a penalty out, as if they had never counted."""
        return self._command(
            request,
            standing_id(penalty.merchant_id),
            "standings.keep",
            lambda standing, _, at: standing.reverse(penalty.penalty_id, self._rulebook.in_force, at),
        )

    def expire(self, request: Request, penalty: PenaltyExpired) -> Answer[MerchantStanding]:
        """Count the points of a penalty no longer."""
        return self._command(
            request,
            standing_id(penalty.merchant_id),
            "standings.keep",
            lambda standing, _, at: standing.expire(penalty.penalty_id, at),
        )

    def miss_clock(self, request: Request, aggregate_id: UUID, clock_id: UUID) -> bool:
        """End the sanction or the quarter whose time is over; False when there was nothing left to end."""
        return self._fired(
            request,
            aggregate_id,
            "clocks.miss",
            clock_id,
            lambda standing, at: standing.miss_clock(clock_id, at),
        )

    def runs_clock(self, by: Actor, aggregate_id: UUID, clock_id: UUID) -> bool:
        """Whether the sanction still runs, or the quarter is still open."""
        return clock_id in self._load(by, aggregate_id, "clocks.miss").clocks


def _deadlines(standing: MerchantStanding, fact: Fact) -> Sequence[Deadline]:
    match fact:
        case events.SanctionStarted():
            return [Deadline(fact.sanction_id, SANCTION, fact.until)]
        case events.SanctionRestored():
            return [Deadline(fact.sanction_id, SANCTION, standing.sanctions[fact.sanction_id].until)]
        case events.PointsCounted(quarter_ends=ends) if ends and fact.timestamp < ends:
            return [Deadline(standing.quarter_clock(ends), QUARTER, ends)]
        case _:
            return []


class StandingProcess:
    """Carries what becomes of penalties on their cases into the standing of their merchant."""

    name = "standing"
    reads: frozenset[type[Fact]] = frozenset(
        {PenaltyAssessed, PenaltyAdjusted, PenaltyReversed, PenaltyExpired}
    )

    def __init__(self, standings: Standings) -> None:
        self._standings = standings

    def react(self, recorded: RecordedFact) -> None:
        """Give the standing the command that the fact calls for."""
        request = Request(STANDING, f"standing:{recorded.event_id}", causation_id=recorded.event_id)
        match recorded.fact:
            case PenaltyAssessed() as penalty:
                self._standings.count(request, penalty)
            case PenaltyAdjusted() as penalty:
                self._standings.adjust(request, penalty)
            case PenaltyReversed() as penalty:
                self._standings.reverse(request, penalty)
            case PenaltyExpired() as penalty:
                self._standings.expire(request, penalty)
            case other:
                raise TypeError(f"{type(other).__name__} is not read by this process")
