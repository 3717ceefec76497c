"""Taking money back: what a line grants falls, and what was paid for it is recovered."""

from datetime import datetime
from uuid import UUID, uuid5

from domain import events
from domain.case.money import ACCOUNT, DEBTORS, PARTY, Attempt, Line
from domain.case.obligations import Obligations
from domain.policy import Policy
from domain.policy.deadlines import appeal_closes
from domain.refusals import AmountMismatch, RecoveryAlreadySettled
from domain.values import (
    CompensationState,
    LiableParty,
    Money,
    Payer,
    RecoveryCause,
    RecoveryState,
    ReversalCause,
    Sealed,
)


class Recovering(Obligations):
    """Reversal and recovery: never in the way of closing, and open to a case that is closed."""

    def record_recovery(self, recovery_id: UUID, amount: Money, reference: str, at: datetime) -> int | None:
        """Record that money came back, the whole or a part of what is missing.

        Raises UnknownPart. Refused: RecoveryAlreadySettled, AmountMismatch (more than is missing).
        """
        recovery = self.money.recovery(recovery_id)
        if reference in recovery.references:
            return recovery.references[reference]
        if recovery.state is not RecoveryState.OPEN:
            raise RecoveryAlreadySettled(f"the recovery is {recovery.state}")
        if (
            amount.currency != recovery.amount.currency
            or not 0 < amount.amount_minor <= recovery.missing_minor
        ):
            raise AmountMismatch(f"at most {recovery.missing_minor} {recovery.amount.currency} minor units")
        self._record(events.RecoveryRecorded, at, recovery_id=recovery_id, amount=amount, reference=reference)
        return None

    def write_off_recovery(self, recovery_id: UUID, reasons: Sealed, at: datetime) -> None:
        """Give up what is missing. Raises UnknownPart. Refused: RecoveryAlreadySettled."""
        recovery = self.money.recovery(recovery_id)
        if recovery.state is not RecoveryState.OPEN:
            raise RecoveryAlreadySettled(f"the recovery is {recovery.state}")
        self._record(events.RecoveryWrittenOff, at, recovery_id=recovery_id, reasons=reasons)

    def _reverse_all(self, cause: ReversalCause, policy: Policy, at: datetime) -> None:
        """Reverse every line of the last decision and of what varied it."""
        for line in self._granted_lines():
            self._reverse_line(line, cause, policy, at)

    def _granted_lines(self) -> list[Line]:
        """What stands of the last decision and of what varied it."""
        return [line for line in self.money.standing() if line.compensation_id in self.granted]

    def _reverse_line(
        self,
        line: Line,
        cause: ReversalCause,
        policy: Policy,
        at: datetime,
        amount: Money | None = None,
        reasons: Sealed | None = None,
    ) -> None:
        """Take back `amount` of what stands of a line (None: all of it); of one that is reversed nothing.

        Unpaid it falls; paid it is to be recovered. What is under way cannot be stopped: it is recalled, and
        reversed when its outcome is known. `amount` must not be more than stands.
        """
        amount = amount or line.stands
        if line.state is CompensationState.REVERSED:
            return
        if line.state is CompensationState.INSTRUCTED:
            self._recall(line, cause, amount, reasons, at)
            return
        self._falls(line, cause, amount, reasons, at)
        paid = line.made(line.paid)
        if line.state is CompensationState.PAID and line.owed and amount and paid:
            self._take_back(line, amount, paid.payer, RecoveryCause(cause), policy, at)

    def _falls(
        self, line: Line, cause: ReversalCause, amount: Money | None, reasons: Sealed | None, at: datetime
    ) -> None:
        self._record(
            events.CompensationReversed,
            at,
            compensation_id=line.compensation_id,
            cause=cause,
            amount=amount,
            points=line.points,
            stands=_left(line.stands, amount),
            reasons=reasons,
        )

    def _recall(
        self,
        line: Line,
        cause: ReversalCause,
        amount: Money | None,
        reasons: Sealed | None,
        at: datetime,
    ) -> None:
        if line.recalled and not _left(amount, line.recalled.amount):
            return
        self._record(
            events.CompensationRecalled,
            at,
            compensation_id=line.compensation_id,
            cause=cause,
            amount=amount,
            points=line.points,
            reasons=reasons,
        )

    def _outcome_known(self, compensation_id: UUID, policy: Policy, at: datetime) -> None:
        """Reverse what was recalled while it was under way."""
        line = self.money.line(compensation_id)
        if line.recalled:
            self._reverse_line(line, line.recalled.cause, policy, at, line.recalled.amount)

    def _advanced(self, line: Line, policy: Policy, at: datetime) -> None:
        """Ask a payment of the protection fund back from the party in whose place it paid."""
        attempt = line.made(line.paid)
        if line.owed and attempt and attempt.payer is Payer.FUND and attempt.amount:
            debtor, cause = self._liable_for(line), RecoveryCause.FUND_ADVANCE
            self._open_recovery(line, debtor, Payer.FUND, attempt.amount, cause, policy, at)

    def _liable_for(self, line: Line) -> LiableParty:
        """Who owes a line: whoever was to pay it, else the most liable party that is not the buyer."""
        if line.payer in PARTY:
            return PARTY[line.payer]
        shares = self.verification.liability if self.verification else ()
        others = [one for one in shares if one.party is not LiableParty.BUYER]
        return max(others, key=lambda one: one.share).party if others else LiableParty.MERCHANT

    def _paid_beyond(self, line: Line, made: Attempt, policy: Policy, at: datetime) -> None:
        """Ask back what an attempt paid that was ordered before a part of the line fell."""
        if not line.owed or made.amount is None or line.stands is None:
            return
        beyond = made.amount.amount_minor - line.stands.amount_minor
        if beyond > 0:
            amount = Money(beyond, made.amount.currency)
            self._take_back(line, amount, made.payer, RecoveryCause.LATE_SUCCESS, policy, at)

    def _overpaid(self, line: Line, surplus: Attempt, policy: Policy, at: datetime) -> None:
        """Ask the buyer back what an attempt paid beyond what the line was settled with."""
        if not line.owed or surplus.amount is None:
            return
        if surplus.payer is Payer.FUND:
            self._ask_buyer(
                line, Payer.FUND, surplus.amount.amount_minor, RecoveryCause.LATE_SUCCESS, policy, at
            )
        else:
            self._take_back(line, surplus.amount, surplus.payer, RecoveryCause.LATE_SUCCESS, policy, at)

    def _take_back(
        self,
        line: Line,
        amount: Money,
        payer: Payer,
        cause: RecoveryCause,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Ask the buyer back what was paid, for the payer; where the fund advanced it, for who has borne it.

        What the fund has not got back is asked of the buyer, and no longer of the liable party; what that
        party was let off on appeal the fund has borne as well, unless the party itself paid this, too.
        """
        advance, left = self.money.advance(line), amount.amount_minor
        if advance is None:
            self._ask_buyer(line, payer, left, cause, policy, at)
            return
        itself = payer is not Payer.FUND
        borne = advance.missing_minor if itself else self.money.borne_by_fund(line, advance)
        of_the_fund = min(left, borne)
        fallen = min(of_the_fund, advance.missing_minor)
        if fallen:
            reduced = Money(fallen, amount.currency)
            self._record(events.RecoveryReduced, at, recovery_id=advance.recovery_id, amount=reduced)
        self._ask_buyer(line, Payer.FUND, of_the_fund, cause, policy, at)
        self._ask_buyer(line, ACCOUNT[advance.debtor], left - of_the_fund, cause, policy, at)

    def _ask_buyer(
        self, line: Line, creditor: Payer, minor: int, cause: RecoveryCause, policy: Policy, at: datetime
    ) -> None:
        if minor and line.amount:
            amount = Money(minor, line.amount.currency)
            self._open_recovery(line, LiableParty.BUYER, creditor, amount, cause, policy, at)

    def _open_recovery(
        self,
        line: Line,
        debtor: LiableParty,
        creditor: Payer,
        amount: Money,
        cause: RecoveryCause,
        policy: Policy,
        at: datetime,
    ) -> None:
        closes = appeal_closes(at, policy) if debtor in DEBTORS else None
        self._record(
            events.RecoveryOpened,
            at,
            recovery_id=uuid5(line.compensation_id, f"recovery/{self.version}"),
            compensation_id=line.compensation_id,
            debtor=debtor,
            creditor=creditor,
            amount=amount,
            cause=cause,
            appeal_until=closes.value if closes else None,
            derivation=closes.derivation if closes else (),
        )


def _left(stands: Money | None, amount: Money | None) -> Money | None:
    """What stands of a line after this much of it fell; None for nothing."""
    if stands is None or amount is None or amount.amount_minor >= stands.amount_minor:
        return None
    return Money(stands.amount_minor - amount.amount_minor, stands.currency)
