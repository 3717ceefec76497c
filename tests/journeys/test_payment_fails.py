"""Story 8: a payment fails three times; the protection fund pays, and nothing is paid twice."""

from uuid import UUID

import pytest

REFUND = {"kind": "refund", "amount": {"amount_minor": 19900, "currency": "CNY"}, "payer": "merchant"}
UPHELD = {
    "finding": "upheld",
    "liability": [{"party": "merchant", "share": 100}],
    "evidence": [],
    "reasons": "属实",
}


class Bank:
    """Refuses the accounts that are frozen, and counts what left each account."""

    def __init__(self):
        self.frozen = {"merchant"}
        self.paid: dict[UUID, str] = {}

    def __call__(self, instruction):
        if instruction.payer in self.frozen:
            return f"账户冻结: {instruction.payer}"
        self.paid[instruction.gateway_key] = instruction.payer
        return None


@pytest.fixture
def bank(world):
    bank = Bank()
    world.object_to_payments(bank)
    return bank


@pytest.fixture
def case(world):
    """A refund of 199 yuan out of the merchant's account was decided."""
    filed = world.caller("buyer-integration").post("/cases", world.filing("PO-8"))
    path, reviewer = f"/cases/{filed['case_id']}", world.caller("reviewer")
    version = reviewer.post(f"{path}/lease", version=1)["version"]
    version = reviewer.post(f"{path}/verification", UPHELD, version=version)["version"]
    decision = {"remedies": [REFUND], "clauses": ["Q-1"], "reasons": "全额退款"}
    reviewer.post(f"{path}/decisions", decision, version=version)
    return path


def line(world, case):
    return world.caller("finance").get(case)["compensations"][0]


def again(world, case, payer):
    path = f"{case}/compensations/{line(world, case)['compensation_id']}/instruction"
    world.caller("finance").post(path, {"payer": payer})
    world.settle()


def facts(world, case):
    return [fact["type"] for fact in world.caller("auditor").get(f"{case}/history")["data"]]


def because(world, case):
    (loop,) = world.caller("agent").get("/loops")["data"]
    assert case.endswith(loop["case_id"])
    return loop["open_because"]


def test_the_fund_pays_after_the_third_failure_and_is_owed_by_the_merchant(world, bank, case):
    world.settle()
    assert (line(world, case)["state"], line(world, case)["attempts"]) == ("failed", 1)
    again(world, case, "merchant")
    assert (line(world, case)["state"], because(world, case)) == ("failed", ["money"])
    again(world, case, "merchant")  # the third one fails, and with it the fund is told to pay

    paid = line(world, case)
    assert (paid["state"], paid["payer"], paid["attempts"]) == ("paid", "fund", 4)
    assert list(bank.paid.values()) == ["fund"]
    assert facts(world, case).count("CompensationFailed") == 3
    (owed,) = world.caller("finance").get(case)["recoveries"]
    assert (owed["debtor"], owed["creditor"], owed["cause"]) == ("merchant", "fund", "fund_advance")
    assert owed["amount"] == REFUND["amount"]

    world.settle()
    assert because(world, case) == ["follow_up"]
    assert facts(world, case).count("CaseCompensated") == 1


def test_an_attempt_that_had_succeeded_after_all_is_asked_back_and_not_paid_twice(world, bank, case):
    world.settle()
    again(world, case, "merchant")
    again(world, case, "merchant")
    late = {"reference": "bank-77", "paid_at": world.at.isoformat(), "attempt": 2}
    confirmation = f"{case}/compensations/{line(world, case)['compensation_id']}/confirmation"
    finance = world.caller("finance")
    assert finance.post(confirmation, late) == finance.post(confirmation, late)

    assert facts(world, case).count("CaseCompensated") == 1
    merchant, buyer = finance.get(case)["recoveries"]
    assert (merchant["debtor"], merchant["state"]) == ("merchant", "cancelled")
    assert (buyer["debtor"], buyer["creditor"], buyer["state"]) == ("buyer", "fund", "open")
    repaid = {"reference": "back-1", "amount": REFUND["amount"]}
    finance.post(f"{case}/recoveries/{buyer['recovery_id']}/payment", repaid)
    assert finance.get(case)["recoveries"][1]["state"] == "recovered"


def test_a_payment_that_even_the_fund_cannot_make_waits_where_everybody_sees_it(world, bank, case):
    bank.frozen = {"merchant", "fund"}
    world.settle()
    again(world, case, "merchant")
    again(world, case, "merchant")
    assert (line(world, case)["state"], line(world, case)["payer"]) == ("failed", "fund")
    assert because(world, case) == ["money"]
    world.pass_time(days=30)
    assert line(world, case)["attempts"] == 4

    bank.frozen = set()
    again(world, case, "fund")
    assert (line(world, case)["state"], list(bank.paid.values())) == ("paid", ["fund"])
