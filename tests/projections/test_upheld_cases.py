"""Which cases were found for the buyer: what a recurrence is counted by."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.events import CaseClassified, CaseMerged, CaseVerified, DecisionIssued, DecisionOverturned
from domain.values import Finding, Remedy, RemedyKind, Sealed, SealedFor, Stage
from projections.upheld_cases import UPHELD_CASES, upheld

TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
FILED_AT = datetime(2026, 11, 6, 8, tzinfo=UTC)
DAY = timedelta(days=1)


def found(
    connection: Any,
    reason: str = "quality_defect",
    since: datetime = FILED_AT,
    until: datetime = FILED_AT + DAY,
) -> tuple[UUID, ...]:
    return upheld(connection, "m-2001", reason, since, until)


def verified(story: Any, finding: Finding = Finding.UPHELD, number: int = 1) -> Any:
    return story.then(
        CaseVerified,
        hours=1,
        round=number,
        by="reviewer-1",
        finding=finding,
        liability=(),
        evidence=(),
        reasons=TEXT,
    )


def decided(story: Any, *remedies: Remedy) -> Any:
    return story.then(
        DecisionIssued,
        hours=1,
        decision_id=UUID(int=5),
        round=1,
        by="reviewer-1",
        remedies=remedies,
        clauses=("Q-1",),
        policy="cn-2026",
        reasons=TEXT,
    )


COUPON = Remedy(UUID(int=6), RemedyKind.COUPON)


@pytest.mark.parametrize(
    ("finding", "counts"),
    [
        (Finding.UPHELD, True),
        (Finding.PARTLY_UPHELD, True),
        (Finding.NOT_UPHELD, False),
        (Finding.INCONCLUSIVE, False),
    ],
)
def test_a_case_counts_that_was_found_for_the_buyer(connection, show, tell, finding, counts) -> None:
    story = verified(tell().filed(), finding)
    show(UPHELD_CASES, *story.facts)

    assert found(connection) == ((story.case_id,) if counts else ())


def test_a_case_that_was_not_examined_does_not_count(connection, show, tell) -> None:
    show(UPHELD_CASES, *tell().filed().facts)

    assert found(connection) == ()


def test_the_last_finding_counts(connection, show, tell) -> None:
    show(UPHELD_CASES, *verified(verified(tell().filed()), Finding.NOT_UPHELD, 2).facts)

    assert found(connection) == ()


def test_a_goodwill_coupon_does_not_turn_a_finding(connection, show, tell) -> None:
    show(UPHELD_CASES, *decided(verified(tell().filed(), Finding.NOT_UPHELD), COUPON).facts)

    assert found(connection) == ()


def test_without_a_finding_what_is_granted_says_for_whom_it_is(connection, show, tell) -> None:
    for_the_buyer, rejected = decided(tell().filed(), COUPON), decided(tell().filed())
    show(UPHELD_CASES, *for_the_buyer.facts)
    show(UPHELD_CASES, *rejected.facts)

    assert found(connection) == (for_the_buyer.case_id,)


@pytest.mark.parametrize(("resumes", "counts"), [(Stage.IN_REVIEW, False), (Stage.EXECUTING, True)])
def test_what_was_overturned_does_not_count_until_it_is_examined_again(
    connection, show, tell, resumes, counts
) -> None:
    story = verified(tell().filed())
    story.then(
        DecisionOverturned,
        appeal_id=UUID(int=8),
        by="reviewer-2",
        clauses=("M-4",),
        reasons=TEXT,
        resumes=resumes,
    )
    show(UPHELD_CASES, *story.facts)
    assert found(connection) == ((story.case_id,) if counts else ())

    show(UPHELD_CASES, *verified(story, number=2).facts)
    assert found(connection) == (story.case_id,)


def test_it_counts_under_the_reason_that_staff_gave_it(connection, show, tell) -> None:
    story = verified(tell().filed().then(CaseClassified, reason="counterfeit", by="agent-1"))
    show(UPHELD_CASES, *story.facts)

    assert (found(connection), found(connection, "counterfeit")) == ((), (story.case_id,))


def test_a_merged_case_counts_in_the_other_one_alone(connection, show, tell) -> None:
    story = verified(tell().filed())
    story.then(CaseMerged, into=UUID(int=9), by="reviewer-1", reasons=TEXT)
    show(UPHELD_CASES, *story.facts)

    assert found(connection) == ()


def test_it_counts_in_the_time_in_which_it_was_filed(connection, show, tell) -> None:
    early, late = (verified(tell(at=at).filed()) for at in (FILED_AT, FILED_AT + DAY))
    show(UPHELD_CASES, *early.facts)
    show(UPHELD_CASES, *late.facts)

    assert found(connection) == (early.case_id,)
    assert found(connection, until=FILED_AT + 2 * DAY) == (early.case_id, late.case_id)
    assert found(connection, since=FILED_AT + DAY / 2, until=FILED_AT + 2 * DAY) == (late.case_id,)


def test_only_the_merchants_own_cases_count(connection, show, tell) -> None:
    show(UPHELD_CASES, *verified(tell().filed(merchant_id="m-2002")).facts)

    assert found(connection) == ()
