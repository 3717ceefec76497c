"""401, 415 / 413, 422 (shape), 403 / 404, replay of a key, 428, 412, 409: each wins over all that follow."""

from uuid import uuid4

import pytest

BAD_SHAPE = {"surprise": 1}
VERIFICATION = {"finding": "not_upheld", "liability": [], "reasons": "x"}


@pytest.mark.parametrize(
    ("who", "content_type", "body", "path", "headers", "code"),
    [
        # Everything is wrong; each row mends the first fault of the one before.
        ("nobody", "text/plain", b"{" * 2_000_000, "other", {"If-Match": "x"}, "unauthenticated"),
        ("auditor", "text/plain", b"{" * 2_000_000, "other", {"If-Match": "x"}, "body_too_large"),
        ("auditor", "text/plain", b"{", "other", {"If-Match": "x"}, "unsupported_media_type"),
        ("auditor", "application/json", b"{", "other", {"If-Match": "x"}, "invalid_request"),
        ("auditor", "application/json", VERIFICATION, "other", {"If-Match": "x"}, "invalid_request"),
        ("auditor", "application/json", VERIFICATION, "other", {}, "forbidden"),
        ("reviewer", "application/json", VERIFICATION, "other", {}, "case_not_found"),
        ("reviewer", "application/json", VERIFICATION, "own", {}, "precondition_required"),
        ("reviewer", "application/json", VERIFICATION, "own", {"If-Match": '"7"'}, "version_mismatch"),
        ("reviewer", "application/json", VERIFICATION, "own", {"If-Match": '"1"'}, "case_not_claimed"),
    ],
)
def test_the_first_fault_is_answered(story, call, who, content_type, body, path, headers, code):
    told = story()
    case_id = told.id if path == "own" else uuid4()
    sent = {"json": body} if isinstance(body, dict) else {"data": body}
    answer = call(who).ask(
        "POST", f"/cases/{case_id}/verification", headers={**headers, "Content-Type": content_type}, **sent
    )
    assert answer.json()["code"] == code


def test_a_used_key_is_told_of_before_the_missing_version(story, refused):
    told = story()
    told.ask("reviewer", "lease", Idempotency_Key="order-1")
    refused(
        422,
        "idempotency_key_reused",
        lambda: told.ask("reviewer", "verification", VERIFICATION, False, Idempotency_Key="order-1"),
    )


def test_a_used_key_is_told_of_after_the_role_and_the_case(story, refused):
    told = story()
    told.ask("reviewer", "lease", Idempotency_Key="order-2")
    path = f"/cases/{uuid4()}/lease"
    refused(404, "case_not_found", lambda: told.call("reviewer").post(path, {}, 1, Idempotency_Key="order-2"))
    refused(
        403,
        "forbidden",
        lambda: told.ask("reviewer", "rectification/waiver", {"reasons": "x"}, Idempotency_Key="order-2"),
    )


def test_a_read_is_checked_in_the_same_order(call):
    assert call("nobody").get("/queues/review?limit=0").status_code == 401
    assert call("merchant").get("/queues/nothing?limit=0").status_code == 422
    assert call("merchant").get("/queues/nothing").status_code == 403
    assert call("reviewer").get("/queues/nothing").status_code == 404
