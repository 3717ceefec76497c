"""What list reads use: a lent connection, waited for until a read model has come far enough."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg import Connection
from psycopg_pool import PoolTimeout

from application.errors import ServiceUnavailable
from application.store import StoreUnavailable
from infrastructure.event_store.connections import PATIENCE_SECONDS, Datastore
from infrastructure.event_store.failures import connection_lost, translated
from infrastructure.past import Past
from infrastructure.projection_supervisor import wait_for
from infrastructure.projection_tables import FirstRows, Table
from projections.read_model import ReadModel

T = TypeVar("T")

WAIT_SECONDS = 1.0
"""How long a read waits for a read model to show the caller's own command."""


class ReadModels:
    """Runs queries of read models. Safe to share between threads."""

    def __init__(self, datastore: Datastore) -> None:
        self._datastore = datastore
        self._past = Past(datastore)

    def read(
        self, model: ReadModel[Any], query: Callable[[Connection[Any]], T], min_position: int | None = None
    ) -> T:
        """The query's answer, from rows that hold at least the fact at `min_position`.

        Raises ServiceUnavailable: no database, or the rows did not come so far within WAIT_SECONDS.
        """
        try:
            if min_position is not None and not wait_for(self._borrow, model, min_position, WAIT_SECONDS):
                raise ServiceUnavailable
            return self._answered(query)
        except psycopg.Error as error:
            if isinstance(translated(error), StoreUnavailable):
                raise ServiceUnavailable from error
            raise

    def read_past(self, model: ReadModel[Any], query: Callable[[Connection[Any], str], T], at: datetime) -> T:
        """The query's answer of a table of that name, from what had happened at an instant in the past.

        Raises ServiceUnavailable.
        """
        return self._recalled(lambda connection: self._past.answered(connection, model, query, at))

    def rows_known(self, model: ReadModel[Any], at: datetime, limit: int) -> FirstRows:
        """A read model's first rows as they would have stood, had nothing been recorded after an instant.

        Raises ServiceUnavailable.
        """

        def first(connection: Connection[Any], table: str) -> FirstRows:
            return Table(model, table).first(connection, limit)

        return self._recalled(lambda connection: self._past.known(connection, model, first, at))

    def _recalled(self, query: Callable[[Connection[Any]], T]) -> T:
        try:
            return self._answered(query)
        except psycopg.Error as error:
            if isinstance(translated(error), StoreUnavailable):
                raise ServiceUnavailable from error
            raise

    def _answered(self, query: Callable[[Connection[Any]], T]) -> T:
        """A query changes nothing, so it is asked again of a new connection when an old one is lost."""
        give_up_at = monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._asked(query)
            except PoolTimeout:
                raise
            except psycopg.Error as error:
                if not connection_lost(error) or monotonic() > give_up_at:
                    raise

    def _asked(self, query: Callable[[Connection[Any]], T]) -> T:
        # Not `_borrow`: on an autocommit connection there is nothing to commit afterwards.
        connection = self._datastore.pool.getconn()
        try:
            return query(connection)
        finally:
            self._datastore.pool.putconn(connection)

    def _borrow(self) -> AbstractContextManager[Connection[Any]]:
        return self._datastore.pool.connection()
