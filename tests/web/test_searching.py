"""Cases are found by the buyer's phone number, which stands nowhere in clear."""

from itertools import count
from uuid import UUID

import psycopg
import pytest

from domain.access_log import log_id
from domain.events import SealedDataOpened

NUMBERS = count(13900000001)
REASONS = {"reasons": "本人申请"}
BUYERS = {"party": "buyer", **REASONS}
STATED = {"X_Access_Reason": "complaint 7"}


@pytest.fixture
def number():
    """A phone number that no other test has."""
    return str(next(NUMBERS))


@pytest.fixture
def told(story, number):
    """A case whose buyer is reached under the number."""
    return story(contact={"phone": number})


@pytest.fixture
def find(call):
    """The ids of the cases that somebody finds by a number."""

    def found(phone, who="agent", **more):
        answer = call(who).done("/cases/search", {"phone": phone, **more})
        return [one["case_id"] for one in answer["data"]]

    return found


def rows(installation, statement, *values):
    with psycopg.connect(installation.database, autocommit=True) as connection:
        ran = connection.execute(statement.encode(), values)
        return ran.fetchall() if ran.description else []


def indexed(installation, told):
    statement = "SELECT digest FROM vault.blind_index WHERE case_id = %s"
    return [digest for (digest,) in rows(installation, statement, told.id)]


@pytest.mark.parametrize("written", ["{}", "+86 {}", "+86{}", "0086-{}", " {} "])
def test_a_number_is_found_in_any_spelling(told, find, number, written):
    assert find(written.format(f"{number[:3]}-{number[3:7]} {number[7:]}")) == [told.id]


def test_a_number_filed_in_another_spelling_is_found_too(story, find, number):
    told = story(contact={"phone": f"+86 {number[:3]} {number[3:]}"})
    assert find(number) == [told.id]


@pytest.mark.parametrize("contact", [None, {"name": "王芳"}, {"phone": "无"}])
def test_who_left_no_number_is_not_indexed(installation, story, contact):
    assert indexed(installation, story(contact=contact)) == []


def test_another_number_finds_nothing(told, find, number):
    assert find(number[:-1]) == []
    assert find(f"{number}0") == []


def test_the_items_are_those_of_the_list_of_cases(installation, told, call, number):
    installation.catch_up()
    (listed,) = call("agent").get("/cases", order_id=told.order["order_id"]).json()["data"]
    (found,) = call("agent").done("/cases/search", {"phone": number})["data"]
    assert found.keys() == listed.keys() - {"stale"}
    assert {**found, "filed_at": None} == {**listed, "filed_at": None}


def test_whose_digest_is_the_same_by_chance_is_not_shown(installation, told, story, find, number):
    other = story(contact={"phone": str(next(NUMBERS))})
    statement = "UPDATE vault.blind_index SET digest = %s WHERE case_id = %s"
    rows(installation, statement, *indexed(installation, told), other.id)
    assert indexed(installation, other) == indexed(installation, told)
    assert find(number) == [told.id]


def test_a_restricted_number_is_neither_found_nor_opened(installation, told, find, number):
    told.did("agent", "closure", {"resolution": "answered", "reasons": "已答复"})
    assert find(number) == [told.id]
    told.did("supervisor", "erasure", BUYERS, versioned=False)
    seen = len(opened(installation, told))
    assert find(number) == []
    assert len(opened(installation, told)) == seen


def test_an_erased_number_leaves_the_index_with_its_key(installation, told, find, clock, number):
    told.did("agent", "closure", {"resolution": "answered", "reasons": "已答复"})
    clock.move(days=3 * 366)
    proposal = told.ask("admin", "erasure", BUYERS, versioned=False).json()
    told.version = proposal["version"]
    agreed = {"proposal_hash": proposal["proposal_hash"]}
    assert len(indexed(installation, told)) == 1
    told.did("supervisor", f"erasure/{proposal['proposal_id']}/approval", agreed)
    assert indexed(installation, told) == []
    assert find(number) == []


def test_every_number_that_is_opened_to_compare_is_on_record(installation, told, find, number):
    find(number, "reviewer")
    (seen,) = opened(installation, told)
    assert (seen.fact.permission, seen.fact.fields) == ("cases.search", ("contact.phone",))
    assert seen.provenance.actor_id == "reviewer-1"


def opened(installation, told):
    log = installation.store.facts(log_id(UUID(told.id), installation.clock.at.date()))
    return [one for one in log if isinstance(one.fact, SealedDataOpened)]


def test_what_is_kept_to_find_by_is_eight_bytes_and_not_the_number(installation, told, number):
    (digest,) = indexed(installation, told)
    assert (len(digest), digest) == (8, installation.vault.blind("phone", number))
    assert number.encode() not in digest


def test_the_pages_of_a_number_come_to_an_end(story, call, number):
    cases = {story(contact={"phone": number}).id for _ in range(3)}
    asked, pages = {"phone": number, "limit": 2}, []
    while True:
        answer = call("agent").done("/cases/search", asked)
        pages.append([one["case_id"] for one in answer["data"]])
        if not answer["has_more"]:
            break
        asked["cursor"] = answer["next_cursor"]
    assert answer["next_cursor"] is None
    assert [len(page) for page in pages] == [2, 1]
    assert {one for page in pages for one in page} == cases


@pytest.mark.parametrize("who", ["buyer", "merchant", "finance", "logistics", "admin"])
def test_who_does_not_work_on_cases_finds_nobody(call, refused, who):
    refused(403, "forbidden", lambda: call(who).post("/cases/search", {"phone": "1"}))


def test_an_auditor_says_why(told, call, refused, number):
    asked = {"phone": number}
    refused(428, "access_reason_required", lambda: call("auditor").post("/cases/search", asked))
    (found,) = call("auditor").done("/cases/search", asked, **STATED)["data"]
    assert found["case_id"] == told.id


def test_what_has_no_digits_is_no_number(call, refused):
    body = refused(422, "invalid_request", lambda: call("agent").post("/cases/search", {"phone": "王芳"}))
    assert [one["pointer"] for one in body["errors"]] == ["/phone"]


def test_a_number_stands_in_no_address(call):
    assert call("agent").get("/cases", phone="13900000000").status_code == 422
