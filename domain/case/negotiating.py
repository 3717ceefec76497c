"""Commands of the sides while they try to agree: turn by turn, each with its time to reply."""

from datetime import datetime
from uuid import UUID, uuid5

from domain import events
from domain.case.deciding import Deciding
from domain.case.negotiation import Negotiation
from domain.case.state import PROOF_ASKED_FOR
from domain.policy import Policy, pack
from domain.policy.claim import asked_for, spread
from domain.policy.deadlines import reply_due
from domain.policy.entitlement import entitlements, largest
from domain.refusals import (
    AnswerOverdue,
    CompensationExceedsEntitlement,
    NotYourTurn,
    WrongStage,
)
from domain.values import (
    GOODS_KINDS,
    MONEY_KINDS,
    NEGOTIATORS,
    Actor,
    Channel,
    ClockKind,
    Money,
    Payer,
    Release,
    ReleaseCause,
    Remedy,
    RemedyKind,
    Sealed,
    Side,
    Stage,
    Stance,
    VoidCause,
)

_OWN_ACCOUNTS = frozenset({None, Payer.MERCHANT, Payer.DEPOSIT})
_OWN_GIFTS = frozenset({RemedyKind.FREIGHT, RemedyKind.MULTIPLE, RemedyKind.COUPON})
"""Money of which a merchant may give more than it owes. What was not paid cannot be refunded."""


class Negotiating(Deciding):
    """Notice, answer, offers and replies."""

    def deliver_notice(self, notice_id: UUID, channel: Channel, policy: Policy, at: datetime) -> None:
        """Record that the merchant was told of the claim, which it must answer in time (M-1).

        Refused: CaseAlreadyClosed, WrongStage.
        """
        self._unless_closed()
        self._in_stage("notice")
        self._record(events.NoticeDelivered, at, notice_id=notice_id, party=Side.MERCHANT, channel=channel)
        self._await_answer(notice_id, policy, at)

    def answer(self, stance: Stance, text: Sealed, policy: Policy, at: datetime) -> None:
        """Take the merchant's stance on the claim. Where it agrees, the claim is granted as it was filed.

        Refused: CaseAlreadyClosed, WrongStage, NotYourTurn, AnswerOverdue, CompensationExceedsEntitlement (it
        agrees to more than can be granted: let it make an offer).
        """
        self._unless_closed()
        self._in_stage("answers")
        self._may_answer(at)
        notice_id = self._talks().notice_id
        remedies = self._as_claimed(notice_id) if stance is Stance.AGREES else ()
        self._record(events.MerchantAnswered, at, stance=stance, text=text)
        self._has_moved(Side.MERCHANT, at)
        if stance is Stance.AGREES:
            self._agree(notice_id, Side.MERCHANT, remedies, policy, at)

    def make_offer(
        self,
        by: Actor,
        offer_id: UUID,
        remedies: tuple[Remedy, ...],
        clauses: tuple[str, ...],
        text: Sealed,
        policy: Policy,
        at: datetime,
    ) -> None:
        """Offer to settle on these remedies; to the other side's open offer this is a counter-offer.

        A buyer can ask for what the clauses entitle to; a merchant may give more of its own money. Refused:
        CaseAlreadyClosed, WrongStage, NotYourTurn, AnswerOverdue, ClauseNotInForce,
        CompensationExceedsEntitlement.
        """
        self._unless_closed()
        self._in_stage("offers")
        side = NEGOTIATORS[by.role]
        talks = self._talks()
        talks.let_move(side)
        self._unless_overdue(side, at)
        self._offerable(side, remedies, clauses, policy)
        self._record(
            events.OfferMade,
            at,
            offer_id=offer_id,
            party=side,
            remedies=remedies,
            clauses=clauses,
            text=text,
            due=reply_due(at, policy).value,
            declines=talks.offer.offer_id if talks.offer else None,
        )
        self._has_moved(side, at)
        rule = policy.needed(pack.REPLY)
        self._start_term(ClockKind.REPLY, offer_id, rule, rule.terms.term, policy, at)

    def accept_offer(self, by: Actor, offer_id: UUID, policy: Policy, at: datetime) -> None:
        """Agree to the other side's offer: what it grants is executed as if it had been decided.

        Raises UnknownPart. Refused: CaseAlreadyClosed, WrongStage, OfferNotOpen, NotYourTurn.
        """
        self._unless_closed()
        self._in_stage("offers")
        side = NEGOTIATORS[by.role]
        offer = self._talks().offered_to(side, offer_id, at)
        self._has_moved(side, at)
        self._agree(offer_id, side, offer.remedies, policy, at)

    def decline_offer(self, by: Actor, offer_id: UUID, reasons: Sealed, at: datetime) -> None:
        """Turn the other side's offer down; it may then make another.

        Raises UnknownPart. Refused: CaseAlreadyClosed, WrongStage, OfferNotOpen, NotYourTurn.
        """
        self._unless_closed()
        self._in_stage("offers")
        side = NEGOTIATORS[by.role]
        self._talks().offered_to(side, offer_id, at)
        self._record(events.OfferDeclined, at, offer_id=offer_id, party=side, reasons=reasons)
        self._has_moved(side, at)

    def _lapse_offer(self, offer_id: UUID, at: datetime) -> None:
        silent = self._talks().offers[offer_id].party.other
        self._record(events.OfferLapsed, at, offer_id=offer_id, party=silent)

    def _await_answer(self, notice_id: UUID, policy: Policy, at: datetime) -> None:
        rule = policy.needed(pack.ANSWER)
        self._start_term(ClockKind.ANSWER, notice_id, rule, rule.terms.term, policy, at)

    def _talks(self) -> Negotiation:
        """What the sides have said. Refused, where the merchant was never told: WrongStage."""
        if self.negotiation is None:
            raise WrongStage("the merchant was not told of the claim")
        return self.negotiation

    def _may_answer(self, at: datetime) -> None:
        """The merchant answers in its turn, or in a review that waits for it."""
        if self.stage is Stage.NEGOTIATING:
            self._talks().let_move(Side.MERCHANT)
        elif not self.clocks.of_kind(ClockKind.ANSWER):
            raise NotYourTurn("no answer is waited for")
        self._unless_overdue(Side.MERCHANT, at)

    def _unless_overdue(self, side: Side, at: datetime) -> None:
        awaited = self.clocks.of_kind(ClockKind.ANSWER) if side is Side.MERCHANT else []
        if any(at >= clock.due for clock in awaited):
            raise AnswerOverdue(f"{pack.ANSWER.id}: silence until then decides against the merchant")

    def _has_moved(self, side: Side, at: datetime) -> None:
        kinds = (ClockKind.ANSWER, ClockKind.REPLY) if side is Side.MERCHANT else (ClockKind.REPLY,)
        self._satisfy_clocks(at, *kinds)

    def _agree(
        self, offer_id: UUID, side: Side, remedies: tuple[Remedy, ...], policy: Policy, at: datetime
    ) -> None:
        self._void_proposal(VoidCause.AGREED, at)
        self._record(
            events.OfferAccepted,
            at,
            offer_id=offer_id,
            party=side,
            remedies=remedies,
            due=self.due_in(Stage.EXECUTING, policy, at),
        )
        lease = self._live_lease(at)
        if lease:
            self._record(events.CaseReleased, at, holder=lease.holder, cause=ReleaseCause.AGREED)
        self._cancel_clocks(at, *PROOF_ASKED_FOR)
        self._execute(offer_id, policy, at)

    def _as_claimed(self, notice_id: UUID) -> tuple[Remedy, ...]:
        """What the claim asks for, out of the merchant's own account: no more is refunded than was paid."""
        order, claim = self.filing.order, self.filing.claim
        asked = asked_for(claim, order)
        room = dict.fromkeys(_OWN_GIFTS, asked) | {RemedyKind.REFUND: order.paid.amount_minor}
        money = spread(asked, claim.remedies, room)
        missing = asked - sum(money.values())
        if missing or (not asked and MONEY_KINDS & set(claim.remedies)):
            raise CompensationExceedsEntitlement("the claim cannot be granted as it was filed: make an offer")
        return self._claimed(notice_id, money)

    def _claimed(self, source: UUID, money: dict[RemedyKind, int]) -> tuple[Remedy, ...]:
        """The claimed goods and so much money as remedies; what is refunded for goods waits for them."""
        kinds = self.filing.claim.remedies
        waits = RemedyKind.RETURN in kinds
        currency = self.filing.order.paid.currency
        goods = [Remedy(uuid5(source, kind), kind) for kind in kinds if kind in GOODS_KINDS]
        paid = [
            Remedy(
                uuid5(source, kind),
                kind,
                Money(minor, currency),
                release=Release.GOODS_ACCEPTED if waits and kind is RemedyKind.REFUND else Release.NOW,
            )
            for kind, minor in money.items()
        ]
        return (*goods, *paid)

    def _offerable(
        self, side: Side, remedies: tuple[Remedy, ...], clauses: tuple[str, ...], policy: Policy
    ) -> None:
        if any(one.payer not in _OWN_ACCOUNTS for one in remedies):
            raise CompensationExceedsEntitlement("the sides can only agree on the merchant's own money")
        currency = self.filing.order.paid.currency
        if any(one.amount and one.amount.currency != currency for one in remedies):
            raise CompensationExceedsEntitlement(f"only {currency} can be granted on this order")
        self._within_entitlement(side, remedies, clauses, policy)

    def _within_entitlement(
        self, side: Side, remedies: tuple[Remedy, ...], clauses: tuple[str, ...], policy: Policy
    ) -> None:
        """A buyer asks for no more than the clauses open; a merchant gives of its own what it likes."""
        self._in_force(clauses, policy)
        found = entitlements(self.matter(), policy, clauses)
        given = _OWN_GIFTS if side is Side.MERCHANT else frozenset()
        after = self.money.granted([one for one in remedies if one.kind in MONEY_KINDS])
        for kind in {one.kind for one in remedies} & MONEY_KINDS - given:
            best = largest(kind, found)
            limit = best.limit or 0 if best else 0
            if kind is RemedyKind.POINTS or after.amount_of(kind) > limit:
                raise CompensationExceedsEntitlement(f"{kind}: at most {limit}")
