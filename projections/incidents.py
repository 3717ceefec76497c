"""Incidents: what was seen as unusual, how many cases it groups, and which step is due next.

Queries: `page`.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from psycopg import Connection

from domain.events import (
    BatchApproved,
    BatchCaseFailed,
    BatchProposed,
    IncidentCaseJoined,
    IncidentClosed,
    IncidentRaised,
    IncidentStepDue,
    IncidentStepMissed,
    IncidentSteppedIn,
    IncidentStepTaken,
)
from domain.values import Detector
from projections.pages import DEFAULT_LIMIT, Listing
from projections.pages import page as page_of
from projections.read_model import ReadModel, Row, Rows, changed, put


class IncidentRow(Row, frozen=True, kw_only=True):
    """An incident; `feedback_due`, `facts_due` and `plan_due` are empty once the step was taken."""

    KEY: ClassVar[str] = "incident_id"
    SOURCE: ClassVar[str] = "incident_id"

    incident_id: UUID
    detector: Detector
    merchant_id: str | None
    sku: str | None
    reason: str | None
    cases: int
    raised_at: datetime
    feedback_due: datetime | None = None
    facts_due: datetime | None = None
    plan_due: datetime | None = None
    missed: int = 0
    stepped_in: bool = False
    batch: str | None = None
    failed: int = 0
    closed_at: datetime | None = None


INCIDENTS = ReadModel(
    name="incidents",
    version=1,
    row=IncidentRow,
    of="Incident",
    columns="""
        incident_id uuid PRIMARY KEY,
        detector text NOT NULL,
        merchant_id text,
        sku text,
        reason text,
        cases integer NOT NULL,
        raised_at timestamptz NOT NULL,
        feedback_due timestamptz,
        facts_due timestamptz,
        plan_due timestamptz,
        missed integer NOT NULL,
        stepped_in boolean NOT NULL,
        batch text,
        failed integer NOT NULL,
        closed_at timestamptz
    """,
    indexes=("(raised_at, incident_id)", "(merchant_id, raised_at, incident_id)"),
    ignored="BatchCaseDecided",
)


@INCIDENTS.folds(IncidentRaised)
def _raised(rows: Rows[IncidentRow], fact: IncidentRaised) -> Rows[IncidentRow]:
    row = IncidentRow(
        incident_id=fact.originator_id,
        detector=fact.detector,
        merchant_id=fact.merchant_id,
        sku=fact.sku,
        reason=fact.reason,
        cases=len(fact.cases),
        raised_at=fact.timestamp,
    )
    return put(rows, row)


@INCIDENTS.folds(IncidentCaseJoined)
def _joined(rows: Rows[IncidentRow], fact: IncidentCaseJoined) -> Rows[IncidentRow]:
    return changed(rows, fact.originator_id, cases=fact.count)


@INCIDENTS.folds(IncidentStepDue)
def _due(rows: Rows[IncidentRow], fact: IncidentStepDue) -> Rows[IncidentRow]:
    return changed(rows, fact.originator_id, **{f"{fact.step}_due": fact.due})


@INCIDENTS.folds(IncidentStepTaken)
def _taken(rows: Rows[IncidentRow], fact: IncidentStepTaken) -> Rows[IncidentRow]:
    return changed(rows, fact.originator_id, **{f"{fact.step}_due": None})


@INCIDENTS.folds(IncidentStepMissed)
def _missed(rows: Rows[IncidentRow], fact: IncidentStepMissed) -> Rows[IncidentRow]:
    return changed(rows, fact.originator_id, missed=fact.count)


@INCIDENTS.folds(IncidentSteppedIn)
def _stepped_in(rows: Rows[IncidentRow], fact: IncidentSteppedIn) -> Rows[IncidentRow]:
    return changed(rows, fact.originator_id, stepped_in=True)


@INCIDENTS.folds(BatchProposed)
def _proposed(rows: Rows[IncidentRow], fact: BatchProposed) -> Rows[IncidentRow]:
    return changed(rows, fact.originator_id, batch="proposed", failed=0)


@INCIDENTS.folds(BatchApproved)
def _approved(rows: Rows[IncidentRow], fact: BatchApproved) -> Rows[IncidentRow]:
    return changed(rows, fact.originator_id, batch="approved")


@INCIDENTS.folds(BatchCaseFailed)
def _failed(rows: Rows[IncidentRow], fact: BatchCaseFailed) -> Rows[IncidentRow]:
    return changed(rows, fact.originator_id, failed=fact.count)


@INCIDENTS.folds(IncidentClosed)
def _closed(rows: Rows[IncidentRow], fact: IncidentClosed) -> Rows[IncidentRow]:
    return changed(rows, fact.originator_id, closed_at=fact.timestamp)


LISTING = Listing(
    table=INCIDENTS.table,
    item={
        "incident_id": "incident_id",
        "detector": "detector",
        "merchant_id": "merchant_id",
        "sku": "sku",
        "reason": "reason",
        "cases": "cases",
        "raised_at": "rfc3339(raised_at)",
        "next_due": "rfc3339(least(feedback_due, facts_due, plan_due))",
        "overdue": "coalesce(least(feedback_due, facts_due, plan_due) < %(at)s, false)",
        "missed": "missed",
        "stepped_in": "stepped_in",
        "batch": "batch",
        "failed": "failed",
        "state": "CASE WHEN closed_at IS NULL THEN 'open' ELSE 'closed' END",
    },
    time="raised_at",
    id="incident_id",
    descending=True,
)


def page(
    connection: Connection[Any],
    *,
    at: datetime,
    state: str | None = None,
    merchant_id: str | None = None,
    detector: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> bytes:
    """One page of incidents, the newest first, as JSON text of the API's shape.

    State is `open` or `closed`; `overdue` is judged at `at`. Raises BadCursor and BadLimit.
    """
    where = [] if state is None else [f"closed_at IS {'' if state == 'open' else 'NOT '}NULL"]
    return page_of(
        connection,
        LISTING,
        equal={"merchant_id": merchant_id, "detector": detector},
        where=where,
        values={"at": at},
        limit=limit,
        cursor=cursor,
    )
