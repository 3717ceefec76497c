"""Occurrences: what detectors count."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.events import MerchantDefaulted, PromiseBroken
from domain.values import Party
from projections.occurrences import BREACH, FILING, OCCURRENCES, amount, lately

FILED_AT = datetime(2026, 11, 6, 8, tzinfo=UTC)
M2001 = {"merchant_id": "m-2001"}


def counted(connection: Any, kind: str) -> int:
    return amount(connection, kind, M2001, FILED_AT - timedelta(days=1), FILED_AT + timedelta(days=1))


def test_a_merchant_breaches_its_duties_by_silence_and_by_broken_promises(connection, show, tell) -> None:
    story = tell().filed().then(MerchantDefaulted, hours=1, clause="M-1", derivation=())
    story.then(PromiseBroken, promise_id=UUID(int=1), party=Party.MERCHANT)
    show(OCCURRENCES, *story.facts)

    assert (counted(connection, FILING), counted(connection, BREACH)) == (1, 2)
    breaches = lately(connection, BREACH, M2001, FILED_AT, FILED_AT + timedelta(hours=1))
    assert breaches == [story.case_id, story.case_id]


def test_what_others_promised_is_no_breach_of_the_merchants(connection, show, tell) -> None:
    story = tell().filed()
    for party in (Party.PLATFORM, Party.BUYER):
        story.then(PromiseBroken, promise_id=UUID(int=1), party=party)
    show(OCCURRENCES, *story.facts)

    assert counted(connection, BREACH) == 0
