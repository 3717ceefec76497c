"""The numbers that are made of many cases, and the facts behind each."""

import json
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest

from domain.events import (
    FACTS,
    CaseClosed,
    CaseCompensated,
    CaseReopened,
    DecisionIssued,
    FollowUpCompleted,
    FollowUpScheduled,
    PlatformSteppedIn,
    PromiseBroken,
    PromiseKept,
)
from domain.values import Party, RemedyKind, ReopenGround, Resolution, Sealed, SealedFor
from projections import indicators, pages
from projections.case_times import CASE_TIMES
from projections.milestones import MILESTONES
from projections.stages import Moving

TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")


def numbers(connection: Any, at: Any, **asked: Any) -> Any:
    return json.loads(indicators.numbers(connection, at=at, **asked))


def facts(connection: Any, name: str, at: Any, **asked: Any) -> Any:
    return json.loads(indicators.facts(connection, name=name, at=at, **asked))


def shown(show: Any, story: Any, **options: Any) -> None:
    show(CASE_TIMES, *story.facts, **options)
    show(MILESTONES, *story.facts, **options)


def resolved(story: Any, hours: float) -> Any:
    story.then(PlatformSteppedIn, by="reviewer-1")
    story.then(
        DecisionIssued,
        decision_id=uuid4(),
        round=1,
        by="reviewer-1",
        remedies=(),
        clauses=("Q-1",),
        policy="cn-2026",
        reasons=TEXT,
    )
    due = story.at + timedelta(days=3)
    return story.then(FollowUpScheduled, hours=hours, follow_up_id=uuid4(), due=due, max_attempts=3)


def test_the_numbers_of_a_few_cases(connection: Any, show: Any, tell: Any) -> None:
    first = resolved(tell().filed(), 10)
    paid = {"compensation_id": uuid4(), "reference": "p", "paid_at": first.at, "kind": RemedyKind.REFUND}
    first.then(CaseCompensated, amount=first.facts[0].order.paid, **paid)
    first.then(FollowUpCompleted, follow_up_id=uuid4(), satisfied=True, speed=5, attitude=4, effectiveness=3)
    first.then(CaseClosed, hours=10, resolution=Resolution.COMPENSATED)
    second = resolved(tell().filed(), 20)
    second.then(FollowUpCompleted, follow_up_id=uuid4(), satisfied=False, speed=1)
    second.then(CaseReopened, hours=1, ground=ReopenGround.OVERTURNED, round=2, reasons=TEXT)
    for outcome in (PromiseKept, PromiseKept, PromiseBroken):
        second.then(outcome, promise_id=uuid4(), party=Party.MERCHANT)
    for story in (first, second, tell(at=first.at).filed()):
        shown(show, story)

    found = numbers(connection, first.at + timedelta(hours=20))

    assert found == {
        "cases_filed": 3,
        "first_decision_hours": {"median": 0, "p90": 0, "cases": 2},
        "first_resolution_hours": {"median": 15, "p90": 19, "cases": 2},
        "total_resolution_hours": {"median": 30, "p90": 38, "cases": 2},
        "waiting_hours": {"buyer": 0, "merchant": 0, "platform": 26.67, "third_party": 0},
        "intervention_rate": {"share": 0.6667, "cases": 2, "of": 3},
        "overturn_rate": {"share": 0.5, "cases": 1, "of": 2},
        "reopen_rate": {"share": 0.5, "cases": 1, "of": 2},
        "recurrence_rate": {"share": 0.3333, "cases": 1, "of": 3},
        "promise_kept_rate": {"share": 0.6667, "kept": 2, "broken": 1},
        "satisfaction": {
            "share": 0.5,
            "satisfied": 1,
            "answered": 2,
            "speed": 3,
            "attitude": 4,
            "effectiveness": 3,
        },
        "compensation_cost_minor": {"CNY": 19900},
        "recovery_minor": {"CNY": 0},
        "stale": False,
    }


def test_numbers_of_no_case_are_null(connection: Any, tell: Any) -> None:
    found = numbers(connection, tell().at)
    assert found["cases_filed"] == 0
    assert found["first_resolution_hours"] == {"median": None, "p90": None, "cases": 0}
    assert found["reopen_rate"] == {"share": None, "cases": 0, "of": 0}
    assert (found["waiting_hours"]["buyer"], found["recovery_minor"], found["stale"]) == (None, {}, False)


def test_the_cases_are_those_filed_from_one_instant_until_before_another(
    connection: Any, show: Any, tell: Any
) -> None:
    story = tell().filed()
    shown(show, story, stale=True)
    shown(show, tell(at=story.at + timedelta(days=1)).filed(merchant_id="m-9"))
    at = story.at + timedelta(days=2)
    asked: list[tuple[dict[str, Any], int]] = [
        ({"filed_from": story.at}, 2),
        ({"filed_from": story.at + timedelta(seconds=1)}, 1),
        ({"filed_to": story.at}, 0),
        ({"filed_to": story.at + timedelta(seconds=1)}, 1),
        ({"merchant_id": "m-9"}, 1),
        ({"case_type": "repair"}, 0),
    ]
    for cohort, amount in asked:
        assert numbers(connection, at, **cohort)["cases_filed"] == amount, cohort
        assert len(facts(connection, "cases_filed", at, **cohort)["data"]) == amount, cohort
    assert numbers(connection, at)["stale"]
    assert not numbers(connection, at, merchant_id="m-9")["stale"]


@pytest.mark.parametrize(("days", "cases"), [(29.9, 1), (30, 0), (-0.1, 0)])
def test_a_case_recurs_soon_after_one_like_it_was_resolved(
    connection: Any, show: Any, tell: Any, days: float, cases: int
) -> None:
    first = resolved(tell().filed(), 24)
    shown(show, first)
    shown(show, tell(at=first.at + timedelta(days=days)).filed())
    shown(show, tell(at=first.at + timedelta(days=days)).filed(reason="wrong_item"))
    assert numbers(connection, first.at)["recurrence_rate"]["cases"] == cases


def test_behind_a_first_time_stands_the_first_fact_of_each_case(
    connection: Any, show: Any, tell: Any
) -> None:
    story = resolved(tell().filed(), 1)
    first = story.facts[-1]
    story.then(CaseReopened, hours=1, ground=ReopenGround.UNSATISFIED, round=2, reasons=TEXT)
    resolved(story, 1)
    shown(show, story)

    found = facts(connection, "first_resolution_hours", story.at)["data"]

    assert [(fact["type"], fact["version"]) for fact in found] == [
        ("CaseFiled", 1),
        ("FollowUpScheduled", first.originator_version),
    ]
    assert found[1]["at"] == "2026-11-06T09:00:00.000000Z"
    assert {fact["case_id"] for fact in found} == {str(story.case_id)}


def test_no_fact_after_the_instant_asked_for_stands_behind_a_number(
    connection: Any, show: Any, tell: Any
) -> None:
    story = resolved(tell().filed(), 1)
    shown(show, story)
    before = story.at - timedelta(seconds=1)
    assert len(facts(connection, "first_resolution_hours", before)["data"]) == 1
    assert len(facts(connection, "first_resolution_hours", story.at)["data"]) == 2


def test_the_facts_come_in_pages(connection: Any, show: Any, tell: Any) -> None:
    story = resolved(tell().filed(), 1)
    shown(show, story)
    first = facts(connection, "waiting_hours", story.at, limit=3)
    rest = facts(connection, "waiting_hours", story.at, limit=3, cursor=first["next_cursor"])
    assert first["has_more"]
    assert not rest["has_more"]
    shown_once = {fact["version"] for fact in first["data"] + rest["data"]}
    assert shown_once == {fact.originator_version for fact in story.facts}
    with pytest.raises(pages.BadLimit):
        facts(connection, "waiting_hours", story.at, limit=0)


def test_an_unknown_indicator_is_refused(connection: Any, tell: Any) -> None:
    with pytest.raises(indicators.UnknownIndicator):
        facts(connection, "luck", tell().at)


def test_behind_every_number_stand_facts_that_the_cases_times_are_folded_of(
    connection: Any, tell: Any
) -> None:
    told = numbers(connection, tell().at).keys() - {"stale"}
    assert indicators.BEHIND.keys() == told
    behind = {name for one in indicators.BEHIND.values() for name in one.types}
    assert behind == {fact.TOPIC for fact in CASE_TIMES.steps}
    assert all(one.firsts <= one.types for one in indicators.BEHIND.values())


def test_behind_the_waiting_stands_every_move() -> None:
    moves = {fact.TOPIC for fact in FACTS.values() if fact in get_args(Moving)}
    assert moves <= indicators.BEHIND["waiting_hours"].types
