"""List reads: pages made by the database, narrowed to what the caller may read, as fresh as is asked."""

from uuid import uuid4

import pytest

from web import answers

REFUND = {"kind": "refund", "amount": {"amount_minor": 19900, "currency": "CNY"}, "payer": "merchant"}
PENALTY = {"points": 2, "fine": {"amount_minor": 10000, "currency": "CNY"}, "clause": "S-1", "reasons": "x"}


def conforms(schema, body):
    """Whether the text from the database has exactly the documented shape."""
    return schema().validate(body) == {}


@pytest.fixture
def merchant_id():
    """A merchant that no other test knows."""
    return f"m-{uuid4().hex[:8]}"


@pytest.fixture
def three(story, merchant_id, installation):
    """Three filed cases of one merchant, shown by the read models."""
    stories = [story(merchant_id=merchant_id) for _ in range(3)]
    installation.catch_up()
    return stories


def test_every_list_has_the_documented_shape(story, call, installation, merchant_id):
    told = story(merchant_id=merchant_id).paid()
    told.did("reviewer", "penalties", PENALTY)
    told.leased()
    story(merchant_id=merchant_id)
    installation.catch_up()
    lists = {
        f"/cases?merchant_id={merchant_id}": answers.Cases,
        "/queues": answers.Queues,
        f"/queues/review?merchant_id={merchant_id}": answers.Queue,
        f"/queues/follow_up?merchant_id={merchant_id}": answers.Queue,
        f"/merchants/{merchant_id}/penalties": answers.Ledger,
        f"/follow-ups?merchant_id={merchant_id}": answers.FollowUps,
        f"/loops?merchant_id={merchant_id}": answers.Loops,
    }
    for path, schema in lists.items():
        answer = call("reviewer").get(path)
        body = answer.json()
        assert answer.headers["Content-Type"] == "application/json"
        assert body["data"], path
        assert conforms(schema, body), (path, body, schema().validate(body))


def test_cases_and_histories_have_the_documented_shape(story):
    told = story().rectifying()
    told.did("reviewer", "penalties", PENALTY)
    told.leased()
    for who in ("reviewer", "merchant", "auditor"):
        caller = told.call(who)
        assert conforms(answers.Case, caller.get(told.path).json())
        assert conforms(answers.History, caller.get(f"{told.path}/history").json())


def test_the_contracts_shapes_are_exact(story, call, installation, merchant_id):
    told = story(merchant_id=merchant_id).paid()
    told.did("reviewer", "penalties", PENALTY)
    story(merchant_id=merchant_id)
    installation.catch_up()
    reviewer = call("reviewer")

    def first(path):
        return reviewer.get(path).json()["data"][0].keys()

    assert first(f"/queues/review?merchant_id={merchant_id}") == {
        "case_id", "number", "stage", "case_type", "merchant_id", "due", "overdue", "claimed_by", "filed_at",
    }  # fmt: skip
    assert first("/queues") == {"name", "open", "overdue"}
    assert first(f"/merchants/{merchant_id}/penalties") == {
        "penalty_id", "case_id", "points", "fine", "clause", "state", "assessed_at",
    }  # fmt: skip
    assert first(f"/follow-ups?merchant_id={merchant_id}") == {
        "follow_up_id", "case_id", "merchant_id", "due", "state", "attempts",
    }  # fmt: skip
    assert first(f"/loops?merchant_id={merchant_id}") == {"case_id", "open_because", "age_hours"}
    totals = reviewer.get(f"/merchants/{merchant_id}/penalties").json()["totals"]
    assert totals == {"points_live": 2, "fine_minor_live": 10000}


def test_pages_follow_each_other_by_cursor_and_by_link(call, three, merchant_id):
    reviewer = call("reviewer")
    seen: list[str] = []
    path: str | None = f"/api/v1/queues/review?merchant_id={merchant_id}&limit=2"
    pages = 0
    while path:
        answer = reviewer.ask_at_root("GET", path)
        body = answer.json()
        seen += [one["case_id"] for one in body["data"]]
        assert body["has_more"] == (body["next_cursor"] is not None) == ("next" in answer.links)
        path = answer.links["next"]["url"] if body["has_more"] else None
        pages += 1
    assert pages == 2
    assert sorted(seen) == sorted(one.id for one in three)


def test_cases_are_found_by_everything_that_they_can_be_found_by(call, three):
    one = three[0]
    reviewer = call("reviewer")
    number = reviewer.get(one.path).json()["number"]
    for query in ({"order_id": one.order["order_id"]}, {"number": number}):
        found = reviewer.get("/cases", **query).json()["data"]
        assert [case["case_id"] for case in found] == [one.id]
    assert reviewer.get("/cases", stage="closed", order_id=one.order["order_id"]).json()["data"] == []


def test_cases_are_found_by_the_buyers_own_id(story, call, installation):
    buyer_id = f"b-{uuid4().hex}"
    told = story(buyer_id=buyer_id)
    installation.catch_up()
    answer = call("agent").get("/cases", buyer_id=buyer_id)
    assert [one["case_id"] for one in answer.json()["data"]] == [told.id]
    assert buyer_id not in answer.text


def test_a_merchant_finds_its_own_cases_only(story, call, installation, refused):
    own, other = story(), story(merchant_id="m-2002")
    installation.catch_up()
    merchant = call("merchant")
    for told, found in ((own, [own.id]), (other, [])):
        answer = merchant.get("/cases", order_id=told.order["order_id"])
        assert [one["case_id"] for one in answer.json()["data"]] == found
    refused(404, "merchant_not_found", lambda: merchant.get("/cases?merchant_id=m-2002"))


def test_a_buyer_integration_finds_what_it_filed(story, call, installation):
    told = story()
    installation.catch_up()
    for who, found in (("buyer", [told.id]), ("buyer:2", [])):
        answer = call(who).get("/cases", order_id=told.order["order_id"])
        assert [one["case_id"] for one in answer.json()["data"]] == found


def test_a_merchant_reads_its_own_penalties_only(call, refused):
    assert call("merchant").get("/merchants/m-2001/penalties").status_code == 200
    refused(404, "merchant_not_found", lambda: call("merchant").get("/merchants/m-2002/penalties"))
    refused(403, "forbidden", lambda: call("buyer").get("/merchants/m-2001/penalties"))


def test_a_queue_shows_the_callers_own_cases(call, three, merchant_id, installation):
    three[1].leased("agent")
    installation.catch_up()

    def mine(who):
        answer = call(who).get("/queues/review", mine="true", merchant_id=merchant_id)
        return [(one["case_id"], one["claimed_by"]) for one in answer.json()["data"]]

    assert mine("agent") == [(three[1].id, "agent-1")]
    assert mine("supervisor") == []


def test_a_queue_shows_what_is_overdue(call, three, merchant_id, clock):
    def overdue():
        answer = call("agent").get("/queues/review", overdue="true", merchant_id=merchant_id)
        return [one["overdue"] for one in answer.json()["data"]]

    assert overdue() == []
    clock.move(hours=49)
    assert overdue() == [True, True, True]


def test_a_read_shows_at_least_the_command_whose_position_it_names(story, call, installation):
    told = story()
    installation.catch_up()
    answer = call("agent").get("/cases", order_id=told.order["order_id"], min_position=told.position)
    assert [one["case_id"] for one in answer.json()["data"]] == [told.id]


def test_a_read_that_cannot_show_it_in_time_says_when_to_ask_again(story, call, refused):
    told = story()
    refused(
        503, "service_unavailable", lambda: call("agent").get("/queues/review", min_position=told.position)
    )
    answer = call("agent").get("/queues", min_position=told.position)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_the_next_case_of_a_queue_is_claimed_in_one_step(call, three, installation, clock):
    clock.move(days=30)
    installation.catch_up()
    first = call("agent").post("/queues/review/next")
    assert first.status_code == 200
    body = first.json()
    assert body.keys() == {"case_id", "number", "stage", "version", "position", "lease"}
    assert (body["lease"]["holder"], first.headers["ETag"]) == ("agent-1", f'"{body["version"]}"')
    # The read model does not know yet; the case itself does.
    second = call("reviewer").post("/queues/review/next").json()
    assert second["case_id"] != body["case_id"]


def test_the_next_case_is_not_compared_with_a_version(call, three, clock):
    clock.move(days=90)
    assert call("agent").post("/queues/review/next", version=99).status_code == 200


def test_a_replayed_claim_of_the_next_case_is_the_same_case(call, three, clock, installation):
    clock.move(days=60)
    first = call("agent").post("/queues/review/next", Idempotency_Key="next-1")
    again = call("agent").post("/queues/review/next", Idempotency_Key="next-1")
    assert again.json() == first.json()


def test_an_empty_queue_has_no_next_case(call, installation):
    answer = call("reviewer").post("/queues/execution/next")
    while answer.status_code == 200:
        installation.catch_up()
        answer = call("reviewer").post("/queues/execution/next")
    assert (answer.status_code, answer.content) == (204, b"")


def test_what_holds_cases_open_is_listed_with_its_age(story, call, installation, merchant_id, clock):
    story(merchant_id=merchant_id).decided(REFUND)
    installation.catch_up()
    clock.move(hours=5)
    (loop,) = call("supervisor").get("/loops", merchant_id=merchant_id).json()["data"]
    assert (loop["open_because"], loop["age_hours"]) == (["money"], 5.0)


@pytest.mark.parametrize("path", ["/queues", "/queues/review", "/follow-ups", "/loops"])
@pytest.mark.parametrize("who", ["merchant", "buyer"])
def test_the_platforms_lists_are_not_for_the_parties(call, refused, path, who):
    refused(403, "forbidden", lambda: call(who).get(path))
