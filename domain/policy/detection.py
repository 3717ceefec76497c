"""What counts as unusual: many occurrences at once, against what was usual before."""

from datetime import timedelta

from domain.policy.calendar import Term, Unit
from domain.policy.derivation import Derived, step
from domain.policy.pack import Detector, Rule


def span(term: Term) -> timedelta:
    """The elapsed time of a detector's term. Raises ValueError for one in months or in a calendar."""
    if term.calendar or term.unit is Unit.MONTHS:
        raise ValueError("a detector counts elapsed hours or days")
    return timedelta(hours=term.amount) if term.unit is Unit.HOURS else timedelta(days=term.amount)


def unusual(rule: Rule[Detector], lately: int, before: int) -> Derived[bool]:
    """Whether so many occurrences in the window are unusual after so many in the baseline before it.

    They are when they are at least `least`, and at least `factor` times what a window of the baseline held.
    """
    terms = rule.terms
    window, baseline = span(terms.window), span(terms.baseline)
    often = lately * baseline >= terms.factor * before * window
    found = lately >= terms.least and often
    inputs: dict[str, int | str] = {
        "lately": lately,
        "before": before,
        "least": terms.least,
        "factor": terms.factor,
        "window": str(terms.window),
        "baseline": str(terms.baseline),
    }
    return Derived(found, (step(rule, str(found).lower(), **inputs),))
