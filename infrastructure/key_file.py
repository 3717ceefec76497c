"""The key that wraps every data key: a file outside the database, so that a copy of either opens nothing.

One line: `recourse-key 1 <32 random bytes, base64url> <first 8 hex digits of their SHA-256>`.
"""

import os
import shlex
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from infrastructure import secret_file

FILE_NAME = "vault.key"
"""The key file's name in the home folder."""

VERSION = "1"
KEY_BYTES = 32

_MAGIC = "recourse-key"


class KeyFileRefused(Exception):
    """The key file cannot be used as it is; the message names the command that mends it."""


class KeyFileMissing(KeyFileRefused):
    """There is no key file here."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """32 bytes that open everything, and never appear in a message."""

    secret: bytes = field(repr=False)

    def subkey(self, purpose: str) -> bytes:
        """A key of its own (32 bytes) for one purpose; none of them tells anything about another."""
        return HKDF(SHA256(), KEY_BYTES, None, f"recourse {purpose} 1".encode()).derive(self.secret)


def provide(path: Path) -> MasterKey:
    """The key in this file, made first, with its folder, when there is none. Raises KeyFileRefused."""
    try:
        return load(path)
    except KeyFileMissing:
        try:
            create(path)
        except OSError as error:
            raise KeyFileRefused(
                f"cannot make the key file {path}: {error.strerror}; name another with RECOURSE_KEY_FILE"
            ) from error
        return load(path)


def create(path: Path) -> None:
    """Make a key file; an existing one is kept. Raises OSError."""
    secret_file.create(path, _line(os.urandom(KEY_BYTES)))


def load(path: Path) -> MasterKey:
    """The key in this file. Raises KeyFileMissing, and KeyFileRefused when others could read or replace it,
    or when it is damaged.
    """
    try:
        return _parsed(path, secret_file.read(path, "key file"))
    except secret_file.FileMissing as missing:
        raise KeyFileMissing(str(missing)) from None
    except secret_file.FileExposed as exposed:
        raise KeyFileRefused(str(exposed)) from exposed


def _parsed(path: Path, content: bytes) -> MasterKey:
    try:
        magic, version, encoded, digest = content.decode("ascii").split()
        secret = urlsafe_b64decode(encoded)
    except ValueError:
        raise _damaged(path) from None
    if magic != _MAGIC:
        raise _damaged(path)
    if version != VERSION:
        raise KeyFileRefused(f"{path} is of version {version}; install the Recourse that made it")
    if len(secret) != KEY_BYTES or not compare_digest(_digest(secret), digest):
        raise _damaged(path)
    return MasterKey(secret)


def _damaged(path: Path) -> KeyFileRefused:
    copy = f"cp YOUR-COPY {shlex.quote(str(path))}"
    return KeyFileRefused(f"the key file {path} is damaged; put your copy of it back: {copy}")


def _line(secret: bytes) -> bytes:
    return f"{_MAGIC} {VERSION} {urlsafe_b64encode(secret).decode()} {_digest(secret)}\n".encode()


def _digest(secret: bytes) -> str:
    return sha256(secret).hexdigest()[:8]
