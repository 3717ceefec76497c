"""What each of the platform's people has on the desk, what they decided, and what of it fell."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.events import (
    AppealFiled,
    CaseClaimed,
    CaseClosed,
    CaseReassigned,
    CaseReleased,
    DecisionIssued,
    DecisionOverturned,
    DecisionUpheld,
    DecisionVaried,
    LeaseExpired,
    LeaseRenewed,
    PenaltyAssessed,
    ProposalVoided,
)
from domain.values import (
    AppealAgainst,
    ReleaseCause,
    Resolution,
    Role,
    Sealed,
    SealedFor,
    Side,
    Stage,
    VoidCause,
)
from projections import workload
from projections.review_queue import REVIEW_QUEUE
from projections.workload import WORKLOAD

TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
RULED = {"by": "reviewer-2", "clauses": ("Q-1",), "reasons": TEXT}
MIDNIGHT = datetime(2026, 11, 9, 16, tzinfo=UTC)
"""When the tenth of November begins in Shanghai."""


def asked(connection: Any, at: Any, **options: Any) -> Any:
    return json.loads(workload.each(connection, at=at, **options))


def work(connection: Any, at: Any, who: Any = "reviewer-1", **options: Any) -> Any:
    return next(one for one in asked(connection, at, **options)["data"] if one["reviewer_id"] == who)


def claimed(story: Any, hours: float = 0, who: str = "reviewer-1", lasts: float = 8) -> Any:
    until = story.at + timedelta(hours=hours + lasts)
    return story.then(CaseClaimed, hours, holder=who, role=Role.REVIEWER, token="1", expires_at=until)


def decided(
    story: Any, hours: float = 0, decision_id: UUID | None = None, by: str = "reviewer-1", **content: Any
) -> Any:
    usual = {"round": 1, "remedies": (), "clauses": ("Q-1",), "policy": "cn-2026", "reasons": TEXT}
    return story.then(DecisionIssued, hours, decision_id=decision_id or uuid4(), by=by, **(usual | content))


def appealed(story: Any, appeal_id: UUID, target: UUID, against: AppealAgainst) -> Any:
    return story.then(
        AppealFiled,
        appeal_id=appeal_id,
        party=Side.MERCHANT,
        against=against,
        target=target,
        round=1,
        evidence=(),
        reasons=TEXT,
        by="seller-1",
        resumes=Stage.EXECUTING,
        due=story.at,
    )


def test_everything_of_one_person_is_told_together(connection, show, tell) -> None:
    story = decided(claimed(tell().filed(), 1), 2.5)
    show(WORKLOAD, *story.facts)

    assert asked(connection, story.at) == {
        "from": "2026-10-07T11:30:00.000000Z",
        "to": "2026-11-06T11:30:00.000000Z",
        "data": [
            {
                "reviewer_id": "reviewer-1",
                "leases": {"held": 1, "overdue": 0},
                "decisions": {"today": 1, "last_7_days": 1, "last_30_days": 1, "in_span": 1},
                "handling_hours": {"median": 2.5, "decisions": 1},
                "proposals_waiting": 0,
                "appeals_judged": 0,
                "appeals_lost": {"overturned": 0, "varied": 0},
            }
        ],
        "stale": False,
    }


def test_nobody_has_worked_yet(connection, show, tell) -> None:
    show(WORKLOAD, *tell().filed().facts)

    assert asked(connection, tell().at)["data"] == []


def test_a_lease_is_held_until_it_runs_out_or_ends(connection, show, tell) -> None:
    story = claimed(tell().filed())

    def held(at: Any) -> list[str]:
        show(WORKLOAD, *story.facts)
        found = asked(connection, at)["data"]
        return [one["reviewer_id"] for one in found if one["leases"]["held"]]

    ends = story.at + timedelta(hours=8)
    assert held(ends - timedelta(microseconds=1)) == ["reviewer-1"]
    assert held(ends) == []
    story.then(LeaseRenewed, 1, holder="reviewer-1", token="2", expires_at=ends + timedelta(hours=1))
    assert held(ends) == ["reviewer-1"]
    by = {"by": "supervisor-1", "role": Role.AGENT, "token": "3"}
    story.then(CaseReassigned, holder="agent-1", expires_at=ends, **by)
    assert held(story.at) == ["agent-1"]
    story.then(CaseReleased, holder="agent-1", cause=ReleaseCause.RELEASED)
    assert held(story.at) == []


def test_a_case_that_ended_is_held_by_nobody(connection, show, tell) -> None:
    story = claimed(tell().filed()).then(CaseClosed, resolution=Resolution.ANSWERED)
    show(WORKLOAD, *story.facts)

    assert asked(connection, story.at)["data"] == []


def test_a_case_under_appeal_is_held_by_nobody_until_it_is_claimed(connection, show, tell) -> None:
    decision_id = uuid4()
    story = decided(tell().filed(), 0, decision_id, by="system", automated=True)
    appealed(claimed(story), UUID(int=6), decision_id, AppealAgainst.DECISION)
    show(WORKLOAD, *story.facts)

    assert asked(connection, story.at)["data"] == []


def test_a_case_is_overdue_once_it_is_late_in_its_queue(connection, show, tell) -> None:
    due = tell().at + timedelta(hours=48)
    story = claimed(tell().filed(due=due), lasts=100)
    for model in (WORKLOAD, REVIEW_QUEUE):
        show(model, *story.facts)

    assert work(connection, due)["leases"] == {"held": 1, "overdue": 0}
    assert work(connection, due + timedelta(seconds=1))["leases"] == {"held": 1, "overdue": 1}


@pytest.mark.parametrize(
    ("before", "counted"),
    [
        (timedelta(), (1, 1, 1)),
        (timedelta(hours=10), (1, 1, 1)),
        (timedelta(hours=10, microseconds=1), (0, 1, 1)),
        (timedelta(days=7), (0, 0, 1)),
        (timedelta(days=30), (0, 0, 0)),
    ],
)
def test_decisions_are_counted_of_the_day_of_shanghai_and_of_the_last_days(
    connection, show, tell, before, counted
) -> None:
    now = MIDNIGHT + timedelta(hours=10)
    story = decided(tell(at=now - before).filed())
    show(WORKLOAD, *story.facts)

    found = work(connection, now)["decisions"]
    assert (found["today"], found["last_7_days"], found["last_30_days"]) == counted


def test_decisions_are_counted_of_a_span_from_its_begin_until_before_its_end(connection, show, tell) -> None:
    for days in (0, 40, 41):
        show(WORKLOAD, *decided(tell(at=MIDNIGHT - timedelta(days=days)).filed()).facts)

    def counted(first: int, last: int) -> int:
        span = {"since": MIDNIGHT - timedelta(days=first), "until": MIDNIGHT - timedelta(days=last)}
        shown: int = work(connection, MIDNIGHT, **span)["decisions"]["in_span"]
        return shown

    assert (counted(41, 40), counted(41, 39), counted(39, 0), counted(40, -1)) == (1, 2, 0, 2)
    assert work(connection, MIDNIGHT, since=MIDNIGHT - timedelta(days=41))["decisions"] == {
        "today": 1,
        "last_7_days": 1,
        "last_30_days": 1,
        "in_span": 3,
    }


def test_handling_is_the_median_from_the_claim_under_which_it_was_decided(connection, show, tell) -> None:
    for hours in (1, 2, 9):
        show(WORKLOAD, *decided(claimed(tell().filed(), lasts=10), hours).facts)
    again = claimed(tell().filed(), who="agent-1")
    again.then(LeaseExpired, 20, holder="agent-1", expired_at=again.at)
    show(WORKLOAD, *decided(claimed(again, who="agent-1"), 3, by="agent-1").facts)

    at = again.at
    assert work(connection, at)["handling_hours"] == {"median": 2.0, "decisions": 3}
    assert work(connection, at, "agent-1")["handling_hours"] == {"median": 3.0, "decisions": 1}


@pytest.mark.parametrize(
    "take",
    [
        lambda story: story,
        lambda story: claimed(story, who="agent-1"),
        lambda story: claimed(story, lasts=1),
    ],
    ids=["nobody", "somebody else", "run out"],
)
def test_what_was_decided_without_a_lease_was_not_handled(connection, show, tell, take) -> None:
    show(WORKLOAD, *decided(take(tell().filed()), 1).facts)

    found = work(connection, tell().at + timedelta(hours=1))
    assert (found["handling_hours"], found["decisions"]["today"]) == ({"median": None, "decisions": 0}, 1)


def test_what_the_system_decided_is_nobodys_work(connection, show, tell) -> None:
    story = decided(tell().filed(), by="system", automated=True)
    show(WORKLOAD, *story.facts)

    assert asked(connection, story.at)["data"] == []


def test_a_proposal_waits_until_it_is_approved_and_is_then_its_proposers_decision(
    connection, show, tell
) -> None:
    story = claimed(tell().filed())
    story.at += timedelta(hours=2)
    story.proposed(UUID(int=5)).then(CaseReleased, holder="reviewer-1", cause=ReleaseCause.PROPOSED)
    show(WORKLOAD, *story.facts)
    waiting = work(connection, story.at)
    assert (waiting["proposals_waiting"], waiting["decisions"]["today"]) == (1, 0)

    show(WORKLOAD, *decided(story, 5, UUID(int=5)).facts)
    issued = work(connection, story.at)
    assert (issued["proposals_waiting"], issued["decisions"]["today"]) == (0, 1)
    assert issued["handling_hours"] == {"median": 2.0, "decisions": 1}


def test_a_proposal_that_came_to_nothing_waits_no_more(connection, show, tell) -> None:
    story = tell().filed().proposed(UUID(int=5))
    story.then(ProposalVoided, proposal_id=UUID(int=5), cause=VoidCause.REJECTED)
    show(WORKLOAD, *story.facts)

    assert asked(connection, story.at)["data"] == []


@pytest.mark.parametrize(
    ("outcome", "content", "lost"),
    [
        (DecisionUpheld, {}, (0, 0)),
        (DecisionVaried, {"policy": "cn-2026"}, (0, 1)),
        (DecisionOverturned, {}, (1, 0)),
    ],
)
@pytest.mark.parametrize("against", [AppealAgainst.DECISION, AppealAgainst.PENALTY])
def test_what_falls_on_appeal_is_lost_by_who_decided_it_and_judged_by_who_judged_it(
    connection, show, tell, outcome, content, lost, against
) -> None:
    decision_id, penalty_id = uuid4(), uuid4()
    story = decided(tell().filed(), 0, decision_id)
    penalty = {"merchant_id": "m-2001", "decision_id": decision_id, "points": 1, "fine": None}
    penalty |= {"clause": "S-1", "expires_at": story.at, "policy": "cn-2026", "reasons": TEXT}
    story.then(PenaltyAssessed, penalty_id=penalty_id, by="supervisor-1", **penalty)
    of_a_decision = against is AppealAgainst.DECISION
    appealed(story, UUID(int=6), decision_id if of_a_decision else penalty_id, against)
    story.then(outcome, 24, appeal_id=UUID(int=6), resumes=Stage.EXECUTING, **RULED, **content)
    show(WORKLOAD, *story.facts)

    def shown(who: str, **span: Any) -> tuple[int, int, int]:
        one = {row["reviewer_id"]: row for row in asked(connection, story.at, **span)["data"]}.get(who)
        if one is None:
            return (0, 0, 0)
        return (one["appeals_judged"], *one["appeals_lost"].values())

    assert shown("reviewer-2") == (1, 0, 0)
    assert shown("reviewer-1") == (0, *(lost if of_a_decision else (0, 0)))
    assert shown("supervisor-1") == (0, *((0, 0) if of_a_decision else lost))
    for before in ({"until": story.at}, {"since": story.at + timedelta(seconds=1)}):
        assert shown("reviewer-1", **before) == shown("supervisor-1", **before) == (0, 0, 0)


def test_an_appeal_against_what_nobody_decided_is_lost_by_nobody(connection, show, tell) -> None:
    decision_id = uuid4()
    story = decided(tell().filed(), 0, decision_id, by="system", automated=True)
    appealed(story, UUID(int=6), decision_id, AppealAgainst.DECISION)
    story.then(DecisionOverturned, appeal_id=UUID(int=6), resumes=Stage.IN_REVIEW, **RULED)
    show(WORKLOAD, *story.facts)

    assert [one["reviewer_id"] for one in asked(connection, story.at)["data"]] == ["reviewer-2"]


def test_one_persons_work_is_told_as_among_everybodys(connection, show, tell) -> None:
    decision_id = uuid4()
    story = decided(claimed(tell().filed()), 1, decision_id)
    appealed(story, UUID(int=6), decision_id, AppealAgainst.DECISION)
    claimed(story, who="reviewer-2")
    story.then(DecisionOverturned, appeal_id=UUID(int=6), resumes=Stage.IN_REVIEW, **RULED)
    claimed(story, who="agent-1").proposed(uuid4())
    show(WORKLOAD, *story.facts)
    everybody = asked(connection, story.at)["data"]

    assert [one["reviewer_id"] for one in everybody] == ["agent-1", "reviewer-1", "reviewer-2"]
    for one in everybody:
        assert asked(connection, story.at, worker=one["reviewer_id"])["data"] == [one]


def test_a_case_with_facts_that_were_not_read_is_said_to_be_stale(connection, show, tell) -> None:
    story = decided(tell().filed())
    show(WORKLOAD, *story.facts, stale=True)

    assert asked(connection, story.at)["stale"] is True


FILL = f"""
    INSERT INTO {WORKLOAD.table} (work_id, case_id, worker, kind, begun_at, done_at, proposed_at, holder,
        held_since, held_until, rulings, appeals)
    SELECT gen_random_uuid(), gen_random_uuid(), worker, CASE WHEN worker IS NOT NULL THEN 'decision' END,
        at - interval '1 hour', CASE WHEN n %% 500 > 0 THEN at END, CASE WHEN n %% 500 = 0 THEN at END,
        CASE WHEN worker IS NULL AND n %% 100 = 0 THEN 'reviewer-1' END, at, at, '{{}}', '{{}}'
    FROM (
        SELECT n, %(at)s - n * interval '10 minutes' AS at,
            CASE WHEN n %% 3 > 0 THEN 'reviewer-' || n / 3 %% 100 END AS worker
        FROM generate_series(1, 60000) AS n
    ) AS rows
"""  # noqa: S608  # the table's name is a constant


@pytest.mark.parametrize("worker", [None, "reviewer-1"])
def test_of_many_decisions_only_the_late_ones_are_read(connection, tell, worker) -> None:
    connection.execute(FILL.encode(), {"at": tell().at})
    connection.execute(f"ANALYZE {WORKLOAD.table}".encode())
    statement, values = workload.query(tell().at, None, None, worker)

    explained = connection.execute(f"EXPLAIN {statement}".encode(), values).fetchall()

    plan = "\n".join(row[0] for row in explained)
    assert f"Seq Scan on {WORKLOAD.table}" not in plan, plan
    assert "Index Cond: (done_at >=" in plan or "Index Cond: ((worker = 'reviewer-1'" in plan, plan
