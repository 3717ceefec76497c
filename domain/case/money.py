"""What was granted in money, line by line: how far each line is paid, and what of it is to come back."""

from dataclasses import dataclass, field, replace
from uuid import UUID, uuid5

from domain.refusals import UnknownPart
from domain.values import (
    OWED_KINDS,
    CompensationState,
    LiableParty,
    Money,
    Payer,
    RecoveryCause,
    RecoveryState,
    Release,
    Remedy,
    RemedyKind,
    ReversalCause,
    Side,
)

SETTLED = frozenset({CompensationState.PAID, CompensationState.REVERSED})

PARTY = {
    Payer.MERCHANT: LiableParty.MERCHANT,
    Payer.DEPOSIT: LiableParty.MERCHANT,
    Payer.COURIER: LiableParty.COURIER,
    Payer.PLATFORM: LiableParty.PLATFORM,
}
"""Who stands behind an account; nobody in particular stands behind the protection fund."""

ACCOUNT = {
    LiableParty.MERCHANT: Payer.MERCHANT,
    LiableParty.SUPPLIER: Payer.MERCHANT,
    LiableParty.COURIER: Payer.COURIER,
    LiableParty.PLATFORM: Payer.PLATFORM,
}
"""The account of a party that money can come back to; a supplier settles with its merchant."""

DEBTORS = {
    LiableParty.BUYER: Side.BUYER,
    LiableParty.MERCHANT: Side.MERCHANT,
    LiableParty.SUPPLIER: Side.MERCHANT,
}
"""Which side may object to owing something back."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to pay a line."""

    number: int
    payer: Payer
    amount: Money | None


@dataclass(frozen=True, slots=True)
class Recall:
    """What of a line under way is reversed when its outcome is known."""

    cause: ReversalCause
    amount: Money | None


@dataclass(frozen=True, slots=True)
class Line:
    """One remedy in money; `references` of the payment system lead to the versions that recorded them.

    `payer` is who owes it, `paid` the number of the attempt that paid, `surplus` those that paid beside it,
    `goodwill` whether it was given beside any decision.
    """

    compensation_id: UUID
    kind: RemedyKind
    amount: Money | None
    points: int | None
    payer: Payer
    release: Release
    goodwill: bool = False
    state: CompensationState = CompensationState.AUTHORISED
    attempts: tuple[Attempt, ...] = ()
    paid: int | None = None
    surplus: frozenset[int] = frozenset()
    reversed_minor: int = 0
    recalled: Recall | None = None
    references: dict[tuple[CompensationState, str], int] = field(default_factory=dict)

    @classmethod
    def of(cls, remedy: Remedy) -> "Line":
        """The line that a granted remedy opens; who is not told to pay otherwise is the merchant."""
        payer = remedy.payer or Payer.MERCHANT
        return cls(remedy.remedy_id, remedy.kind, remedy.amount, remedy.points, payer, remedy.release)

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be paid on it."""
        return self.state in SETTLED

    @property
    def stands(self) -> Money | None:
        """What of its amount was not reversed."""
        return self.amount and Money(self.amount.amount_minor - self.reversed_minor, self.amount.currency)

    @property
    def lasting(self) -> int:
        """What of it will stand when its outcome is known, in minor units: what was recalled will not."""
        recalled = self.recalled.amount if self.recalled else None
        return (self.stands.amount_minor if self.stands else 0) - (recalled.amount_minor if recalled else 0)

    def covers(self, amount: Money) -> bool:
        """Whether this much of it stands, and is more than nothing."""
        stands = self.stands
        return bool(
            stands and amount.currency == stands.currency and 0 < amount.amount_minor <= stands.amount_minor
        )

    @property
    def charged(self) -> Payer:
        """Whose account the last attempt was made on, or the first one will be."""
        return self.attempts[-1].payer if self.attempts else self.payer

    @property
    def owed(self) -> bool:
        """Whether it is the buyer's due, so that what is paid in vain or in another's place is asked back."""
        return self.kind in OWED_KINDS and self.amount is not None

    def made(self, number: int | None) -> Attempt | None:
        """The attempt of this number, or the one that paid, or the last; None where there is none."""
        wanted = number or self.paid or len(self.attempts)
        return next((one for one in self.attempts if one.number == wanted), None)

    def gateway_key(self) -> UUID:
        """The key of the next attempt: derived, so that a replay of the command names the same one."""
        return uuid5(self.compensation_id, str(len(self.attempts) + 1))

    def reported(self, state: CompensationState, reference: str, version: int) -> "Line":
        """With one more report of the payment system."""
        return replace(self, references=self.references | {(state, reference): version})

    def reversed(self, amount: Money | None, stands: Money | None) -> "Line":
        """With this much less of it; with nothing left it is reversed."""
        minor = self.reversed_minor + (amount.amount_minor if amount else 0)
        state = self.state if stands else CompensationState.REVERSED
        return replace(self, state=state, reversed_minor=minor, recalled=None)

    def without(self, amount: Money | None) -> "Line":
        """With this much less of it, whenever that comes about; None: with nothing left of it."""
        if amount is None:
            return replace(self, state=CompensationState.REVERSED)
        return replace(self, reversed_minor=self.reversed_minor + amount.amount_minor)


@dataclass(frozen=True, slots=True)
class Recovery:
    """Money that is to come back; `references` lead to the versions that recorded what came.

    `opened_minor` is what was asked for when it was opened, whatever is asked for now.
    """

    recovery_id: UUID
    compensation_id: UUID
    debtor: LiableParty
    creditor: Payer
    amount: Money
    cause: RecoveryCause
    opened_minor: int = 0
    recovered_minor: int = 0
    given_up: bool = False
    references: dict[str, int] = field(default_factory=dict)

    @property
    def recovered(self) -> Money:
        """What has come back."""
        return Money(self.recovered_minor, self.amount.currency)

    @property
    def missing_minor(self) -> int:
        """What has not come back, in minor units."""
        return self.amount.amount_minor - self.recovered_minor

    @property
    def state(self) -> RecoveryState:
        """How far it has come."""
        if not self.missing_minor:
            return RecoveryState.RECOVERED if self.recovered_minor else RecoveryState.CANCELLED
        return RecoveryState.WRITTEN_OFF if self.given_up else RecoveryState.OPEN

    def reduced(self, by: Money) -> "Recovery":
        """With this much less to come back."""
        return replace(self, amount=Money(self.amount.amount_minor - by.amount_minor, self.amount.currency))

    def recorded(self, amount: Money, reference: str, version: int) -> "Recovery":
        """With this much come back."""
        return replace(
            self,
            recovered_minor=self.recovered_minor + amount.amount_minor,
            references=self.references | {reference: version},
        )


@dataclass(frozen=True, slots=True)
class Ledger:
    """All lines of the case, over all its rounds, and all recoveries."""

    lines: dict[UUID, Line] = field(default_factory=dict)
    recoveries: dict[UUID, Recovery] = field(default_factory=dict)

    def line(self, compensation_id: UUID) -> Line:
        """The line of this id; raises UnknownPart."""
        if compensation_id not in self.lines:
            raise UnknownPart("compensation")
        return self.lines[compensation_id]

    def recovery(self, recovery_id: UUID) -> Recovery:
        """The recovery of this id; raises UnknownPart."""
        if recovery_id not in self.recoveries:
            raise UnknownPart("recovery")
        return self.recoveries[recovery_id]

    def granted(self, remedies: list[Remedy]) -> "Ledger":
        """With the lines of a new decision."""
        lines = {remedy.remedy_id: Line.of(remedy) for remedy in remedies}
        return replace(self, lines=self.lines | lines)

    def given(self, gift: Remedy) -> "Ledger":
        """With a line beside any decision."""
        return self.put(replace(Line.of(gift), goodwill=True))

    def put(self, part: Line | Recovery) -> "Ledger":
        """With this line or recovery as it now is."""
        if isinstance(part, Line):
            return replace(self, lines=self.lines | {part.compensation_id: part})
        return replace(self, recoveries=self.recoveries | {part.recovery_id: part})

    def instructed(self, compensation_id: UUID, attempt: Attempt) -> "Ledger":
        """With a new attempt on one line."""
        line = self.lines[compensation_id]
        attempts = (*line.attempts, attempt)
        return self.put(replace(line, state=CompensationState.INSTRUCTED, attempts=attempts))

    @property
    def settled(self) -> bool:
        """Whether no line waits for payment."""
        return all(line.settled for line in self.lines.values())

    def standing(self) -> list[Line]:
        """The lines that count: all that were not wholly reversed."""
        return [line for line in self.lines.values() if line.state is not CompensationState.REVERSED]

    def compensates(self) -> bool:
        """Whether anything stands that a decision granted; what was given beside it compensates nothing."""
        return any(not line.goodwill for line in self.standing())

    def under_way(self) -> bool:
        """Whether money was instructed and its outcome is not known."""
        return any(line.state is CompensationState.INSTRUCTED for line in self.lines.values())

    def awaited(self) -> bool:
        """Whether a payment that was instructed has not been made."""
        waiting = (CompensationState.INSTRUCTED, CompensationState.FAILED)
        return any(line.state in waiting for line in self.lines.values())

    def paid(self) -> bool:
        """Whether any money was paid and stands."""
        return any(line.state is CompensationState.PAID for line in self.lines.values())

    def amount(self) -> int:
        """All the money that stands granted, in minor units of the order's currency."""
        return sum(line.lasting for line in self.standing())

    def amount_of(self, kind: RemedyKind) -> int:
        """What stands granted of a kind, in minor units of the order's currency."""
        return sum(line.lasting for line in self.standing() if line.kind is kind)

    def points(self) -> int:
        """The goodwill points that stand granted."""
        return sum(line.points or 0 for line in self.standing())

    def authorised(self) -> list[Line]:
        """The lines that were granted and not yet instructed."""
        return [line for line in self.lines.values() if line.state is CompensationState.AUTHORISED]

    def advance(self, line: Line) -> Recovery | None:
        """What the liable party owes the protection fund for having paid this line in its place."""
        advances = (
            one
            for one in self.recoveries.values()
            if one.compensation_id == line.compensation_id and one.cause is RecoveryCause.FUND_ADVANCE
        )
        return next(advances, None)

    def borne_by_fund(self, line: Line, advance: Recovery) -> int:
        """What the protection fund has paid on a line and neither got back nor asked of the buyer."""
        asked = sum(
            one.opened_minor
            for one in self.recoveries.values()
            if one.compensation_id == line.compensation_id and one.creditor is Payer.FUND and one != advance
        )
        twice = sum(
            one.amount.amount_minor
            for one in line.attempts
            if one.number in line.surplus and one.payer is Payer.FUND and one.amount
        )
        return advance.opened_minor + twice - advance.recovered_minor - asked
