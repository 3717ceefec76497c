"""Whatever is changed in a sealed history is found, and said where."""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import settings

from domain.merkle import leaf_hash, root_of
from infrastructure.bench.histories import fill
from infrastructure.transparency import entries, reopening, signing
from infrastructure.transparency.entries import Stored
from infrastructure.transparency.notes import COSIGNATURE, Signer, checkpoint
from infrastructure.transparency.sealer import AnotherSealer, Sealer
from infrastructure.transparency.signing import LogKeyRefused
from infrastructure.transparency.stored import Kept, Sealed, StoredLog, Tile, snapshot
from infrastructure.transparency.tree import TILE_WIDTH, Leaf, Log, NoLog, logs, newest_log
from infrastructure.transparency.verification import Expected, Fault, Report, verify

EVENTS = 300
WITNESS = Signer("witness.example/w1", b"w" * 32, COSIGNATURE)


@dataclass
class Held:
    """A log in memory, row by row, in which a test may change anything."""

    log: Log
    leaves: list[Leaf]
    facts: list[Stored]
    tiles_: list[Tile]
    notes: list[tuple[int, str]]
    lines: list[tuple[int, str, str]]
    kept: list[Kept]
    map: dict[int, bytes]

    @classmethod
    def of(cls, source: StoredLog, connection: psycopg.Connection[Any]) -> "Held":
        size = source.size()
        rows = source.sealed(0, size)
        facts = connection.cursor(binary=True).execute(f"SELECT {entries.COLUMNS} FROM events".encode())  # noqa: S608  # constants
        return cls(
            source.log,
            [row.leaf for row in rows],
            [Stored(*row) for row in facts.fetchall()],
            [*source.tiles(0, size), *source.upper_tiles()],
            list(source.checkpoints()),
            list(source.cosignatures()),
            source.heads(0, 1 << 16),
            dict(source.map_tiles()),
        )

    def size(self) -> int:
        return max((leaf.number + 1 for leaf in self.leaves), default=0)

    def outside(self, limit: int) -> list[int]:
        return [leaf.number for leaf in self.leaves if leaf.number < 0][:limit]

    def newest_map(self) -> int | None:
        return max((leaf.number for leaf in self.leaves if leaf.position is None), default=None)

    def sealed(self, first: int, end: int) -> list[Sealed]:
        facts = {(fact.stream_id, fact.version): fact for fact in self.facts}
        return [
            Sealed(leaf, facts.get((leaf.stream_id, leaf.version)))  # type: ignore[arg-type]
            for leaf in sorted(self.leaves, key=lambda leaf: leaf.number)
            if first <= leaf.number < end
        ]

    def tiles(self, first: int, end: int) -> list[Tile]:
        return [tile for tile in self.tiles_ if tile.level == 0 and first <= tile.number < end]

    def upper_tiles(self) -> list[Tile]:
        return [tile for tile in self.tiles_ if tile.level]

    def tiles_by_level(self) -> dict[int, int]:
        levels = [tile.level for tile in self.tiles_]
        return {level: levels.count(level) for level in levels}

    def checkpoints(self) -> Iterator[tuple[int, str]]:
        return iter(sorted(self.notes))

    def cosignatures(self) -> Iterator[tuple[int, str, str]]:
        return iter(self.lines)

    def heads(self, first: int, end: int) -> list[Kept]:
        return [row for row in self.kept if first <= row.bucket < end]

    def map_tiles(self) -> Mapping[int, bytes]:
        return self.map

    def facts_up_to(self, position: int) -> int:
        return sum(fact.position <= position for fact in self.facts)

    def facts_after(self, position: int) -> int:
        return sum(fact.position > position for fact in self.facts)

    def strays(self, position: int, limit: int) -> list[tuple[UUID, int]]:
        known = {(leaf.stream_id, leaf.version) for leaf in self.leaves if leaf.number >= 0}
        return [
            (fact.stream_id, fact.version)
            for fact in self.facts
            if fact.position <= position and (fact.stream_id, fact.version) not in known
        ][:limit]


@pytest.fixture
def log_at(migrated_database: str, tmp_path: Path, new_sealer: Callable[..., Sealer]) -> str:
    """URL of a history that was sealed in pieces, with several case maps and a cosignature."""
    fill(migrated_database, EVENTS, at_once=20)
    sealer = new_sealer(migrated_database, tmp_path, batch=70)
    while sealer.seal():
        sealer.sign()
    sealer.close()
    with psycopg.connect(migrated_database, autocommit=True) as connection:
        size, note = connection.execute(
            b"SELECT size, note FROM transparency.checkpoints ORDER BY size"
        ).fetchall()[1]
        text = note.partition("\n\n")[0] + "\n"
        connection.execute(
            "INSERT INTO transparency.cosignatures VALUES (1, %s, %s, %s)",
            (size, WITNESS.name, WITNESS.line(text, 1)),
        )
    return migrated_database


@pytest.fixture
def held(log_at: str) -> Held:
    with snapshot(log_at) as connection:
        return Held.of(StoredLog(connection, newest_log(connection)), connection)


def verified(url: str, **options: Any) -> Report:
    with snapshot(url) as connection:
        return verify(StoredLog(connection, newest_log(connection)), witnesses=[WITNESS.verifier], **options)


def held_verified(held: Held, **options: Any) -> Report:
    return verify(held, witnesses=[WITNESS.verifier], **options)


def superuser(url: str, statement: str, *values: object) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(b"SET session_replication_role = replica")
        assert connection.execute(statement.encode(), values).rowcount


def test_a_sound_log_has_no_fault_in_the_database_and_in_memory(log_at: str, held: Held):
    report = verified(log_at)
    assert (report.faults, report.first) == (0, [])
    assert (report.facts, report.maps, report.checkpoints, report.unsealed) == (EVENTS, 5, 5, 0)
    assert report.leaves == EVENTS + 5 > TILE_WIDTH
    assert held_verified(held) == report


def test_what_is_made_by_templates_is_canonical(held: Held):
    for fact in held.facts:
        awkward = fact._replace(
            actor_id='a"\\\n\x1f\u2028🦊', request_id="é", topic="T\t", causation_id=UUID(int=7)
        )
        for one in (fact, awkward):
            about = {
                "actor": one.actor_id,
                "causation": None if one.causation_id is None else str(one.causation_id),
                "event": str(one.event_id),
                "position": str(one.position),
                "request": one.request_id,
                "role": one.actor_role,
                "schema": one.schema_version,
            }
            assert entries.record(one) == entries.canonical(about) + b"\n" + one.state
            for prev in (None, b"p" * 32):
                entry = {
                    "at": entries.rfc3339(one.recorded_at),
                    "case": str(one.stream_id),
                    "log": 'lo"g',
                    "prev": None if prev is None else prev.hex(),
                    "state": entries.commitment(b"s" * 32, entries.record(one)).hex(),
                    "type": one.topic,
                    "v": 1,
                    "ver": one.version,
                }
                assert entries.of_fact(one, b"s" * 32, prev, 'lo"g') == entries.canonical(entry)


def test_times_are_written_in_utc_whatever_zone_they_come_in():
    at = datetime(2026, 11, 6, 8, 0, 0, 1, tzinfo=UTC)
    for zone in (UTC, timezone(timedelta(hours=8)), UTC):
        assert entries.rfc3339(at.astimezone(zone)) == "2026-11-06T08:00:00.000001Z"


# --- mutations ----------------------------------------------------------------------------------------

Change = tuple[Held, Callable[[Fault], bool]]


def other_bytes(chance: Random, value: bytes) -> bytes:
    at = chance.randrange(len(value))
    match chance.randrange(3):
        case 0:
            return value[:at] + bytes([value[at] ^ 1 << chance.randrange(8)]) + value[at + 1 :]
        case 1 if len(value) > 1:
            return value[:at] + value[at + 1 :]
        case _:
            return value[:at] + bytes([chance.randrange(256)]) + value[at:]


def other_text(chance: Random, value: str) -> str:
    at = chance.randrange(len(value) + 1)
    letters = [one for one in "aZ0+/=\n \N{EM DASH}é" if one != value[at : at + 1]]
    return value[:at] + chance.choice(letters) + value[at + chance.randrange(2) :]


def other(chance: Random, value: Any) -> Any:
    """Another value of the same kind."""
    match value:
        case None:
            return UUID(int=chance.getrandbits(128))
        case bytes():
            return other_bytes(chance, value)
        case str():
            return other_text(chance, value)
        case bool() | int():
            return value + chance.choice([-1, 1, 1000])
        case UUID():
            return UUID(int=value.int ^ 1 << chance.randrange(128))
        case datetime():
            return value + timedelta(microseconds=chance.choice([-1, 1, 10**9]))
        case _:
            raise TypeError(value)


def another(chance: Random, row: Stored | Leaf, column: str) -> Any:
    """Another value of a column; not the version of another row, which the database's keys forbid."""
    return 1000 + chance.randrange(9) if column == "version" else other(chance, getattr(row, column))


def changed(chance: Random, held: Held) -> Change:
    """The log with one row changed or removed, and what tells that a fault is of that row."""
    held = replace(held, leaves=list(held.leaves), facts=list(held.facts), tiles_=list(held.tiles_))
    held = replace(
        held, notes=list(held.notes), kept=list(held.kept), map=dict(held.map), lines=list(held.lines)
    )
    match chance.choice(["facts", "facts", "leaves", "leaves", "tiles", "notes", "heads", "map", "lines"]):
        case "facts":
            at = chance.randrange(len(held.facts))
            fact = held.facts[at]
            place = next(
                leaf.number
                for leaf in held.leaves
                if (leaf.stream_id, leaf.version) == (fact.stream_id, fact.version)
            )
            if chance.random() < 0.1:
                del held.facts[at]
            else:
                column = chance.choice(Stored._fields)
                held.facts[at] = fact._replace(**{column: another(chance, fact, column)})
            return held, lambda fault: fault.table == "events" and fault.index == place
        case "leaves":
            at = chance.randrange(len(held.leaves))
            leaf = held.leaves[at]
            place = leaf.number
            if chance.random() < 0.1:
                del held.leaves[at]
                if place == len(held.leaves):  # the last one: it is missed by what was signed
                    return held, lambda fault: (fault.table, fault.index) == ("checkpoints", place + 1)
            else:
                columns = [one for one in leaf._fields[1:] if getattr(leaf, one) is not None]
                column = chance.choice(columns)
                held.leaves[at] = leaf._replace(**{column: another(chance, leaf, column)})
                if column == "salt":
                    return held, lambda fault: fault.index == place and "leaves.salt" in fault.what
            return held, lambda fault: fault.table == "leaves" and fault.index == place
        case "tiles":
            at = chance.randrange(len(held.tiles_))
            tile = held.tiles_[at]
            if chance.random() < 0.2:
                del held.tiles_[at]
            else:
                hashes, root = tile.hashes, tile.root
                if chance.random() < 0.5:
                    hashes = other_bytes(chance, hashes)
                else:
                    root = other_bytes(chance, root)
                held.tiles_[at] = Tile(tile.level, tile.number, hashes, root)
            return held, lambda fault: (fault.table, fault.index) == ("tiles", tile.number)
        case "notes":
            at = chance.randrange(len(held.notes))
            size, note = held.notes[at]
            held.notes[at] = (size, other_text(chance, note))
            return held, lambda fault: (fault.table, fault.index) == ("checkpoints", size)
        case "heads":
            at = chance.randrange(len(held.kept))
            row = held.kept[at]
            if chance.random() < 0.2:
                del held.kept[at]
            else:
                column = chance.choice(row._fields)
                held.kept[at] = row._replace(**{column: other(chance, getattr(row, column))})
            return held, lambda fault: fault.table == "heads" and fault.case == row.stream_id
        case "map":
            tile_number = chance.choice(list(held.map))
            if chance.random() < 0.2:
                del held.map[tile_number]
            else:
                held.map[tile_number] = other_bytes(chance, held.map[tile_number])
            return held, lambda fault: (fault.table, fault.index) == ("map_tiles", tile_number)
        case _:
            size, witness, line = held.lines[0]
            held.lines[0] = (size, witness, other_text(chance, line))
            return held, lambda fault: (fault.table, fault.index) == ("cosignatures", size)


def test_every_random_change_is_found_and_located(held: Held):
    """The first fault is of the changed row. 100 changes every day, 10,000 in the nightly run."""
    for seed in range(mutations()):
        chance = Random(seed)  # the same changes every time
        mutant, found_there = changed(chance, held)
        report = held_verified(mutant)
        assert report.faults, seed
        assert found_there(report.first[0]), (seed, report.first)


def mutations() -> int:
    return 10_000 if settings().max_examples > 1_000 else 100


def test_the_log_as_it_was_is_not_changed_by_the_mutations(held: Held):
    before = deepcopy(held)
    for seed in range(20):
        changed(Random(seed), held)
    assert held == before


# --- in the database ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("topic", "'CaseClosed'", "topic"),
        ("recorded_at", "recorded_at + interval '1 microsecond'", "recorded_at"),
        ("position", "position + 100000", "position"),
        ("state", r"state || '\x20'", "state, "),
        ("actor_id", "'somebody'", "state, "),
        ("causation_id", "gen_random_uuid()", "state, "),
    ],
)
def test_a_changed_fact_is_named_by_case_version_and_column_as_far_as_it_can_be_told(
    log_at: str, column: str, value: str, said: str
):
    superuser(log_at, f"UPDATE events SET {column} = {value} WHERE position = 77")  # noqa: S608  # constants
    report = verified(log_at)
    first = report.first[0]
    assert (report.faults, first.table) == (1, "events")
    assert first.column.startswith(said)
    with psycopg.connect(log_at) as connection:
        found = connection.execute(
            b"SELECT position FROM events WHERE originator_id = %s AND originator_version = %s",
            (first.case, first.version),
        ).fetchone()
    assert found == ((100_077,) if column == "position" else (77,))


def test_a_fact_that_was_slipped_in_is_found(log_at: str):
    superuser(
        log_at,
        "INSERT INTO events SELECT originator_id, 999, 78, topic, state, gen_random_uuid(), recorded_at,"
        " actor_id, actor_role, request_id, NULL, 1 FROM events WHERE position = 77",
    )
    report = verified(log_at)
    assert [(fault.table, fault.version) for fault in report.first] == [("events", 999)]


def test_a_fact_that_was_slipped_in_with_a_leaf_outside_the_tree_is_found(log_at: str):
    """For that one needs no right but to insert."""
    with psycopg.connect(log_at, autocommit=True) as connection:
        connection.execute(
            b"INSERT INTO events SELECT originator_id, 999, 78, topic, state, gen_random_uuid(), recorded_at,"
            b" actor_id, actor_role, request_id, NULL, 1 FROM events WHERE position = 77"
        )
        connection.execute(
            b"INSERT INTO transparency.leaves SELECT log, -1, stream_id, 999, 78, salt, entry, hash"
            b" FROM transparency.leaves WHERE position = 77"
        )
    found = [(fault.table, fault.index, fault.version) for fault in verified(log_at).first]
    assert found == [("leaves", -1, None), ("events", None, 999)]


def test_facts_that_wait_to_be_sealed_are_no_fault(log_at: str):
    with psycopg.connect(log_at, autocommit=True) as connection:
        connection.execute(
            b"SELECT append_fact(gen_random_uuid(), 1, topic, state, gen_random_uuid(), schema_version,"
            b" actor_id, actor_role, request_id, NULL, NULL) FROM events LIMIT 1"
        )
    report = verified(log_at)
    assert (report.faults, report.unsealed) == (0, 1)


def remade(held: Held, number: int, at: str) -> Held:
    """The log with one fact rewritten and every hash after it made anew, by who rules the database."""
    facts = {(fact.stream_id, fact.version): fact for fact in held.facts}
    leaves, tiles = [], []
    heads: dict[UUID, bytes] = {}
    for leaf in held.leaves:
        entry = leaf.entry
        if leaf.stream_id is not None and leaf.salt is not None and leaf.version is not None:
            fact = facts[leaf.stream_id, leaf.version]
            if leaf.number == number:
                fact = facts[leaf.stream_id, leaf.version] = fact._replace(actor_id=at)
            entry = entries.of_fact(fact, leaf.salt, heads.get(leaf.stream_id), held.log.origin)
            heads[leaf.stream_id] = leaf_hash(entry)
        leaves.append(leaf._replace(entry=entry, hash=leaf_hash(entry)))
    for tile in held.tiles_:
        of = [leaf.hash for leaf in leaves[tile.number * TILE_WIDTH : (tile.number + 1) * TILE_WIDTH]]
        tiles.append(Tile(0, tile.number, b"".join(of), root_of(of)))
    kept = [row._replace(hash=heads[row.stream_id]) for row in held.kept]
    return replace(held, leaves=leaves, facts=list(facts.values()), tiles_=tiles, kept=kept)


def test_a_superuser_who_makes_every_hash_anew_is_found_by_what_was_signed(held: Held):
    report = held_verified(remade(held, 100, "somebody"))
    assert ("checkpoints", "the history was rewritten") in {
        (fault.table, fault.what.rpartition(": ")[2]) for fault in report.first
    }


def test_and_if_checkpoints_and_maps_are_made_to_fit_by_what_the_sealer_kept(held: Held, tmp_path: Path):
    kept = checkpoint((tmp_path / signing.KEPT_FILE).read_text(), held.log.verifier)
    forged = remade(held, 100, "somebody")
    forged = replace(
        forged,
        notes=[],
        lines=[],
        kept=[],
        map={},
        leaves=[leaf for leaf in forged.leaves if leaf.position is not None],
    )
    renumbered = [leaf._replace(number=at) for at, leaf in enumerate(forged.leaves)]
    of = [leaf.hash for leaf in renumbered[:TILE_WIDTH]]
    forged = replace(forged, leaves=renumbered, tiles_=[Tile(0, 0, b"".join(of), root_of(of))])
    assert held_verified(forged).faults == 0  # sound in itself
    report = held_verified(forged, expected=[Expected(kept, "kept checkpoint", "log.checkpoint")])
    assert [fault.table for fault in report.first] == ["kept checkpoint"]


def test_a_log_that_was_cut_off_is_found_by_what_was_signed_of_more(log_at: str, tmp_path: Path):
    head = checkpoint(
        (tmp_path / signing.KEPT_FILE).read_text(), signing.load(tmp_path / signing.KEY_FILE).verifier
    )
    superuser(log_at, "DELETE FROM transparency.checkpoints WHERE size = %s", head.size)
    superuser(log_at, "DELETE FROM transparency.leaves WHERE index >= 290")
    report = verified(log_at, expected=[Expected(head, "kept checkpoint", "the file")])
    assert ("kept checkpoint", head.size) in {(fault.table, fault.index) for fault in report.first}


# --- a new log after a loss ---------------------------------------------------------------------------


def test_a_reopened_log_declares_what_was_lost_and_seals_everything_again(
    log_at: str, tmp_path: Path, new_sealer: Callable[..., Sealer]
):
    last = (tmp_path / signing.KEPT_FILE).read_text()
    lost = signing.load(tmp_path / signing.KEY_FILE).verifier
    superuser(log_at, "DELETE FROM transparency.leaves WHERE index >= 290")
    again = reopening.reopen(log_at, tmp_path, tmp_path / signing.KEY_FILE, "an older backup was put back")
    assert (again.number, again.origin) == (2, f"{lost.name}/2")
    head = new_sealer(log_at, tmp_path).catch_up()
    assert head is not None
    assert (head.origin, head.size) == (again.origin, EVENTS + 2)  # with the opening, and one case map
    with snapshot(log_at) as connection:
        first, second = logs(connection)
        source = StoredLog(connection, second)
        opening = json.loads(source.sealed(0, 1)[0].leaf.entry)
        report = verify(source, before=first)
    assert (report.faults, report.facts) == (0, EVENTS)
    assert (opening["type"], opening["reason"]) == ("LogOpened", "an older backup was put back")
    assert checkpoint(opening["after"], lost) == checkpoint(last, lost)
    assert (tmp_path / "log.checkpoint.1").read_text() == last
    assert signing.load(tmp_path / "log.key.1").verifier == lost


def test_an_opening_that_names_a_checkpoint_nobody_signed_is_found(
    log_at: str, tmp_path: Path, new_sealer: Callable[..., Sealer]
):
    reopening.reopen(log_at, tmp_path, tmp_path / signing.KEY_FILE, "for the test")
    new_sealer(log_at, tmp_path).catch_up()
    with snapshot(log_at) as connection:
        first, second = logs(connection)
        stranger = replace(first, verifier=Signer(first.origin, b"x" * 32).verifier)
        report = verify(StoredLog(connection, second), before=stranger)
    assert [(fault.table, fault.index) for fault in report.first] == [("leaves", 0)]


def test_a_log_is_reopened_also_when_key_and_checkpoint_are_lost(log_at: str, tmp_path: Path):
    for name in (signing.KEY_FILE, signing.KEPT_FILE):
        (tmp_path / name).unlink()
    again = reopening.reopen(log_at, tmp_path, tmp_path / signing.KEY_FILE, "the disk is gone")
    assert signing.load(tmp_path / signing.KEY_FILE).verifier == again.verifier
    with psycopg.connect(log_at) as connection:
        (entry,) = connection.execute(b"SELECT entry FROM transparency.leaves WHERE log = 2").fetchone() or ()
    assert json.loads(entry)["after"] is None


def test_nothing_is_reopened_while_somebody_seals(
    log_at: str, tmp_path: Path, new_sealer: Callable[..., Sealer]
):
    new_sealer(log_at, tmp_path).catch_up()
    for home in (tmp_path, tmp_path / "elsewhere"):
        with pytest.raises(AnotherSealer):
            reopening.reopen(log_at, home, home / signing.KEY_FILE, "for the test")


def test_a_reopening_that_fails_leaves_everything_in_its_place(log_at: str, tmp_path: Path):
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(psycopg.errors.CheckViolation):  # no entry is so long
        reopening.reopen(log_at, tmp_path, tmp_path / signing.KEY_FILE, "a reason " * 10_000)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_what_was_set_aside_is_never_overwritten(log_at: str, tmp_path: Path):
    (tmp_path / "log.key.1").write_text("precious")
    with pytest.raises(LogKeyRefused, match="in the way"):
        reopening.reopen(log_at, tmp_path, tmp_path / signing.KEY_FILE, "for the test")
    assert (tmp_path / "log.key.1").read_text() == "precious"


def test_where_nothing_was_sealed_nothing_is_reopened(migrated_database: str, tmp_path: Path):
    with pytest.raises(NoLog):
        reopening.reopen(migrated_database, tmp_path, tmp_path / signing.KEY_FILE, "for the test")
