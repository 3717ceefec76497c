"""Makes a database of an archive, and believes none of it before it is proved."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg import Connection, sql

from domain.merkle import leaf_hash
from infrastructure.archive import layout
from infrastructure.archive.layout import File, Line, Manifest
from infrastructure.archive.writing import read_model_digests
from infrastructure.event_store.order import raise_epoch
from infrastructure.projection_supervisor import ProjectionSupervisor
from infrastructure.projector import connected
from infrastructure.transparency.case_map import CaseMap
from infrastructure.transparency.entries import CASE_MAP, Stored, commitment, record
from infrastructure.transparency.notes import NoteInvalid, Verifier, checkpoint
from infrastructure.transparency.tree import Frontier, Log

Progress = Callable[[int, int], None]

Key = tuple[UUID, UUID | None]
"""A case, and a data key in it; None where there never was one."""

_COPY_FACTS = """
    COPY events (position, originator_id, originator_version, topic, state, event_id, recorded_at,
                 actor_id, actor_role, request_id, causation_id, schema_version)
    FROM STDIN (FORMAT BINARY)
"""
_FACT_TYPES = (
    "int8", "uuid", "int4", "text", "bytea", "uuid", "timestamptz", "text", "text", "text", "uuid", "int2",
)  # fmt: skip
_COPY_LEAVES = """
    COPY transparency.leaves (log, index, stream_id, version, position, salt, entry, hash)
    FROM STDIN (FORMAT BINARY)
"""
_LEAF_TYPES = ("int2", "int8", "uuid", "int4", "int8", "bytea", "bytea", "bytea")
_PUT_TILES = """
    INSERT INTO transparency.tiles (log, level, index, hashes, root) VALUES (%s, %s, %s, %s, %s)
"""
_BEGIN = "INSERT INTO restores (archive, size) VALUES (%s, %s)"
_FINISH = "UPDATE restores SET finished_at = clock_timestamp() WHERE archive = %s AND size = %s"
_ERASED = """
    SELECT originator_id, (convert_from(state, 'UTF8')::jsonb ->> 'key_id')::uuid FROM events
    WHERE topic = 'PersonalDataErased'
"""
_DESTROY = "SELECT vault.destroy_keys(%s, ARRAY[%s]::uuid[])"
_USED = "SELECT EXISTS (SELECT FROM events) OR EXISTS (SELECT FROM transparency.leaves)"


class ArchiveInvalid(Exception):
    """The archive is not what was written, or not what was signed; the message says which part."""


class DatabaseNotEmpty(Exception):
    """There are facts in this database already; restore into a new one."""


class Restored(NamedTuple):
    """What was made: facts and leaves, and the read models whose digest was not told by the archive."""

    facts: int
    leaves: int
    undigested: tuple[str, ...]


def newest_manifest(folder: Path) -> Manifest:
    """The manifest of the newest backup in an archive. Raises ArchiveInvalid and OSError."""
    found = sorted((folder / layout.MANIFESTS).glob("*.json"))
    if not found:
        raise ArchiveInvalid(f"there is no backup in {folder}")
    try:
        manifest = layout.decode_manifest(found[-1].read_bytes())
    except msgspec.MsgspecError as error:
        raise ArchiveInvalid(f"{found[-1].name} is damaged: {error}") from None
    if manifest.format != layout.FORMAT:
        raise ArchiveInvalid(f"the archive is of format {manifest.format!r}, this is {layout.FORMAT!r}")
    return manifest


def verify(folder: Path, manifest: Manifest, verifier: Verifier | None = None) -> None:
    """Check every file against the manifest, and the manifest against the signed checkpoint.

    verifier: the log's key, known from elsewhere; without it the archive's own is believed. Raises
    ArchiveInvalid and OSError.
    """
    known = verifier or Verifier.parsed(manifest.vkey)
    try:
        head = checkpoint(manifest.note, known)
    except NoteInvalid as refused:
        raise ArchiveInvalid(f"the checkpoint was not signed by {known.name}: {refused}") from None
    if (head.origin, head.size, head.root.hex()) != (manifest.origin, manifest.size, manifest.root):
        raise ArchiveInvalid("the manifest does not tell of the checkpoint that was signed")
    for file in manifest.files:
        path = folder / file.path
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ArchiveInvalid(f"{file.path} does not lie in the archive")
        if not path.is_file():
            raise ArchiveInvalid(f"{file.path} is missing")
        if layout.digest(path) != file.sha256:
            raise ArchiveInvalid(f"{file.path} is not the file that was written")


def restore(
    url: str,
    application_url: str,
    folder: Path,
    keys: Path | None = None,
    verifier: Verifier | None = None,
    progress: Progress = lambda done, total: None,
    *,
    erased: Iterable[Key] = (),
) -> Restored:
    """Make an empty, migrated database, given by its owner's URL, what the archive's newest backup was.

    erased: keys that were destroyed, whatever the archive knows of it. Neither these come back nor those that
    its own facts say were destroyed, though the file of keys may be older and hold them.

    The read models are made as the application, whose tables they are.
    Every leaf is hashed anew, the root compared with the signed one, the case map with the logged one, and
    the read models are folded from nothing and compared with their digests. Until all that is done, nothing
    starts on the database. Raises ArchiveInvalid, DatabaseNotEmpty, OSError and psycopg.Error.
    """
    manifest = newest_manifest(folder)
    verify(folder, manifest, verifier)
    with connected(url, "recourse restore") as connection:
        if connection.execute(_USED).fetchall()[0][0]:
            raise DatabaseNotEmpty(DatabaseNotEmpty.__doc__)
        connection.execute(_BEGIN, (manifest.origin, manifest.size))
        facts = _Restore(connection, folder, manifest, progress).run()
        if keys is not None:
            _fill_named(connection, keys)
        _forget(connection, erased)
    raise_epoch(url)
    supervisor = ProjectionSupervisor(application_url, holder="restore")
    supervisor.prepare()
    supervisor.catch_up()
    with connected(url, "recourse restore") as connection:
        undigested = _compare_read_models(connection, manifest)
        connection.execute(_FINISH, (manifest.origin, manifest.size))
    return Restored(facts, manifest.size, undigested)


class _Restore:
    def __init__(
        self, connection: Connection[Any], folder: Path, manifest: Manifest, progress: Progress
    ) -> None:
        self._connection = connection
        self._folder = folder
        self._manifest = manifest
        self._progress = progress
        self._log = Log(manifest.log, manifest.origin, Verifier.parsed(manifest.vkey))
        self._frontier = Frontier(0, [])
        self._last_entry = b""

    def run(self) -> int:
        """Fill all tables but the read models'; how many facts there are."""
        facts = sum(self._events(file) for file in self._files(f"{layout.EVENTS}/"))
        self._check_root()
        with self._connection.transaction():
            self._rebuild_map()
        facts += self._tail()
        for table in layout.STATE_TABLES:
            path = layout.state_file(self._manifest.size, table)
            with self._connection.transaction():
                _fill(self._connection, table, layout.lines(self._folder / path))
        return facts

    def _files(self, beginning: str) -> Iterator[File]:
        return (file for file in self._manifest.files if file.path.startswith(beginning))

    def _events(self, file: File) -> int:
        lines = [self._line(file, raw) for raw in layout.lines(self._folder / file.path)]
        first = self._frontier.size
        leaves = [self._leaf(file, line, index) for index, line in enumerate(lines, first)]
        facts = [line.fact for line in lines if line.subject is not None]
        with self._connection.transaction():
            _copy(self._connection, _COPY_FACTS, _FACT_TYPES, (fact for fact in facts if fact))
            _copy(self._connection, _COPY_LEAVES, _LEAF_TYPES, leaves)
            self._grow(leaf[-1] for leaf in leaves)
        self._progress(self._frontier.size, self._manifest.size)
        return len(facts)

    def _line(self, file: File, raw: bytes) -> Line:
        try:
            return layout.decode_line(raw)
        except msgspec.MsgspecError as error:
            raise ArchiveInvalid(f"{file.path}: a line is damaged: {error}") from None

    def _leaf(self, file: File, line: Line, index: int) -> tuple[Any, ...]:
        """The row of the leaf at this index, once its entry is known to commit to the fact beside it."""
        try:
            entry, salt, fact = line.entry, line.salt, line.fact
        except ValueError as error:
            raise ArchiveInvalid(f"{file.path}: {error}") from None
        if entry is None or line.logindex is None:
            raise ArchiveInvalid(f"{file.path}: {line.id} has no entry of the log")
        if line.logindex != index:
            raise ArchiveInvalid(f"{file.path}: leaf {line.logindex} stands in the place of leaf {index}")
        self._last_entry = entry
        if fact is None:
            return self._log.number, line.logindex, None, None, None, None, entry, leaf_hash(entry)
        if salt is None or not _commits(entry, salt, fact):
            raise ArchiveInvalid(
                f"{file.path}: leaf {line.logindex} does not commit to {line.type} beside it"
            )
        place = (self._log.number, line.logindex, fact.stream_id, fact.version, fact.position)
        return *place, salt, entry, leaf_hash(entry)

    def _grow(self, hashes: Iterable[bytes]) -> None:
        for leaf in hashes:
            for tile in self._frontier.append(leaf):
                self._connection.execute(_PUT_TILES, (self._log.number, *tile))

    def _check_root(self) -> None:
        if self._frontier.size != self._manifest.size:
            raise ArchiveInvalid(f"{self._frontier.size} leaves, but {self._manifest.size} were signed")
        if self._frontier.root().hex() != self._manifest.root:
            raise ArchiveInvalid("the leaves do not lead to the root that was signed")

    def _rebuild_map(self) -> None:
        """The last leaf of every checkpoint is the map of all before it."""
        said = msgspec.json.decode(self._last_entry)
        root = CaseMap(self._connection, self._log).advance(0, self._manifest.size - 1)
        if said.get("type") != CASE_MAP or said.get("root") != root.hex():
            raise ArchiveInvalid("the newest entries of the cases are not those of the last case map")

    def _tail(self) -> int:
        (file,) = self._files(f"{layout.STATE}/{self._manifest.size:012}/{layout.TAIL}")
        lines = [self._line(file, raw) for raw in layout.lines(self._folder / file.path)]
        facts = [fact for line in lines if (fact := line.fact) is not None]
        with self._connection.transaction():
            _copy(self._connection, _COPY_FACTS, _FACT_TYPES, facts)
        return len(facts)


def _commits(entry: bytes, salt: bytes, fact: Stored) -> bool:
    try:
        said = msgspec.json.decode(entry, type=dict[str, Any])
    except msgspec.MsgspecError:
        return False
    told = (said.get("case"), said.get("ver"), said.get("type"), said.get("state"))
    found = commitment(salt, record(fact)).hex()
    return told == (str(fact.stream_id), fact.version, fact.topic, found)


def _copy(
    connection: Connection[Any], statement: str, types: tuple[str, ...], rows: Iterable[tuple[Any, ...]]
) -> None:
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _fill(connection: Connection[Any], table: str, rows: Iterable[bytes]) -> None:
    name = sql.Identifier(*table.split("."))
    statement = sql.SQL("INSERT INTO {} SELECT * FROM jsonb_populate_record(NULL::{}, %s::jsonb)").format(
        name, name
    )
    with connection.cursor() as cursor:
        cursor.executemany(statement, ((row.decode(),) for row in rows))


def _fill_named(connection: Connection[Any], keys: Path) -> None:
    """The wrapped data keys, from the file that is kept apart."""
    with connection.transaction():
        for line in layout.lines(keys):
            told = msgspec.json.decode(line, type=_NamedRow)
            if told.table not in layout.KEY_TABLES:
                raise ArchiveInvalid(f"{keys} holds rows of {told.table}, which are no keys")
            _fill(connection, told.table, [bytes(told.row)])


def _forget(connection: Connection[Any], erased: Iterable[Key]) -> None:
    """Destroy keys, and the bytes under them, before anything can start on the database."""
    recorded = connection.execute(_ERASED).fetchall()
    for case_id, key_id in (*recorded, *erased):
        connection.execute(_DESTROY, (case_id, key_id))


class _NamedRow(msgspec.Struct, frozen=True):
    table: str
    row: msgspec.Raw


def _compare_read_models(connection: Connection[Any], manifest: Manifest) -> tuple[str, ...]:
    found = read_model_digests(connection)
    told = manifest.read_models
    differing = [name for name, one in found.items() if told.get(name) not in (None, one)]
    if differing:
        raise ArchiveInvalid(f"folded anew, these read models are not what they were: {', '.join(differing)}")
    return tuple(name for name in found if told.get(name) is None)
