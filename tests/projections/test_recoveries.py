"""Recoveries: who owes money back to whom, and how much of it has come."""

import json
from typing import Any
from uuid import UUID

import pytest

from domain.events import RecoveryOpened, RecoveryRecorded, RecoveryReduced, RecoveryWrittenOff
from domain.values import LiableParty, Money, Payer, RecoveryCause, Sealed, SealedFor
from projections.recoveries import RECOVERIES, page

TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
RECOVERY, LINE = UUID(int=31), UUID(int=21)


def yuan(amount: int) -> Money:
    return Money(amount * 100, "CNY")


def opened(story: Any, recovery_id: UUID = RECOVERY, debtor: LiableParty = LiableParty.MERCHANT) -> Any:
    return story.then(
        RecoveryOpened, hours=1, recovery_id=recovery_id, compensation_id=LINE, debtor=debtor,
        creditor=Payer.FUND, amount=yuan(199), cause=RecoveryCause.FUND_ADVANCE,
    )  # fmt: skip


def recorded(story: Any, amount: int) -> Any:
    return story.then(RecoveryRecorded, recovery_id=RECOVERY, amount=yuan(amount), reference=f"b-{amount}")


def reduced(story: Any, amount: int) -> Any:
    return story.then(RecoveryReduced, recovery_id=RECOVERY, amount=yuan(amount))


def written_off(story: Any) -> Any:
    return story.then(RecoveryWrittenOff, recovery_id=RECOVERY, reasons=TEXT)


def rows(*arguments: Any, **options: Any) -> Any:
    return json.loads(page(*arguments, **options))["data"]


def test_a_recovery_says_who_owes_whom(connection, show, tell) -> None:
    story = opened(tell().filed())
    show(RECOVERIES, *story.facts)

    assert rows(connection) == [
        {
            "recovery_id": str(RECOVERY),
            "case_id": str(story.case_id),
            "merchant_id": "m-2001",
            "compensation_id": str(LINE),
            "debtor": "merchant",
            "creditor": "fund",
            "amount": {"amount_minor": 19900, "currency": "CNY"},
            "recovered": {"amount_minor": 0, "currency": "CNY"},
            "cause": "fund_advance",
            "state": "open",
            "opened_at": "2026-11-06T09:00:00.000000Z",
        }
    ]


@pytest.mark.parametrize(
    ("steps", "amount", "recovered", "state"),
    [
        ([lambda s: recorded(s, 50)], 199, 50, "open"),
        ([lambda s: recorded(s, 50), lambda s: recorded(s, 149)], 199, 199, "recovered"),
        ([lambda s: recorded(s, 50), lambda s: reduced(s, 149)], 50, 50, "recovered"),
        ([lambda s: reduced(s, 99)], 100, 0, "open"),
        ([lambda s: reduced(s, 199)], 0, 0, "cancelled"),
        ([lambda s: recorded(s, 50), written_off], 199, 50, "written_off"),
        ([written_off, lambda s: reduced(s, 199)], 0, 0, "cancelled"),
    ],
)
def test_what_came_back_and_what_is_owed(connection, show, tell, steps, amount, recovered, state) -> None:
    story = opened(tell().filed())
    for step in steps:
        step(story)
    show(RECOVERIES, *[fact for fact in story.facts for _ in range(2)])

    (row,) = rows(connection)

    assert (row["amount"]["amount_minor"], row["recovered"]["amount_minor"]) == (
        amount * 100,
        recovered * 100,
    )
    assert row["state"] == state


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"state": "open"}, 2),
        ({"state": "recovered"}, 0),
        ({"state": "open", "debtor": "buyer"}, 1),
        ({"merchant_id": "m-2001"}, 2),
        ({"merchant_id": "m-2002"}, 0),
        ({"filed_by": "shop-2"}, 0),
    ],
)
def test_open_recoveries_are_found_by_debtor(connection, show, tell, asked, found) -> None:
    show(RECOVERIES, *opened(opened(tell().filed()), UUID(int=32), LiableParty.BUYER).facts)

    assert len(rows(connection, **asked)) == found
