"""What holds of every read model over lives that chance has driven through the commands of the domain."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from domain.corrective_action import CorrectiveAction
from domain.events import FACTS, DecisionApproved, DecisionIssued, Fact
from domain.refusals import Refusal
from domain.standing import MerchantStanding
from domain.values import Actor, ClockKind, Role, Sealed, SealedFor
from infrastructure.bench.histories import Life
from infrastructure.mapper import FactMapper
from infrastructure.policy_pack import default_pack
from projections.catalogue import ALL
from projections.deadlines import WINDOWS
from projections.read_model import ReadModel, Rows

POLICY = default_pack()

MAPPER = FactMapper()


def standing(chance: Random) -> list[Fact]:
    """What became of a merchant's penalties, by chance, in half a year."""
    at = datetime(2026, 10, 5, tzinfo=UTC)
    merchant, known = MerchantStanding.open("m-2001", at), list[UUID]()
    for _ in range(25):
        at += timedelta(days=8) * chance.random()
        for clock_id in list(merchant.clocks):
            merchant.miss_clock(clock_id, at)
        penalty_id = chance.choice([UUID(int=chance.getrandbits(128), version=4), *known])
        match chance.choice(["count", "count", "count", "adjust", "reverse", "expire"]):
            case "adjust" if penalty_id in known:
                merchant.adjust(penalty_id, 1, lambda _: POLICY, at)
            case "reverse" if penalty_id in known:
                merchant.reverse(penalty_id, lambda _: POLICY, at)
            case "expire" if penalty_id in known:
                merchant.expire(penalty_id, at)
            case _:
                known.append(penalty_id)
                points, expires_at = chance.randrange(1, 6), at + timedelta(days=90)
                merchant.count(penalty_id, penalty_id, points, "S-1", at, expires_at, lambda _: POLICY, at)
    return [fact for fact in merchant.collect_events() if isinstance(fact, Fact)]


def correction(chance: Random) -> list[Fact]:
    """What became of a corrective action, by chance."""
    at, by = datetime(2026, 10, 5, tzinfo=UTC), Actor("somebody", Role.REVIEWER)
    text = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
    found = tuple(UUID(int=number) for number in range(2))
    action = CorrectiveAction.open(
        by, UUID(int=chance.getrandbits(128), version=4), "m-2001", "late", found[:1], None, POLICY, at
    )
    for _ in range(12):
        at += timedelta(days=5)
        with suppress(Refusal):
            steps = ["join", "leave", "propose", "judge", "judge", "complete", "wait", "wait", "close"]
            match chance.choice(steps):
                case "join":
                    action.join(found[1], at)
                case "leave" if chance.random() < 0.3:
                    action.leave(chance.choice(found), at)
                case "propose":
                    action.propose(by, text, POLICY, at)
                case "judge":
                    action.judge(by, chance.random() < 0.7, text, POLICY, at)
                case "complete":
                    action.complete(by, text, POLICY, at)
                case "close" if chance.random() < 0.2:
                    action.close(by, text, at)
                case _:
                    at = max(at, action.due or at)
                    count = chance.randrange(3)
                    action.miss_clock(action.clock_id, lambda *_: found[:count], POLICY, at)  # noqa: B023
    return [fact for fact in action.collect_events() if isinstance(fact, Fact)]


LIVES = [Life(Random(seed)) for seed in range(400)]
CASES = [life.facts for life in LIVES]
STANDINGS = [standing(Random(seed)) for seed in range(100)]
CORRECTIONS = [correction(Random(seed)) for seed in range(100)]
HISTORIES = CASES + STANDINGS + CORRECTIONS


def stored_and_read(fact: Fact) -> Any:
    return MAPPER.to_domain_event(MAPPER.to_stored_event(fact))


def rows_after(model: ReadModel[Any], facts: list[Fact], before: Rows[Any] | None = None) -> Rows[Any]:
    rows: Rows[Any] = before or {}
    for fact in facts:
        rows = model.fold(rows, fact)
    return rows


def each_model(test: Any) -> Any:
    return pytest.mark.parametrize("model", ALL, ids=lambda model: model.name)(test)


@pytest.mark.parametrize(
    ("histories", "kind"),
    [(CASES, "Case"), (STANDINGS, "MerchantStanding"), (CORRECTIONS, "CorrectiveAction")],
)
def test_the_lives_tell_of_every_fact_of_their_kind(histories: list[list[Fact]], kind: str) -> None:
    told = {type(fact) for history in histories for fact in history}
    assert told == {fact for fact in FACTS.values() if kind == fact.OF}


@each_model
def test_a_fact_delivered_twice_counts_once(model: ReadModel[Any]) -> None:
    for history in HISTORIES:
        twice = [fact for fact in history for _ in range(2)]

        assert rows_after(model, twice) == rows_after(model, history)


@each_model
def test_a_history_delivered_over_its_own_rows_leaves_the_same_rows(model: ReadModel[Any]) -> None:
    for history in HISTORIES:
        once = rows_after(model, history)

        assert rows_after(model, history, before=once) == once


@each_model
def test_stored_facts_fold_as_the_recorded_ones(model: ReadModel[Any]) -> None:
    for history in HISTORIES:
        assert rows_after(model, [stored_and_read(fact) for fact in history]) == rows_after(model, history)


@each_model
def test_a_step_changes_nothing_that_it_was_given(model: ReadModel[Any]) -> None:
    for history in HISTORIES:
        rows: Rows[Any] = {}
        for fact in history:
            kept = dict(rows)
            after = model.fold(rows, fact)

            assert rows == kept
            rows = after


@pytest.mark.parametrize("name", ["review_queue", "open_loops", "case_index", "merchant_cases"])
def test_the_stage_is_that_of_the_case(name: str) -> None:
    (model,) = [model for model in ALL if model.name == name]

    for life, history in zip(LIVES, CASES, strict=True):
        (row,) = rows_after(model, history).values()

        assert row.stage is life.case.stage


def test_what_a_merchant_must_do_is_timed_by_clocks_of_its_case_after_each_fact() -> None:
    (model,) = [model for model in ALL if model.name == "merchant_cases"]
    merchants = {ClockKind.ANSWER, ClockKind.RECTIFICATION, ClockKind.GOODS_HANDLING}
    seen = set[ClockKind]()

    for history in CASES:
        case: Any = None
        rows: Rows[Any] = {}
        for fact in history:
            case, rows = fact.mutate(case), model.fold(rows, fact)
            (row,) = rows.values()
            awaited = case.clocks.running | {key: clock for key, (clock, _) in case.clocks.paused.items()}
            own = {duty.clock_id for duty in row.duties}

            assert own <= awaited.keys()
            assert own >= {key for key, clock in awaited.items() if clock.kind in merchants}
            for duty in row.duties:
                seen.add(duty.kind)
                running = case.clocks.running.get(duty.clock_id)
                assert (duty.kind, duty.due) == (awaited[duty.clock_id].kind, running and running.due)

    assert seen >= merchants | {ClockKind.REPLY, ClockKind.PROMISE}


def test_the_calendar_holds_just_the_clocks_of_the_case_after_each_fact() -> None:
    (model,) = [model for model in ALL if model.name == "deadlines"]
    (duties,) = [model for model in ALL if model.name == "merchant_cases"]
    seen = set[ClockKind]()

    for history in CASES:
        case: Any = None
        rows: Rows[Any] = {}
        merchants: Rows[Any] = {}
        for fact in history:
            case, rows, merchants = fact.mutate(case), model.fold(rows, fact), duties.fold(merchants, fact)
            clocks = {key: row for key, row in rows.items() if row.kind}

            assert {key: (row.kind, row.subject, row.due) for key, row in clocks.items() if row.due} == {
                key: (clock.kind, clock.subject, clock.due) for key, clock in case.clocks.running.items()
            }
            assert {key: row.seconds_left for key, row in clocks.items() if row.paused_at} == {
                key: left for key, (_, left) in case.clocks.paused.items()
            }
            (merchant,) = merchants.values()
            awaited = {key for key, row in clocks.items() if row.party == "merchant"}
            windows = {key for key, row in clocks.items() if row.kind in WINDOWS}
            assert awaited - windows == {duty.clock_id for duty in merchant.duties if not duty.done}
            seen |= {row.kind for row in clocks.values()}

    assert seen == set(ClockKind)


def test_whose_work_a_case_is_is_what_the_case_itself_says_after_each_fact() -> None:
    (model,) = [model for model in ALL if model.name == "workload"]
    by_whom = set[bool]()

    for history in CASES:
        case: Any = None
        rows: Rows[Any] = {}
        for fact in history:
            case, rows = fact.mutate(case), model.fold(rows, fact)
            card, now = rows[case.id], case.lease
            work = {key: row for key, row in rows.items() if row.worker}
            undecided = [key for key, row in work.items() if row.done_at is None]

            assert (card.holder, card.held_until) == ((now.holder, now.expires_at) if now else (None, None))
            if not isinstance(fact, DecisionApproved):  # with it the decision is issued
                waiting = case.proposals.waiting
                assert undecided == ([waiting.proposal_id] if waiting else [])
            if isinstance(fact, DecisionIssued):
                assert (fact.decision_id in work) is not fact.automated
                by_whom.add(fact.automated)
                if row := work.get(fact.decision_id):
                    assert row.begun_at <= (row.proposed_at or row.done_at) <= row.done_at == fact.timestamp

    assert by_whom == {True, False}
