"""The newest entry of every stream, as one replays a log: the case map again, from the leaves alone."""

from uuid import UUID

from domain.merkle import HASH_BYTES, leaf_hash, root_of
from infrastructure.transparency.case_map import BUCKETS, Buckets

ID_BYTES = 16
VERSION_BYTES = 8
RECORD_BYTES = ID_BYTES + VERSION_BYTES + HASH_BYTES


class Streams:
    """The streams of a log in little memory: a bucket is its leaves of the map, joined; 56 bytes a stream."""

    def __init__(self) -> None:
        self._buckets = [b""] * BUCKETS
        self._changed: set[int] = set()
        self._tree = Buckets()
        self.count = 0

    def newest(self, stream: bytes) -> tuple[int, bytes | None]:
        """Version and hash of a stream's newest entry; 0 and None before the first."""
        bucket = self._buckets[stream[0] << 8 | stream[1]]
        at = _place(bucket, stream)
        if at == len(bucket) or bucket[at : at + ID_BYTES] != stream:
            return 0, None
        version = int.from_bytes(bucket[at + ID_BYTES : at + ID_BYTES + VERSION_BYTES], "big")
        return version, bucket[at + ID_BYTES + VERSION_BYTES : at + RECORD_BYTES]

    def follow(self, stream: bytes, version: int, entry_hash: bytes) -> None:
        """Take up a stream's next entry."""
        number = stream[0] << 8 | stream[1]
        bucket = self._buckets[number]
        at = _place(bucket, stream)
        known = bucket[at : at + ID_BYTES] == stream
        self.count += not known
        record = stream + version.to_bytes(VERSION_BYTES, "big") + entry_hash
        self._buckets[number] = bucket[:at] + record + bucket[at + RECORD_BYTES * known :]
        self._changed.add(number)

    def root(self) -> bytes:
        """The root of the map now."""
        self._tree.change({bucket: self._root(bucket) for bucket in self._changed})
        self._changed.clear()
        return self._tree.root

    def records(self, bucket: int) -> list[bytes]:
        """The leaves of a bucket."""
        joined = self._buckets[bucket]
        return [joined[at : at + RECORD_BYTES] for at in range(0, len(joined), RECORD_BYTES)]

    def tile(self, index: int) -> bytes:
        """The roots of 256 buckets as they were when `root` was asked last."""
        return b"".join(self._tree.tile(index))

    def _root(self, bucket: int) -> bytes:
        return root_of([leaf_hash(record) for record in self.records(bucket)])


def _place(bucket: bytes, stream: bytes) -> int:
    """Where in a bucket a stream stands, or is to stand."""
    at = 0
    while at < len(bucket) and bucket[at : at + ID_BYTES] < stream:
        at += RECORD_BYTES
    return at


def named(record: bytes) -> tuple[UUID, int]:
    """Stream and version in a leaf of the map."""
    return UUID(bytes=record[:ID_BYTES]), int.from_bytes(record[ID_BYTES : ID_BYTES + VERSION_BYTES], "big")
