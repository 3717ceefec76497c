"""How each fact changes what the case remembers, by subject.

Assignment only: no rule, no clock, no refusal.
"""

from domain.case.evolution import (
    appeal,
    clocks,
    decision,
    evidence,
    follow_up,
    goods,
    lease,
    merchant,
    money,
    negotiation,
    privacy,
    promise,
    stage,
    told,
    warranty,
)
from domain.case.evolution.fold import evolve

__all__ = [
    "appeal",
    "clocks",
    "decision",
    "evidence",
    "evolve",
    "follow_up",
    "goods",
    "lease",
    "merchant",
    "money",
    "negotiation",
    "privacy",
    "promise",
    "stage",
    "told",
    "warranty",
]
