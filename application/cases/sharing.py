"""Use cases by which a case shares what was decided for all cases of an incident."""

from datetime import datetime
from uuid import UUID

from application.cases.running import Answer, CaseRunning
from application.running import Request, reasons_of
from application.vault import Sealing
from domain.case import Case
from domain.events import BatchProposed


class Sharing(CaseRunning):
    """What an incident does to one of its cases."""

    def step_in(self, request: Request, case_id: UUID) -> Answer:
        """Begin the review of a case that had none yet."""
        return self._command(
            request,
            case_id,
            "cases.step_in",
            lambda case, _, at: case.step_in(request.by, self._policy(case, at), at),
        )

    def verify_in_batch(
        self, request: Request, case_id: UUID, batch: BatchProposed, approved_by: str, reasons: str
    ) -> Answer:
        """Take over the finding of the batch."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.verify_in_batch(batch, approved_by, reasons_of(sealing, reasons), at)

        return self._command(request, case_id, "cases.decide_in_batch", decide)

    def decide_in_batch(
        self, request: Request, case_id: UUID, batch: BatchProposed, approved_by: str, reasons: str
    ) -> Answer:
        """Issue the batch's decision."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed, policy = reasons_of(sealing, reasons), self._policy(case, at)
            case.decide_in_batch(batch, approved_by, sealed, policy, at)

        return self._command(request, case_id, "cases.decide_in_batch", decide)
