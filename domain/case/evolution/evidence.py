"""What is on file."""

from typing import TYPE_CHECKING

from domain import events
from domain.case.evolution.fold import evolve

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.EvidenceSubmitted)
def _(fact: events.EvidenceSubmitted, case: "CaseState") -> None:
    case.evidence = case.evidence | {fact.evidence_id}
