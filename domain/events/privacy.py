"""Personal data: kept under a legal hold, withheld from reading, and destroyed."""

from datetime import datetime
from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import Derivation, Sealed, Side


@stored_as("LegalHoldPlaced")
class LegalHoldPlaced(Fact):
    """A dispute or an inquiry needs the case: nothing of it is erased until the hold is released."""

    hold_id: UUID
    by: str
    ground: Sealed


@stored_as("LegalHoldReleased")
class LegalHoldReleased(Fact):
    """What the hold was placed for needs the case no longer."""

    hold_id: UUID
    by: str
    reasons: Sealed


@stored_as("ProcessingRestricted")
class ProcessingRestricted(Fact):
    """The erasure of a side's personal data was asked for while they must be kept.

    Until `until` they are stored and protected, and nothing else is done with them: no text of that side is
    shown. `clause` is the rule that says so, `derivation` how the term came about.
    """

    restriction_id: UUID
    party: Side
    until: datetime
    clause: str
    by: str
    reasons: Sealed
    derivation: Derivation = ()


@stored_as("ErasureProposed")
class ErasureProposed(Fact):
    """The term of a side's personal data is over and somebody asked for their erasure; another must agree.

    `proposal_hash` names what is agreed to, `derivation` how the term came about.
    """

    proposal_id: UUID
    proposal_hash: str
    party: Side
    by: str
    reasons: Sealed
    derivation: Derivation = ()


@stored_as("ErasureRejected")
class ErasureRejected(Fact):
    """What was proposed to be erased stays."""

    proposal_id: UUID
    by: str
    reasons: Sealed


@stored_as("PersonalDataErased")
class PersonalDataErased(Fact):
    """The key of a side's texts and bytes was destroyed with this fact: nobody can read them any more.

    `key_id` names the key (None: there was none, nothing of that side was ever sealed) · `by` agreed to what
    `proposed_by` proposed.
    """

    erasure_id: UUID
    party: Side
    key_id: UUID | None
    by: str
    proposed_by: str
