"""How long a case took, whom it waited for, and what was granted: folded fact by fact."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from domain.events import (
    CaseClosed,
    CaseCompensated,
    CaseEscalated,
    CaseReopened,
    CaseResumed,
    CaseSuspended,
    CompensationOverpaid,
    CompensationReversed,
    DecisionIssued,
    ExchangeOpened,
    FollowUpCompleted,
    FollowUpScheduled,
    GoodsAccepted,
    GoodsLapsed,
    GoodsLost,
    GoodsReceived,
    GoodsRefused,
    GoodsShipped,
    HumanReviewDemanded,
    MerchantAnswered,
    MerchantDefaulted,
    NoticeDelivered,
    OfferAccepted,
    OfferDeclined,
    OfferLapsed,
    PlatformSteppedIn,
    RecoveryOpened,
    RecoveryRecorded,
    RecoveryReduced,
    RecoveryWrittenOff,
)
from domain.values import (
    Channel,
    EscalationGround,
    LiableParty,
    Money,
    Payer,
    RecoveryCause,
    Remedy,
    RemedyKind,
    ReopenGround,
    Resolution,
    ResumeCause,
    ReversalCause,
    Sealed,
    SealedFor,
    Side,
    Stage,
    Stance,
    SuspensionGround,
)
from projections.case_times import CASE_TIMES, Awaited

TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
LINE, LEG, DEBT = UUID(int=2), UUID(int=3), UUID(int=4)


def yuan(amount: int) -> Money:
    return Money(amount * 100, "CNY")


def row_after(story: Any) -> Any:
    rows: Any = {}
    for fact in story.facts:
        rows = CASE_TIMES.fold(rows, fact)
    (row,) = rows.values()
    return row


def decided(story: Any, *kinds: RemedyKind, hours: float = 1) -> Any:
    remedies = tuple(
        Remedy(UUID(int=LEG.int + number), kind, payer=Payer.MERCHANT) for number, kind in enumerate(kinds)
    )
    return story.then(
        DecisionIssued,
        hours=hours,
        decision_id=uuid4(),
        round=1,
        by="reviewer-1",
        remedies=remedies,
        clauses=("Q-1",),
        policy="cn-2026",
        reasons=TEXT,
    )


def resolved(story: Any, hours: float = 1) -> Any:
    return story.then(
        FollowUpScheduled, hours=hours, follow_up_id=uuid4(), due=story.at + timedelta(days=3), max_attempts=3
    )


def reopened(story: Any, ground: ReopenGround = ReopenGround.UNSATISFIED, hours: float = 1) -> Any:
    return story.then(CaseReopened, hours=hours, ground=ground, round=2, reasons=TEXT)


def closed(story: Any, hours: float = 1) -> Any:
    return story.then(CaseClosed, hours=hours, resolution=Resolution.COMPENSATED)


def paid(story: Any, kind: RemedyKind = RemedyKind.REFUND) -> Any:
    return story.then(
        CaseCompensated,
        compensation_id=LINE,
        reference="pay-1",
        paid_at=story.at,
        kind=kind,
        amount=yuan(199),
    )


def taken_back(story: Any) -> Any:
    return story.then(
        CompensationReversed,
        compensation_id=LINE,
        cause=ReversalCause.MISTAKE,
        amount=yuan(50),
        stands=yuan(149),
    )


def asked_back(story: Any, debtor: LiableParty, amount: Money) -> Any:
    return story.then(
        RecoveryOpened,
        recovery_id=DEBT,
        compensation_id=LINE,
        debtor=debtor,
        creditor=Payer.FUND,
        amount=amount,
        cause=RecoveryCause.MISTAKE,
    )


def test_a_reopened_case_keeps_its_first_resolution_while_its_total_runs_on(tell: Any) -> None:
    story = resolved(decided(tell().filed()))
    first = story.at
    closed(story)
    assert (row_after(story).first_resolution_at, row_after(story).ended_at) == (first, story.at)

    reopened(story)
    assert (row_after(story).first_resolution_at, row_after(story).ended_at) == (first, None)

    closed(resolved(decided(story, hours=10)))
    row = row_after(story)
    assert (row.first_resolution_at, row.ended_at, row.reopenings) == (first, story.at, 1)


def test_the_first_decision_stays_the_first(tell: Any) -> None:
    story = decided(tell().filed(), hours=2)
    first = story.at
    assert row_after(decided(reopened(resolved(story)))).first_decision_at == first


def test_a_case_waits_for_whoever_is_to_act(tell: Any) -> None:
    story = tell().filed().then(PlatformSteppedIn, hours=1, by="reviewer-1")
    assert row_after(story).waiting_for is Awaited.PLATFORM
    decided(story, RemedyKind.RETURN, RemedyKind.REPLACEMENT, hours=2)
    assert row_after(story).waiting_for is Awaited.BUYER
    story.then(GoodsShipped, hours=24, goods_id=LEG, reference="SF-1")
    assert row_after(story).waiting_for is Awaited.MERCHANT
    replacement = UUID(int=LEG.int + 1)
    story.then(GoodsShipped, hours=5, goods_id=replacement, reference="SF-2")
    assert row_after(story).waiting_for is Awaited.THIRD_PARTY
    story.then(GoodsReceived, hours=1, goods_id=LEG, reference="SF-1")
    assert row_after(story).waiting_for is Awaited.MERCHANT
    story.then(GoodsAccepted, hours=3, goods_id=LEG, reference="SF-1")
    assert row_after(story).waiting_for is Awaited.THIRD_PARTY
    story.then(GoodsReceived, hours=1, goods_id=replacement, reference="SF-2")
    assert row_after(story).waiting_for is Awaited.BUYER
    story.then(GoodsAccepted, hours=6, goods_id=replacement, reference="SF-2")
    assert row_after(story).waiting_for is Awaited.PLATFORM
    closed(resolved(story), hours=4)

    row = row_after(story)
    hours = [row.platform_seconds, row.buyer_seconds, row.merchant_seconds, row.third_party_seconds]
    assert [seconds / 3600 for seconds in hours] == [8, 30, 8, 2]
    assert (row.waiting_for, row.waiting_since) == (None, story.at)


def test_while_the_sides_negotiate_it_waits_for_whose_turn_it_is_until_one_asks_the_platform(
    tell: Any,
) -> None:
    story = tell().filed()
    story.then(NoticeDelivered, hours=1, notice_id=uuid4(), party=Side.MERCHANT, channel=Channel.APP)
    assert row_after(story).waiting_for is Awaited.MERCHANT
    story.then(MerchantAnswered, hours=5, stance=Stance.REFUSES, text=TEXT)
    assert (row_after(story).waiting_for, row_after(story).merchant_seconds / 3600) == (Awaited.BUYER, 5)
    story.then(OfferDeclined, hours=2, offer_id=uuid4(), party=Side.BUYER, reasons=TEXT)
    assert (row_after(story).waiting_for, row_after(story).buyer_seconds / 3600) == (Awaited.MERCHANT, 2)
    asked = {"party": Side.BUYER, "reasons": TEXT, "ground": next(iter(EscalationGround)), "derivation": ()}
    story.then(CaseEscalated, **asked)
    assert (row_after(story).waiting_for, row_after(story).intervened) == (Awaited.PLATFORM, True)
    story.then(OfferLapsed, offer_id=uuid4(), party=Side.MERCHANT)
    assert row_after(story).waiting_for is Awaited.PLATFORM


def test_a_merchant_in_default_is_waited_for_no_longer(tell: Any) -> None:
    story = tell().filed().then(NoticeDelivered, notice_id=uuid4(), party=Side.MERCHANT, channel=Channel.APP)
    story.then(MerchantDefaulted, hours=24, clause="N-1", derivation=())
    assert row_after(story).waiting_for is Awaited.PLATFORM


def test_what_the_sides_agree_on_is_executed(tell: Any) -> None:
    remedies = (Remedy(LEG, RemedyKind.RETURN),)
    story = tell().filed().then(OfferAccepted, offer_id=uuid4(), party=Side.BUYER, remedies=remedies)
    assert (row_after(story).waiting_for, row_after(story).first_decision_at) == (Awaited.BUYER, None)


def test_goods_that_do_not_come_to_what_was_decided_wait_for_the_platform(tell: Any) -> None:
    refused = decided(tell().filed(), RemedyKind.RESEND).then(GoodsShipped, goods_id=LEG, reference="SF-1")
    refused.then(GoodsRefused, goods_id=LEG, reasons=TEXT)
    assert (row_after(refused).waiting_for, len(row_after(refused).goods)) == (Awaited.PLATFORM, 1)
    lost = refused.then(GoodsLost, goods_id=LEG, reference="SF-1")
    assert (row_after(lost).waiting_for, row_after(lost).goods) == (Awaited.PLATFORM, {})
    both = decided(tell().filed(), RemedyKind.RETURN, RemedyKind.REPLACEMENT)
    both.then(GoodsLapsed, goods_id=LEG, cancelled=(UUID(int=LEG.int + 1),))
    assert row_after(both).goods == {}


def test_a_repair_that_becomes_an_exchange_waits_for_both_sides_in_turn(tell: Any) -> None:
    back, new = UUID(int=8), UUID(int=9)
    story = decided(tell().filed(), RemedyKind.REPAIR)
    story.then(ExchangeOpened, goods_id=LEG, replacement_id=new, return_id=back, clause="R-1")
    assert (row_after(story).goods.keys(), row_after(story).waiting_for) == ({back, new}, Awaited.BUYER)
    story.then(GoodsShipped, goods_id=back, reference="SF-1")
    assert row_after(story).waiting_for is Awaited.MERCHANT


def test_a_case_that_people_are_to_decide_is_open_again_and_waits_for_the_platform(tell: Any) -> None:
    story = closed(resolved(tell().filed()))
    content = {"party": Side.MERCHANT, "decision_id": UUID(int=5), "round": 2, "reasons": TEXT}
    story.then(HumanReviewDemanded, hours=1, cancelled=(), derivation=(), **content)
    row = row_after(story)
    assert (row.stage, row.ended_at, row.waiting_for) == ("in_review", None, "platform")


def test_nobody_is_waited_for_between_the_end_and_the_reopening(tell: Any) -> None:
    story = reopened(closed(resolved(tell().filed())), hours=100)
    row = row_after(story)
    assert (row.platform_seconds / 3600, row.waiting_for, row.waiting_since) == (
        2,
        Awaited.PLATFORM,
        story.at,
    )


def test_a_suspended_case_waits_for_others(tell: Any) -> None:
    story = tell().filed()
    story.then(
        CaseSuspended,
        hours=1,
        suspension_id=uuid4(),
        ground=SuspensionGround.COURT,
        resumes=Stage.FILED,
        until=story.at + timedelta(days=30),
        by="reviewer-1",
        reasons=TEXT,
    )
    assert row_after(story).waiting_for is Awaited.THIRD_PARTY
    story.then(CaseResumed, hours=48, suspension_id=uuid4(), resumes=Stage.FILED, cause=ResumeCause.REQUESTED)
    row = row_after(story)
    assert (row.third_party_seconds / 3600, row.waiting_for) == (48, Awaited.PLATFORM)


def test_the_last_answer_of_the_buyer_counts(tell: Any) -> None:
    story = resolved(tell().filed())
    story.then(FollowUpCompleted, follow_up_id=uuid4(), satisfied=False, speed=3, attitude=4, effectiveness=1)
    assert (row_after(story).satisfied, row_after(story).effectiveness) == (False, 1)
    resolved(reopened(story)).then(FollowUpCompleted, follow_up_id=uuid4(), satisfied=True)
    assert (row_after(story).satisfied, row_after(story).effectiveness) == (True, None)


def test_a_case_is_intervened_in_and_overturned_once_for_ever(tell: Any) -> None:
    story = decided(tell().filed())
    assert (row_after(story).intervened, row_after(story).overturned) == (False, False)
    story.then(PlatformSteppedIn, by="reviewer-1")
    reopened(reopened(resolved(story), ReopenGround.OVERTURNED), ReopenGround.UNSATISFIED)
    assert (row_after(story).intervened, row_after(story).overturned) == (True, True)


def test_what_a_buyer_owes_back_is_no_cost_until_it_is_given_up(tell: Any) -> None:
    story = asked_back(taken_back(paid(tell().filed())), LiableParty.BUYER, yuan(50))
    assert (row_after(story).paid_minor, row_after(story).owed_minor) == (19900, 5000)
    story.then(RecoveryRecorded, recovery_id=DEBT, amount=yuan(20), reference="back-1")
    assert (row_after(story).owed_minor, row_after(story).recovered_minor) == (5000, 2000)
    story.then(RecoveryWrittenOff, recovery_id=DEBT, reasons=TEXT)
    assert (row_after(story).owed_minor, row_after(story).recovered_minor) == (2000, 2000)


def test_what_a_merchant_owes_the_fund_lowers_no_cost_but_comes_back(tell: Any) -> None:
    story = asked_back(paid(tell().filed()), LiableParty.MERCHANT, yuan(199))
    story.then(RecoveryReduced, recovery_id=DEBT, amount=yuan(9))
    story.then(RecoveryRecorded, recovery_id=DEBT, amount=yuan(100), reference="back-1")
    story.then(RecoveryWrittenOff, recovery_id=DEBT, reasons=TEXT)
    row = row_after(story)
    assert (row.paid_minor, row.owed_minor, row.recovered_minor) == (19900, 0, 10000)


def test_a_late_success_costs_until_the_buyer_is_asked_back(tell: Any) -> None:
    story = paid(tell().filed()).then(
        CompensationOverpaid,
        compensation_id=LINE,
        attempt=1,
        reference="late",
        paid_at=tell().at,
        payer=Payer.MERCHANT,
        amount=yuan(199),
    )
    assert row_after(story).paid_minor == 39800
    row = row_after(asked_back(story, LiableParty.BUYER, yuan(199)))
    assert row.paid_minor - row.owed_minor == 19900


def test_goodwill_is_taken_back_without_a_recovery(tell: Any) -> None:
    assert row_after(taken_back(paid(tell().filed(), RemedyKind.COUPON))).paid_minor == 14900
    assert row_after(taken_back(paid(tell().filed()))).paid_minor == 19900


def test_a_case_counts_in_the_currency_of_its_order(tell: Any) -> None:
    filed = tell().filed()
    (fact,) = filed.facts
    dollars = replace(fact.order, paid=Money(2500, "USD"))
    assert row_after(tell().filed(order=dollars)).currency == "USD"
