"""What-if: the history replayed under a draft, by merchant and type. Nothing is written."""

from dataclasses import dataclass, field
from datetime import datetime

from application.audit import PAGE, Done, FactLog
from application.rulebook import Rulebook
from domain.case import Case
from domain.policy import Policy
from domain.simulation import Change, Replay, Tally

MOST_CHANGES = 1_000
"""So many changes are told one by one; all of them are counted."""


@dataclass(slots=True)
class Simulated:
    """What would have been otherwise between two instants: in sum, by merchant and type, and one by one."""

    draft: str
    begins: datetime
    ends: datetime
    total: Tally = field(default_factory=Tally)
    groups: dict[tuple[str, str], Tally] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    def add(self, replay: Replay) -> None:
        """Take the outcome of one case."""
        if replay.case is None or not replay.tally.cases:
            return
        group = (replay.case.filing.merchant_id, str(replay.case.filing.case_type))
        self.groups.setdefault(group, Tally()).add(replay.tally)
        self.total.add(replay.tally)


def simulate(
    log: FactLog, rulebook: Rulebook, draft: Policy, begins: datetime, ends: datetime, done: Done
) -> Simulated:
    """Replay every case under the draft and compare what was recorded from one instant until another.

    Holds one case at a time. Raises ServiceUnavailable.
    """
    found = Simulated(draft.version, begins, ends)
    total = log.size()
    replay = Replay(draft, rulebook)
    for amount, (fact, role) in enumerate(log.streams(), 1):
        if Case.__name__ != fact.OF:
            continue
        if fact.originator_version == 1:
            found.add(replay)
            replay = Replay(draft, rulebook)
        changes = replay.take(fact, role, begins <= fact.timestamp < ends)
        found.changes += changes[: MOST_CHANGES - len(found.changes)]
        if amount % PAGE == 0:
            done(amount, max(total, amount))
    found.add(replay)
    done(total, total)
    return found
