"""Merchant points: what counts against each merchant, from which penalty and until when, and what did when.

Queries: `summary`.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from psycopg import Connection
from psycopg.rows import scalar_row

from domain.events import PointsAdjusted, PointsCounted, PointsDropped
from domain.values import DropCause
from projections.read_model import ReadModel, Row, Rows, changed, put


class Points(Row, frozen=True, gc=False, kw_only=True):
    """The points of one penalty: as assessed, as they are now, and why they count no more, if so."""

    KEY: ClassVar[str] = "penalty_id"
    SOURCE: ClassVar[str] = "merchant_standing_id"

    penalty_id: UUID
    merchant_standing_id: UUID
    merchant_id: str
    case_id: UUID
    assessed: int
    points: int
    clause: str
    assessed_at: datetime
    counts_until: datetime
    dropped: DropCause | None = None


MERCHANT_POINTS = ReadModel(
    name="merchant_points",
    version=1,
    row=Points,
    columns="""
        penalty_id uuid PRIMARY KEY,
        merchant_standing_id uuid NOT NULL,
        merchant_id text NOT NULL,
        case_id uuid NOT NULL,
        assessed integer NOT NULL,
        points integer NOT NULL,
        clause text NOT NULL,
        assessed_at timestamptz NOT NULL,
        counts_until timestamptz NOT NULL,
        dropped text
    """,
    indexes=("(merchant_id, assessed_at, penalty_id)",),
    ignored="""
        QuarterClosed SanctionEnded SanctionPublished SanctionRestored SanctionStarted StandingOpened
    """,
    of="MerchantStanding",
)


@MERCHANT_POINTS.folds(PointsCounted)
def _counted(rows: Rows[Points], fact: PointsCounted) -> Rows[Points]:
    row = Points(
        penalty_id=fact.penalty_id,
        merchant_standing_id=fact.originator_id,
        merchant_id=fact.merchant_id,
        case_id=fact.case_id,
        assessed=fact.points,
        points=fact.points,
        clause=fact.clause,
        assessed_at=fact.assessed_at,
        counts_until=min(fact.expires_at, fact.quarter_ends or fact.expires_at),
    )
    return put(rows, row)


@MERCHANT_POINTS.folds(PointsAdjusted)
def _adjusted(rows: Rows[Points], fact: PointsAdjusted) -> Rows[Points]:
    return changed(rows, fact.penalty_id, points=fact.points)


@MERCHANT_POINTS.folds(PointsDropped)
def _dropped(rows: Rows[Points], fact: PointsDropped) -> Rows[Points]:
    return changed(rows, fact.penalty_id, dropped=fact.cause)


def summary(connection: Connection[Any], merchant_id: str, *, at: datetime, days: int) -> bytes:
    """The points of a merchant as JSON text: `{"live", "lines", "by_day": [{"day", "points"}], "stale"}`.

    `lines` are those that count now, the oldest first. `by_day` tells for each of the last so many days of
    Shanghai what counted when it ended, for today what counts if nothing more happens; what was reversed or
    lowered since is left out of every day, as if it had never been more.
    """
    with connection.cursor(row_factory=scalar_row) as cursor:
        cursor.execute(_SUMMARY.encode(), {"merchant_id": merchant_id, "at": at, "days": days})
        return str(cursor.fetchall()[0]).encode()


_SUMMARY = f"""
    WITH own AS (
        SELECT * FROM {MERCHANT_POINTS.table} WHERE merchant_id = %(merchant_id)s
    ), days AS (
        SELECT day::date AS day, (day + interval '1 day') AT TIME ZONE 'Asia/Shanghai' AS ends
        FROM generate_series(
            date_trunc('day', %(at)s AT TIME ZONE 'Asia/Shanghai') - (%(days)s - 1) * interval '1 day',
            date_trunc('day', %(at)s AT TIME ZONE 'Asia/Shanghai'),
            interval '1 day'
        ) AS day
    ), totals AS (
        SELECT days.day, coalesce(sum(own.points), 0) AS points
        FROM days LEFT JOIN own
            ON own.dropped IS DISTINCT FROM 'reversed'
            AND own.assessed_at < days.ends AND own.counts_until >= days.ends
        GROUP BY days.day
    )
    SELECT json_build_object(
        'live', (SELECT coalesce(sum(points), 0) FROM own WHERE dropped IS NULL),
        'lines', (SELECT coalesce(json_agg(json_build_object(
            'penalty_id', penalty_id, 'case_id', case_id, 'points', points, 'assessed', assessed,
            'clause', clause, 'assessed_at', rfc3339(assessed_at), 'counts_until', rfc3339(counts_until)
        ) ORDER BY assessed_at, penalty_id), '[]') FROM own WHERE dropped IS NULL),
        'by_day', (SELECT json_agg(json_build_object('day', day, 'points', points) ORDER BY day) FROM totals),
        'stale', EXISTS (SELECT FROM own WHERE stale)
    )::text
"""  # noqa: S608  # the table's name is a constant
