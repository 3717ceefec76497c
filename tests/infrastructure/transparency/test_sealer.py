"""Every fact becomes one leaf in the safe order; what continues no signed history is never signed."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from domain.merkle import leaf_hash, root_of, verify_consistency, verify_inclusion
from infrastructure.transparency import entries, signing
from infrastructure.transparency.entries import COLUMNS, Stored
from infrastructure.transparency.notes import checkpoint
from infrastructure.transparency.sealer import AnotherSealer, NotAnExtension, Sealer
from infrastructure.transparency.signing import LogKeyRefused
from infrastructure.transparency.tree import TILE_WIDTH, StoredTree, newest_log

FACTS = f"SELECT {COLUMNS} FROM events ORDER BY position"  # noqa: S608  # the columns are a constant
ONE_MORE = b"""
    SELECT append_fact(gen_random_uuid(), 1, topic, state, gen_random_uuid(), schema_version,
                       actor_id, actor_role, request_id, NULL, NULL)
    FROM events WHERE originator_version = 1 LIMIT 1
"""


def superuser(url: str, statement: str, *values: object) -> int:
    """Does what the triggers forbid; returns how many rows it touched."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        return connection.execute(statement.encode(), values).rowcount


def one_more(url: str) -> None:
    """Records the first fact of a new case."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(ONE_MORE)


def facts_of(url: str) -> list[Stored]:
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor(binary=True) as cursor:
        return [Stored(*row) for row in cursor.execute(FACTS.encode()).fetchall()]


def test_every_fact_is_one_leaf_in_the_order_of_positions(sealed: str, tree: StoredTree):
    facts = facts_of(sealed)
    leaves = tree.leaves(0, tree.size())
    sealed_facts = [leaf for leaf in leaves if leaf.stream_id is not None]
    assert len(facts) > TILE_WIDTH
    assert [leaf.number for leaf in leaves] == list(range(len(facts) + 1))
    assert [(leaf.position, leaf.stream_id, leaf.version) for leaf in sealed_facts] == [
        (fact.position, fact.stream_id, fact.version) for fact in facts
    ]


def test_an_entry_commits_to_the_whole_row_and_to_the_entry_before_it(sealed: str, tree: StoredTree):
    facts = {fact.position: fact for fact in facts_of(sealed)}
    heads: dict[Any, bytes] = {}
    for leaf in tree.leaves(0, tree.size()):
        if leaf.position is None or leaf.salt is None:
            continue
        fact = facts[leaf.position]
        assert leaf.entry == entries.of_fact(fact, leaf.salt, heads.get(fact.stream_id), "recourse.test/log")
        assert leaf.hash == leaf_hash(leaf.entry)
        heads[fact.stream_id] = leaf.hash


def test_the_signed_root_is_the_root_of_all_leaves(sealer: Sealer, tree: StoredTree):
    size, note = tree.note() or (0, "")
    head = checkpoint(note, tree.log.verifier)
    assert (head.size, head.root) == (size, root_of([leaf.hash for leaf in tree.leaves(0, size)]))
    assert size == tree.size()


def test_every_leaf_and_every_earlier_head_is_proved_from_the_tiles(tree: StoredTree):
    size = tree.size()
    head, leaves = tree.root(size), tree.leaves(0, size)
    for leaf in leaves:
        verify_inclusion(leaf.hash, leaf.number, size, tree.inclusion_proof(leaf.number, size), head)
    for earlier in (1, 2, 255, 256, 257, 1024, size - 1):
        proof = tree.consistency_proof(earlier, size)
        verify_consistency(earlier, size, proof, root_of([leaf.hash for leaf in leaves[:earlier]]), head)


def test_a_tree_grown_in_pieces_and_by_another_process_is_the_same_as_one_grown_at_once(
    history: str, tmp_path: Path, new_sealer: Callable[..., Sealer]
):
    for batch in (1, 7, 300, 5_000):
        sealer = new_sealer(history, tmp_path, batch=batch)
        sealer.seal()
        sealer.sign()
        sealer.close()
    with psycopg.connect(history, autocommit=True) as connection:
        tree = StoredTree(connection, newest_log(connection))
        size, note = tree.note() or (0, "")
        assert checkpoint(note, tree.log.verifier).root == tree.root(size)
        assert tree.root(size) == root_of([leaf.hash for leaf in tree.leaves(0, size)])
        assert len(facts_of(history)) == sum(
            leaf.position is not None for leaf in tree.leaves(0, tree.size())
        )


def test_without_anything_new_nothing_is_signed_anew(sealer: Sealer, sealed: str):
    head = sealer.sign()
    assert sealer.seal() == 0
    assert sealer.sign() == head


def test_the_key_and_the_kept_checkpoint_are_the_owners_alone(sealed: str, tmp_path: Path):
    for name in (signing.KEY_FILE, signing.KEPT_FILE):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_leaf_is_appended_once_by_one_sealer(
    sealed: str, tmp_path: Path, new_sealer: Callable[..., Sealer]
):
    with pytest.raises(AnotherSealer):
        new_sealer(sealed, tmp_path).seal()


def test_an_older_database_put_back_is_not_signed(
    history: str, sealed: str, sealer: Sealer, tmp_path: Path, new_sealer: Callable[..., Sealer]
):
    sealer.close()
    for table in ("checkpoints", "leaves", "tiles", "heads", "map_tiles"):
        superuser(history, f"DELETE FROM transparency.{table}")  # noqa: S608  # a constant
    again = new_sealer(history, tmp_path)
    with pytest.raises(NotAnExtension, match="older than the kept checkpoint"):
        again.catch_up()


def rewrite(url: str, tree: StoredTree, number: int) -> None:
    """Changes a fact, and with it every hash that follows from it, as one could who rules the database."""
    leaves = tree.leaves(0, tree.size())
    changed = leaves[number].entry.replace(b'"type":"', b'"type":"Never')
    superuser(
        url,
        "UPDATE transparency.leaves SET entry = %s, hash = %s WHERE index = %s",
        changed,
        leaf_hash(changed),
        number,
    )
    hashes = [leaf.hash for leaf in leaves]
    hashes[number] = leaf_hash(changed)
    tile = number // TILE_WIDTH
    full = hashes[tile * TILE_WIDTH : (tile + 1) * TILE_WIDTH]
    superuser(
        url,
        "UPDATE transparency.tiles SET hashes = %s, root = %s WHERE level = 0 AND index = %s",
        b"".join(full),
        root_of(full),
        tile,
    )


@pytest.mark.parametrize("number", [0, 300, -2])
def test_a_rewritten_history_is_not_signed_though_every_hash_was_made_anew(
    sealed: str,
    sealer: Sealer,
    tree: StoredTree,
    tmp_path: Path,
    new_sealer: Callable[..., Sealer],
    number: int,
):
    rewrite(sealed, tree, number % tree.size())
    one_more(sealed)
    with pytest.raises(NotAnExtension, match="rewritten"):
        sealer.catch_up()  # the one that runs
    sealer.close()
    with pytest.raises(NotAnExtension, match="rewritten"):
        new_sealer(sealed, tmp_path).catch_up()  # and one that starts anew


def test_a_missing_or_foreign_key_stops_the_sealer_with_the_reason(
    sealed: str, sealer: Sealer, tmp_path: Path, new_sealer: Callable[..., Sealer]
):
    sealer.close()
    path = tmp_path / signing.KEY_FILE
    path.rename(tmp_path / "away")
    sealer = new_sealer(sealed, tmp_path)
    with pytest.raises(LogKeyRefused, match="there is no log key"):
        sealer.seal()
    signing.create(path, "recourse.test/log")
    with pytest.raises(LogKeyRefused, match="is signed"):
        sealer.seal()
    path.write_text("PRIVATE+KEY+torn")
    with pytest.raises(LogKeyRefused, match="damaged"):
        sealer.seal()
    (tmp_path / "away").replace(path)
    path.chmod(0o644)
    with pytest.raises(LogKeyRefused, match="chmod 600"):
        sealer.seal()


def test_a_lost_kept_checkpoint_stops_the_sealer(
    sealed: str, sealer: Sealer, tmp_path: Path, new_sealer: Callable[..., Sealer]
):
    sealer.close()
    (tmp_path / signing.KEPT_FILE).unlink()
    with pytest.raises(LogKeyRefused, match="no kept checkpoint"):
        new_sealer(sealed, tmp_path).seal()


def test_a_checkpoint_that_was_signed_and_not_stored_is_continued(
    sealed: str, sealer: Sealer, tmp_path: Path, new_sealer: Callable[..., Sealer]
):
    sealer.close()
    superuser(sealed, "DELETE FROM transparency.checkpoints")
    with psycopg.connect(sealed) as connection:
        size = StoredTree(connection, newest_log(connection)).size()
        connection.execute(b"INSERT INTO transparency.checkpoints VALUES (1, 1, 'an earlier one', now())")
    head = new_sealer(sealed, tmp_path).catch_up()
    assert head is not None
    assert head.size == size + 1  # with a case map of its own


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM transparency.tiles WHERE level = 0 AND index = 1",
        "DELETE FROM transparency.leaves WHERE index = (SELECT max(index) - 1 FROM transparency.leaves)",
        "INSERT INTO transparency.checkpoints VALUES (1, 1000000, 'of leaves that are not there', now())",
    ],
)
def test_a_log_with_a_part_missing_or_too_much_stops_the_sealer_with_the_reason(
    sealed: str, sealer: Sealer, tmp_path: Path, new_sealer: Callable[..., Sealer], statement: str
):
    sealer.close()
    superuser(sealed, statement)
    one_more(sealed)
    with pytest.raises(NotAnExtension, match="recourse audit verify"):
        new_sealer(sealed, tmp_path).catch_up()


def test_history_is_append_only_for_everybody_who_keeps_the_rules(sealed: str):
    with psycopg.connect(sealed, autocommit=True) as connection:
        for table in ("logs", "leaves", "tiles", "checkpoints", "cosignatures"):
            for statement in (f"DELETE FROM transparency.{table}", f"TRUNCATE transparency.{table} CASCADE"):  # noqa: S608  # constants
                with pytest.raises(psycopg.errors.RestrictViolation):
                    connection.execute(statement.encode())
