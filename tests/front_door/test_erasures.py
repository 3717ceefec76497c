"""`recourse erasures`: an older database forgets again what the ledger remembers, before it serves."""

from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from application.erasures import Erasure, LedgerState
from domain.values import Side
from infrastructure.erasure_ledger import ErasureLedgerFile
from infrastructure.transparency.sealer import Sealer
from tests.front_door.conftest import CommandLine

KEYS = "SELECT case_id, key_id FROM vault.data_keys WHERE person = 'buyer' ORDER BY case_id"


@pytest.fixture
def agreed(recourse_on, three_cases):
    """An erasure of which the ledger knows, and the database nothing."""
    (case_id, key_id), *_ = keys(recourse_on)
    erasure = Erasure(
        uuid4(), case_id, Side.BUYER, key_id, "supervisor-1", "admin-1", datetime(2036, 1, 1, tzinfo=UTC)
    )
    ledger = ErasureLedgerFile(recourse_on.home / "erasures.ledger")
    ledger.begin(erasure)
    ledger.end(erasure.erasure_id, LedgerState.RECORDED)
    return erasure


def keys(recourse_on):
    with psycopg.connect(recourse_on.url) as connection:
        return connection.execute(KEYS).fetchall()


def test_the_ledger_is_listed(recourse_on, agreed):
    (listed,) = recourse_on.json("erasures", "list")["data"]
    assert (listed["state"], listed["erasure"]["case_id"]) == ("recorded", str(agreed.case_id))
    shown = recourse_on("erasures", "list").stdout
    assert "recorded" in shown
    assert str(agreed.case_id) in shown


def test_applying_it_destroys_the_key_and_says_so(recourse_on, agreed):
    before = keys(recourse_on)
    assert "would apply 1 erasures" in recourse_on("erasures", "apply", "--dry-run").stdout
    assert keys(recourse_on) == before
    (applied,) = recourse_on.json("erasures", "apply")["data"]
    assert applied["outcome"] == "applied"
    assert keys(recourse_on) == before[1:]
    history = recourse_on.json("case", "history", str(agreed.case_id))["data"]
    assert history[-1]["type"] == "PersonalDataErased"
    recourse_on("erasures", "apply")
    assert recourse_on.json("case", "history", str(agreed.case_id))["data"] == history


def test_it_is_applied_before_anything_is_served(recourse_on, agreed):
    process = recourse_on.start("serve", "--port", "0", WEB_WORKERS="1")
    assert "listening on" in process.stderr.readline()
    assert agreed.key_id not in [key_id for _, key_id in keys(recourse_on)]
    process.terminate()
    process.communicate(timeout=60)


def test_a_ledger_that_others_could_change_is_not_applied(recourse_on, agreed):
    (recourse_on.home / "erasures.ledger").chmod(0o666)
    refused = recourse_on("erasures", "apply", code=1)
    assert "chmod 600" in refused.stderr
    assert agreed.key_id in [key_id for _, key_id in keys(recourse_on)]


@pytest.fixture
def saved(recourse_on, three_cases, tmp_path):
    """A backup with the keys, of before any erasure."""
    sealer = Sealer(recourse_on.url, recourse_on.home, origin=lambda: "recourse.test/erasures")
    sealer.catch_up()
    sealer.close()
    words = str(tmp_path / "archive"), "--keys", str(tmp_path / "keys")
    recourse_on("backup", *words)
    return words


@pytest.fixture
def elsewhere(recourse_on, database_url):
    """The same home with another database, which is empty."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        yield CommandLine(recourse_on.home, urlsplit(database_url)._replace(path=f"/{name}").geturl())
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_what_is_restored_with_its_keys_has_forgotten_before_anything_serves(saved, agreed, elsewhere):
    assert "1 erasures of the ledger were applied" in elsewhere("restore", *saved).stdout
    assert agreed.key_id not in [key_id for _, key_id in keys(elsewhere)]
    assert len(keys(elsewhere)) == 2
    history = elsewhere.json("case", "history", str(agreed.case_id))["data"]
    assert history[-1]["type"] == "PersonalDataErased"


def test_a_backup_into_a_folder_of_something_else_says_what_to_do(recourse_on, saved, tmp_path):
    (manifest,) = (tmp_path / "archive" / "manifests").iterdir()
    manifest.write_text(manifest.read_text().replace("recourse.test/erasures", "recourse.test/another"))
    refused = recourse_on("backup", str(tmp_path / "archive"), code=1).stderr
    assert "use an empty folder" in refused
    assert "next: the same with another folder" in refused


def test_keys_are_not_restored_where_nobody_knows_what_was_erased(saved, elsewhere):
    assert "there is no ledger" in elsewhere("restore", *saved, code=2).stderr
    elsewhere("restore", *saved, "--nothing-erased")
    assert len(keys(elsewhere)) == 3


def test_a_new_epoch_begins_and_texts_are_still_opened(recourse_on, three_cases):
    first, second = (recourse_on.home / f"vault.key.{number}" for number in (1, 2))
    before = keys(recourse_on)
    assert first.exists()
    assert "would begin epoch 2" in recourse_on("key", "roll", "--dry-run").stdout
    assert first.exists()
    told = recourse_on("key", "roll").stdout
    assert f"epoch 2 began; {len(before)} data keys wrapped anew; ended: 1" in told
    assert second.exists()
    assert not first.exists()
    assert keys(recourse_on) == before
    findings = recourse_on.json("doctor", code=0)["data"]
    assert not [one for one in findings if one["level"] == "fault"]
