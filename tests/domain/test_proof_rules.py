"""Who must prove, what each side is asked for, who pays for an inspection: each rule alone, at its edges."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.policy import pack
from domain.policy.pack import Policy
from domain.policy.proof import burden_of_proof, checklist, inspection_bearer
from domain.values import InspectionOutcome, LiableParty, Money, OrderLine, Side
from infrastructure.policy_pack import default_pack

DEFAULT = default_pack()

DELIVERED = datetime(2026, 5, 5, 2, 0, tzinfo=UTC)
SIX_MONTHS_LATER = datetime(2026, 11, 5, 2, 0, tzinfo=UTC)


def order(category: str = "clothing", delivered_at: datetime | None = DELIVERED) -> OrderLine:
    paid = Money(19_900, "CNY")
    return OrderLine("PO-1", "1", "SKU-9", "羽绒服", category, 1, paid, DELIVERED, delivered_at)


def without(key: pack.Key) -> Policy:
    """The default policy without one rule."""
    rules = {name: rule for name, rule in DEFAULT.rules.items() if name != key.id}
    return replace(DEFAULT, rules=rules)


@pytest.mark.parametrize(
    ("reason", "side", "ground"),
    [
        ("damaged", Side.BUYER, "visible"),
        ("whatever else", Side.BUYER, "visible"),
        ("quality_defect", Side.MERCHANT, "hidden"),
        ("counterfeit", Side.MERCHANT, "counterfeit"),
    ],
)
def test_what_shows_is_for_the_buyer_to_prove_and_what_hides_for_the_merchant(reason, side, ground):
    found = burden_of_proof(reason, order(), SIX_MONTHS_LATER, DEFAULT)
    (step,) = found.derivation
    assert (found.value, step.rule, step.policy) == (side, "I-2", "cn-2026")
    assert step.inputs == {"reason": reason, "ground": ground}
    assert step.result == side


@pytest.mark.parametrize(
    ("filed_at", "rule"),
    [(SIX_MONTHS_LATER - timedelta(seconds=1), "Q-2"), (SIX_MONTHS_LATER + timedelta(days=1), "I-2")],
)
def test_of_durable_goods_the_merchant_proves_for_six_months_by_the_law_itself(filed_at, rule):
    found = burden_of_proof("quality_defect", order("electronics"), filed_at, DEFAULT)
    assert (found.value, found.derivation[0].rule) == (Side.MERCHANT, rule)


def test_the_derivation_of_the_six_months_names_what_went_in():
    filed_at = SIX_MONTHS_LATER - timedelta(seconds=1)
    (step,) = burden_of_proof("quality_defect", order("electronics"), filed_at, DEFAULT).derivation
    assert step.inputs == {
        "reason": "quality_defect",
        "ground": "durable",
        "category": "electronics",
        "delivered_at": "2026-05-05T02:00:00Z",
        "filed_at": "2026-11-05T01:59:59Z",
    }


@pytest.mark.parametrize(
    ("reason", "goods"),
    [
        ("damaged", order("electronics")),
        ("quality_defect", order("clothing")),
        ("quality_defect", order("electronics", delivered_at=None)),
    ],
)
def test_the_six_months_are_for_defects_of_durable_goods_that_were_delivered(reason, goods):
    (step,) = burden_of_proof(reason, goods, DELIVERED, DEFAULT).derivation
    assert step.rule == "I-2"


def test_where_no_rule_speaks_whoever_claims_must_prove():
    found = burden_of_proof("counterfeit", order(), DELIVERED, without(pack.PROOF))
    assert (found.value, found.derivation) == (Side.BUYER, ())


@pytest.mark.parametrize(
    ("reason", "side", "kinds"),
    [
        ("quality_defect", Side.BUYER, ("photo", "video")),
        ("counterfeit", Side.MERCHANT, ("purchase_invoice", "brand_authorisation")),
        ("not_received", Side.BUYER, ()),
        ("whatever else", Side.MERCHANT, ()),
    ],
)
def test_the_checklist_says_what_each_side_is_asked_for(reason, side, kinds):
    found = checklist(reason, side, DEFAULT)
    (step,) = found.derivation
    assert (found.value, step.rule, step.result) == (kinds, "O-9", ",".join(kinds))
    assert step.inputs == {"reason": reason, "party": side}


@pytest.mark.parametrize(
    ("outcome", "bearer"),
    [
        (InspectionOutcome.FAKE, LiableParty.MERCHANT),
        (InspectionOutcome.FAULTY, LiableParty.MERCHANT),
        (InspectionOutcome.GENUINE, LiableParty.BUYER),
        (InspectionOutcome.INCONCLUSIVE, LiableParty.PLATFORM),
    ],
)
def test_an_inspection_is_paid_by_whom_it_speaks_against(outcome, bearer):
    found = inspection_bearer(outcome, DEFAULT)
    (step,) = found.derivation
    assert (found.value, step.rule, step.result) == (bearer, "I-1", bearer)
    assert step.inputs == {"outcome": outcome}
