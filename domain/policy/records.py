"""How long records are kept, and what may be done with personal data meanwhile."""

from datetime import datetime

from domain.policy import pack
from domain.policy.deadlines import due_by
from domain.policy.derivation import Derived, step
from domain.policy.pack import Policy


def erasable_from(ended: datetime, policy: Policy) -> Derived[datetime]:
    """From when the personal data of a case that ended then may be erased (R-1).

    Until then whoever asks for it gets what the law leaves: they are stored and protected, no more (D-1).
    """
    records, rule = policy.needed(pack.RECORDS), policy.needed(pack.ERASURE)
    kept = due_by(records, records.terms.term, ended, policy)
    meanwhile = step(rule, " ".join(rule.terms.duties), until=kept.value)
    return Derived(kept.value, (*kept.derivation, meanwhile))
