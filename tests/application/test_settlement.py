"""What is instructed is paid once, however often it is delivered and whatever happens meanwhile."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from application import effects
from application.delivery import Delivery, Undeliverable
from application.errors import ServiceUnavailable
from application.payments import GatewayUnavailable, Instruction, NotPaid, Paid
from application.settlement import SettlementProcess, instruction_of
from domain import events
from domain.values import Money, Payer, RemedyKind
from infrastructure.event_store.connections import Datastore
from infrastructure.outbox import OutboxWorker


class LedgerGateway:
    """Pays each gateway key once, and remembers every time that it was asked."""

    def __init__(self) -> None:
        self.paid: dict[UUID, str] = {}
        self.asked: list[Instruction] = []
        self.refusal: str | None = None
        self.later = False
        self.away = False

    def pay(self, instruction: Instruction) -> Paid | NotPaid | None:
        self.asked.append(instruction)
        if self.away:
            raise GatewayUnavailable
        if self.later:
            return None
        if self.refusal:
            return NotPaid(f"no-{instruction.gateway_key}", self.refusal)
        return Paid(self.paid.setdefault(instruction.gateway_key, f"pay-{len(self.paid)}"))


@pytest.fixture
def gateway() -> LedgerGateway:
    return LedgerGateway()


@pytest.fixture
def process(desk, gateway) -> SettlementProcess:
    return SettlementProcess(desk.store, desk.cases, gateway, desk.clock)


def deliveries(desk, case_id: UUID) -> list[Delivery]:
    """The messages of a case as they stand in the outbox, in their order."""
    rows = desk.rows(
        "SELECT message_id, case_id, kind, payload, causation_id FROM outbox"
        " WHERE case_id = %s ORDER BY created_at",
        case_id,
    )
    return [Delivery(*row) for row in rows]


def test_an_instruction_arrives_as_it_was_decided(desk):
    answer, line = desk.decided()
    (delivery,) = deliveries(desk, answer.aggregate.id)
    assert instruction_of(delivery) == Instruction(
        answer.aggregate.id,
        line,
        1,
        delivery.message_id,
        RemedyKind.REFUND,
        Payer.MERCHANT,
        Money(19_900, "CNY"),
        None,
    )


def test_points_arrive_without_an_amount():
    instructed: Any = events.CompensationInstructed
    fact = instructed(
        originator_id=uuid4(),
        originator_version=1,
        timestamp=datetime(2026, 11, 10, 4, 0, tzinfo=UTC),
        compensation_id=uuid4(),
        attempt=1,
        gateway_key=uuid4(),
        kind=RemedyKind.POINTS,
        payer=Payer.PLATFORM,
        points=500,
    )
    (message,) = effects.outbox([fact])
    sent = Delivery(message.message_id, uuid4(), message.kind, message.payload, None)
    assert (instruction_of(sent).points, instruction_of(sent).amount) == (500, None)


def test_a_payment_is_confirmed_by_the_system_because_of_the_instruction(desk, gateway, process):
    answer, _ = desk.decided()
    (delivery,) = deliveries(desk, answer.aggregate.id)
    process.deliver(delivery)
    assert desk.facts(answer.aggregate.id)[-3:] == ["CaseCompensated", "FollowUpScheduled", "ClockStarted"]
    paid = desk.store.facts(answer.aggregate.id)[-3]
    assert (paid.provenance.actor_id, paid.provenance.actor_role) == ("settlement", "system")
    assert paid.provenance.causation_id == delivery.causation_id
    assert paid.fact.reference == "pay-0"


def test_delivered_again_it_records_nothing_and_asks_nobody(desk, gateway, process, nothing_recorded):
    answer, _ = desk.decided()
    (delivery,) = deliveries(desk, answer.aggregate.id)
    process.deliver(delivery)
    with nothing_recorded:
        process.deliver(delivery)
    assert len(gateway.asked) == 1


def test_a_crash_between_paying_and_confirming_pays_nothing_twice(desk, gateway, process, monkeypatch):
    """Through the outbox: the worker dies, its lease ends, another one delivers again."""
    answer, _ = desk.decided()
    case_id = answer.aggregate.id
    desk.rows("UPDATE outbox SET state = 'delivered' WHERE case_id <> %s RETURNING 1", case_id)
    desk.clock.at = datetime.now(UTC) + timedelta(hours=1)
    with Datastore(desk.store.url, pool_size=1, max_overflow=0) as datastore:
        worker = OutboxWorker(datastore, desk.clock, {effects.PAYMENT: process.deliver})
        monkeypatch.setattr(desk.cases, "confirm_compensation", killed)
        with pytest.raises(KeyboardInterrupt):
            worker.deliver_next()
        monkeypatch.undo()
        assert "CaseCompensated" not in desk.facts(case_id)
        assert not worker.deliver_next()

        desk.clock.pass_time(minutes=2)
        assert worker.deliver_next()
        assert not worker.deliver_next()
    assert desk.facts(case_id).count("CaseCompensated") == 1
    assert [one.gateway_key for one in gateway.asked] == [next(iter(gateway.paid))] * 2
    assert len(gateway.paid) == 1


def killed(*_: object) -> None:
    """As far as a worker can see: nothing catches it."""
    raise KeyboardInterrupt


def test_a_refused_payment_fails_the_line_with_its_reason_sealed(desk, gateway, process):
    gateway.refusal = "账户已冻结"
    answer, _ = desk.decided()
    (delivery,) = deliveries(desk, answer.aggregate.id)
    process.deliver(delivery)
    failed = desk.store.facts(answer.aggregate.id)[-1].fact
    assert isinstance(failed, events.CompensationFailed)
    assert failed.reason.box.endswith(":reason:账户已冻结")


def test_a_refused_payment_delivered_again_records_nothing(desk, gateway, process, nothing_recorded):
    gateway.refusal = "账户已冻结"
    answer, _ = desk.decided()
    (delivery,) = deliveries(desk, answer.aggregate.id)
    process.deliver(delivery)
    with nothing_recorded:
        process.deliver(delivery)


def test_each_new_attempt_is_a_message_of_its_own_and_the_old_one_pays_no_more(desk, gateway, process):
    gateway.refusal = "账户已冻结"
    answer, line = desk.decided()
    process.deliver(deliveries(desk, answer.aggregate.id)[0])
    desk.cases.instruct_compensation(desk.request(desk.finance), answer.aggregate.id, line, Payer.FUND)
    gateway.refusal = None
    first, second = deliveries(desk, answer.aggregate.id)
    process.deliver(first)
    assert gateway.paid == {}
    process.deliver(second)
    assert list(gateway.paid) == [second.message_id]
    assert gateway.asked[-1].payer is Payer.FUND


def test_a_line_that_finance_settled_meanwhile_is_not_paid(desk, gateway, process):
    answer, line = desk.decided()
    desk.cases.confirm_compensation(
        desk.request(desk.finance), answer.aggregate.id, line, "pay-1", desk.clock.at
    )
    process.deliver(deliveries(desk, answer.aggregate.id)[0])
    assert gateway.asked == []


def test_money_that_the_case_does_not_expect_is_left_to_a_person(desk, gateway, process):
    answer, line = desk.decided()
    (delivery,) = deliveries(desk, answer.aggregate.id)
    pay = gateway.pay

    def settled_while_paying(instruction):
        outcome = pay(instruction)
        desk.cases.confirm_compensation(
            desk.request(desk.finance), answer.aggregate.id, line, "by-hand", desk.clock.at
        )
        return outcome

    gateway.pay = settled_while_paying
    with pytest.raises(
        Undeliverable, match="paid under pay-0, but the case says: compensation_already_settled"
    ):
        process.deliver(delivery)


def test_a_gateway_that_answers_later_leaves_the_line_instructed(desk, gateway, process, nothing_recorded):
    gateway.later = True
    answer, _ = desk.decided()
    (delivery,) = deliveries(desk, answer.aggregate.id)
    with nothing_recorded:
        process.deliver(delivery)
    assert len(gateway.asked) == 1


def test_a_gateway_that_is_away_is_asked_again(desk, gateway, process, nothing_recorded):
    gateway.away = True
    answer, _ = desk.decided()
    (delivery,) = deliveries(desk, answer.aggregate.id)
    with nothing_recorded, pytest.raises(GatewayUnavailable):
        process.deliver(delivery)


def test_a_service_that_is_away_while_confirming_is_no_reason_to_give_up(desk, gateway, process):
    answer, _ = desk.decided()
    (delivery,) = deliveries(desk, answer.aggregate.id)

    def away(*_):
        raise ServiceUnavailable

    process._cases.confirm_compensation = away
    with pytest.raises(ServiceUnavailable):
        process.deliver(delivery)


@pytest.mark.parametrize("payload", [{}, {"compensation_id": "x"}, {"compensation_id": None}])
def test_what_is_no_instruction_is_left_to_a_person(process, payload):
    with pytest.raises(Undeliverable, match="not a payment instruction"):
        process.deliver(Delivery(uuid4(), uuid4(), "payment", payload, None))
