"""If-Match and Idempotency-Key: what was seen is compared, what was asked is done once."""

from concurrent.futures import ThreadPoolExecutor

import pytest


def test_a_command_without_need_of_a_version_compares_it_when_it_is_sent(story, refused):
    told = story().leased()
    note = {"text": "x", "visibility": "internal"}
    refused(412, "version_mismatch", lambda: told.call("reviewer").post(f"{told.path}/notes", note, 1))
    assert told.ask("reviewer", "notes", note).status_code == 200


def test_a_version_that_the_case_never_had_is_stale_too(story, refused):
    told = story()
    problem = refused(
        412, "version_mismatch", lambda: told.call("reviewer").post(f"{told.path}/lease", {}, 99)
    )
    assert (problem["version"], problem["since"]) == (1, [])


def test_the_answer_to_a_stale_version_carries_the_current_one(story):
    told = story().leased()
    answer = told.call("reviewer").post(f"{told.path}/lease", {}, 1)
    assert (answer.status_code, answer.headers["ETag"]) == (412, f'"{told.version}"')


def test_of_two_commands_on_one_version_one_is_carried_out(story, installation):
    told = story()
    before = installation.events()
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda who: told.call(who).post(f"{told.path}/lease", {}, told.version),
                ["reviewer", "reviewer:2", "agent", "reviewer"],
            )
        )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {409, 412}
    assert installation.events() == before + 2


def test_the_same_key_and_body_get_the_first_answer(call, filing, installation):
    body = filing()
    first = call("buyer").post("/cases", body, Idempotency_Key="file-1")
    before = installation.events()
    again = call("buyer").post("/cases", body, Idempotency_Key="file-1")
    assert (again.status_code, again.json()) == (201, first.json())
    for name in ("ETag", "Location"):
        assert again.headers[name] == first.headers[name]
    assert installation.events() == before


def test_a_body_is_the_same_in_another_order_and_spacing(call, filing):
    body = filing()
    first = call("buyer").post("/cases", body, Idempotency_Key="file-2")
    turned = dict(reversed(body.items()))
    assert call("buyer").post("/cases", turned, Idempotency_Key="file-2").json() == first.json()


def test_the_same_key_with_another_body_is_refused(call, filing, refused):
    call("buyer").done("/cases", filing(), Idempotency_Key="file-3")
    refused(
        422,
        "idempotency_key_reused",
        lambda: call("buyer").post("/cases", filing(), Idempotency_Key="file-3"),
    )


def test_the_same_key_on_another_case_is_refused(story, refused):
    one, other = story(), story()
    note = {"text": "x", "visibility": "parties"}
    one.ask("agent", "notes", note, Idempotency_Key="note-1")
    refused(
        422, "idempotency_key_reused", lambda: other.ask("agent", "notes", note, Idempotency_Key="note-1")
    )


def test_keys_of_two_subjects_have_nothing_to_do_with_each_other(call, filing):
    first = call("buyer").done("/cases", filing(), Idempotency_Key="file-4")
    other = call("buyer:2").done("/cases", filing(), Idempotency_Key="file-4")
    assert first["case_id"] != other["case_id"]


def test_a_replay_comes_before_the_version_and_the_refusals(story):
    told = story()
    first = told.ask("reviewer", "lease", Idempotency_Key="lease-1")
    told.version = first.json()["version"]
    told.did("agent", "notes", {"text": "x", "visibility": "parties"}, versioned=False)
    again = told.call("reviewer").post(f"{told.path}/lease", {}, 1, Idempotency_Key="lease-1")
    assert (again.status_code, again.json()) == (200, first.json())


def test_a_replayed_decision_shows_its_compensations_as_they_were_first_answered(story):
    told = story().verified()
    refund = {"kind": "refund", "amount": {"amount_minor": 19900, "currency": "CNY"}}
    body = {"remedies": [refund], "clauses": ["Q-1"], "reasons": "x"}
    first = told.ask("reviewer", "decisions", body, Idempotency_Key="decide-1").json()
    line = first["compensations"][0]["compensation_id"]
    paid = {"reference": "p-1", "paid_at": "2026-11-10T07:00:00Z"}
    told.call("finance").done(f"{told.path}/compensations/{line}/confirmation", paid)
    again = told.ask("reviewer", "decisions", body, Idempotency_Key="decide-1").json()
    assert again == first
    assert again["compensations"][0]["state"] == "instructed"


@pytest.mark.parametrize("attempt", range(3))
def test_the_same_key_at_the_same_time_is_carried_out_once(call, filing, installation, attempt):
    body = filing()
    before = installation.events()
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(
                lambda _: call("buyer").post("/cases", body, Idempotency_Key=f"race-{attempt}"), range(6)
            )
        )
    assert installation.events() == before + 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {
        "request_in_progress"
    }
    assert len({answer.json()["case_id"] for answer in answers if answer.status_code == 201}) == 1


def test_a_refused_request_keeps_no_key(story):
    told = story()
    body = {"finding": "not_upheld", "liability": [], "reasons": "x"}
    assert told.ask("reviewer", "verification", body, Idempotency_Key="try-1").status_code == 409
    told.leased()
    assert told.ask("reviewer", "verification", body, Idempotency_Key="try-1").status_code == 200


def test_a_key_holds_up_to_255_printable_characters(call, filing):
    key = "~ " * 127 + "x"
    assert call("buyer").post("/cases", filing(), Idempotency_Key=key).status_code == 201


def test_a_request_id_is_sent_back_and_kept_with_the_facts(call, filing):
    answer = call("buyer").post("/cases", filing(), X_Request_Id="shop/42")
    assert answer.headers["X-Request-Id"] == "shop/42"
    (fact,) = call("reviewer").get(f"/cases/{answer.json()['case_id']}/history").json()["data"]
    assert fact["request_id"] == "shop/42"


@pytest.mark.parametrize("given", [None, "", "x" * 129, "a b", "<script>", "\x7f"])
def test_an_unfit_request_id_is_replaced(call, given):
    headers = {} if given is None else {"X-Request-Id": given}
    answer = call("reviewer").ask("GET", "/queues", headers=headers)
    assert len(answer.headers["X-Request-Id"]) == 32
