"""Who works on the case."""

from datetime import datetime

from domain.events.fact import Fact, stored_as
from domain.values import ReleaseCause, Role, Sealed


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


@stored_as("LeaseExpired")
class LeaseExpired(Fact):
    """A lease had run out; recorded when the next one takes the case."""

    holder: str
    expired_at: datetime


@stored_as("CaseReassigned")
class CaseReassigned(Fact):
    """A supervisor gave the case to somebody; whoever held it before holds it no more."""

    by: str
    holder: str
    role: Role
    token: str
    expires_at: datetime


@stored_as("ConflictDeclared")
class ConflictDeclared(Fact):
    """One of the platform's people declared an interest in the case, which is no longer theirs to judge."""

    by: str
    reasons: Sealed
