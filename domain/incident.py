"""An incident: many cases with one cause, with clocks of its own and one decision for all of them."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import singledispatch
from uuid import UUID, uuid5

from domain import events
from domain.aggregate import EvolvingAggregate
from domain.digest import digest
from domain.events import Fact, stored_as
from domain.policy import Policy
from domain.policy.deadlines import crisis_due
from domain.refusals import (
    BatchHashMismatch,
    BatchPending,
    IncidentAlreadyClosed,
    IncidentStepAlreadyTaken,
    IncidentUnresolved,
    LiabilityMustSumTo100,
    SecondPersonRequired,
    UnknownPart,
)
from domain.values import (
    Actor,
    Derivation,
    Detector,
    Finding,
    IncidentStep,
    LiabilityShare,
    Payer,
    RemedyRule,
    Sealed,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step that an incident asks for: its clock, and whether it was taken or missed."""

    clock_id: UUID
    due: datetime
    taken: bool = False
    missed: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """One decision for many cases: who proposed and approved it, and how far it got."""

    batch_id: UUID
    proposal: events.BatchProposed
    approved_by: str | None = None
    decided: frozenset[UUID] = frozenset()
    failed: tuple[tuple[UUID, str], ...] = ()

    @property
    def open(self) -> frozenset[UUID]:
        """The cases that are still to be decided."""
        return frozenset(self.proposal.cases) - self.decided - {case_id for case_id, _ in self.failed}


@stored_as("Incident")
class Incident(EvolvingAggregate):
    """Cases that belong together, what is known of their cause, and what is done about it."""

    def __init__(self) -> None:
        self.raised: events.IncidentRaised
        self.cases: tuple[UUID, ...] = ()
        self.steps: dict[IncidentStep, Step] = {}
        self.stepped_in = False
        self.batch: Batch | None = None
        self.closed = False

    def evolve(self, fact: Fact) -> None:
        """Fold one fact into this incident."""
        evolve(fact, self)

    @classmethod
    def raise_alarm(
        cls,
        by: Actor,
        incident_id: UUID,
        detector: Detector,
        cases: tuple[UUID, ...],
        derivation: Derivation,
        policy: Policy,
        at: datetime,
        *,
        merchant_id: str | None = None,
        sku: str | None = None,
        reason: str | None = None,
        buyer: str | None = None,
    ) -> "Incident":
        """Raise an incident over these cases; its clocks start (X-1: feedback, facts, plan)."""
        incident = cls._create(
            events.IncidentRaised,
            id=incident_id,
            timestamp=at,
            detector=detector,
            merchant_id=merchant_id,
            sku=sku,
            reason=reason,
            buyer=buyer,
            cases=cases,
            by=by.id,
            derivation=derivation,
        )
        for step, due in zip(IncidentStep, crisis_due(at, policy), strict=True):
            incident._record(
                events.IncidentStepDue,
                at,
                clock_id=uuid5(incident_id, step),
                step=step,
                due=due.value,
                derivation=due.derivation,
            )
        return incident

    def join(self, case_id: UUID, at: datetime) -> None:
        """Let one more case belong to the incident; noted once. A closed incident takes none."""
        if case_id not in self.cases and not self.closed:
            self._record(events.IncidentCaseJoined, at, case_id=case_id, count=len(self.cases) + 1)

    def take_step(self, by: Actor, step: IncidentStep, text: Sealed, at: datetime) -> None:
        """Record a step. Refused: IncidentAlreadyClosed, IncidentStepAlreadyTaken."""
        self._unless_closed()
        known = self.steps[step]
        if known.taken:
            raise IncidentStepAlreadyTaken
        self._record(events.IncidentStepTaken, at, clock_id=known.clock_id, step=step, by=by.id, text=text)

    def miss_clock(self, clock_id: UUID, at: datetime) -> None:
        """Record that a step was not taken in time; nothing for one that was, or is not due."""
        for step, known in self.steps.items():
            if known.clock_id == clock_id and not (known.taken or known.missed) and at >= known.due:
                count = 1 + sum(one.missed for one in self.steps.values())
                self._record(events.IncidentStepMissed, at, clock_id=clock_id, step=step, count=count)

    def runs_clock(self, clock_id: UUID) -> bool:
        """Whether a step's due time still counts."""
        return any(
            step.clock_id == clock_id and not (step.taken or step.missed or self.closed)
            for step in self.steps.values()
        )

    def step_in(self, by: Actor, at: datetime) -> None:
        """Let the platform step in on every case, also of those that join. Refused: IncidentAlreadyClosed."""
        self._unless_closed()
        if not self.stepped_in:
            self._record(events.IncidentSteppedIn, at, by=by.id)

    # --- one decision for all ---

    def propose(
        self,
        by: Actor,
        batch_id: UUID,
        cases: tuple[UUID, ...],
        finding: Finding,
        liability: tuple[LiabilityShare, ...],
        rules: tuple[RemedyRule, ...],
        clauses: tuple[str, ...],
        payer: Payer,
        reasons: Sealed,
        at: datetime,
    ) -> None:
        """Propose one decision for some cases of the incident.

        Refused: IncidentAlreadyClosed, BatchPending, LiabilityMustSumTo100. Raises UnknownPart for a case
        that does not belong to the incident.
        """
        self._unless_closed()
        if self.batch and (self.batch.approved_by is None or self.batch.open):
            raise BatchPending
        if not set(cases) <= set(self.cases):
            raise UnknownPart("case")
        if sum(one.share for one in liability) != 100:
            raise LiabilityMustSumTo100
        self._record(
            events.BatchProposed,
            at,
            batch_id=batch_id,
            batch_hash=digest(self.id, cases, finding, liability, rules, clauses, payer, reasons),
            cases=cases,
            finding=finding,
            liability=liability,
            rules=rules,
            clauses=clauses,
            payer=payer,
            by=by.id,
            reasons=reasons,
        )

    def approve(self, by: Actor, batch_id: UUID, batch_hash: str, at: datetime) -> None:
        """Approve the batch of this hash, as its second person; then each case is decided.

        Refused: IncidentAlreadyClosed, SecondPersonRequired, BatchHashMismatch. Raises UnknownPart.
        """
        self._unless_closed()
        batch = self._waiting(batch_id)
        if batch.proposal.by == by.id:
            raise SecondPersonRequired
        if batch.proposal.batch_hash != batch_hash:
            raise BatchHashMismatch
        self._record(events.BatchApproved, at, batch_id=batch_id, batch_hash=batch_hash, by=by.id)

    def decided(self, batch_id: UUID, case_id: UUID, code: str | None, at: datetime) -> None:
        """Note what became of the batch on one case; `code` is its refusal. Noted once."""
        batch = self.batch
        if batch is None or batch.batch_id != batch_id or case_id not in batch.open:
            return
        if code is None:
            self._record(events.BatchCaseDecided, at, batch_id=batch_id, case_id=case_id)
        else:
            count = len(batch.failed) + 1
            self._record(
                events.BatchCaseFailed, at, batch_id=batch_id, case_id=case_id, code=code, count=count
            )

    def close(self, by: Actor, reasons: Sealed, at: datetime) -> None:
        """End the incident.

        Refused: IncidentAlreadyClosed, IncidentUnresolved while a step is to be taken or a batch under way.
        """
        self._unless_closed()
        under_way = self.batch is not None and (self.batch.approved_by is None or bool(self.batch.open))
        if under_way or not all(step.taken for step in self.steps.values()):
            raise IncidentUnresolved
        self._record(events.IncidentClosed, at, by=by.id, reasons=reasons)

    def _waiting(self, batch_id: UUID) -> Batch:
        if self.batch is None or self.batch.batch_id != batch_id or self.batch.approved_by is not None:
            raise UnknownPart("batch")
        return self.batch

    def _unless_closed(self) -> None:
        if self.closed:
            raise IncidentAlreadyClosed


@singledispatch
def evolve(fact: Fact, incident: Incident) -> None:
    """Fold one fact into the incident; a fact without an evolution of its own is a programming error."""
    raise TypeError(f"{type(fact).__name__} has no evolution")


@evolve.register(events.IncidentRaised)
def _(fact: events.IncidentRaised, incident: Incident) -> None:
    incident.raised = fact
    incident.cases = fact.cases


@evolve.register(events.IncidentCaseJoined)
def _(fact: events.IncidentCaseJoined, incident: Incident) -> None:
    incident.cases = (*incident.cases, fact.case_id)


@evolve.register(events.IncidentStepDue)
def _(fact: events.IncidentStepDue, incident: Incident) -> None:
    incident.steps = incident.steps | {fact.step: Step(fact.clock_id, fact.due)}


@evolve.register(events.IncidentStepTaken)
def _(fact: events.IncidentStepTaken, incident: Incident) -> None:
    incident.steps = incident.steps | {fact.step: replace(incident.steps[fact.step], taken=True)}


@evolve.register(events.IncidentStepMissed)
def _(fact: events.IncidentStepMissed, incident: Incident) -> None:
    incident.steps = incident.steps | {fact.step: replace(incident.steps[fact.step], missed=True)}


@evolve.register(events.IncidentSteppedIn)
def _(fact: events.IncidentSteppedIn, incident: Incident) -> None:
    incident.stepped_in = True


@evolve.register(events.BatchProposed)
def _(fact: events.BatchProposed, incident: Incident) -> None:
    incident.batch = Batch(fact.batch_id, fact)


@evolve.register(events.BatchApproved)
def _(fact: events.BatchApproved, incident: Incident) -> None:
    if incident.batch:
        incident.batch = replace(incident.batch, approved_by=fact.by)


@evolve.register(events.BatchCaseDecided)
def _(fact: events.BatchCaseDecided, incident: Incident) -> None:
    if incident.batch:
        incident.batch = replace(incident.batch, decided=incident.batch.decided | {fact.case_id})


@evolve.register(events.BatchCaseFailed)
def _(fact: events.BatchCaseFailed, incident: Incident) -> None:
    if incident.batch:
        failed = (*incident.batch.failed, (fact.case_id, fact.code))
        incident.batch = replace(incident.batch, failed=failed)


@evolve.register(events.IncidentClosed)
def _(fact: events.IncidentClosed, incident: Incident) -> None:
    incident.closed = True
