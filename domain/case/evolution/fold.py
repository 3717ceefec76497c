"""The one function that folds a fact into a case; each subject's module registers its own."""

from functools import singledispatch
from typing import TYPE_CHECKING

from domain import events

if TYPE_CHECKING:
    from domain.case.state import CaseState


@singledispatch
def evolve(fact: events.Fact, case: "CaseState") -> None:
    """Fold one fact into the case; a fact without an evolution of its own is a programming error."""
    raise TypeError(f"{type(fact).__name__} has no evolution")
