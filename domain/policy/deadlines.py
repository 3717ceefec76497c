"""By when something must be done, or may be done: each term from the policy, with its derivation."""

from datetime import datetime, timedelta
from typing import Any

from domain.policy import pack
from domain.policy.calendar import Term, due, resumed
from domain.policy.derivation import Derived, step
from domain.policy.pack import Policy, Rule
from domain.values import OrderLine


def due_by(
    rule: Rule[Any], term: Term, start: datetime, policy: Policy, **inputs: int | str
) -> Derived[datetime]:
    """When a rule's term ends that starts at this instant. `inputs` are what chose the term."""
    end = due(start, term, policy.calendars)
    return Derived(end, (step(rule, end, **inputs, start=start, **_parts(term)),))


def due_after_pause(
    rule: Rule[Any], term: Term, at: datetime, left: timedelta, policy: Policy
) -> Derived[datetime]:
    """When a rule's term ends that was paused with so much left and goes on at this instant."""
    end = resumed(at, left, term, policy.calendars)
    seconds = int(left.total_seconds())
    return Derived(end, (step(rule, end, resumed=at, left=seconds, **_parts(term)),))


def _parts(term: Term) -> dict[str, int | str]:
    return {"amount": term.amount, "unit": str(term.unit), "calendar": term.calendar or ""}


# --- between the parties ------------------------------------------------------------------------------


def answer_due(notified: datetime, policy: Policy) -> Derived[datetime]:
    """By when the merchant must answer (M-1); its silence decides against it."""
    rule = policy.needed(pack.ANSWER)
    return due_by(rule, rule.terms.term, notified, policy)


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


def lease_ends(claimed: datetime, policy: Policy) -> Derived[datetime]:
    """Until when whoever claimed a case holds it (O-3)."""
    rule = policy.needed(pack.LEASE)
    return due_by(rule, rule.terms.term, claimed, policy)


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


def refund_due(returned: datetime, policy: Policy) -> Derived[datetime | None]:
    """By when the refund of a no-reason return is due, once the goods are back (NR-1)."""
    rule = policy.rule(pack.NO_REASON_RETURN)
    if rule is None or rule.terms.refund is None:
        return Derived(None)
    return due_by(rule, rule.terms.refund, returned, policy)


def deemed_refused(returned: datetime, policy: Policy) -> Derived[datetime | None]:
    """When a return that nobody handles counts as refused (NR-7)."""
    rule = policy.rule(pack.DEEMED_REFUSAL)
    if rule is None:
        return Derived(None)
    return due_by(rule, rule.terms.term, returned, policy)


def follow_up_due(settled: datetime, policy: Policy) -> Derived[datetime]:
    """When the buyer is asked how it went (O-4)."""
    rule = policy.needed(pack.FOLLOW_UP)
    return due_by(rule, rule.terms.delay, settled, policy)


def reopening_closes(closed: datetime, policy: Policy) -> Derived[datetime]:
    """Until when a closed case may be reopened as a grace (O-13)."""
    rule = policy.needed(pack.GRACE)
    return due_by(rule, rule.terms.term, closed, policy)


def penalty_expires(assessed: datetime, policy: Policy) -> Derived[datetime]:
    """When a penalty stops counting (S-1)."""
    rule = policy.needed(pack.PENALTIES)
    return due_by(rule, rule.terms.expiry, assessed, policy)


def records_kept_until(completed: datetime, policy: Policy) -> Derived[datetime]:
    """Until when the records of a completed transaction must be kept (R-1)."""
    rule = policy.needed(pack.RECORDS)
    return due_by(rule, rule.terms.term, completed, policy)


# --- others involved ----------------------------------------------------------------------------------


def suspension_lapses(ground: str, suspended: datetime, policy: Policy) -> Derived[datetime]:
    """When a suspension on this ground lapses (M-6). KeyError for a ground that the policy does not know."""
    rule = policy.needed(pack.SUSPENSION)
    return due_by(rule, rule.terms.grounds[ground], suspended, policy, ground=ground)


def courier_answer_due(complained: datetime, policy: Policy) -> Derived[datetime | None]:
    """By when a courier must answer a complaint (L-1)."""
    rule = policy.rule(pack.COURIER)
    if rule is None:
        return Derived(None)
    return due_by(rule, rule.terms.term, complained, policy)


def regulator_due(duty: str, received: datetime, policy: Policy) -> Derived[datetime | None]:
    """By when a complaint at a regulator is answered, or its mediation over (G-1: `answer`, `mediation`)."""
    rule = policy.rule(pack.REGULATOR)
    if rule is None:
        return Derived(None)
    return due_by(rule, rule.terms.grounds[duty], received, policy, ground=duty)


def crisis_due(raised: datetime, policy: Policy) -> tuple[Derived[datetime], ...]:
    """An incident's three clocks: first feedback, facts established, plan agreed (X-1)."""
    rule = policy.needed(pack.CRISIS)
    terms = rule.terms
    named = {"feedback": terms.feedback, "facts": terms.facts, "plan": terms.plan}
    return tuple(due_by(rule, term, raised, policy, clock=name) for name, term in named.items())
