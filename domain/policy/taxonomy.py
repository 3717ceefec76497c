"""The words of a marketplace: kinds of case and reasons, what they are called, and which rules they ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.values import CaseType


@dataclass(frozen=True, slots=True)
class Label:
    """What something is called in Chinese and in English."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of case; `eligibility` names the rules that are asked of every case of it."""

    label: Label
    eligibility: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason that buyers give, in cases of these types.

    `eligibility` names the rules that are asked when such a case is filed, `clauses` those that it may be
    decided under.
    """

    label: Label
    case_types: frozenset[CaseType]
    eligibility: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All kinds of case, and all reasons by their code. A filing may name a reason that is not listed."""

    case_types: Mapping[CaseType, Kind] = field(default_factory=dict)
    reasons: Mapping[str, Reason] = field(default_factory=dict)

    def eligibility(self, case_type: CaseType, reason: str) -> tuple[str, ...]:
        """The rules that are asked when a case is filed."""
        kind, given = self.case_types.get(case_type), self.reasons.get(reason)
        asked = kind.eligibility if kind else ()
        return asked + (given.eligibility if given and case_type in given.case_types else ())

    def clauses(self, reason: str) -> tuple[str, ...]:
        """The rules that a case of this reason may be decided under."""
        given = self.reasons.get(reason)
        return given.clauses if given else ()
