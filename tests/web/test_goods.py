"""Goods over HTTP: authorised, inspected, refused, rejected, lost, repaired."""

import pytest

HELD_REFUND = {
    "kind": "refund",
    "amount": {"amount_minor": 19900, "currency": "CNY"},
    "payer": "merchant",
    "release": "goods_accepted",
}
RETURN, REPAIR, RESEND = {"kind": "return"}, {"kind": "repair"}, {"kind": "resend"}
REJECTION = {"clause": "NR-4", "reasons": "不是本店商品"}
SF = {"reference": "SF-1"}


class Legs:
    """The first leg of a story's goods."""

    def __init__(self, told):
        self.told = told
        self.path = f"goods/{told.goods[0]['goods_id']}"

    def did(self, who, what, body=None):
        return self.told.did(who, f"{self.path}/{what}", body, versioned=False)

    def ask(self, who, what, body=None):
        return self.told.ask(who, f"{self.path}/{what}", body, versioned=False)

    def seen(self, who="reviewer"):
        return self.told.call(who).get(self.told.path).json()


@pytest.fixture
def returning(story):
    """A refund waits for the goods to come back."""
    return Legs(story().decided(RETURN, HELD_REFUND))


@pytest.fixture
def returned(returning):
    """The goods came back."""
    returning.did("buyer", "shipment", SF)
    returning.did("merchant", "receipt", SF)
    return returning


@pytest.mark.parametrize("who", ["merchant", "agent", "reviewer"])
def test_a_return_is_authorised_and_the_buyer_told_where_to(returning, who):
    assert "authorisation" in returning.seen("agent")["allowed"]
    returning.did(who, "authorisation", {"address": "杭州市某路 1 号 退货组"})
    (leg,) = returning.seen("buyer")["goods"]
    assert (leg["ship_by"], leg["address"]) == ("2026-11-17T16:00:00Z", "杭州市某路 1 号 退货组")
    assert "authorisation" not in returning.seen("agent")["allowed"]


def test_a_case_that_the_clock_ended_says_by_whose_silence(returning, installation, clock):
    returning.did("merchant", "authorisation")
    assert returning.seen()["expiry"] is None
    clock.move(days=8)
    installation.tick(returning.told.id)
    page = returning.seen("buyer")
    assert (page["stage"], page["viewer_state"]) == ("expired", "resolved")
    expiry = page["expiry"]
    assert (expiry["ground"], expiry["party"], expiry["clause"]) == ("goods_not_sent_in", "buyer", "O-8")


def test_it_can_be_authorised_without_an_address(returning):
    returning.did("merchant", "authorisation")
    assert returning.seen("buyer")["goods"][0]["address"] is None


def test_what_came_back_is_inspected_and_taken(returned):
    returned.did("merchant", "inspection", {"condition": "intact", "found": ["packaging_opened"]})
    assert returned.seen()["goods"][0]["condition"] == "intact"
    returned.did("merchant", "acceptance", {"reference": "WH-1"})
    case = returned.seen()
    assert (case["goods"][0]["state"], case["compensations"][0]["state"]) == ("accepted", "instructed")
    assert "goods" not in case["allowed"]


def test_a_rejection_brings_the_case_back_to_review(returned):
    returned.did("merchant", "inspection", {"condition": "wrong"})
    assert returned.did("merchant", "rejection", REJECTION)["stage"] == "in_review"
    case = returned.seen()
    assert (case["round"], case["goods"][0]["state"]) == (2, "rejected")
    assert (case["compensations"][0]["state"], case["finding"]) == ("reversed", None)
    history = returned.told.call("buyer").get(f"{returned.told.path}/history").json()["data"]
    (rejected,) = [fact["data"] for fact in history if fact["type"] == "GoodsRejected"]
    assert (rejected["clause"], rejected["reasons"]) == ("NR-4", "不是本店商品")


def test_goods_are_refused_at_the_door_and_sent_again(returning):
    returning.did("buyer", "shipment", SF)
    returning.did("merchant", "refusal", {"reasons": "包装破损"})
    assert returning.seen()["goods"][0]["state"] == "refused"
    returning.did("buyer", "shipment", {"reference": "SF-2"})
    assert returning.seen()["goods"][0]["state"] == "in_transit"


def test_lost_goods_are_decided_anew_and_told_once(returning):
    returning.did("buyer", "shipment", SF)
    lost = returning.did("logistics", "loss", {"reference": "SF-1"})
    assert lost["stage"] == "in_review"
    assert returning.did("logistics", "loss", {"reference": "SF-1"}) == lost


def test_two_failed_repairs_open_an_exchange(story):
    repair = Legs(story().decided(REPAIR))
    for _ in range(2):
        repair.did("merchant", "repair-start")
        repair.did("merchant", "repair-completion", {"outcome": "failed"})
    case = repair.seen()
    assert [(one["kind"], one["state"]) for one in case["goods"]] == [
        ("repair", "exchanged"),
        ("replacement", "to_ship"),
        ("return", "to_ship"),
    ]
    assert case["warranty"] == {
        "begins": "2026-11-05T02:00:00Z",
        "ends_at": "2027-11-05T16:00:00Z",
        "in_repair": 0,
    }


# --- refusals ---


def test_other_party_handles_goods(returned, refused):
    for who, what, body in (
        ("buyer", "acceptance", {"reference": "WH-1"}),
        ("buyer", "inspection", {"condition": "intact"}),
        ("buyer", "refusal", {"reasons": "x"}),
    ):
        told = returned
        code = "wrong_stage" if what == "refusal" else "other_party_handles_goods"
        refused(409, code, lambda told=told, who=who, what=what, body=body: told.ask(who, what, body))


def test_goods_intact(returned, refused):
    returned.did("merchant", "inspection", {"condition": "intact"})
    problem = refused(409, "goods_intact", lambda: returned.ask("merchant", "rejection", REJECTION))
    assert problem["detail"] == "NR-4"


def test_condition_contradicts_findings(returned, refused):
    body = {"condition": "damaged", "found": ["packaging_opened"]}
    problem = refused(
        409, "condition_contradicts_findings", lambda: returned.ask("merchant", "inspection", body)
    )
    assert problem["detail"] == "NR-4"


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("inspection", {"condition": "spotless"}),
        ("inspection", {"condition": "intact", "found": "opened"}),
        ("inspection", {}),
        ("rejection", {"reasons": "x"}),
        ("rejection", {"clause": "NR-4"}),
        ("refusal", {}),
        ("loss", {}),
        ("authorisation", {"address": 5}),
    ],
)
def test_what_cannot_be_read_is_invalid(returned, refused, what, body):
    refused(422, "invalid_request", lambda: returned.ask("agent", what, body))


def test_a_repair_has_an_outcome(story, refused):
    repair = Legs(story().decided(REPAIR))
    repair.did("merchant", "repair-start")
    refused(
        422, "invalid_request", lambda: repair.ask("merchant", "repair-completion", {"outcome": "perhaps"})
    )


@pytest.mark.parametrize(
    ("who", "what", "body"),
    [
        ("buyer", "authorisation", {}),
        ("logistics", "rejection", REJECTION),
        ("buyer", "repair-start", {}),
        ("finance", "inspection", {"condition": "intact"}),
    ],
)
def test_not_everybody_may_say_so(returned, refused, who, what, body):
    refused(403, "forbidden", lambda: returned.ask(who, what, body))


def test_another_merchants_goods_are_not_there(returned, refused):
    refused(404, "case_not_found", lambda: returned.ask("merchant:2", "inspection", {"condition": "intact"}))
