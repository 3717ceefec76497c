"""Who appeals against what, and what becomes of it."""

from dataclasses import replace
from typing import TYPE_CHECKING

from domain import events
from domain.case.appeal import Appeal
from domain.case.evolution.fold import evolve
from domain.values import GOODS_KINDS, AppealAgainst, AppealState, Stage

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.AppealFiled)
def _(fact: events.AppealFiled, case: "CaseState") -> None:
    appeal = Appeal(
        fact.appeal_id,
        fact.party,
        fact.against,
        fact.target,
        fact.round,
        fact.resumes,
        fact.timestamp,
        fact.due,
        fact.evidence,
    )
    case.appeals = case.appeals.put(appeal).paused(fact.timestamp)
    case.stage = Stage.APPEALED
    case.lease = None


@evolve.register(events.AppealWithdrawn)
def _(fact: events.AppealWithdrawn, case: "CaseState") -> None:
    _ended(fact, case, AppealState.WITHDRAWN)


@evolve.register(events.DecisionUpheld)
def _(fact: events.DecisionUpheld, case: "CaseState") -> None:
    _ended(fact, case, AppealState.UPHELD)


@evolve.register(events.DecisionVaried)
def _(fact: events.DecisionVaried, case: "CaseState") -> None:
    appeal = _ended(fact, case, AppealState.VARIED)
    case.appeals = case.appeals.varied(
        appeal.target, fact.by, fact.originator_version, fact.timestamp, fact.appeal_until
    )
    if appeal.against is not AppealAgainst.DECISION:
        return
    case.money = case.money.granted([one for one in fact.added if one.kind not in GOODS_KINDS])
    goods = [one for one in fact.added if one.kind in GOODS_KINDS]
    case.goods = case.goods.granted(goods).cancelled(fact.cancelled)
    case.granted = case.granted | {one.remedy_id for one in fact.added}
    case.follow_ups = case.follow_ups.superseded()


@evolve.register(events.DecisionOverturned)
def _(fact: events.DecisionOverturned, case: "CaseState") -> None:
    appeal = _ended(fact, case, AppealState.OVERTURNED)
    case.appeals = case.appeals.overturned(appeal.target, fact.by)
    case.goods = case.goods.cancelled(fact.cancelled)
    case.decisions = tuple(one for one in case.decisions if one.decision_id != appeal.target)


_End = events.AppealWithdrawn | events.DecisionUpheld | events.DecisionVaried | events.DecisionOverturned


def _ended(fact: _End, case: "CaseState", state: AppealState) -> Appeal:
    appeal = replace(case.appeals.all[fact.appeal_id], state=state)
    case.appeals = case.appeals.put(appeal).resumed(fact.timestamp)
    case.stage = fact.resumes
    if fact.resumes is Stage.CLOSED:
        case.ended_at = fact.timestamp
    case.lease = None
    if state is not AppealState.WITHDRAWN:
        case.evidence = case.evidence.cited(appeal.evidence)
    return appeal
