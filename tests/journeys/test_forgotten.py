"""Story 10: a buyer is withheld first and forgotten years later, and the history still verifies."""

from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import psycopg
import pytest

import recourse_verify
from domain.merkle import verify_consistency, verify_inclusion
from infrastructure.transparency.notes import checkpoint
from infrastructure.transparency.sealer import Sealer
from infrastructure.transparency.tree import StoredTree, newest_log

PHOTO = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
FACTS = "SELECT originator_id, originator_version, topic, state FROM events ORDER BY position"
LEAVES = "SELECT * FROM transparency.leaves WHERE log = 1 AND index < %s ORDER BY index"
KEYS = "SELECT case_id, person, key_id, wrapped FROM vault.data_keys WHERE person = 'buyer'"
STANDING_INDEX = "SELECT person FROM vault.blind_index WHERE case_id = %s"
STANDING_KEYS = "SELECT person FROM vault.data_keys WHERE case_id = %s ORDER BY person"


def rows(url: str, statement: str, *values: object) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode(), values).fetchall()


def verified(url: str, earlier: Any, head: Any) -> None:
    """Every leaf of the log is in the tree that its head is of, which continues an earlier one."""
    with psycopg.connect(url, autocommit=True) as connection:
        tree = StoredTree(connection, newest_log(connection))
        _, note = tree.note() or (0, "")
        assert checkpoint(note, tree.log.verifier) == head
        proof = tree.consistency_proof(earlier.size, head.size)
        verify_consistency(earlier.size, head.size, proof, earlier.root, head.root)
        for leaf in tree.leaves(0, head.size):
            verify_inclusion(
                leaf.hash, leaf.number, head.size, tree.inclusion_proof(leaf.number, head.size), head.root
            )


@pytest.fixture
def ended(world):
    """The path of a case with a photo that was withdrawn."""
    buyer = world.caller("buyer-integration")
    filed = buyer.post("/cases", world.filing("PO-1"))
    path = f"/cases/{filed['case_id']}"
    digest = sha256(PHOTO).hexdigest()
    buyer.upload(f"{path}/evidence/staging", PHOTO, "image/png", party="buyer", sha256=digest)
    piece = {"party": "buyer", "kind": "photo", "title": "拉链", "sha256": digest}
    buyer.post(f"{path}/evidence", piece)
    version = buyer.get(path)["version"]
    buyer.post(f"{path}/withdrawal", {"reasons": "不想再追究"}, version=version)
    world.settle()
    return path


@pytest.fixture
def sealer(world, copied: str, tmp_path: Path):
    """What seals the world's history."""
    made = Sealer(copied, tmp_path / "log", origin=lambda: "recourse.test/log")
    yield made
    made.close()


def test_a_buyer_is_forgotten_and_the_history_still_verifies(world, ended, sealer, copied):
    supervisor, admin = world.caller("supervisor"), world.caller("admin")
    auditor, case_id = world.caller("auditor"), UUID(ended.removeprefix("/cases/"))
    piece = supervisor.get(ended)["evidence"][0]["evidence_id"]
    assert supervisor.get(ended)["contact"]["phone"] == "13800000000"
    assert supervisor.download(f"{ended}/evidence/{piece}/content") == PHOTO

    # The records must be kept: the data are stored and protected, and nobody reads them.
    asked = admin.post(f"{ended}/erasure", {"party": "buyer", "reasons": "本人申请删除"})
    until = asked["personal_data"]["until"]
    assert asked["personal_data"] == {"state": "restricted", "until": until, "clause": "D-1"}
    assert until[:4] == "2039"
    world.settle()
    case = supervisor.get(ended)
    assert (case["statement"], case["contact"], case["evidence"][0]["title"]) == (None, None, None)
    assert case["personal_data"]["buyer"]["state"] == "restricted"
    assert case["personal_data"]["merchant"]["state"] == "open"
    told = [one["data"] for one in supervisor.get(f"{ended}/history")["data"]]
    assert "13800000000" not in str(told)
    assert {one.get("reasons") for one in told} >= {"本人申请删除", None}
    withheld = supervisor.ask("GET", f"{ended}/evidence/{piece}/content")
    assert (withheld.status_code, withheld.json()["code"]) == (409, "processing_is_restricted")
    assert withheld.json()["detail"].startswith("D-1: records are kept until 2039-")
    assert rows(copied, STANDING_KEYS, case_id) == [("buyer",), ("platform",)]

    # Three years later it takes two people, and no legal hold.
    world.pass_time(days=3 * 366)
    assert supervisor.get(ended)["personal_data"]["buyer"]["state"] == "erasable"
    (listed,) = supervisor.get("/erasures", state="erasable")["data"]
    assert listed["case_id"] == str(case_id)
    held = auditor.post(f"{ended}/legal-holds", {"ground": "监管调查"})
    refused = admin.ask("POST", f"{ended}/erasure", {"party": "buyer", "reasons": "保存期已满"})
    assert (refused.status_code, refused.json()["code"]) == (409, "legal_hold_in_force")
    auditor.post(f"{ended}/legal-holds/{held['hold_id']}/release", {"reasons": "调查结束"})
    waiting = admin.ask("POST", f"{ended}/erasure", {"party": "buyer", "reasons": "保存期已满"})
    assert waiting.status_code == 202
    proposal = waiting.json()
    approval = f"{ended}/erasure/{proposal['proposal_id']}/approval"
    agreed = {"proposal_hash": proposal["proposal_hash"]}
    match = {"If-Match": waiting.headers["ETag"]}
    alone = admin.ask("POST", approval, agreed, **match)
    assert (alone.status_code, alone.json()["code"]) == (409, "second_person_required")

    before = sealer.catch_up()
    facts, leaves = rows(copied, FACTS), rows(copied, LEAVES, before.size)
    supervisor.post(approval, agreed, version=proposal["version"])
    world.settle()

    # Nobody reads them any more, and nothing of the history has changed.
    assert rows(copied, STANDING_KEYS, case_id) == [("platform",)]
    assert world.bytes_kept() == set()
    case = supervisor.get(ended)
    assert (case["statement"], case["contact"]) == (None, None)
    assert case["personal_data"]["buyer"] == {"state": "erased", "until": None, "clause": None}
    gone = supervisor.ask("GET", f"{ended}/evidence/{piece}/content")
    assert (gone.status_code, gone.json()["code"]) == (404, "evidence_content_not_found")
    assert supervisor.get("/cases", buyer_id="b-1001")["data"] == []
    assert supervisor.get("/cases", number=case["number"])["data"] != []
    assert [one["state"] for one in supervisor.get("/erasures")["data"]] == ["erased"]
    assert rows(copied, FACTS)[: len(facts)] == facts
    after = sealer.catch_up()
    assert rows(copied, LEAVES, before.size) == leaves
    assert after.size > before.size
    verified(copied, before, after)


def test_the_proof_of_a_forgotten_case_says_so_and_shows_the_same_records(
    world, ended, sealer, tmp_path, capsys
):
    supervisor, admin = world.caller("supervisor"), world.caller("admin")
    world.pass_time(days=3 * 366)
    earlier = sealer.catch_up()
    before = supervisor.get(f"{ended}/proof")
    proposal = admin.ask("POST", f"{ended}/erasure", {"party": "buyer", "reasons": "本人申请"}).json()
    agreed = {"proposal_hash": proposal["proposal_hash"]}
    approval = f"{ended}/erasure/{proposal['proposal_id']}/approval"
    supervisor.post(approval, agreed, version=proposal["version"])
    sealer.catch_up()
    after = supervisor.ask("GET", f"{ended}/proof", **{"X-Access-Reason": "again"})
    shown = [{name: one[name] for name in ("entry", "salt", "record")} for one in after.json()["events"]]
    known = [{name: one[name] for name in ("entry", "salt", "record")} for one in before["events"]]
    assert shown[: len(known)] == known
    (tmp_path / "case.json").write_bytes(after.content)
    (tmp_path / "earlier").write_text(before["checkpoint"], encoding="utf-8")
    words = [str(tmp_path / "case.json"), "--vkey", before["vkey"], "--checkpoint", str(tmp_path / "earlier")]
    assert recourse_verify.main(words) == 0
    told = capsys.readouterr().out
    assert f"its first {earlier.size:,} leaves are as they were" in told
    (filed,) = (line for line in told.splitlines() if "CaseFiled" in line)
    assert "key destroyed: contact.address, contact.name, contact.phone, statement" in filed
    assert "PersonalDataErased" in told


def test_an_older_copy_of_the_keys_is_forgotten_again_before_it_serves(world, ended, copied):
    supervisor, admin = world.caller("supervisor"), world.caller("admin")
    case_id = UUID(ended.removeprefix("/cases/"))
    world.pass_time(days=3 * 366)
    backup = rows(
        copied, "SELECT case_id, person, key_id, wrapped FROM vault.data_keys WHERE person = 'buyer'"
    )
    found_by = rows(copied, "SELECT case_id, person, kind, digest FROM vault.blind_index")
    proposal = admin.ask("POST", f"{ended}/erasure", {"party": "buyer", "reasons": "本人申请"}).json()
    agreed = {"proposal_hash": proposal["proposal_hash"]}
    approval = f"{ended}/erasure/{proposal['proposal_id']}/approval"
    supervisor.post(approval, agreed, version=proposal["version"])
    with psycopg.connect(copied) as connection:
        connection.cursor().executemany(
            b"INSERT INTO vault.data_keys (case_id, person, key_id, wrapped) VALUES (%s, %s, %s, %s)", backup
        )
        connection.cursor().executemany(
            b"INSERT INTO vault.blind_index (case_id, person, kind, digest) VALUES (%s, %s, %s, %s)", found_by
        )
    assert rows(copied, STANDING_KEYS, case_id) == [("buyer",), ("platform",)]
    assert rows(copied, STANDING_INDEX, case_id) == [("buyer",)]
    world.apply_ledger()
    assert rows(copied, STANDING_KEYS, case_id) == [("platform",)]
    assert rows(copied, STANDING_INDEX, case_id) == []


def test_everything_held_about_a_buyer_is_handed_out_and_asked_to_be_erased(world, ended):
    supervisor, admin = world.caller("supervisor"), world.caller("admin")
    buyer = world.caller("buyer-integration")
    going_on = buyer.post("/cases", world.filing("PO-2", statement="颜色不对"))
    buyer.post("/cases", world.filing("PO-3", buyer_id="b-2002", statement="别人的"))
    world.settle()
    unsaid = supervisor.ask("POST", "/subjects/export", {"buyer_id": "b-1001"})
    assert (unsaid.status_code, unsaid.json()["code"]) == (428, "access_reason_required")
    why = {"X-Access-Reason": quote("本人申请查阅并复制其个人信息")}
    answer = supervisor.ask("POST", "/subjects/export", {"buyer_id": "b-1001"}, **why)
    assert answer.status_code == 200
    told = {one["number"]: one for one in answer.json()["data"]}
    assert len(told) == 2
    assert told[going_on["number"]]["statement"] == "颜色不对"
    assert "别人的" not in answer.text
    (first,) = (one for one in told.values() if one["number"] != going_on["number"])
    assert (first["contact"]["name"], first["files"][0]["title"]) == ("王芳", "拉链")
    assert first["history"][0]["type"] == "CaseFiled"

    asked = admin.ask("POST", "/subjects/erasure", {"buyer_id": "b-1001", "reasons": "本人申请"})
    outcome = {one["number"]: one for one in asked.json()["data"]}
    assert outcome[first["number"]]["personal_data"]["state"] == "restricted"
    assert outcome[first["number"]]["refused"] is None
    assert outcome[going_on["number"]]["refused"]["code"] == "case_not_ended"
    assert outcome[going_on["number"]]["personal_data"]["state"] == "open"
    again = supervisor.ask("POST", "/subjects/export", {"buyer_id": "b-1001"}, **why).json()["data"]
    kept = {one["number"]: one for one in again}
    assert (kept[first["number"]]["statement"], kept[first["number"]]["contact"]) == (None, None)
    assert kept[going_on["number"]]["statement"] == "颜色不对"
