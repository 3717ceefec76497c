"""The case map: every stream's newest entry, in one tree whose root is the last leaf of each checkpoint.

A stream's leaf is stream (16 bytes) || version (8, big-endian) || hash of its newest entry. Streams stand by
id in 65,536 buckets, named by the first two bytes of the id; the buckets' roots are the leaves of a complete
tree of height 16. Whoever is shown a stream's leaf here knows that nothing of the stream was left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import scalar_row, tuple_row

from domain.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    ProofInvalid,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_inclusion,
)
from infrastructure.transparency.tree import TILE_WIDTH, Log

HEIGHT = 16
BUCKETS = 1 << HEIGHT

_NEWEST_OF_CHANGED = """
    INSERT INTO transparency.heads (log, bucket, stream_id, version, hash)
    SELECT DISTINCT ON (stream_id) log, transparency.bucket_of(stream_id), stream_id, version, hash
    FROM transparency.leaves
    WHERE log = %s AND index >= %s AND index < %s AND stream_id IS NOT NULL
    ORDER BY stream_id, version DESC
    ON CONFLICT (log, bucket, stream_id) DO UPDATE SET (version, hash) = (EXCLUDED.version, EXCLUDED.hash)
    RETURNING bucket, xmax = 0
"""
_STREAMS = "SELECT count(*) FROM transparency.heads WHERE log = %s"
_HEADS = """
    SELECT bucket, stream_id, version, hash FROM transparency.heads
    WHERE log = %s AND bucket = ANY(%s) ORDER BY bucket, stream_id
"""
_TILES = "SELECT index, hashes FROM transparency.map_tiles WHERE log = %s ORDER BY index"
_PUT_TILES = """
    INSERT INTO transparency.map_tiles (log, index, hashes)
    SELECT %s, index, hashes FROM unnest(%s::smallint[], %s::bytea[]) AS changed (index, hashes)
    ON CONFLICT (log, index) DO UPDATE SET hashes = EXCLUDED.hashes
"""


class Head(NamedTuple):
    """A stream's newest entry."""

    stream_id: UUID
    version: int
    hash: bytes

    @property
    def leaf(self) -> bytes:
        """Its leaf hash in the map."""
        return leaf_hash(self.record)

    @property
    def record(self) -> bytes:
        """What its leaf says."""
        return self.stream_id.bytes + self.version.to_bytes(8, "big") + self.hash


class MapProof(NamedTuple):
    """What leads from a stream's newest entry to the root of the map: in its bucket, then above it."""

    head: Head
    place: int
    size: int
    bucket: bytes
    within: list[bytes]
    above: list[bytes]

    def leads_to(self, root: bytes) -> bool:
        """Whether the map has this root."""
        try:
            verify_inclusion(self.head.leaf, self.place, self.size, self.within, self.bucket)
            verify_inclusion(self.bucket, bucket_of(self.head.stream_id), BUCKETS, self.above, root)
        except ProofInvalid:
            return False
        return True


def bucket_of(stream_id: UUID) -> int:
    """The bucket of a stream."""
    return int.from_bytes(stream_id.bytes[:2], "big")


class Buckets:
    """The tree over the roots of all buckets; a changed bucket costs no more than its path."""

    def __init__(self, roots: Sequence[bytes] | None = None) -> None:
        """All empty, or with these roots."""
        self._levels = [[EMPTY_ROOT] * BUCKETS]
        for level in range(HEIGHT):
            under = self._levels[level]
            self._levels.append([node_hash(under[0], under[1])] * (BUCKETS >> level + 1))
        if roots is not None:
            self.change({at: root for at, root in enumerate(roots) if root != EMPTY_ROOT})

    def change(self, roots: Mapping[int, bytes]) -> None:
        """Put other roots in the place of those of some buckets."""
        for bucket, root in roots.items():
            self._levels[0][bucket] = root
        changed: Iterable[int] = roots
        for level in range(HEIGHT):
            under, above = self._levels[level], self._levels[level + 1]
            changed = {at >> 1 for at in changed}
            for at in changed:
                above[at] = node_hash(under[at << 1], under[(at << 1) + 1])

    @property
    def root(self) -> bytes:
        """The root over all buckets."""
        return self._levels[HEIGHT][0]

    def tile(self, index: int) -> list[bytes]:
        """The roots of 256 buckets."""
        return self._levels[0][index * TILE_WIDTH : (index + 1) * TILE_WIDTH]


class CaseMap:
    """The roots of all buckets in memory, kept in step with the database by the one who writes there."""

    def __init__(self, connection: Connection[Any], log: Log) -> None:
        self._connection = connection
        self._log = log
        self._buckets = Buckets(stored_roots(connection, log))
        self.streams = self._count()

    def advance(self, first: int, end: int) -> bytes:
        """Take up the leaves from `first` to before `end`, in the transaction under way; the new root."""
        with self._connection.cursor(row_factory=tuple_row) as cursor:
            found = cursor.execute(_NEWEST_OF_CHANGED, (self._log.number, first, end)).fetchall()
        changed = {bucket for bucket, _ in found}
        self.streams += sum(new for _, new in found)
        buckets = heads_of(self._connection, self._log, changed)
        roots = {bucket: root_of([head.leaf for head in heads]) for bucket, heads in buckets.items()}
        self._buckets.change(roots)
        tiles = sorted({bucket // TILE_WIDTH for bucket in changed})
        kept = [b"".join(self._buckets.tile(tile)) for tile in tiles]
        self._connection.execute(_PUT_TILES, (self._log.number, tiles, kept))
        return self._buckets.root

    def _count(self) -> int:
        with self._connection.cursor(row_factory=scalar_row) as cursor:
            return int(cursor.execute(_STREAMS, (self._log.number,)).fetchone() or 0)


def stored_roots(connection: Connection[Any], log: Log) -> list[bytes]:
    """The roots of all buckets as the database holds them. Raises psycopg.Error."""
    roots = [EMPTY_ROOT] * BUCKETS
    with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
        for tile, hashes in cursor.execute(_TILES, (log.number,)):
            at = tile * TILE_WIDTH
            roots[at : at + TILE_WIDTH] = _cut(hashes)
    return roots


def heads_of(connection: Connection[Any], log: Log, buckets: Iterable[int]) -> dict[int, list[Head]]:
    """The heads in these buckets, by bucket and in their order. Raises psycopg.Error."""
    found: dict[int, list[Head]] = {bucket: [] for bucket in buckets}
    with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
        for bucket, *head in cursor.execute(_HEADS, (log.number, list(found))):
            found[bucket].append(Head(*head))
    return found


def proof_of(connection: Connection[Any], log: Log, stream_id: UUID) -> MapProof:
    """The proof for one stream in the map as it is stored now; read it in one snapshot with the checkpoint.

    Raises LookupError for a stream that no checkpoint covers, and psycopg.Error.
    """
    bucket = bucket_of(stream_id)
    heads = heads_of(connection, log, [bucket])[bucket]
    index = next((at for at, head in enumerate(heads) if head.stream_id == stream_id), None)
    if index is None:
        raise LookupError(f"no checkpoint covers {stream_id} yet")
    leaves, roots = [head.leaf for head in heads], stored_roots(connection, log)
    return MapProof(
        heads[index], index, len(heads), roots[bucket], _proof(index, leaves), _proof(bucket, roots)
    )


def _proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    return inclusion_proof(
        index, len(leaves), lambda level, at: root_of(leaves[at << level : (at + 1) << level])
    )


def _cut(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
