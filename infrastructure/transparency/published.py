"""What of the log everybody may be shown: what stands under its newest checkpoint, and the proofs of it."""

import json
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from threading import Event
from time import monotonic
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import scalar_row, tuple_row
from psycopg_pool import PoolTimeout

from application.errors import InvalidRequest, NotFound, ServiceUnavailable
from application.store import StoreUnavailable
from application.transparency import CaseProof, Entry, NotSealedYet, Tile
from infrastructure.event_store.connections import Datastore
from infrastructure.event_store.failures import connection_lost, translated
from infrastructure.transparency import bundle, entries
from infrastructure.transparency.bundle import Beginning, Proved
from infrastructure.transparency.case_map import MapProof, proof_of
from infrastructure.transparency.entries import COLUMNS, Stored
from infrastructure.transparency.tree import TILE_HEIGHT, TILE_WIDTH, Leaf, Log, NoLog, StoredTree, newest_log

T = TypeVar("T")

PATIENCE = timedelta(seconds=10)
"""How long one waits for a checkpoint: as long as the sealer may take to sign."""

PAUSE_SECONDS = 0.1

BEGINNINGS = 32
"""So many earlier checkpoints of the log lead to a case's proof, besides the one that the reader names."""

_FACTS = f"""
    SELECT {COLUMNS} FROM events WHERE originator_id = %s AND originator_version <= %s
    ORDER BY originator_version
"""  # noqa: S608  # the columns are a constant
_EARLIER = """
    SELECT size FROM transparency.checkpoints WHERE log = %s AND size < %s ORDER BY size DESC LIMIT %s
"""


class Head(NamedTuple):
    """The newest checkpoint of a tree."""

    tree: StoredTree
    size: int
    note: str

    @property
    def log(self) -> Log:
        """The log that it is of."""
        return self.tree.log

    def proved(self, number: int) -> Proved:
        """The leaf with its proof. Raises LookupError."""
        leaves = self.tree.leaves(number, number + 1)
        if not leaves or number >= self.size:
            raise LookupError(f"no leaf {number} under the checkpoint")
        return Proved(leaves[0], self.tree.inclusion_proof(number, self.size))


class PublishedLog:
    """Implements `application.transparency.TransparencyLog`. Safe to share between threads.

    Every answer comes from one snapshot of the database.
    """

    def __init__(self, datastore: Datastore, *, patience: timedelta = PATIENCE) -> None:
        self._datastore = datastore
        self._patience = patience.total_seconds()

    def checkpoint(self) -> str:
        """The newest checkpoint with its cosignatures. Raises NotFound and ServiceUnavailable."""
        return self._answered(lambda connection: head(connection).note)

    def tile(self, tile: Tile) -> bytes:
        """A tile or a bundle of entries under that checkpoint. Raises NotFound and ServiceUnavailable."""
        return self._answered(lambda connection: published_tile(head(connection), tile))

    def entry(self, number: int) -> Entry:
        """One entry under that checkpoint. Raises NotFound and ServiceUnavailable."""

        def found(connection: Connection[Any]) -> Entry:
            newest = head(connection)
            if number >= newest.size:
                raise NotFound("log_entry")
            proved = newest.proved(number)
            return Entry(number, proved.leaf.entry.decode(), bundle.tlog_proof(proved, newest.note))

        return self._answered(found)

    def case_proof(self, case_id: UUID, version: int, shown: Collection[int], since: int | None) -> CaseProof:
        """The proof of a case, as soon as the newest checkpoint covers this version of it.

        Raises NotSealedYet, InvalidRequest and ServiceUnavailable.
        """

        def made(connection: Connection[Any]) -> CaseProof:
            try:
                newest = head(connection)
            except NotFound:
                raise NotSealedYet("the log has no checkpoint yet; does the sealer run?") from None
            return _case_proof(newest, connection, case_id, version, shown, since)

        return self._awaited(lambda: self._answered(made))

    def _awaited(self, attempt: Callable[[], T]) -> T:
        """What comes of the first attempt that nothing hinders; the last hindrance, when patience ends."""
        give_up_at, pause = monotonic() + self._patience, Event()
        while True:
            try:
                return attempt()
            except NotSealedYet:
                if monotonic() > give_up_at:
                    raise
            pause.wait(PAUSE_SECONDS)

    def _answered(self, query: Callable[[Connection[Any]], T]) -> T:
        try:
            try:
                return self._asked(query)
            except psycopg.Error as error:
                if isinstance(error, PoolTimeout) or not connection_lost(error):
                    raise
                return self._asked(query)
        except psycopg.Error as error:
            if isinstance(translated(error), StoreUnavailable):
                raise ServiceUnavailable from error
            raise

    def _asked(self, query: Callable[[Connection[Any]], T]) -> T:
        with self._datastore.pool.connection() as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return query(connection)


def head(connection: Connection[Any]) -> Head:
    """The newest checkpoint. Raises NotFound before the first, and psycopg.Error."""
    try:
        tree = StoredTree(connection, newest_log(connection))
    except NoLog:
        raise NotFound("log_checkpoint") from None
    newest = tree.note()
    if newest is None:
        raise NotFound("log_checkpoint")
    return Head(tree, *newest)


def published_tile(newest: Head, tile: Tile) -> bytes:
    """What https://c2sp.org/tlog-tiles has at a tile's path under this checkpoint. Raises NotFound."""
    level = tile.level or 0
    if (newest.size >> level * TILE_HEIGHT) < tile.number * TILE_WIDTH + tile.width:
        raise NotFound("log_tile")
    if tile.level is not None:
        return newest.tree.tile(level, tile.number, tile.width)
    first = tile.number * TILE_WIDTH
    found = newest.tree.leaves(first, first + tile.width)
    return b"".join(len(leaf.entry).to_bytes(2, "big") + leaf.entry for leaf in found)


def _case_proof(
    newest: Head,
    connection: Connection[Any],
    case_id: UUID,
    version: int,
    shown: Collection[int],
    since: int | None,
) -> CaseProof:
    case_map = newest.proved(newest.size - 1)
    proof = _map_proof(newest, connection, case_id, version, case_map.leaf)
    leaves = [leaf for leaf in newest.tree.of_stream(case_id) if leaf.number < newest.size]
    records = _records(connection, case_id, proof.head.version)
    events = [
        bundle.event(
            Proved(leaf, newest.tree.inclusion_proof(leaf.number, newest.size)),
            records.get(leaf.version),
            leaf.version in shown,
        )
        for leaf in leaves
    ]
    beginnings = _beginnings(newest, connection, since)
    made = bundle.document(
        newest.log, case_id, newest.note, events, bundle.case_map(case_map, proof), beginnings
    )
    return CaseProof(proof.head.version, made)


def _map_proof(
    newest: Head, connection: Connection[Any], case_id: UUID, version: int, case_map: Leaf
) -> MapProof:
    """The proof in the case map that is the last leaf under the checkpoint. Raises NotSealedYet."""
    try:
        proof = proof_of(connection, newest.log, case_id)
    except LookupError as missing:
        raise NotSealedYet(f"{missing}; does the sealer run?") from None
    if not proof.leads_to(bytes.fromhex(json.loads(case_map.entry).get("root", ""))):
        raise NotSealedYet(
            "the case map is not that of the newest checkpoint: the sealer does not run, or it was changed"
        )
    if proof.head.version < version:
        raise NotSealedYet(
            f"the newest checkpoint covers version {proof.head.version} of case {case_id}, and not {version};"
            " does the sealer run?"
        )
    return proof


def _records(connection: Connection[Any], case_id: UUID, version: int) -> dict[int | None, bytes]:
    with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
        rows = cursor.execute(_FACTS.encode(), (case_id, version)).fetchall()
    return {stored.version: entries.record(stored) for stored in (Stored(*row) for row in rows)}


def _beginnings(newest: Head, connection: Connection[Any], since: int | None) -> Iterator[Beginning]:
    """The proofs from recent checkpoints, and from the reader's own, to this one; newer ones first."""
    if since is not None and since > newest.size:
        raise InvalidRequest("/since", f"the log has {newest.size} leaves under its newest checkpoint")
    with connection.cursor(row_factory=scalar_row) as cursor:
        sizes = cursor.execute(_EARLIER, (newest.log.number, newest.size, BEGINNINGS)).fetchall()
    for size in sorted({*sizes, *([] if since in (None, newest.size) else [since])}, reverse=True):
        proof = newest.tree.consistency_proof(size, newest.size)
        yield Beginning(size, newest.tree.root(size), proof)
