"""Indicators: the numbers by which the platform's work is judged, and the facts behind each of them.

A number is made of the cases that were filed in the span asked for, as they stood at one instant: today from
the live rows, for a day in the past from rows folded up to it by the same steps.

Queries: `numbers`, `facts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import scalar_row

from projections import milestones
from projections.case_times import CASE_TIMES, Awaited
from projections.pages import DEFAULT_LIMIT

RECURRENCE_DAYS = 30
"""A case recurs that is filed so soon after one of the same merchant, SKU and reason was first resolved."""


class UnknownIndicator(LookupError):
    """No indicator has this name."""


@dataclass(frozen=True, slots=True)
class Behind:
    """The types of the facts that a number is made of; of `firsts` the first of each case alone."""

    types: frozenset[str]
    firsts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, types: str, firsts: str = "") -> "Behind":
        """Of types named in one text."""
        return cls(frozenset(types.split()) | frozenset(firsts.split()), frozenset(firsts.split()))


_ENDS = "CaseClosed CaseExpired CaseMerged CaseReopened CaseWithdrawn HumanReviewDemanded"
_TALKS = "CaseEscalated MerchantAnswered MerchantDefaulted NoticeDelivered OfferDeclined OfferLapsed"
_STEPS = "CaseResumed CaseSuspended DecisionIssued ExecutionFailed FollowUpScheduled OfferAccepted OfferMade"
_APPEALS = "AppealFiled AppealWithdrawn DecisionOverturned DecisionUpheld DecisionVaried"
_MOVES = f"{_APPEALS} {_ENDS} {_TALKS} {_STEPS} PlatformSteppedIn"
_GOODS = (
    "ExchangeOpened GoodsAccepted GoodsLapsed GoodsLost GoodsReceived GoodsRefused GoodsRejected GoodsShipped"
)
_DEBTS = "RecoveryOpened RecoveryRecorded RecoveryReduced RecoveryWrittenOff"
_COST = "CaseCompensated CompensationOverpaid CompensationReversed"

BEHIND: Mapping[str, Behind] = {
    "cases_filed": Behind.of("CaseFiled"),
    "first_decision_hours": Behind.of("CaseFiled", "DecisionIssued"),
    "first_resolution_hours": Behind.of("CaseFiled", "FollowUpScheduled"),
    "total_resolution_hours": Behind.of(f"CaseFiled {_APPEALS} {_ENDS}", "FollowUpScheduled"),
    "waiting_hours": Behind.of(f"CaseFiled {_MOVES} {_GOODS}"),
    "intervention_rate": Behind.of("CaseEscalated CaseFiled", "PlatformSteppedIn"),
    "overturn_rate": Behind.of("CaseReopened", "DecisionIssued"),
    "reopen_rate": Behind.of("CaseReopened", "CaseClosed FollowUpScheduled"),
    "recurrence_rate": Behind.of("CaseClassified CaseFiled", "FollowUpScheduled"),
    "promise_kept_rate": Behind.of("PromiseBroken PromiseKept"),
    "satisfaction": Behind.of("FollowUpCompleted"),
    "compensation_cost_minor": Behind.of(f"{_COST} {_DEBTS}"),
    "recovery_minor": Behind.of("RecoveryRecorded"),
}
"""Every indicator by its name."""


def numbers(
    connection: Connection[Any],
    table: str = CASE_TIMES.table,
    *,
    at: datetime,
    merchant_id: str | None = None,
    case_type: str | None = None,
    filed_from: datetime | None = None,
    filed_to: datetime | None = None,
) -> bytes:
    """Every indicator as JSON text by its name, of the rows of `table`, which know of nothing after `at`.

    Durations are hours with two digits: `{"median", "p90", "cases"}`, of a case that was resolved and has not
    ended, its total up to `at`; `waiting_hours` are the mean of a case for each party. Rates are
    `{"share", "cases", "of"}`; money is minor units by currency. A number of no case is null.
    """
    asked = {
        "merchant_id = %(merchant_id)s": merchant_id,
        "case_type = %(case_type)s": case_type,
        "filed_at >= %(filed_from)s": filed_from,
        "filed_at < %(filed_to)s": filed_to,
    }
    conditions = [condition for condition, value in asked.items() if value is not None]
    values = {
        "at": at,
        "recurrence_days": RECURRENCE_DAYS,
        "merchant_id": merchant_id,
        "case_type": case_type,
        "filed_from": filed_from,
        "filed_to": filed_to,
    }
    with connection.cursor(row_factory=scalar_row) as cursor:
        cursor.execute(_statement(table, conditions).encode(), values)
        return str(cursor.fetchall()[0]).encode()


def facts(
    connection: Connection[Any],
    *,
    name: str,
    at: datetime,
    merchant_id: str | None = None,
    case_type: str | None = None,
    filed_from: datetime | None = None,
    filed_to: datetime | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> bytes:
    """One page of the facts up to `at` behind an indicator, the earliest first.

    Raises UnknownIndicator, BadCursor and BadLimit.
    """
    behind = BEHIND.get(name)
    if behind is None:
        raise UnknownIndicator(name)
    return milestones.page(
        connection,
        types=behind.types,
        firsts=behind.firsts,
        at=at,
        merchant_id=merchant_id,
        case_type=case_type,
        filed_from=filed_from,
        filed_to=filed_to,
        limit=limit,
        cursor=cursor,
    )


def _hours(duration: str) -> str:
    hours = f"extract(epoch FROM {duration}) / 3600"
    return f"""json_build_object(
        'median', round((percentile_cont(0.5) WITHIN GROUP (ORDER BY {hours}))::numeric, 2),
        'p90', round((percentile_cont(0.9) WITHIN GROUP (ORDER BY {hours}))::numeric, 2),
        'cases', count({duration})
    )"""


def _rate(counted: str, of: str) -> str:
    part, whole = f"count(*) FILTER (WHERE {counted})", f"count(*) FILTER (WHERE {of})"
    share = f"round({part}::numeric / nullif({whole}, 0), 4)"
    return f"json_build_object('share', {share}, 'cases', {part}, 'of', {whole})"


def _waiting(party: Awaited) -> str:
    running = f"CASE WHEN waiting_for = '{party}' THEN extract(epoch FROM %(at)s - waiting_since) ELSE 0 END"
    return f"'{party}', round(avg(({party}_seconds + {running}) / 3600)::numeric, 2)"


def _by_currency(minor: str) -> str:
    return (  # made of constants of this room
        f"(SELECT coalesce(json_object_agg(currency, minor ORDER BY currency), '{{}}') FROM"  # noqa: S608  # constants
        f" (SELECT currency, sum({minor}) AS minor FROM cohort GROUP BY currency) AS sums)"
    )


_NUMBERS = {
    "cases_filed": "count(*)",
    "first_decision_hours": _hours("(first_decision_at - filed_at)"),
    "first_resolution_hours": _hours("(first_resolution_at - filed_at)"),
    "total_resolution_hours": _hours("(resolved_until - filed_at)"),
    "waiting_hours": f"json_build_object({', '.join(_waiting(party) for party in Awaited)})",
    "intervention_rate": _rate("intervened", "true"),
    "overturn_rate": _rate("overturned", "first_decision_at IS NOT NULL"),
    "reopen_rate": _rate("reopenings > 0", "reopenings > 0 OR resolved_until IS NOT NULL"),
    "recurrence_rate": _rate("recurs", "true"),
    "promise_kept_rate": """json_build_object(
        'share', round(sum(promises_kept)::numeric / nullif(sum(promises_kept + promises_broken), 0), 4),
        'kept', coalesce(sum(promises_kept), 0),
        'broken', coalesce(sum(promises_broken), 0)
    )""",
    "satisfaction": """json_build_object(
        'share', round(avg(satisfied::int), 4),
        'satisfied', count(*) FILTER (WHERE satisfied),
        'answered', count(satisfied),
        'speed', round(avg(speed), 2),
        'attitude', round(avg(attitude), 2),
        'effectiveness', round(avg(effectiveness), 2)
    )""",
    "compensation_cost_minor": _by_currency("paid_minor - owed_minor"),
    "recovery_minor": _by_currency("recovered_minor"),
}


def _statement(table: str, conditions: list[str]) -> str:
    shown = ", ".join(f"'{name}', {number}" for name, number in _NUMBERS.items())
    return f"""
        WITH cohort AS (
            SELECT *,
                CASE WHEN ended_at IS NOT NULL THEN ended_at
                     WHEN first_resolution_at IS NOT NULL THEN %(at)s END AS resolved_until,
                EXISTS (
                    SELECT FROM {table} AS earlier
                    WHERE (earlier.merchant_id, earlier.sku, earlier.reason)
                        = (filed.merchant_id, filed.sku, filed.reason)
                    AND earlier.case_id <> filed.case_id AND earlier.first_resolution_at <= filed.filed_at
                    AND earlier.first_resolution_at > filed.filed_at - %(recurrence_days)s * interval '1 day'
                ) AS recurs
            FROM {table} AS filed WHERE {" AND ".join(conditions) or "true"}
        )
        SELECT json_build_object({shown}, 'stale', coalesce(bool_or(stale), false))::text FROM cohort
    """  # noqa: S608  # made of constants of this room; what clients send comes as parameters
