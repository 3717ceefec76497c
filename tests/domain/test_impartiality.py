"""Nobody judges what they have an interest in, or what they have judged before."""

from typing import Any

import pytest

from domain.events import (
    BatchProposed,
    CaseClaimed,
    CaseReleased,
    CaseReopened,
    CaseVerified,
    ConflictDeclared,
)
from domain.refusals import ConflictOfInterest
from domain.values import (
    Actor,
    Finding,
    LiabilityShare,
    LiableParty,
    Payer,
    ReleaseCause,
    RemedyRule,
    Role,
)


def claim(story, by):
    return lambda case: case.claim(by, story.policy, story.at)


def recuse(story, a, by=None):
    return lambda case: case.recuse(by or story.reviewer, a.text(), story.at)


def reassign(story, to):
    return lambda case: case.reassign(story.supervisor, to.id, Role.REVIEWER, story.policy, story.at)


def overturn(story, a):
    """What an appeal that overturns the decision records."""
    return lambda case: case._record(
        CaseReopened, story.at, ground="overturned", round=case.round + 1, reasons=a.text()
    )


def test_the_holder_who_declares_an_interest_loses_the_lease(story, a):
    _, released = story.filed().claimed().when(recuse(story, a)).then(ConflictDeclared, CaseReleased)
    assert released.cause is ReleaseCause.RECUSED


def test_whoever_declared_an_interest_cannot_claim_the_case(story, a):
    story.filed().given(recuse(story, a)).when(claim(story, story.reviewer)).refused(ConflictOfInterest)


def test_nor_be_given_it(story, a):
    story.filed().given(recuse(story, a)).when(reassign(story, story.reviewer)).refused(ConflictOfInterest)


def test_somebody_else_can(story, a):
    story.filed().claimed().given(recuse(story, a))
    story.when(claim(story, story.other_reviewer)).then(CaseClaimed)


def test_an_interest_of_somebody_else_leaves_the_lease(story, a):
    story.filed().claimed().when(recuse(story, a, story.other_reviewer)).then(ConflictDeclared)
    assert story.case.lease.holder == story.reviewer.id


def test_a_lease_that_ran_out_is_not_released_once_more(story, a):
    story.filed().claimed().later(hours=2).when(recuse(story, a)).then(ConflictDeclared)


def test_an_interest_is_declared_once(story, a):
    story.filed().given(recuse(story, a)).when(recuse(story, a)).nothing_happened()


def test_an_interest_outlives_the_round(story, a):
    story.refunded().given(
        recuse(story, a), lambda case: case.reopen("new_facts", a.text(), story.policy, story.at)
    )
    story.when(claim(story, story.reviewer)).refused(ConflictOfInterest)


def test_a_lease_that_outlived_the_declaration_does_not_decide(story, a):
    """The decision asks for itself, whatever the history says of the lease."""
    story.in_review().given(
        lambda case: case._record(ConflictDeclared, story.at, by=story.reviewer.id, reasons=a.text())
    )
    story.when(story.decide()).refused(ConflictOfInterest)


def test_a_decision_that_was_overturned_is_made_anew_by_somebody_else(story, a):
    story.refunded().given(overturn(story, a))
    story.when(claim(story, story.reviewer)).refused(ConflictOfInterest)
    story.when(claim(story, story.other_reviewer)).then(CaseClaimed)


def test_a_case_reopened_for_another_ground_may_go_to_the_same_reviewer(story, a):
    story.refunded().given(lambda case: case.reopen("new_facts", a.text(), story.policy, story.at))
    story.when(claim(story, story.reviewer)).then(CaseClaimed)


@pytest.mark.parametrize(("who", "may"), [("reviewer", False), ("other_reviewer", True)])
def test_what_the_case_offers_leaves_out_what_is_not_for_the_partial(story, a, who, may):
    story.filed().given(recuse(story, a))
    possible = story.case.possible(getattr(story, who), story.policy, story.at)
    assert ("lease" in possible, "recusal" in possible) == (may, may)


def test_nobody_who_declared_an_interest_penalises_the_merchant_or_lets_it_off(story, a):
    def penalise(by):
        return lambda case: case.penalise(
            by, a.id("penalty"), 2, None, "S-1", a.text(), story.policy, story.at
        )

    def lower(by):
        return lambda case: case.adjust_penalty(
            by, a.id("penalty"), 1, None, a.text(), story.policy, story.at
        )

    story.refunded().given(recuse(story, a), recuse(story, a, story.supervisor))
    story.when(penalise(story.reviewer)).refused(ConflictOfInterest)
    assert "penalties" not in story.case.possible(story.reviewer, story.policy, story.at)
    story.given(penalise(story.other_reviewer)).when(lower(story.supervisor)).refused(ConflictOfInterest)
    assert story.when(lower(Actor("supervisor-2", Role.SUPERVISOR))).accepted()


def batch(story, a, by="reviewer-2"):
    """One decision for many cases, proposed by this person."""
    content: dict[str, Any] = {
        "batch_id": a.id("batch"),
        "batch_hash": "0" * 64,
        "cases": (story.case.id,),
        "finding": Finding.UPHELD,
        "liability": (LiabilityShare(LiableParty.MERCHANT, 100),),
        "rules": (RemedyRule.REFUND_IN_FULL,),
        "clauses": ("Q-1",),
        "payer": Payer.FUND,
        "by": by,
        "reasons": a.text(),
    }
    return BatchProposed(originator_id=a.id("incident"), originator_version=7, timestamp=story.at, **content)


def verify_in_batch(story, a, by="reviewer-2", approved_by="supervisor-1"):
    return lambda case: case.verify_in_batch(batch(story, a, by), approved_by, a.text(), story.at)


def decide_in_batch(story, a, by="reviewer-2", approved_by="supervisor-1"):
    return lambda case: case.decide_in_batch(
        batch(story, a, by), approved_by, a.text(), story.policy, story.at
    )


def stepped_in(story):
    return story.filed().given(lambda case: case.step_in(story.reviewer, story.policy, story.at))


def test_two_people_without_an_interest_decide_a_case_together_with_others(story, a):
    stepped_in(story).when(verify_in_batch(story, a)).then(CaseVerified)
    assert story.when(decide_in_batch(story, a)).accepted()


@pytest.mark.parametrize("people", [{"by": "reviewer-1"}, {"approved_by": "reviewer-1"}])
def test_nobody_who_declared_an_interest_decides_the_case_together_with_others(story, a, people):
    stepped_in(story).given(recuse(story, a))
    story.when(verify_in_batch(story, a, **people)).refused(ConflictOfInterest)
    story.given(verify_in_batch(story, a)).when(decide_in_batch(story, a, **people)).refused(
        ConflictOfInterest
    )


@pytest.mark.parametrize("people", [{"by": "app"}, {"approved_by": "app"}])
def test_nor_does_whoever_filed_it(story, a, people):
    stepped_in(story).when(verify_in_batch(story, a, **people)).refused(ConflictOfInterest)


def test_nor_whoever_judged_what_was_overturned(story, a):
    story.refunded().given(overturn(story, a))
    story.when(verify_in_batch(story, a, by="reviewer-1")).refused(ConflictOfInterest)
    story.when(verify_in_batch(story, a)).then(CaseVerified)
