"""Use cases on who works on a case."""

from datetime import datetime
from uuid import UUID

from application import access
from application.cases.running import Answer, CaseRunning
from application.errors import InvalidRequest, NotFound
from application.running import Request, reasons_of
from application.vault import Sealing
from domain.case import Case
from domain.refusals import CaseClaimedByAnother, Refusal
from domain.values import Actor, Role


class Leasing(CaseRunning):
    """At most one person works on a case at a time."""

    def claim(self, request: Request, case_id: UUID) -> Answer:
        """Take the case under a lease, or renew one's own. Needs the version."""
        return self._versioned(
            request,
            case_id,
            "cases.claim",
            lambda case, _, at: case.claim(request.by, self._policy(case, at), at),
        )

    def claim_next(self, request: Request, candidates: list[UUID]) -> Answer | None:
        """Take the first of these cases that can still be had; None when none can."""
        self._permit(request.by, "cases.claim")
        if known := self._replayed(request):
            return known

        def claim_if_free(case: Case, sealing: Sealing, at: datetime) -> None:
            # A queue may lag behind its caller, who asked for another case and not to renew a lease.
            if case.lease and case.lease.live(at):
                raise CaseClaimedByAnother
            case.claim(request.by, self._policy(case, at), at)

        for case_id in candidates:
            try:
                return self._command(request, case_id, "cases.claim", claim_if_free)
            except (Refusal, NotFound):
                continue
        return None

    def release(self, request: Request, case_id: UUID) -> Answer:
        """Give the case back. Needs the version."""
        return self._versioned(
            request,
            case_id,
            "cases.claim",
            lambda case, _, at: case.release(request.by, request.lease_token, at),
        )

    def reassign(self, request: Request, case_id: UUID, to: str, role: Role) -> Answer:
        """Give the case to somebody, whoever holds it. Needs the version.

        Raises InvalidRequest for a role that cannot hold a case.
        """
        if not access.may(Actor(to, role), "cases.claim"):
            raise InvalidRequest("/role", "must be a role that can claim cases")
        return self._versioned(
            request,
            case_id,
            "cases.reassign",
            lambda case, _, at: case.reassign(request.by, to, role, self._policy(case, at), at),
        )

    def recuse(self, request: Request, case_id: UUID, reasons: str) -> Answer:
        """Declare an interest in the case, which ends a lease of one's own."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.recuse(request.by, reasons_of(sealing, reasons), at)

        return self._command(request, case_id, "cases.recuse", decide)
