"""The key that wraps every data key: a file outside the database, so that a copy of either opens nothing.

One line: `recourse-key 1 <32 random bytes, base64url> <first 8 hex digits of their SHA-256>`.
"""

import os
import shlex
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FILE_NAME = "vault.key"
"""The key file's name in the home folder."""

VERSION = "1"
KEY_BYTES = 32
LARGEST_BYTES = 1024

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
    """Make a key file of mode 0600, in a folder of mode 0700 if there is none yet.

    Of several callers at once the first wins; an existing file is kept. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{uuid4().hex}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_line(os.urandom(KEY_BYTES)))
            file.flush()
            os.fsync(file.fileno())
        _publish(draft, path)
    finally:
        draft.unlink()


def _publish(draft: Path, path: Path) -> None:
    try:
        path.hardlink_to(draft)  # whole or not at all, and never over an existing key
    except FileExistsError:
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load(path: Path) -> MasterKey:
    """The key in this file. Raises KeyFileMissing, and KeyFileRefused when others could read or replace it,
    or when it is damaged.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise KeyFileMissing(f"there is no key file {path}; put your copy of it there") from None
    except OSError as error:
        raise KeyFileRefused(f"cannot read the key file: {error}; {_mend_owner(path)}") from error
    try:
        _refuse_exposed(path, os.fstat(handle))
        return _parsed(path, os.read(handle, LARGEST_BYTES))
    finally:
        os.close(handle)


def _refuse_exposed(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileRefused(f"{path} is not a file; put your copy of the key file there")
    if status.st_uid != os.geteuid():
        raise KeyFileRefused(
            f"the key file belongs to another user (uid {status.st_uid}); {_mend_owner(path)}"
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o177:
        raise KeyFileRefused(
            f"the key file has mode {mode:04o}, others may read it; run: chmod 600 {shlex.quote(str(path))}"
        )


def _mend_owner(path: Path) -> str:
    return f"run: sudo chown {os.geteuid()} {shlex.quote(str(path))}"


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
