"""The transparency log from the command line: recomputed, witnessed, begun anew."""

import json
import signal
from contextlib import contextmanager

import psycopg
import pytest

from infrastructure.transparency.notes import COSIGNATURE, Verifier
from infrastructure.transparency.sealer import Sealer, identity
from infrastructure.transparency.witnesses import Witnesses, parsed_witnesses


@pytest.fixture
def sealed(recourse_on, three_cases):
    """A command line on a database with three cases, all sealed."""
    seal(recourse_on)
    return recourse_on


def seal(line):
    sealer = Sealer(line.url, line.home, origin=lambda: "recourse.test/log")
    sealer.catch_up()
    sealer.close()


def superuser(url, statement):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(statement).rowcount


def test_a_sound_log_is_said_to_be_so_and_with_what_it_was_compared(sealed):
    said = sealed("audit", "verify").stdout
    assert "everything is as it was sealed" in said
    assert f"compared with {sealed.home / 'log.checkpoint'}" in said.replace("\n", " ")
    report = sealed.json("audit", "verify")
    assert (report["faults"], report["facts"], report["maps"]) == (0, report["leaves"] - 1, 1)


def test_a_changed_fact_ends_with_3_and_its_place(sealed):
    superuser(
        sealed.url, "UPDATE events SET actor_id = 'x' WHERE position = (SELECT min(position) FROM events)"
    )
    report = sealed.json("audit", "verify", code=3)
    assert [(fault["table"], fault["version"], fault["index"]) for fault in report["first"]] == [
        ("events", 1, 0)
    ]
    assert "Not as it was sealed" in sealed("audit", "verify", code=3).stdout


def test_a_log_is_compared_with_a_checkpoint_and_a_key_of_ones_own(sealed, tmp_path):
    kept = tmp_path / "mine"
    kept.write_text((sealed.home / "log.checkpoint").read_text())
    vkey = identity(sealed.url).vkey
    assert str(kept) in " ".join(
        sealed.json("audit", "verify", "--checkpoint", str(kept), "--vkey", vkey)["compared"]
    )
    other = Verifier("recourse.test/log", b"k" * 32).vkey
    report = sealed.json("audit", "verify", "--vkey", other, code=3)
    assert [fault["table"] for fault in report["first"]] == ["logs"]
    kept.write_text(kept.read_text().replace("recourse.test", "recourse.else"))
    assert "next: " in sealed("audit", "verify", "--checkpoint", str(kept), code=2).stderr
    assert "next: " in sealed("audit", "verify", "--vkey", "nonsense", code=2).stderr


def test_a_kept_checkpoint_that_is_not_the_logs_is_a_fault(sealed):
    (sealed.home / "log.checkpoint").write_text("torn\n")
    report = sealed.json("audit", "verify", code=3)
    assert [fault["table"] for fault in report["first"]] == ["kept checkpoint"]


def test_before_anything_is_sealed_there_is_nothing_to_verify_or_to_reopen(recourse_on):
    for words in (("verify",), ("reopen", "--reason", "none", "--yes")):
        assert "next: recourse seal" in recourse_on("audit", *words, code=1).stderr


def test_a_log_is_reopened_only_on_purpose_and_is_sound_then(sealed):
    assert "next: the same with --yes" in sealed("audit", "reopen", "--reason", "lost", code=2).stderr
    assert "next: " in sealed("audit", "reopen", "--reason", " ", "--yes", code=2).stderr
    said = sealed("audit", "reopen", "--reason", "the disk is gone", "--yes").stdout
    assert f"log 2 is open: {identity(sealed.url).vkey}" in said
    seal(sealed)
    report = sealed.json("audit", "verify")
    assert (report["origin"], report["faults"]) == ("recourse.test/log/2", 0)
    assert sealed.json("audit", "verify", "--log", "1")["origin"] == "recourse.test/log"
    assert "next: " in sealed("audit", "verify", "--log", "7", code=1).stderr


@contextmanager
def witness(line, *words):
    process = line.start("audit", "witness", "--port", "0", *words)
    try:
        yield process.stdout.readline().strip(), process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, "")


def test_a_witness_runs_by_itself_tells_its_key_and_cosigns(sealed, bare, tmp_path):
    words = ("--key", str(tmp_path / "w.key"), "--log", identity(sealed.url).vkey, "--name", "witness.test/w")
    with witness(bare, *words) as (vkey, url):
        assert (Verifier.parsed(vkey).name, Verifier.parsed(vkey).kind) == ("witness.test/w", COSIGNATURE)
        known = parsed_witnesses(f"{url} {vkey}")
        assert Witnesses(sealed.url, known).ask_all() == 1
    report = sealed("audit", "verify", "--json", WITNESSES=f"{url} {vkey}").stdout
    assert json.loads(report)["faults"] == 0
    with witness(bare, *words) as (again, _):
        assert again == vkey


def test_a_witness_that_cannot_use_its_files_says_so(bare, tmp_path):
    (tmp_path / "w.key").write_text("PRIVATE+KEY+torn")
    log = Verifier("recourse.test/log", b"k" * 32).vkey
    refused = bare("audit", "witness", "--key", str(tmp_path / "w.key"), "--log", log, code=2)
    assert "next: " in refused.stderr
    assert bare("audit", "witness", "--key", str(tmp_path / "k"), "--log", "nonsense", code=2).stderr
