"""How much may be granted under which clause, and how that comes about.

`entitlements` lists them for a case; each clause has a small function of its own that says what it opens.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.policy import eligibility, pack
from domain.policy.claim import claimed_pieces, price_of
from domain.policy.derivation import step
from domain.policy.goods import freight_bearer
from domain.policy.pack import Multiple, Percentage, Policy, Rule
from domain.values import (
    Circumstance,
    Claim,
    Derivation,
    LiableParty,
    Money,
    OrderLine,
    RemedyKind,
    Role,
    Step,
)


@dataclass(frozen=True, slots=True)
class Entitlement:
    """The most that a clause allows of one kind of remedy.

    `limit` is in minor units of the order's currency, for points their number; None for goods.
    """

    kind: RemedyKind
    clause: str
    limit: int | None
    derivation: Derivation


@dataclass(frozen=True, slots=True)
class Matter:
    """What is to be decided: the order, what is claimed of it for which reason, and what was established.

    `loss` is what the buyer lost beside the price, where the finding says so.
    """

    order: OrderLine
    claim: Claim
    reason: str
    filed_at: datetime
    established: frozenset[Circumstance] = frozenset()
    loss: Money | None = None


Opened = Iterable[Entitlement]


def entitlements(
    matter: Matter, policy: Policy, clauses: tuple[str, ...] | None = None
) -> tuple[Entitlement, ...]:
    """Everything that may be granted under these clauses; None: under those of the case's reason.

    A refund and freight are always listed; goodwill is not: its limit is the granter's (`goodwill`).
    """
    named = policy.taxonomy.clauses(matter.reason) if clauses is None else clauses
    known = [CLAUSES[clause] for clause in dict.fromkeys(named) if clause in CLAUSES]
    return tuple(one for opens in (_refund, _freight, *known) for one in opens(matter, policy))


def largest(kind: RemedyKind, found: Iterable[Entitlement]) -> Entitlement | None:
    """The largest entitlement to this kind of money: who may choose between clauses chooses that."""
    return max((one for one in found if one.kind is kind), key=lambda one: one.limit or 0, default=None)


def fixes_amount(clause: str, policy: Policy) -> bool:
    """Whether a clause says how much is due, and not how much at the most: multiples of the price do."""
    return isinstance(policy.rules[clause].terms, Multiple)


def goodwill(role: Role, order: OrderLine, policy: Policy) -> tuple[Entitlement, ...]:
    """How much goodwill this role may grant on one case, over all its rounds (O-1)."""
    rule = policy.needed(pack.GOODWILL)
    limit = rule.terms.limits.get(role)
    coupon = _comparable(limit.coupon_minor, order, policy) if limit else 0
    points = limit.points if limit else 0
    return (
        Entitlement(RemedyKind.COUPON, rule.key.id, coupon, (step(rule, coupon, role=str(role)),)),
        Entitlement(RemedyKind.POINTS, rule.key.id, points, (step(rule, points, role=str(role)),)),
    )


# --- money --------------------------------------------------------------------------------------------


def _refund(matter: Matter, policy: Policy) -> Opened:
    """At most what was paid for the whole line (RF-1)."""
    order = matter.order
    yield _share(policy.needed(pack.REFUND), RemedyKind.REFUND, order.quantity, order, policy)


def _freight(matter: Matter, policy: Policy) -> Opened:
    """At most so much, where the buyer does not bear the freight itself (O-5, NR-6)."""
    rule = policy.needed(pack.FREIGHT_CAP)
    bearer = freight_bearer(matter.reason, matter.order, policy)
    if bearer.value is LiableParty.BUYER:
        yield Entitlement(RemedyKind.FREIGHT, pack.RETURN_FREIGHT.id, 0, bearer.derivation)
        return
    limit = _comparable(rule.terms.most_minor, matter.order, policy)
    yield Entitlement(RemedyKind.FREIGHT, rule.key.id, limit, (*bearer.derivation, step(rule, limit)))


def _share(
    rule: Rule[Percentage], kind: RemedyKind, pieces: int, order: OrderLine, policy: Policy
) -> Entitlement:
    terms, paid = rule.terms, price_of(pieces, order)
    limit = max(paid * terms.percent // 100, _comparable(terms.floor_minor, order, policy))
    if terms.cap_minor is not None:
        limit = min(limit, _comparable(terms.cap_minor, order, policy))
    if terms.cap_percent is not None:
        limit = min(limit, paid * terms.cap_percent // 100)
    return Entitlement(kind, rule.key.id, limit, (step(rule, limit, paid=paid, **_part(pieces, order)),))


def _part(pieces: int, order: OrderLine) -> dict[str, int]:
    """Which pieces of how many a price is of, where it is not that of the whole line."""
    return {"pieces": pieces, "quantity": order.quantity} if pieces < order.quantity else {}


def _comparable(minor: int, order: OrderLine, policy: Policy) -> int:
    """A figure of the policy in the order's currency: none where that is another one."""
    return minor if order.paid.currency == policy.currency else 0


def _share_under(key: pack.Key[Percentage]) -> Callable[[Matter, Policy], Opened]:
    """Damages as a share of the price of the claimed pieces (C-1, C-2, Z-1)."""

    def opened(matter: Matter, policy: Policy) -> Opened:
        rule = policy.rule(key)
        if rule is not None:
            pieces = claimed_pieces(matter.claim, matter.order)
            yield _share(rule, RemedyKind.MULTIPLE, pieces, matter.order, policy)

    return opened


def _multiple_under(key: pack.Key[Multiple]) -> Callable[[Matter, Policy], Opened]:
    """Damages as a multiple of the price of the claimed pieces, on its conditions (F-1, F-2, F-3, P-10)."""

    def opened(matter: Matter, policy: Policy) -> Opened:
        rule = policy.rule(key)
        if rule is not None and _conditions_met(rule.terms, matter):
            yield _multiple(rule, matter, policy)

    return opened


def _conditions_met(terms: Multiple, matter: Matter) -> bool:
    promised = terms.promise is None or terms.promise in matter.order.promises
    found = not terms.needs or bool(terms.needs & matter.established)
    return promised and found and terms.excludes.isdisjoint(matter.established)


def _multiple(rule: Rule[Multiple], matter: Matter, policy: Policy) -> Entitlement:
    terms, order = rule.terms, matter.order
    pieces, needed = _pieces_within_need(terms, matter, policy)
    price = price_of(pieces, order)
    loss = matter.loss.amount_minor if matter.loss and matter.loss.currency == order.paid.currency else 0
    floor = _comparable(terms.floor_minor, order, policy)
    limit = max(terms.times * price, terms.loss_times * loss, floor)
    established = ",".join(sorted(matter.established))
    applied = step(
        rule,
        limit,
        price=price,
        loss=loss,
        established=established,
        promise=terms.promise,
        **_part(pieces, order),
    )
    return Entitlement(RemedyKind.MULTIPLE, rule.key.id, limit, (*needed, applied))


def _pieces_within_need(terms: Multiple, matter: Matter, policy: Policy) -> tuple[int, tuple[Step, ...]]:
    """The claimed pieces; of a knowing buyer's only those that it may reasonably need (F-4)."""
    order, rule = matter.order, policy.rule(pack.REASONABLE_NEED)
    claimed = claimed_pieces(matter.claim, order)
    if rule is None or not terms.within_need or Circumstance.BUYER_KNEW not in matter.established:
        return claimed, ()
    pieces = min(claimed, rule.terms.pieces_of(order.category))
    return pieces, (step(rule, pieces, claimed=claimed),)


# --- goods --------------------------------------------------------------------------------------------


def _goods_under(
    claim: eligibility.EligibilityRule, met: tuple[RemedyKind, ...], otherwise: tuple[RemedyKind, ...] = ()
) -> Callable[[Matter, Policy], Opened]:
    """Kinds of goods that move when a rule's claim holds at the filing, and those when it does not."""

    def opened(matter: Matter, policy: Policy) -> Opened:
        verdict = claim(matter.order, matter.filed_at, policy)
        if verdict.derivation:
            clause = verdict.derivation[-1].rule
            for kind in otherwise if verdict.value else met:
                yield Entitlement(kind, clause, None, verdict.derivation)

    return opened


CLAUSES: Mapping[str, Callable[[Matter, Policy], Opened]] = {
    pack.NO_REASON_RETURN.id: _goods_under(eligibility.within_return_window, (RemedyKind.RETURN,)),
    pack.QUALITY_RETURN.id: _goods_under(
        eligibility.returned_as_defective_in_time,
        (RemedyKind.RETURN, RemedyKind.REPLACEMENT, RemedyKind.REPAIR),
        otherwise=(RemedyKind.REPLACEMENT, RemedyKind.REPAIR),
    ),
    pack.THREE_GUARANTEES.id: _goods_under(eligibility.exchanged_in_time, (RemedyKind.REPLACEMENT,)),
    pack.WARRANTY.id: _goods_under(eligibility.under_warranty, (RemedyKind.REPAIR,)),
    pack.FRAUD.id: _multiple_under(pack.FRAUD),
    pack.UNSAFE_FOOD.id: _multiple_under(pack.UNSAFE_FOOD),
    pack.INFERIOR_DRUGS.id: _multiple_under(pack.INFERIOR_DRUGS),
    pack.FAKE_PROMISE.id: _multiple_under(pack.FAKE_PROMISE),
    pack.MISDESCRIPTION.id: _share_under(pack.MISDESCRIPTION),
    pack.MISSING_GIFT.id: _share_under(pack.MISSING_GIFT),
    pack.LATE_SHIPMENT.id: _share_under(pack.LATE_SHIPMENT),
}
"""What each clause opens."""
