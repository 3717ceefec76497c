"""Appeals: who may, against what and until when, who judges, and what comes of it."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.case.appealing import Judgement
from domain.events import (
    AppealFiled,
    AppealWithdrawn,
    CaseClosed,
    CaseCompensated,
    CaseReopened,
    ClockCancelled,
    ClockSatisfied,
    ClockStarted,
    CompensationInstructed,
    CompensationRecalled,
    CompensationReversed,
    DecisionOverturned,
    DecisionUpheld,
    DecisionVaried,
    EvidenceSubmitted,
    ExecutionFailed,
    FollowUpScheduled,
    GoodsLost,
    PenaltyAdjusted,
    PenaltyReversed,
    RecoveryOpened,
    RecoveryReduced,
    RectificationWaived,
)
from domain.refusals import (
    AlreadyAppealed,
    AmountMismatch,
    AnotherReviewerRequired,
    AppealOpen,
    AppealTargetMissing,
    AppealWindowOver,
    CaseAlreadyClosed,
    CaseClaimedByAnother,
    CaseNotClaimed,
    ClauseNotInForce,
    CompensationExceedsEntitlement,
    DecisionNotAutomated,
    NewEvidenceMissing,
    NotReopenable,
    PenaltyOutsideTariff,
    UnknownPart,
    WrongStage,
)
from domain.values import (
    Actor,
    AppealAgainst,
    AppealState,
    ClockKind,
    CompensationState,
    Exhibit,
    GoodsState,
    LiableParty,
    Money,
    Party,
    Payer,
    PenaltyReversalCause,
    PenaltyState,
    RecoveryState,
    RectificationState,
    Release,
    RemedyKind,
    ReopenGround,
    RepairOutcome,
    Role,
    Stage,
    SuspensionGround,
)

SETTLED = (FollowUpScheduled, ClockStarted)
ENDS = datetime(2026, 11, 17, 16, 0, tzinfo=UTC)
"""The midnight after the seventh day, in Shanghai, of what was decided at noon on the tenth."""


def exhibit(a, name="new"):
    """Evidence that comes with the appeal."""
    return Exhibit(a.id(name), "video", "1" * 64, a.text())


def appeal(
    story,
    a,
    by=None,
    name="appeal",
    against=AppealAgainst.DECISION,
    target=None,
    evidence=(),
    exhibits=None,
):
    """The merchant's appeal against the last decision with one new exhibit, if nothing else is said."""
    brought = (exhibit(a, f"new {name}"),) if exhibits is None else exhibits
    return lambda case: case.appeal(
        by or story.merchant, a.id(name), against, target, evidence, brought, a.text(), story.policy, story.at
    )


def take_back(story, a, by=None, name="appeal"):
    return lambda case: case.withdraw_appeal(by or story.merchant, a.id(name), story.policy, story.at)


def claim(story, by=None):
    return lambda case: case.claim(by or story.other_reviewer, story.policy, story.at)


def judge(how):
    def command(story, a, *content, by=None, name="appeal", token=None, clauses=("Q-1",)):
        judgement = Judgement(by or story.other_reviewer, token, clauses, a.text())
        return lambda case: getattr(case, how)(judgement, a.id(name), *content, story.policy, story.at)

    return command


uphold, overturn, vary = judge("uphold"), judge("overturn"), judge("vary_decision")
vary_penalty, vary_recovery = judge("vary_penalty"), judge("vary_recovery")


def penalise(story, a, name="penalty", points=2, by=None):
    return lambda case: case.penalise(
        by or story.reviewer, a.id(name), points, a.yuan(100), "S-1", a.text(), story.policy, story.at
    )


def rectify(story, a):
    return lambda case: case.order_rectification(
        a.id("duty"), a.text(), story.at + timedelta(days=7), story.at
    )


def file_evidence(story, a, name):
    return lambda case: case.submit_evidence(
        story.merchant, a.id(name), Party.MERCHANT, "photo", "0" * 64, a.text(), None, story.at
    )


@pytest.fixture
def executing(story, a):
    """A refund waits for goods to come back, freight is under way."""
    return story.in_review().decided(
        a.remedy(RemedyKind.REFUND, amount=a.yuan(199), release=Release.GOODS_ACCEPTED),
        a.remedy(RemedyKind.FREIGHT, amount=a.yuan(12)),
        a.remedy(RemedyKind.RETURN),
    )


@pytest.fixture
def appealed(story, a):
    """A paid refund is appealed by the merchant, and another reviewer holds the case."""
    return story.refunded().given(appeal(story, a), claim(story))


def came_back(story):
    """The goods came back."""
    return story.given(story.ship("return"), story.receive("return"), story.accept("return"))


# --- who, against what, until when ---


def test_a_party_appeals_against_the_decision_with_new_evidence(story, a):
    story.refunded().given(file_evidence(story, a, "invoice"))
    filed, clock = story.when(appeal(story, a, evidence=(a.id("invoice"),), exhibits=())).then(
        AppealFiled, ClockStarted
    )
    assert (filed.party, filed.by, filed.round, filed.resumes) == ("merchant", "seller", 1, "following_up")
    assert (filed.target, filed.evidence) == (story.case.decision.decision_id, (a.id("invoice"),))
    assert filed.due == clock.due == story.at + timedelta(hours=48)
    assert clock.derivation[0].rule == "M-3"
    assert story.case.stage is Stage.APPEALED


def test_the_window_stands_in_the_decision_with_its_derivation(story, a):
    decision = story.refunded().case.decision
    assert decision.appeal_until == ENDS
    step = decision.derivation[0]
    assert (step.rule, step.result) == ("M-4", "2026-11-17T16:00:00Z")


def test_new_evidence_may_come_with_the_appeal(story, a):
    filed, piece, _ = (
        story.refunded().when(appeal(story, a)).then(AppealFiled, EvidenceSubmitted, ClockStarted)
    )
    assert filed.evidence == (piece.evidence_id,)
    assert (piece.party, piece.by_staff) == ("merchant", False)


def test_evidence_that_the_decision_knew_is_not_new(story, a):
    story.in_review().given(file_evidence(story, a, "old")).decided()
    story.when(appeal(story, a, evidence=(a.id("old"),), exhibits=())).refused(NewEvidenceMissing)
    story.when(appeal(story, a, exhibits=())).refused(NewEvidenceMissing)
    story.when(appeal(story, a, evidence=(a.id("old"),))).then(AppealFiled, EvidenceSubmitted, ClockStarted)


def test_an_appeal_cites_only_what_is_on_file(story, a):
    story.refunded().when(appeal(story, a, evidence=(a.id("nothing"),))).refused(UnknownPart)


def test_the_window_ends_with_the_seventh_day(story, a):
    story.refunded()
    story.at = ENDS - timedelta(microseconds=1)
    assert story.when(appeal(story, a)).accepted()


def test_and_not_a_moment_later(story, a):
    story.refunded()
    story.at = ENDS
    story.when(appeal(story, a)).refused(AppealWindowOver)


def test_each_party_appeals_once_a_round_even_if_it_took_the_appeal_back(story, a):
    story.refunded().given(appeal(story, a), take_back(story, a))
    story.when(appeal(story, a, name="second")).refused(AlreadyAppealed)
    story.when(appeal(story, a, by=story.buyer, name="second")).then(
        AppealFiled, EvidenceSubmitted, ClockStarted
    )


def test_while_an_appeal_is_open_there_is_no_other(appealed, a):
    appealed.when(appeal(appealed, a, by=appealed.buyer, name="second")).refused(AppealOpen)


def test_an_open_appeal_takes_nothing_from_the_time_of_the_other_party(story, a):
    story.refunded().later(days=5).given(appeal(story, a), claim(story)).later(days=4)
    story.given(claim(story), uphold(story, a))
    story.at = ENDS + timedelta(days=4, microseconds=-1)
    assert story.when(appeal(story, a, by=story.buyer, name="second")).accepted()


def test_but_no_more_than_it_lasted(story, a):
    story.refunded().later(days=5).given(appeal(story, a)).later(days=4).given(take_back(story, a))
    story.at = ENDS + timedelta(days=4)
    story.when(appeal(story, a, by=story.buyer, name="second")).refused(AppealWindowOver)


def test_an_appeal_that_began_after_the_window_puts_nothing_off(story, a):
    story.refunded().later(days=1).given(penalise(story, a))
    story.at = ENDS
    story.given(appeal(story, a, against=AppealAgainst.PENALTY)).later(days=1).given(take_back(story, a))
    story.when(appeal(story, a, by=story.buyer, name="second")).refused(AppealWindowOver)


def test_what_is_not_decided_cannot_be_appealed(story, a):
    story.in_review().when(appeal(story, a)).refused(AppealTargetMissing)


def test_only_the_last_decision_can_be_appealed(story, a):
    story.refunded().given(lambda case: case.reopen(ReopenGround.NEW_FACTS, a.text(), story.policy, story.at))
    story.when(appeal(story, a)).refused(WrongStage)
    story.claimed().verified().decided(name="2")
    story.when(appeal(story, a, target=a.id("decision 1"))).refused(AppealTargetMissing)
    filed, *_ = story.when(appeal(story, a)).then(AppealFiled, EvidenceSubmitted, ClockStarted)
    assert (filed.target, filed.round) == (a.id("decision 2"), 2)


def test_an_appeal_rests_with_its_case(story, a):
    story.refunded().given(appeal(story, a), claim(story))
    story.given(
        lambda case: case.suspend(story.reviewer, SuspensionGround.COURT, a.text(), story.policy, story.at)
    )
    story.when(take_back(story, a)).refused(WrongStage)
    story.given(lambda case: case.resume(a.text(), story.policy, story.at))
    story.when(take_back(story, a)).then(AppealWithdrawn, ClockCancelled)


def test_a_withdrawn_case_takes_no_appeal(executing, a):
    executing.given(
        lambda case: case.fail_compensation(a.id("freight"), "f-1", a.text(), executing.policy, executing.at),
        lambda case: case.withdraw(a.text(), executing.at),
    )
    executing.when(appeal(executing, a)).refused(WrongStage)


def test_a_penalty_is_the_merchants_to_appeal(story, a):
    story.refunded().given(penalise(story, a))
    of_penalty = {"against": AppealAgainst.PENALTY, "target": a.id("penalty")}
    story.when(appeal(story, a, by=story.buyer, **of_penalty)).refused(AppealTargetMissing)
    story.when(appeal(story, a, **of_penalty)).then(AppealFiled, EvidenceSubmitted, ClockStarted)


def test_a_penalty_has_a_window_of_its_own(story, a):
    story.refunded().asked().closed().later(days=30).given(penalise(story, a))
    story.when(appeal(story, a)).refused(AppealWindowOver)
    filed, *_ = story.when(appeal(story, a, against=AppealAgainst.PENALTY)).then(
        AppealFiled, EvidenceSubmitted, ClockStarted
    )
    assert filed.resumes is Stage.CLOSED


# --- while it is open ---


def test_money_not_yet_ordered_waits_and_what_is_under_way_comes_to_its_end(executing, a):
    executing.given(appeal(executing, a))
    came_back(executing)
    executing.when(executing.pay("freight")).then(CaseCompensated)
    assert executing.case.money.line(a.id("refund")).state is CompensationState.AUTHORISED
    executing.given(claim(executing)).when(uphold(executing, a)).then(
        DecisionUpheld, ClockSatisfied, CompensationInstructed
    )


def test_what_was_settled_meanwhile_is_followed_up_afterwards(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(199))).given(appeal(story, a))
    story.when(story.pay("refund")).then(CaseCompensated)
    story.when(take_back(story, a)).then(AppealWithdrawn, ClockCancelled, *SETTLED)


def test_a_case_is_not_closed_over_an_open_appeal(story, a):
    story.refunded().asked().given(appeal(story, a)).when(story.close()).refused(AppealOpen)


def test_an_appeal_ends_the_lease(story, a):
    story.in_review().decided().claimed().given(appeal(story, a))
    assert story.case.lease is None


def test_a_missed_review_of_an_appeal_is_recorded_and_changes_nothing(appealed, a):
    clock = appealed.case.clocks.of(a.id("appeal"))
    appealed.later(hours=48)
    assert appealed.when(
        lambda case: case.miss_clock(clock.clock_id, appealed.policy, appealed.at)
    ).accepted()
    assert appealed.case.stage is Stage.APPEALED


def test_an_appeal_on_a_closed_case_takes_it_up_again(story, a):
    story.refunded().asked().closed()
    filed, *_ = story.when(appeal(story, a)).then(AppealFiled, EvidenceSubmitted, ClockStarted)
    assert filed.resumes is Stage.CLOSED
    story.given(claim(story)).when(uphold(story, a)).then(DecisionUpheld, ClockSatisfied)
    assert story.case.stage is Stage.CLOSED


# --- taking it back ---


def test_an_appeal_is_taken_back_by_its_party_alone(appealed, a):
    appealed.when(take_back(appealed, a, by=appealed.buyer)).refused(UnknownPart)
    appealed.when(take_back(appealed, a, name="nothing")).refused(UnknownPart)
    appealed.when(take_back(appealed, a)).then(AppealWithdrawn, ClockCancelled)
    assert (appealed.case.stage, appealed.case.lease) == (Stage.FOLLOWING_UP, None)


def test_an_appeal_that_is_over_is_not_taken_back(appealed, a):
    appealed.given(uphold(appealed, a)).when(take_back(appealed, a)).refused(WrongStage)
    appealed.asked().closed().when(take_back(appealed, a)).refused(CaseAlreadyClosed)


# --- who judges ---


def test_whoever_decided_does_not_judge_the_appeal(story, a):
    story.refunded().given(appeal(story, a))
    story.when(claim(story, story.reviewer)).refused(AnotherReviewerRequired)
    story.when(uphold(story, a, by=story.reviewer)).refused(AnotherReviewerRequired)


def test_whoever_found_what_was_decided_does_not_judge_the_appeal_against_it(story, a):
    """The finding is most of a decision, though somebody else wrote that."""
    story.filed().claimed().verified()
    story.given(
        lambda case: case.reassign(story.supervisor, story.agent.id, story.agent.role, story.policy, story.at)
    )
    story.decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(199)), by=story.agent).given(appeal(story, a))
    story.when(claim(story, story.reviewer)).refused(AnotherReviewerRequired)
    assert story.when(claim(story)).accepted()


def test_nor_does_whoever_is_no_reviewer(story, a):
    story.refunded().given(appeal(story, a)).when(claim(story, story.agent)).refused(AnotherReviewerRequired)


def test_nor_is_it_given_to_them(story, a):
    story.refunded().given(appeal(story, a))
    story.when(
        lambda case: case.reassign(story.supervisor, "reviewer-1", Role.REVIEWER, story.policy, story.at)
    ).refused(AnotherReviewerRequired)


def test_nor_does_whoever_assessed_the_penalty(story, a):
    story.refunded().given(penalise(story, a, by=story.other_reviewer))
    story.given(appeal(story, a, against=AppealAgainst.PENALTY))
    story.when(claim(story)).refused(AnotherReviewerRequired)
    story.when(claim(story, story.reviewer)).refused(AnotherReviewerRequired)
    assert story.when(claim(story, Actor("reviewer-3", Role.REVIEWER))).accepted()


def test_nor_does_whoever_varied_the_decision_before(appealed, a):
    appealed.given(vary(appealed, a, (a.remedy(RemedyKind.REFUND, amount=a.yuan(100)),)))
    appealed.given(appeal(appealed, a, by=appealed.buyer, name="second"))
    appealed.when(claim(appealed)).refused(AnotherReviewerRequired)


@pytest.mark.parametrize("clause", ["Z-1", "X-99"])
@pytest.mark.parametrize("command", [uphold, overturn])
def test_an_appeal_is_judged_by_clauses_that_are_in_force(appealed, a, command, clause):
    appealed.when(command(appealed, a, clauses=("Q-1", clause))).refused(ClauseNotInForce)


def test_an_appeal_is_judged_under_a_lease(story, a):
    story.refunded().given(appeal(story, a)).when(uphold(story, a)).refused(CaseNotClaimed)
    story.given(claim(story)).when(uphold(story, a, by=Actor("reviewer-3", Role.REVIEWER))).refused(
        CaseClaimedByAnother
    )
    story.when(uphold(story, a, token="0")).refused(CaseNotClaimed)


def test_an_appeal_is_judged_once(appealed, a):
    appealed.given(uphold(appealed, a)).claimed(appealed.other_reviewer)
    for command in (uphold, overturn):
        appealed.when(command(appealed, a)).refused(WrongStage)
    appealed.when(uphold(appealed, a, name="nothing")).refused(UnknownPart)


def test_on_a_closed_case_there_is_nothing_left_to_judge(appealed, a):
    appealed.given(uphold(appealed, a)).asked().closed()
    appealed.when(overturn(appealed, a)).refused(CaseAlreadyClosed)


# --- overturned ---


def test_what_rests_on_a_decision_falls_with_it_and_a_new_round_begins(story, a):
    story.refunded().given(penalise(story, a), rectify(story, a), appeal(story, a), claim(story))
    facts = story.when(overturn(story, a)).then(
        DecisionOverturned,
        ClockSatisfied,
        CompensationReversed,
        RecoveryOpened,
        PenaltyReversed,
        ClockCancelled,
        RectificationWaived,
        ClockCancelled,
        CaseReopened,
        ClockCancelled,
    )
    reversed_, waived, reopened = facts[4], facts[6], facts[8]
    assert reversed_.cause is PenaltyReversalCause.DECISION_OVERTURNED
    assert reversed_.appeal_id == waived.appeal_id == a.id("appeal")
    assert (reopened.ground, reopened.round, reopened.reasons) == ("overturned", 2, None)
    assert story.case.stage is Stage.IN_REVIEW
    assert story.case.decision is None
    assert story.case.penalties[a.id("penalty")].state is PenaltyState.REVERSED
    assert story.case.rectification.state is RectificationState.WAIVED
    assert not story.case.clocks.running


def test_whoever_decided_before_does_not_decide_again(appealed, a):
    appealed.given(overturn(appealed, a))
    assert appealed.case.impartiality.objection("reviewer-1")
    appealed.claimed(appealed.other_reviewer).verified(by=appealed.other_reviewer)
    assert appealed.when(appealed.decide(by=appealed.other_reviewer, name="2")).accepted()


def test_money_under_way_is_called_back(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(199)))
    story.given(appeal(story, a), claim(story)).when(overturn(story, a)).then(
        DecisionOverturned, ClockSatisfied, CompensationRecalled, CaseReopened
    )
    story.when(story.pay("refund")).then(CaseCompensated, CompensationReversed, RecoveryOpened)


def test_and_can_be_granted_anew_before_its_outcome_is_known(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(199)))
    story.given(appeal(story, a), claim(story), overturn(story, a))
    story.claimed(story.other_reviewer).verified(by=story.other_reviewer)
    again = a.remedy(RemedyKind.REFUND, "again", amount=a.yuan(199))
    assert story.when(story.decide(again, by=story.other_reviewer, name="2")).accepted()


def test_goods_that_have_not_left_need_not_move_any_more(executing, a):
    executing.given(appeal(executing, a), claim(executing), overturn(executing, a))
    assert executing.case.goods.leg(a.id("return")).state is GoodsState.CANCELLED
    assert executing.case.goods.settled


def test_goods_that_have_left_come_to_their_end(executing, a):
    executing.given(
        executing.ship("return"),
        appeal(executing, a),
        claim(executing),
        overturn(executing, a),
    )
    assert executing.case.goods.leg(a.id("return")).state is GoodsState.IN_TRANSIT


def test_what_an_earlier_decision_granted_stands(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, "first", amount=a.yuan(50)))
    story.given(story.pay("first"), penalise(story, a)).asked(satisfied=False)
    story.given(lambda case: case.reopen(ReopenGround.UNSATISFIED, a.text(), story.policy, story.at))
    story.claimed().verified().decided(a.remedy(RemedyKind.REFUND, "more", amount=a.yuan(50)), name="2")
    story.given(story.pay("more", "pay-2"), appeal(story, a), claim(story), overturn(story, a))
    assert story.case.money.line(a.id("first")).state is CompensationState.PAID
    assert story.case.money.line(a.id("more")).state is CompensationState.REVERSED
    assert story.case.penalties[a.id("penalty")].state is PenaltyState.LIVE
    assert story.case.decision.decision_id == a.id("decision 1")


def test_a_rectification_that_is_done_stays_done(story, a):
    story.refunded().given(
        rectify(story, a),
        lambda case: case.submit_rectification(a.text(), story.at),
        lambda case: case.judge_rectification(True, a.text(), story.at),
        appeal(story, a),
        claim(story),
        overturn(story, a),
    )
    assert story.case.rectification.state is RectificationState.ACCEPTED


def test_an_overturned_penalty_falls_alone(story, a):
    story.refunded().given(penalise(story, a), penalise(story, a, "other"))
    story.given(appeal(story, a, against=AppealAgainst.PENALTY, target=a.id("penalty")), claim(story))
    facts = story.when(overturn(story, a)).then(
        DecisionOverturned, ClockSatisfied, PenaltyReversed, ClockCancelled
    )
    assert facts[2].cause is PenaltyReversalCause.PENALTY_OVERTURNED
    states = {key: one.state for key, one in story.case.penalties.items()}
    assert states == {a.id("penalty"): PenaltyState.REVERSED, a.id("other"): PenaltyState.LIVE}
    assert (story.case.stage, story.case.round) == (Stage.FOLLOWING_UP, 1)


def test_an_overturned_ruling_cannot_be_appealed_again(story, a):
    story.refunded().given(penalise(story, a), appeal(story, a, against=AppealAgainst.PENALTY), claim(story))
    story.given(overturn(story, a)).when(
        appeal(story, a, name="second", against=AppealAgainst.PENALTY)
    ).refused(AppealTargetMissing)


def test_a_case_is_reopened_as_overturned_only_when_something_fell_since_the_last_decision(story, a):
    reopen = lambda case: case.reopen(  # noqa: E731
        ReopenGround.OVERTURNED, a.text(), story.policy, story.at
    )
    story.refunded().when(reopen).refused(NotReopenable)
    story.given(penalise(story, a), appeal(story, a, against=AppealAgainst.PENALTY), claim(story))
    story.given(overturn(story, a)).when(reopen).then(CaseReopened, ClockCancelled)
    story.claimed(story.other_reviewer).verified(by=story.other_reviewer)
    story.decided(by=story.other_reviewer, name="2").when(reopen).refused(NotReopenable)


# --- against a penalty or a recovery ---


def fined(story, a):
    """A penalty of two points and a hundred yuan is appealed, and another reviewer holds the case."""
    story.refunded().given(penalise(story, a))
    return story.given(appeal(story, a, against=AppealAgainst.PENALTY), claim(story))


def owed(story, a, by=None, minor=9900):
    """So much of a paid refund was taken back as a mistake, and the buyer appeals against owing it."""
    mistake = Money(minor, "CNY")
    return story.refunded().given(
        lambda case: case.reverse_compensation(a.id("refund"), mistake, a.text(), story.policy, story.at),
        appeal(story, a, by=by or story.buyer, against=AppealAgainst.RECOVERY),
        claim(story),
    )


def recovery_of(story):
    (recovery,) = story.case.money.recoveries.values()
    return recovery


def recover(story, yuan, a, reference="back-1"):
    recovery_id = recovery_of(story).recovery_id
    return lambda case: case.record_recovery(recovery_id, a.yuan(yuan), reference, story.at)


def test_a_penalty_is_adjusted_alone(story, a):
    *_, adjusted = (
        fined(story, a)
        .when(vary_penalty(story, a, 1, None))
        .then(DecisionVaried, ClockSatisfied, PenaltyAdjusted)
    )
    assert (adjusted.points, adjusted.fine, adjusted.appeal_id) == (1, None, a.id("appeal"))
    penalty = story.case.penalties[a.id("penalty")]
    assert (penalty.points, penalty.fine, penalty.state) == (1, None, PenaltyState.LIVE)
    assert (story.case.stage, story.case.round) == (Stage.FOLLOWING_UP, 1)
    assert story.case.clocks.of(a.id("penalty"))


def test_a_penalty_is_not_adjusted_beyond_its_clause(story, a):
    fined(story, a).when(vary_penalty(story, a, 500, None)).refused(PenaltyOutsideTariff)


def test_what_a_penalty_is_varied_to_grants_nothing(story, a):
    fined(story, a).when(vary(story, a, (refund_of(a, 100),))).refused(UnknownPart)


def test_an_adjusted_penalty_falls_with_its_decision(story, a):
    fined(story, a).given(vary_penalty(story, a, 1, None))
    third = Actor("reviewer-3", Role.REVIEWER)
    story.given(appeal(story, a, by=story.buyer, name="second"), claim(story, third))
    story.given(overturn(story, a, by=third, name="second"))
    assert story.case.penalties[a.id("penalty")].state is PenaltyState.REVERSED


def test_owing_something_back_is_the_debtors_to_appeal(story, a):
    owed(story, a).given(uphold(story, a))
    story.when(appeal(story, a, against=AppealAgainst.RECOVERY)).refused(AppealTargetMissing)


def test_a_recovery_has_a_window_with_its_derivation(story, a):
    story.refunded()
    *_, opened = story.when(
        lambda case: case.reverse_compensation(a.id("refund"), None, a.text(), story.policy, story.at)
    ).then(CompensationReversed, RecoveryOpened)
    assert opened.appeal_until == ENDS
    assert [step.rule for step in opened.derivation] == ["M-4"]


def test_nobody_here_can_object_to_what_a_courier_owes(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(199), payer=Payer.COURIER))
    story.given(
        story.fail("refund"),
        lambda case: case.instruct_compensation(a.id("refund"), Payer.FUND, story.at),
        story.pay("refund", "pay-2"),
    )
    assert recovery_of(story).debtor is LiableParty.COURIER
    story.when(appeal(story, a, against=AppealAgainst.RECOVERY)).refused(AppealTargetMissing)


def test_what_the_fund_advanced_for_the_merchant_is_the_merchants_to_appeal(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(199)))
    story.given(
        story.fail("refund"),
        lambda case: case.instruct_compensation(a.id("refund"), Payer.FUND, story.at),
        story.pay("refund", "pay-2"),
    )
    assert story.when(appeal(story, a, against=AppealAgainst.RECOVERY)).accepted()


def test_a_recovery_that_is_overturned_is_asked_for_no_longer(story, a):
    *_, reduced = (
        owed(story, a).when(overturn(story, a)).then(DecisionOverturned, ClockSatisfied, RecoveryReduced)
    )
    assert reduced.amount == a.yuan(99)
    assert recovery_of(story).state is RecoveryState.CANCELLED
    assert (story.case.stage, story.case.round) == (Stage.FOLLOWING_UP, 1)


def test_of_a_recovery_that_is_varied_so_much_is_asked_for_as_is_left(story, a):
    *_, reduced = (
        owed(story, a)
        .when(vary_recovery(story, a, a.yuan(30)))
        .then(DecisionVaried, ClockSatisfied, RecoveryReduced)
    )
    assert reduced.amount == a.yuan(69)
    assert recovery_of(story).missing_minor == 3000


@pytest.mark.parametrize("amount", [Money(9901, "CNY"), Money(100, "USD")])
def test_no_more_is_asked_for_than_before(story, a, amount):
    owed(story, a).when(vary_recovery(story, a, amount)).refused(AmountMismatch)


def test_what_came_back_during_the_appeal_stays(story, a):
    owed(story, a).given(recover(story, 40, a)).given(overturn(story, a))
    recovery = recovery_of(story)
    assert (recovery.state, recovery.recovered, recovery.amount) == (
        RecoveryState.RECOVERED,
        a.yuan(40),
        a.yuan(40),
    )


@pytest.mark.parametrize("command", [overturn, uphold])
def test_an_appeal_against_what_was_paid_back_meanwhile_is_judged_all_the_same(story, a, command):
    owed(story, a).given(recover(story, 99, a)).given(command(story, a))
    assert story.case.stage is Stage.FOLLOWING_UP
    assert recovery_of(story).recovered == a.yuan(99)


def test_and_varied_to_nothing(story, a):
    owed(story, a).given(recover(story, 99, a)).when(vary_recovery(story, a, a.yuan(0))).then(
        DecisionVaried, ClockSatisfied
    )


def test_what_nobody_asks_for_any_more_needs_no_appeal(story, a):
    story.refunded().given(
        lambda case: case.reverse_compensation(a.id("refund"), a.yuan(99), a.text(), story.policy, story.at)
    )
    recovery_id = recovery_of(story).recovery_id
    story.given(lambda case: case.write_off_recovery(recovery_id, a.text(), story.at))
    story.when(appeal(story, a, by=story.buyer, against=AppealAgainst.RECOVERY)).refused(AppealTargetMissing)


# --- with and without ---


def totals(case):
    """What stands of a case: money and points that are granted, and penalties that count."""
    live = [one for one in case.penalties.values() if one.state is PenaltyState.LIVE]
    return {
        "money": case.money.amount(),
        "points": case.money.points(),
        "penalty points": sum(one.points for one in live),
        "fines": sum(one.fine.amount_minor for one in live if one.fine),
    }


def left_over(case):
    """What was paid and is neither granted any more nor asked back."""
    paid = sum(
        line.amount.amount_minor
        for line in case.money.lines.values()
        if line.paid and line.amount and line.state is CompensationState.REVERSED
    )
    return paid - sum(one.amount.amount_minor for one in case.money.recoveries.values())


ROUND = {
    "nothing happened yet": (),
    "all was paid": (("pay", "refund", "pay-1"), ("pay", "gift points", "pay-2")),
    "one failed": (("pay", "gift points", "pay-2"), ("fail", "refund", "fail-1")),
    "one is under way": (("pay", "refund", "pay-1"),),
}


def first_round(story, a, happened):
    story.decided(
        a.remedy(RemedyKind.REFUND, amount=a.yuan(120)),
        a.remedy(RemedyKind.POINTS, "gift points", points=300),
    )
    story.given(penalise(story, a), penalise(story, a, "other", points=3), rectify(story, a))
    for command in happened:
        how, *content = command
        story.given(getattr(story, how)(*content))
    story.given(appeal(story, a), claim(story), overturn(story, a))


@pytest.mark.parametrize("happened", ROUND.values(), ids=ROUND.keys())
def test_an_overturned_round_leaves_nothing_that_would_not_stand_without_it(story, a, happened):
    """Money, points and penalties as in the same history without the round, whatever it had come to."""
    told, without = story.in_review(), type(story)().filed()
    first_round(told, a, happened)
    for one in (told, without):
        one.claimed(one.other_reviewer).verified(by=one.other_reviewer)
        one.decided(
            a.remedy(RemedyKind.REFUND, "second", amount=a.yuan(60)), by=one.other_reviewer, name="2"
        ).given(penalise(one, a, "second penalty", by=one.other_reviewer), one.pay("second", "pay-9"))
        for name in ("refund", "gift points"):
            line = one.case.money.lines.get(a.id(name))
            if line and line.state is CompensationState.INSTRUCTED:
                one.given(one.pay(name, f"late {name}"))

    assert totals(told.case) == totals(without.case)
    assert totals(told.case)["money"] == 6000
    assert left_over(told.case) == left_over(without.case) == 0


# --- varied ---


def refund_of(a, yuan, **content):
    return a.remedy(RemedyKind.REFUND, f"of {yuan}", amount=a.yuan(yuan), **content)


def test_a_decision_that_granted_too_little_grants_the_difference(story, a):
    story.in_review().decided(refund_of(a, 100)).given(story.pay("of 100"))
    story.given(appeal(story, a, by=story.buyer), claim(story))
    facts = story.when(vary(story, a, (refund_of(a, 150),))).then(
        DecisionVaried, ClockSatisfied, ClockCancelled, CompensationInstructed
    )
    assert facts[0].resumes is Stage.EXECUTING
    assert [one.amount for one in facts[0].remedies] == [a.yuan(150)]
    assert [one.amount for one in facts[0].added] == [facts[3].amount] == [a.yuan(50)]
    story.when(story.pay("of 150", "pay-2")).then(CaseCompensated, *SETTLED)


def test_a_decision_that_granted_too_much_takes_the_difference_back(appealed, a):
    facts = appealed.when(vary(appealed, a, (refund_of(a, 100),))).then(
        DecisionVaried, ClockSatisfied, ClockCancelled, CompensationReversed, RecoveryOpened, *SETTLED
    )
    assert facts[0].added == ()
    assert facts[4].amount == a.yuan(99)


def test_what_is_not_yet_paid_is_taken_back_first(story, a):
    story.in_review().decided(
        a.remedy(RemedyKind.REFUND, "paid", amount=a.yuan(100)),
        a.remedy(RemedyKind.REFUND, "failed", amount=a.yuan(60)),
    ).given(story.pay("paid"), story.fail("failed", "f-1"), appeal(story, a), claim(story))
    fell = story.given(vary(story, a, (refund_of(a, 80),))).case.money
    assert fell.line(a.id("failed")).state is CompensationState.REVERSED
    assert fell.line(a.id("paid")).stands == a.yuan(80)
    assert [one.amount for one in fell.recoveries.values()] == [a.yuan(20)]


def test_two_reductions_of_money_under_way_add_up(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(199)))
    story.given(appeal(story, a), claim(story), vary(story, a, (refund_of(a, 150),)))
    third = Actor("reviewer-3", Role.REVIEWER)
    story.given(
        appeal(story, a, by=story.buyer, name="second"),
        claim(story, third),
        vary(story, a, (refund_of(a, 120),), by=third, name="second"),
        story.pay("refund"),
    )
    assert story.case.money.line(a.id("refund")).stands == a.yuan(120)


def test_goods_that_are_no_longer_wanted_need_not_move_and_new_ones_do(executing, a):
    executing.given(appeal(executing, a), claim(executing))
    repair = a.remedy(RemedyKind.REPAIR)
    varied, *_ = executing.when(
        vary(executing, a, (a.remedy(RemedyKind.FREIGHT, amount=a.yuan(12)), repair))
    ).then(DecisionVaried, ClockSatisfied, CompensationReversed)
    assert (varied.added, varied.cancelled) == ((repair,), (a.id("return"),))
    assert executing.case.goods.kinds() == {RemedyKind.REPAIR}


@pytest.mark.parametrize("how", ["overturned", "varied"])
def test_what_need_not_move_any_more_has_no_time_to_leave(executing, a, how):
    executing.given(
        lambda case: case.authorise_return(
            executing.merchant, a.id("return"), None, executing.policy, executing.at
        ),
        appeal(executing, a),
        claim(executing),
    )
    assert executing.case.clocks.of(a.id("return"))
    freight = a.remedy(RemedyKind.FREIGHT, amount=a.yuan(12))
    varied = {"overturned": overturn(executing, a), "varied": vary(executing, a, (freight,))}
    assert not executing.given(varied[how]).case.clocks.of(a.id("return"))


def test_fewer_points_are_granted_in_the_place_of_more(story, a):
    story.in_review().decided(a.remedy(RemedyKind.POINTS, points=100)).given(story.pay("points"))
    story.given(appeal(story, a), claim(story))
    fewer = a.remedy(RemedyKind.POINTS, "fewer", points=40)
    story.given(vary(story, a, (fewer,)))
    assert story.case.money.points() == 40


def test_a_variation_grants_no_more_than_the_case_is_entitled_to(appealed, a):
    appealed.when(vary(appealed, a, (refund_of(a, 200),))).refused(CompensationExceedsEntitlement)


def test_the_other_party_may_appeal_against_what_was_varied_in_a_window_of_its_own(story, a):
    story.refunded().later(days=6).given(appeal(story, a), claim(story))
    varied, *_ = (
        story.given(claim(story))
        .when(vary(story, a, (refund_of(a, 100),)))
        .then(DecisionVaried, ClockSatisfied, ClockCancelled, CompensationReversed, RecoveryOpened, *SETTLED)
    )
    assert varied.appeal_until == ENDS + timedelta(days=6)
    story.at = ENDS + timedelta(days=6, microseconds=-1)
    story.when(appeal(story, a, name="again")).refused(AlreadyAppealed)
    assert story.when(appeal(story, a, by=story.buyer, name="second")).accepted()


def test_what_is_brought_against_a_variation_is_newer_than_it(story, a):
    story.refunded().given(file_evidence(story, a, "before"), appeal(story, a), claim(story))
    story.given(vary(story, a, (refund_of(a, 100),)))
    story.when(
        appeal(story, a, by=story.buyer, name="second", evidence=(a.id("before"),), exhibits=())
    ).refused(NewEvidenceMissing)


def test_a_varied_decision_that_is_overturned_falls_with_what_varied_it(story, a):
    story.in_review().decided(refund_of(a, 100)).given(story.pay("of 100"))
    story.given(appeal(story, a, by=story.buyer), claim(story), vary(story, a, (refund_of(a, 150),)))
    third = Actor("reviewer-3", Role.REVIEWER)
    story.given(story.pay("of 150", "pay-2"), appeal(story, a, name="second"), claim(story, third))
    story.given(overturn(story, a, by=third, name="second"))
    assert not story.case.money.standing()


def test_a_closed_case_whose_decision_is_varied_is_executed_and_closed_again(story, a):
    story.refunded().asked().closed().given(appeal(story, a), claim(story))
    story.given(vary(story, a, (refund_of(a, 100),)))
    assert story.case.stage is Stage.FOLLOWING_UP
    story.asked().when(story.close()).then(CaseClosed)


def test_appeals_are_remembered_with_what_became_of_them(appealed, a):
    appealed.given(uphold(appealed, a))
    assert appealed.case.appeals.appeal(a.id("appeal")).state is AppealState.UPHELD
    assert appealed.case.appeals.open() is None


# --- goods under appeal ---


def test_the_exchange_that_a_repair_led_to_falls_with_the_decision(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REPAIR))
    for _ in range(2):
        story.given(
            lambda case: case.start_repair(a.id("repair"), story.policy, story.at),
            lambda case: case.complete_repair(a.id("repair"), RepairOutcome.FAILED, story.policy, story.at),
        )
    opened = {leg.goods_id for leg in story.case.goods.standing()}
    story.given(appeal(story, a), claim(story), overturn(story, a))
    assert {story.case.goods.leg(goods_id).state for goods_id in opened} == {GoodsState.CANCELLED}


def test_goods_lost_under_appeal_are_decided_anew_once_the_decision_is_upheld(executing, a):
    executing.given(executing.ship("return"), appeal(executing, a), claim(executing))
    executing.when(
        lambda case: case.lose_goods(executing.agent, a.id("return"), "SF-2", executing.policy, executing.at)
    ).then(GoodsLost)
    assert executing.case.stage is Stage.APPEALED
    *_, failed = executing.when(uphold(executing, a)).then(
        DecisionUpheld, ClockSatisfied, CompensationReversed, ExecutionFailed
    )
    assert (failed.goods, executing.case.stage) == ((a.id("return"),), Stage.IN_REVIEW)


def test_and_so_they_are_once_a_penalty_was_judged_that_has_nothing_to_do_with_them(executing, a):
    executing.given(
        executing.ship("return"),
        penalise(executing, a),
        appeal(executing, a, against=AppealAgainst.PENALTY),
        claim(executing),
        lambda case: case.lose_goods(executing.agent, a.id("return"), "SF-2", executing.policy, executing.at),
        vary_penalty(executing, a, 1, None),
    )
    assert executing.case.stage is Stage.IN_REVIEW


# --- what the system decided ---------------------------------------------------------------------------


def by_default(story):
    """The system decided against a silent merchant, which paid."""
    story.notified().later(hours=24).given(story.miss(ClockKind.ANSWER))
    (line,) = story.case.money.lines
    return story.given(
        lambda case: case.confirm_compensation(line, "pay-1", story.at, None, story.policy, story.at)
    )


def test_what_people_have_judged_on_appeal_is_not_judged_by_people_again(story, a):
    by_default(story).given(appeal(story, a), claim(story), uphold(story, a))
    story.when(story.demand_review(story.merchant)).refused(DecisionNotAutomated)


def test_an_appeal_that_was_taken_back_leaves_the_demand_open(story, a):
    by_default(story).given(appeal(story, a), take_back(story, a))
    assert story.when(story.demand_review(story.merchant)).accepted()


def test_what_people_let_stand_of_it_falls_with_their_own_decision(story, a):
    by_default(story).given(story.demand_review(story.merchant)).claimed().verified().decided()
    story.given(appeal(story, a), claim(story), overturn(story, a))
    assert [line.state for line in story.case.money.lines.values()] == [CompensationState.REVERSED]
