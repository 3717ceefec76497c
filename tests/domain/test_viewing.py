"""What a case asks of whoever looks at it, derived from what happened."""

from datetime import timedelta

import pytest

from domain.case.viewing import viewer_state
from domain.values import (
    AppealAgainst,
    Exhibit,
    GoodsCondition,
    RemedyKind,
    RepairOutcome,
    Side,
    Stance,
    SuspensionGround,
    ViewerState,
)

ACTION, OTHER, REVIEW, APPEAL, RESOLVED = (
    ViewerState.ACTION_REQUIRED,
    ViewerState.WAITING_FOR_OTHER,
    ViewerState.UNDER_REVIEW,
    ViewerState.APPEALABLE,
    ViewerState.RESOLVED,
)


def states(story):
    """What the buyer, the merchant and the platform's people see."""
    return tuple(
        viewer_state(story.case, side, story.policy, story.at) for side in (Side.BUYER, Side.MERCHANT, None)
    )


def refuse(story, a):
    return lambda case: case.refuse_goods(story.agent, a.id("goods"), a.text(), story.policy, story.at)


# --- before a decision ---


def test_what_is_filed_or_reviewed_is_with_the_platform(story):
    assert states(story.filed()) == (REVIEW, REVIEW, ACTION)
    assert states(story.claimed()) == (REVIEW, REVIEW, ACTION)


def test_while_the_sides_negotiate_it_is_the_turn_of_one_of_them(story):
    assert states(story.notified()) == (OTHER, ACTION, OTHER)
    assert states(story.given(story.answer(Stance.DISPUTES))) == (ACTION, OTHER, OTHER)


def test_once_the_platform_was_asked_it_is_the_platforms_turn(story):
    story.notified().given(story.answer(Stance.REFUSES), story.escalate(story.buyer))
    # the merchant that is complained of must answer all the same
    assert states(story) == (REVIEW, ACTION, ACTION)


def test_when_the_merchant_asks_nobody_else_has_to_move(story):
    story.notified().given(story.answer(Stance.DISPUTES)).later(days=4)
    story.given(story.escalate(story.merchant))
    assert states(story) == (REVIEW, REVIEW, ACTION)


@pytest.mark.parametrize("side", Side)
def test_whoever_is_asked_for_evidence_has_to_show_it(story, a, side):
    story.filed().claimed().given(
        lambda case: case.request_evidence(
            story.reviewer, a.id("asked"), side, ("photo",), a.text(), story.policy, story.at
        )
    )
    asked = {Side.BUYER: (ACTION, REVIEW, ACTION), Side.MERCHANT: (REVIEW, ACTION, ACTION)}
    assert states(story) == asked[side]


def test_a_case_at_rest_asks_nothing_of_anybody(story, a):
    story.filed().claimed().given(
        lambda case: case.request_evidence(
            story.reviewer, a.id("asked"), Side.BUYER, ("photo",), a.text(), story.policy, story.at
        ),
        lambda case: case.suspend(story.reviewer, SuspensionGround.COURT, a.text(), story.policy, story.at),
    )
    assert states(story) == (OTHER, OTHER, OTHER)


def test_not_even_what_was_ordered_before(story, a):
    story.refunded().given(
        lambda case: case.order_rectification(a.id("duty"), a.text(), story.at + timedelta(days=7), story.at),
        lambda case: case.suspend(story.reviewer, SuspensionGround.COURT, a.text(), story.policy, story.at),
    )
    assert states(story) == (OTHER, OTHER, OTHER)


# --- while it is executed ---


def later_than_the_window(story):
    return story.later(days=8)


def goods(story, a, kind, *commands):
    """A leg of goods was decided on, and then this happened; nobody may appeal any more."""
    return later_than_the_window(story.in_review().decided(a.remedy(kind, "goods")).given(*commands))


def test_a_return_is_the_buyers_to_send_and_the_merchants_to_look_at(story, a):
    goods(story, a, RemedyKind.RETURN)
    assert states(story) == (ACTION, ACTION, OTHER), "the merchant has yet to say where to"
    story.given(
        lambda case: case.authorise_return(story.merchant, a.id("goods"), None, story.policy, story.at)
    )
    assert states(story) == (ACTION, OTHER, OTHER)
    assert states(story.given(story.ship("goods"))) == (OTHER, OTHER, OTHER)
    assert states(story.given(story.receive("goods"))) == (OTHER, ACTION, OTHER)
    story.given(
        lambda case: case.inspect_goods(
            story.agent, a.id("goods"), GoodsCondition.INTACT, (), story.policy, story.at
        )
    )
    assert states(story) == (OTHER, ACTION, OTHER)


def test_a_return_that_was_not_taken_in_is_the_merchants_to_decide_on(story, a):
    goods(story, a, RemedyKind.RETURN, story.ship("goods"), refuse(story, a))
    assert states(story) == (OTHER, ACTION, OTHER)


def test_a_replacement_is_the_merchants_to_send_and_the_buyers_to_take(story, a):
    goods(story, a, RemedyKind.REPLACEMENT)
    assert states(story) == (OTHER, ACTION, OTHER)
    assert states(story.given(story.ship("goods"), story.receive("goods"))) == (ACTION, OTHER, OTHER)


def test_a_replacement_that_was_not_taken_is_the_merchants_to_send_again(story, a):
    goods(story, a, RemedyKind.REPLACEMENT, story.ship("goods"), refuse(story, a))
    assert states(story) == (OTHER, ACTION, OTHER)


def test_a_replacement_waits_for_what_comes_back(story, a):
    story.in_review().decided(a.remedy(RemedyKind.RETURN), a.remedy(RemedyKind.REPLACEMENT))
    story.given(
        lambda case: case.authorise_return(story.merchant, a.id("return"), None, story.policy, story.at)
    )
    assert states(later_than_the_window(story)) == (ACTION, OTHER, OTHER)


def test_a_repair_is_the_merchants_to_do_and_the_buyers_to_take(story, a):
    goods(story, a, RemedyKind.REPAIR, story.ship("goods"), story.receive("goods"))
    assert states(story) == (OTHER, ACTION, OTHER)
    story.given(lambda case: case.start_repair(a.id("goods"), story.policy, story.at))
    assert states(story) == (OTHER, ACTION, OTHER)
    story.given(
        lambda case: case.complete_repair(a.id("goods"), RepairOutcome.REPAIRED, story.policy, story.at)
    )
    assert states(story) == (ACTION, OTHER, OTHER)


def test_while_only_money_is_under_way_nobody_has_to_do_anything(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(199)))
    assert states(story) == (APPEAL, APPEAL, OTHER)
    assert states(later_than_the_window(story)) == (OTHER, OTHER, OTHER)


# --- afterwards ---


def test_what_was_decided_can_be_appealed_until_the_window_ends(story):
    assert states(story.refunded()) == (APPEAL, APPEAL, ACTION)
    assert states(later_than_the_window(story)) == (RESOLVED, RESOLVED, ACTION)
    assert states(story.asked().closed()) == (RESOLVED, RESOLVED, RESOLVED)


def test_an_appeal_is_with_the_platform_and_used_up_by_its_party(story, a):
    story.refunded().given(
        lambda case: case.appeal(
            story.merchant,
            a.id("appeal"),
            AppealAgainst.DECISION,
            None,
            (),
            (Exhibit(a.id("new"), "video", "1" * 64, a.text()),),
            a.text(),
            story.policy,
            story.at,
        )
    )
    assert states(story) == (REVIEW, REVIEW, ACTION)
    story.given(lambda case: case.withdraw_appeal(story.merchant, a.id("appeal"), story.policy, story.at))
    assert states(story) == (APPEAL, RESOLVED, ACTION)


def test_a_duty_comes_before_the_right_to_appeal(story, a):
    story.refunded().given(
        lambda case: case.order_rectification(a.id("duty"), a.text(), story.at + timedelta(days=7), story.at)
    )
    assert states(story) == (APPEAL, ACTION, ACTION)
    story.given(lambda case: case.submit_rectification(a.text(), story.at))
    assert states(story) == (APPEAL, APPEAL, ACTION)


def test_a_case_that_was_taken_back_is_over(story, a):
    story.filed().given(lambda case: case.withdraw(a.text(), story.at))
    assert states(story) == (RESOLVED, RESOLVED, RESOLVED)
