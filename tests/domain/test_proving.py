"""Evidence from its request to the finding that rests on it; the burden of proof; inspections."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.case.appealing import Judgement
from domain.events import (
    BurdenShifted,
    CaseReleased,
    CaseVerified,
    CaseWithdrawn,
    ClockCancelled,
    ClockMissed,
    ClockSatisfied,
    ClockStarted,
    CompensationInstructed,
    DecisionIssued,
    EvidenceAccepted,
    EvidenceChallenged,
    EvidenceDiscarded,
    EvidenceLapsed,
    EvidenceRequested,
    EvidenceStaged,
    EvidenceSubmitted,
    EvidenceWithdrawn,
    InspectionOrdered,
    InspectionReported,
    ProposalVoided,
)
from domain.refusals import (
    BurdenUnchanged,
    CaseAlreadyClosed,
    CaseClaimedByAnother,
    CaseNotClaimed,
    ClauseNotInForce,
    DigestMismatch,
    EvidenceAlreadyJudged,
    EvidenceAlreadyRequested,
    EvidenceCited,
    EvidenceOfAnother,
    EvidenceOutstanding,
    EvidenceTakenBack,
    EvidenceWindowOver,
    InspectionAlreadyReported,
    InspectionOpen,
    NotAddressed,
    NothingRequested,
    OwnEvidence,
    TooManyPiecesStaged,
    UnknownPart,
    WrongStage,
)
from domain.values import (
    AppealAgainst,
    EvidenceState,
    Exhibit,
    Finding,
    InspectionOutcome,
    LiabilityShare,
    LiableParty,
    Party,
    RemedyKind,
    RequestState,
    Resolution,
    Side,
)

BUYER, MERCHANT, PLATFORM = Party
DIGEST, OTHER_DIGEST = "ab" * 32, "cd" * 32
MERCHANT_LIABLE = (LiabilityShare(LiableParty.MERCHANT, 100),)


def ask(story, a, kinds=("photo",), party=Side.BUYER, by=None, name="request"):
    return lambda case: case.request_evidence(
        by or story.reviewer, a.id(name), party, kinds, a.text(), story.policy, story.at
    )


def stage(story, a, name="photo", party=BUYER, by=None):
    return lambda case: case.stage_evidence(
        by or story.buyer, a.id(name), party, DIGEST, 1000, "image/jpeg", story.policy, story.at
    )


def submit(story, a, name="photo", party=BUYER, by=None, kind="photo", sha256=DIGEST, answers=None, **staged):
    return lambda case: case.submit_evidence(
        by or story.buyer,
        a.id(name),
        party,
        kind,
        sha256,
        a.text(),
        None,
        story.at,
        request_id=a.id(answers) if answers else None,
        **staged,
    )


def withdraw(story, a, name="photo", party=BUYER, by=None):
    return lambda case: case.withdraw_evidence(
        by or story.buyer, party, a.id(name), a.text(), story.policy, story.at
    )


def verify(story, a, *names):
    evidence = tuple(a.id(name) for name in names)
    return lambda case: case.verify(
        story.reviewer, None, Finding.UPHELD, MERCHANT_LIABLE, evidence, a.text(), story.at
    )


def miss(story, name, a):
    return lambda case: case.miss_clock(case.clocks.of(a.id(name)).clock_id, story.policy, story.at)


def state(story, a, name="request"):
    evidence = story.case.evidence
    return evidence.state_of(evidence.request(a.id(name)), story.case.clocks)


# --- asking ---


def test_a_side_is_asked_for_evidence_within_the_four_hours_of_the_policy(story, a):
    story.filed().claimed()
    asked, clock = story.when(ask(story, a)).then(EvidenceRequested, ClockStarted)
    assert (asked.party, asked.kinds, asked.by, asked.derivation) == ("buyer", ("photo",), "reviewer-1", ())
    assert asked.due == clock.due == story.at + timedelta(hours=4)
    assert (clock.subject, clock.kind, clock.derivation[0].rule) == (a.id("request"), "evidence", "M-2")
    assert state(story, a) is RequestState.OPEN


@pytest.mark.parametrize(
    ("asked_at", "due"),
    [
        (datetime(2026, 11, 10, 2, 0, tzinfo=UTC), datetime(2026, 11, 10, 6, 0, tzinfo=UTC)),
        (datetime(2026, 11, 10, 6, 1, tzinfo=UTC), datetime(2026, 11, 11, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_four_hours_count_from_nine_to_six(story, a, asked_at, due):
    story.filed()
    story.at = asked_at
    asked, _ = story.when(ask(story, a)).then(EvidenceRequested, ClockStarted)
    assert asked.due == due


def test_without_kinds_the_checklist_of_the_reason_is_asked_for(story, a):
    asked, _ = story.filed().when(ask(story, a, kinds=())).then(EvidenceRequested, ClockStarted)
    assert asked.kinds == ("photo", "video")
    assert [step.rule for step in asked.derivation] == ["O-9"]


def test_a_checklist_that_names_nothing_asks_for_nothing(story, a):
    story.filed(reason="not_received").when(ask(story, a, kinds=())).refused(NothingRequested)


def test_each_kind_is_asked_for_once(story, a):
    asked, _ = story.filed().when(ask(story, a, kinds=("photo",) * 2)).then(EvidenceRequested, ClockStarted)
    assert asked.kinds == ("photo",)


def test_what_is_still_asked_for_is_not_asked_for_twice(story, a):
    story.filed().given(ask(story, a))
    story.when(ask(story, a, name="again")).refused(EvidenceAlreadyRequested)
    story.when(ask(story, a, kinds=("photo", "video"), name="more")).then(EvidenceRequested, ClockStarted)
    story.when(ask(story, a, party=Side.MERCHANT, name="other")).then(EvidenceRequested, ClockStarted)


def test_nobody_asks_on_a_case_that_another_one_holds(story, a):
    story.filed().claimed().when(ask(story, a, by=story.agent)).refused(CaseClaimedByAnother)


def test_nothing_is_asked_for_once_the_case_is_decided(story, a):
    story.in_review().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(1)))
    story.when(ask(story, a)).refused(WrongStage)


# --- answering ---


def test_a_request_is_satisfied_when_all_kinds_are_there(story, a):
    story.filed().given(ask(story, a, kinds=("photo", "video")))
    story.when(submit(story, a, answers="request")).then(EvidenceSubmitted)
    assert story.case.evidence.missing(story.case.evidence.request(a.id("request"))) == ("video",)
    answer = submit(story, a, "video", kind="video", answers="request")
    story.when(answer).then(EvidenceSubmitted, ClockSatisfied)
    assert state(story, a) is RequestState.SATISFIED


def test_evidence_that_names_no_request_answers_none(story, a):
    story.filed().given(ask(story, a)).when(submit(story, a)).then(EvidenceSubmitted)
    assert state(story, a) is RequestState.OPEN


def test_staff_may_answer_for_the_party_that_was_asked(story, a):
    story.filed().given(ask(story, a))
    story.when(submit(story, a, by=story.agent, answers="request")).then(EvidenceSubmitted, ClockSatisfied)


def test_only_the_party_that_was_asked_answers(story, a):
    story.filed().given(ask(story, a))
    answer = submit(story, a, party=MERCHANT, by=story.merchant, answers="request")
    story.when(answer).refused(NotAddressed)


def test_a_request_that_was_never_made_is_not_answered(story, a):
    story.filed().when(submit(story, a, answers="request")).refused(UnknownPart)


@pytest.mark.parametrize(("seconds", "answered"), [(4 * 3600 - 1, True), (4 * 3600, False)])
def test_the_window_ends_at_its_due_time_whether_or_not_the_ticker_came(story, a, seconds, answered):
    story.filed().given(ask(story, a)).later(seconds=seconds).when(submit(story, a, answers="request"))
    if answered:
        story.then(EvidenceSubmitted, ClockSatisfied)
    else:
        story.refused(EvidenceWindowOver)


def test_a_request_that_is_not_answered_lapses_by_its_clock(story, a):
    story.filed().given(ask(story, a)).later(hours=4)
    _, lapsed = story.when(miss(story, "request", a)).then(ClockMissed, EvidenceLapsed)
    assert (lapsed.party, state(story, a)) == ("buyer", RequestState.LAPSED)
    assert [one.request_id for one in story.case.evidence.lapsed(Side.BUYER)] == [a.id("request")]
    assert story.case.evidence.lapsed(Side.MERCHANT) == []
    story.when(submit(story, a, answers="request")).refused(EvidenceWindowOver)


def test_evidence_after_a_lapse_is_taken_and_marked_late(story, a):
    story.filed().given(ask(story, a)).later(hours=4)
    (overdue,) = story.when(submit(story, a, "before the ticker")).then(EvidenceSubmitted)
    story.given(miss(story, "request", a))
    (late,) = story.when(submit(story, a)).then(EvidenceSubmitted)
    (other_kind,) = story.when(submit(story, a, "video", kind="video")).then(EvidenceSubmitted)
    (other_party,) = story.when(submit(story, a, "theirs", MERCHANT, story.merchant)).then(EvidenceSubmitted)
    assert [one.late for one in (overdue, late, other_kind, other_party)] == [True, True, False, False]


def test_evidence_is_not_late_while_its_request_is_open_nor_when_it_is_asked_for_again(story, a):
    story.filed().given(ask(story, a))
    (in_time,) = story.when(submit(story, a)).then(EvidenceSubmitted)
    story.later(hours=4).given(miss(story, "request", a), ask(story, a, name="again"))
    answer, _ = story.when(submit(story, a, "other", answers="again")).then(EvidenceSubmitted, ClockSatisfied)
    assert (in_time.late, answer.late) == (False, False)


def test_a_case_with_an_open_request_is_not_closed(story, a):
    story.filed().given(ask(story, a))
    story.when(story.close(Resolution.ANSWERED)).refused(EvidenceOutstanding)
    story.later(hours=4).given(miss(story, "request", a))
    story.closed(Resolution.ANSWERED)


def test_a_decided_case_asks_for_nothing_any_more(story, a):
    story.in_review().given(ask(story, a))
    refund = a.remedy(RemedyKind.REFUND, amount=a.yuan(1))
    story.when(story.decide(refund)).then(
        DecisionIssued, CaseReleased, ClockCancelled, CompensationInstructed
    )
    assert state(story, a) is RequestState.CANCELLED


def test_neither_does_a_withdrawn_one(story, a):
    story.filed().given(ask(story, a))
    story.when(lambda case: case.withdraw(a.text(), story.at)).then(CaseWithdrawn, ClockCancelled)


# --- bytes ---


def test_bytes_are_staged_and_then_submitted(story, a):
    staged, clock = story.filed().when(stage(story, a)).then(EvidenceStaged, ClockStarted)
    assert (staged.size, staged.media_type, staged.by_staff) == (1000, "image/jpeg", False)
    assert staged.due == clock.due == story.at + timedelta(hours=24)
    assert clock.derivation[0].rule == "O-14"
    assert story.case.evidence.standing() == ()
    story.when(submit(story, a, staged=True)).then(EvidenceSubmitted, ClockSatisfied)
    assert story.case.evidence.standing() == (a.id("photo"),)
    assert story.case.evidence.on_file(a.id("photo")).media_type == "image/jpeg"


def test_staged_bytes_that_are_never_submitted_are_discarded(story, a):
    story.filed().given(stage(story, a)).later(hours=24)
    story.when(miss(story, "photo", a)).then(ClockMissed, EvidenceDiscarded)
    story.when(submit(story, a, staged=True)).refused(UnknownPart)


def test_they_are_discarded_too_when_the_case_has_ended(story, a):
    story.filed().given(stage(story, a)).closed(Resolution.ANSWERED).later(hours=24)
    story.when(miss(story, "photo", a)).then(ClockMissed, EvidenceDiscarded)


def test_submitting_the_same_bytes_again_records_nothing_wherever_the_case_stands(story, a):
    story.filed().given(stage(story, a), submit(story, a, staged=True))
    again = submit(story, a, staged=True)
    assert again(story.case) == 4
    story.closed(Resolution.ANSWERED).when(again).nothing_happened()


@pytest.mark.parametrize("filed", [False, True])
def test_staged_bytes_are_submitted_under_their_own_digest(story, a, filed):
    story.filed().given(stage(story, a))
    if filed:
        story.given(submit(story, a, staged=True))
    story.when(submit(story, a, sha256=OTHER_DIGEST, staged=True)).refused(DigestMismatch)


def test_staged_bytes_are_submitted_by_their_own_party(story, a):
    story.filed().given(stage(story, a))
    story.when(submit(story, a, party=MERCHANT, by=story.merchant, staged=True)).refused(UnknownPart)


def test_what_was_filed_by_reference_has_no_bytes_to_submit(story, a):
    story.filed().given(submit(story, a)).when(submit(story, a, staged=True)).refused(UnknownPart)


def test_what_is_only_staged_is_not_on_file(story, a):
    story.filed().claimed().given(stage(story, a))
    story.when(verify(story, a, "photo")).refused(UnknownPart)
    story.when(withdraw(story, a)).refused(UnknownPart)


def test_each_party_may_have_so_many_pieces_staged(story, a):
    story.filed().given(*(stage(story, a, f"photo {n}") for n in range(20)))
    story.when(stage(story, a)).refused(TooManyPiecesStaged)
    story.when(stage(story, a, party=MERCHANT, by=story.merchant)).then(EvidenceStaged, ClockStarted)
    story.given(submit(story, a, "photo 0", staged=True))
    story.when(stage(story, a, "one more")).then(EvidenceStaged, ClockStarted)


def test_a_closed_case_takes_no_bytes(story, a):
    story.filed().closed(Resolution.ANSWERED).when(stage(story, a)).refused(CaseAlreadyClosed)


# --- judging ---


def accept(story, a, party, name="photo"):
    return lambda case: case.accept_evidence(party, a.id(name), None, story.at)


def challenge(story, a, party, name="photo"):
    return lambda case: case.challenge_evidence(party, a.id(name), a.text(), story.at)


def piece(story, a):
    return story.case.evidence.on_file(a.id("photo"))


def test_evidence_is_challenged_by_the_other_party_and_accepted_by_the_platform(story, a):
    story.filed().given(submit(story, a))
    assert piece(story, a).state is EvidenceState.SUBMITTED
    story.when(challenge(story, a, MERCHANT)).then(EvidenceChallenged)
    assert piece(story, a).state is EvidenceState.CHALLENGED
    story.when(accept(story, a, PLATFORM)).then(EvidenceAccepted)
    assert piece(story, a).state is EvidenceState.ACCEPTED


def test_a_party_may_come_round(story, a):
    story.filed().given(submit(story, a), challenge(story, a, MERCHANT), accept(story, a, MERCHANT))
    assert piece(story, a).state is EvidenceState.ACCEPTED


def test_the_platforms_word_outweighs_a_party(story, a):
    story.filed().given(submit(story, a), accept(story, a, MERCHANT), challenge(story, a, PLATFORM))
    assert piece(story, a).state is EvidenceState.CHALLENGED


def test_nobody_judges_its_own_evidence(story, a):
    story.filed().given(submit(story, a))
    story.when(accept(story, a, BUYER)).refused(OwnEvidence)
    story.when(challenge(story, a, BUYER)).refused(OwnEvidence)


def test_nobody_says_the_same_twice(story, a):
    story.filed().given(submit(story, a), challenge(story, a, MERCHANT))
    story.when(challenge(story, a, MERCHANT)).refused(EvidenceAlreadyJudged)


def test_evidence_that_is_not_there_is_not_judged(story, a):
    story.filed().when(accept(story, a, PLATFORM)).refused(UnknownPart)


def test_challenged_evidence_may_still_be_weighed(story, a):
    story.filed().claimed().given(submit(story, a), challenge(story, a, MERCHANT))
    story.when(verify(story, a, "photo")).then(CaseVerified)


# --- withdrawing ---


def test_a_party_takes_its_evidence_back_and_no_finding_rests_on_it(story, a):
    story.filed().claimed().given(submit(story, a))
    story.when(withdraw(story, a)).then(EvidenceWithdrawn)
    assert piece(story, a).state is EvidenceState.WITHDRAWN
    story.when(verify(story, a, "photo")).refused(EvidenceTakenBack)
    story.when(accept(story, a, PLATFORM)).refused(EvidenceTakenBack)
    story.when(withdraw(story, a)).refused(EvidenceTakenBack)


def test_a_finding_keeps_the_evidence_that_it_cites(story, a):
    story.filed().claimed().given(submit(story, a), submit(story, a, "other"), verify(story, a, "photo"))
    story.when(withdraw(story, a)).refused(EvidenceCited)
    story.when(withdraw(story, a, "other")).then(EvidenceWithdrawn)


def test_a_party_withdraws_only_what_is_its_own(story, a):
    story.filed().given(submit(story, a))
    story.when(withdraw(story, a, party=MERCHANT, by=story.merchant)).refused(EvidenceOfAnother)
    story.when(withdraw(story, a, party=PLATFORM, by=story.agent)).refused(EvidenceOfAnother)


def test_what_staff_filed_for_a_party_is_withdrawn_by_either(story, a):
    story.filed().given(submit(story, a, "one", by=story.agent), submit(story, a, "two", by=story.agent))
    story.when(withdraw(story, a, "one", PLATFORM, story.agent)).then(EvidenceWithdrawn)
    story.when(withdraw(story, a, "two")).then(EvidenceWithdrawn)


def test_what_a_withdrawn_piece_answered_is_asked_for_again_until_its_due_time(story, a):
    story.filed().given(ask(story, a), submit(story, a, answers="request")).later(hours=3)
    _, clock = story.when(withdraw(story, a)).then(EvidenceWithdrawn, ClockStarted)
    assert (clock.due, clock.calendar) == (story.at + timedelta(hours=1), "service_hours")
    assert state(story, a) is RequestState.OPEN
    story.when(submit(story, a, "other", answers="request")).then(EvidenceSubmitted, ClockSatisfied)


def test_and_has_lapsed_after_it(story, a):
    story.filed().given(ask(story, a), submit(story, a, answers="request")).later(hours=4)
    story.when(withdraw(story, a)).then(EvidenceWithdrawn, EvidenceLapsed)
    assert state(story, a) is RequestState.LAPSED


def test_a_second_piece_of_the_kind_keeps_the_request_satisfied(story, a):
    story.filed().given(ask(story, a, kinds=("photo", "video")))
    pieces = {"one": "photo", "two": "photo", "three": "video"}
    story.given(*(submit(story, a, name, kind=kind, answers="request") for name, kind in pieces.items()))
    story.when(withdraw(story, a, "one")).then(EvidenceWithdrawn)
    assert state(story, a) is RequestState.SATISFIED


def test_a_piece_taken_back_while_its_request_is_open_is_missing_again(story, a):
    story.filed().given(ask(story, a, kinds=("photo", "video")), submit(story, a, answers="request"))
    story.when(withdraw(story, a)).then(EvidenceWithdrawn)
    assert story.case.evidence.missing(story.case.evidence.request(a.id("request"))) == ("photo", "video")


# --- the burden of proof ---


def shift(story, a, to=Side.BUYER, by=None, clause="I-2"):
    return lambda case: case.shift_burden(
        by or story.reviewer, None, to, clause, a.text(), story.policy, story.at
    )


def test_the_burden_of_proof_lies_where_the_policy_puts_it_until_it_is_shifted(story, a):
    story.filed().claimed()
    first = story.case.burden(story.policy)
    assert (first.value, [step.rule for step in first.derivation]) == (Side.MERCHANT, ["I-2"])
    (fact,) = story.when(shift(story, a)).then(BurdenShifted)
    assert (fact.to, fact.by, fact.clause) == ("buyer", "reviewer-1", "I-2")
    shifted = story.case.burden(story.policy)
    assert (shifted.value, shifted.derivation) == (Side.BUYER, ())


@pytest.mark.parametrize("clause", ["Z-1", "X-99"])
def test_it_is_shifted_under_a_clause_that_is_in_force(story, a, clause):
    story.filed().claimed().when(shift(story, a, clause=clause)).refused(ClauseNotInForce)


def test_it_is_not_shifted_to_where_it_lies(story, a):
    story.filed().claimed().when(shift(story, a, Side.MERCHANT)).refused(BurdenUnchanged)
    story.given(shift(story, a)).when(shift(story, a)).refused(BurdenUnchanged)


def test_it_is_shifted_by_whoever_holds_the_case_in_review(story, a):
    story.filed().when(shift(story, a)).refused(CaseNotClaimed)
    story.claimed().when(shift(story, a, by=story.agent)).refused(CaseClaimedByAnother)
    story.verified().decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(1))).claimed()
    story.when(shift(story, a)).refused(WrongStage)


# --- inspections ---


def order(story, a, name="inspection", by=None):
    return lambda case: case.order_inspection(
        by or story.reviewer, None, a.id(name), a.text(), story.policy, story.at
    )


def report(story, a, outcome=InspectionOutcome.FAKE, name="inspection"):
    return lambda case: case.report_inspection(
        a.id(name), outcome, a.yuan(300), a.text(), story.policy, story.at
    )


def test_an_inspection_is_ordered_and_reported_and_its_cost_borne_by_the_policy(story, a):
    story.filed().claimed()
    ordered, clock = story.when(order(story, a)).then(InspectionOrdered, ClockStarted)
    assert ordered.due == clock.due == datetime(2026, 11, 17, 16, tzinfo=UTC)
    reported, _ = story.when(report(story, a)).then(InspectionReported, ClockSatisfied)
    assert (reported.outcome, reported.cost, reported.bearer) == ("fake", a.yuan(300), LiableParty.MERCHANT)
    assert [step.rule for step in reported.derivation] == ["I-1"]


def test_a_report_that_comes_late_is_taken_too(story, a):
    story.filed().claimed().given(order(story, a)).later(days=8)
    story.when(miss(story, "inspection", a)).then(ClockMissed)
    story.when(report(story, a)).then(InspectionReported)


def test_a_report_comes_once(story, a):
    story.filed().claimed().given(order(story, a), report(story, a))
    story.when(report(story, a)).refused(InspectionAlreadyReported)


def test_what_was_not_ordered_is_not_reported(story, a):
    story.filed().claimed().when(report(story, a)).refused(UnknownPart)


def test_one_inspection_runs_at_a_time(story, a):
    story.filed().claimed().given(order(story, a)).when(order(story, a, "second")).refused(InspectionOpen)
    story.given(report(story, a)).when(order(story, a, "second")).then(InspectionOrdered, ClockStarted)


def test_it_is_ordered_by_whoever_holds_the_case_in_review(story, a):
    story.filed().when(order(story, a)).refused(CaseNotClaimed)
    story.claimed().when(order(story, a, by=story.agent)).refused(CaseClaimedByAnother)


def test_a_case_is_not_closed_while_its_goods_are_inspected(story, a):
    story.filed().claimed().given(order(story, a))
    story.when(story.close(Resolution.ANSWERED)).refused(EvidenceOutstanding)


def test_a_decision_does_not_wait_for_a_report_which_is_taken_when_it_comes(story, a):
    story.in_review().given(order(story, a)).decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(1)))
    story.when(report(story, a)).then(InspectionReported)


def test_a_decision_that_waits_is_void_when_evidence_or_a_report_comes_in(story, a):
    story.in_review().given(order(story, a), story.decide(discretion=True))
    story.when(submit(story, a)).then(EvidenceSubmitted, ProposalVoided)
    story.claimed().given(story.decide(discretion=True, name="2"))
    story.when(report(story, a)).then(InspectionReported, ProposalVoided, ClockSatisfied)


def test_who_judges_an_appeal_may_ask_inspect_and_shift_until_it_is_decided(story, a):
    brought, judge = Exhibit(a.id("new"), "video", DIGEST, a.text()), story.other_reviewer
    story.refunded().given(
        lambda case: case.appeal(
            story.merchant, a.id("appeal"), AppealAgainst.DECISION, None, (), (brought,), a.text(),
            story.policy, story.at,
        )
    ).claimed(judge)  # fmt: skip
    story.given(ask(story, a, by=judge), order(story, a, by=judge), shift(story, a, by=judge))
    judgement = Judgement(judge, None, ("Q-1",), a.text())
    story.given(lambda case: case.uphold(judgement, a.id("appeal"), story.policy, story.at))
    assert state(story, a) is RequestState.CANCELLED
    assert not story.case.clocks.of(a.id("inspection"))
