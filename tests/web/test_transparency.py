"""The transparency log over HTTP: who may read what of it, and that a proof is one."""

import json
from datetime import timedelta
from urllib.parse import quote

import pytest

import recourse_verify
from application.transparency import Transparency
from infrastructure.event_store.connections import Datastore
from infrastructure.transparency.published import PublishedLog

CASE_READERS = ["buyer", "merchant", "agent", "reviewer", "supervisor", "auditor", "finance", "admin"]
LOG_READERS = ["supervisor", "auditor", "admin"]


@pytest.fixture
def told(story, sealer):
    """A case with notes, sealed."""
    told = story().verified()
    told.did("agent", "notes", {"text": "内部备注", "visibility": "internal"}, versioned=False)
    sealer.catch_up()
    return told


@pytest.fixture
def verified(tmp_path, sealer, capsys):
    """Runs the stand-alone verifier on a document: what it said, when everything holds."""

    def run(document: bytes) -> str:
        (tmp_path / "case.json").write_bytes(document)
        vkey = json.loads(document)["vkey"]
        code = recourse_verify.main([str(tmp_path / "case.json"), "--vkey", vkey])
        said: str = capsys.readouterr().out
        assert code == 0, said
        return said

    return run


@pytest.mark.parametrize("who", CASE_READERS)
def test_whoever_may_read_a_case_gets_its_proof(told, verified, who):
    answer = told.call(who).get(f"{told.path}/proof")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert f"version {told.version} is the newest" in verified(answer.content)


@pytest.mark.parametrize("who", ["merchant:2", "buyer:2"])
def test_the_proof_of_somebody_elses_case_is_not_found(told, refused, who):
    refused(404, "case_not_found", lambda: told.call(who).get(f"{told.path}/proof"))


def test_that_a_proof_is_handed_out_is_on_record_with_the_reason(told):
    reason = "复核要求"
    asked = {"X-Access-Reason": quote(reason)}
    assert told.call("auditor").ask("GET", f"{told.path}/proof", headers=asked).status_code == 200
    listed = told.call("admin").ask("GET", f"{told.path}/accesses", headers={"X-Access-Reason": "looking"})
    newest = listed.json()["data"][0]
    assert (newest["type"], newest["export"], newest["reason"]) == ("CaseExported", "proof", reason)


def withheld(told, who):
    events = told.call(who).get(f"{told.path}/proof").json()["events"]
    return [json.loads(one["entry"])["type"] for one in events if "withheld" in one]


def test_what_a_caller_may_not_read_is_withheld(told):
    assert withheld(told, "auditor") == withheld(told, "reviewer") == []
    assert withheld(told, "buyer") == ["CaseClaimed", "NoteAdded"]
    assert {"CaseFiled", "CaseClaimed", "CaseVerified", "NoteAdded"} <= set(withheld(told, "merchant"))


def test_nothing_that_is_withheld_stands_anywhere_in_a_merchants_proof(told):
    history = told.call("merchant").get(f"{told.path}/history").json()["data"]
    text = told.call("merchant").get(f"{told.path}/proof").text
    assert "reviewer-1" not in text
    assert "agent-1" not in text
    assert "buyer-app" not in text
    assert len(history) < told.version


def test_a_proof_leads_on_from_the_size_that_its_reader_knows(told, refused):
    answer = told.call("auditor").get(f"{told.path}/proof", since=3).json()
    assert answer["consistency"][-1]["size"] == 3
    path = f"{told.path}/proof"
    for since in (0, "x", 10**12):
        asked = {"since": since}
        problem = refused(422, "invalid_request", lambda asked=asked: told.call("auditor").get(path, **asked))
        assert problem["errors"][0]["in"] == "query"


@pytest.fixture
def impatient(installation):
    """The log, read without patience."""
    datastore = Datastore(installation.database, pool_size=1, max_overflow=1)
    datastore.pool.open()
    cases, accesses = installation.parts["cases"], installation.parts["accesses"]
    yield Transparency(cases, accesses, PublishedLog(datastore, patience=timedelta()))
    datastore.close()


def test_a_case_that_no_checkpoint_covers_yet_is_to_be_asked_for_again(
    installation, story, sealer, impatient
):
    sealer.catch_up()
    told = story()
    client = installation.app(transparency=impatient).test_client()
    headers = {"Authorization": f"Bearer {installation.secrets['auditor']}"}
    answer = client.get(f"/api/v1{told.path}/proof", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (503, "not_sealed_yet")
    assert "does the sealer run?" in answer.json["detail"]
    assert answer.headers["Retry-After"]


# --- the log ------------------------------------------------------------------------------------------


def test_everybody_may_have_heads_and_hashes(told, call):
    nobody = call("nobody")
    head = nobody.get("/log/checkpoint")
    origin, size = head.text.splitlines()[:2]
    assert (head.status_code, origin) == (200, "web.test/log")
    assert head.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert head.headers["Cache-Control"] == "public, max-age=1"
    width = min(int(size), 256)
    tile = nobody.get("/log/tile/0/000" + (f".p/{width}" if width < 256 else ""))
    assert (tile.status_code, len(tile.content)) == (200, 32 * width)
    assert tile.headers["Content-Type"] == "application/octet-stream"
    assert "immutable" in tile.headers["Cache-Control"]


@pytest.mark.parametrize(
    "place",
    ["0/0", "0/x000/001", "9/000", "00/000", "0/999", "0/000.p/0", "0/000.p/256", "x/000"],
)
def test_what_is_no_tile_is_not_found(told, call, refused, place):
    refused(404, "log_tile_not_found", lambda: call("nobody").get(f"/log/tile/{place}"))


@pytest.mark.parametrize("who", LOG_READERS)
def test_those_who_audit_may_have_entries_with_their_proofs(told, call, who):
    entry = call(who).get("/log/entries/0").json()
    assert (entry["number"], json.loads(entry["entry"])["ver"]) == ("0", 1)
    proof = call(who).get("/log/entries/0.tlog-proof")
    assert (proof.status_code, proof.text) == (200, entry["proof"])
    assert proof.text.startswith("c2sp.org/tlog-proof@v1\nindex 0\n")
    bundle = call(who).get("/log/tile/entries/000.p/1").content
    assert bundle == len(entry["entry"]).to_bytes(2, "big") + entry["entry"].encode()


@pytest.mark.parametrize("path", ["/log/entries/0", "/log/entries/0.tlog-proof", "/log/tile/entries/000.p/1"])
def test_entries_are_not_for_everybody(told, call, refused, path):
    refused(401, "unauthenticated", lambda: call("nobody").get(path))
    for who in ("buyer", "merchant", "agent", "reviewer", "finance", "logistics"):
        refused(403, "forbidden", lambda who=who: call(who).get(path))


@pytest.mark.parametrize("entry", ["-1", "x", "01", "1.5", "99999999999", "0.tlog", "9" * 40])
def test_what_is_no_entry_is_not_found(told, call, refused, entry):
    refused(404, "log_entry_not_found", lambda: call("auditor").get(f"/log/entries/{entry}"))
