"""Commands that let a case rest while others deal with the matter, and that make it go on."""

from datetime import datetime, timedelta
from uuid import UUID, uuid5

from domain import events
from domain.case.clocks import Running
from domain.case.settlement import Settlement
from domain.case.suspension import Suspension
from domain.policy import Policy
from domain.policy.calendar import Term, remaining, resumed
from domain.policy.deadlines import suspension_lapses
from domain.refusals import ReceiptNotAwaited, WrongStage
from domain.values import (
    Actor,
    ClockKind,
    ResumeCause,
    Sealed,
    SuspensionGround,
    VoidCause,
)

RECEIPT = "receipt"
"""The term (M-6) within which a receipt of the court or the police must be on file."""

_RUNS_ON = frozenset({ClockKind.PENALTY_EXPIRY, ClockKind.SUSPENSION, ClockKind.STAGING, ClockKind.RETENTION})
"""Clocks that a suspension does not stop: neither is a duty or a right of the parties in this case."""


class Resting(Settlement):
    """Suspension: settlement talks, a court or the police."""

    def suspend(
        self, by: Actor, ground: SuspensionGround, reasons: Sealed, policy: Policy, at: datetime
    ) -> None:
        """Let the case rest, its clocks paused, until it is resumed or the term of the ground ends (M-6).

        Settlement talks have 30 days. A court or the police must give a receipt within 7 working days.
        Refused: CaseAlreadyClosed, WrongStage.
        """
        self._unless_closed()
        self._in_stage("suspension")
        until = suspension_lapses(ground if ground is SuspensionGround.SETTLEMENT else RECEIPT, at, policy)
        suspension_id = uuid5(self.id, f"suspension/{self.version}")
        self._record(
            events.CaseSuspended,
            at,
            suspension_id=suspension_id,
            ground=ground,
            resumes=self.stage,
            until=until.value,
            by=by.id,
            reasons=reasons,
        )
        self._void_proposal(VoidCause.SUSPENDED, at)
        self._pause_clocks(policy, at)
        self._start_clock(ClockKind.SUSPENSION, suspension_id, until.value, at, derivation=until.derivation)

    def confirm_suspension(self, evidence_id: UUID, policy: Policy, at: datetime) -> None:
        """Put the receipt of the court or the police on file: the case rests on.

        The police's silence ends it after six months (M-6), a court takes as long as it takes.
        Refused: CaseAlreadyClosed, WrongStage, ReceiptNotAwaited. Raises UnknownPart.
        """
        self._unless_closed()
        suspension = self._at_rest()
        if suspension.ground is SuspensionGround.SETTLEMENT or suspension.confirmed:
            raise ReceiptNotAwaited
        self.evidence.weighable((evidence_id,))
        police = suspension.ground is SuspensionGround.POLICE
        until = suspension_lapses(suspension.ground, at, policy) if police else None
        self._record(
            events.SuspensionConfirmed,
            at,
            suspension_id=suspension.suspension_id,
            evidence_id=evidence_id,
            until=until.value if until else None,
        )
        self._end_clock(suspension.suspension_id, events.ClockSatisfied, at)
        if until:
            self._start_clock(
                ClockKind.SUSPENSION,
                suspension.suspension_id,
                until.value,
                at,
                derivation=until.derivation,
            )

    def resume(self, reasons: Sealed, policy: Policy, at: datetime) -> None:
        """Let the case go on where it was, each clock with what was left.

        Refused: CaseAlreadyClosed, WrongStage.
        """
        self._unless_closed()
        suspension = self._at_rest()
        self._go_on(suspension, ResumeCause.REQUESTED, reasons, policy, at)

    def _suspension_lapsed(self, policy: Policy, at: datetime) -> None:
        if self.suspension:
            self._go_on(self.suspension, ResumeCause.LAPSED, None, policy, at)

    def _go_on(
        self,
        suspension: Suspension,
        cause: ResumeCause,
        reasons: Sealed | None,
        policy: Policy,
        at: datetime,
    ) -> None:
        self._record(
            events.CaseResumed,
            at,
            suspension_id=suspension.suspension_id,
            resumes=suspension.resumes,
            cause=cause,
            reasons=reasons,
            due=self.due_in(suspension.resumes, policy, at),
        )
        self._end_clock(suspension.suspension_id, events.ClockCancelled, at)
        for clock, left in list(self.clocks.paused.values()):
            self._record(
                events.ClockResumed,
                at,
                clock_id=clock.clock_id,
                kind=clock.kind,
                subject=clock.subject,
                due=resumed(at, timedelta(seconds=left), _calendar_of(clock), policy.calendars),
            )
        self._carry_on(policy, at)

    def _pause_clocks(self, policy: Policy, at: datetime) -> None:
        for clock in list(self.clocks.running.values()):
            if clock.kind not in _RUNS_ON:
                left = remaining(at, clock.due, _calendar_of(clock), policy.calendars)
                self._record(
                    events.ClockPaused,
                    at,
                    clock_id=clock.clock_id,
                    kind=clock.kind,
                    seconds_left=round(left.total_seconds()),
                )

    def _at_rest(self) -> Suspension:
        self._in_stage("resumption")
        if self.suspension is None:
            raise WrongStage
        return self.suspension


def _calendar_of(clock: Running) -> Term:
    """A term that is counted as the clock is."""
    return Term(1, calendar=clock.calendar)
