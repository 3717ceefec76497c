"""Filing: nothing refuses it; what speaks against the case is stored with it."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.policy.calendar import Term, Unit, due
from domain.values import CaseType, Objection
from infrastructure.policy_pack import default_pack

DEFAULT = default_pack()


def test_a_case_is_filed_as_its_first_fact(story):
    story.filed()
    assert (story.case.version, story.case.stage, story.case.round) == (1, "filed", 1)


def test_an_eligible_case_has_no_objections(story):
    assert story.filed().case.filing.objections == ()


@pytest.mark.parametrize(
    ("delivered", "end"),
    [
        # Signed for on 5 November in Shanghai: seven days from the 6th end with the 12th.
        (datetime(2026, 11, 5, 2, 0, tzinfo=UTC), datetime(2026, 11, 12, 16, 0, tzinfo=UTC)),
        # 23:59 and 00:00 in Shanghai are different days.
        (datetime(2026, 11, 5, 15, 59, tzinfo=UTC), datetime(2026, 11, 12, 16, 0, tzinfo=UTC)),
        (datetime(2026, 11, 5, 16, 0, tzinfo=UTC), datetime(2026, 11, 13, 16, 0, tzinfo=UTC)),
    ],
)
def test_the_return_window_counts_shanghai_days_from_the_day_after_sign_for(delivered, end):
    assert due(delivered, Term(7, Unit.DAYS), {}) == end


@pytest.mark.parametrize(
    ("seconds", "objections"), [(-1, ()), (0, (Objection("NR-1", "return_window_over"),))]
)
def test_a_no_reason_return_is_in_time_until_the_last_second(story, seconds, objections):
    delivered = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
    story.at = due(delivered, Term(7, Unit.DAYS), DEFAULT.calendars) + timedelta(seconds=seconds)
    assert story.filed(reason="no_reason", delivered_at=delivered).case.filing.objections == objections


@pytest.mark.parametrize("category", ["custom_made", "perishable", "digital_unsealed", "newspaper"])
def test_excluded_goods_are_objected_to_with_their_clause(story, category):
    case = story.filed(reason="no_reason", category=category).case
    assert case.filing.objections == (Objection("NR-2", "category_excluded"),)


def test_a_quality_defect_is_not_held_to_the_no_reason_rules(story):
    late = story.at - timedelta(days=60)
    assert story.filed(category="perishable", delivered_at=late).case.filing.objections == ()


def test_an_undelivered_order_has_no_window_to_miss(story):
    assert story.filed(reason="no_reason", delivered_at=None).case.filing.objections == ()


@pytest.mark.parametrize("case_type", list(CaseType))
def test_every_kind_of_case_can_be_filed(story, case_type):
    assert story.filed(case_type=case_type).case.filing.case_type is case_type
