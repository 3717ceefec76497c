"""Follow-ups: which buyer is still to be asked, and how the asking ended."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.events import (
    CaseClosed,
    CaseReopened,
    ClockResumed,
    FollowUpAttempted,
    FollowUpCompleted,
    FollowUpExhausted,
    FollowUpScheduled,
)
from domain.values import AttemptOutcome, Channel, ClockKind, ReopenGround, Resolution, Sealed, SealedFor
from projections.follow_ups import FOLLOW_UPS, page

TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
FIRST, SECOND = UUID(int=11), UUID(int=12)


def listed(*arguments: Any, **options: Any) -> Any:
    return json.loads(page(*arguments, **options))


def states(*arguments: Any, **options: Any) -> list[tuple[str, str]]:
    return [(row["follow_up_id"], row["state"]) for row in listed(*arguments, **options)["data"]]


def scheduled(story: Any, follow_up_id: UUID = FIRST, days: int = 3) -> Any:
    due = story.at + timedelta(days=days)
    return story.then(FollowUpScheduled, follow_up_id=follow_up_id, due=due, max_attempts=3)


def attempted(story: Any, number: int) -> Any:
    return story.then(
        FollowUpAttempted,
        follow_up_id=FIRST,
        number=number,
        channel=Channel.PHONE,
        outcome=AttemptOutcome.UNREACHABLE,
    )


def reopened(story: Any) -> Any:
    return story.then(CaseReopened, ground=ReopenGround.UNSATISFIED, round=2, reasons=TEXT)


def test_a_follow_up_of_a_case_that_rested_is_due_when_its_clock_is(connection, show, tell) -> None:
    story, due = scheduled(tell().filed()), datetime(2026, 12, 1, 8, tzinfo=UTC)
    resumed = {"clock_id": UUID(int=5), "subject": FIRST, "due": due}
    story.then(ClockResumed, kind=ClockKind.FOLLOW_UP, **resumed)
    story.then(ClockResumed, kind=ClockKind.RECTIFICATION, **{**resumed, "subject": SECOND})
    show(FOLLOW_UPS, *story.facts)
    assert [row["due"] for row in listed(connection)["data"]] == ["2026-12-01T08:00:00.000000Z"]


def test_a_scheduled_follow_up_is_due_with_its_case_and_merchant(connection, show, tell) -> None:
    story = attempted(scheduled(tell().filed()), 1)
    show(FOLLOW_UPS, *story.facts)

    assert listed(connection, state="due") == {
        "data": [
            {
                "follow_up_id": str(FIRST),
                "case_id": str(story.case_id),
                "merchant_id": "m-2001",
                "due": "2026-11-09T08:00:00.000000Z",
                "state": "due",
                "attempts": 1,
            }
        ],
        "has_more": False,
        "next_cursor": None,
    }


def test_a_case_without_a_follow_up_shows_none(connection, show, tell) -> None:
    show(FOLLOW_UPS, *tell().filed().facts)

    assert listed(connection)["data"] == []


@pytest.mark.parametrize(
    ("fact", "content", "state"),
    [(FollowUpCompleted, {"satisfied": True}, "done"), (FollowUpExhausted, {}, "exhausted")],
)
def test_an_ended_follow_up_stays_through_closing_and_reopening(
    connection, show, tell, fact, content, state
) -> None:
    story = scheduled(tell().filed()).then(fact, follow_up_id=FIRST, **content)
    story.then(CaseClosed, resolution=Resolution.COMPENSATED)
    reopened(story)
    show(FOLLOW_UPS, *story.facts)

    assert states(connection) == [(str(FIRST), state)]
    assert states(connection, state="due") == []


def test_reopening_supersedes_an_open_follow_up(connection, show, tell) -> None:
    story = scheduled(reopened(scheduled(tell().filed())), SECOND)
    show(FOLLOW_UPS, *story.facts)

    assert states(connection) == [(str(SECOND), "due")]


def test_closing_ends_an_open_follow_up(connection, show, tell) -> None:
    show(FOLLOW_UPS, *scheduled(tell().filed()).then(CaseClosed, resolution=Resolution.SETTLED).facts)

    assert states(connection) == []


def test_each_side_sees_its_own(connection, show, tell) -> None:
    show(FOLLOW_UPS, *scheduled(tell().filed(merchant_id="m-2002", filed_by="shop-2")).facts)

    assert len(states(connection, merchant_id="m-2002")) == 1
    assert states(connection, merchant_id="m-2001") == []
    assert len(states(connection, filed_by="shop-2")) == 1
    assert states(connection, filed_by="shop-1", merchant_id="m-2002") == []


def test_pages_run_from_the_earliest_due_on(connection, show, tell) -> None:
    for days in (5, 1, 3):
        show(FOLLOW_UPS, *scheduled(tell().filed(), UUID(int=100 + days), days=days).facts)

    first = listed(connection, limit=2)
    second = listed(connection, limit=2, cursor=first["next_cursor"])

    assert [UUID(row["follow_up_id"]).int - 100 for row in first["data"] + second["data"]] == [1, 3, 5]
