"""A policy as a document of plain values (what JSON knows), validated as a whole: what people review.

`docs/policy.md` says how a document is written.
"""

from collections.abc import Mapping
from datetime import date, time
from typing import Any

from domain.policy import soundness
from domain.policy.calendar import Calendar
from domain.policy.faults import PolicyFaults
from domain.policy.pack import KEYS, Applies, Confidence, Policy, Rule
from domain.policy.shapes import BROKEN, WEEKDAYS, Reading, below, plain
from domain.policy.soundness import Stated
from domain.policy.taxonomy import Label, Taxonomy

_PARTS = ("version", "title", "effective_from", "currency", "calendars", "taxonomy", "rules")
_OF_A_RULE = ("title", "source", "confidence", "effective_from", "applies", "enabled", "chosen", "terms")
_OF_A_CALENDAR = ("opens", "closes", "weekdays", "holidays", "workdays", "source")


def compiled(document: Mapping[str, Any]) -> Policy:
    """The policy that a document holds. Raises PolicyFaults with every fault and its place."""
    reading = Reading()
    given = reading.mapping(document, "")
    reading.unknown(given, _PARTS, "")
    version = reading.required(str, given, "version", "")
    title = reading.required(Label, given, "title", "")
    effective_from = reading.required(date, given, "effective_from", "")
    currency = reading.required(str, given, "currency", "")
    taxonomy = reading.required(Taxonomy, given, "taxonomy", "")
    named_calendars = reading.mapping(given.get("calendars", {}), "/calendars")
    named_rules = _named_rules(reading, given)
    calendars = _calendars(reading, named_calendars)
    rules = _rules(reading, named_rules, version, effective_from)
    policy = Policy(version, title, effective_from, currency, calendars, taxonomy, rules)
    stated = Stated(named_rules.keys(), named_calendars.keys(), reading.terms)
    faults = {*reading.faults, *soundness.faults(policy, stated)}
    if faults:
        raise PolicyFaults(sorted(faults, key=lambda fault: (fault.path, fault.detail)))
    return policy


def document(policy: Policy) -> dict[str, Any]:
    """The document that holds this policy: `compiled` makes the same one of it."""
    return {
        "version": policy.version,
        "title": plain(policy.title),
        "effective_from": plain(policy.effective_from),
        "currency": policy.currency,
        "calendars": {name: _plain_calendar(one) for name, one in policy.calendars.items()},
        "taxonomy": plain(policy.taxonomy),
        "rules": {rule_id: _plain_rule(rule) for rule_id, rule in policy.rules.items()},
    }


# --- rules --------------------------------------------------------------------------------------------


def _named_rules(reading: Reading, given: Mapping[str, Any]) -> Mapping[str, Any]:
    if "rules" not in given:
        reading.fault("/rules", "is missing")
    return reading.mapping(given.get("rules", {}), "/rules")


def _rules(reading: Reading, named: Mapping[str, Any], version: Any, since: Any) -> dict[str, Rule[Any]]:
    found = {rule_id: _rule(reading, rule_id, one, version, since) for rule_id, one in named.items()}
    return {rule_id: rule for rule_id, rule in found.items() if rule is not BROKEN}


def _rule(reading: Reading, rule_id: str, value: Any, version: Any, since: Any) -> Any:
    path = below("/rules", rule_id)
    if rule_id not in KEYS:
        return reading.fault(path, "is not a rule that is known here")
    given = reading.mapping(value, path)
    reading.unknown(given, _OF_A_RULE, path)
    confidence = reading.required(Confidence, given, "confidence", path)
    stated = {
        "title": reading.required(Label, given, "title", path),
        "source": reading.required(str, given, "source", path),
        "confidence": confidence,
        "effective_from": _optional(reading, date, given, "effective_from", path, since),
        "applies": _optional(reading, Applies, given, "applies", path, Applies.AT_FILING),
        "enabled": _optional(reading, bool, given, "enabled", path, confidence is not Confidence.C),
        "chosen": _optional(reading, tuple[str, ...], given, "chosen", path, ()),
    }
    terms = reading.required(KEYS[rule_id].kind, given, "terms", path)
    if BROKEN in (terms, *stated.values()):
        return BROKEN
    return Rule(KEYS[rule_id], terms=terms, policy=version, **stated)


def _optional(
    reading: Reading, hint: Any, given: Mapping[str, Any], name: str, path: str, otherwise: Any
) -> Any:
    return reading.read(hint, given[name], below(path, name)) if name in given else otherwise


def _plain_rule(rule: Rule[Any]) -> dict[str, Any]:
    return {
        "title": plain(rule.title),
        "source": rule.source,
        "confidence": plain(rule.confidence),
        "effective_from": plain(rule.effective_from),
        "applies": plain(rule.applies),
        "enabled": rule.enabled,
        **({"chosen": list(rule.chosen)} if rule.chosen else {}),
        "terms": plain(rule.terms),
    }


# --- calendars ----------------------------------------------------------------------------------------


def _calendars(reading: Reading, named: Mapping[str, Any]) -> dict[str, Calendar]:
    found = {name: _calendar(reading, one, below("/calendars", name)) for name, one in named.items()}
    return {name: calendar for name, calendar in found.items() if calendar is not BROKEN}


def _calendar(reading: Reading, value: Any, path: str) -> Any:
    given = reading.mapping(value, path)
    reading.unknown(given, _OF_A_CALENDAR, path)
    readers = {
        "opens": reading.clock,
        "closes": reading.clock,
        "weekdays": reading.weekdays,
        "holidays": reading.days,
        "workdays": reading.days,
    }
    parts = {name: read(given[name], below(path, name)) for name, read in readers.items() if name in given}
    if "source" in given:
        parts["source"] = reading.read(str, given["source"], below(path, "source"))
    if BROKEN in parts.values():
        return BROKEN
    try:
        return Calendar(**parts)
    except ValueError as never_open:
        return reading.fault(path, str(never_open))


def _plain_calendar(calendar: Calendar) -> dict[str, Any]:
    return {
        "opens": f"{calendar.opens:%H:%M}",
        "closes": f"{calendar.closes:%H:%M}" if calendar.closes != time.min else "24:00",
        "weekdays": [WEEKDAYS[day] for day in sorted(calendar.weekdays)],
        "holidays": plain(calendar.holidays),
        "workdays": plain(calendar.workdays),
        **({"source": calendar.source} if calendar.source else {}),
    }
