"""Workload: what each of the platform's people has on their desk, what they decided, and what of it fell.

Beside its decisions each case has a card: who holds it, and who decided what can be appealed against. What
the system decides is nobody's work; a decision of a batch is that of who proposed the batch.

Queries: `each`.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import scalar_row

from domain.events import (
    AppealFiled,
    AppealWithdrawn,
    CaseClaimed,
    CaseClosed,
    CaseExpired,
    CaseFiled,
    CaseMerged,
    CaseReassigned,
    CaseReleased,
    CaseReopened,
    CaseSuspended,
    CaseWithdrawn,
    DecisionIssued,
    DecisionOverturned,
    DecisionProposed,
    DecisionUpheld,
    DecisionVaried,
    Fact,
    HumanReviewDemanded,
    LeaseExpired,
    LeaseRenewed,
    PenaltyAssessed,
    ProposalVoided,
)
from domain.values import AppealOutcome
from projections.read_model import CaseRow, ReadModel, Rows, changed, put
from projections.review_queue import REVIEW_QUEUE


class WorkKind(StrEnum):
    """What somebody did: decide a case, or an appeal."""

    DECISION = "decision"
    APPEAL = "appeal"


class Work(CaseRow, frozen=True, kw_only=True):
    """One decision of a case or of an appeal; a case's card has the case's own id and no worker.

    begun_at: when the worker took the case under the lease by which it was decided (None: there was none) ·
    proposed_at: when it was left to a second person, if it was · done_at: empty while it waits for one ·
    outcome, against: of an appeal, and whose ruling that was. On the card: holder, held_since, held_until: of
    the lease, live or run out · rulings: who made each decision and penalty · appeals: what each is against.
    """

    KEY = "work_id"

    work_id: UUID
    worker: str | None = None
    kind: WorkKind | None = None
    begun_at: datetime | None = None
    proposed_at: datetime | None = None
    done_at: datetime | None = None
    outcome: AppealOutcome | None = None
    against: str | None = None
    holder: str | None = None
    held_since: datetime | None = None
    held_until: datetime | None = None
    rulings: dict[UUID, str] = msgspec.field(default_factory=dict)
    appeals: dict[UUID, UUID] = msgspec.field(default_factory=dict)


WORKLOAD = ReadModel(
    name="workload",
    version=1,
    row=Work,
    columns="""
        work_id uuid PRIMARY KEY,
        case_id uuid NOT NULL,
        worker text,
        kind text,
        begun_at timestamptz,
        proposed_at timestamptz,
        done_at timestamptz,
        outcome text,
        against text,
        holder text,
        held_since timestamptz,
        held_until timestamptz,
        rulings jsonb NOT NULL,
        appeals jsonb NOT NULL
    """,
    indexes=(
        "(done_at) WHERE done_at IS NOT NULL",
        "(worker, done_at) WHERE done_at IS NOT NULL",
        "(against, done_at) WHERE against IS NOT NULL",
        "(worker) WHERE worker IS NOT NULL AND done_at IS NULL",
        "(holder, held_until) WHERE holder IS NOT NULL",
        "(work_id) WHERE stale",
    ),
    ignored="""
        clocks evidence follow_up goods money notes privacy promise rectification CaseClassified CaseDeclined
        CaseEscalated CaseLinked CaseResumed CaseVerified ConflictDeclared DecisionApproved
        ExecutionFailed MerchantAnswered MerchantDefaulted NoticeDelivered OfferAccepted OfferDeclined
        OfferLapsed OfferMade PenaltyAdjusted PenaltyExpired PenaltyReversed PlatformSteppedIn
        SuspensionConfirmed
    """,
)


@WORKLOAD.folds(CaseFiled)
def _filed(rows: Rows[Work], fact: CaseFiled) -> Rows[Work]:
    return put(rows, Work(case_id=fact.originator_id, work_id=fact.originator_id))


# --- who holds the case -------------------------------------------------------------------------------


@WORKLOAD.folds(CaseClaimed, CaseReassigned)
def _taken(rows: Rows[Work], fact: CaseClaimed | CaseReassigned) -> Rows[Work]:
    return changed(
        rows,
        fact.originator_id,
        holder=fact.holder,
        held_since=fact.timestamp,
        held_until=fact.expires_at,
    )


@WORKLOAD.folds(LeaseRenewed)
def _kept(rows: Rows[Work], fact: LeaseRenewed) -> Rows[Work]:
    return changed(rows, fact.originator_id, held_until=fact.expires_at)


@WORKLOAD.folds(
    CaseReleased,
    LeaseExpired,
    CaseClosed,
    CaseWithdrawn,
    CaseExpired,
    CaseSuspended,
    CaseMerged,
    CaseReopened,
    HumanReviewDemanded,
    AppealWithdrawn,
)
def _left(rows: Rows[Work], fact: Fact) -> Rows[Work]:
    return changed(rows, fact.originator_id, holder=None, held_since=None, held_until=None)


# --- what is decided ----------------------------------------------------------------------------------


@WORKLOAD.folds(DecisionProposed)
def _proposed(rows: Rows[Work], fact: DecisionProposed) -> Rows[Work]:
    row = Work(
        case_id=fact.originator_id,
        work_id=fact.proposal_id,
        worker=fact.by,
        kind=WorkKind.DECISION,
        begun_at=_begun(rows, fact, fact.by),
        proposed_at=fact.timestamp,
    )
    return put(rows, row)


@WORKLOAD.folds(ProposalVoided)
def _voided(rows: Rows[Work], fact: ProposalVoided) -> Rows[Work]:
    return {key: row for key, row in rows.items() if key != fact.proposal_id}


@WORKLOAD.folds(DecisionIssued)
def _decided(rows: Rows[Work], fact: DecisionIssued) -> Rows[Work]:
    if fact.automated:
        return rows
    row = rows.get(fact.decision_id) or Work(
        case_id=fact.originator_id,
        work_id=fact.decision_id,
        worker=fact.by,
        kind=WorkKind.DECISION,
        begun_at=_begun(rows, fact, fact.by),
    )
    rows = put(rows, msgspec.structs.replace(row, done_at=fact.timestamp))
    return _ruled(rows, fact.originator_id, fact.decision_id, fact.by)


def _begun(rows: Rows[Work], fact: Fact, by: str) -> datetime | None:
    card = rows[fact.originator_id]
    held = card.holder == by and card.held_until is not None and fact.timestamp < card.held_until
    return card.held_since if held else None


@WORKLOAD.folds(PenaltyAssessed)
def _penalised(rows: Rows[Work], fact: PenaltyAssessed) -> Rows[Work]:
    return _ruled(rows, fact.originator_id, fact.penalty_id, fact.by) if fact.by else rows


def _ruled(rows: Rows[Work], case_id: UUID, ruling_id: UUID, by: str) -> Rows[Work]:
    return changed(rows, case_id, rulings={**rows[case_id].rulings, ruling_id: by})


# --- what becomes of it on appeal ---------------------------------------------------------------------


@WORKLOAD.folds(AppealFiled)
def _appealed(rows: Rows[Work], fact: AppealFiled) -> Rows[Work]:
    appeals = {**rows[fact.originator_id].appeals, fact.appeal_id: fact.target}
    return changed(_left(rows, fact), fact.originator_id, appeals=appeals)


OUTCOMES = {
    DecisionUpheld: AppealOutcome.UPHELD,
    DecisionVaried: AppealOutcome.VARIED,
    DecisionOverturned: AppealOutcome.OVERTURNED,
}


@WORKLOAD.folds(DecisionUpheld, DecisionVaried, DecisionOverturned)
def _judged(rows: Rows[Work], fact: DecisionUpheld | DecisionVaried | DecisionOverturned) -> Rows[Work]:
    card = rows[fact.originator_id]
    row = Work(
        case_id=card.case_id,
        work_id=fact.appeal_id,
        worker=fact.by,
        kind=WorkKind.APPEAL,
        done_at=fact.timestamp,
        outcome=OUTCOMES[type(fact)],
        against=card.rulings.get(card.appeals[fact.appeal_id]),
    )
    return _left(put(rows, row), fact)


# --- queries ------------------------------------------------------------------------------------------


def each(
    connection: Connection[Any],
    *,
    at: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
    worker: str | None = None,
) -> bytes:
    """What everybody who works on cases, or one alone, has to do and did, by name, as JSON text.

    `{"from", "to", "data", "stale"}`. Leases, and whether their cases are late in their queue, are judged at
    `at`. Decisions are counted of the day of Shanghai, of the last days, and of the span; what is not said of
    that is the last 30 days. Handling runs from the claim to the decision, or to its proposal where two
    people decide: the median in hours with two digits, of those decisions of the span made under a lease.
    What was lost on appeal is told of who had decided it, where the appeal was judged in the span.
    """
    statement, values = query(at, since, until, worker)
    with connection.cursor(row_factory=scalar_row) as rows:
        rows.execute(statement.encode(), values)
        return str(rows.fetchall()[0]).encode()


LATELY = timedelta(days=30)

_DECIDED = f"kind = '{WorkKind.DECISION}'"
_TODAY = "date_trunc('day', %(at)s AT TIME ZONE 'Asia/Shanghai') AT TIME ZONE 'Asia/Shanghai'"
_HANDLING = "extract(epoch FROM coalesce(proposed_at, done_at) - begun_at) / 3600"


def query(
    at: datetime, since: datetime | None, until: datetime | None, worker: str | None
) -> tuple[str, dict[str, object]]:
    """The statement behind `each`, and its values."""
    span = "done_at >= %(since)s" + (" AND done_at < %(until)s" if until else "")
    mine = "(worker = %(worker)s OR against = %(worker)s)" if worker else "true"
    listed = "worker = %(worker)s" if worker else "true"
    values: dict[str, object] = {
        "at": at,
        "since": since or at - LATELY,
        "until": until,
        "worker": worker,
    }
    return _statement(span, mine, listed), values


def _statement(span: str, mine: str, listed: str) -> str:
    return f"""
        WITH lately AS MATERIALIZED (
            SELECT * FROM {WORKLOAD.table}
            WHERE done_at >= least(%(since)s, %(at)s - interval '30 days') AND {mine}
        ), done AS (
            SELECT worker,
                count(*) FILTER (WHERE {_DECIDED} AND done_at >= {_TODAY}) AS today,
                count(*) FILTER (WHERE {_DECIDED} AND done_at > %(at)s - interval '7 days') AS last_7_days,
                count(*) FILTER (WHERE {_DECIDED} AND done_at > %(at)s - interval '30 days') AS last_30_days,
                count(*) FILTER (WHERE {_DECIDED} AND {span}) AS in_span,
                count(*) FILTER (WHERE NOT {_DECIDED} AND {span}) AS appeals_judged,
                percentile_cont(0.5) WITHIN GROUP (ORDER BY {_HANDLING}) FILTER (WHERE {span}) AS handling,
                count(begun_at) FILTER (WHERE {span}) AS handled
            FROM lately GROUP BY worker
        ), lost AS (
            SELECT against AS worker,
                count(*) FILTER (WHERE outcome = 'overturned' AND {span}) AS overturned,
                count(*) FILTER (WHERE outcome = 'varied' AND {span}) AS varied
            FROM lately WHERE against IS NOT NULL GROUP BY against
        ), proposed AS (
            SELECT worker, count(*) AS waiting FROM {WORKLOAD.table}
            WHERE worker IS NOT NULL AND done_at IS NULL GROUP BY worker
        ), held AS (
            SELECT card.holder AS worker, count(*) AS held, count(*) FILTER (WHERE due < %(at)s) AS overdue
            FROM {WORKLOAD.table} AS card LEFT JOIN {REVIEW_QUEUE.table} AS queue USING (case_id)
            WHERE card.holder IS NOT NULL AND held_until > %(at)s GROUP BY card.holder
        ), everybody AS (
            SELECT * FROM done FULL JOIN lost USING (worker) FULL JOIN proposed USING (worker)
                FULL JOIN held USING (worker)
        )
        SELECT json_build_object(
            'from', rfc3339(%(since)s),
            'to', rfc3339(coalesce(%(until)s, %(at)s)),
            'data', coalesce(json_agg(json_build_object(
                'reviewer_id', worker,
                'leases', json_build_object('held', coalesce(held, 0), 'overdue', coalesce(overdue, 0)),
                'decisions', json_build_object(
                    'today', coalesce(today, 0), 'last_7_days', coalesce(last_7_days, 0),
                    'last_30_days', coalesce(last_30_days, 0), 'in_span', coalesce(in_span, 0)
                ),
                'handling_hours', json_build_object(
                    'median', round(handling::numeric, 2), 'decisions', coalesce(handled, 0)
                ),
                'proposals_waiting', coalesce(waiting, 0),
                'appeals_judged', coalesce(appeals_judged, 0),
                'appeals_lost', json_build_object(
                    'overturned', coalesce(overturned, 0), 'varied', coalesce(varied, 0)
                )
            ) ORDER BY worker), '[]'),
            'stale', EXISTS (SELECT FROM {WORKLOAD.table} WHERE stale)
        )::text FROM everybody WHERE {listed}
    """  # noqa: S608  # made of constants of this room; what clients send comes as parameters
