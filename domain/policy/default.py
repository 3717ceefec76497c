"""The built-in policy `cn-2026`: in force until an operator publishes one."""

from datetime import date, time
from typing import TypeVar

from domain.policy import pack
from domain.policy.calendar import Calendar, Term, Unit
from domain.policy.pack import (
    Amount,
    AppealTerm,
    Applies,
    Bearer,
    Burden,
    Checklist,
    Confidence,
    ConfirmedExclusion,
    Crisis,
    Deadline,
    Detector,
    Escalation,
    EvidenceWindows,
    Excluded,
    Execution,
    FollowUpTerms,
    FourEyes,
    Goodwill,
    GoodwillLimit,
    Guarantees,
    Intact,
    Key,
    Multiple,
    Need,
    Payment,
    Penalties,
    Percentage,
    Policy,
    Retention,
    ReturnWindow,
    Rule,
    Suspension,
    Tariff,
    Tier,
    Warranty,
)
from domain.policy.taxonomy import Kind, Label, Reason, Taxonomy
from domain.values import CaseType, Circumstance, Role

T = TypeVar("T")

VERSION = "cn-2026"
A, B, C, H = Confidence.A, Confidence.B, Confidence.C, Confidence.H
FROM = date(2026, 1, 1)
KNOWING = frozenset({Circumstance.SELLER_KNEW, Circumstance.SELLER_IS_PRODUCER})


def _hours(amount: int, calendar: str | None = None) -> Term:
    return Term(amount, Unit.HOURS, calendar)


def _days(amount: int, calendar: str | None = None) -> Term:
    return Term(amount, Unit.DAYS, calendar)


def _months(amount: int) -> Term:
    return Term(amount, Unit.MONTHS)


def _rule(
    key: Key[T],
    terms: T,
    source: str,
    confidence: Confidence = A,
    applies: Applies = Applies.AT_FILING,
) -> Rule[T]:
    title = Label(key.id, key.id)
    return Rule(key, title, terms, source, confidence, FROM, VERSION, applies, enabled=confidence is not C)


RULES = (
    _rule(
        pack.NO_REASON_RETURN,
        ReturnWindow(_days(7), refund=_days(7)),
        "消费者权益保护法 25; 七日无理由退货暂行办法 10, 13",
        applies=Applies.AT_ACT,
    ),
    _rule(
        pack.EXCLUDED,
        Excluded(frozenset({"custom_made", "perishable", "digital_unsealed", "newspaper"})),
        "消费者权益保护法 25; 七日无理由退货暂行办法 6",
        applies=Applies.AT_ACT,
    ),
    _rule(
        pack.CONFIRMED_EXCLUSION,
        ConfirmedExclusion(
            {
                "opened_affects_health": frozenset(
                    {"food", "health_food", "cosmetics", "medical_device", "intimate", "baby"}
                ),
                "activation_loses_value": frozenset({"electronics", "digital", "appliance"}),
                "near_expiry": frozenset(),
                "disclosed_flaw": frozenset(),
            }
        ),
        "七日无理由退货暂行办法 7, 20",
        applies=Applies.AT_ACT,
    ),
    _rule(
        pack.INTACT,
        Intact(
            breaks=frozenset(
                {"used_beyond_trying", "damaged", "soiled", "parts_missing", "label_missing", "gift_missing"}
            ),
            categories=dict.fromkeys(
                ("food", "health_food", "cosmetics", "medical_device", "intimate"),
                frozenset({"seal_broken"}),
            )
            | dict.fromkeys(
                ("electronics", "digital", "appliance"),
                frozenset(
                    {
                        "unauthorised_repair",
                        "mark_altered",
                        "serial_altered",
                        "traces_of_use",
                        "activated",
                        "data_left",
                    }
                ),
            )
            | dict.fromkeys(
                ("clothing", "shoes", "bags", "toys", "home_textile", "furniture"),
                frozenset({"tag_removed", "mark_cut"}),
            ),
            allowed=frozenset({"packaging_opened", "tried"}),
        ),
        "七日无理由退货暂行办法 8-9",
        applies=Applies.AT_ACT,
    ),
    _rule(
        pack.RETURN_FREIGHT,
        Bearer("merchant", {"no_reason": "buyer"}, promises={"free_return_freight": "merchant"}),
        "消费者权益保护法 24, 25; 七日无理由退货暂行办法 12, 17-18",
    ),
    _rule(pack.DEEMED_REFUSAL, Deadline(_days(15)), "七日无理由退货暂行办法 31"),
    _rule(pack.QUALITY_RETURN, ReturnWindow(_days(7)), "消费者权益保护法 24", applies=Applies.AT_ACT),
    _rule(
        pack.DURABLE_BURDEN,
        Burden(
            {"durable": ("merchant",)},
            within=_months(6),
            categories=frozenset({"electronics", "appliance", "vehicle", "decoration"}),
        ),
        "消费者权益保护法 23",
        applies=Applies.AT_ACT,
    ),
    _rule(
        pack.WARRANTY,
        Warranty(_months(12), {"appliance": _months(12), "appliance_main_part": _months(36)}),
        "消费者权益保护法实施条例 18; 部分商品修理更换退货责任规定 11",
        B,
        Applies.AT_ACT,
    ),
    _rule(
        pack.THREE_GUARANTEES,
        Guarantees(exchange=_days(15), failed_repairs=2),
        "部分商品修理更换退货责任规定 9-11",
        B,
        Applies.AT_ACT,
    ),
    _rule(
        pack.FRAUD,
        Multiple(times=3, floor_minor=50_000),
        "消费者权益保护法 55; 实施条例 49",
        applies=Applies.AT_ACT,
    ),
    _rule(
        pack.UNSAFE_FOOD,
        Multiple(
            times=10,
            floor_minor=100_000,
            loss_times=3,
            needs=KNOWING,
            excludes=frozenset({Circumstance.HARMLESS_LABEL_FLAW}),
            within_need=True,
        ),
        "食品安全法 148",
        applies=Applies.AT_ACT,
    ),
    _rule(
        pack.INFERIOR_DRUGS,
        Multiple(times=10, floor_minor=100_000, loss_times=3, needs=KNOWING, within_need=True),
        "药品管理法 144",
        applies=Applies.AT_ACT,
    ),
    _rule(pack.REASONABLE_NEED, Need(default=5), "法释〔2024〕9号", applies=Applies.AT_ACT),
    _rule(
        pack.FAKE_PROMISE,
        Multiple(times=10, promise="fake_one_pay_ten"),
        "法释〔2022〕8号 10",
        applies=Applies.AT_ACT,
    ),
    _rule(pack.ANSWER, Deadline(_hours(24)), "京东开放平台交易纠纷处理总则 3, 9.1"),
    _rule(pack.SUPPLEMENT, Deadline(_hours(4, "service_hours")), "京东开放平台交易纠纷处理总则 9.2"),
    _rule(
        pack.EXECUTION,
        Execution(review=_hours(48), execute=_hours(24)),
        "京东开放平台交易纠纷处理总则 9.3; 标准 16",
    ),
    _rule(pack.APPEAL, AppealTerm(_days(7)), "京东开放平台交易纠纷处理总则 9.4-5, 16, 46"),
    _rule(pack.ESCALATION, Escalation(_hours(24), within=_days(15)), "京东开放平台交易纠纷处理总则 3, 7"),
    _rule(
        pack.SUSPENSION,
        Suspension({"settlement": _days(30), "receipt": _days(7, "working_days"), "police": _months(6)}),
        "淘宝平台争议处理规则 82-83",
    ),
    _rule(pack.MISDESCRIPTION, Percentage(percent=10, cap_minor=20_000), "京东开放平台交易纠纷处理标准 11"),
    _rule(
        pack.MISSING_GIFT,
        Percentage(percent=30, floor_minor=500, cap_percent=50),
        "京东开放平台交易纠纷处理标准 24",
    ),
    _rule(
        pack.EVIDENCE_WINDOWS,
        EvidenceWindows(
            default=_days(7),
            categories={
                "fresh": _hours(24),
                "perishable": _hours(24),
                "food": _hours(48),
                "glass": _hours(48),
                "appliance": _hours(72),
                "furniture": _days(15),
            },
        ),
        "京东开放平台交易纠纷处理标准 26",
    ),
    _rule(pack.CRISIS, Crisis(_hours(2), _hours(12), _hours(24)), "京东开放平台交易纠纷处理总则 27"),
    _rule(pack.COURIER, Deadline(_days(7)), "快递暂行条例 28"),
    _rule(
        pack.REGULATOR,
        Suspension({"answer": _days(7, "working_days"), "mediation": _days(60)}),
        "消费者权益保护法实施条例 46",
    ),
    _rule(pack.RECORDS, Retention(_months(36)), "电子商务法 31"),
    _rule(pack.NOTICE, Retention(_months(36)), "网络交易监督管理办法 28; 交易规则制定程序规定 9"),
    _rule(
        pack.PENALTIES,
        Penalties(
            tariff={"S-1": Tariff(max_points=12, max_fine_minor=5_000_000)},
            expiry=_days(90),
            tiers=(
                Tier(3, _days(7), ("no_promotion",)),
                Tier(6, _days(14), ("no_promotion", "search_demoted")),
                Tier(9, _days(28), ("no_promotion", "search_demoted", "listing_limit")),
                Tier(12, _days(28), ("no_promotion", "delisted", "listing_limit")),
                Tier(15, _days(28), ("shop_frozen",)),
            ),
        ),
        "operator (the shape of Shopee's account health)",
        H,
        Applies.AT_DECISION,
    ),
    _rule(pack.LATE_SHIPMENT, Percentage(percent=5, floor_minor=500), "not found", C),
    _rule(
        pack.INSPECTION_COST,
        Bearer("buyer", {"fake": "merchant", "faulty": "merchant", "genuine": "buyer"}),
        "淘宝平台争议处理规则 65-66",
    ),
    _rule(
        pack.PROOF,
        Burden(
            {
                "visible": ("buyer", "merchant"),
                "hidden": ("merchant", "buyer"),
                "counterfeit": ("merchant", "buyer"),
            }
        ),
        "淘宝平台争议处理规则 65-66",
    ),
    _rule(
        pack.GOODWILL,
        Goodwill(
            {
                Role.AGENT: GoodwillLimit(coupon_minor=10_000, points=10_000),
                Role.REVIEWER: GoodwillLimit(coupon_minor=50_000, points=50_000),
            }
        ),
        "operator",
        H,
        Applies.AT_DECISION,
    ),
    _rule(pack.FOUR_EYES, FourEyes(above_minor=500_000), "operator", H, Applies.AT_DECISION),
    _rule(pack.LEASE, Deadline(_hours(2, "service_hours")), "operator", H, Applies.AT_DECISION),
    _rule(pack.FOLLOW_UP, FollowUpTerms(delay=_hours(72), attempts=3), "operator", H, Applies.AT_DECISION),
    _rule(pack.FREIGHT_CAP, Amount(50_000), "operator", H, Applies.AT_DECISION),
    _rule(pack.PAYMENT, Payment(attempts=3), "operator", H, Applies.AT_DECISION),
    _rule(pack.REPLY, Deadline(_hours(24)), "operator", H, Applies.AT_DECISION),
    _rule(pack.SHIP_RETURN, Deadline(_days(7)), "operator", H, Applies.AT_DECISION),
    _rule(
        pack.CHECKLIST,
        Checklist(
            {
                "quality_defect": {"buyer": ("photo", "video"), "merchant": ("inspection_report",)},
                "counterfeit": {"buyer": ("photo",), "merchant": ("purchase_invoice", "brand_authorisation")},
                "not_as_described": {
                    "buyer": ("photo", "listing_screenshot"),
                    "merchant": ("listing_record",),
                },
                "not_received": {"merchant": ("waybill", "delivery_proof")},
                "damaged": {"buyer": ("photo", "unboxing_video"), "merchant": ("packing_record",)},
            }
        ),
        "operator",
        H,
    ),
    _rule(pack.SPIKE, Detector(_hours(24), _days(28), 5, 3), "operator", H, Applies.AT_DECISION),
    _rule(pack.BREACHES, Detector(_hours(24), _days(28), 5, 3), "operator", H, Applies.AT_DECISION),
    _rule(
        pack.REPEAT_BUYER,
        Detector(_days(28), _days(90), 5, 3),
        "operator",
        H,
        Applies.AT_DECISION,
    ),
    _rule(pack.GRACE, Deadline(_days(15)), "operator", H, Applies.AT_DECISION),
    _rule(pack.REFUND, Percentage(percent=100), "消费者权益保护法 24, 25"),
)

CALENDARS = {
    # M-2: supplementary evidence is counted inside 09:00-18:00 of every day; leases (O-3) run then too.
    "service_hours": Calendar(opens=time(9), closes=time(18)),
    "working_days": Calendar(weekdays=frozenset(range(5))),
}

DEFECT = ("Q-1", "3B-1", "Q-3")


def _reason(
    *case_types: CaseType, eligibility: tuple[str, ...] = (), clauses: tuple[str, ...] = ()
) -> Reason:
    return Reason(Label("", ""), frozenset(case_types), eligibility, clauses)


TAXONOMY = Taxonomy(
    case_types={one: Kind(Label(one, one), ("Q-3",) if one is CaseType.REPAIR else ()) for one in CaseType},
    reasons={
        "no_reason": _reason(CaseType.RETURN_REFUND, eligibility=("NR-1", "NR-2", "NR-3"), clauses=("NR-1",)),
        "quality_defect": _reason(*CaseType, clauses=DEFECT),
        "not_as_described": _reason(*CaseType, clauses=("Q-1", "C-1")),
        "damaged": _reason(*CaseType, eligibility=("E-1",), clauses=("Q-1",)),
        "missing_gift": _reason(*CaseType, eligibility=("E-1",), clauses=("C-2",)),
        "counterfeit": _reason(*CaseType, clauses=("F-1", "P-10", "Q-1")),
        "unsafe_food": _reason(*CaseType, clauses=("F-2", "P-10", "Q-1")),
        "inferior_drug": _reason(*CaseType, clauses=("F-3", "P-10", "Q-1")),
    },
)

DEFAULT = Policy(
    VERSION, Label(VERSION, VERSION), FROM, "CNY", CALENDARS, TAXONOMY, {rule.key.id: rule for rule in RULES}
)
