"""A case as a whole over HTTP: named rightly, at rest, linked, merged."""

from uuid import uuid4

import pytest

REASONS = {"reasons": "双方协商中"}
EVIDENCE = {"party": "platform", "kind": "court_receipt", "title": "受理通知书", "sha256": "0" * 64}


def test_a_case_rests_and_goes_on_where_it_was(story):
    told = story().leased()
    told.did("reviewer", "suspension", {"ground": "settlement", **REASONS})
    case = told.call("reviewer").get(told.path).json()
    assert (case["stage"], case["suspension"]["resumes"]) == ("suspended", "in_review")
    assert case["suspension"]["reasons"] == "双方协商中"
    assert told.did("supervisor", "resumption", {"reasons": "协商不成"})["stage"] == "in_review"
    assert told.call("reviewer").get(told.path).json()["suspension"] is None


def test_a_receipt_keeps_a_case_at_rest(story, refused):
    told = story().leased()
    told.did("reviewer", "suspension", {"ground": "court", **REASONS})
    receipt = told.did("agent", "evidence", EVIDENCE, versioned=False)["evidence_id"]
    absent = {"evidence_id": str(uuid4())}
    refused(404, "evidence_not_found", lambda: told.ask("reviewer", "suspension/receipt", absent))
    told.did("reviewer", "suspension/receipt", {"evidence_id": receipt}, versioned=False)
    again = {"evidence_id": receipt}
    refused(409, "receipt_not_awaited", lambda: told.ask("reviewer", "suspension/receipt", again))


@pytest.mark.parametrize(
    ("who", "what", "body", "fact"),
    [
        ("buyer", "withdrawal", {}, "CaseWithdrawn"),
        ("reviewer", "suspension", {"ground": "settlement"}, "CaseSuspended"),
        ("reviewer", "merger", {}, "CaseMerged"),
    ],
)
def test_a_case_that_is_left_with_its_proposal_stays_readable(story, installation, who, what, body, fact):
    told = story().verified()
    proposed = {"remedies": [], "clauses": ["Q-1"], "reasons": "属实", "discretion": "买家已另行获赔"}
    told.version = told.ask("reviewer", "decisions", proposed).json()["version"]
    into = {"into": story().id} if what == "merger" else {}
    told.did(who, what, {**body, **into, "reasons": "不再继续"})
    history = told.call("auditor").get(f"{told.path}/history").json()["data"]
    (left,) = [one for one in history if one["type"] == fact]
    assert left["data"]["reasons"] == "不再继续"
    assert told.call("agent").get(told.path).json()["proposal"] is None
    installation.catch_up()
    for queue in ("review", "approval"):
        assert told.id not in {one["case_id"] for one in told.call("agent").every(f"/queues/{queue}")}


def test_a_case_that_does_not_rest_is_not_resumed(story, refused):
    told = story()
    refused(409, "wrong_stage", lambda: told.ask("reviewer", "resumption", REASONS))


def test_a_case_is_found_under_the_reason_that_it_was_classified_by(story, installation):
    told = story()
    told.did("agent", "classification", {"reason": "counterfeit"})
    assert told.call("merchant").get(told.path).json()["reason"] == "counterfeit"
    installation.catch_up()
    (found,) = told.call("agent").get("/cases", order_id=told.order["order_id"]).json()["data"]
    assert found["reason"] == "counterfeit"


def test_cases_are_linked_and_merged(story, refused, installation):
    told, other = story(), story()
    told.did("agent", "links", {"other": other.id, "relation": "same_order"}, versioned=False)
    (link,) = told.call("reviewer").get(told.path).json()["links"]
    assert (link["other"], link["relation"]) == (other.id, "same_order")
    merged = told.did("reviewer", "merger", {"into": other.id, "reasons": "同一纠纷"})
    assert merged["stage"] == "merged"
    assert told.call("reviewer").get(told.path).json()["merged_into"]["into"] == other.id
    assert told.did("reviewer", "closure", {"resolution": "merged", "reasons": "已并案"})["stage"] == "closed"
    installation.catch_up()
    loops = told.call("supervisor").every("/loops")
    assert told.id not in {one["case_id"] for one in loops}


def test_what_is_not_another_open_case_is_not_merged_into(story, refused):
    told, other = story(), story()
    refused(404, "case_not_found", lambda: told.ask("reviewer", "merger", {"into": str(uuid4()), **REASONS}))
    refused(409, "not_mergeable", lambda: told.ask("reviewer", "merger", {"into": told.id, **REASONS}))
    refused(
        409,
        "not_mergeable",
        lambda: told.ask("agent", "links", {"other": told.id, "relation": "related"}, versioned=False),
    )
    other.did("buyer", "withdrawal", REASONS)
    refused(409, "not_mergeable", lambda: told.ask("reviewer", "merger", {"into": other.id, **REASONS}))


def test_a_case_at_rest_stands_in_no_queue(story, installation):
    told = story()
    told.did("reviewer", "suspension", {"ground": "settlement", **REASONS})
    installation.catch_up()
    queued = told.call("reviewer").every("/queues/review")
    assert told.id not in {one["case_id"] for one in queued}
    loops = told.call("supervisor").every("/loops")
    assert ["suspension"] in [one["open_because"] for one in loops if one["case_id"] == told.id]
