"""How a case ends, and begins again."""

from datetime import datetime
from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import Derivation, ExpiryGround, ReopenGround, Resolution, Sealed, Side


@stored_as("CaseClosed")
class CaseClosed(Fact):
    """The case ended as `resolution`; a decline carries its reasons in `CaseDeclined`."""

    resolution: Resolution
    reasons: Sealed | None = None


@stored_as("CaseExpired")
class CaseExpired(Fact):
    """The clock ended the case: `party` let the time of this clause pass, and nothing granted still stands.

    goods: what was not sent in.
    """

    ground: ExpiryGround
    party: Side
    clause: str
    goods: tuple[UUID, ...]
    derivation: Derivation


@stored_as("CaseReopened")
class CaseReopened(Fact):
    """The case was taken up again for round `round`; why on appeal is said in `DecisionOverturned`.

    due: by when the round is to be reviewed.
    """

    ground: ReopenGround
    round: int
    reasons: Sealed | None = None
    due: datetime | None = None


@stored_as("ExecutionFailed")
class ExecutionFailed(Fact):
    """What was decided cannot be carried out, because of these goods: round `round` of the review began.

    The legs in `cancelled` had not left and are no longer to be sent · due: by when the round is to be
    reviewed.
    """

    goods: tuple[UUID, ...]
    round: int
    cancelled: tuple[UUID, ...] = ()
    due: datetime | None = None
