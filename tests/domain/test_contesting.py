"""A side need not have a decision that no person had a part in."""

from datetime import timedelta

import pytest

from domain.case.appealing import Judgement
from domain.events import (
    CaseCompensated,
    CaseReleased,
    ClockCancelled,
    ClockStarted,
    CompensationRecalled,
    CompensationReversed,
    DecisionIssued,
    FollowUpScheduled,
    HumanReviewDemanded,
    PenaltyReversed,
    RecoveryOpened,
    RectificationWaived,
)
from domain.refusals import (
    CompensationExceedsEntitlement,
    DecisionMissing,
    DecisionNotAutomated,
    HumanReviewWindowOver,
    WrongStage,
)
from domain.values import (
    AppealAgainst,
    Claim,
    ClockKind,
    Exhibit,
    Finding,
    LiableParty,
    PenaltyReversalCause,
    PenaltyState,
    RectificationState,
    Release,
    RemedyKind,
    ReopenGround,
    Resolution,
    SuspensionGround,
)

R = RemedyKind
FOLLOWED_UP = (FollowUpScheduled, ClockStarted)


def defaulted(story, **filing):
    return story.notified(**filing).later(hours=24).given(story.miss(ClockKind.ANSWER))


def paying(story):
    """The one line of money on the case."""
    (line,) = story.case.money.lines.values()
    return line


def paid(story):
    return lambda case: case.confirm_compensation(
        paying(story).compensation_id, "pay-1", story.at, None, story.policy, story.at
    )


def failed(story, a):
    return lambda case: case.fail_compensation(
        paying(story).compensation_id, "pay-1", a.text(), story.policy, story.at
    )


def contest(story, by=None):
    return story.demand_review(by or story.merchant)


def test_people_decide_anew_and_what_is_under_way_comes_to_its_end(story):
    defaulted(story)
    demanded, _ = story.when(contest(story)).then(HumanReviewDemanded, ClockCancelled)
    assert (demanded.party, demanded.round, demanded.cancelled) == ("merchant", 2, ())
    assert demanded.derivation[0].rule == "M-4"
    assert (story.case.stage, story.case.round) == ("in_review", 2)
    story.when(paid(story)).then(CaseCompensated)
    assert story.case.stage == "in_review"


def test_what_was_paid_stands_where_people_find_the_same(story, a):
    defaulted(story).given(paid(story), contest(story, story.buyer)).claimed().verified()
    again = a.remedy(R.REFUND, amount=a.yuan(1))
    story.when(story.decide(again)).refused(CompensationExceedsEntitlement)
    story.when(story.decide()).then(DecisionIssued, CaseReleased, *FOLLOWED_UP)
    assert story.case.money.amount_of(R.REFUND) == 19_900
    assert story.asked().when(story.close(Resolution.COMPENSATED)).accepted()


@pytest.mark.parametrize("finding", [Finding.NOT_UPHELD, Finding.INCONCLUSIVE])
def test_what_was_paid_is_asked_back_where_people_find_that_nothing_is_due(story, finding):
    defaulted(story).given(paid(story), contest(story)).claimed().verified(finding, None)
    _, reversed_, recovery, *_ = story.when(story.decide()).then(
        DecisionIssued, CompensationReversed, RecoveryOpened, CaseReleased, *FOLLOWED_UP
    )
    assert (reversed_.cause, recovery.cause, recovery.debtor) == ("human_review", "human_review", "buyer")


def test_what_is_still_under_way_then_is_reversed_when_its_outcome_is_known(story):
    defaulted(story).given(contest(story)).claimed().verified(Finding.NOT_UPHELD, None)
    story.when(story.decide()).then(DecisionIssued, CompensationRecalled, CaseReleased)
    story.when(paid(story)).then(CaseCompensated, CompensationReversed, RecoveryOpened, *FOLLOWED_UP)


def test_a_line_that_failed_falls_with_the_demand(story, a):
    defaulted(story).given(failed(story, a))
    facts = story.when(contest(story)).then(HumanReviewDemanded, ClockCancelled, CompensationReversed)
    assert facts[2].cause == "human_review"
    story.claimed().verified()
    assert story.when(story.decide(a.remedy(R.REFUND, amount=a.yuan(199)))).accepted()


def test_money_that_waits_for_goods_falls_with_them(story, a):
    defaulted(story, claim=Claim((R.RETURN, R.REFUND), a.yuan(199)))
    (leg,) = story.case.goods.legs
    facts = story.when(contest(story)).then(HumanReviewDemanded, CompensationReversed)
    assert facts[0].cancelled == (leg,)
    assert story.case.goods.settled
    assert story.case.money.settled


def test_goods_that_were_to_be_sent_are_not_timed_any_more(story):
    defaulted(story, claim=Claim((R.REPLACEMENT,)))
    assert story.case.clocks.of_kind(ClockKind.GOODS_SHIPMENT)
    story.when(contest(story)).then(HumanReviewDemanded, ClockCancelled)


def test_a_case_in_follow_up_and_a_closed_one_are_taken_up_again(story):
    defaulted(story).given(paid(story))
    story.when(contest(story)).then(HumanReviewDemanded, ClockCancelled)
    assert story.case.follow_ups.current() is None


def test_even_when_it_is_closed(story):
    defaulted(story).given(paid(story)).asked().closed()
    story.when(contest(story, story.buyer)).then(HumanReviewDemanded)
    assert story.case.stage == "in_review"


def test_within_seven_days_of_the_decision(story):
    """The seventh day after 2026-11-11 ends when the 19th begins in Shanghai: twelve hours after noon."""
    defaulted(story).later(days=7, hours=12, microseconds=-1)
    assert story.when(contest(story)).accepted()


def test_and_not_after_them(story):
    defaulted(story).later(days=7, hours=12).when(contest(story)).refused(HumanReviewWindowOver)


@pytest.mark.parametrize(("left", "in_time"), [({"microseconds": -1}, True), ({}, False)])
def test_time_in_which_the_case_rested_does_not_count(story, a, left, in_time):
    defaulted(story).given(
        lambda case: case.suspend(
            story.reviewer, SuspensionGround.SETTLEMENT, a.text(), story.policy, story.at
        )
    )
    story.later(days=20).given(lambda case: case.resume(a.text(), story.policy, story.at))
    story.later(days=7, hours=12).later(**left).when(contest(story))
    if in_time:
        assert story.accepted()
    else:
        story.refused(HumanReviewWindowOver)


def test_once(story):
    defaulted(story).given(contest(story)).when(contest(story, story.buyer)).refused(WrongStage)


def test_what_people_decided_is_appealed_against_instead(story):
    defaulted(story).given(paid(story), contest(story)).claimed().verified().decided()
    story.when(contest(story)).refused(DecisionNotAutomated)


def penalised(story, a):
    """The merchant paid by the system's decision, and was penalised and told to rectify because of it."""
    return (
        defaulted(story)
        .given(paid(story))
        .given(
            lambda case: case.penalise(
                story.supervisor, a.id("penalty"), 2, None, "S-1", a.text(), story.policy, story.at
            ),
            lambda case: case.order_rectification(
                a.id("duty"), a.text(), story.at + timedelta(days=30), story.at
            ),
        )
    )


def counts(story, a):
    return (story.case.penalties[a.id("penalty")].state, story.case.rectification.state)


STANDS = (PenaltyState.LIVE, RectificationState.ORDERED)
FELL = (PenaltyState.REVERSED, RectificationState.WAIVED)


def test_a_penalty_counts_until_people_have_decided(story, a):
    penalised(story, a).given(contest(story)).claimed().verified()
    assert counts(story, a) == STANDS


def test_and_stands_when_they_decide_the_same(story, a):
    penalised(story, a).given(contest(story)).claimed().verified()
    issued, *_ = story.when(story.decide()).then(DecisionIssued, CaseReleased, *FOLLOWED_UP)
    assert issued.replaces is None
    assert counts(story, a) == STANDS


def test_it_falls_when_they_find_that_nothing_is_due(story, a):
    penalised(story, a).given(contest(story)).claimed().verified(Finding.NOT_UPHELD, None)
    system = story.case.decision.decision_id
    issued, *_, fell, _, waived, _ = story.when(story.decide()).then(
        DecisionIssued,
        CompensationReversed,
        RecoveryOpened,
        PenaltyReversed,
        ClockCancelled,
        RectificationWaived,
        ClockCancelled,
        CaseReleased,
        *FOLLOWED_UP,
    )[:-3]
    assert issued.replaces == system
    assert (fell.cause, fell.appeal_id) == (PenaltyReversalCause.HUMAN_REVIEW, None)
    assert (waived.reasons, waived.appeal_id) == (None, None)
    assert counts(story, a) == FELL


def test_it_falls_when_somebody_else_is_found_liable(story, a):
    penalised(story, a).given(contest(story)).claimed().verified(liable=LiableParty.COURIER).decided()
    assert counts(story, a) == FELL


def test_it_falls_when_they_grant_more(story, a):
    penalised(story, a).given(contest(story)).claimed().verified()
    story.decided(a.remedy(R.FREIGHT, amount=a.yuan(10)))
    assert counts(story, a) == FELL


def test_what_had_to_be_granted_anew_is_the_same_when_it_is_just_that(story, a):
    defaulted(story, claim=Claim((R.RETURN, R.REFUND), a.yuan(199))).given(
        lambda case: case.penalise(
            story.supervisor, a.id("penalty"), 2, None, "S-1", a.text(), story.policy, story.at
        ),
        contest(story),
    )
    story.claimed().verified()
    back, refund = a.remedy(R.RETURN), a.remedy(R.REFUND, amount=a.yuan(199), release=Release.GOODS_ACCEPTED)
    issued, *_ = story.when(story.decide(back, refund)).then(DecisionIssued, CaseReleased)
    assert issued.replaces is None


def test_a_penalty_that_people_let_stand_falls_with_their_own_decision(story, a):
    penalised(story, a).given(contest(story)).claimed().verified().decided()
    new = Exhibit(a.id("new"), "video", "1" * 64, a.text())
    judgement = Judgement(story.other_reviewer, None, ("Q-1",), a.text())
    story.given(
        lambda case: case.appeal(
            story.merchant,
            a.id("appeal"),
            AppealAgainst.DECISION,
            None,
            (),
            (new,),
            a.text(),
            story.policy,
            story.at,
        ),
        lambda case: case.claim(story.other_reviewer, story.policy, story.at),
        lambda case: case.overturn(judgement, a.id("appeal"), story.policy, story.at),
    )
    assert counts(story, a) == FELL


def test_another_round_of_what_people_decided_replaces_nothing(story, a):
    penalised(story, a).given(contest(story)).claimed().verified().decided()
    story.given(lambda case: case.reopen(ReopenGround.NEW_FACTS, a.text(), story.policy, story.at))
    story.claimed().verified(Finding.NOT_UPHELD, None).decided(name="2")
    assert story.case.decision.replaces is None
    assert counts(story, a) == STANDS


def test_nothing_decided_nothing_demanded(story):
    story.notified().when(contest(story)).refused(DecisionMissing)


@pytest.mark.parametrize(("hours", "open_to"), [(0, True), (24 * 9, False)])
def test_the_case_offers_it_as_long_as_it_is_open(story, hours, open_to):
    defaulted(story).later(hours=hours)
    assert ("human-review" in story.case.possible(story.merchant, story.policy, story.at)) is open_to
