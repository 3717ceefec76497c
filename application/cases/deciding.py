"""Use cases that decide a case."""

from datetime import datetime
from uuid import UUID

from application.cases.running import Answer, CaseRunning
from application.running import Request, reasons_of
from application.vault import Sealing
from domain.case import Case
from domain.values import Remedy


class Deciding(CaseRunning):
    """What is granted, under which clauses."""

    def decide(
        self,
        request: Request,
        case_id: UUID,
        remedies: tuple[Remedy, ...],
        clauses: tuple[str, ...],
        reasons: str,
    ) -> Answer:
        """Decide the round. Needs the version and the lease. Each remedy comes with a new id."""
        decision_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.decide(
                request.by,
                request.lease_token,
                decision_id,
                remedies,
                clauses,
                reasons_of(sealing, reasons),
                self._policy(case, at),
                at,
            )

        return self._versioned(request, case_id, "cases.decide", decide, decision_id)
