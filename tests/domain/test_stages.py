"""Every command in every stage: what the case answers where it does not allow it."""

import pytest

from domain.case.state import STAGES
from domain.refusals import (
    CaseAlreadyClosed,
    CaseNotClaimed,
    CompensationAlreadySettled,
    DecisionMissing,
    NotReopenable,
    UnknownPart,
    WrongStage,
)
from domain.values import (
    AttemptOutcome,
    Channel,
    EvidenceParty,
    Finding,
    LiabilityShare,
    LiableParty,
    Payer,
    Release,
    RemedyKind,
    ReopenGround,
    Role,
    Stage,
    Visibility,
)

MERCHANT_LIABLE = (LiabilityShare(LiableParty.MERCHANT, 100),)


def filed(story, a):
    story.filed()


def in_review(story, a):
    story.in_review().given(lambda case: case.release(story.reviewer, None, story.at))


def executing(story, a):
    story.in_review().decided(
        a.remedy(RemedyKind.REFUND, amount=a.yuan(199), release=Release.GOODS_ACCEPTED),
        a.remedy(RemedyKind.RETURN),
    )


def following_up(story, a):
    executing(story, a)
    story.given(
        lambda case: case.ship_goods(a.id("return"), "SF-1", story.at),
        lambda case: case.receive_goods(a.id("return"), "SF-1", story.at),
        lambda case: case.accept_goods(a.id("return"), "SF-1", story.policy, story.at),
        story.pay("refund", "pay-0"),
    )


def closed(story, a):
    following_up(story, a)
    story.asked().closed()


def withdrawn(story, a):
    executing(story, a)
    story.given(lambda case: case.withdraw(a.text(), story.at))


WAYS = {
    Stage.FILED: filed,
    Stage.IN_REVIEW: in_review,
    Stage.EXECUTING: executing,
    Stage.FOLLOWING_UP: following_up,
    Stage.CLOSED: closed,
    Stage.WITHDRAWN: withdrawn,
}


def follow_up_id(story, a):
    current = story.case.follow_ups.current()
    return current.follow_up_id if current else a.id("none")


COMMANDS = {
    "claim": lambda story, a: lambda case: case.claim(story.agent, story.policy, story.at),
    "release": lambda story, a: lambda case: case.release(story.agent, None, story.at),
    "reassign": lambda story, a: (
        lambda case: case.reassign(story.supervisor, "agent-2", Role.AGENT, story.policy, story.at)
    ),
    "recuse": lambda story, a: lambda case: case.recuse(story.supervisor, a.text(), story.at),
    "note": lambda story, a: lambda case: case.note(a.id("n"), a.text(), Visibility.PARTIES, story.at),
    "evidence": lambda story, a: (
        lambda case: case.submit_evidence(
            story.buyer, a.id("e"), EvidenceParty.BUYER, "photo", "0" * 64, a.text(), None, story.at
        )
    ),
    "verify": lambda story, a: (
        lambda case: case.verify(story.agent, None, Finding.UPHELD, MERCHANT_LIABLE, (), a.text(), story.at)
    ),
    "decide": lambda story, a: story.decide(),
    "confirm": lambda story, a: story.pay("refund", "pay-9"),
    "fail": lambda story, a: story.fail("refund", "pay-9"),
    "instruct": lambda story, a: (
        lambda case: case.instruct_compensation(a.id("refund"), Payer.FUND, story.at)
    ),
    "ship": lambda story, a: lambda case: case.ship_goods(a.id("return"), "SF-9", story.at),
    "receive": lambda story, a: lambda case: case.receive_goods(a.id("return"), "SF-9", story.at),
    "accept": lambda story, a: lambda case: case.accept_goods(a.id("return"), "SF-9", story.policy, story.at),
    "penalise": lambda story, a: (
        lambda case: case.penalise(a.id("p"), 1, None, "S-1", a.text(), story.policy, story.at)
    ),
    "rectify": lambda story, a: (
        lambda case: case.order_rectification(a.id("r"), a.text(), story.at, story.at)
    ),
    "attempt": lambda story, a: (
        lambda case: case.attempt_follow_up(
            follow_up_id(story, a), Channel.PHONE, AttemptOutcome.REACHED, story.at
        )
    ),
    "complete": lambda story, a: lambda case: case.complete_follow_up(follow_up_id(story, a), True, story.at),
    "reopen": lambda story, a: lambda case: case.reopen(ReopenGround.NEW_FACTS, a.text(), story.at),
    "withdraw": lambda story, a: lambda case: case.withdraw(a.text(), story.at),
}

YES = "accepted"
C, N, W, U = CaseAlreadyClosed, CaseNotClaimed, WrongStage, UnknownPart
PAID = CompensationAlreadySettled

ANSWERS = {
    # command:   filed, in review, executing, following up, closed, withdrawn
    "claim":     (YES, YES, YES, YES, C, W),
    "release":   (N, N, N, N, C, N),
    "reassign":  (YES, YES, YES, YES, C, W),
    "recuse":    (YES, YES, YES, YES, C, W),
    "note":      (YES, YES, YES, YES, C, W),
    "evidence":  (YES, YES, YES, YES, C, W),
    "verify":    (N, N, N, N, C, N),
    "decide":    (N, N, N, N, C, N),
    "confirm":   (U, U, W, PAID, C, W),
    "fail":      (U, U, W, PAID, C, W),
    "instruct":  (U, U, W, PAID, C, W),
    "ship":      (U, U, YES, W, C, W),
    "receive":   (U, U, W, W, C, W),
    "accept":    (U, U, W, W, C, W),
    "penalise":  (DecisionMissing, DecisionMissing, YES, YES, YES, W),
    "rectify":   (DecisionMissing, DecisionMissing, YES, YES, YES, W),
    "attempt":   (U, U, U, YES, C, U),
    "complete":  (U, U, U, YES, C, U),
    "reopen":    (NotReopenable, NotReopenable, NotReopenable, YES, YES, NotReopenable),
    "withdraw":  (YES, YES, YES, W, C, W),
}  # fmt: skip


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("command", ANSWERS)
def test_every_command_in_every_stage(story, a, command, stage):
    WAYS[stage](story, a)
    assert story.case.stage is stage
    answer = ANSWERS[command][list(Stage).index(stage)]
    story.when(COMMANDS[command](story, a))
    if answer is YES:
        assert story.accepted()
    else:
        story.refused(answer)


def test_a_withdrawn_case_is_not_closed(story, a):
    withdrawn(story, a)
    story.when(story.close()).refused(WrongStage)


def test_every_stage_of_the_table_is_walked_here():
    assert WAYS.keys() == set(Stage) == set().union(*STAGES.values()) | {Stage.WITHDRAWN}
