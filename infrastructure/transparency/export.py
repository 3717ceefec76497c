"""The whole log in a folder, in the files that https://c2sp.org/tlog-tiles names.

A file that is full never changes, and is written once; the checkpoint is written last, so that what it covers
is there. Memory does not grow with the log.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from psycopg import Connection

from application.transparency import Tile
from infrastructure.progress import Done
from infrastructure.transparency import notes
from infrastructure.transparency.published import Head, head, published_tile
from infrastructure.transparency.tree import TILE_HEIGHT, TILE_WIDTH, StoredTree

CHECKPOINT = "checkpoint"
AT_ONCE = 64
"""Files that are written before what was read for them is forgotten."""


class FolderRefused(Exception):
    """The log is not what was signed, or does not continue what the folder holds."""


def export(connection: Connection[Any], folder: Path, done: Done) -> int:
    """Write the log up to its newest checkpoint; its size. The connection must be in autocommit.

    Raises FolderRefused, NotFound before the first checkpoint, OSError and psycopg.Error.
    """
    newest = head(connection)
    _check_root(newest)
    _compare(folder / CHECKPOINT, newest)
    missing = [tile for tile in tiles(newest.size) if not (folder / tile.path).exists()]
    for first in range(0, len(missing), AT_ONCE):
        fresh = Head(StoredTree(connection, newest.log), newest.size, newest.note)
        for tile in missing[first : first + AT_ONCE]:
            write_whole(folder / tile.path, published_tile(fresh, tile))
        done(min(first + AT_ONCE, len(missing)), len(missing))
    write_whole(folder / CHECKPOINT, newest.note.encode())
    return newest.size


def tiles(size: int) -> Iterator[Tile]:
    """Every file of a log of this size: bundles of entries and tiles, the partial ones at the end too."""
    for level in (None, *_levels(size)):
        full, rest = divmod(size >> (level or 0) * TILE_HEIGHT, TILE_WIDTH)
        for number in range(full):
            yield Tile(level, number)
        if rest:
            yield Tile(level, full, rest)


def _levels(size: int) -> Sequence[int]:
    return range(-(-size.bit_length() // TILE_HEIGHT))


def _check_root(newest: Head) -> None:
    signed = notes.checkpoint(newest.note, newest.log.verifier)
    if newest.tree.root(newest.size) != signed.root:
        raise FolderRefused(f"the log {newest.log.origin} was changed since its checkpoint was signed")


def _compare(kept: Path, newest: Head) -> None:
    """Check that the log continues what the folder holds. Raises FolderRefused."""
    if not kept.exists():
        return
    try:
        before = notes.checkpoint(kept.read_text(encoding="utf-8"), newest.log.verifier)
    except (notes.NoteInvalid, UnicodeDecodeError) as fault:
        raise FolderRefused(f"{kept} is of another log: {fault}") from None
    if before.size > newest.size or newest.tree.root(before.size) != before.root:
        raise FolderRefused(f"the log does not continue {kept}: it was rewritten, or is an older one")


def write_whole(path: Path, content: bytes) -> None:
    """The file, whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{uuid4().hex}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
