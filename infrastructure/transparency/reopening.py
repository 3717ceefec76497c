"""After a loss: a new log that begins anew, and whose first leaf says so.

What was signed cannot be continued any more: an older database was put back, or the key is gone. The new log
has its own name and key and seals every fact again; whoever kept a checkpoint of the old one still has proof
of what was lost. Nothing is removed: old leaves stay, old key and kept checkpoint are set aside.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import scalar_row

from domain.merkle import leaf_hash
from infrastructure import secret_file
from infrastructure.projector import connected
from infrastructure.transparency import entries, signing
from infrastructure.transparency.notes import NoteInvalid, Verifier, checkpoint
from infrastructure.transparency.sealer import ADVISORY_LOCK, AnotherSealer, hold
from infrastructure.transparency.signing import LogKeyRefused
from infrastructure.transparency.tree import Log, newest_log

_PUT_LOG = """
    INSERT INTO transparency.logs (log, origin, vkey, opened_at) VALUES (%s, %s, %s, clock_timestamp())
"""
_PUT_OPENING = "INSERT INTO transparency.leaves (log, index, entry, hash) VALUES (%s, 0, %s, %s)"
_FIRST_ORIGIN = "SELECT origin FROM transparency.logs ORDER BY log LIMIT 1"


def reopen(url: str, home: Path, key_file: Path, reason: str) -> Log:
    """Open the next log of a database; nobody may be sealing.

    Raises NoLog, AnotherSealer, LogKeyRefused, OSError and psycopg.Error; then nothing has changed.
    """
    kept = home / signing.KEPT_FILE
    with hold(home), connected(url, "recourse audit") as connection, connection.transaction():
        _alone(connection)
        lost = newest_log(connection)
        number = lost.number + 1
        origin = f"{_scalar(connection, _FIRST_ORIGIN)}/{number}"
        last = _last_note(kept, lost.verifier)
        with _set_aside([key_file, kept], lost.number):
            signing.create(key_file, origin)
            verifier = signing.load(key_file).verifier
            connection.execute(_PUT_LOG, (number, origin, verifier.vkey))
            at: datetime = _scalar(connection, "SELECT clock_timestamp()")
            entry = entries.of_opening(reason, last, at, origin)
            connection.execute(_PUT_OPENING, (number, entry, leaf_hash(entry)))
    return Log(number, origin, verifier)


def _alone(connection: Connection[Any]) -> None:
    if not _scalar(connection, f"SELECT pg_try_advisory_xact_lock({ADVISORY_LOCK})"):
        raise AnotherSealer(AnotherSealer.__doc__)


def _last_note(kept: Path, log: Verifier) -> str | None:
    """The last checkpoint that was signed, as it was kept; None if it is lost too."""
    try:
        note = secret_file.read(kept, "kept checkpoint").decode()
        checkpoint(note, log)
    except secret_file.FileMissing:
        return None
    except (secret_file.FileExposed, NoteInvalid, UnicodeDecodeError) as refused:
        raise LogKeyRefused(f"the kept checkpoint {kept} cannot be used: {refused}") from None
    return note


@contextmanager
def _set_aside(paths: list[Path], number: int) -> Iterator[None]:
    """Files of a log under other names; back in their place when what is done meanwhile fails."""
    asides = {path: path.with_name(f"{path.name}.{number}") for path in paths if path.exists()}
    for aside in asides.values():
        if aside.exists():
            raise LogKeyRefused(f"{aside} is in the way; put it elsewhere")
    try:
        for path, aside in asides.items():
            path.rename(aside)
        yield
    except BaseException:
        for path in paths:
            if path not in asides:
                path.unlink(missing_ok=True)  # made meanwhile
        for path, aside in asides.items():
            if aside.exists():
                aside.replace(path)
        raise


def _scalar(connection: Connection[Any], statement: str) -> Any:
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(statement.encode()).fetchone()
