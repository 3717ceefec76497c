"""How a case begins, and how it ends before it has begun."""

from datetime import datetime

from eventsourcing.domain import AggregateCreated

from domain.events.fact import Fact, stored_as
from domain.values import CaseType, Claim, Contact, Derivation, Objection, OrderLine, Sealed


@stored_as("CaseFiled")
class CaseFiled(Fact, AggregateCreated):
    """A buyer's case was filed; `objections` is the stored eligibility assessment (empty: eligible).

    `derivation` holds every rule that was asked, and what it was asked with · due: by when the case is to be
    reviewed.
    """

    number: str
    case_type: CaseType
    reason: str
    channel: str
    buyer: str
    merchant_id: str
    order: OrderLine
    claim: Claim
    filed_by: str
    policy: str
    objections: tuple[Objection, ...]
    statement: Sealed | None = None
    contact: Contact | None = None
    derivation: Derivation = ()
    due: datetime | None = None


@stored_as("CaseClassified")
class CaseClassified(Fact):
    """Staff named the matter rightly; from now on the case is judged under this reason."""

    reason: str
    by: str


@stored_as("CaseDeclined")
class CaseDeclined(Fact):
    """The case was not taken up, on these grounds."""

    objections: tuple[Objection, ...]
    reasons: Sealed


@stored_as("CaseWithdrawn")
class CaseWithdrawn(Fact):
    """The buyer took the case back."""

    reasons: Sealed
