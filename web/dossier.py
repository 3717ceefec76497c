"""What a case page shows of what serves to prove: evidence, requests, the burden of proof, inspections.

`every` hands out the facts of a kind as the caller may see them.
"""

from collections.abc import Callable
from typing import Any

from domain import events
from domain.case import Case
from domain.policy.derivation import Derived
from domain.values import Side

Shown = dict[str, Any]
Every = Callable[[type[events.Fact]], list[Shown]]


def pages(case: Case, burden: Derived[Side], every: Every) -> Shown:
    """The members of a case page, by name."""
    return {
        "evidence": [_piece(case, one, every) for one in every(events.EvidenceSubmitted)],
        "staged": [one for one in every(events.EvidenceStaged) if _waits(case, one)],
        "evidence_requests": [_request(case, one) for one in every(events.EvidenceRequested)],
        "burden": _burden(case, burden, every),
        "inspections": [_inspection(case, one, every) for one in every(events.InspectionOrdered)],
    }


def last_request(case: Case) -> Shown:
    """What was asked for last, as its answer shows it."""
    asked = next(reversed(case.evidence.requests.values()))
    return {"request_id": asked.request_id, "kinds": asked.kinds, "due": asked.due}


def _piece(case: Case, submitted: Shown, every: Every) -> Shown:
    piece = case.evidence.pieces[submitted["evidence_id"]]
    return {
        **submitted,
        "state": piece.state,
        "media_type": piece.media_type,
        "size": piece.size,
        "cited": piece.cited,
        "acceptances": _about(submitted, every(events.EvidenceAccepted)),
        "challenges": _about(submitted, every(events.EvidenceChallenged)),
        "withdrawal": next(iter(_about(submitted, every(events.EvidenceWithdrawn))), None),
    }


def _about(piece: Shown, facts: list[Shown]) -> list[Shown]:
    return [
        {name: value for name, value in one.items() if name != "evidence_id"}
        for one in facts
        if one["evidence_id"] == piece["evidence_id"]
    ]


def _waits(case: Case, staged: Shown) -> bool:
    piece = case.evidence.pieces.get(staged["evidence_id"])
    return piece is not None and piece.filed is None


def _request(case: Case, asked: Shown) -> Shown:
    request = case.evidence.requests[asked["request_id"]]
    return {
        **asked,
        "due": request.due,
        "state": case.evidence.state_of(request, case.clocks),
        "missing": case.evidence.missing(request),
    }


def _burden(case: Case, burden: Derived[Side], every: Every) -> Shown:
    shifts = every(events.BurdenShifted)
    return {
        "party": burden.value,
        "derivation": burden.derivation,
        "shifted": shifts[-1] if shifts else None,
        "lapsed_requests": [one.request_id for one in case.evidence.lapsed(burden.value)],
    }


def _inspection(case: Case, ordered: Shown, every: Every) -> Shown:
    reports = every(events.InspectionReported)
    report = next((one for one in reports if one["inspection_id"] == ordered["inspection_id"]), None)
    due = case.evidence.inspections[ordered["inspection_id"]].due
    return {**ordered, "due": due, "report": report}
