"""When something is due, and how that comes about."""

from datetime import datetime
from typing import Any

from domain.policy.calendar import Term, due
from domain.policy.pack import Policy, Rule
from domain.values import Step


def due_by(rule: Rule[Any], term: Term, start: datetime, policy: Policy) -> Step:
    """The due time (RFC 3339, UTC) of a term of this rule that starts at this instant."""
    return Step(
        rule.key.id,
        rule.policy,
        {
            "start": start.isoformat(),
            "amount": term.amount,
            "unit": term.unit,
            "calendar": term.calendar or "",
        },
        due(start, term, policy.calendars).isoformat(),
    )
