"""How much may be granted, and how that comes about."""

from domain.policy.pack import Multiple, Policy
from domain.values import Money, OrderLine


def multiple_cap(order: OrderLine, clauses: tuple[str, ...], policy: Policy) -> Money:
    """The most that the cited clauses allow as a multiple of the price; nothing when none of them does."""
    cited = [rule.terms for rule in policy.rules_of(Multiple) if rule.key.id in clauses]
    amounts = (
        max(rule.times * order.paid.amount_minor, rule.floor_minor)
        for rule in cited
        if rule.promise is None or rule.promise in order.promises
    )
    return Money(max(amounts, default=0), order.paid.currency)
