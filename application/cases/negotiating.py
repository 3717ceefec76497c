"""Use cases of the sides: notice, answer, offers, asking the platform; and promises."""

from datetime import datetime
from uuid import UUID

from application import access
from application.cases.running import Answer, CaseRunning
from application.errors import Forbidden
from application.running import Request
from application.vault import Sealing
from domain.case import Case
from domain.values import NEGOTIATORS, Channel, Party, Remedy, SealedFor, Stance


class Negotiating(CaseRunning):
    """What the sides say to each other before the platform decides, and what a party promises."""

    def deliver_notice(self, request: Request, case_id: UUID, channel: Channel) -> Answer:
        """Record that the merchant was told of the claim."""
        notice_id = self._new_id()
        return self._command(
            request,
            case_id,
            "cases.notify",
            lambda case, _, at: case.deliver_notice(notice_id, channel, self._policy(case, at), at),
            notice_id,
        )

    def answer(self, request: Request, case_id: UUID, stance: Stance, text: str) -> Answer:
        """Take the merchant's stance on the claim. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.answer(stance, sealing.seal(SealedFor.MERCHANT, "text", text), self._policy(case, at), at)

        return self._versioned(request, case_id, "cases.answer", decide)

    def make_offer(
        self,
        request: Request,
        case_id: UUID,
        remedies: tuple[Remedy, ...],
        clauses: tuple[str, ...],
        text: str,
    ) -> Answer:
        """Offer to settle. Needs the version. Each remedy comes with a new id."""
        offer_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealing.seal(_speaker(request), "text", text)
            case.make_offer(request.by, offer_id, remedies, clauses, sealed, self._policy(case, at), at)

        return self._versioned(request, case_id, "cases.negotiate", decide, offer_id)

    def accept_offer(self, request: Request, case_id: UUID, offer_id: UUID) -> Answer:
        """Agree to the other side's offer. Needs the version."""
        return self._versioned(
            request,
            case_id,
            "cases.negotiate",
            lambda case, _, at: case.accept_offer(request.by, offer_id, self._policy(case, at), at),
        )

    def decline_offer(self, request: Request, case_id: UUID, offer_id: UUID, reasons: str) -> Answer:
        """Turn the other side's offer down. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealing.seal(_speaker(request), "reasons", reasons)
            case.decline_offer(request.by, offer_id, sealed, at)

        return self._versioned(request, case_id, "cases.negotiate", decide)

    def escalate(self, request: Request, case_id: UUID, reasons: str) -> Answer:
        """Ask the platform to decide. Needs the version."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealing.seal(_speaker(request), "reasons", reasons)
            case.escalate(request.by, sealed, self._policy(case, at), at)

        return self._versioned(request, case_id, "cases.escalate", decide)

    def demand_review(self, request: Request, case_id: UUID, reasons: str) -> Answer:
        """Have people decide what the system decided. Needs the version.

        Refused too when a closed case's order line is taken.
        """

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            sealed = sealing.seal(_speaker(request), "reasons", reasons)
            case.demand_review(request.by, sealed, self._policy(case, at), at)

        return self._versioned(request, case_id, "decisions.contest", decide)

    def make_promise(self, request: Request, case_id: UUID, text: str, due: datetime) -> Answer:
        """Promise something by a time: staff for the platform, others for themselves."""
        self._within_a_year(due, "/due")
        party = access.OWN_PARTY.get(request.by.role, Party.PLATFORM)
        promise_id = self._new_id()

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            case.make_promise(promise_id, party, sealing.seal(SealedFor(party), "text", text), due, at)

        return self._command(request, case_id, "promises.make", decide, promise_id)

    def keep_promise(self, request: Request, case_id: UUID, promise_id: UUID) -> Answer:
        """Record that a promise was kept. Raises Forbidden for one's own, unless it is the platform's."""

        def decide(case: Case, sealing: Sealing, at: datetime) -> None:
            promise = case.promises.all.get(promise_id)
            if promise and promise.party is access.OWN_PARTY.get(request.by.role):
                raise Forbidden("promises.keep")
            case.keep_promise(promise_id, at)

        return self._command(request, case_id, "promises.keep", decide)


def _speaker(request: Request) -> SealedFor:
    """Whose words they are."""
    return SealedFor(NEGOTIATORS[request.by.role])
