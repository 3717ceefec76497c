"""The stand-alone verifier: what it checks, what it says, and that nothing else passes.

The logs here are in memory, made of the very parts that the database's log is made of.
"""

import ast
import json
import random
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple
from uuid import UUID

import pytest

import recourse_verify
from domain import events
from domain.merkle import (
    EMPTY_ROOT,
    ProofInvalid,
    Subtree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from infrastructure.transparency import bundle, entries
from infrastructure.transparency.bundle import Beginning, Proved
from infrastructure.transparency.case_map import BUCKETS, Head, MapProof, bucket_of
from infrastructure.transparency.entries import Stored
from infrastructure.transparency.notes import COSIGNATURE, Checkpoint, Signer, signed
from infrastructure.transparency.tree import Leaf, Log

PROGRAM = Path(recourse_verify.__file__)
BEGAN = datetime(2026, 11, 10, 8, tzinfo=UTC)
KEY_ID = UUID(int=7)


def subtrees(leaves: Sequence[bytes]) -> Subtree:
    """The roots of complete subtrees over these leaf hashes."""
    return lambda level, index: root_of(leaves[index << level : index + 1 << level])


@dataclass
class MemoryLog:
    """Facts are recorded, and then signed; what a superuser may do is done to `leaves`."""

    signer: Signer = field(default_factory=lambda: Signer("recourse.test/log", b"\x01" * 32))
    leaves: list[Leaf] = field(default_factory=list)
    records: dict[int, bytes] = field(default_factory=dict)
    heads: dict[UUID, Head] = field(default_factory=dict)
    notes: list[tuple[int, str]] = field(default_factory=list)

    @property
    def vkey(self) -> str:
        """The key that verifies it."""
        return self.signer.verifier.vkey

    def record(self, stream: UUID, topic: str, **state: Any) -> None:
        """Append a fact."""
        head = self.heads.get(stream)
        version, position = (head.version if head else 0) + 1, len(self.leaves) + 1
        at = BEGAN + timedelta(minutes=position)
        content = entries.canonical({"timestamp": entries.rfc3339(at), **state})
        stored = Stored(
            position,
            stream,
            version,
            topic,
            content,
            UUID(int=position),
            at,
            "agent-1",
            "agent",
            "r-1",
            None,
            1,
        )
        salt = position.to_bytes(32, "big")
        entry = entries.of_fact(stored, salt, head.hash if head else None, self.signer.name)
        self.records[len(self.leaves)] = entries.record(stored)
        self._append(stream, version, position, salt, entry)
        self.heads[stream] = Head(stream, version, leaf_hash(entry))

    def sign(self) -> str:
        """Append the case map, and sign; the note."""
        root, size = root_of(self._buckets()), len(self.leaves)
        entry = entries.of_map(root, len(self.heads), size, BEGAN, self.signer.name)
        self._append(None, None, None, None, entry)
        head = Checkpoint(self.signer.name, len(self.leaves), root_of(self.hashes))
        note = signed(head.text, self.signer.line(head.text))
        self.notes.append((head.size, note))
        return note

    def proof(self, stream: UUID, shown: Collection[int] | None = None, since: Sequence[int] = ()) -> bytes:
        """The document that proves a case."""
        size, note = self.notes[-1]
        log = Log(1, self.signer.name, self.signer.verifier)
        events = [
            bundle.event(
                self._proved(leaf.number, size),
                self.records[leaf.number],
                shown is None or leaf.version in shown,
            )
            for leaf in self.leaves[:size]
            if leaf.stream_id == stream
        ]
        case_map = bundle.case_map(self._proved(size - 1, size), self._map_proof(stream))
        beginnings = [
            Beginning(one, root_of(self.hashes[:one]), consistency_proof(one, size, self._subtree))
            for one in sorted(since, reverse=True)
        ]
        return bundle.document(log, stream, note, events, case_map, beginnings)

    @property
    def hashes(self) -> list[bytes]:
        """Of all leaves."""
        return [leaf.hash for leaf in self.leaves]

    def _append(
        self, stream: UUID | None, version: int | None, position: int | None, salt: bytes | None, entry: bytes
    ) -> None:
        self.leaves.append(Leaf(len(self.leaves), stream, version, position, salt, entry, leaf_hash(entry)))

    def _proved(self, number: int, size: int) -> Proved:
        return Proved(self.leaves[number], inclusion_proof(number, size, self._subtree))

    @property
    def _subtree(self) -> Subtree:
        return subtrees(self.hashes)

    def _bucket(self, number: int) -> list[Head]:
        return sorted(one for one in self.heads.values() if bucket_of(one.stream_id) == number)

    def _buckets(self) -> list[bytes]:
        roots = [EMPTY_ROOT] * BUCKETS
        for number in {bucket_of(stream) for stream in self.heads}:
            roots[number] = root_of([head.leaf for head in self._bucket(number)])
        return roots

    def _map_proof(self, stream: UUID) -> MapProof:
        heads, roots = self._bucket(bucket_of(stream)), self._buckets()
        place = heads.index(self.heads[stream])
        leaves = [head.leaf for head in heads]
        within = inclusion_proof(place, len(leaves), subtrees(leaves))
        above = inclusion_proof(bucket_of(stream), BUCKETS, subtrees(roots))
        return MapProof(heads[place], place, len(heads), roots[bucket_of(stream)], within, above)


def sealed(person: str, key_id: UUID = KEY_ID) -> dict[str, str]:
    """A sealed text, as facts hold it."""
    return {"person": person, "key_id": str(key_id), "box": "AQIDBA"}


CASE = UUID("3f1c9f0e-6d5b-4b7a-9d3e-2f6a1b8c7d90")
NEIGHBOUR = UUID("3f1cffff-6d5b-4b7a-9d3e-2f6a1b8c7d90")
"""In the same bucket of the case map."""

OTHER = UUID("aa1c9f0e-6d5b-4b7a-9d3e-2f6a1b8c7d90")


def filled(log: MemoryLog, events: int = 30) -> MemoryLog:
    """A log with a case of so many events, others between them, and a checkpoint now and then."""
    for number in range(events):
        log.record(CASE, "NoteAdded" if number else "CaseFiled", text=sealed("buyer"), number=number)
        log.record(OTHER, "NoteAdded", text=sealed("buyer"))
        if number % 3 == 0:
            log.record(NEIGHBOUR, "NoteAdded", text=sealed("merchant"))
        if number % 10 == 5:
            log.sign()
    log.sign()
    return log


class Verdict(NamedTuple):
    """What the verifier said."""

    code: int
    text: str

    @property
    def reason(self) -> str:
        """Its last line."""
        return self.text.strip().splitlines()[-1]


class Verify:
    """Runs the verifier on a document, as its command line does."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(
        self, document: bytes, vkey: str, earlier: str | bytes | None = None, witness: str | None = None
    ) -> Verdict:
        """The verdict; `earlier`: a checkpoint that the reader has."""
        file, kept = self.folder / "case.json", self.folder / "earlier"
        file.write_bytes(document)
        words = [str(file), "--vkey", vkey]
        if earlier is not None:
            kept.write_bytes(earlier.encode() if isinstance(earlier, str) else earlier)
            words += ["--checkpoint", str(kept)]
        words += ["--witness", witness] if witness else []
        code = recourse_verify.main(words)
        return Verdict(code, self._capsys.readouterr().out)


@pytest.fixture
def verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verify:
    """Runs the verifier."""
    return Verify(tmp_path, capsys)


@pytest.fixture(scope="session")
def log() -> MemoryLog:
    """A log that nobody touched."""
    return filled(MemoryLog())


@pytest.fixture(scope="session")
def document(log: MemoryLog) -> bytes:
    """The proof of its case, from every earlier checkpoint on."""
    return log.proof(CASE, since=[size for size, _ in log.notes[:-1]])


def written(value: Any) -> bytes:
    """A document again, with a digest that fits: as somebody writes it who changes it on purpose."""
    whole = {name: part for name, part in value.items() if name != "sha256"}
    digest = sha256(recourse_verify.canonical(whole)).hexdigest()
    return recourse_verify.canonical({**whole, "sha256": digest}) + b"\n"


def read(document: bytes) -> Any:
    """The value of a document."""
    return json.loads(document)


def changed(document: bytes, change: Callable[[Any], None]) -> bytes:
    """The document as somebody makes it who knows its form."""
    value = read(document)
    change(value)
    return written(value)


# --- what holds ---------------------------------------------------------------------------------------


def test_an_honest_proof_is_verified_and_says_what_was_checked(
    log: MemoryLog, document: bytes, verify: Verify
) -> None:
    verdict = verify(document, log.vkey)
    assert verdict.code == 0, verdict.text
    assert verdict.reason.startswith("VERIFIED")
    for said in ("is signed by recourse.test/log", "30 events stand in the log", "version 30 is the newest"):
        assert said in verdict.text


def test_it_says_of_which_case_and_as_of_when_that_nobody_takes_it_for_another_or_a_newer(
    log: MemoryLog, document: bytes, verify: Verify
) -> None:
    said = verify(document, log.vkey).text
    assert f"of case {CASE}," in said
    assert f"newest of the case as of {entries.rfc3339(BEGAN)}:" in said


def test_every_earlier_checkpoint_is_led_on_from(log: MemoryLog, document: bytes, verify: Verify) -> None:
    for size, note in log.notes:
        verdict = verify(document, log.vkey, note)
        assert verdict.code == 0, verdict.text
        assert f"its first {size} leaves are as they were" in verdict.text


def test_a_case_of_thirty_events_is_verified_in_a_tenth_of_a_second(log: MemoryLog, document: bytes) -> None:
    """The best of five: a busy machine says nothing of the program."""
    times = []
    for _ in range(5):
        began = perf_counter()
        recourse_verify.check(document, log.vkey, log.notes[0][1], recourse_verify.Report())
        times.append(perf_counter() - began)
    assert min(times) < 0.1


def test_what_is_withheld_is_said_and_everything_else_still_holds(log: MemoryLog, verify: Verify) -> None:
    verdict = verify(log.proof(CASE, shown={1, 3}), log.vkey)
    assert verdict.code == 0, verdict.text
    lines = [line for line in verdict.text.splitlines() if "version 2 " in line or "version 3 " in line]
    assert "withheld: who exported this may not read it" in lines[0]
    assert "as recorded" in lines[1]


def test_a_destroyed_key_is_said_where_its_texts_were(verify: Verify) -> None:
    log = MemoryLog()
    log.record(CASE, "CaseFiled", statement=sealed("buyer"), notes=[sealed("platform", UUID(int=8))])
    log.record(CASE, "PersonalDataErased", party="buyer", key_id=str(KEY_ID))
    log.sign()
    verdict = verify(log.proof(CASE), log.vkey)
    assert verdict.code == 0, verdict.text
    assert "as recorded; key destroyed: statement; sealed: notes" in verdict.text


def test_a_proof_made_again_is_the_same_byte_for_byte(log: MemoryLog) -> None:
    assert log.proof(CASE, since=[5]) == log.proof(CASE, since=[5])


@pytest.fixture
def witnessed() -> tuple[MemoryLog, Signer]:
    """A log whose newest checkpoint a witness cosigned, and that witness."""
    log, witness = filled(MemoryLog(), 3), Signer("witness.example", b"\x05" * 32, COSIGNATURE)
    size, note = log.notes[-1]
    log.notes[-1] = (size, note + witness.line(note.rpartition("\n\n")[0] + "\n", 1_700_000_000))
    return log, witness


def test_signatures_by_others_are_counted_and_not_believed(
    witnessed: tuple[MemoryLog, Signer], verify: Verify
) -> None:
    log, witness = witnessed
    verdict = verify(log.proof(CASE), log.vkey)
    assert verdict.code == 0, verdict.text
    assert "1 more signatures" in verdict.text
    assert verify(log.proof(CASE), witness.verifier.vkey).code == 1


def test_a_witness_that_is_named_must_have_cosigned(
    witnessed: tuple[MemoryLog, Signer], verify: Verify
) -> None:
    log, witness = witnessed
    verdict = verify(log.proof(CASE), log.vkey, witness=witness.verifier.vkey)
    assert verdict.code == 0, verdict.text
    assert "witness.example cosigned it at 2023-11-14T22:13:20+00:00" in verdict.text
    size, note = log.notes[-1]
    other = Signer("other.example", b"\x06" * 32, COSIGNATURE)
    for key in (other.verifier.vkey, log.vkey, "nobody"):
        assert verify(log.proof(CASE), log.vkey, witness=key).code == 1
    log.notes[-1] = (size, note.replace(witness.name, other.name))
    assert verify(log.proof(CASE), log.vkey, witness=witness.verifier.vkey).code == 1
    text = note.rpartition("\n\n")[0] + "\n"
    false = witness.line(text + "x\n", 1_700_000_000)
    log.notes[-1] = (size, signed(text, log.signer.line(text), false))
    told = verify(log.proof(CASE), log.vkey, witness=witness.verifier.vkey)
    assert (told.code, "is not what witness.example signed" in told.reason) == (1, True)


def test_it_knows_the_fact_that_destroys_a_key() -> None:
    assert "key_id" in events.FACTS[recourse_verify.ERASING].__annotations__


# --- what does not ------------------------------------------------------------------------------------


def drop_last(value: Any) -> None:
    value["events"].pop()


def drop_middle(value: Any) -> None:
    value["events"].pop(7)


def swap(value: Any) -> None:
    value["events"][3:5] = value["events"][4:2:-1]


def double(value: Any) -> None:
    value["events"].insert(4, value["events"][3])


def rewrite_record(value: Any) -> None:
    value["events"][2]["record"] = value["events"][2]["record"].replace('"number":2', '"number":9')


def rewrite_type(value: Any) -> None:
    event = value["events"][2]
    event["entry"] = event["entry"].replace("NoteAdded", "CaseClosed")


def say_twice(value: Any) -> None:
    event = value["events"][2]
    event["entry"] = event["entry"].replace('"v":1', '"v":1,"v":1')


def space(value: Any) -> None:
    event = value["events"][2]
    event["entry"] = event["entry"].replace('"v":1', '"v": 1')


def other_case(value: Any) -> None:
    value["case"] = str(OTHER)


def older_map(value: Any) -> None:
    value["map"]["index"] -= 1


def false_root(value: Any) -> None:
    value["consistency"][0]["root"] = value["consistency"][1]["root"]


def unknown_reason(value: Any) -> None:
    event = value["events"][2]
    del event["salt"], event["record"]
    event["withheld"] = "because"


def reason_beside_record(value: Any) -> None:
    value["events"][2]["withheld"] = "not_for_this_reader"


def other_salt(value: Any) -> None:
    value["events"][2]["salt"] = value["events"][3]["salt"]


def short_hash(value: Any) -> None:
    value["events"][2]["proof"][0] = "AAAA"


def unknown_member(value: Any) -> None:
    value["more"] = 1


def other_version(value: Any) -> None:
    value["version"] = 2


def fraction(value: Any) -> None:
    value["events"][2]["index"] = 5.0


def lone_surrogate(value: Any) -> None:
    value["events"][2]["entry"] = "\ud800"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (drop_last, "is not the newest of the case by the case map"),
        (drop_middle, "event 8 says that it is version 9: one is missing"),
        (swap, "event 4 says that it is version 5"),
        (double, "event 5 says that it is version 4"),
        (rewrite_record, "the record of event 3 is not what was sealed"),
        (rewrite_type, "event 3 is not in the log as it is shown here"),
        (say_twice, "the entry of event 3 says 'v' twice"),
        (space, "the entry of event 3 is not in its one form"),
        (other_case, "event 1 is of another case"),
        (older_map, "the case map is not the last leaf"),
        (false_root, "the proof of consistency with"),
        (unknown_reason, "event 3 is withheld for no reason"),
        (reason_beside_record, "event 3 has a member 'record', which is not known"),
        (other_salt, "the record of event 3 is not what was sealed"),
        (short_hash, "the proof of event 3 is damaged"),
        (unknown_member, "the file has a member 'more'"),
        (other_version, "the file is of version 2"),
        (fraction, "index of event 3 is of the wrong kind"),
    ],
)
def test_a_document_changed_by_somebody_who_knows_its_form_gets_a_precise_verdict(
    log: MemoryLog, document: bytes, verify: Verify, change: Callable[[Any], None], reason: str
) -> None:
    verdict = verify(changed(document, change), log.vkey)
    assert verdict.code == 1
    assert verdict.reason.startswith("FAILED: ")
    assert reason in verdict.reason


def test_a_foreign_log_and_another_key_are_refused(log: MemoryLog, document: bytes, verify: Verify) -> None:
    foreign = filled(MemoryLog(Signer("other.example/log", b"\x02" * 32)), 3)
    impostor = filled(MemoryLog(Signer("recourse.test/log", b"\x03" * 32)), 3)
    assert "which signs with another key" in verify(foreign.proof(CASE), log.vkey).reason
    assert "which signs with another key" in verify(document, impostor.vkey).reason

    def pretend(value: Any) -> None:
        value["vkey"] = log.vkey

    told = verify(changed(impostor.proof(CASE), pretend), log.vkey)
    assert (told.code, "is not signed by recourse.test/log with KEY" in told.reason) == (1, True)


def test_a_key_that_is_none_is_refused(log: MemoryLog, document: bytes, verify: Verify) -> None:
    witness = Signer(log.signer.name, b"\x01" * 32, COSIGNATURE).verifier.vkey
    for wrong in (
        "",
        "a",
        "a+b+c",
        log.vkey[:-4],
        log.vkey.replace("recourse", "recours"),
        witness,
        "\ud800",
    ):
        verdict = verify(document, wrong)
        assert (verdict.code, verdict.reason[:11]) == (1, "FAILED: KEY"), wrong


def rewritten(log: MemoryLog, number: int) -> MemoryLog:
    """The history anew with one fact changed, sealed and signed with the log's own key."""
    again = MemoryLog(log.signer)
    for leaf in log.leaves:
        if leaf.stream_id is None:
            again.sign()
        else:
            topic = json.loads(leaf.entry)["type"]
            state = json.loads(log.records[leaf.number].partition(b"\n")[2])
            state.pop("timestamp")
            if leaf.number == number:
                state["number"] = 99
            again.record(leaf.stream_id, topic, **state)
    return again


@pytest.mark.parametrize("number", [0, 31])
def test_a_rewrite_by_who_has_everything_is_caught_by_an_earlier_checkpoint(
    log: MemoryLog, verify: Verify, number: int
) -> None:
    again = rewritten(log, number)
    document = again.proof(CASE, since=[size for size, _ in again.notes[:-1]])
    assert verify(document, log.vkey).code == 0, "by itself it holds: its signer rewrote it"
    for size, note in log.notes:
        if size > number:
            told = verify(document, log.vkey, note)
            assert (told.code, "the log was rewritten" in told.reason) == (1, True)


def test_a_checkpoint_that_leads_nowhere_is_told_apart(
    log: MemoryLog, document: bytes, verify: Verify
) -> None:
    empty = Checkpoint(log.signer.name, 0, EMPTY_ROOT)
    newer = Checkpoint(log.signer.name, 10_000, EMPTY_ROOT)
    cases: dict[str, str | bytes] = {
        "a log without leaves": signed(empty.text, log.signer.line(empty.text)),
        "the file is older": signed(newer.text, log.signer.line(newer.text)),
        "--since EARLIER": log.notes[0][1],
        "EARLIER is no signed note": "nothing",
        "EARLIER is no text": b"\xff",
        "EARLIER is not signed by": MemoryLog(Signer("other.example", b"\x02" * 32)).sign(),
    }
    for said, note in cases.items():
        told = verify(log.proof(CASE) if "since" in said else document, log.vkey, note)
        assert (told.code, said in told.reason) == (1, True), told.reason


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"format":"recourse-case-proof","version":1}',
        b'{"format":"recourse-case-proof","version":' + b"9" * 5_000 + b"}",
        b'{"format":"recourse-case-proof","version":1,"version":1}',
        b'{"format":NaN}',
    ],
)
def test_what_is_no_document_is_refused(log: MemoryLog, verify: Verify, content: bytes) -> None:
    verdict = verify(content, log.vkey)
    assert (verdict.code, verdict.reason[:17]) == (1, "FAILED: the file ")


def test_a_document_that_is_too_large_or_no_file_is_refused_unread(
    log: MemoryLog, verify: Verify, capsys: pytest.CaptureFixture[str]
) -> None:
    large = verify.folder / "large"
    with large.open("wb") as file:
        file.truncate(recourse_verify.LARGEST_FILE + 1)
    for path in (large, verify.folder, verify.folder / "absent"):
        assert recourse_verify.main([str(path), "--vkey", log.vkey]) == 1
        assert capsys.readouterr().out.startswith("FAILED: ")


def test_a_text_of_a_record_cannot_write_to_the_terminal(verify: Verify) -> None:
    log = MemoryLog()
    log.record(CASE, "CaseFiled", **{"\x1b[2J": sealed("buyer")})
    log.sign()
    verdict = verify(log.proof(CASE), log.vkey)
    assert (verdict.code, "\x1b" in verdict.text) == (0, False)


# --- random changes -----------------------------------------------------------------------------------

MUTATIONS = 1_000


def mutated_bytes(document: bytes, chance: random.Random) -> bytes:
    """The document with a few bytes changed, left out, put in, doubled or moved."""
    at, length = chance.randrange(len(document)), chance.choice((1, 1, 1, 7, 300))
    piece = document[at : at + length]
    match chance.randrange(6):
        case 0:
            return document[:at] + bytes([document[at] ^ (1 << chance.randrange(8))]) + document[at + 1 :]
        case 1:
            return document[:at] + document[at + length :]
        case 2:
            return document[:at] + chance.randbytes(length) + document[at:]
        case 3:
            return document[:at] + piece + piece + document[at + length :]
        case 4:
            return document[:at]
        case _:
            rest = document[:at] + document[at + length :]
            to = chance.randrange(len(rest))
            return rest[:to] + piece + rest[to:]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, part in inner for place in places(part, (*path, name)))]


def mutate(value: Any, path: tuple[Any, ...], chance: random.Random) -> None:
    """Change what stands at one place."""
    for name in path[:-1]:
        value = value[name]
    name = path[-1]
    found = value[name]
    kind = chance.randrange(5)
    if kind == 0:
        del value[name]
    elif kind == 1:
        value[name] = chance.choice([None, True, -1, 0, 2**70, 0.5, "", "x", [], {}, [[]], "\U0001f600"])
    elif kind == 2 and isinstance(value, list):
        value.insert(chance.randrange(len(value) + 1), found)
    elif kind == 3 and isinstance(value, list):
        value[name] = chance.choice(value)
    elif isinstance(found, str) and found:
        at = chance.randrange(len(found))
        value[name] = found[:at] + chance.choice('aZ09=+/"{ \n\u00e9') + found[at + 1 :]
    elif isinstance(found, int):
        value[name] = found + chance.choice((-1, 1, 256))
    elif isinstance(found, list):
        chance.shuffle(found)
    else:
        del value[name]


def refused(verify: Verify, document: bytes, vkey: str, what: object) -> None:
    verdict = verify(document, vkey)
    assert verdict.code == 1, what
    assert verdict.reason.startswith("FAILED: "), what
    assert len(verdict.reason) > len("FAILED: .")


@pytest.mark.parametrize("seed", range(2))
def test_every_random_change_of_bytes_is_refused(
    log: MemoryLog, document: bytes, verify: Verify, seed: int
) -> None:
    chance = random.Random(seed)
    tried = 0
    while tried < MUTATIONS:
        other = mutated_bytes(document, chance)
        if other != document:
            refused(verify, other, log.vkey, (seed, tried))
            tried += 1


@pytest.mark.parametrize("seed", range(2))
def test_every_random_change_of_values_is_refused_even_with_a_fitting_digest(
    log: MemoryLog, document: bytes, verify: Verify, seed: int
) -> None:
    """Where only the digest would tell, nothing is claimed: which earlier heads are led on from."""
    chance = random.Random(seed)
    original = read(document)
    everywhere = [path for path in places(original) if path and path[0] not in ("sha256", "consistency")]
    tried = 0
    while tried < MUTATIONS:
        value = read(document)
        path = chance.choice(everywhere)
        mutate(value, path, chance)
        if value != original:
            refused(verify, written(value), log.vkey, (seed, tried, path))
            tried += 1


# --- standing alone -----------------------------------------------------------------------------------


def test_it_imports_nothing_of_ours() -> None:
    roots = set()
    for node in ast.walk(ast.parse(PROGRAM.read_text(encoding="utf-8"))):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        roots |= {name.split(".")[0] for name in names}
    assert roots - sys.stdlib_module_names == {"cryptography"}


def test_it_runs_by_itself_and_its_exit_code_is_its_verdict(
    log: MemoryLog, document: bytes, tmp_path: Path
) -> None:
    alone = tmp_path / "verify.py"
    alone.write_bytes(PROGRAM.read_bytes())
    (tmp_path / "case.json").write_bytes(document)
    (tmp_path / "torn.json").write_bytes(document[:-9])

    def ran(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", alone, *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    assert ran("case.json", "--vkey", log.vkey).returncode == 0
    torn = ran("torn.json", "--vkey", log.vkey)
    assert (torn.returncode, torn.stderr) == (1, "")
    usage = ran("case.json")
    assert (usage.returncode, "Traceback" in usage.stderr) == (2, False)


def holds(check: Callable[..., None], *values: Any) -> bool:
    try:
        check(*values)
    except (ProofInvalid, recourse_verify.ProofInvalid):
        return False
    return True


def test_it_agrees_with_the_domain_on_random_trees() -> None:
    chance = random.Random(1)
    leaves = [leaf_hash(bytes([number])) for number in range(120)]
    verdicts = []
    for _ in range(3_000):
        size = chance.randrange(1, 120)
        first, index = chance.randrange(1, size + 1), chance.randrange(size)
        if not chance.randrange(4):
            index, first, size = (chance.randrange(-2, 125) for _ in range(3))
        at_most = max(1, min(size, 120))

        subtree = subtrees(leaves)
        inclusion = inclusion_proof(max(0, min(index, at_most - 1)), at_most, subtree)
        consistency = consistency_proof(max(1, min(first, at_most)), at_most, subtree)
        for proof in (inclusion, consistency):
            if not chance.randrange(3) and proof:
                chance.choice((proof.pop, proof.reverse, lambda one=proof: one.append(leaves[0])))()
        root = root_of(leaves[:at_most])
        one = (leaves[max(0, min(index, 119))], index, size, inclusion, root)
        two = (first, size, consistency, root_of(leaves[: max(0, first)]), root)
        verdicts += [holds(verify_inclusion, *one), holds(verify_consistency, *two)]
        assert verdicts[-2:] == [
            holds(recourse_verify.verify_inclusion, *one),
            holds(recourse_verify.verify_consistency, *two),
        ]
    assert 500 < sum(verdicts) < len(verdicts) - 500
