"""What is put on file, by whom, and what it is worth."""

from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import EvidenceParty, Sealed


@stored_as("EvidenceSubmitted")
class EvidenceSubmitted(Fact):
    """A piece of evidence was put on file by reference; `by_staff` when staff filed it for the party."""

    evidence_id: UUID
    party: EvidenceParty
    by_staff: bool
    kind: str
    sha256: str
    title: Sealed
    uri: Sealed | None = None
