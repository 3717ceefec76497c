"""The process that takes payment instructions to the gateway and its answers to the case."""

from uuid import UUID

from application.cases import Cases, Request
from application.clock import Clock
from application.delivery import Delivery, Undeliverable
from application.errors import NotFound
from application.payments import Instruction, NotPaid, Paid, PaymentGateway
from application.store import Store
from domain import events
from domain.refusals import Refusal
from domain.values import Actor, Money, Payer, RemedyKind, Role

SETTLEMENT = Actor("settlement", Role.SYSTEM)

_PAYMENT_FACTS = (events.CompensationInstructed, events.CaseCompensated, events.CompensationFailed)


class SettlementProcess:
    """Pays what a case has instructed, once, however often an instruction is delivered."""

    def __init__(self, store: Store, cases: Cases, gateway: PaymentGateway, clock: Clock) -> None:
        self._store = store
        self._cases = cases
        self._gateway = gateway
        self._clock = clock

    def deliver(self, delivery: Delivery) -> None:
        """Hand the instruction to the gateway and record its answer, if it gives one.

        An instruction that is not the line's last word (settled meanwhile, or ordered anew) is not paid.
        Raises GatewayUnavailable and ServiceUnavailable (try again), and Undeliverable when the case refuses
        the answer: money then moved that the case does not expect.
        """
        instruction = instruction_of(delivery)
        if not self._stands(instruction):
            return
        match self._gateway.pay(instruction):
            case Paid(reference):
                self._confirm(delivery, instruction, reference)
            case NotPaid(reference, reason):
                self._fail(delivery, instruction, reference, reason)
            case None:
                pass  # the outcome will come from the finance role

    def _stands(self, instruction: Instruction) -> bool:
        last = self._last_word(instruction.case_id, instruction.compensation_id)
        return isinstance(last, events.CompensationInstructed) and last.gateway_key == instruction.gateway_key

    def _last_word(self, case_id: UUID, compensation_id: UUID) -> events.Fact | None:
        facts = (recorded.fact for recorded in reversed(self._store.facts(case_id)))
        said = (fact for fact in facts if isinstance(fact, _PAYMENT_FACTS))
        return next((fact for fact in said if fact.compensation_id == compensation_id), None)

    def _confirm(self, delivery: Delivery, instruction: Instruction, reference: str) -> None:
        try:
            self._cases.confirm_compensation(
                _request(delivery),
                instruction.case_id,
                instruction.compensation_id,
                reference,
                self._clock.now(),
                instruction.amount,
                instruction.attempt,
            )
        except (Refusal, NotFound) as refused:
            raise Undeliverable(f"paid under {reference}, but the case says: {_said(refused)}") from refused

    def _fail(self, delivery: Delivery, instruction: Instruction, reference: str, reason: str) -> None:
        try:
            self._cases.fail_compensation(
                _request(delivery),
                instruction.case_id,
                instruction.compensation_id,
                reference,
                reason,
                instruction.attempt,
            )
        except (Refusal, NotFound) as refused:
            raise Undeliverable(
                f"refused by the gateway under {reference}, but the case says: {_said(refused)}"
            ) from refused


def instruction_of(delivery: Delivery) -> Instruction:
    """The instruction that a payment message carries. Raises Undeliverable for one that is none."""
    payload = delivery.payload
    try:
        return Instruction(
            case_id=delivery.case_id,
            compensation_id=UUID(payload["compensation_id"]),
            attempt=payload["attempt"],
            gateway_key=delivery.message_id,
            kind=RemedyKind(payload["kind"]),
            payer=Payer(payload["payer"]),
            amount=payload["amount"] and Money(**payload["amount"]),
            points=payload["points"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Undeliverable(f"not a payment instruction: {type(error).__name__}") from error


def _request(delivery: Delivery) -> Request:
    request_id = f"outbox:{delivery.message_id}"
    return Request(SETTLEMENT, request_id, causation_id=delivery.causation_id)


def _said(refused: Refusal | NotFound) -> str:
    return refused.code if isinstance(refused, Refusal) else f"{refused.kind}_not_found"
