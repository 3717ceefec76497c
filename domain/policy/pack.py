"""A policy version as one typed value: every figure under its rule's id, with source and confidence.

Keys name the rules; `Policy.terms` answers what a rule says, or None where it is disabled.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, TypeVar

from domain.policy.calendar import Calendars, Term
from domain.policy.taxonomy import Label, Taxonomy
from domain.values import Circumstance, LiableParty, Money, Role

T = TypeVar("T")


class Applies(StrEnum):
    """Which version of a rule a case is judged by: that of the act, of the filing, or of the decision."""

    AT_ACT = "at_act"
    AT_FILING = "at_filing"
    AT_DECISION = "at_decision"


class Confidence(StrEnum):
    """How well a figure is known.

    A: the text of the rule was read · B: from a secondary text · C: unverified, ships disabled ·
    H: the operator's own choice.
    """

    A = "A"
    B = "B"
    C = "C"
    H = "H"


# --- what rules say -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deadline:
    """Something must be done, or may be done, within this term."""

    term: Term


@dataclass(frozen=True, slots=True)
class ReturnWindow:
    """A return is asked for within `window` of sign-for, the refund due within `refund` of the return."""

    window: Term
    refund: Term | None = None


@dataclass(frozen=True, slots=True)
class Excluded:
    """Goods of these categories are not returned without a reason."""

    categories: frozenset[str]


@dataclass(frozen=True, slots=True)
class ConfirmedExclusion:
    """Goods are excluded only if the buyer confirmed so at the purchase.

    Each confirmation counts for goods of its categories; one without categories for all goods.
    """

    confirmations: Mapping[str, frozenset[str]]

    def excludes(self, confirmation: str, category: str) -> bool:
        """Whether this confirmation counts for goods of this category."""
        categories = self.confirmations.get(confirmation)
        return categories is not None and (not categories or category in categories)


@dataclass(frozen=True, slots=True)
class Intact:
    """What breaks the intactness of any returned goods, what else does by category, and what never does."""

    breaks: frozenset[str]
    categories: Mapping[str, frozenset[str]] = field(default_factory=dict)
    allowed: frozenset[str] = frozenset()

    def broken_by(self, category: str) -> frozenset[str]:
        """What breaks the intactness of goods of this category."""
        return self.breaks | self.categories.get(category, frozenset())


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who bears a cost: a party for each ground, `default` for the others.

    Whoever made a `promise` bears it on any ground: promise to party.
    """

    default: LiableParty
    grounds: Mapping[str, LiableParty] = field(default_factory=dict)
    promises: Mapping[str, LiableParty] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Burden:
    """Who must prove, for each ground (visible, hidden, counterfeit, durable): the parties in turn.

    `reasons` says which ground a filing's reason is, `other_reasons` that of those not listed; without a
    ground the rule does not speak. `within` counts from sign-for.
    """

    grounds: Mapping[str, tuple[str, ...]]
    within: Term | None = None
    categories: frozenset[str] = frozenset()
    reasons: Mapping[str, str] = field(default_factory=dict)
    other_reasons: str = ""


@dataclass(frozen=True, slots=True)
class Warranty:
    """How long goods are warranted, by category; `default` for the others. Repair time does not count."""

    default: Term
    categories: Mapping[str, Term] = field(default_factory=dict)
    restarts_on_exchange: bool = True

    def term_of(self, category: str) -> Term:
        """How long goods of this category are warranted."""
        return self.categories.get(category, self.default)


@dataclass(frozen=True, slots=True)
class Guarantees:
    """Exchange within a term; after so many failed repairs an exchange is open."""

    exchange: Term
    failed_repairs: int


@dataclass(frozen=True, slots=True)
class Multiple:
    """Damages: `times` the price (or, where larger, `loss_times` the loss), at least `floor_minor`.

    A named `promise` must have been made. Of `needs` the finding must have established one, of `excludes`
    none. With `within_need` a knowing buyer gets it for what it may reasonably need alone.
    """

    times: int
    floor_minor: int = 0
    loss_times: int = 0
    promise: str | None = None
    needs: frozenset[Circumstance] = frozenset()
    excludes: frozenset[Circumstance] = frozenset()
    within_need: bool = False


@dataclass(frozen=True, slots=True)
class Percentage:
    """A share of the price paid, at least `floor_minor`, at most `cap_minor` or `cap_percent`."""

    percent: int
    floor_minor: int = 0
    cap_minor: int | None = None
    cap_percent: int | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """A knowing buyer is compensated for at most so many pieces of a category; `default` for the others."""

    default: int
    categories: Mapping[str, int] = field(default_factory=dict)

    def pieces_of(self, category: str) -> int:
        """How many pieces of this category a buyer may reasonably need."""
        return self.categories.get(category, self.default)


@dataclass(frozen=True, slots=True)
class Amount:
    """At the most this much, in minor units of the policy's currency."""

    most_minor: int


@dataclass(frozen=True, slots=True)
class Escalation:
    """The platform may be asked after `after` of negotiation or a refusal, within `within` of the refusal."""

    after: Term
    within: Term


@dataclass(frozen=True, slots=True)
class Execution:
    """A filed case is reviewed within `review`, a decision executed within `execute`."""

    review: Term
    execute: Term


@dataclass(frozen=True, slots=True)
class AppealTerm:
    """A decision may be appealed within `window`, `per_round` times by each party."""

    window: Term
    per_round: int = 1


@dataclass(frozen=True, slots=True)
class Suspension:
    """How long a case may stay suspended, by ground."""

    grounds: Mapping[str, Term]


@dataclass(frozen=True, slots=True)
class EvidenceWindows:
    """How soon after sign-for a visible flaw must be shown, by category; `default` for the others."""

    default: Term
    categories: Mapping[str, Term] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checklist:
    """The kinds of evidence that each party is asked for, by reason, then by party."""

    reasons: Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Staging:
    """Bytes that were taken in wait so long to be submitted; each party may have so many pieces waiting."""

    term: Term
    pieces: int


@dataclass(frozen=True, slots=True)
class Crisis:
    """An incident's own clocks: first feedback, facts established, plan agreed."""

    feedback: Term
    facts: Term
    plan: Term


@dataclass(frozen=True, slots=True)
class Retention:
    """How long records are kept after their end."""

    term: Term


@dataclass(frozen=True, slots=True)
class Publicity:
    """Every version stays readable for `readable`; a new one is public for `notice` before its effect."""

    readable: Term
    notice: Term


@dataclass(frozen=True, slots=True)
class Duties:
    """What must hold though no figure measures it: duties that the program keeps, by name."""

    duties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tariff:
    """What one penalty clause allows at the most. Fines in minor units of the policy's currency."""

    max_points: int
    max_fine_minor: int

    def knows(self, points: int, fine: Money | None, currency: str) -> bool:
        """Whether a penalty of so many points and this fine is one: neither nothing nor too much."""
        if fine and (fine.currency != currency or fine.amount_minor > self.max_fine_minor):
            return False
        return points <= self.max_points and bool(points or (fine and fine.amount_minor))


@dataclass(frozen=True, slots=True)
class Tier:
    """A sanction that starts when a merchant's points reach `from_points`: its measures, and for how long."""

    from_points: int
    term: Term
    measures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Penalties:
    """The tariff by clause, how long a penalty counts, and the tiers; points start anew each quarter.

    Sanctions from the tier `published_from` on are published; 0: none is.
    """

    tariff: Mapping[str, Tariff]
    expiry: Term
    tiers: tuple[Tier, ...]
    quarterly_reset: bool = True
    published_from: int = 0


@dataclass(frozen=True, slots=True)
class GoodwillLimit:
    """How much goodwill one role may grant on one case, over all its rounds."""

    coupon_minor: int
    points: int


@dataclass(frozen=True, slots=True)
class Goodwill:
    """The limits of goodwill by role."""

    limits: Mapping[Role, GoodwillLimit]


@dataclass(frozen=True, slots=True)
class FourEyes:
    """Decisions that grant more than this on one case, over all its rounds, wait for a second person."""

    above_minor: int


@dataclass(frozen=True, slots=True)
class FollowUpTerms:
    """When the buyer is asked after the last settlement, and how often somebody must try."""

    delay: Term
    attempts: int


@dataclass(frozen=True, slots=True)
class Payment:
    """How often a payment is tried before the protection fund pays in its place."""

    attempts: int


@dataclass(frozen=True, slots=True)
class Correction:
    """A corrective action: by when a measure is proposed, judged and carried out, and when it had effect.

    Cases found for the buyer are counted over `window_days` before the action and over as many after the
    measure, `settle_days` later, when they are decided. It had effect if those after are at most `percent`
    of those before.
    """

    propose: Term
    judge: Term
    complete: Term
    window_days: int
    settle_days: int
    percent: int


@dataclass(frozen=True, slots=True)
class Detector:
    """What is unusual: at least `least` cases within `window`, and `factor` times the baseline before it."""

    window: Term
    baseline: Term
    least: int
    factor: int


# --- the rules' keys ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key(Generic[T]):
    """Names one rule and the type of what it says."""

    id: str
    kind: type[T]


NO_REASON_RETURN = Key("NR-1", ReturnWindow)
EXCLUDED = Key("NR-2", Excluded)
CONFIRMED_EXCLUSION = Key("NR-3", ConfirmedExclusion)
INTACT = Key("NR-4", Intact)
RETURN_FREIGHT = Key("NR-6", Bearer)
DEEMED_REFUSAL = Key("NR-7", Deadline)
QUALITY_RETURN = Key("Q-1", ReturnWindow)
DURABLE_BURDEN = Key("Q-2", Burden)
WARRANTY = Key("Q-3", Warranty)
THREE_GUARANTEES = Key("3B-1", Guarantees)
FRAUD = Key("F-1", Multiple)
UNSAFE_FOOD = Key("F-2", Multiple)
INFERIOR_DRUGS = Key("F-3", Multiple)
REASONABLE_NEED = Key("F-4", Need)
FAKE_PROMISE = Key("P-10", Multiple)
ANSWER = Key("M-1", Deadline)
SUPPLEMENT = Key("M-2", Deadline)
EXECUTION = Key("M-3", Execution)
APPEAL = Key("M-4", AppealTerm)
ESCALATION = Key("M-5", Escalation)
SUSPENSION = Key("M-6", Suspension)
MISDESCRIPTION = Key("C-1", Percentage)
MISSING_GIFT = Key("C-2", Percentage)
EVIDENCE_WINDOWS = Key("E-1", EvidenceWindows)
CRISIS = Key("X-1", Crisis)
COURIER = Key("L-1", Deadline)
REGULATOR = Key("G-1", Suspension)
RECORDS = Key("R-1", Retention)
NOTICE = Key("R-3", Publicity)
ERASURE = Key("D-1", Duties)
AUTOMATION = Key("D-3", Duties)
PENALTIES = Key("S-1", Penalties)
LATE_SHIPMENT = Key("Z-1", Percentage)
INSPECTION_COST = Key("I-1", Bearer)
PROOF = Key("I-2", Burden)
GOODWILL = Key("O-1", Goodwill)
FOUR_EYES = Key("O-2", FourEyes)
LEASE = Key("O-3", Deadline)
FOLLOW_UP = Key("O-4", FollowUpTerms)
FREIGHT_CAP = Key("O-5", Amount)
PAYMENT = Key("O-6", Payment)
REPLY = Key("O-7", Deadline)
SHIP_RETURN = Key("O-8", Deadline)
CHECKLIST = Key("O-9", Checklist)
SPIKE = Key("O-10", Detector)
BREACHES = Key("O-11", Detector)
REPEAT_BUYER = Key("O-12", Detector)
GRACE = Key("O-13", Deadline)
CORRECTION = Key("O-16", Correction)
REFUND = Key("RF-1", Percentage)
STAGING = Key("O-14", Staging)
INSPECTION = Key("O-15", Deadline)

KEYS: Mapping[str, Key[Any]] = {key.id: key for key in list(globals().values()) if isinstance(key, Key)}
"""Every rule that a pack may hold, by its id."""

NEEDED: frozenset[Key[Any]] = frozenset(
    {
        ANSWER,
        SUPPLEMENT,
        EXECUTION,
        APPEAL,
        ESCALATION,
        SUSPENSION,
        CRISIS,
        RECORDS,
        NOTICE,
        ERASURE,
        AUTOMATION,
        PENALTIES,
        INSPECTION_COST,
        PROOF,
        GOODWILL,
        FOUR_EYES,
        LEASE,
        FOLLOW_UP,
        FREIGHT_CAP,
        PAYMENT,
        REPLY,
        SHIP_RETURN,
        CHECKLIST,
        SPIKE,
        BREACHES,
        REPEAT_BUYER,
        GRACE,
        CORRECTION,
        REFUND,
        STAGING,
        INSPECTION,
    }
)
"""The rules without which cases cannot be worked on: every pack holds them, enabled."""


@dataclass(frozen=True)
class Rule(Generic[T]):
    """One rule of a pack: what it says, where that stands, and whether it is in force.

    `chosen` names the figures of it that its source leaves open and the operator chose.
    """

    key: Key[T]
    title: Label
    terms: T
    source: str
    confidence: Confidence
    effective_from: date
    policy: str
    applies: Applies = Applies.AT_FILING
    enabled: bool = True
    chosen: tuple[str, ...] = ()

    @cached_property
    def named_terms(self) -> Mapping[str, Term]:
        """Every term that the rule names, by where it stands in it: `/window`, `/grounds/police`."""
        return dict(_terms(self.terms, ""))


def _terms(value: object, path: str) -> Iterator[tuple[str, Term]]:
    match value:
        case Term():
            yield path, value
        case Mapping():
            for name, one in value.items():
                yield from _terms(one, f"{path}/{name}")
        case tuple():
            for index, one in enumerate(value):
                yield from _terms(one, f"{path}/{index}")
        case _ if is_dataclass(value):
            for named in fields(value):
                yield from _terms(getattr(value, named.name), f"{path}/{named.name}")
        case _:
            pass


@dataclass(frozen=True)
class Policy:
    """Every figure that a case is decided by; a case's own may be composed of several versions' rules."""

    version: str
    title: Label
    effective_from: date
    currency: str
    calendars: Calendars
    taxonomy: Taxonomy
    rules: Mapping[str, Rule[Any]]

    def rule(self, key: Key[T]) -> Rule[T] | None:
        """The rule, where it is in force."""
        found = self.rules.get(key.id)
        return found if found and found.enabled else None

    def terms(self, key: Key[T]) -> T | None:
        """What the rule says, where it is in force."""
        found = self.rule(key)
        return found.terms if found else None

    def in_force(self, clause: str) -> bool:
        """Whether there is a rule of this id that counts."""
        found = self.rules.get(clause)
        return found is not None and found.enabled

    def needed(self, key: Key[T]) -> Rule[T]:
        """A rule that every pack must hold; KeyError where it is missing or disabled."""
        found = self.rule(key)
        if found is None:
            raise KeyError(key.id)
        return found

    def need(self, key: Key[T]) -> T:
        """What a rule says that every pack must hold; KeyError where it is missing or disabled."""
        return self.needed(key).terms

    def rules_of(self, kind: type[T]) -> Iterable[Rule[T]]:
        """The rules in force that say this kind of thing."""
        return (rule for rule in self.rules.values() if rule.enabled and isinstance(rule.terms, kind))


def composed(versions: Mapping[Applies, Policy]) -> Policy:
    """The policy of one case: each rule of the newest version, as it was when the rule says that it counts.

    `versions` holds the policy in force at each of the three moments; `AT_DECISION` is the newest.
    """
    newest = versions[Applies.AT_DECISION]
    rules = {rule_id: _counting(rule_id, rule, versions) for rule_id, rule in newest.rules.items()}
    # An older rule may run in a calendar that the newest version no longer holds.
    calendars = {name: one for moment in Applies for name, one in versions[moment].calendars.items()}
    return replace(newest, calendars=calendars, rules=rules)


def _counting(rule_id: str, rule: Rule[Any], versions: Mapping[Applies, Policy]) -> Rule[Any]:
    """A rule that did not exist then is not applied back: it counts as disabled."""
    return versions[rule.applies].rules.get(rule_id) or replace(rule, enabled=False)
