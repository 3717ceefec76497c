"""Legal holds, restriction and erasure over HTTP: who may, what is refused, what others see of it."""

import pytest

REASONS = {"reasons": "本人申请"}
BUYERS = {"party": "buyer", **REASONS}


@pytest.fixture
def ended(story):
    """A case that was answered and closed."""
    told = story()
    told.did("agent", "closure", {"resolution": "answered", "reasons": "已答复"})
    return told


def test_who_does_not_decide_about_personal_data_may_not(story, refused):
    told = story()
    for who in ("buyer", "merchant", "agent", "reviewer", "finance", "auditor"):
        refused(403, "forbidden", lambda who=who: told.ask(who, "erasure", BUYERS, versioned=False))
        refused(
            403,
            "forbidden",
            lambda who=who: told.call(who).post("/subjects/erasure", {"buyer_id": "b-1001", **REASONS}),
        )
    for who in ("buyer", "merchant", "agent", "reviewer", "finance", "auditor", "admin"):
        refused(
            403, "forbidden", lambda who=who: told.call(who).post("/subjects/export", {"buyer_id": "b-1001"})
        )
    for who in ("buyer", "merchant", "agent", "reviewer", "finance", "admin"):
        refused(403, "forbidden", lambda who=who: told.ask(who, "legal-holds", {"ground": "x"}, False))


def test_an_open_case_needs_its_data(story, refused):
    told = story()
    refused(409, "case_not_ended", lambda: told.ask("supervisor", "erasure", BUYERS, versioned=False))


def test_the_answer_says_until_when_the_data_are_kept_and_by_which_rule(ended):
    answer = ended.did("supervisor", "erasure", BUYERS, versioned=False)
    assert (answer["party"], answer["personal_data"]["clause"]) == ("buyer", "D-1")
    assert answer["personal_data"]["until"] == "2029-11-10T16:00:00Z"


def test_the_same_request_again_gives_the_same_answer(ended):
    first = ended.did("supervisor", "erasure", BUYERS, versioned=False)
    again = ended.did("admin", "erasure", BUYERS, versioned=False)
    assert again == first


def test_restriction_reaches_every_reader_and_every_text_of_that_side(ended):
    def seen(who):
        page = ended.call(who).get(ended.path).json()
        return page["statement"], page.get("contact")

    assert seen("buyer")[0] == "拉链坏了"
    ended.did("supervisor", "erasure", BUYERS, versioned=False)
    for who in ("buyer", "merchant", "agent", "reviewer", "supervisor", "auditor", "admin"):
        assert seen(who) == (None, None)
        history = ended.call(who).get(f"{ended.path}/history")
        assert "拉链坏了" not in history.text
        assert "13800000000" not in history.text
        assert not {"buyer", "contact"} & history.json()["data"][0]["data"].keys()


def test_what_was_known_before_the_restriction_is_restricted_too(ended):
    ended.did("supervisor", "erasure", BUYERS, versioned=False)
    then = ended.call("reviewer").get(f"{ended.path}/history", version=1).json()["data"]
    assert [one["data"]["statement"] for one in then] == [None]
    page = ended.call("reviewer").get(ended.path, version=1).json()
    assert (page["version"], page["statement"], page["contact"]) == (1, None, None)


def test_the_platforms_own_words_are_still_read(ended):
    ended.did("supervisor", "erasure", BUYERS, versioned=False)
    history = ended.call("reviewer").get(f"{ended.path}/history").json()["data"]
    assert "已答复" in [one["data"].get("reasons") for one in history]


def test_legal_holds_are_seen_by_staff_and_by_no_party(ended):
    held = ended.did("auditor", "legal-holds", {"ground": "监管调查"}, versioned=False)
    (shown,) = ended.call("supervisor").get(ended.path).json()["legal_holds"]
    assert (shown["hold_id"], shown["ground"]) == (held["hold_id"], "监管调查")
    for who in ("buyer", "merchant"):
        assert ended.call(who).get(ended.path).json()["legal_holds"] == []
        history = ended.call(who).get(f"{ended.path}/history").json()["data"]
        assert "LegalHoldPlaced" not in [one["type"] for one in history]


def test_a_hold_is_released_once(ended, refused):
    held = ended.did("auditor", "legal-holds", {"ground": "x"}, versioned=False)
    release = f"legal-holds/{held['hold_id']}/release"
    ended.did("supervisor", release, REASONS, versioned=False)
    assert ended.call("supervisor").get(ended.path).json()["legal_holds"] == []
    refused(
        409, "legal_hold_already_released", lambda: ended.ask("supervisor", release, REASONS, versioned=False)
    )


def test_an_unknown_hold_or_proposal_is_not_there(ended, refused):
    nowhere = "00000000-0000-4000-8000-000000000000"
    refused(
        404,
        "legal_hold_not_found",
        lambda: ended.ask("auditor", f"legal-holds/{nowhere}/release", REASONS, versioned=False),
    )
    agreed = {"proposal_hash": "0" * 64}
    refused(404, "proposal_not_found", lambda: ended.ask("supervisor", f"erasure/{nowhere}/approval", agreed))
    refused(
        404, "proposal_not_found", lambda: ended.ask("supervisor", f"erasure/{nowhere}/rejection", REASONS)
    )


def test_erasures_are_listed_by_state(installation, ended):
    ended.did("supervisor", "erasure", BUYERS, versioned=False)
    installation.catch_up()
    for who in ("supervisor", "auditor", "admin"):
        listed = ended.call(who).every("/erasures", state="restricted")
        assert [one["until"] for one in listed if one["case_id"] == ended.id] == [
            "2029-11-10T16:00:00.000000Z"
        ]
    assert ended.id not in {one["case_id"] for one in ended.call("admin").every("/erasures", state="erased")}


def test_a_buyer_stands_in_no_address(ended):
    assert ended.call("supervisor").get("/subjects/export", buyer_id="b-1001").status_code == 405
