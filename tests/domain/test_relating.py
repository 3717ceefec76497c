"""What a case is about, and which other cases belong to it."""

from datetime import timedelta

import pytest

from domain.case import Case
from domain.events import (
    CaseClassified,
    CaseClosed,
    CaseLinked,
    CaseMerged,
    ClockCancelled,
    ClockMissed,
    PenaltyExpired,
    ProposalVoided,
    RectificationLapsed,
)
from domain.policy.calendar import Term, Unit, due
from domain.refusals import (
    CaseAlreadyClosed,
    CompensationAlreadySettled,
    NotMergeable,
    NotReopenable,
    OutcomeMissing,
    WrongStage,
)
from domain.values import ClockKind, Relation, ReopenGround, Resolution, Stage, VoidCause


def another(story, a, merchant_id="m-2001"):
    """Another open case of the same buyer."""
    filing = story.case.filing
    return Case.file(
        story.buyer, a.id("other"), "AS-2", filing.case_type, filing.reason, "app", filing.buyer, merchant_id,
        filing.order, filing.claim, story.policy, story.at,
    )  # fmt: skip


def merge(story, a, into=None):
    return lambda case: case.merge(story.reviewer, into or another(story, a), a.text(), story.at)


def test_a_case_is_judged_under_the_reason_that_it_was_classified_by(story):
    story.filed().when(lambda case: case.classify(story.agent, "counterfeit", story.at)).then(CaseClassified)
    assert (story.case.reason, story.case.filing.reason) == ("counterfeit", "quality_defect")


def test_the_same_reason_again_says_nothing_new(story):
    story.filed().when(lambda case: case.classify(story.agent, "quality_defect", story.at)).nothing_happened()


def test_a_decided_case_is_not_classified_anew(story):
    story.refunded().when(lambda case: case.classify(story.agent, "counterfeit", story.at)).refused(
        WrongStage
    )


def test_another_case_is_linked_once(story, a):
    def link(case):
        case.link(a.id("other"), Relation.SAME_ORDER, story.at)

    story.refunded().asked().closed().when(link).then(CaseLinked)
    story.when(link).nothing_happened()


def test_a_case_does_not_belong_to_itself(story):
    story.filed().when(lambda case: case.link(case.id, Relation.RELATED, story.at)).refused(NotMergeable)


def test_a_case_is_merged_into_another_one_and_then_closed_as_that(story, a):
    story.filed().when(merge(story, a)).then(CaseMerged)
    assert story.case.stage is Stage.MERGED
    story.when(story.close(Resolution.MERGED)).then(CaseClosed)


def test_a_case_that_was_not_merged_is_not_closed_as_merged(story):
    story.filed().when(story.close(Resolution.MERGED)).refused(OutcomeMissing)


def test_cases_of_different_merchants_are_not_merged(story, a):
    story.filed().when(merge(story, a, another(story, a, "m-2002"))).refused(NotMergeable)


def test_a_decision_that_waits_for_a_second_person_does_not_outlive_the_merger(story, a):
    _, voided = story.proposed().when(merge(story, a)).then(CaseMerged, ProposalVoided)
    assert voided.cause is VoidCause.MERGED


def test_what_an_earlier_round_asked_of_the_merchant_goes_on_after_the_merger(story, a):
    due = story.at + timedelta(days=9)
    story.in_review().decided()
    story.given(
        lambda case: case.penalise(
            story.reviewer, a.id("penalty"), 2, None, "S-1", a.text(), story.policy, story.at
        ),
        lambda case: case.order_rectification(a.id("duty"), a.text(), due, story.at),
        lambda case: case.reopen(ReopenGround.NEW_FACTS, a.text(), story.policy, story.at),
        merge(story, a),
    )
    story.later(days=9).when(story.miss(ClockKind.RECTIFICATION)).then(ClockMissed, RectificationLapsed)
    story.later(days=82).when(story.miss(ClockKind.PENALTY_EXPIRY)).then(ClockMissed, PenaltyExpired)


def test_nobody_waits_any_more_for_what_was_asked_on_a_case_that_is_merged(story, a):
    story.in_review().given(story.promise())
    story.when(merge(story, a)).then(CaseMerged, ClockCancelled)


def test_a_case_is_merged_neither_into_itself_nor_into_one_that_ended(story, a):
    story.filed().when(merge(story, a, story.case)).refused(NotMergeable)
    ended = another(story, a)
    ended.withdraw(a.text(), story.at)
    story.when(merge(story, a, ended)).refused(NotMergeable)


def test_a_case_on_which_money_was_paid_is_not_merged(story, a):
    story.refunded().given(lambda case: case.reopen(ReopenGround.NEW_FACTS, a.text(), story.policy, story.at))
    story.when(merge(story, a)).refused(CompensationAlreadySettled)


def test_a_closed_case_is_not_merged(story, a):
    story.refunded().asked().closed().when(merge(story, a)).refused(CaseAlreadyClosed)


@pytest.mark.parametrize(("late", "possible"), [(timedelta(seconds=-1), True), (timedelta(0), False)])
def test_the_grace_period_ends_with_its_fifteenth_day(story, a, late, possible):
    story.refunded().asked().closed()
    story.at = due(story.at, Term(15, Unit.DAYS), {}) + late
    story.when(lambda case: case.reopen(ReopenGround.GRACE, a.text(), story.policy, story.at))
    if possible:
        assert story.accepted()
    else:
        story.refused(NotReopenable)
