"""The database's schema, brought up to date file by file, and what the application's role may do with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

import psycopg

CONNECT_TIMEOUT_SECONDS = 5

# Any number will do, as long as every caller uses the same one and nothing else uses it.
ADVISORY_LOCK = 7_302_614_905


APPLICATION_ROLE = "recourse_app"
"""As whom the application connects: it adds to what happened and changes none of it."""


class MigrationRefused(Exception):
    """The database's schema did not come from these migrations, or is not this role's to change."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; its name orders it, its digest is kept to notice a change."""

    name: str
    sql: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text, in hex."""
        return sha256(self.sql.encode()).hexdigest()


def packaged() -> Traversable:
    """The folder of the migrations that are part of this installation."""
    return files("infrastructure") / "migrations"


def migrate(url: str, folder: Traversable | None = None) -> list[str]:
    """Apply what is missing, one transaction a file; return the names applied.

    Then the application's role is given its rights anew. Callers that run at the same time take turns. Raises
    MigrationRefused when an applied file has changed since or is unknown here, and psycopg.Error when the
    database refuses or cannot be reached.
    """
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
        applied = [m.name for m in _listed(folder) if _apply(connection, m, folder)]
        if folder is None:
            _grant(connection)
    return applied


def pending(url: str, folder: Traversable | None = None) -> list[str]:
    """The names that `migrate` would apply; nothing is written. Raises as `migrate` does."""
    with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
        applied = _applied(connection)
        _refuse_foreign(applied, folder)
        return [m.name for m in _listed(folder) if m.name not in applied]


def _listed(folder: Traversable | None) -> Iterator[Migration]:
    found = (entry for entry in (folder or packaged()).iterdir() if entry.name.endswith(".sql"))
    for entry in sorted(found, key=lambda entry: entry.name):
        yield Migration(entry.name, entry.read_text(encoding="utf-8"))


def _apply(connection: psycopg.Connection, migration: Migration, folder: Traversable | None) -> bool:
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations ("
            "name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied = _applied(connection)
        _refuse_foreign(applied, folder)
        if migration.name in applied:
            return False
        connection.execute(migration.sql.encode())
        connection.execute(
            "INSERT INTO schema_migrations (name, sha256) VALUES (%s, %s)", (migration.name, migration.digest)
        )
        return True


def _grant(connection: psycopg.Connection) -> None:
    grants = (files("infrastructure") / "grants.sql").read_bytes()
    try:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))
            connection.execute(grants)
    except psycopg.errors.InsufficientPrivilege as refused:
        raise MigrationRefused(
            f"{refused.diag.message_primary}; migrate as the owner of the tables (RECOURSE_MIGRATION_URL),"
            f" and let whoever rules the server run: CREATE ROLE {APPLICATION_ROLE} LOGIN"
        ) from refused


def _applied(connection: psycopg.Connection) -> dict[str, str]:
    if connection.execute("SELECT to_regclass('schema_migrations')").fetchone() == (None,):
        return {}
    return dict(connection.execute("SELECT name, sha256 FROM schema_migrations").fetchall())


def _refuse_foreign(applied: dict[str, str], folder: Traversable | None) -> None:
    known = {migration.name: migration.digest for migration in _listed(folder)}
    for name, digest in applied.items():
        if name not in known:
            raise MigrationRefused(f"{name} was applied by a newer version of Recourse; install that version")
        if known[name] != digest:
            raise MigrationRefused(
                f"{name} was changed after it had been applied; restore the file as it was"
            )
