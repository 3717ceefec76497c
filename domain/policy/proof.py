"""Who must prove, what each side is asked for, and who bears the cost of finding out."""

from datetime import datetime

from domain.policy import pack
from domain.policy.calendar import due
from domain.policy.derivation import Derived, step
from domain.policy.pack import Burden, Policy, Rule
from domain.values import InspectionOutcome, LiableParty, OrderLine, Side


def burden_of_proof(reason: str, order: OrderLine, filed_at: datetime, policy: Policy) -> Derived[Side]:
    """The side that must prove first, before anybody shifts the burden.

    Of durable goods whose defect is claimed within six months the merchant (Q-2); else by whether the flaw is
    visible, hidden or a fake (I-2). Where no rule speaks, whoever claims must prove.
    """
    for rule in (policy.rule(pack.DURABLE_BURDEN), policy.rule(pack.PROOF)):
        found = rule and _burden_by(rule, reason, order, filed_at, policy)
        if found:
            return found
    return Derived(Side.BUYER)


def _burden_by(
    rule: Rule[Burden], reason: str, order: OrderLine, filed_at: datetime, policy: Policy
) -> Derived[Side] | None:
    terms = rule.terms
    ground = terms.reasons.get(reason, terms.other_reasons)
    parties = terms.grounds.get(ground)
    if not parties or not _concerned(terms, order, filed_at, policy):
        return None
    timely = {"delivered_at": order.delivered_at, "filed_at": filed_at} if terms.within else {}
    category = order.category if terms.categories else None
    used = step(rule, parties[0], reason=reason, ground=ground, category=category, **timely)
    return Derived(Side(parties[0]), (used,))


def _concerned(terms: Burden, order: OrderLine, filed_at: datetime, policy: Policy) -> bool:
    if terms.categories and order.category not in terms.categories:
        return False
    if terms.within is None:
        return True
    return order.delivered_at is not None and filed_at < due(
        order.delivered_at, terms.within, policy.calendars
    )


def checklist(reason: str, side: Side, policy: Policy) -> Derived[tuple[str, ...]]:
    """The kinds of evidence that a side is asked for (O-9); none where the policy names none."""
    rule = policy.needed(pack.CHECKLIST)
    kinds = tuple(rule.terms.reasons.get(reason, {}).get(side, ()))
    return Derived(kinds, (step(rule, ",".join(kinds), reason=reason, party=side),))


def inspection_bearer(outcome: InspectionOutcome, policy: Policy) -> Derived[LiableParty]:
    """Who bears the cost of an inspection with this outcome (I-1)."""
    rule = policy.needed(pack.INSPECTION_COST)
    bearer = rule.terms.grounds.get(outcome, rule.terms.default)
    return Derived(LiableParty(bearer), (step(rule, bearer, outcome=outcome),))
