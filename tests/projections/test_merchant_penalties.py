"""The ledger of a merchant's penalties."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain.events import PenaltyAdjusted, PenaltyAssessed, PenaltyExpired
from domain.values import Money, Sealed, SealedFor
from projections.merchant_penalties import MERCHANT_PENALTIES, page

FILED_AT = datetime(2026, 11, 6, 8, tzinfo=UTC)
TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
FINE = Money(20_000, "CNY")


def ledger(*arguments: Any, **options: Any) -> Any:
    return json.loads(page(*arguments, **options))


def penalised(
    story: Any, penalty_id: UUID, points: int = 2, fine: Money | None = FINE, merchant_id: str = "m-2001"
) -> Any:
    return story.then(
        PenaltyAssessed,
        hours=1,
        penalty_id=penalty_id,
        merchant_id=merchant_id,
        decision_id=UUID(int=5),
        points=points,
        fine=fine,
        clause="S-1",
        expires_at=FILED_AT + timedelta(days=90),
        policy="p",
        reasons=TEXT,
    )


def test_a_penalty_stands_in_the_ledger_and_in_the_totals(connection, show, tell) -> None:
    story = penalised(tell().filed(), UUID(int=7))
    show(MERCHANT_PENALTIES, *story.facts)

    assert ledger(connection, "m-2001") == {
        "data": [
            {
                "penalty_id": str(UUID(int=7)),
                "case_id": str(story.case_id),
                "points": 2,
                "fine": {"amount_minor": 20000, "currency": "CNY"},
                "clause": "S-1",
                "state": "live",
                "assessed_at": "2026-11-06T09:00:00.000000Z",
            }
        ],
        "totals": {"points_live": 2, "fine_minor_live": 20000},
        "has_more": False,
        "next_cursor": None,
    }


def test_a_merchant_without_penalties_has_an_empty_ledger(connection) -> None:
    assert ledger(connection, "m-2001") == {
        "data": [],
        "totals": {"points_live": 0, "fine_minor_live": 0},
        "has_more": False,
        "next_cursor": None,
    }


def test_an_expired_penalty_stays_in_the_ledger_and_leaves_the_totals(connection, show, tell) -> None:
    story = penalised(penalised(tell().filed(), UUID(int=7)), UUID(int=8), points=1, fine=None)
    story.then(PenaltyExpired, hours=2000, penalty_id=UUID(int=7), merchant_id="m-2001")
    show(MERCHANT_PENALTIES, *story.facts)

    found = ledger(connection, "m-2001")

    assert [(row["state"], row["fine"] is None) for row in found["data"]] == [
        ("live", True),
        ("expired", False),
    ]
    assert found["totals"] == {"points_live": 1, "fine_minor_live": 0}
    assert len(ledger(connection, "m-2001", state="expired")["data"]) == 1


def adjusted(story: Any, points: int, fine: Money | None) -> Any:
    return story.then(
        PenaltyAdjusted,
        hours=1,
        penalty_id=UUID(int=7),
        merchant_id="m-2001",
        points=points,
        fine=fine,
        policy="p",
    )


def test_a_lowered_penalty_counts_for_less_and_says_what_it_was(connection, show, tell) -> None:
    story = adjusted(penalised(tell().filed(), UUID(int=7), points=4), 1, Money(500, "CNY"))
    show(MERCHANT_PENALTIES, *story.facts)

    (line,) = ledger(connection, "m-2001")["data"]
    assert (line["points"], line["fine"], line["state"]) == (
        1,
        {"amount_minor": 500, "currency": "CNY"},
        "live",
    )
    assert line["assessed"] == {"points": 4, "fine": {"amount_minor": 20000, "currency": "CNY"}}
    assert ledger(connection, "m-2001")["totals"] == {"points_live": 1, "fine_minor_live": 500}


def test_a_penalty_can_lose_its_fine(connection, show, tell) -> None:
    story = adjusted(penalised(tell().filed(), UUID(int=7), fine=Money(500, "USD")), 1, None)
    show(MERCHANT_PENALTIES, *story.facts)

    (line,) = ledger(connection, "m-2001")["data"]
    assert (line["fine"], line["assessed"]["fine"]) == (None, {"amount_minor": 500, "currency": "USD"})
    assert ledger(connection, "m-2001")["totals"] == {"points_live": 1, "fine_minor_live": 0}


def test_a_penalty_that_never_had_a_fine_says_so(connection, show, tell) -> None:
    story = adjusted(penalised(tell().filed(), UUID(int=7), points=4, fine=None), 1, None)
    show(MERCHANT_PENALTIES, *story.facts)

    assert ledger(connection, "m-2001")["data"][0]["assessed"] == {"points": 4, "fine": None}


def test_a_stale_line_says_so_also_where_it_was_lowered(connection, show, tell) -> None:
    story = adjusted(penalised(tell().filed(), UUID(int=7)), 1, None)
    show(MERCHANT_PENALTIES, *story.facts, stale=True)

    (line,) = ledger(connection, "m-2001")["data"]
    assert (line["stale"], line["assessed"]["points"]) == (True, 2)


def test_fines_of_other_currencies_are_totalled_apart(connection, show, tell) -> None:
    story = penalised(tell().filed(), UUID(int=7))
    penalised(penalised(story, UUID(int=8), fine=Money(500, "USD")), UUID(int=9), fine=Money(700, "EUR"))
    show(MERCHANT_PENALTIES, *story.facts)

    assert ledger(connection, "m-2001")["totals"] == {
        "points_live": 6,
        "fine_minor_live": 20000,
        "other_fines_live": [
            {"amount_minor": 700, "currency": "EUR"},
            {"amount_minor": 500, "currency": "USD"},
        ],
    }


def test_a_ledger_is_one_merchants_alone(connection, show, tell) -> None:
    show(MERCHANT_PENALTIES, *penalised(tell().filed(), UUID(int=7), merchant_id="m-2002").facts)

    assert ledger(connection, "m-2001")["data"] == []
    assert ledger(connection, "m-2001")["totals"]["points_live"] == 0
    assert len(ledger(connection, "m-2002")["data"]) == 1


def test_pages_run_from_the_newest_to_the_oldest_with_the_same_totals(connection, show, tell) -> None:
    story = tell().filed()
    for points in (1, 2, 3):
        penalised(story, uuid4(), points=points)
    show(MERCHANT_PENALTIES, *story.facts)

    first = ledger(connection, "m-2001", limit=2)
    second = ledger(connection, "m-2001", limit=2, cursor=first["next_cursor"])

    assert [row["points"] for row in first["data"] + second["data"]] == [3, 2, 1]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert first["totals"] == second["totals"] == {"points_live": 6, "fine_minor_live": 60000}
