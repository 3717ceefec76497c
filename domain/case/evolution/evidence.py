"""What is asked for, on file and inspected, and who must prove."""

from dataclasses import replace
from typing import TYPE_CHECKING

from domain import events
from domain.case.evidence import EvidenceRequest, Inspection, Piece
from domain.case.evolution.fold import evolve

if TYPE_CHECKING:
    from domain.case.state import CaseState


@evolve.register(events.EvidenceRequested)
def _(fact: events.EvidenceRequested, case: "CaseState") -> None:
    case.evidence = case.evidence.asked(EvidenceRequest(fact.request_id, fact.party, fact.kinds, fact.due))


@evolve.register(events.EvidenceLapsed)
def _(fact: events.EvidenceLapsed, case: "CaseState") -> None:
    lapsed = replace(case.evidence.requests[fact.request_id], lapsed=True)
    case.evidence = case.evidence.asked(lapsed)


@evolve.register(events.EvidenceStaged)
def _(fact: events.EvidenceStaged, case: "CaseState") -> None:
    case.evidence = case.evidence.put(
        Piece(fact.evidence_id, fact.party, fact.by_staff, fact.sha256, fact.media_type, fact.size)
    )


@evolve.register(events.EvidenceDiscarded)
def _(fact: events.EvidenceDiscarded, case: "CaseState") -> None:
    case.evidence = case.evidence.without(fact.evidence_id)


@evolve.register(events.EvidenceSubmitted)
def _(fact: events.EvidenceSubmitted, case: "CaseState") -> None:
    staged = case.evidence.pieces.get(fact.evidence_id)
    case.evidence = case.evidence.put(
        Piece(
            fact.evidence_id,
            fact.party,
            fact.by_staff,
            fact.sha256,
            staged.media_type if staged else None,
            staged.size if staged else None,
            fact.originator_version,
            fact.kind,
            fact.request_id,
        )
    )


@evolve.register(events.EvidenceAccepted)
@evolve.register(events.EvidenceChallenged)
def _(fact: events.EvidenceAccepted | events.EvidenceChallenged, case: "CaseState") -> None:
    said = {fact.by_party: isinstance(fact, events.EvidenceAccepted)}
    words = case.evidence.pieces[fact.evidence_id].words | said
    case.evidence = case.evidence.changed(fact.evidence_id, words=words)


@evolve.register(events.EvidenceWithdrawn)
def _(fact: events.EvidenceWithdrawn, case: "CaseState") -> None:
    case.evidence = case.evidence.changed(fact.evidence_id, withdrawn=True)


@evolve.register(events.BurdenShifted)
def _(fact: events.BurdenShifted, case: "CaseState") -> None:
    case.evidence = replace(case.evidence, burden=fact.to)


@evolve.register(events.InspectionOrdered)
def _(fact: events.InspectionOrdered, case: "CaseState") -> None:
    case.evidence = case.evidence.inspected(Inspection(fact.inspection_id, fact.due))


@evolve.register(events.InspectionReported)
def _(fact: events.InspectionReported, case: "CaseState") -> None:
    reported = replace(case.evidence.inspections[fact.inspection_id], outcome=fact.outcome)
    case.evidence = case.evidence.inspected(reported)
