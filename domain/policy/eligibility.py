"""Whether a case is taken up: small rules with falsifiable claims, each returning its objection.

Which rules are asked of a case is data: the taxonomy of the policy names them by kind of case and by reason.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from domain.policy import deadlines, pack
from domain.policy.calendar import Term
from domain.policy.deadlines import due_by
from domain.policy.derivation import Derived, step
from domain.policy.pack import Policy, Rule
from domain.values import CaseType, Objection, OrderLine

MET = "met"
"""The result of a rule that objects to nothing."""

Verdict = Derived[Objection | None]
UNASKED: Verdict = Derived(None)

EligibilityRule = Callable[[OrderLine, datetime, Policy], Verdict]


def within_return_window(order: OrderLine, at: datetime, policy: Policy) -> Verdict:
    """A no-reason return is asked for in time, counted from the day after sign-for (NR-1)."""
    rule = policy.rule(pack.NO_REASON_RETURN)
    return _in_time(rule, rule.terms.window, order, at, policy, "return_window_over") if rule else UNASKED


def returnable_category(order: OrderLine, at: datetime, policy: Policy) -> Verdict:
    """The goods are of a kind that can be returned without a reason (NR-2)."""
    rule = policy.rule(pack.EXCLUDED)
    if rule is None:
        return UNASKED
    excluded = order.category in rule.terms.categories
    return _verdict(rule, "category_excluded" if excluded else None, category=order.category)


def not_excluded_by_confirmation(order: OrderLine, at: datetime, policy: Policy) -> Verdict:
    """The buyer did not confirm at this purchase that such goods cannot be returned (NR-3).

    Without that confirmation the return may not be refused, opened or not.
    """
    rule = policy.rule(pack.CONFIRMED_EXCLUSION)
    if rule is None:
        return UNASKED
    confirmed = [one for one in order.confirmations if rule.terms.excludes(one, order.category)]
    said = ",".join(order.confirmations)
    return _verdict(rule, confirmed[0] if confirmed else None, category=order.category, confirmations=said)


def returned_as_defective_in_time(order: OrderLine, at: datetime, policy: Policy) -> Verdict:
    """Defective goods are returned in time; later they are exchanged or repaired (Q-1)."""
    rule = policy.rule(pack.QUALITY_RETURN)
    return _in_time(rule, rule.terms.window, order, at, policy, "return_window_over") if rule else UNASKED


def exchanged_in_time(order: OrderLine, at: datetime, policy: Policy) -> Verdict:
    """Goods under the three guarantees are exchanged in time (3B-1)."""
    rule = policy.rule(pack.THREE_GUARANTEES)
    return _in_time(rule, rule.terms.exchange, order, at, policy, "exchange_window_over") if rule else UNASKED


def under_warranty(order: OrderLine, at: datetime, policy: Policy) -> Verdict:
    """The goods are still under warranty (Q-3)."""
    rule = policy.rule(pack.WARRANTY)
    return (
        _in_time(rule, rule.terms.term_of(order.category), order, at, policy, "warranty_over")
        if rule
        else UNASKED
    )


def flaw_shown_in_time(order: OrderLine, at: datetime, policy: Policy) -> Verdict:
    """A visible flaw is shown within the window of its category (E-1)."""
    rule, until = policy.rule(pack.EVIDENCE_WINDOWS), deadlines.flaw_shown_by(order, policy)
    if rule is None or until.value is None:
        return UNASKED
    found = _verdict(rule, "flaw_shown_too_late" if at >= until.value else None, until=until.value, asked=at)
    return Derived(found.value, until.derivation + found.derivation)


RULES: Mapping[str, EligibilityRule] = {
    pack.NO_REASON_RETURN.id: within_return_window,
    pack.EXCLUDED.id: returnable_category,
    pack.CONFIRMED_EXCLUSION.id: not_excluded_by_confirmation,
    pack.QUALITY_RETURN.id: returned_as_defective_in_time,
    pack.THREE_GUARANTEES.id: exchanged_in_time,
    pack.WARRANTY.id: under_warranty,
    pack.EVIDENCE_WINDOWS.id: flaw_shown_in_time,
}
"""Every rule that a taxonomy may name, by the clause that it rests on."""


def assessed(
    case_type: CaseType, reason: str, order: OrderLine, at: datetime, policy: Policy
) -> Derived[tuple[Objection, ...]]:
    """Every objection to taking up this case, none when it is eligible; with the rules that were asked."""
    asked = policy.taxonomy.eligibility(case_type, reason)
    verdicts = [RULES[clause](order, at, policy) for clause in asked]
    return Derived(
        tuple(verdict.value for verdict in verdicts if verdict.value),
        tuple(step for verdict in verdicts for step in verdict.derivation),
    )


def _in_time(
    rule: Rule[Any], window: Term, order: OrderLine, at: datetime, policy: Policy, over: str
) -> Verdict:
    """Goods that were not delivered have no window to miss."""
    if order.delivered_at is None:
        return UNASKED
    until = due_by(rule, window, order.delivered_at, policy)
    found = _verdict(rule, over if at >= until.value else None, until=until.value, asked=at)
    return Derived(found.value, until.derivation + found.derivation)


def _verdict(rule: Rule[Any], reason: str | None, **inputs: str | datetime) -> Verdict:
    objection = Objection(rule.key.id, reason) if reason else None
    return Derived(objection, (step(rule, reason or MET, **inputs),))
