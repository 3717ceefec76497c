"""The points of penalties of many cases meet in one standing, whoever brings them first."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.errors import Forbidden, NotFound
from application.rulebook import OnePolicy
from application.standings import StandingProcess, Standings
from application.store import RecordedFact
from domain.events import (
    CaseFiled,
    PenaltyAdjusted,
    PenaltyAssessed,
    PenaltyExpired,
    PenaltyReversed,
    PointsCounted,
    SanctionEnded,
    SanctionStarted,
)
from domain.standing import standing_id
from domain.values import Finding, PenaltyReversalCause, SanctionEnd
from infrastructure.policy_pack import default_pack
from infrastructure.process_supervisor import ProcessSupervisor

DEFAULT = default_pack()


@pytest.fixture
def standings(desk) -> Standings:
    return Standings(desk.store, desk.vault, OnePolicy(DEFAULT), desk.clock, uuid4)


@pytest.fixture
def process(standings) -> StandingProcess:
    return StandingProcess(standings)


@pytest.fixture
def merchant() -> str:
    """One that no other test knows."""
    return f"m-{uuid4()}"


@pytest.fixture
def decided(desk):
    """Makes a decided case of a merchant; its id and version."""

    def make(merchant):
        case = desk.file(merchant_id=merchant).aggregate
        case = desk.cases.claim(desk.request(desk.reviewer, 1), case.id).aggregate
        request = desk.request(desk.reviewer, case.version)
        case = desk.cases.verify(request, case.id, Finding.NOT_UPHELD, (), (), "看过了").aggregate
        request = desk.request(desk.reviewer, case.version)
        case = desk.cases.decide(request, case.id, (), ("S-1",), "驳回").aggregate
        return case.id, case.version

    return make


@pytest.fixture
def penalised(desk, decided):
    """Penalises a merchant on a case of its own; the case's id."""

    def make(merchant, points):
        case_id, version = decided(merchant)
        desk.cases.penalise(desk.request(desk.reviewer, version), case_id, points, None, "S-1", "违规")
        return case_id

    return make


def recorded(desk, case_id, kind):
    """The first fact of this kind on a case, as a process is handed it."""
    return next(one for one in desk.store.facts(case_id) if isinstance(one.fact, kind))


def told(desk, merchant: str) -> list:
    return [one.fact for one in desk.store.facts(standing_id(merchant))]


def test_a_penalty_begins_the_standing_and_its_points_are_counted_once(desk, process, penalised, merchant):
    fact = recorded(desk, penalised(merchant, 2), PenaltyAssessed)
    process.react(fact)
    process.react(fact)
    assert desk.facts(standing_id(merchant)) == ["StandingOpened", "PointsCounted"]
    (first, _) = desk.store.facts(standing_id(merchant))
    assert (first.provenance.actor_id, first.provenance.causation_id) == ("standing", fact.event_id)


def test_points_of_two_cases_reach_a_tier(desk, process, standings, penalised, merchant):
    for points in (2, 1):
        process.react(recorded(desk, penalised(merchant, points), PenaltyAssessed))
    (started,) = [fact for fact in told(desk, merchant) if isinstance(fact, SanctionStarted)]
    assert (started.tier, started.points, len(started.penalties)) == (1, 3, 2)
    assert standings.runs_clock(desk.ticker, standing_id(merchant), started.sanction_id)
    assert desk.rows(
        "SELECT clock_id, kind, due, state FROM deadlines WHERE case_id = %s AND kind = 'sanction'",
        standing_id(merchant),
    ) == [(started.sanction_id, "sanction", started.until, "pending")]


def test_a_lowered_penalty_lowers_the_standing(desk, process, penalised, merchant):
    case_id = penalised(merchant, 3)
    process.react(recorded(desk, case_id, PenaltyAssessed))
    penalty = recorded(desk, case_id, PenaltyAssessed).fact
    version = len(desk.store.facts(case_id))
    desk.cases.adjust_penalty(
        desk.request(desk.supervisor, version), case_id, penalty.penalty_id, 1, None, "情节较轻"
    )
    for _ in range(2):
        process.react(recorded(desk, case_id, PenaltyAdjusted))
    assert desk.facts(standing_id(merchant))[-2:] == ["PointsAdjusted", "SanctionEnded"]
    assert told(desk, merchant)[-1].cause is SanctionEnd.REVERSED


def test_a_reversed_penalty_leaves_the_standing_as_if_it_had_never_been(desk, process, penalised, merchant):
    for points in (3, 3):
        process.react(recorded(desk, penalised(merchant, points), PenaltyAssessed))
    *_, counted = [fact for fact in told(desk, merchant) if isinstance(fact, PointsCounted)]
    reversal: Any = PenaltyReversed
    fact = reversal(
        originator_id=counted.case_id,
        originator_version=99,
        timestamp=desk.clock.at,
        penalty_id=counted.penalty_id,
        merchant_id=merchant,
        cause=PenaltyReversalCause.PENALTY_OVERTURNED,
        appeal_id=uuid4(),
    )
    first = desk.store.facts(counted.case_id)[0]
    for _ in range(2):
        process.react(replace(first, fact=fact))
    assert desk.facts(standing_id(merchant))[-3:] == ["PointsDropped", "SanctionEnded", "SanctionRestored"]
    lower, higher = [fact for fact in told(desk, merchant) if isinstance(fact, SanctionStarted)]
    rows = desk.rows("SELECT clock_id, state FROM deadlines WHERE case_id = %s", standing_id(merchant))
    states = dict(rows)
    assert (states[lower.sanction_id], states[higher.sanction_id]) == ("pending", "cancelled")


def test_expired_points_leave_the_standing(desk, process, penalised, merchant):
    case_id = penalised(merchant, 2)
    process.react(recorded(desk, case_id, PenaltyAssessed))
    desk.clock.pass_time(days=91)
    (clock_id,) = [
        clock_id
        for (clock_id,) in desk.rows(
            "SELECT clock_id FROM deadlines WHERE case_id = %s AND kind = 'penalty_expiry'", case_id
        )
    ]
    desk.cases.miss_clock(desk.request(desk.ticker), case_id, clock_id)
    expired = recorded(desk, case_id, PenaltyExpired)
    for _ in range(2):
        process.react(expired)
    assert desk.facts(standing_id(merchant))[-2:] == ["PointsCounted", "PointsDropped"]


def test_a_sanction_is_served_when_its_clock_rings(desk, process, standings, penalised, merchant):
    process.react(recorded(desk, penalised(merchant, 3), PenaltyAssessed))
    standing, sanction = standing_id(merchant), told(desk, merchant)[-1]
    assert not standings.miss_clock(desk.request(desk.ticker), standing, sanction.sanction_id)
    desk.clock.at = sanction.until
    assert standings.miss_clock(desk.request(desk.ticker), standing, sanction.sanction_id)
    assert not standings.miss_clock(desk.request(desk.ticker), standing, sanction.sanction_id)
    assert told(desk, merchant)[-1].cause is SanctionEnd.SERVED
    assert not standings.runs_clock(desk.ticker, standing, sanction.sanction_id)


def test_the_quarter_is_closed_when_its_clock_rings(desk, process, standings, penalised, merchant):
    process.react(recorded(desk, penalised(merchant, 2), PenaltyAssessed))
    ((clock_id, due),) = desk.rows(
        "SELECT clock_id, due FROM deadlines WHERE case_id = %s AND kind = 'quarter'", standing_id(merchant)
    )
    desk.clock.at = due
    assert standings.miss_clock(desk.request(desk.ticker), standing_id(merchant), clock_id)
    assert desk.facts(standing_id(merchant))[-2:] == ["QuarterClosed", "PointsDropped"]


def test_a_superseded_sanction_has_no_due_time_any_more(desk, process, penalised, merchant):
    for points in (3, 3):
        process.react(recorded(desk, penalised(merchant, points), PenaltyAssessed))
    lower, higher = [fact for fact in told(desk, merchant) if isinstance(fact, SanctionStarted)]
    rows = desk.rows("SELECT clock_id, state FROM deadlines WHERE case_id = %s", standing_id(merchant))
    states = dict(rows)
    assert (states[lower.sanction_id], states[higher.sanction_id]) == ("cancelled", "pending")


def test_a_fact_that_was_not_asked_for_is_not_passed_over(desk, process, penalised, merchant):
    with pytest.raises(TypeError):
        process.react(recorded(desk, penalised(merchant, 2), CaseFiled))


def test_only_the_system_keeps_standings(desk, standings, penalised, merchant):
    penalty = recorded(desk, penalised(merchant, 2), PenaltyAssessed).fact
    with pytest.raises(Forbidden):
        standings.count(desk.request(desk.supervisor), penalty)


def test_nothing_expires_in_a_standing_that_there_is_not(desk, standings):
    expired: Any = PenaltyExpired
    fact = expired(
        originator_id=uuid4(),
        originator_version=1,
        timestamp=desk.clock.at,
        penalty_id=uuid4(),
        merchant_id=f"m-{uuid4()}",
    )
    with pytest.raises(NotFound):
        standings.expire(desk.request(desk.ticker), fact)


# --- many at once ---

EXPECTED = Counter({1: 1, 2: 1, 3: 1, 4: 1, 5: 1})
"""Sixteen points by twos reach each of the five tiers once."""


def tiers_started(desk, merchant: str) -> Counter:
    return Counter(fact.tier for fact in told(desk, merchant) if isinstance(fact, SanctionStarted))


def test_penalties_of_eight_cases_told_at_once_start_one_sanction_for_each_tier(
    desk, process, penalised, merchant
):
    facts = [recorded(desk, penalised(merchant, 2), PenaltyAssessed) for _ in range(8)]
    together = Barrier(8)

    def tell(fact: RecordedFact) -> None:
        together.wait(10)
        process.react(fact)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(tell, facts))
    assert tiers_started(desk, merchant) == EXPECTED
    assert sum(type(fact) is SanctionEnded for fact in told(desk, merchant)) == 4


def test_penalties_assessed_by_eight_people_at_once_start_one_sanction_for_each_tier(
    desk, process, decided, merchant
):
    cases = [decided(merchant) for _ in range(8)]
    together = Barrier(8)

    def penalise(case: tuple[UUID, int]) -> None:
        case_id, version = case
        together.wait(10)
        desk.cases.penalise(desk.request(desk.reviewer, version), case_id, 2, None, "S-1", "违规")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(penalise, cases))
    ProcessSupervisor(desk.store.url, (process,), holder="test").catch_up()
    assert tiers_started(desk, merchant) == EXPECTED
    # Followed once more from the beginning, everything is as it was.
    before = desk.facts(standing_id(merchant))
    for case_id, _ in cases:
        process.react(recorded(desk, case_id, PenaltyAssessed))
    assert desk.facts(standing_id(merchant)) == before
