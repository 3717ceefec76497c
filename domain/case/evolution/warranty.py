"""How long the goods are warranted."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from domain import events
from domain.case.evolution.fold import evolve
from domain.case.warranty import Warranty

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.WarrantyStarted)
@evolve.register(events.WarrantyRestarted)
def _(fact: events.WarrantyStarted | events.WarrantyRestarted, case: "CaseState") -> None:
    case.warranty = Warranty(fact.begins, fact.ends_at)


@evolve.register(events.WarrantyExtended)
def _(fact: events.WarrantyExtended, case: "CaseState") -> None:
    if case.warranty:
        in_repair = timedelta(seconds=fact.in_repair)
        case.warranty = replace(case.warranty, ends_at=fact.ends_at, in_repair=in_repair)
