"""Why a request failed before or around the aggregate: none of these is the aggregate's own refusal."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.store import RecordedFact
from domain.aggregate import EvolvingAggregate
from domain.policy import Fault


class RequestError(Exception):
    """A request that was not carried out."""


@dataclass
class NotFound(RequestError):
    """There is nothing here that the caller may see; `kind` names it (`case`, `compensation`, ...)."""

    kind: str


@dataclass
class Forbidden(RequestError):
    """The caller's role may not do this."""

    permission: str


@dataclass
class VersionMismatch(RequestError):
    """The aggregate has moved on since the version that the caller saw."""

    aggregate: EvolvingAggregate
    since: list[RecordedFact]


@dataclass
class InvalidRequest(RequestError):
    """A value is well formed but cannot be meant; `pointer` is its JSON pointer in the body."""

    pointer: str
    detail: str
    code: str = "out_of_range"


@dataclass
class UnsoundPolicy(RequestError):
    """A drafted policy document is not sound; every fault that was found, with its place in the document."""

    faults: Sequence[Fault]


@dataclass
class HistoryTooLong(RequestError):
    """The log holds more facts than are replayed while a caller waits."""

    facts: int
    most: int


class PreconditionRequired(RequestError):
    """This command needs the version that the caller saw."""


class AccessReasonRequired(RequestError):
    """What is asked for is shown only to whoever says why."""


class IdempotencyKeyReused(RequestError):
    """This idempotency key belongs to another request."""


class RequestInProgress(RequestError):
    """The first request with this idempotency key is still running."""


class ServiceUnavailable(RequestError):
    """The service cannot answer now; try again."""
