"""Use cases on all cases of one buyer: what is held about a person, and that it be erased."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from application.access import may
from application.accesses import Access
from application.cases import Cases, Forgetting
from application.errors import AccessReasonRequired, Forbidden
from application.running import Request
from application.store import RecordedFact
from application.vault import Vault
from domain.case import Case
from domain.refusals import Refusal
from domain.values import Actor, Side


class SubjectIndex(Protocol):
    """Finds the cases of a buyer."""

    def cases_of(self, buyer: str) -> Sequence[UUID]:
        """The cases filed for a buyer of this pseudonym, the newest first. Raises ServiceUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """One case of a buyer whose data were to be erased, and why they were not, where the case refused it."""

    case: Case
    refusal: Refusal | None = None


class Subjects:
    """What concerns a person and not one case. Safe to share between threads."""

    def __init__(self, cases: Cases, forgetting: Forgetting, vault: Vault, index: SubjectIndex) -> None:
        self._cases = cases
        self._forgetting = forgetting
        self._vault = vault
        self._index = index

    def held(self, access: Access, buyer_id: str) -> list[tuple[Case, list[RecordedFact]]]:
        """Every case of a buyer with its facts, to be handed to that person.

        Raises Forbidden, AccessReasonRequired and ServiceUnavailable.
        """
        _permit(access.by, "subjects.export")
        if access.reason is None:
            raise AccessReasonRequired
        return [self._cases.history(access.by, case_id) for case_id in self._of(buyer_id)]

    def request_erasure(self, request: Request, buyer_id: str, reasons: str) -> list[Asked]:
        """Ask each case of a buyer to forget it. One that refuses does not keep the others from it.

        Raises Forbidden and ServiceUnavailable.
        """
        _permit(request.by, "erasures.request")
        each = replace(request, idempotency=None, expected_version=None)
        return [self._asked(each, case_id, reasons) for case_id in self._of(buyer_id)]

    def _asked(self, request: Request, case_id: UUID, reasons: str) -> Asked:
        try:
            done = self._forgetting.request_erasure(request, case_id, Side.BUYER, reasons)
        except Refusal as refusal:
            return Asked(self._cases.get(request.by, case_id), refusal)
        return Asked(done.aggregate)

    def _of(self, buyer_id: str) -> Sequence[UUID]:
        return self._index.cases_of(self._vault.pseudonym("buyer", buyer_id))


def _permit(by: Actor, permission: str) -> None:
    if not may(by, permission):
        raise Forbidden(permission)
