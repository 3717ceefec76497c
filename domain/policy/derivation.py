"""What a rule answers: its outcome, and how it came to that."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from domain.policy.pack import Rule
from domain.values import Derivation, Step

T = TypeVar("T", covariant=True)


@dataclass(frozen=True, slots=True)
class Derived(Generic[T]):
    """An outcome with its derivation; a rule that is not in force answers nothing and derives nothing."""

    value: T
    derivation: Derivation = ()


def step(rule: Rule[Any], result: int | str | datetime, **inputs: int | str | datetime | None) -> Step:
    """One rule applied. Inputs that are None were not known and are left out."""
    known = {name: _plain(value) for name, value in inputs.items() if value is not None}
    return Step(rule.key.id, rule.policy, known, _plain(result))


def shown(moment: datetime) -> str:
    """A moment as derivations hold it: RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: int | str | datetime) -> int | str:
    return shown(value) if isinstance(value, datetime) else value
