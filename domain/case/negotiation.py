"""What the sides say to each other, and whose turn it is."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from domain.refusals import NotYourTurn, OfferNotOpen, UnknownPart
from domain.values import OfferState, Remedy, Side, Stance


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer to settle; the other side may reply before `due`."""

    offer_id: UUID
    party: Side
    remedies: tuple[Remedy, ...]
    due: datetime
    state: OfferState = OfferState.OPEN


@dataclass(frozen=True, slots=True)
class Negotiation:
    """What the sides say between the notice and their agreement, or the platform's decision.

    notice_id: of the notice that put the claim to the merchant · began: when · turn: who is to move (None:
    nobody) · refusals: when each side last refused what the other one wanted, if it has not moved since ·
    escalated_by: who asked the platform · defaulted: the merchant was silent.
    """

    notice_id: UUID
    began: datetime
    turn: Side | None = Side.MERCHANT
    stance: Stance | None = None
    refusals: dict[Side, datetime] = field(default_factory=dict)
    offers: dict[UUID, Offer] = field(default_factory=dict)
    escalated_by: Side | None = None
    defaulted: bool = False

    @property
    def offer(self) -> Offer | None:
        """The offer that waits for a reply; there is at most one."""
        return next((one for one in self.offers.values() if one.state is OfferState.OPEN), None)

    def let_move(self, side: Side) -> None:
        """Raises NotYourTurn unless it is this side's turn."""
        if self.turn is not side:
            raise NotYourTurn

    def offered_to(self, side: Side, offer_id: UUID, at: datetime) -> Offer:
        """The offer of this id, which waits for this side. Raises UnknownPart, OfferNotOpen, NotYourTurn."""
        if offer_id not in self.offers:
            raise UnknownPart("offer")
        offer = self.offers[offer_id]
        if offer.state is not OfferState.OPEN:
            raise OfferNotOpen(f"the offer is {offer.state}")
        if at >= offer.due:
            raise OfferNotOpen("the time to reply is over")
        if offer.party is side:
            raise NotYourTurn("the offer waits for the other side")
        return offer

    # --- as facts change it ---

    def answered(self, stance: Stance, at: datetime) -> "Negotiation":
        """With the merchant's answer; it declines what the buyer had offered."""
        refused = {Side.MERCHANT: at} if stance is Stance.REFUSES else {}
        moved = self._ended(OfferState.DECLINED)
        return replace(moved, stance=stance, turn=Side.BUYER, refusals=self.refusals | refused)

    def offered(self, offer: Offer) -> "Negotiation":
        """With a new offer, in the place of the open one. Who offers something refuses no longer."""
        moved = self._ended(OfferState.DECLINED)
        refusals = {side: at for side, at in self.refusals.items() if side is not offer.party}
        offers = moved.offers | {offer.offer_id: offer}
        return replace(moved, offers=offers, turn=offer.party.other, refusals=refusals)

    def declined(self, party: Side, at: datetime) -> "Negotiation":
        """With the open offer turned down; its maker may make another."""
        refusals = self.refusals | {party: at}
        return replace(self._ended(OfferState.DECLINED), turn=party.other, refusals=refusals)

    def lapsed(self, silent: Side) -> "Negotiation":
        """With the open offer left without a reply; its maker may make another."""
        return replace(self._ended(OfferState.LAPSED), turn=silent.other)

    def put_off(self, offer_id: UUID, due: datetime) -> "Negotiation":
        """With more time to reply to an offer."""
        return replace(self, offers=self.offers | {offer_id: replace(self.offers[offer_id], due=due)})

    def agreed(self) -> "Negotiation":
        """Now that the sides agree: on the open offer, if there is one."""
        return replace(self._ended(OfferState.ACCEPTED), turn=None)

    def escalated(self, by: Side) -> "Negotiation":
        """Now that a side has asked the platform, which ends what was offered."""
        return replace(self._ended(OfferState.LAPSED), escalated_by=by, turn=by.other)

    def taken_over(self) -> "Negotiation":
        """Now that the platform decides."""
        return replace(self._ended(OfferState.LAPSED), turn=None)

    def in_default(self) -> "Negotiation":
        """Now that the merchant has let its time pass."""
        return replace(self, defaulted=True)

    def _ended(self, state: OfferState) -> "Negotiation":
        ended = {one.offer_id: replace(one, state=state) for one in (self.offer,) if one}
        return replace(self, offers=self.offers | ended)
