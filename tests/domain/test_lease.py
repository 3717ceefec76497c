"""Leases: at most one person works on a case at a time."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.events import (
    CaseClaimed,
    CaseReassigned,
    CaseReleased,
    LeaseExpired,
    LeaseRenewed,
    NoteAdded,
    PlatformSteppedIn,
)
from domain.refusals import CaseAlreadyClosed, CaseClaimedByAnother, CaseNotClaimed, WrongStage
from domain.values import Role, Visibility


def claim(story, by):
    return lambda case: case.claim(by, story.policy, story.at)


def reassign(story, to="reviewer-2", role=Role.REVIEWER):
    return lambda case: case.reassign(story.supervisor, to, role, story.policy, story.at)


def test_claiming_a_filed_case_starts_its_review(story):
    claimed, _ = story.filed().when(claim(story, story.reviewer)).then(CaseClaimed, PlatformSteppedIn)
    assert claimed.expires_at == story.at + timedelta(hours=2)
    assert story.case.stage == "in_review"


def test_claiming_a_case_under_way_leaves_its_stage(story):
    story.refunded().when(claim(story, story.agent)).then(CaseClaimed)
    assert story.case.stage == "following_up"


def test_a_claimed_case_refuses_another_claim(story):
    story.filed().claimed().when(claim(story, story.other_reviewer)).refused(CaseClaimedByAnother)


def test_the_holder_renews_under_a_new_token(story):
    first = story.filed().claimed().case.lease
    story.later(hours=1).when(claim(story, story.reviewer)).then(LeaseRenewed)
    assert story.case.lease.token != first.token
    assert story.case.lease.expires_at == story.at + timedelta(hours=2)


def test_a_lease_ends_at_its_instant(story):
    story.filed().claimed().later(hours=2)
    over, _ = story.when(claim(story, story.other_reviewer)).then(LeaseExpired, CaseClaimed)
    assert (over.holder, over.expired_at) == (story.reviewer.id, story.at)


def test_whoever_let_a_lease_run_out_claims_anew(story):
    story.filed().claimed().later(hours=2).when(claim(story, story.reviewer)).then(LeaseExpired, CaseClaimed)
    assert story.case.lease.token == str(story.case.version)


@pytest.mark.parametrize(
    ("taken", "over"),
    [
        (datetime(2026, 11, 10, 2, tzinfo=UTC), datetime(2026, 11, 10, 4, tzinfo=UTC)),
        # 17:30 in Shanghai: half an hour is left of the day, the rest runs from 09:00 of the next.
        (datetime(2026, 11, 10, 9, 30, tzinfo=UTC), datetime(2026, 11, 11, 2, 30, tzinfo=UTC)),
        (datetime(2026, 11, 10, 20, tzinfo=UTC), datetime(2026, 11, 11, 3, tzinfo=UTC)),
    ],
)
def test_a_lease_runs_in_business_hours(story, taken, over):
    story.at = taken
    claimed, _ = story.filed().when(claim(story, story.reviewer)).then(CaseClaimed, PlatformSteppedIn)
    assert claimed.expires_at == over


def test_a_lease_holds_until_its_instant(story):
    story.filed().claimed().later(hours=2, seconds=-1)
    story.when(claim(story, story.other_reviewer)).refused(CaseClaimedByAnother)


def test_the_holder_gives_the_case_back(story):
    story.filed().claimed().when(lambda case: case.release(story.reviewer, None, story.at)).then(CaseReleased)
    assert story.case.lease is None
    assert story.case.stage == "in_review"


def test_nobody_else_gives_it_back(story):
    story.filed().claimed()
    story.when(lambda case: case.release(story.agent, None, story.at)).refused(CaseClaimedByAnother)


def test_an_unclaimed_case_cannot_be_given_back(story):
    story.filed().when(lambda case: case.release(story.agent, None, story.at)).refused(CaseNotClaimed)


def test_a_stale_token_does_not_hold_the_lease(story):
    story.filed().claimed().claimed()
    story.when(lambda case: case.release(story.reviewer, "2", story.at)).refused(CaseNotClaimed)


def test_the_present_token_holds_it(story):
    story.filed().claimed()
    token = story.case.lease.token
    story.when(lambda case: case.release(story.reviewer, token, story.at)).then(CaseReleased)


def test_a_closed_case_refuses_a_claim(story):
    story.refunded().asked().closed().when(claim(story, story.reviewer)).refused(CaseAlreadyClosed)


def test_a_withdrawn_case_refuses_a_claim(story, a):
    story.filed().given(lambda case: case.withdraw(a.text(), story.at))
    story.when(claim(story, story.reviewer)).refused(WrongStage)


@pytest.mark.parametrize("visibility", list(Visibility))
def test_a_note_is_added(story, a, visibility):
    story.filed().when(lambda case: case.note(a.id("note"), a.text(), visibility, story.at)).then(NoteAdded)


def test_a_closed_case_refuses_a_note(story, a):
    story.refunded().asked().closed()
    story.when(lambda case: case.note(a.id("note"), a.text(), Visibility.INTERNAL, story.at)).refused(
        CaseAlreadyClosed
    )


def test_a_supervisor_gives_the_case_to_somebody_else(story):
    story.filed().claimed().later(hours=1)
    (given,) = story.when(reassign(story)).then(CaseReassigned)
    assert (given.by, given.holder, given.role) == ("supervisor-1", "reviewer-2", Role.REVIEWER)
    assert story.case.lease.expires_at == story.at + timedelta(hours=2)


def test_whoever_held_it_before_is_fenced_out(story):
    story.filed().claimed()
    token = story.case.lease.token
    story.given(reassign(story))
    story.when(lambda case: case.release(story.reviewer, token, story.at)).refused(CaseClaimedByAnother)


def test_given_to_its_holder_the_case_has_a_new_token(story):
    story.filed().claimed()
    token = story.case.lease.token
    story.given(reassign(story, story.reviewer.id))
    story.when(lambda case: case.release(story.reviewer, token, story.at)).refused(CaseNotClaimed)


def test_a_filed_case_that_is_given_to_somebody_is_taken_up(story):
    story.filed().when(reassign(story)).then(CaseReassigned, PlatformSteppedIn)


def test_a_lease_that_ran_out_is_recorded_as_over_when_the_case_is_given_away(story):
    story.filed().claimed().later(hours=2).when(reassign(story)).then(LeaseExpired, CaseReassigned)
