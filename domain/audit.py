"""Deriving again what was decided: each stored decision, penalty and due time against the rules of its time.

A fact is compared with what the rules say of the aggregate as it was before that fact. Nothing is recorded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from domain import events
from domain.case import Case
from domain.case.deciding import Award
from domain.case.merchant import Penalty
from domain.case.money import DEBTORS, Ledger
from domain.corrective_action import CorrectiveAction
from domain.events import Fact
from domain.policy import Policy, pack
from domain.policy.approval import second_person
from domain.policy.calendar import Term, Unit, due
from domain.policy.correction import counted_until, effect_known, effective
from domain.policy.deadlines import appeal_closes, evidence_due, review_due
from domain.policy.derivation import Derived, shown
from domain.policy.eligibility import assessed
from domain.policy.goods import exchange_open, warranty_ends
from domain.policy.proof import checklist, inspection_bearer
from domain.policy.records import erasable_from
from domain.policy.sanctions import Reached, quarter_of
from domain.policy.tariff import tariff_of
from domain.refusals import Refusal
from domain.standing import MerchantStanding
from domain.values import AppealAgainst, Derivation, Money, Remedy, Role, Stage, Step


@dataclass(frozen=True, slots=True)
class Difference:
    """One part of one fact that is not what the rules derive."""

    stream: UUID
    version: int
    fact: str
    part: str
    stored: str
    derived: str


class Rules(Protocol):
    """The policies that count: `application.rulebook.Rulebook`."""

    def version(self, name: str) -> Policy | None:
        """The policy of this name, if it was ever public."""
        ...

    def in_force(self, at: datetime) -> Policy:
        """The policy in force at that moment."""
        ...

    def applicable(self, act_at: datetime, filed_at: datetime, decided_at: datetime) -> Policy:
        """The policy of one case: each rule as it stood at the moment that the rule itself says counts."""
        ...


def derivations(fact: Fact) -> Derivation:
    """The steps that a fact holds; none where it rests on no rule."""
    found: Derivation = vars(fact).get("derivation", ())
    return found


def differences(before: object, fact: Fact, role: str, rules: Rules) -> Iterator[Difference]:
    """Everything in a fact that the rules derive otherwise; `before` is its aggregate without the fact.

    role: in which its actor acted.
    """
    for part, stored, derived in _found(before, fact, role, rules):
        name = type(fact).__name__
        yield Difference(fact.originator_id, fact.originator_version, name, part, str(stored), str(derived))


Found = Iterator[tuple[str, object, object]]


def _found(before: object, fact: Fact, role: str, rules: Rules) -> Found:
    for step in derivations(fact):
        yield from _term(step, rules)
    if isinstance(fact, _Timed) and isinstance(before, Case):
        yield from _unequal("due", fact.due, _due(before, fact, _policy(before, fact, rules)))
    match fact:
        case events.CaseFiled():
            yield from _filing(fact, rules)
        case (
            events.ClockStarted()
            | events.CorrectiveActionOpened()
            | events.MeasureProposed()
            | events.MeasureAccepted()
            | events.MeasureRejected()
        ) if fact.derivation:
            yield from _unequal("due", shown(fact.due), fact.derivation[-1].result)
        case events.EvidenceRequested() if isinstance(before, Case):
            yield from _request(before, fact, _policy(before, fact, rules))
        case events.InspectionReported() if isinstance(before, Case):
            yield from _bearer(fact, _policy(before, fact, rules))
        case events.ProcessingRestricted() | events.ErasureProposed() if isinstance(before, Case):
            yield from _kept(before, fact, _policy(before, fact, rules))
        case events.DecisionIssued() if isinstance(before, Case):
            yield from _decision(before, fact, role, _policy(before, fact, rules))
        case events.DecisionProposed() if isinstance(before, Case):
            yield from _granting(before, fact, fact.role, _policy(before, fact, rules))
        case events.GoodwillGranted() if isinstance(before, Case):
            yield from _goodwill(before, fact, _policy(before, fact, rules))
        case events.DecisionVaried() if isinstance(before, Case):
            yield from _variation(before, fact, _policy(before, fact, rules))
        case events.RecoveryOpened() if isinstance(before, Case) and fact.debtor in DEBTORS:
            closes = appeal_closes(fact.timestamp, _policy(before, fact, rules))
            yield from _unequal("appeal_until", fact.appeal_until, closes.value)
            yield from _unequal("derivation", fact.derivation, closes.derivation)
        case events.PenaltyAssessed() if isinstance(before, Case):
            yield from _penalty(fact, _policy(before, fact, rules))
        case events.PenaltyAdjusted() if isinstance(before, Case):
            yield from _adjustment(before.penalties[fact.penalty_id], fact, _policy(before, fact, rules))
        case events.CaseExpired() if isinstance(before, Case):
            derived = before.expiry(_policy(before, fact, rules))
            yield from _unequal("goods", fact.goods, before.goods.forgone)
            yield from _unequal("derivation", fact.derivation, derived)
        case events.PointsCounted():
            quarter_ends = quarter_of(fact.assessed_at, rules.in_force(fact.assessed_at))
            yield from _unequal("quarter_ends", fact.quarter_ends, quarter_ends)
        case events.SanctionStarted() if isinstance(before, MerchantStanding):
            yield from _sanction(before.called_for(rules.in_force).get(fact.sanction_id), fact)
        case events.CorrectiveActionCompleted():
            policy = rules.in_force(fact.timestamp)
            until, known = counted_until(fact.timestamp, policy), effect_known(fact.timestamp, policy)
            yield from _unequal("after_until", shown(fact.after_until), shown(until))
            yield from _unequal("due", shown(fact.due), shown(known.value))
        case events.EffectMeasured() if isinstance(before, CorrectiveAction) and before.completed:
            yield from _effect(before, before.completed, fact, rules.in_force(fact.timestamp))
        case events.GoodsInspected() if isinstance(before, Case):
            yield from _inspection(before, fact, _policy(before, fact, rules))
        case events.ExchangeOpened() if isinstance(before, Case):
            yield from _exchange(before, fact, _policy(before, fact, rules))
        case events.WarrantyStarted() | events.WarrantyRestarted() if isinstance(before, Case):
            policy = _policy(before, fact, rules)
            yield from _warranty(before, fact, fact.begins, timedelta(), policy)
        case events.WarrantyExtended() if isinstance(before, Case) and before.warranty:
            in_repair, policy = timedelta(seconds=fact.in_repair), _policy(before, fact, rules)
            yield from _warranty(before, fact, before.warranty.begins, in_repair, policy)


def _policy(case: Case, fact: Fact, rules: Rules) -> Policy:
    filing = case.filing
    return rules.applicable(filing.order.purchased_at, filing.timestamp, fact.timestamp)


def _unequal(part: str, stored: object, derived: object) -> Found:
    if stored != derived:
        yield part, stored, derived


# --- when the case is due next (M-3) ------------------------------------------------------------------

_Resuming = (
    events.CaseResumed
    | events.AppealWithdrawn
    | events.DecisionUpheld
    | events.DecisionVaried
    | events.DecisionOverturned
)
_Granted = events.DecisionIssued | events.OfferAccepted
_Timed = (
    _Resuming
    | _Granted
    | events.PlatformSteppedIn
    | events.CaseEscalated
    | events.AppealFiled
    | events.ExecutionFailed
    | events.CaseReopened
    | events.HumanReviewDemanded
)


def _due(case: Case, fact: Fact, policy: Policy) -> datetime | None:
    match fact:
        case events.PlatformSteppedIn():
            return case.due_when_taken_up(policy, fact.timestamp)
        case _ if isinstance(fact, _Resuming):
            return case.due_in(fact.resumes, policy, fact.timestamp)
        case _ if isinstance(fact, _Granted):
            return case.due_in(Stage.EXECUTING, policy, fact.timestamp)
        case _:
            return case.due_in(Stage.IN_REVIEW, policy, fact.timestamp)


# --- terms: whatever fact holds them ------------------------------------------------------------------


def _term(step: Step, rules: Rules) -> Found:
    """A step that ends a term: the rule has that term, and it ends then."""
    start, amount = step.inputs.get("start"), step.inputs.get("amount")
    if not isinstance(start, str) or not isinstance(amount, int):
        return
    policy = rules.version(step.policy)
    if policy is None:
        yield f"{step.rule}: policy", step.policy, "never public"
        return
    calendar = str(step.inputs.get("calendar") or "") or None
    term = Term(amount, Unit(str(step.inputs["unit"])), calendar)
    rule = policy.rules.get(step.rule)
    known = set(rule.named_terms.values()) if rule else set()
    if term not in known:
        yield f"{step.rule}: term", term, " or ".join(sorted(map(str, known)))
    end = due(datetime.fromisoformat(start), term, policy.calendars)
    yield from _unequal(f"{step.rule}: due", step.result, shown(end))


# --- what was decided ---------------------------------------------------------------------------------


def _filing(fact: events.CaseFiled, rules: Rules) -> Found:
    policy = rules.applicable(fact.order.purchased_at, fact.timestamp, fact.timestamp)
    said = assessed(fact.case_type, fact.reason, fact.order, fact.timestamp, policy)
    yield from _unequal("objections", fact.objections, said.value)
    yield from _unequal("derivation", fact.derivation, said.derivation)
    yield from _unequal("due", fact.due, review_due(fact.timestamp, policy).value)


def _request(case: Case, fact: events.EvidenceRequested, policy: Policy) -> Found:
    if fact.derivation:
        listed = checklist(case.reason, fact.party, policy)
        yield from _unequal("kinds", fact.kinds, listed.value)
        yield from _unequal("derivation", fact.derivation, listed.derivation)
    yield from _unequal("due", shown(fact.due), shown(evidence_due(fact.timestamp, policy).value))


def _bearer(fact: events.InspectionReported, policy: Policy) -> Found:
    borne = inspection_bearer(fact.outcome, policy)
    yield from _unequal("bearer", fact.bearer, borne.value)
    yield from _unequal("derivation", fact.derivation, borne.derivation)


def _decision(case: Case, fact: events.DecisionIssued, role: str, policy: Policy) -> Found:
    if fact.reasons is None:
        closes = appeal_closes(fact.timestamp, policy)
        remedies, derivation = case.granted_by_default(fact.decision_id, policy)
        yield from _unequal("remedies", _granted_things(fact.remedies), _granted_things(remedies))
        yield from _unequal("appeal_until", fact.appeal_until, closes.value)
        yield from _unequal("derivation", fact.derivation, closes.derivation + derivation)
        return
    yield from _granting(case, fact, _decider(case, fact, role), policy)
    yield from _unequal("replaces", fact.replaces, case.decided_otherwise(_award(fact)))
    approved = case.proposals.approved(fact.decision_id)
    if role != Role.SYSTEM and not approved and _takes_two(case, _award(fact), policy).value:
        yield "second person", "nobody", "somebody else"


def _variation(case: Case, fact: events.DecisionVaried, policy: Policy) -> Found:
    if case.appeals.appeal(fact.appeal_id).against is not AppealAgainst.DECISION:
        return
    changes = case.variation(fact.remedies)
    after = case.money_after(changes)
    yield from _unequal("added", fact.added, changes.granted)
    yield from _granting(case, fact, Role.REVIEWER, policy, after)
    if _takes_two(case, _award(fact), policy, after).value:
        yield "second person", "nobody", "somebody else"


_Granting = events.DecisionIssued | events.DecisionProposed | events.DecisionVaried


def _granted_things(remedies: tuple[Remedy, ...]) -> list[tuple[object, ...]]:
    """What is granted, without the names of its lines and legs."""
    return [(one.kind, one.amount, one.points, one.payer, one.release) for one in remedies]


def _granting(case: Case, fact: _Granting, role: Role, policy: Policy, after: Ledger | None = None) -> Found:
    window: Derivation = ()
    if not isinstance(fact, events.DecisionProposed):
        closes = appeal_closes(fact.timestamp, policy)
        yield from _unequal("appeal_until", fact.appeal_until, closes.value)
        window = closes.derivation
    try:
        derived = window + case.examined(_award(fact), role, policy, after)
    except Refusal as refused:
        yield "remedies", "granted", f"{refused.code} {refused.detail}".strip()
        return
    yield from _unequal("derivation", fact.derivation[: len(derived)], derived)


def _award(fact: _Granting) -> Award:
    discretion = None if isinstance(fact, events.DecisionVaried) else fact.discretion
    return Award(fact.remedies, fact.clauses, fact.reasons, discretion)


def _takes_two(case: Case, award: Award, policy: Policy, after: Ledger | None = None) -> Derived[bool]:
    stands = (after or case.money.granted(award.money)).amount()
    granted = Money(stands, case.filing.order.paid.currency)
    return second_person(stands - case.money.amount(), granted, award.discretion is not None, policy)


def _goodwill(case: Case, fact: events.GoodwillGranted, policy: Policy) -> Found:
    gift = Remedy(fact.compensation_id, fact.kind, fact.amount, fact.points)
    try:
        derived = case.within_limit(fact.role, gift, policy)
    except Refusal as refused:
        yield "gift", "given", f"{refused.code} {refused.detail}".strip()
        return
    yield from _unequal("derivation", fact.derivation, derived)


def _decider(case: Case, fact: events.DecisionIssued, role: str) -> Role:
    """In which role the decision was made: of one that waited or was made for many, not who recorded it."""
    proposal = case.proposals.all.get(fact.decision_id)
    if proposal:
        return proposal.fact.role
    return Role.REVIEWER if role == Role.SYSTEM else Role(role)


def _penalty(fact: events.PenaltyAssessed, policy: Policy) -> Found:
    yield from _within_tariff(fact, fact.clause, policy)
    closes = appeal_closes(fact.timestamp, policy)
    yield from _unequal("appeal_until", fact.appeal_until, closes.value)
    derived = closes.derivation + tariff_of(fact.clause, policy).derivation
    yield from _unequal("derivation", fact.derivation, derived)
    expiry = policy.need(pack.PENALTIES).expiry
    expires_at = due(fact.timestamp, expiry, policy.calendars)
    yield from _unequal("expires_at", shown(fact.expires_at), shown(expires_at))


def _adjustment(penalty: Penalty, fact: events.PenaltyAdjusted, policy: Policy) -> Found:
    yield from _within_tariff(fact, penalty.clause, policy)
    if not penalty.lowered_by(fact.points, fact.fine):
        yield "points", f"{fact.points}, fine {fact.fine}", f"less than {penalty.points}, {penalty.fine}"
    yield from _unequal("derivation", fact.derivation, tariff_of(penalty.clause, policy).derivation)


def _within_tariff(
    fact: events.PenaltyAssessed | events.PenaltyAdjusted, clause: str, policy: Policy
) -> Found:
    tariff = tariff_of(clause, policy)
    if tariff.value is None or not tariff.value.knows(fact.points, fact.fine, policy.currency):
        yield "points", f"{fact.points}, fine {fact.fine}", tariff.derivation[-1].result


def _kept(case: Case, fact: events.ProcessingRestricted | events.ErasureProposed, policy: Policy) -> Found:
    if case.ended_at is None:
        yield "ended", "the case", "not yet"
        return
    kept = erasable_from(case.ended_at, policy)
    if isinstance(fact, events.ProcessingRestricted):
        yield from _unequal("until", shown(fact.until), shown(kept.value))
    elif fact.timestamp < kept.value:
        yield "erasable", shown(fact.timestamp), shown(kept.value)
    yield from _unequal("derivation", fact.derivation, kept.derivation)


# --- what penalties and rectifications led to ---------------------------------------------------------


def _sanction(derived: Reached | None, fact: events.SanctionStarted) -> Found:
    if derived is None:
        yield "tier", fact.tier, "none"
        return
    yield from _unequal("tier", fact.tier, derived.number)
    yield from _unequal("measures", fact.measures, derived.measures)
    yield from _unequal("points", fact.points, derived.points)
    yield from _unequal("until", shown(fact.until), shown(derived.until))
    yield from _unequal("derivation", fact.derivation, derived.derivation)


def _effect(
    action: CorrectiveAction,
    done: events.CorrectiveActionCompleted,
    fact: events.EffectMeasured,
    policy: Policy,
) -> Found:
    enough = effective(len(fact.before), len(fact.after), policy)
    yield from _unequal("effective", fact.effective, enough.value)
    yield from _unequal("derivation", fact.derivation, enough.derivation)
    before, after = action.opened.timestamp - fact.before_from, fact.after_until - done.timestamp
    yield from _unequal("before_from", f"{before} before", f"{after} before")
    yield from _unequal("after_until", shown(fact.after_until), shown(done.after_until))


# --- goods --------------------------------------------------------------------------------------------


def _inspection(case: Case, fact: events.GoodsInspected, policy: Policy) -> Found:
    derived = case.broken(fact.goods_id, fact.found, policy)
    yield from _unequal("broken", fact.broken, tuple(one.reason for one in derived.value))
    yield from _unequal("derivation", fact.derivation, derived.derivation)


def _exchange(case: Case, fact: events.ExchangeOpened, policy: Policy) -> Found:
    derived = exchange_open(case.goods.failed_repairs, policy)
    if not derived.value:
        yield "clause", fact.clause, f"{case.goods.failed_repairs} failed repairs open no exchange"
    yield from _unequal("derivation", fact.derivation, derived.derivation)


def _warranty(
    case: Case,
    fact: events.WarrantyStarted | events.WarrantyExtended | events.WarrantyRestarted,
    begins: datetime,
    in_repair: timedelta,
    policy: Policy,
) -> Found:
    derived = warranty_ends(case.filing.order.category, begins, in_repair, policy)
    yield from _unequal("ends_at", shown(fact.ends_at), derived.value and shown(derived.value))
    yield from _unequal("derivation", fact.derivation, derived.derivation)
