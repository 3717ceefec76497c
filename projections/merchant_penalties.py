"""Merchant penalties: the ledger of points and fines of each merchant, every line with its case and clause.

Queries: `page`.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

from domain.events import (
    PenaltyAdjusted,
    PenaltyAssessed,
    PenaltyExpired,
    PenaltyReversed,
)
from domain.values import PenaltyState
from projections.pages import DEFAULT_LIMIT, Listing
from projections.pages import page as page_of
from projections.read_model import CaseRow, ReadModel, Rows, changed, put

LEDGER_CURRENCY = "CNY"
"""The currency of `fine_minor_live`; fines in another one are totalled apart, never added to it."""


class Penalty(CaseRow, frozen=True, kw_only=True):
    """One line of a merchant's ledger: what the penalty counts for, and what it was before it was lowered."""

    KEY = "penalty_id"

    penalty_id: UUID
    merchant_id: str
    points: int
    fine_minor: int | None
    fine_currency: str | None
    assessed_points: int
    assessed_fine_minor: int | None
    adjusted: bool = False
    clause: str
    state: PenaltyState
    assessed_at: datetime
    expires_at: datetime


MERCHANT_PENALTIES = ReadModel(
    name="merchant_penalties",
    version=1,
    row=Penalty,
    columns="""
        penalty_id uuid PRIMARY KEY,
        case_id uuid NOT NULL,
        merchant_id text NOT NULL,
        points integer NOT NULL,
        fine_minor bigint,
        fine_currency text,
        assessed_points integer NOT NULL,
        assessed_fine_minor bigint,
        adjusted boolean NOT NULL,
        clause text NOT NULL,
        state text NOT NULL,
        assessed_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
    """,
    indexes=(
        "(merchant_id, assessed_at, penalty_id)",
        "(merchant_id) INCLUDE (points, fine_minor, fine_currency) WHERE state = 'live'",
    ),
    ignored="""
        appeal clocks decision ending evidence filing follow_up goods lease money negotiation notes privacy
        promise rectification relation suspension
    """,
)


@MERCHANT_PENALTIES.folds(PenaltyAssessed)
def _assessed(rows: Rows[Penalty], fact: PenaltyAssessed) -> Rows[Penalty]:
    row = Penalty(
        case_id=fact.originator_id,
        penalty_id=fact.penalty_id,
        merchant_id=fact.merchant_id,
        points=fact.points,
        fine_minor=fact.fine.amount_minor if fact.fine else None,
        fine_currency=fact.fine.currency if fact.fine else None,
        assessed_points=fact.points,
        assessed_fine_minor=fact.fine.amount_minor if fact.fine else None,
        clause=fact.clause,
        state=PenaltyState.LIVE,
        assessed_at=fact.timestamp,
        expires_at=fact.expires_at,
    )
    return put(rows, row)


@MERCHANT_PENALTIES.folds(PenaltyAdjusted)
def _adjusted(rows: Rows[Penalty], fact: PenaltyAdjusted) -> Rows[Penalty]:
    return changed(
        rows,
        fact.penalty_id,
        points=fact.points,
        fine_minor=fact.fine.amount_minor if fact.fine else None,
        adjusted=True,
    )


@MERCHANT_PENALTIES.folds(PenaltyExpired)
def _expired(rows: Rows[Penalty], fact: PenaltyExpired) -> Rows[Penalty]:
    return changed(rows, fact.penalty_id, state=PenaltyState.EXPIRED)


@MERCHANT_PENALTIES.folds(PenaltyReversed)
def _reversed(rows: Rows[Penalty], fact: PenaltyReversed) -> Rows[Penalty]:
    return changed(rows, fact.penalty_id, state=PenaltyState.REVERSED)


_ASSESSED = """json_build_object('points', assessed_points, 'fine', CASE WHEN assessed_fine_minor IS NOT NULL
    THEN json_build_object('amount_minor', assessed_fine_minor, 'currency', fine_currency) END)"""

LISTING = Listing(
    table=MERCHANT_PENALTIES.table,
    item={
        "penalty_id": "penalty_id",
        "case_id": "case_id",
        "points": "points",
        "fine": "CASE WHEN fine_minor IS NOT NULL THEN"
        " json_build_object('amount_minor', fine_minor, 'currency', fine_currency) END",
        "clause": "clause",
        "state": "state",
        "assessed_at": "rfc3339(assessed_at)",
    },
    time="assessed_at",
    id="penalty_id",
    descending=True,
    sometimes={"assessed": ("adjusted", _ASSESSED)},
)


def page(
    connection: Connection[Any],
    merchant_id: str,
    *,
    state: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> bytes:
    """One page of a merchant's ledger, newest first, with the totals of all its live penalties, as JSON text.

    `totals` is `{"points_live", "fine_minor_live"}`, the fines being those in CNY; live fines in other
    currencies follow as `"other_fines_live": [{"amount_minor", "currency"}]` where there are any. A
    merchant without penalties has an empty ledger. Raises BadCursor and BadLimit.
    """
    return page_of(
        connection,
        LISTING,
        equal={"merchant_id": merchant_id, "state": state},
        limit=limit,
        cursor=cursor,
        extra=f'"totals":{_totals(connection, merchant_id)},',
    )


def _totals(connection: Connection[Any], merchant_id: str) -> str:
    with connection.cursor(row_factory=tuple_row) as rows:
        rows.execute(_TOTALS.encode(), {"merchant_id": merchant_id, "currency": LEDGER_CURRENCY})
        return str(rows.fetchall()[0][0])


_TOTALS = f"""
    WITH live AS (
        SELECT fine_currency AS currency, sum(points) AS points, sum(fine_minor) AS fine
        FROM {MERCHANT_PENALTIES.table} WHERE merchant_id = %(merchant_id)s AND state = 'live'
        GROUP BY fine_currency
    ), others AS (
        SELECT json_agg(
            json_build_object('amount_minor', fine, 'currency', currency) ORDER BY currency
        ) AS fines
        FROM live WHERE currency <> %(currency)s AND fine IS NOT NULL
    ), own AS (
        SELECT coalesce(sum(points), 0) AS points,
               coalesce(sum(fine) FILTER (WHERE currency = %(currency)s), 0) AS fine
        FROM live
    )
    SELECT CASE WHEN others.fines IS NULL
        THEN json_build_object('points_live', own.points, 'fine_minor_live', own.fine)
        ELSE json_build_object(
            'points_live', own.points, 'fine_minor_live', own.fine, 'other_fines_live', others.fines)
    END::text FROM own, others
"""  # noqa: S608  # the table's name is a constant
