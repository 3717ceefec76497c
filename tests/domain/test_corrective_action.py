"""A cause of complaints, a measure against it, and whether it helped."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from domain.corrective_action import CorrectiveAction
from domain.events import (
    CorrectiveActionCaseJoined,
    CorrectiveActionCaseLeft,
    CorrectiveActionClosed,
    CorrectiveActionCompleted,
    CorrectiveActionEscalated,
    CorrectiveActionOpened,
    EffectMeasured,
    MeasureAccepted,
    MeasureProposed,
    MeasureRejected,
)
from domain.policy import pack
from domain.policy.calendar import Term, Unit, due
from domain.policy.correction import effective
from domain.refusals import CorrectiveActionAlreadyClosed, CorrectiveActionOutOfTurn
from domain.values import ActionClosing, ActionState, Actor, EscalationCause, Role, Sealed, SealedFor
from infrastructure.mapper import FactMapper
from infrastructure.policy_pack import default_pack

NOON = datetime(2026, 11, 10, 4, 0, tzinfo=UTC)
MAPPER = FactMapper()
POLICY = default_pack()
TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
REVIEWER = Actor("reviewer-1", Role.REVIEWER)
SUPERVISOR = Actor("supervisor-1", Role.SUPERVISOR)
SELLER = Actor("seller", Role.MERCHANT, "m-2001")
WEEK, MONTH = Term(7, Unit.DAYS), Term(30, Unit.DAYS)


def cases(amount, name="case"):
    """So many cases."""
    return tuple(uuid5(UUID(int=7), f"{name} {number}") for number in range(amount))


class Told:
    """One action, stored and replayed after every command through the production mapper."""

    def __init__(self, terms=TEXT):
        self.at = NOON
        self.counted = []
        self.upheld = {"before": 4, "after": 0}
        self.facts = []
        self.action = CorrectiveAction.open(
            REVIEWER, UUID(int=9), "m-2001", "quality_defect", cases(1), terms, POLICY, self.at
        )
        self.replay()

    def replay(self):
        stored = [MAPPER.to_stored_event(fact) for fact in self.action.collect_events()]
        self.facts += [MAPPER.to_domain_event(one) for one in stored]
        loaded: Any = None
        for fact in self.facts:
            loaded = fact.mutate(loaded)
        assert vars(loaded) == vars(self.action)
        self.action = loaded

    def does(self, command, *arguments):
        """What the command records."""
        before = len(self.facts)
        command(*arguments, self.at)
        self.replay()
        return self.facts[before:]

    def later(self, **by):
        self.at += timedelta(**by)
        return self

    def find(self, since, until):
        """The cases found for the buyer: so many in the time before, and so many in the one after."""
        self.counted.append((since, until))
        when = "before" if until <= NOON else "after"
        return cases(self.upheld[when], when)

    def join(self, case_id):
        return self.does(self.action.join, case_id)

    def leave(self, case_id):
        return self.does(self.action.leave, case_id)

    def propose(self):
        return self.does(self.action.propose, SELLER, TEXT, POLICY)

    def judge(self, accepted=True):
        return self.does(self.action.judge, REVIEWER, accepted, TEXT, POLICY)

    def complete(self):
        return self.does(self.action.complete, SELLER, TEXT, POLICY)

    def close(self):
        return self.does(self.action.close, SUPERVISOR, TEXT)

    def miss(self):
        return self.does(self.action.miss_clock, self.action.clock_id, self.find, POLICY)

    def on_time(self):
        """Lets the time of the step come."""
        assert self.action.due
        self.at = self.action.due
        return self

    def completed(self):
        """A measure was proposed, accepted and carried out, a day each."""
        for step in (self.propose, self.judge, self.complete):
            self.later(days=1)
            step()
        return self


@pytest.fixture
def told():
    return Told()


def kinds(facts):
    return [type(fact) for fact in facts]


def refused(told, refusal, command):
    """The action refuses, and nothing is recorded."""
    before = vars(told.action).copy()
    with pytest.raises(refusal):
        command()
    assert vars(told.action) == before


# --- its steps ---


def test_an_action_asks_for_a_measure_in_its_time(told):
    (opened,) = told.facts
    assert (type(opened), opened.merchant_id, opened.root_cause) == (
        CorrectiveActionOpened,
        "m-2001",
        "quality_defect",
    )
    assert told.action.due == due(NOON, WEEK, {})
    (step,) = opened.derivation
    assert (step.rule, step.inputs["step"], step.inputs["amount"]) == ("O-16", "propose", 7)


def test_a_measure_is_proposed_judged_and_carried_out(told):
    (proposed,) = told.later(days=1).propose()
    assert (type(proposed), proposed.due) == (MeasureProposed, due(told.at, WEEK, {}))
    (accepted,) = told.later(days=1).judge()
    assert (type(accepted), accepted.due) == (MeasureAccepted, due(told.at, MONTH, {}))
    (completed,) = told.later(days=1).complete()
    assert (type(completed), completed.due) == (CorrectiveActionCompleted, told.at + timedelta(days=45))
    assert told.action.state is ActionState.COMPLETED


def test_after_a_measure_that_is_not_enough_another_one_is_asked_for(told):
    told.propose()
    (rejected,) = told.later(days=1).judge(accepted=False)
    assert (type(rejected), rejected.due) == (MeasureRejected, due(told.at, WEEK, {}))
    assert kinds(told.propose()) == [MeasureProposed]


@pytest.mark.parametrize(
    ("steps", "wrong"),
    [
        ([], ["judge", "complete"]),
        (["propose"], ["propose", "complete"]),
        (["propose", "judge"], ["propose", "judge"]),
        (["propose", "judge", "complete"], ["propose", "judge", "complete"]),
    ],
)
def test_each_step_has_its_turn(told, steps, wrong):
    for step in steps:
        getattr(told, step)()
    for step in wrong:
        refused(told, CorrectiveActionOutOfTurn, getattr(told, step))


def test_more_cases_of_the_same_cause_join_once(told):
    (joined,) = told.join(cases(2)[1])
    assert (type(joined), told.action.cases) == (CorrectiveActionCaseJoined, cases(2))
    assert told.join(cases(2)[1]) == told.join(cases(1)[0]) == []


def test_a_case_whose_decision_fell_leaves(told):
    told.join(cases(2)[1])
    (left,) = told.leave(cases(1)[0])
    assert (type(left), told.action.cases) == (CorrectiveActionCaseLeft, cases(2)[1:])
    assert told.leave(cases(1)[0]) == []


def test_an_action_without_a_ground_ends_if_nobody_asked_for_it():
    lapsed, asked_for = Told(terms=None), Told()
    _, closed = lapsed.leave(cases(1)[0])
    assert (type(closed), closed.closing) == (CorrectiveActionClosed, ActionClosing.GROUNDLESS)
    assert kinds(asked_for.leave(cases(1)[0])) == [CorrectiveActionCaseLeft]
    assert asked_for.action.state is ActionState.OPEN


def test_nothing_leaves_a_closed_action(told):
    told.close()
    assert told.leave(cases(1)[0]) == []


def test_a_supervisor_can_end_it_whatever_it_waits_for(told):
    told.propose()
    (closed,) = told.close()
    assert (type(closed), closed.closing) == (CorrectiveActionClosed, ActionClosing.ENDED)
    assert (told.action.state, told.action.due) == (ActionState.CLOSED, None)


@pytest.mark.parametrize("step", ["propose", "judge", "complete", "close"])
def test_a_closed_action_takes_no_more(told, step):
    told.close()
    refused(told, CorrectiveActionAlreadyClosed, getattr(told, step))
    refused(told, CorrectiveActionAlreadyClosed, lambda: told.join(cases(2)[1]))
    assert told.join(cases(1)[0]) == []


# --- its clock ---


@pytest.mark.parametrize(
    ("steps", "cause"),
    [
        ([], EscalationCause.MEASURE_OVERDUE),
        (["propose"], EscalationCause.VERDICT_OVERDUE),
        (["propose", "judge"], EscalationCause.COMPLETION_OVERDUE),
    ],
)
def test_a_late_step_goes_to_a_supervisor_and_can_still_be_taken(told, steps, cause):
    for step in steps:
        getattr(told, step)()
    assert told.miss() == []
    told.on_time().later(seconds=-1)
    assert told.miss() == []
    (escalated,) = told.later(seconds=1).miss()
    assert (type(escalated), escalated.cause, told.action.escalated) == (
        CorrectiveActionEscalated,
        cause,
        cause,
    )
    assert told.miss() == []
    getattr(told, ["propose", "judge", "complete"][len(steps)])()
    assert told.action.escalated is None


def test_another_clock_than_its_own_is_none_of_its_business(told):
    told.on_time()
    assert told.does(told.action.miss_clock, UUID(int=3), told.find, POLICY) == []


# --- its effect ---


def test_the_effect_is_measured_over_equal_times_before_and_after(told):
    told.completed()
    completed = told.at
    measured, _ = told.on_time().miss()
    month = timedelta(days=30)
    assert told.counted == [(NOON - month, NOON), (completed, completed + month)]
    assert type(measured) is EffectMeasured
    assert (measured.before, measured.after) == (cases(4, "before"), ())
    assert (measured.before_from, measured.after_until) == (NOON - month, completed + month)
    assert told.action.effect == measured


def test_it_is_not_measured_before_the_cases_after_it_are_decided(told):
    told.completed()
    told.on_time().later(seconds=-1)
    assert told.miss() == told.counted == []


def test_a_measure_with_effect_closes_the_action(told):
    told.completed()
    measured, closed = told.on_time().miss()
    assert (measured.effective, type(closed), closed.closing) == (
        True,
        CorrectiveActionClosed,
        ActionClosing.EFFECTIVE,
    )


def test_a_measure_without_effect_goes_to_a_supervisor_and_another_one_may_be_proposed(told):
    told.upheld["after"] = 3
    told.completed()
    measured, escalated = told.on_time().miss()
    assert (measured.effective, type(escalated), escalated.cause) == (
        False,
        CorrectiveActionEscalated,
        EscalationCause.NO_EFFECT,
    )
    assert (told.action.state, told.action.due) == (ActionState.OPEN, None)
    assert kinds(told.propose()) == [MeasureProposed]


@pytest.mark.parametrize(
    ("before", "after", "helped"),
    [(4, 2, True), (4, 3, False), (5, 2, True), (5, 3, False), (0, 0, True), (0, 1, False), (1, 0, True)],
)
def test_at_most_half_of_the_cases_before_may_come_back(before, after, helped):
    found = effective(before, after, POLICY)
    assert found.value is helped
    (step,) = found.derivation
    assert step.inputs == {"before": before, "after": after, "percent": 50}
    assert step.result == str(helped).lower()


def test_how_many_may_come_back_is_a_figure_of_the_policy():
    rule = POLICY.rules["O-16"]
    none = replace(rule, terms=replace(POLICY.need(pack.CORRECTION), percent=0))
    strict = replace(POLICY, rules={**POLICY.rules, "O-16": none})
    assert not effective(100, 1, strict).value
