"""A read model's table: made, loaded, written, compared. Rows travel as JSON, typed by the row's class."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic
from uuid import UUID

import msgspec
from psycopg import Connection, sql
from psycopg.rows import dict_row, scalar_row, tuple_row

from projections.read_model import R, ReadModel, Rows

_encode = msgspec.json.Encoder().encode

SHOWN_DIFFERENCES = 10


@dataclass(frozen=True, slots=True)
class Difference:
    """In what a table of a read model differs from another one: rows, and up to ten of their cases.

    missing: rows that it lacks · extra: rows that the other one lacks.
    """

    missing: int
    extra: int
    changed: int
    cases: tuple[UUID, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.changed)


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The first rows of a table, in the order of their keys, and how many it has in all."""

    rows: list[dict[str, Any]]
    total: int


@dataclass(frozen=True)
class Table(Generic[R]):
    """One physical table of a read model; `name` tells the live one from those that are being filled."""

    model: ReadModel[R]
    name: str

    @property
    def _identifier(self) -> sql.Identifier:
        return sql.Identifier(self.name)

    @property
    def _key(self) -> sql.Identifier:
        return sql.Identifier(self.model.row.KEY)

    @property
    def _source(self) -> sql.Identifier:
        return sql.Identifier(self.model.row.SOURCE)

    @property
    def _fields(self) -> tuple[str, ...]:
        return self.model.row.__struct_fields__

    def _columns(self, of: str | None = None) -> sql.Composed:
        path = (of,) if of else ()
        return sql.SQL(", ").join(sql.Identifier(*path, field) for field in self._fields)

    def create(self, connection: Connection[Any]) -> None:
        """Make the table with its indexes, which are there before the first row.

        An index built over many rows is a long write transaction: it holds back every reader of facts.
        """
        columns = sql.SQL(self.model.columns)
        connection.execute(
            sql.SQL(
                "CREATE TABLE {} ({}, stale boolean NOT NULL DEFAULT false) WITH (fillfactor = 85)"
            ).format(self._identifier, columns)
        )
        for index in self._indexes():
            connection.execute(sql.SQL("CREATE INDEX ON {} {}").format(self._identifier, sql.SQL(index)))

    def _indexes(self) -> tuple[str, ...]:
        row = self.model.row
        by_source = () if row.KEY == row.SOURCE else (f"({row.SOURCE})",)
        return (*self.model.indexes, *by_source)

    def rename(self, connection: Connection[Any], name: str) -> None:
        """Give the table another name."""
        connection.execute(
            sql.SQL("ALTER TABLE {} RENAME TO {}").format(self._identifier, sql.Identifier(name))
        )

    def load(self, connection: Connection[Any], case_ids: Iterable[UUID]) -> dict[UUID, Rows[R]]:
        """The rows of these cases, by case and key; a case without rows is left out."""
        wanted = "{" + ",".join(map(str, case_ids)) + "}"
        if wanted == "{}":
            return {}
        with connection.cursor(row_factory=scalar_row) as cursor:
            text = cursor.execute(self._load, (wanted,)).fetchone()
        found: dict[UUID, dict[UUID, R]] = {}
        for row in self._decoder.decode(text or "[]"):
            found.setdefault(getattr(row, row.SOURCE), {})[getattr(row, row.KEY)] = row
        return dict(found)

    @cached_property
    def _load(self) -> sql.Composed:
        return sql.SQL(
            "SELECT json_agg(found)::text FROM (SELECT {} FROM {} WHERE {} = ANY(%s::uuid[])) AS found"
        ).format(self._columns(), self._identifier, self._source)

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[list[R]]:
        return msgspec.json.Decoder(list[self.model.row])  # type: ignore[name-defined]

    def write(self, connection: Connection[Any], rows: list[R], gone: list[UUID]) -> None:
        """Put these rows and remove those with the `gone` keys, set by set."""
        if gone:
            connection.execute(
                sql.SQL("DELETE FROM {} WHERE {} = ANY(%s)").format(self._identifier, self._key), (gone,)
            )
        if rows:
            connection.execute(self._upsert, (_encode(rows).decode(),))

    @cached_property
    def _upsert(self) -> sql.Composed:
        news = (
            sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(field))
            for field in self._fields
            if field != self.model.row.KEY
        )
        return sql.SQL(
            "INSERT INTO {table} ({columns})"
            " SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s::json)"
            " ON CONFLICT ({key}) DO UPDATE SET {news}, stale = false"
        ).format(
            table=self._identifier, columns=self._columns(), key=self._key, news=sql.SQL(", ").join(news)
        )

    def write_cases(
        self, connection: Connection[Any], before: Mapping[UUID, Rows[R]], after: Mapping[UUID, Rows[R]]
    ) -> None:
        """Write what became of the rows of these cases."""
        rows: list[R] = []
        gone: list[UUID] = []
        for case_id, new in after.items():
            old = before.get(case_id, {})
            if new is not old:
                rows += [row for key, row in new.items() if old.get(key) is not row]
                gone += [key for key in old if key not in new]
        self.write(connection, rows, gone)

    def mark_stale(self, connection: Connection[Any], case_ids: Iterable[UUID]) -> None:
        """Show that later facts of these cases are missing in their rows."""
        connection.execute(
            sql.SQL("UPDATE {} SET stale = true WHERE {} = ANY(%s)").format(self._identifier, self._source),
            (list(case_ids),),
        )

    def clear(self, connection: Connection[Any], case_id: UUID) -> None:
        """Remove the rows of one case."""
        connection.execute(
            sql.SQL("DELETE FROM {} WHERE {} = %s").format(self._identifier, self._source), (case_id,)
        )

    def first(self, connection: Connection[Any], limit: int) -> FirstRows:
        """Up to so many rows, with all their columns."""
        with connection.cursor(row_factory=scalar_row) as cursor:
            counted = sql.SQL("SELECT count(*) FROM {}").format(self._identifier)
            total: int = cursor.execute(counted).fetchall()[0]
        with connection.cursor(row_factory=dict_row) as cursor:
            chosen = sql.SQL("SELECT * FROM {} ORDER BY {} LIMIT %s").format(self._identifier, self._key)
            return FirstRows(cursor.execute(chosen, (limit,)).fetchall(), total)

    def compare(self, connection: Connection[Any], other: "Table[R]", after: int, upto: int) -> Difference:
        """This table against another one, without the cases that have facts after `after` and up to `upto`.

        Those are the cases whose facts are in one of the two tables only: with them left out, tables that
        stand at different positions can be compared while both go on. Call it in one snapshot.
        """
        statement = sql.SQL(
            """
            WITH moving AS MATERIALIZED (
                SELECT originator_id FROM events WHERE position > %(after)s AND position <= %(upto)s
            ), compared AS (
                SELECT coalesce(mine.{source}, others.{source}) AS case_id,
                       mine.{key} IS NULL AS missing,
                       others.{key} IS NULL AS extra,
                       mine.{key} IS NOT NULL AND others.{key} IS NOT NULL
                           AND ROW({mine}) IS DISTINCT FROM ROW({others}) AS changed
                FROM {table} AS mine FULL JOIN {other} AS others USING ({key})
            ), differing AS (
                SELECT * FROM compared
                WHERE (missing OR extra OR changed) AND case_id NOT IN (SELECT originator_id FROM moving)
            )
            SELECT count(*) FILTER (WHERE missing),
                   count(*) FILTER (WHERE extra),
                   count(*) FILTER (WHERE changed),
                   coalesce((array_agg(DISTINCT case_id))[:%(shown)s], '{{}}')
            FROM differing
            """
        ).format(
            key=self._key,
            source=self._source,
            table=self._identifier,
            other=other._identifier,
            mine=self._columns("mine"),
            others=self._columns("others"),
        )
        with connection.cursor(row_factory=tuple_row) as cursor:
            cursor.execute(statement, {"after": after, "upto": upto, "shown": SHOWN_DIFFERENCES})
            missing, extra, changed, cases = cursor.fetchall()[0]
        return Difference(missing, extra, changed, tuple(cases))
