"""How a merchant stands: told to staff and to the merchant itself, and in part to everybody."""

from uuid import UUID, uuid4

import pytest

from application.rulebook import OnePolicy
from application.running import Request
from application.standings import StandingProcess, Standings
from domain.events import ClockStarted
from domain.values import Actor, Role
from infrastructure.policy_pack import default_pack
from infrastructure.process_supervisor import ProcessSupervisor
from web import answers

DEFAULT = default_pack()


@pytest.fixture
def merchant_id():
    """A merchant that no other test knows."""
    return f"m-{uuid4().hex[:8]}"


@pytest.fixture
def follow(installation):
    """Lets the standings follow what was recorded, and the read models after them."""
    standings = Standings(
        installation.store, installation.vault, OnePolicy(DEFAULT), installation.clock, uuid4
    )
    supervisor = ProcessSupervisor(installation.database, (StandingProcess(standings),), holder="tests")

    def catch_up():
        supervisor.catch_up()
        installation.catch_up()

    return catch_up


@pytest.fixture
def penalised(story, follow):
    """Penalises a merchant on cases of its own, one for each number of points."""

    def penalise(merchant_id, *points):
        told = [story(merchant_id=merchant_id).decided() for _ in points]
        for one, amount in zip(told, points, strict=True):
            body = {"points": amount, "clause": "S-1", "reasons": "违规"}
            one.did("reviewer", "penalties", body)
        follow()
        return told

    return penalise


def test_a_standing_tells_points_and_sanctions(call, penalised, merchant_id):
    penalised(merchant_id, 2, 2)
    body = call("reviewer").get(f"/merchants/{merchant_id}/standing").json()
    assert answers.Standing().validate(body) == {}
    assert (body["merchant_id"], body["points"]["live"], len(body["points"]["lines"])) == (merchant_id, 4, 2)
    assert len(body["points"]["by_day"]) == 92
    assert body["points"]["by_day"][-1] == {"day": "2026-11-10", "points": 4}
    assert (body["sanctions"]["tier"], body["sanctions"]["running"]["state"]) == (1, "running")
    penalties = {line["penalty_id"] for line in body["points"]["lines"]}
    assert set(body["sanctions"]["running"]["penalties"]) == penalties


def test_the_running_total_is_told_for_as_many_days_as_are_asked_for(call, merchant_id):
    caller = call("auditor")
    assert len(caller.get(f"/merchants/{merchant_id}/standing", days=3).json()["points"]["by_day"]) == 3
    for days in (0, 367, "x"):
        assert caller.get(f"/merchants/{merchant_id}/standing", days=days).status_code == 422


def test_a_merchant_sees_its_own_standing_and_no_other(call, refused):
    own = call("merchant").get("/merchants/m-2001/standing")
    assert own.status_code == 200
    refused(404, "merchant_not_found", lambda: call("merchant:2").get("/merchants/m-2001/standing"))
    refused(403, "forbidden", lambda: call("buyer").get("/merchants/m-2001/standing"))


def test_a_standing_is_as_fresh_as_is_asked(call, penalised, merchant_id, refused):
    (told,) = penalised(merchant_id, 2)
    path = f"/merchants/{merchant_id}/standing"
    assert call("reviewer").get(path, min_position=told.position).json()["points"]["live"] == 2
    refused(503, "service_unavailable", lambda: call("reviewer").get(path, min_position=2**60))


@pytest.mark.parametrize("who", ["buyer", "merchant", "merchant:2", "agent", "auditor", "logistics"])
def test_everybody_sees_published_sanctions(call, penalised, who):
    merchant_id = f"m-{uuid4().hex[:8]}"
    penalised(merchant_id, 12)
    body = call(who).get("/publications", merchant_id=merchant_id).json()
    assert answers.Publications().validate(body) == {}
    assert [(one["merchant_id"], one["tier"], one["state"]) for one in body["data"]] == [
        (merchant_id, 4, "running")
    ]


def test_a_sanction_of_a_low_tier_is_not_published(call, penalised, merchant_id):
    penalised(merchant_id, 9)
    assert call("buyer").get("/publications", merchant_id=merchant_id).json()["data"] == []


# --- lowering a penalty ---

LESS = {"points": 1, "reasons": "情节较轻"}


@pytest.fixture
def assessed(penalised, merchant_id):
    """A case with a penalty of four points, and the penalty's path under it."""
    (told,) = penalised(merchant_id, 4)
    case = told.call("reviewer").get(told.path).json()
    return told, f"penalties/{case['penalties'][0]['penalty_id']}/adjustment"


def test_a_supervisor_lowers_a_penalty_and_the_ledger_says_what_it_was(assessed, call, follow, merchant_id):
    told, path = assessed
    told.did("supervisor", path, LESS)
    follow()
    ledger = call("auditor").get(f"/merchants/{merchant_id}/penalties").json()
    assert answers.Ledger().validate(ledger) == {}
    (line,) = ledger["data"]
    assert (line["points"], line["assessed"]) == (1, {"points": 4, "fine": None})
    standing = call("auditor").get(f"/merchants/{merchant_id}/standing").json()
    assert (standing["points"]["live"], standing["sanctions"]["tier"]) == (1, 0)
    assert [one["state"] for one in standing["sanctions"]["past"]] == ["reversed"]


def test_who_may_lower_a_penalty_and_what_is_refused(assessed, refused):
    told, path = assessed
    refused(403, "forbidden", lambda: told.ask("reviewer", path, LESS))
    refused(428, "precondition_required", lambda: told.ask("supervisor", path, LESS, versioned=False))
    refused(409, "penalty_outside_tariff", lambda: told.ask("supervisor", path, LESS | {"points": 4}))
    unknown = f"penalties/{uuid4()}/adjustment"
    refused(404, "penalty_not_found", lambda: told.ask("supervisor", unknown, LESS))
    refused(404, "penalty_not_found", lambda: told.ask("supervisor", "penalties/x/adjustment", LESS))


def test_whoever_assessed_a_penalty_does_not_lower_it(story, refused):
    told = story().decided()
    told.did("supervisor", "penalties", {"points": 4, "clause": "S-1", "reasons": "违规"})
    penalty = told.call("reviewer").get(told.path).json()["penalties"][0]["penalty_id"]
    path = f"penalties/{penalty}/adjustment"
    refused(409, "conflict_of_interest", lambda: told.ask("supervisor", path, LESS))
    assert "adjustment" not in told.call("supervisor").get(told.path).json()["allowed"]


def test_an_expired_penalty_is_not_lowered(assessed, installation, clock, refused):
    told, path = assessed
    clock.move(days=91)
    case = installation.parts["cases"]
    penalty = path.split("/")[1]
    facts = installation.store.facts(UUID(told.id))
    clock_id = next(
        one.fact.clock_id
        for one in facts
        if isinstance(one.fact, ClockStarted) and str(one.fact.subject) == penalty
    )
    case.miss_clock(Request(Actor("ticker", Role.SYSTEM), "clock"), UUID(told.id), clock_id)
    told.version += 2
    refused(409, "penalty_not_live", lambda: told.ask("supervisor", path, LESS))
