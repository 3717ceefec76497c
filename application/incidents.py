"""Use cases of incidents, and the processes that raise them and carry out what was decided for all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid5

from application.cases import Cases
from application.clock import Clock
from application.errors import NotFound
from application.rulebook import Rulebook
from application.running import Answer, Request, Running, reasons_of
from application.store import ClaimTaken, Deadline, Effects, RecordedFact, Store
from application.vault import Sealing, Vault
from domain import events
from domain.events import Fact
from domain.incident import Incident
from domain.policy import pack
from domain.policy.detection import span, unusual
from domain.refusals import Refusal
from domain.values import (
    Actor,
    Derivation,
    Detector,
    Finding,
    IncidentStep,
    LiabilityShare,
    Payer,
    RemedyRule,
    Role,
    SealedFor,
)

ALERTS = Actor("alerts", Role.SYSTEM)
INCIDENTS = Actor("incidents", Role.SYSTEM)

STEP = "incident_step"
"""The kind of deadline of an incident's own clocks."""


@dataclass
class IncidentOpen(Exception):
    """An incident of this kind is open already."""

    incident_id: UUID


def alarm_claim(fact: events.IncidentRaised) -> str | None:
    """What only one open incident is about at a time; a person may raise as many as there is need for."""
    if fact.detector is Detector.PERSON:
        return None
    common = (fact.merchant_id, fact.sku, fact.reason, fact.buyer)
    return f"incident:{fact.detector}:" + "/".join(f"{len(one)}:{one}" if one else "-" for one in common)


class Incidents(Running[Incident]):
    """Every use case of an incident. Safe to share between threads."""

    aggregate = Incident

    def __init__(
        self, store: Store, vault: Vault, rulebook: Rulebook, clock: Clock, new_id: Callable[[], UUID]
    ) -> None:
        super().__init__(store, vault, clock, new_id)
        self._rulebook = rulebook

    def _effects(self, aggregate: Incident, facts: Sequence[Fact]) -> Effects:
        claim = alarm_claim(aggregate.raised)
        claims = (claim,) if claim else ()
        raised = any(isinstance(fact, events.IncidentRaised) for fact in facts)
        closed = any(isinstance(fact, events.IncidentClosed) for fact in facts)
        return Effects(
            claims=claims if raised else (),
            released=claims if closed else (),
            deadlines=tuple(
                Deadline(fact.clock_id, STEP, fact.due)
                for fact in facts
                if isinstance(fact, events.IncidentStepDue)
            ),
            ended=tuple(fact.clock_id for fact in facts if isinstance(fact, events.IncidentStepTaken)),
        )

    def _taken(self, claim: ClaimTaken) -> Exception:
        return IncidentOpen(claim.held_by) if claim.held_by else claim

    # --- commands ---

    def raise_by_hand(
        self,
        request: Request,
        cases: tuple[UUID, ...],
        merchant_id: str | None = None,
        sku: str | None = None,
        reason: str | None = None,
    ) -> Answer[Incident]:
        """Raise an incident over cases that a person saw to belong together."""

        def make(_: Sealing, at: datetime) -> Incident:
            return Incident.raise_alarm(
                request.by,
                incident_id,
                Detector.PERSON,
                cases,
                (),
                self._rulebook.in_force(at),
                at,
                merchant_id=merchant_id,
                sku=sku,
                reason=reason,
            )

        incident_id = self._new_id()
        return self._created(request, "incidents.raise", incident_id, make)

    def alarm(
        self,
        request: Request,
        incident_id: UUID,
        detector: Detector,
        common: Mapping[str, str],
        cases: tuple[UUID, ...],
        derivation: Derivation,
    ) -> None:
        """Raise an incident over what a detector saw, or let the cases join the one that is open."""

        def begin(at: datetime) -> Incident:
            policy = self._rulebook.in_force(at)
            return Incident.raise_alarm(
                request.by, incident_id, detector, cases, derivation, policy, at, **common
            )

        try:
            self._join(request, incident_id, cases, begin)
        except IncidentOpen as known:
            self._join(request, known.incident_id, cases)

    def _join(
        self,
        request: Request,
        incident_id: UUID,
        cases: tuple[UUID, ...],
        begin: Callable[[datetime], Incident] | None = None,
    ) -> Answer[Incident]:
        def decide(incident: Incident, _: Sealing, at: datetime) -> None:
            for case_id in cases:
                incident.join(case_id, at)

        return self._command(request, incident_id, "incidents.raise", decide, begin=begin)

    def join(self, request: Request, incident_id: UUID, case_id: UUID) -> Answer[Incident]:
        """Let one more case belong to the incident."""
        return self._join(request, incident_id, (case_id,))

    def take_step(
        self, request: Request, incident_id: UUID, step: IncidentStep, text: str
    ) -> Answer[Incident]:
        """Record a step."""

        def decide(incident: Incident, sealing: Sealing, at: datetime) -> None:
            incident.take_step(request.by, step, sealing.seal(SealedFor.PLATFORM, "text", text), at)

        return self._command(request, incident_id, "incidents.work", decide)

    def step_in(self, request: Request, incident_id: UUID) -> Answer[Incident]:
        """Let the platform step in on every case. Needs the version."""
        return self._versioned(
            request, incident_id, "incidents.work", lambda incident, _, at: incident.step_in(request.by, at)
        )

    def propose(
        self,
        request: Request,
        incident_id: UUID,
        cases: tuple[UUID, ...],
        finding: Finding,
        liability: tuple[LiabilityShare, ...],
        rules: tuple[RemedyRule, ...],
        clauses: tuple[str, ...],
        payer: Payer,
        reasons: str,
    ) -> Answer[Incident]:
        """Propose one decision for these cases (none named: all of the incident's). Needs the version."""
        batch_id = self._new_id()

        def decide(incident: Incident, sealing: Sealing, at: datetime) -> None:
            incident.propose(
                request.by,
                batch_id,
                cases or incident.cases,
                finding,
                liability,
                rules,
                clauses,
                payer,
                reasons_of(sealing, reasons),
                at,
            )

        return self._versioned(request, incident_id, "incidents.work", decide, batch_id)

    def approve(
        self, request: Request, incident_id: UUID, batch_id: UUID, batch_hash: str
    ) -> Answer[Incident]:
        """Approve a batch as its second person. Needs the version."""
        return self._versioned(
            request,
            incident_id,
            "incidents.approve",
            lambda incident, _, at: incident.approve(request.by, batch_id, batch_hash, at),
        )

    def note_outcome(
        self, request: Request, incident_id: UUID, batch_id: UUID, case_id: UUID, code: str | None
    ) -> None:
        """Note what became of a batch on one case."""
        self._command(
            request,
            incident_id,
            "incidents.carry_out",
            lambda incident, _, at: incident.decided(batch_id, case_id, code, at),
        )

    def close(self, request: Request, incident_id: UUID, reasons: str) -> Answer[Incident]:
        """End the incident. Needs the version."""

        def decide(incident: Incident, sealing: Sealing, at: datetime) -> None:
            incident.close(request.by, reasons_of(sealing, reasons), at)

        return self._versioned(request, incident_id, "incidents.work", decide)

    # --- clocks and reading ---

    def miss_clock(self, request: Request, incident_id: UUID, clock_id: UUID) -> bool:
        """Act upon a due time that has passed; False when there was nothing left to act upon."""
        return self._fired(
            request,
            incident_id,
            "clocks.miss",
            clock_id,
            lambda incident, at: incident.miss_clock(clock_id, at),
        )

    def runs_clock(self, by: Actor, incident_id: UUID, clock_id: UUID) -> bool:
        """Whether the clock still runs."""
        return self._load(by, incident_id, "clocks.miss").runs_clock(clock_id)

    def read(self, by: Actor, incident_id: UUID) -> tuple[Incident, list[RecordedFact]]:
        """The incident and its facts. Raises NotFound."""
        return self._recorded(by, incident_id, "incidents.read")

    def reasons(self, incident: Incident) -> str:
        """The reasons of its batch, to be sealed for each of its cases."""
        batch = incident.batch
        if batch is None:
            raise NotFound("batch")
        place = (batch.proposal.originator_version, "reasons")
        return self._vault.open(incident.id, {place: batch.proposal.reasons})[place] or ""

    def now(self, incident_id: UUID) -> Incident:
        """The incident as it is now, for its process."""
        return self._load(INCIDENTS, incident_id, "incidents.carry_out")


# --- what raises them ---------------------------------------------------------------------------------


class Occurrences(Protocol):
    """Counts what happened, including at least the fact at `position`. Raises ServiceUnavailable."""

    def lately(
        self, kind: str, common: Mapping[str, str], after: datetime, until: datetime, position: int
    ) -> list[UUID]:
        """The cases of these occurrences after one instant until another, the earliest first."""
        ...

    def amount(self, kind: str, common: Mapping[str, str], after: datetime, until: datetime) -> int:
        """How many occurrences there were after one instant until another."""
        ...


@dataclass(frozen=True, slots=True)
class Pattern:
    """One thing that a detector looks at: which rule, which kind of occurrence, and what they share."""

    detector: Detector
    rule: pack.Key[pack.Detector]
    kind: str
    common: tuple[str, ...]


PATTERNS = (
    Pattern(Detector.SPIKE_AT_MERCHANT, pack.SPIKE, "filing", ("merchant_id", "reason")),
    Pattern(Detector.SPIKE_OF_SKU, pack.SPIKE, "filing", ("merchant_id", "sku", "reason")),
    Pattern(Detector.REPEAT_BUYER, pack.REPEAT_BUYER, "filing", ("buyer",)),
    Pattern(Detector.BREACHES, pack.BREACHES, "breach", ("merchant_id",)),
)


class AlertProcess:
    """Looks at each filing and each breach: is it one too many?"""

    name = "alerts"
    reads: frozenset[type[Fact]] = frozenset({events.CaseFiled, events.RectificationLapsed})

    def __init__(
        self, store: Store, incidents: Incidents, occurrences: Occurrences, rulebook: Rulebook
    ) -> None:
        self._store = store
        self._incidents = incidents
        self._occurrences = occurrences
        self._rulebook = rulebook

    def react(self, recorded: RecordedFact) -> None:
        """Raise an incident, or let the case join the open one, for each pattern that is unusual now."""
        kind = "filing" if isinstance(recorded.fact, events.CaseFiled) else "breach"
        filing = self._filing(recorded)
        shared = {
            "merchant_id": filing.merchant_id,
            "sku": filing.order.sku,
            "reason": filing.reason,
            "buyer": filing.buyer,
        }
        for pattern in PATTERNS:
            if pattern.kind == kind:
                self._look(pattern, {name: shared[name] for name in pattern.common}, recorded)

    def _filing(self, recorded: RecordedFact) -> events.CaseFiled:
        if isinstance(recorded.fact, events.CaseFiled):
            return recorded.fact
        first = self._store.facts(recorded.fact.originator_id)[0].fact
        assert isinstance(first, events.CaseFiled)  # noqa: S101  # every case begins so
        return first

    def _look(self, pattern: Pattern, common: Mapping[str, str], recorded: RecordedFact) -> None:
        at = recorded.fact.timestamp
        rule = self._rulebook.in_force(at).rule(pattern.rule)
        if rule is None:
            return
        begins = at - span(rule.terms.window)
        seen = self._occurrences.lately(pattern.kind, common, begins, at, recorded.position)
        before = self._occurrences.amount(pattern.kind, common, begins - span(rule.terms.baseline), begins)
        found = unusual(rule, len(seen), before)
        if found.value:
            request = Request(ALERTS, f"alerts:{recorded.event_id}", causation_id=recorded.event_id)
            incident_id = uuid5(recorded.event_id, pattern.detector)
            cases = tuple(dict.fromkeys(seen))
            self._incidents.alarm(request, incident_id, pattern.detector, common, cases, found.derivation)


class IncidentProcess:
    """Carries out on the cases of an incident what was decided for all of them."""

    name = "incidents"
    reads: frozenset[type[Fact]] = frozenset(
        {events.IncidentSteppedIn, events.IncidentCaseJoined, events.BatchApproved}
    )

    def __init__(self, incidents: Incidents, cases: Cases) -> None:
        self._incidents = incidents
        self._cases = cases

    def react(self, recorded: RecordedFact) -> None:
        """Step in on the cases, or decide those of the approved batch that are still open."""
        request = Request(INCIDENTS, f"incidents:{recorded.event_id}", causation_id=recorded.event_id)
        incident = self._incidents.now(recorded.fact.originator_id)
        match recorded.fact:
            case events.IncidentSteppedIn():
                self._step_in(request, incident, incident.cases)
            case events.IncidentCaseJoined(case_id=case_id) if incident.stepped_in:
                self._step_in(request, incident, (case_id,))
            case events.BatchApproved(batch_id=batch_id):
                self._decide(request, incident, batch_id)
            case _:
                pass

    def _step_in(self, request: Request, incident: Incident, cases: Sequence[UUID]) -> None:
        for case_id in cases:
            try:
                self._cases.step_in(request, case_id)
            except (Refusal, NotFound):
                continue  # a case that has gone its own way is none of the platform's business any more

    def _decide(self, request: Request, incident: Incident, batch_id: UUID) -> None:
        batch = incident.batch
        if batch is None or batch.batch_id != batch_id or batch.approved_by is None:
            return
        reasons = self._incidents.reasons(incident)
        for case_id in sorted(batch.open):
            code = self._decided(request, batch.proposal, batch.approved_by, case_id, reasons)
            self._incidents.note_outcome(request, incident.id, batch_id, case_id, code)

    def _decided(
        self,
        request: Request,
        batch: events.BatchProposed,
        approved_by: str,
        case_id: UUID,
        reasons: str,
    ) -> str | None:
        try:
            self._cases.verify_in_batch(request, case_id, batch, approved_by, reasons)
            self._cases.decide_in_batch(request, case_id, batch, approved_by, reasons)
        except NotFound as missing:
            return f"{missing.kind}_not_found"
        except Refusal as refused:
            return refused.code
        return None
