"""The bytes of evidence in PostgreSQL: cut into chunks, each sealed to its place in a committing envelope."""

from datetime import datetime, timedelta
from uuid import UUID

from application.vault import CannotOpen
from domain.values import SealedFor
from infrastructure import envelope
from infrastructure.event_store.connections import Datastore
from infrastructure.statements import change, read
from infrastructure.vault import SCHEMA, PostgresVault

CHUNK_BYTES = 1024 * 1024
"""Written in a transaction of its own: a long one would hold back every reader of the facts (ADR 2)."""

PATIENCE = timedelta(hours=1)
"""How long bytes wait for the fact that tells of them."""

SWEPT_AT_ONCE = 100

PUT = (
    b"INSERT INTO blobs (case_id, blob_id, person, key_id, chunks) VALUES (%b, %b, %b, %b, %b)"
    b" RETURNING blob_id"
)
PUT_CHUNK = (
    b"INSERT INTO blob_chunks (case_id, blob_id, number, box) VALUES (%b, %b, %b, %b) RETURNING number"
)
SELECT_BLOB = b"SELECT person, key_id, chunks FROM blobs WHERE case_id = %b AND blob_id = %b AND kept"
SELECT_CHUNKS = b"SELECT box FROM blob_chunks WHERE case_id = %b AND blob_id = %b ORDER BY number"
SWEEP = (
    b"DELETE FROM blobs WHERE (case_id, blob_id) IN ("
    b" SELECT case_id, blob_id FROM blobs WHERE NOT kept AND created_at < %b LIMIT %b FOR UPDATE SKIP LOCKED)"
    b" RETURNING blob_id"
)


class PostgresBlobs:
    """Implements `application.blobs.Blobs`. Safe to share between threads."""

    def __init__(self, datastore: Datastore, vault: PostgresVault) -> None:
        self._datastore = datastore
        self._vault = vault

    def put(self, case_id: UUID, blob_id: UUID, person: SealedFor, data: bytes) -> None:
        """Keep these bytes, sealed, under a new id, until a fact tells of them or they are swept away."""
        key = self._vault.key_of(case_id, person)
        pieces = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]
        change(self._datastore, PUT, case_id, blob_id, person, key.key_id, len(pieces))
        for number, piece in enumerate(pieces):
            context = _context(case_id, blob_id, person, key.key_id, number, len(pieces))
            box = envelope.seal(key.secret, context, piece)
            change(self._datastore, PUT_CHUNK, case_id, blob_id, number, box)

    def get(self, case_id: UUID, blob_id: UUID) -> bytes | None:
        """The bytes, if a fact tells of them and their key was not destroyed. Raises CannotOpen."""
        rows = read(self._datastore, SELECT_BLOB, case_id, blob_id)
        if not rows:
            return None
        person, key_id, chunks = rows[0]
        secrets = {key.key_id: key.secret for key in self._vault.keys_of(case_id).values()}
        if key_id not in secrets:
            return None
        boxes = read(self._datastore, SELECT_CHUNKS, case_id, blob_id)
        try:
            if len(boxes) != chunks:
                raise envelope.Unopened
            return b"".join(
                envelope.open_box(
                    secrets[key_id], _context(case_id, blob_id, person, key_id, number, chunks), box
                )
                for number, (box,) in enumerate(boxes)
            )
        except envelope.Unopened:
            raise CannotOpen(f"bytes {blob_id} of case {case_id} are not what was sealed there") from None

    def sweep(self, at: datetime) -> int:
        """Remove bytes of which no fact came to tell within PATIENCE; how many pieces."""
        swept = 0
        while removed := len(change(self._datastore, SWEEP, at - PATIENCE, SWEPT_AT_ONCE)):
            swept += removed
        return swept


def _context(case_id: UUID, blob_id: UUID, person: str, key_id: UUID, number: int, chunks: int) -> bytes:
    """What a chunk is bound to: fixed widths, then the person. None can be moved or left out."""
    place = case_id.bytes + blob_id.bytes + key_id.bytes + number.to_bytes(2) + chunks.to_bytes(2)
    return b"blob\0" + bytes([SCHEMA]) + place + person.encode()
