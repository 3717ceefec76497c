"""Appeals: a party's second chance before another reviewer, and what becomes of it.

The facts that end an appeal say in `resumes` in which stage the case goes on, and in `due` by when it is then
to be reviewed or executed (None: neither).
"""

from datetime import datetime
from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import AppealAgainst, Derivation, Remedy, Sealed, Side, Stage


@stored_as("AppealFiled")
class AppealFiled(Fact):
    """A party appealed, in its window and with new evidence; the case waits for another reviewer.

    target: the decision, penalty or recovery · resumes: the stage before, to which an appeal that changes
    nothing returns · due: by when it is to be decided.
    """

    appeal_id: UUID
    party: Side
    against: AppealAgainst
    target: UUID
    round: int
    evidence: tuple[UUID, ...]
    reasons: Sealed
    by: str
    resumes: Stage
    due: datetime


@stored_as("AppealWithdrawn")
class AppealWithdrawn(Fact):
    """The party took its appeal back."""

    appeal_id: UUID
    resumes: Stage
    due: datetime | None = None


@stored_as("DecisionUpheld")
class DecisionUpheld(Fact):
    """The appeal failed: what it was against stands."""

    appeal_id: UUID
    by: str
    clauses: tuple[str, ...]
    reasons: Sealed
    resumes: Stage
    due: datetime | None = None


@stored_as("DecisionVaried")
class DecisionVaried(Fact):
    """The appeal succeeded in part: what it was against stands in another form.

    remedies: all that a decision now grants · added: what of it did not stand before; money taken back is
    told by facts of its own · cancelled: the legs of goods that need not move any more · appeal_until: until
    when a decision so varied may be appealed by a party that has not yet done so.
    """

    appeal_id: UUID
    by: str
    clauses: tuple[str, ...]
    policy: str
    reasons: Sealed
    resumes: Stage
    remedies: tuple[Remedy, ...] = ()
    added: tuple[Remedy, ...] = ()
    cancelled: tuple[UUID, ...] = ()
    appeal_until: datetime | None = None
    derivation: Derivation = ()
    due: datetime | None = None


@stored_as("DecisionOverturned")
class DecisionOverturned(Fact):
    """The appeal succeeded: what it was against falls, and with a decision everything that rests on it.

    cancelled: the legs of goods that need not move any more.
    """

    appeal_id: UUID
    by: str
    clauses: tuple[str, ...]
    reasons: Sealed
    resumes: Stage
    cancelled: tuple[UUID, ...] = ()
    due: datetime | None = None
