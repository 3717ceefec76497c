"""The rules: versioned figures (`pack`), and small functions over facts and figures, by subject.

A rule returns its objection with the clause, or an amount with its derivation. What a rule decided is
stored in the deciding fact, so a later policy changes no history.
"""

from domain.policy.default import DEFAULT
from domain.policy.faults import Fault, PolicyFaults
from domain.policy.pack import Policy

__all__ = ["DEFAULT", "Fault", "Policy", "PolicyFaults"]
