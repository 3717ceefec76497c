"""What rules say in a line, for people: in tables of the command line and in the reference."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from domain.policy.calendar import Term
from domain.policy.pack import Policy, Rule

MINOR = "_minor"
"""Ends the names of figures in minor units."""


def figure(rule: Rule[Any], currency: str) -> str:
    """Everything that a rule says."""
    return ", ".join(_parts(rule.terms, currency))


def confidence(rule: Rule[Any]) -> str:
    """How well its figures are known; `/H` where the operator chose some of them."""
    return f"{rule.confidence}/H" if rule.chosen else str(rule.confidence)


def summary(policy: Policy) -> dict[str, Any]:
    """How many rules a policy has, how well they are known, and which are disabled."""
    rules = policy.rules.values()
    by_confidence: dict[str, int] = {}
    for rule in rules:
        by_confidence[rule.confidence] = by_confidence.get(rule.confidence, 0) + 1
    return {
        "rules": len(rules),
        "confidence": dict(sorted(by_confidence.items())),
        "disabled": [rule.key.id for rule in rules if not rule.enabled],
    }


def _parts(terms: Any, currency: str) -> Iterator[str]:
    for field in fields(terms):
        value = getattr(terms, field.name)
        name = field.name.removesuffix(MINOR).replace("_", " ")
        if not value and (field.default == value or isinstance(value, Collection)):
            continue
        if value is True:
            yield name
        elif field.name.endswith(MINOR):
            yield f"{name} {value / 100:,.2f} {currency}"
        else:
            yield f"{name} {_said(value, currency)}"


def _named(name: str, value: Any, currency: str) -> str:
    said = _said(value, currency)
    if isinstance(value, Mapping):
        return f"{name} ({said})"
    return f"{name}: {said}" if said else name


def _said(value: Any, currency: str) -> str:
    match value:
        case Enum():
            return str(value.value)
        case Term():
            return str(value)
        case frozenset():
            return " ".join(sorted(str(one) for one in value))
        case tuple():
            between = "; " if any(is_dataclass(one) for one in value) else " "
            return between.join(_said(one, currency) for one in value)
        case Mapping():
            return "; ".join(_named(name, one, currency) for name, one in value.items())
        case _ if is_dataclass(value):
            return ", ".join(_parts(value, currency))
        case _:
            return str(value)
