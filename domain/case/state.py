"""What a case remembers, and the guards that every command shares."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from domain import events
from domain.aggregate import EvolvingAggregate
from domain.case.appeal import Appeals
from domain.case.clocks import Clocks, Running
from domain.case.evidence import Evidence
from domain.case.evolution import evolve
from domain.case.follow_up import FollowUps
from domain.case.goods import Goods
from domain.case.impartiality import Impartiality
from domain.case.lease import Lease
from domain.case.merchant import Penalty, Rectification
from domain.case.money import Ledger
from domain.case.negotiation import Negotiation
from domain.case.privacy import Privacy
from domain.case.promise import Promises
from domain.case.proposal import Proposals
from domain.case.suspension import Suspension
from domain.case.warranty import Warranty
from domain.policy import Policy
from domain.policy.calendar import Term
from domain.policy.deadlines import due_by, execution_due, review_due
from domain.policy.pack import Rule
from domain.refusals import (
    CaseAlreadyClosed,
    ClauseNotInForce,
    ConflictOfInterest,
    Refusal,
    WrongStage,
)
from domain.values import (
    ClockKind,
    Derivation,
    Finding,
    Relation,
    Sealed,
    Stage,
    VoidCause,
)

_UNDECIDED = frozenset({Stage.FILED, Stage.NEGOTIATING, Stage.IN_REVIEW})
_LIVE = _UNDECIDED | {Stage.EXECUTING, Stage.FOLLOWING_UP, Stage.APPEALED}
_DECIDED = frozenset({Stage.EXECUTING, Stage.FOLLOWING_UP, Stage.CLOSED, Stage.EXPIRED})

ENDED = frozenset({Stage.CLOSED, Stage.WITHDRAWN, Stage.EXPIRED, Stage.MERGED})
"""Stages in which nothing more is expected of anybody."""

STAGES: dict[str, frozenset[Stage]] = {
    "notice": frozenset({Stage.FILED}),
    "answers": frozenset({Stage.NEGOTIATING, Stage.IN_REVIEW}),
    "offers": frozenset({Stage.NEGOTIATING}),
    "escalation": frozenset({Stage.NEGOTIATING}),
    "lease": _LIVE,
    "reassignment": _LIVE,
    "recusal": _LIVE,
    "notes": _LIVE | {Stage.SUSPENDED},
    "promises": _LIVE,
    "evidence": _LIVE | {Stage.SUSPENDED},
    "evidence-requests": _UNDECIDED | {Stage.APPEALED},
    "burden": frozenset({Stage.IN_REVIEW, Stage.APPEALED}),
    "inspections": frozenset({Stage.IN_REVIEW, Stage.APPEALED}),
    "verification": frozenset({Stage.IN_REVIEW}),
    "decisions": frozenset({Stage.IN_REVIEW}),
    "compensations": frozenset(
        {Stage.IN_REVIEW, Stage.EXECUTING, Stage.FOLLOWING_UP, Stage.APPEALED, Stage.SUSPENDED}
    ),
    "reversal": _DECIDED | {Stage.IN_REVIEW},
    "recoveries": _DECIDED | {Stage.IN_REVIEW, Stage.APPEALED},
    "authorisation": frozenset({Stage.EXECUTING}),
    "goods": frozenset({Stage.IN_REVIEW, Stage.EXECUTING, Stage.APPEALED, Stage.SUSPENDED}),
    "approval": frozenset({Stage.IN_REVIEW}),
    "rejection": frozenset({Stage.IN_REVIEW}),
    "goodwill": frozenset({Stage.IN_REVIEW, Stage.EXECUTING, Stage.FOLLOWING_UP}),
    "penalties": _DECIDED,
    "adjustment": _DECIDED | {Stage.IN_REVIEW},
    "rectification": _DECIDED,
    "appeals": _DECIDED,
    "appeal-withdrawal": frozenset({Stage.APPEALED}),
    "appeal-decision": frozenset({Stage.APPEALED}),
    "follow-ups": frozenset({Stage.FOLLOWING_UP, Stage.APPEALED}),
    "human-review": _DECIDED,
    "closure": frozenset({Stage.FILED, Stage.IN_REVIEW, Stage.FOLLOWING_UP, Stage.MERGED}),
    "reopening": frozenset({Stage.FOLLOWING_UP, Stage.CLOSED, Stage.EXPIRED}),
    "withdrawal": _UNDECIDED | {Stage.EXECUTING},
    "classification": _UNDECIDED,
    "suspension": _LIVE,
    "resumption": frozenset({Stage.SUSPENDED}),
    "links": frozenset(Stage),
    "merger": _UNDECIDED,
    "legal-holds": frozenset(Stage),
    "legal-hold-release": frozenset(Stage),
    "erasure": ENDED,
    "erasure-approval": ENDED,
    "erasure-rejection": frozenset(Stage),
}
"""From which stages each command can be given: the one table that guards and `possible` read."""

LEADS_TO: dict[str, frozenset[Stage]] = {
    "notice": frozenset({Stage.NEGOTIATING}),
    "answers": frozenset({Stage.EXECUTING, Stage.FOLLOWING_UP}),
    "offers": frozenset({Stage.EXECUTING}),
    "lease": frozenset({Stage.IN_REVIEW}),
    "reassignment": frozenset({Stage.IN_REVIEW}),
    "decisions": frozenset({Stage.EXECUTING, Stage.FOLLOWING_UP}),
    "approval": frozenset({Stage.EXECUTING, Stage.FOLLOWING_UP}),
    "compensations": frozenset({Stage.FOLLOWING_UP, Stage.EXPIRED}),
    "reversal": frozenset({Stage.FOLLOWING_UP, Stage.EXPIRED}),
    "goods": frozenset({Stage.FOLLOWING_UP, Stage.IN_REVIEW}),
    "appeals": frozenset({Stage.APPEALED}),
    "appeal-withdrawal": _DECIDED,
    "appeal-decision": _DECIDED | {Stage.IN_REVIEW},
    "human-review": frozenset({Stage.IN_REVIEW}),
    "closure": frozenset({Stage.CLOSED}),
    "reopening": frozenset({Stage.IN_REVIEW}),
    "withdrawal": frozenset({Stage.WITHDRAWN}),
    "suspension": frozenset({Stage.SUSPENDED}),
    "resumption": _LIVE | {Stage.EXPIRED},
    "merger": frozenset({Stage.MERGED}),
}
"""To which stages each command can lead; whatever is not named here leaves the case where it is."""

_REVIEWED = frozenset({Stage.FILED, Stage.IN_REVIEW, Stage.APPEALED})
"""The stages of which each has its time to review (M-3)."""

UNPROVEN = frozenset({Finding.NOT_UPHELD, Finding.INCONCLUSIVE})
"""Findings for which nobody need be liable."""

GOODS_CLOCKS = (ClockKind.GOODS_SHIPMENT, ClockKind.GOODS_HANDLING)
"""Clocks of goods that somebody has to send or to handle."""

PROOF_ASKED_FOR = (ClockKind.EVIDENCE, ClockKind.INSPECTION)
"""The clocks of what serves to prove; they end when the case is decided or withdrawn."""


def unopposed(ask: Callable[[], object]) -> bool:
    """Whether nothing speaks against what is asked."""
    try:
        ask()
    except Refusal:
        return False
    return True


class CaseState(EvolvingAggregate):
    """The folded facts of a case, region by region, and how commands ask and record."""

    def __init__(self) -> None:
        self.filing: events.CaseFiled
        self.stage: Stage
        self.reason: str
        self.round: int
        self.suspension: Suspension | None = None
        self.closed_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.links: frozenset[tuple[UUID, Relation]] = frozenset()
        self.negotiation: Negotiation | None = None
        self.agreement: events.OfferAccepted | None = None
        self.promises = Promises()
        self.lease: Lease | None = None
        self.impartiality = Impartiality()
        self.evidence = Evidence()
        self.verification: events.CaseVerified | None = None
        self.proposals = Proposals()
        self.decisions: tuple[events.DecisionIssued, ...] = ()
        self.granted: frozenset[UUID] = frozenset()
        self.contested: UUID | None = None
        self.money = Ledger()
        self.goods = Goods()
        self.warranty: Warranty | None = None
        self.penalties: dict[UUID, Penalty] = {}
        self.rectification: Rectification | None = None
        self.appeals = Appeals()
        self.follow_ups = FollowUps()
        self.clocks = Clocks()
        self.privacy = Privacy()

    def evolve(self, fact: events.Fact) -> None:
        """Fold one fact into this case."""
        evolve(fact, self)

    @property
    def verified(self) -> events.CaseVerified | None:
        """The finding of the present round."""
        found = self.verification
        return found if found and found.round == self.round else None

    @property
    def decision(self) -> events.DecisionIssued | None:
        """The last decision that stands; what it grants, with what varied it, is `granted`."""
        return self.decisions[-1] if self.decisions else None

    @property
    def open(self) -> bool:
        """Whether the case has not ended."""
        return self.stage not in ENDED

    def due_in(self, stage: Stage, policy: Policy, at: datetime) -> datetime | None:
        """By when a case that comes to this stage is to be reviewed or executed (M-3); None: neither."""
        if stage is Stage.EXECUTING:
            return execution_due(at, policy).value
        asked = stage is Stage.NEGOTIATING and self.negotiation and self.negotiation.escalated_by
        return review_due(at, policy).value if asked or stage in _REVIEWED else None

    def due_when_taken_up(self, policy: Policy, at: datetime) -> datetime | None:
        """By when a case that the platform takes up is to be reviewed; None: when it already was."""
        waits = self.due_in(self.stage, policy, at)
        return None if waits else self.due_in(Stage.IN_REVIEW, policy, at)

    def _unless_closed(self) -> None:
        if self.stage is Stage.CLOSED:
            raise CaseAlreadyClosed

    def _in_stage(self, command: str) -> None:
        if self.stage not in STAGES[command]:
            raise WrongStage(f"the case is {self.stage}")

    def _in_force(self, clauses: Iterable[str], policy: Policy) -> None:
        """What is cited counts: nothing rests on a rule that there is not, or that is disabled."""
        for clause in clauses:
            if not policy.in_force(clause):
                raise ClauseNotInForce(clause)

    def _no_interest(self, subject: str) -> None:
        """Who has declared an interest in the case asks nothing of a side of it."""
        if subject in self.impartiality.declared:
            raise ConflictOfInterest("an interest in the case was declared")

    def _live_lease(self, at: datetime) -> Lease | None:
        return self.lease if self.lease and self.lease.live(at) else None

    def _void_proposal(self, cause: VoidCause, at: datetime, reasons: Sealed | None = None) -> None:
        """What a second person would have approved is no longer what the case is about, if anything waits."""
        waiting = self.proposals.waiting
        if waiting:
            self._record(
                events.ProposalVoided, at, proposal_id=waiting.proposal_id, cause=cause, reasons=reasons
            )

    def _start_clock(
        self,
        kind: ClockKind,
        subject: UUID,
        due: datetime,
        at: datetime,
        calendar: str | None = None,
        derivation: Derivation = (),
    ) -> None:
        self._record(
            events.ClockStarted,
            at,
            clock_id=uuid5(subject, f"clock/{self.version}"),
            kind=kind,
            subject=subject,
            due=due,
            calendar=calendar,
            derivation=derivation,
        )

    def _start_term(
        self, kind: ClockKind, subject: UUID, rule: Rule[Any], term: Term, policy: Policy, at: datetime
    ) -> datetime:
        """Start a clock that ends with a term of this rule; its due time."""
        ends = due_by(rule, term, at, policy)
        self._start_clock(kind, subject, ends.value, at, term.calendar, ends.derivation)
        return ends.value

    def _end_clock(
        self, subject: UUID, how: type[events.ClockSatisfied] | type[events.ClockCancelled], at: datetime
    ) -> None:
        clock: Running | None = self.clocks.of(subject)
        if clock:
            self._record(how, at, clock_id=clock.clock_id, kind=clock.kind)

    def _satisfy_clocks(self, at: datetime, *kinds: ClockKind) -> None:
        """What these clocks wait for was done."""
        for clock in self.clocks.of_kind(*kinds):
            self._record(events.ClockSatisfied, at, clock_id=clock.clock_id, kind=clock.kind)

    def _cancel_clocks(self, at: datetime, *kinds: ClockKind) -> None:
        """What these clocks wait for is no longer asked."""
        for clock in self.clocks.of_kind(*kinds):
            self._record(events.ClockCancelled, at, clock_id=clock.clock_id, kind=clock.kind)
