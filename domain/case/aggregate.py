"""The aggregate: filing, the commands of its parts, and the clocks that run on it."""

from datetime import datetime
from uuid import UUID

from domain import events
from domain.case.appealing import Appealing
from domain.case.contesting import Contesting
from domain.case.escalating import Escalating
from domain.case.forgetting import Forgetting
from domain.case.giving import Giving
from domain.case.promising import Promising
from domain.case.relating import Relating
from domain.case.repairing import Repairing
from domain.case.resting import Resting
from domain.case.review import Review
from domain.case.sharing import Sharing
from domain.case.state import STAGES
from domain.events import stored_as
from domain.policy import Policy
from domain.policy.deadlines import review_due
from domain.policy.eligibility import assessed
from domain.values import (
    Actor,
    CaseType,
    Claim,
    ClockKind,
    Contact,
    OrderLine,
    PenaltyState,
    RectificationState,
    Sealed,
)

_FOR_THE_HOLDER = ("verification", "decisions", "burden", "inspections")


@stored_as("Case")
class Case(
    Review,
    Escalating,
    Promising,
    Contesting,
    Appealing,
    Sharing,
    Giving,
    Resting,
    Relating,
    Repairing,
    Forgetting,
):
    """One after-sales case from its filing to its last follow-up.

    Commands check their guards, then record facts: no I/O, no clock, no randomness.
    """

    @classmethod
    def file(
        cls,
        by: Actor,
        case_id: UUID,
        number: str,
        case_type: CaseType,
        reason: str,
        channel: str,
        buyer: str,
        merchant_id: str,
        order: OrderLine,
        claim: Claim,
        policy: Policy,
        at: datetime,
        statement: Sealed | None = None,
        contact: Contact | None = None,
    ) -> "Case":
        """File a case. Never refused: what speaks against taking it up is stored with the filing."""
        assessment = assessed(case_type, reason, order, at, policy)
        return cls._create(
            events.CaseFiled,
            id=case_id,
            timestamp=at,
            number=number,
            case_type=case_type,
            reason=reason,
            channel=channel,
            buyer=buyer,
            merchant_id=merchant_id,
            order=order,
            claim=claim,
            filed_by=by.id,
            policy=policy.version,
            objections=assessment.value,
            statement=statement,
            contact=contact,
            derivation=assessment.derivation,
            due=review_due(at, policy).value,
        )

    def possible(self, by: Actor, policy: Policy, at: datetime) -> list[str]:
        """The commands that are open to this caller as the case now stands, whatever its role may do."""
        lease = self._live_lease(at)
        barred = set() if lease and lease.holder == by.id else set(_FOR_THE_HOLDER)
        if lease and lease.holder != by.id:
            barred |= {"lease", "evidence-requests"}
        if self.impartiality.objection(by.id):
            barred.add("lease")
        if by.id in self.impartiality.declared:
            barred |= {"recusal", "penalties", "adjustment"}
        barred |= self._out_of_turn(by, policy, at) | self._beyond_contest(policy, at)
        waiting = self.proposals.waiting
        if self.verified is None or waiting:
            barred.add("decisions")
        if waiting is None or self.impartiality.objection(by.id):
            barred |= {"approval", "rejection"}
        elif waiting.by == by.id:
            barred.add("approval")
        if not any(one.state is PenaltyState.LIVE and one.by != by.id for one in self.penalties.values()):
            barred.add("adjustment")
        barred |= self._nothing_to_forget(by)
        barred |= self._nothing_to_settle() | self._no_appeal_of(by, policy, at)
        return [name for name, stages in STAGES.items() if self.stage in stages and name not in barred]

    def miss_clock(self, clock_id: UUID, policy: Policy, at: datetime) -> None:
        """Record that a due time passed and what follows; nothing for a clock that ended or is not due."""
        clock = self.clocks.running.get(clock_id)
        if clock is None or at < clock.due:
            return
        self._record(events.ClockMissed, at, clock_id=clock_id, kind=clock.kind, subject=clock.subject)
        match clock.kind:
            case ClockKind.PENALTY_EXPIRY:
                self._record(
                    events.PenaltyExpired,
                    at,
                    penalty_id=clock.subject,
                    merchant_id=self.filing.merchant_id,
                )
            case ClockKind.RECTIFICATION:
                duty = self.rectification
                if duty and duty.state is not RectificationState.SUBMITTED:
                    self._lapse(duty, at)
            case ClockKind.SUSPENSION:
                self._suspension_lapsed(policy, at)
            case ClockKind.ANSWER:
                self._default(clock, policy, at)
            case ClockKind.REPLY:
                self._lapse_offer(clock.subject, at)
            case ClockKind.PROMISE:
                self._break_promise(clock.subject, at)
            case ClockKind.EVIDENCE:
                self._lapse_request(clock.subject, at)
            case ClockKind.STAGING:
                self._discard_staged(clock.subject, at)
            case ClockKind.GOODS_SHIPMENT:
                self._not_shipped(clock.subject, policy, at)
            case ClockKind.GOODS_HANDLING:
                self._not_handled(clock.subject, policy, at)
            case (
                ClockKind.FOLLOW_UP
                | ClockKind.INSPECTION
                | ClockKind.EXECUTION
                | ClockKind.APPEAL
                | ClockKind.RETENTION
            ):
                pass
