"""Every gateway answers the same instruction the same way; who pays differs."""

from uuid import UUID

import pytest

from application.payments import GatewayUnavailable, Instruction, NotPaid, Paid, PaymentGateway
from domain.values import Money, Payer, RemedyKind
from infrastructure.gateways import ManualGateway, SandboxGateway

INSTRUCTION = Instruction(
    UUID(int=1), UUID(int=2), 1, UUID(int=3), RemedyKind.REFUND, Payer.MERCHANT, Money(100, "CNY"), None
)


@pytest.mark.parametrize(
    "gateway",
    [ManualGateway(), SandboxGateway(), SandboxGateway(lambda _: "no")],
    ids=["manual", "paid", "not"],
)
def test_a_repeated_instruction_has_the_same_answer(gateway: PaymentGateway):
    assert gateway.pay(INSTRUCTION) == gateway.pay(INSTRUCTION)


def test_the_manual_gateway_leaves_the_outcome_to_people():
    gateway: PaymentGateway = ManualGateway()
    assert gateway.pay(INSTRUCTION) is None


def test_the_sandbox_pays_under_a_reference_of_the_gateway_key():
    assert SandboxGateway().pay(INSTRUCTION) == Paid(f"sandbox-{UUID(int=3)}")


def test_the_sandbox_can_be_made_to_refuse():
    gateway = SandboxGateway(lambda one: "frozen" if one.payer is Payer.MERCHANT else None)
    assert gateway.pay(INSTRUCTION) == NotPaid(f"sandbox-{UUID(int=3)}", "frozen")


def test_the_sandbox_can_be_made_to_be_away():
    def away(_: Instruction) -> None:
        raise GatewayUnavailable

    with pytest.raises(GatewayUnavailable):
        SandboxGateway(away).pay(INSTRUCTION)
