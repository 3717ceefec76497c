"""The reference page of a policy: every rule with its figures, its source, and how well it is known."""

from collections.abc import Iterable, Iterator
from datetime import time
from typing import Any

from domain.policy import Policy
from domain.policy.calendar import Calendar
from domain.policy.pack import Rule
from domain.policy.shapes import WEEKDAYS
from domain.policy.taxonomy import Kind, Reason
from infrastructure.figures import confidence, figure

ABOUT = """\
Every rule of the built-in policy: what it says, where that stands, how well it is known, and of which moment
the version counts. [Policy](../policy.md) says what that means. A: the text of the rule was read · B: from a
secondary text · C: unverified, and therefore disabled · H: the operator's own choice; `/H`: some of its
figures are.
"""


def written(policy: Policy, notice: str) -> str:
    """The page; `notice` says who wrote it."""
    words = policy.taxonomy
    lines = [
        f"# The policy {policy.version}\n",
        notice,
        ABOUT,
        *_table(
            "Rules",
            ("rule", "what", "figures", "source", "known", "counts", "since"),
            (_rule(rule, policy.currency) for rule in policy.rules.values()),
        ),
        *_table(
            "Calendars",
            ("name", "open", "days off", "days worked", "source"),
            (_calendar(name, one) for name, one in policy.calendars.items()),
        ),
        *_table(
            "Kinds of case",
            ("code", "中文", "English", "asked at filing"),
            (_kind(code, kind) for code, kind in words.case_types.items()),
        ),
        *_table(
            "Reasons",
            ("code", "中文", "English", "in", "asked at filing", "clauses"),
            (_reason(code, reason) for code, reason in words.reasons.items()),
        ),
    ]
    return "\n".join(lines)


def _table(heading: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"## {heading}\n"
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def _rule(rule: Rule[Any], currency: str) -> tuple[str, ...]:
    return (
        rule.key.id,
        f"{rule.title.en}<br>{rule.title.zh}",
        figure(rule, currency),
        rule.source,
        confidence(rule),
        rule.applies if rule.enabled else "**disabled**",
        str(rule.effective_from),
    )


def _calendar(name: str, calendar: Calendar) -> tuple[str, ...]:
    closes = "24:00" if calendar.closes == time.min else f"{calendar.closes:%H:%M}"
    days = " ".join(WEEKDAYS[day] for day in sorted(calendar.weekdays))
    return (
        f"`{name}`",
        f"{calendar.opens:%H:%M}-{closes} {days}",
        ", ".join(str(day) for day in sorted(calendar.holidays)),
        ", ".join(str(day) for day in sorted(calendar.workdays)),
        calendar.source,
    )


def _kind(code: str, kind: Kind) -> tuple[str, ...]:
    return f"`{code}`", kind.label.zh, kind.label.en, ", ".join(kind.eligibility)


def _reason(code: str, reason: Reason) -> tuple[str, ...]:
    return (
        f"`{code}`",
        reason.label.zh,
        reason.label.en,
        ", ".join(sorted(reason.case_types)),
        ", ".join(reason.eligibility),
        ", ".join(reason.clauses),
    )
