"""Who pays: people of the finance role, or a sandbox that pays nobody."""

from collections.abc import Callable

from application.payments import Instruction, NotPaid, Paid


class ManualGateway:
    """Leaves instructed payments to the finance role, who reports what came of them."""

    def pay(self, instruction: Instruction) -> None:
        """The outcome will be reported by a person."""


def pays(_: Instruction) -> None:
    """No reason not to pay."""


class SandboxGateway:
    """Says at once that it paid, under a reference that follows from the gateway key: always the same.

    `objection` gives the reason not to pay an instruction, or None; it may raise GatewayUnavailable.
    """

    def __init__(self, objection: Callable[[Instruction], str | None] = pays) -> None:
        self._objection = objection

    def pay(self, instruction: Instruction) -> Paid | NotPaid:
        """Pay, or refuse for good."""
        reference = f"sandbox-{instruction.gateway_key}"
        reason = self._objection(instruction)
        return Paid(reference) if reason is None else NotPaid(reference, reason)
