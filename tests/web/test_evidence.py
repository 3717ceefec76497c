"""Evidence over HTTP: its bytes, requests for it, what is said of it, the burden of proof, inspections."""

import os
import sys
from contextlib import contextmanager
from hashlib import sha256
from uuid import uuid4

import psycopg
import pytest

from application.blobs import LARGEST_BLOB
from web import answers

JPEG = b"\xff\xd8\xff\xe0 a picture " + bytes(range(256))
PNG = b"\x89PNG\r\n\x1a\n another picture"
DIGEST = sha256(JPEG).hexdigest()
REASONS = {"reasons": "与实物不符"}
CNY_300 = {"amount_minor": 30000, "currency": "CNY"}


@pytest.fixture(scope="module")
def files_written():
    """Notices each file that this process opens to write, in any thread, while its body runs."""
    watching: list[list[str]] = []

    def notice(event, args):
        if event == "open" and watching and args[2] & (os.O_WRONLY | os.O_RDWR):
            watching[-1].append(str(args[0]))

    sys.addaudithook(notice)  # there is no way to remove one

    @contextmanager
    def watch():
        watching.append([])
        try:
            yield watching[-1]
        finally:
            watching.pop()

    return watch


def upload(told, who="buyer", party="buyer", data=JPEG, media_type="image/jpeg", digest=None, **headers):
    """A file sent to be staged."""
    query = {"party": party, "sha256": sha256(data).hexdigest() if digest is None else digest}
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if media_type:
        sent["Content-Type"] = media_type
    place = f"{told.path}/evidence/staging"
    return told.call(who).ask("POST", place, params=query, data=data, headers=sent)


def piece(party="buyer", **more):
    return {"party": party, "kind": "photo", "title": "拉链照片", "sha256": DIGEST} | more


def page(told, who="reviewer"):
    return told.call(who).get(told.path).json()


@pytest.fixture
def told(story):
    return story()


@pytest.fixture
def on_file(told):
    """A picture of the buyer, submitted."""
    evidence_id = upload(told).json()["evidence_id"]
    told.did("buyer", "evidence", piece(evidence_id=evidence_id), versioned=False)
    return evidence_id


def content_of(told, who, evidence_id):
    return told.call(who).ask("GET", f"{told.path}/evidence/{evidence_id}/content")


# --- bytes ---


def test_a_file_is_staged_submitted_and_given_out_as_it_was(told):
    staged = upload(told)
    assert (staged.status_code, staged.headers["Location"]) == (201, f"/api/v1{told.path}")
    assert staged.headers["ETag"] == f'"{staged.json()["version"]}"'
    evidence_id = staged.json()["evidence_id"]
    assert page(told)["staged"][0]["evidence_id"] == evidence_id
    filed = told.did("buyer", "evidence", piece(evidence_id=evidence_id), versioned=False)
    assert filed["evidence_id"] == evidence_id
    (shown,) = page(told)["evidence"]
    assert (shown["state"], shown["media_type"], shown["size"]) == ("submitted", "image/jpeg", len(JPEG))
    assert (shown["title"], shown["late"], page(told)["staged"]) == ("拉链照片", False, [])
    for who in ("buyer", "merchant", "agent", "reviewer:2", "supervisor", "auditor"):
        answer = content_of(told, who, evidence_id)
        assert (answer.status_code, answer.content) == (200, JPEG)


def test_a_file_is_given_out_to_be_saved_and_never_to_be_shown_or_kept(told, on_file):
    headers = content_of(told, "reviewer", on_file).headers
    assert headers["Content-Type"] == "image/jpeg"
    assert headers["Content-Disposition"] == f'attachment; filename="{on_file}.jpg"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Content-Length"] == str(len(JPEG))


def test_a_file_on_its_way_is_written_to_no_file(told, files_written):
    with files_written() as written:
        large = JPEG + bytes(2 * 1024 * 1024)
        evidence_id = upload(told, data=large).json()["evidence_id"]
        told.did("buyer", "evidence", piece(sha256=sha256(large).hexdigest()), versioned=False)
        assert content_of(told, "reviewer", evidence_id).content == large
    assert written == []


def test_a_file_that_is_written_would_be_noticed(files_written, tmp_path):
    with files_written() as written:
        (tmp_path / "spooled").write_bytes(JPEG)
    assert written == [str(tmp_path / "spooled")]


def test_the_digest_alone_submits_what_is_staged(told):
    evidence_id = upload(told).json()["evidence_id"]
    filed = told.did("buyer", "evidence", piece(sha256=DIGEST.upper()), versioned=False)
    assert filed["evidence_id"] == evidence_id


@pytest.mark.parametrize("who", ["finance", "logistics", "admin"])
def test_whoever_reads_no_texts_reads_no_files(told, on_file, refused, who):
    refused(403, "forbidden", lambda: content_of(told, who, on_file))


@pytest.mark.parametrize("who", ["merchant:2", "buyer:2"])
def test_a_file_of_somebody_elses_case_is_not_found(told, on_file, refused, who):
    refused(404, "case_not_found", lambda: content_of(told, who, on_file))
    refused(404, "case_not_found", lambda: upload(told, who, party=who.split(":")[0]))


def test_what_is_staged_is_shown_to_its_own_side_and_given_to_nobody(told, refused):
    evidence_id = upload(told).json()["evidence_id"]
    assert [one["evidence_id"] for one in page(told, "buyer")["staged"]] == [evidence_id]
    assert page(told, "merchant")["staged"] == []
    history = told.call("merchant").get(f"{told.path}/history").json()["data"]
    assert "EvidenceStaged" not in {one["type"] for one in history}
    for who in ("buyer", "merchant", "reviewer"):
        refused(404, "evidence_not_found", lambda who=who: content_of(told, who, evidence_id))


def test_evidence_by_reference_has_no_file(told, refused):
    filed = told.did("buyer", "evidence", piece(uri="s3://b/1"), versioned=False)
    refused(404, "evidence_content_not_found", lambda: content_of(told, "reviewer", filed["evidence_id"]))
    refused(404, "evidence_not_found", lambda: content_of(told, "reviewer", uuid4()))
    refused(404, "evidence_not_found", lambda: content_of(told, "reviewer", "1"))


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/json", ""])
def test_only_certain_media_types_are_taken(told, refused, media_type):
    problem = refused(415, "unsupported_media_type", lambda: upload(told, media_type=media_type))
    assert "application/pdf" in problem["detail"]


@pytest.mark.parametrize(
    ("sent", "code", "part"),
    [
        ({"data": PNG}, "content_mismatch", "body"),
        ({"digest": "0" * 64}, "digest_mismatch", "body"),
        ({"data": b""}, "required", "body"),
        ({"digest": "12"}, "invalid_format", "query"),
        ({"party": "courier"}, "unknown_value", "query"),
    ],
)
def test_a_file_must_be_what_it_is_said_to_be(told, refused, sent, code, part):
    problem = refused(422, "invalid_request", lambda: upload(told, **sent))
    assert [(one["code"], one["in"]) for one in problem["errors"]] == [(code, part)]


def test_a_file_may_be_ten_mebibytes_and_no_more(told, refused):
    largest = JPEG + bytes(LARGEST_BLOB - len(JPEG))
    evidence_id = upload(told, data=largest).json()["evidence_id"]
    told.did("buyer", "evidence", piece(sha256=sha256(largest).hexdigest()), versioned=False)
    assert content_of(told, "reviewer", evidence_id).content == largest
    problem = refused(413, "body_too_large", lambda: upload(told, data=largest + b"!"))
    assert str(LARGEST_BLOB) in problem["detail"]


def test_no_other_route_takes_more_than_before(told, refused):
    refused(413, "body_too_large", lambda: told.ask("buyer", "evidence", piece(title="x" * 1024 * 1024)))


def test_a_party_stages_for_itself_and_staff_for_any(told, refused):
    refused(403, "forbidden", lambda: upload(told, "merchant"))
    refused(403, "forbidden", lambda: upload(told, "supervisor", party="platform"))
    for party in ("buyer", "merchant", "platform"):
        assert upload(told, "agent", party=party).status_code == 201
    assert [one["by_staff"] for one in page(told)["staged"]] == [True] * 3


def test_checks_of_an_upload_come_in_the_order_of_the_contract(told, call):
    place = f"/cases/{uuid4()}/evidence/staging"
    asked = [
        ("nobody", {}, "text/plain", JPEG, "unauthenticated"),
        ("finance", {}, "text/plain", JPEG, "unsupported_media_type"),
        ("finance", {}, "image/png", JPEG, "invalid_request"),
        ("finance", {"party": "buyer", "sha256": DIGEST}, "image/png", JPEG, "invalid_request"),
        ("finance", {"party": "buyer", "sha256": DIGEST}, "image/jpeg", JPEG, "forbidden"),
        ("buyer", {"party": "buyer", "sha256": DIGEST}, "image/jpeg", JPEG, "case_not_found"),
    ]
    for who, query, media_type, data, code in asked:
        headers = {"Content-Type": media_type}
        answer = call(who).ask("POST", place, params=query, data=data, headers=headers)
        assert answer.json()["code"] == code


def test_the_same_upload_under_one_key_is_one_piece_and_another_is_refused(told, installation, refused):
    first = upload(told, Idempotency_Key="up-1").json()
    before = installation.events()
    assert upload(told, Idempotency_Key="up-1").json() == first
    assert installation.events() == before
    refused(
        422,
        "idempotency_key_reused",
        lambda: upload(told, data=PNG, media_type="image/png", Idempotency_Key="up-1"),
    )


def test_a_stale_version_is_told_of_where_it_is_said(told, refused):
    refused(412, "version_mismatch", lambda: upload(told, If_Match='"9"'))


def test_so_many_pieces_may_be_staged(told, refused):
    for number in range(20):
        assert upload(told, data=JPEG + str(number).encode()).status_code == 201
    refused(409, "too_many_pieces_staged", lambda: upload(told))


def test_staged_bytes_are_submitted_under_their_own_digest(told, refused):
    evidence_id = upload(told).json()["evidence_id"]
    other = piece(evidence_id=evidence_id, sha256="0" * 64)
    refused(409, "digest_mismatch", lambda: told.ask("buyer", "evidence", other, False))
    unknown = piece(evidence_id=str(uuid4()))
    refused(404, "evidence_not_found", lambda: told.ask("buyer", "evidence", unknown, False))


def test_a_closed_case_takes_no_file(story, refused):
    told = story().closed()
    refused(409, "case_already_closed", lambda: upload(told))


def test_staged_bytes_that_lapse_are_deleted(told, installation, clock):
    evidence_id = upload(told).json()["evidence_id"]
    clock.move(hours=24)
    installation.tick(told.id)
    assert page(told)["staged"] == []
    with psycopg.connect(installation.database) as connection:
        left = connection.execute("SELECT 1 FROM blob_chunks WHERE blob_id = %s", (evidence_id,))
        assert left.fetchall() == []


# --- requests ---


def test_a_side_is_asked_answers_and_the_dossier_tells_what_is_missing(told):
    asked = told.did("agent", "evidence-requests", {"party": "buyer", "text": "请补充"}, versioned=False)
    assert (asked["kinds"], asked["due"]) == (["photo", "video"], "2026-11-11T03:00:00Z")
    answer = piece(request_id=asked["request_id"])
    told.did("buyer", "evidence", answer, versioned=False)
    (shown,) = page(told, "buyer")["evidence_requests"]
    assert (shown["state"], shown["missing"], shown["text"]) == ("open", ["video"], "请补充")
    assert shown["derivation"][0]["rule"] == "O-9"
    told.did("agent", "evidence", answer | {"kind": "video"}, versioned=False)
    (shown,) = page(told, "merchant")["evidence_requests"]
    assert (shown["state"], shown["missing"], shown["by"]) == ("satisfied", [], None)


def test_a_request_that_lapsed_is_named_where_its_side_must_prove(told, installation, clock, refused):
    body = {"party": "merchant", "kinds": ["inspection_report"]}
    asked = told.did("reviewer", "evidence-requests", body, versioned=False)
    assert page(told)["burden"]["lapsed_requests"] == []
    clock.move(hours=19)
    assert asked["due"] == "2026-11-11T03:00:00Z"
    late = piece("merchant", kind="inspection_report")
    answer = late | {"request_id": asked["request_id"]}
    refused(409, "evidence_window_over", lambda: told.ask("merchant", "evidence", answer, False))
    installation.tick(told.id)
    told.did("merchant", "evidence", late, versioned=False)
    case = page(told)
    assert (case["burden"]["party"], case["burden"]["derivation"][0]["rule"]) == ("merchant", "I-2")
    assert case["burden"]["lapsed_requests"] == [asked["request_id"]]
    assert [one["late"] for one in case["evidence"]] == [True]
    assert case["evidence_requests"][0]["state"] == "lapsed"


def test_what_requests_are_refused_for(told, refused):
    body = {"party": "buyer", "kinds": ["photo"]}
    asked = told.did("agent", "evidence-requests", body, versioned=False)
    refused(409, "evidence_already_requested", lambda: told.ask("agent", "evidence-requests", body, False))
    answer = piece("merchant", request_id=asked["request_id"])
    refused(409, "not_addressed", lambda: told.ask("merchant", "evidence", answer, False))
    unknown = piece(request_id=str(uuid4()))
    refused(404, "evidence_request_not_found", lambda: told.ask("buyer", "evidence", unknown, False))
    closing = {"resolution": "answered", "reasons": "已答复"}
    refused(409, "evidence_outstanding", lambda: told.ask("reviewer", "closure", closing))
    told.leased()
    refused(409, "case_claimed_by_another", lambda: told.ask("agent", "evidence-requests", body, False))


def test_a_checklist_may_name_nothing(story, refused):
    told, body = story(reason="not_received"), {"party": "buyer"}
    refused(409, "nothing_requested", lambda: told.ask("agent", "evidence-requests", body, False))


# --- what is said of it ---


def test_evidence_is_challenged_accepted_and_shown_so(told, on_file):
    told.did("merchant", f"evidence/{on_file}/challenge", REASONS, versioned=False)
    (shown,) = page(told, "buyer")["evidence"]
    assert (shown["state"], shown["challenges"][0]["reasons"]) == ("challenged", "与实物不符")
    told.did("reviewer", f"evidence/{on_file}/acceptance", versioned=False)
    (shown,) = page(told, "merchant")["evidence"]
    assert (shown["state"], shown["acceptances"][0]["by_party"]) == ("accepted", "platform")
    assert shown["acceptances"][0]["actor"] == {"id": None, "role": "reviewer"}


def test_what_is_said_of_evidence_is_refused_for(told, on_file, refused):
    challenge = f"evidence/{on_file}/challenge"
    refused(409, "own_evidence", lambda: told.ask("buyer", challenge, REASONS, False))
    told.did("merchant", challenge, REASONS, versioned=False)
    refused(409, "evidence_already_judged", lambda: told.ask("merchant", challenge, REASONS, False))
    nowhere = f"evidence/{uuid4()}/acceptance"
    refused(404, "evidence_not_found", lambda: told.ask("reviewer", nowhere, {}, False))
    refused(403, "forbidden", lambda: told.ask("supervisor", challenge, REASONS, False))


def test_evidence_is_withdrawn_until_a_finding_rests_on_it(told, on_file, refused):
    other = told.did("buyer", "evidence", piece(sha256="0" * 64), versioned=False)["evidence_id"]
    withdrawal = f"evidence/{other}/withdrawal"
    refused(409, "evidence_of_another", lambda: told.ask("merchant", withdrawal, REASONS, False))
    told.did("buyer", withdrawal, REASONS, versioned=False)
    shown = page(told)["evidence"][-1]
    assert (shown["state"], shown["withdrawal"]["reasons"]) == ("withdrawn", "与实物不符")
    told.leased()
    finding = {"finding": "upheld", "liability": [{"party": "merchant", "share": 100}], "reasons": "属实"}
    withdrawn = finding | {"evidence": [other]}
    refused(409, "evidence_taken_back", lambda: told.ask("reviewer", "verification", withdrawn))
    told.did("reviewer", "verification", finding | {"evidence": [on_file]})
    assert page(told)["evidence"][0]["cited"]
    taking_back = f"evidence/{on_file}/withdrawal"
    refused(409, "evidence_cited", lambda: told.ask("buyer", taking_back, REASONS, False))


# --- the burden of proof, and inspections ---


def test_the_burden_of_proof_is_shifted_by_whoever_holds_the_case(told, refused):
    body = {"to": "buyer", "clause": "I-2", "reasons": "商家已证明货源"}
    refused(409, "case_not_claimed", lambda: told.ask("reviewer", "burden", body))
    told.leased()
    told.did("reviewer", "burden", body)
    burden = page(told, "buyer")["burden"]
    assert (burden["party"], burden["derivation"]) == ("buyer", [])
    assert (burden["shifted"]["clause"], burden["shifted"]["reasons"]) == ("I-2", "商家已证明货源")
    refused(409, "burden_unchanged", lambda: told.ask("reviewer", "burden", body))


def test_goods_are_inspected_and_the_cost_borne_by_the_policy(told, refused):
    told.leased()
    ordered = told.did("reviewer", "inspections", {"subject": "是否为正品"})
    refused(409, "inspection_open", lambda: told.ask("reviewer", "inspections", {"subject": "x"}))
    report = f"inspections/{ordered['inspection_id']}/report"
    body = {"outcome": "fake", "cost": CNY_300, "report": "非正品"}
    told.did("agent", report, body, versioned=False)
    (shown,) = page(told, "buyer")["inspections"]
    assert (shown["subject"], shown["report"]["report"]) == ("是否为正品", "非正品")
    assert (shown["report"]["bearer"], shown["report"]["cost"]) == ("merchant", CNY_300)
    assert shown["report"]["derivation"][0]["rule"] == "I-1"
    refused(409, "inspection_already_reported", lambda: told.ask("agent", report, body, False))
    nowhere = f"inspections/{uuid4()}/report"
    refused(404, "inspection_not_found", lambda: told.ask("agent", nowhere, body, False))


def test_loops_tell_of_evidence_that_is_outstanding(told, installation):
    told.did("agent", "evidence-requests", {"party": "buyer"}, versioned=False)
    installation.catch_up()
    loops = told.call("agent").every("/loops", min_position=told.position)
    assert [one["open_because"] for one in loops if one["case_id"] == told.id] == [["review", "evidence"]]


def test_a_case_page_is_what_its_document_says(told, on_file):
    told.did("agent", "evidence-requests", {"party": "buyer"}, versioned=False)
    assert answers.Case().validate(page(told)) == {}
