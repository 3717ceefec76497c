"""Facts that change nothing a later decision needs; listed, so that none is forgotten."""

from typing import TYPE_CHECKING

from domain import events
from domain.case.evolution.fold import evolve

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.NoteAdded)
@evolve.register(events.CaseDeclined)
def _(fact: events.Fact, case: "CaseState") -> None:
    """What is only told, not decided upon."""
