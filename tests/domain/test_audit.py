"""What was decided is derived again: an honest history holds no difference, and what was changed is named."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from application.rulebook import OnePolicy
from domain.audit import Difference, differences
from domain.case.appealing import Judgement
from domain.events import (
    AppealFiled,
    CaseEscalated,
    CaseExpired,
    CaseFiled,
    CaseReopened,
    ClockStarted,
    DecisionIssued,
    DecisionProposed,
    DecisionUpheld,
    DecisionVaried,
    EvidenceRequested,
    GoodsInspected,
    GoodwillGranted,
    InspectionReported,
    PenaltyAdjusted,
    PenaltyAssessed,
    PlatformSteppedIn,
    RecoveryOpened,
    RepairCompleted,
    WarrantyExtended,
    WarrantyStarted,
)
from domain.policy import pack
from domain.policy.calendar import Term
from domain.values import (
    AppealAgainst,
    ClockKind,
    Exhibit,
    GoodsCondition,
    InspectionOutcome,
    LiableParty,
    Money,
    Objection,
    RemedyKind,
    ReopenGround,
    RepairOutcome,
    Side,
    Stance,
)
from infrastructure.bench.histories import Life
from infrastructure.policy_pack import default_pack

DEFAULT = default_pack()
RULES = OnePolicy(DEFAULT)


def audited(facts: list[Any], role: str = "reviewer", rules: Any = RULES) -> list[Difference]:
    """The differences in a history."""
    found: list[Difference] = []
    case: Any = None
    for fact in facts:
        found += differences(case, fact, role, rules)
        case = fact.mutate(case)
    return found


def changed(facts: list[Any], kind: type, **content: Any) -> list[Any]:
    """The history with its first fact of a kind changed, as whoever can write to the table may change it."""
    done = False
    told = []
    for fact in facts:
        if isinstance(fact, kind) and not done:
            other = object.__new__(type(fact))
            other.__dict__.update({**vars(fact), **content})
            fact, done = other, True
        told.append(fact)
    assert done
    return told


def parts(found: list[Difference]) -> set[tuple[str, str]]:
    return {(one.fact, one.part) for one in found}


@pytest.fixture
def told(story, a) -> list[Any]:
    """A refund with a penalty: a filing, a decision, clocks."""
    story.refunded().given(
        lambda case: case.penalise(
            story.reviewer, a.id("p"), 2, a.yuan(100), "S-1", a.text(), story.policy, story.at
        )
    )
    facts: list[Any] = story._facts
    return facts


@pytest.mark.parametrize("seed", range(60))
def test_in_an_honest_history_nothing_differs(seed):
    assert audited(Life(Random(seed)).facts) == []


def test_a_due_time_that_was_moved_is_found_and_named(told):
    clock = next(fact for fact in told if isinstance(fact, ClockStarted))
    (found,) = audited(changed(told, ClockStarted, due=clock.due + timedelta(hours=1)))
    assert (found.stream, found.version) == (clock.originator_id, clock.originator_version)
    assert (found.fact, found.part) == ("ClockStarted", "due")
    assert found.derived == clock.derivation[-1].result


def test_a_due_time_that_was_moved_with_its_derivation_is_found(told):
    clock = next(fact for fact in told if isinstance(fact, ClockStarted))
    late = (clock.due + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    steps = (*clock.derivation[:-1], replace(clock.derivation[-1], result=late))
    moved = changed(told, ClockStarted, due=clock.due + timedelta(hours=1), derivation=steps)
    assert parts(audited(moved)) == {("ClockStarted", "O-4: due")}


def test_a_term_that_the_rule_does_not_have_is_found(told):
    clock = next(fact for fact in told if isinstance(fact, ClockStarted))
    inputs = {**clock.derivation[-1].inputs, "amount": 73}
    steps = (*clock.derivation[:-1], replace(clock.derivation[-1], inputs=inputs))
    assert ("ClockStarted", "O-4: term") in parts(audited(changed(told, ClockStarted, derivation=steps)))


def test_an_amount_beyond_what_the_rules_allow_is_found(told):
    decision = next(fact for fact in told if isinstance(fact, DecisionIssued))
    remedy = replace(decision.remedies[0], amount=Money(20_000, "CNY"))
    (found,) = audited(changed(told, DecisionIssued, remedies=(remedy,)))
    assert (found.fact, found.part) == ("DecisionIssued", "remedies")
    assert found.derived.startswith("compensation_exceeds_entitlement")


def test_a_clause_that_was_put_under_a_decision_is_found(told):
    decision = next(fact for fact in told if isinstance(fact, DecisionIssued))
    multiple = replace(decision.remedies[0], kind=RemedyKind.MULTIPLE, amount=Money(59_700, "CNY"))
    found = audited(changed(told, DecisionIssued, remedies=(multiple,), clauses=("F-1",)))
    assert parts(found) == {("DecisionIssued", "derivation")}


def test_what_the_system_granted_beyond_the_claim_is_found(story):
    story.notified().later(hours=24).given(story.miss(ClockKind.ANSWER))
    assert audited(story._facts, "system") == []
    decision = next(fact for fact in story._facts if isinstance(fact, DecisionIssued))
    remedy = replace(decision.remedies[0], amount=Money(19_800, "CNY"))
    found = audited(changed(story._facts, DecisionIssued, remedies=(remedy,)), "system")
    assert parts(found) == {("DecisionIssued", "remedies")}


def test_what_people_are_said_to_have_decided_otherwise_is_derived_again(story, a):
    story.notified().later(hours=24).given(story.miss(ClockKind.ANSWER))
    system = story.case.decision.decision_id
    story.given(story.demand_review(story.merchant)).claimed().verified(by=story.reviewer).decided()
    told = [fact for fact in story._facts if not (isinstance(fact, DecisionIssued) and fact.automated)]
    issued = next(fact for fact in told if isinstance(fact, DecisionIssued))
    before, *_ = [at for at, fact in enumerate(story._facts) if fact is issued]
    (claimed,) = changed([issued], DecisionIssued, replaces=system)
    tampered = [*story._facts[:before], claimed, *story._facts[before + 1 :]]
    assert ("DecisionIssued", "replaces") in parts(audited(tampered))


def test_a_second_person_who_never_was_is_found(story, a):
    decision = a.remedy(RemedyKind.REFUND, amount=a.yuan(199))
    story.proposed(decision).given(story.approve())
    assert audited(story._facts) == []
    alone = changed(story._facts, DecisionIssued, decision_id=a.id("another decision"))
    assert parts(audited(alone)) == {("DecisionIssued", "second person")}


def test_a_proposal_beyond_what_the_rules_allow_is_found(story, a):
    story.proposed(a.remedy(RemedyKind.REFUND, amount=a.yuan(199)))
    remedy = a.remedy(RemedyKind.REFUND, amount=a.yuan(200))
    found = audited(changed(story._facts, DecisionProposed, remedies=(remedy,)))
    assert parts(found) == {("DecisionProposed", "remedies")}


def test_goodwill_over_the_limit_of_its_giver_is_found(story, a):
    story.filed().claimed().given(story.give())
    assert audited(story._facts) == []
    (found,) = audited(changed(story._facts, GoodwillGranted, amount=a.yuan(101)))
    assert (found.fact, found.part) == ("GoodwillGranted", "gift")
    assert found.derived.startswith("goodwill_over_limit")
    assert parts(audited(changed(story._facts, GoodwillGranted, derivation=()))) == {
        ("GoodwillGranted", "derivation")
    }


@pytest.mark.parametrize("points", [13, 0])
def test_a_penalty_outside_the_tariff_is_found(told, points):
    found = audited(changed(told, PenaltyAssessed, points=points, fine=None))
    assert parts(found) == {("PenaltyAssessed", "points")}


def test_a_penalty_that_counts_for_longer_is_found(told):
    penalty = next(fact for fact in told if isinstance(fact, PenaltyAssessed))
    longer = changed(told, PenaltyAssessed, expires_at=penalty.expires_at + timedelta(days=1))
    assert parts(audited(longer)) == {("PenaltyAssessed", "expires_at")}


@pytest.fixture
def examined(story, a) -> list[Any]:
    """Evidence asked for by the checklist, and goods inspected."""
    story.filed().claimed().given(
        lambda case: case.request_evidence(
            story.reviewer, a.id("q"), Side.BUYER, (), None, story.policy, story.at
        ),
        lambda case: case.order_inspection(story.reviewer, None, a.id("i"), a.text(), story.policy, story.at),
        lambda case: case.report_inspection(
            a.id("i"), InspectionOutcome.FAKE, a.yuan(300), a.text(), story.policy, story.at
        ),
    )
    facts: list[Any] = story._facts
    return facts


def test_what_was_asked_for_and_by_when_is_derived_again(examined):
    assert audited(examined) == []
    asked = next(fact for fact in examined if isinstance(fact, EvidenceRequested))
    fewer = changed(examined, EvidenceRequested, kinds=("photo",))
    assert parts(audited(fewer)) == {("EvidenceRequested", "kinds")}
    sooner = changed(examined, EvidenceRequested, due=asked.due - timedelta(hours=1))
    assert parts(audited(sooner)) == {("EvidenceRequested", "due")}
    step = replace(asked.derivation[0], policy="cn-2025")
    other = changed(examined, EvidenceRequested, derivation=(step,))
    assert parts(audited(other)) == {("EvidenceRequested", "derivation")}


def test_kinds_that_somebody_named_rest_on_no_rule(examined):
    named = changed(examined, EvidenceRequested, kinds=("receipt",), derivation=())
    assert audited(named) == []


def test_an_inspection_charged_to_somebody_else_is_found(examined):
    charged = changed(examined, InspectionReported, bearer=LiableParty.BUYER)
    assert parts(audited(charged)) == {("InspectionReported", "bearer")}
    assert parts(audited(changed(examined, InspectionReported, derivation=()))) == {
        ("InspectionReported", "derivation")
    }


def test_an_objection_that_was_made_up_is_found(told):
    made_up = changed(told, CaseFiled, objections=(Objection("NR-2", "category_excluded"),))
    assert parts(audited(made_up)) == {("CaseFiled", "objections")}


def test_a_policy_that_was_never_public_is_found(told):
    other = OnePolicy(replace(DEFAULT, version="cn-2027"))
    assert ("ClockStarted", "O-4: policy") in parts(audited(told, rules=other))


def test_a_rule_that_was_changed_afterwards_is_found(told):
    rule = DEFAULT.needed(pack.FOLLOW_UP)
    rules = {**DEFAULT.rules, "O-4": replace(rule, terms=replace(rule.terms, delay=Term(48)))}
    found = audited(told, rules=OnePolicy(replace(DEFAULT, rules=rules)))
    assert parts(found) == {("ClockStarted", "O-4: term")}


@pytest.fixture
def repaired(story, a) -> list[Any]:
    """Goods that came back and were looked at; others that were repaired in vain twice, and exchanged."""
    story.in_review().decided(a.remedy(RemedyKind.RETURN), a.remedy(RemedyKind.REPAIR))
    story.given(
        story.ship("return"),
        story.receive("return"),
        lambda case: case.inspect_goods(
            story.merchant, a.id("return"), GoodsCondition.DAMAGED, ("tag_removed",), story.policy, story.at
        ),
    )
    for _ in range(2):
        story.given(lambda case: case.start_repair(a.id("repair"), story.policy, story.at)).later(days=2)
        story.given(
            lambda case: case.complete_repair(a.id("repair"), RepairOutcome.FAILED, story.policy, story.at)
        )
    facts: list[Any] = story._facts
    return facts


def test_goods_and_warranties_that_follow_the_rules_do_not_differ(repaired):
    assert audited(repaired) == []


def test_what_is_said_to_have_broken_goods_and_did_not_is_found(repaired):
    found = audited(changed(repaired, GoodsInspected, broken=("packaging_opened",)))
    assert parts(found) == {("GoodsInspected", "broken")}


@pytest.mark.parametrize("fact", [WarrantyStarted, WarrantyExtended])
def test_a_warranty_that_ends_earlier_is_found(repaired, fact):
    told = next(one for one in repaired if isinstance(one, fact))
    shorter = changed(repaired, fact, ends_at=told.ends_at - timedelta(days=1))
    assert (fact.__name__, "ends_at") in parts(audited(shorter))


def test_an_exchange_that_nothing_opened_is_found(repaired):
    only_one_failed = changed(repaired, RepairCompleted, outcome=RepairOutcome.REPAIRED)
    assert ("ExchangeOpened", "clause") in parts(audited(only_one_failed))


def test_a_due_time_that_a_fact_states_otherwise_is_found(story, a):
    story.notified().given(story.answer(Stance.REFUSES), story.escalate(story.buyer)).claimed().verified()
    story.decided(a.remedy(RemedyKind.REFUND, amount=a.yuan(199)))
    appealed(story, a, AppealAgainst.DECISION)
    judgement = Judgement(story.other_reviewer, None, ("Q-1",), a.text())
    story.given(lambda case: case.uphold(judgement, a.id("appeal"), story.policy, story.at))
    story.given(story.pay("refund"))
    story.given(lambda case: case.reopen(ReopenGround.NEW_FACTS, a.text(), story.policy, story.at))
    assert audited(story._facts) == []
    for kind in (
        CaseFiled,
        CaseEscalated,
        PlatformSteppedIn,
        DecisionIssued,
        AppealFiled,
        DecisionUpheld,
        CaseReopened,
    ):
        moved = audited(changed(story._facts, kind, due=story.at + timedelta(hours=1)))
        assert parts(moved) == {(kind.__name__, "due")}


@pytest.mark.parametrize(("part", "content"), [("goods", ()), ("derivation", ())])
def test_a_case_that_is_said_to_have_expired_otherwise_is_found(story, a, part, content):
    story.in_review().decided(a.remedy(RemedyKind.RETURN)).given(
        lambda case: case.authorise_return(story.merchant, a.id("return"), None, story.policy, story.at)
    )
    story.later(days=8).given(story.miss(ClockKind.GOODS_SHIPMENT))
    assert audited(story._facts, "system") == []
    assert parts(audited(changed(story._facts, CaseExpired, **{part: content}))) == {("CaseExpired", part)}


@pytest.mark.parametrize("kind", [DecisionIssued, PenaltyAssessed])
def test_a_window_of_appeal_that_was_moved_is_found(told, kind):
    closes = next(fact.appeal_until for fact in told if isinstance(fact, kind))
    found = audited(changed(told, kind, appeal_until=closes + timedelta(days=1)))
    assert parts(found) == {(kind.__name__, "appeal_until")}


def test_a_window_in_which_the_buyer_may_appeal_against_owing_something_is_derived_too(told, story, a):
    story.given(
        lambda case: case.reverse_compensation(a.id("refund"), a.yuan(1), a.text(), story.policy, story.at)
    )
    assert audited(story._facts) == []
    found = audited(changed(story._facts, RecoveryOpened, appeal_until=story.at))
    assert parts(found) == {("RecoveryOpened", "appeal_until")}


def appealed(story, a, against):
    """The merchant has appealed, and another reviewer holds the case."""
    new = Exhibit(a.id("new"), "video", "1" * 64, a.text())
    return story.given(
        lambda case: case.appeal(
            story.merchant, a.id("appeal"), against, None, (), (new,), a.text(), story.policy, story.at
        ),
        lambda case: case.claim(story.other_reviewer, story.policy, story.at),
    )


@pytest.fixture
def judgement(story, a):
    """What the other reviewer says."""
    return Judgement(story.other_reviewer, None, ("Q-1",), a.text())


@pytest.fixture
def varied(told, story, a, judgement) -> list[Any]:
    """The merchant appealed, and a part of the refund was taken back."""
    less = (a.remedy(RemedyKind.REFUND, "less", amount=a.yuan(100)),)
    appealed(story, a, AppealAgainst.DECISION)
    story.given(lambda case: case.vary_decision(judgement, a.id("appeal"), less, story.policy, story.at))
    facts: list[Any] = story._facts
    return facts


def test_a_variation_that_grants_more_than_the_rules_allow_is_found(varied, a):
    assert audited(varied) == []
    more = (a.remedy(RemedyKind.REFUND, "less", amount=a.yuan(200)),)
    found = audited(changed(varied, DecisionVaried, remedies=more, added=more))
    assert {("DecisionVaried", "remedies"), ("DecisionVaried", "added")} == parts(found)


def test_what_a_variation_is_said_to_add_is_found(varied, a):
    more = (a.remedy(RemedyKind.REFUND, "less", amount=a.yuan(1)),)
    assert parts(audited(changed(varied, DecisionVaried, added=more))) == {("DecisionVaried", "added")}


def test_a_penalty_that_was_adjusted_beyond_the_tariff_is_found(told, story, a, judgement):
    appealed(story, a, AppealAgainst.PENALTY)
    story.given(lambda case: case.vary_penalty(judgement, a.id("appeal"), 1, None, story.policy, story.at))
    assert audited(story._facts) == []
    assert parts(audited(changed(story._facts, PenaltyAdjusted, points=13))) == {
        ("PenaltyAdjusted", "points")
    }
