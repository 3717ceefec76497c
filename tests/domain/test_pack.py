"""A policy, and the one that is composed of several versions for one case."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from domain.policy import pack
from domain.policy.calendar import Calendar, Term
from domain.policy.pack import Applies, Deadline, composed


def with_rule(policy, version, key, terms, applies):
    rule = replace(policy.rules[key.id], terms=terms, applies=applies, policy=version)
    return replace(policy, version=version, rules={**policy.rules, key.id: rule})


@pytest.mark.parametrize(
    ("applies", "version"),
    [(Applies.AT_ACT, "act"), (Applies.AT_FILING, "filing"), (Applies.AT_DECISION, "decision")],
)
def test_each_rule_counts_as_it_was_when_it_says_that_it_counts(policy, applies, version):
    versions = {
        moment: with_rule(policy, name, pack.LEASE, Deadline(Term(hours)), applies)
        for hours, (moment, name) in enumerate(
            [(Applies.AT_ACT, "act"), (Applies.AT_FILING, "filing"), (Applies.AT_DECISION, "decision")], 1
        )
    }
    found = composed(versions)
    assert found.version == "decision"
    assert found.needed(pack.LEASE).policy == version
    assert found.need(pack.LEASE) == versions[applies].need(pack.LEASE)


def test_a_rule_that_was_not_there_yet_is_not_applied_back(policy):
    old = replace(policy, rules={id_: rule for id_, rule in policy.rules.items() if id_ != "NR-7"})
    versions = {Applies.AT_ACT: old, Applies.AT_FILING: old, Applies.AT_DECISION: policy}
    assert composed(versions).terms(pack.DEEMED_REFUSAL) is None


def test_an_older_rule_keeps_the_calendar_that_it_runs_in(policy):
    old = replace(policy, calendars={**policy.calendars, "harvest": Calendar()})
    versions = {Applies.AT_ACT: old, Applies.AT_FILING: policy, Applies.AT_DECISION: policy}
    assert composed(versions).calendars == {**policy.calendars, "harvest": Calendar()}


def test_every_rule_that_the_code_cannot_do_without_is_needed_of_every_pack():
    domain = Path(pack.__file__).parents[1]
    asked = {
        name
        for file in domain.rglob("*.py")
        for name in re.findall(r"\.need(?:ed)?\(pack\.([A-Z_]+)\)", file.read_text(encoding="utf-8"))
    }
    assert {getattr(pack, name).id for name in asked} <= {key.id for key in pack.NEEDED}
    assert "LEASE" in asked
