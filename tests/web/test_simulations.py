"""A history replayed under a draft over HTTP: the answer of the command line, and nothing recorded."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from application.policies import Policies
from application.rulebook import PublishedPolicies
from application.simulation import Simulations
from domain import policy
from infrastructure import policy_documents
from infrastructure.policy_pack import default_document, default_pack
from web import answers

Body = dict[str, Any]
SPAN = {"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"}
PATH = "/policies/simulations"


def document(**rules: Body) -> Body:
    """The built-in policy with the terms of a few rules changed."""
    found = default_document()
    changed = {clause: {**found["rules"][clause], "terms": terms} for clause, terms in rules.items()}
    return {**found, "version": "draft", "rules": {**found["rules"], **changed}}


SHORTER = document(**{"M-1": {"term": {"hours": 12}}})


@pytest.fixture
def ask(installation: Any) -> Callable[..., Any]:
    """Asks as somebody, of an application whose documents are compiled in earnest."""
    given = installation.parts["simulations"]
    book = PublishedPolicies(installation.store, policy.compiled, default_pack(), lambda: 0.0)
    policies = Policies(
        installation.store,
        installation.vault,
        book,
        policy.compiled,
        policy_documents.read,
        default_document(),
        installation.clock,
        uuid4,
    )

    def asked(who: str, most: int = 100_000, headers: Any = None, **body: Any) -> Any:
        client = installation.app(simulations=Simulations(policies, given._log, book, most)).test_client()
        sent = {"Authorization": f"Bearer {installation.secrets[who]}", **(headers or {})}
        return client.post(f"/api/v1{PATH}", headers=sent, json={**SPAN, **body})

    return asked


def problem(answer: Any, status: int, code: str) -> Body:
    """The answer is this problem."""
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    return dict(answer.json)


@pytest.mark.parametrize("written", [SHORTER, json.dumps(SHORTER)], ids=["object", "yaml"])
def test_what_would_have_been_otherwise_is_told_and_nothing_is_recorded(ask, story, installation, written):
    notified = story()
    notified.did("agent", "notice", {"channel": "app"}, versioned=False)
    before = installation.events()

    answer = ask("supervisor", document=written)

    assert answer.status_code == 200, answer.text
    told = answer.json
    assert answers.SimulatedPolicy().validate(told) == {}
    assert (told["draft"], told["from"], told["to"]) == ("draft", *SPAN.values())
    (change,) = [one for one in told["changes"] if one["stream"] == notified.id]
    assert (change["fact"], change["what"]) == ("ClockStarted", "due")
    assert change["simulated"] < change["stored"]
    assert told["total"]["cases"] >= told["total"]["changed"] >= 1
    assert {"m-2001"} <= {one["merchant_id"] for one in told["groups"]}
    assert installation.events() == before


def test_a_version_of_the_book_is_simulated_by_its_name(ask, story):
    story()
    told = ask("supervisor", policy=default_pack().version).json
    assert (told["draft"], told["total"]["changed"], told["changes"]) == (default_pack().version, 0, [])
    assert told["total"]["cases"] >= 1


@pytest.mark.parametrize("who", ["supervisor", "admin", "auditor"])
def test_who_may_publish_or_audits_may_simulate(ask, who):
    assert ask(who, document=SHORTER).status_code == 200


@pytest.mark.parametrize("who", ["buyer", "merchant", "agent", "reviewer", "finance", "logistics"])
def test_others_may_not(ask, who):
    problem(ask(who, document=SHORTER), 403, "forbidden")


def test_a_broken_document_is_refused_with_every_fault_and_its_place(ask):
    broken = {**document(**{"M-1": {"term": {"hours": -1}}}), "currency": "yuan", "more": 1}
    found = problem(ask("supervisor", document=broken), 422, "invalid_request")
    places = {one["pointer"] for one in found["errors"]}
    assert {"/document/currency", "/document/more"} < places
    assert any(place.startswith("/document/rules/M-1/terms/term") for place in places)
    assert {one["code"] for one in found["errors"]} == {"unsound_policy"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/document"),
        ({"document": SHORTER, "policy": "cn-2026"}, "/document"),
        ({"document": SHORTER, "to": SPAN["from"]}, "/to"),
        ({"document": SHORTER, "from": None}, "/from"),
        ({"document": 7}, "/document"),
        ({"policy": "cn-2026", "more": 1}, "/more"),
    ],
)
def test_what_cannot_be_simulated_is_refused(ask, body, pointer):
    found = problem(ask("supervisor", **body), 422, "invalid_request")
    assert [one["pointer"] for one in found["errors"]] == [pointer]


def test_a_version_that_never_was_is_not_there(ask):
    problem(ask("supervisor", policy="cn-1999"), 404, "policy_not_found")


def test_a_log_that_would_keep_a_worker_busy_is_left_to_the_command_line(ask, story):
    story()
    found = problem(ask("supervisor", most=0, document=SHORTER), 409, "history_too_long")
    assert "recourse policy simulate" in found["detail"]


def test_a_key_that_cannot_be_one_is_refused(ask):
    answer = ask("supervisor", document=SHORTER, headers={"Idempotency-Key": "ä" * 300})
    assert [one["pointer"] for one in problem(answer, 422, "invalid_request")["errors"]] == [
        "/Idempotency-Key"
    ]
