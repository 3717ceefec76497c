"""Money that was granted falls; money that was paid in vain, twice, or in another's place comes back."""

import pytest

from domain.events import (
    CaseCompensated,
    CaseWithdrawn,
    ClockStarted,
    CompensationFailed,
    CompensationOverpaid,
    CompensationRecalled,
    CompensationReversed,
    FollowUpScheduled,
    RecoveryOpened,
    RecoveryRecorded,
    RecoveryReduced,
    RecoveryWrittenOff,
)
from domain.refusals import (
    AmountMismatch,
    CompensationAlreadySettled,
    CompensationExceedsEntitlement,
    RecoveryAlreadySettled,
    UnknownPart,
    WrongStage,
)
from domain.values import (
    CompensationState,
    LiableParty,
    Money,
    Payer,
    RecoveryCause,
    RecoveryState,
    Release,
    RemedyKind,
    ReopenGround,
    ReversalCause,
)

SETTLED = (FollowUpScheduled, ClockStarted)


@pytest.fixture
def refund(story, a):
    """A full refund is instructed."""
    return story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(199)))


@pytest.fixture
def advanced(refund, a):
    """The merchant's account failed, and the protection fund paid in its place."""
    return refund.given(refund.fail("refund"), by_fund(refund, a), refund.pay("refund", "pay-2"))


def by_fund(story, a):
    return lambda case: case.instruct_compensation(a.id("refund"), Payer.FUND, story.at)


def late(story, a, attempt, reference="pay-late"):
    return lambda case: case.confirm_compensation(
        a.id("refund"), reference, story.at, None, story.policy, story.at, attempt
    )


def reverse(story, a, amount=None):
    return lambda case: case.reverse_compensation(a.id("refund"), amount, a.text(), story.policy, story.at)


def overturn(story):
    return lambda case: case._reverse_all(ReversalCause.OVERTURNED, story.policy, story.at)


def recover(story, recovery_id, amount, reference="back-1"):
    return lambda case: case.record_recovery(recovery_id, amount, reference, story.at)


def write_off(story, a, recovery_id):
    return lambda case: case.write_off_recovery(recovery_id, a.text(), story.at)


def owing(story):
    """What is to be recovered: who owes whom how much, and how far it has come."""
    return [
        (one.debtor, one.creditor, one.amount.amount_minor // 100, one.state)
        for one in story.case.money.recoveries.values()
    ]


def line(story, a):
    return story.case.money.line(a.id("refund"))


# --- reversal ---


def test_a_line_that_waits_falls_without_a_trace_of_money(story, a):
    story.in_review().decided(
        a.remedy(RemedyKind.REFUND, amount=a.yuan(199), release=Release.GOODS_ACCEPTED),
        a.remedy(RemedyKind.RETURN),
    )
    (fact,) = story.when(overturn(story)).then(CompensationReversed)
    assert (fact.amount, fact.stands) == (a.yuan(199), None)
    assert line(story, a).state is CompensationState.REVERSED


def test_a_line_that_failed_falls_and_what_is_settled_is_followed_up(refund, a):
    refund.given(refund.fail("refund")).when(reverse(refund, a)).then(CompensationReversed, *SETTLED)
    refund.when(by_fund(refund, a)).refused(CompensationAlreadySettled)


def test_a_paid_line_is_asked_back_from_the_buyer_for_who_paid_it(story, a):
    facts = story.refunded().when(overturn(story)).then(CompensationReversed, RecoveryOpened)
    assert facts[1].cause is RecoveryCause.OVERTURNED
    assert owing(story) == [(LiableParty.BUYER, Payer.MERCHANT, 199, RecoveryState.OPEN)]


def test_a_line_under_way_is_reversed_when_it_turns_out_paid(refund, a):
    refund.when(overturn(refund)).then(CompensationRecalled)
    assert not refund.case.money.settled
    refund.when(refund.pay("refund")).then(CaseCompensated, CompensationReversed, RecoveryOpened, *SETTLED)
    assert owing(refund) == [(LiableParty.BUYER, Payer.MERCHANT, 199, RecoveryState.OPEN)]


def test_a_line_under_way_is_reversed_when_it_turns_out_failed(refund, a):
    refund.given(overturn(refund)).when(refund.fail("refund")).then(
        CompensationFailed, CompensationReversed, *SETTLED
    )
    assert owing(refund) == []


def test_a_line_is_reversed_once(story, a):
    story.refunded().given(overturn(story)).when(overturn(story)).nothing_happened()
    story.when(reverse(story, a)).refused(CompensationAlreadySettled)


def test_a_line_is_recalled_once(refund, a):
    refund.given(overturn(refund)).when(overturn(refund)).nothing_happened()
    refund.when(reverse(refund, a)).refused(CompensationAlreadySettled)


def test_a_part_of_a_paid_line_is_asked_back_and_the_rest_stands(story, a):
    story.refunded().when(reverse(story, a, a.yuan(99))).then(CompensationReversed, RecoveryOpened)
    assert line(story, a).state is CompensationState.PAID
    assert line(story, a).stands == a.yuan(100)
    assert owing(story) == [(LiableParty.BUYER, Payer.MERCHANT, 99, RecoveryState.OPEN)]


def test_of_an_unpaid_line_only_what_stands_is_paid(refund, a):
    refund.given(refund.fail("refund"), reverse(refund, a, a.yuan(99)), by_fund(refund, a))
    refund.when(refund.pay("refund", "pay-2", a.yuan(199))).refused(AmountMismatch)
    fact, *_ = refund.when(refund.pay("refund", "pay-2", a.yuan(100))).then(
        CaseCompensated, RecoveryOpened, *SETTLED
    )
    assert fact.amount == a.yuan(100)


def test_more_than_stands_is_not_reversed(story, a):
    story.refunded().given(reverse(story, a, a.yuan(99)))
    story.when(reverse(story, a, a.yuan(101))).refused(AmountMismatch)
    story.when(reverse(story, a, Money(100, "USD"))).refused(AmountMismatch)
    story.when(reverse(story, a, a.yuan(0))).refused(AmountMismatch)
    assert story.when(reverse(story, a, a.yuan(100))).accepted()


def test_a_reversal_before_any_decision_finds_no_line(story, a):
    story.in_review().when(reverse(story, a)).refused(UnknownPart)


def test_a_withdrawn_case_has_nothing_to_reverse(refund, a):
    refund.given(refund.fail("refund"), lambda case: case.withdraw(a.text(), refund.at))
    refund.when(reverse(refund, a)).refused(WrongStage)


def test_a_closed_case_takes_reversal_and_recovery(story, a):
    story.refunded().asked().closed()
    facts = story.when(reverse(story, a)).then(CompensationReversed, RecoveryOpened)
    story.when(recover(story, facts[1].recovery_id, a.yuan(199))).then(RecoveryRecorded)
    assert story.case.stage == "closed"


def test_goodwill_is_taken_back_without_a_debt(story, a):
    story.in_review().decided(a.remedy(RemedyKind.POINTS, points=100)).given(story.pay("points"))
    story.when(overturn(story)).then(CompensationReversed)


def test_what_was_reversed_can_be_granted_anew_and_no_more(story, a):
    story.refunded().given(
        reverse(story, a, a.yuan(99)),
        lambda case: case.reopen(ReopenGround.NEW_FACTS, a.text(), story.policy, story.at),
    ).claimed().verified()
    more = a.remedy(RemedyKind.REFUND, "more", amount=a.yuan(100))
    story.when(story.decide(more, name="2")).refused(CompensationExceedsEntitlement)
    as_much = a.remedy(RemedyKind.REFUND, "more", amount=a.yuan(99))
    assert story.when(story.decide(as_much, name="2")).accepted()


def test_only_the_lines_of_the_last_decision_fall_with_it(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(99))).given(story.pay("refund"))
    story.given(
        lambda case: case.reopen(ReopenGround.NEW_FACTS, a.text(), story.policy, story.at)
    ).claimed().verified()
    story.decided(a.remedy(RemedyKind.REFUND, "more", amount=a.yuan(100)), name="2")
    story.given(overturn(story), story.pay("more", "pay-2"))
    assert line(story, a).stands == a.yuan(99)
    assert story.case.money.line(a.id("more")).state is CompensationState.REVERSED


# --- the fund pays first ---


def test_what_the_fund_pays_is_owed_to_it_by_whoever_was_to_pay(refund, a):
    refund.given(refund.fail("refund"), by_fund(refund, a))
    facts = refund.when(refund.pay("refund", "pay-2")).then(CaseCompensated, RecoveryOpened, *SETTLED)
    assert facts[1].cause is RecoveryCause.FUND_ADVANCE
    assert owing(refund) == [(LiableParty.MERCHANT, Payer.FUND, 199, RecoveryState.OPEN)]


@pytest.mark.parametrize("liable", [LiableParty.MERCHANT, LiableParty.COURIER, LiableParty.SUPPLIER])
def test_where_the_fund_was_to_pay_the_liable_party_owes_it(story, a, liable):
    story.filed().claimed().verified(liable=liable)
    story.decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(199), payer=Payer.FUND))
    story.given(story.pay("refund"))
    assert owing(story) == [(liable, Payer.FUND, 199, RecoveryState.OPEN)]


def test_the_buyer_owes_no_advance_and_the_merchant_does_in_its_place(story, a):
    story.filed().claimed().verified(liable=LiableParty.BUYER)
    story.decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(199), payer=Payer.FUND))
    story.given(story.pay("refund"))
    assert owing(story) == [(LiableParty.MERCHANT, Payer.FUND, 199, RecoveryState.OPEN)]


def test_an_overturned_advance_is_owed_by_the_buyer_and_not_by_the_merchant(advanced, a):
    advanced.when(overturn(advanced)).then(CompensationReversed, RecoveryReduced, RecoveryOpened)
    assert owing(advanced) == [
        (LiableParty.MERCHANT, Payer.FUND, 0, RecoveryState.CANCELLED),
        (LiableParty.BUYER, Payer.FUND, 199, RecoveryState.OPEN),
    ]


def test_what_the_merchant_has_paid_back_meanwhile_is_owed_to_the_merchant(advanced, a):
    (advance,) = advanced.case.money.recoveries
    advanced.given(recover(advanced, advance, a.yuan(50)), overturn(advanced))
    assert owing(advanced) == [
        (LiableParty.MERCHANT, Payer.FUND, 50, RecoveryState.RECOVERED),
        (LiableParty.BUYER, Payer.FUND, 149, RecoveryState.OPEN),
        (LiableParty.BUYER, Payer.MERCHANT, 50, RecoveryState.OPEN),
    ]


def test_a_part_of_an_advance_that_falls_is_owed_by_the_buyer_the_rest_by_the_merchant(advanced, a):
    advanced.given(reverse(advanced, a, a.yuan(99)))
    assert owing(advanced) == [
        (LiableParty.MERCHANT, Payer.FUND, 100, RecoveryState.OPEN),
        (LiableParty.BUYER, Payer.FUND, 99, RecoveryState.OPEN),
    ]


def let_off(story, advance, amount):
    """What an appeal of the liable party leaves of its debt."""
    return lambda case: case._give_up(advance, amount.amount_minor, story.at)


@pytest.mark.parametrize("parts", [(199,), (9, 190), (70, 129), (190, 9)])
@pytest.mark.parametrize(("let_off_to", "paid_back"), [(0, 0), (60, 0), (60, 60), (100, 30), (199, 199)])
def test_what_falls_comes_back_to_who_has_borne_it_whatever_was_let_off(
    advanced, a, parts, let_off_to, paid_back
):
    (advance,) = advanced.case.money.recoveries
    if paid_back:
        advanced.given(recover(advanced, advance, a.yuan(paid_back)))
    advanced.given(let_off(advanced, advance, a.yuan(max(let_off_to - paid_back, 0))))
    for part in parts:
        advanced.given(reverse(advanced, a, a.yuan(part)))
    owed = [one for one in owing(advanced) if one[0] is LiableParty.BUYER]
    back = {payer: sum(one[2] for one in owed if one[1] is payer) for payer in (Payer.FUND, Payer.MERCHANT)}
    assert back == {Payer.FUND: 199 - paid_back, Payer.MERCHANT: paid_back}
    assert not [
        one for one in owing(advanced) if one[0] is LiableParty.MERCHANT and one[3] is RecoveryState.OPEN
    ]


def test_a_merchant_that_was_let_off_and_paid_after_all_has_the_rest_back(advanced, a):
    (advance,) = advanced.case.money.recoveries
    advanced.given(let_off(advanced, advance, a.yuan(60)), late(advanced, a, 1))
    owed = [one for one in owing(advanced) if one[0] is LiableParty.BUYER]
    assert [one[1:3] for one in owed] == [(Payer.FUND, 60), (Payer.MERCHANT, 139)]
    advanced.given(reverse(advanced, a))
    owed = [one for one in owing(advanced) if one[0] is LiableParty.BUYER][2:]
    assert [one[1:3] for one in owed] == [(Payer.FUND, 139), (Payer.MERCHANT, 60)]


def test_two_payments_of_the_fund_both_come_back_to_it(refund, a):
    by = by_fund(refund, a)
    refund.given(refund.fail("refund"), by, refund.fail("refund", "pay-2"), by, refund.pay("refund", "pay-3"))
    refund.given(late(refund, a, 2)).given(reverse(refund, a))
    owed = [one for one in owing(refund) if one[0] is LiableParty.BUYER]
    assert [one[1:3] for one in owed] == [(Payer.FUND, 199), (Payer.FUND, 199)]


# --- late success ---


def test_an_earlier_attempt_that_paid_after_all_settles_a_line_that_is_not_paid(refund, a):
    refund.given(refund.fail("refund"), by_fund(refund, a))
    fact, *_ = refund.when(late(refund, a, 1)).then(CaseCompensated, *SETTLED)
    assert fact.attempt == 1
    assert owing(refund) == []


def test_a_second_attempt_that_paid_too_is_asked_back(refund, a):
    refund.given(refund.fail("refund"), by_fund(refund, a), late(refund, a, 1))
    refund.when(late(refund, a, 2, "pay-2")).then(CompensationOverpaid, RecoveryOpened)
    assert owing(refund) == [(LiableParty.BUYER, Payer.FUND, 199, RecoveryState.OPEN)]


def test_a_merchant_that_paid_after_all_owes_the_fund_nothing_and_the_buyer_gives_it_back(advanced, a):
    facts = advanced.when(late(advanced, a, 1)).then(CompensationOverpaid, RecoveryReduced, RecoveryOpened)
    assert (facts[0].attempt, facts[0].payer) == (1, Payer.MERCHANT)
    assert facts[2].cause is RecoveryCause.LATE_SUCCESS
    assert owing(advanced) == [
        (LiableParty.MERCHANT, Payer.FUND, 0, RecoveryState.CANCELLED),
        (LiableParty.BUYER, Payer.FUND, 199, RecoveryState.OPEN),
    ]


@pytest.mark.parametrize("payer", [Payer.MERCHANT, Payer.FUND])
def test_a_late_success_of_more_than_stands_is_asked_back_for_the_rest(refund, a, payer):
    """A part fell while the attempt was under way, the attempt failed, and succeeded after all."""
    refund.given(
        refund.fail("refund"), lambda case: case.instruct_compensation(a.id("refund"), payer, refund.at)
    )
    refund.given(
        lambda case: case.reverse_compensation(a.id("refund"), a.yuan(9), a.text(), refund.policy, refund.at),
        refund.fail("refund", "pay-2"),
        refund.pay("refund", "pay-3"),
    )
    owed = [one for one in refund.case.money.recoveries.values() if one.debtor is LiableParty.BUYER]
    assert [(one.amount, one.cause) for one in owed] == [(a.yuan(9), RecoveryCause.LATE_SUCCESS)]


def test_the_same_late_success_again_records_nothing(advanced, a):
    advanced.given(late(advanced, a, 1)).when(late(advanced, a, 1)).nothing_happened()
    advanced.when(late(advanced, a, 1, "pay-other")).refused(CompensationAlreadySettled)


def test_a_late_success_may_come_under_the_reference_of_its_failure(advanced, a):
    advanced.when(late(advanced, a, 1, "pay-1")).then(CompensationOverpaid, RecoveryReduced, RecoveryOpened)


def test_the_attempt_that_paid_is_no_late_success(advanced, a):
    advanced.when(late(advanced, a, 2)).refused(CompensationAlreadySettled)


@pytest.mark.parametrize("payer", [Payer.MERCHANT, Payer.FUND])
def test_what_had_fallen_meanwhile_is_asked_back_when_the_whole_was_paid_after_all(refund, a, payer):
    refund.given(
        refund.fail("refund"),
        lambda case: case.instruct_compensation(a.id("refund"), payer, refund.at),
        refund.fail("refund", "pay-2"),
        reverse(refund, a, a.yuan(99)),
    )
    refund.given(late(refund, a, 2))
    owed = [one for one in owing(refund) if one[0] is LiableParty.BUYER]
    assert owed == [(LiableParty.BUYER, payer, 99, RecoveryState.OPEN)]
    assert line(refund, a).stands == a.yuan(100)
    others = [one for one in owing(refund) if one[0] is not LiableParty.BUYER]
    advance = (LiableParty.MERCHANT, Payer.FUND, 100, RecoveryState.OPEN)
    assert others == ([advance] if payer is Payer.FUND else [])


def test_an_attempt_that_was_never_made_is_none(advanced, a):
    advanced.when(late(advanced, a, 3)).refused(WrongStage)


def test_a_late_success_with_another_amount_is_refused(advanced, a):
    advanced.when(
        lambda case: case.confirm_compensation(
            a.id("refund"), "pay-late", advanced.at, a.yuan(1), advanced.policy, advanced.at, 1
        )
    ).refused(AmountMismatch)


def test_a_success_of_a_line_that_was_reversed_is_asked_back_for_who_paid(refund, a):
    refund.given(refund.fail("refund"), reverse(refund, a))
    refund.when(late(refund, a, 1)).then(CompensationOverpaid, RecoveryOpened)
    assert owing(refund) == [(LiableParty.BUYER, Payer.MERCHANT, 199, RecoveryState.OPEN)]


def test_what_was_not_paid_falls_with_a_case_that_is_withdrawn(refund, a):
    refund.given(refund.fail("refund"))
    _, fallen = refund.when(lambda case: case.withdraw(a.text(), refund.at)).then(
        CaseWithdrawn, CompensationReversed
    )
    assert (fallen.cause, fallen.amount, fallen.stands) == (ReversalCause.WITHDRAWN, a.yuan(199), None)


def test_what_was_paid_after_all_on_a_withdrawn_case_is_asked_back(refund, a):
    refund.given(refund.fail("refund"), lambda case: case.withdraw(a.text(), refund.at))
    refund.when(late(refund, a, 1)).then(CompensationOverpaid, RecoveryOpened)
    assert owing(refund) == [(LiableParty.BUYER, Payer.MERCHANT, 199, RecoveryState.OPEN)]


def test_it_is_even_on_a_closed_case(advanced, a):
    advanced.asked().closed().when(late(advanced, a, 1)).then(
        CompensationOverpaid, RecoveryReduced, RecoveryOpened
    )


# --- what comes back ---


def test_money_comes_back_in_parts_until_none_is_missing(advanced, a):
    (advance,) = advanced.case.money.recoveries
    advanced.when(recover(advanced, advance, a.yuan(50))).then(RecoveryRecorded)
    advanced.when(recover(advanced, advance, a.yuan(150), "back-2")).refused(AmountMismatch)
    advanced.when(recover(advanced, advance, a.yuan(149), "back-2")).then(RecoveryRecorded)
    assert owing(advanced) == [(LiableParty.MERCHANT, Payer.FUND, 199, RecoveryState.RECOVERED)]
    advanced.when(recover(advanced, advance, a.yuan(1), "back-3")).refused(RecoveryAlreadySettled)


@pytest.mark.parametrize("amount", [Money(0, "CNY"), Money(-100, "CNY"), Money(100, "USD")])
def test_what_comes_back_is_more_than_nothing_in_the_same_currency(advanced, a, amount):
    (advance,) = advanced.case.money.recoveries
    advanced.when(recover(advanced, advance, amount)).refused(AmountMismatch)


def test_the_same_return_of_money_again_records_nothing(advanced, a):
    (advance,) = advanced.case.money.recoveries
    advanced.given(recover(advanced, advance, a.yuan(199)))
    advanced.when(recover(advanced, advance, a.yuan(199))).nothing_happened()


def test_what_is_missing_can_be_given_up_once(advanced, a):
    (advance,) = advanced.case.money.recoveries
    advanced.given(recover(advanced, advance, a.yuan(50)))
    advanced.when(write_off(advanced, a, advance)).then(RecoveryWrittenOff)
    advanced.when(write_off(advanced, a, advance)).refused(RecoveryAlreadySettled)
    advanced.when(recover(advanced, advance, a.yuan(1), "back-2")).refused(RecoveryAlreadySettled)
    assert owing(advanced) == [(LiableParty.MERCHANT, Payer.FUND, 199, RecoveryState.WRITTEN_OFF)]


def test_an_unknown_recovery_is_refused(advanced, a):
    advanced.when(recover(advanced, a.id("none"), a.yuan(1))).refused(UnknownPart)
    advanced.when(write_off(advanced, a, a.id("none"))).refused(UnknownPart)


def test_an_open_recovery_keeps_no_case_from_closing(advanced):
    assert advanced.asked().when(advanced.close()).accepted()
