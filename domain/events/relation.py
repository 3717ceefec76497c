"""How cases belong together."""

from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import Relation, Sealed


@stored_as("CaseLinked")
class CaseLinked(Fact):
    """Another case belongs to this one."""

    other: UUID
    relation: Relation


@stored_as("CaseMerged")
class CaseMerged(Fact):
    """The matter is dealt with in another case of the same buyer and merchant; this one ends."""

    into: UUID
    by: str
    reasons: Sealed
