"""`recourse audit vkey`, `export` and `tiles`, and the verifier as a program, on a log in a real database."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from infrastructure.transparency.sealer import Sealer

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sealer(recourse_on):
    """What seals that database's log."""
    sealer = Sealer(recourse_on.url, recourse_on.home, origin=lambda: "door.test/log")
    yield sealer
    sealer.close()


@pytest.fixture
def sealed(recourse_on, three_cases, sealer):
    """A command line on three sealed cases."""
    sealer.catch_up()
    return recourse_on


def verifier(*words):
    """The verifier as its user runs it: with Python alone, from anywhere."""
    program = [sys.executable, "-I", str(ROOT / "recourse_verify.py"), *map(str, words)]
    return subprocess.run(program, cwd="/", capture_output=True, text=True, check=False)


def test_a_case_is_exported_by_number_or_id_and_verified(sealed, three_cases, tmp_path):
    key = sealed("audit", "vkey").stdout.strip()
    assert key.startswith("door.test/log+")
    by_number, by_id = tmp_path / "number.json", tmp_path / "id.json"
    told = sealed("audit", "export", three_cases[0]["number"], "-o", str(by_number)).stdout
    assert f"python recourse_verify.py {by_number} --vkey {key}" in told
    sealed("audit", "export", three_cases[0]["case_id"], "-o", str(by_id))
    assert by_number.read_bytes() == by_id.read_bytes()
    done = verifier(by_id, "--vkey", key)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "VERIFIED" in done.stdout


def test_an_export_leads_on_from_a_checkpoint_that_its_reader_has(sealed, three_cases, sealer, tmp_path):
    earlier, file = tmp_path / "earlier", tmp_path / "case.json"
    sealed("audit", "tiles", str(tmp_path / "log"))
    earlier.write_bytes((tmp_path / "log" / "checkpoint").read_bytes())
    with psycopg.connect(sealed.url, autocommit=True) as connection:
        connection.execute(
            "SELECT append_fact(gen_random_uuid(), 1, topic, state, gen_random_uuid(), schema_version,"
            " actor_id, actor_role, request_id, NULL, NULL) FROM events WHERE originator_version = 1 LIMIT 1"
        )
    sealer.catch_up()
    key = sealed("audit", "vkey").stdout.strip()
    sealed("audit", "export", three_cases[0]["case_id"], "-o", str(file), "--since", str(earlier))
    assert verifier(file, "--vkey", key, "--checkpoint", earlier).returncode == 0
    earlier.write_text("nothing")
    failed = sealed(
        "audit", "export", three_cases[0]["case_id"], "-o", str(file), "--since", str(earlier), code=1
    )
    assert "is no checkpoint of this log" in failed.stderr


def test_a_log_that_nobody_sealed_is_told_with_what_to_run(recourse_on, three_cases, tmp_path):
    for words in (("vkey",), ("tiles", str(tmp_path / "log"))):
        assert "next: recourse doctor" in recourse_on("audit", *words, code=1).stderr


def test_tiles_are_written_once_and_added_to(sealed, tmp_path):
    folder = tmp_path / "log"
    assert "holds the log up to leaf" in sealed("audit", "tiles", str(folder)).stdout
    first = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.parent.name != "log"}
    sealed("audit", "tiles", str(folder))
    assert {path: path.stat().st_mtime_ns for path in first} == first
