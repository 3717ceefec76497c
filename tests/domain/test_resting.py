"""A case that rests: its clocks stand still, and it goes on where it was with what was left."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.events import (
    CaseResumed,
    CaseSuspended,
    ClockCancelled,
    ClockMissed,
    ClockPaused,
    ClockResumed,
    ClockSatisfied,
    ClockStarted,
    FollowUpScheduled,
    SuspensionConfirmed,
)
from domain.refusals import CaseAlreadyClosed, OfferNotOpen, ReceiptNotAwaited, UnknownPart, WrongStage
from domain.values import ClockKind, Party, RemedyKind, ResumeCause, Stage, SuspensionGround


def suspend(story, a, ground=SuspensionGround.SETTLEMENT):
    return lambda case: case.suspend(story.reviewer, ground, a.text(), story.policy, story.at)


def resume(story, a):
    return lambda case: case.resume(a.text(), story.policy, story.at)


def confirm(story, a):
    return lambda case: case.confirm_suspension(a.id("receipt"), story.policy, story.at)


def receipt(story, a):
    return lambda case: case.submit_evidence(
        story.agent,
        a.id("receipt"),
        Party.PLATFORM,
        "court_receipt",
        "0" * 64,
        a.text(),
        None,
        story.at,
    )


def lapse(story):
    (clock,) = [one for one in story.case.clocks.running.values() if one.kind == "suspension"]
    return lambda case: case.miss_clock(clock.clock_id, story.policy, story.at)


def test_a_case_rests_with_its_clocks_paused(story, a):
    story.refunded()
    suspended, paused, _ = story.when(suspend(story, a)).then(CaseSuspended, ClockPaused, ClockStarted)
    assert paused.seconds_left == timedelta(days=3).total_seconds()
    assert suspended.resumes is Stage.FOLLOWING_UP
    assert story.case.stage is Stage.SUSPENDED
    assert [clock.kind for clock in story.case.clocks.running.values()] == ["suspension"]


def test_a_resumed_case_goes_on_where_it_was_with_what_was_left(story, a):
    story.refunded().later(days=1).given(suspend(story, a)).later(days=10)
    facts = story.when(resume(story, a)).then(CaseResumed, ClockCancelled, ClockResumed)
    assert facts[2].due == story.at + timedelta(days=2)
    assert story.case.stage is Stage.FOLLOWING_UP


def test_an_offer_can_still_be_agreed_to_with_what_was_left_of_its_time(story, a):
    story.notified().given(
        story.offer(story.merchant, "offer", a.remedy(RemedyKind.REFUND, amount=a.yuan(9)))
    )
    story.later(hours=1).given(suspend(story, a)).later(days=10).given(resume(story, a))
    story.later(hours=22, minutes=59)
    assert story.when(story.agree(story.buyer, "offer")).accepted()


def test_and_no_longer_when_that_is_over(story, a):
    story.notified().given(
        story.offer(story.merchant, "offer", a.remedy(RemedyKind.REFUND, amount=a.yuan(9)))
    )
    story.later(hours=1).given(suspend(story, a)).later(days=10).given(resume(story, a))
    story.later(hours=23).when(story.agree(story.buyer, "offer")).refused(OfferNotOpen)


def test_a_return_may_be_sent_as_long_as_its_clock_runs(story, a):
    story.in_review().decided(a.remedy(RemedyKind.RETURN)).given(
        lambda case: case.authorise_return(story.merchant, a.id("return"), None, story.policy, story.at)
    )
    story.given(suspend(story, a)).later(days=10).given(resume(story, a))
    (clock,) = story.case.clocks.of_kind(ClockKind.GOODS_SHIPMENT)
    assert story.case.goods.leg(a.id("return")).ship_by == clock.due


@pytest.mark.parametrize(
    ("ground", "until"),
    [
        # Thirty whole days after 10 November in Shanghai; seven working days are up with Thursday the 19th.
        (SuspensionGround.SETTLEMENT, datetime(2026, 12, 10, 16, tzinfo=UTC)),
        (SuspensionGround.COURT, datetime(2026, 11, 19, 16, tzinfo=UTC)),
        (SuspensionGround.POLICE, datetime(2026, 11, 19, 16, tzinfo=UTC)),
    ],
)
def test_the_ground_says_how_long_a_case_rests(story, a, ground, until):
    suspended, clock = story.in_review().when(suspend(story, a, ground)).then(CaseSuspended, ClockStarted)
    assert suspended.until == clock.due == until
    assert clock.derivation[0].rule == "M-6"


def test_a_suspension_lapses_by_its_clock(story, a):
    story.in_review().given(suspend(story, a, SuspensionGround.COURT)).later(days=9, hours=12)
    _, resumed = story.when(lapse(story)).then(ClockMissed, CaseResumed)
    assert resumed.cause is ResumeCause.LAPSED
    assert story.case.stage is Stage.IN_REVIEW


def test_a_court_receipt_lets_the_case_rest_without_a_term(story, a):
    story.in_review().given(suspend(story, a, SuspensionGround.COURT), receipt(story, a))
    confirmed, _ = story.when(confirm(story, a)).then(SuspensionConfirmed, ClockSatisfied)
    assert confirmed.until is None
    assert not story.case.clocks.running


def test_the_silence_of_the_police_ends_the_rest_after_six_months(story, a):
    story.in_review().given(suspend(story, a, SuspensionGround.POLICE), receipt(story, a))
    _, _, clock = story.when(confirm(story, a)).then(SuspensionConfirmed, ClockSatisfied, ClockStarted)
    assert clock.due == datetime(2027, 5, 10, 16, tzinfo=UTC)


def test_settlement_talks_await_no_receipt(story, a):
    story.in_review().given(suspend(story, a), receipt(story, a)).when(confirm(story, a)).refused(
        ReceiptNotAwaited
    )


def test_one_receipt_is_enough(story, a):
    story.in_review().given(suspend(story, a, SuspensionGround.COURT), receipt(story, a), confirm(story, a))
    story.when(confirm(story, a)).refused(ReceiptNotAwaited)


def test_a_receipt_is_evidence_on_file(story, a):
    story.in_review().given(suspend(story, a, SuspensionGround.COURT)).when(confirm(story, a)).refused(
        UnknownPart
    )


def test_money_that_is_paid_meanwhile_settles_the_case_when_it_goes_on(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(199)))
    story.given(suspend(story, a), story.pay("refund"))
    assert story.case.stage is Stage.SUSPENDED
    story.when(resume(story, a)).then(CaseResumed, ClockCancelled, FollowUpScheduled, ClockStarted)


def test_a_penalty_expires_while_the_case_rests(story, a):
    story.refunded().given(
        lambda case: case.penalise(
            story.reviewer, a.id("p"), 1, None, "S-1", a.text(), story.policy, story.at
        ),
        suspend(story, a),
    )
    assert {clock.kind for clock in story.case.clocks.running.values()} == {"penalty_expiry", "suspension"}


def test_a_case_at_rest_is_not_decided(story, a):
    story.in_review().given(suspend(story, a)).when(lambda case: case.withdraw(a.text(), story.at)).refused(
        WrongStage
    )


def test_a_case_that_does_not_rest_is_not_resumed(story, a):
    story.filed().when(resume(story, a)).refused(WrongStage)


def test_a_closed_case_does_not_rest(story, a):
    story.refunded().asked().closed().when(suspend(story, a)).refused(CaseAlreadyClosed)
