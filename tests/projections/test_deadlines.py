"""The calendar: which clock is due when, whose it is, and by which rule."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.events import (
    ClockCancelled,
    ClockMissed,
    ClockPaused,
    ClockResumed,
    ClockSatisfied,
    ClockStarted,
    DecisionIssued,
    EvidenceRequested,
    EvidenceStaged,
    ExchangeOpened,
    OfferMade,
    PromiseMade,
    RectificationRejected,
    RectificationSubmitted,
)
from domain.values import (
    ClockKind,
    Party,
    Remedy,
    RemedyKind,
    Sealed,
    SealedFor,
    Side,
    Step,
)
from projections.deadlines import DEADLINES, LISTING, PAUSED, page

TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
SUBJECT, CLOCK = UUID(int=8), UUID(int=7)


def listed(connection: Any, at: Any, **options: Any) -> Any:
    return json.loads(page(connection, at=at, **options))


def kinds(connection: Any, at: Any, **options: Any) -> list[str]:
    return [row["kind"] for row in listed(connection, at, **options)["data"]]


def clock(
    story: Any,
    kind: ClockKind = ClockKind.ANSWER,
    hours: float = 24,
    subject: UUID = SUBJECT,
    clock_id: UUID | None = None,
    **content: Any,
) -> Any:
    due = story.at + timedelta(hours=hours)
    clock_id = clock_id or uuid4()
    return story.then(ClockStarted, clock_id=clock_id, kind=kind, subject=subject, due=due, **content)


def party(connection: Any, show: Any, story: Any) -> str:
    show(DEADLINES, *story.facts)
    (row,) = listed(connection, story.at)["data"]
    shown: str = row["party"]
    return shown


def test_a_clock_is_listed_with_its_case_its_party_and_its_rule(connection, show, tell) -> None:
    story = tell().filed()
    steps = (Step("X-9", "cn-2025"), Step("M-1", "cn-2026"))
    clock(story, clock_id=CLOCK, calendar="service_hours", derivation=steps)
    show(DEADLINES, *story.facts)

    assert listed(connection, story.at) == {
        "data": [
            {
                "clock_id": str(CLOCK),
                "case_id": str(story.case_id),
                "number": "AS-20261106-0000000001",
                "merchant_id": "m-2001",
                "kind": "answer",
                "duty": True,
                "party": "merchant",
                "subject_id": str(SUBJECT),
                "due": "2026-11-07T08:00:00.000000Z",
                "overdue": False,
                "paused": False,
                "seconds_left": None,
                "rule": "M-1",
                "policy": "cn-2026",
            }
        ],
        "has_more": False,
        "next_cursor": None,
    }


def test_a_term_that_a_person_set_names_no_rule(connection, show, tell) -> None:
    story = clock(tell().filed(), ClockKind.RECTIFICATION)
    show(DEADLINES, *story.facts)

    (row,) = listed(connection, story.at)["data"]
    assert (row["rule"], row["policy"]) == (None, None)


@pytest.mark.parametrize("end", [ClockSatisfied, ClockCancelled, ClockMissed])
def test_a_clock_that_ended_is_listed_no_more(connection, show, tell, end) -> None:
    story = clock(clock(tell().filed(), clock_id=CLOCK), ClockKind.FOLLOW_UP)
    more = {"subject": SUBJECT} if end is ClockMissed else {}
    story.then(end, clock_id=CLOCK, kind=ClockKind.ANSWER, **more)
    show(DEADLINES, *story.facts)

    assert kinds(connection, story.at) == ["follow_up"]


def test_a_paused_clock_is_listed_where_it_is_asked_for_and_has_no_due_time(connection, show, tell) -> None:
    story = clock(clock(tell().filed(), clock_id=CLOCK), ClockKind.FOLLOW_UP)
    story.then(ClockPaused, hours=1, clock_id=CLOCK, kind=ClockKind.ANSWER, seconds_left=82800)
    show(DEADLINES, *story.facts)
    late = story.at + timedelta(days=9)

    assert kinds(connection, late) == ["follow_up"]
    (row,) = listed(connection, late, paused=True)["data"]
    assert (row["kind"], row["paused"], row["seconds_left"]) == ("answer", True, 82800)
    assert (row["due"], row["overdue"]) == (None, False)
    assert kinds(connection, late, paused=True, overdue=False) == []
    assert kinds(connection, late, paused=True, due_to=late) == []

    due = late + timedelta(hours=23)
    story.then(ClockResumed, clock_id=CLOCK, kind=ClockKind.ANSWER, subject=SUBJECT, due=due)
    show(DEADLINES, *story.facts)

    assert kinds(connection, late, paused=True) == []
    (_, row) = listed(connection, late)["data"]
    assert (row["due"], row["paused"], row["seconds_left"]) == ("2026-11-16T08:00:00.000000Z", False, None)


def test_paused_clocks_follow_each_other_by_how_long_they_stand_still(connection, show, tell) -> None:
    stories = []
    for days in (3, 1, 2):
        story = clock(tell().filed(), clock_id=UUID(int=days))
        story.then(ClockPaused, days * 24, clock_id=UUID(int=days), kind=ClockKind.ANSWER, seconds_left=9)
        show(DEADLINES, *story.facts)
        stories.append(story)
    at = stories[0].at

    first = listed(connection, at, paused=True, limit=2)
    rest = listed(connection, at, paused=True, limit=2, cursor=first["next_cursor"])

    shown = [UUID(row["clock_id"]).int for row in first["data"] + rest["data"]]
    assert (shown, rest["has_more"]) == ([1, 2, 3], False)


def test_the_earliest_due_comes_first_page_by_page(connection, show, tell) -> None:
    for hours in (30, 10, 20):
        show(DEADLINES, *clock(tell().filed(), hours=hours).facts)
    at = tell().at

    first = listed(connection, at, limit=2)
    rest = listed(connection, at, limit=2, cursor=first["next_cursor"])

    dues = [row["due"][8:13] for row in first["data"] + rest["data"]]
    assert dues == ["06T18", "07T04", "07T14"]
    assert (first["has_more"], rest["has_more"]) == (True, False)


def test_clocks_are_found_by_what_they_are_asked_for(connection, show, tell) -> None:
    story = clock(tell().filed(), ClockKind.ANSWER, hours=1)
    clock(story, ClockKind.FOLLOW_UP, hours=2)
    clock(story, ClockKind.PENALTY_EXPIRY, hours=3)
    show(DEADLINES, *story.facts)
    other = clock(tell().filed(merchant_id="m-2", filed_by="shop-2"), ClockKind.SUSPENSION, hours=4)
    show(DEADLINES, *other.facts)
    at = story.at

    def found(**asked: Any) -> list[str]:
        return kinds(connection, at + timedelta(hours=2), **asked)

    assert found() == ["answer", "follow_up", "penalty_expiry", "suspension"]
    assert found(kind="follow_up") == ["follow_up"]
    assert found(party="merchant") == ["answer", "penalty_expiry"]
    assert found(party="third_party") == ["suspension"]
    assert found(duty=True) == ["answer", "follow_up"]
    assert found(duty=False) == ["penalty_expiry", "suspension"]
    assert found(overdue=True) == ["answer"]
    assert found(overdue=False) == ["follow_up", "penalty_expiry", "suspension"]
    assert found(merchant_id="m-2") == found(filed_by="shop-2") == found(case_id=other.case_id)
    assert found(case_id=other.case_id) == ["suspension"]
    span = {"due_from": at + timedelta(hours=2), "due_to": at + timedelta(hours=4)}
    assert found(**span) == ["follow_up", "penalty_expiry"]
    assert found(**span, party="platform") == ["follow_up"]


def test_a_clock_is_overdue_after_its_time_and_not_at_it(connection, show, tell) -> None:
    story = clock(tell().filed(), hours=1)
    show(DEADLINES, *story.facts)
    due = story.at + timedelta(hours=1)

    def overdue(at: Any) -> bool:
        (row,) = listed(connection, at)["data"]
        shown: bool = row["overdue"]
        return shown

    assert (overdue(due), overdue(due + timedelta(microseconds=1))) == (False, True)


def test_an_offer_is_the_other_sides_to_reply_to(connection, show, tell) -> None:
    story = tell().filed()
    offer = {"offer_id": SUBJECT, "remedies": (), "clauses": (), "text": TEXT, "due": story.at}
    story.then(OfferMade, party=Side.MERCHANT, **offer)

    assert party(connection, show, clock(story, ClockKind.REPLY)) == "buyer"


def test_evidence_is_whose_it_was_asked_of(connection, show, tell) -> None:
    story = tell().filed()
    request = {"request_id": SUBJECT, "kinds": ("photo",), "due": story.at, "by": "agent-1"}
    story.then(EvidenceRequested, party=Side.BUYER, **request)

    assert party(connection, show, clock(story, ClockKind.EVIDENCE)) == "buyer"


def test_a_promise_is_whose_it_was(connection, show, tell) -> None:
    story = tell().filed()
    promise = {"promise_id": SUBJECT, "text": TEXT, "due": story.at}
    story.then(PromiseMade, party=Party.PLATFORM, **promise)

    assert party(connection, show, clock(story, ClockKind.PROMISE)) == "platform"


@pytest.mark.parametrize(("kind", "sender"), [(RemedyKind.RETURN, "buyer"), (RemedyKind.RESEND, "merchant")])
def test_goods_are_whose_who_sends_them(connection, show, tell, kind, sender) -> None:
    story = tell().filed()
    decision = {"decision_id": uuid4(), "round": 1, "by": "reviewer-1", "clauses": ("Q-1",)}
    remedies = (Remedy(SUBJECT, kind),)
    story.then(DecisionIssued, remedies=remedies, policy="cn-2026", reasons=TEXT, **decision)

    assert party(connection, show, clock(story, ClockKind.GOODS_SHIPMENT)) == sender


def test_of_exchanged_goods_each_side_sends_its_own(connection, show, tell) -> None:
    story, back = tell().filed(), UUID(int=9)
    story.then(ExchangeOpened, goods_id=uuid4(), replacement_id=SUBJECT, return_id=back, clause="W-1")
    clock(clock(story, ClockKind.GOODS_SHIPMENT), ClockKind.GOODS_SHIPMENT, subject=back)
    show(DEADLINES, *story.facts)

    senders = {row["subject_id"]: row["party"] for row in listed(connection, story.at)["data"]}
    assert senders == {str(SUBJECT): "merchant", str(back): "buyer"}


def test_what_was_submitted_for_rectification_is_the_platforms_until_it_is_turned_down(
    connection, show, tell
) -> None:
    story = clock(tell().filed(), ClockKind.RECTIFICATION)
    assert party(connection, show, story) == "merchant"
    story.then(RectificationSubmitted, rectification_id=SUBJECT, text=TEXT)
    assert party(connection, show, story) == "platform"
    story.then(RectificationRejected, rectification_id=SUBJECT, reasons=TEXT)
    assert party(connection, show, story) == "merchant"


def test_what_a_party_has_not_submitted_yet_is_not_shown_to_the_other(connection, show, tell) -> None:
    story = tell().filed()
    staged = {"by_staff": False, "sha256": "0" * 64, "size": 1, "media_type": "image/png"}
    story.then(EvidenceStaged, evidence_id=SUBJECT, party=Party.BUYER, due=story.at, **staged)
    clock(clock(story, ClockKind.STAGING), ClockKind.ANSWER)
    show(DEADLINES, *story.facts)

    assert kinds(connection, story.at, drafts="merchant") == ["answer"]
    assert sorted(kinds(connection, story.at, drafts="buyer")) == ["answer", "staging"]
    assert sorted(kinds(connection, story.at)) == ["answer", "staging"]


FILL = f"""
    INSERT INTO {DEADLINES.table}
        (clock_id, case_id, number, merchant_id, filed_by, kind, party, due, paused_at, parties)
    SELECT gen_random_uuid(), gen_random_uuid(), 'AS-' || n, 'm-' || n %% 20, 'shop-' || n %% 50,
        CASE WHEN n %% 3 > 0 THEN (%(kinds)s::text[])[1 + n %% cardinality(%(kinds)s::text[])] END,
        (%(parties)s::text[])[1 + (n / 7) %% 3],
        CASE WHEN n %% 3 = 1 OR (n %% 3 = 2 AND n %% 50 > 0) THEN %(at)s + n * interval '1 minute' END,
        CASE WHEN n %% 3 = 2 AND n %% 50 = 0 THEN %(at)s + n * interval '1 minute' END,
        '{{}}'
    FROM generate_series(1, 30000) AS n
"""  # noqa: S608  # made of constants


@pytest.fixture
def crowded(connection: Any, tell: Any) -> Any:
    """The connection, with the calendar full."""
    values = {"at": tell().at, "kinds": [*ClockKind], "parties": ["buyer", "merchant", "platform"]}
    connection.execute(FILL.encode(), values)
    connection.execute(f"ANALYZE {DEADLINES.table}".encode())
    return connection


def test_pages_of_many_clocks_are_read_in_the_order_of_an_index(crowded, tell) -> None:
    values = {"at": tell().at, "after_at": tell().at + timedelta(days=2), "after_id": SUBJECT}
    asked = [
        (LISTING, []),
        (LISTING, ["kind = 'answer'"]),
        (LISTING, ["party = 'buyer'"]),
        (LISTING, ["merchant_id = 'm-7'"]),
        (LISTING, ["filed_by = 'shop-7'"]),
        (LISTING, ["due >= %(at)s", "due < %(at)s + interval '10 days'"]),
        (PAUSED, []),
    ]
    for listing, conditions in asked:
        for after in ([], [listing.after]):
            statement = listing.select([f"{listing.time} IS NOT NULL", *conditions, *after], 51)
            explained = crowded.execute(f"EXPLAIN {statement}".encode(), values).fetchall()
            plan = "\n".join(row[0] for row in explained)
            assert "Index Scan" in plan, plan
            assert not {"Sort", "Seq"} & set(plan.split()), plan
