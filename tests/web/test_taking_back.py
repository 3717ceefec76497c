"""Money that comes back over HTTP: reversal, late success, repayment, write-off."""

from uuid import uuid4

import pytest

CNY_199 = {"amount_minor": 19900, "currency": "CNY"}
REFUND = {"kind": "refund", "amount": CNY_199, "payer": "merchant"}
REASONS = {"reasons": "误付"}
PAID_AT = "2026-11-10T07:00:00Z"


def yuan(amount):
    return {"amount_minor": amount * 100, "currency": "CNY"}


def seen(told, who="finance"):
    return told.call(who).get(told.path).json()


@pytest.fixture
def paid(story):
    """A refund of 199 yuan that the merchant paid."""
    return story().paid()


@pytest.fixture
def advanced(story):
    """The merchant's account failed, and the protection fund paid."""
    told = story().decided(REFUND)
    told.did(
        "finance", f"{told.line()}/failure", {"reference": "pay-1", "reason": "余额不足"}, versioned=False
    )
    told.did("finance", f"{told.line()}/instruction", {"payer": "fund"}, versioned=False)
    told.did("finance", f"{told.line()}/confirmation", paid_by("pay-2"), versioned=False)
    return told


def paid_by(reference, **more):
    return {"reference": reference, "paid_at": PAID_AT} | more


def recovery(told, number=0):
    return f"recoveries/{seen(told)['recoveries'][number]['recovery_id']}"


@pytest.mark.parametrize("who", ["finance", "supervisor"])
def test_a_paid_line_is_taken_back_in_part_and_the_rest_stands(paid, who):
    paid.did(who, f"{paid.line()}/reversal", REASONS | {"amount": yuan(99)})
    (line,), (owed,) = seen(paid)["compensations"], seen(paid)["recoveries"]
    assert (line["state"], line["stands"]) == ("paid", yuan(100))
    assert owed == {
        "recovery_id": owed["recovery_id"],
        "compensation_id": line["compensation_id"],
        "debtor": "buyer",
        "creditor": "merchant",
        "amount": yuan(99),
        "recovered": yuan(0),
        "cause": "mistake",
        "state": "open",
        "appeal_until": "2026-11-17T16:00:00Z",
    }


def test_what_the_fund_advanced_comes_back_in_parts(advanced):
    owed = recovery(advanced)
    advanced.did("finance", f"{owed}/payment", {"reference": "b-1", "amount": yuan(50)}, versioned=False)
    (first,) = seen(advanced)["recoveries"]
    assert (first["debtor"], first["creditor"], first["cause"]) == ("merchant", "fund", "fund_advance")
    assert (first["recovered"], first["state"]) == (yuan(50), "open")
    advanced.did("finance", f"{owed}/payment", {"reference": "b-2", "amount": yuan(149)}, versioned=False)
    assert seen(advanced)["recoveries"][0]["state"] == "recovered"


def test_the_same_repayment_again_has_the_same_answer(advanced):
    body = {"reference": "b-1", "amount": yuan(50)}
    path = f"{recovery(advanced)}/payment"
    first = advanced.did("finance", path, body, versioned=False)
    assert advanced.did("finance", path, body, versioned=False) == first


def test_what_is_missing_is_given_up(advanced):
    advanced.did("supervisor", f"{recovery(advanced)}/write-off", REASONS)
    assert seen(advanced)["recoveries"][0]["state"] == "written_off"


def test_a_late_success_is_asked_back_and_not_paid_twice(advanced):
    late = paid_by("pay-1", attempt=1)
    advanced.did("finance", f"{advanced.line()}/confirmation", late, versioned=False)
    merchants, buyers = seen(advanced)["recoveries"]
    assert (merchants["debtor"], merchants["state"]) == ("merchant", "cancelled")
    assert (buyers["debtor"], buyers["creditor"], buyers["cause"]) == ("buyer", "fund", "late_success")
    types = [one["type"] for one in advanced.call("auditor").get(f"{advanced.path}/history").json()["data"]]
    assert types.count("CaseCompensated") == 1


def test_a_closed_case_takes_back_and_is_given_back(story):
    told = story().closed()
    told.did("supervisor", f"{told.line()}/reversal", REASONS)
    body = {"reference": "b-1", "amount": CNY_199}
    assert told.did("finance", f"{recovery(told)}/payment", body, versioned=False)["stage"] == "closed"


def test_a_reversal_needs_the_version_and_a_repayment_does_not(paid, refused):
    refused(
        428,
        "precondition_required",
        lambda: paid.ask("finance", f"{paid.line()}/reversal", REASONS, versioned=False),
    )


def test_a_line_is_reversed_once(paid, refused):
    paid.did("finance", f"{paid.line()}/reversal", REASONS)
    refused(
        409,
        "compensation_already_settled",
        lambda: paid.ask("finance", f"{paid.line()}/reversal", REASONS),
    )


def test_more_than_stands_is_refused(paid, refused):
    body = REASONS | {"amount": yuan(200)}
    refused(409, "amount_mismatch", lambda: paid.ask("finance", f"{paid.line()}/reversal", body))


def test_recovery_already_settled(advanced, refused):
    owed = recovery(advanced)
    advanced.did("finance", f"{owed}/write-off", REASONS)
    body = {"reference": "b-1", "amount": yuan(1)}
    refused(409, "recovery_already_settled", lambda: advanced.ask("finance", f"{owed}/write-off", REASONS))
    refused(409, "recovery_already_settled", lambda: advanced.ask("finance", f"{owed}/payment", body))


def test_an_unknown_recovery_is_not_found(paid, refused):
    refused(
        404,
        "recovery_not_found",
        lambda: paid.ask("finance", f"recoveries/{uuid4()}/payment", {"reference": "b", "amount": yuan(1)}),
    )


@pytest.mark.parametrize("who", ["agent", "reviewer", "merchant", "buyer"])
def test_only_finance_and_supervisors_take_back(paid, refused, who):
    refused(403, "forbidden", lambda: paid.ask(who, f"{paid.line()}/reversal", REASONS))


def test_another_merchants_recovery_is_not_found(paid, refused):
    paid.did("finance", f"{paid.line()}/reversal", REASONS)
    assert paid.call("merchant").get(paid.path).json()["recoveries"]
    refused(404, "case_not_found", lambda: paid.call("merchant:2").get(paid.path))
