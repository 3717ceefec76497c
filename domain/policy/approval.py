"""When one person's decision is not enough."""

from domain.policy import pack
from domain.policy.derivation import Derived, step
from domain.policy.pack import Policy
from domain.values import Money


def second_person(adds: int, granted: Money, discretion: bool, policy: Policy) -> Derived[bool]:
    """Whether a decision waits for a second person (O-2).

    It does when it `adds` money (minor units) and what is `granted` on the case over all its rounds, with it,
    is then above the threshold, or when it departs from what the rules derive. Where the order's currency is
    not the policy's, no threshold is known, and any money waits.
    """
    rule = policy.needed(pack.FOUR_EYES)
    threshold = rule.terms.above_minor if granted.currency == policy.currency else 0
    waits = discretion or (adds > 0 and granted.amount_minor > threshold)
    return Derived(
        waits,
        (
            step(
                rule,
                "second_person" if waits else "one_person",
                adds=adds,
                granted=granted.amount_minor,
                currency=granted.currency,
                discretion="used" if discretion else "none",
            ),
        ),
    )
