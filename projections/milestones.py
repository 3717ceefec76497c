"""Milestones: the facts that stand behind the indicators, each with what indicators are filtered by.

Queries: `page`.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from psycopg import Connection

from domain.events import CaseFiled, Fact
from domain.values import CaseType
from projections.case_times import CASE_TIMES
from projections.pages import DEFAULT_LIMIT, Listing
from projections.pages import page as page_of
from projections.read_model import CaseRow, ReadModel, Rows, put


class Milestone(CaseRow, frozen=True, kw_only=True):
    """A fact of a case; `first`: no earlier one of the case is of its type."""

    KEY = "fact_id"

    fact_id: UUID
    version: int
    type: str
    at: datetime
    first: bool
    merchant_id: str
    case_type: CaseType
    filed_at: datetime


MILESTONES = ReadModel(
    name="milestones",
    version=1,
    row=Milestone,
    columns="""
        fact_id uuid PRIMARY KEY,
        case_id uuid NOT NULL,
        version integer NOT NULL,
        type text NOT NULL,
        at timestamptz NOT NULL,
        first boolean NOT NULL,
        merchant_id text NOT NULL,
        case_type text NOT NULL,
        filed_at timestamptz NOT NULL
    """,
    indexes=("(at, fact_id)", "(type, at, fact_id)", "(merchant_id, at, fact_id)"),
    ignored=CASE_TIMES.ignored,
)


def _key(fact: Fact, version: int) -> UUID:
    return uuid5(fact.originator_id, f"milestone/{version}")


@MILESTONES.folds(CaseFiled)
def _filed(rows: Rows[Milestone], fact: CaseFiled) -> Rows[Milestone]:
    row = Milestone(
        case_id=fact.originator_id,
        fact_id=_key(fact, fact.originator_version),
        version=fact.originator_version,
        type=fact.TOPIC,
        at=fact.timestamp,
        first=True,
        merchant_id=fact.merchant_id,
        case_type=fact.case_type,
        filed_at=fact.timestamp,
    )
    return put(rows, row)


@MILESTONES.folds(*(fact for fact in CASE_TIMES.steps if fact is not CaseFiled))
def _passed(rows: Rows[Milestone], fact: Fact) -> Rows[Milestone]:
    filing = rows[_key(fact, 1)]
    version, kind = fact.originator_version, fact.TOPIC
    row = Milestone(
        case_id=fact.originator_id,
        fact_id=_key(fact, version),
        version=version,
        type=kind,
        at=fact.timestamp,
        first=all(one.type != kind or one.version >= version for one in rows.values()),
        merchant_id=filing.merchant_id,
        case_type=filing.case_type,
        filed_at=filing.filed_at,
    )
    return put(rows, row)


LISTING = Listing(
    table=MILESTONES.table,
    item={"case_id": "case_id", "version": "version", "type": "type", "at": "rfc3339(at)"},
    time="at",
    id="fact_id",
)


def page(
    connection: Connection[Any],
    *,
    types: Collection[str],
    firsts: Collection[str],
    at: datetime,
    merchant_id: str | None = None,
    case_type: str | None = None,
    filed_from: datetime | None = None,
    filed_to: datetime | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> bytes:
    """One page of the facts of these types up to `at`, the earliest first; of `firsts` the first of a case.

    Only of cases filed from one instant until before another. Raises BadCursor and BadLimit.
    """
    where = ["type = ANY(%(types)s)", "(first OR type <> ALL(%(firsts)s))", "at <= %(until)s"]
    where += [] if filed_from is None else ["filed_at >= %(filed_from)s"]
    where += [] if filed_to is None else ["filed_at < %(filed_to)s"]
    return page_of(
        connection,
        LISTING,
        equal={"merchant_id": merchant_id, "case_type": case_type},
        where=where,
        values={
            "types": sorted(types),
            "firsts": sorted(firsts),
            "until": at,
            "filed_from": filed_from,
            "filed_to": filed_to,
        },
        limit=limit,
        cursor=cursor,
    )
