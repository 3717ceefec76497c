"""Whether a case is taken up: small rules with falsifiable claims, each returning its objection."""

from collections.abc import Callable
from datetime import datetime

from domain.policy import pack
from domain.policy.calendar import due
from domain.policy.pack import Policy
from domain.values import CaseType, Objection, OrderLine

NO_REASON = "no_reason"

EligibilityRule = Callable[[OrderLine, datetime, Policy], Objection | None]


def within_return_window(order: OrderLine, at: datetime, policy: Policy) -> Objection | None:
    """A no-reason return is asked for in time (NR-1)."""
    rule = policy.terms(pack.NO_REASON_RETURN)
    if rule is None or order.delivered_at is None:
        return None
    in_time = at < due(order.delivered_at, rule.window, policy.calendars)
    return None if in_time else Objection(pack.NO_REASON_RETURN.id, "return_window_over")


def returnable_category(order: OrderLine, at: datetime, policy: Policy) -> Objection | None:
    """The goods are of a kind that can be returned without a reason (NR-2)."""
    rule = policy.terms(pack.EXCLUDED)
    excluded = rule is not None and order.category in rule.categories
    return Objection(pack.EXCLUDED.id, "category_excluded") if excluded else None


NO_REASON_RULES: tuple[EligibilityRule, ...] = (within_return_window, returnable_category)


def objections(
    case_type: CaseType, reason: str, order: OrderLine, at: datetime, policy: Policy
) -> tuple[Objection, ...]:
    """Every objection to taking up this case; empty when it is eligible."""
    if case_type is not CaseType.RETURN_REFUND or reason != NO_REASON:
        return ()
    found = (rule(order, at, policy) for rule in NO_REASON_RULES)
    return tuple(objection for objection in found if objection)
