"""Every command in every stage: what the case answers where it does not allow it."""

import pytest

from domain.case import Case
from domain.case.appealing import Judgement
from domain.case.state import LEADS_TO, STAGES
from domain.refusals import (
    AnotherReviewerRequired,
    AppealOpen,
    AppealTargetMissing,
    AppealWindowOver,
    CaseAlreadyClosed,
    CaseNotClaimed,
    CompensationAlreadySettled,
    DecisionMissing,
    DecisionNotAutomated,
    NotReopenable,
    NotYourTurn,
    ReceiptNotAwaited,
    UnknownPart,
    WrongStage,
)
from domain.values import (
    AppealAgainst,
    AttemptOutcome,
    Channel,
    ClockKind,
    Exhibit,
    Finding,
    GoodsCondition,
    InspectionOutcome,
    LiabilityShare,
    LiableParty,
    Party,
    Payer,
    Relation,
    Release,
    RemedyKind,
    ReopenGround,
    RepairOutcome,
    Role,
    Side,
    Stage,
    Stance,
    SuspensionGround,
    Visibility,
)

MERCHANT_LIABLE = (LiabilityShare(LiableParty.MERCHANT, 100),)


def filed(story, a):
    """With a piece of evidence on file that staff filed for the platform."""
    story.filed().given(
        lambda case: case.submit_evidence(
            story.agent, a.id("piece"), Party.PLATFORM, "photo", "0" * 64, a.text(), None, story.at
        )
    )


def verified(story, a):
    """With an inspection under way."""
    filed(story, a)
    story.claimed().verified().given(
        lambda case: case.order_inspection(
            story.reviewer, None, a.id("inspection"), a.text(), story.policy, story.at
        )
    )


def negotiating(story, a):
    filed(story, a)
    story.given(story.notify())


def in_review(story, a):
    verified(story, a)
    story.given(story.decide(discretion=True))


def executing(story, a):
    verified(story, a)
    story.decided(
        a.remedy(RemedyKind.REFUND, amount=a.yuan(199), release=Release.GOODS_ACCEPTED),
        a.remedy(RemedyKind.RETURN),
    )


def following_up(story, a):
    executing(story, a)
    story.given(
        story.ship("return"),
        story.receive("return"),
        story.accept("return"),
        story.pay("refund", "pay-0"),
    )


def closed(story, a):
    following_up(story, a)
    story.asked().closed()


def withdrawn(story, a):
    executing(story, a)
    story.given(lambda case: case.withdraw(a.text(), story.at))


def expired(story, a):
    """The buyer did not send in what the refund waits for."""
    executing(story, a)
    story.given(lambda case: case.authorise_return(story.agent, a.id("return"), None, story.policy, story.at))
    story.at = story.case.clocks.of(a.id("return")).due
    story.given(story.miss(ClockKind.GOODS_SHIPMENT))


def suspended(story, a):
    executing(story, a)
    story.given(
        lambda case: case.suspend(
            story.reviewer, SuspensionGround.SETTLEMENT, a.text(), story.policy, story.at
        )
    )


def merged(story, a):
    filed(story, a)
    story.given(lambda case: case.merge(story.reviewer, another(story, a), a.text(), story.at))


def appealed(story, a):
    executing(story, a)
    story.given(appeal(story, a))


def appeal(story, a, name="appeal"):
    new = Exhibit(a.id(f"new {name}"), "video", "1" * 64, a.text())
    return lambda case: case.appeal(
        story.merchant, a.id(name), AppealAgainst.DECISION, None, (), (new,), a.text(), story.policy, story.at
    )


def another(story, a):
    filing = story.case.filing
    return Case.file(
        story.buyer, a.id("other"), "AS-2", filing.case_type, filing.reason, "app", filing.buyer,
        filing.merchant_id, filing.order, filing.claim, story.policy, story.at,
    )  # fmt: skip


WAYS = {
    Stage.FILED: filed,
    Stage.NEGOTIATING: negotiating,
    Stage.IN_REVIEW: in_review,
    Stage.EXECUTING: executing,
    Stage.FOLLOWING_UP: following_up,
    Stage.CLOSED: closed,
    Stage.WITHDRAWN: withdrawn,
    Stage.EXPIRED: expired,
    Stage.SUSPENDED: suspended,
    Stage.MERGED: merged,
    Stage.APPEALED: appealed,
}


def follow_up_id(story, a):
    current = story.case.follow_ups.current()
    return current.follow_up_id if current else a.id("none")


COMMANDS = {
    "notice": lambda story, a: story.notify(),
    "answer": lambda story, a: story.answer(Stance.DISPUTES),
    "offer": lambda story, a: story.offer(story.merchant, "o", a.remedy(RemedyKind.REFUND, amount=a.yuan(1))),
    "accept offer": lambda story, a: story.agree(story.buyer, "none"),
    "decline offer": lambda story, a: story.decline(story.buyer, "none"),
    "escalate": lambda story, a: story.later(hours=24).escalate(story.buyer),
    "promise": lambda story, a: story.promise(),
    "keep promise": lambda story, a: story.keep(),
    "contest": lambda story, a: story.demand_review(story.buyer),
    "claim": lambda story, a: lambda case: case.claim(story.agent, story.policy, story.at),
    "release": lambda story, a: lambda case: case.release(story.agent, None, story.at),
    "reassign": lambda story, a: (
        lambda case: case.reassign(story.supervisor, "agent-2", Role.AGENT, story.policy, story.at)
    ),
    "recuse": lambda story, a: lambda case: case.recuse(story.supervisor, a.text(), story.at),
    "note": lambda story, a: lambda case: case.note(a.id("n"), a.text(), Visibility.PARTIES, story.at),
    "evidence": lambda story, a: (
        lambda case: case.submit_evidence(
            story.buyer, a.id("e"), Party.BUYER, "photo", "0" * 64, a.text(), None, story.at
        )
    ),
    "stage": lambda story, a: (
        lambda case: case.stage_evidence(
            story.buyer, a.id("s"), Party.BUYER, "0" * 64, 9, "image/png", story.policy, story.at
        )
    ),
    "believe": lambda story, a: lambda case: case.accept_evidence(Party.BUYER, a.id("piece"), None, story.at),
    "challenge": lambda story, a: (
        lambda case: case.challenge_evidence(Party.BUYER, a.id("piece"), a.text(), story.at)
    ),
    "take back": lambda story, a: (
        lambda case: case.withdraw_evidence(
            story.agent, Party.PLATFORM, a.id("piece"), a.text(), story.policy, story.at
        )
    ),
    "ask": lambda story, a: (
        lambda case: case.request_evidence(
            story.agent, a.id("q"), Side.BUYER, ("photo",), None, story.policy, story.at
        )
    ),
    "shift": lambda story, a: (
        lambda case: case.shift_burden(story.agent, None, Side.BUYER, "I-2", a.text(), story.policy, story.at)
    ),
    "order": lambda story, a: (
        lambda case: case.order_inspection(story.agent, None, a.id("i"), a.text(), story.policy, story.at)
    ),
    "report": lambda story, a: (
        lambda case: case.report_inspection(
            a.id("inspection"), InspectionOutcome.FAKE, a.yuan(1), a.text(), story.policy, story.at
        )
    ),
    "verify": lambda story, a: (
        lambda case: case.verify(story.agent, None, Finding.UPHELD, MERCHANT_LIABLE, (), a.text(), story.at)
    ),
    "decide": lambda story, a: story.decide(),
    "approve": lambda story, a: story.approve(),
    "reject": lambda story, a: story.reject(),
    "give": lambda story, a: story.give(),
    "confirm": lambda story, a: story.pay("refund", "pay-9"),
    "fail": lambda story, a: story.fail("refund", "pay-9"),
    "instruct": lambda story, a: (
        lambda case: case.instruct_compensation(a.id("refund"), Payer.FUND, story.at)
    ),
    "reverse": lambda story, a: (
        lambda case: case.reverse_compensation(a.id("refund"), None, a.text(), story.policy, story.at)
    ),
    "recover": lambda story, a: lambda case: case.record_recovery(a.id("v"), a.yuan(1), "back-1", story.at),
    "write off": lambda story, a: lambda case: case.write_off_recovery(a.id("v"), a.text(), story.at),
    "authorise": lambda story, a: (
        lambda case: case.authorise_return(story.agent, a.id("return"), None, story.policy, story.at)
    ),
    "ship": lambda story, a: story.ship("return", "SF-9"),
    "receive": lambda story, a: story.receive("return", "SF-9"),
    "lose": lambda story, a: (
        lambda case: case.lose_goods(story.agent, a.id("return"), "SF-9", story.policy, story.at)
    ),
    "refuse": lambda story, a: (
        lambda case: case.refuse_goods(story.agent, a.id("return"), a.text(), story.policy, story.at)
    ),
    "inspect": lambda story, a: (
        lambda case: case.inspect_goods(
            story.agent, a.id("return"), GoodsCondition.INTACT, (), story.policy, story.at
        )
    ),
    "accept": lambda story, a: story.accept("return", "SF-9"),
    "reject goods": lambda story, a: (
        lambda case: case.reject_goods(story.agent, a.id("return"), "NR-4", a.text(), story.policy, story.at)
    ),
    "start repair": lambda story, a: lambda case: case.start_repair(a.id("return"), story.policy, story.at),
    "complete repair": lambda story, a: (
        lambda case: case.complete_repair(a.id("return"), RepairOutcome.REPAIRED, story.policy, story.at)
    ),
    "penalise": lambda story, a: (
        lambda case: case.penalise(
            story.reviewer, a.id("p"), 1, None, "S-1", a.text(), story.policy, story.at
        )
    ),
    "adjust": lambda story, a: (
        lambda case: case.adjust_penalty(
            story.supervisor, a.id("p"), 1, None, a.text(), story.policy, story.at
        )
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
    "reopen": lambda story, a: (
        lambda case: case.reopen(ReopenGround.NEW_FACTS, a.text(), story.policy, story.at)
    ),
    "classify": lambda story, a: lambda case: case.classify(story.agent, "counterfeit", story.at),
    "suspend": lambda story, a: (
        lambda case: case.suspend(story.reviewer, SuspensionGround.COURT, a.text(), story.policy, story.at)
    ),
    "confirm suspension": lambda story, a: (
        lambda case: case.confirm_suspension(a.id("receipt"), story.policy, story.at)
    ),
    "resume": lambda story, a: lambda case: case.resume(a.text(), story.policy, story.at),
    "link": lambda story, a: lambda case: case.link(a.id("other"), Relation.RELATED, story.at),
    "merge": lambda story, a: lambda case: case.merge(story.reviewer, another(story, a), a.text(), story.at),
    "withdraw": lambda story, a: lambda case: case.withdraw(a.text(), story.at),
    "appeal": lambda story, a: appeal(story, a, "another"),
    "withdraw appeal": lambda story, a: (
        lambda case: case.withdraw_appeal(story.merchant, a.id("appeal"), story.policy, story.at)
    ),
    "uphold": lambda story, a: (
        lambda case: case.uphold(
            Judgement(story.other_reviewer, None, ("Q-1",), a.text()), a.id("appeal"), story.policy, story.at
        )
    ),
}

YES = "accepted"
C, N, W, U = CaseAlreadyClosed, CaseNotClaimed, WrongStage, UnknownPart
NR, PAID = NotReopenable, CompensationAlreadySettled

MOVING = {
    "notice": "notice",
    "answer": "answers",
    "accept offer": "offers",
    "claim": "lease",
    "reassign": "reassignment",
    "decide": "decisions",
    "approve": "approval",
    "confirm": "compensations",
    "reverse": "reversal",
    "accept": "goods",
    "reject goods": "goods",
    "refuse": "goods",
    "lose": "goods",
    "inspect": "goods",
    "contest": "human-review",
    "appeal": "appeals",
    "withdraw appeal": "appeal-withdrawal",
    "uphold": "appeal-decision",
    "close": "closure",
    "reopen": "reopening",
    "withdraw": "withdrawal",
    "suspend": "suspension",
    "resume": "resumption",
    "merge": "merger",
}
"""Each command that can move a case, and its row in the stage table."""


def row(otherwise, **stages):
    """What a command is answered in these stages, and in all others.

    While the sides negotiate it is what it is when filed, unless said otherwise.
    """
    stages.setdefault(Stage.NEGOTIATING, stages.get(Stage.FILED, otherwise))
    return {stage: stages.get(stage, otherwise) for stage in Stage}


LIVE = row(W, filed=YES, in_review=YES, executing=YES, following_up=YES, closed=C, appealed=YES)
LIVE_OR_AT_REST = LIVE | {Stage.SUSPENDED: YES}

ANSWERS = {
    "notice": row(W, filed=YES, negotiating=W, closed=C),
    "answer": row(W, negotiating=YES, in_review=NotYourTurn, closed=C),
    "offer": row(W, negotiating=YES, closed=C),
    "accept offer": row(W, negotiating=U, closed=C),
    "decline offer": row(W, negotiating=U, closed=C),
    "escalate": row(W, negotiating=YES, closed=C),
    "promise": LIVE,
    "keep promise": row(U),
    "contest": row(
        W,
        filed=DecisionMissing,
        in_review=DecisionMissing,
        executing=DecisionNotAutomated,
        following_up=DecisionNotAutomated,
        closed=DecisionNotAutomated,
        expired=DecisionNotAutomated,
        merged=DecisionMissing,
    ),
    "claim": row(
        W,
        filed=YES,
        in_review=YES,
        executing=YES,
        following_up=YES,
        closed=C,
        appealed=AnotherReviewerRequired,
    ),
    "release": row(N, closed=C),
    "reassign": row(
        W,
        filed=YES,
        in_review=YES,
        executing=YES,
        following_up=YES,
        closed=C,
        appealed=AnotherReviewerRequired,
    ),
    "recuse": LIVE,
    "note": LIVE_OR_AT_REST,
    "evidence": LIVE_OR_AT_REST,
    "stage": LIVE_OR_AT_REST,
    "believe": LIVE_OR_AT_REST,
    "challenge": LIVE_OR_AT_REST,
    "take back": LIVE_OR_AT_REST,
    "ask": row(W, filed=YES, in_review=YES, closed=C, appealed=YES),
    "shift": row(N, closed=C),
    "order": row(N, closed=C),
    "report": row(
        W,
        filed=U,
        in_review=YES,
        executing=YES,
        following_up=YES,
        closed=C,
        suspended=YES,
        merged=U,
        appealed=YES,
    ),
    "verify": row(N, closed=C),
    "decide": row(N, closed=C),
    "approve": row(U, in_review=YES, closed=C),
    "reject": row(U, in_review=YES, closed=C),
    "give": row(W, in_review=YES, executing=YES, following_up=YES, closed=C),
    "confirm": row(
        W, filed=U, in_review=U, following_up=PAID, closed=C, withdrawn=PAID, expired=PAID, merged=U
    ),
    "fail": row(W, filed=U, in_review=U, following_up=PAID, closed=C, withdrawn=PAID, expired=PAID, merged=U),
    "instruct": row(
        W, filed=U, in_review=U, following_up=PAID, closed=C, withdrawn=PAID, expired=PAID, merged=U
    ),
    "reverse": row(
        W, filed=U, in_review=U, executing=YES, following_up=YES, closed=YES, expired=PAID, merged=U
    ),
    "recover": row(U),
    "write off": row(U),
    "authorise": row(W, filed=U, in_review=U, executing=YES, closed=C, merged=U),
    "ship": row(W, filed=U, in_review=U, executing=YES, closed=C, suspended=YES, merged=U, appealed=YES),
    **dict.fromkeys(
        (
            "receive",
            "lose",
            "refuse",
            "inspect",
            "accept",
            "reject goods",
            "start repair",
            "complete repair",
        ),
        row(W, filed=U, in_review=U, closed=C, merged=U),
    ),
    "penalise": row(
        W,
        filed=DecisionMissing,
        in_review=DecisionMissing,
        executing=YES,
        following_up=YES,
        closed=YES,
        expired=YES,
        merged=DecisionMissing,
    ),
    "adjust": row(U),
    "rectify": row(
        W,
        filed=DecisionMissing,
        in_review=DecisionMissing,
        executing=YES,
        following_up=YES,
        closed=YES,
        expired=YES,
        merged=DecisionMissing,
    ),
    "attempt": row(U, following_up=YES, closed=C),
    "complete": row(U, following_up=YES, closed=C),
    "reopen": row(NR, following_up=YES, closed=YES, expired=YES),
    "withdraw": row(W, filed=YES, in_review=YES, executing=YES, closed=C),
    "classify": row(W, filed=YES, in_review=YES, closed=C),
    "suspend": row(W, filed=YES, in_review=YES, executing=YES, following_up=YES, closed=C, appealed=YES),
    "confirm suspension": row(W, closed=C, suspended=ReceiptNotAwaited),
    "resume": row(W, closed=C, suspended=YES),
    "link": row(YES),
    "merge": row(W, filed=YES, in_review=YES, closed=C),
    "appeal": row(
        W,
        filed=AppealTargetMissing,
        in_review=AppealTargetMissing,
        executing=YES,
        following_up=YES,
        closed=YES,
        expired=AppealWindowOver,
        merged=AppealTargetMissing,
        appealed=AppealOpen,
    ),
    "withdraw appeal": row(U, appealed=YES),
    "uphold": row(U, appealed=N),
}


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("command", ANSWERS)
def test_every_command_in_every_stage(story, a, command, stage):
    WAYS[stage](story, a)
    assert story.case.stage is stage
    answer = ANSWERS[command][stage]
    story.when(COMMANDS[command](story, a))
    if answer is YES:
        assert story.accepted()
        assert story.case.stage in LEADS_TO.get(MOVING.get(command, ""), frozenset()) | {stage}
    else:
        story.refused(answer)


def test_every_stage_is_reached_by_a_listed_command():
    assert frozenset().union(*LEADS_TO.values()) == set(Stage)
    assert LEADS_TO.keys() <= STAGES.keys()


def test_nothing_moves_a_case_but_what_the_table_names():
    assert set(MOVING.values()) == LEADS_TO.keys()
    assert MOVING.keys() <= COMMANDS.keys() | {"close"}


@pytest.mark.parametrize("ended", [withdrawn, expired])
def test_a_withdrawn_or_expired_case_is_not_closed(story, a, ended):
    ended(story, a)
    story.when(story.close()).refused(WrongStage)


def test_every_stage_of_the_table_is_walked_here():
    assert WAYS.keys() == set(Stage) == set().union(*STAGES.values())
