"""Corrective actions: what each merchant does about which cause, by when, and whether it helped.

Queries: `page`, `open_against`, `open_over`.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from psycopg import Connection
from psycopg.rows import scalar_row

from domain.events import (
    CorrectiveActionCaseJoined,
    CorrectiveActionCaseLeft,
    CorrectiveActionClosed,
    CorrectiveActionCompleted,
    CorrectiveActionEscalated,
    CorrectiveActionOpened,
    EffectMeasured,
    MeasureAccepted,
    MeasureProposed,
    MeasureRejected,
)
from domain.values import ActionClosing, ActionState, EscalationCause
from projections.pages import DEFAULT_LIMIT, Listing
from projections.pages import page as page_of
from projections.read_model import ReadModel, Row, Rows, changed, put


class Action(Row, frozen=True, gc=False, kw_only=True):
    """One corrective action; `before` and `after` count recurrences once its effect was measured."""

    KEY: ClassVar[str] = "corrective_action_id"
    SOURCE: ClassVar[str] = "corrective_action_id"

    corrective_action_id: UUID
    merchant_id: str
    root_cause: str
    cases: tuple[UUID, ...]
    state: ActionState
    due: datetime | None
    escalated: EscalationCause | None = None
    before: int | None = None
    after: int | None = None
    closing: ActionClosing | None = None
    opened_at: datetime
    closed_at: datetime | None = None


CORRECTIVE_ACTIONS = ReadModel(
    name="corrective_actions",
    version=1,
    row=Action,
    columns="""
        corrective_action_id uuid PRIMARY KEY,
        merchant_id text NOT NULL,
        root_cause text NOT NULL,
        cases uuid[] NOT NULL,
        state text NOT NULL,
        due timestamptz,
        escalated text,
        before integer,
        after integer,
        closing text,
        opened_at timestamptz NOT NULL,
        closed_at timestamptz
    """,
    indexes=(
        "(opened_at, corrective_action_id)",
        "(merchant_id, opened_at, corrective_action_id)",
        "USING gin (cases)",
    ),
    ignored="",
    of="CorrectiveAction",
)


@CORRECTIVE_ACTIONS.folds(CorrectiveActionOpened)
def _opened(rows: Rows[Action], fact: CorrectiveActionOpened) -> Rows[Action]:
    row = Action(
        corrective_action_id=fact.originator_id,
        merchant_id=fact.merchant_id,
        root_cause=fact.root_cause,
        cases=fact.cases,
        state=ActionState.OPEN,
        due=fact.due,
        opened_at=fact.timestamp,
    )
    return put(rows, row)


@CORRECTIVE_ACTIONS.folds(CorrectiveActionCaseJoined)
def _joined(rows: Rows[Action], fact: CorrectiveActionCaseJoined) -> Rows[Action]:
    row = rows[fact.originator_id]
    cases = row.cases if fact.case_id in row.cases else (*row.cases, fact.case_id)
    return changed(rows, fact.originator_id, cases=cases)


@CORRECTIVE_ACTIONS.folds(CorrectiveActionCaseLeft)
def _left(rows: Rows[Action], fact: CorrectiveActionCaseLeft) -> Rows[Action]:
    cases = tuple(case_id for case_id in rows[fact.originator_id].cases if case_id != fact.case_id)
    return changed(rows, fact.originator_id, cases=cases)


Waiting = MeasureProposed | MeasureAccepted | MeasureRejected | CorrectiveActionCompleted

STATE_AFTER = {
    MeasureProposed: ActionState.PROPOSED,
    MeasureAccepted: ActionState.ACCEPTED,
    MeasureRejected: ActionState.OPEN,
    CorrectiveActionCompleted: ActionState.COMPLETED,
}


@CORRECTIVE_ACTIONS.folds(MeasureProposed, MeasureAccepted, MeasureRejected, CorrectiveActionCompleted)
def _waiting(rows: Rows[Action], fact: Waiting) -> Rows[Action]:
    state = STATE_AFTER[type(fact)]
    return changed(rows, fact.originator_id, state=state, due=fact.due, escalated=None)


@CORRECTIVE_ACTIONS.folds(EffectMeasured)
def _measured(rows: Rows[Action], fact: EffectMeasured) -> Rows[Action]:
    return changed(
        rows,
        fact.originator_id,
        state=ActionState.OPEN,
        due=None,
        before=len(fact.before),
        after=len(fact.after),
    )


@CORRECTIVE_ACTIONS.folds(CorrectiveActionEscalated)
def _escalated(rows: Rows[Action], fact: CorrectiveActionEscalated) -> Rows[Action]:
    return changed(rows, fact.originator_id, escalated=fact.cause, due=None)


@CORRECTIVE_ACTIONS.folds(CorrectiveActionClosed)
def _closed(rows: Rows[Action], fact: CorrectiveActionClosed) -> Rows[Action]:
    return changed(
        rows,
        fact.originator_id,
        state=ActionState.CLOSED,
        due=None,
        escalated=None,
        closing=fact.closing,
        closed_at=fact.timestamp,
    )


LISTING = Listing(
    table=CORRECTIVE_ACTIONS.table,
    item={
        "corrective_action_id": "corrective_action_id",
        "merchant_id": "merchant_id",
        "root_cause": "root_cause",
        "cases": "cases",
        "state": "state",
        "due": "rfc3339(due)",
        "overdue": "coalesce(due < %(at)s, false)",
        "escalated": "escalated",
        "recurrence": "CASE WHEN before IS NOT NULL THEN"
        " json_build_object('before', before, 'after', after) END",
        "closing": "closing",
        "opened_at": "rfc3339(opened_at)",
        "closed_at": "rfc3339(closed_at)",
    },
    time="opened_at",
    id="corrective_action_id",
    descending=True,
)


def page(
    connection: Connection[Any],
    *,
    at: datetime,
    merchant_id: str | None = None,
    root_cause: str | None = None,
    state: str | None = None,
    escalated: bool | None = None,
    case_id: UUID | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> bytes:
    """One page of corrective actions, the newest first, as JSON text of the API's shape.

    case_id: those that this case belongs to · overdue: judged at `at`. Raises BadCursor and BadLimit.
    """
    where = [] if escalated is None else [f"escalated IS {'NOT ' if escalated else ''}NULL"]
    where += [] if case_id is None else ["cases @> ARRAY[%(case_id)s::uuid]"]
    return page_of(
        connection,
        LISTING,
        equal={"merchant_id": merchant_id, "root_cause": root_cause, "state": state},
        where=where,
        values={"at": at, "case_id": case_id},
        limit=limit,
        cursor=cursor,
    )


def open_against(connection: Connection[Any], merchant_id: str, *, at: datetime) -> bytes:
    """The corrective actions of a merchant that have not ended, the earliest due first, as a JSON array."""
    with connection.cursor(row_factory=scalar_row) as rows:
        rows.execute(_OPEN_AGAINST.encode(), {"merchant_id": merchant_id, "at": at})
        return str(rows.fetchone()).encode()


_OPEN_AGAINST = f"""
    SELECT coalesce(json_agg(json_build_object(
        'corrective_action_id', corrective_action_id, 'root_cause', root_cause, 'state', state,
        'due', rfc3339(due), 'overdue', coalesce(due < %(at)s, false), 'escalated', escalated
    ) ORDER BY due, corrective_action_id), '[]')::text
    FROM {CORRECTIVE_ACTIONS.table} WHERE merchant_id = %(merchant_id)s AND state <> 'closed'
"""  # noqa: S608  # the table's name is a constant


def open_over(connection: Connection[Any], case_id: UUID) -> list[UUID]:
    """The corrective actions to which this case belongs and that have not ended."""
    with connection.cursor(row_factory=scalar_row, binary=True) as rows:
        rows.execute(_OPEN_OVER.encode(), (case_id,))
        return rows.fetchone() or []


_OPEN_OVER = f"""
    SELECT array_agg(corrective_action_id) FROM {CORRECTIVE_ACTIONS.table}
    WHERE cases @> ARRAY[%s::uuid] AND state <> 'closed'
"""  # noqa: S608  # the table's name is a constant
