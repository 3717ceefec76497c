"""Goods that a decision set in motion, leg by leg."""

from dataclasses import dataclass, field, replace
from uuid import UUID

from domain.refusals import UnknownPart
from domain.values import GoodsState, Remedy, RemedyKind


@dataclass(frozen=True, slots=True)
class Leg:
    """One thing on its way; each reference leads to the versions that recorded it, by the state reached."""

    goods_id: UUID
    kind: RemedyKind
    state: GoodsState = GoodsState.TO_SHIP
    references: dict[tuple[GoodsState, str], int] = field(default_factory=dict)

    @property
    def settled(self) -> bool:
        """Whether it arrived and was taken as good."""
        return self.state is GoodsState.ACCEPTED


@dataclass(frozen=True, slots=True)
class Goods:
    """All legs of the case, over all its rounds."""

    legs: dict[UUID, Leg] = field(default_factory=dict)

    def leg(self, goods_id: UUID) -> Leg:
        """The leg of this id; raises UnknownPart."""
        if goods_id not in self.legs:
            raise UnknownPart("goods")
        return self.legs[goods_id]

    def granted(self, remedies: list[Remedy]) -> "Goods":
        """With the legs of a new decision."""
        return Goods(
            self.legs | {remedy.remedy_id: Leg(remedy.remedy_id, remedy.kind) for remedy in remedies}
        )

    def moved(self, goods_id: UUID, state: GoodsState, reference: str, version: int) -> "Goods":
        """With one leg further on its way."""
        leg = self.legs[goods_id]
        references = leg.references | {(state, reference): version}
        return Goods(self.legs | {goods_id: replace(leg, state=state, references=references)})

    @property
    def settled(self) -> bool:
        """Whether no leg is still on its way."""
        return all(leg.settled for leg in self.legs.values())

    def kinds(self) -> set[RemedyKind]:
        """The kinds of leg that were set in motion."""
        return {leg.kind for leg in self.legs.values()}
