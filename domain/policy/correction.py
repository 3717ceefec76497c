"""What corrective actions are held to (O-16): by when each step is due, and when a measure had effect."""

from datetime import datetime, timedelta

from domain.policy import pack
from domain.policy.calendar import Term
from domain.policy.deadlines import due_by
from domain.policy.derivation import Derived, step
from domain.policy.pack import Correction, Policy, Rule


def measure_due(asked: datetime, policy: Policy) -> Derived[datetime]:
    """By when the merchant proposes a measure."""
    rule = policy.needed(pack.CORRECTION)
    return _due(rule, "propose", rule.terms.propose, asked, policy)


def verdict_due(proposed: datetime, policy: Policy) -> Derived[datetime]:
    """By when staff judges the measure."""
    rule = policy.needed(pack.CORRECTION)
    return _due(rule, "judge", rule.terms.judge, proposed, policy)


def completion_due(accepted: datetime, policy: Policy) -> Derived[datetime]:
    """By when the merchant carries the measure out."""
    rule = policy.needed(pack.CORRECTION)
    return _due(rule, "complete", rule.terms.complete, accepted, policy)


def _due(rule: Rule[Correction], what: str, term: Term, start: datetime, policy: Policy) -> Derived[datetime]:
    return due_by(rule, term, start, policy, step=what)


def counted_until(completed: datetime, policy: Policy) -> datetime:
    """Until when cases are counted from the completion on; before the action for as long."""
    return completed + timedelta(days=policy.need(pack.CORRECTION).window_days)


def effect_known(completed: datetime, policy: Policy) -> Derived[datetime]:
    """When the cases of the time after the completion are decided."""
    rule = policy.needed(pack.CORRECTION)
    window, settle = rule.terms.window_days, rule.terms.settle_days
    known = completed + timedelta(days=window + settle)
    return Derived(known, (step(rule, known, step="measure", start=completed, window=window, settle=settle),))


def effective(before: int, after: int, policy: Policy) -> Derived[bool]:
    """Whether so many cases after are few enough against so many before."""
    rule = policy.needed(pack.CORRECTION)
    enough = after * 100 <= before * rule.terms.percent
    inputs = {"before": before, "after": after, "percent": rule.terms.percent}
    return Derived(enough, (step(rule, str(enough).lower(), **inputs),))
