"""By when a case is to be reviewed or executed (M-3): stated by the facts that make it so."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.case.appealing import Judgement
from domain.policy import pack
from domain.policy.calendar import Term
from domain.values import (
    AppealAgainst,
    ClockKind,
    Exhibit,
    RemedyKind,
    ReopenGround,
    Stance,
    SuspensionGround,
)

DAY = timedelta(days=1)


def last(story, name):
    """The last fact of this name."""
    return next(fact for fact in reversed(story._facts) if type(fact).__name__ == name)


def refunded(story, a):
    return story.decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(199)))


def appeal(story, a):
    new = Exhibit(a.id("new"), "video", "1" * 64, a.text())
    return lambda case: case.appeal(
        story.merchant,
        a.id("appeal"),
        AppealAgainst.DECISION,
        None,
        (),
        (new,),
        a.text(),
        story.policy,
        story.at,
    )


def judged(story, a, how):
    judgement = Judgement(story.other_reviewer, None, ("Q-1",), a.text())
    story.given(appeal(story, a), lambda case: case.claim(story.other_reviewer, story.policy, story.at))
    return story.given(lambda case: getattr(case, how)(judgement, a.id("appeal"), story.policy, story.at))


def test_a_filed_case_is_to_be_reviewed_in_two_days_and_whoever_takes_it_up_gains_no_time(story):
    story.filed()
    assert last(story, "CaseFiled").due == story.at + 2 * DAY
    story.later(hours=20).claimed()
    assert last(story, "PlatformSteppedIn").due is None


def test_the_terms_are_those_of_the_policy(story, a):
    rule = story.policy.needed(pack.EXECUTION)
    slower = replace(rule, terms=pack.Execution(review=Term(72), execute=Term(36)))
    story.policy = replace(story.policy, rules={**story.policy.rules, "M-3": slower})
    refunded(story.in_review(), a)
    assert last(story, "CaseFiled").due == story.at + 3 * DAY
    assert last(story, "DecisionIssued").due == story.at + 1.5 * DAY


def test_a_negotiated_case_is_to_be_reviewed_from_when_it_is_taken_up(story):
    story.notified().later(hours=30).claimed()
    assert last(story, "PlatformSteppedIn").due == story.at + 2 * DAY


def test_or_from_when_a_side_asked_for_it(story):
    story.notified().given(story.answer(Stance.REFUSES), story.escalate(story.buyer))
    assert last(story, "CaseEscalated").due == story.at + 2 * DAY
    story.later(hours=5).claimed()
    assert last(story, "PlatformSteppedIn").due is None


def test_what_is_granted_is_to_be_executed_within_a_day(story, a):
    refunded(story.in_review(), a)
    assert last(story, "DecisionIssued").due == story.at + DAY


@pytest.mark.parametrize("stance", [Stance.AGREES, None])
def test_also_what_the_sides_agree_on_and_what_silence_decides(story, stance):
    story.notified()
    if stance:
        story.given(story.answer(stance))
    else:
        story.later(hours=24).given(story.miss(ClockKind.ANSWER))
    assert last(story, "OfferAccepted" if stance else "DecisionIssued").due == story.at + DAY


@pytest.mark.parametrize("ground", [ReopenGround.NEW_FACTS, ReopenGround.GRACE])
def test_another_round_is_to_be_reviewed_anew(story, a, ground):
    story.refunded().later(days=3)
    story.given(lambda case: case.reopen(ground, a.text(), story.policy, story.at))
    assert last(story, "CaseReopened").due == story.at + 2 * DAY


def test_so_is_one_that_people_are_to_decide(story):
    story.notified().later(hours=24).given(story.miss(ClockKind.ANSWER)).later(hours=1)
    story.given(story.demand_review(story.merchant))
    assert last(story, "HumanReviewDemanded").due == story.at + 2 * DAY


def test_and_one_whose_decision_cannot_be_carried_out(story, a):
    story.in_review().decided(a.remedy(RemedyKind.RESEND)).later(hours=24)
    story.given(story.miss(ClockKind.GOODS_SHIPMENT))
    assert last(story, "ExecutionFailed").due == story.at + 2 * DAY


@pytest.mark.parametrize(
    ("way", "days"),
    [
        (lambda story, a: story.in_review(), 2),
        (lambda story, a: refunded(story.in_review(), a), 1),
        (lambda story, a: story.notified(), None),
        (lambda story, a: story.refunded(), None),
        (
            lambda story, a: story.notified().given(
                story.answer(Stance.REFUSES), story.escalate(story.buyer)
            ),
            2,
        ),
    ],
)
def test_a_case_that_rested_has_its_time_anew_if_it_had_one(story, a, way, days):
    way(story, a).given(
        lambda case: case.suspend(
            story.reviewer, SuspensionGround.SETTLEMENT, a.text(), story.policy, story.at
        )
    )
    story.later(days=2).given(lambda case: case.resume(a.text(), story.policy, story.at))
    assert last(story, "CaseResumed").due == (days and story.at + days * DAY)


@pytest.mark.parametrize(("how", "fact", "days"), [("uphold", "Upheld", 1), ("overturn", "Overturned", 2)])
def test_what_an_appeal_interrupted_has_its_time_anew(story, a, how, fact, days):
    refunded(story.in_review(), a).later(hours=5)
    judged(story, a, how)
    assert last(story, "AppealFiled").due == story.at + 2 * DAY
    assert last(story, f"Decision{fact}").due == story.at + days * DAY


def test_a_buyer_is_asked_after_an_appeal_when_it_was_due(story, a):
    judged(story.refunded(), a, "uphold")
    assert last(story, "DecisionUpheld").due is None
