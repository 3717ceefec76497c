"""The policy as one typed value, and the rules that read it: small functions with falsifiable claims.

A rule returns its objection with the clause, or an amount. What a rule decided is stored in the
deciding fact, so a later policy changes no history.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from domain.values import CaseType, Money, Objection, OrderLine, Role

SHANGHAI = timezone(timedelta(hours=8))
"""China has one civil time without daylight saving, so a fixed offset is exact."""


@dataclass(frozen=True, slots=True)
class Multiple:
    """Damages as a multiple of the price paid, at least `floor_minor`; a named `promise` must be made."""

    times: int
    floor_minor: int = 0
    promise: str | None = None


@dataclass(frozen=True, slots=True)
class Tariff:
    """What one penalty clause allows at the most. Fines in minor units of CNY."""

    max_points: int
    max_fine_minor: int


@dataclass(frozen=True, slots=True)
class GoodwillLimit:
    """How much goodwill one role may grant on one case, over all its rounds."""

    coupon_minor: int
    points: int


@dataclass(frozen=True)
class Policy:
    """Every figure that a case is decided by. Figures without a clause are the operator's choice."""

    version: str
    currency: str
    return_window_days: int
    excluded_categories: frozenset[str]
    lease: timedelta
    follow_up_delay: timedelta
    follow_up_attempts: int
    freight_cap_minor: int
    multiples: dict[str, Multiple]
    goodwill: dict[Role, GoodwillLimit]
    tariff: dict[str, Tariff]
    penalty_expiry: timedelta


DEFAULT = Policy(
    version="cn-2026-main-path",
    currency="CNY",
    # NR-1: 消费者权益保护法 25: seven days, counted from the day after sign-for.
    return_window_days=7,
    # NR-2: 消法 25: custom-made, fresh or perishable, unsealed digital, delivered newspapers.
    excluded_categories=frozenset({"custom_made", "perishable", "digital_unsealed", "newspaper"}),
    lease=timedelta(hours=2),
    follow_up_delay=timedelta(days=3),
    follow_up_attempts=3,
    freight_cap_minor=50_000,
    multiples={
        # F-1: 消法 55. F-2: 食品安全法 148. F-3: 药品管理法 144. P-10: 法释〔2022〕8号 10.
        "F-1": Multiple(times=3, floor_minor=50_000),
        "F-2": Multiple(times=10, floor_minor=100_000),
        "F-3": Multiple(times=10, floor_minor=100_000),
        "P-10": Multiple(times=10, promise="fake_one_pay_ten"),
    },
    goodwill={
        Role.AGENT: GoodwillLimit(coupon_minor=10_000, points=10_000),
        Role.REVIEWER: GoodwillLimit(coupon_minor=50_000, points=50_000),
    },
    # S-1: the shape of Shopee's account health; the figures are the operator's.
    tariff={"S-1": Tariff(max_points=12, max_fine_minor=5_000_000)},
    penalty_expiry=timedelta(days=90),
)


def end_of_return_window(delivered_at: datetime, days: int) -> datetime:
    """When (UTC) a window of whole Shanghai days ends that starts the day after sign-for."""
    first_day = delivered_at.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    return (first_day + timedelta(days=days + 1)).astimezone(UTC)


def within_return_window(order: OrderLine, at: datetime, policy: Policy) -> Objection | None:
    """A no-reason return is asked for in time (NR-1)."""
    if order.delivered_at is None or at < end_of_return_window(order.delivered_at, policy.return_window_days):
        return None
    return Objection("NR-1", "return_window_over")


def returnable_category(order: OrderLine, at: datetime, policy: Policy) -> Objection | None:
    """The goods are of a kind that can be returned without a reason (NR-2)."""
    return Objection("NR-2", "category_excluded") if order.category in policy.excluded_categories else None


NO_REASON_RULES = (within_return_window, returnable_category)


def objections(
    case_type: CaseType, reason: str, order: OrderLine, at: datetime, policy: Policy
) -> tuple[Objection, ...]:
    """Every objection to taking up this case; empty when it is eligible."""
    if case_type is not CaseType.RETURN_REFUND or reason != "no_reason":
        return ()
    found = (rule(order, at, policy) for rule in NO_REASON_RULES)
    return tuple(objection for objection in found if objection)


def multiple_cap(order: OrderLine, clauses: tuple[str, ...], policy: Policy) -> Money:
    """The most that the cited clauses allow as a multiple of the price; nothing when none of them does."""
    cited = (policy.multiples[clause] for clause in clauses if clause in policy.multiples)
    amounts = (
        max(rule.times * order.paid.amount_minor, rule.floor_minor)
        for rule in cited
        if rule.promise is None or rule.promise in order.promises
    )
    return Money(max(amounts, default=0), order.paid.currency)
