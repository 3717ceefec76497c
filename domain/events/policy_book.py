"""Facts of the policy book: which rules are drafted, public, and no longer used."""

from datetime import datetime

from eventsourcing.domain import AggregateCreated

from domain.events.fact import Fact, stored_as
from domain.values import Urgency


@stored_as("PolicyBookOpened", of="PolicyBook")
class PolicyBookOpened(Fact, AggregateCreated):
    """The marketplace began to keep its own policies; until one is in force the built-in one is."""


@stored_as("PolicyDrafted", of="PolicyBook")
class PolicyDrafted(Fact):
    """A policy version was drafted; `document` is all of it as canonical JSON, `sha256` that of its UTF-8."""

    policy: str
    document: str
    sha256: str
    effective_from: datetime
    drafted_by: str
    note: str
    urgency: Urgency | None


@stored_as("PolicyPublished", of="PolicyBook")
class PolicyPublished(Fact):
    """A second person approved the draft, and with that it is public."""

    policy: str
    sha256: str
    effective_from: datetime
    drafted_by: str
    approved_by: str


@stored_as("PolicyRetired", of="PolicyBook")
class PolicyRetired(Fact):
    """A policy version is not used from now on; what it decided stands, and it stays readable."""

    policy: str
    reason: str


@stored_as("PolicyDraftWithdrawn", of="PolicyBook")
class PolicyDraftWithdrawn(Fact):
    """A draft was given up; its name is not used again."""

    policy: str
    reason: str
