"""What was granted in money, line by line, and how far each line is paid."""

from dataclasses import dataclass, field, replace
from uuid import UUID, uuid5

from domain.refusals import UnknownPart
from domain.values import CompensationState, Money, Payer, Release, Remedy, RemedyKind

SETTLED = frozenset({CompensationState.PAID, CompensationState.REVERSED})


@dataclass(frozen=True, slots=True)
class Line:
    """One remedy in money; `references` of the payment system lead to the versions that recorded them."""

    compensation_id: UUID
    kind: RemedyKind
    amount: Money | None
    points: int | None
    payer: Payer
    release: Release
    state: CompensationState = CompensationState.AUTHORISED
    attempts: int = 0
    references: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, remedy: Remedy) -> "Line":
        """The line that a granted remedy opens; who is not told to pay otherwise is the merchant."""
        payer = remedy.payer or Payer.MERCHANT
        return cls(remedy.remedy_id, remedy.kind, remedy.amount, remedy.points, payer, remedy.release)

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be paid on it."""
        return self.state in SETTLED

    def gateway_key(self) -> UUID:
        """The key of the next attempt: derived, so that a replay of the command names the same one."""
        return uuid5(self.compensation_id, str(self.attempts + 1))


@dataclass(frozen=True, slots=True)
class Ledger:
    """All lines of the case, over all its rounds."""

    lines: dict[UUID, Line] = field(default_factory=dict)

    def line(self, compensation_id: UUID) -> Line:
        """The line of this id; raises UnknownPart."""
        if compensation_id not in self.lines:
            raise UnknownPart("compensation")
        return self.lines[compensation_id]

    def granted(self, remedies: list[Remedy]) -> "Ledger":
        """With the lines of a new decision."""
        return Ledger(self.lines | {remedy.remedy_id: Line.of(remedy) for remedy in remedies})

    def instructed(self, compensation_id: UUID, attempt: int, payer: Payer) -> "Ledger":
        """With a new attempt on one line."""
        line = self.lines[compensation_id]
        return self._with(replace(line, state=CompensationState.INSTRUCTED, attempts=attempt, payer=payer))

    def reported(
        self, compensation_id: UUID, state: CompensationState, reference: str, version: int
    ) -> "Ledger":
        """With what the payment system reported of one line."""
        line = self.lines[compensation_id]
        return self._with(replace(line, state=state, references=line.references | {reference: version}))

    def _with(self, line: Line) -> "Ledger":
        return Ledger(self.lines | {line.compensation_id: line})

    @property
    def settled(self) -> bool:
        """Whether no line waits for payment."""
        return all(line.settled for line in self.lines.values())

    def standing(self) -> list[Line]:
        """The lines that count: all that were not reversed."""
        return [line for line in self.lines.values() if line.state is not CompensationState.REVERSED]

    def under_way(self) -> bool:
        """Whether money was instructed and its outcome is not known."""
        return any(line.state is CompensationState.INSTRUCTED for line in self.lines.values())

    def paid(self) -> bool:
        """Whether any money was paid and stands."""
        return any(line.state is CompensationState.PAID for line in self.lines.values())

    def amount_of(self, kind: RemedyKind) -> int:
        """What stands granted of a kind, in minor units of the order's currency."""
        return sum(line.amount.amount_minor for line in self.standing() if line.kind is kind and line.amount)

    def points(self) -> int:
        """The goodwill points that stand granted."""
        return sum(line.points or 0 for line in self.standing())

    def authorised(self) -> list[Line]:
        """The lines that were granted and not yet instructed."""
        return [line for line in self.lines.values() if line.state is CompensationState.AUTHORISED]
