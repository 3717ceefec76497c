"""Whatever is sent, the answer is never a 500, and a failure is problem+json."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

QUICK = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

COMMANDS = (
    "lease", "notes", "evidence", "verification", "decisions", "penalties", "rectification",
    "rectification/submission", "rectification/verdict", "rectification/waiver", "closure", "reopening",
    "withdrawal", "compensations/x/confirmation", "goods/x/receipt", "follow-ups/x/completion",
)  # fmt: skip
NAMES = st.sampled_from(
    ["case_type", "reason", "reasons", "order", "claim", "paid", "amount", "remedies", "kind", "liability",
     "clauses", "evidence", "finding", "points", "text", "visibility", "due", "terms", "reference", "paid_at",
     "satisfied", "resolution", "ground", "statement", "contact", "buyer_id", "merchant_id", "channel"]
)  # fmt: skip
TEXTS = st.text(st.characters(), max_size=20) | st.sampled_from(
    ["CNY", "refund", "upheld", "2026-11-01T08:00:00Z", "\0", "\ud800", "-1", "null", "Q-1", "internal"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(2**80), 2**80) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | TEXTS, inner, max_size=5),
    max_leaves=20,
)


@pytest.fixture
def client(installation):
    """A client in process with the reviewer's key: the same code, many more requests."""
    client = installation.app().test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {installation.secrets['reviewer']}"
    return client


def sound(answer):
    """Whether this is an answer that we mean."""
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.content_type == "application/problem+json"
        assert answer.json["code"]


@QUICK
@given(body=st.binary(max_size=300), what=st.sampled_from(COMMANDS))
def test_random_bytes_are_never_a_failure_of_ours(client, told, body, what):
    sound(
        client.post(f"{told}/{what}", data=body, content_type="application/json", headers={"If-Match": '"1"'})
    )


@QUICK
@given(body=VALUES, what=st.sampled_from(COMMANDS))
def test_random_values_are_never_a_failure_of_ours(client, told, body, what):
    sound(client.post(f"{told}/{what}", json=body, headers={"If-Match": '"1"'}))


@QUICK
@given(data=st.data())
def test_a_filing_with_anything_in_one_place_is_never_a_failure_of_ours(client, filing, installation, data):
    body = filing()
    place = data.draw(
        st.sampled_from([body, body["order"], body["order"]["paid"], body["claim"], body["contact"]])
    )
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(VALUES)
    key = installation.secrets["buyer"]
    sound(client.post("/api/v1/cases", json=body, headers={"Authorization": f"Bearer {key}"}))


@QUICK
@given(
    path=st.sampled_from(
        ["/cases", "/queues/review", "/queues", "/follow-ups", "/loops", "/merchants/m/penalties"]
    ),
    name=st.sampled_from(["limit", "cursor", "min_position", "stage", "order_id", "buyer_id", "state", "x"]),
    value=st.text(max_size=40),
)
def test_a_random_query_is_never_a_failure_of_ours(client, path, name, value):
    if name == "min_position" and value.isascii() and value.isdigit():
        value += "x"
    sound(client.get(f"/api/v1{path}", query_string={name: value.encode("utf-8", "replace")}))


@QUICK
@given(
    segments=st.lists(st.text(max_size=12), min_size=1, max_size=4),
    method=st.sampled_from(["GET", "POST", "DELETE", "PUT"]),
)
def test_a_random_path_is_never_a_failure_of_ours(client, segments, method):
    path = "/".join(segment.encode("utf-8", "replace").decode() for segment in segments)
    sound(client.open(path=f"/api/v1/{path}", method=method))


@QUICK
@given(
    name=st.sampled_from(
        ["Authorization", "If-Match", "Idempotency-Key", "X-Request-Id", "Lease-Token", "Accept-Language",
         "Content-Type", "Accept", "Content-Length", "Transfer-Encoding"]
    ),
    value=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=60),
)  # fmt: skip
def test_a_random_header_is_never_a_failure_of_ours(client, told, name, value):
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value}
    if name.startswith("Content"):
        environ = {name.upper().replace("-", "_"): value}
    sound(client.post(f"{told}/lease", environ_overrides=environ))


@pytest.fixture(scope="module")
def told(installation):
    """The address of one filed case."""
    client = installation.app().test_client()
    body = {
        "case_type": "return_refund",
        "reason": "x",
        "channel": "app",
        "buyer_id": "b",
        "merchant_id": "m",
        "order": {
            "order_id": "random-input",
            "line_id": "1",
            "sku": "s",
            "title": "t",
            "category": "c",
            "paid": {"amount_minor": 1, "currency": "CNY"},
            "purchased_at": "2026-11-01T08:00:00Z",
        },
        "claim": {"remedies": ["refund"]},
    }
    key = installation.secrets["buyer"]
    filed = client.post("/api/v1/cases", json=body, headers={"Authorization": f"Bearer {key}"})
    return f"/api/v1/cases/{filed.json['case_id']}"
