"""Evidence, finding and decision."""

import pytest

from domain.events import (
    CaseReleased,
    CaseVerified,
    ClockStarted,
    CompensationInstructed,
    DecisionIssued,
    EvidenceSubmitted,
    FollowUpScheduled,
)
from domain.refusals import (
    CaseAlreadyClosed,
    CaseClaimedByAnother,
    CaseNotClaimed,
    CaseNotVerified,
    ClauseNotInForce,
    CompensationExceedsEntitlement,
    LiabilityMustSumTo100,
    UnknownPart,
    WrongStage,
)
from domain.values import (
    Actor,
    Circumstance,
    Finding,
    LiabilityShare,
    LiableParty,
    Money,
    Party,
    Payer,
    Release,
    RemedyKind,
    Role,
)

MERCHANT_LIABLE = (LiabilityShare(LiableParty.MERCHANT, 100),)


DECIDED = (DecisionIssued, CaseReleased, CompensationInstructed)


def submit(story, a, by, party=Party.BUYER):
    return lambda case: case.submit_evidence(
        by, a.id("photo"), party, "photo", "0" * 64, a.text(), None, story.at
    )


def verify(story, a, finding=Finding.UPHELD, liability=MERCHANT_LIABLE, evidence=(), by=None, token=None):
    return lambda case: case.verify(
        by or story.reviewer, token, finding, liability, evidence, a.text(), story.at
    )


def test_a_party_files_evidence(story, a):
    (fact,) = story.filed().when(submit(story, a, story.buyer)).then(EvidenceSubmitted)
    assert not fact.by_staff


def test_staff_files_evidence_for_a_party_and_is_recorded_as_doing_so(story, a):
    (fact,) = story.filed().when(submit(story, a, story.agent)).then(EvidenceSubmitted)
    assert fact.by_staff


def test_a_closed_case_refuses_evidence(story, a):
    story.refunded().asked().closed().when(submit(story, a, story.buyer)).refused(CaseAlreadyClosed)


def test_the_holder_verifies(story, a):
    story.filed().claimed().given(submit(story, a, story.buyer))
    story.when(verify(story, a, evidence=(a.id("photo"),))).then(CaseVerified)


def test_evidence_that_is_not_on_file_cannot_be_weighed(story, a):
    story.filed().claimed().when(verify(story, a, evidence=(a.id("photo"),))).refused(UnknownPart)


def test_an_unclaimed_case_refuses_verification(story, a):
    story.filed().when(verify(story, a)).refused(CaseNotClaimed)


def test_an_expired_lease_does_not_verify(story, a):
    story.filed().claimed().later(hours=2).when(verify(story, a)).refused(CaseNotClaimed)


def test_another_reviewers_case_refuses_verification(story, a):
    story.filed().claimed().when(verify(story, a, by=story.other_reviewer)).refused(CaseClaimedByAnother)


def test_a_decided_case_refuses_verification(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(1))).claimed()
    story.when(verify(story, a)).refused(WrongStage)


@pytest.mark.parametrize("shares", [(99,), (60, 41), ()])
def test_liability_shares_must_sum_to_100(story, a, shares):
    parties = (LiableParty.MERCHANT, LiableParty.COURIER)
    liability = tuple(map(LiabilityShare, parties, shares))
    story.filed().claimed().when(verify(story, a, liability=liability)).refused(LiabilityMustSumTo100)


@pytest.mark.parametrize("finding", [Finding.NOT_UPHELD, Finding.INCONCLUSIVE])
def test_nobody_need_be_liable_for_what_was_not_found(story, a, finding):
    story.filed().claimed().when(verify(story, a, finding, ())).then(CaseVerified)


def test_liability_can_be_shared(story, a):
    shares = (LiabilityShare(LiableParty.MERCHANT, 70), LiabilityShare(LiableParty.COURIER, 30))
    story.filed().claimed().when(verify(story, a, liability=shares)).then(CaseVerified)


def test_a_decision_releases_the_lease_and_instructs_what_need_not_wait(story, a):
    refund = a.remedy(RemedyKind.REFUND, amount=a.yuan(199), payer=Payer.FUND)
    facts = story.in_review().when(story.decide(refund)).then(*DECIDED)
    assert (facts[2].payer, facts[2].amount, facts[2].attempt) == (Payer.FUND, a.yuan(199), 1)
    assert (story.case.stage, story.case.lease) == ("executing", None)


def test_a_remedy_without_a_payer_is_the_merchants(story, a):
    facts = story.in_review().when(story.decide(a.remedy(RemedyKind.REFUND, amount=a.yuan(1)))).then(*DECIDED)
    assert facts[2].payer is Payer.MERCHANT


def test_a_refund_can_wait_for_the_goods(story, a):
    remedies = (
        a.remedy(RemedyKind.REFUND, amount=a.yuan(199), release=Release.GOODS_ACCEPTED),
        a.remedy(RemedyKind.RETURN),
    )
    story.in_review().when(story.decide(*remedies)).then(DecisionIssued, CaseReleased)
    assert story.case.money.line(a.id("refund")).state == "authorised"


def test_nothing_waits_for_goods_that_do_not_move(story, a):
    refund = a.remedy(RemedyKind.REFUND, amount=a.yuan(199), release=Release.GOODS_ACCEPTED)
    story.in_review().when(story.decide(refund)).then(*DECIDED)


def test_a_decision_that_grants_nothing_goes_straight_to_follow_up(story):
    story.filed().claimed().verified(Finding.NOT_UPHELD, None)
    story.when(story.decide()).then(DecisionIssued, CaseReleased, FollowUpScheduled, ClockStarted)
    assert story.case.stage == "following_up"


def test_a_decision_needs_the_lease_first(story):
    story.filed().when(story.decide()).refused(CaseNotClaimed)


def test_then_a_finding(story):
    story.filed().claimed().when(story.decide()).refused(CaseNotVerified)


def test_another_reviewers_case_refuses_a_decision(story):
    story.in_review().when(story.decide(by=story.other_reviewer)).refused(CaseClaimedByAnother)


def test_a_decided_round_refuses_a_second_decision(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(1))).claimed()
    story.when(story.decide()).refused(WrongStage)


@pytest.mark.parametrize(
    ("kind", "most", "clauses"),
    [
        (RemedyKind.REFUND, 19_900, ("Q-1",)),
        (RemedyKind.FREIGHT, 50_000, ("Q-1",)),
        (RemedyKind.COUPON, 50_000, ("Q-1",)),
        (RemedyKind.MULTIPLE, 59_700, ("F-1",)),
        (RemedyKind.MULTIPLE, 199_000, ("F-2",)),
    ],
)
def test_each_kind_of_money_has_its_own_cap(story, a, kind, most, clauses):
    story.filed().claimed().verified(established=(Circumstance.SELLER_KNEW,))
    too_much = a.remedy(kind, amount=Money(most + 1, "CNY"))
    story.when(story.decide(too_much, clauses=clauses)).refused(CompensationExceedsEntitlement)
    enough = a.remedy(kind, amount=Money(most, "CNY"))
    story.when(story.decide(enough, clauses=clauses)).then(*DECIDED)


def test_fraud_is_worth_at_least_500_yuan(story, a):
    story.filed(paid=a.yuan(100)).claimed().verified()
    over = a.remedy(RemedyKind.MULTIPLE, amount=Money(50_001, "CNY"))
    story.when(story.decide(over, clauses=("F-1",))).refused(CompensationExceedsEntitlement)
    floor = a.remedy(RemedyKind.MULTIPLE, amount=a.yuan(500))
    story.when(story.decide(floor, clauses=("F-1",))).then(*DECIDED)


@pytest.mark.parametrize(("promises", "refused"), [((), True), (("fake_one_pay_ten",), False)])
def test_ten_times_needs_the_merchants_promise(story, a, promises, refused):
    story.filed(promises=promises).claimed().verified()
    ten = a.remedy(RemedyKind.MULTIPLE, amount=a.yuan(1990))
    story.when(story.decide(ten, clauses=("P-10",)))
    if refused:
        story.refused(CompensationExceedsEntitlement)
    else:
        story.then(*DECIDED)


@pytest.mark.parametrize(
    ("established", "refused"),
    [
        ((), True),
        ((Circumstance.SELLER_KNEW,), False),
        ((Circumstance.SELLER_IS_PRODUCER,), False),
        ((Circumstance.SELLER_KNEW, Circumstance.HARMLESS_LABEL_FLAW), True),
    ],
)
def test_a_seller_of_unsafe_food_pays_ten_times_only_if_it_was_found_to_have_known(
    story, a, established, refused
):
    story.filed(reason="unsafe_food", category="food").claimed().verified(established=established)
    story.when(story.decide(a.remedy(RemedyKind.MULTIPLE, amount=a.yuan(1990)), clauses=("F-2",)))
    if refused:
        story.refused(CompensationExceedsEntitlement)
    else:
        story.then(*DECIDED)


def test_damages_are_granted_under_the_clause_that_is_cited_alone(story, a):
    story.filed(reason="counterfeit").claimed().verified()
    three = a.remedy(RemedyKind.MULTIPLE, amount=a.yuan(597))
    story.when(story.decide(three, clauses=("Q-1",))).refused(CompensationExceedsEntitlement)
    story.when(story.decide(three, clauses=("F-1",))).then(*DECIDED)


def test_the_buyer_bears_the_freight_of_a_return_without_reason(story, a):
    story.filed(reason="no_reason").claimed().verified()
    freight = a.remedy(RemedyKind.FREIGHT, amount=a.yuan(10))
    story.when(story.decide(freight, clauses=("NR-1",))).refused(CompensationExceedsEntitlement)


def test_a_multiple_needs_a_clause_that_grants_one(story, a):
    one = a.remedy(RemedyKind.MULTIPLE, amount=Money(1, "CNY"))
    story.in_review().when(story.decide(one)).refused(CompensationExceedsEntitlement)


def test_a_decision_says_how_the_rules_came_to_every_amount(story, a):
    story.filed(reason="counterfeit", paid=a.yuan(100)).claimed().verified()
    remedies = (
        a.remedy(RemedyKind.REFUND, amount=a.yuan(100)),
        a.remedy(RemedyKind.MULTIPLE, amount=a.yuan(500)),
        a.remedy(RemedyKind.POINTS, points=10),
    )
    issued, *_ = story.when(story.decide(*remedies, clauses=("F-1",))).then(
        DecisionIssued, CaseReleased, *[CompensationInstructed] * 3
    )
    window, *said = [(step.rule, step.result) for step in issued.derivation]
    assert window == ("M-4", "2026-11-17T16:00:00Z")
    assert said == [("RF-1", 10_000), ("F-1", 50_000), ("O-1", 50_000), ("O-2", "one_person")]
    assert {step.policy for step in issued.derivation} == {story.policy.version}


@pytest.mark.parametrize("clause", ["Z-1", "Z-99", "s-1"])
def test_a_clause_that_is_cited_must_be_in_force(story, a, clause):
    refund = a.remedy(RemedyKind.REFUND, amount=a.yuan(1))
    story.in_review().when(story.decide(refund, clauses=("Q-1", clause))).refused(ClauseNotInForce)


@pytest.mark.parametrize("clause", ["Q-1", "S-1"])
def test_clauses_in_force_can_be_cited_whatever_they_are_about(story, a, clause):
    refund = a.remedy(RemedyKind.REFUND, amount=a.yuan(1))
    story.in_review().when(story.decide(refund, clauses=(clause,))).then(*DECIDED)


def test_an_agent_may_grant_less_goodwill_than_a_reviewer(story, a):
    story.filed().claimed(story.agent).verified(by=story.agent)
    coupon = a.remedy(RemedyKind.COUPON, amount=Money(10_001, "CNY"))
    story.when(story.decide(coupon, by=story.agent)).refused(CompensationExceedsEntitlement)


def test_points_have_a_limit(story, a):
    story.in_review().when(story.decide(a.remedy(RemedyKind.POINTS, points=50_001))).refused(
        CompensationExceedsEntitlement
    )


def test_another_currency_than_the_orders_is_not_owed(story, a):
    dollars = a.remedy(RemedyKind.REFUND, amount=Money(1, "USD"))
    story.in_review().when(story.decide(dollars)).refused(CompensationExceedsEntitlement)


def test_caps_hold_over_two_remedies_of_a_kind(story, a):
    halves = [a.remedy(RemedyKind.REFUND, name, amount=a.yuan(100)) for name in ("one", "two")]
    story.in_review().when(story.decide(*halves)).refused(CompensationExceedsEntitlement)


def test_caps_hold_over_all_rounds(story, a):
    story.refunded().asked(satisfied=False).given(
        lambda case: case.reopen("unsatisfied", a.text(), story.policy, story.at)
    ).claimed().verified()
    again = a.remedy(RemedyKind.REFUND, "again", amount=a.yuan(1))
    story.when(story.decide(again, name="2")).refused(CompensationExceedsEntitlement)


def test_a_finding_does_not_outlive_its_round(story, a):
    story.refunded().given(lambda case: case.reopen("new_facts", a.text(), story.policy, story.at)).claimed()
    story.when(story.decide(name="2")).refused(CaseNotVerified)


def test_a_machine_without_a_goodwill_limit_grants_none(story, a):
    machine = Actor("robot", Role.SYSTEM)
    story.filed().claimed(machine).verified(by=machine)
    coupon = a.remedy(RemedyKind.COUPON, amount=Money(1, "CNY"))
    story.when(story.decide(coupon, by=machine)).refused(CompensationExceedsEntitlement)


def test_points_up_to_the_limit_are_granted(story, a):
    story.in_review().when(story.decide(a.remedy(RemedyKind.POINTS, points=50_000))).then(*DECIDED)
