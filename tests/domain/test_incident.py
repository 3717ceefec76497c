"""Incidents: clocks of their own, one decision for many cases, and what counts as unusual."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid5

import pytest

from domain.events import (
    BatchApproved,
    BatchCaseDecided,
    BatchCaseFailed,
    BatchProposed,
    IncidentCaseJoined,
    IncidentClosed,
    IncidentRaised,
    IncidentStepDue,
    IncidentStepMissed,
    IncidentSteppedIn,
    IncidentStepTaken,
)
from domain.incident import Incident
from domain.policy import pack
from domain.policy.calendar import Term, Unit
from domain.policy.detection import span, unusual
from domain.refusals import (
    BatchHashMismatch,
    BatchPending,
    IncidentAlreadyClosed,
    IncidentStepAlreadyTaken,
    IncidentUnresolved,
    LiabilityMustSumTo100,
    SecondPersonRequired,
    UnknownPart,
)
from domain.values import (
    Actor,
    Detector,
    Finding,
    IncidentStep,
    LiabilityShare,
    LiableParty,
    Payer,
    RemedyRule,
    Role,
    Sealed,
    SealedFor,
)
from infrastructure.mapper import FactMapper
from infrastructure.policy_pack import default_pack

DEFAULT = default_pack()

NOON = datetime(2026, 11, 10, 4, 0, tzinfo=UTC)
MAPPER = FactMapper()
SPACE = UUID("0d3c1f9e-2f0d-4a53-8a37-0c1f5f5f0a77")
FIRST, SECOND, THIRD = (uuid5(SPACE, name) for name in ("first", "second", "third"))
REVIEWER, SUPERVISOR = Actor("reviewer-1", Role.REVIEWER), Actor("supervisor-1", Role.SUPERVISOR)
TEXT = Sealed(SealedFor.PLATFORM, SPACE, "AQ")
MERCHANT = (LiabilityShare(LiableParty.MERCHANT, 100),)
BATCH = uuid5(SPACE, "batch")


class Told:
    """An incident told by commands; each is stored and replayed through the production mapper."""

    def __init__(self) -> None:
        self.at = NOON
        self._facts: list[Any] = []
        self.incident = Incident.raise_alarm(
            REVIEWER, uuid5(SPACE, "incident"), Detector.PERSON, (FIRST, SECOND), (), DEFAULT, NOON
        )
        self.raised = list(self.incident.pending_events)
        self._replayed()

    def _replayed(self) -> None:
        loaded: Any = None
        facts = [*self._facts, *self.incident.collect_events()]
        self._facts = [MAPPER.to_domain_event(MAPPER.to_stored_event(fact)) for fact in facts]
        for fact in self._facts:
            loaded = fact.mutate(loaded)
        self.incident = loaded

    def given(self, *commands: Any) -> Self:
        for command in commands:
            command(self.incident)
            self._replayed()
        return self

    def then(self, command: Any, *facts: type) -> list[Any]:
        command(self.incident)
        new = list(self.incident.pending_events)
        assert [type(fact) for fact in new] == list(facts)
        self._replayed()
        return new

    def refused(self, command: Any, refusal: type[Exception]) -> None:
        with pytest.raises(refusal):
            command(self.incident)
        assert not self.incident.pending_events

    def propose(self, cases: tuple[UUID, ...] = (FIRST, SECOND), liability: Any = MERCHANT) -> Any:
        return lambda incident: incident.propose(
            REVIEWER,
            BATCH,
            cases,
            Finding.UPHELD,
            liability,
            (RemedyRule.MULTIPLE,),
            ("F-1",),
            Payer.FUND,
            TEXT,
            self.at,
        )

    def approve(self, by: Actor = SUPERVISOR, batch_hash: str | None = None) -> Any:
        return lambda incident: incident.approve(
            by, BATCH, batch_hash or incident.batch.proposal.batch_hash, self.at
        )

    def outcome(self, case_id: UUID, code: str | None = None) -> Any:
        return lambda incident: incident.decided(BATCH, case_id, code, self.at)

    def step(self, step: IncidentStep) -> Any:
        return lambda incident: incident.take_step(REVIEWER, step, TEXT, self.at)

    def close(self, incident: Incident) -> None:
        incident.close(REVIEWER, TEXT, self.at)

    def join(self, case_id: UUID) -> Any:
        return lambda incident: incident.join(case_id, self.at)


@pytest.fixture
def told() -> Told:
    return Told()


def test_an_incident_asks_for_feedback_facts_and_a_plan_in_two_twelve_and_twenty_four_hours(told):
    raised, *due = told.raised
    assert isinstance(raised, IncidentRaised)
    assert [type(one) for one in due] == [IncidentStepDue] * 3
    assert [one.due - NOON for one in due] == [timedelta(hours=hours) for hours in (2, 12, 24)]
    assert {one.derivation[0].rule for one in due} == {"X-1"}


def test_a_step_is_taken_once(told):
    told.then(told.step(IncidentStep.FACTS), IncidentStepTaken)
    told.refused(told.step(IncidentStep.FACTS), IncidentStepAlreadyTaken)


@pytest.mark.parametrize(("late", "facts"), [(-1, ()), (0, (IncidentStepMissed,))])
def test_a_step_is_missed_when_its_time_is_up_and_can_still_be_taken(told, late, facts):
    clock = told.incident.steps[IncidentStep.FEEDBACK].clock_id
    told.at += timedelta(hours=2, seconds=late)
    told.then(lambda incident: incident.miss_clock(clock, told.at), *facts)
    told.then(lambda incident: incident.miss_clock(clock, told.at))
    told.then(told.step(IncidentStep.FEEDBACK), IncidentStepTaken)


def test_a_step_that_was_taken_is_not_missed(told):
    clock = told.incident.steps[IncidentStep.FEEDBACK].clock_id
    told.given(told.step(IncidentStep.FEEDBACK))
    assert not told.incident.runs_clock(clock)
    told.at += timedelta(days=1)
    told.then(lambda incident: incident.miss_clock(clock, told.at))


def test_a_case_joins_once(told):
    (joined,) = told.then(told.join(THIRD), IncidentCaseJoined)
    assert joined.count == 3
    told.then(told.join(THIRD))


def test_the_platform_steps_in_once(told):
    def step_in(incident):
        incident.step_in(REVIEWER, told.at)

    told.then(step_in, IncidentSteppedIn)
    told.then(step_in)


def test_a_batch_is_proposed_by_one_person_and_approved_by_another(told):
    told.then(told.propose(), BatchProposed)
    told.refused(told.approve(by=REVIEWER), SecondPersonRequired)
    told.refused(told.approve(batch_hash="0" * 64), BatchHashMismatch)
    told.then(told.approve(), BatchApproved)
    told.refused(told.approve(), UnknownPart)


def test_the_hash_of_a_batch_is_that_of_what_it_says():
    one, other = Told(), Told()
    one.given(one.propose())
    other.given(other.propose(cases=(FIRST,)))
    assert len({told.incident.batch.proposal.batch_hash for told in (one, other) if told.incident.batch}) == 2


def test_a_batch_is_for_cases_of_the_incident_and_of_a_whole_liability(told):
    told.refused(told.propose(cases=(THIRD,)), UnknownPart)
    told.refused(told.propose(liability=(LiabilityShare(LiableParty.MERCHANT, 60),)), LiabilityMustSumTo100)


def test_one_batch_is_under_way_at_a_time(told):
    told.given(told.propose())
    told.refused(told.propose(), BatchPending)
    told.given(told.approve())
    told.refused(told.propose(), BatchPending)
    told.given(told.outcome(FIRST), told.outcome(SECOND, "wrong_stage"))
    told.then(told.propose(cases=(SECOND,)), BatchProposed)


def test_what_became_of_each_case_is_noted_once(told):
    told.given(told.propose(), told.approve())
    told.then(told.outcome(FIRST), BatchCaseDecided)
    told.then(told.outcome(FIRST))
    (failed,) = told.then(told.outcome(SECOND, "wrong_stage"), BatchCaseFailed)
    assert (failed.code, failed.count) == ("wrong_stage", 1)
    assert told.incident.batch.open == frozenset()


def test_an_incident_is_closed_when_every_step_is_taken_and_no_batch_is_under_way(told):
    told.refused(told.close, IncidentUnresolved)
    told.given(*map(told.step, IncidentStep), told.propose())
    told.refused(told.close, IncidentUnresolved)
    told.given(told.approve(), told.outcome(FIRST), told.outcome(SECOND))
    told.then(told.close, IncidentClosed)
    for command in (told.close, told.propose(), told.step(IncidentStep.PLAN)):
        told.refused(command, IncidentAlreadyClosed)
    told.then(told.join(THIRD))


# --- what is unusual ---

DETECTOR = pack.Detector(Term(24), Term(28, Unit.DAYS), least=5, factor=3)
SPIKE = replace(DEFAULT.needed(pack.SPIKE), terms=DETECTOR)


@pytest.mark.parametrize(
    ("lately", "before", "found"),
    [
        (4, 0, False),  # few, though there were none before
        (5, 0, True),
        (5, 46, True),  # 46 in 28 days are 1.64 a day
        (5, 47, False),  # three times 1.68 are 5.04
        (6, 56, True),  # exactly three times two a day
        (6, 57, False),
    ],
)
def test_a_spike_is_many_at_once_against_what_was_usual(lately, before, found):
    said = unusual(SPIKE, lately, before)
    assert said.value is found
    assert said.derivation[0].inputs["lately"] == lately


@pytest.mark.parametrize("term", [Term(1, Unit.MONTHS), Term(4, Unit.HOURS, "service_hours")])
def test_a_detector_counts_elapsed_time(term):
    with pytest.raises(ValueError, match="elapsed"):
        span(term)
