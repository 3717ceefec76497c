"""The policy book: the marketplace's rules in versions, public before they take effect, readable for ever.

One book, one stream. A version is drafted by one person and published by another; the rules that count at any
moment are those of the version in force then.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import singledispatch
from hashlib import sha256
from uuid import UUID

from domain import events
from domain.aggregate import EvolvingAggregate
from domain.events import Fact, stored_as
from domain.refusals import (
    PolicyEffectiveTooEarly,
    PolicyInForceCannotBeRetired,
    PolicyNeedsSecondPerson,
    PolicyNotDrafted,
    PolicyNotPublished,
    PolicyVersionExists,
    UnknownPart,
)
from domain.values import Actor, PolicyState, Urgency

BOOK_ID = UUID("9a7d5c1e-64c8-5a0f-8f0d-3b1f6c2e7a10")
"""There is one book."""

NOTICE = timedelta(days=7)
"""R-3: 交易规则制定程序规定 9: new rules are public seven days before they take effect."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of the policy. `effective_from` is as drafted, and as published once it is."""

    policy: str
    document: str
    sha256: str
    effective_from: datetime
    note: str
    urgency: Urgency | None
    drafted_by: str
    drafted_at: datetime
    approved_by: str | None = None
    published_at: datetime | None = None
    withdrawn_at: datetime | None = None
    retired_at: datetime | None = None

    @property
    def drafted(self) -> bool:
        """Whether it waits for its approval."""
        return self.published_at is None and self.withdrawn_at is None

    @property
    def counts(self) -> bool:
        """Whether its rules count in their time: it was published, and not retired before it took effect."""
        recalled = self.retired_at is not None and self.retired_at < self.effective_from
        return self.published_at is not None and not recalled


@stored_as("PolicyBook")
class PolicyBook(EvolvingAggregate):
    """Every version of the policy, and who may bring it into force."""

    def __init__(self) -> None:
        self.editions: dict[str, Edition] = {}

    def evolve(self, fact: Fact) -> None:
        """Fold one fact into this book."""
        evolve(fact, self)

    # --- commands ---

    @classmethod
    def open(cls, at: datetime) -> "PolicyBook":
        """Begin the book."""
        return cls._create(events.PolicyBookOpened, id=BOOK_ID, timestamp=at)

    def draft(
        self,
        by: Actor,
        policy: str,
        document: str,
        effective_from: datetime,
        note: str,
        urgency: Urgency | None,
        at: datetime,
    ) -> None:
        """Draft a version; its document is sound. Refused: PolicyVersionExists, PolicyEffectiveTooEarly."""
        if policy in self.editions:
            raise PolicyVersionExists
        self._announced_in_time(effective_from, urgency, at)
        self._record(
            events.PolicyDrafted,
            at,
            policy=policy,
            document=document,
            sha256=sha256(document.encode()).hexdigest(),
            effective_from=effective_from,
            drafted_by=by.id,
            note=note,
            urgency=urgency,
        )

    def approve(self, by: Actor, policy: str, at: datetime) -> None:
        """Publish a draft of somebody else. What need not wait takes effect now at the earliest.

        Refused: PolicyNotDrafted, PolicyNeedsSecondPerson, PolicyEffectiveTooEarly. Raises UnknownPart.
        """
        draft = self._draft(policy)
        if draft.drafted_by == by.id:
            raise PolicyNeedsSecondPerson(f"it was drafted by {draft.drafted_by}")
        self._announced_in_time(draft.effective_from, draft.urgency, at)
        self._record(
            events.PolicyPublished,
            at,
            policy=policy,
            sha256=draft.sha256,
            effective_from=max(draft.effective_from, at),
            drafted_by=draft.drafted_by,
            approved_by=by.id,
        )

    def withdraw(self, policy: str, reason: str, at: datetime) -> None:
        """Give a draft up. Refused: PolicyNotDrafted. Raises UnknownPart."""
        self._draft(policy)
        self._record(events.PolicyDraftWithdrawn, at, policy=policy, reason=reason)

    def retire(self, policy: str, reason: str, at: datetime) -> None:
        """Use a published version no more: recall one that is to come, or put away one that was.

        Refused: PolicyNotPublished, PolicyInForceCannotBeRetired. Raises UnknownPart.
        """
        edition = self._edition(policy)
        if edition.published_at is None or edition.retired_at is not None:
            raise PolicyNotPublished
        if edition == self.in_force(at):
            raise PolicyInForceCannotBeRetired
        self._record(events.PolicyRetired, at, policy=policy, reason=reason)

    def _announced_in_time(self, effective_from: datetime, urgency: Urgency | None, at: datetime) -> None:
        first = all(edition.published_at is None for edition in self.editions.values())
        if not first and urgency is None and effective_from < at + NOTICE:
            raise PolicyEffectiveTooEarly(f"at the earliest {NOTICE.days} days after it is published")

    def _draft(self, policy: str) -> Edition:
        edition = self._edition(policy)
        if not edition.drafted:
            raise PolicyNotDrafted
        return edition

    def _edition(self, policy: str) -> Edition:
        if policy not in self.editions:
            raise UnknownPart("policy")
        return self.editions[policy]

    # --- what counts when ---

    def in_force(self, at: datetime) -> Edition | None:
        """The version whose rules count at that moment; None before the first one."""
        begun = [edition for edition in self.timeline() if edition.effective_from <= at]
        return begun[-1] if begun else None

    def timeline(self) -> list[Edition]:
        """The versions that count in their time, by when they take effect: each until the next one does.

        Of two that take effect at once, the one published later counts.
        """
        counting = [edition for edition in self.editions.values() if edition.counts]
        return sorted(counting, key=lambda edition: (edition.effective_from, edition.published_at))

    def state_of(self, policy: str, at: datetime) -> PolicyState:
        """How a version stands at that moment. Raises UnknownPart."""
        edition = self._edition(policy)
        if edition.retired_at is not None:
            return PolicyState.RETIRED
        if edition.withdrawn_at is not None:
            return PolicyState.WITHDRAWN
        if edition.published_at is None:
            return PolicyState.DRAFTED
        if at < edition.effective_from:
            return PolicyState.UPCOMING
        return PolicyState.IN_FORCE if edition == self.in_force(at) else PolicyState.SUPERSEDED


@singledispatch
def evolve(fact: Fact, book: PolicyBook) -> None:
    """Fold one fact into the book; a fact without an evolution of its own is a programming error."""
    raise TypeError(f"{type(fact).__name__} has no evolution")


@evolve.register(events.PolicyBookOpened)
def _(fact: events.PolicyBookOpened, book: PolicyBook) -> None:
    """An empty book."""


@evolve.register(events.PolicyDrafted)
def _(fact: events.PolicyDrafted, book: PolicyBook) -> None:
    edition = Edition(
        policy=fact.policy,
        document=fact.document,
        sha256=fact.sha256,
        effective_from=fact.effective_from,
        note=fact.note,
        urgency=fact.urgency,
        drafted_by=fact.drafted_by,
        drafted_at=fact.timestamp,
    )
    book.editions = book.editions | {fact.policy: edition}


@evolve.register(events.PolicyPublished)
def _(fact: events.PolicyPublished, book: PolicyBook) -> None:
    edition = replace(
        book.editions[fact.policy],
        effective_from=fact.effective_from,
        approved_by=fact.approved_by,
        published_at=fact.timestamp,
    )
    book.editions = book.editions | {fact.policy: edition}


@evolve.register(events.PolicyDraftWithdrawn)
def _(fact: events.PolicyDraftWithdrawn, book: PolicyBook) -> None:
    edition = replace(book.editions[fact.policy], withdrawn_at=fact.timestamp)
    book.editions = book.editions | {fact.policy: edition}


@evolve.register(events.PolicyRetired)
def _(fact: events.PolicyRetired, book: PolicyBook) -> None:
    edition = replace(book.editions[fact.policy], retired_at=fact.timestamp)
    book.editions = book.editions | {fact.policy: edition}
