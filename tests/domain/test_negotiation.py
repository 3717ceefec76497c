"""Notice, answer, offers and their replies: turn by turn, until the sides agree."""

import pytest

from domain.events import (
    CaseClaimed,
    ClockCancelled,
    ClockMissed,
    ClockSatisfied,
    ClockStarted,
    CompensationInstructed,
    FollowUpScheduled,
    MerchantAnswered,
    NoticeDelivered,
    OfferAccepted,
    OfferDeclined,
    OfferLapsed,
    OfferMade,
    PlatformSteppedIn,
)
from domain.refusals import (
    AnswerOverdue,
    CompensationExceedsEntitlement,
    DecisionMissing,
    NotYourTurn,
    OfferNotOpen,
    OutcomeMissing,
    ResolutionContradictsOutcome,
    UnknownPart,
    WrongStage,
)
from domain.values import (
    Claim,
    ClockKind,
    Money,
    Payer,
    Release,
    RemedyKind,
    Resolution,
    Side,
    Stance,
)

AGREED = (OfferAccepted, CompensationInstructed, ClockStarted)
R = RemedyKind


def refund(a, yuan=100):
    return a.remedy(R.REFUND, amount=a.yuan(yuan))


def offered(story, a, name="first"):
    """The merchant offers to refund a part."""
    return story.notified().given(story.offer(story.merchant, name, refund(a)))


def state(story, a, name="first"):
    return story.case.negotiation.offers[a.id(name)].state


# --- notice and answer ---------------------------------------------------------------------------------


def test_a_notice_puts_the_claim_to_the_merchant_who_has_24_hours(story):
    _, clock = story.filed().when(story.notify()).then(NoticeDelivered, ClockStarted)
    assert story.case.stage == "negotiating"
    assert story.case.negotiation.turn is Side.MERCHANT
    assert (clock.kind, (clock.due - story.at).total_seconds() / 3600) == (ClockKind.ANSWER, 24)
    (step,) = clock.derivation
    assert (step.rule, step.inputs["amount"]) == ("M-1", 24)


@pytest.mark.parametrize("stance", [Stance.DISPUTES, Stance.REFUSES])
def test_a_merchant_that_does_not_agree_leaves_the_turn_to_the_buyer(story, stance):
    story.notified().when(story.answer(stance)).then(MerchantAnswered, ClockSatisfied)
    assert (story.case.stage, story.case.negotiation.turn) == ("negotiating", Side.BUYER)


def test_a_merchant_that_agrees_grants_the_claim_as_it_was_filed(story, a):
    facts = story.notified().when(story.answer(Stance.AGREES)).then(MerchantAnswered, ClockSatisfied, *AGREED)
    (granted,) = facts[2].remedies
    assert (granted.kind, granted.amount, granted.payer) == (R.REFUND, a.yuan(199), None)
    assert facts[3].payer is Payer.MERCHANT
    assert (facts[4].kind, facts[4].derivation[0].rule) == (ClockKind.EXECUTION, "M-3")
    assert story.case.stage == "executing"


def test_a_merchant_answers_once(story):
    story.notified().given(story.answer(Stance.DISPUTES))
    story.when(story.answer(Stance.AGREES)).refused(NotYourTurn)


def test_an_answer_comes_before_its_time_is_over(story):
    story.notified().later(hours=24, microseconds=-1).when(story.answer(Stance.DISPUTES)).then(
        MerchantAnswered, ClockSatisfied
    )


def test_or_not_at_all(story, a):
    story.notified().later(hours=24)
    story.when(story.answer(Stance.DISPUTES)).refused(AnswerOverdue)
    story.when(story.offer(story.merchant, "late", refund(a))).refused(AnswerOverdue)


def test_an_answer_needs_a_notice(story):
    story.filed().when(story.answer(Stance.AGREES)).refused(WrongStage)
    story.claimed().when(story.answer(Stance.AGREES)).refused(NotYourTurn)


@pytest.mark.parametrize(
    ("kinds", "amount", "granted"),
    [
        ((R.REFUND,), None, {R.REFUND: 19_900}),
        ((R.REFUND, R.MULTIPLE), 30_000, {R.REFUND: 19_900, R.MULTIPLE: 10_100}),
        ((R.COUPON, R.REFUND), 25_000, {R.REFUND: 19_900, R.COUPON: 5_100}),
        ((R.REFUND, R.RETURN), 19_900, {R.RETURN: None, R.REFUND: 19_900}),
        ((R.REPAIR,), None, {R.REPAIR: None}),
    ],
)
def test_what_is_claimed_is_spread_over_its_kinds(story, kinds, amount, granted):
    claim = Claim(kinds, amount and Money(amount, "CNY"))
    story.notified(claim=claim).given(story.answer(Stance.AGREES))
    remedies = story.case.agreement.remedies
    assert {one.kind: one.amount and one.amount.amount_minor for one in remedies} == granted


def test_what_is_refunded_for_goods_waits_for_them(story, a):
    story.notified(claim=Claim((R.REFUND, R.RETURN), a.yuan(199))).given(story.answer(Stance.AGREES))
    goods, money = story.case.agreement.remedies
    assert (goods.kind, money.release) == (R.RETURN, Release.GOODS_ACCEPTED)
    assert not story.case.clocks.of_kind(ClockKind.EXECUTION)


def test_goods_that_were_agreed_on_are_to_be_sent_in_time(story):
    story.notified(claim=Claim((R.REPLACEMENT,))).given(story.answer(Stance.AGREES))
    (clock,) = story.case.clocks.of_kind(ClockKind.GOODS_SHIPMENT)
    assert (clock.due - story.at).total_seconds() / 3600 == 24


@pytest.mark.parametrize(
    "claim",
    [
        Claim((R.REFUND,), Money(19_901, "CNY")),
        Claim((R.REFUND,), Money(100, "USD")),
        Claim((R.MULTIPLE,)),
        Claim((R.POINTS,), Money(100, "CNY")),
    ],
)
def test_a_claim_that_cannot_be_granted_as_it_was_filed_is_not_agreed_to(story, claim):
    story.notified(claim=claim).when(story.answer(Stance.AGREES)).refused(CompensationExceedsEntitlement)


def test_a_claim_for_an_answer_alone_is_settled_by_it(story):
    story.notified(claim=Claim(())).when(story.answer(Stance.AGREES)).then(
        MerchantAnswered, ClockSatisfied, OfferAccepted, FollowUpScheduled, ClockStarted
    )
    assert story.asked().when(story.close(Resolution.SETTLED)).accepted()


# --- offers --------------------------------------------------------------------------------------------


def test_an_offer_is_an_answer_and_waits_a_day_for_the_reply(story, a):
    made, answered, clock = (
        story.notified()
        .when(story.offer(story.merchant, "first", refund(a)))
        .then(OfferMade, ClockSatisfied, ClockStarted)
    )
    assert (answered.kind, clock.kind) == (ClockKind.ANSWER, ClockKind.REPLY)
    assert made.due == clock.due
    assert clock.derivation[0].rule == "O-7"
    assert story.case.negotiation.turn is Side.BUYER


def test_an_accepted_offer_is_executed_as_a_decision_would_be(story, a):
    offered(story, a).when(story.agree(story.buyer, "first")).then(ClockSatisfied, *AGREED)
    assert (story.case.stage, state(story, a)) == ("executing", "accepted")
    assert story.when(story.pay("refund")).accepted()
    assert story.case.stage == "following_up"
    assert not story.case.clocks.of_kind(ClockKind.EXECUTION)


def test_an_agreement_is_an_outcome_but_no_decision_that_a_penalty_could_cite(story, a):
    offered(story, a).given(story.agree(story.buyer, "first"), story.pay("refund")).asked()
    story.when(
        lambda case: case.penalise(
            story.reviewer, a.id("p"), 1, None, "S-1", a.text(), story.policy, story.at
        )
    ).refused(DecisionMissing)
    story.when(story.close(Resolution.REJECTED)).refused(ResolutionContradictsOutcome)
    assert story.when(story.close(Resolution.SETTLED)).accepted()


def test_a_case_without_an_agreement_has_no_outcome_yet(story, a):
    offered(story, a).when(story.close(Resolution.SETTLED)).refused(OutcomeMissing)
    story.when(story.close(Resolution.ANSWERED)).refused(WrongStage)


def test_a_counter_offer_declines_the_open_one(story, a):
    facts = (
        offered(story, a)
        .when(story.offer(story.buyer, "second", refund(a, 150)))
        .then(OfferMade, ClockSatisfied, ClockStarted)
    )
    assert facts[0].declines == a.id("first")
    assert (state(story, a), state(story, a, "second")) == ("declined", "open")
    story.when(story.agree(story.buyer, "first")).refused(OfferNotOpen)
    story.when(story.agree(story.merchant, "second")).then(ClockSatisfied, *AGREED)


def test_a_declined_offer_leaves_the_turn_to_who_made_it(story, a):
    offered(story, a).when(story.decline(story.buyer, "first")).then(OfferDeclined, ClockSatisfied)
    assert story.case.negotiation.turn is Side.MERCHANT
    story.when(story.offer(story.buyer, "second", refund(a))).refused(NotYourTurn)
    assert story.when(story.offer(story.merchant, "second", refund(a, 150))).accepted()


def test_an_answer_declines_what_the_buyer_offered(story, a):
    offered(story, a).given(story.offer(story.buyer, "second", refund(a, 150)))
    story.when(story.answer(Stance.REFUSES)).then(MerchantAnswered, ClockSatisfied)
    assert state(story, a, "second") == "declined"


def test_nobody_replies_to_their_own_offer_or_out_of_turn(story, a):
    story.notified().when(story.offer(story.buyer, "early", refund(a))).refused(NotYourTurn)
    story.given(story.offer(story.merchant, "first", refund(a)))
    story.when(story.agree(story.merchant, "first")).refused(NotYourTurn)
    story.when(story.decline(story.merchant, "first")).refused(NotYourTurn)
    story.when(story.offer(story.merchant, "second", refund(a))).refused(NotYourTurn)
    story.when(story.agree(story.buyer, "unheard of")).refused(UnknownPart)


def test_an_agent_speaks_for_the_buyer(story, a):
    offered(story, a).given(story.offer(story.agent, "second", refund(a, 150)))
    assert story.case.negotiation.offers[a.id("second")].party is Side.BUYER
    story.given(story.offer(story.merchant, "third", refund(a, 120)))
    story.when(story.agree(story.agent, "third")).then(ClockSatisfied, *AGREED)


def test_an_offer_lapses_in_silence_and_cannot_be_accepted_after_its_time(story, a):
    offered(story, a).later(hours=24)
    story.when(story.agree(story.buyer, "first")).refused(OfferNotOpen)
    _, lapsed = story.when(story.miss(ClockKind.REPLY)).then(ClockMissed, OfferLapsed)
    assert lapsed.party is Side.BUYER
    assert (state(story, a), story.case.negotiation.turn) == ("lapsed", Side.MERCHANT)
    story.when(story.agree(story.buyer, "first")).refused(OfferNotOpen)


# --- what can be offered -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [R.COUPON, R.FREIGHT, R.MULTIPLE])
def test_a_merchant_may_give_more_than_it_owes(story, a, kind):
    much = a.remedy(kind, amount=a.yuan(100_000))
    assert story.notified().when(story.offer(story.merchant, "first", much)).accepted()


def test_but_refund_no_more_than_was_paid_and_no_points_of_the_platform(story, a):
    story.notified()
    for remedy in (refund(a, 200), a.remedy(R.POINTS, points=1)):
        story.when(story.offer(story.merchant, "first", remedy)).refused(CompensationExceedsEntitlement)


@pytest.mark.parametrize("payer", [Payer.FUND, Payer.PLATFORM, Payer.COURIER])
def test_the_sides_settle_out_of_the_merchants_account_alone(story, a, payer):
    story.notified()
    theirs = a.remedy(R.REFUND, amount=a.yuan(1), payer=payer)
    story.when(story.offer(story.merchant, "first", theirs)).refused(CompensationExceedsEntitlement)


def test_a_merchant_may_pay_out_of_its_deposit(story, a):
    deposit = a.remedy(R.REFUND, amount=a.yuan(1), payer=Payer.DEPOSIT)
    assert story.notified().when(story.offer(story.merchant, "first", deposit)).accepted()


def test_a_buyer_asks_for_no_more_than_the_clauses_entitle_to(story, a):
    offered(story, a)
    triple = a.remedy(R.MULTIPLE, amount=a.yuan(597))
    coupon = a.remedy(R.COUPON, amount=a.yuan(1))
    for remedy in (triple, coupon, refund(a, 200)):
        story.when(story.offer(story.buyer, "second", remedy)).refused(CompensationExceedsEntitlement)
        story.when(story.offer(story.agent, "second", remedy)).refused(CompensationExceedsEntitlement)
    assert story.when(story.offer(story.buyer, "second", triple, clauses=("F-1",))).accepted()


def test_an_offer_is_in_the_orders_currency(story, a):
    dollars = a.remedy(R.COUPON, amount=Money(1, "USD"))
    story.notified().when(story.offer(story.merchant, "first", dollars)).refused(
        CompensationExceedsEntitlement
    )


# --- the platform --------------------------------------------------------------------------------------


def test_claiming_a_negotiated_case_steps_in_and_ends_what_was_offered(story, a):
    offered(story, a)
    story.when(lambda case: case.claim(story.reviewer, story.policy, story.at)).then(
        CaseClaimed, PlatformSteppedIn, ClockCancelled
    )
    assert (story.case.stage, state(story, a)) == ("in_review", "lapsed")
    story.when(story.agree(story.buyer, "first")).refused(WrongStage)


def test_a_withdrawn_case_waits_for_nobody(story, a):
    offered(story, a).given(story.promise())
    assert story.when(lambda case: case.withdraw(a.text(), story.at)).accepted()
    assert not story.case.clocks.running
