"""What passes between the sides."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from domain import events
from domain.case.evolution.fold import evolve
from domain.case.negotiation import Negotiation, Offer
from domain.values import GOODS_KINDS, Stage

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.NoticeDelivered)
def _(fact: events.NoticeDelivered, case: "CaseState") -> None:
    case.stage = Stage.NEGOTIATING
    case.negotiation = Negotiation(fact.notice_id, fact.timestamp)


@evolve.register(events.MerchantAnswered)
def _(fact: events.MerchantAnswered, case: "CaseState") -> None:
    _go_on(case, lambda talks: talks.answered(fact.stance, fact.timestamp))


@evolve.register(events.MerchantDefaulted)
def _(fact: events.MerchantDefaulted, case: "CaseState") -> None:
    _go_on(case, Negotiation.in_default)


@evolve.register(events.OfferMade)
def _(fact: events.OfferMade, case: "CaseState") -> None:
    _go_on(case, lambda talks: talks.offered(Offer(fact.offer_id, fact.party, fact.remedies, fact.due)))


@evolve.register(events.OfferAccepted)
def _(fact: events.OfferAccepted, case: "CaseState") -> None:
    _go_on(case, Negotiation.agreed)
    case.agreement = fact
    case.stage = Stage.EXECUTING
    case.money = case.money.granted([one for one in fact.remedies if one.kind not in GOODS_KINDS])
    case.goods = case.goods.granted([one for one in fact.remedies if one.kind in GOODS_KINDS])


@evolve.register(events.OfferDeclined)
def _(fact: events.OfferDeclined, case: "CaseState") -> None:
    _go_on(case, lambda talks: talks.declined(fact.party, fact.timestamp))


@evolve.register(events.OfferLapsed)
def _(fact: events.OfferLapsed, case: "CaseState") -> None:
    _go_on(case, lambda talks: talks.lapsed(fact.party))


@evolve.register(events.CaseEscalated)
def _(fact: events.CaseEscalated, case: "CaseState") -> None:
    _go_on(case, lambda talks: talks.escalated(fact.party))


@evolve.register(events.HumanReviewDemanded)
def _(fact: events.HumanReviewDemanded, case: "CaseState") -> None:
    case.stage = Stage.IN_REVIEW
    case.round = fact.round
    case.contested = fact.decision_id
    case.goods = replace(case.goods.cancelled(fact.cancelled), failed=())
    case.follow_ups = case.follow_ups.superseded()
    case.appeals = case.appeals.paused(fact.timestamp)
    case.lease = None


@evolve.register(events.PlatformSteppedIn)
def _(fact: events.PlatformSteppedIn, case: "CaseState") -> None:
    case.stage = Stage.IN_REVIEW
    _go_on(case, Negotiation.taken_over)


def _go_on(case: "CaseState", change: Callable[[Negotiation], Negotiation]) -> None:
    if case.negotiation:
        case.negotiation = change(case.negotiation)
