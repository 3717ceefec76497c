"""Single statements of the parts around the event store, with one answer to a database that is away."""

from typing import Any

import psycopg
from psycopg.rows import TupleRow

from application.errors import ServiceUnavailable
from application.store import StoreUnavailable
from infrastructure.event_store.connections import Datastore
from infrastructure.event_store.failures import translated


def read(datastore: Datastore, statement: bytes, *params: Any) -> list[TupleRow]:
    """Rows of a statement that may be repeated when the connection is lost. Raises ServiceUnavailable."""
    try:
        return datastore.read(statement, params)
    except psycopg.Error as error:
        raise _answer(error) from error


def change(datastore: Datastore, statement: bytes, *params: Any) -> list[TupleRow]:
    """Rows that a statement returned, which is its own transaction and is sent once.

    Raises ServiceUnavailable; then it may have been carried out or not.
    """
    try:
        return datastore.call(statement, params)
    except psycopg.Error as error:
        raise _answer(error) from error


def _answer(error: psycopg.Error) -> Exception:
    return ServiceUnavailable() if isinstance(translated(error), StoreUnavailable) else error
