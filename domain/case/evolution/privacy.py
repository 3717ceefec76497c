"""Who needs personal data kept, who may not read them, what is gone."""

from dataclasses import replace
from typing import TYPE_CHECKING

from domain import events
from domain.case.evolution.fold import evolve

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.LegalHoldPlaced)
def _(fact: events.LegalHoldPlaced, case: "CaseState") -> None:
    case.privacy = replace(case.privacy, holds=case.privacy.holds | {fact.hold_id: fact})


@evolve.register(events.LegalHoldReleased)
def _(fact: events.LegalHoldReleased, case: "CaseState") -> None:
    case.privacy = replace(case.privacy, released=case.privacy.released | {fact.hold_id})


@evolve.register(events.ProcessingRestricted)
def _(fact: events.ProcessingRestricted, case: "CaseState") -> None:
    case.privacy = replace(case.privacy, restrictions=case.privacy.restrictions | {fact.party: fact})


@evolve.register(events.ErasureProposed)
def _(fact: events.ErasureProposed, case: "CaseState") -> None:
    case.privacy = replace(case.privacy, proposals=case.privacy.proposals | {fact.proposal_id: fact})


@evolve.register(events.ErasureRejected)
def _(fact: events.ErasureRejected, case: "CaseState") -> None:
    case.privacy = case.privacy.judged(fact.proposal_id)


@evolve.register(events.PersonalDataErased)
def _(fact: events.PersonalDataErased, case: "CaseState") -> None:
    judged = case.privacy.judged(fact.erasure_id)
    case.privacy = replace(judged, erasures=(*judged.erasures, fact))
