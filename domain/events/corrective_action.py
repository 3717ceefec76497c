"""A corrective action: what a merchant does about a cause of complaints, and whether it helped."""

from datetime import datetime
from uuid import UUID

from eventsourcing.domain import AggregateCreated

from domain.events.fact import Fact, stored_as
from domain.values import ActionClosing, Derivation, EscalationCause, Sealed


@stored_as("CorrectiveActionOpened", of="CorrectiveAction")
class CorrectiveActionOpened(Fact, AggregateCreated):
    """A merchant must do something about a cause, the reason of these cases; it proposes a measure by `due`.

    terms: what staff asks for; none where a rectification lapsed.
    """

    merchant_id: str
    root_cause: str
    cases: tuple[UUID, ...]
    by: str
    due: datetime
    policy: str
    terms: Sealed | None = None
    derivation: Derivation = ()


@stored_as("CorrectiveActionCaseJoined", of="CorrectiveAction")
class CorrectiveActionCaseJoined(Fact):
    """One more case has the same cause."""

    case_id: UUID


@stored_as("CorrectiveActionCaseLeft", of="CorrectiveAction")
class CorrectiveActionCaseLeft(Fact):
    """The decision of a case fell, which is no ground any more."""

    case_id: UUID


@stored_as("MeasureProposed", of="CorrectiveAction")
class MeasureProposed(Fact):
    """The merchant said what it will do; staff judges that by `due`."""

    text: Sealed
    by: str
    due: datetime
    derivation: Derivation = ()


@stored_as("MeasureAccepted", of="CorrectiveAction")
class MeasureAccepted(Fact):
    """The measure is enough; it is to be carried out by `due`."""

    by: str
    reasons: Sealed
    due: datetime
    derivation: Derivation = ()


@stored_as("MeasureRejected", of="CorrectiveAction")
class MeasureRejected(Fact):
    """The measure is not enough; another one is to be proposed by `due`."""

    by: str
    reasons: Sealed
    due: datetime
    derivation: Derivation = ()


@stored_as("CorrectiveActionCompleted", of="CorrectiveAction")
class CorrectiveActionCompleted(Fact):
    """The merchant carried the measure out; cases of until `after_until` tell of its effect, at `due`."""

    text: Sealed
    by: str
    after_until: datetime
    due: datetime
    derivation: Derivation = ()


@stored_as("EffectMeasured", of="CorrectiveAction")
class EffectMeasured(Fact):
    """The cases of this cause that were found for the buyer, over equal times before and after.

    They are those that were filed from `before_from` until the action was opened, and from the completion
    until `after_until`.
    """

    before: tuple[UUID, ...]
    after: tuple[UUID, ...]
    before_from: datetime
    after_until: datetime
    effective: bool
    policy: str
    derivation: Derivation = ()


@stored_as("CorrectiveActionEscalated", of="CorrectiveAction")
class CorrectiveActionEscalated(Fact):
    """The action needs a supervisor; what it waits for can still be done."""

    cause: EscalationCause


@stored_as("CorrectiveActionClosed", of="CorrectiveAction")
class CorrectiveActionClosed(Fact):
    """The measure had effect, every ground fell, or a supervisor ended the action for `reasons`."""

    closing: ActionClosing
    by: str | None = None
    reasons: Sealed | None = None
