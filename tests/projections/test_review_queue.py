"""The review queue: who must act on which case, by when."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.events import (
    CaseClaimed,
    CaseClosed,
    CaseEscalated,
    CaseReleased,
    CaseReopened,
    CaseResumed,
    CaseSuspended,
    CaseWithdrawn,
    DecisionApproved,
    DecisionIssued,
    ExecutionFailed,
    FollowUpScheduled,
    HumanReviewDemanded,
    LeaseRenewed,
    NoticeDelivered,
    OfferAccepted,
    PlatformSteppedIn,
    ProposalVoided,
)
from domain.values import (
    CaseType,
    Channel,
    EscalationGround,
    ReleaseCause,
    ReopenGround,
    Resolution,
    ResumeCause,
    Role,
    Sealed,
    SealedFor,
    Side,
    Stage,
    SuspensionGround,
    VoidCause,
)
from projections.pages import BadCursor, BadLimit, Place
from projections.review_queue import QUEUE_NAMES, REVIEW_QUEUE, UnknownQueue, counts, next_claimable, page
from tests.projections.conftest import folded

FILED_AT = datetime(2026, 11, 6, 8, tzinfo=UTC)
SOON = FILED_AT + timedelta(hours=1)
TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")


def listed(*arguments: Any, **options: Any) -> Any:
    return json.loads(page(*arguments, **{"at": SOON} | options))


def numbers(*arguments: Any, **options: Any) -> list[str]:
    return [row["number"] for row in listed(*arguments, **options)["data"]]


def claimed(story: Any, holder: str = "reviewer-1", hours: float = 2) -> Any:
    until = story.at + timedelta(hours=hours)
    story.then(CaseClaimed, holder=holder, role=Role.REVIEWER, token="2", expires_at=until)
    return story


def decided(story: Any) -> Any:
    return story.then(
        DecisionIssued,
        decision_id=UUID(int=5),
        round=1,
        by="reviewer-1",
        remedies=(),
        clauses=("Q-1",),
        policy="p",
        reasons=TEXT,
    )


def followed_up(story: Any) -> Any:
    due = story.at + timedelta(days=3)
    return story.then(FollowUpScheduled, follow_up_id=UUID(int=6), due=due, max_attempts=3)


def test_a_filed_case_waits_for_review_until_two_days_later(connection, show, tell) -> None:
    story = tell().filed()
    show(REVIEW_QUEUE, *story.facts)

    assert listed(connection, "review") == {
        "data": [
            {
                "case_id": str(story.case_id),
                "number": "AS-20261106-0000000001",
                "stage": "filed",
                "case_type": "return_refund",
                "merchant_id": "m-2001",
                "due": "2026-11-08T08:00:00.000000Z",
                "overdue": False,
                "claimed_by": None,
                "filed_at": "2026-11-06T08:00:00.000000Z",
            }
        ],
        "has_more": False,
        "next_cursor": None,
    }


def test_a_case_is_overdue_once_its_time_has_passed(connection, show, tell) -> None:
    show(REVIEW_QUEUE, *tell().filed().facts)
    late = FILED_AT + timedelta(hours=49)

    assert not listed(connection, "review", at=SOON)["data"][0]["overdue"]
    assert listed(connection, "review", at=late)["data"][0]["overdue"]
    assert numbers(connection, "review", at=SOON, overdue=True) == []
    assert len(numbers(connection, "review", at=late, overdue=True)) == 1
    assert numbers(connection, "review", at=late, overdue=False) == []


def test_a_lease_is_shown_while_it_lives(connection, show, tell) -> None:
    show(REVIEW_QUEUE, *claimed(tell().filed()).then(PlatformSteppedIn, by="reviewer-1").facts)
    over = FILED_AT + timedelta(hours=2)

    assert listed(connection, "review")["data"][0]["claimed_by"] == "reviewer-1"
    assert listed(connection, "review", at=over)["data"][0]["claimed_by"] is None
    assert len(numbers(connection, "review", mine="reviewer-1")) == 1
    assert numbers(connection, "review", mine="reviewer-2") == []
    assert numbers(connection, "review", mine="reviewer-1", at=over) == []


def test_a_renewed_lease_lives_longer_and_a_released_one_no_more(connection, show, tell) -> None:
    renewed, released = claimed(tell().filed(number="renewed")), claimed(tell().filed(number="released"))
    renewed.then(LeaseRenewed, holder="reviewer-1", token="3", expires_at=FILED_AT + timedelta(hours=9))
    released.then(CaseReleased, holder="reviewer-1", cause=ReleaseCause.RELEASED)
    show(REVIEW_QUEUE, *renewed.facts)
    show(REVIEW_QUEUE, *released.facts)

    assert numbers(connection, "review", mine="reviewer-1", at=FILED_AT + timedelta(hours=8)) == ["renewed"]


def test_a_decided_case_moves_on_to_execution_and_then_to_follow_up(connection, show, tell) -> None:
    show(REVIEW_QUEUE, *decided(tell().filed(number="decided")).facts)
    show(REVIEW_QUEUE, *followed_up(decided(tell().filed(number="settled"))).facts)

    assert numbers(connection, "review") == []
    assert numbers(connection, "execution") == ["decided"]
    assert listed(connection, "execution")["data"][0]["due"] == "2026-11-07T08:00:00.000000Z"
    assert numbers(connection, "follow_up") == ["settled"]
    assert listed(connection, "follow_up")["data"][0]["due"] == "2026-11-09T08:00:00.000000Z"


def test_a_case_whose_decision_waits_for_a_second_person_stands_in_a_queue_of_its_own(
    connection, show, tell
) -> None:
    story = claimed(tell().filed(number="waits")).proposed(UUID(int=6))
    show(REVIEW_QUEUE, *story.facts)

    assert (numbers(connection, "review"), numbers(connection, "approval")) == ([], ["waits"])
    assert listed(connection, "approval")["data"][0]["due"] == "2026-11-08T08:00:00.000000Z"

    story.then(ProposalVoided, proposal_id=UUID(int=6), cause=VoidCause.REJECTED)
    show(REVIEW_QUEUE, *story.facts)

    assert (numbers(connection, "review"), numbers(connection, "approval")) == (["waits"], [])


def test_an_approved_decision_moves_on_to_execution(connection, show, tell) -> None:
    story = tell().filed(number="approved").proposed(UUID(int=6))
    approval = {"proposal_id": UUID(int=6), "by": "supervisor-1", "proposal_hash": "0" * 64}
    show(REVIEW_QUEUE, *decided(story.then(DecisionApproved, **approval)).facts)

    assert (numbers(connection, "approval"), numbers(connection, "execution")) == ([], ["approved"])


def test_a_case_that_ended_is_in_no_queue_until_it_is_reopened(connection, show, tell) -> None:
    show(REVIEW_QUEUE, *tell().filed(number="withdrawn").then(CaseWithdrawn, reasons=TEXT).facts)
    story = claimed(tell().filed(number="closed")).then(CaseClosed, resolution=Resolution.ANSWERED)
    show(REVIEW_QUEUE, *story.facts)

    assert json.loads(counts(connection, at=SOON)) == {
        "data": [{"name": name, "open": 0, "overdue": 0} for name in QUEUE_NAMES]
    }

    story.then(CaseReopened, hours=100, ground=ReopenGround.NEW_FACTS, round=2, reasons=TEXT)
    show(REVIEW_QUEUE, *story.facts)

    (row,) = listed(connection, "review", at=story.at)["data"]
    assert (row["number"], row["stage"], row["overdue"], row["claimed_by"]) == (
        "closed",
        "in_review",
        False,
        None,
    )


def test_pages_go_on_where_the_last_one_ended_most_urgent_first(connection, show, tell) -> None:
    for hour in (3, 1, 4, 1, 5):
        show(REVIEW_QUEUE, *tell(at=FILED_AT + timedelta(hours=hour)).filed(number=str(hour)).facts)

    seen, cursor = [], None
    for _ in range(3):
        found = listed(connection, "review", limit=2, cursor=cursor)
        seen.append([row["number"] for row in found["data"]])
        cursor = found["next_cursor"]

    assert seen == [["1", "1"], ["3", "4"], ["5"]]
    assert cursor is None


def test_filters_keep_what_was_asked_for(connection, show, tell) -> None:
    show(REVIEW_QUEUE, *tell().filed(number="a", case_type=CaseType.REPAIR, filed_by="shop-2").facts)
    show(REVIEW_QUEUE, *tell().filed(number="b", merchant_id="m-2002").facts)
    show(REVIEW_QUEUE, *claimed(tell().filed(number="c")).then(PlatformSteppedIn, by="reviewer-1").facts)

    assert numbers(connection, "review", case_type="repair") == ["a"]
    assert numbers(connection, "review", merchant_id="m-2002") == ["b"]
    assert numbers(connection, "review", stage="in_review") == ["c"]
    assert numbers(connection, "review", filed_by="shop-2") == ["a"]
    assert numbers(connection, "review", filed_by="shop-2", merchant_id="m-2002") == []


def test_the_next_case_is_the_most_urgent_one_that_nobody_holds(connection, show, tell) -> None:
    held = claimed(tell(at=FILED_AT - timedelta(hours=1)).filed(), hours=3)
    stale, urgent, later = (
        tell(at=FILED_AT - timedelta(hours=2)).filed(),
        tell().filed(),
        tell(at=SOON).filed(),
    )
    for story in (held, urgent, later):
        show(REVIEW_QUEUE, *story.facts)
    show(REVIEW_QUEUE, *stale.facts, stale=True)

    assert next_claimable(connection, "review", at=SOON) == [urgent.case_id, later.case_id]
    assert next_claimable(connection, "review", at=SOON, limit=1) == [urgent.case_id]
    assert next_claimable(connection, "review", at=SOON + timedelta(hours=2), limit=1) == [held.case_id]
    assert next_claimable(connection, "execution", at=SOON) == []


def test_a_case_is_due_when_its_facts_say_whatever_the_rules_are_today(tell) -> None:
    first, second = FILED_AT + timedelta(days=3), FILED_AT + timedelta(days=9)
    story = tell().filed(due=first)
    assert folded(REVIEW_QUEUE, *story.facts)[story.case_id].due == first
    story.then(
        DecisionIssued, decision_id=UUID(int=5), round=1, by="r", remedies=(), clauses=(), policy="p",
        reasons=TEXT, due=second,
    )  # fmt: skip
    assert folded(REVIEW_QUEUE, *story.facts)[story.case_id].due == second


def test_counts_tell_the_open_and_the_overdue(connection, show, tell) -> None:
    show(REVIEW_QUEUE, *tell().filed().facts)
    show(REVIEW_QUEUE, *tell(at=FILED_AT + timedelta(hours=10)).filed().facts)
    show(REVIEW_QUEUE, *decided(tell().filed()).facts)

    found = json.loads(counts(connection, at=FILED_AT + timedelta(hours=50)))["data"]

    assert found == [
        {"name": "review", "open": 2, "overdue": 1},
        {"name": "approval", "open": 0, "overdue": 0},
        {"name": "execution", "open": 1, "overdue": 1},
        {"name": "follow_up", "open": 0, "overdue": 0},
    ]


def test_a_case_whose_facts_are_parked_says_so(connection, show, tell) -> None:
    show(REVIEW_QUEUE, *tell().filed().facts, stale=True)

    assert listed(connection, "review")["data"][0]["stale"] is True


def test_what_is_not_a_queue_a_limit_or_a_cursor_is_refused(connection) -> None:
    with pytest.raises(UnknownQueue):
        page(connection, "nonsense", at=SOON)
    with pytest.raises(UnknownQueue):
        next_claimable(connection, "nonsense", at=SOON)
    for limit in (0, 201, -1):
        with pytest.raises(BadLimit):
            page(connection, "review", at=SOON, limit=limit)
    with pytest.raises(BadCursor):
        page(connection, "review", at=SOON, cursor="A" * 31)


def test_a_cursor_from_the_ends_of_time_finds_an_empty_page(connection, show, tell) -> None:
    show(REVIEW_QUEUE, *tell().filed().facts)
    end = Place(datetime(9999, 12, 31, tzinfo=UTC), UUID(int=0)).cursor()
    start = Place(datetime(1, 1, 1, tzinfo=UTC), UUID(int=0)).cursor()

    assert listed(connection, "review", cursor=end)["data"] == []
    assert len(listed(connection, "review", cursor=start)["data"]) == 1


def test_a_case_whose_decision_cannot_be_carried_out_waits_for_review_again(connection, show, tell) -> None:
    story = decided(tell().filed()).then(ExecutionFailed, hours=5, goods=(), round=2)
    show(REVIEW_QUEUE, *story.facts)

    (row,) = listed(connection, "review")["data"]

    assert row["stage"] == "in_review"
    assert row["due"] == (story.at + timedelta(hours=48)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert listed(connection, "execution")["data"] == []


def notified(story: Any) -> Any:
    return story.then(NoticeDelivered, notice_id=UUID(int=8), party=Side.MERCHANT, channel=Channel.APP)


def escalated(story: Any) -> Any:
    ground = EscalationGround.REFUSED
    return story.then(CaseEscalated, party=Side.BUYER, ground=ground, reasons=TEXT, derivation=())


def test_a_case_that_the_sides_negotiate_waits_for_nobody_of_the_platform(connection, show, tell) -> None:
    show(REVIEW_QUEUE, *notified(tell().filed()).facts)

    assert all(not listed(connection, name)["data"] for name in QUEUE_NAMES)


def test_until_a_side_asks_for_it(connection, show, tell) -> None:
    story = notified(tell().filed())
    story.at += timedelta(hours=72)
    show(REVIEW_QUEUE, *escalated(story).facts)

    (row,) = listed(connection, "review")["data"]
    assert (row["stage"], row["due"]) == ("negotiating", "2026-11-11T08:00:00.000000Z")


def test_or_somebody_steps_in(connection, show, tell) -> None:
    story = notified(tell().filed())
    due = FILED_AT + timedelta(hours=120)
    story.then(PlatformSteppedIn, hours=72, by="reviewer-1", due=due)
    show(REVIEW_QUEUE, *story.facts)

    (row,) = listed(connection, "review")["data"]
    assert (row["stage"], row["due"]) == ("in_review", "2026-11-11T08:00:00.000000Z")


def test_an_escalated_case_that_is_taken_up_keeps_its_due_time(connection, show, tell) -> None:
    story = escalated(notified(tell().filed())).then(PlatformSteppedIn, hours=5, by="reviewer-1")
    show(REVIEW_QUEUE, *story.facts)

    assert listed(connection, "review")["data"][0]["due"] == "2026-11-08T08:00:00.000000Z"


def test_an_escalated_case_that_rested_stands_in_its_queue_again(connection, show, tell) -> None:
    story = escalated(notified(tell().filed()))
    story.then(
        CaseSuspended,
        suspension_id=UUID(int=9),
        ground=SuspensionGround.SETTLEMENT,
        resumes=Stage.NEGOTIATING,
        until=FILED_AT,
        by="r",
        reasons=TEXT,
    )
    story.then(
        CaseResumed,
        hours=24,
        suspension_id=UUID(int=9),
        resumes=Stage.NEGOTIATING,
        cause=ResumeCause.REQUESTED,
        reasons=TEXT,
        due=FILED_AT + timedelta(hours=72),
    )
    show(REVIEW_QUEUE, *story.facts)

    (row,) = listed(connection, "review")["data"]
    assert (row["stage"], row["due"]) == ("negotiating", "2026-11-09T08:00:00.000000Z")


def test_what_the_sides_agree_on_is_to_be_executed_within_a_day(connection, show, tell) -> None:
    story = notified(tell().filed())
    story.then(OfferAccepted, offer_id=UUID(int=7), party=Side.BUYER, remedies=())
    show(REVIEW_QUEUE, *story.facts)

    (row,) = listed(connection, "execution")["data"]
    assert (row["stage"], row["due"]) == ("executing", "2026-11-07T08:00:00.000000Z")


def contested(story: Any) -> Any:
    content = {"party": Side.MERCHANT, "decision_id": UUID(int=5), "round": 2, "reasons": TEXT}
    return story.then(HumanReviewDemanded, hours=5, cancelled=(), derivation=(), **content)


def test_what_the_system_decided_waits_for_review_where_people_are_wanted(connection, show, tell) -> None:
    show(REVIEW_QUEUE, *contested(decided(tell().filed())).facts)

    (row,) = listed(connection, "review")["data"]
    assert (row["stage"], row["due"]) == ("in_review", "2026-11-08T13:00:00.000000Z")
