"""By when something must be done, or may be done: each term from the policy, with its derivation.

What is named here is asked beside a clock. A clock starts with the term that its command names.
"""

from datetime import datetime
from typing import Any

from domain.policy import pack
from domain.policy.calendar import Term, due
from domain.policy.derivation import Derived, step
from domain.policy.pack import Policy, Rule
from domain.values import OrderLine


def due_by(
    rule: Rule[Any], term: Term, start: datetime, policy: Policy, **inputs: int | str
) -> Derived[datetime]:
    """When a rule's term ends that starts at this instant. `inputs` are what chose the term."""
    end = due(start, term, policy.calendars)
    return Derived(end, (step(rule, end, **inputs, start=start, **_parts(term)),))


def _parts(term: Term) -> dict[str, int | str]:
    return {"amount": term.amount, "unit": str(term.unit), "calendar": term.calendar or ""}


# --- between the parties ------------------------------------------------------------------------------


def reply_due(asked: datetime, policy: Policy) -> Derived[datetime]:
    """By when a party must reply to an offer (O-7)."""
    rule = policy.needed(pack.REPLY)
    return due_by(rule, rule.terms.term, asked, policy)


def escalation_opens(began: datetime, policy: Policy) -> Derived[datetime]:
    """From when the platform may be asked though nobody refused: after so much negotiation (M-5)."""
    rule = policy.needed(pack.ESCALATION)
    return due_by(rule, rule.terms.after, began, policy)


def escalation_closes(refused: datetime, policy: Policy) -> Derived[datetime]:
    """Until when the platform may be asked after a refusal (M-5)."""
    rule = policy.needed(pack.ESCALATION)
    return due_by(rule, rule.terms.within, refused, policy)


# --- the review ---------------------------------------------------------------------------------------


def review_due(filed: datetime, policy: Policy) -> Derived[datetime]:
    """By when a filed case must be reviewed (M-3)."""
    rule = policy.needed(pack.EXECUTION)
    return due_by(rule, rule.terms.review, filed, policy)


def evidence_due(requested: datetime, policy: Policy) -> Derived[datetime]:
    """By when supplementary evidence must be submitted (M-2)."""
    rule = policy.needed(pack.SUPPLEMENT)
    return due_by(rule, rule.terms.term, requested, policy)


def flaw_shown_by(order: OrderLine, policy: Policy) -> Derived[datetime | None]:
    """By when a visible flaw of these goods must be shown, counted from sign-for (E-1)."""
    rule = policy.rule(pack.EVIDENCE_WINDOWS)
    if rule is None or order.delivered_at is None:
        return Derived(None)
    term = rule.terms.categories.get(order.category, rule.terms.default)
    return due_by(rule, term, order.delivered_at, policy, category=order.category)


# --- after the decision -------------------------------------------------------------------------------


def execution_due(decided: datetime, policy: Policy) -> Derived[datetime]:
    """By when a decision must be executed (M-3)."""
    rule = policy.needed(pack.EXECUTION)
    return due_by(rule, rule.terms.execute, decided, policy)


def appeal_closes(decided: datetime, policy: Policy) -> Derived[datetime]:
    """Until when a decision may be appealed (M-4)."""
    rule = policy.needed(pack.APPEAL)
    return due_by(rule, rule.terms.window, decided, policy)


def return_shipped_by(authorised: datetime, policy: Policy) -> Derived[datetime]:
    """By when the buyer must send the goods back (O-8)."""
    rule = policy.needed(pack.SHIP_RETURN)
    return due_by(rule, rule.terms.term, authorised, policy)


def reopening_closes(closed: datetime, policy: Policy) -> Derived[datetime]:
    """Until when a closed case may be reopened as a grace (O-13)."""
    rule = policy.needed(pack.GRACE)
    return due_by(rule, rule.terms.term, closed, policy)


# --- others involved ----------------------------------------------------------------------------------


def suspension_lapses(ground: str, suspended: datetime, policy: Policy) -> Derived[datetime]:
    """When a suspension on this ground lapses (M-6). KeyError for a ground that the policy does not know."""
    rule = policy.needed(pack.SUSPENSION)
    return due_by(rule, rule.terms.grounds[ground], suspended, policy, ground=ground)


def crisis_due(raised: datetime, policy: Policy) -> tuple[Derived[datetime], ...]:
    """An incident's three clocks: first feedback, facts established, plan agreed (X-1)."""
    rule = policy.needed(pack.CRISIS)
    terms = rule.terms
    named = {"feedback": terms.feedback, "facts": terms.facts, "plan": terms.plan}
    return tuple(due_by(rule, term, raised, policy, clock=name) for name, term in named.items())
