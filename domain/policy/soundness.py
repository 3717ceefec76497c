"""Whether a policy makes sense as a whole: figures that contradict each other, names that lead nowhere.

Each check is small and yields its faults. They run on what could be read, whatever else could not.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from domain.policy import eligibility, pack
from domain.policy.calendar import Calendar, Term, Unit, due
from domain.policy.faults import Fault
from domain.policy.pack import (
    AppealTerm,
    Burden,
    Checklist,
    Confidence,
    Correction,
    Crisis,
    Detector,
    FollowUpTerms,
    Guarantees,
    Intact,
    Multiple,
    Need,
    Payment,
    Penalties,
    Percentage,
    Policy,
    Rule,
    Staging,
    Suspension,
)
from domain.policy.shapes import BROKEN, below
from domain.policy.taxonomy import Taxonomy
from domain.values import CaseType, SuspensionGround

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What a version may be called: its name stands in addresses."""

CURRENCY = re.compile(r"[A-Z]{3}")
OPERATOR = "operator"
"""The source of what nobody else has said."""

PARTIES = frozenset({"buyer", "merchant"})
NEEDED_GROUNDS: Mapping[str, frozenset[str]] = {
    pack.SUSPENSION.id: frozenset(SuspensionGround) - {SuspensionGround.COURT} | {"receipt"},
    pack.REGULATOR.id: frozenset({"answer", "mediation"}),
}
"""The terms that a rule must name. A court's silence ends nothing: it takes as long as it takes."""

Faults = Iterator[Fault]


@dataclass(frozen=True, slots=True)
class Stated:
    """What a document names, whether or not it could be read; and every term in it with its place."""

    rules: Collection[str]
    calendars: Collection[str]
    terms: Iterable[tuple[str, Term]]


def faults(policy: Policy, stated: Stated) -> Faults:
    """Everything in which this policy contradicts itself; parts of it may be BROKEN."""
    yield from _names(policy)
    yield from _terms(stated)
    yield from _calendars(policy.calendars)
    yield from _needed(policy, stated)
    for rule in policy.rules.values():
        yield from _stated_well(rule, policy)
        if type(rule.terms) in OF_KIND:
            yield from OF_KIND[type(rule.terms)](rule.terms, f"{_path(rule)}/terms")
    yield from _grounds(policy)
    if policy.taxonomy is not BROKEN:
        yield from _taxonomy(policy.taxonomy, stated)
        yield from _reasons(policy)
    yield from _tariff(policy, stated)


def _path(rule: Rule[Any]) -> str:
    return below("/rules", rule.key.id)


# --- the whole ----------------------------------------------------------------------------------------


def _names(policy: Policy) -> Faults:
    if policy.version is not BROKEN and not NAME.fullmatch(policy.version):
        yield Fault("/version", f"must match {NAME.pattern}")
    if policy.currency is not BROKEN and not CURRENCY.fullmatch(policy.currency):
        yield Fault("/currency", "must be the three letters of a currency")


def _terms(stated: Stated) -> Faults:
    for path, term in stated.terms:
        if term.calendar and term.unit is Unit.MONTHS:
            yield Fault(path, "months run in no calendar of their own")
        elif term.calendar and term.calendar not in stated.calendars:
            yield Fault(below(path, "calendar"), f"there is no calendar {term.calendar}")


def _calendars(calendars: Mapping[str, Calendar]) -> Faults:
    for name, calendar in calendars.items():
        path = below("/calendars", name)
        for day in sorted(calendar.holidays & calendar.workdays):
            yield Fault(path, f"{day} is both a holiday and a workday")
        if (calendar.holidays or calendar.workdays) and not calendar.source:
            yield Fault(f"{path}/source", "is missing: somebody gave these days")


def _needed(policy: Policy, stated: Stated) -> Faults:
    for key in sorted(pack.NEEDED, key=lambda key: key.id):
        path = below("/rules", key.id)
        if key.id not in stated.rules:
            yield Fault(path, "is missing: no case can be worked on without it")
        elif key.id in policy.rules and not policy.rules[key.id].enabled:
            yield Fault(f"{path}/enabled", "must be true: no case can be worked on without it")


def _stated_well(rule: Rule[Any], policy: Policy) -> Faults:
    path = _path(rule)
    if rule.enabled and rule.confidence is Confidence.C:
        yield Fault(f"{path}/enabled", "must be false: nobody verified this figure (C)")
    by_operator = rule.source.split()[0] == OPERATOR
    if by_operator is not (rule.confidence is Confidence.H):
        yield Fault(f"{path}/source", f"must be `{OPERATOR}` where the confidence is H, and nowhere else")
    known = {field.name for field in fields(rule.terms)}
    for name in rule.chosen:
        if name not in known:
            yield Fault(f"{path}/chosen", f"the terms have no {name}")
    if policy.effective_from is not BROKEN and rule.effective_from > policy.effective_from:
        yield Fault(f"{path}/effective_from", "must not be later than that of the whole policy")


# --- what rules say -----------------------------------------------------------------------------------


def _percentage(terms: Percentage, path: str) -> Faults:
    if terms.cap_minor is not None and terms.floor_minor > terms.cap_minor:
        yield Fault(f"{path}/floor_minor", "is above the cap")
    if not 0 < terms.percent <= 100:
        yield Fault(f"{path}/percent", "must be from 1 to 100")
    if terms.cap_percent is not None and not terms.percent <= terms.cap_percent <= 100:
        yield Fault(f"{path}/cap_percent", "must be from the percent to 100")


def _multiple(terms: Multiple, path: str) -> Faults:
    if terms.times < 1:
        yield Fault(f"{path}/times", "must be at least 1")
    for one in sorted(terms.needs & terms.excludes):
        yield Fault(f"{path}/excludes", f"{one} is both needed and excluded")


def _intact(terms: Intact, path: str) -> Faults:
    for one in sorted(terms.allowed & terms.breaks):
        yield Fault(f"{path}/allowed", f"{one} also breaks the goods")
    for category, breaks in terms.categories.items():
        for one in sorted(terms.allowed & breaks):
            yield Fault(below(f"{path}/categories", category), f"{one} is always allowed")


def _burden(terms: Burden, path: str) -> Faults:
    for ground, parties in terms.grounds.items():
        if not parties or not PARTIES.issuperset(parties) or len(set(parties)) != len(parties):
            yield Fault(below(f"{path}/grounds", ground), f"must be {' or '.join(sorted(PARTIES))} in turn")
    for reason, ground in terms.reasons.items():
        if ground not in terms.grounds:
            yield Fault(below(f"{path}/reasons", reason), f"{ground} is not one of the grounds")
    if terms.other_reasons and terms.other_reasons not in terms.grounds:
        yield Fault(f"{path}/other_reasons", f"{terms.other_reasons} is not one of the grounds")


def _checklist(terms: Checklist, path: str) -> Faults:
    for reason, by_party in terms.reasons.items():
        for party in by_party:
            if party not in PARTIES:
                place = below(below(f"{path}/reasons", reason), party)
                yield Fault(place, f"must be {' or '.join(sorted(PARTIES))}")


def _penalties(terms: Penalties, path: str) -> Faults:
    if not terms.tiers:
        yield Fault(f"{path}/tiers", "names no tier")
    for index, (lower, upper) in enumerate(pairwise(terms.tiers), 1):
        if lower.from_points >= upper.from_points:
            yield Fault(f"{path}/tiers/{index}/from_points", "must be above that of the tier before")
    for index, tier in enumerate(terms.tiers):
        if not tier.from_points:
            yield Fault(f"{path}/tiers/{index}/from_points", "must be at least 1: nothing reaches it")
        if not tier.measures:
            yield Fault(f"{path}/tiers/{index}/measures", "names no measure")
    if not 0 <= terms.published_from <= len(terms.tiers):
        yield Fault(f"{path}/published_from", "must be the number of a tier, or 0 for none")


def _crisis(terms: Crisis, path: str) -> Faults:
    rising = {"feedback": terms.feedback, "facts": terms.facts, "plan": terms.plan}
    yield from _rising(rising, path)


def _detector(terms: Detector, path: str) -> Faults:
    yield from _rising({"window": terms.window, "baseline": terms.baseline}, path)
    yield from _at_least_one(path, least=terms.least, factor=terms.factor)


def _need(terms: Need, path: str) -> Faults:
    yield from _at_least_one(path, default=terms.default)
    yield from _at_least_one(f"{path}/categories", **terms.categories)


def _guarantees(terms: Guarantees, path: str) -> Faults:
    yield from _at_least_one(path, failed_repairs=terms.failed_repairs)


def _appeal(terms: AppealTerm, path: str) -> Faults:
    yield from _at_least_one(path, per_round=terms.per_round)


def _staging(terms: Staging, path: str) -> Faults:
    yield from _at_least_one(path, pieces=terms.pieces)


def _attempts(terms: FollowUpTerms | Payment, path: str) -> Faults:
    yield from _at_least_one(path, attempts=terms.attempts)


def _correction(terms: Correction, path: str) -> Faults:
    yield from _at_least_one(path, window_days=terms.window_days)
    for name, figure in {"settle_days": terms.settle_days, "percent": terms.percent}.items():
        if figure < 0:
            yield Fault(below(path, name), "must not be negative")


def _at_least_one(path: str, **figures: int) -> Faults:
    for name, figure in figures.items():
        if figure < 1:
            yield Fault(below(path, name), "must be at least 1")


_SOME_MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def _rising(terms: Mapping[str, Term], path: str) -> Faults:
    """Each ends later than the one before, if all start together on a plain Monday."""
    ends = [due(_SOME_MONDAY, Term(term.amount, term.unit), {}) for term in terms.values()]
    for (earlier, later), name in zip(pairwise(ends), list(terms)[1:], strict=True):
        if earlier >= later:
            yield Fault(f"{path}/{name}", "must be longer than the term before")


OF_KIND: Mapping[type, Callable[[Any, str], Faults]] = {
    Percentage: _percentage,
    Multiple: _multiple,
    Intact: _intact,
    Burden: _burden,
    Checklist: _checklist,
    Penalties: _penalties,
    Crisis: _crisis,
    Detector: _detector,
    Need: _need,
    Guarantees: _guarantees,
    AppealTerm: _appeal,
    FollowUpTerms: _attempts,
    Payment: _attempts,
    Staging: _staging,
    Correction: _correction,
}
"""What is checked of the terms of a rule, by what kind they are."""


# --- names that lead somewhere ------------------------------------------------------------------------


def _grounds(policy: Policy) -> Faults:
    for rule_id, needed in NEEDED_GROUNDS.items():
        rule = policy.rules.get(rule_id)
        if rule and isinstance(rule.terms, Suspension):
            for ground in sorted(needed - rule.terms.grounds.keys()):
                yield Fault(below(f"{_path(rule)}/terms/grounds", ground), "is missing")


def _taxonomy(taxonomy: Taxonomy, stated: Stated) -> Faults:
    for one in CaseType:
        if one not in taxonomy.case_types:
            yield Fault(f"/taxonomy/case_types/{one}", "is missing")
    for kind, known in taxonomy.case_types.items():
        path = f"/taxonomy/case_types/{kind}"
        yield from _rules_named(known.eligibility, f"{path}/eligibility", stated.rules, eligibility.RULES)
    for reason, given in taxonomy.reasons.items():
        path = below("/taxonomy/reasons", reason)
        if not given.case_types:
            yield Fault(f"{path}/case_types", "names no kind of case")
        yield from _rules_named(given.eligibility, f"{path}/eligibility", stated.rules, eligibility.RULES)
        yield from _rules_named(given.clauses, f"{path}/clauses", stated.rules, pack.KEYS)


def _rules_named(
    named: Iterable[str], path: str, stated: Collection[str], askable: Collection[str]
) -> Faults:
    for index, rule_id in enumerate(named):
        if rule_id not in stated:
            yield Fault(f"{path}/{index}", f"there is no rule {rule_id}")
        elif rule_id not in askable:
            yield Fault(f"{path}/{index}", f"{rule_id} asks nothing of a filing")


def _reasons(policy: Policy) -> Faults:
    """Reasons that rules speak of are listed."""
    for rule in policy.rules.values():
        for name, reasons in _reasons_of(rule):
            for reason in reasons:
                if reason not in policy.taxonomy.reasons:
                    place = below(f"{_path(rule)}/terms/{name}", reason)
                    yield Fault(place, "is not a reason of the taxonomy")


def _reasons_of(rule: Rule[Any]) -> Iterator[tuple[str, Iterable[str]]]:
    if isinstance(rule.terms, Checklist | Burden):
        yield "reasons", rule.terms.reasons
    if rule.key is pack.RETURN_FREIGHT:
        yield "grounds", rule.terms.grounds


def _tariff(policy: Policy, stated: Stated) -> Faults:
    rule = policy.rules.get(pack.PENALTIES.id)
    for clause in rule.terms.tariff if rule else ():
        path = below(f"{below('/rules', pack.PENALTIES.id)}/terms/tariff", clause)
        if clause not in stated.rules:
            yield Fault(path, "is not a rule")
        elif clause in policy.rules and not policy.rules[clause].enabled:
            yield Fault(path, "is disabled: nobody is penalised under it")
