"""What the case means for the merchant: penalties and rectification."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.events import (
    ClockCancelled,
    ClockMissed,
    ClockSatisfied,
    ClockStarted,
    PenaltyAssessed,
    PenaltyExpired,
    RectificationAccepted,
    RectificationLapsed,
    RectificationOrdered,
    RectificationRejected,
    RectificationSubmitted,
    RectificationWaived,
)
from domain.policy import pack
from domain.policy.calendar import Term, Unit, due
from domain.refusals import (
    CaseAlreadyClosed,
    DecisionMissing,
    PenaltyOutsideTariff,
    RectificationOpen,
    UnknownPart,
    WrongStage,
)
from domain.values import Money, RemedyKind


def penalise(story, a, points=2, fine=None, clause="S-1"):
    return lambda case: case.penalise(
        story.reviewer, a.id("penalty"), points, fine, clause, a.text(), story.policy, story.at
    )


def order(story, a, name="duty"):
    return lambda case: case.order_rectification(a.id(name), a.text(), story.at + timedelta(days=7), story.at)


def submit(story, a):
    return lambda case: case.submit_rectification(a.text(), story.at)


def judge(story, a, accepted):
    return lambda case: case.judge_rectification(accepted, a.text(), story.at)


def waive(story, a):
    return lambda case: case.waive_rectification(a.text(), story.at)


def miss(story, subject):
    clock = story.case.clocks.of(subject)
    return lambda case: case.miss_clock(clock.clock_id, story.policy, story.at)


def test_a_penalty_cites_its_decision_and_expires(story, a):
    penalty, clock = (
        story.refunded().when(penalise(story, a, 2, a.yuan(100))).then(PenaltyAssessed, ClockStarted)
    )
    assert penalty.decision_id == story.case.decision.decision_id
    assert penalty.expires_at == clock.due == due(story.at, Term(90, Unit.DAYS), {})


def test_a_penalty_can_be_assessed_while_the_decision_is_carried_out(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(1)))
    story.when(penalise(story, a)).then(PenaltyAssessed, ClockStarted)


def test_and_after_the_case_is_closed(story, a):
    story.refunded().asked().closed().when(penalise(story, a)).then(PenaltyAssessed, ClockStarted)


def test_there_is_no_penalty_without_a_decision(story, a):
    story.in_review().when(penalise(story, a)).refused(DecisionMissing)


def test_a_case_closed_without_a_decision_says_that_it_is_closed(story, a):
    story.filed().closed("answered").when(penalise(story, a)).refused(CaseAlreadyClosed)


def test_a_case_reopened_for_review_takes_no_penalty(story, a):
    story.refunded().given(lambda case: case.reopen("new_facts", a.text(), story.policy, story.at))
    story.when(penalise(story, a)).refused(WrongStage)


@pytest.mark.parametrize(
    ("points", "fine", "clause"),
    [
        (13, None, "S-1"),
        (1, Money(5_000_001, "CNY"), "S-1"),
        (1, Money(1, "USD"), "S-1"),
        (1, None, "Q-1"),
        (0, None, "S-1"),
        (0, Money(0, "CNY"), "S-1"),
    ],
)
def test_a_penalty_outside_the_tariff_is_refused(story, a, points, fine, clause):
    story.refunded().when(penalise(story, a, points, fine, clause)).refused(PenaltyOutsideTariff)


def test_nobody_is_penalised_under_a_clause_that_is_not_in_force(story, a):
    """Which a policy that is composed of several versions can name in its tariff all the same."""
    terms = story.policy.need(pack.PENALTIES)
    tariff = replace(terms, tariff={**terms.tariff, "Z-1": terms.tariff["S-1"]})
    rule = replace(story.policy.needed(pack.PENALTIES), terms=tariff)
    story.policy = replace(story.policy, rules={**story.policy.rules, "S-1": rule})
    story.refunded().when(penalise(story, a, clause="Z-1")).refused(PenaltyOutsideTariff)


def test_a_fine_alone_is_a_penalty_and_says_under_which_tariff(story, a):
    penalty, _ = (
        story.refunded().when(penalise(story, a, 0, Money(1, "CNY"))).then(PenaltyAssessed, ClockStarted)
    )
    window, step = penalty.derivation
    assert (window.rule, penalty.appeal_until) == ("M-4", datetime(2026, 11, 17, 16, tzinfo=UTC))
    assert (step.rule, step.inputs, step.policy) == ("S-1", {"clause": "S-1"}, story.policy.version)


def test_the_tariffs_maximum_is_inside(story, a):
    story.refunded().when(penalise(story, a, 12, Money(5_000_000, "CNY"))).then(PenaltyAssessed, ClockStarted)


def test_a_penalty_expires_by_its_clock_on_a_closed_case_too(story, a):
    story.refunded().given(penalise(story, a)).asked().closed().later(days=90, hours=12)
    story.when(miss(story, a.id("penalty"))).then(ClockMissed, PenaltyExpired)
    assert story.case.penalties[a.id("penalty")].state == "expired"


def test_it_does_not_expire_before_its_time(story, a):
    story.refunded().given(penalise(story, a)).later(days=90, hours=12, seconds=-1)
    story.when(miss(story, a.id("penalty"))).nothing_happened()


def test_a_clock_rings_once(story, a):
    story.refunded().given(penalise(story, a)).later(days=90, hours=12)
    again = miss(story, a.id("penalty"))
    story.given(again).when(again).nothing_happened()


def test_rectification_is_ordered_submitted_and_accepted(story, a):
    story.refunded().when(order(story, a)).then(RectificationOrdered, ClockStarted)
    story.when(submit(story, a)).then(RectificationSubmitted)
    story.when(judge(story, a, True)).then(RectificationAccepted, ClockSatisfied)
    assert not story.case.rectification.open


def test_a_second_duty_waits_for_the_first(story, a):
    story.refunded().given(order(story, a)).when(order(story, a, "second")).refused(RectificationOpen)


def test_after_the_first_a_second_can_be_ordered(story, a):
    story.refunded().given(order(story, a), waive(story, a))
    story.when(order(story, a, "second")).then(RectificationOrdered, ClockStarted)


def test_there_is_nothing_to_rectify_without_a_decision(story, a):
    story.in_review().when(order(story, a)).refused(DecisionMissing)


@pytest.mark.parametrize("command", [submit, waive, lambda story, a: judge(story, a, True)])
def test_a_duty_that_was_never_ordered_is_unknown(story, a, command):
    story.refunded().when(command(story, a)).refused(UnknownPart)


@pytest.mark.parametrize("command", [submit, waive, lambda story, a: judge(story, a, True)])
def test_a_duty_that_is_over_takes_no_more(story, a, command):
    story.refunded().given(order(story, a), waive(story, a)).when(command(story, a)).refused(WrongStage)


@pytest.mark.parametrize("command", [submit, waive, lambda story, a: judge(story, a, True)])
def test_on_a_closed_case_it_says_that_the_case_is_closed(story, a, command):
    story.refunded().given(order(story, a), waive(story, a)).asked().closed()
    story.when(command(story, a)).refused(CaseAlreadyClosed)


def test_what_was_not_submitted_cannot_be_judged(story, a):
    story.refunded().given(order(story, a)).when(judge(story, a, True)).refused(RectificationOpen)


def test_what_was_rejected_stays_due(story, a):
    story.refunded().given(order(story, a), submit(story, a))
    story.when(judge(story, a, False)).then(RectificationRejected)
    assert story.case.rectification.open


def test_waiving_ends_the_duty_and_its_clock(story, a):
    story.refunded().given(order(story, a)).when(waive(story, a)).then(RectificationWaived, ClockCancelled)


def test_an_unmet_duty_lapses_when_its_term_passes(story, a):
    story.refunded().given(order(story, a)).later(days=7)
    story.when(miss(story, a.id("duty"))).then(ClockMissed, RectificationLapsed)


def test_a_submitted_duty_waits_for_its_verdict(story, a):
    story.refunded().given(order(story, a), submit(story, a)).later(days=7)
    story.when(miss(story, a.id("duty"))).then(ClockMissed)
    story.when(judge(story, a, True)).then(RectificationAccepted)


def test_and_lapses_if_that_is_a_rejection(story, a):
    story.refunded().given(order(story, a), submit(story, a)).later(days=7)
    story.given(miss(story, a.id("duty"))).when(judge(story, a, False)).then(
        RectificationRejected, RectificationLapsed
    )


def test_rectification_can_be_ordered_on_a_closed_case(story, a):
    story.refunded().asked().closed().when(order(story, a)).then(RectificationOrdered, ClockStarted)
