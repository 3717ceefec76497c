"""The log of facts without those of who saw what, page by page in the order of its primary key."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg

from application.audit import Logged
from application.errors import ServiceUnavailable
from application.store import StoreUnavailable
from domain.events import FACTS
from infrastructure.event_store.connections import Datastore
from infrastructure.event_store.failures import translated
from infrastructure.mapper import FactMapper

PAGE = 5_000

SELECT_BOUND = b"SELECT safe_position()"
SELECT_SIZE = b"SELECT count(*) FROM events WHERE NOT topic = ANY(%b)"
SELECT_PAGE = (
    b"SELECT originator_id, originator_version, topic, state, actor_role FROM events"
    b" WHERE (originator_id, originator_version) > (%b, %b) AND position < %b AND NOT topic = ANY(%b)"
    b" ORDER BY originator_id, originator_version LIMIT %b"
)
BEFORE_ALL = UUID(int=0)
LOOKS = sorted(name for name, fact in FACTS.items() if fact.OF == "AccessLog")
"""Who saw what decides nothing, and is more than all the rest."""


class StoredFacts:
    """Implements `application.audit.FactLog`. Each page is a read of its own: nothing is held open."""

    def __init__(self, datastore: Datastore, *, page: int = PAGE) -> None:
        self._datastore = datastore
        self._page = page
        self._decode = FactMapper().decode

    def size(self) -> int:
        """How many facts the log holds now. Raises ServiceUnavailable."""
        ((amount,),) = self._read(SELECT_SIZE, LOOKS)
        return int(amount)

    def streams(self) -> Iterator[Logged]:
        """Every fact that is final now, stream by stream. Raises ServiceUnavailable."""
        ((bound,),) = self._read(SELECT_BOUND)
        last: tuple[UUID, int] = (BEFORE_ALL, 0)
        while rows := self._read(SELECT_PAGE, *last, bound, LOOKS, self._page):
            for stream, version, topic, state, role in rows:
                yield Logged(self._decode(topic, state, stream, version), role)
            last = (rows[-1][0], rows[-1][1])

    def _read(self, statement: bytes, *values: Any) -> list[tuple[Any, ...]]:
        try:
            return self._datastore.read(statement, values)
        except psycopg.Error as error:
            if isinstance(translated(error), StoreUnavailable):
                raise ServiceUnavailable from error
            raise
