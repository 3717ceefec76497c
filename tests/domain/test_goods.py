"""Goods on their way: who says what of which leg, what clocks bring about, and what is decided anew."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.events import (
    CaseCompensated,
    CaseExpired,
    CaseReleased,
    CaseWithdrawn,
    ClockCancelled,
    ClockMissed,
    ClockSatisfied,
    ClockStarted,
    CompensationInstructed,
    CompensationReversed,
    DecisionIssued,
    ExecutionFailed,
    FollowUpScheduled,
    GoodsAccepted,
    GoodsInspected,
    GoodsLapsed,
    GoodsLost,
    GoodsReceived,
    GoodsRefused,
    GoodsRejected,
    GoodsShipped,
    ReturnAuthorised,
)
from domain.policy.deadlines import execution_due, return_shipped_by
from domain.refusals import (
    CaseNotVerified,
    ClauseNotInForce,
    ConditionContradictsFindings,
    GoodsIntact,
    OtherPartyHandlesGoods,
    WrongStage,
)
from domain.values import (
    ClockKind,
    CompensationState,
    GoodsCondition,
    GoodsState,
    Release,
    RemedyKind,
    ReversalCause,
    Stage,
    SuspensionGround,
)

SETTLED = (FollowUpScheduled, ClockStarted)
FAILED = (CompensationReversed, ExecutionFailed)


@pytest.fixture
def returning(story, a):
    """A refund of 199 yuan waits for the goods to come back."""
    return story.in_review().decided(
        a.remedy(RemedyKind.REFUND, amount=a.yuan(199), release=Release.GOODS_ACCEPTED),
        a.remedy(RemedyKind.RETURN),
    )


@pytest.fixture
def returned(returning):
    """The goods came back."""
    return returning.given(returning.ship("return"), returning.receive("return"))


@pytest.fixture
def exchange(story, a):
    """The goods are exchanged."""
    return story.in_review().decided(a.remedy(RemedyKind.RETURN), a.remedy(RemedyKind.REPLACEMENT))


def authorise(story, a, name="return", by=None):
    return lambda case: case.authorise_return(
        by or story.merchant, a.id(name), a.text(), story.policy, story.at
    )


def refuse(story, a, name="return", by=None):
    return lambda case: case.refuse_goods(by or story.agent, a.id(name), a.text(), story.policy, story.at)


def inspect(story, a, condition=GoodsCondition.INTACT, found=(), by=None, name="return"):
    return lambda case: case.inspect_goods(
        by or story.merchant, a.id(name), condition, found, story.policy, story.at
    )


def reject(story, a, name="return", by=None, clause="NR-4"):
    return lambda case: case.reject_goods(
        by or story.agent, a.id(name), clause, a.text(), story.policy, story.at
    )


def lose(story, a, name="return", reference="SF-9"):
    return lambda case: case.lose_goods(story.agent, a.id(name), reference, story.policy, story.at)


def miss(story, a, name="return"):
    """The clock of this leg runs out."""
    clock = story.case.clocks.of(a.id(name))
    story.at = clock.due
    return lambda case: case.miss_clock(clock.clock_id, story.policy, clock.due)


def state(story, a, name="return"):
    return story.case.goods.leg(a.id(name)).state


def refund(story, a):
    return story.case.money.line(a.id("refund")).state


# --- sending goods in ---


def test_a_return_is_authorised_for_a_term(returning, a):
    facts = returning.when(authorise(returning, a)).then(ReturnAuthorised, ClockStarted)
    assert facts[0].ship_by == facts[1].due == return_shipped_by(returning.at, returning.policy).value
    assert (facts[1].kind, facts[1].derivation[0].rule) == (ClockKind.GOODS_SHIPMENT, "O-8")


def test_it_is_authorised_once(returning, a):
    returning.given(authorise(returning, a)).when(authorise(returning, a)).refused(WrongStage)


def test_what_has_left_need_not_be_authorised(returning, a):
    returning.given(returning.ship("return")).when(authorise(returning, a)).refused(WrongStage)


def test_what_the_merchant_sends_need_not_be_authorised(exchange, a):
    exchange.when(authorise(exchange, a, "replacement")).refused(WrongStage)


def test_the_buyer_does_not_authorise_its_own_return(returning, a):
    returning.when(authorise(returning, a, by=returning.buyer)).refused(OtherPartyHandlesGoods)


def test_sending_the_goods_in_satisfies_the_clock(returning, a):
    returning.given(authorise(returning, a))
    returning.when(returning.ship("return")).then(GoodsShipped, ClockSatisfied)


def test_a_buyer_who_sends_nothing_in_time_gets_nothing(returning, a):
    returning.given(authorise(returning, a))
    facts = returning.when(miss(returning, a)).then(
        ClockMissed, GoodsLapsed, CompensationReversed, CaseExpired
    )
    assert facts[2].cause is ReversalCause.UNFULFILLED
    assert (state(returning, a), refund(returning, a)) == (GoodsState.LAPSED, CompensationState.REVERSED)


def test_a_lapsed_return_takes_the_replacement_with_it(exchange, a):
    exchange.given(authorise(exchange, a))
    facts = exchange.when(miss(exchange, a)).then(ClockMissed, GoodsLapsed, CaseExpired)
    assert facts[1].cancelled == (a.id("replacement"),)
    assert state(exchange, a, "replacement") is GoodsState.CANCELLED


def test_money_that_did_not_wait_stays_with_the_buyer_when_the_return_lapses(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(199)), a.remedy(RemedyKind.RETURN))
    story.given(story.pay("refund"), authorise(story, a))
    story.when(miss(story, a)).then(ClockMissed, GoodsLapsed, *SETTLED)
    assert refund(story, a) is CompensationState.PAID


# --- who may say what ---


@pytest.mark.parametrize("name", ["return", "repair"])
def test_the_buyer_sends_in_and_the_merchant_receives(story, a, name):
    story.in_review().decided(a.remedy(RemedyKind(name)))
    story.when(story.ship(name, by=story.merchant)).refused(OtherPartyHandlesGoods)
    story.given(story.ship(name, by=story.buyer))
    story.when(story.receive(name, by=story.buyer)).refused(OtherPartyHandlesGoods)
    assert story.when(story.receive(name, by=story.merchant)).accepted()


@pytest.mark.parametrize("name", ["replacement", "resend"])
def test_the_merchant_sends_out_and_the_buyer_receives(story, a, name):
    story.in_review().decided(a.remedy(RemedyKind(name)))
    story.when(story.ship(name, by=story.buyer)).refused(OtherPartyHandlesGoods)
    story.given(story.ship(name, by=story.merchant))
    story.when(story.receive(name, by=story.merchant)).refused(OtherPartyHandlesGoods)
    story.given(story.receive(name, by=story.buyer))
    story.when(story.accept(name, by=story.merchant)).refused(OtherPartyHandlesGoods)
    assert story.when(story.accept(name, by=story.buyer)).accepted()


def test_the_buyer_does_not_take_its_own_return_as_good(returned, a):
    for command in (
        returned.accept("return", by=returned.buyer),
        inspect(returned, a, by=returned.buyer),
    ):
        returned.when(command).refused(OtherPartyHandlesGoods)


def test_a_repaired_thing_is_the_buyers_to_take(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REPAIR))
    story.given(story.ship("repair"), story.receive("repair"))
    story.when(story.accept("repair", by=story.merchant)).refused(OtherPartyHandlesGoods)
    assert story.when(story.accept("repair", by=story.buyer)).accepted()


# --- what comes back is looked at ---


def test_intact_goods_are_taken_and_the_money_follows(returned, a):
    (fact,) = returned.when(inspect(returned, a, found=("packaging_opened",))).then(GoodsInspected)
    assert (fact.broken, fact.derivation[0].rule) == ((), "NR-4")
    returned.when(returned.accept("return", by=returned.merchant)).then(
        GoodsAccepted, ClockSatisfied, CompensationInstructed
    )


def test_what_broke_the_goods_is_recorded_apart_from_what_did_not(returned, a):
    found = ("packaging_opened", "tag_removed")
    (fact,) = returned.when(inspect(returned, a, GoodsCondition.DAMAGED, found)).then(GoodsInspected)
    assert (fact.found, fact.broken) == (found, ("tag_removed",))


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (GoodsCondition.DAMAGED, ()),
        (GoodsCondition.DAMAGED, ("packaging_opened",)),
        (GoodsCondition.INTACT, ("tag_removed",)),
    ],
)
def test_goods_are_damaged_by_what_breaks_them_and_by_nothing_else(returned, a, condition, found):
    returned.when(inspect(returned, a, condition, found)).refused(ConditionContradictsFindings)


@pytest.mark.parametrize("condition", ["wrong", "empty", "missing"])
def test_other_goods_than_were_sold_need_not_be_broken(returned, a, condition):
    assert returned.when(inspect(returned, a, GoodsCondition(condition))).accepted()


def test_intact_goods_are_not_rejected(returned, a):
    returned.given(inspect(returned, a)).when(reject(returned, a)).refused(GoodsIntact)


def test_goods_are_not_rejected_unseen(returned, a):
    returned.when(reject(returned, a)).refused(WrongStage)


@pytest.mark.parametrize("clause", ["Z-1", "X-99"])
def test_goods_are_rejected_under_a_clause_that_is_in_force(returned, a, clause):
    returned.given(inspect(returned, a, GoodsCondition.WRONG))
    returned.when(reject(returned, a, clause=clause)).refused(ClauseNotInForce)


def test_goods_are_looked_at_once(returned, a):
    returned.given(inspect(returned, a)).when(inspect(returned, a)).refused(WrongStage)


def test_damaged_goods_may_be_taken_all_the_same(returned, a):
    returned.given(inspect(returned, a, GoodsCondition.DAMAGED, ("tag_removed",)))
    assert returned.when(returned.accept("return")).accepted()


def test_rejected_goods_bring_the_case_back_to_review_and_their_money_falls(returned, a):
    returned.given(inspect(returned, a, GoodsCondition.WRONG))
    facts = returned.when(reject(returned, a, by=returned.merchant)).then(
        GoodsRejected, ClockSatisfied, *FAILED
    )
    assert (facts[-1].goods, facts[-1].round) == ((a.id("return"),), 2)
    assert (returned.case.stage, refund(returned, a)) == (Stage.IN_REVIEW, CompensationState.REVERSED)


def test_another_round_is_verified_and_decided_anew(returned, a):
    returned.given(inspect(returned, a, GoodsCondition.WRONG), reject(returned, a)).claimed()
    again = a.remedy(RemedyKind.REFUND, "again", amount=a.yuan(199))
    returned.when(returned.decide(again, name="2")).refused(CaseNotVerified)
    returned.verified().decided(again, name="2")
    returned.when(returned.pay("again")).then(CaseCompensated, *SETTLED)


def test_what_had_not_left_is_not_sent_any_more(exchange, a):
    exchange.given(exchange.ship("return"), exchange.receive("return"))
    exchange.given(inspect(exchange, a, GoodsCondition.EMPTY))
    facts = exchange.when(reject(exchange, a)).then(GoodsRejected, ClockSatisfied, ExecutionFailed)
    assert facts[-1].cancelled == (a.id("replacement"),)
    assert state(exchange, a, "replacement") is GoodsState.CANCELLED


def test_what_has_left_arrives_while_the_case_is_reviewed_anew(story, a):
    story.in_review().decided(a.remedy(RemedyKind.RESEND), a.remedy(RemedyKind.RETURN))
    story.given(story.ship("resend"), story.ship("return"), lose(story, a))
    assert story.case.stage is Stage.IN_REVIEW
    story.when(story.receive("resend")).then(GoodsReceived)
    story.when(story.accept("resend")).then(GoodsAccepted)


# --- refused and lost ---


def test_goods_can_be_refused_at_the_door_and_rejected(returning, a):
    returning.given(returning.ship("return"))
    facts = returning.when(refuse(returning, a, by=returning.merchant)).then(GoodsRefused, ClockStarted)
    assert facts[1].kind is ClockKind.GOODS_HANDLING
    returning.when(reject(returning, a)).then(GoodsRejected, ClockSatisfied, *FAILED)


def test_refused_goods_can_be_sent_again(returning, a):
    returning.given(returning.ship("return"), refuse(returning, a))
    returning.when(returning.ship("return", "SF-2")).then(GoodsShipped, ClockSatisfied)


def test_a_return_refused_at_the_door_can_be_taken_after_all(returning, a):
    returning.given(returning.ship("return"), refuse(returning, a))
    returning.when(returning.accept("return")).then(GoodsAccepted, ClockSatisfied, CompensationInstructed)


def test_what_the_buyer_refused_at_the_door_is_not_taken(story, a):
    story.in_review().decided(a.remedy(RemedyKind.RESEND)).given(
        story.ship("resend"), refuse(story, a, "resend", by=story.buyer)
    )
    story.when(story.accept("resend")).refused(WrongStage)
    story.when(reject(story, a, "resend", by=story.buyer)).then(GoodsRejected, ExecutionFailed)


def test_lost_goods_are_decided_anew(returning, a):
    returning.given(returning.ship("return"))
    returning.when(lose(returning, a)).then(GoodsLost, *FAILED)
    returning.when(lose(returning, a)).nothing_happened()


def test_what_has_not_left_cannot_be_lost(returning, a):
    returning.when(lose(returning, a)).refused(WrongStage)


def test_goods_lost_while_the_case_rests_are_decided_anew_when_it_goes_on(returning, a):
    returning.given(
        returning.ship("return"),
        lambda case: case.suspend(
            returning.reviewer, SuspensionGround.SETTLEMENT, a.text(), returning.policy, returning.at
        ),
    )
    returning.when(lose(returning, a)).then(GoodsLost)
    assert returning.case.stage is Stage.SUSPENDED
    returning.given(lambda case: case.resume(a.text(), returning.policy, returning.at))
    assert (returning.case.stage, returning.case.round) == (Stage.IN_REVIEW, 2)


# --- what the merchant owes ---


def test_goods_that_nobody_handles_count_as_taken(returning, a):
    returning.given(returning.ship("return"))
    facts = returning.when(returning.receive("return")).then(GoodsReceived, ClockStarted)
    assert facts[1].kind is ClockKind.GOODS_HANDLING
    assert facts[1].due == datetime(2026, 11, 25, 16, tzinfo=UTC)
    assert facts[1].derivation[0].rule == "NR-7"
    facts = returning.when(miss(returning, a)).then(ClockMissed, GoodsAccepted, CompensationInstructed)
    assert facts[1].clause == "NR-7"


def test_goods_that_were_only_looked_at_count_as_taken_too(returned, a):
    returned.given(inspect(returned, a, GoodsCondition.WRONG))
    returned.when(miss(returned, a)).then(ClockMissed, GoodsAccepted, CompensationInstructed)


def test_the_merchant_is_timed_by_what_it_must_send(story, a):
    story.in_review().when(story.decide(a.remedy(RemedyKind.RESEND)))
    *_, started = story.then(DecisionIssued, CaseReleased, ClockStarted)
    assert (started.kind, started.derivation[0].rule) == (ClockKind.GOODS_SHIPMENT, "M-3")
    assert started.due == execution_due(story.at, story.policy).value
    story.when(story.ship("resend")).then(GoodsShipped, ClockSatisfied)


def test_a_replacement_is_timed_from_when_the_old_is_back(exchange, a):
    assert exchange.case.clocks.of(a.id("replacement")) is None
    exchange.given(exchange.ship("return"), exchange.receive("return"))
    exchange.when(exchange.accept("return")).then(GoodsAccepted, ClockSatisfied, ClockStarted)
    assert exchange.case.clocks.of(a.id("replacement")).due == exchange.at + timedelta(hours=24)


def test_a_merchant_who_sends_nothing_in_time_is_judged_anew(story, a):
    story.in_review().decided(a.remedy(RemedyKind.RESEND))
    story.when(miss(story, a, "resend")).then(ClockMissed, GoodsLapsed, ExecutionFailed)
    assert (story.case.stage, state(story, a, "resend")) == (Stage.IN_REVIEW, GoodsState.LAPSED)


def test_a_withdrawn_case_times_no_goods(story, a):
    story.in_review().decided(a.remedy(RemedyKind.RESEND))
    story.when(lambda case: case.withdraw(a.text(), story.at))
    *_, cancelled = story.then(CaseWithdrawn, ClockCancelled)
    assert cancelled.kind is ClockKind.GOODS_SHIPMENT
