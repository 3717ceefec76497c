"""Who works on the case."""

from datetime import datetime

from domain.events.fact import Fact, stored_as
from domain.values import ReleaseCause, Role


@stored_as("CaseClaimed")
class CaseClaimed(Fact):
    """A member of staff took the case under a lease; `token` fences out whoever held it before."""

    holder: str
    role: Role
    token: str
    expires_at: datetime


@stored_as("LeaseRenewed")
class LeaseRenewed(Fact):
    """The holder kept the lease for longer."""

    holder: str
    token: str
    expires_at: datetime


@stored_as("CaseReleased")
class CaseReleased(Fact):
    """The lease ended before its time."""

    holder: str
    cause: ReleaseCause
