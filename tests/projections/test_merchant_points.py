"""What counts against a merchant, and what did on the days before."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.events import PointsAdjusted, PointsCounted, PointsDropped, QuarterClosed, StandingOpened
from domain.values import DropCause
from projections.merchant_points import MERCHANT_POINTS, summary

NOON = datetime(2026, 11, 10, 4, tzinfo=UTC)
"""Noon in Shanghai."""

EXPIRES = datetime(2027, 2, 8, 16, tzinfo=UTC)
QUARTER_ENDS = datetime(2026, 12, 31, 16, tzinfo=UTC)
FIRST, SECOND = UUID(int=7), UUID(int=8)


def summed(connection: Any, merchant_id: str = "m-2001", at: datetime = NOON, days: int = 1) -> Any:
    return json.loads(summary(connection, merchant_id, at=at, days=days))


def by_day(*arguments: Any, **options: Any) -> list[int]:
    return [day["points"] for day in summed(*arguments, **options)["by_day"]]


def opened(tell: Any, merchant_id: str = "m-2001") -> Any:
    return tell(at=NOON).then(StandingOpened, originator_topic="MerchantStanding", merchant_id=merchant_id)


def counted(
    story: Any,
    penalty_id: UUID = FIRST,
    points: int = 2,
    assessed_at: datetime = NOON,
    quarter_ends: datetime | None = QUARTER_ENDS,
    merchant_id: str = "m-2001",
) -> Any:
    return story.then(
        PointsCounted,
        merchant_id=merchant_id,
        penalty_id=penalty_id,
        case_id=UUID(int=9),
        points=points,
        clause="S-1",
        assessed_at=assessed_at,
        expires_at=EXPIRES,
        quarter_ends=quarter_ends,
    )


def dropped(story: Any, cause: DropCause, penalty_id: UUID = FIRST) -> Any:
    return story.then(PointsDropped, penalty_id=penalty_id, points=2, cause=cause)


def test_counted_points_say_from_which_penalty_they_are_and_until_when_they_count(
    connection, show, tell
) -> None:
    show(MERCHANT_POINTS, *counted(opened(tell)).facts)

    assert summed(connection) == {
        "live": 2,
        "lines": [
            {
                "penalty_id": str(FIRST),
                "case_id": str(UUID(int=9)),
                "points": 2,
                "assessed": 2,
                "clause": "S-1",
                "assessed_at": "2026-11-10T04:00:00.000000Z",
                "counts_until": "2026-12-31T16:00:00.000000Z",
            }
        ],
        "by_day": [{"day": "2026-11-10", "points": 2}],
        "stale": False,
    }


def test_points_that_are_never_reset_count_until_their_penalty_expires(connection, show, tell) -> None:
    show(MERCHANT_POINTS, *counted(opened(tell), quarter_ends=None).facts)

    assert summed(connection)["lines"][0]["counts_until"] == "2027-02-08T16:00:00.000000Z"


def test_a_merchant_without_penalties_has_no_points(connection) -> None:
    assert summed(connection, days=2) == {
        "live": 0,
        "lines": [],
        "by_day": [{"day": "2026-11-09", "points": 0}, {"day": "2026-11-10", "points": 0}],
        "stale": False,
    }


def test_points_are_one_merchants_alone(connection, show, tell) -> None:
    show(MERCHANT_POINTS, *counted(opened(tell, "m-2002"), merchant_id="m-2002").facts)

    assert summed(connection)["live"] == 0
    assert summed(connection, "m-2002")["live"] == 2


def test_lowered_points_count_as_if_they_had_never_been_more(connection, show, tell) -> None:
    show(
        MERCHANT_POINTS,
        *counted(opened(tell), points=4).then(PointsAdjusted, penalty_id=FIRST, points=1).facts,
    )

    shown = summed(connection)
    assert (shown["live"], shown["lines"][0]["points"], shown["lines"][0]["assessed"]) == (1, 1, 4)
    assert by_day(connection) == [1]


def test_reversed_points_counted_on_no_day(connection, show, tell) -> None:
    show(MERCHANT_POINTS, *dropped(counted(opened(tell)), DropCause.REVERSED).facts)

    assert (summed(connection)["live"], summed(connection)["lines"]) == (0, [])
    assert by_day(connection) == [0]


def test_reset_points_counted_on_the_days_of_their_quarter(connection, show, tell) -> None:
    story = counted(opened(tell)).then(QuarterClosed, quarter_ends=QUARTER_ENDS, points=2)
    show(MERCHANT_POINTS, *dropped(story, DropCause.RESET).facts)

    last_day = QUARTER_ENDS + timedelta(hours=4)
    assert summed(connection, at=last_day)["live"] == 0
    assert by_day(connection, at=last_day, days=3) == [2, 2, 0]


def test_the_days_are_those_of_shanghai(connection, show, tell) -> None:
    midnight = datetime(2026, 11, 9, 16, tzinfo=UTC)
    story = counted(opened(tell), FIRST, 1, assessed_at=midnight - timedelta(seconds=1))
    show(MERCHANT_POINTS, *counted(story, SECOND, 2, assessed_at=midnight).facts)

    assert summed(connection, days=3)["by_day"] == [
        {"day": "2026-11-08", "points": 0},
        {"day": "2026-11-09", "points": 1},
        {"day": "2026-11-10", "points": 3},
    ]


def test_points_of_which_later_facts_are_missing_say_so(connection, show, tell) -> None:
    show(MERCHANT_POINTS, *counted(opened(tell)).facts, stale=True)

    assert summed(connection)["stale"] is True
