"""The policy book over HTTP: everybody reads, two people publish, and versions are compared as for cases."""

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from application.policies import Policies
from application.rulebook import PublishedPolicies
from domain.policy_book import BOOK_ID
from infrastructure.migrate import migrate
from infrastructure.policy_pack import default_pack
from infrastructure.store import PostgresStore
from web import answers

DEFAULT = default_pack()

Body = dict[str, Any]
OTHERS = ["buyer", "merchant", "agent", "reviewer", "auditor", "finance", "logistics"]
MAY_PUBLISH = ["supervisor", "admin"]
APPROVER = "admin"
WEEK = timedelta(days=7)


class Book:
    """A book of its own behind the routes of the installation."""

    def __init__(self, installation, store: PostgresStore) -> None:
        given = installation.parts["policies"]
        compiled, read, document = given._compiled, given._read, given._builtin_document
        self.rulebook = PublishedPolicies(store, compiled, DEFAULT, lambda: 0.0)
        self.clock, self.store = installation.clock, store
        self.policies = Policies(
            store, installation.vault, self.rulebook, compiled, read, document, self.clock, uuid4
        )
        self._client = installation.app(policies=self.policies).test_client()
        self._secrets = installation.secrets

    def empty(self) -> None:
        """As on the first day."""
        with psycopg.connect(self.store.url) as connection:  # type: ignore[attr-defined]
            connection.execute("SET session_replication_role = replica")  # history is never removed otherwise
            connection.execute("TRUNCATE events, idempotency")
        self.rulebook = PublishedPolicies(self.store, self.policies._compiled, DEFAULT, lambda: 0.0)
        self.policies._rulebook = self.rulebook

    def ask(
        self, who: str, method: str, path: str, body: Any = None, version: int | None = None, **headers: str
    ) -> Any:
        """Any request as somebody."""
        sent = {"Authorization": f"Bearer {self._secrets[who]}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if version is not None:
            sent["If-Match"] = f'"{version}"'
        given = {} if method == "GET" else {"json": {} if body is None else body}
        return self._client.open(f"/api/v1{path}", method=method, headers=sent, **given)

    def draft(self, name: str = "cn-2027", after: timedelta = WEEK, **changes: Any) -> Body:
        """The body of a draft that is to be in force `after` now."""
        effective_from = (self.clock.at + after).isoformat().replace("+00:00", "Z")
        return {"document": {"version": name}, "effective_from": effective_from, "note": "双十二"} | changes

    def drafted(self, name: str = "cn-2027", **changes: Any) -> Body:
        """A draft of the supervisor's."""
        answer = self.ask("supervisor", "POST", "/policies", self.draft(name, **changes))
        assert answer.status_code == 201, answer.text
        return dict(answer.json)

    def published(self, name: str = "cn-2027", **changes: Any) -> Body:
        """And approved."""
        version = self.drafted(name, **changes)["version"]
        answer = self.ask(APPROVER, "POST", f"/policies/{name}/approval", version=version)
        assert answer.status_code == 200, answer.text
        return dict(answer.json)

    def facts(self) -> list[str]:
        """The names of what is recorded."""
        return [type(one.fact).__name__ for one in self.store.facts(BOOK_ID)]

    def refused(self, status: int, code: str, answer: Any) -> Body:
        """The answer is this problem."""
        assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
        return dict(answer.json)


@pytest.fixture(scope="module")
def kept(database_url: str, installation) -> Iterator[Book]:
    """The book of this file's tests, in a database of its own."""
    name = f"book_{uuid4().hex}"
    url = urlsplit(database_url)._replace(path=f"/{name}").geturl()
    with psycopg.connect(database_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        migrate(url)
        with PostgresStore(url, pool_size=1, max_overflow=4) as store:
            store.url = url  # type: ignore[attr-defined]
            yield Book(installation, store)
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def book(kept: Book, clock) -> Book:
    """An empty book."""
    kept.empty()
    return kept


def shape_of(schema: Any) -> Callable[[Any], None]:
    """Checks that an answer is what the document says, no more and no less."""

    def check(answer: Any) -> None:
        assert schema().validate(answer.json) == {}
        assert answer.json.keys() == {name for name, one in schema().fields.items() if one.required}

    return check


# --- the way of a version ---


def test_a_draft_takes_effect_with_the_day_in_shanghai_that_its_document_names(book):
    body = {"document": {"version": "cn-2027"}, "note": "双十二"}
    answer = book.ask("supervisor", "POST", "/policies", body)
    assert DEFAULT.effective_from == date(2026, 1, 1)
    assert answer.json["effective_from"] == "2025-12-31T16:00:00Z"


def test_a_draft_takes_effect_no_sooner_than_that(book):
    early = book.draft(effective_from="2025-12-31T15:59:59Z")
    problem = book.refused(422, "invalid_request", book.ask("supervisor", "POST", "/policies", early))
    assert [one["pointer"] for one in problem["errors"]] == ["/effective_from"]
    later = book.draft(effective_from="2025-12-31T16:00:00Z")
    assert book.ask("supervisor", "POST", "/policies", later).status_code == 201


def test_a_draft_answers_what_it_is_and_where(book):
    answer = book.ask("supervisor", "POST", "/policies", book.draft())
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/api/v1/policies/cn-2027"
    assert answer.headers["ETag"] == '"2"'
    shape_of(answers.PolicyCommand)(answer)
    assert answer.json["policy_book_id"] == str(BOOK_ID)
    assert (answer.json["policy"], answer.json["state"], answer.json["version"]) == ("cn-2027", "drafted", 2)
    assert answer.json["position"].isdigit()
    assert book.ask("merchant", "GET", "/policies/cn-2027").json["state"] == "drafted"


def test_a_second_person_publishes_and_it_takes_effect_in_its_time(book):
    version = book.drafted()["version"]
    answer = book.ask(APPROVER, "POST", "/policies/cn-2027/approval", version=version)
    assert (answer.status_code, answer.json["state"]) == (200, "upcoming")
    shape_of(answers.PolicyCommand)(answer)
    assert book.rulebook.in_force(book.clock.at) is DEFAULT
    book.clock.move(days=7)
    assert book.ask("agent", "GET", "/policies/cn-2027").json["state"] == "in_force"
    assert book.rulebook.in_force(book.clock.at).version == "cn-2027"


def test_a_publication_counts_at_once_where_it_was_made(book):
    book.rulebook.in_force(book.clock.at)
    book.published(after=timedelta())
    assert book.rulebook.in_force(book.clock.at).version == "cn-2027"


def test_a_document_may_come_as_yaml(book):
    text = "version: cn-2027\nopens: 18:00\n"
    book.drafted(document=text)
    found = book.ask("agent", "GET", "/policies/cn-2027").json
    assert found["document"] == {"version": "cn-2027", "opens": "18:00"}


def test_the_digest_is_that_of_the_canonical_document(book):
    book.drafted(document={"version": "cn-2027", "a": "甲", "Z": 1})
    found = book.ask("agent", "GET", "/policies/cn-2027").json
    canonical = json.dumps(found["document"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert found["sha256"] == sha256(canonical.encode()).hexdigest()


def test_a_draft_can_be_withdrawn_and_a_version_retired(book):
    version = book.drafted("one")["version"]
    answer = book.ask("admin", "POST", "/policies/one/withdrawal", {"reason": "有误"}, version)
    assert (answer.status_code, answer.json["state"]) == (200, "withdrawn")
    version = book.published("two")["version"]
    answer = book.ask("admin", "POST", "/policies/two/retirement", {"reason": "改期"}, version)
    assert (answer.status_code, answer.json["state"]) == (200, "retired")
    for name in ("one", "two"):
        assert book.ask("merchant", "GET", f"/policies/{name}").json["document"] == {"version": name}


# --- reading ---


@pytest.mark.parametrize("who", [*OTHERS, *MAY_PUBLISH])
def test_everybody_reads_every_version(book, who):
    book.published("one", after=timedelta())
    book.drafted("two")
    answer = book.ask(who, "GET", "/policies")
    shape_of(answers.Policies)(answer)
    assert answer.headers["ETag"] == '"4"'
    states = [(one["policy"], one["state"], one["builtin"]) for one in answer.json["data"]]
    assert states == [
        ("two", "drafted", False),
        ("one", "in_force", False),
        (DEFAULT.version, "superseded", True),
    ]
    for one in answer.json["data"]:
        shape_of(answers.Policy)(book.ask(who, "GET", f"/policies/{one['policy']}"))


def test_without_a_book_the_built_in_version_is_in_force(book):
    answer = book.ask("agent", "GET", "/policies")
    (only,) = answer.json["data"]
    assert (only["policy"], only["state"], only["builtin"]) == (DEFAULT.version, "in_force", True)
    assert only["effective_from"] is None
    assert answer.headers["ETag"] == '"0"'


def test_what_is_not_well_known_is_visibly_disabled(book):
    sources = book.ask("merchant", "GET", "/policies").json["data"][0]["sources"]
    assert sources["disabled"] == ["Z-1"]
    assert sources["rules"] == sum(sources["confidence"].values()) == len(DEFAULT.rules)
    rules = book.ask("merchant", "GET", f"/policies/{DEFAULT.version}").json["rules"]
    (unknown,) = [one for one in rules if not one["enabled"]]
    assert (unknown["rule"], unknown["confidence"], unknown["source"]) == ("Z-1", "C", "not found")


@pytest.mark.parametrize(("who", "shown"), [("agent", True), ("auditor", True), ("merchant", False)])
def test_people_are_named_only_to_those_who_may_know_them(book, who, shown):
    book.published()
    found = book.ask(who, "GET", "/policies/cn-2027").json
    people = ["supervisor-1", "admin-1"] if shown else [None, None]
    assert [found["drafted_by"], found["approved_by"]] == people


def test_an_unknown_version_is_not_there(book):
    for path in ("/policies/cn-2030", "/policies/" + "x" * 200):
        book.refused(404, "policy_not_found", book.ask("agent", "GET", path))
    book.refused(404, "policy_not_found", book.ask("admin", "POST", "/policies/cn-2030/approval", version=1))
    version = book.drafted()["version"]
    book.refused(
        404, "policy_not_found", book.ask("admin", "POST", "/policies/cn-2030/approval", version=version)
    )


# --- refusals ---


@pytest.mark.parametrize("who", OTHERS)
def test_others_neither_draft_nor_publish(book, who):
    book.refused(403, "forbidden", book.ask(who, "POST", "/policies", book.draft()))
    reason = {"reason": "x"}
    for command, body in {"approval": None, "withdrawal": reason, "retirement": reason}.items():
        book.refused(403, "forbidden", book.ask(who, "POST", f"/policies/cn-2027/{command}", body))
    assert book.facts() == []


def test_nobody_approves_their_own_draft(book):
    version = book.drafted()["version"]
    answer = book.ask("supervisor", "POST", "/policies/cn-2027/approval", version=version)
    book.refused(409, "policy_needs_second_person", answer)
    assert book.facts() == ["PolicyBookOpened", "PolicyDrafted"]


@pytest.mark.parametrize("name", ["cn-2027", DEFAULT.version])
def test_a_name_is_used_once_and_the_built_in_one_never(book, name):
    book.drafted()
    answer = book.ask("admin", "POST", "/policies", book.draft(name))
    book.refused(409, "policy_version_exists", answer)


def test_rules_are_public_for_seven_days_before_they_take_effect(book):
    book.published("one", after=timedelta())
    early = book.draft("two", after=WEEK - timedelta(seconds=1))
    book.refused(409, "policy_effective_too_early", book.ask("admin", "POST", "/policies", early))
    urgent = {**early, "urgency": {"ground": "authority", "reason": "监管要求"}}
    assert book.ask("admin", "POST", "/policies", urgent).status_code == 201
    assert book.ask("agent", "GET", "/policies/two").json["urgency"] == urgent["urgency"]


def test_what_is_in_force_cannot_be_retired(book):
    version = book.published(after=timedelta())["version"]
    answer = book.ask("admin", "POST", "/policies/cn-2027/retirement", {"reason": "x"}, version)
    book.refused(409, "policy_in_force_cannot_be_retired", answer)


def test_each_fault_of_a_document_is_told_with_its_place(book):
    faults = {"/rules/NR-1/terms": "must be whole days", "/calendars": "is missing"}
    draft = book.draft(document={"version": "cn-2027", "faults": faults})
    problem = book.refused(422, "invalid_request", book.ask("admin", "POST", "/policies", draft))
    assert {one["pointer"]: one["detail"] for one in problem["errors"]} == {
        "/document/rules/NR-1/terms": "must be whole days",
        "/document/calendars": "is missing",
    }
    assert {one["code"] for one in problem["errors"]} == {"unsound_policy"}
    assert book.facts() == []


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"version": "a/b"}, "/document/version"),
        ({"version": ""}, "/document/version"),
        ("version: [", "/document"),
        ("", "/document"),
        ("just text", "/document"),
        ("- version: x", "/document"),
        (7, "/document"),
        (None, "/document"),
        ([], "/document"),
        ("x" * 500_001, "/document"),
    ],
)
def test_what_is_no_document_is_refused(book, document, pointer):
    answer = book.ask("admin", "POST", "/policies", book.draft(document=document))
    problem = book.refused(422, "invalid_request", answer)
    assert [one["pointer"] for one in problem["errors"]] == [pointer]


# --- versions and keys, as for cases ---


@pytest.mark.parametrize("command", ["approval", "withdrawal", "retirement"])
def test_commands_on_a_version_need_the_books_version(book, command):
    book.drafted()
    body = {} if command == "approval" else {"reason": "x"}
    answer = book.ask("admin", "POST", f"/policies/cn-2027/{command}", body)
    book.refused(428, "precondition_required", answer)


def test_a_stale_version_brings_what_changed_since(book):
    version = book.drafted("one")["version"]
    book.drafted("two")
    answer = book.ask("admin", "POST", "/policies/one/approval", version=version)
    problem = book.refused(412, "version_mismatch", answer)
    assert answers.StalePolicyBook().validate(problem) == {}
    assert (problem["version"], problem["policy_book_id"]) == (3, str(BOOK_ID))
    assert answer.headers["ETag"] == '"3"'
    (since,) = problem["since"]
    assert (since["type"], since["data"]["policy"]) == ("PolicyDrafted", "two")
    assert "detail" in problem
    assert problem["detail"] == "the policy book is at version 3"


def test_the_same_key_drafts_once(book):
    body = book.draft()
    first = book.ask("supervisor", "POST", "/policies", body, Idempotency_Key="draft-1")
    book.drafted("two")
    again = book.ask("supervisor", "POST", "/policies", body, Idempotency_Key="draft-1")
    assert (again.status_code, again.json) == (201, first.json)
    for name in ("ETag", "Location"):
        assert again.headers[name] == first.headers[name]
    other = book.ask("supervisor", "POST", "/policies", book.draft("three"), Idempotency_Key="draft-1")
    book.refused(422, "idempotency_key_reused", other)
