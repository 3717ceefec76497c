"""Who works on the case."""

from dataclasses import replace
from typing import TYPE_CHECKING

from domain import events
from domain.case.evolution.fold import evolve
from domain.case.lease import Lease

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.CaseClaimed)
def _(fact: events.CaseClaimed, case: "CaseState") -> None:
    case.lease = Lease(fact.holder, fact.role, fact.token, fact.expires_at)


@evolve.register(events.LeaseRenewed)
def _(fact: events.LeaseRenewed, case: "CaseState") -> None:
    if case.lease:
        case.lease = replace(case.lease, token=fact.token, expires_at=fact.expires_at)


@evolve.register(events.CaseReleased)
def _(fact: events.CaseReleased, case: "CaseState") -> None:
    case.lease = None
