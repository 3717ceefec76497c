"""The use cases of the policy book, beside what its routes show."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from application.errors import Forbidden, UnsoundPolicy
from application.policies import Policies, canonical
from application.rulebook import PublishedPolicies
from domain.policy import Fault, Policy, PolicyFaults
from domain.policy_book import BOOK_ID
from domain.values import Actor, PolicyState, Role
from infrastructure.policy_pack import default_pack

DEFAULT = default_pack()

ADMIN = Actor("admin-1", Role.ADMIN)


class Code:
    """The code that reads documents, which may change."""

    def __init__(self) -> None:
        self.unreadable: set[str] = set()

    def __call__(self, document: Mapping[str, Any]) -> Policy:
        if document["version"] in self.unreadable:
            raise PolicyFaults([Fault("/rules", "is written in another way today")])
        return replace(DEFAULT, version=document["version"])


@pytest.fixture
def code() -> Code:
    return Code()


@pytest.fixture
def policies(desk, code) -> Policies:
    rulebook = PublishedPolicies(desk.store, code, DEFAULT, lambda: 0.0)
    builtin = {"version": DEFAULT.version}
    return Policies(desk.store, desk.vault, rulebook, code, str.upper, builtin, desk.clock, uuid4)


@pytest.fixture
def draft(desk, policies):
    """Drafts a version of a name that no other test uses."""

    def draft() -> str:
        name = f"v-{uuid4()}"
        at = desk.clock.at + timedelta(days=30)
        policies.draft(desk.request(desk.supervisor), {"version": name}, "双十二", at)
        return name

    return draft


def test_what_the_code_reads_no_more_is_not_published(desk, policies, code, draft, nothing_recorded):
    name = draft()
    version = desk.store.load(policies.aggregate, BOOK_ID).version
    code.unreadable.add(name)
    with nothing_recorded, pytest.raises(UnsoundPolicy) as caught:
        policies.approve(desk.request(ADMIN, version), name)
    assert caught.value.faults == (Fault("/rules", "is written in another way today"),)


def test_what_the_code_reads_no_more_is_shown_all_the_same(desk, policies, code, draft):
    name = draft()
    code.unreadable.add(name)
    found, _ = policies.version(desk.auditor, name)
    assert (found.policy, found.state) == (None, PolicyState.DRAFTED)
    assert found.document == canonical({"version": name})
    assert name in {one.name for one in policies.versions(desk.auditor)[0]}


def test_whoever_may_not_draft_is_told_so_before_the_document_is_read(desk, policies, nothing_recorded):
    with nothing_recorded, pytest.raises(Forbidden):
        policies.draft(desk.request(desk.agent), "no document", "x")


def test_equal_documents_have_one_spelling():
    assert canonical({"b": 1, "a": "甲"}) == canonical({"a": "甲", "b": 1}) == '{"a":"甲","b":1}'
