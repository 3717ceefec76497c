"""What a merchant must do by when, what was decided, and what each of its cases is for it."""

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from domain.case.viewing import viewer_state
from domain.events import (
    AppealFiled,
    AppealWithdrawn,
    CaseEscalated,
    CaseReopened,
    CaseSuspended,
    ClockPaused,
    ClockResumed,
    ClockSatisfied,
    ClockStarted,
    DecisionIssued,
    EvidenceRequested,
    GoodsAccepted,
    GoodsReceived,
    GoodsRefused,
    GoodsShipped,
    MerchantAnswered,
    NoticeDelivered,
    OfferMade,
    PenaltyAssessed,
    PenaltyReversed,
    PlatformSteppedIn,
    RecoveryOpened,
    RecoveryRecorded,
    RectificationRejected,
    RectificationSubmitted,
    RepairCompleted,
    RepairStarted,
    ReturnAuthorised,
)
from domain.values import (
    AppealAgainst,
    Channel,
    ClockKind,
    EscalationGround,
    LiableParty,
    Money,
    Payer,
    PenaltyReversalCause,
    RecoveryCause,
    Remedy,
    RemedyKind,
    ReopenGround,
    RepairOutcome,
    Sealed,
    SealedFor,
    Side,
    Stage,
    Stance,
    SuspensionGround,
    ViewerState,
)
from infrastructure.bench.histories import Life
from infrastructure.policy_pack import default_pack
from projections.merchant_cases import MERCHANT_CASES, counts, decisions, page, to_do

TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
NOON = datetime(2026, 11, 10, 4, tzinfo=UTC)
CLOCK, SUBJECT, LEG = UUID(int=7), UUID(int=8), UUID(int=9)
DUE = NOON + timedelta(days=1)
CLEAR = b"DELETE FROM " + MERCHANT_CASES.table.encode()


def listed(connection: Any, merchant_id: str = "m-2001", **options: Any) -> Any:
    return json.loads(page(connection, merchant_id, **{"at": NOON} | options))["data"]


def only(connection: Any, **options: Any) -> Any:
    (one,) = listed(connection, **options)
    return one


def clock(story: Any, kind: ClockKind, due: datetime = DUE, subject: UUID = SUBJECT) -> Any:
    return story.then(ClockStarted, clock_id=CLOCK, kind=kind, subject=subject, due=due)


def notified(tell: Any) -> Any:
    story = tell(at=NOON).filed()
    story.then(NoticeDelivered, notice_id=SUBJECT, party=Side.MERCHANT, channel=Channel.APP)
    return clock(story, ClockKind.ANSWER)


def decided(story: Any, *remedies: Remedy) -> Any:
    return story.then(
        DecisionIssued,
        decision_id=UUID(int=5),
        round=1,
        by="reviewer-1",
        remedies=remedies,
        clauses=("Q-1",),
        policy="cn-2026",
        reasons=TEXT,
        appeal_until=NOON + timedelta(days=7),
    )


def appealed(story: Any, party: Side) -> Any:
    return story.then(
        AppealFiled,
        appeal_id=UUID(int=6),
        party=party,
        against=AppealAgainst.DECISION,
        target=UUID(int=5),
        round=1,
        evidence=(),
        reasons=TEXT,
        by="somebody",
        resumes=Stage.EXECUTING,
        due=DUE,
    )


def test_a_case_tells_what_its_merchant_must_do_by_when(connection, show, tell) -> None:
    story = notified(tell)
    show(MERCHANT_CASES, *story.facts)

    assert only(connection) == {
        "case_id": str(story.case_id),
        "number": "AS-20261106-0000000001",
        "case_type": "return_refund",
        "reason": "quality_defect",
        "order_id": "PO-1",
        "stage": "negotiating",
        "state": "action_required",
        "to_do": [
            {
                "kind": "answer",
                "subject_id": str(SUBJECT),
                "due": "2026-11-11T04:00:00.000000Z",
                "overdue": False,
            }
        ],
        "decision": None,
        "filed_at": "2026-11-10T04:00:00.000000Z",
    }
    assert only(connection, at=DUE + timedelta(seconds=1))["to_do"][0]["overdue"] is True


def test_what_was_done_is_not_to_be_done(connection, show, tell) -> None:
    story = notified(tell).then(MerchantAnswered, stance=Stance.REFUSES, text=TEXT)
    show(MERCHANT_CASES, *story.then(ClockSatisfied, clock_id=CLOCK, kind=ClockKind.ANSWER).facts)

    assert (only(connection)["state"], only(connection)["to_do"]) == ("waiting_for_other", [])


def test_what_the_platform_was_asked_is_under_review(connection, show, tell) -> None:
    story = notified(tell).then(ClockSatisfied, clock_id=CLOCK, kind=ClockKind.ANSWER)
    story.then(CaseEscalated, party=Side.BUYER, ground=EscalationGround.REFUSED, reasons=TEXT, derivation=())
    show(MERCHANT_CASES, *story.facts)

    assert only(connection)["state"] == "under_review"


@pytest.mark.parametrize(("party", "own"), [(Side.MERCHANT, True), (Side.BUYER, False)])
def test_evidence_is_to_be_brought_by_the_side_that_was_asked(connection, show, tell, party, own) -> None:
    story = tell().filed().then(PlatformSteppedIn, by="reviewer-1")
    story.then(EvidenceRequested, request_id=SUBJECT, party=party, kinds=("photo",), due=DUE, by="reviewer-1")
    show(MERCHANT_CASES, *clock(story, ClockKind.EVIDENCE).facts)

    assert bool(only(connection)["to_do"]) is own
    assert only(connection)["state"] == ("action_required" if own else "under_review")


@pytest.mark.parametrize(("party", "own"), [(Side.MERCHANT, False), (Side.BUYER, True)])
def test_an_offer_is_answered_by_the_other_side(connection, show, tell, party, own) -> None:
    story = notified(tell).then(ClockSatisfied, clock_id=CLOCK, kind=ClockKind.ANSWER)
    story.then(OfferMade, offer_id=SUBJECT, party=party, remedies=(), clauses=(), text=TEXT, due=DUE)
    show(MERCHANT_CASES, *clock(story, ClockKind.REPLY).facts)

    assert bool(only(connection)["to_do"]) is own


def test_what_was_submitted_waits_for_its_verdict(connection, show, tell) -> None:
    story = clock(decided(tell().filed()), ClockKind.RECTIFICATION)
    show(MERCHANT_CASES, *story.facts)
    assert only(connection)["to_do"][0]["kind"] == "rectification"

    story.then(RectificationSubmitted, rectification_id=SUBJECT, text=TEXT)
    show(MERCHANT_CASES, *story.facts)
    assert only(connection)["to_do"] == []

    story.then(RectificationRejected, rectification_id=SUBJECT, reasons=TEXT)
    show(MERCHANT_CASES, *story.facts)
    assert len(only(connection)["to_do"]) == 1


def test_a_duty_whose_clock_stands_still_has_no_due_time(connection, show, tell) -> None:
    story = notified(tell).then(
        CaseSuspended,
        suspension_id=UUID(int=3),
        ground=SuspensionGround.COURT,
        resumes=Stage.NEGOTIATING,
        until=DUE,
        by="reviewer-1",
        reasons=TEXT,
    )
    story.then(ClockPaused, clock_id=CLOCK, kind=ClockKind.ANSWER, seconds_left=60)
    show(MERCHANT_CASES, *story.facts)

    assert (only(connection)["to_do"][0]["due"], only(connection)["state"]) == (None, "waiting_for_other")

    later = DUE + timedelta(days=3)
    story.then(ClockResumed, clock_id=CLOCK, kind=ClockKind.ANSWER, subject=SUBJECT, due=later)
    show(MERCHANT_CASES, *story.facts)

    assert only(connection)["to_do"][0]["due"] == "2026-11-14T04:00:00.000000Z"


ACT, WAIT = "action_required", "waiting_for_other"
SHIPPED = (GoodsShipped, {"reference": "SF-1"})
RECEIVED = (GoodsReceived, {"reference": "SF-2"})
AUTHORISED = (ReturnAuthorised, {"ship_by": DUE})
REFUSED = (GoodsRefused, {"reasons": TEXT})
BEGUN, FAILED = (
    (RepairStarted, {"number": 1}),
    (RepairCompleted, {"number": 1, "outcome": RepairOutcome.FAILED}),
)
REPAIRED = (RepairCompleted, {"number": 1, "outcome": RepairOutcome.REPAIRED})


@pytest.mark.parametrize(
    ("kind", "moves", "states"),
    [
        (RemedyKind.RETURN, [AUTHORISED, SHIPPED, RECEIVED], [ACT, WAIT, WAIT, ACT]),
        (RemedyKind.RETURN, [SHIPPED, REFUSED], [ACT, WAIT, ACT]),
        (RemedyKind.REPLACEMENT, [SHIPPED, RECEIVED], [ACT, WAIT, WAIT]),
        (RemedyKind.REPLACEMENT, [SHIPPED, REFUSED], [ACT, WAIT, ACT]),
        (RemedyKind.REPAIR, [BEGUN, FAILED], [ACT, ACT, ACT]),
        (RemedyKind.REPAIR, [BEGUN, REPAIRED], [ACT, ACT, WAIT]),
    ],
)
def test_goods_are_the_merchants_turn_where_nobody_else_can_go_on(
    connection, show, tell, kind, moves, states
) -> None:
    window_over = NOON + timedelta(days=8)
    story = decided(tell(at=NOON).filed(), Remedy(LEG, kind))
    show(MERCHANT_CASES, *story.facts)
    seen = [only(connection, at=window_over)["state"]]
    for move, content in moves:
        show(MERCHANT_CASES, *story.then(move, goods_id=LEG, **content).facts)
        seen.append(only(connection, at=window_over)["state"])

    assert seen == states


def test_what_replaces_other_goods_waits_for_them(connection, show, tell) -> None:
    window_over, other = NOON + timedelta(days=8), UUID(int=10)
    story = decided(
        tell(at=NOON).filed(), Remedy(LEG, RemedyKind.REPLACEMENT), Remedy(other, RemedyKind.RETURN)
    )
    story.then(ReturnAuthorised, goods_id=other, ship_by=DUE)
    show(MERCHANT_CASES, *story.facts)
    assert only(connection, at=window_over)["state"] == WAIT

    show(MERCHANT_CASES, *story.then(GoodsAccepted, goods_id=other, reference="SF-3").facts)
    assert only(connection, at=window_over)["state"] == ACT


def vars_of(fact: Any, **other: Any) -> dict[str, Any]:
    """What a fact says, some of it otherwise."""
    known = {"originator_id", "originator_version", "timestamp"}
    return {name: value for name, value in vars(fact).items() if name not in known} | other


def test_a_decision_can_be_appealed_in_its_window(connection, show, tell) -> None:
    show(MERCHANT_CASES, *decided(tell(at=NOON).filed()).facts)

    shown = only(connection)
    assert (shown["state"], shown["decision"]) == (
        "appealable",
        {
            "decision_id": str(UUID(int=5)),
            "clauses": ["Q-1"],
            "decided_at": "2026-11-10T04:00:00.000000Z",
            "appeal_until": "2026-11-17T04:00:00.000000Z",
            "appealable": True,
        },
    )
    over = only(connection, at=NOON + timedelta(days=7))
    assert (over["state"], over["decision"]["appealable"]) == ("waiting_for_other", False)


@pytest.mark.parametrize(("party", "left"), [(Side.MERCHANT, False), (Side.BUYER, True)])
def test_a_side_appeals_once_a_round(connection, show, tell, party, left) -> None:
    story = appealed(decided(tell(at=NOON).filed()), party)
    show(MERCHANT_CASES, *story.facts)
    assert only(connection)["state"] == "under_review"

    story.then(AppealWithdrawn, appeal_id=UUID(int=6), resumes=Stage.EXECUTING)
    show(MERCHANT_CASES, *story.facts)
    assert only(connection)["decision"]["appealable"] is left

    story.then(CaseReopened, ground=ReopenGround.NEW_FACTS, round=2, reasons=TEXT)
    show(MERCHANT_CASES, *story.then(DecisionIssued, **vars_of(story.facts[1], round=2)).facts)
    assert only(connection)["decision"]["appealable"] is True


def test_a_decision_that_was_overturned_stands_no_more(connection, show, tell) -> None:
    story = decided(tell(at=NOON).filed())
    story.then(CaseReopened, ground=ReopenGround.OVERTURNED, round=2, reasons=TEXT)
    show(MERCHANT_CASES, *story.facts)

    assert (only(connection)["decision"], only(connection)["state"]) == (None, "under_review")


def test_what_is_to_be_done_is_told_over_all_cases_by_when_it_is_due(connection, show, tell) -> None:
    for hours in (3, 1, 2):
        story = tell(at=NOON).filed(number=f"AS-{hours}")
        story.then(
            ClockStarted,
            clock_id=UUID(int=hours),
            kind=ClockKind.ANSWER,
            subject=SUBJECT,
            due=NOON + timedelta(hours=hours),
        )
        show(MERCHANT_CASES, *story.facts)
    show(MERCHANT_CASES, *tell(at=NOON).filed().facts)

    found = json.loads(to_do(connection, "m-2001", at=NOON + timedelta(hours=1, seconds=1)))
    assert [(one["number"], one["overdue"]) for one in found] == [
        ("AS-1", True),
        ("AS-2", False),
        ("AS-3", False),
    ]
    assert json.loads(to_do(connection, "m-2002", at=NOON)) == []


def test_decisions_that_can_be_appealed_are_told_first(connection, show, tell) -> None:
    old = decided(tell(at=NOON - timedelta(days=1)).filed(number="AS-old"))
    show(MERCHANT_CASES, *old.facts)
    new = tell(at=NOON).filed(number="AS-new")
    show(MERCHANT_CASES, *new.then(DecisionIssued, **vars_of(old.facts[1], appeal_until=None)).facts)

    found = json.loads(decisions(connection, "m-2001", at=NOON))
    assert [(one["number"], one["appealable"]) for one in found] == [("AS-old", True), ("AS-new", False)]


def test_cases_are_counted_and_told_by_what_they_are_for_the_merchant(connection, show, tell) -> None:
    show(MERCHANT_CASES, *notified(tell).facts)
    show(MERCHANT_CASES, *tell(at=NOON).filed().facts)

    assert json.loads(counts(connection, "m-2001", at=NOON)) == {
        "action_required": 1,
        "waiting_for_other": 0,
        "under_review": 1,
        "appealable": 0,
        "resolved": 0,
    }
    assert only(connection, state=ViewerState.UNDER_REVIEW)["stage"] == "filed"
    assert only(connection, stage="negotiating")["state"] == "action_required"
    assert sum(json.loads(counts(connection, "m-2002", at=NOON)).values()) == 0


def test_a_recovery_can_be_appealed_until_nothing_of_it_is_missing(connection, show, tell) -> None:
    story = tell(at=NOON).filed()
    decided(story)
    later = NOON + timedelta(days=8)
    story.then(
        RecoveryOpened,
        recovery_id=UUID(int=4),
        compensation_id=UUID(int=6),
        debtor=LiableParty.MERCHANT,
        creditor=Payer.FUND,
        amount=Money(300, "CNY"),
        cause=RecoveryCause.FUND_ADVANCE,
        appeal_until=NOON + timedelta(days=9),
    )
    for amount, state in ((100, "appealable"), (200, "waiting_for_other")):
        paid = Money(amount, "CNY")
        story.then(RecoveryRecorded, recovery_id=UUID(int=4), amount=paid, reference=f"r-{amount}")
        show(MERCHANT_CASES, *story.facts)
        assert only(connection, at=later)["state"] == state


def test_a_penalty_can_be_appealed_unless_it_is_reversed(connection, show, tell) -> None:
    story = decided(tell(at=NOON).filed()).then(
        PenaltyAssessed,
        penalty_id=UUID(int=4),
        merchant_id="m-2001",
        decision_id=UUID(int=5),
        points=2,
        fine=None,
        clause="S-1",
        expires_at=NOON + timedelta(days=90),
        policy="p",
        reasons=TEXT,
        appeal_until=NOON + timedelta(days=9),
    )
    show(MERCHANT_CASES, *story.facts)
    shown = only(connection, at=NOON + timedelta(days=8))
    assert (shown["state"], shown["decision"]["appealable"]) == ("appealable", False)

    story.then(
        PenaltyReversed,
        penalty_id=UUID(int=4),
        merchant_id="m-2001",
        cause=PenaltyReversalCause.PENALTY_OVERTURNED,
        appeal_id=UUID(int=6),
    )
    show(MERCHANT_CASES, *story.facts)
    assert only(connection, at=NOON + timedelta(days=8))["state"] == "waiting_for_other"


def test_the_list_says_of_a_case_what_the_case_says_of_itself(connection, show) -> None:
    policy, compared = default_pack(), set[str]()

    for seed in range(150):
        life = Life(Random(seed))
        facts = life.facts
        if life.case.appeals.pauses:
            continue  # a window that was put off is told by the case alone
        show(MERCHANT_CASES, *facts)
        for at in (facts[-1].timestamp, facts[-1].timestamp + timedelta(days=30)):
            (shown,) = listed(connection, life.case.filing.merchant_id, at=at)
            assert shown["state"] == viewer_state(life.case, Side.MERCHANT, policy, at), (seed, at)
            compared.add(shown["state"])
        connection.execute(CLEAR)

    assert compared == set(ViewerState)
