"""Appends every fact to the log in its safe order, and signs the log's head.

The one writer of the log, and the only holder of its key. What it signs it first compares with the checkpoint
that it keeps in a file outside the database: a history that is no continuation of that is never signed, be it
rewritten or an older backup. Everything is committed before it is signed.
"""

import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import scalar_row, tuple_row

from domain.merkle import leaf_hash
from infrastructure.projector import connected
from infrastructure.transparency import entries, signing
from infrastructure.transparency.case_map import CaseMap
from infrastructure.transparency.entries import COLUMNS, SALT_BYTES, Stored
from infrastructure.transparency.notes import Checkpoint, Signer, Verifier, signed
from infrastructure.transparency.signing import KeptCheckpoint, LogKeyRefused
from infrastructure.transparency.tree import Frontier, Log, NoLog, StoredTree, newest_log

log = logging.getLogger(__name__)

BATCH = 1_000
PAUSE = 0.15
"""Seconds between two looks for new facts: a leaf follows its fact within a second, by few commits."""

CHECKPOINT_EVERY = timedelta(seconds=2)
"""How long what is new may wait for its checkpoint while more is coming; at most 10 s are promised."""

OUTAGE_PAUSE = 2.0

ADVISORY_LOCK = 7_302_614_950
"""Of the one sealer of a database, wherever it runs; any number that nothing else uses."""

_LAST_POSITION = """
    SELECT position FROM transparency.leaves
    WHERE log = %s AND position IS NOT NULL ORDER BY index DESC LIMIT 1
"""
_FACTS = f"""
    SELECT {COLUMNS} FROM events WHERE position > %s AND position < %s ORDER BY position LIMIT %s
"""  # noqa: S608  # the columns are a constant
_PREVIOUS = """
    SELECT leaves.stream_id, leaves.hash
    FROM unnest(%s::uuid[], %s::integer[]) AS wanted (stream_id, version)
    JOIN transparency.leaves ON leaves.log = %s
     AND leaves.stream_id = wanted.stream_id AND leaves.version = wanted.version
"""
_PUT_LEAVES = """
    COPY transparency.leaves (log, index, stream_id, version, position, salt, entry, hash)
    FROM STDIN (FORMAT BINARY)
"""
_LEAF_TYPES = ("int2", "int8", "uuid", "int4", "int8", "bytea", "bytea", "bytea")
_PUT_TILES = """
    INSERT INTO transparency.tiles (log, level, index, hashes, root)
    SELECT %s, * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[], %s::bytea[])
"""
_PUT_CHECKPOINT = """
    INSERT INTO transparency.checkpoints (log, size, note, signed_at) VALUES (%s, %s, %s, clock_timestamp())
    ON CONFLICT (log, size) DO NOTHING
"""
_PUT_LOG = """
    INSERT INTO transparency.logs (log, origin, vkey, opened_at)
    VALUES (%s, %s, %s, clock_timestamp())
"""

_TELL = """
    INSERT INTO transparency.sealer_state (reason, detail, since) VALUES (%s, %s, clock_timestamp())
    ON CONFLICT (single) DO UPDATE
        SET (reason, detail, since) = (EXCLUDED.reason, EXCLUDED.detail, EXCLUDED.since)
"""

Row = tuple[UUID | None, int | None, int | None, bytes | None, bytes, bytes]
"""Of a leaf: stream, version, position, salt, entry, hash."""


FIND = "to find where: recourse audit verify"


class NotAnExtension(Exception):
    """What the database holds is no continuation of the checkpoint that was signed last."""


class AnotherSealer(Exception):
    """Another process seals this log."""


REASONS: dict[type[Exception], str] = {
    LogKeyRefused: "log_key_refused",
    NotAnExtension: "history_refused",
    AnotherSealer: "another_sealer",
    OSError: "files_unusable",
    psycopg.Error: "database_error",
}
"""What hinders sealing, as everybody may know it; the whole reason is for those who run the service."""

HINDRANCES = tuple(REASONS)


def _random_salt() -> bytes:
    return os.urandom(SALT_BYTES)


class Sealer:
    """Follows the log of facts. Belongs to one thread; `close` it.

    `seal` and `sign` raise LogKeyRefused, NotAnExtension, AnotherSealer, OSError and psycopg.Error.
    """

    def __init__(
        self,
        url: str,
        home: Path,
        *,
        origin: Callable[[], str],
        key_file: Path | None = None,
        salt: Callable[[], bytes] = _random_salt,
        batch: int = BATCH,
        sign_every: timedelta = CHECKPOINT_EVERY,
    ) -> None:
        """`home` holds the kept checkpoint, and the key unless `key_file` does; `origin` names a new log."""
        self._url = url
        self._key_path = key_file or home / signing.KEY_FILE
        self._kept = KeptCheckpoint(home / signing.KEPT_FILE)
        self._new_origin = origin
        self._salt = salt
        self._batch = batch
        self._sign_every = sign_every.total_seconds()
        self._connection: Connection[Any] | None = None
        self._state: _State | None = None
        self._hold: ExitStack | None = None
        self._unsigned_since: float | None = None

    def run(self, stop: Event) -> None:
        """Seal and sign until `stop` is set; what hinders is told once, waited for and tried again.

        Raises psycopg.errors.UndefinedTable when the database is not up to date.
        """
        pause, told = 0.0, "nothing yet"
        while not stop.wait(pause):
            try:
                found, hindrance = self._turn(), None
            except psycopg.errors.UndefinedTable:
                raise
            except HINDRANCES as error:
                found, hindrance = 0, error
            if told != str(hindrance):
                self._tell(hindrance)
                told = str(hindrance)
            pause = OUTAGE_PAUSE if hindrance else 0.0 if found == self._batch else PAUSE
        self.close()

    def _turn(self) -> int:
        found, now = self.seal(), monotonic()
        if self.unsigned and self._unsigned_since is None:
            self._unsigned_since = now
        if self._unsigned_since is not None and now - self._unsigned_since >= self._sign_every:
            self.sign()
            self._unsigned_since = None
        return found

    def _tell(self, hindrance: Exception | None) -> None:
        """Say whether it is sealed, in the log and, for all who ask, in the database as far as it answers."""
        if hindrance is None:
            log.info("the log is sealed")
        else:
            log.error("the log is not sealed: %s", hindrance)
        if not isinstance(hindrance, AnotherSealer):  # that one tells of itself
            reason = next((code for kind, code in REASONS.items() if isinstance(hindrance, kind)), None)
            with suppress(psycopg.Error), connected(self._url, "recourse sealer") as connection:
                connection.execute(_TELL, (reason, str(hindrance or "")))

    def catch_up(self) -> Checkpoint | None:
        """Seal everything that is final and sign it; the newest checkpoint. Raises as `seal` and `sign`."""
        while self.seal():
            pass
        return self.sign()

    def seal(self) -> int:
        """Append the next facts that are final; return how many that were."""
        with self._begun_anew_after_failing():
            return self._sealed(self._ready())

    def sign(self) -> Checkpoint | None:
        """Append a case map if anything is new, and sign; the newest checkpoint, None of an empty log."""
        with self._begun_anew_after_failing():
            return self._signed(self._ready())

    @property
    def unsigned(self) -> bool:
        """Whether leaves stand there that no checkpoint covers."""
        return self._state is not None and self._state.frontier.size > self._state.signed_size

    def close(self) -> None:
        """Let another sealer take over."""
        self._drop()
        if self._hold is not None:
            self._hold.close()
            self._hold = None

    # --- state ------------------------------------------------------------------------------------

    @contextmanager
    def _begun_anew_after_failing(self) -> Iterator[None]:
        try:
            yield
        except LookupError as missing:
            self._drop()
            raise NotAnExtension(f"leaves or tiles are missing, {missing}; {FIND}") from missing
        except BaseException:
            self._drop()
            raise

    def _ready(self) -> "_State":
        if self._state is None:
            if self._hold is None:
                self._hold = ExitStack()
                self._hold.enter_context(hold(self._kept.path.parent))
            self._connection = connected(self._url, "recourse sealer")
            self._take_database(self._connection)
            self._state = self._loaded(self._connection)
        return self._state

    def _take_database(self, connection: Connection[Any]) -> None:
        """One sealer at a time also where several have a home of their own."""
        with connection.cursor(row_factory=scalar_row) as cursor:
            if not cursor.execute("SELECT pg_try_advisory_lock(%s)", (ADVISORY_LOCK,)).fetchone():
                raise AnotherSealer(AnotherSealer.__doc__)

    def _loaded(self, connection: Connection[Any]) -> "_State":
        signer, known = self._identity(connection)
        tree = StoredTree(connection, known)
        size = tree.size()
        kept = self._kept.read(known.verifier)
        newest = tree.note()
        if kept is None and newest is not None:
            raise LogKeyRefused(f"there is no kept checkpoint {self._kept.path}; put your copy of it there")
        compare(tree, kept)
        signed_size = 0 if newest is None else newest[0]
        if signed_size > size:
            raise NotAnExtension(f"a checkpoint of {signed_size} leaves stands over {size} leaves; {FIND}")
        with connection.cursor(row_factory=scalar_row) as cursor:
            position = cursor.execute(_LAST_POSITION, (known.number,)).fetchone() or 0
        frontier = Frontier.of(tree, size)
        return _State(known, signer, frontier, CaseMap(connection, known), position, signed_size)

    def _identity(self, connection: Connection[Any]) -> tuple[Signer, Log]:
        """The key and the log that it signs; the first time, both are made."""
        try:
            known = newest_log(connection)
        except NoLog:
            signing.create(self._key_path, self._new_origin())
            signer = signing.load(self._key_path)
            connection.execute(_PUT_LOG, (1, signer.name, signer.verifier.vkey))
            known = newest_log(connection)
        return signing.of_log(self._key_path, known.verifier), known

    def _drop(self) -> None:
        self._state = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # --- appending --------------------------------------------------------------------------------

    def _sealed(self, state: "_State") -> int:
        connection = self._open()
        with connection.cursor(row_factory=scalar_row) as cursor:
            bound = cursor.execute("SELECT safe_position()").fetchone()
        with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
            rows = cursor.execute(_FACTS.encode(), (state.position, bound, self._batch)).fetchall()
        if not rows:
            return 0
        facts = [Stored(*row) for row in rows]
        with connection.transaction():
            self._append(state, list(self._leaves(state, facts)))
        state.position = facts[-1].position
        return len(facts)

    def _leaves(self, state: "_State", facts: list[Stored]) -> Iterator[Row]:
        heads = self._heads_before(state, facts)
        for fact in facts:
            salt = self._salt()
            entry = entries.of_fact(fact, salt, heads.get(fact.stream_id), state.log.origin)
            heads[fact.stream_id] = found = leaf_hash(entry)
            yield fact.stream_id, fact.version, fact.position, salt, entry, found

    def _heads_before(self, state: "_State", facts: list[Stored]) -> dict[UUID, bytes]:
        first: dict[UUID, int] = {}
        for fact in facts:
            first.setdefault(fact.stream_id, fact.version - 1)
        values = (list(first), list(first.values()), state.log.number)
        with self._open().cursor(row_factory=tuple_row, binary=True) as cursor:
            return dict(cursor.execute(_PREVIOUS.encode(), values).fetchall())

    def _append(self, state: "_State", rows: list[Row]) -> None:
        first = state.frontier.size
        tiles = [tile for row in rows for tile in state.frontier.append(row[-1])]
        with self._open().cursor() as cursor, cursor.copy(_PUT_LEAVES) as copy:
            copy.set_types(_LEAF_TYPES)
            for index, row in enumerate(rows, first):
                copy.write_row((state.log.number, index, *row))
        if tiles:
            self._open().execute(_PUT_TILES, (state.log.number, *map(list, zip(*tiles, strict=True))))

    # --- signing ----------------------------------------------------------------------------------

    def _signed(self, state: "_State") -> Checkpoint | None:
        connection = self._open()
        if state.frontier.size > state.signed_size:
            with connection.transaction():
                self._append_map(state)
        if not state.frontier.size:
            return None
        tree = StoredTree(connection, state.log)
        size = state.frontier.size
        compare(tree, self._kept.read(state.log.verifier))
        head = Checkpoint(state.log.origin, size, tree.root(size))
        if head.root != state.frontier.root():
            raise NotAnExtension(f"the leaves of log {head.origin} were changed since they were appended")
        if size > state.signed_size:
            note = signed(head.text, state.signer.line(head.text))
            self._kept.write(note)
            connection.execute(_PUT_CHECKPOINT, (state.log.number, size, note))
            state.signed_size = size
        return head

    def _append_map(self, state: "_State") -> None:
        size = state.frontier.size
        root = state.map.advance(state.signed_size, size)
        with self._open().cursor(row_factory=scalar_row) as cursor:
            at: datetime = cursor.execute("SELECT clock_timestamp()").fetchone()  # type: ignore[assignment]
        entry = entries.of_map(root, state.map.streams, size, at, state.log.origin)
        self._append(state, [(None, None, None, None, entry, leaf_hash(entry))])

    def _open(self) -> Connection[Any]:
        if self._connection is None:
            raise RuntimeError("the sealer is closed")
        return self._connection


class _State:
    """What the sealer knows while it holds the log."""

    def __init__(
        self,
        known: Log,
        signer: Signer,
        frontier: Frontier,
        case_map: CaseMap,
        position: int,
        signed_size: int,
    ) -> None:
        self.log = known
        self.signer = signer
        self.frontier = frontier
        self.map = case_map
        self.position = position
        self.signed_size = signed_size


@contextmanager
def hold(home: Path) -> Iterator[None]:
    """What belongs to the log in a home, to ourselves. Raises AnotherSealer and OSError."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open((home / signing.KEPT_FILE).with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise AnotherSealer(AnotherSealer.__doc__) from None
    finally:
        os.close(lock)


def compare(tree: StoredTree, kept: Checkpoint | None) -> None:
    """Check that a stored tree continues a checkpoint. Raises NotAnExtension and psycopg.Error."""
    if kept is None:
        return
    try:
        found = tree.root(kept.size)
    except LookupError:
        if tree.size() >= kept.size:
            raise NotAnExtension(f"leaves or tiles of log {kept.origin} are missing; {FIND}") from None
        raise NotAnExtension(
            f"the database holds {tree.size()} leaves of log {kept.origin}, but {kept.size} were signed:"
            " it is older than the kept checkpoint; put back the newer database, or: recourse audit reopen"
        ) from None
    if found != kept.root:
        raise NotAnExtension(
            f"the first {kept.size} leaves of log {kept.origin} are not those that were signed:"
            f" the history was rewritten; {FIND}"
        )


def identity(url: str) -> Verifier:
    """The key that signs the log of a database. Raises NoLog and psycopg.Error."""
    with connected(url, "recourse") as connection:
        return newest_log(connection).verifier
