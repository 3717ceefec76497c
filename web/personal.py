"""What a case page shows of the parties' personal data: whether they may be read, and what keeps them.

`every` hands out the facts of a kind as the caller may see them.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain import events
from domain.case import Case
from domain.values import ErasureState, Side

Shown = dict[str, Any]
Every = Callable[[type[events.Fact]], list[Shown]]

OPEN = "open"
"""The state of personal data that those read who may."""


def pages(case: Case, every: Every, at: datetime) -> Shown:
    """The members of a case page, by name."""
    held = {one.hold_id for one in case.privacy.held}
    return {
        "personal_data": {side.value: state(case, side, at) for side in Side},
        "legal_holds": [one for one in every(events.LegalHoldPlaced) if one["hold_id"] in held],
        "erasures": [
            one for one in every(events.ErasureProposed) if case.privacy.proposals[one["proposal_id"]]
        ],
    }


def state(case: Case, side: Side, at: datetime) -> Shown:
    """How a side's personal data stand at an instant; until when, and by which rule, they are not read."""
    if side in case.privacy.erased:
        return _standing(ErasureState.ERASED)
    restriction = case.restriction(side)
    if restriction is None:
        return _standing(OPEN)
    over = at >= restriction.until
    now = ErasureState.ERASABLE if over else ErasureState.RESTRICTED
    return _standing(now, restriction.until, restriction.clause)


def _standing(now: str, until: datetime | None = None, clause: str | None = None) -> Shown:
    return {"state": now, "until": until, "clause": clause}
