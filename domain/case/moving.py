"""Commands that move goods and say what became of them.

A movement comes from outside and comes again: under a reference that is known it records nothing, and the
command returns the version that recorded it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain import events
from domain.case.goods import Leg
from domain.case.settlement import Settlement
from domain.policy import Policy, pack
from domain.policy.deadlines import return_shipped_by
from domain.policy.derivation import Derived
from domain.policy.goods import intactness
from domain.refusals import ConditionContradictsFindings, GoodsIntact, OtherPartyHandlesGoods, WrongStage
from domain.values import (
    Actor,
    ClockKind,
    GoodsCondition,
    GoodsState,
    Objection,
    RemedyKind,
    Role,
    Sealed,
)

_PARTIES = frozenset({Role.BUYER_INTEGRATION, Role.MERCHANT})

_BEFORE = {
    GoodsState.IN_TRANSIT: {GoodsState.TO_SHIP, GoodsState.REFUSED},
    GoodsState.REFUSED: {GoodsState.IN_TRANSIT},
    GoodsState.RECEIVED: {GoodsState.IN_TRANSIT},
    GoodsState.INSPECTED: {GoodsState.RECEIVED},
    GoodsState.ACCEPTED: {
        GoodsState.REFUSED,
        GoodsState.RECEIVED,
        GoodsState.INSPECTED,
        GoodsState.REPAIRED,
    },
    GoodsState.REJECTED: {
        GoodsState.REFUSED,
        GoodsState.RECEIVED,
        GoodsState.INSPECTED,
        GoodsState.REPAIRED,
        GoodsState.REPAIR_FAILED,
    },
    GoodsState.LOST: {GoodsState.IN_TRANSIT},
}
"""From which states each is reached; what a return or a repair allows of it is narrower."""


class Moving(Settlement):
    """Goods that come back, go out and are looked at."""

    def authorise_return(
        self, by: Actor, goods_id: UUID, address: Sealed | None, policy: Policy, at: datetime
    ) -> None:
        """Let the buyer send a leg in, within the operator's term (O-8).

        Raises UnknownPart. Refused: CaseAlreadyClosed, WrongStage (also when it need not, or no longer),
        OtherPartyHandlesGoods.
        """
        leg = self.goods.leg(goods_id)
        self._unless_closed()
        self._in_stage("authorisation")
        _handled_by(by, Role.MERCHANT)
        if not leg.authorisable:
            raise WrongStage("the buyer has nothing to be allowed to send")
        ship_by = return_shipped_by(at, policy).value
        self._record(events.ReturnAuthorised, at, goods_id=goods_id, ship_by=ship_by, address=address)
        rule = policy.needed(pack.SHIP_RETURN)
        self._start_term(ClockKind.GOODS_SHIPMENT, goods_id, rule, rule.terms.term, policy, at)

    def ship_goods(self, by: Actor, goods_id: UUID, reference: str, at: datetime) -> int | None:
        """Record that a leg left. Raises and refuses as `accept_goods`."""
        leg = self.goods.leg(goods_id)
        known = self._moved(by, leg, GoodsState.IN_TRANSIT, events.GoodsShipped, reference, at)
        if known is None:
            self._end_clock(goods_id, events.ClockSatisfied, at)
        return known

    def receive_goods(
        self, by: Actor, goods_id: UUID, reference: str, policy: Policy, at: datetime
    ) -> int | None:
        """Record that a leg arrived. Raises and refuses as `accept_goods`."""
        leg = self.goods.leg(goods_id)
        known = self._moved(by, leg, GoodsState.RECEIVED, events.GoodsReceived, reference, at)
        if known is None:
            self._carry_on(policy, at)
        return known

    def accept_goods(
        self, by: Actor, goods_id: UUID, reference: str, policy: Policy, at: datetime
    ) -> int | None:
        """Record that a leg was taken as good; instruct what was held back until all were.

        Raises UnknownPart. Refused: CaseAlreadyClosed, WrongStage (also when the leg has not arrived),
        OtherPartyHandlesGoods.
        """
        leg = self.goods.leg(goods_id)
        known = self._moved(by, leg, GoodsState.ACCEPTED, events.GoodsAccepted, reference, at)
        if known is None:
            self._accepted(goods_id, policy, at)
        return known

    def lose_goods(
        self, by: Actor, goods_id: UUID, reference: str, policy: Policy, at: datetime
    ) -> int | None:
        """Record that a leg was lost on its way; who is liable is decided in another round.

        Raises UnknownPart. Refused: CaseAlreadyClosed, WrongStage.
        """
        leg = self.goods.leg(goods_id)
        known = self._moved(by, leg, GoodsState.LOST, events.GoodsLost, reference, at)
        if known is None:
            self._carry_on(policy, at)
        return known

    def refuse_goods(self, by: Actor, goods_id: UUID, reasons: Sealed, policy: Policy, at: datetime) -> None:
        """Record that a leg was not taken from the carrier. Raises and refuses as `accept_goods`."""
        leg = self.goods.leg(goods_id)
        self._reaches(by, leg, GoodsState.REFUSED)
        self._record(events.GoodsRefused, at, goods_id=goods_id, reasons=reasons)
        self._carry_on(policy, at)

    def inspect_goods(
        self,
        by: Actor,
        goods_id: UUID,
        condition: GoodsCondition,
        found: tuple[str, ...],
        policy: Policy,
        at: datetime,
    ) -> None:
        """Record what was found of a leg that arrived.

        Goods that come back are damaged by what breaks their intactness, and by nothing else (NR-4).
        Raises and refuses as `accept_goods`, and: ConditionContradictsFindings.
        """
        leg = self.goods.leg(goods_id)
        self._reaches(by, leg, GoodsState.INSPECTED)
        broken = self.broken(goods_id, found, policy)
        judged = broken.derivation and condition in (GoodsCondition.INTACT, GoodsCondition.DAMAGED)
        if judged and (condition is GoodsCondition.DAMAGED) != bool(broken.value):
            raise ConditionContradictsFindings(pack.INTACT.id)
        self._record(
            events.GoodsInspected,
            at,
            goods_id=goods_id,
            condition=condition,
            found=found,
            broken=tuple(one.reason for one in broken.value),
            derivation=broken.derivation,
        )

    def reject_goods(
        self, by: Actor, goods_id: UUID, clause: str, reasons: Sealed, policy: Policy, at: datetime
    ) -> None:
        """Record that a leg is not taken as good: what was to follow from it is decided anew.

        Goods that come back are rejected upon what an inspection found of them, or at the door.
        Raises and refuses as `accept_goods`, and: GoodsIntact, ClauseNotInForce.
        """
        leg = self.goods.leg(goods_id)
        self._reaches(by, leg, GoodsState.REJECTED)
        if leg.kind is RemedyKind.RETURN and leg.condition is GoodsCondition.INTACT:
            raise GoodsIntact(pack.INTACT.id)
        self._in_force((clause,), policy)
        self._record(events.GoodsRejected, at, goods_id=goods_id, clause=clause, reasons=reasons)
        self._end_clock(goods_id, events.ClockSatisfied, at)
        self._carry_on(policy, at)

    def _moved(
        self,
        by: Actor,
        leg: Leg,
        reaching: GoodsState,
        fact: type[events.Fact],
        reference: str,
        at: datetime,
        **content: Any,
    ) -> int | None:
        if (reaching, reference) in leg.references:
            return leg.references[reaching, reference]
        self._reaches(by, leg, reaching)
        self._record(fact, at, goods_id=leg.goods_id, reference=reference, **content)
        return None

    def _reaches(self, by: Actor, leg: Leg, reaching: GoodsState) -> None:
        self._unless_closed()
        self._in_stage("goods")
        if leg.state not in _BEFORE[reaching] or _not_so(leg, reaching):
            raise WrongStage(f"the goods are {leg.state}")
        if reaching is not GoodsState.LOST:
            _handled_by(by, _whose(leg, reaching))

    def broken(
        self, goods_id: UUID, found: tuple[str, ...], policy: Policy
    ) -> Derived[tuple[Objection, ...]]:
        """What of that which was found broke the intactness of goods that came back (NR-4)."""
        if self.goods.leg(goods_id).kind is not RemedyKind.RETURN:
            return Derived(())
        return intactness(self.filing.order.category, found, policy)

    def _accepted(self, goods_id: UUID, policy: Policy, at: datetime) -> None:
        """What follows when a leg is taken as good."""
        self._end_clock(goods_id, events.ClockSatisfied, at)
        self._carry_on(policy, at)

    # --- what clocks bring about ---

    def _not_shipped(self, goods_id: UUID, policy: Policy, at: datetime) -> None:
        """Goods that are not sent in time lapse, and with a return what was to be had for it.

        The case of a buyer to whom nothing else was granted expires. A merchant that sends nothing has not
        done what was decided: it is decided anew.
        """
        leg = self.goods.legs[goods_id]
        if leg.state not in _BEFORE[GoodsState.IN_TRANSIT]:
            return
        of_a_return = leg.kind is RemedyKind.RETURN
        cancelled = self.goods.outbound() if of_a_return else ()
        self._record(events.GoodsLapsed, at, goods_id=goods_id, cancelled=cancelled)
        if of_a_return:
            self._drop_held_back(policy, at)
        self._carry_on(policy, at)

    def _not_handled(self, goods_id: UUID, policy: Policy, at: datetime) -> None:
        """Goods that came back and were not handled in time count as taken (NR-7)."""
        clause = pack.DEEMED_REFUSAL.id
        self._record(events.GoodsAccepted, at, goods_id=goods_id, reference=clause, clause=clause)
        self._accepted(goods_id, policy, at)


def _not_so(leg: Leg, reaching: GoodsState) -> bool:
    """What the table of states allows, but not for this kind of goods."""
    returned = leg.kind is RemedyKind.RETURN
    match reaching:
        case GoodsState.ACCEPTED:
            return leg.state is GoodsState.REFUSED and not returned
        case GoodsState.REJECTED:
            return leg.state is GoodsState.RECEIVED and returned
        case _:
            return False


def _whose(leg: Leg, reaching: GoodsState) -> Role:
    """The party that says so: who sends it, who receives it; a repaired thing is the buyer's to take."""
    sent = reaching is GoodsState.IN_TRANSIT
    judged = reaching in (GoodsState.ACCEPTED, GoodsState.REJECTED)
    buyer = leg.inbound == sent or (leg.kind is RemedyKind.REPAIR and judged)
    return Role.BUYER_INTEGRATION if buyer else Role.MERCHANT


def _handled_by(by: Actor, party: Role) -> None:
    """The platform's people and the carriers report for either party; a party reports for itself."""
    if by.role in _PARTIES and by.role is not party:
        raise OtherPartyHandlesGoods
