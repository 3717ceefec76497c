"""Writes an archive from a running database, in one snapshot that holds nobody up."""

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import msgspec
from psycopg import Connection, IsolationLevel, sql
from psycopg.rows import scalar_row, tuple_row

from infrastructure.archive import layout
from infrastructure.archive.layout import File, Line, Manifest
from infrastructure.projector import connected
from infrastructure.transparency.entries import COLUMNS, Stored
from infrastructure.transparency.notes import checkpoint
from infrastructure.transparency.tree import LEAF_COLUMNS, Leaf, Log, NoLog, StoredTree, newest_log
from projections.catalogue import ALL

Progress = Callable[[int, int], None]

CHUNK = 65_536
"""Lines of a file of events at most."""

PAGE = 5_000
PATIENCE_SECONDS = 30.0
"""How long a backup waits for the first checkpoint, and for read models that are behind."""

_LEAVES_WITH_FACTS = f"""
    SELECT {", ".join(f"leaves.{name}" for name in LEAF_COLUMNS.split(", "))},
           {", ".join(f"events.{name.strip()}" for name in COLUMNS.split(","))}
    FROM transparency.leaves
    LEFT JOIN events ON events.originator_id = leaves.stream_id AND events.originator_version = leaves.version
    WHERE leaves.log = %s AND leaves.index >= %s AND leaves.index < %s ORDER BY leaves.index
"""  # noqa: S608  # the columns are constants
_AFTER = f"SELECT {COLUMNS} FROM events WHERE position > %s AND position < %s ORDER BY position"  # noqa: S608  # constants
_LAST_SEALED = """
    SELECT coalesce(max(position), 0) FROM (
        SELECT position FROM transparency.leaves
        WHERE log = %s AND index < %s AND position IS NOT NULL ORDER BY index DESC LIMIT 1
    ) AS newest
"""
_BEHIND = """
    SELECT table_name FROM projections
    WHERE position < (SELECT coalesce(max(position), 0) FROM events WHERE position < %s)
"""
_DIGEST = """
    SELECT count(*) || ':' || coalesce(sum(('x' || left(hex, 15))::bit(60)::bigint), 0)
    FROM {} AS kept, encode(sha256(convert_to(kept::text, 'UTF8')), 'hex') AS hex
"""


class NothingSigned(Exception):
    """There is no signed checkpoint yet: the sealer does not run, or has just begun."""


def backup(
    url: str, folder: Path, keys: Path | None = None, progress: Progress = lambda done, total: None
) -> Manifest:
    """Add a backup of the database to the archive in this folder; its manifest.

    keys: where the wrapped data keys go. Raises NothingSigned, OSError and psycopg.Error; what was written
    before then is completed by the next backup.
    """
    give_up_at = monotonic() + PATIENCE_SECONDS
    with connected(url, "recourse backup") as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        while True:
            with connection.transaction():
                ready = _ready(connection)
                if ready or monotonic() > give_up_at:
                    return _Backup(connection, folder, keys, progress).written()
            sleep(0.1)


def _ready(connection: Connection[Any]) -> bool:
    bound = connection.execute("SELECT safe_position()").fetchone()
    behind = connection.execute(_BEHIND, bound).fetchall()
    signed = connection.execute("SELECT FROM transparency.checkpoints LIMIT 1").fetchall()
    return bool(signed) and not behind


def read_model_digests(connection: Connection[Any]) -> dict[str, str | None]:
    """A digest of each read model's rows, in whatever order they stand; None for one that is behind.

    It tells an accident, not a forger: read models are folded from facts, and those are what is proved.
    """
    bound = connection.execute("SELECT safe_position()").fetchone()
    behind = {name for (name,) in connection.execute(_BEHIND, bound).fetchall()}
    kept = {name for (name,) in connection.execute("SELECT table_name FROM projections").fetchall()}
    return {
        model.table: _digest(connection, model.table)
        if model.table in kept and model.table not in behind
        else None
        for model in ALL
    }


def _digest(connection: Connection[Any], table: str) -> str:
    ((found,),) = connection.execute(sql.SQL(_DIGEST).format(sql.Identifier(table))).fetchall()
    return str(found)


class _Backup:
    def __init__(
        self, connection: Connection[Any], folder: Path, keys: Path | None, progress: Progress
    ) -> None:
        self._connection = connection
        self._folder = folder
        self._keys = keys
        self._progress = progress
        try:
            self._log: Log = newest_log(connection)
        except NoLog:
            raise NothingSigned(NothingSigned.__doc__) from None
        found = StoredTree(connection, self._log).note()
        if found is None:
            raise NothingSigned(NothingSigned.__doc__)
        self._size, self._note = found

    def written(self) -> Manifest:
        head = checkpoint(self._note, self._log.verifier)
        files = [*self._events(), *self._state()]
        tail = next(one.lines for one in files if one.path.endswith(layout.TAIL))
        with self._connection.cursor(row_factory=scalar_row) as cursor:
            at: datetime = cursor.execute("SELECT now()").fetchone()  # type: ignore[assignment]
        manifest = Manifest(
            format=layout.FORMAT,
            origin=self._log.origin,
            vkey=self._log.verifier.vkey,
            made_at=at,
            log=self._log.number,
            size=self._size,
            root=head.root.hex(),
            note=self._note,
            tail=tail,
            files=tuple(files),
            read_models=read_model_digests(self._connection),
        )
        if self._keys is not None:
            rows = (row for table in layout.KEY_TABLES for row in self._rows(table, named=True))
            write(self._keys, rows)
        write(self._folder / layout.manifest_file(self._size), [layout.encode(manifest)])
        write(self._folder / layout.CHECKPOINT, [self._note.removesuffix("\n").encode()])
        return manifest

    # --- facts ------------------------------------------------------------------------------------

    def _events(self) -> Iterator[File]:
        """The files that are there are kept; the rest is added."""
        refuse_foreign(self._folder, self._log.origin)
        done = 0
        for kept in closed_files(self._folder, self._size):
            yield kept
            done = _end(kept.path)
        while done < self._size:
            end = min(self._size, done + CHUNK)
            path = layout.events_file(done, end)
            yield self._file(path, self._lines(done, end))
            done = end

    def _lines(self, first: int, end: int) -> Iterator[bytes]:
        for start in range(first, end, PAGE):
            stop = min(end, start + PAGE)
            with self._connection.cursor(row_factory=tuple_row, binary=True) as cursor:
                for row in cursor.execute(_LEAVES_WITH_FACTS.encode(), (self._log.number, start, stop)):
                    leaf, fact = Leaf(*row[:7]), row[7:]
                    stored = Stored(*fact) if leaf.stream_id is not None else None
                    yield layout.encode(Line.of(self._log.origin, leaf, stored))
            self._progress(stop, self._size)

    def _tail(self) -> Iterator[bytes]:
        with self._connection.cursor(row_factory=scalar_row) as cursor:
            last = cursor.execute(_LAST_SEALED, (self._log.number, self._size)).fetchone()
            bound = cursor.execute("SELECT safe_position()").fetchone()
        with self._connection.cursor(row_factory=tuple_row, binary=True) as cursor:
            for row in cursor.execute(_AFTER.encode(), (last, bound)):
                yield layout.encode(Line.of(self._log.origin, None, Stored(*row)))

    # --- beside them ------------------------------------------------------------------------------

    def _state(self) -> Iterator[File]:
        yield self._file(f"{layout.STATE}/{self._size:012}/{layout.TAIL}", self._tail())
        for table in layout.STATE_TABLES:
            yield self._file(layout.state_file(self._size, table), self._rows(table))

    def _rows(self, table: str, *, named: bool = False) -> Iterator[bytes]:
        statement = sql.SQL("SELECT to_jsonb(kept)::text FROM {} AS kept").format(
            sql.Identifier(*table.split("."))
        )
        with self._connection.cursor(row_factory=scalar_row) as cursor:
            for row in cursor.stream(statement):
                yield f'{{"table":"{table}","row":{row}}}'.encode() if named else str(row).encode()

    def _file(self, path: str, content: Iterable[bytes]) -> File:
        amount = write(self._folder / path, content)
        return File(path, layout.digest(self._folder / path), amount)


def refuse_foreign(folder: Path, origin: str) -> None:
    """Refuse to add to the archive of another log: their leaves lead to no common root. Raises OSError."""
    for path in sorted((folder / layout.MANIFESTS).glob("*.json"))[-1:]:
        try:
            found = layout.decode_manifest(path.read_bytes()).origin
        except msgspec.MsgspecError:
            raise FileExistsError(f"{path} is damaged; use an empty folder") from None
        if found != origin:
            raise FileExistsError(f"{folder} is the archive of {found}, not of {origin}; use an empty folder")


def closed_files(folder: Path, size: int) -> Iterator[File]:
    """The files of events that an archive has already, one after the other from the first leaf on."""
    done = 0
    for path in sorted((folder / layout.EVENTS).glob("*.jsonl")):
        first, end = (int(part) for part in path.stem.split("-"))
        if first != done or end > size:
            raise FileExistsError(f"{path} does not continue what the archive holds; use an empty folder")
        yield File(f"{layout.EVENTS}/{path.name}", layout.digest(path), end - first)
        done = end


def _end(path: str) -> int:
    return int(Path(path).stem.split("-")[1])


def write(path: Path, content: Iterable[bytes]) -> int:
    """Write lines to a file that is there whole or not at all, closed to others; how many lines."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    amount = 0
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for line in content:
                file.write(line + b"\n")
                amount += 1
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return amount
