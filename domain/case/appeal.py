"""What of the case can be appealed against, by whom and until when, and what was."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.refusals import UnknownPart
from domain.values import AppealAgainst, AppealState, Side, Stage


@dataclass(frozen=True, slots=True)
class Ruling:
    """Something that can be appealed against.

    judges: who had a part in it · party: the only one whom it concerns (None: both) · version: of the fact
    that made it what it is · until: when its window ends (None: it has none), if no pause puts that off.
    """

    ruling_id: UUID
    against: AppealAgainst
    judges: frozenset[str]
    party: Side | None
    version: int
    made_at: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Appeal:
    """One appeal; `round` is the one in which it was filed, `resumes` the stage before it."""

    appeal_id: UUID
    party: Side
    against: AppealAgainst
    target: UUID
    round: int
    resumes: Stage
    filed_at: datetime
    due: datetime
    evidence: tuple[UUID, ...]
    state: AppealState = AppealState.OPEN

    @property
    def open(self) -> bool:
        """Whether it is yet to be decided."""
        return self.state is AppealState.OPEN

    @property
    def judged(self) -> bool:
        """Whether somebody has decided it."""
        return self.state not in (AppealState.OPEN, AppealState.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which the case takes no appeal: one is open, or the case is reviewed anew or at rest."""

    began: datetime
    ended: datetime | None = None

    def delay(self, made_at: datetime, until: datetime) -> timedelta:
        """By how much it puts off the end of a window that it falls into."""
        if self.ended is None or self.began >= until:
            return timedelta()
        return max(self.ended - max(self.began, made_at), timedelta())


@dataclass(frozen=True, slots=True)
class Appeals:
    """Every appeal and everything that one can be against, over all rounds.

    approver: of the decision that is issued next, if it needs one · bench: who had a part in what was decided
    last · fallen: something was overturned, and nothing was decided since.
    """

    all: dict[UUID, Appeal] = field(default_factory=dict)
    rulings: dict[UUID, Ruling] = field(default_factory=dict)
    pauses: tuple[Pause, ...] = ()
    approver: str | None = None
    bench: frozenset[str] = frozenset()
    fallen: bool = False

    def appeal(self, appeal_id: UUID) -> Appeal:
        """The appeal of this id; raises UnknownPart."""
        if appeal_id not in self.all:
            raise UnknownPart("appeal")
        return self.all[appeal_id]

    def open(self) -> Appeal | None:
        """The appeal that is yet to be decided; there is at most one."""
        return next((one for one in self.all.values() if one.open), None)

    def filed(self, party: Side, of_round: int) -> int:
        """How often a party has appealed in a round; one that it took back counts."""
        return sum(one.party is party and one.round == of_round for one in self.all.values())

    def ruling(self, party: Side, against: AppealAgainst, target: UUID | None) -> Ruling | None:
        """What of this kind the party may appeal against, if there is such a thing; unnamed: the last one."""
        found = (
            one
            for one in reversed(self.rulings.values())
            if one.against is against
            and one.until is not None
            and one.party in (None, party)
            and target in (None, one.ruling_id)
        )
        return next(found, None)

    def until(self, ruling: Ruling) -> datetime | None:
        """When the window of a ruling ends: time in which the case took no appeal does not count."""
        return None if ruling.until is None else self.put_off(ruling.made_at, ruling.until)

    def put_off(self, began: datetime, until: datetime) -> datetime:
        """When a right's window ends that began at an instant: no pause counts."""
        for pause in self.pauses:
            until += pause.delay(began, until)
        return until

    def closes(self, ruling_id: UUID) -> datetime | None:
        """Until when this can be appealed; None for what cannot."""
        found = self.rulings.get(ruling_id)
        return self.until(found) if found else None

    def in_time(self, party: Side, at: datetime) -> list[Ruling]:
        """What the party could still appeal against, if it has an appeal left."""
        return [one for one in self.rulings.values() if one.party in (None, party) and self.open_at(one, at)]

    def open_at(self, ruling: Ruling, at: datetime) -> bool:
        """Whether a ruling's window is open."""
        until = self.until(ruling)
        return until is not None and at < until

    # --- as facts change it ---

    def ruled(self, ruling: Ruling) -> "Appeals":
        """With one more thing, or one changed, that can be appealed against."""
        return replace(self, rulings=self.rulings | {ruling.ruling_id: ruling})

    def decided(self, decision: Ruling) -> "Appeals":
        """With a new decision in the place of the one before: only the last one can be appealed against."""
        others = [one for one in self.rulings.values() if one.against is not AppealAgainst.DECISION]
        rulings = {one.ruling_id: one for one in (*others, decision)}
        return replace(
            self.resumed(decision.made_at),
            rulings=rulings,
            approver=None,
            bench=decision.judges,
            fallen=False,
        )

    def varied(self, target: UUID, by: str, version: int, at: datetime, until: datetime | None) -> "Appeals":
        """With a ruling in another form, by one more of the bench."""
        ruling = self.rulings[target]
        judges = ruling.judges | {by}
        varied = self.ruled(replace(ruling, judges=judges, version=version, made_at=at, until=until))
        return replace(varied, bench=self.bench | {by})

    def overturned(self, target: UUID, by: str) -> "Appeals":
        """Without a ruling, by one more of the bench."""
        return replace(self.without(target), bench=self.bench | {by}, fallen=True)

    def closed(self, ruling_id: UUID) -> "Appeals":
        """With a ruling, if it is one, that can be appealed against no longer."""
        ruling = self.rulings.get(ruling_id)
        return self.ruled(replace(ruling, until=None)) if ruling else self

    def without(self, ruling_id: UUID) -> "Appeals":
        """Without something that no longer stands."""
        return replace(self, rulings={key: one for key, one in self.rulings.items() if key != ruling_id})

    def put(self, appeal: Appeal) -> "Appeals":
        """With this appeal as it now is."""
        return replace(self, all=self.all | {appeal.appeal_id: appeal})

    def paused(self, at: datetime) -> "Appeals":
        """Now that no appeal is taken."""
        return replace(self, pauses=(*self.resumed(at).pauses, Pause(at)))

    def resumed(self, at: datetime) -> "Appeals":
        """Now that appeals are taken again, if they were not."""
        pauses = tuple(one if one.ended else replace(one, ended=at) for one in self.pauses)
        return replace(self, pauses=pauses)
