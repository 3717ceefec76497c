"""Goodwill over HTTP: given within the giver's limit, paid like any money."""

import pytest

COUPON = {"kind": "coupon", "amount": {"amount_minor": 5000, "currency": "CNY"}, "reasons": "久等了"}
POINTS = {"kind": "points", "points": 100, "reasons": "久等了"}
PAID = {"reference": "gift-1", "paid_at": "2026-11-10T07:00:00Z"}


def test_goodwill_is_given_paid_and_shown_apart_from_what_is_decided(story, call):
    told = story().leased()
    answer = told.ask("agent", "goodwill", COUPON)
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/api/v1{told.path}")
    given = answer.json()
    line = given["compensation"]
    assert (
        line.items()
        >= {
            "kind": "coupon",
            "payer": "platform",
            "state": "instructed",
            "goodwill": True,
            "amount": COUPON["amount"],
        }.items()
    )
    told.version = given["version"]
    path = f"compensations/{line['compensation_id']}/confirmation"
    assert told.did("finance", path, PAID, versioned=False)["stage"] == "in_review"
    assert [one["state"] for one in call("buyer").get(told.path).json()["compensations"]] == ["paid"]


def test_points_are_given_too(story):
    told = story().leased()
    assert told.did("reviewer", "goodwill", POINTS)["compensation"]["points"] == 100


def test_no_more_than_the_givers_limit(story, refused):
    told = story().leased()
    much = COUPON | {"amount": {"amount_minor": 10_001, "currency": "CNY"}}
    problem = refused(409, "goodwill_over_limit", lambda: told.ask("agent", "goodwill", much))
    assert problem["detail"] == "at most 10000 over the whole case"
    told.did("reviewer", "goodwill", much)


def test_nothing_is_given_before_the_review(story, refused):
    told = story()
    refused(409, "wrong_stage", lambda: told.ask("agent", "goodwill", COUPON))


def test_only_agents_and_reviewers_give(story, refused):
    told = story().leased()
    for who in ("supervisor", "finance", "merchant", "buyer"):
        refused(403, "forbidden", lambda who=who: told.ask(who, "goodwill", COUPON))


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "refund", "amount": COUPON["amount"], "reasons": "x"}, "/kind"),
        ({"kind": "coupon", "reasons": "x"}, "/amount"),
        ({"kind": "coupon", "amount": {"amount_minor": 0, "currency": "CNY"}, "reasons": "x"}, "/amount"),
        ({"kind": "points", "reasons": "x"}, "/points"),
        (COUPON | {"points": 1}, "/points"),
        (POINTS | {"amount": COUPON["amount"]}, "/amount"),
        ({"kind": "points", "points": 1}, "/reasons"),
    ],
)
def test_a_gift_says_what_it_is_how_much_and_why(story, refused, body, pointer):
    told = story().leased()
    problem = refused(422, "invalid_request", lambda: told.ask("agent", "goodwill", body))
    assert pointer in [one["pointer"] for one in problem["errors"]]


def test_the_same_key_gives_once(story, installation):
    told = story().leased()
    first = told.ask("agent", "goodwill", COUPON, Idempotency_Key="gift-1")
    before = installation.events()
    assert told.ask("agent", "goodwill", COUPON, Idempotency_Key="gift-1").json() == first.json()
    assert installation.events() == before
