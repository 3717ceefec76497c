"""Pooled connections to PostgreSQL that outlive a restart of the database."""

import os
from collections.abc import Sequence
from functools import cached_property
from time import monotonic
from typing import Any

import psycopg
from eventsourcing.postgres import PostgresDatastore
from psycopg.rows import TupleRow, dict_row, tuple_row
from psycopg_pool import ConnectionPool

from infrastructure.event_store.append_call import AppendCall, AppendingConnection
from infrastructure.event_store.failures import connection_lost

PATIENCE_SECONDS = 2.5
"""How long a caller waits for a connection, and for a lost one to come back."""

RECONNECT_SECONDS = 2.0
"""How long the pool's own attempts back off; then the next caller starts a fresh one."""

SILENCE_SETTINGS: dict[str, Any] = {
    "connect_timeout": 3,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
"""libpq's. A server that vanishes without a word is given up after some ten seconds, also by whoever has sent
everything and only waits for the answer: without the last three, the system's two hours would apply."""

SESSION_SETTINGS = {
    "lock_timeout": "1s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
    "timezone": "UTC",
    "client_encoding": "UTF8",
}
"""An open write transaction holds back every reader in the cluster, so none may dawdle. Times and text come
in one form, whatever the server's default is."""


class KeptCursorConnection(AppendingConnection):
    """A connection with one cursor for short calls: making a cursor costs as much as a small call."""

    @cached_property
    def kept_cursor(self) -> psycopg.Cursor[TupleRow]:
        """Tuple rows, binary results; whoever borrowed the connection has it for itself."""
        return self.cursor(binary=True, row_factory=tuple_row)


class Datastore(PostgresDatastore):
    """A pool of autocommit connections to one database, for our recorder and for the library's.

    Belongs to the process that made it: build it after fork.
    """

    def __init__(self, url: str, *, pool_size: int, max_overflow: int) -> None:
        super().__init__(dbname="", host="", port="", user="", password="")
        self.url = url
        self._process_id = os.getpid()
        self.pool = ConnectionPool(  # type: ignore[assignment]  # the library's own subclass adds only passwords
            url,
            connection_class=KeptCursorConnection,
            kwargs={"autocommit": True, "row_factory": dict_row, **SILENCE_SETTINGS},
            min_size=pool_size,
            max_size=pool_size + max_overflow,
            open=False,
            configure=_set_session,
            timeout=PATIENCE_SECONDS,
            reconnect_timeout=RECONNECT_SECONDS,
            name="event-store",
        )

    def call(
        self, statement: bytes, params: Sequence[Any], *, wait: float = PATIENCE_SECONDS
    ) -> list[TupleRow]:
        """Run one prepared statement as its own transaction; raises psycopg.Error, PoolTimeout included."""
        connection = self._borrow(wait)
        try:
            return connection.kept_cursor.execute(statement, params, prepare=True).fetchall()
        finally:
            self.pool.putconn(connection)

    def append(self, call: AppendCall, wait: float) -> int:
        """Send it once, as its own transaction; the position. Raises psycopg.Error, PoolTimeout included."""
        connection = self._borrow(wait)
        try:
            return connection.append(call)
        finally:
            self.pool.putconn(connection)

    def _borrow(self, wait: float) -> KeptCursorConnection:
        if os.getpid() != self._process_id:
            raise RuntimeError("built before fork: build the application in the process that uses it")
        return self.pool.getconn(wait)  # type: ignore[return-value]

    def read(self, statement: bytes, params: Sequence[Any] = ()) -> list[TupleRow]:
        """`call` what may be repeated: a lost connection is replaced, for PATIENCE_SECONDS."""
        give_up_at = monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.call(statement, params, wait=give_up_at - monotonic())
            except psycopg.Error as error:
                if not connection_lost(error) or monotonic() > give_up_at:
                    raise


def _set_session(connection: psycopg.Connection[Any]) -> None:
    for name, value in SESSION_SETTINGS.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
