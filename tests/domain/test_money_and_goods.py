"""Money lines and goods legs, until the last obligation is settled."""

from datetime import timedelta

import pytest

from domain.events import (
    CaseCompensated,
    ClockSatisfied,
    ClockStarted,
    CompensationFailed,
    CompensationInstructed,
    FollowUpScheduled,
    GoodsAccepted,
    GoodsReceived,
    GoodsShipped,
    RecoveryOpened,
)
from domain.refusals import (
    AmountMismatch,
    CaseAlreadyClosed,
    CompensationAlreadySettled,
    CompensationNotSettled,
    UnknownPart,
    WrongStage,
)
from domain.values import Payer, Release, RemedyKind


@pytest.fixture
def refund(story, a):
    """A full refund is instructed."""
    return story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(199)))


@pytest.fixture
def returning(story, a):
    """A refund waits for the goods to come back."""
    return story.in_review().decided(
        a.remedy(RemedyKind.REFUND, amount=a.yuan(199), release=Release.GOODS_ACCEPTED),
        a.remedy(RemedyKind.RETURN),
    )


def test_the_last_payment_schedules_the_follow_up_in_the_same_save(refund):
    facts = refund.when(refund.pay("refund")).then(CaseCompensated, FollowUpScheduled, ClockStarted)
    assert facts[1].due == facts[2].due == refund.at + timedelta(days=3)
    assert refund.case.stage == "following_up"


def test_an_earlier_payment_does_not(story, a):
    story.in_review().decided(
        a.remedy(RemedyKind.REFUND, amount=a.yuan(199)), a.remedy(RemedyKind.POINTS, points=100)
    )
    story.when(story.pay("refund")).then(CaseCompensated)
    story.when(story.pay("points", "pay-2")).then(CaseCompensated, FollowUpScheduled, ClockStarted)


def test_the_same_confirmation_again_records_nothing(refund):
    refund.given(refund.pay("refund")).when(refund.pay("refund")).nothing_happened()


def test_but_not_with_another_amount(refund, a):
    refund.given(refund.pay("refund")).when(refund.pay("refund", amount=a.yuan(1))).refused(AmountMismatch)


def test_it_records_nothing_even_on_a_closed_case(story):
    story.refunded().asked().closed().when(story.pay("refund")).nothing_happened()


def test_a_second_payment_of_a_line_is_refused(story, a):
    story.in_review().decided(
        a.remedy(RemedyKind.REFUND, amount=a.yuan(199)), a.remedy(RemedyKind.POINTS, points=100)
    ).given(story.pay("refund"))
    story.when(story.pay("refund", "pay-2")).refused(CompensationAlreadySettled)


def test_a_closed_case_refuses_another_payment(story):
    story.refunded().asked().closed().when(story.pay("refund", "pay-2")).refused(CaseAlreadyClosed)


def test_another_amount_than_instructed_is_refused(refund, a):
    refund.when(refund.pay("refund", amount=a.yuan(198))).refused(AmountMismatch)


def test_the_instructed_amount_is_accepted(refund, a):
    refund.when(refund.pay("refund", amount=a.yuan(199))).then(
        CaseCompensated, FollowUpScheduled, ClockStarted
    )


def test_an_unknown_line_is_refused(refund):
    refund.when(refund.pay("coupon")).refused(UnknownPart)


def test_money_that_waits_for_goods_is_not_paid(returning):
    returning.when(returning.pay("refund")).refused(WrongStage)


def test_a_failed_payment_is_tried_again_from_another_account(refund, a):
    refund.when(refund.fail("refund")).then(CompensationFailed)
    first = refund.case.money.line(a.id("refund"))
    (fact,) = refund.when(
        lambda case: case.instruct_compensation(a.id("refund"), Payer.FUND, refund.at)
    ).then(CompensationInstructed)
    assert (fact.attempt, fact.payer) == (2, Payer.FUND)
    assert fact.gateway_key == first.gateway_key()
    refund.when(refund.pay("refund", "pay-2")).then(
        CaseCompensated, RecoveryOpened, FollowUpScheduled, ClockStarted
    )


def test_every_attempt_has_a_gateway_key_of_its_own(refund, a):
    keys = [refund.case.money.line(a.id("refund")).gateway_key()]
    for number in (1, 2):
        refund.given(
            refund.fail("refund", f"pay-{number}"),
            lambda case: case.instruct_compensation(a.id("refund"), Payer.FUND, refund.at),
        )
        keys.append(refund.case.money.line(a.id("refund")).gateway_key())
    assert len(set(keys)) == 3


def failed(story, a, times):
    """The refund's attempts out of the merchant's account failed, and were ordered anew in between."""
    for number in range(1, times + 1):
        story.given(story.fail("refund", f"pay-{number}"))
        if number < times:
            story.given(lambda case: case.instruct_compensation(a.id("refund"), Payer.MERCHANT, story.at))


def test_after_the_third_failure_the_fund_pays_in_the_same_save(refund, a):
    failed(refund, a, 2)
    refund.given(lambda case: case.instruct_compensation(a.id("refund"), Payer.MERCHANT, refund.at))
    facts = refund.when(refund.fail("refund", "pay-3")).then(CompensationFailed, CompensationInstructed)
    assert (facts[1].attempt, facts[1].payer) == (4, Payer.FUND)
    refund.when(refund.pay("refund", "pay-4")).then(
        CaseCompensated, RecoveryOpened, FollowUpScheduled, ClockStarted
    )


def test_what_the_fund_cannot_pay_waits_for_a_person(refund, a):
    failed(refund, a, 3)
    refund.when(refund.fail("refund", "pay-4")).then(CompensationFailed)


def test_the_fund_gives_no_goodwill_that_failed(story, a):
    story.in_review().decided(a.remedy(RemedyKind.POINTS, points=100))
    for number in (1, 2):
        story.given(
            story.fail("points", f"pay-{number}"),
            lambda case: case.instruct_compensation(a.id("points"), Payer.PLATFORM, story.at),
        )
    story.when(story.fail("points", "pay-3")).then(CompensationFailed)


def test_the_same_failure_again_records_nothing(refund):
    refund.given(refund.fail("refund")).when(refund.fail("refund")).nothing_happened()


def test_a_paid_line_cannot_fail(story):
    story.refunded().when(story.fail("refund", "pay-2")).refused(CompensationAlreadySettled)


def test_a_payment_under_way_is_not_instructed_again(refund, a):
    refund.when(lambda case: case.instruct_compensation(a.id("refund"), Payer.FUND, refund.at)).refused(
        CompensationNotSettled
    )


def test_a_paid_line_is_not_instructed_again(story, a):
    story.refunded().when(
        lambda case: case.instruct_compensation(a.id("refund"), Payer.FUND, story.at)
    ).refused(CompensationAlreadySettled)


def move(story, a, how, reference="SF-1"):
    return getattr(story, how)("return", reference)


def test_accepted_goods_release_the_money(returning, a):
    returning.when(move(returning, a, "ship")).then(GoodsShipped)
    returning.when(move(returning, a, "receive")).then(GoodsReceived, ClockStarted)
    returning.when(move(returning, a, "accept")).then(GoodsAccepted, ClockSatisfied, CompensationInstructed)
    returning.when(returning.pay("refund")).then(CaseCompensated, FollowUpScheduled, ClockStarted)


def test_goods_alone_settle_a_case(story, a):
    story.in_review().decided(a.remedy(RemedyKind.RETURN))
    story.given(move(story, a, "ship"), move(story, a, "receive"))
    story.when(move(story, a, "accept")).then(GoodsAccepted, ClockSatisfied, FollowUpScheduled, ClockStarted)


@pytest.mark.parametrize("how", ["receive", "accept"])
def test_goods_move_in_order(returning, a, how):
    returning.when(move(returning, a, how)).refused(WrongStage)


@pytest.mark.parametrize("steps", [["ship"], ["ship", "receive"], ["ship", "receive", "accept"]])
def test_the_same_movement_again_records_nothing(returning, a, steps):
    for step in steps:
        returning.given(move(returning, a, step))
    returning.when(move(returning, a, steps[-1])).nothing_happened()


def test_a_second_shipment_is_refused(returning, a):
    returning.given(move(returning, a, "ship")).when(move(returning, a, "ship", "SF-2")).refused(WrongStage)


def test_an_unknown_leg_is_refused(refund, a):
    refund.when(move(refund, a, "ship")).refused(UnknownPart)


def test_a_withdrawn_case_pays_no_more(refund, a):
    refund.given(refund.fail("refund"), lambda case: case.withdraw(a.text(), refund.at))
    refund.when(lambda case: case.instruct_compensation(a.id("refund"), Payer.FUND, refund.at)).refused(
        CompensationAlreadySettled
    )
