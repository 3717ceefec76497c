"""What is paid, reversed and recovered."""

from dataclasses import replace
from typing import TYPE_CHECKING

from domain import events
from domain.case.appeal import Ruling
from domain.case.evolution.fold import evolve
from domain.case.money import DEBTORS, Attempt, Recall, Recovery
from domain.values import AppealAgainst, CompensationState, Payer, RecoveryState, Remedy

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.GoodwillGranted)
def _(fact: events.GoodwillGranted, case: "CaseState") -> None:
    gift = Remedy(fact.compensation_id, fact.kind, fact.amount, fact.points, Payer.PLATFORM)
    case.money = case.money.given(gift)


@evolve.register(events.CompensationInstructed)
def _(fact: events.CompensationInstructed, case: "CaseState") -> None:
    attempt = Attempt(fact.attempt, fact.payer, fact.amount)
    case.money = case.money.instructed(fact.compensation_id, attempt)


@evolve.register(events.CaseCompensated)
def _(fact: events.CaseCompensated, case: "CaseState") -> None:
    line = case.money.lines[fact.compensation_id]
    paid = CompensationState.PAID
    line = line.reported(paid, fact.reference, fact.originator_version)
    case.money = case.money.put(replace(line, state=paid, paid=fact.attempt or len(line.attempts)))


@evolve.register(events.CompensationFailed)
def _(fact: events.CompensationFailed, case: "CaseState") -> None:
    failed = CompensationState.FAILED
    line = case.money.lines[fact.compensation_id].reported(failed, fact.reference, fact.originator_version)
    case.money = case.money.put(replace(line, state=failed))


@evolve.register(events.CompensationOverpaid)
def _(fact: events.CompensationOverpaid, case: "CaseState") -> None:
    line = case.money.lines[fact.compensation_id]
    line = line.reported(CompensationState.PAID, fact.reference, fact.originator_version)
    case.money = case.money.put(replace(line, surplus=line.surplus | {fact.attempt}))


@evolve.register(events.CompensationRecalled)
def _(fact: events.CompensationRecalled, case: "CaseState") -> None:
    line = case.money.lines[fact.compensation_id]
    case.money = case.money.put(replace(line, recalled=Recall(fact.cause, fact.amount)))


@evolve.register(events.CompensationReversed)
def _(fact: events.CompensationReversed, case: "CaseState") -> None:
    line = case.money.lines[fact.compensation_id]
    case.money = case.money.put(line.reversed(fact.amount, fact.stands))


@evolve.register(events.RecoveryOpened)
def _(fact: events.RecoveryOpened, case: "CaseState") -> None:
    case.money = case.money.put(
        Recovery(
            fact.recovery_id,
            fact.compensation_id,
            fact.debtor,
            fact.creditor,
            fact.amount,
            fact.cause,
            fact.amount.amount_minor,
        )
    )
    if fact.debtor in DEBTORS:
        case.appeals = case.appeals.ruled(
            Ruling(
                fact.recovery_id,
                AppealAgainst.RECOVERY,
                case.appeals.bench,
                DEBTORS[fact.debtor],
                fact.originator_version,
                fact.timestamp,
                fact.appeal_until,
            )
        )


@evolve.register(events.RecoveryReduced)
def _(fact: events.RecoveryReduced, case: "CaseState") -> None:
    _changed(case, case.money.recoveries[fact.recovery_id].reduced(fact.amount))


@evolve.register(events.RecoveryRecorded)
def _(fact: events.RecoveryRecorded, case: "CaseState") -> None:
    recovery = case.money.recoveries[fact.recovery_id]
    _changed(case, recovery.recorded(fact.amount, fact.reference, fact.originator_version))


@evolve.register(events.RecoveryWrittenOff)
def _(fact: events.RecoveryWrittenOff, case: "CaseState") -> None:
    _changed(case, replace(case.money.recoveries[fact.recovery_id], given_up=True))


def _changed(case: "CaseState", recovery: Recovery) -> None:
    """Against what nobody asks for any more nobody appeals."""
    case.money = case.money.put(recovery)
    if recovery.state is not RecoveryState.OPEN:
        case.appeals = case.appeals.closed(recovery.recovery_id)
