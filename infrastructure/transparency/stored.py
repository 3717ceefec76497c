"""The whole log as a database holds it, in pages, for whoever verifies it: one snapshot all the while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import scalar_row, tuple_row

from infrastructure.projector import connected
from infrastructure.transparency.entries import Stored
from infrastructure.transparency.tree import Leaf, Log

_PAGE = 4_096

_LEAVES = b"""
    SELECT index, stream_id, version, leaves.position, salt, entry, hash,
           events.position, originator_id, originator_version, topic, state, event_id, recorded_at,
           actor_id, actor_role, request_id, causation_id, schema_version
    FROM transparency.leaves
    LEFT JOIN events ON originator_id = stream_id AND originator_version = version
    WHERE log = %s AND index >= %s AND index < %s ORDER BY index
"""
_TILES = b"""
    SELECT level, index, hashes, root FROM transparency.tiles
    WHERE log = %s AND level = %s AND index >= %s AND index < %s ORDER BY index
"""
_UPPER_TILES = b"""
    SELECT level, index, hashes, root FROM transparency.tiles WHERE log = %s AND level > 0
    ORDER BY level, index
"""
_CHECKPOINTS = b"""
    SELECT size, note FROM transparency.checkpoints WHERE log = %s AND size > %s ORDER BY size LIMIT %s
"""
_COSIGNATURES = b"""
    SELECT size, witness, line FROM transparency.cosignatures WHERE log = %s AND size > %s
    ORDER BY size, witness LIMIT %s
"""
_HEADS = b"""
    SELECT bucket, stream_id, version, hash FROM transparency.heads
    WHERE log = %s AND bucket >= %s AND bucket < %s ORDER BY bucket, stream_id
"""
_MAP_TILES = b"SELECT index, hashes FROM transparency.map_tiles WHERE log = %s ORDER BY index"
_NEWEST_MAP = b"""
    SELECT index FROM transparency.leaves WHERE log = %s AND position IS NULL ORDER BY index DESC LIMIT 1
"""
_SIZE = b"SELECT coalesce(max(index) + 1, 0) FROM transparency.leaves WHERE log = %s"
_MOST_TILES = b"SELECT level, count(*) FROM transparency.tiles WHERE log = %s GROUP BY level"
_OUTSIDE = b"SELECT index FROM transparency.leaves WHERE log = %s AND index < 0 ORDER BY index LIMIT %s"
_COUNT = b"SELECT count(*) FROM events WHERE position <= %s"
_COUNT_AFTER = b"SELECT count(*) FROM events WHERE position > %s"
_STRAYS = b"""
    SELECT originator_id, originator_version FROM events
    WHERE position <= %s AND NOT EXISTS (
        SELECT FROM transparency.leaves
        WHERE log = %s AND index >= 0 AND stream_id = originator_id AND version = originator_version)
    ORDER BY position LIMIT %s
"""


class Sealed(NamedTuple):
    """A leaf, and the fact that it names as far as there is one."""

    leaf: Leaf
    fact: Stored | None


class Tile(NamedTuple):
    """A full tile of the tree."""

    level: int
    number: int
    hashes: bytes
    root: bytes


class Kept(NamedTuple):
    """A row of the case map's heads."""

    bucket: int
    stream_id: UUID
    version: int
    hash: bytes


class StoredLog:
    """One log of a database. Everything raises psycopg.Error."""

    def __init__(self, connection: Connection[Any], log: Log) -> None:
        self._connection = connection
        self.log = log

    def size(self) -> int:
        """One more than the highest index."""
        return int(self._scalar(_SIZE, self.log.number))

    def outside(self, limit: int) -> list[int]:
        """The indices of leaves before the first."""
        return [index for (index,) in self._rows(_OUTSIDE, self.log.number, limit)]

    def newest_map(self) -> int | None:
        """The index of the newest entry that is no fact's."""
        index: int | None = self._scalar(_NEWEST_MAP, self.log.number)
        return index

    def sealed(self, first: int, end: int) -> list[Sealed]:
        """The leaves from `first` to before `end`, each with its fact."""
        rows = self._rows(_LEAVES, self.log.number, first, end)
        return [
            Sealed(Leaf._make(row[:7]), None if row[7] is None else Stored._make(row[7:])) for row in rows
        ]

    def tiles(self, first: int, end: int) -> list[Tile]:
        """The tiles of leaves from the tile `first` to before `end`."""
        return [Tile(*row) for row in self._rows(_TILES, self.log.number, 0, first, end)]

    def upper_tiles(self) -> list[Tile]:
        """The tiles of tiles."""
        return [Tile(*row) for row in self._rows(_UPPER_TILES, self.log.number)]

    def tiles_by_level(self) -> dict[int, int]:
        """How many tiles each level has."""
        return dict(self._rows(_MOST_TILES, self.log.number))

    def checkpoints(self) -> Iterator[tuple[int, str]]:
        """Size and note of each checkpoint, by size."""
        after = -1
        while rows := self._rows(_CHECKPOINTS, self.log.number, after, _PAGE):
            yield from rows
            after = rows[-1][0]

    def cosignatures(self) -> Iterator[tuple[int, str, str]]:
        """Size, witness and line of each cosignature, by size; there are fewer than a page of one size."""
        after = -1
        while rows := self._rows(_COSIGNATURES, self.log.number, after, _PAGE):
            last = rows[-1][0]
            complete = rows if len(rows) < _PAGE else [row for row in rows if row[0] < last]
            yield from complete
            after = complete[-1][0]

    def heads(self, first: int, end: int) -> list[Kept]:
        """The heads of the buckets from `first` to before `end`."""
        return [Kept(*row) for row in self._rows(_HEADS, self.log.number, first, end)]

    def map_tiles(self) -> dict[int, bytes]:
        """The roots of the buckets, 256 each."""
        return dict(self._rows(_MAP_TILES, self.log.number))

    def facts_up_to(self, position: int) -> int:
        """How many facts there are up to this position."""
        return int(self._scalar(_COUNT, position))

    def facts_after(self, position: int) -> int:
        """How many facts there are after this position."""
        return int(self._scalar(_COUNT_AFTER, position))

    def strays(self, position: int, limit: int) -> list[tuple[UUID, int]]:
        """Facts up to this position that are no leaf: stream and version."""
        return self._rows(_STRAYS, position, self.log.number, limit)

    def _rows(self, statement: bytes, *values: Any) -> list[Any]:
        with self._connection.cursor(row_factory=tuple_row, binary=True) as cursor:
            return cursor.execute(statement, values).fetchall()

    def _scalar(self, statement: bytes, *values: Any) -> Any:
        with self._connection.cursor(row_factory=scalar_row, binary=True) as cursor:
            return cursor.execute(statement, values).fetchone()


@contextmanager
def snapshot(url: str) -> Iterator[Connection[Any]]:
    """A connection in one transaction that reads what is committed now. Raises psycopg.Error."""
    with connected(url, "recourse audit") as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute("SET LOCAL TIME ZONE 'UTC'")
        yield connection
