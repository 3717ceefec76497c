"""What must be recorded together with a case's facts: derived from them alone, so it cannot be forgotten."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from application.store import Deadline, Effects, OutboxMessage
from domain import events
from domain.case import Case
from domain.case.state import ENDED
from domain.events import Fact
from domain.values import AppealAgainst, OrderLine

PAYMENT = "payment"
"""The kind of outbox message that carries a payment instruction."""

_FREEING = events.CaseClosed | events.CaseWithdrawn | events.CaseExpired | events.CaseMerged
_RETURNING = (
    events.AppealWithdrawn | events.DecisionUpheld | events.DecisionVaried | events.DecisionOverturned
)
_ENDING = events.ClockSatisfied | events.ClockCancelled | events.ClockPaused


def derived(case: Case, facts: Sequence[Fact]) -> Effects:
    """Everything that must be recorded together with these facts of the case."""
    return Effects(
        claims=claims(case, facts),
        released=released(case, facts),
        deadlines=deadlines(facts),
        ended=ended(facts),
        outbox=outbox(facts),
        blobs_kept=tuple(one.evidence_id for one in facts if isinstance(one, events.EvidenceStaged)),
        blobs_dropped=tuple(one.evidence_id for one in facts if isinstance(one, events.EvidenceDiscarded)),
        keys_destroyed=tuple(
            one.key_id for one in facts if isinstance(one, events.PersonalDataErased) and one.key_id
        ),
    )


def order_line_claim(order: OrderLine) -> str:
    """The uniqueness claim that an open case holds on its order line.

    The length keeps lines apart whose ids, put together, read alike: both may hold any sign.
    """
    return f"order-line:{len(order.order_id)}:{order.order_id}/{order.line_id}"


def claims(case: Case, facts: Iterable[Fact]) -> tuple[str, ...]:
    """The claims that these facts take. A case may take again what it still holds."""
    return (order_line_claim(case.filing.order),) if any(map(_takes, facts)) else ()


def _takes(fact: Fact) -> bool:
    """An appeal against a decision may decide about the order line anew; one against a penalty does not."""
    match fact:
        case events.CaseFiled() | events.CaseReopened() | events.HumanReviewDemanded():
            return True
        case events.AppealFiled():
            return fact.against is AppealAgainst.DECISION
        case _:
            return False


def released(case: Case, facts: Iterable[Fact]) -> tuple[str, ...]:
    """The claims that these facts give up. What the case does not hold it cannot give up."""
    return (order_line_claim(case.filing.order),) if any(map(_frees, facts)) else ()


def _frees(fact: Fact) -> bool:
    return isinstance(fact, _FREEING) or (isinstance(fact, _RETURNING) and fact.resumes in ENDED)


def deadlines(facts: Iterable[Fact]) -> tuple[Deadline, ...]:
    """The due times that these facts set."""
    return tuple(
        Deadline(fact.clock_id, fact.kind, fact.due)
        for fact in facts
        if isinstance(fact, events.ClockStarted | events.ClockResumed)
    )


def ended(facts: Iterable[Fact]) -> tuple[UUID, ...]:
    """The clocks that these facts end, or stop, before their time."""
    return tuple(fact.clock_id for fact in facts if isinstance(fact, _ENDING))


def outbox(facts: Iterable[Fact]) -> tuple[OutboxMessage, ...]:
    """The messages that these facts send out: one for each payment instructed, under its gateway key."""
    return tuple(_payment(fact) for fact in facts if isinstance(fact, events.CompensationInstructed))


def _payment(fact: events.CompensationInstructed) -> OutboxMessage:
    amount = fact.amount and {"amount_minor": fact.amount.amount_minor, "currency": fact.amount.currency}
    return OutboxMessage(
        message_id=fact.gateway_key,
        kind=PAYMENT,
        payload={
            "compensation_id": str(fact.compensation_id),
            "attempt": fact.attempt,
            "kind": fact.kind,
            "payer": fact.payer,
            "amount": amount,
            "points": fact.points,
        },
    )
