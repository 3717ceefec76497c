"""The one hot statement, spoken to libpq directly.

psycopg's cursor costs about as much processor time as the call itself: it adapts each parameter, looks up its
own statement cache and waits in Python, taking the interpreter lock several times. Here the parameters are
encoded once, in binary, and one blocking call without the lock sends them and waits.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from eventsourcing.persistence import StoredEvent
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

from application.store import Effects, Provenance

_BINARY = 1
_JSONB_VERSION = b"\x01"
_encode = msgspec.json.Encoder().encode
_EFFECT_NAMES = tuple(field.name for field in fields(Effects))

NO_EFFECTS = Effects()


@dataclass(frozen=True)
class PendingEvent(StoredEvent):
    """An event on its way into the store; its id, made before any attempt, recognises it afterwards."""

    originator_id: UUID
    event_id: UUID
    schema_version: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that returns one bigint, with the name under which a connection keeps it prepared."""

    name: bytes
    sql: bytes
    formats: tuple[int, ...]

    @classmethod
    def calling(cls, function: str, *types: str) -> "Statement":
        """A call of a database function whose parameters have these types."""
        places = ", ".join(f"${n}::{kind}" for n, kind in enumerate(types, 1))
        name = f"recourse_{function}".encode()
        return cls(name, f"SELECT {function}({places})".encode(), (_BINARY,) * len(types))


_WHO = ("text", "text", "text", "uuid")
APPEND_FACT = Statement.calling(
    "append_fact", "uuid", "integer", "text", "bytea", "uuid", "smallint", *_WHO, "jsonb"
)
APPEND_FACTS = Statement.calling("append_facts", "jsonb", *_WHO, "jsonb")
ADD_FACT = Statement.calling("add_fact", "jsonb", *_WHO, "jsonb")


@dataclass(frozen=True, slots=True)
class AppendCall:
    """Events and effects, ready to be sent as often as it takes."""

    statement: Statement
    values: Sequence[Any]
    """Bytes or None; psycopg's own hint forgets that a parameter may be NULL."""

    @classmethod
    def of(cls, events: Sequence[PendingEvent], provenance: Provenance, effects: Effects) -> "AppendCall":
        """The call that records these; raises ValueError for text that UTF-8 cannot hold."""
        rest = _rest(provenance, effects)
        if len(events) > 1:
            return cls(APPEND_FACTS, (_facts_jsonb(events), *rest))
        (event,) = events
        one = (
            event.originator_id.bytes,
            event.originator_version.to_bytes(4),
            event.topic.encode(),
            event.state,
            event.event_id.bytes,
            event.schema_version.to_bytes(2),
        )
        return cls(APPEND_FACT, one + rest)

    @classmethod
    def adding(cls, events: Sequence[PendingEvent], provenance: Provenance, effects: Effects) -> "AppendCall":
        """The call that records the last one at the end of its stream, and the first if it begins it."""
        return cls(ADD_FACT, (_facts_jsonb(events), *_rest(provenance, effects)))


class AppendingConnection(psycopg.Connection[Any]):
    """A connection that prepares an append once and then only sends its values."""

    @cached_property
    def _known_statements(self) -> set[bytes]:
        return set()

    def append(self, call: AppendCall) -> int:
        """Send it as a transaction of its own and return the position; raises psycopg.Error."""
        statement = call.statement
        if statement.name not in self._known_statements:
            self._checked(self.pgconn.prepare(statement.name, statement.sql))
            self._known_statements.add(statement.name)
        try:
            return self._position(
                self.pgconn.exec_prepared(statement.name, call.values, statement.formats, _BINARY)
            )
        except InvalidSqlStatementName:
            # psycopg deallocates every statement after the rollback of somebody else's transaction.
            self._known_statements.clear()
            return self.append(call)

    def append_within(self, call: AppendCall) -> int:
        """Send it as part of the transaction that is open; raises psycopg.Error."""
        statement = call.statement
        return self._position(
            self.pgconn.exec_params(statement.sql, call.values, None, statement.formats, _BINARY)
        )

    def _position(self, result: PGresult) -> int:
        return int.from_bytes(self._checked(result).get_value(0, 0) or b"")

    def _checked(self, result: PGresult) -> PGresult:
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            return result
        error = error_from_result(result)
        if self.pgconn.status == ConnStatus.BAD and error.sqlstate is None:
            raise psycopg.OperationalError(str(error))
        raise error


def _rest(provenance: Provenance, effects: Effects) -> tuple[bytes | None, ...]:
    cause = provenance.causation_id
    return (
        provenance.actor_id.encode(),
        provenance.actor_role.encode(),
        provenance.request_id.encode(),
        None if cause is None else cause.bytes,
        None if effects is NO_EFFECTS else _effects_jsonb(effects),
    )


def _effects_jsonb(effects: Effects) -> bytes | None:
    rows = {name: value for name in _EFFECT_NAMES if (value := getattr(effects, name))}
    return _JSONB_VERSION + _encode(rows) if rows else None


def _facts_jsonb(events: Sequence[PendingEvent]) -> bytes:
    return _JSONB_VERSION + _encode(
        [
            {
                "id": event.originator_id,
                "version": event.originator_version,
                "topic": event.topic,
                "state": b64encode(event.state).decode(),
                "event": event.event_id,
                "schema": event.schema_version,
            }
            for event in events
        ]
    )
