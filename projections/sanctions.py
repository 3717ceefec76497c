"""Sanctions of merchants: which one runs, which ones were, and which are shown to everybody.

Queries: `of_merchant`, `publications`.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from psycopg import Connection
from psycopg.rows import scalar_row

from domain.events import SanctionEnded, SanctionPublished, SanctionRestored, SanctionStarted
from domain.values import SanctionEnd
from projections.pages import DEFAULT_LIMIT, Listing
from projections.pages import page as page_of
from projections.read_model import ReadModel, Row, Rows, changed, put

MOST_PAST = 50
"""How many of the sanctions that ended are shown with a merchant's standing."""


class Sanctioned(Row, frozen=True, gc=False, kw_only=True):
    """One sanction; `ended` says how it did, None that it runs."""

    KEY: ClassVar[str] = "sanction_id"
    SOURCE: ClassVar[str] = "merchant_standing_id"

    sanction_id: UUID
    merchant_standing_id: UUID
    merchant_id: str
    tier: int
    measures: tuple[str, ...]
    points: int
    penalties: tuple[UUID, ...]
    clauses: tuple[str, ...]
    since: datetime
    until: datetime
    ended: SanctionEnd | None = None
    ended_at: datetime | None = None
    published_at: datetime | None = None


SANCTIONS = ReadModel(
    name="sanctions",
    version=1,
    row=Sanctioned,
    columns="""
        sanction_id uuid PRIMARY KEY,
        merchant_standing_id uuid NOT NULL,
        merchant_id text NOT NULL,
        tier integer NOT NULL,
        measures text[] NOT NULL,
        points integer NOT NULL,
        penalties uuid[] NOT NULL,
        clauses text[] NOT NULL,
        since timestamptz NOT NULL,
        until timestamptz NOT NULL,
        ended text,
        ended_at timestamptz,
        published_at timestamptz
    """,
    indexes=(
        "(merchant_id, since, sanction_id)",
        "(published_at, sanction_id) WHERE published_at IS NOT NULL AND ended IS DISTINCT FROM 'reversed'",
    ),
    ignored="PointsAdjusted PointsCounted PointsDropped QuarterClosed StandingOpened",
    of="MerchantStanding",
)


@SANCTIONS.folds(SanctionStarted)
def _started(rows: Rows[Sanctioned], fact: SanctionStarted) -> Rows[Sanctioned]:
    row = Sanctioned(
        sanction_id=fact.sanction_id,
        merchant_standing_id=fact.originator_id,
        merchant_id=fact.merchant_id,
        tier=fact.tier,
        measures=fact.measures,
        points=fact.points,
        penalties=fact.penalties,
        clauses=fact.clauses,
        since=fact.since,
        until=fact.until,
    )
    return put(rows, row)


@SANCTIONS.folds(SanctionPublished)
def _published(rows: Rows[Sanctioned], fact: SanctionPublished) -> Rows[Sanctioned]:
    return changed(rows, fact.sanction_id, published_at=fact.timestamp)


@SANCTIONS.folds(SanctionEnded)
def _ended(rows: Rows[Sanctioned], fact: SanctionEnded) -> Rows[Sanctioned]:
    return changed(rows, fact.sanction_id, ended=fact.cause, ended_at=fact.timestamp)


@SANCTIONS.folds(SanctionRestored)
def _restored(rows: Rows[Sanctioned], fact: SanctionRestored) -> Rows[Sanctioned]:
    return changed(rows, fact.sanction_id, ended=None, ended_at=None)


_STATE = "coalesce(ended, 'running')"
_SHOWN = f"""json_build_object(
    'sanction_id', sanction_id, 'tier', tier, 'measures', measures, 'points', points,
    'penalties', penalties, 'clauses', clauses, 'since', rfc3339(since), 'until', rfc3339(until),
    'state', {_STATE}, 'ended_at', rfc3339(ended_at), 'published', published_at IS NOT NULL
)"""

PUBLICATIONS = Listing(
    table=SANCTIONS.table,
    item={
        "sanction_id": "sanction_id",
        "merchant_id": "merchant_id",
        "tier": "tier",
        "measures": "measures",
        "clauses": "clauses",
        "since": "rfc3339(since)",
        "until": "rfc3339(until)",
        "state": _STATE,
        "published_at": "rfc3339(published_at)",
    },
    time="published_at",
    id="sanction_id",
    descending=True,
)


def of_merchant(connection: Connection[Any], merchant_id: str) -> bytes:
    """The sanctions of a merchant as JSON text: `{"tier", "running", "past", "stale"}`.

    `tier` is that of the running one, 0 without one. `past` holds the last ones that ended, newest first.
    """
    with connection.cursor(row_factory=scalar_row) as cursor:
        cursor.execute(_OF_MERCHANT.encode(), {"merchant_id": merchant_id, "most": MOST_PAST})
        return str(cursor.fetchall()[0]).encode()


_OF_MERCHANT = f"""
    WITH own AS (
        SELECT * FROM {SANCTIONS.table} WHERE merchant_id = %(merchant_id)s
    ), past AS (
        SELECT * FROM own WHERE ended IS NOT NULL ORDER BY since DESC, sanction_id LIMIT %(most)s
    )
    SELECT json_build_object(
        'tier', coalesce((SELECT tier FROM own WHERE ended IS NULL), 0),
        'running', (SELECT {_SHOWN} FROM own WHERE ended IS NULL),
        'past', (SELECT coalesce(json_agg({_SHOWN} ORDER BY since DESC, sanction_id), '[]') FROM past),
        'stale', EXISTS (SELECT FROM own WHERE stale)
    )::text
"""  # noqa: S608  # the table's name is a constant


def publications(
    connection: Connection[Any],
    *,
    merchant_id: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> bytes:
    """One page of the sanctions that everybody may see, the newest first; none that was reversed.

    Raises BadCursor and BadLimit.
    """
    return page_of(
        connection,
        PUBLICATIONS,
        equal={"merchant_id": merchant_id},
        where=("published_at IS NOT NULL", "ended IS DISTINCT FROM 'reversed'"),
        limit=limit,
        cursor=cursor,
    )
