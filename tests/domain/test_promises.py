"""What a party says it will do, and whether it does."""

from domain.events import (
    CaseWithdrawn,
    ClockCancelled,
    ClockMissed,
    ClockSatisfied,
    ClockStarted,
    PromiseBroken,
    PromiseKept,
    PromiseMade,
)
from domain.refusals import CaseAlreadyClosed, ClockOpen, PromiseAlreadyOver, UnknownPart, WrongStage
from domain.values import ClockKind, Party


def test_a_promise_runs_until_its_time(story):
    made, clock = story.filed().when(story.promise()).then(PromiseMade, ClockStarted)
    assert made.party is Party.MERCHANT
    assert (clock.kind, clock.due, clock.derivation) == (ClockKind.PROMISE, made.due, ())


def test_it_is_kept(story, a):
    story.filed().given(story.promise()).when(story.keep()).then(PromiseKept, ClockSatisfied)
    assert story.case.promises.all[a.id("promise")].state == "kept"


def test_or_broken_when_its_time_passes(story, a):
    story.filed().given(story.promise()).later(days=1)
    _, broken = story.when(story.miss(ClockKind.PROMISE)).then(ClockMissed, PromiseBroken)
    assert broken.party is Party.MERCHANT
    assert story.case.promises.all[a.id("promise")].state == "broken"


def test_it_is_kept_or_broken_once(story):
    story.filed().given(story.promise(), story.keep())
    story.when(story.keep()).refused(PromiseAlreadyOver)
    story.given(story.promise("second")).later(days=1).given(story.miss(ClockKind.PROMISE))
    story.when(story.keep("second")).refused(PromiseAlreadyOver)


def test_nobody_keeps_what_nobody_promised(story):
    story.filed().when(story.keep()).refused(UnknownPart)


def test_an_open_promise_keeps_the_case_open(story):
    story.refunded().asked().given(story.promise()).when(story.close()).refused(ClockOpen)
    story.given(story.keep()).closed()
    story.when(story.keep()).refused(CaseAlreadyClosed)


def test_a_withdrawn_case_is_promised_nothing(story, a):
    story.filed().given(story.promise())
    story.when(lambda case: case.withdraw(a.text(), story.at)).then(CaseWithdrawn, ClockCancelled)
    story.when(story.promise("second")).refused(WrongStage)
    story.when(story.keep()).refused(WrongStage)
