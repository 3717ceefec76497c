"""What is on file, what is still asked for, what is being inspected, and who must prove."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.case.clocks import Clocks
from domain.refusals import EvidenceTakenBack, UnknownPart
from domain.values import EvidenceState, InspectionOutcome, Party, RequestState, Side


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence: staged until it is filed, immutable from then on.

    media_type, size: of its bytes; None for one filed by reference · filed: the version that put it on file ·
    words: what each other party, or the platform, said of it last (True: accepted) · cited: a finding rests
    on it.
    """

    evidence_id: UUID
    party: Party
    by_staff: bool
    sha256: str
    media_type: str | None = None
    size: int | None = None
    filed: int | None = None
    kind: str = ""
    request_id: UUID | None = None
    words: dict[Party, bool] = field(default_factory=dict)
    cited: bool = False
    withdrawn: bool = False

    @property
    def state(self) -> EvidenceState:
        """How it stands."""
        if self.withdrawn:
            return EvidenceState.WITHDRAWN
        if not self.words:
            return EvidenceState.SUBMITTED
        accepted = self.words.get(Party.PLATFORM, all(self.words.values()))
        return EvidenceState.ACCEPTED if accepted else EvidenceState.CHALLENGED

    @property
    def counts(self) -> bool:
        """Whether a finding may rest on it."""
        return self.filed is not None and not self.withdrawn


@dataclass(frozen=True, slots=True)
class EvidenceRequest:
    """What a side was asked for, and until when."""

    request_id: UUID
    party: Side
    kinds: tuple[str, ...]
    due: datetime
    lapsed: bool = False

    def addresses(self, party: Party) -> bool:
        """Whether this party was asked."""
        return Party(self.party) is party


@dataclass(frozen=True, slots=True)
class Inspection:
    """An inspection of the goods; without an outcome until it is reported."""

    inspection_id: UUID
    due: datetime
    outcome: InspectionOutcome | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that serves to prove. `burden`: the side to which it was shifted last, if it ever was."""

    pieces: dict[UUID, Piece] = field(default_factory=dict)
    requests: dict[UUID, EvidenceRequest] = field(default_factory=dict)
    inspections: dict[UUID, Inspection] = field(default_factory=dict)
    burden: Side | None = None

    # --- pieces ---

    def put(self, piece: Piece) -> "Evidence":
        """With this piece."""
        return replace(self, pieces=self.pieces | {piece.evidence_id: piece})

    def changed(self, evidence_id: UUID, **fields: Any) -> "Evidence":
        """With one piece changed."""
        return self.put(replace(self.pieces[evidence_id], **fields))

    def without(self, evidence_id: UUID) -> "Evidence":
        """Without this piece."""
        return replace(self, pieces={key: one for key, one in self.pieces.items() if key != evidence_id})

    def cited(self, evidence_ids: Iterable[UUID]) -> "Evidence":
        """With these pieces cited by a finding."""
        cited = {key: replace(self.pieces[key], cited=True) for key in evidence_ids}
        return replace(self, pieces=self.pieces | cited)

    def on_file(self, evidence_id: UUID) -> Piece:
        """The piece of this id; raises UnknownPart for one that is not there or only staged."""
        piece = self.pieces.get(evidence_id)
        if piece is None or piece.filed is None:
            raise UnknownPart("evidence")
        return piece

    def weighable(self, evidence_ids: Iterable[UUID]) -> None:
        """Raises UnknownPart or EvidenceTakenBack unless a finding may rest on each of these."""
        for evidence_id in evidence_ids:
            if self.on_file(evidence_id).withdrawn:
                raise EvidenceTakenBack

    def filed_after(self, version: int, evidence_id: UUID) -> bool:
        """Whether the piece was put on file after this version of the case."""
        filed = self.pieces[evidence_id].filed
        return filed is not None and filed > version

    def standing(self) -> tuple[UUID, ...]:
        """The pieces on which a finding may rest."""
        return tuple(key for key, piece in self.pieces.items() if piece.counts)

    def taken_in(self, evidence_id: UUID, party: Party) -> Piece:
        """The party's piece whose bytes were staged under this id, filed or not yet; raises UnknownPart."""
        piece = self.pieces.get(evidence_id)
        if piece is None or piece.party is not party or piece.media_type is None:
            raise UnknownPart("evidence")
        return piece

    def staged(self, party: Party) -> list[Piece]:
        """The party's pieces that wait to be filed."""
        return [one for one in self.pieces.values() if one.party is party and one.filed is None]

    # --- requests ---

    def asked(self, request: EvidenceRequest) -> "Evidence":
        """With this request as it now is."""
        return replace(self, requests=self.requests | {request.request_id: request})

    def request(self, request_id: UUID) -> EvidenceRequest:
        """The request of this id; raises UnknownPart."""
        if request_id not in self.requests:
            raise UnknownPart("evidence_request")
        return self.requests[request_id]

    def missing(self, request: EvidenceRequest) -> tuple[str, ...]:
        """The kinds that were asked for and are not there."""
        there = {
            one.kind for one in self.pieces.values() if one.counts and one.request_id == request.request_id
        }
        return tuple(kind for kind in request.kinds if kind not in there)

    def state_of(self, request: EvidenceRequest, clocks: Clocks) -> RequestState:
        """What became of a request; nothing need be recorded when its clock is cancelled."""
        if clocks.of(request.request_id):
            return RequestState.OPEN
        if request.lapsed:
            return RequestState.LAPSED
        return RequestState.CANCELLED if self.missing(request) else RequestState.SATISFIED

    def late(self, party: Party, kind: str, clocks: Clocks, at: datetime) -> bool:
        """Whether the party let the time pass in which it was asked for this kind."""
        return any(
            request.addresses(party)
            and kind in self.missing(request)
            and (request.lapsed or clocks.overdue(request.request_id, at))
            for request in self.requests.values()
        )

    def lapsed(self, side: Side) -> list[EvidenceRequest]:
        """The requests that this side let lapse."""
        return [one for one in self.requests.values() if one.party is side and one.lapsed]

    # --- inspections ---

    def inspected(self, inspection: Inspection) -> "Evidence":
        """With this inspection as it now is."""
        return replace(self, inspections=self.inspections | {inspection.inspection_id: inspection})

    def inspection(self, inspection_id: UUID) -> Inspection:
        """The inspection of this id; raises UnknownPart."""
        if inspection_id not in self.inspections:
            raise UnknownPart("inspection")
        return self.inspections[inspection_id]
