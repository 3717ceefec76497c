"""Recoveries: who owes money back to whom, and how much of it has come.

Beside its recoveries each case has a card, which carries what a recovery is filtered by and is never shown.

Queries: `page`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection

from domain.events import CaseFiled, RecoveryOpened, RecoveryRecorded, RecoveryReduced, RecoveryWrittenOff
from domain.values import LiableParty, Payer, RecoveryCause, RecoveryState
from projections.pages import DEFAULT_LIMIT, Listing
from projections.pages import page as page_of
from projections.read_model import CaseRow, ReadModel, Rows, put


class Recovery(CaseRow, frozen=True, kw_only=True):
    """One recovery; a case's card has the case's own id and no state.

    told: the version of the fact that last changed it. Facts say by how much an amount changes, so one that
    comes again must be passed over.
    """

    KEY = "recovery_id"

    recovery_id: UUID
    merchant_id: str
    filed_by: str
    told: int
    compensation_id: UUID | None = None
    debtor: LiableParty | None = None
    creditor: Payer | None = None
    amount_minor: int = 0
    recovered_minor: int = 0
    currency: str | None = None
    cause: RecoveryCause | None = None
    state: RecoveryState | None = None
    opened_at: datetime | None = None


RECOVERIES = ReadModel(
    name="recoveries",
    version=1,
    row=Recovery,
    columns="""
        recovery_id uuid PRIMARY KEY,
        case_id uuid NOT NULL,
        merchant_id text NOT NULL,
        filed_by text NOT NULL,
        told integer NOT NULL,
        compensation_id uuid,
        debtor text,
        creditor text,
        amount_minor bigint NOT NULL,
        recovered_minor bigint NOT NULL,
        currency text,
        cause text,
        state text,
        opened_at timestamptz
    """,
    indexes=(
        "(opened_at, recovery_id) WHERE state IS NOT NULL",
        "(state, debtor, opened_at, recovery_id) WHERE state IS NOT NULL",
        "(merchant_id, opened_at, recovery_id) WHERE state IS NOT NULL",
    ),
    ignored="""
        appeal clocks decision ending evidence follow_up goods lease negotiation notes penalty privacy
        promise rectification relation suspension CaseClassified CaseCompensated CaseDeclined CaseWithdrawn
        CompensationFailed CompensationInstructed CompensationOverpaid CompensationRecalled
        CompensationReversed GoodwillGranted
    """,
)


@RECOVERIES.folds(CaseFiled)
def _filed(rows: Rows[Recovery], fact: CaseFiled) -> Rows[Recovery]:
    card = Recovery(
        case_id=fact.originator_id,
        recovery_id=fact.originator_id,
        merchant_id=fact.merchant_id,
        filed_by=fact.filed_by,
        told=fact.originator_version,
    )
    return put(rows, card)


@RECOVERIES.folds(RecoveryOpened)
def _opened(rows: Rows[Recovery], fact: RecoveryOpened) -> Rows[Recovery]:
    card = rows[fact.originator_id]
    row = Recovery(
        case_id=card.case_id,
        recovery_id=fact.recovery_id,
        merchant_id=card.merchant_id,
        filed_by=card.filed_by,
        told=fact.originator_version,
        compensation_id=fact.compensation_id,
        debtor=fact.debtor,
        creditor=fact.creditor,
        amount_minor=fact.amount.amount_minor,
        currency=fact.amount.currency,
        cause=fact.cause,
        state=RecoveryState.OPEN,
        opened_at=fact.timestamp,
    )
    return put(rows, row)


@RECOVERIES.folds(RecoveryRecorded)
def _recorded(rows: Rows[Recovery], fact: RecoveryRecorded) -> Rows[Recovery]:
    came = fact.amount.amount_minor
    return _told(rows, fact, lambda row: {"recovered_minor": row.recovered_minor + came})


@RECOVERIES.folds(RecoveryReduced)
def _reduced(rows: Rows[Recovery], fact: RecoveryReduced) -> Rows[Recovery]:
    less = fact.amount.amount_minor
    return _told(rows, fact, lambda row: {"amount_minor": row.amount_minor - less})


@RECOVERIES.folds(RecoveryWrittenOff)
def _written_off(rows: Rows[Recovery], fact: RecoveryWrittenOff) -> Rows[Recovery]:
    return _told(rows, fact, lambda _: {"state": RecoveryState.WRITTEN_OFF})


def _told(
    rows: Rows[Recovery],
    fact: RecoveryRecorded | RecoveryReduced | RecoveryWrittenOff,
    changes: Callable[[Recovery], dict[str, Any]],
) -> Rows[Recovery]:
    row = rows[fact.recovery_id]
    if row.told >= fact.originator_version:
        return rows
    row = msgspec.structs.replace(row, told=fact.originator_version, **changes(row))
    return put(rows, msgspec.structs.replace(row, state=_state(row)))


def _state(row: Recovery) -> RecoveryState | None:
    if row.recovered_minor < row.amount_minor:
        return row.state
    return RecoveryState.RECOVERED if row.recovered_minor else RecoveryState.CANCELLED


LISTING = Listing(
    table=RECOVERIES.table,
    item={
        "recovery_id": "recovery_id",
        "case_id": "case_id",
        "merchant_id": "merchant_id",
        "compensation_id": "compensation_id",
        "debtor": "debtor",
        "creditor": "creditor",
        "amount": "json_build_object('amount_minor', amount_minor, 'currency', currency)",
        "recovered": "json_build_object('amount_minor', recovered_minor, 'currency', currency)",
        "cause": "cause",
        "state": "state",
        "opened_at": "rfc3339(opened_at)",
    },
    time="opened_at",
    id="recovery_id",
)


def page(
    connection: Connection[Any],
    *,
    state: str | None = None,
    debtor: str | None = None,
    merchant_id: str | None = None,
    filed_by: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> bytes:
    """One page of recoveries, the oldest first, as JSON text of the API's shape.

    Raises BadCursor and BadLimit.
    """
    return page_of(
        connection,
        LISTING,
        equal={"state": state, "debtor": debtor, "merchant_id": merchant_id, "filed_by": filed_by},
        where=("state IS NOT NULL",),
        limit=limit,
        cursor=cursor,
    )
