"""What a merchant can be penalised with."""

from domain.policy import pack
from domain.policy.derivation import Derived, step
from domain.policy.pack import Policy, Tariff


def tariff_of(clause: str, policy: Policy) -> Derived[Tariff | None]:
    """The most points and the highest fine under a clause in force (S-1); none for one without a tariff."""
    rule = policy.needed(pack.PENALTIES)
    tariff = rule.terms.tariff.get(clause) if policy.in_force(clause) else None
    said = f"{tariff.max_points} points, {tariff.max_fine_minor} minor units" if tariff else "no tariff"
    return Derived(tariff, (step(rule, said, clause=clause),))
