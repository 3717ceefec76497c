"""The schema is brought up to date once, by whoever comes first, from files that do not change."""

from pathlib import Path
from threading import Thread

import psycopg
import pytest

from infrastructure.migrate import MigrationRefused, migrate, packaged, pending


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text, encoding="utf-8")
    return folder


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname IN ('public', 'vault')")
        return {name for (name,) in rows}


def test_the_packaged_migrations_make_the_tables_of_the_event_store(fresh_database: str) -> None:
    assert pending(fresh_database)[0] == "001_event_store.sql"
    assert migrate(fresh_database) == sorted(
        entry.name for entry in packaged().iterdir() if entry.name.endswith(".sql")
    )
    assert pending(fresh_database) == []
    assert {"events", "idempotency", "claims", "deadlines", "outbox", "data_keys"} <= tables(fresh_database)


def test_asking_what_is_pending_writes_nothing(fresh_database: str) -> None:
    pending(fresh_database)
    assert tables(fresh_database) == set()


def test_migrations_are_applied_in_the_order_of_their_names_and_once(
    fresh_database: str, tmp_path: Path
) -> None:
    write(tmp_path, **{"002_b": "ALTER TABLE a ADD COLUMN n integer"})
    write(tmp_path, **{"001_a": "CREATE TABLE a ()"})
    assert migrate(fresh_database, tmp_path) == ["001_a.sql", "002_b.sql"]
    write(tmp_path, **{"003_c": "CREATE TABLE c ()"})
    assert pending(fresh_database, tmp_path) == ["003_c.sql"]
    assert migrate(fresh_database, tmp_path) == ["003_c.sql"]


def test_a_migration_that_fails_leaves_nothing_of_itself(fresh_database: str, tmp_path: Path) -> None:
    write(tmp_path, **{"001_a": "CREATE TABLE a ()", "002_b": "CREATE TABLE b (); SELECT 1/0"})
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(fresh_database, tmp_path)
    assert tables(fresh_database) == {"a", "schema_migrations"}
    assert pending(fresh_database, tmp_path) == ["002_b.sql"]


@pytest.mark.parametrize("ask", [migrate, pending])
def test_an_applied_file_that_changed_is_refused(fresh_database: str, tmp_path: Path, ask: type) -> None:
    migrate(fresh_database, write(tmp_path, **{"001_a": "CREATE TABLE a ()"}))
    write(tmp_path, **{"001_a": "CREATE TABLE a (n integer)"})
    with pytest.raises(MigrationRefused, match=r"001_a\.sql was changed"):
        ask(fresh_database, tmp_path)


@pytest.mark.parametrize("ask", [migrate, pending])
def test_a_database_of_a_newer_version_is_refused(fresh_database: str, tmp_path: Path, ask: type) -> None:
    migrate(fresh_database, write(tmp_path, **{"001_a": "CREATE TABLE a ()", "002_b": "CREATE TABLE b ()"}))
    (tmp_path / "002_b.sql").unlink()
    with pytest.raises(MigrationRefused, match=r"002_b\.sql was applied by a newer version"):
        ask(fresh_database, tmp_path)


def test_callers_at_the_same_time_apply_each_migration_once(fresh_database: str, tmp_path: Path) -> None:
    write(tmp_path, **{f"{n:03}_t": f"CREATE TABLE t{n} (); SELECT pg_sleep(0.02)" for n in range(5)})
    applied: list[str] = []
    callers = [Thread(target=lambda: applied.extend(migrate(fresh_database, tmp_path))) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sorted(applied) == [f"{n:03}_t.sql" for n in range(5)]
