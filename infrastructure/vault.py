"""The port that keeps personal data out of the facts, over data keys in PostgreSQL and a key file outside it.

Each person of a case has one random data key. It is stored wrapped by the key file's key, in the
transaction of the first fact that needs it; deleting its row makes everything under it unreadable.
"""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from application.errors import ServiceUnavailable
from application.store import BlindEntry, WrappedKey
from application.vault import CannotOpen
from domain.values import Sealed, SealedFor
from infrastructure import envelope
from infrastructure.epochs import Epochs
from infrastructure.event_store.connections import Datastore
from infrastructure.key_file import KeyFileMissing, KeyFileRefused, MasterKey
from infrastructure.statements import change, read

SCHEMA = 1
"""Version of what a sealed value is bound to; part of the binding."""

BLIND_BYTES = 8
"""How much of a digest is kept to find by."""

SELECT_KEYS = b"SELECT person, key_id, wrapped, epoch FROM vault.data_keys WHERE case_id = %s"
SELECT_KEY_ID = b"SELECT key_id FROM vault.data_keys WHERE case_id = %s AND person = %s"
DESTROY = b"SELECT vault.destroy_keys(%b, ARRAY[%b::uuid])"
SELECT_CHECK_VALUE = b"SELECT check_value, epoch FROM vault.master_key"
BEGIN_FIRST_EPOCH = b"UPDATE vault.master_key SET epoch = 1 WHERE epoch = 0 RETURNING epoch"
KEEP_KEY = (
    b"INSERT INTO vault.data_keys (case_id, person, key_id, wrapped, epoch)"
    b" SELECT %b, %b, %b, %b, new.epoch FROM (SELECT %b::integer AS epoch) AS new"
    b" WHERE new.epoch >= vault.current_epoch() ON CONFLICT DO NOTHING RETURNING key_id"
)
KEEP_CHECK_VALUE = (
    b"INSERT INTO vault.master_key (check_value) VALUES (%b) ON CONFLICT DO NOTHING RETURNING check_value"
)


class WrongKeyFile(Exception):
    """This database belongs to another key file; put that one back."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """One person's key in one case."""

    key_id: UUID
    secret: bytes = field(repr=False)

    @classmethod
    def new(cls) -> "DataKey":
        """A new random key."""
        return cls(uuid4(), os.urandom(envelope.KEY_BYTES))


class PostgresVault:
    """Implements `application.vault.Vault`. Safe to share between threads.

    Reads that cannot reach the database raise ServiceUnavailable.
    """

    def __init__(self, datastore: Datastore, master: MasterKey, epochs: Epochs | None = None) -> None:
        """`epochs`: those that the data keys are wrapped in; without them the key file alone opens all."""
        self._datastore = datastore
        self._epochs = epochs
        self._wrapping = master.subkey("wrapping")
        self._pseudonyms = master.subkey("pseudonym")
        self._fingerprints = master.subkey("fingerprint")
        self._blinding = master.subkey("blind index")
        self._check_value = master.subkey("check")

    def __repr__(self) -> str:
        return "PostgresVault()"

    def bind(self) -> None:
        """Let the database belong to this key file from the first use on. Raises WrongKeyFile."""
        change(self._datastore, KEEP_CHECK_VALUE, self._check_value)
        self.check()
        if self._epochs and not self._epochs.newest():
            self._epochs.begin(1)
            change(self._datastore, BEGIN_FIRST_EPOCH)

    def check(self) -> None:
        """Raises WrongKeyFile when the database belongs to another key file."""
        for kept, epoch in read(self._datastore, SELECT_CHECK_VALUE):
            if not hmac.compare_digest(kept, self._check_value):
                raise WrongKeyFile(WrongKeyFile.__doc__)
            if self._epochs and epoch and not self._epochs.path(epoch).exists():
                raise WrongKeyFile(f"{self._epochs.path(epoch)} is missing; put your copy of it back")

    def sealing(self, case_id: UUID, version: int) -> "CaseSealing":
        """Begin to seal for the fact that will be `version` of the case; nothing is looked up yet."""
        return CaseSealing(self, case_id, version)

    def open(
        self, case_id: UUID, values: Mapping[tuple[int, str], Sealed]
    ) -> dict[tuple[int, str], str | None]:
        """Open sealed values of one case, each named by (version of its fact, field), with one query.

        None stands for a value whose key was destroyed. Raises CannotOpen and ServiceUnavailable.
        """
        if not values:
            return {}
        secrets = {key.key_id: key.secret for key in self.keys_of(case_id).values()}
        return {
            place: _opened(case_id, *place, sealed, secrets[sealed.key_id])
            if sealed.key_id in secrets
            else None
            for place, sealed in values.items()
        }

    def pseudonym(self, kind: str, value: str) -> str:
        """A stable keyed stand-in for an identifier, 32 hex digits (128 bits)."""
        message = kind.encode() + b"\0" + value.encode()
        return hmac.digest(self._pseudonyms, message, "sha256").hex()[:32]

    def blind(self, kind: str, value: str) -> bytes:
        """A truncated keyed digest, 8 bytes (64 bits)."""
        message = kind.encode() + b"\0" + value.encode()
        return hmac.digest(self._blinding, message, "sha256")[:BLIND_BYTES]

    def fingerprint(self, data: bytes) -> bytes:
        """A keyed digest, 32 bytes."""
        return hmac.digest(self._fingerprints, data, "sha256")

    def keys_of(self, case_id: UUID) -> dict[str, DataKey]:
        """The data keys of a case by person. Raises CannotOpen and ServiceUnavailable."""
        try:
            return {
                person: DataKey(key_id, self._unwrap(case_id, person, key_id, wrapped, epoch))
                for person, key_id, wrapped, epoch in read(self._datastore, SELECT_KEYS, case_id)
            }
        except (envelope.Unopened, KeyFileRefused):
            raise CannotOpen(f"a data key of case {case_id} does not open") from None

    def key_of(self, case_id: UUID, person: str) -> DataKey:
        """The data key of a person, made and stored at once where there is none: for what precedes its fact.

        A command that makes one at the same time meets a conflict, and tries again with this one.
        """
        keys = self.keys_of(case_id)
        if person not in keys:
            new = self.wrap(case_id, person, DataKey.new())
            change(self._datastore, KEEP_KEY, case_id, person, new.key_id, new.wrapped, new.epoch)
            keys = self.keys_of(case_id)
        if person not in keys:
            raise ServiceUnavailable  # another epoch began in between
        return keys[person]

    def key_id(self, case_id: UUID, person: SealedFor) -> UUID | None:
        """The key of a person in a case, if there is one. Raises ServiceUnavailable."""
        rows = read(self._datastore, SELECT_KEY_ID, case_id, person)
        return rows[0][0] if rows else None

    def destroy(self, case_id: UUID, key_id: UUID) -> None:
        """Destroy a key and the bytes under it; nothing where it is gone. Raises ServiceUnavailable."""
        change(self._datastore, DESTROY, case_id, key_id)

    def wrap(self, case_id: UUID, person: str, key: DataKey) -> WrappedKey:
        """The key as it may be stored."""
        epoch = self._epochs.newest() if self._epochs else 0
        return WrappedKey(
            person, key.key_id, self._wrap(case_id, person, key.key_id, key.secret, epoch), epoch
        )

    def wrapped_anew(
        self, case_id: UUID, person: str, key_id: UUID, wrapped: bytes, old: int, new: int
    ) -> bytes:
        """A stored key as it is stored in a new epoch. Raises CannotOpen."""
        try:
            secret = self._unwrap(case_id, person, key_id, wrapped, old)
        except (envelope.Unopened, KeyFileRefused):
            raise CannotOpen(f"a data key of case {case_id} does not open") from None
        return self._wrap(case_id, person, key_id, secret, new)

    def _wrap(self, case_id: UUID, person: str, key_id: UUID, secret: bytes, epoch: int) -> bytes:
        return envelope.seal(self._wrapping_in(epoch), _key_context(case_id, person, key_id), secret)

    def _unwrap(self, case_id: UUID, person: str, key_id: UUID, wrapped: bytes, epoch: int) -> bytes:
        return envelope.open_box(self._wrapping_in(epoch), _key_context(case_id, person, key_id), wrapped)

    def _wrapping_in(self, epoch: int) -> bytes:
        """The key that wraps in an epoch: of the key file and the epoch's secret, so that both are needed."""
        if not epoch:
            return self._wrapping
        if self._epochs is None:
            raise KeyFileMissing(f"there is no secret of epoch {epoch}")
        return hmac.digest(self._wrapping, b"epoch\0" + self._epochs.secret(epoch), "sha256")


class CaseSealing:
    """Implements `application.vault.Sealing` for one command; used by one thread."""

    def __init__(self, vault: PostgresVault, case_id: UUID, version: int) -> None:
        self._vault = vault
        self._case_id = case_id
        self._version = version
        self._keys: dict[str, DataKey] | None = {} if version == 1 else None
        self._new: list[WrappedKey] = []
        self._found_by: list[BlindEntry] = []

    def __repr__(self) -> str:
        return f"CaseSealing(case_id={self._case_id}, version={self._version})"

    def seal(self, person: SealedFor, field: str, text: str, later: int = 0) -> Sealed:
        """Seal one field of the first fact, or of one so many facts later.

        Raises ValueError for ill-formed Unicode, CannotOpen and ServiceUnavailable.
        """
        content = _utf8(field, text)
        key = self._key(person)
        context = _context(self._case_id, self._version + later, field, person, key.key_id)
        box = envelope.seal(key.secret, context, content)
        return Sealed(person, key.key_id, _text(box))

    def index(self, person: SealedFor, kind: str, value: str) -> None:
        """Let the case be found by something of a person who has a data key in it."""
        self._found_by.append(BlindEntry(person, kind, self._vault.blind(kind, value)))

    @property
    def blind_index(self) -> tuple[BlindEntry, ...]:
        """What the case is to be found by, to be recorded with the facts."""
        return tuple(self._found_by)

    @property
    def new_keys(self) -> tuple[WrappedKey, ...]:
        """The data keys that this sealing had to make, to be recorded with the facts."""
        return tuple(self._new)

    def _key(self, person: SealedFor) -> DataKey:
        if self._keys is None:
            self._keys = self._vault.keys_of(self._case_id)
        if person not in self._keys:
            self._keys[person] = DataKey.new()
            self._new.append(self._vault.wrap(self._case_id, person, self._keys[person]))
        return self._keys[person]


def _opened(case_id: UUID, version: int, name: str, sealed: Sealed, secret: bytes) -> str:
    context = _context(case_id, version, name, sealed.person, sealed.key_id)
    try:
        return envelope.open_box(secret, context, _bytes(sealed.box)).decode()
    except (envelope.Unopened, ValueError):
        place = f"{name} of case {case_id}, version {version}"
        raise CannotOpen(f"{place}, is not what was sealed there") from None


def _text(box: bytes) -> str:
    return urlsafe_b64encode(box).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """The box; only its one canonical text is taken. Raises ValueError."""
    box = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _text(box) != text:
        raise ValueError("not canonical base64url")
    return box


def _utf8(name: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # The original error carries the whole text.
        raise ValueError(f"{name} is not well-formed Unicode") from None


def _context(case_id: UUID, version: int, name: str, person: str, key_id: UUID) -> bytes:
    """Everything that a sealed value is bound to. Unambiguous: fixed widths, then a person without NUL."""
    place = bytes([SCHEMA]) + case_id.bytes + version.to_bytes(8, "big") + key_id.bytes
    return b"text\0" + place + person.encode() + b"\0" + name.encode()


def _key_context(case_id: UUID, person: str, key_id: UUID) -> bytes:
    return b"key\0" + bytes([SCHEMA]) + case_id.bytes + key_id.bytes + person.encode()
