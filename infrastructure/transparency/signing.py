"""What the sealer keeps outside the database: its signing key, and the last checkpoint that it signed."""

import os
import shlex
from pathlib import Path

from infrastructure import secret_file
from infrastructure.transparency.notes import (
    SEED_BYTES,
    Checkpoint,
    KeyInvalid,
    NoteInvalid,
    Signer,
    Verifier,
    checkpoint,
)

KEY_FILE = "log.key"
KEPT_FILE = "log.checkpoint"


class LogKeyRefused(Exception):
    """The log's key, or the checkpoint kept beside it, cannot be used; the message says what mends it."""


def create(path: Path, origin: str) -> None:
    """Make the signing key of a new log; an existing one is kept. Raises OSError."""
    secret_file.create(path, f"{Signer(origin, os.urandom(SEED_BYTES)).text}\n".encode())


def load(path: Path) -> Signer:
    """The signing key. Raises LogKeyRefused, which quotes none of it."""
    try:
        return Signer.parsed(secret_file.read(path, "log key").decode("ascii"))
    except (secret_file.FileMissing, secret_file.FileExposed) as refused:
        raise LogKeyRefused(str(refused)) from None
    except (KeyInvalid, UnicodeDecodeError):
        copy = f"cp YOUR-COPY {shlex.quote(str(path))}"
        raise LogKeyRefused(f"the log key {path} is damaged; put your copy of it back: {copy}") from None


def of_log(path: Path, log: Verifier) -> Signer:
    """The signing key, if it is this log's. Raises LogKeyRefused."""
    signer = load(path)
    if signer.verifier != log:
        raise LogKeyRefused(
            f"the log key {path} is {signer.verifier.vkey}, but this database's log is signed by {log.vkey};"
            f" put your copy of the right one there: cp YOUR-COPY {shlex.quote(str(path))}"
        )
    return signer


class KeptCheckpoint:
    """The file with the last checkpoint signed: what no administrator of the database can change."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, log: Verifier) -> Checkpoint | None:
        """The checkpoint; None before the first. Raises LogKeyRefused when the file is not to be trusted."""
        try:
            note = secret_file.read(self.path, "kept checkpoint").decode()
            return checkpoint(note, log)
        except secret_file.FileMissing:
            return None
        except (secret_file.FileExposed, NoteInvalid, UnicodeDecodeError) as refused:
            raise LogKeyRefused(f"the kept checkpoint {self.path} cannot be used: {refused}") from None

    def write(self, note: str) -> None:
        """Keep a newer one; it is on the disk when this returns. Raises OSError."""
        secret_file.replace(self.path, note.encode())
