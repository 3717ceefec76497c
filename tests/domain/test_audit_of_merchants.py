"""What penalties and rectifications led to is derived again, too."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from application.rulebook import OnePolicy
from domain.audit import differences
from domain.corrective_action import CorrectiveAction
from domain.events import (
    CorrectiveActionCompleted,
    CorrectiveActionOpened,
    EffectMeasured,
    MeasureAccepted,
    MeasureProposed,
    PointsCounted,
    SanctionStarted,
)
from domain.standing import MerchantStanding
from domain.values import Actor, Role, Sealed, SealedFor
from infrastructure.policy_pack import default_pack

NOON = datetime(2026, 11, 10, 4, tzinfo=UTC)
POLICY = default_pack()
RULES = OnePolicy(POLICY)
TEXT = Sealed(SealedFor.PLATFORM, UUID(int=1), "AQ")
SOMEBODY = Actor("somebody", Role.REVIEWER)


def standing() -> list[Any]:
    """Two penalties that come to a sanction."""
    merchant = MerchantStanding.open("m-2001", NOON)
    for number in (1, 2):
        expires_at = NOON + timedelta(days=90)
        merchant.count(UUID(int=number), UUID(int=9), 2, "S-1", NOON, expires_at, RULES.in_force, NOON)
    return list(merchant.collect_events())


def action() -> list[Any]:
    """A measure whose effect was measured."""
    told = CorrectiveAction.open(SOMEBODY, UUID(int=9), "m-2001", "late", (), None, POLICY, NOON)
    told.propose(SOMEBODY, TEXT, POLICY, NOON)
    told.judge(SOMEBODY, True, TEXT, POLICY, NOON)
    told.complete(SOMEBODY, TEXT, POLICY, NOON)
    assert told.due
    told.miss_clock(told.clock_id, lambda *_: (UUID(int=3),), POLICY, told.due)
    return list(told.collect_events())


def parts(facts: list[Any], kind: type | None = None, **content: Any) -> set[tuple[str, str]]:
    """What is found in a history whose first fact of a kind was changed in the table."""
    found, folded = set(), None
    for fact in facts:
        seen = fact
        if isinstance(fact, kind or ()) and content:
            seen = object.__new__(type(fact))
            seen.__dict__.update({**vars(fact), **content})
        found |= {(one.fact, one.part) for one in differences(folded, seen, "system", RULES)}
        folded = fact.mutate(folded)
    return found


@pytest.mark.parametrize("told", [standing, action])
def test_in_an_honest_history_nothing_differs(told):
    assert parts(told()) == set()


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ({"tier": 2}, "tier"),
        ({"measures": ("shop_frozen",)}, "measures"),
        ({"points": 9}, "points"),
        ({"until": NOON + timedelta(days=99)}, "until"),
        ({"derivation": ()}, "derivation"),
        ({"sanction_id": UUID(int=5)}, "tier"),
    ],
)
def test_a_sanction_that_the_points_do_not_call_for_is_found(content, part):
    assert parts(standing(), SanctionStarted, **content) == {("SanctionStarted", part)}


def test_points_that_were_moved_to_another_quarter_are_found():
    assert parts(standing(), PointsCounted, quarter_ends=NOON) == {("PointsCounted", "quarter_ends")}


@pytest.mark.parametrize(
    ("kind", "content", "part"),
    [
        (CorrectiveActionOpened, {"due": NOON}, "due"),
        (MeasureProposed, {"due": NOON}, "due"),
        (MeasureAccepted, {"due": NOON}, "due"),
        (CorrectiveActionCompleted, {"after_until": NOON}, "after_until"),
        (CorrectiveActionCompleted, {"due": NOON}, "due"),
        (EffectMeasured, {"effective": True}, "effective"),
        (EffectMeasured, {"derivation": ()}, "derivation"),
        (EffectMeasured, {"before_from": NOON}, "before_from"),
    ],
)
def test_a_step_or_a_measuring_that_was_changed_is_found(kind, content, part):
    assert parts(action(), kind, **content) == {(kind.__name__, part)}


def test_a_term_of_a_step_that_the_rule_does_not_have_is_found():
    (step,) = action()[0].derivation
    other = type(step)(step.rule, step.policy, {**step.inputs, "amount": 8}, step.result)
    found = parts(action(), CorrectiveActionOpened, derivation=(other,))
    assert ("CorrectiveActionOpened", "O-16: term") in found
