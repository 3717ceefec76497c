"""The use cases put together; filing, due times and reading."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from application import access
from application.cases.accounting import Accounting
from application.cases.appealing import Appealing
from application.cases.deciding import Deciding
from application.cases.ending import Ending
from application.cases.giving import Giving
from application.cases.handling import Handling
from application.cases.leasing import Leasing
from application.cases.moving import Moving
from application.cases.negotiating import Negotiating
from application.cases.paying import Paying
from application.cases.proving import Proving
from application.cases.recalling import Recalling
from application.cases.reviewing import Reviewing
from application.cases.running import Answer
from application.cases.sharing import Sharing
from application.running import Request, sealed_if_given
from application.store import RecordedFact
from application.vault import PHONE, Sealing
from domain.case import Case
from domain.case.viewing import viewer_state
from domain.phone import dialled
from domain.values import (
    SIDES,
    Actor,
    CaseType,
    Claim,
    Contact,
    OrderLine,
    SealedFor,
    ViewerState,
)

CONTACT_PHONE = "contact.phone"
"""The place of the buyer's phone number in the fact that files the case."""


class Cases(
    Negotiating,
    Leasing,
    Proving,
    Reviewing,
    Deciding,
    Giving,
    Paying,
    Moving,
    Accounting,
    Appealing,
    Ending,
    Handling,
    Sharing,
    Recalling,
):
    """Every use case of a case. Safe to share between threads."""

    def file(
        self,
        request: Request,
        case_type: CaseType,
        reason: str,
        channel: str,
        buyer_id: str,
        merchant_id: str,
        order: OrderLine,
        claim: Claim,
        statement: str | None = None,
        contact: Mapping[str, str] | None = None,
    ) -> Answer:
        """File a case for one order line. `contact` may name `name`, `phone` and `address`.

        Raises Forbidden, InvalidRequest (an order from the future), IdempotencyKeyReused,
        RequestInProgress, ServiceUnavailable and the refusal CaseAlreadyOpenForOrderLine.
        """
        case_id = self._new_id()

        def make(sealing: Sealing, at: datetime) -> Case:
            self._not_after(order.purchased_at, at, "/order/purchased_at")
            if order.delivered_at:
                self._not_after(order.delivered_at, at, "/order/delivered_at")
            return Case.file(
                by=request.by,
                case_id=case_id,
                number=case_number(case_id, at),
                case_type=case_type,
                reason=reason,
                channel=channel,
                buyer=self._vault.pseudonym("buyer", buyer_id),
                merchant_id=merchant_id,
                order=order,
                claim=claim,
                policy=self._rulebook.applicable(order.purchased_at, at, at),
                at=at,
                statement=sealed_if_given(sealing, SealedFor.BUYER, "statement", statement),
                contact=_sealed_contact(sealing, contact),
            )

        return self._created(request, "cases.file", case_id, make)

    def miss_clock(self, request: Request, case_id: UUID, clock_id: UUID) -> bool:
        """Act upon a due time that has passed; False when there was nothing left to act upon."""
        return self._fired(
            request,
            case_id,
            "clocks.miss",
            clock_id,
            lambda case, at: case.miss_clock(clock_id, self._policy(case, at), at),
        )

    def runs_clock(self, by: Actor, case_id: UUID, clock_id: UUID) -> bool:
        """Whether the clock still runs."""
        return clock_id in self._load(by, case_id, "clocks.miss").clocks.running

    def get(self, by: Actor, case_id: UUID) -> Case:
        """The case as it is now. Raises NotFound for one that is not the caller's to see."""
        return self._load(by, case_id, "cases.read")

    def history(self, by: Actor, case_id: UUID) -> tuple[Case, list[RecordedFact]]:
        """The case and its facts in order. Raises NotFound for one that is not the caller's to see."""
        return self._recorded(by, case_id, "cases.read")

    def allowed(self, by: Actor, case: Case, at: datetime | None = None) -> list[str]:
        """The commands that this caller could give at an instant; left out, now."""
        then = at or self._clock.now()
        possible = case.possible(by, self._policy(case, then), then)
        return [name for name in possible if access.may(by, access.COMMANDS[name])]

    def viewer_state(self, by: Actor, case: Case, at: datetime) -> ViewerState:
        """What the case asks at an instant of this caller, or of the side that it acts for."""
        return viewer_state(case, SIDES.get(by.role), self._policy(case, at), at)


def case_number(case_id: UUID, at: datetime) -> str:
    """The number that people use: the day and the last fifty bits of the case id in Crockford's base 32."""
    bits = case_id.int
    digits = "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[bits >> shift & 31] for shift in range(45, -1, -5))
    return f"AS-{at:%Y%m%d}-{digits}"


def _sealed_contact(sealing: Sealing, contact: Mapping[str, str] | None) -> Contact | None:
    if contact is None:
        return None
    number = dialled(contact.get("phone", ""))
    if number:
        sealing.index(SealedFor.BUYER, PHONE, number)
    return Contact(
        **{part: sealing.seal(SealedFor.BUYER, f"contact.{part}", text) for part, text in contact.items()}
    )
