"""Compensations: every money line with its state, and what waits for somebody."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from domain.events import (
    CaseCompensated,
    CompensationFailed,
    CompensationInstructed,
    CompensationReversed,
    DecisionIssued,
    GoodwillGranted,
    OfferAccepted,
)
from domain.values import Money, Payer, Remedy, RemedyKind, ReversalCause, Role, Sealed, SealedFor, Side
from projections.compensations import COMPENSATIONS, page

FILED_AT = datetime(2026, 11, 6, 8, tzinfo=UTC)
TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
REFUND = Remedy(UUID(int=21), RemedyKind.REFUND, Money(100, "CNY"))
POINTS = Remedy(UUID(int=22), RemedyKind.POINTS, points=5, payer=Payer.PLATFORM)
RETURN = Remedy(UUID(int=23), RemedyKind.RETURN)


def decided(story: Any, *remedies: Remedy) -> Any:
    return story.then(
        DecisionIssued, hours=1, decision_id=UUID(int=5), round=1, by="reviewer-1", remedies=remedies,
        clauses=("Q-1",), policy="p", reasons=TEXT,
    )  # fmt: skip


def instructed(story: Any, attempt: int = 1, payer: Payer = Payer.MERCHANT) -> Any:
    return story.then(
        CompensationInstructed, hours=1, compensation_id=REFUND.remedy_id, attempt=attempt,
        gateway_key=UUID(int=attempt), kind=REFUND.kind, payer=payer, amount=REFUND.amount,
    )  # fmt: skip


def failed(story: Any) -> Any:
    return story.then(
        CompensationFailed, hours=1, compensation_id=REFUND.remedy_id, reference="r", reason=TEXT
    )


def reversed_to(story: Any, stands: Money | None) -> Any:
    return story.then(
        CompensationReversed, hours=1, compensation_id=REFUND.remedy_id, cause=ReversalCause.MISTAKE,
        amount=Money(40, "CNY"), stands=stands,
    )  # fmt: skip


def rows(*arguments: Any, **options: Any) -> Any:
    return json.loads(page(*arguments, **options))["data"]


def states(connection: Any, show: Any, story: Any) -> list[str]:
    show(COMPENSATIONS, *story.facts)
    return [row["state"] for row in rows(connection)]


def test_every_money_line_is_listed_and_no_goods(connection, show, tell) -> None:
    story = decided(tell().filed(), REFUND, POINTS, RETURN)
    show(COMPENSATIONS, *story.facts)

    refund, points = rows(connection)

    assert refund == {
        "compensation_id": str(REFUND.remedy_id),
        "case_id": str(story.case_id),
        "merchant_id": "m-2001",
        "kind": "refund",
        "amount": {"amount_minor": 100, "currency": "CNY"},
        "points": None,
        "payer": "merchant",
        "state": "authorised",
        "attempts": 0,
        "since": "2026-11-06T09:00:00.000000Z",
    }
    assert (points["amount"], points["points"], points["payer"]) == (None, 5, "platform")


def test_what_the_platform_gives_beside_a_decision_is_listed_too(connection, show, tell) -> None:
    story = tell().filed().then(
        GoodwillGranted, compensation_id=UUID(int=24), by="agent-1", role=Role.AGENT, policy="p",
        kind=RemedyKind.COUPON, amount=Money(50, "CNY"), reasons=TEXT,
    )  # fmt: skip
    show(COMPENSATIONS, *story.facts)

    (row,) = rows(connection)
    assert (row["kind"], row["payer"], row["amount"]["amount_minor"]) == ("coupon", "platform", 50)


def test_what_the_sides_agreed_on_is_listed_too(connection, show, tell) -> None:
    story = tell().filed().then(OfferAccepted, offer_id=UUID(int=7), party=Side.BUYER, remedies=(REFUND,))
    assert states(connection, show, story) == ["authorised"]


def test_a_line_is_followed_from_its_decision_to_its_payment(connection, show, tell) -> None:
    story = decided(tell().filed(), REFUND)
    seen = states(connection, show, story)
    seen += states(connection, show, instructed(story))
    seen += states(connection, show, failed(story))
    seen += states(connection, show, instructed(story, 2, Payer.FUND))
    paid = {"reference": "r", "paid_at": FILED_AT, "kind": REFUND.kind}
    seen += states(connection, show, story.then(CaseCompensated, compensation_id=REFUND.remedy_id, **paid))

    assert seen == ["authorised", "instructed", "failed", "instructed", "paid"]
    (line,) = rows(connection)
    assert (line["payer"], line["attempts"]) == ("fund", 2)


def test_a_part_that_fell_makes_a_line_smaller_and_the_whole_reverses_it(connection, show, tell) -> None:
    story = reversed_to(decided(tell().filed(), REFUND), Money(60, "CNY"))
    assert states(connection, show, story) == ["authorised"]
    assert rows(connection)[0]["amount"]["amount_minor"] == 60

    assert states(connection, show, reversed_to(story, None)) == ["reversed"]
    assert rows(connection)[0]["amount"]["amount_minor"] == 60


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"state": "failed"}, 1),
        ({"state": "paid"}, 0),
        ({"payer": "merchant"}, 1),
        ({"payer": "fund"}, 0),
        ({"merchant_id": "m-2001"}, 1),
        ({"merchant_id": "m-2002"}, 0),
        ({"filed_by": "shop-1"}, 1),
        ({"filed_by": "shop-2"}, 0),
    ],
)
def test_what_waits_for_somebody_is_found(connection, show, tell, asked, found) -> None:
    show(COMPENSATIONS, *failed(instructed(decided(tell().filed(), REFUND))).facts)

    assert len(rows(connection, **asked)) == found


def test_what_has_stood_longest_comes_first(connection, show, tell) -> None:
    older = Remedy(UUID(int=31), RemedyKind.REFUND, Money(100, "CNY"))
    show(COMPENSATIONS, *decided(tell().filed(), REFUND).facts)
    show(COMPENSATIONS, *decided(tell(at=datetime(2026, 11, 5, tzinfo=UTC)).filed(), older).facts)

    assert [row["compensation_id"] for row in rows(connection)] == [
        str(older.remedy_id),
        str(REFUND.remedy_id),
    ]
