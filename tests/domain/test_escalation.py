"""When the platform is asked, and what a merchant's silence leads to."""

import pytest

from domain.events import (
    CaseEscalated,
    CaseReleased,
    ClockCancelled,
    ClockMissed,
    ClockSatisfied,
    ClockStarted,
    CompensationInstructed,
    DecisionIssued,
    MerchantAnswered,
    MerchantDefaulted,
    OfferAccepted,
    PlatformSteppedIn,
    ProposalVoided,
)
from domain.refusals import (
    CaseAlreadyClosed,
    CaseAlreadyEscalated,
    ClockOpen,
    EscalationTooEarly,
    EscalationWindowOver,
    NotYourTurn,
    WrongStage,
)
from domain.values import (
    Claim,
    ClockKind,
    EscalationGround,
    RemedyKind,
    Resolution,
    Side,
    Stance,
    SuspensionGround,
)

R = RemedyKind
DEFAULTED = (ClockMissed, MerchantDefaulted, PlatformSteppedIn)
DECIDED = (*DEFAULTED, DecisionIssued, CompensationInstructed, ClockStarted)


def answered(story, stance=Stance.DISPUTES):
    return story.notified().given(story.answer(stance))


def escalated(story):
    return answered(story, Stance.REFUSES).given(story.escalate(story.buyer))


def ground(story):
    facts = [fact for fact in story._facts if isinstance(fact, CaseEscalated)]
    return facts[-1].ground


# --- when ----------------------------------------------------------------------------------------------


def test_after_24_hours_of_negotiation_the_platform_may_be_asked(story):
    answered(story).later(hours=24, microseconds=-1)
    story.when(story.escalate(story.buyer)).refused(EscalationTooEarly)
    story.later(microseconds=1)
    asked, clock = story.when(story.escalate(story.buyer)).then(CaseEscalated, ClockStarted)
    assert (asked.party, asked.ground) == (Side.BUYER, EscalationGround.NO_AGREEMENT)
    assert asked.derivation[0].rule == "M-5"
    assert (clock.kind, clock.derivation[0].rule) == (ClockKind.ANSWER, "M-1")
    assert (story.case.stage, story.case.negotiation.turn) == ("negotiating", Side.MERCHANT)


def test_after_a_refusal_at_once(story):
    answered(story, Stance.REFUSES).when(story.escalate(story.buyer)).then(CaseEscalated, ClockStarted)
    assert ground(story) is EscalationGround.REFUSED


def test_within_15_days_of_the_refusal(story):
    """The fifteenth day after 2026-11-10 ends when the 26th begins in Shanghai: sixteen hours after noon."""
    answered(story, Stance.REFUSES).later(days=15, hours=12, microseconds=-1)
    assert story.when(story.escalate(story.buyer)).accepted()


def test_and_not_after_them(story):
    answered(story, Stance.REFUSES).later(days=15, hours=12)
    story.when(story.escalate(story.buyer)).refused(EscalationWindowOver)


@pytest.mark.parametrize(("left", "in_time"), [({"microseconds": -1}, True), ({}, False)])
def test_time_in_which_the_case_rested_does_not_count(story, a, left, in_time):
    answered(story, Stance.REFUSES).given(
        lambda case: case.suspend(
            story.reviewer, SuspensionGround.SETTLEMENT, a.text(), story.policy, story.at
        )
    )
    story.later(days=20).given(lambda case: case.resume(a.text(), story.policy, story.at))
    story.later(days=15, hours=12).later(**left).when(story.escalate(story.buyer))
    if in_time:
        assert story.accepted()
    else:
        story.refused(EscalationWindowOver)


def test_who_is_refused_may_ask_not_who_refuses(story, a):
    refund = a.remedy(R.REFUND, amount=a.yuan(1))
    story.notified().given(story.offer(story.merchant, "first", refund), story.decline(story.buyer, "first"))
    story.when(story.escalate(story.buyer)).refused(EscalationTooEarly)
    story.when(story.escalate(story.merchant)).then(CaseEscalated)


def test_who_makes_an_offer_refuses_no_longer(story, a):
    refund = a.remedy(R.REFUND, amount=a.yuan(1))
    answered(story, Stance.REFUSES).given(story.offer(story.buyer, "first", refund))
    story.given(story.offer(story.merchant, "second", refund))
    story.when(story.escalate(story.buyer)).refused(EscalationTooEarly)


def test_silence_is_a_ground(story, a):
    answered(story).given(story.offer(story.buyer, "first", a.remedy(R.REFUND, amount=a.yuan(1))))
    story.later(hours=24)
    story.when(story.escalate(story.buyer)).then(CaseEscalated, ClockCancelled, ClockStarted)
    assert ground(story) is EscalationGround.SILENCE


def test_a_merchant_that_asks_has_said_what_it_says(story):
    answered(story).later(hours=24)
    story.when(story.escalate(story.merchant)).then(CaseEscalated)
    assert (ground(story), story.case.negotiation.turn) == (EscalationGround.SILENCE, Side.BUYER)


def test_the_platform_is_asked_once(story):
    escalated(story).when(story.escalate(story.merchant)).refused(CaseAlreadyEscalated)


def test_and_only_where_the_sides_have_talked(story):
    story.filed().when(story.escalate(story.buyer)).refused(WrongStage)


def test_an_answer_that_is_awaited_is_not_put_off_by_asking(story):
    """Whoever asks at the very moment at which the merchant's time ends gives it no second day."""
    story.notified().later(hours=24)
    story.when(story.escalate(story.buyer)).then(CaseEscalated)
    story.when(story.miss(ClockKind.ANSWER)).then(*DECIDED)


def test_the_sides_may_still_agree_after_asking(story):
    escalated(story).when(story.answer(Stance.AGREES)).then(
        MerchantAnswered, ClockSatisfied, OfferAccepted, CompensationInstructed, ClockStarted
    )


# --- silence -------------------------------------------------------------------------------------------


def test_a_silent_merchant_is_decided_against_by_the_system_at_once(story, a):
    story.notified().later(hours=24)
    facts = story.when(story.miss(ClockKind.ANSWER)).then(*DECIDED)
    _, default, stepped_in, decision, paying, clock = facts
    assert (default.clause, default.derivation[0].result) == ("M-1", "defaulted")
    assert (stepped_in.by, decision.by, decision.automated) == ("system", "system", True)
    assert (decision.clauses, decision.reasons) == (("M-1",), None)
    assert paying.amount == a.yuan(199)
    assert (clock.kind, (clock.due - story.at).total_seconds() / 3600) == (ClockKind.EXECUTION, 24)
    assert (story.case.stage, story.case.negotiation.defaulted) == ("executing", True)


def test_its_decision_says_how_the_amount_came_about(story):
    story.notified().later(hours=24)
    decision = story.when(story.miss(ClockKind.ANSWER)).then(*DECIDED)[3]
    window, *said = [(step.rule, step.result) for step in decision.derivation]
    assert window == ("M-4", "2026-11-18T16:00:00Z")
    assert said == [("RF-1", 19_900), ("M-1", 19_900)]


def test_silence_grants_no_more_than_the_buyer_is_entitled_to(story, a):
    story.notified(claim=Claim((R.REFUND,), a.yuan(500))).later(hours=24)
    assert story.when(story.miss(ClockKind.ANSWER)).then(*DECIDED)[4].amount == a.yuan(199)


def test_silence_grants_the_goods_that_were_claimed(story, a):
    story.notified(claim=Claim((R.RETURN, R.REFUND), a.yuan(199))).later(hours=24)
    decision = story.when(story.miss(ClockKind.ANSWER)).then(*DEFAULTED, DecisionIssued)[3]
    assert [one.kind for one in decision.remedies] == [R.RETURN, R.REFUND]


@pytest.mark.parametrize("claim", [Claim(()), Claim((R.COUPON,)), Claim((R.MULTIPLE,))])
def test_what_only_people_can_grant_people_decide(story, claim):
    story.notified(claim=claim).later(hours=24)
    story.when(story.miss(ClockKind.ANSWER)).then(*DEFAULTED)
    assert (story.case.stage, story.case.decision) == ("in_review", None)


def test_silence_after_escalation_is_decided_the_same_way(story):
    escalated(story).later(hours=24).when(story.miss(ClockKind.ANSWER)).then(*DECIDED)


def test_where_people_are_at_it_they_decide_with_the_default_on_file(story):
    escalated(story).claimed().later(hours=24)
    story.when(story.miss(ClockKind.ANSWER)).then(ClockMissed, MerchantDefaulted)
    assert (story.case.stage, story.case.negotiation.defaulted) == ("in_review", True)


def test_a_merchant_may_answer_in_a_review_that_waits_for_it(story):
    escalated(story).claimed().when(story.answer(Stance.DISPUTES)).then(MerchantAnswered, ClockSatisfied)
    story.when(story.answer(Stance.DISPUTES)).refused(NotYourTurn)


def test_a_merchant_that_agrees_in_a_review_ends_it(story):
    escalated(story).claimed().verified()
    facts = story.when(story.answer(Stance.AGREES)).then(
        MerchantAnswered, ClockSatisfied, OfferAccepted, CaseReleased, CompensationInstructed, ClockStarted
    )
    assert facts[3].cause == "agreed"
    assert (story.case.stage, story.case.lease) == ("executing", None)


def test_what_is_agreed_needs_no_second_person_any_more(story, a):
    much = a.yuan(9000)
    story.notified(paid=much, claim=Claim((R.REFUND,), much))
    story.given(story.answer(Stance.REFUSES), story.escalate(story.buyer)).claimed().verified()
    story.decided(a.remedy(R.REFUND, amount=much))
    story.when(story.answer(Stance.AGREES)).then(
        MerchantAnswered, ClockSatisfied, ProposalVoided, OfferAccepted, CompensationInstructed, ClockStarted
    )


def test_a_decision_waits_for_no_answer(story, a):
    escalated(story).claimed().verified().decided(a.remedy(R.REFUND, amount=a.yuan(199)))
    assert not story.case.clocks.of_kind(ClockKind.ANSWER)


def test_what_the_system_decided_is_done_when_it_is_paid(story, a):
    story.notified().later(hours=24)
    _, _, _, _, paying, _ = story.when(story.miss(ClockKind.ANSWER)).then(*DECIDED)
    story.given(
        lambda case: case.confirm_compensation(
            paying.compensation_id, "pay-1", story.at, None, story.policy, story.at
        )
    )
    assert story.case.stage == "following_up"
    assert not story.case.clocks.of_kind(ClockKind.EXECUTION)


def test_what_is_not_done_in_time_is_missed(story):
    story.notified().later(hours=24).given(story.miss(ClockKind.ANSWER)).later(hours=24)
    story.when(story.miss(ClockKind.EXECUTION)).then(ClockMissed)


# --- what the case offers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "who", "open_to"),
    [
        ("notified", "merchant", {"answers", "offers"}),
        ("notified", "buyer", set()),
        ("refused", "merchant", set()),
        ("refused", "buyer", {"offers", "escalation"}),
        ("escalated", "merchant", {"answers", "offers"}),
        ("escalated", "buyer", set()),
        ("in review", "merchant", {"answers"}),
    ],
)
def test_the_case_offers_each_side_what_is_its_turn(story, way, who, open_to):
    ways = {
        "notified": lambda: story.notified(),
        "refused": lambda: answered(story, Stance.REFUSES),
        "escalated": lambda: escalated(story),
        "in review": lambda: escalated(story).claimed(),
    }
    ways[way]()
    possible = story.case.possible(getattr(story, who), story.policy, story.at)
    assert set(possible) & {"answers", "offers", "escalation", "notice"} == open_to


# --- closing -------------------------------------------------------------------------------------------


def test_a_duty_clock_that_runs_keeps_the_case_open(story, a):
    escalated(story).claimed().when(story.close(Resolution.ANSWERED)).refused(ClockOpen)
    story.given(story.answer(Stance.DISPUTES))
    assert story.when(story.close(Resolution.ANSWERED)).accepted()


def test_a_closed_case_refuses_what_the_sides_say(story, a):
    story.refunded().asked().closed()
    for command in (
        story.notify(),
        story.answer(Stance.AGREES),
        story.offer(story.merchant, "first"),
        story.agree(story.buyer, "first"),
        story.decline(story.buyer, "first"),
        story.escalate(story.buyer),
        story.promise(),
    ):
        story.when(command).refused(CaseAlreadyClosed)
