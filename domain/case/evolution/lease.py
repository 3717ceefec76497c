"""Who works on the case."""

from dataclasses import replace
from typing import TYPE_CHECKING

from domain import events
from domain.case.evolution.fold import evolve
from domain.case.lease import Lease

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.CaseClaimed)
@evolve.register(events.CaseReassigned)
def _(fact: events.CaseClaimed | events.CaseReassigned, case: "CaseState") -> None:
    case.lease = Lease(fact.holder, fact.role, fact.token, fact.expires_at)


@evolve.register(events.LeaseRenewed)
def _(fact: events.LeaseRenewed, case: "CaseState") -> None:
    if case.lease:
        case.lease = replace(case.lease, token=fact.token, expires_at=fact.expires_at)


@evolve.register(events.CaseReleased)
@evolve.register(events.LeaseExpired)
def _(fact: events.CaseReleased | events.LeaseExpired, case: "CaseState") -> None:
    case.lease = None


@evolve.register(events.ConflictDeclared)
def _(fact: events.ConflictDeclared, case: "CaseState") -> None:
    case.impartiality = case.impartiality.declared_by(fact.by)
