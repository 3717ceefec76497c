"""What is paid."""

from typing import TYPE_CHECKING

from domain import events
from domain.case.evolution.fold import evolve
from domain.values import CompensationState

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.CompensationInstructed)
def _(fact: events.CompensationInstructed, case: "CaseState") -> None:
    case.money = case.money.instructed(fact.compensation_id, fact.attempt, fact.payer)


@evolve.register(events.CaseCompensated)
def _(fact: events.CaseCompensated, case: "CaseState") -> None:
    case.money = case.money.reported(
        fact.compensation_id, CompensationState.PAID, fact.reference, fact.originator_version
    )


@evolve.register(events.CompensationFailed)
def _(fact: events.CompensationFailed, case: "CaseState") -> None:
    case.money = case.money.reported(
        fact.compensation_id, CompensationState.FAILED, fact.reference, fact.originator_version
    )
