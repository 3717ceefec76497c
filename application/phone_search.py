"""Finds cases by the buyer's phone number, which stands nowhere but sealed in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from hmac import compare_digest
from typing import Protocol
from uuid import UUID

from application.access import may
from application.accesses import Access, Accesses
from application.cases import Cases
from application.cases.filing import CONTACT_PHONE
from application.errors import AccessReasonRequired, Forbidden, InvalidRequest
from application.vault import PHONE, Vault
from domain.case import Case
from domain.phone import dialled
from domain.values import Role, Side


class BlindIndex(Protocol):
    """Finds cases by a truncated digest: those with the value, and now and then one with another."""

    def candidates(self, kind: str, digest: bytes, after: UUID | None, limit: int) -> Sequence[UUID]:
        """The cases with this digest behind `after`, in the order of their ids. Raises ServiceUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """The cases found on one page; `following`: behind which case the next one begins, if there is one."""

    cases: Sequence[Case]
    following: UUID | None


class PhoneSearch:
    """Search by phone number. Safe to share between threads."""

    def __init__(self, cases: Cases, accesses: Accesses, vault: Vault, index: BlindIndex) -> None:
        self._cases = cases
        self._accesses = accesses
        self._vault = vault
        self._index = index

    def find(self, access: Access, phone: str, after: UUID | None, limit: int) -> Found:
        """The cases whose buyer is reached under a number, of the next `limit` candidates.

        Each number that is opened to compare is recorded. Personal data that are restricted, or gone, are not
        found. Raises Forbidden, AccessReasonRequired (of an auditor), InvalidRequest, CannotOpen and
        ServiceUnavailable.
        """
        if not may(access.by, "cases.search"):
            raise Forbidden("cases.search")
        if access.by.role is Role.AUDITOR and access.reason is None:
            raise AccessReasonRequired
        number = dialled(phone)
        if not number:
            raise InvalidRequest("/phone", "must hold digits", "invalid_format")
        digest = self._vault.blind(PHONE, number)
        known = self._index.candidates(PHONE, digest, after, limit + 1)
        tried = [self._cases.get(access.by, case_id) for case_id in known[:limit]]
        cases = [case for case in tried if self._reached_under(access, case, number)]
        return Found(cases, known[limit - 1] if len(known) > limit else None)

    def _reached_under(self, access: Access, case: Case, number: str) -> bool:
        contact = case.filing.contact
        if contact is None or contact.phone is None or case.restriction(Side.BUYER):
            return False
        place = (case.filing.originator_version, CONTACT_PHONE)
        phone = self._accesses.open(access, case.id, {place: contact.phone})[place]
        return phone is not None and compare_digest(dialled(phone).encode(), number.encode())
