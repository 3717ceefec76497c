"""Finds cases by a truncated digest of what stands sealed in them."""

from uuid import UUID

from infrastructure.event_store.connections import Datastore
from infrastructure.statements import read

BEFORE_ALL = UUID(int=0)
SELECT_CASES = (
    b"SELECT case_id FROM vault.blind_index WHERE kind = %s AND digest = %s AND case_id > %s"
    b" ORDER BY case_id LIMIT %s"
)


class StoredBlindIndex:
    """Implements `application.phone_search.BlindIndex`. Safe to share between threads."""

    def __init__(self, datastore: Datastore) -> None:
        self._datastore = datastore

    def candidates(self, kind: str, digest: bytes, after: UUID | None, limit: int) -> list[UUID]:
        """The cases with this digest behind `after`, in the order of their ids. Raises ServiceUnavailable."""
        rows = read(self._datastore, SELECT_CASES, kind, digest, after or BEFORE_ALL, limit)
        return [case_id for (case_id,) in rows]
