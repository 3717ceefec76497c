"""A database made of its archive is the one that was saved, and an archive that was touched is refused."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from infrastructure.archive import layout
from infrastructure.archive.reading import (
    ArchiveInvalid,
    DatabaseNotEmpty,
    Restored,
    newest_manifest,
    restore,
)
from infrastructure.archive.writing import NothingSigned, backup, read_model_digests
from infrastructure.bench.histories import fill
from infrastructure.event_store.order import RestoreUnfinished
from infrastructure.migrate import migrate
from infrastructure.projection_supervisor import ProjectionSupervisor
from infrastructure.store import PostgresStore
from infrastructure.transparency.notes import Signer
from infrastructure.transparency.reopening import reopen
from infrastructure.transparency.sealer import NotAnExtension, Sealer
from infrastructure.transparency.signing import KEY_FILE

EVENTS = 300
ONE_MORE = b"""
    SELECT append_fact(gen_random_uuid(), 1, topic, state, gen_random_uuid(), schema_version,
                       actor_id, actor_role, request_id, NULL, NULL)
    FROM events WHERE originator_version = 1 LIMIT 1
"""

ERASED = """
    SELECT originator_id, (convert_from(state, 'UTF8')::jsonb ->> 'key_id')::uuid FROM events
    WHERE topic = 'PersonalDataErased'
"""

ERASE = b"""
    SELECT append_fact(originator_id, max(originator_version) + 1, 'PersonalDataErased',
                       convert_to(%s, 'UTF8'), gen_random_uuid(), 1::smallint,
                       'supervisor-1', 'supervisor', 'r-1', NULL, NULL)
    FROM events GROUP BY originator_id
    HAVING min(topic) FILTER (WHERE originator_version = 1) = 'CaseFiled' LIMIT 1
"""
DOMAIN = Path(__file__).parents[1] / "domain"


def rows(url: str, statement: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def all_rows(url: str, table: str) -> set[str]:
    return {row for (row,) in rows(url, f"SELECT kept::text FROM {table} AS kept")}  # noqa: S608  # constants


@pytest.fixture
def sealer(migrated_database: str, tmp_path: Path) -> Iterator[Sealer]:
    """Of the database that is saved."""
    made = Sealer(migrated_database, tmp_path / "home", origin=lambda: "recourse.test/archive")
    yield made
    made.close()


@pytest.fixture
def saved(migrated_database: str, sealer: Sealer) -> str:
    """A database with a history, sealed, read models and all."""
    fill(migrated_database, EVENTS, at_once=50)
    supervisor = ProjectionSupervisor(migrated_database, holder="test")
    supervisor.prepare()
    supervisor.catch_up()
    with psycopg.connect(migrated_database, autocommit=True) as connection:
        connection.execute(b"INSERT INTO claims VALUES ('order-line:4:PO-1/1', gen_random_uuid())")
        connection.execute(
            b"INSERT INTO vault.data_keys (case_id, person, key_id, wrapped)"
            b" VALUES (gen_random_uuid(), 'buyer', gen_random_uuid(), 'wrapped-key-bytes')"
        )
        connection.execute(
            b"INSERT INTO vault.blind_index SELECT case_id, person, 'phone', 'a-digest' FROM vault.data_keys"
            b" WHERE wrapped = 'wrapped-key-bytes'"
        )
    sealer.catch_up()
    return migrated_database


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Where the archive is."""
    return tmp_path / "archive"


@pytest.fixture
def empty(database_url: str) -> Iterator[str]:
    """A second database, migrated and empty."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        url = psycopg.conninfo.make_conninfo(database_url, dbname=name)
        migrate(url)
        yield url
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def made_of(archive: Path, url: str, **options: Any) -> Restored:
    return restore(url, url, archive, **options)


def test_a_restored_database_is_the_one_that_was_saved(saved: str, archive: Path, empty: str):
    manifest = backup(saved, archive)
    restored = made_of(archive, empty)
    assert restored == Restored(len(all_rows(saved, "events")), manifest.size, ())
    for table in (
        "events", "claims", "transparency.leaves", "transparency.tiles", "transparency.heads",
        "transparency.map_tiles", "transparency.logs", "transparency.checkpoints",
    ):  # fmt: skip
        assert all_rows(saved, table) == all_rows(empty, table), table
    with psycopg.connect(saved) as before, psycopg.connect(empty) as after:
        assert read_model_digests(before) == read_model_digests(after)
    with PostgresStore(empty):
        """It opens."""


def test_sealing_goes_on_where_it_was(saved: str, archive: Path, empty: str, sealer: Sealer, tmp_path: Path):
    backup(saved, archive)
    sealer.close()
    made_of(archive, empty)
    rows(empty, ONE_MORE.decode())
    again = Sealer(empty, tmp_path / "home", origin=lambda: "recourse.test/archive")
    head = again.catch_up()
    again.close()
    assert head is not None
    assert head.size == newest_manifest(archive).size + 2


def test_a_backup_that_is_older_than_what_was_signed_is_not_sealed(
    saved: str, archive: Path, empty: str, sealer: Sealer, tmp_path: Path
):
    backup(saved, archive)
    rows(saved, ONE_MORE.decode())
    sealer.catch_up()
    sealer.close()
    made_of(archive, empty)
    again = Sealer(empty, tmp_path / "home", origin=lambda: "recourse.test/archive")
    with pytest.raises(NotAnExtension, match="older"):
        again.catch_up()
    again.close()


def test_a_second_backup_adds_files_and_changes_none(saved: str, archive: Path, empty: str, sealer: Sealer):
    backup(saved, archive)
    before = {path: path.read_bytes() for path in archive.rglob("*.json*")}
    rows(saved, ONE_MORE.decode())
    sealer.catch_up()
    rows(saved, ONE_MORE.decode())  # and one that nobody has sealed
    ProjectionSupervisor(saved, holder="test").catch_up()
    manifest = backup(saved, archive)
    assert manifest.tail == 1
    assert all(path.read_bytes() == content for path, content in before.items())
    assert len(list((archive / layout.EVENTS).iterdir())) == 2
    made_of(archive, empty)
    assert all_rows(saved, "events") == all_rows(empty, "events")


def test_a_log_that_was_opened_anew_is_not_added_to_the_archive_of_the_one_before(
    saved: str, archive: Path, sealer: Sealer, tmp_path: Path
):
    backup(saved, archive)
    sealer.close()
    again = reopen(saved, tmp_path / "home", tmp_path / "home" / KEY_FILE, "the key was lost")
    rows(saved, ONE_MORE.decode())
    sealer.catch_up()
    with pytest.raises(FileExistsError, match=f"not of {again.origin}; use an empty folder"):
        backup(saved, archive)


def test_lines_are_cloud_events_with_the_stored_bytes(saved: str, archive: Path):
    backup(saved, archive)
    stored = dict(rows(saved, "SELECT event_id::text, convert_from(state, 'UTF8') FROM events"))
    told = [line for path in (archive / layout.EVENTS).iterdir() for line in layout.lines(path)]
    seen = 0
    for line in map(json.loads, told):
        assert line["specversion"] == "1.0"
        assert {"id", "source", "type", "data"} <= line.keys()
        assert all(name.isalnum() and name.islower() for name in line)
        if "subject" in line:
            assert json.dumps(line["data"], ensure_ascii=False, separators=(",", ":")) == stored[line["id"]]
            seen += 1
    assert seen == len(stored)


def test_keys_go_to_a_file_of_their_own(saved: str, archive: Path, empty: str, tmp_path: Path):
    backup(saved, archive, tmp_path / "keys")
    for secret in (b"wrapped-key-bytes".hex(), b"a-digest".hex()):
        assert secret in (tmp_path / "keys").read_text()
        assert not any(secret in path.read_text() for path in archive.rglob("*") if path.is_file())
    made_of(archive, empty, keys=tmp_path / "keys")
    for table in ("vault.data_keys", "vault.blind_index"):
        assert len(all_rows(saved, table)) > 0
        assert all_rows(saved, table) == all_rows(empty, table)


def test_no_key_comes_back_that_was_destroyed(saved: str, archive: Path, empty: str, tmp_path: Path):
    """Neither one that the ledger tells of nor one that the facts do, though the keys are those of before."""
    state = (DOMAIN / "golden" / "PersonalDataErased.json").read_text().strip()
    with psycopg.connect(saved, autocommit=True) as connection:
        connection.execute(ERASE, (state,))
    ProjectionSupervisor(saved, holder="test").catch_up()
    told, (erased,) = (uuid4(), uuid4()), rows(saved, ERASED)
    with psycopg.connect(saved, autocommit=True) as connection:
        for key in (told, erased):
            connection.execute(b"INSERT INTO vault.data_keys VALUES (%s, 'merchant', %s, 'wrapped')", key)
    backup(saved, archive, tmp_path / "keys")
    made_of(archive, empty, keys=tmp_path / "keys", erased=[told])
    kept = rows(empty, "SELECT case_id, key_id FROM vault.data_keys")
    assert len(kept) == 1
    assert not {told, erased} & set(kept)


def test_every_table_is_kept_made_anew_or_a_read_models(saved: str):
    tables = {
        name
        for (name,) in rows(
            saved,
            "SELECT schemaname || '.' || tablename FROM pg_tables"
            " WHERE schemaname IN ('public', 'vault', 'transparency')",
        )
    }
    read_models = {f"public.{name}" for (name,) in rows(saved, "SELECT table_name FROM projections")}
    kept = {*layout.STATE_TABLES, *layout.KEY_TABLES, *layout.DERIVED_TABLES}
    assert tables - read_models == kept


def changed(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def believed(archive: Path) -> None:
    """Makes the manifest agree with the files, as a forger would."""
    (path,) = (archive / layout.MANIFESTS).iterdir()
    told = json.loads(path.read_bytes())
    for file in told["files"]:
        file["sha256"] = layout.digest(archive / file["path"])
    path.write_text(json.dumps(told))


def first_events(archive: Path) -> Path:
    return min((archive / layout.EVENTS).iterdir())


def dropped_line(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join(lines[:100] + lines[101:])


def swapped_lines(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join([*lines[:100], lines[101], lines[100], *lines[102:]])


FORGERIES = [
    dropped_line,
    swapped_lines,
    lambda content: content.replace(b'"reviewer-1"', b'"reviewer-2"', 1),
    lambda content: content.replace(b'"m-', b'"n-', 1),
    lambda content: content[: len(content) // 2],
    lambda content: content.replace(b'"logentry":"', b'"logentry":"AA', 1),
    lambda content: content.replace(b'"logsalt":"', b'"logsalt":"AA', 1),
    lambda content: content.replace(b'"position":"', b'"position":"1', 1),
    lambda content: content.replace(b'"streamversion":1', b'"streamversion":2', 1),
]


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_changed_file_is_found_though_the_manifest_was_changed_with_it(
    saved: str, archive: Path, empty: str, forge: Callable[[bytes], bytes]
):
    backup(saved, archive)
    before = first_events(archive).read_bytes()
    changed(first_events(archive), forge)
    assert first_events(archive).read_bytes() != before
    with pytest.raises(ArchiveInvalid, match="is not the file that was written"):
        made_of(archive, empty)
    believed(archive)
    with pytest.raises((ArchiveInvalid, psycopg.IntegrityError)):
        made_of(archive, empty)


def exchanged_numbers(content: bytes) -> bytes:
    there, here = b'"logindex":100,', b'"logindex":101,'
    return content.replace(there, b"?").replace(here, there).replace(b"?", here)


def test_leaves_that_are_misnumbered_are_refused(saved: str, archive: Path, empty: str):
    backup(saved, archive)
    changed(first_events(archive), exchanged_numbers)
    believed(archive)
    with pytest.raises(ArchiveInvalid, match="leaf 101 stands in the place of leaf 100"):
        made_of(archive, empty)


def test_nothing_starts_on_a_database_whose_restore_failed(saved: str, archive: Path, empty: str):
    backup(saved, archive)
    changed(first_events(archive), dropped_line)
    believed(archive)
    with pytest.raises(ArchiveInvalid):
        made_of(archive, empty)
    with pytest.raises(RestoreUnfinished):
        PostgresStore(empty)


def test_a_missing_file_a_foreign_signer_and_a_path_outside_are_refused(
    saved: str, archive: Path, empty: str
):
    backup(saved, archive)
    with pytest.raises(ArchiveInvalid, match="was not signed by"):
        made_of(archive, empty, verifier=Signer("recourse.test/archive", bytes(32)).verifier)
    (path,) = (archive / layout.MANIFESTS).iterdir()
    kept = path.read_text()
    path.write_text(kept.replace('"path":"state/', '"path":"../state/', 1))
    with pytest.raises(ArchiveInvalid, match="does not lie in the archive"):
        made_of(archive, empty)
    path.write_text(kept)
    first_events(archive).unlink()
    with pytest.raises(ArchiveInvalid, match="is missing"):
        made_of(archive, empty)


def test_read_models_that_are_folded_otherwise_are_named(saved: str, archive: Path, empty: str):
    backup(saved, archive)
    (path,) = (archive / layout.MANIFESTS).iterdir()
    told = json.loads(path.read_text())
    told["read_models"]["review_queue_v2"] = "0:0"
    told["read_models"] = dict.fromkeys(told["read_models"], "0:0")
    path.write_text(json.dumps(told))
    with pytest.raises(ArchiveInvalid, match="review_queue"):
        made_of(archive, empty)


def test_a_database_with_facts_is_not_overwritten(saved: str, archive: Path):
    backup(saved, archive)
    with pytest.raises(DatabaseNotEmpty):
        made_of(archive, saved)


def test_without_a_signed_checkpoint_nothing_is_saved(
    migrated_database: str, archive: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("infrastructure.archive.writing.PATIENCE_SECONDS", 0.0)
    with pytest.raises(NothingSigned):
        backup(migrated_database, archive)
