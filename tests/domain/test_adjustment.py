"""A penalty that was assessed is only lowered, and by somebody else."""

import pytest

from application.rulebook import OnePolicy
from domain.audit import differences
from domain.events import PenaltyAdjusted
from domain.policy.tariff import tariff_of
from domain.refusals import (
    ConflictOfInterest,
    PenaltyNotLive,
    PenaltyOutsideTariff,
    UnknownPart,
    WrongStage,
)
from domain.values import Money, PenaltyState, ReopenGround, SuspensionGround


def penalise(story, a, points=4, fine=100, by=None):
    return lambda case: case.penalise(
        by or story.reviewer,
        a.id("penalty"),
        points,
        a.yuan(fine) if fine else None,
        "S-1",
        a.text(),
        story.policy,
        story.at,
    )


def adjust(story, a, points=2, fine=50, by=None, name="penalty"):
    return lambda case: case.adjust_penalty(
        by or story.supervisor,
        a.id(name),
        points,
        a.yuan(fine) if fine else None,
        a.text(),
        story.policy,
        story.at,
    )


@pytest.fixture
def penalised(story, a):
    """A case on which the reviewer assessed four points and 100 yuan."""
    return story.refunded().given(penalise(story, a))


def test_a_penalty_is_lowered_with_its_reasons_and_its_derivation(penalised, a):
    (adjusted,) = penalised.when(adjust(penalised, a)).then(PenaltyAdjusted)
    assert (adjusted.points, adjusted.fine, adjusted.by) == (2, a.yuan(50), penalised.supervisor.id)
    assert adjusted.reasons == a.text()
    assert adjusted.derivation == tariff_of("S-1", penalised.policy).derivation
    penalty = penalised.case.penalties[a.id("penalty")]
    assert (penalty.points, penalty.fine, penalty.state) == (2, a.yuan(50), PenaltyState.LIVE)


@pytest.mark.parametrize(
    ("points", "fine"), [(3, 100), (4, 99), (4, None), (0, 100), (4, 0), (1, None), (0, 1)]
)
def test_fewer_points_or_a_smaller_fine_are_enough(penalised, a, points, fine):
    penalised.when(adjust(penalised, a, points, fine)).then(PenaltyAdjusted)


@pytest.mark.parametrize(("points", "fine"), [(4, 100), (5, 50), (2, 101), (13, 0), (0, None), (0, 0)])
def test_what_is_not_less_or_is_nothing_at_all_is_refused(penalised, a, points, fine):
    penalised.when(adjust(penalised, a, points, fine)).refused(PenaltyOutsideTariff)


def test_a_fine_is_not_turned_into_another_currency(penalised, a):
    in_dollars = lambda case: case.adjust_penalty(  # noqa: E731
        penalised.supervisor, a.id("penalty"), 2, Money(1, "USD"), a.text(), penalised.policy, penalised.at
    )
    penalised.when(in_dollars).refused(PenaltyOutsideTariff)


def test_a_fine_is_not_added_to_a_penalty_without_one(story, a):
    story.refunded().given(penalise(story, a, fine=None))
    story.when(adjust(story, a, 2, 1)).refused(PenaltyOutsideTariff)


def test_it_can_be_lowered_again_from_what_it_is_now(penalised, a):
    penalised.given(adjust(penalised, a, 2, 50))
    penalised.when(adjust(penalised, a, 3, 50)).refused(PenaltyOutsideTariff)
    penalised.when(adjust(penalised, a, 1, 50)).then(PenaltyAdjusted)


def test_whoever_assessed_it_does_not_lower_it(story, a):
    story.refunded().given(penalise(story, a, by=story.supervisor))
    story.when(adjust(story, a)).refused(ConflictOfInterest)
    assert "adjustment" not in story.case.possible(story.supervisor, story.policy, story.at)
    assert "adjustment" in story.case.possible(story.reviewer, story.policy, story.at)


def test_a_penalty_that_was_never_assessed_is_unknown(penalised, a):
    penalised.when(adjust(penalised, a, name="other")).refused(UnknownPart)


def test_an_expired_penalty_is_not_lowered(penalised, a):
    clock = penalised.case.clocks.of(a.id("penalty"))
    penalised.later(days=91).given(
        lambda case: case.miss_clock(clock.clock_id, penalised.policy, penalised.at)
    )
    penalised.when(adjust(penalised, a)).refused(PenaltyNotLive)
    assert "adjustment" not in penalised.case.possible(penalised.supervisor, penalised.policy, penalised.at)


def test_it_can_be_lowered_when_the_case_is_closed_and_when_it_is_reviewed_again(penalised, a):
    penalised.asked().closed().when(adjust(penalised, a, 3)).then(PenaltyAdjusted)
    penalised.given(
        lambda case: case.reopen(ReopenGround.NEW_FACTS, a.text(), penalised.policy, penalised.at)
    )
    penalised.when(adjust(penalised, a, 2)).then(PenaltyAdjusted)


def test_not_while_the_case_rests(penalised, a):
    penalised.given(
        lambda case: case.suspend(
            penalised.reviewer, SuspensionGround.COURT, a.text(), penalised.policy, penalised.at
        )
    )
    penalised.when(adjust(penalised, a)).refused(WrongStage)


@pytest.mark.parametrize("content", [{"points": 4}, {"derivation": ()}])
def test_an_adjustment_that_was_changed_in_the_log_is_found(penalised, a, content):
    penalised.given(adjust(penalised, a, points=2, fine=100))
    *before, adjusted = penalised._facts
    case = None
    for fact in before:
        case = fact.mutate(case)
    other = object.__new__(PenaltyAdjusted)
    other.__dict__.update({**vars(adjusted), **content})
    rules = OnePolicy(penalised.policy)
    assert list(differences(case, adjusted, "supervisor", rules)) == []
    (found,) = differences(case, other, "supervisor", rules)
    assert (found.fact, found.part) == ("PenaltyAdjusted", *content)
