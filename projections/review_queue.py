"""Review queue: who must act on which case, by when.

Four queues over the same rows: `review` (filed, in review, and negotiated where a side asked the platform),
`approval` (a decision waits for a second person), `execution` (money or goods still under way) and
`follow_up` (the buyer is to be asked). A case that ended keeps its row without a queue, because a reopening
brings it back.

Queries: `page`, `counts`, `next_claimable`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import scalar_row

from domain.events import (
    AppealFiled,
    AppealWithdrawn,
    CaseClaimed,
    CaseClosed,
    CaseEscalated,
    CaseExpired,
    CaseFiled,
    CaseMerged,
    CaseReassigned,
    CaseReleased,
    CaseReopened,
    CaseResumed,
    CaseSuspended,
    CaseWithdrawn,
    DecisionIssued,
    DecisionOverturned,
    DecisionProposed,
    DecisionUpheld,
    DecisionVaried,
    ExecutionFailed,
    FollowUpScheduled,
    HumanReviewDemanded,
    LeaseExpired,
    LeaseRenewed,
    NoticeDelivered,
    OfferAccepted,
    PlatformSteppedIn,
    ProposalVoided,
)
from domain.values import CaseType, Stage
from projections.pages import DEFAULT_LIMIT, Listing
from projections.pages import page as page_of
from projections.read_model import CaseRow, ReadModel, Rows, changed, put
from projections.stages import Moving, stage_after

QUEUES: Mapping[Stage, str] = {
    Stage.FILED: "review",
    Stage.IN_REVIEW: "review",
    Stage.APPEALED: "review",
    Stage.EXECUTING: "execution",
    Stage.FOLLOWING_UP: "follow_up",
}
"""The queue in which a case of each open stage stands."""

APPROVAL = "approval"
"""The queue of those cases in review whose decision waits for a second person."""

QUEUE_NAMES = ("review", APPROVAL, "execution", "follow_up")


class UnknownQueue(LookupError):
    """There is no queue of this name."""


class Queued(CaseRow, frozen=True, kw_only=True):
    """A case, the queue it stands in and the lease on it, live or run out.

    It stands in none once it has ended, nor while its sides negotiate, unless one of them has `escalated` it.
    asked_by: when its last follow-up is due, to which a case under appeal may return.
    """

    queue: str | None
    stage: Stage
    number: str
    case_type: CaseType
    merchant_id: str
    filed_by: str
    filed_at: datetime
    due: datetime
    asked_by: datetime | None = None
    holder: str | None = None
    lease_until: datetime | None = None
    escalated: bool = False


REVIEW_QUEUE = ReadModel(
    name="review_queue",
    version=3,
    row=Queued,
    columns="""
        case_id uuid PRIMARY KEY,
        queue text,
        stage text NOT NULL,
        number text NOT NULL,
        case_type text NOT NULL,
        merchant_id text NOT NULL,
        filed_by text NOT NULL,
        filed_at timestamptz NOT NULL,
        due timestamptz NOT NULL,
        asked_by timestamptz,
        holder text,
        lease_until timestamptz,
        escalated boolean NOT NULL
    """,
    indexes=(
        "(queue, due, case_id) WHERE queue IS NOT NULL",
        "(queue, merchant_id, due, case_id) WHERE queue IS NOT NULL",
        "(holder, queue, due, case_id) WHERE holder IS NOT NULL AND queue IS NOT NULL",
    ),
    ignored="""
        clocks evidence goods money notes penalty privacy promise rectification CaseClassified CaseDeclined
        CaseLinked CaseVerified ConflictDeclared DecisionApproved FollowUpAttempted FollowUpCompleted
        FollowUpExhausted MerchantAnswered MerchantDefaulted OfferDeclined OfferLapsed OfferMade
        SuspensionConfirmed
    """,
)


@REVIEW_QUEUE.folds(CaseFiled)
def _filed(rows: Rows[Queued], fact: CaseFiled) -> Rows[Queued]:
    row = Queued(
        case_id=fact.originator_id,
        queue=QUEUES[Stage.FILED],
        stage=Stage.FILED,
        number=fact.number,
        case_type=fact.case_type,
        merchant_id=fact.merchant_id,
        filed_by=fact.filed_by,
        filed_at=fact.timestamp,
        due=fact.due or fact.timestamp,
    )
    return put(rows, row)


@REVIEW_QUEUE.folds(NoticeDelivered)
def _left_to_the_sides(rows: Rows[Queued], fact: NoticeDelivered) -> Rows[Queued]:
    return _moved(rows, fact)


@REVIEW_QUEUE.folds(CaseEscalated)
def _escalated(rows: Rows[Queued], fact: CaseEscalated) -> Rows[Queued]:
    row = rows[fact.originator_id]
    due = fact.due or row.due
    return changed(rows, row.case_id, queue=QUEUES[Stage.IN_REVIEW], escalated=True, due=due)


@REVIEW_QUEUE.folds(PlatformSteppedIn, DecisionIssued, OfferAccepted, ExecutionFailed, CaseResumed)
def _due_anew(
    rows: Rows[Queued],
    fact: PlatformSteppedIn | DecisionIssued | OfferAccepted | ExecutionFailed | CaseResumed,
) -> Rows[Queued]:
    """A fact that says no due time leaves the one that there was."""
    return _moved(rows, fact, due=fact.due or rows[fact.originator_id].due)


@REVIEW_QUEUE.folds(DecisionProposed)
def _proposed(rows: Rows[Queued], fact: DecisionProposed) -> Rows[Queued]:
    return changed(rows, fact.originator_id, queue=APPROVAL)


@REVIEW_QUEUE.folds(ProposalVoided)
def _voided(rows: Rows[Queued], fact: ProposalVoided) -> Rows[Queued]:
    """Back to where the case stands; it may have left the queues at once with its proposal."""
    row = rows[fact.originator_id]
    return changed(rows, row.case_id, queue=QUEUES.get(row.stage))


@REVIEW_QUEUE.folds(FollowUpScheduled)
def _settled(rows: Rows[Queued], fact: FollowUpScheduled) -> Rows[Queued]:
    return _moved(rows, fact, due=fact.due, asked_by=fact.due)


@REVIEW_QUEUE.folds(CaseReopened, HumanReviewDemanded, AppealFiled)
def _taken_from_its_holder(
    rows: Rows[Queued], fact: CaseReopened | HumanReviewDemanded | AppealFiled
) -> Rows[Queued]:
    due = fact.due or rows[fact.originator_id].due
    return _moved(rows, fact, due=due, holder=None, lease_until=None)


@REVIEW_QUEUE.folds(CaseClosed, CaseWithdrawn, CaseExpired, CaseSuspended, CaseMerged)
def _left(
    rows: Rows[Queued], fact: CaseClosed | CaseWithdrawn | CaseExpired | CaseSuspended | CaseMerged
) -> Rows[Queued]:
    return _moved(rows, fact, holder=None, lease_until=None)


@REVIEW_QUEUE.folds(AppealWithdrawn, DecisionUpheld, DecisionVaried, DecisionOverturned)
def _appeal_ended(
    rows: Rows[Queued], fact: AppealWithdrawn | DecisionUpheld | DecisionVaried | DecisionOverturned
) -> Rows[Queued]:
    """What waited for the appeal is due anew; the buyer is asked when it was due."""
    row = rows[fact.originator_id]
    due = fact.due or row.asked_by or row.due
    return _moved(rows, fact, due=due, holder=None, lease_until=None)


def _moved(rows: Rows[Queued], fact: Moving, **fields: datetime | None) -> Rows[Queued]:
    stage = stage_after(fact)
    asked = stage is Stage.NEGOTIATING and rows[fact.originator_id].escalated
    queue = QUEUES.get(Stage.IN_REVIEW if asked else stage)
    return changed(rows, fact.originator_id, stage=stage, queue=queue, **fields)


@REVIEW_QUEUE.folds(CaseClaimed, LeaseRenewed, CaseReassigned)
def _held(rows: Rows[Queued], fact: CaseClaimed | LeaseRenewed | CaseReassigned) -> Rows[Queued]:
    return changed(rows, fact.originator_id, holder=fact.holder, lease_until=fact.expires_at)


@REVIEW_QUEUE.folds(CaseReleased, LeaseExpired)
def _released(rows: Rows[Queued], fact: CaseReleased | LeaseExpired) -> Rows[Queued]:
    return changed(rows, fact.originator_id, holder=None, lease_until=None)


LISTING = Listing(
    table=REVIEW_QUEUE.table,
    item={
        "case_id": "case_id",
        "number": "number",
        "stage": "stage",
        "case_type": "case_type",
        "merchant_id": "merchant_id",
        "due": "rfc3339(due)",
        "overdue": "due < %(at)s",
        "claimed_by": "CASE WHEN lease_until > %(at)s THEN holder END",
        "filed_at": "rfc3339(filed_at)",
    },
    time="due",
    id="case_id",
)


def page(
    connection: Connection[Any],
    queue: str,
    *,
    at: datetime,
    case_type: str | None = None,
    stage: str | None = None,
    merchant_id: str | None = None,
    filed_by: str | None = None,
    overdue: bool | None = None,
    mine: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> bytes:
    """One page of a queue, most urgent first, as JSON text of the API's shape.

    `overdue` and leases are judged at `at`; `mine` is a holder and keeps only cases under its live lease.
    Raises UnknownQueue, BadCursor and BadLimit.
    """
    _known(queue)
    where = []
    if overdue is not None:
        where.append("due < %(at)s" if overdue else "due >= %(at)s")
    if mine is not None:
        where.append("lease_until > %(at)s")
    return page_of(
        connection,
        LISTING,
        equal={
            "queue": queue,
            "case_type": case_type,
            "stage": stage,
            "merchant_id": merchant_id,
            "filed_by": filed_by,
            "holder": mine,
        },
        where=where,
        values={"at": at},
        limit=limit,
        cursor=cursor,
    )


def counts(connection: Connection[Any], *, at: datetime) -> bytes:
    """`{"data": [{"name", "open", "overdue"}]}`, every queue named, as JSON text."""
    with connection.cursor(row_factory=scalar_row) as rows:
        rows.execute(_COUNTS.encode(), {"names": list(QUEUE_NAMES), "at": at})
        return str(rows.fetchone()).encode()


_COUNTS = f"""
    SELECT json_build_object('data', json_agg(
        json_build_object('name', name, 'open', coalesce(waiting, 0), 'overdue', coalesce(late, 0))
        ORDER BY ordinal
    ))::text
    FROM unnest(%(names)s::text[]) WITH ORDINALITY AS queues (name, ordinal)
    LEFT JOIN (
        SELECT queue, count(*) AS waiting, count(*) FILTER (WHERE due < %(at)s) AS late
        FROM {REVIEW_QUEUE.table} WHERE queue IS NOT NULL GROUP BY queue
    ) AS counted ON counted.queue = name
"""  # noqa: S608  # the table's name is a constant


def next_claimable(connection: Connection[Any], queue: str, *, at: datetime, limit: int = 5) -> list[UUID]:
    """The most urgent cases of a queue that nobody holds at `at`. Raises UnknownQueue.

    Several, because another caller may be quicker: the lease itself is taken and judged by the case.
    """
    _known(queue)
    with connection.cursor(row_factory=scalar_row, binary=True) as rows:
        rows.execute(_CLAIMABLE.encode(), {"queue": queue, "at": at, "limit": limit})
        return rows.fetchall()


_CLAIMABLE = f"""
    SELECT case_id FROM {REVIEW_QUEUE.table}
    WHERE queue = %(queue)s AND (lease_until IS NULL OR lease_until <= %(at)s) AND NOT stale
    ORDER BY due, case_id LIMIT %(limit)s
"""  # noqa: S608  # the table's name is a constant


def _known(queue: str) -> None:
    if queue not in QUEUE_NAMES:
        raise UnknownQueue(queue)
