"""Follow-up, closing, reopening, withdrawal."""

import pytest

from domain.events import (
    CaseClosed,
    CaseDeclined,
    CaseReopened,
    CaseWithdrawn,
    ClockCancelled,
    ClockMissed,
    ClockSatisfied,
    FollowUpAttempted,
    FollowUpCompleted,
    FollowUpExhausted,
)
from domain.refusals import (
    CaseAlreadyClosed,
    CompensationAlreadySettled,
    CompensationNotSettled,
    FollowUpAlreadyCompleted,
    FollowUpOpen,
    GoodsNotSettled,
    NotReopenable,
    OutcomeMissing,
    RectificationOpen,
    ResolutionContradictsOutcome,
    UnknownPart,
    WrongStage,
)
from domain.values import AttemptOutcome, Finding, RemedyKind, ReopenGround, Resolution


def complete(story, satisfied=True, follow_up_id=None):
    return lambda case: case.complete_follow_up(follow_up_id or story.follow_up_id, satisfied, story.at)


def reopen(story, a, ground=ReopenGround.NEW_FACTS):
    return lambda case: case.reopen(ground, a.text(), story.policy, story.at)


def withdraw(story, a):
    return lambda case: case.withdraw(a.text(), story.at)


# --- follow-up ---


def test_an_attempt_is_recorded_with_its_number(story):
    story.refunded().given(story.attempt(AttemptOutcome.REACHED))
    (fact,) = story.when(story.attempt()).then(FollowUpAttempted)
    assert fact.number == 2


def test_the_third_failure_to_reach_the_buyer_exhausts_the_follow_up(story):
    story.refunded().given(story.attempt(), story.attempt())
    story.when(story.attempt()).then(FollowUpAttempted, FollowUpExhausted, ClockCancelled)


def test_reaching_the_buyer_uses_up_no_attempt(story):
    story.refunded().given(*[story.attempt(AttemptOutcome.REACHED)] * 5)
    story.when(story.attempt()).then(FollowUpAttempted)


def test_the_buyers_answer_ends_the_follow_up(story):
    story.refunded().when(complete(story)).then(FollowUpCompleted, ClockSatisfied)


@pytest.mark.parametrize("again", [complete, lambda story: story.attempt()])
def test_a_follow_up_is_completed_once(story, again):
    story.refunded().asked().when(again(story)).refused(FollowUpAlreadyCompleted)


def test_an_unknown_follow_up_is_refused(story, a):
    story.refunded().when(complete(story, follow_up_id=a.id("nothing"))).refused(UnknownPart)


def test_a_closed_case_takes_no_answer(story):
    story.refunded().asked().closed().when(complete(story)).refused(CaseAlreadyClosed)


def test_an_overdue_follow_up_is_recorded_and_stays_open(story):
    story.refunded().later(days=3)
    clock = story.case.clocks.of(story.follow_up_id)
    story.when(lambda case: case.miss_clock(clock.clock_id, story.policy, story.at)).then(ClockMissed)
    story.when(complete(story)).then(FollowUpCompleted)


# --- closing ---


def test_a_compensated_case_is_closed_after_its_follow_up(story):
    story.refunded().asked().when(story.close()).then(CaseClosed)
    assert story.case.stage == "closed"


def test_an_exhausted_follow_up_is_enough(story):
    story.refunded().given(*[story.attempt()] * 3).when(story.close()).then(CaseClosed)


def test_an_open_follow_up_keeps_the_case_open(story):
    story.refunded().when(story.close()).refused(FollowUpOpen)


def test_an_unsatisfied_buyer_keeps_the_case_open(story):
    story.refunded().asked(satisfied=False).when(story.close()).refused(FollowUpOpen)


def test_unless_a_supervisor_closes_it(story):
    story.refunded().asked(satisfied=False).when(story.close(by=story.supervisor)).then(CaseClosed)


def test_unpaid_money_keeps_the_case_open(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(1)))
    story.when(story.close()).refused(CompensationNotSettled)


def test_goods_on_their_way_keep_the_case_open(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REPLACEMENT))
    story.when(story.close(Resolution.REPLACED)).refused(GoodsNotSettled)


def test_an_open_rectification_keeps_the_case_open(story, a):
    story.refunded().asked()
    story.given(lambda case: case.order_rectification(a.id("duty"), a.text(), story.at, story.at))
    story.when(story.close()).refused(RectificationOpen)


@pytest.mark.parametrize("resolution", [Resolution.COMPENSATED, Resolution.REJECTED, Resolution.MERGED])
def test_a_case_without_an_outcome_cannot_be_closed_as_one(story, resolution):
    story.filed().when(story.close(resolution)).refused(OutcomeMissing)


def test_a_decided_case_was_not_merged(story):
    story.refunded().asked().when(story.close(Resolution.MERGED)).refused(OutcomeMissing)


@pytest.mark.parametrize(
    "resolution",
    [Resolution.REJECTED, Resolution.REPLACED, Resolution.REPAIRED, Resolution.DECLINED, Resolution.ANSWERED],
)
def test_a_refunded_case_ended_as_nothing_else(story, resolution):
    story.refunded().asked().when(story.close(resolution)).refused(ResolutionContradictsOutcome)


def test_a_case_that_granted_nothing_was_rejected(story):
    story.filed().claimed().verified(Finding.NOT_UPHELD, None).decided().asked()
    story.when(story.close()).refused(ResolutionContradictsOutcome)
    story.when(story.close(Resolution.REJECTED)).then(CaseClosed)


@pytest.mark.parametrize(
    ("kind", "resolution"),
    [
        (RemedyKind.REPLACEMENT, Resolution.REPLACED),
        (RemedyKind.RESEND, Resolution.REPLACED),
        (RemedyKind.REPAIR, Resolution.REPAIRED),
        (RemedyKind.RETURN, Resolution.SETTLED),
    ],
)
def test_goods_make_their_own_outcome(story, a, kind, resolution):
    story.in_review().decided(a.remedy(kind)).given(
        story.ship(kind), story.receive(kind), story.accept(kind)
    ).asked()
    story.when(story.close()).refused(ResolutionContradictsOutcome)
    story.when(story.close(resolution)).then(CaseClosed)


def test_a_filed_case_is_declined_with_the_clauses_that_spoke_against_it(story):
    story.filed(reason="no_reason", category="custom_made")
    declined, _ = story.when(story.close(Resolution.DECLINED)).then(CaseDeclined, CaseClosed)
    assert [one.clause for one in declined.objections] == ["NR-2"]


@pytest.mark.parametrize("claimed", [True, False])
def test_a_question_is_answered_before_or_in_review(story, claimed):
    story.filed()
    if claimed:
        story.claimed()
    story.when(story.close(Resolution.ANSWERED)).then(CaseClosed)


def test_a_claim_found_true_is_not_declined(story):
    story.in_review().when(story.close(Resolution.DECLINED)).refused(ResolutionContradictsOutcome)


def test_a_case_in_its_second_review_is_not_closed_as_its_first_round(story, a):
    story.refunded().given(reopen(story, a)).when(story.close()).refused(WrongStage)


def test_a_case_is_closed_once(story):
    story.refunded().asked().closed().when(story.close()).refused(CaseAlreadyClosed)


# --- reopening ---


@pytest.mark.parametrize("ground", [ReopenGround.NEW_FACTS, ReopenGround.GRACE])
def test_a_closed_case_is_reopened_for_another_round(story, a, ground):
    (fact,) = story.refunded().asked().closed().when(reopen(story, a, ground)).then(CaseReopened)
    assert fact.round == 2
    assert story.case.stage == "in_review"


def test_an_unsatisfied_buyer_reopens_the_case(story, a):
    story.refunded().asked(satisfied=False)
    story.when(reopen(story, a, ReopenGround.UNSATISFIED)).then(CaseReopened)


def test_a_satisfied_one_does_not(story, a):
    story.refunded().asked().when(reopen(story, a, ReopenGround.UNSATISFIED)).refused(NotReopenable)


def test_a_decision_that_stands_was_not_overturned(story, a):
    story.refunded().when(reopen(story, a, ReopenGround.OVERTURNED)).refused(NotReopenable)


def test_reopening_supersedes_the_open_follow_up(story, a):
    story.refunded()
    superseded = story.follow_up_id
    story.when(reopen(story, a)).then(CaseReopened, ClockCancelled)
    story.when(complete(story, follow_up_id=superseded)).refused(UnknownPart)


@pytest.mark.parametrize("steps", [["filed"], ["in_review"]])
def test_a_case_under_review_cannot_be_reopened(story, a, steps):
    for step in steps:
        getattr(story, step)()
    story.when(reopen(story, a)).refused(NotReopenable)


def test_a_withdrawn_case_cannot_be_reopened(story, a):
    story.filed().given(withdraw(story, a)).when(reopen(story, a)).refused(NotReopenable)


def test_the_second_round_has_a_follow_up_of_its_own(story, a):
    story.refunded().asked(False)
    first = story.follow_up_id
    story.given(reopen(story, a)).claimed().verified().decided(name="2")
    assert story.follow_up_id != first


# --- withdrawal ---


@pytest.mark.parametrize("claimed", [True, False])
def test_a_case_under_review_can_be_withdrawn(story, a, claimed):
    story.filed()
    if claimed:
        story.claimed()
    story.when(withdraw(story, a)).then(CaseWithdrawn)
    assert (story.case.stage, story.case.lease) == ("withdrawn", None)


def test_money_under_way_is_not_withdrawn(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(1)))
    story.when(withdraw(story, a)).refused(CompensationNotSettled)


def test_money_paid_is_not_withdrawn(story, a):
    story.in_review().decided(
        a.remedy(RemedyKind.REFUND, amount=a.yuan(1)), a.remedy(RemedyKind.RETURN)
    ).given(story.pay("refund"))
    story.when(withdraw(story, a)).refused(CompensationAlreadySettled)


def test_a_case_in_follow_up_is_not_withdrawn(story, a):
    story.refunded().when(withdraw(story, a)).refused(WrongStage)


def test_a_closed_case_is_not_withdrawn(story, a):
    story.refunded().asked().closed().when(withdraw(story, a)).refused(CaseAlreadyClosed)
