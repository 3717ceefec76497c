"""The alert process: facts in, incidents out, and the same fact twice raises nothing more."""

from datetime import timedelta
from uuid import UUID

import pytest

from application.incidents import AlertProcess, Incidents
from application.rulebook import OnePolicy
from domain.events import CaseFiled
from infrastructure.policy_pack import default_pack

DEFAULT = default_pack()


class CountedBefore:
    """Occurrences as a test says they were."""

    def __init__(self) -> None:
        self.cases: list[UUID] = []
        self.before = 0
        self.asked: list[tuple[str, tuple[str, ...], timedelta]] = []

    def lately(self, kind, common, after, until, position):
        self.asked.append((kind, tuple(common), until - after))
        return self.cases

    def amount(self, kind, common, after, until):
        return self.before


class Alarms(Incidents):
    """Notes what it is told of."""

    def __init__(self) -> None:
        self.raised: list[tuple[UUID, str, dict[str, str], int]] = []

    def alarm(self, request, incident_id, detector, common, cases, derivation):
        self.raised.append((incident_id, detector, dict(common), len(cases)))


@pytest.fixture
def watched(desk):
    counted, alarms = CountedBefore(), Alarms()
    process = AlertProcess(desk.store, alarms, counted, OnePolicy(DEFAULT))
    (filed,) = desk.store.facts(desk.file().aggregate.id)
    assert isinstance(filed.fact, CaseFiled)
    return process, counted, alarms, filed


def test_what_is_usual_raises_nothing(watched):
    process, counted, alarms, filed = watched
    counted.cases = [UUID(int=n) for n in range(5)]
    counted.before = 100
    process.react(filed)
    assert alarms.raised == []


def test_what_is_unusual_raises_one_incident_of_each_pattern_and_the_same_again(watched):
    process, counted, alarms, filed = watched
    counted.cases = [UUID(int=n) for n in range(5)]
    process.react(filed)
    once = list(alarms.raised)
    assert {detector for _, detector, _, _ in once} == {
        "spike_at_merchant",
        "spike_of_sku",
        "repeat_buyer",
    }
    assert len({incident_id for incident_id, *_ in once}) == 3
    process.react(filed)
    assert alarms.raised == once * 2


def test_each_pattern_counts_in_its_own_window(watched):
    process, counted, _, filed = watched
    process.react(filed)
    assert counted.asked == [
        ("filing", ("merchant_id", "reason"), timedelta(hours=24)),
        ("filing", ("merchant_id", "sku", "reason"), timedelta(hours=24)),
        ("filing", ("buyer",), timedelta(days=28)),
    ]
