"""The sanctions of a merchant, and those that everybody may see."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.events import (
    SanctionEnded,
    SanctionPublished,
    SanctionRestored,
    SanctionStarted,
    StandingOpened,
)
from domain.values import SanctionEnd
from projections.sanctions import SANCTIONS, of_merchant, publications

NOON = datetime(2026, 11, 10, 4, tzinfo=UTC)
FIRST, SECOND = UUID(int=7), UUID(int=8)


def sanctions(connection: Any, merchant_id: str = "m-2001") -> Any:
    return json.loads(of_merchant(connection, merchant_id))


def published(connection: Any, **options: Any) -> Any:
    return json.loads(publications(connection, **options))


def opened(tell: Any) -> Any:
    return tell(at=NOON).then(StandingOpened, originator_topic="MerchantStanding", merchant_id="m-2001")


def started(story: Any, sanction_id: UUID = FIRST, tier: int = 1, merchant_id: str = "m-2001") -> Any:
    return story.then(
        SanctionStarted,
        hours=1,
        merchant_id=merchant_id,
        sanction_id=sanction_id,
        tier=tier,
        measures=("no_promotion",),
        points=3,
        penalties=(UUID(int=1), UUID(int=2)),
        clauses=("S-1",),
        since=story.at,
        until=story.at + timedelta(days=7),
        policy="cn-2026",
    )


def ended(story: Any, cause: SanctionEnd, sanction_id: UUID = FIRST) -> Any:
    return story.then(SanctionEnded, hours=1, sanction_id=sanction_id, cause=cause)


def test_a_sanction_runs_until_it_ends(connection, show, tell) -> None:
    story = started(opened(tell))
    show(SANCTIONS, *story.facts)

    running = {
        "sanction_id": str(FIRST),
        "tier": 1,
        "measures": ["no_promotion"],
        "points": 3,
        "penalties": [str(UUID(int=1)), str(UUID(int=2))],
        "clauses": ["S-1"],
        "since": "2026-11-10T04:00:00.000000Z",
        "until": "2026-11-17T04:00:00.000000Z",
        "state": "running",
        "ended_at": None,
        "published": False,
    }
    assert sanctions(connection) == {"tier": 1, "running": running, "past": [], "stale": False}

    show(SANCTIONS, *ended(story, SanctionEnd.SERVED).facts)

    served = running | {"state": "served", "ended_at": "2026-11-10T06:00:00.000000Z"}
    assert sanctions(connection) == {"tier": 0, "running": None, "past": [served], "stale": False}


def test_a_merchant_without_sanctions_has_none(connection) -> None:
    assert sanctions(connection) == {"tier": 0, "running": None, "past": [], "stale": False}


def test_a_restored_sanction_runs_again(connection, show, tell) -> None:
    story = started(ended(started(opened(tell)), SanctionEnd.SUPERSEDED), SECOND, 2)
    ended(story, SanctionEnd.REVERSED, SECOND).then(SanctionRestored, sanction_id=FIRST)
    show(SANCTIONS, *story.facts)

    shown = sanctions(connection)
    assert (shown["tier"], shown["running"]["sanction_id"], shown["running"]["ended_at"]) == (
        1,
        str(FIRST),
        None,
    )
    assert [one["state"] for one in shown["past"]] == ["reversed"]


def test_past_sanctions_are_told_from_the_newest_on(connection, show, tell) -> None:
    story = ended(started(opened(tell)), SanctionEnd.SERVED)
    ended(started(story, SECOND), SanctionEnd.SERVED, SECOND)
    show(SANCTIONS, *story.facts)

    assert [one["sanction_id"] for one in sanctions(connection)["past"]] == [str(SECOND), str(FIRST)]


def test_only_a_published_sanction_is_shown_to_everybody(connection, show, tell) -> None:
    story = started(started(opened(tell)), SECOND, 4).then(SanctionPublished, sanction_id=SECOND)
    show(SANCTIONS, *story.facts)

    assert published(connection)["data"] == [
        {
            "sanction_id": str(SECOND),
            "merchant_id": "m-2001",
            "tier": 4,
            "measures": ["no_promotion"],
            "clauses": ["S-1"],
            "since": "2026-11-10T05:00:00.000000Z",
            "until": "2026-11-17T05:00:00.000000Z",
            "state": "running",
            "published_at": "2026-11-10T06:00:00.000000Z",
        }
    ]


def test_a_served_one_stays_published_and_a_reversed_one_does_not(connection, show, tell) -> None:
    story = started(opened(tell)).then(SanctionPublished, sanction_id=FIRST)
    show(SANCTIONS, *ended(story, SanctionEnd.SERVED).facts)
    assert [one["state"] for one in published(connection)["data"]] == ["served"]

    show(SANCTIONS, *ended(story, SanctionEnd.REVERSED).facts)
    assert published(connection)["data"] == []


def test_publications_are_paged_from_the_newest_on_and_told_by_merchant(connection, show, tell) -> None:
    for number, merchant_id in enumerate(("m-2001", "m-2002", "m-2001"), 1):
        story = opened(tell)
        story.at += timedelta(days=number)
        started(story, UUID(int=number), merchant_id=merchant_id)
        show(SANCTIONS, *story.then(SanctionPublished, sanction_id=UUID(int=number)).facts)

    first = published(connection, limit=2)
    rest = published(connection, limit=2, cursor=first["next_cursor"])
    assert [UUID(one["sanction_id"]).int for one in first["data"] + rest["data"]] == [3, 2, 1]
    assert len(published(connection, merchant_id="m-2001")["data"]) == 2
