"""Goodwill: the platform's own gift, beside any decision and within the giver's limit."""

import pytest

from domain.events import CaseCompensated, CompensationFailed, CompensationInstructed, GoodwillGranted
from domain.refusals import (
    CompensationExceedsEntitlement,
    CompensationNotSettled,
    ConflictOfInterest,
    GoodwillOverLimit,
    OutcomeMissing,
    ResolutionContradictsOutcome,
)
from domain.values import (
    Finding,
    Money,
    Payer,
    RemedyKind,
    ReopenGround,
    Resolution,
)

GIVEN = (GoodwillGranted, CompensationInstructed)


def reviewed(story):
    return story.filed().claimed()


def test_goodwill_is_instructed_at_once_at_the_platforms_expense(story, a):
    given, instructed = reviewed(story).when(story.give()).then(*GIVEN)
    assert (given.by, given.kind, given.amount) == ("agent-1", RemedyKind.COUPON, a.yuan(50))
    assert (instructed.compensation_id, instructed.payer) == (a.id("gift"), Payer.PLATFORM)
    assert story.case.stage == "in_review"


def test_it_says_under_which_limit_it_was_given(story):
    given, _ = reviewed(story).when(story.give()).then(*GIVEN)
    (step,) = given.derivation
    assert (step.rule, step.result, step.inputs["role"]) == ("O-1", 10_000, "agent")


@pytest.mark.parametrize(
    ("who", "gift"),
    [
        ("agent", {"amount": 100}),
        ("reviewer", {"amount": 500}),
        ("agent", {"points": 10_000}),
        ("reviewer", {"points": 50_000}),
    ],
)
def test_a_role_gives_up_to_its_limit(story, who, gift):
    by = getattr(story, who)
    over = {name: value + 1 for name, value in gift.items()}
    reviewed(story).when(story.give(**over, by=by)).refused(GoodwillOverLimit)
    story.when(story.give(**gift, by=by)).then(*GIVEN)


def test_the_limit_is_over_the_whole_case_whoever_gave(story):
    reviewed(story).given(story.give("one", 60, by=story.reviewer))
    story.when(story.give("two", 41)).refused(GoodwillOverLimit)
    story.when(story.give("two", 40)).then(*GIVEN)


def test_a_coupon_that_was_decided_counts_too(story, a):
    story.in_review().decided(a.remedy(RemedyKind.COUPON, amount=a.yuan(60)))
    story.when(story.give(amount=41)).refused(GoodwillOverLimit)


def test_and_one_that_was_given_counts_in_a_decision(story, a):
    story.in_review().given(story.give(amount=60))
    coupon = a.remedy(RemedyKind.COUPON, amount=Money(44_001, "CNY"))
    story.when(story.decide(coupon)).refused(CompensationExceedsEntitlement)


def test_only_the_orders_currency_is_given(story, a):
    gift = a.remedy(RemedyKind.COUPON, amount=Money(1, "USD"))
    reviewed(story).when(
        lambda case: case.grant_goodwill(story.agent, gift, a.text(), story.policy, story.at)
    ).refused(GoodwillOverLimit)


def test_whoever_has_an_interest_in_the_case_gives_nothing(story, a):
    reviewed(story).given(lambda case: case.recuse(story.agent, a.text(), story.at))
    story.when(story.give()).refused(ConflictOfInterest)


# --- it settles like money ---


def test_it_is_paid_while_the_case_is_still_reviewed(story):
    reviewed(story).given(story.give()).when(story.pay("gift")).then(CaseCompensated)
    assert story.case.stage == "in_review"


def test_an_attempt_that_failed_is_ordered_anew(story, a):
    reviewed(story).given(story.give()).when(story.fail("gift")).then(CompensationFailed)
    again = lambda case: case.instruct_compensation(a.id("gift"), Payer.PLATFORM, story.at)  # noqa: E731
    story.when(again).then(CompensationInstructed)


def test_an_unpaid_gift_keeps_a_decided_case_from_its_follow_up(story):
    reviewed(story).verified(Finding.NOT_UPHELD, None).given(story.give(), story.decide())
    assert story.case.stage == "executing"
    story.given(story.pay("gift"))
    assert story.case.stage == "following_up"


def test_a_gift_during_the_follow_up_leaves_the_stage_and_must_be_paid_before_the_end(story):
    story.refunded().asked().given(story.give())
    assert story.case.stage == "following_up"
    story.when(story.close()).refused(CompensationNotSettled)
    story.given(story.pay("gift", "pay-2")).closed()
    assert story.case.stage == "closed"


def test_a_gift_is_paid_in_the_round_after_too(story, a):
    story.refunded().asked(satisfied=False).given(
        story.give(), lambda case: case.reopen(ReopenGround.UNSATISFIED, a.text(), story.policy, story.at)
    )
    story.when(story.pay("gift", "pay-2")).then(CaseCompensated)


# --- it says nothing about the claim ---


def test_a_gift_is_no_compensation(story):
    reviewed(story).verified(Finding.NOT_UPHELD, None).given(story.give(), story.pay("gift"), story.decide())
    story.asked().when(story.close(Resolution.COMPENSATED)).refused(ResolutionContradictsOutcome)
    story.given(story.close(Resolution.REJECTED))


def test_a_case_with_nothing_but_a_gift_is_answered(story):
    reviewed(story).given(story.give(), story.pay("gift"))
    story.when(story.close(Resolution.COMPENSATED)).refused(OutcomeMissing)
    story.given(story.close(Resolution.ANSWERED))
