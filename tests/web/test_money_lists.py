"""Lists of money: what waits for somebody, and what is to come back."""

import pytest

REFUND = {"kind": "refund", "amount": {"amount_minor": 19900, "currency": "CNY"}, "payer": "merchant"}


@pytest.fixture
def advanced(story, installation):
    """One line failed; the fund paid another in the merchant's place, and is owed."""
    parked = story(merchant_id="m-2001").decided(REFUND)
    parked.did("finance", f"{parked.line()}/failure", {"reference": "p-1", "reason": "x"}, versioned=False)
    paid = story(merchant_id="m-2001").decided(REFUND)
    for what, body in (
        ("failure", {"reference": "p-1", "reason": "x"}),
        ("instruction", {"payer": "fund"}),
        ("confirmation", {"reference": "p-2", "paid_at": "2026-11-10T07:00:00Z"}),
    ):
        paid.did("finance", f"{paid.line()}/{what}", body, versioned=False)
    installation.catch_up()
    return parked, paid


def mine(answer, told):
    return [row for row in answer.json()["data"] if row["case_id"] == told.id]


def test_a_payment_that_waits_for_somebody_is_seen(advanced, call):
    parked, paid = advanced
    asked = {"state": "failed", "limit": 200}
    (row,) = mine(call("finance").get("/compensations", **asked), parked)
    assert (row["payer"], row["attempts"], row["amount"]) == ("merchant", 1, REFUND["amount"])
    assert mine(call("finance").get("/compensations", **asked), paid) == []


def test_an_open_recovery_is_found_by_its_debtor(advanced, call):
    _, paid = advanced
    asked = {"state": "open", "limit": 200}
    (row,) = mine(call("finance").get("/recoveries", debtor="merchant", **asked), paid)
    assert (row["creditor"], row["amount"], row["cause"]) == ("fund", REFUND["amount"], "fund_advance")
    assert mine(call("finance").get("/recoveries", debtor="buyer", **asked), paid) == []


@pytest.mark.parametrize("path", ["/compensations", "/recoveries"])
def test_a_merchant_sees_its_own_and_nobody_elses(advanced, call, refused, path):
    _, paid = advanced
    assert mine(call("merchant").get(path, limit=200), paid)
    assert mine(call("merchant:2").get(path, limit=200), paid) == []
    refused(404, "merchant_not_found", lambda: call("merchant:2").get(path, merchant_id="m-2001"))


@pytest.mark.parametrize("path", ["/compensations", "/recoveries"])
def test_whoever_files_or_carries_does_not_read_them(call, refused, path):
    for who in ("buyer", "logistics"):
        refused(403, "forbidden", lambda who=who: call(who).get(path))


@pytest.mark.parametrize("path", ["/compensations?state=lost", "/recoveries?debtor=bank", "/recoveries?x=1"])
def test_what_cannot_be_asked_is_invalid(call, refused, path):
    refused(422, "invalid_request", lambda: call("finance").get(path))
