"""What is promised."""

from typing import TYPE_CHECKING

from domain import events
from domain.case.evolution.fold import evolve
from domain.case.promise import Promise
from domain.values import PromiseState

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.PromiseMade)
def _(fact: events.PromiseMade, case: "CaseState") -> None:
    case.promises = case.promises.put(Promise(fact.promise_id, fact.party, fact.due))


@evolve.register(events.PromiseKept)
def _(fact: events.PromiseKept, case: "CaseState") -> None:
    case.promises = case.promises.now(fact.promise_id, PromiseState.KEPT)


@evolve.register(events.PromiseBroken)
def _(fact: events.PromiseBroken, case: "CaseState") -> None:
    case.promises = case.promises.now(fact.promise_id, PromiseState.BROKEN)
