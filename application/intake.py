"""Bulk intake: filings from lines of text, each filed at most once however often the file is read.

A line is one object of the filing request plus an optional `idempotency_key`. A line without one is known by
a keyed digest of its content. A bad line is refused by itself and handed back; the others are filed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from application.cases import Cases, Request
from application.errors import (
    IdempotencyKeyReused,
    InvalidRequest,
    RequestInProgress,
    ServiceUnavailable,
)
from application.store import IdempotencyKey, Store, StoreUnavailable
from application.vault import Vault
from domain.refusals import Refusal
from domain.values import Actor

LARGEST_LINE = 1024 * 1024
"""Bytes; the limit of a request's body."""

LONGEST_KEY = 255

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A line, validated.

    filing: the arguments of `Cases.file` · content: one spelling for equal contents, without the key ·
    key: the line's own idempotency key, as it was given.
    """

    filing: Mapping[str, Any]
    content: bytes
    key: object = None


@dataclass
class LineRefused(Exception):
    """A line that cannot be filed. `reason` says why without quoting what people wrote."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Filed:
    """A line became a case."""

    line: int
    case_id: UUID
    number: str


@dataclass(frozen=True, slots=True)
class AlreadyFiled:
    """A line had become this case before."""

    line: int
    case_id: UUID
    number: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A line was not filed."""

    line: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sound:
    """A line could be filed, for all that can be said of the line alone."""

    line: int


Outcome = Filed | AlreadyFiled | Refused | Sound

Parse = Callable[[bytes], Line]
"""Reads and validates one line exactly as the interface does a request; raises LineRefused."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many lines came to what."""

    filed: int
    already_filed: int
    refused: int


class IntakeInterrupted(Exception):
    """The service went away before this line; read the file again to go on, nothing is filed twice."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class Intake:
    """Files lines one by one as one caller."""

    def __init__(self, cases: Cases, store: Store, vault: Vault, parse: Parse, by: Actor) -> None:
        self._cases = cases
        self._store = store
        self._vault = vault
        self._parse = parse
        self._by = by

    def read(
        self,
        lines: Iterable[bytes],
        *,
        progress: Callable[[Outcome], None],
        reject: Callable[[bytes], object],
    ) -> Tally:
        """File every line that is not blank; tell `progress` of each, and hand refused ones back to `reject`.

        Raises Forbidden when this caller may not file, and IntakeInterrupted when the service goes away.
        """
        return _each(lines, self._outcome, progress, reject)

    def _outcome(self, number: int, line: bytes) -> Outcome:
        try:
            return self._file(number, line)
        except (ServiceUnavailable, StoreUnavailable) as down:
            raise IntakeInterrupted(number) from down
        except LineRefused as refused:
            return Refused(number, refused.code, refused.reason)
        except Refusal as refusal:
            return Refused(number, refusal.code, refusal.detail or refusal.title())
        except InvalidRequest as invalid:
            return Refused(number, "invalid_request", f"{invalid.pointer}: {invalid.detail}")
        except IdempotencyKeyReused:
            return Refused(number, "idempotency_key_reused", "this key belongs to another content")
        except RequestInProgress:
            return Refused(number, "request_in_progress", "the same line is being filed by another caller")

    def _file(self, number: int, text: bytes) -> Outcome:
        line, given = _read(text, self._parse)
        fingerprint = self._vault.fingerprint(line.content)
        key = IdempotencyKey(f"intake:{self._by.id}", given or f"content-{fingerprint.hex()}", fingerprint)
        known = self._store.replay(key.scope, key.key) is not None
        request = Request(self._by, f"intake:{fingerprint.hex()[:32]}", idempotency=key)
        case = self._cases.file(request, **line.filing).aggregate
        outcome = AlreadyFiled if known else Filed
        return outcome(number, case.id, case.filing.number)


def check(
    lines: Iterable[bytes],
    parse: Parse,
    *,
    progress: Callable[[Outcome], None],
    reject: Callable[[bytes], object],
) -> Tally:
    """Refuse what `Intake.read` would refuse for the line alone; `filed` counts the others. Files nothing."""

    def outcome(number: int, text: bytes) -> Outcome:
        try:
            _read(text, parse)
        except LineRefused as refused:
            return Refused(number, refused.code, refused.reason)
        return Sound(number)

    return _each(lines, outcome, progress, reject)


def _each(
    lines: Iterable[bytes],
    outcome_of: Callable[[int, bytes], Outcome],
    progress: Callable[[Outcome], None],
    reject: Callable[[bytes], object],
) -> Tally:
    count = dict.fromkeys((Filed, AlreadyFiled, Refused, Sound), 0)
    for number, raw in enumerate(lines, 1):
        line = raw.removeprefix(BYTE_ORDER_MARK).strip()
        if not line:
            continue
        outcome = outcome_of(number, line)
        if isinstance(outcome, Refused):
            reject(line + b"\n")
        count[type(outcome)] += 1
        progress(outcome)
    return Tally(count[Filed] + count[Sound], count[AlreadyFiled], count[Refused])


def _read(text: bytes, parse: Parse) -> tuple[Line, str | None]:
    """The line, and the idempotency key that it brings."""
    if len(text) > LARGEST_LINE:
        raise LineRefused("body_too_large", f"the line is longer than {LARGEST_LINE} bytes")
    line = parse(text)
    key = line.key
    if key is None:
        return line, None
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise LineRefused("invalid_request", f"/idempotency_key: 1 to {LONGEST_KEY} printable characters")
    return line, key
