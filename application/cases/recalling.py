"""Use cases of looking back: a case as it was known at a version, at an instant, or to whoever decided."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.cases.running import CaseRunning
from application.errors import NotFound
from application.store import RecordedFact
from domain import events
from domain.case import Case
from domain.values import Actor

DECIDING = (
    events.DecisionProposed,
    events.DecisionIssued,
    events.DecisionUpheld,
    events.DecisionVaried,
    events.DecisionOverturned,
)
"""Facts by which a person decides, each by the id of its decision or appeal."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Which moment of a case; with several parts, the earliest of them. Without any: now.

    version: after the fact of this version · at: what was recorded by then · decision: as whoever made this
    decision, or judged this appeal, saw the case when they did.
    """

    version: int | None = None
    at: datetime | None = None
    decision: UUID | None = None

    @property
    def past(self) -> bool:
        """Whether it is another moment than now."""
        return self != Moment()


@dataclass(frozen=True, slots=True)
class Known:
    """A case as it was known, the facts that were, the instant of it, and the case as it is now."""

    case: Case
    facts: list[RecordedFact]
    at: datetime
    current: Case


class Recalling(CaseRunning):
    """What was known of a case when."""

    def as_known(self, by: Actor, case_id: UUID, moment: Moment) -> Known:
        """The case as it was known at a moment, for somebody who may read it now.

        Raises Forbidden and NotFound: `case`; `decision`; `version` where there was none of the case then.
        """
        case, facts = self._recorded(by, case_id, "cases.read")
        if not moment.past:
            return Known(case, facts, self._clock.now(), case)
        known = _known(facts, moment)
        if not known or (moment.version or 0) > len(facts):
            raise NotFound("version")
        then: Case | None = None
        for one in known:
            then = one.fact.mutate(then)
        if then is None:
            raise NotFound("version")
        return Known(then, known, _instant(facts, known, moment), case)

    def history_known(self, by: Actor, case_id: UUID, moment: Moment) -> tuple[Case, list[RecordedFact]]:
        """The case as it is, and the facts that were known at a moment; none before it was filed.

        Raises Forbidden and NotFound: `case`; `decision`.
        """
        case, facts = self._recorded(by, case_id, "cases.read")
        return case, _known(facts, moment)


def _known(facts: list[RecordedFact], moment: Moment) -> list[RecordedFact]:
    seen = _seen(facts, moment.decision) if moment.decision else len(facts)
    last = min(seen, moment.version or seen)
    return [one for one in facts[:last] if moment.at is None or one.recorded_at <= moment.at]


def _seen(facts: list[RecordedFact], decision: UUID) -> int:
    """The version that whoever decided had seen, as the command said: its first fact is what was decided."""
    made = next((one for one in facts if _decides(one, decision)), None)
    if made is None:
        raise NotFound("decision")
    return made.fact.originator_version - 1


def _decides(one: RecordedFact, decision: UUID) -> bool:
    said = vars(one.fact)
    named = (said.get("decision_id"), said.get("proposal_id"), said.get("appeal_id"))
    return isinstance(one.fact, DECIDING) and decision in named


def _instant(facts: list[RecordedFact], known: list[RecordedFact], moment: Moment) -> datetime:
    """When it was: for a decision, the instant at which it was made."""
    following = facts[len(known)] if moment.decision and len(known) < len(facts) else None
    if moment.at is not None:
        return moment.at
    return following.fact.timestamp if following else known[-1].fact.timestamp
