"""Use cases that name a matter rightly, let it rest, and put cases together."""

from datetime import datetime
from uuid import UUID

from application.cases.running import Answer, CaseRunning
from application.running import Request, reasons_of
from application.vault import Sealing
from domain.case import Case
from domain.values import Relation, SuspensionGround


class Handling(CaseRunning):
    """What happens to a case as a whole."""

    def classify(self, request: Request, case_id: UUID, reason: str) -> Answer:
        """Judge the case under this reason from now on. Needs the version."""
        return self._versioned(
            request, case_id, "cases.classify", lambda case, _, at: case.classify(request.by, reason, at)
        )

    def suspend(self, request: Request, case_id: UUID, ground: SuspensionGround, reasons: str) -> Answer:
        """Let the case rest, its clocks paused. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.suspend(request.by, ground, reasons_of(sealing, reasons), self._policy(case, at), at)

        return self._versioned(request, case_id, "cases.suspend", decide)

    def confirm_suspension(self, request: Request, case_id: UUID, evidence_id: UUID) -> Answer:
        """Put the receipt of the court or the police on file."""
        return self._command(
            request,
            case_id,
            "cases.suspend",
            lambda case, _, at: case.confirm_suspension(evidence_id, self._policy(case, at), at),
        )

    def resume(self, request: Request, case_id: UUID, reasons: str) -> Answer:
        """Let the case go on where it was. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.resume(reasons_of(sealing, reasons), self._policy(case, at), at)

        return self._versioned(request, case_id, "cases.suspend", decide)

    def link(self, request: Request, case_id: UUID, other: UUID, relation: Relation) -> Answer:
        """Note that another case belongs to this one. Raises NotFound for one that is not there."""
        self._load(request.by, other, "cases.relate")
        return self._command(
            request, case_id, "cases.relate", lambda case, _, at: case.link(other, relation, at)
        )

    def merge(self, request: Request, case_id: UUID, into: UUID, reasons: str) -> Answer:
        """End this case in favour of another one. Needs the version. Raises NotFound for either."""
        other = self._load(request.by, into, "cases.merge")

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.merge(request.by, other, reasons_of(sealing, reasons), at)

        return self._versioned(request, case_id, "cases.merge", decide)
