"""Use cases after settlement: asking the buyer, closing, reopening; and withdrawing before."""

from datetime import datetime
from uuid import UUID

from application.cases.running import Answer, CaseRunning
from application.running import Request, reasons_of, sealed_if_given
from application.vault import Sealing
from domain.case import Case
from domain.values import (
    AttemptOutcome,
    Channel,
    ReopenGround,
    Resolution,
    SealedFor,
)


class Ending(CaseRunning):
    """How a case ends, and begins again."""

    def attempt_follow_up(
        self,
        request: Request,
        case_id: UUID,
        follow_up_id: UUID,
        channel: Channel,
        outcome: AttemptOutcome,
    ) -> Answer:
        """Record an attempt to reach the buyer."""
        return self._command(
            request,
            case_id,
            "follow_ups.work",
            lambda case, _, at: case.attempt_follow_up(follow_up_id, channel, outcome, at),
        )

    def complete_follow_up(
        self,
        request: Request,
        case_id: UUID,
        follow_up_id: UUID,
        satisfied: bool,
        speed: int | None = None,
        attitude: int | None = None,
        effectiveness: int | None = None,
        comment: str | None = None,
        suggestion: str | None = None,
    ) -> Answer:
        """Record the buyer's answer; scores run from 1 to 5."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.complete_follow_up(
                follow_up_id,
                satisfied,
                at,
                speed,
                attitude,
                effectiveness,
                sealed_if_given(sealing, SealedFor.BUYER, "comment", comment),
                sealed_if_given(sealing, SealedFor.BUYER, "suggestion", suggestion),
            )

        return self._command(request, case_id, "follow_ups.work", decide)

    def close(self, request: Request, case_id: UUID, resolution: Resolution, reasons: str) -> Answer:
        """End the case. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.close(request.by, resolution, reasons_of(sealing, reasons), at)

        return self._versioned(request, case_id, "cases.close", decide)

    def reopen(self, request: Request, case_id: UUID, ground: ReopenGround, reasons: str) -> Answer:
        """Take the case up again. Needs the version. Refused too when the order line is taken."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.reopen(ground, reasons_of(sealing, reasons), self._policy(case, at), at)

        return self._versioned(request, case_id, "cases.reopen", decide)

    def withdraw(self, request: Request, case_id: UUID, reasons: str) -> Answer:
        """Take the case back for the buyer. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.withdraw(sealing.seal(SealedFor.BUYER, "reasons", reasons), at)

        return self._versioned(request, case_id, "cases.withdraw", decide)
