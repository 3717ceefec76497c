"""Recomputes a whole log from the facts and says what is not as it was sealed, the first of it first.

Facts against their entries, entries against hashes and the entries before them, hashes against tiles, tiles
against roots, roots against what was signed: in the database, in the sealer's file, and in whatever earlier
checkpoint one has kept. Nothing is believed that is not recomputed; memory grows with the streams alone.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from domain.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash, node_hash, root_of
from infrastructure.transparency import entries
from infrastructure.transparency.case_map import BUCKETS
from infrastructure.transparency.entries import Stored, canonical, commitment, record, rfc3339
from infrastructure.transparency.notes import (
    Checkpoint,
    NoteInvalid,
    Verifier,
    checkpoint,
    opened,
    parts,
    signed,
)
from infrastructure.transparency.stored import Kept, Sealed, Tile
from infrastructure.transparency.streams import Streams, named
from infrastructure.transparency.tree import TILE_WIDTH, Leaf, Log

PAGE = 16 * TILE_WIDTH
MOST_LISTED = 100
HIDDEN_IN_COMMITMENT = "state, event_id, actor_id, actor_role, request_id, causation_id, schema_version"

Done = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is not as it was sealed. `index`: of the leaf or tile, or the checkpoint's size."""

    table: str
    index: int | None
    case: UUID | None
    version: int | None
    column: str
    what: str


class Source(Protocol):
    """A log to verify, as `infrastructure.transparency.stored.StoredLog` reads one."""

    log: Log

    def size(self) -> int:
        """One more than the highest index of a leaf."""
        ...

    def outside(self, limit: int) -> Sequence[int]:
        """Indices of leaves that stand in no tree: before the first."""
        ...

    def newest_map(self) -> int | None:
        """The index of the newest entry that is no fact's."""
        ...

    def sealed(self, first: int, end: int) -> list[Sealed]:
        """Leaves with their facts, by index."""
        ...

    def tiles(self, first: int, end: int) -> list[Tile]:
        """Tiles of leaves, by index."""
        ...

    def upper_tiles(self) -> list[Tile]:
        """All other tiles."""
        ...

    def tiles_by_level(self) -> Mapping[int, int]:
        """How many tiles each level has."""
        ...

    def checkpoints(self) -> Iterator[tuple[int, str]]:
        """Sizes and notes, by size."""
        ...

    def cosignatures(self) -> Iterator[tuple[int, str, str]]:
        """Sizes, witnesses and lines, by size."""
        ...

    def heads(self, first: int, end: int) -> list[Kept]:
        """Rows of the case map, by bucket and stream."""
        ...

    def map_tiles(self) -> Mapping[int, bytes]:
        """Roots of the buckets."""
        ...

    def facts_up_to(self, position: int) -> int:
        """How many facts there are up to this position."""
        ...

    def facts_after(self, position: int) -> int:
        """How many facts there are after this position."""
        ...

    def strays(self, position: int, limit: int) -> Sequence[tuple[UUID, int]]:
        """Facts up to this position that are no leaf."""
        ...


class Expected(NamedTuple):
    """A head that was signed, by whom it is held, and what holds it."""

    head: Checkpoint
    table: str
    holder: str


@dataclass(slots=True)
class Report:
    """What was recomputed, and the first faults of those that were found."""

    origin: str
    leaves: int = 0
    facts: int = 0
    maps: int = 0
    checkpoints: int = 0
    unsealed: int = 0
    newest_checkpoint: int | None = None
    compared: list[str] = field(default_factory=list)
    faults: int = 0
    first: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Count a fault, and list it while there is room."""
        self.faults += 1
        if len(self.first) < MOST_LISTED:
            self.first.append(fault)

    def follow_with(self, other: "Report") -> None:
        """Add the faults of another report after these."""
        self.faults += other.faults
        self.first = [*self.first, *other.first][:MOST_LISTED]


def nobody(_: int, __: int) -> None:
    """Nobody looks at the progress."""


def verify(
    source: Source,
    *,
    expected: Iterable[Expected] = (),
    witnesses: Sequence[Verifier] = (),
    before: Log | None = None,
    faults: Iterable[Fault] = (),
    done: Done = nobody,
) -> Report:
    """Recompute a whole log.

    `expected` are checkpoints kept elsewhere, `witnesses` the keys whose cosignatures are checked, `before`
    the log that this one was opened after, `faults` what was found already. Raises what the source raises.
    """
    verification = _Verification(source, expected, witnesses, before)
    for fault in faults:
        verification.report.add(fault)
    return verification.run(done)


class _Verification:
    def __init__(
        self,
        source: Source,
        expected: Iterable[Expected],
        witnesses: Sequence[Verifier],
        before: Log | None,
    ) -> None:
        self._source = source
        self._log = source.log
        self._witnesses = witnesses
        self._before = before
        self.report = Report(source.log.origin)
        self._of_map = Report(source.log.origin)  # of tables that follow from the leaves: told after those
        self._streams = Streams()
        self._position = 0
        self._roots: dict[int, list[bytes]] = defaultdict(list)
        self._left: list[tuple[int, bytes]] = []
        self._newest_map = source.newest_map()
        self._heads: dict[int, list[Expected]] = defaultdict(list)
        for one in expected:
            self.report.compared.append(f"{one.holder} ({one.head.size:,} leaves)")
            self._heads[one.head.size].append(one)
        self._texts: dict[int, str] = {}
        self._signed = self._notes()
        self._next = next(self._signed, None)
        self._broken = False

    def run(self, done: Done) -> Report:
        """Recompute it all, in the order of the leaves."""
        size = self.report.leaves = self._source.size()
        if self._newest_map is None:
            self._compare_map()
        for first in range(0, size, PAGE):
            end = min(first + PAGE, size)
            self._page(first, end)
            done(end, size)
        self._compare_upper_tiles(size)
        for index in self._source.outside(MOST_LISTED):
            self._add("leaves", index, "index", "there is no such leaf")
        self._compare_beyond(size)
        self.report.follow_with(self._of_map)
        self._compare_cosignatures()
        self._compare_strays()
        return self.report

    def _add(self, table: str, index: int | None, column: str, what: str, of: Leaf | None = None) -> None:
        case, version = (None, None) if of is None else (of.stream_id, of.version)
        self.report.add(Fault(table, index, case, version, column, what))

    # --- leaves -----------------------------------------------------------------------------------

    def _page(self, first: int, end: int) -> None:
        rows = {row.leaf.number: row for row in self._source.sealed(first, end)}
        tiles = {tile.number: tile for tile in self._source.tiles(first // TILE_WIDTH, end // TILE_WIDTH)}
        for at in range(first, end, TILE_WIDTH):
            width = min(TILE_WIDTH, end - at)
            tile = tiles.get(at // TILE_WIDTH)
            tiled = cut(tile.hashes) if tile else []
            hashes: list[bytes] = []
            for index in range(at, at + width):
                place = index - at
                said = tiled[place] if place < len(tiled) else None
                row = rows.get(index)
                hashes.append(self._missing(index, said) if row is None else self._leaf(row, said))
                if self._next is not None and self._next[0] == index + 1:
                    self._compare_heads(hashes)
            if width == TILE_WIDTH:
                self._compare_tile(0, at // TILE_WIDTH, hashes, tile)

    def _missing(self, index: int, said: bytes | None) -> bytes:
        self._add("leaves", index, "", "the row is missing")
        return said or EMPTY_ROOT

    def _leaf(self, row: Sealed, said: bytes | None) -> bytes:
        """Compare a leaf; returns the hash with which the tree goes on."""
        leaf, fact = row
        if fact is None or leaf.salt is None:
            return self._doubtful_leaf(leaf, fact, said) if leaf.position else self._own_leaf(leaf, said)
        stream = fact.stream_id.bytes
        version, before = self._streams.newest(stream)
        entry = entries.of_fact(fact, leaf.salt, before, self._log.origin)
        if (
            entry != leaf.entry
            or (found := leaf_hash(entry)) != leaf.hash
            or fact.version != version + 1
            or fact.position != leaf.position
            or (said is not None and said != found)
        ):
            return self._doubtful_leaf(leaf, fact, said)
        self._streams.follow(stream, fact.version, found)
        self.report.facts += 1
        self._position = max(self._position, fact.position)
        return found

    def _doubtful_leaf(self, leaf: Leaf, fact: Stored | None, said: bytes | None) -> bytes:
        """What is wrong with a leaf that names a fact."""
        found = self._hash(leaf, said)
        entry = _parsed(leaf.entry)
        self.report.facts += 1
        self._position = max(self._position, leaf.position or 0)
        try:
            stream, version = UUID(entry["case"]), int(entry["ver"])
        except (KeyError, ValueError, TypeError, AttributeError):
            self._add("leaves", leaf.number, "entry", "it is no entry of a fact", leaf)
            if leaf.stream_id and leaf.version:  # what follows it is judged by itself
                self._streams.follow(leaf.stream_id.bytes, leaf.version, found)
            return found
        self._compare_entry(leaf, entry, stream, version)
        for column, named_, told in (
            ("stream_id", leaf.stream_id, stream),
            ("version", leaf.version, version),
        ):
            if named_ != told:
                self._add("leaves", leaf.number, column, f"it is {named_}, the entry says {told}", leaf)
        if (leaf.stream_id, leaf.version) == (stream, version):
            self._compare_fact(leaf, fact, entry)
        self._streams.follow(stream.bytes, version, found)
        return found

    def _compare_entry(self, leaf: Leaf, entry: Mapping[str, Any], stream: UUID, version: int) -> None:
        newest, before = self._streams.newest(stream.bytes)
        if version != newest + 1:
            self._add("leaves", leaf.number, "entry", f"version {version} follows version {newest}", leaf)
        elif entry.get("prev") != (None if before is None else before.hex()):
            self._add("leaves", leaf.number, "entry", "it does not follow the stream's entry before it", leaf)
        if entry.get("log") != self._log.origin or entry.get("v") != entries.FORMAT:
            self._add("leaves", leaf.number, "entry", "it is an entry of another log", leaf)

    def _compare_fact(self, leaf: Leaf, fact: Stored | None, entry: Mapping[str, Any]) -> None:
        if fact is None or leaf.salt is None:
            self._add("events", leaf.number, "", "the row is missing", leaf)
            return
        for column, named_, told in (
            ("topic", fact.topic, entry.get("type")),
            ("recorded_at", rfc3339(fact.recorded_at), entry.get("at")),
        ):
            if named_ != told:
                self._add("events", leaf.number, column, f"it is {named_}, the entry says {told}", leaf)
        if commitment(leaf.salt, record(fact)).hex() != entry.get("state"):
            moved = leaf.position is not None and fact.position != leaf.position
            original = fact._replace(position=leaf.position or 0)
            if moved and commitment(leaf.salt, record(original)).hex() == entry.get("state"):
                what = f"it is {fact.position}, sealed was {leaf.position}"
                self._add("events", leaf.number, "position", what, leaf)
            else:
                what = "the row is not the one that was sealed, or leaves.salt is not its salt"
                self._add("events", leaf.number, HIDDEN_IN_COMMITMENT, what, leaf)
        elif fact.position != leaf.position:
            what = f"it is {leaf.position}, the fact's is {fact.position}"
            self._add("leaves", leaf.number, "position", what, leaf)

    def _hash(self, leaf: Leaf, said: bytes | None) -> bytes:
        """The hash that most agree on: that of the entry, the one beside it, the one in the tile."""
        made = leaf_hash(leaf.entry)
        if made == leaf.hash:
            if said is not None and said != made:
                tile, place = divmod(leaf.number, TILE_WIDTH)
                what = f"hash {place} is not that of leaf {leaf.number}"
                self._add("tiles", tile, "hashes", f"level 0: {what}", leaf)
            return made
        column = {made: "hash", leaf.hash: "entry"}.get(said or b"", "entry or hash")
        self._add("leaves", leaf.number, column, "entry and hash do not belong together", leaf)
        return said if said in (made, leaf.hash) and said is not None else made

    # --- what the log says of itself --------------------------------------------------------------

    def _own_leaf(self, leaf: Leaf, said: bytes | None) -> bytes:
        found = self._hash(leaf, said)
        entry = _parsed(leaf.entry)
        match entry.get("type"):
            case entries.CASE_MAP:
                self._compare_case_map(leaf, entry)
            case entries.LOG_OPENED:
                self._compare_opening(leaf, entry)
            case _:
                self._add("leaves", leaf.number, "entry", "it is no entry of the log itself", leaf)
        if leaf.number == self._newest_map:
            self._compare_map()
        return found

    def _compare_case_map(self, leaf: Leaf, entry: Mapping[str, Any]) -> None:
        self.report.maps += 1
        true = {
            "covers": leaf.number,
            "log": self._log.origin,
            "root": self._streams.root().hex(),
            "streams": self._streams.count,
            "v": entries.FORMAT,
        }
        wrong = [name for name, value in true.items() if entry.get(name) != value]
        if wrong:
            what = f"the case map's {', '.join(wrong)} is not what the leaves before it make"
            self._add("leaves", leaf.number, "entry", what)
        elif canonical({**true, "at": entry.get("at"), "type": entries.CASE_MAP}) != leaf.entry:
            self._add("leaves", leaf.number, "entry", "the case map is not in its one form")

    def _compare_opening(self, leaf: Leaf, entry: Mapping[str, Any]) -> None:
        after = entry.get("after")
        try:
            if leaf.number or entry.get("log") != self._log.origin:
                raise NoteInvalid("it does not open this log")
            if self._before is not None and after is not None:
                checkpoint(after, self._before.verifier)
        except NoteInvalid as fault:
            self._add("leaves", leaf.number, "entry", f"the opening of the log: {fault}")

    def _compare_map(self) -> None:
        """The case map's tables against the streams as of the newest map."""
        self._streams.root()
        step = BUCKETS // TILE_WIDTH
        tiles = self._source.map_tiles()
        for tile in range(step):
            kept = self._source.heads(tile * TILE_WIDTH, (tile + 1) * TILE_WIDTH)
            found = {(row.bucket, row.stream_id): _record(row) for row in kept}
            for bucket in range(tile * TILE_WIDTH, (tile + 1) * TILE_WIDTH):
                for true in self._streams.records(bucket):
                    stream, version = named(true)
                    if found.pop((bucket, stream), None) != true:
                        what = "the case map's row is not that of the stream's newest entry"
                        self._of_map.add(Fault("heads", bucket, stream, version, "version or hash", what))
            for bucket, stream in found:
                self._of_map.add(
                    Fault("heads", bucket, stream, None, "", "the case map's row stands for no stream")
                )
            true_tile = self._streams.tile(tile)
            if tiles.get(tile, EMPTY_ROOT * TILE_WIDTH) != true_tile:
                self._of_map.add(
                    Fault("map_tiles", tile, None, None, "hashes", "they are not the roots of the buckets")
                )
        for tile in set(tiles) - set(range(step)):
            self._of_map.add(Fault("map_tiles", tile, None, None, "index", "there is no such tile"))

    # --- tiles and roots --------------------------------------------------------------------------

    def _compare_tile(self, level: int, index: int, hashes: Sequence[bytes], tile: Tile | None) -> None:
        """Compare a full tile, and take up its root."""
        true = root_of(hashes)
        if tile is None:
            self._add("tiles", index, "", f"level {level}: the tile is missing")
        elif len(tile.hashes) != len(hashes) * HASH_BYTES or (level and tile.hashes != b"".join(hashes)):
            self._add("tiles", index, "hashes", f"level {level}: they are not those of what is below")
        elif tile.root != true:
            self._add("tiles", index, "root", f"level {level}: it is not that of the tile's hashes")
        self._roots[level].append(true)
        if level == 0:
            self._take(true)

    def _take(self, root: bytes) -> None:
        """The complete subtrees from the left, each as large as it can be."""
        height = 0
        while self._left and self._left[-1][0] == height:
            root = node_hash(self._left.pop()[1], root)
            height += 1
        self._left.append((height, root))

    def _root(self, last: Sequence[bytes]) -> bytes:
        """The root over all full tiles and these leaves after them."""
        roots = [root for _, root in self._left]
        found = root_of(last) if last else roots.pop()
        for root in reversed(roots):
            found = node_hash(root, found)
        return found

    def _compare_upper_tiles(self, size: int) -> None:
        stored = {(tile.level, tile.number): tile for tile in self._source.upper_tiles()}
        level = 1
        while below := self._roots[level - 1]:
            for index in range(len(below) // TILE_WIDTH):
                hashes = below[index * TILE_WIDTH : (index + 1) * TILE_WIDTH]
                self._compare_tile(level, index, hashes, stored.pop((level, index), None))
            level += 1
        for level, index in stored:
            self._add("tiles", index, "", f"level {level}: there is no such tile")
        more = self._source.tiles_by_level().get(0, 0) - size // TILE_WIDTH
        if more > 0:
            self._add("tiles", size // TILE_WIDTH, "", f"level 0: {more} tiles beyond the last full one")

    # --- what was signed --------------------------------------------------------------------------

    def _notes(self) -> Iterator[tuple[int, list[Expected]]]:
        """What was signed of each size, by size: in the database, and elsewhere."""
        elsewhere = dict(self._heads)
        for size, note in self._source.checkpoints():
            for earlier in sorted(one for one in elsewhere if one < size):
                yield earlier, elsewhere.pop(earlier)
            yield size, [*self._stored_head(size, note), *elsewhere.pop(size, [])]
        for later in sorted(elsewhere):
            yield later, elsewhere[later]

    def _stored_head(self, size: int, note: str) -> Iterator[Expected]:
        self.report.checkpoints += 1
        self.report.newest_checkpoint = size
        try:
            head = checkpoint(note, self._log.verifier)
            if head.size != size:
                raise NoteInvalid(f"it is of size {head.size}")
            if len(parts(note)[1]) != 1:
                raise NoteInvalid("it has another signature than the log's")
        except NoteInvalid as fault:
            self._add("checkpoints", size, "note", str(fault))
            return
        if self._witnesses:
            self._texts[size] = head.text
        yield Expected(head, "checkpoints", "what was signed")

    def _compare_heads(self, last: Sequence[bytes]) -> None:
        """Compare the root over all full tiles and these leaves with what was signed of this size."""
        if self._next is None:
            return
        _, heads = self._next
        self._next = next(self._signed, None)
        if not heads:
            return
        root = self._root(last)
        for one in heads:
            in_database = one.table == "checkpoints"
            if one.head.root != root and not (in_database and self._broken):
                what = f"the first {one.head.size} leaves are not those of {one.holder}"
                self._add(one.table, one.head.size, "", f"{what}: the history was rewritten")
                self._broken = self._broken or in_database  # what follows differs for the same reason

    def _compare_beyond(self, size: int) -> None:
        """What was signed of more leaves than there are."""
        while self._next is not None:
            at, heads = self._next
            self._next = next(self._signed, None)
            for one in heads:
                if at == 0 and one.head.root == EMPTY_ROOT:
                    continue
                what = f"{at} leaves are in {one.holder}, only {size} are there: the history was cut off"
                self._add(one.table, at, "", what)

    def _compare_cosignatures(self) -> None:
        keys = {witness.name: witness for witness in self._witnesses}
        for size, name, line in self._source.cosignatures():
            text, witness = self._texts.get(size), keys.get(name)
            try:
                if witness is None:
                    found = parts(signed("\n", line))[1]
                    if [who for who, _, _ in found] != [name]:
                        raise NoteInvalid(f"it is not one line of {name}")
                elif text is not None:
                    opened(signed(text, line), [witness])
            except (NoteInvalid, ValueError) as fault:
                self._add("cosignatures", size, "line", f"{name}: {fault}")

    # --- facts ------------------------------------------------------------------------------------

    def _compare_strays(self) -> None:
        """Facts that came to be among those that are sealed, and how many wait to be."""
        self.report.unsealed = self._source.facts_after(self._position)
        if self._source.facts_up_to(self._position) != self.report.facts or self.report.faults:
            for stream, version in self._source.strays(self._position, MOST_LISTED):
                what = "the row is older than the newest that is sealed, and is not"
                self.report.add(Fault("events", None, stream, version, "", what))


def _parsed(entry: bytes) -> dict[str, Any]:
    """What an entry says; nothing where it is none, or not in its one form."""
    try:
        value = json.loads(entry)
        return value if isinstance(value, dict) and canonical(value) == entry else {}
    except (ValueError, RecursionError):
        return {}


def _record(row: Kept) -> bytes:
    return row.stream_id.bytes + row.version.to_bytes(8, "big", signed=True) + row.hash


def cut(hashes: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
