"""Cases that the clock ends: whose term passed, what must not stand any more, and how they begin again."""

from datetime import timedelta

import pytest

from domain.case.viewing import viewer_state
from domain.events import (
    CaseCompensated,
    CaseExpired,
    CaseReopened,
    ClockCancelled,
    ClockMissed,
    ClockStarted,
    CompensationReversed,
    FollowUpScheduled,
    GoodsLapsed,
)
from domain.policy.deadlines import reopening_closes
from domain.policy.derivation import shown
from domain.refusals import NotReopenable, WrongStage
from domain.values import (
    AppealAgainst,
    ClockKind,
    Exhibit,
    ExpiryGround,
    Party,
    Release,
    RemedyKind,
    ReopenGround,
    Side,
    Stage,
    ViewerState,
)

LAPSED = (ClockMissed, GoodsLapsed, CompensationReversed)
SETTLED = (FollowUpScheduled, ClockStarted)


def refund(a, name="refund"):
    """A refund that waits for the goods."""
    return a.remedy(RemedyKind.REFUND, name, amount=a.yuan(199), release=Release.GOODS_ACCEPTED)


def authorise(story, a, name="return"):
    return lambda case: case.authorise_return(story.merchant, a.id(name), None, story.policy, story.at)


def silent(story, a, name="return"):
    """The time to send this in passes."""
    clock = story.case.clocks.of(a.id(name))
    story.at = clock.due
    return lambda case: case.miss_clock(clock.clock_id, story.policy, clock.due)


def reopen(story, a, ground):
    return lambda case: case.reopen(ground, a.text(), story.policy, story.at)


def appeal(story, a):
    new = Exhibit(a.id("new"), "video", "1" * 64, a.text())
    return lambda case: case.appeal(
        story.merchant,
        a.id("appeal"),
        AppealAgainst.PENALTY,
        None,
        (),
        (new,),
        a.text(),
        story.policy,
        story.at,
    )


def penalise(story, a):
    return lambda case: case.penalise(
        story.reviewer, a.id("penalty"), 2, None, "S-1", a.text(), story.policy, story.at
    )


@pytest.fixture
def returning(story, a):
    """A refund waits for a return that the buyer may send in for seven days."""
    story.in_review().decided(refund(a), a.remedy(RemedyKind.RETURN))
    return story.given(authorise(story, a))


@pytest.fixture
def expired(returning, a):
    """The buyer sent nothing."""
    return returning.given(silent(returning, a))


# --- what ends by the clock ---


def test_a_case_expires_by_the_clause_whose_term_the_buyer_let_pass(returning, a):
    *_, expired = returning.when(silent(returning, a)).then(*LAPSED, CaseExpired)
    assert (expired.ground, expired.party, expired.clause, expired.goods) == (
        ExpiryGround.GOODS_NOT_SENT_IN,
        Side.BUYER,
        "O-8",
        (a.id("return"),),
    )
    (step,) = expired.derivation
    assert (step.rule, step.result, step.inputs["missed"]) == ("O-8", "expired", shown(returning.at))


def test_so_does_the_case_of_a_repair_that_the_buyer_never_sent_in(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REPAIR)).given(authorise(story, a, "repair"))
    *_, expired = story.when(silent(story, a, "repair")).then(ClockMissed, GoodsLapsed, CaseExpired)
    assert expired.goods == (a.id("repair"),)


def test_what_the_sides_agreed_on_expires_too(story, a):
    story.notified().given(
        story.offer(story.merchant, "offer", refund(a), a.remedy(RemedyKind.RETURN)),
        story.agree(story.buyer, "offer"),
        authorise(story, a),
    )
    story.when(silent(story, a)).then(*LAPSED, CaseExpired)


def test_a_buyer_to_whom_anything_else_was_granted_is_asked_how_it_went(story, a):
    story.in_review().decided(
        refund(a), a.remedy(RemedyKind.RETURN), a.remedy(RemedyKind.COUPON, amount=a.yuan(10))
    )
    story.given(authorise(story, a), story.pay("coupon"))
    story.when(silent(story, a)).then(*LAPSED, *SETTLED)


def test_a_case_waits_for_money_that_is_under_way_before_it_is_known_whether_anything_stands(story, a):
    story.in_review().decided(
        refund(a), a.remedy(RemedyKind.RETURN), a.remedy(RemedyKind.COUPON, amount=a.yuan(10))
    )
    story.given(authorise(story, a))
    story.when(silent(story, a)).then(*LAPSED)
    assert story.case.stage is Stage.EXECUTING
    story.when(story.pay("coupon")).then(CaseCompensated, *SETTLED)


def test_it_expires_once_the_rest_turns_out_to_be_a_mistake(story, a):
    story.in_review().decided(
        refund(a), a.remedy(RemedyKind.RETURN), a.remedy(RemedyKind.COUPON, amount=a.yuan(10))
    )
    story.given(authorise(story, a)).given(silent(story, a)).given(story.fail("coupon"))
    story.when(
        lambda case: case.reverse_compensation(a.id("coupon"), None, a.text(), story.policy, story.at)
    ).then(CompensationReversed, CaseExpired)


def test_nothing_is_due_any_more_that_the_case_asked_for(returning, a):
    due = returning.at + timedelta(days=30)
    returning.given(
        lambda case: case.make_promise(a.id("promise"), Party.MERCHANT, a.text(), due, returning.at)
    )
    *_, cancelled = returning.when(silent(returning, a)).then(*LAPSED, CaseExpired, ClockCancelled)
    assert cancelled.kind is ClockKind.PROMISE


def test_a_penalty_goes_on_counting_until_its_own_end(returning, a):
    returning.given(penalise(returning, a))
    returning.when(silent(returning, a)).then(*LAPSED, CaseExpired)
    assert returning.case.clocks.of(a.id("penalty"))


def test_nobody_has_anything_to_do_on_it(expired):
    assert not expired.case.open
    for side in (Side.BUYER, Side.MERCHANT, None):
        assert viewer_state(expired.case, side, expired.policy, expired.at) is ViewerState.RESOLVED


# --- how it begins again ---


def test_it_is_reopened_in_the_grace_period_of_a_closed_case(expired, a):
    expired.at = reopening_closes(expired.at, expired.policy).value - timedelta(seconds=1)
    expired.when(reopen(expired, a, ReopenGround.GRACE)).then(CaseReopened)


def test_and_not_a_moment_later(expired, a):
    expired.at = reopening_closes(expired.at, expired.policy).value
    expired.when(reopen(expired, a, ReopenGround.GRACE)).refused(NotReopenable)


def test_it_is_reopened_for_new_facts_at_any_time(expired, a):
    expired.later(days=400).when(reopen(expired, a, ReopenGround.NEW_FACTS)).then(CaseReopened)


def test_a_round_that_grants_nothing_is_followed_up_and_does_not_expire_again(expired, a):
    expired.given(reopen(expired, a, ReopenGround.NEW_FACTS)).claimed().verified()
    expired.decided(name="2")
    assert expired.case.stage is Stage.FOLLOWING_UP


def test_a_penalty_can_be_appealed_in_its_own_window_and_the_case_stays_expired(returning, a):
    returning.later(days=5).given(penalise(returning, a), silent(returning, a)).given(appeal(returning, a))
    assert returning.case.appeals.open()
    returning.given(
        lambda case: case.withdraw_appeal(returning.merchant, a.id("appeal"), returning.policy, returning.at)
    )
    assert returning.case.stage is Stage.EXPIRED


def test_an_expired_case_is_not_withdrawn(expired, a):
    expired.when(lambda case: case.withdraw(a.text(), expired.at)).refused(WrongStage)
