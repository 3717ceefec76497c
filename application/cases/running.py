"""What is particular to commands on cases, in the frame that `application.running` gives to every command."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from application import access, effects, running
from application.clock import Clock
from application.rulebook import Rulebook
from application.store import ClaimTaken, Effects, Store
from application.vault import Vault
from domain.case import Case
from domain.events import Fact
from domain.policy import Policy
from domain.refusals import CaseAlreadyOpenForOrderLine
from domain.values import Actor

Answer = running.Answer[Case]


class CaseRunning(running.Running[Case]):
    """The frame that all use cases of a case share."""

    aggregate = Case

    def __init__(
        self, store: Store, vault: Vault, rulebook: Rulebook, clock: Clock, new_id: Callable[[], UUID]
    ) -> None:
        super().__init__(store, vault, clock, new_id)
        self._rulebook = rulebook

    def _policy(self, case: Case, at: datetime) -> Policy:
        """The policy that a command on this case is judged by: the act is the purchase."""
        filing = case.filing
        return self._rulebook.applicable(filing.order.purchased_at, filing.timestamp, at)

    def _concerns(self, by: Actor, aggregate: Case) -> bool:
        return access.concerns(by, aggregate)

    def _effects(self, aggregate: Case, facts: Sequence[Fact]) -> Effects:
        return effects.derived(aggregate, facts)

    def _taken(self, claim: ClaimTaken) -> Exception:
        return CaseAlreadyOpenForOrderLine()
