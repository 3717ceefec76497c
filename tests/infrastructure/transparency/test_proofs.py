"""What the stored log proves of a case, and what it gives to everybody: tiles, entries, checkpoints."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

import recourse_verify
from application.errors import InvalidRequest, NotFound
from application.transparency import NotSealedYet, Tile
from domain.merkle import inclusion_proof, leaf_hash, root_of
from infrastructure.event_store.connections import Datastore
from infrastructure.transparency import bundle
from infrastructure.transparency.bundle import Proved
from infrastructure.transparency.export import FolderRefused, export, tiles
from infrastructure.transparency.published import PublishedLog
from infrastructure.transparency.sealer import Sealer
from infrastructure.transparency.tree import TILE_WIDTH, Leaf, StoredTree

EVERY = range(1, 10_000)
LONGEST = b"SELECT originator_id, count(*) FROM events GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"
NEXT_FACT = b"""
    SELECT append_fact(originator_id, originator_version + 1, topic, state, gen_random_uuid(), schema_version,
                       actor_id, actor_role, request_id, NULL, NULL)
    FROM events WHERE originator_id = %s ORDER BY originator_version DESC LIMIT 1
"""

Verify = Callable[..., tuple[int, str]]


@pytest.fixture
def published(sealed: str) -> Iterator[PublishedLog]:
    """The log as it is published, read with little patience."""
    datastore = Datastore(sealed, pool_size=1, max_overflow=1)
    datastore.pool.open()
    yield PublishedLog(datastore, patience=timedelta(seconds=0.3))
    datastore.close()


@pytest.fixture
def case(sealed: str) -> tuple[UUID, int]:
    """The longest case: its id and version."""
    with psycopg.connect(sealed) as connection:
        ((case_id, version),) = connection.execute(LONGEST).fetchall()
    return case_id, version


@pytest.fixture
def verify(tree: StoredTree, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verify:
    """Runs the verifier with the log's key: exit code, and what it said."""

    def run(document: bytes, earlier: str | None = None) -> tuple[int, str]:
        (tmp_path / "case.json").write_bytes(document)
        words = [str(tmp_path / "case.json"), "--vkey", tree.log.verifier.vkey]
        if earlier is not None:
            (tmp_path / "earlier").write_text(earlier, encoding="utf-8")
            words += ["--checkpoint", str(tmp_path / "earlier")]
        code = recourse_verify.main(words)
        return code, capsys.readouterr().out

    return run


def do(url: str, statement: bytes, *values: Any) -> None:
    """Does it, past every trigger."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement, values)


def test_the_proof_of_a_case_is_verified_by_the_stand_alone_verifier(
    published: PublishedLog, case: tuple[UUID, int], verify: Verify
) -> None:
    proof = published.case_proof(*case, EVERY, None)
    code, said = verify(proof.document)
    assert code == 0, said
    assert proof.version == case[1]
    assert f"version {case[1]} is the newest of the case" in said


def test_every_stream_of_the_log_is_proved(published: PublishedLog, sealed: str, verify: Verify) -> None:
    with psycopg.connect(sealed) as connection:
        streams = connection.execute(
            "SELECT originator_id, max(originator_version) FROM events GROUP BY 1 ORDER BY 1 LIMIT 25"
        ).fetchall()
    for stream, version in streams:
        code, said = verify(published.case_proof(stream, version, EVERY, None).document)
        assert code == 0, said


def test_a_proof_made_again_is_the_same_also_when_the_keys_are_gone(
    published: PublishedLog, sealed: str, case: tuple[UUID, int]
) -> None:
    before = published.case_proof(*case, EVERY, None).document
    do(sealed, b"DELETE FROM vault.data_keys")
    assert published.case_proof(*case, EVERY, None).document == before


def test_what_is_not_shown_and_what_is_gone_is_withheld_with_its_salt(
    published: PublishedLog, sealed: str, case: tuple[UUID, int], verify: Verify
) -> None:
    case_id, version = case
    do(sealed, b"DELETE FROM events WHERE originator_id = %s AND originator_version = 2", case_id)
    document = published.case_proof(case_id, version, [1, 2], None).document
    first, second, third = json.loads(document)["events"][:3]
    assert "withheld" not in first
    assert (second["withheld"], third["withheld"]) == ("not_in_the_database", "not_for_this_reader")
    assert not {"salt", "record"} & (second.keys() | third.keys())
    code, said = verify(document)
    assert code == 0, said
    assert "withheld: the database does not hold it any more" in said


def test_a_record_changed_in_the_database_is_exported_and_refused_by_the_verifier(
    published: PublishedLog, sealed: str, case: tuple[UUID, int], verify: Verify
) -> None:
    do(
        sealed,
        b"UPDATE events SET actor_id = 'nobody' WHERE originator_id = %s AND originator_version = 2",
        case[0],
    )
    code, said = verify(published.case_proof(*case, EVERY, None).document)
    assert (code, "the record of event 2 is not what was sealed" in said) == (1, True)


def test_a_proof_waits_for_a_checkpoint_over_the_newest_version_and_says_so(
    published: PublishedLog, sealed: str, case: tuple[UUID, int], sealer: Sealer, verify: Verify
) -> None:
    case_id, version = case
    do(sealed, NEXT_FACT, case_id)
    with pytest.raises(NotSealedYet, match=f"covers version {version} of case {case_id}, and not"):
        published.case_proof(case_id, version + 1, EVERY, None)
    sealer.catch_up()
    code, said = verify(published.case_proof(case_id, version + 1, EVERY, None).document)
    assert code == 0, said


def test_a_case_that_nobody_sealed_is_told(published: PublishedLog) -> None:
    with pytest.raises(NotSealedYet, match="no checkpoint covers"):
        published.case_proof(uuid4(), 1, EVERY, None)


def test_between_a_new_map_and_its_checkpoint_one_waits(
    published: PublishedLog, sealed: str, case: tuple[UUID, int], sealer: Sealer, tree: StoredTree
) -> None:
    do(sealed, NEXT_FACT, case[0])
    sealer.catch_up()
    do(sealed, b"DELETE FROM transparency.checkpoints WHERE size = %s", tree.size())
    with pytest.raises(NotSealedYet, match="not that of the newest checkpoint"):
        published.case_proof(*case, EVERY, None)


def test_earlier_checkpoints_and_the_readers_own_are_led_on_from(
    published: PublishedLog, sealed: str, case: tuple[UUID, int], sealer: Sealer, verify: Verify
) -> None:
    earlier = published.checkpoint()
    do(sealed, NEXT_FACT, case[0])
    sealer.catch_up()
    document = published.case_proof(*case, EVERY, 77).document
    code, said = verify(document, earlier)
    assert (code, "are as they were" in said) == (0, True), said
    assert [one["size"] for one in json.loads(document)["consistency"]] == [int(earlier.split()[1]), 77]
    with pytest.raises(InvalidRequest, match="leaves under its newest checkpoint"):
        published.case_proof(*case, EVERY, 10**9)


def test_an_event_needs_at_most_two_kilobytes_of_proof_at_ten_million_leaves() -> None:
    size = 10_000_000

    def subtree(level: int, index: int) -> bytes:
        return sha256(f"{level}/{index}".encode()).digest()

    entry = b"{" + b"x" * 380 + b"}"
    for number in (0, 1, 4_999_999, 8_388_607, 8_388_608, size - 2, size - 1):
        leaf = Leaf(number, uuid4(), 1, 1, bytes(32), entry, leaf_hash(entry))
        event = bundle.event(Proved(leaf, inclusion_proof(number, size, subtree)), b"{}", shown=True)
        del event["entry"], event["record"]
        assert len(json.dumps(event, separators=(",", ":"))) <= 2_048


# --- what everybody may have --------------------------------------------------------------------------


def test_an_entry_comes_with_a_proof_as_tlog_proof_writes_it(
    published: PublishedLog, tree: StoredTree
) -> None:
    found = published.entry(5)
    lines = found.proof.split("\n")
    gap = lines.index("")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 5"]
    assert "\n".join(lines[gap + 1 :]) == published.checkpoint()
    size = tree.size()
    proof = [recourse_verify.in_base64(line, "a hash") for line in lines[2:gap]]
    recourse_verify.verify_inclusion(leaf_hash(found.entry.encode()), 5, size, proof, tree.root(size))
    with pytest.raises(NotFound):
        published.entry(size)


def test_tiles_and_bundles_of_entries_say_what_the_tree_holds(
    published: PublishedLog, tree: StoredTree
) -> None:
    size = tree.size()
    leaves = tree.leaves(0, size)
    full = published.tile(Tile(0, 0))
    assert full == b"".join(leaf.hash for leaf in leaves[:TILE_WIDTH])
    assert published.tile(Tile(1, 0, 2))[:32] == root_of([leaf.hash for leaf in leaves[:TILE_WIDTH]])
    content, found = published.tile(Tile(None, 0)), []
    while content:
        length = int.from_bytes(content[:2], "big")
        found.append(content[2 : 2 + length])
        content = content[2 + length :]
    assert found == [leaf.entry for leaf in leaves[:TILE_WIDTH]]


def test_nothing_is_published_beyond_the_newest_checkpoint(
    published: PublishedLog, sealed: str, case: tuple[UUID, int], sealer: Sealer, tree: StoredTree
) -> None:
    size = tree.size()
    do(sealed, NEXT_FACT, case[0])
    sealer.seal()
    number, width = divmod(size, TILE_WIDTH)
    for level in (0, None):
        published.tile(Tile(level, number, width))
        with pytest.raises(NotFound):
            published.tile(Tile(level, number, width + 1))
        with pytest.raises(NotFound):
            published.tile(Tile(level, 10**9))
    with pytest.raises(NotFound):
        published.entry(size)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(2, 67, 5), "tile/2/067.p/5"),
        (Tile(None, 1_234_067), "tile/entries/x001/x234/067"),
        (Tile(7, 999_000, 255), "tile/7/x999/000.p/255"),
    ],
)
def test_a_tile_has_one_path(tile: Tile, path: str) -> None:
    assert (tile.path, Tile.at(path)) == (path, tile)


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0", "tile/0/1000", "tile/0/x000/001", "tile/0/001.p/0", "tile/0/001.p/256", "tile/0/001.p/01",
        "tile/8/000", "tile/00/000", "tile/-1/000", "tile/0/", "tile/0/000/", "tile/0/001.p",
        "tile/entries/x1/000", "tile/0/\u0661\u0661\u0661", "checkpoint",
    ],
)  # fmt: skip
def test_what_is_no_tiles_path_names_nothing(path: str) -> None:
    with pytest.raises(NotFound):
        Tile.at(path)


# --- the whole log in a folder ------------------------------------------------------------------------


def written(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def connection(sealed: str) -> Iterator[psycopg.Connection[Any]]:
    """To that log."""
    with psycopg.connect(sealed, autocommit=True) as connection:
        yield connection


def test_the_root_is_found_again_from_the_files_alone(
    connection: psycopg.Connection[Any], published: PublishedLog, tree: StoredTree, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    size = export(connection, tmp_path / "log", lambda done, total: told.append((done, total)))
    files = written(tmp_path / "log")
    assert files.pop("checkpoint").decode() == published.checkpoint()
    assert set(files) == {tile.path for tile in tiles(size)}
    hashes = b"".join(content for path, content in sorted(files.items()) if path.startswith("tile/0/"))
    leaves = [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
    assert root_of(leaves) == tree.root(size)
    assert told[-1] == (len(files), len(files))


def test_an_export_run_again_writes_only_what_is_new(
    connection: psycopg.Connection[Any], sealed: str, case: tuple[UUID, int], sealer: Sealer, tmp_path: Path
) -> None:
    folder = tmp_path / "log"
    export(connection, folder, lambda done, total: None)
    first = written(folder)
    do(sealed, NEXT_FACT, case[0])
    sealer.catch_up()
    told: list[int] = []
    export(connection, folder, lambda done, total: told.append(total))
    second = written(folder)
    assert {name for name in second if second[name] != first.get(name)} == {
        "checkpoint",
        *(tile.path for tile in tiles(sealer.sign().size) if tile.path not in first),  # type: ignore[union-attr]
    }
    assert second.items() >= {name: first[name] for name in first if name != "checkpoint"}.items()
    assert 0 < max(told) < 5


def test_a_folder_that_the_log_does_not_continue_is_left_alone(
    connection: psycopg.Connection[Any], sealed: str, tmp_path: Path
) -> None:
    folder = tmp_path / "log"
    export(connection, folder, lambda done, total: None)
    note = (folder / "checkpoint").read_text(encoding="utf-8")
    (folder / "checkpoint").write_text(note.replace("recourse.test", "other.test"), encoding="utf-8")
    with pytest.raises(FolderRefused, match="is of another log"):
        export(connection, folder, lambda done, total: None)
    (folder / "checkpoint").unlink()
    do(sealed, b"UPDATE transparency.tiles SET root = %s WHERE level = 0 AND index = 1", bytes(32))
    with pytest.raises(FolderRefused, match="was changed since"):
        export(connection, folder, lambda done, total: None)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_535, 65_536, 65_537])
def test_the_files_of_a_log_of_any_size_hold_every_leaf_and_every_full_tile(size: int) -> None:
    found = list(tiles(size))
    for level in (None, *range(4)):
        widths = [tile.width for tile in found if tile.level == level]
        assert sum(widths) == size >> 8 * (level or 0)
        assert [width for width in widths[:-1] if width != TILE_WIDTH] == []
