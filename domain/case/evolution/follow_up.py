"""Asking the buyer."""

from dataclasses import replace
from typing import TYPE_CHECKING

from domain import events
from domain.case.evolution.fold import evolve
from domain.case.follow_up import FollowUp
from domain.values import FollowUpState, Stage

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.FollowUpScheduled)
def _(fact: events.FollowUpScheduled, case: "CaseState") -> None:
    case.follow_ups = case.follow_ups.put(FollowUp(fact.follow_up_id, fact.due, fact.max_attempts))
    case.stage = Stage.FOLLOWING_UP


@evolve.register(events.FollowUpAttempted)
def _(fact: events.FollowUpAttempted, case: "CaseState") -> None:
    case.follow_ups = case.follow_ups.put(case.follow_ups.all[fact.follow_up_id].tried(fact.outcome))


@evolve.register(events.FollowUpCompleted)
def _(fact: events.FollowUpCompleted, case: "CaseState") -> None:
    done = replace(case.follow_ups.all[fact.follow_up_id], state=FollowUpState.DONE, satisfied=fact.satisfied)
    case.follow_ups = case.follow_ups.put(done)


@evolve.register(events.FollowUpExhausted)
def _(fact: events.FollowUpExhausted, case: "CaseState") -> None:
    exhausted = replace(case.follow_ups.all[fact.follow_up_id], state=FollowUpState.EXHAUSTED)
    case.follow_ups = case.follow_ups.put(exhausted)
