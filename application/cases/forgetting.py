"""Use cases on personal data: legal holds, restriction, erasure by two people, the ledger of erasures."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from application.cases.running import Answer, CaseRunning
from application.clock import Clock
from application.erasures import DataKeys, Erasure, ErasureLedger, LedgerState
from application.errors import NotFound, ServiceUnavailable
from application.rulebook import Rulebook
from application.running import Request, reasons_of
from application.store import Store
from application.vault import Sealing, Vault
from domain.case import Case
from domain.values import SealedFor, Side


class Outcome(StrEnum):
    """What applying the ledger made of one erasure."""

    APPLIED = "applied"
    HELD = "held"
    REJECTED = "rejected"
    NO_CASE = "no_case"


@dataclass(frozen=True, slots=True)
class Applied:
    """One erasure of the ledger, and what was made of it."""

    erasure: Erasure
    outcome: Outcome


class Forgetting(CaseRunning):
    """What a case forgets, and what keeps it from forgetting. Safe to share between threads."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        rulebook: Rulebook,
        clock: Clock,
        new_id: Callable[[], UUID],
        keys: DataKeys,
        ledger: ErasureLedger,
    ) -> None:
        super().__init__(store, vault, rulebook, clock, new_id)
        self._keys = keys
        self._ledger = ledger

    def place_legal_hold(self, request: Request, case_id: UUID, ground: str) -> Answer:
        """Let nothing of the case be erased until the hold is released."""
        hold_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealing.seal(SealedFor.PLATFORM, "ground", ground)
            case.place_legal_hold(request.by, hold_id, sealed, at)

        return self._command(request, case_id, "cases.hold", decide, hold_id)

    def release_legal_hold(self, request: Request, case_id: UUID, hold_id: UUID, reasons: str) -> Answer:
        """Need the case no longer."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.release_legal_hold(request.by, hold_id, reasons_of(sealing, reasons), at)

        return self._command(request, case_id, "cases.hold", decide)

    def request_erasure(self, request: Request, case_id: UUID, party: Side, reasons: str) -> Answer:
        """Ask for the erasure of a side's personal data: they are restricted, or wait for a second person."""
        proposal_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.request_erasure(
                request.by,
                party,
                proposal_id,
                self._key_of(case, party),
                reasons_of(sealing, reasons),
                self._policy(case, at),
                at,
            )

        return self._command(request, case_id, "erasures.request", decide, proposal_id)

    def approve_erasure(
        self, request: Request, case_id: UUID, proposal_id: UUID, proposal_hash: str
    ) -> Answer:
        """Have erased what was proposed, as its second person. Needs the version.

        The ledger is told first: whatever happens then, the erasure is completed by applying it.
        """

        def decide(case: Case, _: Sealing, at: datetime) -> None:
            party = case.privacy.to_judge(proposal_id).party
            key_id = self._key_of(case, party)
            case.approve_erasure(request.by, proposal_id, proposal_hash, key_id, self._policy(case, at), at)
            (told,) = case.privacy.erasures[-1:]
            ledger.begin(Erasure(proposal_id, case_id, party, key_id, request.by.id, told.proposed_by, at))

        with self._in_ledger(proposal_id) as ledger:
            return self._versioned(request, case_id, "erasures.approve", decide)

    def reject_erasure(self, request: Request, case_id: UUID, proposal_id: UUID, reasons: str) -> Answer:
        """Let what was proposed to be erased stay. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.reject_erasure(request.by, proposal_id, reasons_of(sealing, reasons), at)

        return self._versioned(request, case_id, "erasures.approve", decide)

    def apply_ledger(self, request: Request) -> list[Applied]:
        """Carry out every erasure of the ledger that this database does not know of; as often as you like.

        Needed after a crash in the middle of one, and after an older database was put back. An erasure that
        was never recorded is dropped where a legal hold or a rejection has come between.
        """
        return [
            Applied(erasure, self._applied(request, erasure, state))
            for erasure, state in self._ledger.entries()
            if state is not LedgerState.DROPPED
        ]

    def _applied(self, request: Request, erasure: Erasure, state: LedgerState) -> Outcome:
        case = self._stored(erasure.case_id)
        known = case is not None and case.privacy.knows(erasure.erasure_id)
        hindrance = _hindrance(case, erasure) if state is LedgerState.BEGUN and not known else None
        if hindrance:
            self._ledger.end(erasure.erasure_id, LedgerState.DROPPED)
            return hindrance
        if not known:
            try:
                self._record_erasure(request, erasure)
            except NotFound:
                return Outcome.NO_CASE
        if erasure.key_id:
            self._keys.destroy(erasure.case_id, erasure.key_id)
        if state is LedgerState.BEGUN:
            self._ledger.end(erasure.erasure_id, LedgerState.RECORDED)
        return Outcome.APPLIED

    def _record_erasure(self, request: Request, erasure: Erasure) -> None:
        def decide(case: Case, _: Sealing, at: datetime) -> None:
            case.record_erasure(
                erasure.erasure_id, erasure.party, erasure.key_id, erasure.by, erasure.proposed_by, at
            )

        self._command(request, erasure.case_id, "erasures.apply", decide)

    def _key_of(self, case: Case, party: Side) -> UUID | None:
        return self._keys.key_id(case.id, SealedFor(party))

    @contextmanager
    def _in_ledger(self, erasure_id: UUID) -> Iterator["_Attempt"]:
        """Ends what was begun in the ledger as the command ended; leaves it begun where nobody knows how."""
        attempt = _Attempt(self._ledger)
        try:
            yield attempt
        except ServiceUnavailable:
            raise
        except Exception:
            attempt.end(erasure_id, LedgerState.DROPPED)
            raise
        attempt.end(erasure_id, LedgerState.RECORDED)


def _hindrance(case: Case | None, erasure: Erasure) -> Outcome | None:
    """What has come between an agreement and its erasure."""
    if case and case.privacy.held:
        return Outcome.HELD
    if case and case.privacy.rejected(erasure.erasure_id):
        return Outcome.REJECTED
    return None


class _Attempt:
    """One command's way through the ledger."""

    def __init__(self, ledger: ErasureLedger) -> None:
        self._ledger = ledger
        self._begun = False

    def begin(self, erasure: Erasure) -> None:
        self._ledger.begin(erasure)
        self._begun = True

    def end(self, erasure_id: UUID, state: LedgerState) -> None:
        if self._begun:
            self._ledger.end(erasure_id, state)
