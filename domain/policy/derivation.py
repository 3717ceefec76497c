"""How a rule came to what it says: kept in the deciding fact, and derived again by an audit."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Input = int | str | bool


@dataclass(frozen=True, slots=True)
class Step:
    """One rule applied: its id, the policy version that it was taken from, what went in and what came out.

    Amounts are minor units of `currency` where one is named, times RFC 3339 in UTC, durations seconds.
    """

    rule: str
    policy: str
    inputs: Mapping[str, Input] = field(default_factory=dict)
    result: Input = ""


Derivation = tuple[Step, ...]
"""Every step in the order in which it was taken; the last one's result is the outcome."""
