"""What a case forgets: kept while the law has it kept, held where a dispute needs it, erased by two."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.audit import differences
from domain.events import (
    CaseReopened,
    ClockCancelled,
    ClockMissed,
    ClockStarted,
    ErasureProposed,
    ErasureRejected,
    LegalHoldPlaced,
    LegalHoldReleased,
    PersonalDataErased,
    ProcessingRestricted,
)
from domain.policy import pack
from domain.policy.calendar import due
from domain.policy.derivation import shown
from domain.refusals import (
    ApprovalPending,
    CaseNotEnded,
    LegalHoldAlreadyReleased,
    LegalHoldInForce,
    NotReopenable,
    PersonalDataAlreadyErased,
    ProcessingIsRestricted,
    ProposalHashMismatch,
    ProposalVoid,
    RecordsStillKept,
    SecondPersonRequired,
    UnknownPart,
)
from domain.values import Actor, ClockKind, ReopenGround, Resolution, Role, Side, SuspensionGround

ADMIN = Actor("admin-1", Role.ADMIN)


@pytest.fixture
def key(a):
    """The key under which the buyer's texts are."""
    return a.id("buyer-key")


@pytest.fixture
def ask(story, a, key):
    """Asking for an erasure."""

    def command(proposal="erasure", party=Side.BUYER, by=ADMIN, key_id=key):
        return lambda case: case.request_erasure(
            by, party, a.id(proposal), key_id, a.text(), story.policy, story.at
        )

    return command


@pytest.fixture
def agree(story, a, key):
    """Agreeing to it."""

    def command(by=None, proposal="erasure", proposal_hash=None):
        def give(case):
            waiting = case.privacy.proposals.get(a.id(proposal))
            told = proposal_hash or (waiting.proposal_hash if waiting else "0" * 64)
            case.approve_erasure(by or story.supervisor, a.id(proposal), told, key, story.policy, story.at)

        return give

    return command


def hold(story, a):
    return lambda case: case.place_legal_hold(story.supervisor, a.id("hold"), a.text(), story.at)


def release(story, a):
    return lambda case: case.release_legal_hold(story.supervisor, a.id("hold"), a.text(), story.at)


def kept_until(story):
    """Three years after the case ended."""
    return due(story.case.ended_at, story.policy.need(pack.RECORDS).term, story.policy.calendars)


def over(story):
    """The case ended, and its records need be kept no longer."""
    story.refunded().asked().closed()
    story.at = kept_until(story)
    return story


# --- while records are kept ---


def test_what_must_be_kept_is_restricted_and_told_until_when_and_why(story, ask):
    story.refunded().asked().closed()
    restricted, clock = story.when(ask()).then(ProcessingRestricted, ClockStarted)
    assert (restricted.clause, restricted.until, restricted.by) == ("D-1", kept_until(story), "admin-1")
    assert [step.rule for step in restricted.derivation] == ["R-1", "D-1"]
    assert (clock.kind, clock.due, clock.subject) == (
        ClockKind.RETENTION,
        restricted.until,
        restricted.restriction_id,
    )
    assert restricted.until >= story.at + timedelta(days=3 * 365)


def test_restricted_data_are_not_read(story, ask):
    story.refunded().asked().closed().given(ask())
    with pytest.raises(ProcessingIsRestricted) as caught:
        story.case.readable(Side.BUYER)
    assert caught.value.detail == f"D-1: records are kept until {shown(kept_until(story))}"
    story.case.readable(Side.MERCHANT)


def test_the_same_request_again_says_nothing_new(story, ask):
    story.refunded().asked().closed().given(ask()).later(hours=9)
    story.when(ask("another")).nothing_happened()


def test_a_case_that_has_not_ended_needs_its_data(story, ask):
    story.refunded().when(ask()).refused(CaseNotEnded)


@pytest.mark.parametrize("end", ["withdrawn", "merged"])
def test_whatever_ended_the_case_its_records_are_kept_from_then_on(story, a, ask, end):
    story.filed()
    if end == "withdrawn":
        story.given(lambda case: case.withdraw(a.text(), story.at))
    else:
        story.later(hours=1)
        other = type(story.case).file(
            story.buyer, a.id("other"), "AS-2", story.case.filing.case_type, story.case.filing.reason, "app",
            story.case.filing.buyer, "m-2001", story.case.filing.order, story.case.filing.claim, story.policy,
            story.at,
        )  # fmt: skip
        story.given(lambda case: case.merge(story.reviewer, other, a.text(), story.at))
    ended = story.at
    story.later(hours=30)
    restricted, _ = story.when(ask()).then(ProcessingRestricted, ClockStarted)
    assert restricted.derivation[0].inputs["start"] == shown(ended)


def test_people_who_work_on_a_reopened_case_read_it_and_the_term_begins_anew(story, a, ask):
    story.refunded().asked().closed().given(ask()).later(hours=50)
    first = story.case.privacy.restrictions[Side.BUYER]
    story.given(lambda case: case.reopen(ReopenGround.NEW_FACTS, a.text(), story.policy, story.at))
    story.case.readable(Side.BUYER)
    story.claimed().verified().given(story.decide()).later(hours=50)
    story.given(lambda case: case.complete_follow_up(story.follow_up_id, True, story.at, 5, 5, 5)).closed()
    with pytest.raises(ProcessingIsRestricted):
        story.case.readable(Side.BUYER)
    again, ended, _ = story.when(ask()).then(ProcessingRestricted, ClockCancelled, ClockStarted)
    assert again.until > first.until
    assert ended.kind is ClockKind.RETENTION


def test_the_end_of_the_term_is_noted(story, ask):
    story.refunded().asked().closed().given(ask())
    (clock,) = story.case.clocks.of_kind(ClockKind.RETENTION)
    story.at = clock.due
    story.when(lambda case: case.miss_clock(clock.clock_id, story.policy, story.at)).then(ClockMissed)
    with pytest.raises(ProcessingIsRestricted):
        story.case.readable(Side.BUYER)


def test_the_clock_of_the_records_neither_rests_nor_blocks(story, a, ask):
    story.refunded().asked().closed().given(ask())
    story.given(lambda case: case.reopen(ReopenGround.NEW_FACTS, a.text(), story.policy, story.at))
    story.given(
        lambda case: case.suspend(story.reviewer, SuspensionGround.COURT, a.text(), story.policy, story.at)
    )
    assert [clock.kind for clock in story.case.clocks.running.values()] == [
        ClockKind.RETENTION,
        ClockKind.SUSPENSION,
    ]
    story.given(lambda case: case.resume(a.text(), story.policy, story.at))
    story.claimed().verified().given(story.decide())
    story.given(lambda case: case.complete_follow_up(story.follow_up_id, True, story.at, 5, 5, 5))
    assert story.when(story.close()).accepted()


# --- erasure ---


def test_after_the_term_it_waits_for_a_second_person(story, ask):
    (proposed,) = over(story).when(ask()).then(ErasureProposed)
    assert (proposed.by, proposed.party) == ("admin-1", Side.BUYER)
    assert [one.proposal_id for one in story.case.privacy.waiting] == [proposed.proposal_id]


def test_one_instant_before_the_end_of_the_term_it_is_restricted_still(story, ask):
    over(story).later(seconds=-1).when(ask()).then(ProcessingRestricted, ClockStarted)


def test_two_people_erase(story, ask, agree, key):
    (erased,) = over(story).given(ask()).when(agree()).then(PersonalDataErased)
    assert (erased.party, erased.key_id, erased.proposed_by, erased.by) == (
        Side.BUYER,
        key,
        "admin-1",
        "supervisor-1",
    )
    assert story.case.privacy.erased == {Side.BUYER}
    assert not story.case.privacy.waiting


def test_a_clock_that_nobody_waits_for_any_more_ends(story, ask, agree):
    story.refunded().asked().closed().given(ask())
    story.at = kept_until(story)
    story.given(ask("erasure")).when(agree()).then(PersonalDataErased, ClockCancelled)


def test_nobody_erases_alone(story, ask, agree):
    over(story).given(ask()).when(agree(by=ADMIN)).refused(SecondPersonRequired)


def test_what_is_agreed_to_is_what_was_proposed(story, ask, agree):
    over(story).given(ask()).when(agree(proposal_hash="f" * 64)).refused(ProposalHashMismatch)


def test_one_proposal_waits_at_a_time(story, ask):
    over(story).given(ask()).when(ask("another")).refused(ApprovalPending)
    story.when(ask("another", party=Side.MERCHANT)).then(ErasureProposed)


def test_what_was_rejected_is_not_agreed_to(story, a, ask, agree):
    over(story).given(ask())
    story.when(lambda case: case.reject_erasure(ADMIN, a.id("erasure"), a.text(), story.at)).then(
        ErasureRejected
    )
    story.when(agree()).refused(ProposalVoid)
    story.when(ask("another")).then(ErasureProposed)


def test_an_unknown_proposal_is_not_there(story, agree):
    over(story).when(agree()).refused(UnknownPart)


def test_a_case_that_was_taken_up_again_is_not_erased(story, a, ask, agree):
    over(story).given(ask())
    story.given(lambda case: case.reopen(ReopenGround.NEW_FACTS, a.text(), story.policy, story.at))
    story.when(agree()).refused(CaseNotEnded)


def test_a_case_that_was_taken_up_again_and_ended_is_kept_anew(story, a, ask, agree):
    over(story).given(ask())
    story.given(lambda case: case.reopen(ReopenGround.NEW_FACTS, a.text(), story.policy, story.at))
    story.claimed().verified().given(story.decide())
    story.given(lambda case: case.complete_follow_up(story.follow_up_id, True, story.at, 5, 5, 5)).closed()
    story.when(agree()).refused(RecordsStillKept)


def test_what_was_erased_is_not_asked_for_again_unless_there_is_a_new_key(story, ask, agree):
    over(story).given(ask(), agree()).when(ask("another", key_id=None)).refused(PersonalDataAlreadyErased)
    story.when(ask("another")).then(ErasureProposed)


def test_a_case_that_forgot_its_parties_is_not_reopened(story, a, ask, agree):
    over(story).given(ask(), agree())
    reopening = lambda case: case.reopen(ReopenGround.NEW_FACTS, a.text(), story.policy, story.at)  # noqa: E731
    story.when(reopening).refused(NotReopenable)


def test_without_an_erasure_the_same_case_is_reopened(story, a):
    over(story)
    reopening = lambda case: case.reopen(ReopenGround.NEW_FACTS, a.text(), story.policy, story.at)  # noqa: E731
    story.when(reopening).then(CaseReopened)


def test_an_erasure_is_noted_once_whatever_the_case_says_of_it(story, a, key):
    def note(case):
        case.record_erasure(a.id("erasure"), Side.BUYER, key, "supervisor-1", "admin-1", story.at)

    story.filed().when(note).then(PersonalDataErased)
    story.when(note).nothing_happened()


# --- legal hold ---


def test_a_legal_hold_refuses_what_would_erase(story, a, ask, agree):
    over(story).given(ask()).when(hold(story, a)).then(LegalHoldPlaced)
    story.when(agree()).refused(LegalHoldInForce)
    story.when(ask("another", party=Side.MERCHANT)).refused(LegalHoldInForce)
    story.when(release(story, a)).then(LegalHoldReleased)
    story.when(agree()).then(PersonalDataErased)


def test_a_legal_hold_does_not_keep_data_from_being_restricted(story, a, ask):
    story.refunded().asked().closed().given(hold(story, a)).when(ask()).then(
        ProcessingRestricted, ClockStarted
    )


def test_every_hold_must_be_released(story, a, ask):
    over(story).given(hold(story, a))
    story.given(lambda case: case.place_legal_hold(ADMIN, a.id("second"), a.text(), story.at))
    story.given(release(story, a)).when(ask()).refused(LegalHoldInForce)


def test_a_hold_is_released_once(story, a):
    story.filed().given(hold(story, a), release(story, a)).when(release(story, a)).refused(
        LegalHoldAlreadyReleased
    )


def test_an_unknown_hold_is_not_there(story, a):
    story.filed().when(release(story, a)).refused(UnknownPart)


# --- who is told what it could do, and deriving again ---


def test_a_caller_is_told_what_it_could_do(story, a, ask):
    def possible(by):
        names = {"legal-holds", "legal-hold-release", "erasure", "erasure-approval", "erasure-rejection"}
        return names & set(story.case.possible(by, story.policy, story.at))

    over(story).given(ask())
    assert possible(ADMIN) == {"legal-holds", "erasure", "erasure-rejection"}
    assert possible(story.supervisor) == {"legal-holds", "erasure", "erasure-approval", "erasure-rejection"}
    story.given(hold(story, a))
    assert possible(story.supervisor) == {
        "legal-holds",
        "legal-hold-release",
        "erasure",
        "erasure-rejection",
    }


class OneRulebook:
    """The same policy at all times."""

    def __init__(self, policy):
        self._policy = policy

    def version(self, name):
        return self._policy

    def in_force(self, at):
        return self._policy

    def applicable(self, act_at, filed_at, decided_at):
        return self._policy


def test_the_term_is_derived_again_from_when_the_case_ended(story, ask):
    story.refunded().asked().closed()
    before = story.case
    restricted, _ = story.when(ask()).then(ProcessingRestricted, ClockStarted)
    rules = OneRulebook(story.policy)
    assert list(differences(before, restricted, "admin", rules)) == []
    before.ended_at = datetime(2026, 1, 1, tzinfo=UTC)
    parts = {one.part for one in differences(before, restricted, "admin", rules)}
    assert parts == {"until", "derivation"}


def test_an_erasure_that_was_proposed_too_early_is_found(story, ask):
    over(story)
    before = story.case
    (proposed,) = story.when(ask()).then(ErasureProposed)
    rules = OneRulebook(story.policy)
    assert list(differences(before, proposed, "admin", rules)) == []
    before.ended_at += timedelta(days=9)
    assert "erasable" in {one.part for one in differences(before, proposed, "admin", rules)}


def test_a_dismissed_case_is_kept_as_long(story, ask):
    story.filed().closed(Resolution.ANSWERED)
    (restricted, _) = story.when(ask()).then(ProcessingRestricted, ClockStarted)
    assert restricted.until == kept_until(story)
