"""What read models make of appeals: where the case stands meanwhile, and what stands afterwards."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.events import (
    AppealFiled,
    AppealWithdrawn,
    CaseClosed,
    CaseCompensated,
    CaseExpired,
    CaseReopened,
    CompensationReversed,
    DecisionIssued,
    DecisionOverturned,
    DecisionUpheld,
    DecisionVaried,
    FollowUpScheduled,
    PenaltyAdjusted,
    PenaltyAssessed,
    PenaltyReversed,
    RecoveryOpened,
)
from domain.values import (
    AppealAgainst,
    ExpiryGround,
    LiableParty,
    Money,
    Payer,
    PenaltyReversalCause,
    RecoveryCause,
    Remedy,
    RemedyKind,
    ReopenGround,
    Resolution,
    ReversalCause,
    Sealed,
    SealedFor,
    Side,
    Stage,
)
from projections import merchant_cases, merchant_penalties, open_loops
from projections.case_index import CASE_INDEX
from projections.case_times import CASE_TIMES, Awaited
from projections.compensations import COMPENSATIONS
from projections.follow_ups import FOLLOW_UPS
from projections.merchant_cases import MERCHANT_CASES
from projections.merchant_penalties import MERCHANT_PENALTIES
from projections.open_loops import OPEN_LOOPS
from projections.review_queue import REVIEW_QUEUE
from projections.upheld_cases import UPHELD_CASES

TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
APPEAL, DECISION, PENALTY, LINE, LEG = (UUID(int=number) for number in range(2, 7))
HOUR = timedelta(hours=1)
REFUND = Remedy(LINE, RemedyKind.REFUND, Money(19900, "CNY"))
RETURN = Remedy(LEG, RemedyKind.RETURN)


def only(model: Any, story: Any) -> Any:
    """The one row of the case's own."""
    return rows(model, story)[story.case_id]


def rows(model: Any, story: Any) -> Any:
    found: Any = {}
    for fact in story.facts:
        found = model.fold(found, fact)
    return found


def decided(story: Any, *remedies: Remedy, decision_id: UUID = DECISION) -> Any:
    return story.then(
        DecisionIssued,
        hours=1,
        decision_id=decision_id,
        round=1,
        by="reviewer-1",
        remedies=remedies or (REFUND,),
        clauses=("Q-1",),
        policy="p",
        reasons=TEXT,
    )


def paid(story: Any, line: UUID = LINE, amount: Money | None = REFUND.amount) -> Any:
    return story.then(
        CaseCompensated,
        compensation_id=line,
        reference="pay-1",
        paid_at=story.at,
        kind=RemedyKind.REFUND,
        amount=amount,
        attempt=1,
    )


def asked(story: Any) -> Any:
    return story.then(FollowUpScheduled, follow_up_id=uuid4(), due=story.at + 72 * HOUR, max_attempts=3)


def penalised(story: Any, penalty_id: UUID = PENALTY, points: int = 4) -> Any:
    return story.then(
        PenaltyAssessed,
        penalty_id=penalty_id,
        merchant_id="m-2001",
        decision_id=DECISION,
        points=points,
        fine=Money(20_000, "CNY"),
        clause="S-1",
        expires_at=story.at + timedelta(days=90),
        policy="p",
        reasons=TEXT,
    )


def appealed(story: Any, resumes: Stage, against: AppealAgainst = AppealAgainst.DECISION) -> Any:
    return story.then(
        AppealFiled,
        hours=1,
        appeal_id=APPEAL,
        party=Side.MERCHANT,
        against=against,
        target=DECISION,
        round=1,
        evidence=(),
        reasons=TEXT,
        by="seller",
        resumes=resumes,
        due=story.at + 49 * HOUR,
    )


def judged(story: Any, fact: type, resumes: Stage, **content: Any) -> Any:
    if fact is not AppealWithdrawn:
        content = {"by": "reviewer-2", "clauses": ("Q-1",), "reasons": TEXT} | content
    if fact is DecisionVaried:
        content = {"policy": "p"} | content
    return story.then(fact, hours=1, appeal_id=APPEAL, resumes=resumes, **content)


def closed(story: Any) -> Any:
    return story.then(CaseClosed, resolution=Resolution.COMPENSATED)


def overturned(story: Any, resumes: Stage = Stage.IN_REVIEW, **content: Any) -> Any:
    return judged(story, DecisionOverturned, resumes, **content)


def begun_anew(story: Any) -> Any:
    return story.then(CaseReopened, ground=ReopenGround.OVERTURNED, round=2, reasons=None)


# --- where the case stands ------------------------------------------------------------------------------


def test_a_case_under_appeal_waits_in_the_review_queue_by_when_the_appeal_is_due(tell: Any) -> None:
    story = appealed(asked(decided(tell().filed())), Stage.FOLLOWING_UP)
    row = only(REVIEW_QUEUE, story)
    assert (row.queue, row.stage, row.due) == ("review", Stage.APPEALED, story.facts[-1].due)
    assert (row.holder, row.lease_until) == (None, None)


@pytest.mark.parametrize("fact", [AppealWithdrawn, DecisionUpheld])
def test_it_goes_back_to_where_it_stood_and_the_buyer_is_asked_when_it_was_due(tell: Any, fact: type) -> None:
    story = asked(decided(tell().filed()))
    before = only(REVIEW_QUEUE, story)
    judged(appealed(story, Stage.FOLLOWING_UP), fact, Stage.FOLLOWING_UP)
    row = only(REVIEW_QUEUE, story)
    assert (row.queue, row.due) == (before.queue, before.due) == ("follow_up", before.due)


def test_what_was_being_executed_has_its_time_anew(tell: Any) -> None:
    story = appealed(decided(tell().filed()), Stage.EXECUTING)
    due = story.at + 25 * HOUR
    row = only(REVIEW_QUEUE, judged(story, DecisionUpheld, Stage.EXECUTING, due=due))
    assert (row.queue, row.due) == ("execution", due)


def test_a_closed_case_is_in_no_queue_again(tell: Any) -> None:
    story = closed(asked(decided(tell().filed())))
    assert only(REVIEW_QUEUE, appealed(story, Stage.CLOSED)).queue == "review"
    assert only(REVIEW_QUEUE, judged(story, DecisionUpheld, Stage.CLOSED)).queue is None


def test_an_overturned_case_is_to_be_reviewed(tell: Any) -> None:
    story = begun_anew(overturned(appealed(asked(decided(tell().filed())), Stage.FOLLOWING_UP)))
    row = only(REVIEW_QUEUE, story)
    assert (row.queue, row.stage, row.due) == ("review", Stage.IN_REVIEW, story.at + 48 * HOUR)


def test_the_index_says_where_it_stands(tell: Any) -> None:
    story = closed(decided(tell().filed()))
    assert only(CASE_INDEX, appealed(story, Stage.CLOSED)).stage is Stage.APPEALED
    assert only(CASE_INDEX, judged(story, DecisionUpheld, Stage.CLOSED)).stage is Stage.CLOSED


def test_an_appeal_holds_a_case_open(connection: Any, show: Any, tell: Any) -> None:
    story = appealed(closed(paid(decided(tell().filed()))), Stage.CLOSED)
    show(OPEN_LOOPS, *story.facts)
    (row,) = json.loads(open_loops.page(connection, at=story.at))["data"]
    assert row["open_because"] == ["appeal"]

    show(OPEN_LOOPS, *judged(story, AppealWithdrawn, Stage.CLOSED).facts)
    assert json.loads(open_loops.page(connection, at=story.at))["data"] == []


def test_what_was_varied_opens_the_loops_of_what_is_missing(tell: Any) -> None:
    story = appealed(decided(tell().filed(), REFUND, RETURN), Stage.EXECUTING)
    more = Remedy(UUID(int=9), RemedyKind.REFUND, Money(100, "CNY"))
    judged(story, DecisionVaried, Stage.EXECUTING, remedies=(REFUND, more), added=(more,), cancelled=(LEG,))
    row = only(OPEN_LOOPS, story)
    assert (set(row.money), set(row.goods)) == ({LINE, UUID(int=9)}, set())


# --- times ----------------------------------------------------------------------------------------------


def test_an_appeal_waits_for_the_platform_and_a_closed_case_is_open_meanwhile(tell: Any) -> None:
    story = closed(asked(paid(decided(tell().filed()))))
    ended_at = story.at
    row = only(CASE_TIMES, appealed(story, Stage.CLOSED))
    assert (row.ended_at, row.waiting_for, row.waiting_since) == (None, Awaited.PLATFORM, story.at)
    row = only(CASE_TIMES, judged(story, DecisionUpheld, Stage.CLOSED))
    assert (row.ended_at, row.waiting_for) == (ended_at + 2 * HOUR, None)
    assert row.platform_seconds == 2 * 3600, "one before the decision, one under appeal"
    assert (row.reopenings, row.overturned) == (0, False)


def test_an_expired_case_ends_again_when_its_appeal_does(connection: Any, show: Any, tell: Any) -> None:
    content = {"ground": ExpiryGround.GOODS_NOT_SENT_IN, "party": Side.BUYER, "clause": "O-8"}
    story = decided(tell().filed(), RETURN).then(
        CaseExpired, **content, goods=(RETURN.remedy_id,), derivation=()
    )
    row = only(CASE_TIMES, story)
    assert (row.ended_at, row.waiting_for, row.first_resolution_at) == (story.at, None, None)
    assert only(CASE_TIMES, appealed(story, Stage.EXPIRED)).ended_at is None
    assert only(CASE_TIMES, judged(story, DecisionUpheld, Stage.EXPIRED)).ended_at == story.at
    assert only(CASE_INDEX, story).stage is Stage.EXPIRED
    assert only(REVIEW_QUEUE, story).queue is None
    show(MERCHANT_CASES, *story.facts)
    (shown,) = json.loads(merchant_cases.page(connection, "m-2001", at=story.at + 800 * HOUR))["data"]
    assert (shown["stage"], shown["state"]) == ("expired", "resolved")


def test_goods_that_need_not_move_are_waited_for_no_longer_and_new_ones_are(tell: Any) -> None:
    story = appealed(decided(tell().filed(), RETURN), Stage.EXECUTING)
    out = Remedy(UUID(int=9), RemedyKind.REPLACEMENT)
    judged(story, DecisionVaried, Stage.EXECUTING, remedies=(out,), added=(out,), cancelled=(LEG,))
    row = only(CASE_TIMES, story)
    assert (set(row.goods), row.waiting_for) == ({UUID(int=9)}, Awaited.MERCHANT)


def test_an_overturned_decision_is_counted_once(tell: Any) -> None:
    story = overturned(appealed(decided(tell().filed(), RETURN), Stage.EXECUTING), cancelled=(LEG,))
    row = only(CASE_TIMES, begun_anew(story))
    assert (row.goods, row.overturned, row.reopenings) == ({}, True, 1)


# --- what stands afterwards -----------------------------------------------------------------------------


def test_the_buyer_is_asked_when_what_was_varied_has_been_executed(tell: Any) -> None:
    story = appealed(asked(decided(tell().filed())), Stage.FOLLOWING_UP)
    follow_up_id = story.facts[2].follow_up_id
    assert follow_up_id in rows(FOLLOW_UPS, story)
    judged(story, DecisionVaried, Stage.EXECUTING)
    assert follow_up_id not in rows(FOLLOW_UPS, story)


def test_a_varied_penalty_leaves_the_buyer_to_be_asked(tell: Any) -> None:
    story = appealed(asked(decided(tell().filed())), Stage.FOLLOWING_UP, AppealAgainst.PENALTY)
    judged(story, DecisionVaried, Stage.FOLLOWING_UP)
    assert story.facts[2].follow_up_id in rows(FOLLOW_UPS, story)


def test_only_the_difference_is_a_new_line(tell: Any) -> None:
    story = appealed(paid(decided(tell().filed())), Stage.FOLLOWING_UP)
    more = Remedy(UUID(int=9), RemedyKind.REFUND, Money(100, "CNY"))
    all_of_it = Remedy(UUID(int=8), RemedyKind.REFUND, Money(20_000, "CNY"))
    judged(story, DecisionVaried, Stage.EXECUTING, remedies=(all_of_it,), added=(more,))
    assert set(rows(COMPENSATIONS, story)) == {story.case_id, LINE, UUID(int=9)}


def ledger(connection: Any) -> Any:
    found = json.loads(merchant_penalties.page(connection, "m-2001"))
    return [(row["points"], row["state"]) for row in found["data"]], found["totals"]


def test_a_reversed_penalty_stays_in_the_ledger_and_counts_for_nothing(
    connection: Any, show: Any, tell: Any
) -> None:
    story = penalised(decided(tell().filed()))
    cause = PenaltyReversalCause.DECISION_OVERTURNED
    story.then(PenaltyReversed, penalty_id=PENALTY, merchant_id="m-2001", cause=cause, appeal_id=APPEAL)
    show(MERCHANT_PENALTIES, *story.facts)
    assert ledger(connection) == ([(4, "reversed")], {"points_live": 0, "fine_minor_live": 0})


def test_an_adjusted_penalty_counts_for_what_is_left_of_it(connection: Any, show: Any, tell: Any) -> None:
    story = penalised(decided(tell().filed()))
    story.then(PenaltyAdjusted, penalty_id=PENALTY, merchant_id="m-2001", points=1, fine=None, policy="p")
    show(MERCHANT_PENALTIES, *story.facts)
    assert ledger(connection) == ([(1, "live")], {"points_live": 1, "fine_minor_live": 0})


def test_every_number_is_as_it_would_be_without_the_overturned_round(
    connection: Any, show: Any, tell: Any
) -> None:
    """The same case is decided again, once after an overturned round and once at first."""
    again = Remedy(UUID(int=9), RemedyKind.REFUND, Money(5_000, "CNY"))
    told = penalised(paid(decided(tell().filed(buyer="1" * 32))))
    overturned(appealed(told, Stage.FOLLOWING_UP))
    told.then(
        CompensationReversed, compensation_id=LINE, cause=ReversalCause.OVERTURNED, amount=REFUND.amount
    )
    told.then(
        RecoveryOpened,
        recovery_id=UUID(int=10),
        compensation_id=LINE,
        debtor=LiableParty.BUYER,
        creditor=Payer.MERCHANT,
        amount=REFUND.amount,
        cause=RecoveryCause.OVERTURNED,
    )
    cause = PenaltyReversalCause.DECISION_OVERTURNED
    told.then(PenaltyReversed, penalty_id=PENALTY, merchant_id="m-2001", cause=cause, appeal_id=APPEAL)
    begun_anew(told)
    without = tell().filed(merchant_id="m-2001")

    numbers = []
    for story in (told, without):
        decided(story, again, decision_id=UUID(int=11))
        story.then(
            PenaltyAssessed,
            penalty_id=UUID(int=12),
            merchant_id="m-2001",
            decision_id=UUID(int=11),
            points=2,
            fine=None,
            clause="S-1",
            expires_at=story.at + timedelta(days=90),
            policy="p",
            reasons=TEXT,
        )
        paid(story, UUID(int=9), again.amount)
        connection.execute(f"TRUNCATE {MERCHANT_PENALTIES.table}, {UPHELD_CASES.table}")
        show(MERCHANT_PENALTIES, *story.facts)
        show(UPHELD_CASES, *story.facts)
        times, lines = only(CASE_TIMES, story), rows(COMPENSATIONS, story).values()
        numbers.append(
            {
                "penalties": ledger(connection)[1],
                "cost": times.paid_minor - times.owed_minor,
                "paid": sum(one.amount_minor or 0 for one in lines if one.state == "paid"),
                "upheld": only(UPHELD_CASES, story).upheld,
            }
        )

    assert numbers[0] == numbers[1]
    assert numbers[0]["cost"] == numbers[0]["paid"] == 5_000


def test_without_a_decision_nothing_was_upheld(tell: Any) -> None:
    story = decided(tell().filed())
    assert only(UPHELD_CASES, story).upheld
    assert not only(UPHELD_CASES, overturned(appealed(story, Stage.EXECUTING))).upheld
