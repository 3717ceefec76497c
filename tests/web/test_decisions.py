"""Decisions over HTTP: by one person, by two, and by several at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest

from domain.values import Actor, Role
from web import answers

PAID_6000 = {"amount_minor": 600_000, "currency": "CNY"}
REFUND_6000 = {"kind": "refund", "amount": PAID_6000, "payer": "merchant"}
BIG = {"remedies": [REFUND_6000], "clauses": ["Q-1"], "reasons": "整机报废"}
REASONS = {"reasons": "证据不足"}
PHOTO = {"party": "buyer", "kind": "photo", "title": "新照片", "sha256": "0" * 64}


@pytest.fixture
def costly(story, filing):
    """A case about 6,000 yuan, verified for the buyer."""
    order = filing()["order"] | {"paid": PAID_6000}
    return lambda: story(order=order | {"order_id": f"PO-{uuid4()}"}).verified()


@pytest.fixture
def waiting(costly):
    """A case whose decision waits for a second person, and what it was answered with."""

    def told():
        case = costly()
        answer = case.ask("reviewer", "decisions", BIG)
        assert answer.status_code == 202, answer.text
        case.version = answer.json()["version"]
        return case, answer.json()

    return told


def approval(proposal):
    return f"decisions/{proposal['proposal_id']}/approval", {"proposal_hash": proposal["proposal_hash"]}


def test_a_decision_above_the_threshold_waits_for_a_supervisor(waiting, call):
    told, proposal = waiting()
    assert answers.Proposed().validate(proposal) == {}
    assert proposal["stage"] == "in_review"
    assert "decision_id" not in proposal
    case = call("supervisor").get(told.path).json()
    assert (
        case["proposal"].items()
        >= {
            "proposal_id": proposal["proposal_id"],
            "proposal_hash": proposal["proposal_hash"],
            "reasons": "整机报废",
            "by": "reviewer-1",
        }.items()
    )
    assert (case["decision"], case["compensations"], case["lease"]) == (None, [], None)
    assert {"approval", "rejection"} <= set(case["allowed"])


def test_a_supervisor_approves_it_and_it_is_issued_with_its_reasons(waiting, call):
    told, proposal = waiting()
    what, body = approval(proposal)
    answer = told.ask("supervisor", what, body)
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/api/v1{told.path}")
    issued = answer.json()
    assert issued["decision_id"] == proposal["proposal_id"]
    assert (issued["stage"], [one["state"] for one in issued["compensations"]]) == (
        "executing",
        ["instructed"],
    )
    for who in ("reviewer", "merchant", "buyer"):
        decision = call(who).get(told.path).json()["decision"]
        assert (decision["reasons"], decision["clauses"]) == ("整机报废", ["Q-1"])
    assert call("reviewer").get(told.path).json()["proposal"] is None
    last = [one["type"] for one in call("auditor").get(f"{told.path}/history").json()["data"]][-3:]
    assert last == ["DecisionApproved", "DecisionIssued", "CompensationInstructed"]


def test_discretion_takes_two_and_says_why(story, call):
    told = story().verified()
    body = {"remedies": [], "clauses": ["Q-1"], "reasons": "x", "discretion": "买家已另行获赔"}
    answer = told.ask("reviewer", "decisions", body)
    assert answer.status_code == 202
    told.version = answer.json()["version"]
    what, hashed = approval(answer.json())
    told.did("supervisor", what, hashed)
    assert call("merchant").get(told.path).json()["decision"]["discretion"] == "买家已另行获赔"


def test_the_same_key_gets_the_proposals_answer_again_after_it_was_approved(costly):
    told = costly()
    first = told.ask("reviewer", "decisions", BIG, Idempotency_Key="propose-1")
    what, body = approval(first.json())
    told.call("supervisor").done(f"{told.path}/{what}", body, first.json()["version"])
    again = told.ask("reviewer", "decisions", BIG, Idempotency_Key="propose-1")
    assert (again.status_code, again.json()) == (202, first.json())


def test_a_rejected_proposal_cannot_be_approved_and_the_review_goes_on(waiting, refused):
    told, proposal = waiting()
    told.did("supervisor", f"decisions/{proposal['proposal_id']}/rejection", REASONS)
    problem = refused(409, "proposal_void", lambda: told.ask("supervisor", *approval(proposal)))
    assert problem["detail"] == "it is rejected"
    told.leased()
    assert told.ask("reviewer", "decisions", BIG).status_code == 202


def test_evidence_that_comes_meanwhile_voids_it(waiting, refused):
    told, proposal = waiting()
    told.did("buyer", "evidence", PHOTO, versioned=False)
    refused(409, "proposal_void", lambda: told.ask("supervisor", *approval(proposal)))


def test_what_was_not_proposed_is_not_approved(waiting, refused):
    told, proposal = waiting()
    what, _ = approval(proposal)
    refused(
        409,
        "proposal_hash_mismatch",
        lambda: told.ask("supervisor", what, {"proposal_hash": "0" * 64}),
    )


def test_a_second_decision_waits_for_the_first(waiting, refused):
    told, _ = waiting()
    told.leased("reviewer:2")
    refused(409, "approval_pending", lambda: told.ask("reviewer:2", "decisions", BIG))


def test_a_proposal_that_the_case_does_not_have_is_not_found(waiting, refused):
    told, proposal = waiting()
    other = {"proposal_id": uuid4(), "proposal_hash": proposal["proposal_hash"]}
    refused(404, "proposal_not_found", lambda: told.ask("supervisor", *approval(other)))


def test_only_a_supervisor_approves(waiting, refused):
    told, proposal = waiting()
    refused(403, "forbidden", lambda: told.ask("reviewer:2", *approval(proposal)))


def test_nobody_approves_their_own_proposal(waiting, refused, installation, with_key):
    told, proposal = waiting()
    both = with_key(installation.keys.create(Actor("reviewer-1", Role.SUPERVISOR)))
    what, body = approval(proposal)
    refused(
        409,
        "second_person_required",
        lambda: both.post(f"{told.path}/{what}", body, told.version),
    )


def test_a_case_is_not_closed_over_a_proposal(story, refused):
    told = story().verified("inconclusive")
    body = {"remedies": [], "clauses": ["Q-1"], "reasons": "x", "discretion": "y"}
    told.version = told.ask("reviewer", "decisions", body).json()["version"]
    closure = {"resolution": "answered", "reasons": "x"}
    refused(409, "approval_pending", lambda: told.ask("reviewer", "closure", closure))


def test_a_clause_that_is_not_in_force_is_named(story, refused):
    told = story().verified()
    body = {"remedies": [], "clauses": ["Q-1", "Z-9"], "reasons": "x"}
    problem = refused(409, "clause_not_in_force", lambda: told.ask("reviewer", "decisions", body))
    assert problem["detail"] == "Z-9"


@pytest.mark.parametrize("who", ["merchant", "buyer"])
def test_the_parties_see_nothing_of_a_proposal(waiting, call, who):
    told, proposal = waiting()
    case = call(who).get(told.path).json()
    assert (case["proposal"], case["decision"]) == (None, None)
    told.did("supervisor", f"decisions/{proposal['proposal_id']}/rejection", REASONS)
    types = {one["type"] for one in call(who).get(f"{told.path}/history").json()["data"]}
    assert not types & {"DecisionProposed", "ProposalVoided", "DecisionApproved"}


def test_a_case_that_waits_stands_in_the_queue_of_approvals(waiting, call, installation):
    told, _ = waiting()
    installation.catch_up()
    queued = call("supervisor").every("/queues/approval")
    assert told.id in {one["case_id"] for one in queued}
    loops = call("supervisor").every("/loops", merchant_id="m-2001")
    assert {"approval"} == {why for one in loops if one["case_id"] == told.id for why in one["open_because"]}


@pytest.mark.parametrize("attempt", range(3))
def test_of_decisions_at_once_one_is_issued_and_the_others_are_told_what_changed(
    story, call, installation, attempt
):
    told = story().verified()
    before, start = installation.events(), Barrier(4)
    body = {"remedies": [], "clauses": ["Q-1"], "reasons": f"{attempt}"}

    def decide(_):
        caller = call("reviewer")
        start.wait(timeout=20)
        return caller.post(f"{told.path}/decisions", body, told.version)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(decide, range(4)))
    assert sorted(one.status_code for one in found) == [201, 412, 412, 412]
    (won,) = [one.json() for one in found if one.status_code == 201]
    for lost in (one.json() for one in found if one.status_code == 412):
        assert answers.StaleCase().validate(lost) == {}
        assert (lost["code"], lost["version"]) == ("version_mismatch", won["version"])
        assert lost["since"][0]["type"] == "DecisionIssued"
        assert lost["since"][0]["data"]["decision_id"] == won["decision_id"]
    assert installation.events() == before + won["version"] - told.version


def test_of_an_approval_and_a_rejection_at_once_one_counts(waiting, call):
    told, proposal = waiting()
    start = Barrier(2)
    asked = [approval(proposal), (f"decisions/{proposal['proposal_id']}/rejection", REASONS)]

    def judge(what):
        caller = call("supervisor")
        start.wait(timeout=20)
        return caller.post(f"{told.path}/{what[0]}", what[1], told.version).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(judge, asked))
    assert statuses in ([200, 412], [201, 412])
