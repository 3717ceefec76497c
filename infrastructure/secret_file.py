"""Small files that are their owner's alone: made whole or not at all, refused when others may touch them."""

import os
import shlex
import stat
from pathlib import Path
from uuid import uuid4

LARGEST_BYTES = 65_536


class FileMissing(Exception):
    """There is no such file."""


class FileExposed(Exception):
    """Others can read or replace the file, or it is none; the message ends with what mends it."""


def create(path: Path, content: bytes) -> None:
    """Make a file of mode 0600, in a folder of mode 0700 if there is none yet.

    Of several callers at once the first wins; an existing file is kept. Raises OSError.
    """
    draft = _draft(path, content)
    try:
        path.hardlink_to(draft)  # whole or not at all, and never over an existing one
    except FileExistsError:
        return
    finally:
        draft.unlink()
    _sync_folder(path)


def replace(path: Path, content: bytes) -> None:
    """Put a new content in the place of the old one, whole and durable when this returns. Raises OSError."""
    _draft(path, content).replace(path)
    _sync_folder(path)


def read(path: Path, noun: str, largest: int = LARGEST_BYTES) -> bytes:
    """What is in the file, so many bytes at most; a refusal calls it `noun`.

    Raises FileMissing and FileExposed.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise FileMissing(f"there is no {noun} {path}; put your copy of it there") from None
    except OSError as error:
        raise FileExposed(f"cannot read the {noun}: {error}; {_mend_owner(path)}") from error
    try:
        _refuse_exposed(path, noun, os.fstat(handle))
        return os.read(handle, largest)
    finally:
        os.close(handle)


def _draft(path: Path, content: bytes) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{uuid4().hex}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _refuse_exposed(path: Path, noun: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise FileExposed(f"{path} is not a file; put your copy of the {noun} there")
    if status.st_uid != os.geteuid():
        raise FileExposed(f"the {noun} belongs to another user (uid {status.st_uid}); {_mend_owner(path)}")
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o177:
        raise FileExposed(
            f"the {noun} has mode {mode:04o}, others may read it; run: chmod 600 {shlex.quote(str(path))}"
        )


def _mend_owner(path: Path) -> str:
    return f"run: sudo chown {os.geteuid()} {shlex.quote(str(path))}"
