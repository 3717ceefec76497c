"""A witness cosigns what continues all that it cosigned before, by the letter of c2sp.org/tlog-witness."""

import stat
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Barrier, Thread
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from domain.merkle import EMPTY_ROOT, consistency_proof, leaf_hash, root_of
from infrastructure import secret_file
from infrastructure.transparency import witness as witnessing
from infrastructure.transparency.notes import COSIGNATURE, Checkpoint, Signer, opened, signed
from infrastructure.transparency.sealer import Sealer
from infrastructure.transparency.tree import StoredTree
from infrastructure.transparency.witness import StateDamaged, Witness
from infrastructure.transparency.witnesses import (
    SIZE_TYPE,
    Answer,
    Witnesses,
    WitnessRefused,
    cosign,
    parsed_witnesses,
    request,
)
from infrastructure.transparency.witnesses import Witness as Known

LOG = Signer("log.example/a", b"l" * 32)
OTHER = Signer("log.example/b", b"m" * 32)
KEY = Signer("witness.example/w1", b"w" * 32, COSIGNATURE)
LEAVES = [leaf_hash(bytes([number])) for number in range(20)]
NOW = 1_764_032_000.7


def root(size: int) -> bytes:
    return root_of(LEAVES[:size])


def note(
    size: int, by: Signer = LOG, origin: str = LOG.name, over: bytes | None = None, more: str = ""
) -> str:
    text = Checkpoint(origin, size, root(size) if over is None else over).text + more
    return signed(text, by.line(text))


def proof(old: int, new: int) -> list[bytes]:
    return consistency_proof(old, new, lambda level, at: root_of(LEAVES[at << level : (at + 1) << level]))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "witness.state"


@pytest.fixture
def witness(state: Path) -> Witness:
    return Witness(KEY, [LOG.verifier], state, lambda: NOW)


def cosigned(answer: Answer, checkpoint: str) -> None:
    """Asserts that the answer is the witness's cosignature of the note, at its time."""
    assert answer.status == 200, answer
    text, _ = opened(checkpoint, [LOG.verifier])
    assert opened(signed(text, answer.body), [KEY.verifier])[1] == (KEY.verifier,)
    assert answer.body == KEY.line(text, int(NOW))


def test_a_first_checkpoint_is_cosigned_and_so_is_what_continues_it(witness: Witness):
    cosigned(witness.add_checkpoint(request(0, [], note(7))), note(7))
    cosigned(witness.add_checkpoint(request(7, proof(7, 13), note(13))), note(13))
    cosigned(witness.add_checkpoint(request(13, [], note(13))), note(13))  # again: nothing speaks against it


def test_a_checkpoint_with_extension_lines_and_foreign_signatures_is_cosigned_whole(witness: Witness):
    text = Checkpoint(LOG.name, 7, root(7)).text + "extension\n"
    both = signed(text, OTHER.line(text), LOG.line(text))
    cosigned(witness.add_checkpoint(request(0, [], both)), both)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (request(7, [], note(9, origin="log.example/unknown")), 404),
        (request(7, proof(7, 9), note(9, by=Signer("log.example/a", b"n" * 32))), 403),
        (request(7, proof(7, 9), note(9, by=OTHER)), 403),
        (request(9, [], note(8)), 400),
        (request(7, proof(6, 9), note(9)), 422),
        (request(7, [], note(9)), 422),
        (request(7, proof(7, 9), note(9, over=root(10))), 422),
        (request(7, [root(7)], note(7)), 422),
        (b"", 400),
        (b"\xff\xfe", 400),
        (b"old 7\n", 400),
        (b"old 07\n\n" + note(7).encode(), 400),
        (b"old -7\n\n" + note(7).encode(), 400),
        (b"old \xd9\xa7\n\n" + note(7).encode(), 400),
        (b"old " + b"9" * 5_000 + b"\n\n" + note(7).encode(), 400),
        (b"old 7\nnot a hash\n\n" + note(9).encode(), 400),
        (b"old 7\n" + b64encode(b"short") + b"\n\n" + note(9).encode(), 400),
        (request(7, [root(1)] * 64, note(9)), 400),
        (request(7, proof(7, 9), "no note"), 400),
        (request(7, proof(7, 9), note(9).replace("\n9\n", "\nnine\n")), 400),
    ],
)
def test_what_cannot_be_cosigned_is_refused_by_its_code_and_changes_nothing(
    witness: Witness, state: Path, body: bytes, status: int
):
    witness.add_checkpoint(request(0, [], note(7)))
    kept = state.read_bytes()
    assert witness.add_checkpoint(body).status == status
    assert state.read_bytes() == kept


@pytest.mark.parametrize(("old", "size"), [(0, 9), (3, 9), (9, 9)])
def test_another_old_size_is_answered_with_the_one_that_was_cosigned(witness: Witness, old: int, size: int):
    witness.add_checkpoint(request(0, [], note(7)))
    answer = witness.add_checkpoint(request(old, proof(old, size) if old else [], note(size)))
    assert answer == Answer(409, SIZE_TYPE, "7\n")


def test_another_root_of_the_size_that_was_cosigned_is_a_conflict(witness: Witness):
    witness.add_checkpoint(request(0, [], note(7)))
    assert witness.add_checkpoint(request(7, [], note(7, over=root(8)))).status == 409


def test_of_an_unknown_log_only_a_proof_from_nothing_is_taken(witness: Witness):
    assert witness.add_checkpoint(request(5, proof(5, 7), note(7))) == Answer(409, SIZE_TYPE, "0\n")
    assert witness.add_checkpoint(request(0, proof(5, 7), note(7))).status == 422
    assert witness.add_checkpoint(request(0, [], note(0, over=root(1)))).status == 409
    assert witness.add_checkpoint(request(0, [], note(0, over=EMPTY_ROOT))).status == 200


def test_what_was_cosigned_outlives_the_process_and_is_the_owners_alone(witness: Witness, state: Path):
    witness.add_checkpoint(request(0, [], note(7)))
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    again = Witness(KEY, [LOG.verifier], state, lambda: NOW)
    assert again.add_checkpoint(request(0, [], note(9))) == Answer(409, SIZE_TYPE, "7\n")


def test_what_cannot_be_kept_is_not_cosigned(witness: Witness, state: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(secret_file, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        witness.add_checkpoint(request(0, [], note(7)))
    monkeypatch.undo()
    assert witness.add_checkpoint(request(5, proof(5, 7), note(7))).body == "0\n"


@pytest.mark.parametrize("content", ["{", "[]", '{"log.example/a": "torn"}', '{"log.example/a": 7}'])
def test_a_damaged_state_is_refused_and_not_begun_anew(state: Path, content: str):
    state.write_text(content)
    state.chmod(0o600)
    with pytest.raises(StateDamaged):
        Witness(KEY, [LOG.verifier], state, lambda: NOW)


def test_of_many_requests_at_once_one_order_is_kept(witness: Witness):
    witness.add_checkpoint(request(0, [], note(5)))
    sizes, answers, together = range(6, 20), [], Barrier(14)

    def ask(size: int) -> None:
        together.wait()
        answers.append(witness.add_checkpoint(request(5, proof(5, size), note(size))).status)

    threads = [Thread(target=ask, args=(size,)) for size in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, *[409] * 13]


def test_a_key_is_made_once(tmp_path: Path):
    first = witnessing.key_of(tmp_path / "key", "witness.local/a")
    assert witnessing.key_of(tmp_path / "key", "witness.local/b") == first
    assert (first.name, first.kind) == ("witness.local/a", COSIGNATURE)


# --- asked by the sealer ------------------------------------------------------------------------------


@contextmanager
def over_http(witness: Witness) -> Iterator[str]:
    with witnessing.server(witness, "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def fact(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            b"SELECT append_fact(gen_random_uuid(), 1, topic, state, gen_random_uuid(), schema_version,"
            b" actor_id, actor_role, request_id, NULL, NULL) FROM events LIMIT 1"
        )


@pytest.fixture
def served(tree: StoredTree, state: Path) -> Iterator[Known]:
    """A witness of the sealed history, over HTTP."""
    with over_http(Witness(KEY, [tree.log.verifier], state, lambda: NOW)) as url:
        yield parsed_witnesses(f"{url} {KEY.verifier.vkey}")[0]


def test_each_checkpoint_is_cosigned_once_and_told_with_the_note(
    sealed: str, sealer: Sealer, tree: StoredTree, served: Known
):
    asked = Witnesses(sealed, [served])
    assert (asked.ask_all(), asked.ask_all()) == (1, 0)
    fact(sealed)
    sealer.catch_up()
    assert asked.ask_all() == 1
    found = tree.note()
    assert found
    assert set(opened(found[1], [tree.log.verifier, KEY.verifier])[1]) == {tree.log.verifier, KEY.verifier}


def test_a_log_that_forgot_what_was_cosigned_is_told_by_the_witness(
    sealed: str, sealer: Sealer, tree: StoredTree, served: Known
):
    Witnesses(sealed, [served]).ask_all()
    with psycopg.connect(sealed, autocommit=True) as connection:
        connection.execute(b"SET session_replication_role = replica")
        connection.execute(b"DELETE FROM transparency.cosignatures")
    fact(sealed)
    sealer.catch_up()
    assert Witnesses(sealed, [served]).ask_all() == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, "text/plain", ""),
        Answer(200, "text/plain", "— witness.example/w1 AAAA\n"),
        Answer(200, "text/plain", Signer("witness.example/w2", b"x" * 32, COSIGNATURE).line("a\n", 1)),
        Answer(200, "text/plain", KEY.line("another text\n", 1)),
        Answer(409, SIZE_TYPE, "999999\n"),
        Answer(409, SIZE_TYPE, "many\n"),
        Answer(409, SIZE_TYPE, "9" * 5_000 + "\n"),
        Answer(503, "text/html", "<b>busy</b>"),
    ],
)
def test_what_is_no_cosignature_is_not_stored(tree: StoredTree, sealed: str, answer: Answer):
    known = Known("http://127.0.0.1:1", KEY.verifier)
    with psycopg.connect(sealed, autocommit=True) as connection:
        with pytest.raises(WitnessRefused):
            cosign(connection, tree, known, lambda *_: answer)
        assert connection.execute(b"SELECT count(*) FROM transparency.cosignatures").fetchone() == (0,)


def test_a_witness_that_is_away_is_told_once(sealed: str, caplog: pytest.LogCaptureFixture):
    asked = Witnesses(sealed, [Known("http://127.0.0.1:1", KEY.verifier)])
    assert (asked.ask_all(), asked.ask_all()) == (0, 0)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "the witness witness.example/w1 does not cosign"
    ]


def test_a_checkpoint_that_is_none_is_told_and_the_asking_goes_on(
    sealed: str, served: Known, caplog: pytest.LogCaptureFixture
):
    with psycopg.connect(sealed, autocommit=True) as connection:
        connection.execute(b"INSERT INTO transparency.checkpoints VALUES (1, 1000000, 'no note', now())")
    assert Witnesses(sealed, [served]).ask_all() == 0
    assert "NoteInvalid" in caplog.text


def test_a_superuser_who_rewrites_everything_even_with_the_logs_key_is_found_by_the_witness(
    sealed: str,
    tree: StoredTree,
    served: Known,
    tmp_path: Path,
    new_sealer: Callable[..., Sealer],
    sealer: Sealer,
):
    Witnesses(sealed, [served]).ask_all()
    sealer.close()
    with psycopg.connect(sealed, autocommit=True) as connection:
        connection.execute(b"SET session_replication_role = replica")
        connection.execute(b"UPDATE events SET actor_id = 'nobody' WHERE position = 700")
        for table in ("checkpoints", "cosignatures", "leaves", "tiles", "heads", "map_tiles"):
            connection.execute(f"DELETE FROM transparency.{table}".encode())  # noqa: S608  # constants
    (tmp_path / "log.checkpoint").unlink()
    fact(sealed)
    new_sealer(sealed, tmp_path).catch_up()  # a history that is sound in itself, signed by the right key
    with psycopg.connect(sealed, autocommit=True) as connection, pytest.raises(WitnessRefused, match="422"):
        cosign(connection, StoredTree(connection, tree.log), served)


def test_anything_else_over_http_is_refused(served: Known):
    where = urlsplit(served.url)
    connection = HTTPConnection(str(where.hostname), where.port, timeout=5)
    for method, path, body, status in (
        ("POST", "/elsewhere", b"", 404),
        ("GET", "/add-checkpoint", None, 501),
        ("POST", "/add-checkpoint", b"x" * 200_000, 400),
    ):
        connection.request(method, path, body)
        assert connection.getresponse().status == status
        connection.close()
