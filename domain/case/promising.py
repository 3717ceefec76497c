"""Commands on what a party says it will do."""

from datetime import datetime
from uuid import UUID

from domain import events
from domain.case.state import CaseState
from domain.values import ClockKind, Party, Sealed


class Promising(CaseState):
    """A promise is kept by who made it, and said to be kept by somebody else."""

    def make_promise(self, promise_id: UUID, party: Party, text: Sealed, due: datetime, at: datetime) -> None:
        """Promise something by a time. Refused: CaseAlreadyClosed, WrongStage."""
        self._unless_closed()
        self._in_stage("promises")
        self._record(events.PromiseMade, at, promise_id=promise_id, party=party, text=text, due=due)
        self._start_clock(ClockKind.PROMISE, promise_id, due, at)

    def keep_promise(self, promise_id: UUID, at: datetime) -> None:
        """Record that a promise was kept.

        Raises UnknownPart. Refused: CaseAlreadyClosed, PromiseAlreadyOver, WrongStage.
        """
        if promise_id in self.promises.all:
            self._unless_closed()
        promise = self.promises.open(promise_id)
        self._in_stage("promises")
        self._record(events.PromiseKept, at, promise_id=promise_id, party=promise.party)
        self._end_clock(promise_id, events.ClockSatisfied, at)

    def _break_promise(self, promise_id: UUID, at: datetime) -> None:
        party = self.promises.all[promise_id].party
        self._record(events.PromiseBroken, at, promise_id=promise_id, party=party)
