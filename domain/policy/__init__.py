"""The rules: versioned figures (`pack`), and small functions over facts and figures, by subject.

A policy is written as a `document`, which is validated as a whole.

A rule returns its objection with the clause, or an amount with its derivation. What a rule decided is
stored in the deciding fact, so a later policy changes no history.
"""

from domain.policy.document import compiled, document
from domain.policy.faults import Fault, PolicyFaults
from domain.policy.pack import Policy

__all__ = ["Fault", "Policy", "PolicyFaults", "compiled", "document"]
