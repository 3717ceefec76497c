"""What has to change so that what stands of a decision becomes what it should have been."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from domain.case.goods import Leg
from domain.case.money import Line
from domain.values import GOODS_KINDS, CompensationState, GoodsState, Money, Remedy, RemedyKind

_EASIEST_FIRST = (
    CompensationState.AUTHORISED,
    CompensationState.FAILED,
    CompensationState.INSTRUCTED,
    CompensationState.PAID,
)
"""In which order lines are taken back: what is not paid need not be recovered."""


@dataclass(frozen=True, slots=True)
class Difference:
    """granted: beyond what stands · reduced: what falls of each line (None: all) · cancelled: goods."""

    granted: tuple[Remedy, ...] = ()
    reduced: tuple[tuple[UUID, Money | None], ...] = ()
    cancelled: tuple[UUID, ...] = ()

    def plus(self, other: "Difference") -> "Difference":
        """Both together."""
        return Difference(
            self.granted + other.granted, self.reduced + other.reduced, self.cancelled + other.cancelled
        )


def difference(lines: Sequence[Line], legs: Sequence[Leg], wanted: Sequence[Remedy]) -> Difference:
    """From the lines and legs that stand to the remedies that are wanted, kind by kind.

    Who pays what is already granted does not change. Goods that have left come to where they go.
    """
    whole = Difference()
    for kind in RemedyKind:
        asked = [one for one in wanted if one.kind is kind]
        if kind in GOODS_KINDS:
            whole = whole.plus(_of_goods([one for one in legs if one.kind is kind], asked))
        elif kind is RemedyKind.POINTS:
            whole = whole.plus(_of_points([one for one in lines if one.kind is kind], asked))
        else:
            whole = whole.plus(_of_money([one for one in lines if one.kind is kind], asked))
    return whole


def idle(legs: Iterable[Leg]) -> tuple[UUID, ...]:
    """The legs that have not left."""
    return tuple(leg.goods_id for leg in legs if leg.state is GoodsState.TO_SHIP)


def _of_goods(legs: Sequence[Leg], asked: Sequence[Remedy]) -> Difference:
    surplus = len(legs) - len(asked)
    return Difference(granted=tuple(asked[len(legs) :]), cancelled=idle(legs)[: max(surplus, 0)])


def _of_points(lines: Sequence[Line], asked: Sequence[Remedy]) -> Difference:
    stands = sum(line.points or 0 for line in lines)
    more = sum(one.points or 0 for one in asked) - stands
    if more > 0:
        return Difference(granted=(replace(asked[-1], points=more),))
    fallen = tuple((line.compensation_id, None) for line in lines)
    return Difference(granted=tuple(asked), reduced=fallen) if more else Difference()


def _of_money(lines: Sequence[Line], asked: Sequence[Remedy]) -> Difference:
    more = sum(one.amount.amount_minor for one in asked if one.amount) - sum(line.lasting for line in lines)
    if more > 0 and asked[-1].amount:
        amount = replace(asked[-1].amount, amount_minor=more)
        return Difference(granted=(replace(asked[-1], amount=amount),))
    return Difference(reduced=tuple(_taken(lines, -more)))


def _taken(lines: Sequence[Line], minor: int) -> Iterable[tuple[UUID, Money | None]]:
    for line in sorted(lines, key=lambda one: _EASIEST_FIRST.index(one.state)):
        taken = min(minor, line.lasting)
        minor -= taken
        if taken and line.amount:
            yield line.compensation_id, replace(line.amount, amount_minor=taken)
