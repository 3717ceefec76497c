"""Use cases of the policy book: drafting, publishing by a second person, retiring; for everybody, reading."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from application.clock import Clock
from application.errors import InvalidRequest, NotFound, UnsoundPolicy
from application.rulebook import Compile, PublishedPolicies
from application.running import Answer, Request, Running
from application.store import Store
from application.vault import Sealing, Vault
from domain.policy import Fault, Policy, PolicyFaults
from domain.policy.calendar import SHANGHAI
from domain.policy_book import BOOK_ID, Edition, PolicyBook
from domain.refusals import PolicyVersionExists
from domain.values import Actor, PolicyState, Urgency

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What a version may be called: its name stands in addresses."""

Read = Callable[[str], object]
"""The value that a text in YAML holds. Raises PolicyFaults."""


@dataclass(frozen=True)
class Version:
    """A version of the policy as it stands now.

    policy: None for a document that the present code reads no more · edition: None for the built-in version.
    """

    name: str
    state: PolicyState
    policy: Policy | None
    document: str
    edition: Edition | None


class Policies(Running[PolicyBook]):
    """Every use case of the policy book. Safe to share between threads."""

    aggregate = PolicyBook

    def __init__(
        self,
        store: Store,
        vault: Vault,
        rulebook: PublishedPolicies,
        compiled: Compile,
        read: Read,
        builtin_document: Mapping[str, Any],
        clock: Clock,
        new_id: Callable[[], UUID],
    ) -> None:
        super().__init__(store, vault, clock, new_id)
        self._rulebook = rulebook
        self._compiled = compiled
        self._read = read
        self._builtin_document = builtin_document

    def _missing(self) -> NotFound:
        return NotFound("policy")

    # --- commands ---

    def draft(
        self,
        request: Request,
        document: Mapping[str, Any] | str,
        note: str,
        effective_from: datetime | None = None,
        urgency: Urgency | None = None,
    ) -> Answer[PolicyBook]:
        """Draft a version: a document, or the YAML text of one, under the name that it gives itself.

        It takes effect with the day that the document names, or later on. Raises UnsoundPolicy with every
        fault, and InvalidRequest for a moment before that day.
        """

        def decide(book: PolicyBook, _: Sealing, at: datetime) -> None:
            policy, text = self.sound(document)
            if policy.version == self._rulebook.builtin.version:
                raise PolicyVersionExists("it is built in")
            begins = _begins(policy, effective_from)
            book.draft(request.by, policy.version, text, begins, note, urgency, at)

        return self._command(request, BOOK_ID, "policies.draft", decide, begin=PolicyBook.open)

    def approve(self, request: Request, policy: str) -> Answer[PolicyBook]:
        """Publish somebody else's draft. Needs the version.

        Raises UnsoundPolicy for one that the present code reads no more.
        """

        def decide(book: PolicyBook, _: Sealing, at: datetime) -> None:
            book.approve(request.by, policy, at)
            self.sound(json.loads(book.editions[policy].document))

        done = self._versioned(request, BOOK_ID, "policies.approve", decide)
        self._rulebook.forget()
        return done

    def withdraw(self, request: Request, policy: str, reason: str) -> Answer[PolicyBook]:
        """Give a draft up. Needs the version."""
        return self._versioned(
            request, BOOK_ID, "policies.draft", lambda book, _, at: book.withdraw(policy, reason, at)
        )

    def retire(self, request: Request, policy: str, reason: str) -> Answer[PolicyBook]:
        """Use a published version no more. Needs the version."""
        done = self._versioned(
            request, BOOK_ID, "policies.retire", lambda book, _, at: book.retire(policy, reason, at)
        )
        self._rulebook.forget()
        return done

    def sound(self, given: object) -> tuple[Policy, str]:
        """The policy in a document, and the document as it is kept. Raises UnsoundPolicy."""
        try:
            document = self._read(given) if isinstance(given, str) else given
            if not isinstance(document, Mapping):
                raise PolicyFaults([Fault("", "must be an object")])
            policy = self._compiled(document)
            if not NAME.fullmatch(policy.version):
                raise PolicyFaults([Fault("/version", f"must match {NAME.pattern}")])
        except PolicyFaults as unsound:
            raise UnsoundPolicy(unsound.faults) from unsound
        return policy, canonical(document)

    # --- reading ---

    def versions(self, by: Actor) -> tuple[list[Version], int]:
        """Every version there ever was, the latest draft first, the built-in one last; the book's version."""
        self._permit(by, "policies.read")
        book, at = self._stored(BOOK_ID), self._clock.now()
        drafted = [self._version(book, name, at) for name in reversed(book.editions)] if book else []
        return [*drafted, self._built_in(book, at)], book.version if book else 0

    def version(self, by: Actor, policy: str) -> tuple[Version, int]:
        """One version by its name, and the book's version. Raises NotFound."""
        self._permit(by, "policies.read")
        book, at = self._stored(BOOK_ID), self._clock.now()
        if policy == self._rulebook.builtin.version:
            return self._built_in(book, at), book.version if book else 0
        if book is None or policy not in book.editions:
            raise self._missing()
        return self._version(book, policy, at), book.version

    def state(self, book: PolicyBook, policy: str) -> PolicyState:
        """How a version stands now."""
        return book.state_of(policy, self._clock.now())

    def _version(self, book: PolicyBook, name: str, at: datetime) -> Version:
        edition = book.editions[name]
        return Version(name, book.state_of(name, at), self._readable(edition), edition.document, edition)

    def _readable(self, edition: Edition) -> Policy | None:
        try:
            return self._compiled(json.loads(edition.document))
        except PolicyFaults:
            return None

    def _built_in(self, book: PolicyBook | None, at: datetime) -> Version:
        superseded = book is not None and book.in_force(at) is not None
        state = PolicyState.SUPERSEDED if superseded else PolicyState.IN_FORCE
        builtin = self._rulebook.builtin
        return Version(builtin.version, state, builtin, canonical(self._builtin_document), None)


def _begins(policy: Policy, asked: datetime | None) -> datetime:
    day = datetime.combine(policy.effective_from, time.min, SHANGHAI).astimezone(UTC)
    if asked is not None and asked < day:
        raise InvalidRequest("/effective_from", "must not lie before the day that the document names")
    return asked or day


def canonical(document: Mapping[str, Any]) -> str:
    """One spelling for equal documents: JSON, its members in order, without white space."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
