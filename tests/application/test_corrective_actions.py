"""Corrective actions: one open for a merchant and a cause, asked for by staff or where a duty lapsed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.corrective_actions import CorrectionProcess, CorrectiveActions
from application.errors import Forbidden, InvalidRequest, NotFound, PreconditionRequired
from application.rulebook import OnePolicy
from domain.corrective_action import CorrectiveAction
from domain.events import (
    CaseReopened,
    CorrectiveActionClosed,
    CorrectiveActionOpened,
    DecisionIssued,
    EffectMeasured,
    RectificationLapsed,
)
from domain.refusals import CorrectiveActionAlreadyOpen
from domain.values import ActionState, Actor, Finding, ReopenGround, Role
from infrastructure.policy_pack import default_pack

DEFAULT = default_pack()


class Counting:
    """Finds as many cases again as a test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[int] = [2, 1]
        self.asked: list[tuple[Any, ...]] = []

    def upheld(self, *asked: Any) -> tuple[UUID, ...]:
        self.asked.append(asked)
        return tuple(UUID(int=number) for number in range(self.answers.pop(0)))


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def actions(desk, counting) -> CorrectiveActions:
    return CorrectiveActions(desk.store, desk.vault, OnePolicy(DEFAULT), counting, desk.clock, uuid4)


class OverCases:
    """Finds the open actions over a case in the claims that they hold."""

    def __init__(self, desk: Any) -> None:
        self._desk = desk

    def open_over(self, case_id: UUID, position: int) -> list[UUID]:
        held = self._desk.rows("SELECT case_id FROM claims WHERE claim LIKE 'corrective-action:%%'")
        actions = [self._desk.store.load(CorrectiveAction, action_id) for (action_id,) in held]
        return [action.id for action in actions if case_id in action.cases]


@pytest.fixture
def process(desk, actions) -> CorrectionProcess:
    return CorrectionProcess(actions, OverCases(desk))


def reopened(desk, case_id, ground):
    """That the case was reopened, as a process is handed it."""
    fact: Any = CaseReopened
    told = fact(
        originator_id=case_id,
        originator_version=99,
        timestamp=desk.clock.at,
        ground=ground,
        round=2,
        reasons=None,
    )
    return replace(desk.store.facts(case_id)[0], fact=told)


def replaced(desk, case_id, decision_id):
    """That people decided the case, otherwise than this decision of the system if there is one."""
    fact: Any = DecisionIssued
    told = fact(
        originator_id=case_id, originator_version=99, timestamp=desk.clock.at, decision_id=uuid4(), round=2,
        by="r", remedies=(), clauses=(), policy="cn-2026", reasons=None, replaces=decision_id,
    )  # fmt: skip
    return replace(desk.store.facts(case_id)[0], fact=told)


@pytest.fixture
def merchant() -> str:
    """One that no other test knows."""
    return f"m-{uuid4()}"


@pytest.fixture
def seller(merchant) -> Actor:
    return Actor("seller", Role.MERCHANT, merchant)


@pytest.fixture
def opened(desk, actions, merchant):
    """Staff asks the merchant for a measure."""
    return lambda cause="quality_defect": (
        actions.open(desk.request(desk.reviewer), merchant, cause, (), "请整改").aggregate
    )


@pytest.fixture
def lapsed(desk, merchant):
    """A rectification of the merchant lapsed on a case of its own; the fact as a process is handed it."""

    def make(reason="quality_defect"):
        case = desk.file(merchant_id=merchant, reason=reason).aggregate
        case = desk.cases.claim(desk.request(desk.reviewer, 1), case.id).aggregate
        request = desk.request(desk.reviewer, case.version)
        case = desk.cases.verify(request, case.id, Finding.NOT_UPHELD, (), (), "看过了").aggregate
        request = desk.request(desk.reviewer, case.version)
        case = desk.cases.decide(request, case.id, (), ("Q-1",), "驳回").aggregate
        due = desk.clock.at + timedelta(days=7)
        request = desk.request(desk.reviewer, case.version)
        case = desk.cases.order_rectification(request, case.id, "整改", due).aggregate
        clock = case.clocks.of(case.rectification.rectification_id)
        at, desk.clock.at = desk.clock.at, due
        desk.cases.miss_clock(desk.request(desk.ticker), case.id, clock.clock_id)
        desk.clock.at = at
        return next(one for one in desk.store.facts(case.id) if isinstance(one.fact, RectificationLapsed))

    return make


def of_merchant(desk, merchant):
    """The ids of the merchant's corrective actions."""
    claim = f"corrective-action:{len(merchant)}:{merchant}/%"
    return [row[0] for row in desk.rows("SELECT case_id FROM claims WHERE claim LIKE %s", claim)]


def every_action(desk, merchant):
    """The ids of all corrective actions that were ever opened for the merchant."""
    rows = desk.rows("SELECT originator_id FROM events WHERE topic = 'CorrectiveActionOpened'")
    opened = [desk.store.facts(row[0])[0].fact for row in rows]
    return [fact.originator_id for fact in opened if fact.merchant_id == merchant]


def test_what_staff_asks_for_is_sealed_and_has_a_due_time(desk, opened):
    action = opened()
    (fact,) = [one.fact for one in desk.store.facts(action.id)]
    assert isinstance(fact, CorrectiveActionOpened)
    assert fact.terms
    assert fact.terms.box == "1:terms:请整改"
    assert desk.rows("SELECT kind, due, state FROM deadlines WHERE case_id = %s", action.id) == [
        ("corrective_action", fact.due, "pending")
    ]


def test_one_action_is_open_for_a_merchant_and_a_cause(desk, actions, opened, merchant):
    first = opened()
    with pytest.raises(CorrectiveActionAlreadyOpen) as refusal:
        opened()
    assert refusal.value.detail == str(first.id)
    opened("counterfeit")
    actions.close(desk.request(desk.supervisor, first.version), first.id, "另行处理")
    assert opened().id != first.id


def test_only_cases_of_the_merchant_can_be_named(desk, actions, merchant):
    others = desk.file().aggregate.id
    for case_id in (others, uuid4()):
        with pytest.raises(InvalidRequest):
            actions.open(desk.request(desk.reviewer), merchant, "late", (case_id,), "请整改")
    own = desk.file(merchant_id=merchant).aggregate.id
    assert actions.open(desk.request(desk.reviewer), merchant, "late", (own,), "请整改").aggregate.cases == (
        own,
    )


def test_an_action_goes_its_way_to_the_measured_effect(desk, actions, opened, merchant, seller, counting):
    action = opened()
    actions.propose(desk.request(seller), action.id, "换供应商")
    judged = actions.judge(desk.request(desk.reviewer, 2), action.id, True, "同意").aggregate
    assert judged.state is ActionState.ACCEPTED
    completed = actions.complete(desk.request(seller), action.id, "已更换").aggregate
    desk.clock.at = completed.due
    assert actions.runs_clock(desk.ticker, action.id, action.clock_id)
    assert actions.miss_clock(desk.request(desk.ticker), action.id, action.clock_id)
    assert not actions.miss_clock(desk.request(desk.ticker), action.id, action.clock_id)
    assert not actions.runs_clock(desk.ticker, action.id, action.clock_id)
    *_, measured, closed = [one.fact for one in desk.store.facts(action.id)]
    assert isinstance(measured, EffectMeasured)
    assert (len(measured.before), len(measured.after)) == (2, 1)
    assert isinstance(closed, CorrectiveActionClosed)
    assert [asked[:2] for asked in counting.asked] == [(merchant, "quality_defect")] * 2
    assert of_merchant(desk, merchant) == []


def test_a_verdict_and_an_end_need_the_version(desk, actions, opened):
    action = opened()
    with pytest.raises(PreconditionRequired):
        actions.judge(desk.request(desk.reviewer), action.id, True, "同意")
    with pytest.raises(PreconditionRequired):
        actions.close(desk.request(desk.supervisor), action.id, "结束")


def test_an_action_is_the_merchants_own(desk, actions, opened, seller):
    action = opened()
    with pytest.raises(NotFound) as missing:
        actions.propose(desk.request(desk.other_seller), action.id, "换供应商")
    assert missing.value.kind == "corrective_action"
    with pytest.raises(Forbidden):
        actions.propose(desk.request(desk.reviewer), action.id, "换供应商")
    assert actions.read(seller, action.id)[0].id == action.id


def test_an_ended_action_has_no_due_time_any_more(desk, actions, opened):
    action = opened()
    actions.close(desk.request(desk.supervisor, 1), action.id, "结束")
    assert desk.rows("SELECT state FROM deadlines WHERE case_id = %s", action.id) == [("cancelled",)]


# --- where a rectification lapsed ---


def test_a_lapsed_rectification_opens_an_action_once(desk, process, lapsed, merchant):
    fact = lapsed()
    for _ in range(2):
        process.react(fact)
    (action_id,) = of_merchant(desk, merchant)
    (opened,) = desk.store.facts(action_id)
    assert (opened.fact.root_cause, opened.fact.cases) == ("quality_defect", (fact.fact.originator_id,))
    assert (opened.provenance.actor_role, opened.provenance.causation_id) == ("system", fact.event_id)


def test_a_second_one_of_the_same_cause_joins_it(desk, process, lapsed, merchant):
    facts = [lapsed(), lapsed()]
    for fact in (*facts, *facts):
        process.react(fact)
    (action_id,) = of_merchant(desk, merchant)
    assert desk.facts(action_id) == ["CorrectiveActionOpened", "CorrectiveActionCaseJoined"]


def test_one_of_another_cause_opens_its_own(desk, process, lapsed, merchant):
    process.react(lapsed())
    process.react(lapsed("counterfeit"))
    assert len(of_merchant(desk, merchant)) == 2


def test_after_an_action_has_ended_a_new_one_is_opened(desk, actions, process, lapsed, opened, merchant):
    action = opened()
    actions.close(desk.request(desk.supervisor, 1), action.id, "结束")
    process.react(lapsed())
    assert of_merchant(desk, merchant) not in ([], [action.id])


def test_an_action_that_ends_between_two_looks_is_not_joined(
    desk, actions, process, lapsed, opened, merchant, monkeypatch
):
    action, taken = opened(), actions._taken

    def ended_meanwhile(claim):
        actions.close(desk.request(desk.supervisor, 1), action.id, "结束")
        return taken(claim)

    with monkeypatch.context() as patch:
        patch.setattr(actions, "_taken", ended_meanwhile)
        process.react(lapsed())
    assert desk.facts(action.id) == ["CorrectiveActionOpened", "CorrectiveActionClosed"]
    assert len(every_action(desk, merchant)) == 2


def test_a_case_whose_decision_was_overturned_leaves_and_with_the_last_one_the_action_ends(
    desk, process, lapsed, merchant
):
    cases = [lapsed(), lapsed()]
    for fact in cases:
        process.react(fact)
    (action_id,) = of_merchant(desk, merchant)
    for fact in cases:
        for _ in range(2):
            process.react(reopened(desk, fact.fact.originator_id, ReopenGround.OVERTURNED))
    assert desk.facts(action_id)[2:] == [
        "CorrectiveActionCaseLeft",
        "CorrectiveActionCaseLeft",
        "CorrectiveActionClosed",
    ]
    assert of_merchant(desk, merchant) == []


def test_a_case_that_people_decided_otherwise_than_the_system_leaves_and_no_other(
    desk, process, lapsed, merchant
):
    fact = lapsed()
    process.react(fact)
    (action_id,) = of_merchant(desk, merchant)
    process.react(replaced(desk, fact.fact.originator_id, None))
    assert desk.facts(action_id) == ["CorrectiveActionOpened"]
    process.react(replaced(desk, fact.fact.originator_id, uuid4()))
    assert desk.facts(action_id)[1:] == ["CorrectiveActionCaseLeft", "CorrectiveActionClosed"]


def test_a_case_that_was_reopened_for_another_reason_stays(desk, process, lapsed, merchant):
    fact = lapsed()
    process.react(fact)
    process.react(reopened(desk, fact.fact.originator_id, ReopenGround.NEW_FACTS))
    (action_id,) = of_merchant(desk, merchant)
    assert desk.facts(action_id) == ["CorrectiveActionOpened"]


def test_of_many_at_once_one_opens_the_action_and_the_others_join(desk, process, lapsed, merchant):
    facts = [lapsed() for _ in range(8)]
    together = Barrier(8)

    def tell(fact):
        together.wait(10)
        process.react(fact)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(tell, facts))
    (action_id,) = of_merchant(desk, merchant)
    assert every_action(desk, merchant) == [action_id]
    (action, _) = process._actions.read(desk.reviewer, action_id)
    assert sorted(action.cases) == sorted(fact.fact.originator_id for fact in facts)
