"""Cursor pages: ordered by a time and an id, built as JSON by the database.

Every page is the text of `{"data": [...], "has_more": bool, "next_cursor": str | null}`. A cursor is opaque
to the client: base64url of the last row's time (microseconds since 1970, signed 64 bits) and id (16 bytes).
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import tuple_row

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200

_KEY = struct.Struct(">q16s")
_CURSOR_LENGTH = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadCursor(ValueError):
    """The cursor was not handed out by this API."""


class BadLimit(ValueError):
    """A page holds 1 to 200 rows."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: the ordering key of its last row."""

    at: datetime
    id: UUID

    def cursor(self) -> str:
        """The opaque form for clients."""
        micros = (self.at - _EPOCH) // timedelta(microseconds=1)
        return urlsafe_b64encode(_KEY.pack(micros, self.id.bytes)).decode()

    @classmethod
    def parse(cls, cursor: str) -> "Place":
        """The place that a client's cursor names; BadCursor for anything that `cursor` never returned."""
        if len(cursor) != _CURSOR_LENGTH or not cursor.isascii():
            raise BadCursor("not a cursor of this API")
        try:
            micros, key = _KEY.unpack(urlsafe_b64decode(cursor))
            place = cls(_EPOCH + timedelta(microseconds=micros), UUID(bytes=key))
        except (ValueError, OverflowError, struct.error) as error:
            raise BadCursor("not a cursor of this API") from error
        if place.cursor() != cursor:
            raise BadCursor("not a cursor of this API")
        return place


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of a read model: its table, what an item shows, and the order in which items come.

    `sometimes` names what an item shows only under a condition: the condition, then what is shown.
    """

    table: str
    item: Mapping[str, str]
    time: str
    id: str
    descending: bool = False
    sometimes: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def select(self, conditions: Sequence[str], rows: int) -> str:
        """The query of that many rows; its parameters are those of the conditions.

        The number stands in the text: as a parameter it would hide from the planner how few rows it is to
        find, and every page of a large table would be planned anew.
        """
        direction = " DESC" if self.descending else ""
        return (  # made of constants of this room; what clients send comes as parameters
            f"SELECT {self._shown()}::text, {self.time}, {self.id} FROM {self.table}"  # noqa: S608  # constants
            f" WHERE {' AND '.join(conditions) or 'true'}"
            f" ORDER BY {self.time}{direction}, {self.id}{direction} LIMIT {int(rows)}"
        )

    def _shown(self) -> str:
        """`stale` is shown only where it is true: the exact shapes of the API are without it."""
        shown = (
            f"CASE WHEN stale THEN {_object({**self.item, 'stale': 'true'})} ELSE {_object(self.item)} END"
        )
        for name, (when, what) in self.sometimes.items():
            more = f"CASE WHEN {when} THEN jsonb_build_object('{name}', {what}) ELSE '{{}}' END"
            shown = f"(({shown})::jsonb || {more})"
        return shown

    @property
    def after(self) -> str:
        """The condition that a row comes after the place."""
        return f"({self.time}, {self.id}) {'<' if self.descending else '>'} (%(after_at)s, %(after_id)s)"


def _object(item: Mapping[str, str]) -> str:
    pairs = ", ".join(f"'{key}', {value}" for key, value in item.items())
    return f"json_build_object({pairs})"


def page(
    connection: Connection[Any],
    listing: Listing,
    *,
    equal: Mapping[str, object],
    where: Sequence[str] = (),
    values: Mapping[str, object] | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    extra: str = "",
) -> bytes:
    """One page as JSON text.

    `equal` maps a column to the value that it must have, None meaning any; `where` are further SQL
    conditions; `values` are their parameters and those of the items; `extra` is JSON text put before
    the paging fields. Raises BadCursor and BadLimit.
    """
    if not 1 <= limit <= LARGEST_LIMIT:
        raise BadLimit("limit must be from 1 to 200")
    asked = {column: value for column, value in equal.items() if value is not None}
    conditions = [*(f"{column} = %({column})s" for column in asked), *where]
    parameters = {**asked, **(values or {})}
    if cursor is not None:
        place = Place.parse(cursor)
        conditions.append(listing.after)
        parameters |= {"after_at": place.at, "after_id": place.id}
    with connection.cursor(row_factory=tuple_row, binary=True) as rows:
        rows.execute(listing.select(conditions, limit + 1).encode(), parameters)
        return _envelope(rows.fetchall(), limit, extra)


def _envelope(rows: Sequence[tuple[str, datetime, UUID]], limit: int, extra: str) -> bytes:
    shown = rows[:limit]
    has_more = len(rows) > limit
    following = f'"{Place(*shown[-1][1:]).cursor()}"' if has_more else "null"
    data = ",".join(item for item, _, _ in shown)
    more = "true" if has_more else "false"
    return f'{{"data":[{data}],{extra}"has_more":{more},"next_cursor":{following}}}'.encode()
