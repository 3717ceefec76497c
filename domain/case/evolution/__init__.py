"""How each fact changes what the case remembers, by subject.

Assignment only: no rule, no clock, no refusal.
"""

from domain.case.evolution import clocks, follow_up, goods, lease, merchant, money, review, stage, told
from domain.case.evolution.fold import evolve

__all__ = ["clocks", "evolve", "follow_up", "goods", "lease", "merchant", "money", "review", "stage", "told"]
