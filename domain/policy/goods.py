"""Goods that come back or go out again: intact or not, at whose cost, and how long they are warranted."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from domain.policy import pack
from domain.policy.deadlines import due_by
from domain.policy.derivation import Derived, step
from domain.policy.pack import Policy
from domain.values import LiableParty, Objection, OrderLine


def intactness(category: str, found: Iterable[str], policy: Policy) -> Derived[tuple[Objection, ...]]:
    """What an inspection found that broke the goods' intactness, one objection for each (NR-4).

    Opening and trying goods as far as it takes to examine them never does.
    """
    rule = policy.rule(pack.INTACT)
    if rule is None:
        return Derived(())
    seen = tuple(dict.fromkeys(found))
    breaking = [one for one in seen if one in rule.terms.broken_by(category) - rule.terms.allowed]
    said = step(rule, ",".join(breaking) or "intact", category=category, found=",".join(seen))
    return Derived(tuple(Objection(rule.key.id, one) for one in breaking), (said,))


def freight_bearer(reason: str, order: OrderLine, policy: Policy) -> Derived[LiableParty | None]:
    """Who bears the freight of a return for this reason, unless the merchant promised to (NR-6, Q-1)."""
    rule = policy.rule(pack.RETURN_FREIGHT)
    if rule is None:
        return Derived(None)
    promised = [one for one in order.promises if one in rule.terms.promises]
    bearer = (
        rule.terms.promises[promised[0]] if promised else rule.terms.grounds.get(reason, rule.terms.default)
    )
    said = step(rule, bearer, reason=reason, promise=promised[0] if promised else None)
    return Derived(LiableParty(bearer), (said,))


def warranty_ends(
    category: str, begins: datetime, in_repair: timedelta, policy: Policy
) -> Derived[datetime | None]:
    """When the warranty of goods ends that began at their delivery, installation or last exchange (Q-3).

    The time in which they were being repaired does not count.
    """
    rule = policy.rule(pack.WARRANTY)
    if rule is None:
        return Derived(None)
    plain = due_by(rule, rule.terms.term_of(category), begins, policy, category=category)
    end = plain.value + in_repair
    seconds = int(in_repair.total_seconds())
    return Derived(end, (*plain.derivation, step(rule, end, until=plain.value, in_repair=seconds)))


def exchange_open(failed_repairs: int, policy: Policy) -> Derived[bool]:
    """Whether so many failed repairs open an exchange (3B-1)."""
    rule = policy.rule(pack.THREE_GUARANTEES)
    if rule is None:
        return Derived(False)
    opened = failed_repairs >= rule.terms.failed_repairs
    result = "exchange_open" if opened else "repair_again"
    return Derived(opened, (step(rule, result, failed_repairs=failed_repairs),))
