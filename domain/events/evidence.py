"""What is asked for, put on file and inspected, by whom, and who must prove."""

from datetime import datetime
from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import Derivation, InspectionOutcome, LiableParty, Money, Party, Sealed, Side


@stored_as("EvidenceRequested")
class EvidenceRequested(Fact):
    """A side was asked for these kinds of evidence by `due`; the derivation tells the kinds and the term."""

    request_id: UUID
    party: Side
    kinds: tuple[str, ...]
    due: datetime
    by: str
    text: Sealed | None = None
    derivation: Derivation = ()


@stored_as("EvidenceLapsed")
class EvidenceLapsed(Fact):
    """A request ended with some of what it asked for missing."""

    request_id: UUID
    party: Side


@stored_as("EvidenceStaged")
class EvidenceStaged(Fact):
    """The bytes of a piece of evidence, of this SHA-256, were taken in, to be submitted by `due`."""

    evidence_id: UUID
    party: Party
    by_staff: bool
    sha256: str
    size: int
    media_type: str
    due: datetime


@stored_as("EvidenceDiscarded")
class EvidenceDiscarded(Fact):
    """Staged bytes were never submitted, and are gone."""

    evidence_id: UUID
    party: Party


@stored_as("EvidenceSubmitted")
class EvidenceSubmitted(Fact):
    """A piece of evidence was put on file: staged bytes, or a reference alone.

    by_staff: staff filed it for the party · request_id: the request that it answers · late: the party had let
    the time pass in which it was asked for this kind.
    """

    evidence_id: UUID
    party: Party
    by_staff: bool
    kind: str
    sha256: str
    title: Sealed
    uri: Sealed | None = None
    request_id: UUID | None = None
    late: bool = False


@stored_as("EvidenceAccepted")
class EvidenceAccepted(Fact):
    """Another party than its own, or the platform, takes the piece for what it claims to be."""

    evidence_id: UUID
    by_party: Party
    reasons: Sealed | None = None


@stored_as("EvidenceChallenged")
class EvidenceChallenged(Fact):
    """Another party than its own, or the platform, disputes the piece."""

    evidence_id: UUID
    by_party: Party
    reasons: Sealed


@stored_as("EvidenceWithdrawn")
class EvidenceWithdrawn(Fact):
    """The party took its piece back; no finding may rest on it."""

    evidence_id: UUID
    party: Party
    reasons: Sealed


@stored_as("BurdenShifted")
class BurdenShifted(Fact):
    """From now on the other side must prove."""

    to: Side
    by: str
    clause: str
    reasons: Sealed


@stored_as("InspectionOrdered")
class InspectionOrdered(Fact):
    """The goods are to be inspected for what `subject` says, and the report to be there by `due`."""

    inspection_id: UUID
    by: str
    subject: Sealed
    due: datetime


@stored_as("InspectionReported")
class InspectionReported(Fact):
    """What an inspection found, what it cost, and who bears that."""

    inspection_id: UUID
    outcome: InspectionOutcome
    cost: Money
    bearer: LiableParty
    report: Sealed
    derivation: Derivation = ()
