"""What is malformed gets a clear 4xx in problem+json, and nothing is recorded."""

import json
import socket
from copy import deepcopy
from io import BytesIO
from urllib.parse import urlsplit

import pytest
from gunicorn.http.errors import InvalidChunkSize

JSON = {"Content-Type": "application/json"}


def post(caller, text, content_type="application/json", path="/cases"):
    """A body as it is, not made from a value."""
    body = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    headers = {"Content-Type": content_type} if content_type else {}
    return caller.ask("POST", path, data=body, headers=headers)


def changed(body, pointer, value):
    """The body with one member set, or removed by `...`."""
    whole = deepcopy(body)
    *path, last = pointer.strip("/").split("/")
    place = whole
    for name in path:
        place = place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return whole


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "invalid_json"),
        (" ", "invalid_json"),
        ("{", "invalid_json"),
        ("{'a': 1}", "invalid_json"),
        ('{"a": 1,}', "invalid_json"),
        ("nul", "invalid_json"),
        ('{"a": 1} {"b": 2}', "invalid_json"),
        ('{"a": NaN}', "invalid_json"),
        ('{"a": -Infinity}', "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        (b'{"a": "\xed\xa0\x80"}', "invalid_json"),
        ("\ufeff{}", "invalid_json"),
        ('{"a": "raw \x00 NUL"}', "invalid_json"),
        ('{"a": 1, "a": 2}', "duplicate_member"),
        ('{"a": {"b": 1, "b": 1}}', "duplicate_member"),
        ('{"a": "\\u0000"}', "invalid_text"),
        ('{"\\u0000": 1}', "invalid_text"),
        ('{"a": ["\\ud800"]}', "invalid_text"),
        ('{"a": "\\udc00\\ud800"}', "invalid_text"),
        ('{"a": 1e999}', "out_of_range"),
        ('{"a": ' + "9" * 5000 + "}", "out_of_range"),
        ("[" * 33 + "]" * 33, "too_deep"),
        ("[" * 500_000, "too_deep"),
        ('{"a":' * 100_000, "too_deep"),
        ("[]", "invalid_type"),
        ("null", "invalid_type"),
        ('"text"', "invalid_type"),
        ("1", "invalid_type"),
        ("true", "invalid_type"),
    ],
)
def test_what_is_not_one_sound_json_object_is_refused(call, refused, text, code):
    problem = refused(422, "invalid_request", lambda: post(call("buyer"), text))
    assert [one["code"] for one in problem["errors"]] == [code]


def test_a_surrogate_pair_is_one_character_and_brackets_in_text_are_no_depth(call, filing):
    body = json.dumps(filing(statement="\U0001f600" + "[" * 100 + '"\\'))
    assert "\\ud83d\\ude00" in body
    assert post(call("buyer"), body).status_code == 201


@pytest.mark.parametrize(
    ("pointer", "value", "code"),
    [
        ("/surprise", 1, "unknown_field"),
        ("/order/surprise", 1, "unknown_field"),
        ("/order/paid/surprise", 1, "unknown_field"),
        ("/contact/e~mail", "x", "unknown_field"),
        ("/case_type", ..., "required"),
        ("/buyer_id", ..., "required"),
        ("/order", ..., "required"),
        ("/order/paid", ..., "required"),
        ("/order/purchased_at", ..., "required"),
        ("/merchant_id", None, "required"),
        ("/order", None, "required"),
        ("/case_type", "refund", "unknown_value"),
        ("/case_type", 1, "unknown_value"),
        ("/case_type", ["refund_only"], "unknown_value"),
        ("/case_type", {}, "unknown_value"),
        ("/order", [], "invalid_type"),
        ("/order", "x", "invalid_type"),
        ("/contact", "x", "invalid_type"),
        ("/contact/phone", 13800000000, "invalid_type"),
        ("/statement", ["x"], "invalid_type"),
        ("/buyer_id", 7, "invalid_type"),
        ("/buyer_id", True, "invalid_type"),
        ("/buyer_id", "", "blank"),
        ("/buyer_id", "   ", "blank"),
        ("/buyer_id", " b-1", "invalid_format"),
        ("/buyer_id", "x" * 129, "too_long"),
        ("/buyer_id", "b\x7f1", "invalid_text"),
        ("/buyer_id", "b\x1b[31m", "invalid_text"),
        ("/statement", "x" * 10_001, "too_long"),
        ("/reason", "quality defect", "invalid_format"),
        ("/order/quantity", 0, "out_of_range"),
        ("/order/quantity", -1, "out_of_range"),
        ("/order/quantity", 1.0, "invalid_type"),
        ("/order/quantity", "1", "invalid_type"),
        ("/order/quantity", True, "invalid_type"),
        ("/order/quantity", 10**30, "out_of_range"),
        ("/order/paid/amount_minor", -1, "out_of_range"),
        ("/order/paid/amount_minor", 10**12 + 1, "out_of_range"),
        ("/order/paid/amount_minor", 2**63, "out_of_range"),
        ("/order/paid/amount_minor", 10**4000, "out_of_range"),
        ("/order/paid/amount_minor", 199.5, "invalid_type"),
        ("/order/paid/amount_minor", 1e300, "invalid_type"),
        ("/order/paid/currency", "cny", "invalid_format"),
        ("/order/paid/currency", "CN", "invalid_format"),
        ("/order/paid/currency", "CNY\n", "too_long"),
        ("/order/purchased_at", "2026-11-01T08:00:00", "invalid_format"),
        ("/order/purchased_at", "2026-11-01", "invalid_format"),
        ("/order/purchased_at", "2026-W44-7T08:00:00Z", "invalid_format"),
        ("/order/purchased_at", "2026-02-30T08:00:00Z", "invalid_format"),
        ("/order/purchased_at", "2026-11-01T08:00:60Z", "invalid_format"),
        ("/order/purchased_at", "2026-11-01T08:00:00+99:00", "invalid_format"),
        ("/order/purchased_at", "0001-01-01T00:00:00+10:00", "invalid_format"),
        ("/order/purchased_at", 1_793_520_000, "invalid_format"),
        ("/order/purchased_at", "1999-12-31T23:59:59Z", "out_of_range"),
        ("/order/purchased_at", "9999-12-31T23:59:59Z", "out_of_range"),
        ("/order/purchased_at", "2026-11-10T08:06:00Z", "out_of_range"),
        ("/order/delivered_at", "2026-12-01T00:00:00Z", "out_of_range"),
        ("/order/promises", "x", "invalid_type"),
        ("/order/promises", None, "required"),
        ("/order/promises", ["x"] * 51, "too_long"),
        ("/claim/remedies", ["cash"], "unknown_value"),
        ("/claim/remedies", [["refund"]], "unknown_value"),
        ("/claim/quantity", 1_000_001, "out_of_range"),
    ],
)
def test_a_filing_of_the_wrong_shape_is_refused_and_told_where(call, filing, refused, pointer, value, code):
    body = changed(filing(), pointer, value)
    problem = refused(422, "invalid_request", lambda: call("buyer").post("/cases", body))
    assert [
        (one["pointer"].startswith(pointer.replace("~", "~0")), one["code"]) for one in problem["errors"]
    ] == [(True, code)]
    assert problem["errors"][0]["in"] == "body"


def test_every_fault_is_told_at_once(call, filing, refused):
    body = changed(changed(filing(), "/order/paid/currency", 1), "/claim/remedies", ["refund", "cash"])
    problem = refused(422, "invalid_request", lambda: call("buyer").post("/cases", body))
    assert {one["pointer"] for one in problem["errors"]} == {"/order/paid/currency", "/claim/remedies/1"}


def test_a_time_with_another_offset_is_the_same_instant(call, filing):
    body = filing()
    body["order"]["purchased_at"] = "2026-11-01T16:00:00.123456789+08:00"
    case_id = call("buyer").done("/cases", body)["case_id"]
    shown = call("buyer").get(f"/cases/{case_id}").json()
    assert shown["order"]["purchased_at"] == "2026-11-01T08:00:00.123456Z"


@pytest.mark.parametrize(
    ("what", "body", "pointer"),
    [
        (
            "decisions",
            {"remedies": [{"kind": "refund"}], "clauses": ["Q-1"], "reasons": "x"},
            "/remedies/0/amount",
        ),
        (
            "decisions",
            {"remedies": [{"kind": "points"}], "clauses": ["Q-1"], "reasons": "x"},
            "/remedies/0/points",
        ),
        (
            "decisions",
            {"remedies": [{"kind": "return", "points": 5}], "clauses": ["Q-1"], "reasons": "x"},
            "/remedies/0/points",
        ),
        (
            "decisions",
            {
                "remedies": [{"kind": "refund", "amount": {"amount_minor": 0, "currency": "CNY"}}],
                "clauses": ["Q-1"],
                "reasons": "x",
            },
            "/remedies/0/amount",
        ),
        ("decisions", {"remedies": [], "clauses": [], "reasons": "x"}, "/clauses"),
        ("decisions", {"remedies": [], "clauses": ["Q-1"]}, "/reasons"),
        (
            "verification",
            {"finding": "upheld", "liability": [{"party": "x", "share": 1}], "reasons": "x"},
            "/liability/0/party",
        ),
        (
            "verification",
            {"finding": "upheld", "liability": [{"party": "buyer", "share": 101}], "reasons": "x"},
            "/liability/0/share",
        ),
        (
            "verification",
            {"finding": "upheld", "liability": [], "evidence": ["1"], "reasons": "x"},
            "/evidence/0",
        ),
        ("penalties", {"points": -1, "clause": "S-1", "reasons": "x"}, "/points"),
        ("penalties", {"points": 1, "fine": 100, "clause": "S-1", "reasons": "x"}, "/fine"),
        ("rectification", {"terms": "x", "due": "2026-11-17"}, "/due"),
        ("rectification", {"terms": "x", "due": "2026-11-09T00:00:00Z"}, "/due"),
        ("rectification", {"terms": "x", "due": "2029-11-09T00:00:00Z"}, "/due"),
        ("rectification/verdict", {"accepted": "yes", "reasons": "x"}, "/accepted"),
        ("closure", {"resolution": "done", "reasons": "x"}, "/resolution"),
        ("reopening", {"ground": "x", "reasons": "x"}, "/ground"),
        ("notes", {"text": "x", "visibility": "all"}, "/visibility"),
        ("evidence", {"party": "buyer", "kind": "photo", "title": "x", "sha256": "xyz"}, "/sha256"),
        ("lease", {"for": "ever"}, "/for"),
    ],
)
def test_a_command_of_the_wrong_shape_is_refused_and_told_where(story, refused, what, body, pointer):
    told = story()
    problem = refused(422, "invalid_request", lambda: told.ask("reviewer", what, body))
    assert [one["pointer"] for one in problem["errors"]] == [pointer]


@pytest.mark.parametrize("score", [0, 6, 1.5, "5"])
def test_scores_run_from_1_to_5(story, refused, score):
    told = story().paid()
    body = {"satisfied": True, "speed": score}
    refused(422, "invalid_request", lambda: told.ask("agent", f"{told.follow_up()}/completion", body))


def test_a_payment_from_the_future_is_refused(story, refused):
    told = story().decided({"kind": "points", "points": 5})
    body = {"reference": "p", "paid_at": "2026-11-10T09:00:00Z"}
    refused(422, "invalid_request", lambda: told.ask("finance", f"{told.line()}/confirmation", body))


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "text/json", "multipart/form-data", ""]
)
def test_another_media_type_is_refused(call, filing, refused, content_type):
    text = json.dumps(filing())
    refused(415, "unsupported_media_type", lambda: post(call("buyer"), text, content_type))


def test_json_may_name_its_charset(call, filing):
    answer = post(call("buyer"), json.dumps(filing()), "application/json; charset=utf-8")
    assert answer.status_code == 201


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 2 * 1024 * 1024, 5 * 1024 * 1024])
def test_a_body_over_one_mebibyte_is_refused(call, refused, size):
    refused(413, "body_too_large", lambda: post(call("buyer"), b" " * size))


def test_a_chunked_body_over_one_mebibyte_is_refused(call, refused):
    def chunks():
        for _ in range(33):
            yield b" " * 64 * 1024

    refused(413, "body_too_large", lambda: call("buyer").ask("POST", "/cases", data=chunks(), headers=JSON))


def test_a_chunked_body_is_read(call, filing):
    text = json.dumps(filing()).encode()
    parts = (text[place : place + 50] for place in range(0, len(text), 50))
    answer = call("buyer").ask("POST", "/cases", data=parts, headers=JSON)
    assert answer.status_code == 201, answer.text


def test_a_body_of_one_mebibyte_is_read(call, filing):
    text = json.dumps(filing()).encode()
    assert post(call("buyer"), text + b" " * (1024 * 1024 - len(text))).status_code == 201


def test_a_body_of_an_absurd_announced_size_is_refused(installation):
    place = urlsplit(installation.url)
    head = (
        "POST /api/v1/cases HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {installation.secrets['buyer']}\r\nContent-Length: 99999999999999\r\n\r\n"
    )
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"body_too_large" in answer


@pytest.mark.parametrize("path", ["cases", "cases/x/evidence/staging?party=buyer&sha256=x"])
@pytest.mark.parametrize(("megabytes", "read"), [(2, True), (11, True), (17, False)])
def test_a_stranger_is_told_so_whatever_the_size_of_its_body(installation, path, megabytes, read):
    body = BytesIO(b" " * megabytes * 1024 * 1024)
    length = str(megabytes * 1024 * 1024)
    answer = (
        installation.app()
        .test_client()
        .post(
            f"/api/v1/{path}",
            headers={"Content-Type": "application/pdf"},
            environ_overrides={"wsgi.input": body, "CONTENT_LENGTH": length},
        )
    )
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    assert bool(body.tell()) is read


@pytest.mark.parametrize("key", ["", "x" * 256, "k\t1", "k\x7f", "ключ".encode().decode("latin-1")])
def test_an_idempotency_key_of_another_form_is_refused(call, filing, refused, key):
    problem = refused(
        422, "invalid_request", lambda: call("buyer").post("/cases", filing(), Idempotency_Key=key)
    )
    assert problem["errors"][0] == problem["errors"][0] | {"pointer": "/Idempotency-Key", "in": "header"}


@pytest.mark.parametrize("tag", ["1", "*", '"x"', '"1", "2"', '"-1"', '"1'])
def test_an_if_match_of_another_form_is_refused(story, refused, tag):
    told = story()
    problem = refused(
        422, "invalid_request", lambda: told.ask("reviewer", "lease", versioned=False, If_Match=tag)
    )
    assert problem["errors"][0]["pointer"] == "/If-Match"


@pytest.mark.parametrize("tag", ['W/"1"', '"0"', '"99999999999999999999"'])
def test_an_if_match_that_no_version_has_is_stale(story, refused, tag):
    told = story()
    refused(412, "version_mismatch", lambda: told.ask("reviewer", "lease", versioned=False, If_Match=tag))


def test_a_body_in_broken_chunks_is_refused(installation):
    class Broken:
        def read(self, *_):
            raise InvalidChunkSize(b"zz")

    key = installation.secrets["buyer"]
    before = installation.events()
    answer = (
        installation.app()
        .test_client()
        .post(
            "/api/v1/cases",
            headers={"Authorization": f"Bearer {key}", "Transfer-Encoding": "chunked"} | JSON,
            environ_overrides={"wsgi.input": Broken(), "wsgi.input_terminated": True},
        )
    )
    assert (answer.status_code, answer.json["code"]) == (400, "bad_request")
    assert answer.headers["Connection"] == "close"
    assert installation.events() == before


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("/queues/review?limit=0", "/limit"),
        ("/queues/review?limit=201", "/limit"),
        ("/queues/review?limit=ten", "/limit"),
        ("/queues/review?limit=-5", "/limit"),
        ("/queues/review?limit=" + "9" * 400, "/limit"),
        ("/queues/review?limit=%D9%A3", "/limit"),
        ("/queues/review?cursor=x", "/cursor"),
        ("/queues/review?cursor=" + "!" * 32, "/cursor"),
        ("/queues/review?cursor=%00", "/cursor"),
        ("/queues/review?min_position=x", "/min_position"),
        ("/queues/review?min_position=99999999999999999999", "/min_position"),
        ("/queues/review?min_position=9223372036854775808", "/min_position"),
        ("/queues/review?overdue=1", "/overdue"),
        ("/queues/review?case_type=x", "/case_type"),
        ("/queues/review?surprise=1", "/surprise"),
        ("/queues/review?limit=1&limit=2", "/limit"),
        ("/queues?min_position=1&min_position=1", "/min_position"),
        ("/cases?stage=open", "/stage"),
        ("/cases?order_id=%00", "/order_id"),
        ("/cases?buyer_id=" + "x" * 200, "/buyer_id"),
        ("/merchants/m-2001/penalties?state=dead", "/state"),
        ("/follow-ups?state=x", "/state"),
        ("/loops?limit=1.5", "/limit"),
    ],
)
def test_a_malformed_query_is_refused(call, refused, path, pointer):
    problem = refused(422, "invalid_request", lambda: call("reviewer").get(path))
    assert [(one["pointer"], one["in"]) for one in problem["errors"]] == [(pointer, "query")]


def test_the_query_of_a_history_is_checked(story, refused):
    told = story()
    for query in ("version=0", "version=x", "at=yesterday", "at=2026-11-10T08:00:00"):
        refused(
            422,
            "invalid_request",
            lambda query=query: told.call("reviewer").get(f"{told.path}/history?{query}"),
        )


@pytest.mark.parametrize("merchant", ["%00", "%0A", "m" * 200])
def test_a_merchant_that_cannot_be_one_is_not_found(call, refused, merchant):
    refused(404, "merchant_not_found", lambda: call("reviewer").get(f"/merchants/{merchant}/penalties"))


def test_a_refusal_quotes_nothing_that_was_sent(call, filing):
    body = changed(filing(), "/contact/phone", ["13912345678"])
    answer = call("buyer").post("/cases", body)
    assert "13912345678" not in answer.text
