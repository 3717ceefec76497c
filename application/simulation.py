"""What-if: the history replayed under a draft, by merchant and type. Nothing is written."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from application import access
from application.audit import PAGE, Done, FactLog
from application.errors import Forbidden, HistoryTooLong, InvalidRequest
from application.policies import Policies
from application.rulebook import Rulebook
from domain.case import Case
from domain.policy import Policy
from domain.simulation import Change, Replay, Tally
from domain.values import Actor

MOST_CHANGES = 1_000
"""So many changes are told one by one; all of them are counted."""

MOST_FACTS = 100_000
"""The longest log that is replayed while a caller waits: it takes a worker a few seconds."""


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

    def told(self) -> dict[str, Any]:
        """As the command line and the interface tell it, group by group."""
        groups = [
            {"merchant_id": merchant_id, "case_type": case_type, **asdict(tally)}
            for (merchant_id, case_type), tally in sorted(self.groups.items())
        ]
        return {
            "draft": self.draft,
            "from": self.begins,
            "to": self.ends,
            "total": asdict(self.total),
            "groups": groups,
            "changes": [asdict(one) for one in self.changes],
        }


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


class Simulations:
    """What-if for whoever waits for the answer. Safe to share between threads."""

    def __init__(self, policies: Policies, log: FactLog, rulebook: Rulebook, most: int = MOST_FACTS) -> None:
        self._policies = policies
        self._log = log
        self._rulebook = rulebook
        self._most = most

    def simulate(
        self,
        by: Actor,
        begins: datetime,
        ends: datetime,
        document: Mapping[str, Any] | str | None = None,
        policy: str | None = None,
    ) -> Simulated:
        """Simulate a document, or the version of this name.

        Raises Forbidden, InvalidRequest, HistoryTooLong, NotFound, UnsoundPolicy with every fault, and
        ServiceUnavailable.
        """
        if not access.may(by, "policies.simulate"):
            raise Forbidden("policies.simulate")
        if ends <= begins:
            raise InvalidRequest("/to", "must lie after `from`")
        draft = self._draft(by, document, policy)
        size = self._log.size()
        if size > self._most:
            raise HistoryTooLong(size, self._most)
        return simulate(self._log, self._rulebook, draft, begins, ends, _unwatched)

    def _draft(self, by: Actor, document: Mapping[str, Any] | str | None, policy: str | None) -> Policy:
        if (document is None) == (policy is None):
            raise InvalidRequest("/document", "must be given, or else `policy`", "required")
        if policy is not None:
            document = json.loads(self._policies.version(by, policy)[0].document)
        return self._policies.sound(document)[0]


def _unwatched(done: int, total: int) -> None:
    """Nobody watches how far it is."""
