"""API keys `rc_<id>_<secret>` in PostgreSQL, behind a short memory so that a request costs no query."""

import hmac
import logging
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_hex, token_urlsafe
from threading import Lock

from application.clock import Clock
from application.errors import ServiceUnavailable
from application.keys import Caller
from domain.values import Actor, Role
from infrastructure.event_store.connections import Datastore
from infrastructure.statements import change, read

log = logging.getLogger(__name__)

REMEMBERED_FOR = timedelta(seconds=5)
"""A key that was revoked elsewhere is still taken for so long."""

REMEMBERED_KEYS = 10_000
LONGEST_KEY = 200

USE_NOTED_EVERY = timedelta(minutes=1)
"""How exact the last use is, so that a request does not cost a write."""

_COLUMNS = b"key_id, role, subject, merchant_id, created_at, expires_at, revoked_at, last_used_at"
_INSERT = (
    b"INSERT INTO api_keys (key_id, digest, role, subject, merchant_id, created_at, expires_at)"
    b" VALUES (%s, %b, %s, %s, %s, %s, %s) RETURNING key_id"
)
_SELECT = b"SELECT digest, " + _COLUMNS + b" FROM api_keys WHERE key_id = %s"
_LIST = b"SELECT " + _COLUMNS + b" FROM api_keys ORDER BY created_at, key_id"
_REVOKE = b"UPDATE api_keys SET revoked_at = %s WHERE key_id = %s AND revoked_at IS NULL RETURNING key_id"
_NOTE_USE = b"UPDATE api_keys SET last_used_at = %s WHERE key_id = %s RETURNING key_id"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept; the secret is not."""

    key_id: str
    actor: Actor
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def valid(self, at: datetime) -> bool:
        """Whether it opens anything at this instant."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


@dataclass(slots=True)
class _Remembered:
    """What was last read of one key id; `key` is None where there is none."""

    digest: bytes
    key: ApiKey | None
    read_at: datetime
    used_at: datetime | None


class ApiKeys:
    """Makes, revokes, lists and recognises keys. Threads may share it; closing it ends its own."""

    def __init__(self, datastore: Datastore, clock: Clock) -> None:
        self._datastore = datastore
        self._clock = clock
        self._memory: OrderedDict[str, _Remembered] = OrderedDict()
        self._lock = Lock()
        self._notes = ThreadPoolExecutor(max_workers=1, thread_name_prefix="key-use")

    def create(self, actor: Actor, *, expires_at: datetime | None = None) -> str:
        """Make a key for the actor and return it; it is shown this once.

        Raises ValueError for an actor that can have none, and ServiceUnavailable.
        """
        if (actor.role is Role.MERCHANT) != bool(actor.merchant_id):
            raise ValueError("a merchant's key names its merchant, and no other key does")
        if actor.role is Role.SYSTEM:
            raise ValueError("the system acts by itself and has no key")
        if not actor.id:
            raise ValueError("a key names its subject")
        key_id, secret = token_hex(6), token_urlsafe(32)
        known_as = (actor.role.value, actor.id, actor.merchant_id)
        change(self._datastore, _INSERT, key_id, _digest(secret), *known_as, self._clock.now(), expires_at)
        return f"rc_{key_id}_{secret}"

    def revoke(self, key_id: str) -> bool:
        """End a key for good; False when there is none in force. Raises ServiceUnavailable.

        Other processes follow within REMEMBERED_FOR.
        """
        revoked = bool(change(self._datastore, _REVOKE, self._clock.now(), key_id))
        with self._lock:
            self._memory.pop(key_id, None)
        return revoked

    def list(self) -> list[ApiKey]:
        """Every key, the oldest first. Raises ServiceUnavailable."""
        return [_key(*row) for row in read(self._datastore, _LIST)]

    def authenticate(self, presented: str) -> Caller | None:
        """The caller whose key this is; None for one that is unknown, wrong, expired or revoked.

        Raises ServiceUnavailable.
        """
        parts = presented.split("_", 2)
        if len(parts) != 3 or parts[0] != "rc" or len(presented) > LONGEST_KEY or not _printable(presented):
            return None
        now = self._clock.now()
        known = self._recalled(parts[1], now)
        fits = hmac.compare_digest(known.digest, _digest(parts[2]))
        if not fits or known.key is None or not known.key.valid(now):
            return None
        self._note_use(known, now)
        return Caller(known.key.key_id, known.key.actor)

    def _recalled(self, key_id: str, now: datetime) -> _Remembered:
        with self._lock:
            known = self._memory.get(key_id)
        # A clock that was put back must not prolong what is remembered.
        if known and timedelta() <= now - known.read_at < REMEMBERED_FOR:
            return known
        return self._read(key_id, now)

    def _read(self, key_id: str, now: datetime) -> _Remembered:
        rows = read(self._datastore, _SELECT, key_id)
        found = _Remembered(b"", None, now, None)
        if rows:
            digest, *columns = rows[0]
            key = _key(*columns)
            found = _Remembered(digest, key, now, key.last_used_at)
        self._remember(key_id, found)
        return found

    def _remember(self, key_id: str, found: _Remembered) -> None:
        with self._lock:
            before = self._memory.pop(key_id, None)
            # The use that was noted last may not be written yet.
            if before and before.used_at and (found.used_at is None or found.used_at < before.used_at):
                found.used_at = before.used_at
            self._memory[key_id] = found
            if len(self._memory) > REMEMBERED_KEYS:
                self._memory.popitem(last=False)

    def _note_use(self, known: _Remembered, now: datetime) -> None:
        if known.key is None or (known.used_at and now - known.used_at < USE_NOTED_EVERY):
            return
        known.used_at = now
        self._notes.submit(self._write_use, known.key.key_id, now)

    def _write_use(self, key_id: str, at: datetime) -> None:
        try:
            change(self._datastore, _NOTE_USE, at, key_id)
        except ServiceUnavailable:
            log.warning("the last use of a key was not noted: no database")

    def close(self) -> None:
        """Write what is still to be noted, and end the thread that notes it."""
        self._notes.shutdown()


def _printable(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def _key(
    key_id: str,
    role: str,
    subject: str,
    merchant_id: str | None,
    created_at: datetime,
    expires_at: datetime | None,
    revoked_at: datetime | None,
    last_used_at: datetime | None,
) -> ApiKey:
    actor = Actor(subject, Role(role), merchant_id)
    return ApiKey(key_id, actor, created_at, expires_at, revoked_at, last_used_at)
