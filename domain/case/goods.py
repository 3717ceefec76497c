"""Goods that a decision set in motion, leg by leg."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from domain.refusals import UnknownPart
from domain.values import INBOUND_KINDS, GoodsCondition, GoodsState, Remedy, RemedyKind, RepairOutcome

FALLEN = frozenset(
    {GoodsState.REJECTED, GoodsState.LOST, GoodsState.LAPSED, GoodsState.EXCHANGED, GoodsState.CANCELLED}
)
"""Where a leg ends that did not come to what was decided."""

SETTLED = FALLEN | {GoodsState.ACCEPTED}


@dataclass(frozen=True, slots=True)
class Leg:
    """One thing on its way; each reference leads to the versions that recorded it, by the state reached."""

    goods_id: UUID
    kind: RemedyKind
    state: GoodsState = GoodsState.TO_SHIP
    ship_by: datetime | None = None
    received_at: datetime | None = None
    lapsed_at: datetime | None = None
    condition: GoodsCondition | None = None
    repair_began: datetime | None = None
    references: dict[tuple[GoodsState, str], int] = field(default_factory=dict)

    @property
    def settled(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in SETTLED

    @property
    def inbound(self) -> bool:
        """Whether the buyer sends it in, and not the merchant out."""
        return self.kind in INBOUND_KINDS

    @property
    def authorisable(self) -> bool:
        """Whether the buyer can be allowed to send it in, and has not been."""
        return self.inbound and self.ship_by is None and self.state is GoodsState.TO_SHIP

    @property
    def left(self) -> bool:
        """Whether it ever left whoever sends it."""
        return any(state is GoodsState.IN_TRANSIT for state, _ in self.references)

    def reported(self, reference: str, version: int) -> "Leg":
        """With one more reference for the state that it is in."""
        return replace(self, references=self.references | {(self.state, reference): version})


@dataclass(frozen=True, slots=True)
class Goods:
    """All legs of the case, over all its rounds.

    failed: those that did not come to what was decided, forgone: those that the buyer did not send in, both
    until somebody decides anew · repairs: how many were begun, failed_repairs: how many of them failed.
    """

    legs: dict[UUID, Leg] = field(default_factory=dict)
    failed: tuple[UUID, ...] = ()
    forgone: tuple[UUID, ...] = ()
    repairs: int = 0
    failed_repairs: int = 0

    def leg(self, goods_id: UUID) -> Leg:
        """The leg of this id; raises UnknownPart."""
        if goods_id not in self.legs:
            raise UnknownPart("goods")
        return self.legs[goods_id]

    def granted(self, remedies: Iterable[Remedy]) -> "Goods":
        """With the legs of a new decision, which answers what failed or was forgone before."""
        new = {remedy.remedy_id: Leg(remedy.remedy_id, remedy.kind) for remedy in remedies}
        return replace(self, legs=self.legs | new, failed=(), forgone=())

    def put(self, *legs: Leg) -> "Goods":
        """With these legs as they now are."""
        return replace(self, legs=self.legs | {leg.goods_id: leg for leg in legs})

    def failing(self, leg: Leg) -> "Goods":
        """With a leg that ended otherwise than was decided."""
        return replace(self.put(leg), failed=(*self.failed, leg.goods_id))

    def forgoing(self, leg: Leg) -> "Goods":
        """With a leg that the buyer did not send in."""
        return replace(self.put(leg), forgone=(*self.forgone, leg.goods_id))

    def cancelled(self, goods_ids: Iterable[UUID]) -> "Goods":
        """Without these legs having to move."""
        return self.put(*(replace(self.legs[key], state=GoodsState.CANCELLED) for key in goods_ids))

    def repaired(self, outcome: RepairOutcome) -> "Goods":
        """With one more repair at its end."""
        return replace(self, failed_repairs=self.failed_repairs + (outcome is RepairOutcome.FAILED))

    @property
    def settled(self) -> bool:
        """Whether no leg is still on its way."""
        return all(leg.settled for leg in self.legs.values())

    def standing(self) -> list[Leg]:
        """The legs that came, or may still come, to what was decided."""
        return [leg for leg in self.legs.values() if leg.state not in FALLEN]

    def kinds(self) -> set[RemedyKind]:
        """The kinds of leg that stand."""
        return {leg.kind for leg in self.standing()}

    def idle(self) -> tuple[UUID, ...]:
        """The legs that have not left."""
        return tuple(leg.goods_id for leg in self.legs.values() if leg.state is GoodsState.TO_SHIP)

    def outbound(self) -> tuple[UUID, ...]:
        """The legs that the merchant has still to send."""
        return tuple(goods_id for goods_id in self.idle() if not self.legs[goods_id].inbound)

    def returning(self) -> bool:
        """Whether something is still to come back."""
        return any(leg.kind is RemedyKind.RETURN and not leg.settled for leg in self.legs.values())
