"""What is recorded together with an appeal: its texts in their places, the order line, the due time."""

from uuid import uuid4

import pytest

from application.cases.appealing import Brought, Verdict
from application.errors import InvalidRequest, NotFound
from domain.refusals import CaseAlreadyOpenForOrderLine
from domain.values import AppealAgainst, AppealOutcome, AppealState, Money, Remedy, RemedyKind, Resolution

NEW = (Brought("video", "开箱录像", "1" * 64, "s3://x/2.mp4"), Brought("photo", "吊牌", "2" * 64))


def closed(desk):
    """A case that was refunded, followed up and closed."""
    case = desk.paid().aggregate
    follow_up_id = case.follow_ups.current().follow_up_id
    desk.cases.complete_follow_up(desk.request(desk.agent), case.id, follow_up_id, True)
    request = desk.request(desk.agent, case.version + 2)
    return desk.cases.close(request, case.id, Resolution.COMPENSATED, "已办结").aggregate


def appealed(desk, case, by=None, **content):
    request = desk.request(by or desk.seller, case.version)
    content = {"against": AppealAgainst.DECISION, "reasons": "有新证据", "new_evidence": NEW} | content
    return desk.cases.appeal(request, case.id, **content)


def decided(desk, answer, **verdict):
    """Another reviewer claimed the case and decided about the appeal."""
    case, by = answer.aggregate, desk.other_reviewer
    claimed = desk.cases.claim(desk.request(by, case.version), case.id).aggregate
    verdict = {"outcome": AppealOutcome.UPHELD, "clauses": ("Q-1",), "reasons": "复核"} | verdict
    request = desk.request(by, claimed.version)
    return desk.cases.decide_appeal(request, case.id, answer.subject, Verdict(**verdict))


def test_each_text_is_sealed_for_the_fact_that_carries_it(desk):
    case = desk.paid().aggregate
    appealed(desk, case)
    filed, video, photo, *_ = [one.fact for one in desk.store.facts(case.id, after=case.version)]
    at = case.version + 1
    assert (filed.reasons.person, filed.reasons.box) == ("merchant", f"{at}:reasons:有新证据")
    assert (video.title.box, video.uri.box) == (f"{at + 1}:title:开箱录像", f"{at + 1}:uri:s3://x/2.mp4")
    assert (photo.title.box, photo.uri) == (f"{at + 2}:title:吊牌", None)
    assert filed.evidence == (video.evidence_id, photo.evidence_id)


def test_the_due_time_of_an_appeal_is_kept_until_it_is_decided(desk):
    answer = appealed(desk, desk.paid().aggregate)
    due = "SELECT kind FROM deadlines WHERE case_id = %s AND kind = 'appeal' AND state = 'pending'"
    assert desk.rows(due, answer.aggregate.id) == [("appeal",)]
    decided(desk, answer)
    assert desk.rows(due, answer.aggregate.id) == []


def test_an_appeal_takes_the_order_line_of_a_closed_case_again_and_gives_it_up_when_it_fails(desk):
    answer = appealed(desk, closed(desk))
    order = answer.aggregate.filing.order
    with pytest.raises(CaseAlreadyOpenForOrderLine):
        desk.file(order=order)
    assert decided(desk, answer).aggregate.stage == "closed"
    desk.file(order=order)


def test_an_appeal_that_is_taken_back_gives_it_up_too(desk):
    answer = appealed(desk, closed(desk))
    request = desk.request(desk.seller, answer.aggregate.version)
    desk.cases.withdraw_appeal(request, answer.aggregate.id, answer.subject)
    desk.file(order=answer.aggregate.filing.order)


def test_an_appeal_is_refused_when_the_order_line_is_taken(desk, nothing_recorded):
    case = closed(desk)
    desk.file(order=case.filing.order)
    with nothing_recorded, pytest.raises(CaseAlreadyOpenForOrderLine):
        appealed(desk, case)


def test_an_appeal_against_a_penalty_needs_no_order_line(desk):
    case = closed(desk)
    request = desk.request(desk.reviewer, case.version)
    case = desk.cases.penalise(request, case.id, 2, None, "S-1", "瑕疵").aggregate
    desk.file(order=case.filing.order)
    answer = appealed(desk, case, against=AppealAgainst.PENALTY)
    varied = decided(desk, answer, outcome=AppealOutcome.VARIED, points=1).aggregate
    assert [one.points for one in varied.penalties.values()] == [1]
    assert varied.stage == "closed"


def test_what_falls_takes_the_money_with_it_and_holds_the_order_line(desk):
    answer = decided(desk, appealed(desk, closed(desk)), outcome=AppealOutcome.OVERTURNED)
    assert (answer.aggregate.stage, answer.aggregate.round) == ("in_review", 2)
    assert not answer.aggregate.money.standing()
    with pytest.raises(CaseAlreadyOpenForOrderLine):
        desk.file(order=answer.aggregate.filing.order)


def test_a_varied_decision_grants_the_difference(desk):
    answer = appealed(desk, desk.paid().aggregate)
    less = (Remedy(uuid4(), RemedyKind.REFUND, Money(10_000, "CNY")),)
    varied = decided(desk, answer, outcome=AppealOutcome.VARIED, remedies=less).aggregate
    assert varied.appeals.appeal(answer.subject).state is AppealState.VARIED
    assert varied.money.amount() == 10_000


@pytest.mark.parametrize(
    ("against", "pointer"), [(AppealAgainst.DECISION, "/remedies"), (AppealAgainst.PENALTY, "/points")]
)
def test_a_variation_says_what_it_changes(desk, against, pointer):
    case = desk.paid().aggregate
    request = desk.request(desk.reviewer, case.version)
    case = desk.cases.penalise(request, case.id, 2, None, "S-1", "瑕疵").aggregate
    with pytest.raises(InvalidRequest) as caught:
        decided(desk, appealed(desk, case, against=against), outcome=AppealOutcome.VARIED)
    assert caught.value.pointer == pointer


def test_an_appeal_that_is_not_there_is_not_found(desk):
    case = desk.paid().aggregate
    with pytest.raises(NotFound) as caught:
        desk.cases.withdraw_appeal(desk.request(desk.seller, case.version), case.id, uuid4())
    assert caught.value.kind == "appeal"
