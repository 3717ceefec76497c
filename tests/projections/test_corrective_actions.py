"""What each merchant does about which cause, by when, and whether it helped."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.events import (
    CorrectiveActionCaseJoined,
    CorrectiveActionCaseLeft,
    CorrectiveActionClosed,
    CorrectiveActionCompleted,
    CorrectiveActionEscalated,
    CorrectiveActionOpened,
    EffectMeasured,
    MeasureAccepted,
    MeasureProposed,
    MeasureRejected,
)
from domain.values import ActionClosing, EscalationCause, Sealed, SealedFor
from projections.corrective_actions import CORRECTIVE_ACTIONS, open_over, page

NOON = datetime(2026, 11, 10, 4, tzinfo=UTC)
TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
FIRST, SECOND = UUID(int=7), UUID(int=8)


def listed(connection: Any, **options: Any) -> Any:
    return json.loads(page(connection, **{"at": NOON} | options))


def only(connection: Any, **options: Any) -> Any:
    (one,) = listed(connection, **options)["data"]
    return one


def opened(tell: Any, merchant_id: str = "m-2001", root_cause: str = "quality_defect") -> Any:
    return tell(at=NOON).then(
        CorrectiveActionOpened,
        originator_topic="CorrectiveAction",
        merchant_id=merchant_id,
        root_cause=root_cause,
        cases=(FIRST,),
        by="reviewer-1",
        due=NOON + timedelta(days=7),
        policy="cn-2026",
    )


def waiting(story: Any, kind: Any, **text: Any) -> Any:
    return story.then(kind, hours=24, by="somebody", due=story.at + timedelta(days=8), **text)


def proposed(story: Any) -> Any:
    return waiting(story, MeasureProposed, text=TEXT)


def completed(story: Any) -> Any:
    accepted = waiting(proposed(story), MeasureAccepted, reasons=TEXT)
    return waiting(accepted, CorrectiveActionCompleted, text=TEXT, after_until=NOON)


def measured(story: Any, after: int) -> Any:
    return completed(story).then(
        EffectMeasured,
        hours=24,
        before=(FIRST, SECOND),
        after=tuple(UUID(int=20 + number) for number in range(after)),
        before_from=NOON,
        after_until=NOON,
        effective=after < 2,
        policy="cn-2026",
    )


def test_an_action_says_what_it_waits_for_and_by_when(connection, show, tell) -> None:
    story = opened(tell)
    show(CORRECTIVE_ACTIONS, *story.facts)

    assert only(connection) == {
        "corrective_action_id": str(story.case_id),
        "merchant_id": "m-2001",
        "root_cause": "quality_defect",
        "cases": [str(FIRST)],
        "state": "open",
        "due": "2026-11-17T04:00:00.000000Z",
        "overdue": False,
        "escalated": None,
        "recurrence": None,
        "closing": None,
        "opened_at": "2026-11-10T04:00:00.000000Z",
        "closed_at": None,
    }
    assert only(connection, at=NOON + timedelta(days=8))["overdue"] is True


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (proposed, "proposed"),
        (lambda story: waiting(proposed(story), MeasureAccepted, reasons=TEXT), "accepted"),
        (lambda story: waiting(proposed(story), MeasureRejected, reasons=TEXT), "open"),
        (completed, "completed"),
    ],
)
def test_each_step_moves_it_on(connection, show, tell, told, state) -> None:
    story = told(opened(tell))
    show(CORRECTIVE_ACTIONS, *story.facts)

    shown = only(connection)
    assert shown["state"] == state
    assert shown["due"] == (story.at + timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_what_is_escalated_is_so_until_it_goes_on(connection, show, tell) -> None:
    story = opened(tell).then(CorrectiveActionEscalated, cause=EscalationCause.MEASURE_OVERDUE)
    show(CORRECTIVE_ACTIONS, *story.facts)

    assert (only(connection)["escalated"], only(connection)["due"]) == ("measure_overdue", None)
    assert len(listed(connection, escalated=True)["data"]) == 1
    assert listed(connection, escalated=False)["data"] == []

    show(CORRECTIVE_ACTIONS, *proposed(story).facts)

    assert only(connection)["escalated"] is None


def test_a_measured_effect_counts_what_came_back(connection, show, tell) -> None:
    story = measured(opened(tell), 1).then(CorrectiveActionClosed, closing=ActionClosing.EFFECTIVE)
    show(CORRECTIVE_ACTIONS, *story.facts)

    shown = only(connection)
    assert (shown["recurrence"], shown["state"], shown["closing"], shown["due"]) == (
        {"before": 2, "after": 1},
        "closed",
        "effective",
        None,
    )
    assert shown["closed_at"]


def test_one_without_effect_waits_for_another_measure(connection, show, tell) -> None:
    story = measured(opened(tell), 2).then(CorrectiveActionEscalated, cause=EscalationCause.NO_EFFECT)
    show(CORRECTIVE_ACTIONS, *story.facts)

    shown = only(connection)
    assert (shown["state"], shown["escalated"], shown["recurrence"]) == (
        "open",
        "no_effect",
        {"before": 2, "after": 2},
    )


def test_an_action_is_found_from_each_of_its_cases(connection, show, tell) -> None:
    story = opened(tell).then(CorrectiveActionCaseJoined, case_id=SECOND)
    show(CORRECTIVE_ACTIONS, *story.facts)

    for case_id in (FIRST, SECOND):
        assert only(connection, case_id=case_id)["cases"] == [str(FIRST), str(SECOND)]
    assert listed(connection, case_id=UUID(int=9))["data"] == []


def test_a_case_that_left_does_not_find_it_any_more(connection, show, tell) -> None:
    story = opened(tell).then(CorrectiveActionCaseJoined, case_id=SECOND)
    show(CORRECTIVE_ACTIONS, *story.then(CorrectiveActionCaseLeft, case_id=FIRST).facts)

    assert listed(connection, case_id=FIRST)["data"] == []
    assert (open_over(connection, FIRST), open_over(connection, SECOND)) == ([], [story.case_id])


def test_an_action_that_ended_is_over_no_case(connection, show, tell) -> None:
    show(CORRECTIVE_ACTIONS, *opened(tell).then(CorrectiveActionClosed, closing=ActionClosing.ENDED).facts)

    assert open_over(connection, FIRST) == []


def test_actions_are_told_by_merchant_cause_and_state(connection, show, tell) -> None:
    show(CORRECTIVE_ACTIONS, *opened(tell).facts)
    show(CORRECTIVE_ACTIONS, *opened(tell, "m-2002", "counterfeit").facts)

    assert only(connection, merchant_id="m-2002")["root_cause"] == "counterfeit"
    assert only(connection, root_cause="quality_defect")["merchant_id"] == "m-2001"
    assert len(listed(connection, state="open")["data"]) == 2
    assert listed(connection, state="closed")["data"] == []


def test_pages_run_from_the_newest_on(connection, show, tell) -> None:
    for number in range(3):
        story = tell(at=NOON + timedelta(days=number))
        show(CORRECTIVE_ACTIONS, *opened(lambda story=story, **_: story, f"m-{number}").facts)

    first = listed(connection, limit=2)
    rest = listed(connection, limit=2, cursor=first["next_cursor"])
    assert [one["merchant_id"] for one in first["data"] + rest["data"]] == ["m-2", "m-1", "m-0"]
