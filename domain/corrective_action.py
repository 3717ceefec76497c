"""A corrective action: a merchant does something about a cause of complaints, and its effect is measured.

One stream for each action; at most one is open for a merchant and a cause. A step that is late escalates the
action to a supervisor, and can still be taken.
"""

from collections.abc import Callable
from datetime import datetime
from functools import singledispatch
from uuid import UUID, uuid5

from domain import events
from domain.aggregate import EvolvingAggregate
from domain.events import Fact, stored_as
from domain.policy import Policy
from domain.policy.correction import (
    completion_due,
    counted_until,
    effect_known,
    effective,
    measure_due,
    verdict_due,
)
from domain.refusals import CorrectiveActionAlreadyClosed, CorrectiveActionOutOfTurn
from domain.values import ActionClosing, ActionState, Actor, EscalationCause, Sealed

Upheld = Callable[[datetime, datetime], tuple[UUID, ...]]
"""The cases of the action's merchant and cause that were filed from one instant until before another and
found for the buyer."""

_OVERDUE = {
    ActionState.OPEN: EscalationCause.MEASURE_OVERDUE,
    ActionState.PROPOSED: EscalationCause.VERDICT_OVERDUE,
    ActionState.ACCEPTED: EscalationCause.COMPLETION_OVERDUE,
}


@stored_as("CorrectiveAction")
class CorrectiveAction(EvolvingAggregate):
    """From the cause to the measured effect of a measure against it."""

    def __init__(self) -> None:
        self.opened: events.CorrectiveActionOpened
        self.cases: tuple[UUID, ...]
        self.state = ActionState.OPEN
        self.escalated: EscalationCause | None = None
        self.due: datetime | None = None
        self.completed: events.CorrectiveActionCompleted | None = None
        self.effect: events.EffectMeasured | None = None
        self.closing: ActionClosing | None = None

    def evolve(self, fact: Fact) -> None:
        """Fold one fact into this action."""
        evolve(fact, self)

    @property
    def clock_id(self) -> UUID:
        """The one clock of this action: whatever it waits for, it waits for one thing at a time."""
        return uuid5(self.id, "clock")

    # --- commands ---

    @classmethod
    def open(
        cls,
        by: Actor,
        action_id: UUID,
        merchant_id: str,
        root_cause: str,
        cases: tuple[UUID, ...],
        terms: Sealed | None,
        policy: Policy,
        at: datetime,
    ) -> "CorrectiveAction":
        """Ask a merchant for a measure against a cause."""
        due = measure_due(at, policy)
        return cls._create(
            events.CorrectiveActionOpened,
            id=action_id,
            timestamp=at,
            merchant_id=merchant_id,
            root_cause=root_cause,
            cases=cases,
            by=by.id,
            due=due.value,
            policy=policy.version,
            terms=terms,
            derivation=due.derivation,
        )

    def join(self, case_id: UUID, at: datetime) -> None:
        """Let one more case belong to the action. Refused: CorrectiveActionAlreadyClosed."""
        if case_id in self.cases:
            return
        self._unless_closed()
        self._record(events.CorrectiveActionCaseJoined, at, case_id=case_id)

    def leave(self, case_id: UUID, at: datetime) -> None:
        """Let a case go whose decision fell; with its last one ends an action that staff did not ask for."""
        if case_id not in self.cases or self.state is ActionState.CLOSED:
            return
        self._record(events.CorrectiveActionCaseLeft, at, case_id=case_id)
        if not self.cases and self.opened.terms is None:
            self._record(events.CorrectiveActionClosed, at, closing=ActionClosing.GROUNDLESS)

    def propose(self, by: Actor, text: Sealed, policy: Policy, at: datetime) -> None:
        """Say what will be done.

        Refused: CorrectiveActionAlreadyClosed, CorrectiveActionOutOfTurn.
        """
        self._in_turn(ActionState.OPEN)
        due = verdict_due(at, policy)
        self._record(
            events.MeasureProposed, at, text=text, by=by.id, due=due.value, derivation=due.derivation
        )

    def judge(self, by: Actor, accepted: bool, reasons: Sealed, policy: Policy, at: datetime) -> None:
        """Take the measure as enough, or not.

        Refused: CorrectiveActionAlreadyClosed, CorrectiveActionOutOfTurn.
        """
        self._in_turn(ActionState.PROPOSED)
        due = completion_due(at, policy) if accepted else measure_due(at, policy)
        self._record(
            events.MeasureAccepted if accepted else events.MeasureRejected,
            at,
            by=by.id,
            reasons=reasons,
            due=due.value,
            derivation=due.derivation,
        )

    def complete(self, by: Actor, text: Sealed, policy: Policy, at: datetime) -> None:
        """Report that the measure was carried out.

        Refused: CorrectiveActionAlreadyClosed, CorrectiveActionOutOfTurn.
        """
        self._in_turn(ActionState.ACCEPTED)
        due = effect_known(at, policy)
        self._record(
            events.CorrectiveActionCompleted,
            at,
            text=text,
            by=by.id,
            after_until=counted_until(at, policy),
            due=due.value,
            derivation=due.derivation,
        )

    def close(self, by: Actor, reasons: Sealed, at: datetime) -> None:
        """End the action whatever it waits for. Refused: CorrectiveActionAlreadyClosed."""
        self._unless_closed()
        self._record(
            events.CorrectiveActionClosed, at, closing=ActionClosing.ENDED, by=by.id, reasons=reasons
        )

    def miss_clock(self, clock_id: UUID, upheld: Upheld, policy: Policy, at: datetime) -> None:
        """Escalate what is late, or measure the effect; nothing for a clock that is not due."""
        if clock_id != self.clock_id or self.due is None or at < self.due:
            return
        if self.completed and self.state is ActionState.COMPLETED:
            self._measure(self.completed, upheld, policy, at)
        else:
            self._record(events.CorrectiveActionEscalated, at, cause=_OVERDUE[self.state])

    # --- what follows ---

    def _measure(
        self, done: events.CorrectiveActionCompleted, upheld: Upheld, policy: Policy, at: datetime
    ) -> None:
        opened, completed = self.opened.timestamp, done.timestamp
        before_from = opened - (done.after_until - completed)
        before = upheld(before_from, opened)
        after = upheld(completed, done.after_until)
        enough = effective(len(before), len(after), policy)
        self._record(
            events.EffectMeasured,
            at,
            before=before,
            after=after,
            before_from=before_from,
            after_until=done.after_until,
            effective=enough.value,
            policy=policy.version,
            derivation=enough.derivation,
        )
        if enough.value:
            self._record(events.CorrectiveActionClosed, at, closing=ActionClosing.EFFECTIVE)
        else:
            self._record(events.CorrectiveActionEscalated, at, cause=EscalationCause.NO_EFFECT)

    def _unless_closed(self) -> None:
        if self.state is ActionState.CLOSED:
            raise CorrectiveActionAlreadyClosed

    def _in_turn(self, state: ActionState) -> None:
        self._unless_closed()
        if self.state is not state:
            raise CorrectiveActionOutOfTurn(f"it is {self.state}")


@singledispatch
def evolve(fact: Fact, action: CorrectiveAction) -> None:
    """Fold one fact into an action; a fact without an evolution of its own is a programming error."""
    raise TypeError(f"{type(fact).__name__} has no evolution")


@evolve.register(events.CorrectiveActionOpened)
def _(fact: events.CorrectiveActionOpened, action: CorrectiveAction) -> None:
    action.opened = fact
    action.cases = fact.cases
    action.due = fact.due


@evolve.register(events.CorrectiveActionCaseJoined)
def _(fact: events.CorrectiveActionCaseJoined, action: CorrectiveAction) -> None:
    action.cases = (*action.cases, fact.case_id)


@evolve.register(events.CorrectiveActionCaseLeft)
def _(fact: events.CorrectiveActionCaseLeft, action: CorrectiveAction) -> None:
    action.cases = tuple(case_id for case_id in action.cases if case_id != fact.case_id)


@evolve.register(events.MeasureProposed)
def _(fact: events.MeasureProposed, action: CorrectiveAction) -> None:
    _moved(action, ActionState.PROPOSED, fact.due)


@evolve.register(events.MeasureAccepted)
def _(fact: events.MeasureAccepted, action: CorrectiveAction) -> None:
    _moved(action, ActionState.ACCEPTED, fact.due)


@evolve.register(events.MeasureRejected)
def _(fact: events.MeasureRejected, action: CorrectiveAction) -> None:
    _moved(action, ActionState.OPEN, fact.due)


@evolve.register(events.CorrectiveActionCompleted)
def _(fact: events.CorrectiveActionCompleted, action: CorrectiveAction) -> None:
    _moved(action, ActionState.COMPLETED, fact.due)
    action.completed = fact


@evolve.register(events.EffectMeasured)
def _(fact: events.EffectMeasured, action: CorrectiveAction) -> None:
    _moved(action, ActionState.OPEN, None)
    action.effect = fact


@evolve.register(events.CorrectiveActionEscalated)
def _(fact: events.CorrectiveActionEscalated, action: CorrectiveAction) -> None:
    action.escalated = fact.cause
    action.due = None


@evolve.register(events.CorrectiveActionClosed)
def _(fact: events.CorrectiveActionClosed, action: CorrectiveAction) -> None:
    _moved(action, ActionState.CLOSED, None)
    action.closing = fact.closing


def _moved(action: CorrectiveAction, state: ActionState, due: datetime | None) -> None:
    action.state, action.due, action.escalated = state, due, None
