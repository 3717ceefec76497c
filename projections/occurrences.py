"""Occurrences: what detectors count - filings, and breaches of a merchant's duties.

Queries: `lately`, `amount`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
from psycopg import Connection
from psycopg.rows import scalar_row

from domain.events import (
    CaseFiled,
    MerchantDefaulted,
    PersonalDataErased,
    PromiseBroken,
    RectificationLapsed,
)
from domain.values import Party, Side
from projections.read_model import CaseRow, ReadModel, Rows, put

FILING, BREACH = "filing", "breach"


class Occurrence(CaseRow, frozen=True, kw_only=True):
    """One thing that happened, and what it can have in common with others."""

    KEY = "occurrence_id"

    occurrence_id: UUID
    kind: str
    merchant_id: str
    sku: str
    reason: str
    buyer: str
    at: datetime


OCCURRENCES = ReadModel(
    name="occurrences",
    version=1,
    row=Occurrence,
    columns="""
        occurrence_id uuid PRIMARY KEY,
        case_id uuid NOT NULL,
        kind text NOT NULL,
        merchant_id text NOT NULL,
        sku text NOT NULL,
        reason text NOT NULL,
        buyer text NOT NULL,
        at timestamptz NOT NULL
    """,
    indexes=("(merchant_id, kind, at)", "(buyer, kind, at)"),
    ignored="""
        appeal clocks decision ending evidence follow_up goods lease money notes penalty relation suspension
        CaseClassified CaseDeclined CaseEscalated CaseWithdrawn ErasureProposed ErasureRejected
        HumanReviewDemanded LegalHoldPlaced LegalHoldReleased MerchantAnswered NoticeDelivered OfferAccepted
        OfferDeclined OfferLapsed OfferMade PlatformSteppedIn ProcessingRestricted PromiseKept PromiseMade
        RectificationAccepted RectificationOrdered RectificationRejected RectificationSubmitted
        RectificationWaived
    """,
)


@OCCURRENCES.folds(CaseFiled)
def _filed(rows: Rows[Occurrence], fact: CaseFiled) -> Rows[Occurrence]:
    row = Occurrence(
        case_id=fact.originator_id,
        occurrence_id=fact.originator_id,
        kind=FILING,
        merchant_id=fact.merchant_id,
        sku=fact.order.sku,
        reason=fact.reason,
        buyer=fact.buyer,
        at=fact.timestamp,
    )
    return put(rows, row)


@OCCURRENCES.folds(PromiseBroken)
def _promise_broken(rows: Rows[Occurrence], fact: PromiseBroken) -> Rows[Occurrence]:
    return _breached(rows, fact) if fact.party is Party.MERCHANT else rows


@OCCURRENCES.folds(RectificationLapsed, MerchantDefaulted)
def _breached(
    rows: Rows[Occurrence], fact: RectificationLapsed | MerchantDefaulted | PromiseBroken
) -> Rows[Occurrence]:
    filing = rows[fact.originator_id]
    breach = msgspec.structs.replace(
        filing,
        occurrence_id=uuid5(fact.originator_id, f"breach/{fact.originator_version}"),
        kind=BREACH,
        at=fact.timestamp,
    )
    return put(rows, breach)


@OCCURRENCES.folds(PersonalDataErased)
def _erased(rows: Rows[Occurrence], fact: PersonalDataErased) -> Rows[Occurrence]:
    """Who the buyer was is forgotten; what happened still counts for everything else."""
    if fact.party is not Side.BUYER:
        return rows
    return {key: msgspec.structs.replace(row, buyer="") for key, row in rows.items()}


def lately(
    connection: Connection[Any], kind: str, common: Mapping[str, str], after: datetime, until: datetime
) -> list[UUID]:
    """The cases of these occurrences after one instant until another, the earliest first."""
    with connection.cursor(row_factory=scalar_row, binary=True) as rows:
        rows.execute(
            _statement("array_agg(case_id ORDER BY at, case_id)", common), _values(kind, common, after, until)
        )
        return rows.fetchone() or []


def amount(
    connection: Connection[Any], kind: str, common: Mapping[str, str], after: datetime, until: datetime
) -> int:
    """How many occurrences there were after one instant until another."""
    with connection.cursor(row_factory=scalar_row, binary=True) as rows:
        rows.execute(_statement("count(*)", common), _values(kind, common, after, until))
        return int(rows.fetchone() or 0)


_COMMON = frozenset({"merchant_id", "sku", "reason", "buyer"})


def _statement(what: str, common: Mapping[str, str]) -> bytes:
    unknown = common.keys() - _COMMON
    if unknown:
        raise KeyError(*unknown)
    conditions = " AND ".join(f"{column} = %({column})s" for column in sorted(common))
    return (  # made of constants of this room; what facts hold comes as parameters
        f"SELECT {what} FROM {OCCURRENCES.table} WHERE kind = %(kind)s"  # noqa: S608  # constants
        f" AND at > %(after)s AND at <= %(until)s AND {conditions}"
    ).encode()


def _values(kind: str, common: Mapping[str, str], after: datetime, until: datetime) -> dict[str, object]:
    return {**common, "kind": kind, "after": after, "until": until}
