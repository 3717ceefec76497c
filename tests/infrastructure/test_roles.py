"""The application's role adds to what happened and can change none of it."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors, sql

from infrastructure.embedded import for_application
from infrastructure.migrate import APPLICATION_ROLE, migrate

KEPT = [
    "public.events",
    "transparency.checkpoints",
    "transparency.cosignatures",
    "transparency.leaves",
    "transparency.logs",
    "transparency.tiles",
]
"""What is only ever added to."""

TABLES = """
    SELECT relnamespace::regnamespace || '.' || relname AS name,
           has_table_privilege(%(role)s, oid, 'SELECT') AND
           (relname = 'schema_migrations' OR has_table_privilege(%(role)s, oid, 'INSERT')) AS adds,
           has_table_privilege(%(role)s, oid, 'UPDATE')
           AND has_table_privilege(%(role)s, oid, 'DELETE') AS changes,
           has_table_privilege(%(role)s, oid, 'TRUNCATE') AS empties
    FROM pg_class
    WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('public', 'vault', 'transparency')
    ORDER BY 1
"""


@pytest.fixture
def application(migrated_database: str) -> Iterator[psycopg.Connection]:
    """A connection with the rights of the application."""
    with psycopg.connect(migrated_database, autocommit=True) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(APPLICATION_ROLE)))
        yield connection


@pytest.mark.parametrize("table", KEPT)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_what_happened_is_not_changed(application: psycopg.Connection, table: str, statement: str):
    column = sql.Identifier("position" if table == "public.events" else "log")
    name = sql.Identifier(*table.split("."))
    with pytest.raises(errors.InsufficientPrivilege):
        application.execute(sql.SQL(statement).format(name, column, column))


def test_the_guards_are_not_taken_away(application: psycopg.Connection):
    for statement in (
        b"ALTER TABLE events DISABLE TRIGGER ALL",
        b"DROP TRIGGER events_are_append_only ON events",
        b"SET session_replication_role = replica",
        b"ALTER FUNCTION refuse_rewriting_history() SET search_path = public",
        b"ALTER TABLE transparency.leaves OWNER TO recourse_app",
        b"INSERT INTO schema_migrations (name, sha256) VALUES ('999', '')",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            application.execute(statement)


def test_everything_else_is_the_applications_to_use(application: psycopg.Connection):
    rows = application.execute(TABLES.encode(), {"role": APPLICATION_ROLE}).fetchall()
    unchanged = [name for name, _, changes, _ in rows if not changes]
    assert all(adds and not empties for _, adds, _, empties in rows)
    assert unchanged == [*KEPT[:1], "public.schema_migrations", *KEPT[1:]]


def test_a_read_models_table_is_the_applications_own(application: psycopg.Connection, migrated_database: str):
    application.execute(b"CREATE TABLE some_read_model_v1 (n integer)")
    migrate(migrated_database)  # gives rights anew, and takes none of these
    application.execute(b"TRUNCATE some_read_model_v1")
    application.execute(b"DROP TABLE some_read_model_v1")


def test_the_embedded_database_is_opened_as_the_application():
    url = "postgresql://recourse@/recourse?host=%2Ftmp%2Frecourse-1&port=5432"
    assert for_application(url) == url.replace("//recourse@", "//recourse_app@")
