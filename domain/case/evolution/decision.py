"""What is found and decided."""

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from domain import events
from domain.case.appeal import Ruling
from domain.case.evolution.fold import evolve
from domain.values import GOODS_KINDS, AppealAgainst, ProposalState, Stage

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.CaseVerified)
def _(fact: events.CaseVerified, case: "CaseState") -> None:
    case.verification = fact
    case.impartiality = case.impartiality.judged_by(fact.by)
    case.evidence = case.evidence.cited(fact.evidence)


@evolve.register(events.DecisionProposed)
def _(fact: events.DecisionProposed, case: "CaseState") -> None:
    case.proposals = case.proposals.made(fact)


@evolve.register(events.DecisionApproved)
def _(fact: events.DecisionApproved, case: "CaseState") -> None:
    case.proposals = case.proposals.ended(fact.proposal_id, ProposalState.APPROVED)
    case.appeals = replace(case.appeals, approver=fact.by)
    case.impartiality = case.impartiality.judged_by(fact.by)


@evolve.register(events.ProposalVoided)
def _(fact: events.ProposalVoided, case: "CaseState") -> None:
    case.proposals = case.proposals.ended(fact.proposal_id, ProposalState.VOID, fact.cause)


@evolve.register(events.DecisionIssued)
def _(fact: events.DecisionIssued, case: "CaseState") -> None:
    case.impartiality = case.impartiality.judged_by(fact.by)
    case.decisions = (*case.decisions, fact)
    kept = case.granted if case.contested else frozenset()
    case.granted = kept | {one.remedy_id for one in fact.remedies}
    if case.contested and not fact.replaces:
        _rest_on(fact.decision_id, case.contested, case)
    case.contested = None
    found = case.verified
    case.appeals = case.appeals.decided(
        Ruling(
            fact.decision_id,
            AppealAgainst.DECISION,
            frozenset(filter(None, (fact.by, case.appeals.approver, found.by if found else None))),
            None,
            fact.originator_version,
            fact.timestamp,
            fact.appeal_until,
        )
    )
    case.stage = Stage.EXECUTING
    case.money = case.money.granted([one for one in fact.remedies if one.kind not in GOODS_KINDS])
    case.goods = case.goods.granted([one for one in fact.remedies if one.kind in GOODS_KINDS])


def _rest_on(decision_id: UUID, before: UUID, case: "CaseState") -> None:
    """What the merchant was asked because of a decision that people let stand rests on theirs."""
    case.penalties = {
        key: replace(one, decision_id=decision_id) if one.decision_id == before else one
        for key, one in case.penalties.items()
    }
    duty = case.rectification
    if duty and duty.decision_id == before:
        case.rectification = replace(duty, decision_id=decision_id)
