"""The case index: finds cases by what people know of them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.events import CaseClosed, PlatformSteppedIn
from domain.values import Money, OrderLine, Resolution
from projections.case_index import CASE_INDEX, page

FILED_AT = datetime(2026, 11, 6, 8, tzinfo=UTC)


def listed(*arguments: Any, **options: Any) -> Any:
    return json.loads(page(*arguments, **options))


def numbers(*arguments: Any, **options: Any) -> list[str]:
    return [row["number"] for row in listed(*arguments, **options)["data"]]


def test_a_case_is_listed_without_its_buyer(connection, show, tell) -> None:
    story = tell().filed().then(PlatformSteppedIn, by="reviewer-1")
    show(CASE_INDEX, *story.facts)

    assert listed(connection)["data"] == [
        {
            "case_id": str(story.case_id),
            "number": "AS-20261106-0000000001",
            "stage": "in_review",
            "case_type": "return_refund",
            "reason": "quality_defect",
            "merchant_id": "m-2001",
            "order_id": "PO-1",
            "line_id": "1",
            "filed_at": "2026-11-06T08:00:00.000000Z",
        }
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {"order_id": "PO-7"},
        {"number": "mine"},
        {"buyer": "1" * 32},
        {"merchant_id": "m-2007"},
        {"stage": "closed"},
        {"filed_by": "shop-7"},
        {"order_id": "PO-7", "merchant_id": "m-2007", "filed_by": "shop-7"},
    ],
    ids=lambda asked: "+".join(asked),
)
def test_a_case_is_found_by(connection, show, tell, asked) -> None:
    order = OrderLine("PO-7", "1", "SKU-9", "羽绒服", "clothing", 1, Money(1, "CNY"), FILED_AT)
    mine = tell().filed(number="mine", order=order, buyer="1" * 32, merchant_id="m-2007", filed_by="shop-7")
    show(CASE_INDEX, *mine.then(CaseClosed, resolution=Resolution.ANSWERED).facts)
    show(CASE_INDEX, *tell().filed(number="other").facts)

    assert numbers(connection, **asked) == ["mine"]


def test_a_search_that_matches_in_part_finds_nothing(connection, show, tell) -> None:
    show(CASE_INDEX, *tell().filed().facts)

    assert numbers(connection, order_id="PO-1", merchant_id="m-2002") == []
    assert numbers(connection, order_id="PO-1' OR true --") == []


def test_pages_run_from_the_newest_on(connection, show, tell) -> None:
    for hour in (1, 3, 2):
        show(
            CASE_INDEX,
            *tell(at=FILED_AT + timedelta(hours=hour)).filed(number=str(hour)).facts,
        )

    first = listed(connection, limit=2)
    second = listed(connection, limit=2, cursor=first["next_cursor"])

    assert [row["number"] for row in first["data"] + second["data"]] == ["3", "2", "1"]
    assert second["next_cursor"] is None
