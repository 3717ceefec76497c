"""Open loops: every case that is neither closed nor withdrawn, and why."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.events import (
    CaseClosed,
    CaseCompensated,
    CaseEscalated,
    CaseExpired,
    CaseReopened,
    CaseWithdrawn,
    ClockCancelled,
    ClockMissed,
    ClockSatisfied,
    ClockStarted,
    CompensationReversed,
    DecisionIssued,
    ExchangeOpened,
    ExecutionFailed,
    FollowUpCompleted,
    FollowUpExhausted,
    FollowUpScheduled,
    GoodsAccepted,
    GoodsLapsed,
    GoodsLost,
    GoodsRejected,
    GoodwillGranted,
    HumanReviewDemanded,
    NoticeDelivered,
    OfferAccepted,
    PlatformSteppedIn,
    ProposalVoided,
    RectificationAccepted,
    RectificationLapsed,
    RectificationOrdered,
    RectificationWaived,
)
from domain.values import (
    Channel,
    ClockKind,
    EscalationGround,
    ExpiryGround,
    Money,
    Remedy,
    RemedyKind,
    ReopenGround,
    Resolution,
    ReversalCause,
    Role,
    Sealed,
    SealedFor,
    Side,
    VoidCause,
)
from projections.open_loops import OPEN_LOOPS, page

FILED_AT = datetime(2026, 11, 6, 8, tzinfo=UTC)
TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
REFUND = Remedy(UUID(int=21), RemedyKind.REFUND, Money(100, "CNY"))
COUPON = Remedy(UUID(int=22), RemedyKind.COUPON, Money(100, "CNY"))
RETURN = Remedy(UUID(int=23), RemedyKind.RETURN)
FOLLOW_UP, RECTIFICATION = UUID(int=24), UUID(int=25)


def listed(*arguments: Any, **options: Any) -> Any:
    return json.loads(page(*arguments, **{"at": FILED_AT} | options))


def reasons(*arguments: Any) -> list[list[str]]:
    return [row["open_because"] for row in listed(*arguments)["data"]]


def decided(story: Any, *remedies: Remedy) -> Any:
    return story.then(
        DecisionIssued,
        decision_id=UUID(int=5),
        round=1,
        by="reviewer-1",
        remedies=remedies,
        clauses=("Q-1",),
        policy="p",
        reasons=TEXT,
    )


def paid(story: Any, remedy: Remedy) -> Any:
    return story.then(
        CaseCompensated, compensation_id=remedy.remedy_id, reference="r", paid_at=FILED_AT, kind=remedy.kind
    )


def asked(story: Any) -> Any:
    return story.then(FollowUpScheduled, follow_up_id=FOLLOW_UP, due=FILED_AT, max_attempts=3)


def ordered(story: Any) -> Any:
    return story.then(
        RectificationOrdered,
        rectification_id=RECTIFICATION,
        merchant_id="m-2001",
        terms=TEXT,
        due=FILED_AT,
    )


def test_a_filed_case_is_open_for_its_review(connection, show, tell) -> None:
    story = tell().filed()
    show(OPEN_LOOPS, *story.facts)

    found = listed(connection, at=FILED_AT + timedelta(hours=25, minutes=30))

    assert found == {
        "data": [{"case_id": str(story.case_id), "open_because": ["review"], "age_hours": 25.5}],
        "has_more": False,
        "next_cursor": None,
    }


def test_an_age_is_never_negative(connection, show, tell) -> None:
    show(OPEN_LOOPS, *tell().filed().facts)

    assert listed(connection, at=FILED_AT - timedelta(minutes=5))["data"][0]["age_hours"] == 0


def test_a_decision_opens_money_and_goods_until_the_last_is_settled(connection, show, tell) -> None:
    story = decided(tell().filed().then(PlatformSteppedIn, by="r"), REFUND, COUPON, RETURN)
    seen = []
    for settle in (
        lambda: None,
        lambda: paid(story, REFUND),
        lambda: story.then(GoodsAccepted, goods_id=RETURN.remedy_id, reference="r"),
        lambda: paid(story, COUPON),
        lambda: asked(story),
    ):
        settle()
        show(OPEN_LOOPS, *story.facts)
        seen += reasons(connection)

    assert seen == [["money", "goods"], ["money", "goods"], ["money"], [], ["follow_up"]]


def test_an_unpaid_gift_holds_the_loop_open_beside_what_is_decided(connection, show, tell) -> None:
    story = tell().filed().then(PlatformSteppedIn, by="r")
    story.then(
        GoodwillGranted,
        compensation_id=COUPON.remedy_id,
        by="agent-1",
        role=Role.AGENT,
        kind=COUPON.kind,
        policy="p",
        reasons=TEXT,
        amount=COUPON.amount,
    )
    show(OPEN_LOOPS, *story.facts)
    assert reasons(connection) == [["review", "money"]]

    show(OPEN_LOOPS, *paid(decided(story, REFUND), REFUND).facts)
    assert reasons(connection) == [["money"]]

    show(OPEN_LOOPS, *paid(story, COUPON).facts)
    assert reasons(connection) == [[]]


def test_a_decision_that_waits_for_a_second_person_holds_the_loop_open(connection, show, tell) -> None:
    story = tell().filed().then(PlatformSteppedIn, by="r").proposed(UUID(int=6))
    show(OPEN_LOOPS, *story.facts)
    assert reasons(connection) == [["approval"]]

    story.then(ProposalVoided, proposal_id=UUID(int=6), cause=VoidCause.NEW_EVIDENCE)
    show(OPEN_LOOPS, *story.facts)
    assert reasons(connection) == [["review"]]

    show(OPEN_LOOPS, *decided(story.proposed(UUID(int=7)), REFUND).facts)
    assert reasons(connection) == [["money"]]


@pytest.mark.parametrize("kind", [ClockKind.EVIDENCE, ClockKind.INSPECTION])
@pytest.mark.parametrize("end", [ClockSatisfied, ClockCancelled, ClockMissed])
def test_what_is_asked_for_holds_the_loop_open_until_its_clock_ends(
    connection, show, tell, kind, end
) -> None:
    story, subject, clocks = tell().filed(), UUID(int=33), (UUID(int=31), UUID(int=32))
    missed = {"subject": subject} if end is ClockMissed else {}
    for clock_id in clocks:
        story.then(ClockStarted, clock_id=clock_id, kind=kind, subject=subject, due=FILED_AT)
    seen = []
    for clock_id in clocks:
        show(OPEN_LOOPS, *story.facts)
        seen += reasons(connection)
        story.then(end, clock_id=clock_id, kind=kind, **missed)
    show(OPEN_LOOPS, *story.facts)

    assert seen == [["review", "evidence"], ["review", "evidence"]]
    assert reasons(connection) == [["review"]]


def test_other_clocks_are_no_evidence(connection, show, tell) -> None:
    story = tell().filed()
    clock = {"clock_id": UUID(int=31), "subject": UUID(int=33), "due": FILED_AT}
    show(OPEN_LOOPS, *story.then(ClockStarted, kind=ClockKind.STAGING, **clock).facts)

    assert reasons(connection) == [["review"]]


def test_a_rectification_holds_the_loop_open(connection, show, tell) -> None:
    show(OPEN_LOOPS, *ordered(asked(tell().filed())).facts)

    assert reasons(connection) == [["rectification", "follow_up"]]


@pytest.mark.parametrize("end", [RectificationAccepted, RectificationWaived, RectificationLapsed])
def test_an_ended_rectification_no_longer_does(connection, show, tell, end) -> None:
    content = {"merchant_id": "m-2001"} if end is RectificationLapsed else {"reasons": TEXT}
    story = ordered(asked(tell().filed())).then(end, rectification_id=RECTIFICATION, **content)
    show(OPEN_LOOPS, *story.facts)

    assert reasons(connection) == [["follow_up"]]


@pytest.mark.parametrize(
    ("fact", "content", "because"),
    [
        (FollowUpCompleted, {"satisfied": True}, []),
        (FollowUpCompleted, {"satisfied": False}, ["follow_up"]),
        (FollowUpExhausted, {}, []),
    ],
)
def test_only_an_unsatisfied_answer_keeps_the_loop_open(
    connection, show, tell, fact, content, because
) -> None:
    show(OPEN_LOOPS, *asked(tell().filed()).then(fact, follow_up_id=FOLLOW_UP, **content).facts)

    assert reasons(connection) == [because]


def expired(story: Any) -> Any:
    """The buyer did not send the goods in."""
    content = {"ground": ExpiryGround.GOODS_NOT_SENT_IN, "party": Side.BUYER, "clause": "O-8"}
    return story.then(CaseExpired, **content, goods=(UUID(int=4),), derivation=())


def test_a_case_that_ended_is_no_loop_and_a_reopened_one_is_again(connection, show, tell) -> None:
    show(OPEN_LOOPS, *tell().filed().then(CaseWithdrawn, reasons=TEXT).facts)
    show(OPEN_LOOPS, *expired(tell().filed()).facts)
    story = asked(tell().filed()).then(CaseClosed, resolution=Resolution.SETTLED)
    show(OPEN_LOOPS, *story.facts)
    assert reasons(connection) == []

    story.then(CaseReopened, ground=ReopenGround.NEW_FACTS, round=2, reasons=TEXT)
    show(OPEN_LOOPS, *story.facts)
    assert reasons(connection) == [["review"]]


def test_loops_run_from_the_oldest_on_and_each_side_sees_its_own(connection, show, tell) -> None:
    cases = [tell(at=FILED_AT + timedelta(hours=hours)).filed() for hours in (2, 1, 3)]
    for story in cases:
        show(OPEN_LOOPS, *story.facts)
    show(OPEN_LOOPS, *tell().filed(merchant_id="m-2002", filed_by="shop-2").facts)

    first = listed(connection, merchant_id="m-2001", limit=2)
    second = listed(connection, merchant_id="m-2001", limit=2, cursor=first["next_cursor"])

    assert [row["case_id"] for row in first["data"] + second["data"]] == [
        str(cases[index].case_id) for index in (1, 0, 2)
    ]
    assert len(listed(connection, filed_by="shop-2")["data"]) == 1
    assert listed(connection, filed_by="shop-2", merchant_id="m-2001")["data"] == []


def reversed_to(story: Any, stands: Money | None) -> Any:
    return story.then(
        CompensationReversed, compensation_id=REFUND.remedy_id, cause=ReversalCause.MISTAKE, stands=stands
    )


def test_a_line_that_fell_is_settled_and_one_that_partly_fell_is_not(connection, show, tell) -> None:
    story = decided(tell().filed(), REFUND)
    show(OPEN_LOOPS, *reversed_to(story, Money(60, "CNY")).facts)
    assert reasons(connection) == [["money"]]

    show(OPEN_LOOPS, *reversed_to(story, None).facts)
    assert reasons(connection) == [[]]


@pytest.mark.parametrize(
    ("fact", "content"),
    [
        (GoodsRejected, {"clause": "NR-4", "reasons": TEXT}),
        (GoodsLost, {"reference": "r"}),
        (GoodsLapsed, {}),
        (ExecutionFailed, {"goods": (), "round": 2, "cancelled": (RETURN.remedy_id,)}),
    ],
)
def test_goods_that_come_to_another_end_are_settled_too(connection, show, tell, fact, content) -> None:
    of_goods = {} if fact is ExecutionFailed else {"goods_id": RETURN.remedy_id}
    show(OPEN_LOOPS, *decided(tell().filed(), RETURN).then(fact, **of_goods, **content).facts)

    assert reasons(connection) == [["review"] if fact is ExecutionFailed else []]


def test_an_exchange_waits_for_other_goods_in_the_place_of_the_old(connection, show, tell) -> None:
    legs = {"replacement_id": UUID(int=26), "return_id": UUID(int=27)}
    story = decided(tell().filed(), RETURN)
    story.then(ExchangeOpened, goods_id=RETURN.remedy_id, clause="3B-1", **legs)
    for goods_id in legs.values():
        show(OPEN_LOOPS, *story.facts)
        assert reasons(connection) == [["goods"]]
        story.then(GoodsAccepted, goods_id=goods_id, reference="r")

    show(OPEN_LOOPS, *story.facts)
    assert reasons(connection) == [[]]


def test_what_an_earlier_round_left_open_stays_open(connection, show, tell) -> None:
    story = decided(tell().filed(), REFUND)
    story.then(ExecutionFailed, goods=(), round=2)
    show(OPEN_LOOPS, *paid(decided(story, COUPON), COUPON).facts)

    assert reasons(connection) == [["money"]]


def notified(story: Any) -> Any:
    return story.then(NoticeDelivered, notice_id=UUID(int=8), party=Side.MERCHANT, channel=Channel.APP)


def ticking(story: Any, kind: ClockKind, clock: int = 9) -> Any:
    clock_id = UUID(int=clock)
    return story.then(ClockStarted, clock_id=clock_id, kind=kind, subject=UUID(int=8), due=FILED_AT)


def test_a_case_is_open_for_what_the_sides_negotiate(connection, show, tell) -> None:
    story = ticking(notified(tell().filed()), ClockKind.ANSWER)
    show(OPEN_LOOPS, *story.facts)
    assert reasons(connection) == [["negotiation", "clock"]]

    story.then(ClockSatisfied, clock_id=UUID(int=9), kind=ClockKind.ANSWER)
    show(OPEN_LOOPS, *story.facts)
    assert reasons(connection) == [["negotiation"]]

    story.then(CaseEscalated, party=Side.BUYER, ground=EscalationGround.REFUSED, reasons=TEXT, derivation=())
    show(OPEN_LOOPS, *story.facts)
    assert reasons(connection) == [["review", "negotiation"]]

    story.then(PlatformSteppedIn, by="r")
    show(OPEN_LOOPS, *story.facts)
    assert reasons(connection) == [["review"]]


def test_what_the_sides_agree_on_holds_it_open(connection, show, tell) -> None:
    story = notified(tell().filed())
    story.then(OfferAccepted, offer_id=UUID(int=7), party=Side.BUYER, remedies=(REFUND, RETURN))
    show(OPEN_LOOPS, *story.facts)

    assert reasons(connection) == [["money", "goods"]]


@pytest.mark.parametrize("end", [ClockSatisfied, ClockCancelled, ClockMissed])
def test_a_duty_clock_holds_it_open_until_it_ends(connection, show, tell, end) -> None:
    story = asked(tell().filed())
    ticking(story, ClockKind.PROMISE)
    ticking(story, ClockKind.EXECUTION, 10)
    show(OPEN_LOOPS, *story.facts)
    assert reasons(connection) == [["follow_up", "clock"]]

    subject = {"subject": UUID(int=8)} if end is ClockMissed else {}
    for clock_id, kind in ((9, ClockKind.PROMISE), (10, ClockKind.EXECUTION)):
        assert reasons(connection) == [["follow_up", "clock"]]
        story.then(end, clock_id=UUID(int=clock_id), kind=kind, **subject)
        show(OPEN_LOOPS, *story.facts)
    assert reasons(connection) == [["follow_up"]]


def test_a_clock_that_something_else_stands_for_is_not_told_twice(connection, show, tell) -> None:
    show(OPEN_LOOPS, *ticking(asked(tell().filed()), ClockKind.FOLLOW_UP).facts)

    assert reasons(connection) == [["follow_up"]]


def test_goods_that_people_are_to_decide_upon_anew_are_not_waited_for(connection, show, tell) -> None:
    story = decided(tell().filed(), REFUND, RETURN)
    content = {"party": Side.MERCHANT, "decision_id": UUID(int=5), "round": 2, "reasons": TEXT}
    story.then(HumanReviewDemanded, cancelled=(RETURN.remedy_id,), derivation=(), **content)
    show(OPEN_LOOPS, *story.facts)

    assert reasons(connection) == [["review", "money"]]
