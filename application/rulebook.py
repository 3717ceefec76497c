"""The policies that count: those of the book in their time, and the built-in one before them."""

import json
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from threading import Lock
from typing import Any, Protocol

from application.errors import ServiceUnavailable
from application.store import Store, StoreUnavailable
from domain.policy import Policy
from domain.policy.pack import Applies, composed
from domain.policy_book import BOOK_ID, PolicyBook

REFRESH_SECONDS = 2.0
"""How long a process may not have heard of a publication elsewhere; of its own it knows at once."""

Compile = Callable[[Mapping[str, Any]], Policy]
"""Makes the policy that a document holds. Raises PolicyFaults."""


class Rulebook(Protocol):
    """The rules that count at any moment. All methods raise ServiceUnavailable."""

    def in_force(self, at: datetime) -> Policy:
        """The policy in force at that moment."""
        ...

    def version(self, name: str) -> Policy | None:
        """The policy of this name, if it was ever public."""
        ...

    def applicable(self, act_at: datetime, filed_at: datetime, decided_at: datetime) -> Policy:
        """The policy of one case: each rule as it stood at the moment that the rule itself says counts."""
        ...


@dataclass(frozen=True)
class OnePolicy:
    """A rulebook with one policy for all times."""

    policy: Policy

    def in_force(self, at: datetime) -> Policy:
        """The policy."""
        return self.policy

    def version(self, name: str) -> Policy | None:
        """The policy, if that is its name."""
        return self.policy if name == self.policy.version else None

    def applicable(self, act_at: datetime, filed_at: datetime, decided_at: datetime) -> Policy:
        """The policy."""
        return self.policy


@dataclass(frozen=True)
class Timeline:
    """Policies by when they take effect, the built-in one before them; by name all that were ever public."""

    begins: tuple[datetime, ...]
    policies: tuple[Policy, ...]
    by_name: Mapping[str, Policy]

    def at(self, moment: datetime) -> Policy:
        """The policy in force at that moment."""
        return self.policies[bisect_right(self.begins, moment)]

    @cached_property
    def _composed(self) -> dict[tuple[str, str, str], Policy]:
        return {}

    def applicable(self, act_at: datetime, filed_at: datetime, decided_at: datetime) -> Policy:
        """The policies in force at the three moments, composed once for every three that meet."""
        act, filed, decided = self.at(act_at), self.at(filed_at), self.at(decided_at)
        if act is filed is decided:
            return decided
        versions = (act.version, filed.version, decided.version)
        if versions not in self._composed:
            self._composed[versions] = composed(
                {Applies.AT_ACT: act, Applies.AT_FILING: filed, Applies.AT_DECISION: decided}
            )
        return self._composed[versions]


class PublishedPolicies:
    """Implements `Rulebook` over the policy book. Safe to share between threads.

    It asks for new facts when `REFRESH_SECONDS` of `monotonic` have passed, and compiles each version once.
    """

    def __init__(
        self, store: Store, compiled: Compile, builtin: Policy, monotonic: Callable[[], float]
    ) -> None:
        self._store = store
        self._compiler = compiled
        self.builtin = builtin
        self._monotonic = monotonic
        self._lock = Lock()
        self._read_at: float | None = None
        self._seen = 0
        self._compiled: dict[str, Policy] = {}
        self._timeline = Timeline((), (builtin,), {builtin.version: builtin})

    def in_force(self, at: datetime) -> Policy:
        """The policy in force at that moment."""
        return self._current().at(at)

    def version(self, name: str) -> Policy | None:
        """The policy of this name, if it was ever public."""
        return self._current().by_name.get(name)

    def applicable(self, act_at: datetime, filed_at: datetime, decided_at: datetime) -> Policy:
        """The policy of one case: each rule as it stood at the moment that the rule itself says counts."""
        return self._current().applicable(act_at, filed_at, decided_at)

    def forget(self) -> None:
        """Read the book again before the next answer: it was just added to."""
        with self._lock:
            self._read_at = None

    def _current(self) -> Timeline:
        read_at = self._read_at
        if read_at is None or self._monotonic() - read_at >= REFRESH_SECONDS:
            with self._lock:
                self._refresh()
        return self._timeline

    def _refresh(self) -> None:
        began = self._monotonic()
        try:
            if self._store.facts(BOOK_ID, after=self._seen):
                book = self._store.load(PolicyBook, BOOK_ID)
                if book:
                    self._timeline, self._seen = self._drawn(book), book.version
        except StoreUnavailable as down:
            raise ServiceUnavailable from down
        self._read_at = began

    def _drawn(self, book: PolicyBook) -> Timeline:
        counting = book.timeline()
        public = {
            name: self._policy(name, edition.document)
            for name, edition in book.editions.items()
            if edition.published_at is not None
        }
        return Timeline(
            begins=tuple(edition.effective_from for edition in counting),
            policies=(self.builtin, *(public[edition.policy] for edition in counting)),
            by_name={self.builtin.version: self.builtin, **public},
        )

    def _policy(self, name: str, document: str) -> Policy:
        if name not in self._compiled:
            self._compiled[name] = self._compiler(json.loads(document))
        return self._compiled[name]
