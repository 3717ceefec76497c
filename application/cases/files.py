"""Use cases of the bytes of evidence: they are taken in, and given out to those who may see them."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from uuid import UUID

from application.accesses import Access, Accesses
from application.blobs import Blobs, Content
from application.cases.proving import for_own_party
from application.cases.running import Answer, CaseRunning
from application.clock import Clock
from application.errors import NotFound, ServiceUnavailable
from application.rulebook import Rulebook
from application.running import Request
from application.store import BytesMissing, Store
from application.vault import CannotOpen, Sealing, Vault
from domain.case import Case
from domain.refusals import UnknownPart
from domain.values import Party, SealedFor, Side


class Files(CaseRunning):
    """The bytes themselves stand in no fact: they are kept beside, sealed. Safe to share between threads."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        rulebook: Rulebook,
        clock: Clock,
        new_id: Callable[[], UUID],
        blobs: Blobs,
        accesses: Accesses,
    ) -> None:
        super().__init__(store, vault, rulebook, clock, new_id)
        self._blobs = blobs
        self._accesses = accesses

    def stage(self, request: Request, case_id: UUID, party: Party, content: Content) -> Answer:
        """Take bytes in, to be submitted as evidence; outside callers only for their own party.

        They are put before their fact, once for all attempts: no fact ever tells of bytes that are not there.
        """
        for_own_party(request.by, party)
        evidence_id = self._new_id()

        @cache
        def put() -> None:
            self._blobs.put(case_id, evidence_id, SealedFor(party), content.data)

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.stage_evidence(
                request.by,
                evidence_id,
                party,
                content.sha256,
                len(content.data),
                content.media_type,
                self._policy(case, at),
                at,
            )
            put()

        try:
            return self._command(request, case_id, "evidence.submit", decide, evidence_id)
        except BytesMissing as swept:
            raise ServiceUnavailable from swept

    def content(self, access: Access, case_id: UUID, evidence_id: UUID) -> Content:
        """The bytes of a piece of evidence that is on file; that they were opened is recorded first.

        Raises Forbidden, NotFound (`evidence`; `evidence_content` for one without bytes, or whose bytes
        nobody can open any more), CannotOpen, ServiceUnavailable and the refusal ProcessingIsRestricted.
        """
        case = self._load(access.by, case_id, "evidence.read")
        try:
            piece = case.evidence.on_file(evidence_id)
        except UnknownPart as part:
            raise NotFound(part.kind) from part
        if piece.party is not Party.PLATFORM:
            case.readable(Side(piece.party))
        data = self._blobs.get(case_id, evidence_id) if piece.media_type else None
        if data is None or piece.media_type is None:
            raise NotFound("evidence_content")
        content = Content(piece.media_type, piece.sha256, data)
        if not content.intact:
            raise CannotOpen(f"bytes {evidence_id} of case {case_id} are not those that were submitted")
        self._accesses.opened(access, case_id, (f"evidence/{evidence_id}",))
        return content
