"""Where the leaves stand: the log's tables, and the subtrees, roots and proofs that are read from them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import scalar_row, tuple_row

from domain.merkle import HASH_BYTES, consistency_proof, inclusion_proof, root, root_of
from infrastructure.transparency.notes import Verifier

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT


class NoLog(Exception):
    """The sealer has not opened a log in this database yet."""


class Leaf(NamedTuple):
    """A leaf as it is stored; what names a fact is None for an entry of the log itself."""

    number: int
    stream_id: UUID | None
    version: int | None
    position: int | None
    salt: bytes | None
    entry: bytes
    hash: bytes


LEAF_COLUMNS = "index, stream_id, version, position, salt, entry, hash"

_NEWEST_LOG = "SELECT log, origin, vkey FROM transparency.logs ORDER BY log DESC LIMIT 1"
_LOGS = "SELECT log, origin, vkey FROM transparency.logs ORDER BY log"
_SIZE = "SELECT coalesce(max(index) + 1, 0) FROM transparency.leaves WHERE log = %s"
_TILE = "SELECT hashes FROM transparency.tiles WHERE log = %s AND level = %s AND index = %s"
_ROOTS = """
    SELECT root FROM transparency.tiles
    WHERE log = %s AND level = %s AND index >= %s AND index < %s ORDER BY index
"""
_HASHES = "SELECT hash FROM transparency.leaves WHERE log = %s AND index >= %s AND index < %s ORDER BY index"
_LEAVES = f"""
    SELECT {LEAF_COLUMNS} FROM transparency.leaves
    WHERE log = %s AND index >= %s AND index < %s ORDER BY index
"""  # noqa: S608  # the columns are a constant
_OF_STREAM = f"""
    SELECT {LEAF_COLUMNS} FROM transparency.leaves WHERE log = %s AND stream_id = %s ORDER BY version
"""  # noqa: S608  # the columns are a constant
_CHECKPOINT = """
    SELECT size, note FROM transparency.checkpoints
    WHERE log = %(log)s AND (%(size)s::bigint IS NULL OR size <= %(size)s) ORDER BY size DESC LIMIT 1
"""
_COSIGNATURES = "SELECT line FROM transparency.cosignatures WHERE log = %s AND size = %s ORDER BY witness"


@dataclass(frozen=True, slots=True)
class Log:
    """A log of this database: its number among them, its origin, and the key that signs it."""

    number: int
    origin: str
    verifier: Verifier


def newest_log(connection: Connection[Any]) -> Log:
    """The log that is being written. Raises NoLog and psycopg.Error."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_NEWEST_LOG).fetchone()
    if row is None:
        raise NoLog(NoLog.__doc__)
    number, origin, vkey = row
    return Log(number, origin, Verifier.parsed(vkey))


def logs(connection: Connection[Any]) -> list[Log]:
    """Every log of a database, by number; a vkey that is none raises KeyInvalid. Raises psycopg.Error."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [Log(number, origin, Verifier.parsed(vkey)) for number, origin, vkey in cursor.execute(_LOGS)]


class StoredTree:
    """One log's tree as the database holds it. Full tiles are kept in memory while this object lives.

    Everything raises psycopg.Error. Read in one snapshot where several answers must agree.
    """

    def __init__(self, connection: Connection[Any], log: Log) -> None:
        self._connection = connection
        self.log = log
        self._tiles: dict[tuple[int, int], bytes] = {}

    def size(self) -> int:
        """How many leaves there are."""
        return int(self._scalar(_SIZE, self.log.number))

    def leaves(self, first: int, end: int) -> list[Leaf]:
        """The leaves from `first` up to, and without, `end`."""
        return self._leaves(_LEAVES, first, end)

    def of_stream(self, stream_id: UUID) -> list[Leaf]:
        """The leaves of one stream by version."""
        return self._leaves(_OF_STREAM, stream_id)

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves. Raises LookupError where there are not so many."""
        return root(size, self._within(size))

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """As `domain.merkle.inclusion_proof`. Raises LookupError where there are not so many leaves."""
        return inclusion_proof(index, size, self._within(size))

    def consistency_proof(self, size1: int, size2: int) -> list[bytes]:
        """As `domain.merkle.consistency_proof`. Raises LookupError where there are not so many leaves."""
        return consistency_proof(size1, size2, self._within(size2))

    def tile(self, level: int, index: int, width: int = TILE_WIDTH) -> bytes:
        """The first `width` hashes of a tile (https://c2sp.org/tlog-tiles). Raises LookupError."""
        hashes = self._full_tile(level, index) or self._partial_tile(level, index, width)
        if len(hashes) < width * HASH_BYTES:
            raise LookupError(f"no tile {level}/{index} of width {width}")
        return hashes[: width * HASH_BYTES]

    def note(self, at_most: int | None = None) -> tuple[int, str] | None:
        """Size and note of the newest checkpoint of at most so many leaves, with its cosignatures."""
        with self._connection.cursor(row_factory=tuple_row) as cursor:
            row = cursor.execute(_CHECKPOINT, {"log": self.log.number, "size": at_most}).fetchone()
            if row is None:
                return None
            size, note = row
            lines = cursor.execute(_COSIGNATURES, (self.log.number, size)).fetchall()
        return size, note + "".join(line for (line,) in lines)

    def _within(self, size: int) -> Any:
        """Subtrees of a tree of this size: of its last tiles no more is read than belongs to it."""

        def subtree(level: int, index: int) -> bytes:
            height, inner = divmod(level, TILE_HEIGHT)
            place, first = divmod(index << inner, TILE_WIDTH)
            width = min(TILE_WIDTH, (size >> height * TILE_HEIGHT) - place * TILE_WIDTH)
            tile = self.tile(height, place, width)
            amount = 1 << inner
            return root_of(
                [tile[at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in range(first, first + amount)]
            )

        return subtree

    def _full_tile(self, level: int, index: int) -> bytes | None:
        kept = self._tiles.get((level, index))
        if kept is None:
            kept = self._scalar(_TILE, self.log.number, level, index)
            if kept is not None:
                self._tiles[level, index] = kept
        return kept

    def _partial_tile(self, level: int, index: int, width: int) -> bytes:
        first = index * TILE_WIDTH
        if level:
            statement, values = _ROOTS, (self.log.number, level - 1, first, first + width)
        else:
            statement, values = _HASHES, (self.log.number, first, first + width)  # type: ignore[assignment]
        with self._connection.cursor(row_factory=scalar_row, binary=True) as cursor:
            return b"".join(cursor.execute(statement, values).fetchall())

    def _scalar(self, statement: str, *values: Any) -> Any:
        with self._connection.cursor(row_factory=scalar_row, binary=True) as cursor:
            return cursor.execute(statement.encode(), values).fetchone()

    def _leaves(self, statement: str, *values: Any) -> list[Leaf]:
        with self._connection.cursor(row_factory=tuple_row, binary=True) as cursor:
            return [Leaf(*row) for row in cursor.execute(statement.encode(), (self.log.number, *values))]


class Frontier:
    """The right edge of the tree in memory: appends leaves and yields the tiles that become full."""

    def __init__(self, size: int, edges: Sequence[Sequence[bytes]]) -> None:
        self.size = size
        self._edges = [list(edge) for edge in edges]

    @classmethod
    def of(cls, tree: StoredTree, size: int) -> "Frontier":
        """The edge of a stored tree of this size. Raises LookupError and psycopg.Error."""
        edges, level = [], 0
        while size >> level * TILE_HEIGHT:
            index, width = divmod(size >> level * TILE_HEIGHT, TILE_WIDTH)
            hashes = tree.tile(level, index, width) if width else b""
            edges.append([hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)])
            level += 1
        return cls(size, edges)

    def append(self, leaf: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
        """Append a leaf hash; yields (level, index, hashes, root) of each tile that it fills."""
        self.size += 1
        level, grown = 0, leaf
        while True:
            if level == len(self._edges):
                self._edges.append([])
            edge = self._edges[level]
            edge.append(grown)
            if len(edge) < TILE_WIDTH:
                return
            grown = root_of(edge)
            yield level, (self.size >> (level + 1) * TILE_HEIGHT) - 1, b"".join(edge), grown
            edge.clear()
            level += 1

    def root(self) -> bytes:
        """The root of the tree."""
        return root(self.size, self._subtree)

    def _subtree(self, level: int, index: int) -> bytes:
        height, inner = divmod(level, TILE_HEIGHT)
        first = (index << inner) % TILE_WIDTH
        return root_of(self._edges[height][first : first + (1 << inner)])
