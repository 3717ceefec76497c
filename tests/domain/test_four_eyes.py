"""Much at stake, or a departure from what the rules derive: two people decide, and on the same thing."""

from dataclasses import replace

import pytest

from domain.digest import digest
from domain.events import (
    CaseReleased,
    CaseVerified,
    CaseWithdrawn,
    ClockStarted,
    CompensationInstructed,
    ConflictDeclared,
    DecisionApproved,
    DecisionIssued,
    DecisionProposed,
    EvidenceSubmitted,
    FollowUpScheduled,
    ProposalVoided,
)
from domain.policy import pack
from domain.policy.approval import second_person
from domain.refusals import (
    ApprovalPending,
    CaseAlreadyClosed,
    CaseNotClaimed,
    CompensationExceedsEntitlement,
    ConflictOfInterest,
    DiscretionRequired,
    ProposalHashMismatch,
    ProposalVoid,
    SecondPersonRequired,
    UnknownPart,
)
from domain.values import (
    Actor,
    Finding,
    LiabilityShare,
    LiableParty,
    Money,
    Party,
    ProposalState,
    RemedyKind,
    Resolution,
    Role,
    SuspensionGround,
    VoidCause,
)

PROPOSED = (DecisionProposed, CaseReleased)
APPROVED = (DecisionApproved, DecisionIssued, CompensationInstructed)
LIABLE = (LiabilityShare(LiableParty.MERCHANT, 100),)


def costly(story, a, paid=6000):
    return story.filed(paid=a.yuan(paid)).claimed().verified()


def refund(a, amount, name="refund"):
    return a.remedy(RemedyKind.REFUND, name, amount=a.yuan(amount))


def submit(story, a):
    return lambda case: case.submit_evidence(
        story.buyer, a.id("photo"), Party.BUYER, "photo", "0" * 64, a.text(), None, story.at
    )


def verify(story, a):
    return lambda case: case.verify(
        story.reviewer, None, Finding.PARTLY_UPHELD, LIABLE, (), a.text(), story.at
    )


# --- when it takes two ---


def test_up_to_the_threshold_one_person_decides(story, a):
    costly(story, a).when(story.decide(refund(a, 5000))).then(
        DecisionIssued, CaseReleased, CompensationInstructed
    )


def test_above_it_the_decision_waits_for_a_second_person(story, a):
    over = a.remedy(RemedyKind.REFUND, amount=Money(500_001, "CNY"))
    proposed, released = costly(story, a).when(story.decide(over)).then(*PROPOSED)
    assert (proposed.by, proposed.role, proposed.evidence) == ("reviewer-1", Role.REVIEWER, ())
    assert released.cause == "proposed"
    assert (story.case.stage, story.case.decision, story.case.money.lines) == ("in_review", None, {})


def test_what_was_granted_in_earlier_rounds_counts(story, a):
    costly(story, a).decided(refund(a, 4000)).given(story.pay("refund")).asked(satisfied=False)
    story.given(
        lambda case: case.reopen("unsatisfied", a.text(), story.policy, story.at)
    ).claimed().verified()
    story.when(story.decide(refund(a, 1001, "more"), name="2")).then(*PROPOSED)


def test_what_was_reversed_of_it_no_longer_does(story, a):
    costly(story, a).decided(refund(a, 5000)).given(
        story.pay("refund"),
        lambda case: case.reverse_compensation(
            a.id("refund"), a.yuan(1000), a.text(), story.policy, story.at
        ),
        lambda case: case.reopen("new_facts", a.text(), story.policy, story.at),
    )
    again = story.claimed().verified().decide(refund(a, 1000, "more"), name="2")
    story.when(again).then(DecisionIssued, CaseReleased, CompensationInstructed)


def test_goodwill_counts_towards_what_takes_two(story, a):
    costly(story, a).given(story.give(amount=1))
    story.when(story.decide(refund(a, 5000))).then(*PROPOSED)


def test_a_decision_that_adds_nothing_needs_nobody_else(story, a):
    costly(story, a).given(story.decide(refund(a, 6000))).given(story.approve(), story.pay("refund"))
    story.given(lambda case: case.reopen("new_facts", a.text(), story.policy, story.at)).claimed().verified()
    story.when(story.decide(name="2")).then(DecisionIssued, CaseReleased, FollowUpScheduled, ClockStarted)


def test_discretion_takes_two_however_little_it_is_about(story, a):
    story.in_review().when(story.decide(refund(a, 1), discretion=True)).then(*PROPOSED)


@pytest.mark.parametrize(
    ("adds", "granted", "discretion", "waits"),
    [
        (1, Money(500_000, "CNY"), False, False),
        (1, Money(500_001, "CNY"), False, True),
        (0, Money(500_001, "CNY"), False, False),
        (0, Money(0, "CNY"), True, True),
        (1, Money(1, "USD"), False, True),
        (0, Money(0, "USD"), False, False),
    ],
)
def test_the_rule_of_the_second_person(story, adds, granted, discretion, waits):
    said = second_person(adds, granted, discretion, story.policy)
    (step,) = said.derivation
    assert said.value is waits
    assert (step.rule, step.policy) == (pack.FOUR_EYES.id, story.policy.version)
    assert step.result == ("second_person" if waits else "one_person")


def test_less_than_a_rule_fixes_takes_a_reason_and_a_second_person(story, a):
    less = a.remedy(RemedyKind.MULTIPLE, amount=Money(59_699, "CNY"))
    story.filed(reason="counterfeit").claimed().verified()
    story.when(story.decide(less, clauses=("F-1",))).refused(DiscretionRequired)
    story.when(story.decide(less, clauses=("F-1",), discretion=True)).then(*PROPOSED)


def test_what_a_rule_only_bounds_is_granted_in_part_by_one_person(story, a):
    part = a.remedy(RemedyKind.MULTIPLE, amount=Money(1, "CNY"))
    story.filed(reason="not_as_described").claimed().verified()
    story.when(story.decide(part, clauses=("C-1",))).then(
        DecisionIssued, CaseReleased, CompensationInstructed
    )


def test_what_is_fixed_may_be_paid_in_parts(story, a):
    parts = [
        a.remedy(RemedyKind.MULTIPLE, name, amount=a.yuan(amount)) for name, amount in [("a", 500), ("b", 97)]
    ]
    story.filed(reason="counterfeit").claimed().verified()
    story.when(story.decide(*parts, clauses=("F-1",))).then(
        DecisionIssued, CaseReleased, CompensationInstructed, CompensationInstructed
    )


def test_no_reason_lifts_a_cap(story, a):
    over = a.remedy(RemedyKind.MULTIPLE, amount=Money(59_701, "CNY"))
    story.filed(reason="counterfeit").claimed().verified()
    story.when(story.decide(over, clauses=("F-1",), discretion=True)).refused(CompensationExceedsEntitlement)


def test_a_second_decision_waits_for_the_first(story, a):
    story.proposed().claimed().when(story.decide(name="2")).refused(ApprovalPending)


def test_whoever_filed_the_case_for_the_buyer_proposes_nothing_that_takes_two(story, a):
    story.buyer = story.agent
    costly(story, a)
    story.given(lambda case: case.release(story.reviewer, None, story.at)).claimed(story.agent)
    story.when(story.decide(refund(a, 5001), by=story.agent)).refused(ConflictOfInterest)
    story.when(story.decide(refund(a, 5000), by=story.agent)).then(
        DecisionIssued, CaseReleased, CompensationInstructed
    )


# --- the second person ---


def test_a_second_person_approves_and_the_decision_is_issued_in_its_proposers_name(story, a):
    approved, issued, _ = story.proposed(refund(a, 199)).when(story.approve()).then(*APPROVED)
    assert approved.by == "supervisor-1"
    assert (issued.decision_id, issued.by) == (approved.proposal_id, "reviewer-1")
    assert [one.rule for one in issued.derivation][-1] == pack.FOUR_EYES.id
    assert story.case.stage == "executing"


def test_a_reviewer_who_claimed_the_case_meanwhile_holds_it_no_more(story, a):
    story.proposed(refund(a, 199)).claimed(story.other_reviewer)
    _, _, released, _ = story.when(story.approve()).then(
        DecisionApproved, DecisionIssued, CaseReleased, CompensationInstructed
    )
    assert released.holder == "reviewer-2"


def test_only_what_was_proposed_is_approved(story, a):
    story.proposed(refund(a, 199)).when(story.approve(hashed="0" * 64)).refused(ProposalHashMismatch)


def test_nobody_approves_their_own_proposal_in_whatever_role(story, a):
    both = Actor(story.reviewer.id, Role.SUPERVISOR)
    story.proposed(refund(a, 199)).when(story.approve(by=both)).refused(SecondPersonRequired)


def test_an_interest_that_its_maker_declares_voids_a_proposal(story, a):
    story.proposed().when(lambda case: case.recuse(story.reviewer, a.text(), story.at))
    _, voided = story.then(ConflictDeclared, ProposalVoided)
    assert voided.cause is VoidCause.RECUSED


def test_nobody_approves_who_declared_an_interest(story, a):
    story.proposed().given(lambda case: case.recuse(story.supervisor, a.text(), story.at))
    story.when(story.approve()).refused(ConflictOfInterest)
    story.when(story.reject()).refused(ConflictOfInterest)


def test_nobody_approves_who_filed_the_case(story, a):
    story.buyer = Actor(story.supervisor.id, Role.AGENT)
    story.proposed().when(story.approve()).refused(ConflictOfInterest)


def test_a_proposal_that_there_never_was_is_unknown(story):
    story.in_review().when(story.approve()).refused(UnknownPart)
    story.when(story.reject()).refused(UnknownPart)


def test_a_proposal_is_approved_once(story, a):
    story.proposed(refund(a, 199)).given(story.approve()).when(story.approve()).refused(ProposalVoid)


def test_a_closed_case_says_so(story, a):
    story.proposed(refund(a, 199)).given(story.approve(), story.pay("refund")).asked().closed()
    story.when(story.approve()).refused(CaseAlreadyClosed)
    story.when(story.reject()).refused(CaseAlreadyClosed)


def test_what_exceeds_the_rules_of_today_is_not_approved(story, a):
    """A policy published between proposal and approval counts: its goodwill limit here is nothing."""
    story.proposed(a.remedy(RemedyKind.POINTS, points=1))
    story.policy = without_goodwill(story.policy)
    story.when(story.approve()).refused(CompensationExceedsEntitlement)


def without_goodwill(policy):
    none = replace(policy.rules[pack.GOODWILL.id], terms=pack.Goodwill({}))
    return replace(policy, rules={**policy.rules, pack.GOODWILL.id: none})


# --- what voids it ---


def test_a_rejected_proposal_sends_the_case_back_to_its_review(story, a):
    (voided,) = story.proposed(refund(a, 199)).when(story.reject()).then(ProposalVoided)
    assert (voided.cause, voided.reasons) == (VoidCause.REJECTED, a.text())
    story.when(story.approve()).refused(ProposalVoid)
    story.when(story.decide(refund(a, 1), name="2")).refused(CaseNotClaimed)
    story.claimed().when(story.decide(refund(a, 1), name="2")).then(
        DecisionIssued, CaseReleased, CompensationInstructed
    )


def test_new_evidence_voids_it(story, a):
    _, voided = story.proposed().when(submit(story, a)).then(EvidenceSubmitted, ProposalVoided)
    assert voided.cause is VoidCause.NEW_EVIDENCE
    story.when(story.approve()).refused(ProposalVoid)


def test_a_new_finding_voids_it(story, a):
    _, voided = story.proposed().claimed().when(verify(story, a)).then(CaseVerified, ProposalVoided)
    assert voided.cause is VoidCause.NEW_FINDING


def test_withdrawing_the_case_voids_it(story, a):
    story.proposed().when(lambda case: case.withdraw(a.text(), story.at)).then(CaseWithdrawn, ProposalVoided)


@pytest.mark.parametrize(
    ("cause", "command"),
    [
        (
            VoidCause.CLASSIFIED,
            lambda story, a: lambda case: case.classify(story.agent, "wrong_item", story.at),
        ),
        (
            VoidCause.SUSPENDED,
            lambda story, a: (
                lambda case: case.suspend(
                    story.supervisor, SuspensionGround.SETTLEMENT, a.text(), story.policy, story.at
                )
            ),
        ),
    ],
)
def test_so_does_what_changes_the_matter_or_lets_it_rest(story, a, cause, command):
    story.proposed().given(command(story, a))
    (proposal,) = story.case.proposals.all.values()
    assert (proposal.state, proposal.cause) == (ProposalState.VOID, cause)


def test_evidence_without_a_proposal_voids_nothing(story, a):
    story.in_review().when(submit(story, a)).then(EvidenceSubmitted)


def test_a_case_is_not_closed_over_a_proposal(story, a):
    story.filed().claimed().verified(Finding.INCONCLUSIVE, None).given(story.decide(discretion=True))
    story.when(story.close(Resolution.ANSWERED)).refused(ApprovalPending)


# --- what is hashed ---


def test_the_hash_is_of_everything_that_is_decided(story, a):
    hashes = set()
    for amount, clauses, filed in [
        (199, ("Q-1",), 1),
        (198, ("Q-1",), 1),
        (199, ("Q-3",), 1),
        (199, ("Q-1",), 2),
    ]:
        told = type(story)().in_review()
        for _ in range(filed - 1):
            told.given(submit(told, a))
        told.given(told.decide(refund(a, amount), clauses=clauses, discretion=True))
        hashes.add(told.case.proposals.waiting.proposal_hash)
    assert len(hashes) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [(("ab", "c"), ("a", "bc")), ((("a",), "b"), ("a", ("b",))), ((None,), ("-",)), (((), ()), ((),))],
)
def test_contents_that_read_alike_have_hashes_of_their_own(one, other):
    assert digest(*one) != digest(*other)


# --- what the case offers ---


def test_what_is_offered_while_a_decision_waits(story):
    story.proposed().claimed(story.other_reviewer)
    judging = {"approval", "rejection"}
    assert judging <= set(story.case.possible(story.supervisor, story.policy, story.at))
    assert judging & set(story.case.possible(story.reviewer, story.policy, story.at)) == {"rejection"}
    assert "decisions" not in story.case.possible(story.other_reviewer, story.policy, story.at)
    story.given(story.reject())
    assert not judging & set(story.case.possible(story.supervisor, story.policy, story.at))
    assert "decisions" in story.case.possible(story.other_reviewer, story.policy, story.at)
