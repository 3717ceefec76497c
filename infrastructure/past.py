"""A read model as it would have stood in the past: folded from the log by its own steps, for one query.

Its table is a temporary one, seen by its connection alone: it is gone afterwards, also when the process is.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, TypeVar
from uuid import UUID

from psycopg import Connection, sql

from domain.events import Fact
from infrastructure.event_store.connections import Datastore
from infrastructure.mapper import FactMapper
from infrastructure.projection_tables import Table
from projections.read_model import ReadModel, Rows

T = TypeVar("T")
Stored = tuple[UUID, int, str, bytes]

PAGE = 5_000

log = logging.getLogger(__name__)

SELECT_BOUND = b"SELECT safe_position()"
SELECT_PAGE = (
    b"SELECT originator_id, originator_version, topic, state FROM events"
    b" WHERE (originator_id, originator_version) > (%b, %b) AND position < %b AND topic = ANY(%b)"
    b" AND recorded_at <= %b ORDER BY originator_id, originator_version LIMIT %b"
)
BEFORE_ALL = UUID(int=0)
EVER = datetime.max.replace(tzinfo=UTC)


class Past:
    """Reads the log page by page, so that memory does not grow with it. Nothing is held open meanwhile.

    The log is read whole for every answer: 200,000 facts in some two seconds (docs/performance.md).
    """

    def __init__(self, datastore: Datastore, *, page: int = PAGE) -> None:
        self._datastore = datastore
        self._page = page
        self._decode = FactMapper().decode

    def answered(
        self,
        connection: Connection[Any],
        model: ReadModel[Any],
        query: Callable[[Connection[Any], str], T],
        at: datetime,
    ) -> T:
        """What the query answers of the named table, which holds what happened up to `at` and nothing else.

        The connection must be in autocommit: a long transaction would hold back every reader of facts. Raises
        psycopg.Error.
        """
        return self._asked(connection, model, query, happened=at, recorded=EVER)

    def known(
        self,
        connection: Connection[Any],
        model: ReadModel[Any],
        query: Callable[[Connection[Any], str], T],
        at: datetime,
    ) -> T:
        """The same of a table that holds what was recorded up to `at`, whenever it happened.

        It stands as the live one would have, had the log ended there. Raises psycopg.Error.
        """
        return self._asked(connection, model, query, happened=EVER, recorded=at)

    def _asked(
        self,
        connection: Connection[Any],
        model: ReadModel[Any],
        query: Callable[[Connection[Any], str], T],
        *,
        happened: datetime,
        recorded: datetime,
    ) -> T:
        table = Table(model, f"{model.name}_then")
        name, live = sql.Identifier(table.name), sql.Identifier(model.table)
        connection.execute(sql.SQL("CREATE TEMP TABLE {} (LIKE {} INCLUDING ALL)").format(name, live))
        try:
            for page in self._pages(model, recorded):
                self._fill(connection, table, page, happened)
            return query(connection, table.name)
        finally:
            connection.execute(sql.SQL("DROP TABLE {}").format(name))

    def _pages(self, model: ReadModel[Any], recorded: datetime) -> Iterator[list[Stored]]:
        """The final facts that the read model folds, stream by stream; a page ends with a stream.

        Each stream comes in the order of its positions; a row tells of one stream, so no other order matters.
        """
        ((bound,),) = self._datastore.read(SELECT_BOUND)
        topics = sorted(fact.TOPIC for fact in model.steps)
        last: tuple[UUID, int] = (BEFORE_ALL, 0)
        begun: list[Stored] = []
        while rows := self._datastore.read(SELECT_PAGE, (*last, bound, topics, recorded, self._page)):
            last = (rows[-1][0], rows[-1][1])
            whole = [*begun, *rows]
            begun = [row for row in whole if row[0] == last[0]]
            yield whole[: len(whole) - len(begun)]
        yield begun

    def _fill(self, connection: Connection[Any], table: Table[Any], page: list[Stored], at: datetime) -> None:
        rows: list[Any] = []
        failed: list[UUID] = []
        for stream, stored in groupby(page, key=lambda row: row[0]):
            folded: Rows[Any] = {}
            try:
                for fact in self._until(stored, at):
                    folded = table.model.fold(folded, fact)
            except Exception:  # as the projector parks such a stream, and shows its rows as stale
                log.exception("%s: stream %s cannot be folded", table.name, stream)
                failed.append(stream)
            rows += folded.values()
        table.write(connection, rows, [])
        if failed:
            table.mark_stale(connection, failed)

    def _until(self, stored: Iterator[Stored], at: datetime) -> Iterator[Fact]:
        for stream, version, topic, state in stored:
            fact = self._decode(topic, state, stream, version)
            if fact.timestamp <= at:
                yield fact
