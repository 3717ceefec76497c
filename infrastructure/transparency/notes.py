"""Signed notes, checkpoints and cosignatures, byte for byte as C2SP specifies them.

https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint, https://c2sp.org/tlog-cosignature. Keys are
Ed25519. A verifier key reads `name+hash+key`, a signer's file `PRIVATE+KEY+name+hash+key`, both as Go's
golang.org/x/mod/sumdb/note writes them.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.merkle import HASH_BYTES

NOTE = 1
"""Signature type of an Ed25519 signature over a note's text."""

COSIGNATURE = 4
"""Signature type of a witness's timestamped Ed25519 signature over a checkpoint."""

LARGEST_NOTE = 65_536
MOST_SIGNATURES = 100
SEED_BYTES = 32
ID_BYTES = 4
SIGNATURE_BYTES = 64
TIME_BYTES = 8
LATEST_TIME = 2**63 - 1

_DASH = "\N{EM DASH} "
_PRIVATE = "PRIVATE+KEY+"


class NoteInvalid(Exception):
    """This is no such note, or a known key did not sign it so."""


class KeyInvalid(ValueError):
    """This is no key in the form of its kind."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Who can be believed to have signed: a name, a key and what it signs (NOTE or COSIGNATURE)."""

    name: str
    public: bytes
    kind: int = NOTE

    @classmethod
    def parsed(cls, vkey: str) -> Self:
        """The key that `name+hash+key` tells. Raises KeyInvalid."""
        name, key = _parsed_key(vkey.strip())
        verifier = cls(name, key[1:], key[0])
        if verifier.kind not in (NOTE, COSIGNATURE):
            raise KeyInvalid(f"a verifier key of type {verifier.kind} is not known here")
        if vkey.strip() != verifier.vkey:
            raise KeyInvalid("the verifier key's hash does not match its name and key")
        return verifier

    @property
    def key_id(self) -> bytes:
        """Its 4 bytes, beside the name in every signature."""
        return sha256(self.name.encode() + b"\n" + self._material).digest()[:ID_BYTES]

    @property
    def vkey(self) -> str:
        """The verifier key in its text form."""
        return f"{self.name}+{self.key_id.hex()}+{b64encode(self._material).decode()}"

    @property
    def _material(self) -> bytes:
        return bytes([self.kind]) + self.public

    def verify(self, text: str, signature: bytes) -> None:
        """Check a signature over a note's text. Raises NoteInvalid."""
        stamped, time = self.kind == COSIGNATURE, 0
        if len(signature) != SIGNATURE_BYTES + TIME_BYTES * stamped:
            raise NoteInvalid(f"a signature of {self.name} has the wrong length")
        if stamped:
            time, signature = int.from_bytes(signature[:TIME_BYTES], "big"), signature[TIME_BYTES:]
        message = _cosigned(text, time) if stamped else text.encode()
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise NoteInvalid(f"{self.name} did not sign this") from None


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs notes (NOTE) or checkpoints of others (COSIGNATURE). Its secret never shows."""

    name: str
    seed: bytes = field(repr=False)
    kind: int = NOTE

    @classmethod
    def parsed(cls, text: str) -> Self:
        """The key that `PRIVATE+KEY+name+hash+key` tells. Raises KeyInvalid, which quotes none of it."""
        if not text.startswith(_PRIVATE):
            raise KeyInvalid("this is no signer's key")
        name, key = _parsed_key(text.strip().removeprefix(_PRIVATE))
        signer = cls(name, key[1:], key[0])
        if text.strip() != signer.text:
            raise KeyInvalid("the signer's key does not match its own hash")
        return signer

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return Verifier(self.name, public, self.kind)

    @property
    def text(self) -> str:
        """The key as it is kept in its file; whoever has it can sign."""
        key = b64encode(bytes([self.kind]) + self.seed).decode()
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{key}"

    def line(self, text: str, time: int = 0) -> str:
        """The signature line for a note's text; a cosignature is given at `time`, seconds since the epoch."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        stamped = self.kind == COSIGNATURE
        stamp = time.to_bytes(TIME_BYTES, "big") if stamped else b""
        signature = stamp + key.sign(_cosigned(text, time) if stamped else text.encode())
        return f"{_DASH}{self.name} {b64encode(self.verifier.key_id + signature).decode()}\n"


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _parsed_key(text: str) -> tuple[str, bytes]:
    name, _, rest = text.partition("+")
    _, _, encoded = rest.partition("+")
    if not name_allowed(name):
        raise KeyInvalid("a key's name is not empty and holds no space and no plus sign")
    try:
        key = b64decode(encoded, validate=True)
    except binascii.Error:
        raise KeyInvalid("a key reads name+hash+base64") from None
    if len(key) != 1 + SEED_BYTES:
        raise KeyInvalid(f"an Ed25519 key has {SEED_BYTES} bytes after its type")
    return name, key


def name_allowed(name: str) -> bool:
    """Whether a key, and with it a log or a witness, may be called this."""
    return bool(name) and name.isprintable() and "+" not in name and not any(map(str.isspace, name))


# --- notes --------------------------------------------------------------------------------------------


def signed(text: str, *lines: str) -> str:
    """The note of a text and its signature lines. Raises ValueError for what no note can hold."""
    if not text.endswith("\n") or not _clean(text):
        raise ValueError("a note's text is lines without control characters")
    return f"{text}\n{''.join(lines)}"


def opened(note: str, known: Iterable[Verifier]) -> tuple[str, tuple[Verifier, ...]]:
    """A note's text, and which of the known keys signed it.

    Signatures by others are ignored. Raises NoteInvalid when no known key signed, or one did so wrongly.
    """
    text, signatures = parts(note)
    keys = {(one.name, one.key_id): one for one in known}
    signers: dict[Verifier, None] = {}
    for name, key_id, signature in signatures:
        verifier = keys.get((name, key_id))
        if verifier is not None:
            verifier.verify(text, signature)
            signers[verifier] = None
    if not signers:
        raise NoteInvalid("no known key signed this note")
    return text, tuple(signers)


def parts(note: str) -> tuple[str, Sequence[tuple[str, bytes, bytes]]]:
    """A note's text and its signatures: name, key id, signature. Raises NoteInvalid."""
    if len(note.encode(errors="surrogatepass")) > LARGEST_NOTE or not _clean(note):
        raise NoteInvalid("this is no note: too long, or with control characters")
    text, gap, signatures = note.rpartition("\n\n")
    if not gap or not signatures.endswith("\n"):
        raise NoteInvalid("this is no signed note: no signature follows an empty line")
    lines = signatures[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteInvalid(f"a note has at most {MOST_SIGNATURES} signatures")
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        value = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise NoteInvalid("a signature line is damaged") from None
    if not line.startswith(_DASH) or not name_allowed(name) or len(value) <= ID_BYTES:
        raise NoteInvalid("a signature line is damaged")
    if b64encode(value).decode() != encoded:
        raise NoteInvalid("a signature line is not in its one form")
    return name, value[:ID_BYTES], value[ID_BYTES:]


def _clean(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return not any(ord(one) < ord(" ") and one != "\n" for one in text)


# --- checkpoints --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log's tree: whose it is, how many leaves it has, and its root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    @classmethod
    def parsed(cls, text: str) -> Self:
        """The checkpoint that a note's text tells. Raises NoteInvalid; we sign no extension lines."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise NoteInvalid("a checkpoint is three lines: origin, size, root")
        origin, size, encoded = lines[:3]
        try:
            root = b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise NoteInvalid("the checkpoint's root is damaged") from None
        if not (size.isascii() and size.isdigit()) or len(root) != HASH_BYTES:
            raise NoteInvalid("the checkpoint's size or root is damaged")
        checkpoint = cls(origin, int(size), root)
        if not origin or checkpoint.text != text:
            raise NoteInvalid("the checkpoint is not in its one form")
        return checkpoint


def checkpoint(note: str, log: Verifier) -> Checkpoint:
    """The checkpoint in a note that this log signed. Raises NoteInvalid."""
    text, _ = opened(note, [log])
    found = Checkpoint.parsed(text)
    if found.origin != log.name:
        raise NoteInvalid(f"the checkpoint is of {found.origin}, not of {log.name}")
    return found
