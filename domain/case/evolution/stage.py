"""Facts that begin a case, move it as a whole, and end it."""

from typing import TYPE_CHECKING

from domain import events
from domain.case.evolution.fold import evolve
from domain.values import ReopenGround, Stage

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.CaseFiled)
def _(fact: events.CaseFiled, case: "CaseState") -> None:
    case.filing = fact
    case.stage = Stage.FILED
    case.round = 1


@evolve.register(events.CaseWithdrawn)
def _(fact: events.CaseWithdrawn, case: "CaseState") -> None:
    case.stage = Stage.WITHDRAWN
    case.lease = None


@evolve.register(events.PlatformSteppedIn)
def _(fact: events.PlatformSteppedIn, case: "CaseState") -> None:
    case.stage = Stage.IN_REVIEW


@evolve.register(events.CaseClosed)
def _(fact: events.CaseClosed, case: "CaseState") -> None:
    case.stage = Stage.CLOSED
    case.lease = None


@evolve.register(events.CaseReopened)
def _(fact: events.CaseReopened, case: "CaseState") -> None:
    case.stage = Stage.IN_REVIEW
    case.round = fact.round
    if fact.ground is ReopenGround.OVERTURNED:
        case.impartiality = case.impartiality.under_appeal()
    case.follow_ups = case.follow_ups.superseded()
    case.lease = None
