"""Routes of incidents: many cases with one cause, dealt with together."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response

from application.accesses import Access
from application.clock import Clock
from application.incidents import Incidents
from application.running import Answer, Request
from domain.incident import Incident
from domain.values import Actor, IncidentStep
from projections import incidents as listed
from web import answers, schemas
from web.lists import Reader, page
from web.presenter import Presenter, Shown
from web.routes import Extra, Resource, Routes, versioned

INCIDENT = Resource("incident", "/incidents/", answers.StaleIncident)
ONE = "/incidents/<incident_id>"
CLOSED = ("incident_already_closed",)

STEPS: Mapping[IncidentStep, str] = {
    IncidentStep.FEEDBACK: "Give the first feedback (X-1: within 2 hours).",
    IncidentStep.FACTS: "Say what the facts are (X-1: within 12 hours).",
    IncidentStep.PLAN: "Say what was agreed (X-1: within 24 hours).",
}

_NOTHING: Mapping[str, Any] = {}
Done = tuple[Answer[Incident], Extra]


def register(routes: Routes, incidents: Incidents, show: Presenter, reader: Reader, clock: Clock) -> None:
    """Add the routes."""
    _reading(routes, incidents, show, reader, clock)
    _raising(routes, incidents)
    for step, what in STEPS.items():
        _step(routes, incidents, step, what)
    _working(routes, incidents)
    _deciding(routes, incidents)


def _reading(routes: Routes, incidents: Incidents, show: Presenter, reader: Reader, clock: Clock) -> None:
    @routes.read("/incidents", "incidents.read", answers.Incidents, schemas.IncidentsQuery())
    def list_incidents(by: Actor, query: dict[str, Any]) -> Response:
        """Incidents, the newest first: what detectors raised and what people saw."""
        return page(reader, listed.INCIDENTS, listed.page, {**query, "at": clock.now()})

    @routes.read(
        ONE,
        "incidents.read",
        answers.Incident,
        schemas.NothingSchema(),
        codes=["incident_not_found"],
        opens=True,
    )
    def get_incident(access: Access, query: dict[str, Any], incident_id: UUID) -> Response:
        """An incident: its cases, its steps, and how far its batch got."""
        incident, facts = incidents.read(access.by, incident_id)
        history = show.history(incident, facts, access)
        return versioned({**whole(incident), "history": history}, incident.version)


def _raising(routes: Routes, incidents: Incidents) -> None:
    @routes.command(
        "/incidents",
        "incidents.raise",
        schemas.RaisingSchema(),
        answers.IncidentCommand,
        of=INCIDENT,
        created="/incidents/{incident_id}",
    )
    def raise_incident(request: Request, body: dict[str, Any]) -> Done:
        """Raise an incident over cases that belong together."""
        return incidents.raise_by_hand(request, **body), _NOTHING

    @routes.command(
        f"{ONE}/cases", "incidents.raise", schemas.IncidentCaseSchema(), answers.IncidentCommand, of=INCIDENT
    )
    def join_incident(request: Request, body: dict[str, Any], incident_id: UUID) -> Done:
        """Let one more case belong to the incident."""
        return incidents.join(request, incident_id, **body), _NOTHING


def _step(routes: Routes, incidents: Incidents, step: IncidentStep, what: str) -> None:
    def take_step(request: Request, body: dict[str, Any], incident_id: UUID) -> Done:
        return incidents.take_step(request, incident_id, step, **body), _NOTHING

    take_step.__name__ = f"take_incident_{step}"
    take_step.__doc__ = what
    routes.command(
        f"{ONE}/{step}",
        "incidents.work",
        schemas.SubmissionSchema(),
        answers.IncidentCommand,
        of=INCIDENT,
        codes=[*CLOSED, "incident_step_already_taken"],
    )(take_step)


def _working(routes: Routes, incidents: Incidents) -> None:
    @routes.command(
        f"{ONE}/step-in",
        "incidents.work",
        schemas.NothingSchema(),
        answers.IncidentCommand,
        of=INCIDENT,
        versioned=True,
        codes=CLOSED,
    )
    def step_in(request: Request, body: dict[str, Any], incident_id: UUID) -> Done:
        """Let the platform step in on every case of the incident, also on those that join it."""
        return incidents.step_in(request, incident_id), _NOTHING

    @routes.command(
        f"{ONE}/closure",
        "incidents.work",
        schemas.ReasonsSchema(),
        answers.IncidentCommand,
        of=INCIDENT,
        versioned=True,
        codes=[*CLOSED, "incident_unresolved"],
    )
    def close_incident(request: Request, body: dict[str, Any], incident_id: UUID) -> Done:
        """End the incident."""
        return incidents.close(request, incident_id, **body), _NOTHING


def _deciding(routes: Routes, incidents: Incidents) -> None:
    @routes.command(
        f"{ONE}/batches",
        "incidents.work",
        schemas.BatchSchema(),
        answers.BatchCommand,
        of=INCIDENT,
        versioned=True,
        codes=[*CLOSED, "batch_pending", "liability_must_sum_to_100", "case_not_found"],
    )
    def propose_batch(request: Request, body: dict[str, Any], incident_id: UUID) -> Done:
        """Propose one decision for many cases; what each is granted is derived by its own figures."""
        done = incidents.propose(request, incident_id, **body)
        return done, {"batch": batch(done.aggregate)}

    @routes.command(
        f"{ONE}/batches/<batch_id>/approval",
        "incidents.approve",
        schemas.BatchApprovalSchema(),
        answers.BatchCommand,
        of=INCIDENT,
        versioned=True,
        codes=[*CLOSED, "second_person_required", "batch_hash_mismatch", "batch_not_found"],
    )
    def approve_batch(request: Request, body: dict[str, Any], incident_id: UUID, batch_id: UUID) -> Done:
        """Approve the batch of this hash, as its second person; then each case is decided."""
        done = incidents.approve(request, incident_id, batch_id, **body)
        return done, {"batch": batch(done.aggregate)}


def whole(incident: Incident) -> Shown:
    """An incident as staff sees it."""
    raised = incident.raised
    return {
        "incident_id": incident.id,
        "version": incident.version,
        "state": "closed" if incident.closed else "open",
        "detector": raised.detector,
        "merchant_id": raised.merchant_id,
        "sku": raised.sku,
        "reason": raised.reason,
        "raised_at": raised.timestamp,
        "derivation": raised.derivation,
        "cases": incident.cases,
        "stepped_in": incident.stepped_in,
        "steps": [
            {"step": step, "due": one.due, "taken": one.taken, "missed": one.missed}
            for step, one in incident.steps.items()
        ],
        "batch": batch(incident),
    }


def batch(incident: Incident) -> Shown | None:
    """The batch of an incident: what is proposed, and what became of it on each case."""
    found = incident.batch
    if found is None:
        return None
    return {
        "batch_id": found.batch_id,
        "batch_hash": found.proposal.batch_hash,
        "proposed_by": found.proposal.by,
        "approved_by": found.approved_by,
        "finding": found.proposal.finding,
        "liability": found.proposal.liability,
        "rules": found.proposal.rules,
        "clauses": found.proposal.clauses,
        "payer": found.proposal.payer,
        "open": sorted(found.open),
        "decided": sorted(found.decided),
        "failed": [{"case_id": case_id, "code": code} for case_id, code in found.failed],
    }
