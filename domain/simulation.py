"""What a history would have been under other rules: replayed, compared, and never recorded.

The draft is taken to be in force throughout. People are taken to have done what they did: what was
granted is granted again, as far as the draft allows, and what a rule fixes is granted as it fixes it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from uuid import UUID

from domain import events
from domain.audit import Rules
from domain.case import Case
from domain.events import Fact
from domain.policy import Policy
from domain.policy.calendar import Term, Unit, due
from domain.policy.derivation import shown
from domain.policy.eligibility import assessed
from domain.policy.entitlement import Entitlement, entitlements, fixes_amount, goodwill, largest
from domain.policy.tariff import tariff_of
from domain.values import MONEY_KINDS, ClockKind, Remedy, RemedyKind, Role

RIGHTS = frozenset({ClockKind.PENALTY_EXPIRY, ClockKind.RETENTION})
"""Clocks of rights: that their time is up is no miss."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would have been otherwise."""

    stream: UUID
    version: int
    fact: str
    what: str
    stored: str
    simulated: str


@dataclass(slots=True)
class Tally:
    """What the cases of one merchant and one type come to, as it was and under the draft.

    Costs and fines in minor units of the policy's currency; `changed`: cases of which anything changes.
    """

    cases: int = 0
    changed: int = 0
    cost: int = 0
    cost_simulated: int = 0
    points: int = 0
    points_simulated: int = 0
    fines: int = 0
    fines_simulated: int = 0
    missed: int = 0
    missed_simulated: int = 0

    def add(self, other: "Tally") -> None:
        """Take another one into this one."""
        for named in fields(self):
            setattr(self, named.name, getattr(self, named.name) + getattr(other, named.name))


@dataclass(slots=True)
class Replay:
    """One case, replayed under a draft. Give it every fact; those in the window are compared."""

    draft: Policy
    rules: Rules
    tally: Tally = field(default_factory=Tally)
    case: Case | None = None
    clocks: dict[UUID, tuple[datetime, datetime]] = field(default_factory=dict)
    """When each clock ends, as stored and under the draft."""

    def take(self, fact: Fact, role: str, compared: bool) -> list[Change]:
        """Fold the next fact; what of it would have been otherwise."""
        found = list(self._compared(fact, role)) if compared else []
        if isinstance(fact, events.ClockStarted):
            self.clocks[fact.clock_id] = (fact.due, self._due(fact))
        if isinstance(fact, events.ClockResumed) and fact.clock_id in self.clocks:
            stored, simulated = self.clocks[fact.clock_id]
            self.clocks[fact.clock_id] = (fact.due, simulated + (fact.due - stored))
        if found:
            self.tally.changed = 1
        if compared:
            self.tally.cases = 1
        self.case = fact.mutate(self.case)
        name = type(fact).__name__
        return [Change(fact.originator_id, fact.originator_version, name, *one) for one in found]

    def _compared(self, fact: Fact, role: str) -> Iterator[tuple[str, str, str]]:
        match fact:
            case events.CaseFiled():
                yield from self._filing(fact)
            case events.DecisionIssued() if self.case:
                yield from self._decision(self.case, fact, role)
            case events.PenaltyAssessed():
                yield from self._penalty(fact)
            case events.ClockStarted():
                simulated = self._due(fact)
                if simulated != fact.due:
                    yield "due", shown(fact.due), shown(simulated)
            case events.ClockSatisfied() | events.ClockMissed():
                yield from self._ended(fact)
            case _:
                pass

    def _filing(self, fact: events.CaseFiled) -> Iterator[tuple[str, str, str]]:
        said = assessed(fact.case_type, fact.reason, fact.order, fact.timestamp, self.draft).value
        if said != fact.objections:
            yield "objections", _named(fact.objections), _named(said)

    # --- decisions ---

    def _decision(self, case: Case, fact: events.DecisionIssued, role: str) -> Iterator[tuple[str, str, str]]:
        gone = [clause for clause in fact.clauses if not self.draft.in_force(clause)]
        if gone:
            yield "clauses", ",".join(fact.clauses), f"not in force: {','.join(gone)}"
        clauses = tuple(clause for clause in fact.clauses if clause not in gone)
        proposal = case.proposals.all.get(fact.decision_id)
        decider = proposal.fact.role if proposal else Role(role)
        order = case.filing.order
        found = (
            *entitlements(case.matter(), self.draft, clauses),
            *goodwill(decider, order, self.draft),
        )
        for remedy in fact.remedies:
            if remedy.kind in MONEY_KINDS:
                yield from self._remedy(case, remedy, largest(remedy.kind, found))

    def _remedy(self, case: Case, remedy: Remedy, best: Entitlement | None) -> Iterator[tuple[str, str, str]]:
        points = remedy.kind is RemedyKind.POINTS
        granted = (remedy.points or 0) if points else (remedy.amount.amount_minor if remedy.amount else 0)
        before = case.money.points() if points else case.money.amount_of(remedy.kind)
        left = max((best.limit or 0 if best else 0) - before, 0)
        fixed = best is not None and fixes_amount(best.clause, self.draft)
        simulated = left if fixed else min(granted, left)
        if not points:
            self.tally.cost += granted
            self.tally.cost_simulated += simulated
        if simulated != granted:
            yield str(remedy.kind), str(granted), str(simulated)

    def _penalty(self, fact: events.PenaltyAssessed) -> Iterator[tuple[str, str, str]]:
        tariff = tariff_of(fact.clause, self.draft).value
        fine = fact.fine.amount_minor if fact.fine else 0
        points = min(fact.points, tariff.max_points) if tariff else 0
        most = min(fine, tariff.max_fine_minor) if tariff else 0
        self.tally.points += fact.points
        self.tally.points_simulated += points
        self.tally.fines += fine
        self.tally.fines_simulated += most
        if (points, most) != (fact.points, fine):
            yield "penalty", f"{fact.points} points, fine {fine}", f"{points} points, fine {most}"

    # --- due times ---

    def _due(self, clock: events.ClockStarted) -> datetime:
        """When the clock would end: by the same term of the same rule as the draft has it."""
        if not clock.derivation:
            return clock.due
        last = clock.derivation[-1]
        rule, then = self.draft.rules.get(last.rule), self.rules.version(last.policy)
        start, amount = last.inputs.get("start"), last.inputs.get("amount")
        if rule is None or then is None or not isinstance(start, str) or not isinstance(amount, int):
            return clock.due
        calendar = str(last.inputs.get("calendar") or "") or None
        term = Term(amount, Unit(str(last.inputs["unit"])), calendar)
        place = next((path for path, one in then.rules[last.rule].named_terms.items() if one == term), "")
        simulated = rule.named_terms.get(place)
        return due(datetime.fromisoformat(start), simulated, self.draft.calendars) if simulated else clock.due

    def _ended(self, fact: events.ClockSatisfied | events.ClockMissed) -> Iterator[tuple[str, str, str]]:
        """Whether a duty would have been done in time; of one that was never done only that it is not."""
        if fact.kind in RIGHTS or fact.clock_id not in self.clocks:
            return
        never = isinstance(fact, events.ClockMissed)
        missed, simulated = (never or fact.timestamp > due for due in self.clocks[fact.clock_id])
        self.tally.missed += missed
        self.tally.missed_simulated += simulated
        if simulated != missed:
            yield str(fact.kind), _kept(missed), _kept(simulated)


def _kept(missed: bool) -> str:
    return "missed" if missed else "in time"


def _named(objections: tuple[object, ...]) -> str:
    return ", ".join(map(str, objections)) or "none"
