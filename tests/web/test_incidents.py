"""Incidents over HTTP: raised by a person, worked through, decided by two."""

from uuid import uuid4

import pytest

BATCH = {
    "finding": "upheld",
    "liability": [{"party": "merchant", "share": 100}],
    "rules": ["refund_in_full"],
    "clauses": ["Q-1"],
    "reasons": "批量核实属实",
}
TEXT = {"text": "已向各方反馈"}


@pytest.fixture
def raised(call, story):
    """A fresh incident over one case: the case's story, the incident's path, and its version."""
    told = story()
    done = call("reviewer").done("/incidents", {"cases": [told.id], "reason": "quality_defect"})
    return told, f"/incidents/{done['incident_id']}", done["version"]


def test_an_incident_is_raised_and_read(call, raised):
    told, path, _ = raised
    found = call("auditor").get(path)
    body = found.json()
    assert found.headers["ETag"] == f'"{body["version"]}"'
    assert (body["detector"], body["state"], body["cases"]) == ("person", "open", [told.id])
    assert [step["step"] for step in body["steps"]] == ["feedback", "facts", "plan"]
    assert body["history"][0]["type"] == "IncidentRaised"


def test_merchants_and_buyers_read_no_incidents(call, raised, refused):
    _, path, _ = raised
    for who in ("merchant", "buyer", "finance"):
        refused(403, "forbidden", lambda who=who: call(who).get(path))


def test_an_unknown_incident_is_not_found(call, refused):
    refused(404, "incident_not_found", lambda: call("reviewer").get(f"/incidents/{uuid4()}"))


def test_a_step_is_taken_once_and_its_text_read_by_those_who_may(call, raised, refused):
    _, path, _ = raised
    call("reviewer").done(f"{path}/feedback", TEXT)
    refused(409, "incident_step_already_taken", lambda: call("reviewer").post(f"{path}/feedback", TEXT))
    (taken,) = [one for one in call("reviewer").get(path).json()["history"] if "Taken" in one["type"]]
    assert taken["data"]["text"] == "已向各方反馈"
    (sealed,) = [one for one in call("admin").get(path).json()["history"] if "Taken" in one["type"]]
    assert sealed["data"]["text"] is None


def test_a_case_joins(call, raised, story):
    _, path, version = raised
    other = story()
    done = call("agent").done(f"{path}/cases", {"case_id": other.id})
    assert done["version"] == version + 1
    assert call("reviewer").get(path).json()["cases"][-1] == other.id


def test_a_batch_takes_two_people_who_saw_the_same(call, raised, refused):
    _, path, version = raised
    unknown = BATCH | {"cases": [str(uuid4())]}
    refused(404, "case_not_found", lambda: call("reviewer").post(f"{path}/batches", unknown, version))
    uneven = BATCH | {"liability": [{"party": "merchant", "share": 50}]}
    refused(
        409, "liability_must_sum_to_100", lambda: call("reviewer").post(f"{path}/batches", uneven, version)
    )
    done = call("reviewer").done(f"{path}/batches", BATCH, version)
    version, batch = done["version"], done["batch"]
    refused(409, "batch_pending", lambda: call("reviewer").post(f"{path}/batches", BATCH, version))
    where, seen = f"{path}/batches/{batch['batch_id']}/approval", {"batch_hash": batch["batch_hash"]}
    refused(403, "forbidden", lambda: call("reviewer").post(where, seen, version))
    wrong = {"batch_hash": "0" * 64}
    refused(409, "batch_hash_mismatch", lambda: call("supervisor").post(where, wrong, version))
    other = f"{path}/batches/{uuid4()}/approval"
    refused(404, "batch_not_found", lambda: call("supervisor").post(other, seen, version))
    done = call("supervisor").done(where, seen, version)
    assert done["batch"]["approved_by"] == "supervisor-1"


def test_who_proposed_a_batch_does_not_approve_it(call, raised, refused):
    _, path, version = raised
    done = call("supervisor").done(f"{path}/batches", BATCH, version)
    where, seen = f"{path}/batches/{done['batch']['batch_id']}/approval", done["batch"]["batch_hash"]
    refused(
        409,
        "second_person_required",
        lambda: call("supervisor").post(where, {"batch_hash": seen}, done["version"]),
    )


def test_an_incident_is_closed_when_its_steps_are_taken(call, raised, refused):
    _, path, version = raised
    reasons = {"reasons": "已处置"}
    refused(409, "incident_unresolved", lambda: call("reviewer").post(f"{path}/closure", reasons, version))
    for step in ("feedback", "facts", "plan"):
        version = call("reviewer").done(f"{path}/{step}", TEXT)["version"]
    version = call("reviewer").done(f"{path}/closure", reasons, version)["version"]
    refused(409, "incident_already_closed", lambda: call("reviewer").post(f"{path}/step-in", {}, version))


def test_commands_on_a_stale_incident_say_what_changed(call, raised, refused):
    _, path, version = raised
    call("reviewer").done(f"{path}/feedback", TEXT)
    problem = refused(412, "version_mismatch", lambda: call("reviewer").post(f"{path}/step-in", {}, version))
    assert [fact["type"] for fact in problem["since"]] == ["IncidentStepTaken"]
    refused(428, "precondition_required", lambda: call("reviewer").post(f"{path}/step-in", {}))


def test_incidents_are_listed_the_newest_first(call, clock, story, installation):
    clock.move(hours=1)
    done = call("reviewer").done("/incidents", {"cases": [story().id]})
    installation.catch_up()
    clock.move(hours=3)
    (newest,) = call("auditor").get("/incidents", detector="person", state="open", limit=1).json()["data"]
    assert newest["incident_id"] == done["incident_id"]
    assert (newest["cases"], newest["overdue"], newest["batch"]) == (1, True, None)
