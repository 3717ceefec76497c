"""Repairs: what cannot be repaired is exchanged, and the warranty knows of both."""

from datetime import timedelta

import pytest

from domain.events import (
    ClockSatisfied,
    ClockStarted,
    ExchangeOpened,
    ExecutionFailed,
    FollowUpScheduled,
    GoodsAccepted,
    GoodsRejected,
    RepairCompleted,
    RepairStarted,
    WarrantyExtended,
    WarrantyRestarted,
    WarrantyStarted,
)
from domain.policy import pack
from domain.policy.goods import warranty_ends
from domain.refusals import ResolutionContradictsOutcome, UnknownPart, WrongStage
from domain.values import GoodsState, RemedyKind, RepairOutcome, Resolution, Stage

FAILED, REPAIRED = RepairOutcome.FAILED, RepairOutcome.REPAIRED


@pytest.fixture
def repair(story, a):
    """The goods are to be repaired."""
    return story.in_review().decided(a.remedy(RemedyKind.REPAIR))


@pytest.fixture
def sent_in(repair):
    """The merchant has them."""
    return repair.given(repair.ship("repair"), repair.receive("repair"))


def start(story, a, name="repair"):
    return lambda case: case.start_repair(a.id(name), story.policy, story.at)


def complete(story, a, outcome, name="repair"):
    return lambda case: case.complete_repair(a.id(name), outcome, story.policy, story.at)


def repaired(story, a, outcome, days=5, name="repair"):
    story.given(start(story, a, name)).later(days=days).given(complete(story, a, outcome, name))
    return story


def state(story, a, name="repair"):
    return story.case.goods.leg(a.id(name)).state


def test_a_first_repair_establishes_the_warranty_from_the_delivery(sent_in, a):
    facts = sent_in.when(start(sent_in, a)).then(RepairStarted, WarrantyStarted)
    delivered = sent_in.case.filing.order.delivered_at
    assert facts[0].number == 1
    assert facts[1].begins == delivered
    assert facts[1].ends_at == warranty_ends("clothing", delivered, timedelta(), sent_in.policy).value
    assert facts[1].derivation[0].rule == "Q-3"


def test_the_time_in_repair_does_not_count(sent_in, a):
    sent_in.given(start(sent_in, a)).later(days=5, hours=3)
    before = sent_in.case.warranty.ends_at
    facts = sent_in.when(complete(sent_in, a, REPAIRED)).then(RepairCompleted, WarrantyExtended)
    assert facts[1].ends_at == before + timedelta(days=5, hours=3)
    assert facts[1].derivation[-1].inputs["in_repair"] == (5 * 24 + 3) * 3600


def test_a_part_of_a_second_in_repair_counts_as_a_whole_one(sent_in, a):
    sent_in.given(start(sent_in, a)).later(seconds=10.2)
    before = sent_in.case.warranty.ends_at
    facts = sent_in.when(complete(sent_in, a, REPAIRED)).then(RepairCompleted, WarrantyExtended)
    assert (facts[1].in_repair, facts[1].ends_at) == (11, before + timedelta(seconds=11))


def test_every_repair_prolongs_the_warranty(sent_in, a):
    repaired(sent_in, a, FAILED, days=5)
    ends = sent_in.case.warranty.ends_at
    sent_in.given(start(sent_in, a)).later(days=2).given(complete(sent_in, a, REPAIRED))
    assert sent_in.case.warranty.ends_at == ends + timedelta(days=2)


def test_goods_whose_delivery_is_unknown_have_no_known_warranty(story, a):
    story.filed(delivered_at=None).claimed().verified().decided(a.remedy(RemedyKind.REPAIR))
    story.when(start(story, a)).then(RepairStarted)
    story.when(complete(story, a, REPAIRED)).then(RepairCompleted)


def test_a_repaired_thing_settles_when_the_buyer_takes_it(sent_in, a):
    repaired(sent_in, a, REPAIRED)
    sent_in.when(sent_in.accept("repair", by=sent_in.buyer)).then(
        GoodsAccepted, FollowUpScheduled, ClockStarted
    )
    assert sent_in.asked().when(sent_in.close(Resolution.REPAIRED)).accepted()


def test_a_repair_that_the_buyer_does_not_take_is_decided_anew(sent_in, a):
    repaired(sent_in, a, REPAIRED)
    sent_in.when(
        lambda case: case.reject_goods(
            sent_in.buyer, a.id("repair"), "3B-1", a.text(), sent_in.policy, sent_in.at
        )
    ).then(GoodsRejected, ExecutionFailed)


def test_after_one_failure_it_is_repaired_again(sent_in, a):
    repaired(sent_in, a, FAILED)
    assert state(sent_in, a) is GoodsState.REPAIR_FAILED
    (fact,) = sent_in.when(start(sent_in, a)).then(RepairStarted)
    assert fact.number == 2


def test_two_failures_open_an_exchange_of_what_the_merchant_has(sent_in, a):
    repaired(sent_in, a, FAILED).given(start(sent_in, a))
    *_, opened, started = sent_in.when(complete(sent_in, a, FAILED)).then(
        RepairCompleted, WarrantyExtended, ExchangeOpened, ClockStarted
    )
    assert (opened.clause, opened.return_id) == ("3B-1", None)
    assert [step.rule for step in opened.derivation] == ["3B-1"]
    assert started.subject == opened.replacement_id
    assert state(sent_in, a) is GoodsState.EXCHANGED


def test_what_was_repaired_at_the_buyers_comes_back_first(repair, a):
    repaired(repair, a, FAILED).given(start(repair, a))
    *_, opened = repair.when(complete(repair, a, FAILED)).then(
        RepairCompleted, WarrantyExtended, ExchangeOpened
    )
    kinds = {leg.goods_id: leg.kind for leg in repair.case.goods.standing()}
    assert kinds == {opened.replacement_id: RemedyKind.REPLACEMENT, opened.return_id: RemedyKind.RETURN}


def test_failures_count_over_the_rounds_of_a_case(sent_in, a):
    repaired(sent_in, a, FAILED)
    sent_in.given(
        lambda case: case.reject_goods(
            sent_in.buyer, a.id("repair"), "3B-1", a.text(), sent_in.policy, sent_in.at
        )
    ).claimed().verified().decided(a.remedy(RemedyKind.REPAIR, "again"), name="2")
    sent_in.given(start(sent_in, a, "again")).when(complete(sent_in, a, FAILED, "again"))
    fact, *_ = sent_in.then(RepairCompleted, WarrantyExtended, ExchangeOpened)
    assert fact.number == 2


def test_without_the_rule_no_exchange_is_opened(sent_in, a, without):
    sent_in.policy = without(sent_in.policy, pack.THREE_GUARANTEES)
    repaired(sent_in, a, FAILED).given(start(sent_in, a))
    sent_in.when(complete(sent_in, a, FAILED)).then(RepairCompleted, WarrantyExtended)


def test_the_warranty_of_what_was_exchanged_runs_anew_from_its_delivery(sent_in, a):
    repaired(sent_in, a, FAILED)
    repaired(sent_in, a, FAILED)
    (replacement,) = [leg.goods_id for leg in sent_in.case.goods.standing()]
    case = sent_in.case
    case.ship_goods(sent_in.merchant, replacement, "SF-1", sent_in.at)
    delivered = sent_in.later(days=2).at
    case.receive_goods(sent_in.buyer, replacement, "SF-1", sent_in.policy, delivered)
    sent_in.replayed().later(days=1)
    facts = sent_in.when(
        lambda case: case.accept_goods(sent_in.buyer, replacement, "SF-1", sent_in.policy, sent_in.at)
    ).then(GoodsAccepted, WarrantyRestarted, FollowUpScheduled, ClockStarted)
    assert facts[1].begins == delivered
    assert facts[1].ends_at == warranty_ends("clothing", delivered, timedelta(), sent_in.policy).value
    sent_in.asked().when(sent_in.close(Resolution.REPAIRED)).refused(ResolutionContradictsOutcome)
    assert sent_in.when(sent_in.close(Resolution.REPLACED)).accepted()


def test_a_repair_at_the_buyers_satisfies_the_time_to_send_the_goods_in(repair, a):
    repair.given(
        lambda case: case.authorise_return(repair.agent, a.id("repair"), None, repair.policy, repair.at)
    )
    repair.when(start(repair, a)).then(RepairStarted, ClockSatisfied, WarrantyStarted)


def test_a_repair_is_started_before_it_is_completed(sent_in, a):
    sent_in.when(complete(sent_in, a, REPAIRED)).refused(WrongStage)


def test_a_repair_under_way_is_not_started_again(sent_in, a):
    sent_in.given(start(sent_in, a)).when(start(sent_in, a)).refused(WrongStage)


def test_only_what_is_to_be_repaired_is(story, a):
    story.in_review().decided(a.remedy(RemedyKind.RETURN))
    story.when(start(story, a, "return")).refused(WrongStage)
    story.when(start(story, a, "none")).refused(UnknownPart)
    assert story.case.stage is Stage.EXECUTING
