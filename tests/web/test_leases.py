"""Who works on a case, over HTTP: given to somebody else, run out, and left for want of impartiality."""

import pytest

RECUSAL = {"reasons": "商家是我的亲属"}


def reassignment(to="reviewer-2", role="reviewer"):
    return {"to": to, "role": role}


def test_a_supervisor_gives_the_case_to_somebody_who_finds_the_token_on_it(story, call):
    told = story().leased()
    given = told.did("supervisor", "reassignment", reassignment())
    assert (given["lease"]["holder"], given["lease"]["role"]) == ("reviewer-2", "reviewer")
    assert "token" not in given["lease"]
    token = call("reviewer:2").get(told.path).json()["lease"]["token"]
    body = {"finding": "not_upheld", "liability": [], "reasons": "x"}
    assert told.ask("reviewer:2", "verification", body, Lease_Token=token).status_code == 200


def test_whoever_held_it_before_is_refused(story, refused):
    told = story().leased()
    told.did("supervisor", "reassignment", reassignment())
    body = {"finding": "not_upheld", "liability": [], "reasons": "x"}
    refused(409, "case_claimed_by_another", lambda: told.ask("reviewer", "verification", body))


@pytest.mark.parametrize("role", ["supervisor", "merchant", "system"])
def test_a_case_is_given_only_to_those_who_could_claim_it(story, refused, role):
    told = story()
    problem = refused(
        422, "invalid_request", lambda: told.ask("supervisor", "reassignment", reassignment(role=role))
    )
    assert problem["errors"][0]["pointer"] == "/role"


def test_only_a_supervisor_gives_a_case_away(story, refused):
    told = story().leased()
    refused(403, "forbidden", lambda: told.ask("reviewer", "reassignment", reassignment()))


def test_a_lease_that_ran_out_is_told_of_when_the_next_one_claims(story, clock, call):
    told = story().leased()
    clock.move(hours=2)
    told.did("reviewer:2", "lease")
    history = call("auditor").get(f"{told.path}/history").json()["data"]
    assert [one["type"] for one in history[-2:]] == ["LeaseExpired", "CaseClaimed"]
    assert history[-1]["version"] == told.version


def test_whoever_declares_an_interest_neither_holds_nor_claims_the_case(story, call, refused):
    told = story().leased()
    told.did("reviewer", "recusal", RECUSAL, versioned=False)
    case = call("reviewer").get(told.path).json()
    assert case["lease"] is None
    assert not {"lease", "recusal"} & set(case["allowed"])
    refused(409, "conflict_of_interest", lambda: told.ask("reviewer", "lease"))
    refused(
        409,
        "conflict_of_interest",
        lambda: told.ask("supervisor", "reassignment", reassignment("reviewer-1")),
    )
    told.leased("reviewer:2")


def test_an_interest_is_declared_once(story, installation):
    told = story()
    told.did("agent", "recusal", RECUSAL, versioned=False)
    before, version = installation.events(), told.version
    assert told.did("agent", "recusal", RECUSAL, versioned=False)["version"] == version
    assert installation.events() == before


@pytest.mark.parametrize("who", ["merchant", "buyer"])
def test_the_parties_are_not_told_who_declared_an_interest(story, call, who):
    told = story()
    told.did("agent", "recusal", RECUSAL, versioned=False)
    types = [one["type"] for one in call(who).get(f"{told.path}/history").json()["data"]]
    assert types == ["CaseFiled"]
