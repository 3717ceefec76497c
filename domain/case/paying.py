"""Commands that pay what was decided.

What comes from outside comes again: a report under a reference that is known records nothing, and the command
returns the version that recorded it.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from domain import events
from domain.case.money import Attempt, Line
from domain.case.recovering import Recovering
from domain.case.state import STAGES
from domain.policy import Policy, pack
from domain.refusals import (
    AmountMismatch,
    CompensationAlreadySettled,
    CompensationNotSettled,
    WrongStage,
)
from domain.values import (
    CompensationState,
    Money,
    Payer,
    Release,
    ReversalCause,
    Sealed,
)


class Paying(Recovering):
    """Instructions to pay, and what became of them."""

    def confirm_compensation(
        self,
        compensation_id: UUID,
        reference: str,
        paid_at: datetime,
        amount: Money | None,
        policy: Policy,
        at: datetime,
        attempt: int | None = None,
    ) -> int | None:
        """Record that a line was paid, by the attempt of this number (None: the last one).

        An attempt that succeeds after another one settled the line is not a second payment of it: what it
        paid is asked back.

        Raises UnknownPart.
        Refused: CaseAlreadyClosed, CompensationAlreadySettled, WrongStage, AmountMismatch.
        """
        line = self.money.line(compensation_id)
        known = line.references.get((CompensationState.PAID, reference))
        surplus = line.settled and attempt is not None and attempt not in {line.paid, *line.surplus}
        if known is None and not surplus:
            self._awaiting_payment(line)
        made = line.made(attempt)
        if attempt is not None and made is None:
            raise WrongStage(f"there was no attempt {attempt}")
        if amount is not None and amount != (made.amount if made else line.amount):
            raise AmountMismatch
        if known is not None:
            return known
        if surplus and made:
            self._surplus(line, made, reference, paid_at, policy, at)
        elif made:
            self._paid(line, made, reference, paid_at, policy, at)
            self._settle(policy, at)
        return None

    def _paid(
        self, line: Line, made: Attempt, reference: str, paid_at: datetime, policy: Policy, at: datetime
    ) -> None:
        self._record(
            events.CaseCompensated,
            at,
            compensation_id=line.compensation_id,
            reference=reference,
            paid_at=paid_at,
            kind=line.kind,
            amount=made.amount,
            points=line.points,
            attempt=made.number,
        )
        self._advanced(self.money.line(line.compensation_id), policy, at)
        self._paid_beyond(line, made, policy, at)
        self._outcome_known(line.compensation_id, policy, at)

    def _surplus(
        self, line: Line, made: Attempt, reference: str, paid_at: datetime, policy: Policy, at: datetime
    ) -> None:
        self._record(
            events.CompensationOverpaid,
            at,
            compensation_id=line.compensation_id,
            attempt=made.number,
            reference=reference,
            paid_at=paid_at,
            payer=made.payer,
            amount=made.amount,
            points=line.points,
        )
        self._overpaid(line, made, policy, at)

    def fail_compensation(
        self,
        compensation_id: UUID,
        reference: str,
        reason: Sealed,
        policy: Policy,
        at: datetime,
        attempt: int | None = None,
    ) -> int | None:
        """Record that the attempt of this number (None: the last one) failed.

        After as many attempts as O-6 asks for the protection fund is told to pay.

        Raises UnknownPart. Refused: CaseAlreadyClosed, CompensationAlreadySettled, WrongStage.
        """
        line = self.money.line(compensation_id)
        known = line.references.get((CompensationState.FAILED, reference))
        if known is not None:
            return known
        self._awaiting_payment(line)
        if attempt not in (None, len(line.attempts)):
            raise WrongStage(f"attempt {attempt} is not the last one")
        self._record(
            events.CompensationFailed,
            at,
            compensation_id=compensation_id,
            reference=reference,
            reason=reason,
        )
        self._outcome_known(compensation_id, policy, at)
        self._fall_back(self.money.line(compensation_id), policy, at)
        self._settle(policy, at)
        return None

    def _fall_back(self, line: Line, policy: Policy, at: datetime) -> None:
        """Let the protection fund pay after so many attempts (O-6); what even it cannot pay stays failed."""
        tried_enough = len(line.attempts) >= policy.need(pack.PAYMENT).attempts
        if line.state is not CompensationState.FAILED or line.charged is Payer.FUND or not line.owed:
            return
        if tried_enough and self.stage in STAGES["compensations"]:
            self._instruct([line], at, Payer.FUND)

    def instruct_compensation(self, compensation_id: UUID, payer: Payer, at: datetime) -> None:
        """Order a new attempt on a line whose last one failed, out of this payer's account.

        Raises UnknownPart. Refused: CaseAlreadyClosed, CompensationAlreadySettled, CompensationNotSettled
        (an attempt is under way), WrongStage.
        """
        line = self.money.line(compensation_id)
        self._awaiting_payment(line)
        self._in_stage("compensations")
        if line.state is CompensationState.INSTRUCTED:
            raise CompensationNotSettled("an attempt to pay this line is under way")
        self._instruct([line], at, payer)

    def reverse_compensation(
        self, compensation_id: UUID, amount: Money | None, reasons: Sealed, policy: Policy, at: datetime
    ) -> None:
        """Take back what stands of a line, or `amount` of it, as granted or paid by mistake.

        Raises UnknownPart. Refused: WrongStage, CompensationAlreadySettled (reversed, or about to be),
        AmountMismatch (more than stands).
        """
        line = self.money.line(compensation_id)
        self._in_stage("reversal")
        if line.state is CompensationState.REVERSED or line.recalled:
            raise CompensationAlreadySettled("the line was reversed")
        if amount is not None and not line.covers(amount):
            raise AmountMismatch("more than stands of the line")
        self._reverse_line(line, ReversalCause.MISTAKE, policy, at, amount, reasons)
        self._settle(policy, at)

    def _awaiting_payment(self, line: Line) -> None:
        """What was instructed comes to its end, whatever becomes of the case meanwhile."""
        self._unless_closed()
        if line.settled:
            raise CompensationAlreadySettled
        if not self.open:
            raise WrongStage(f"the case is {self.stage}")
        if line.state is CompensationState.AUTHORISED:
            self._in_stage("compensations")
            raise WrongStage("the line waits for goods to be accepted")

    def _instruct_payable(self, at: datetime) -> None:
        waiting = self.money.authorised()
        self._instruct((one for one in waiting if one.release is Release.NOW or self.goods.settled), at)

    def _instruct(self, lines: Iterable[Line], at: datetime, payer: Payer | None = None) -> None:
        for line in list(lines):
            self._record(
                events.CompensationInstructed,
                at,
                compensation_id=line.compensation_id,
                attempt=len(line.attempts) + 1,
                gateway_key=line.gateway_key(),
                kind=line.kind,
                payer=payer or line.payer,
                amount=line.stands,
                points=line.points,
            )
