"""Commands that move money and goods, until the last obligation is settled.

What comes from outside comes again: a report under a reference that is known records nothing, and the command
returns the version that recorded it.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from uuid import UUID, uuid5

from domain import events
from domain.case.money import Line
from domain.case.state import CaseState
from domain.policy import Policy, pack
from domain.policy.calendar import due
from domain.refusals import (
    AmountMismatch,
    CompensationAlreadySettled,
    CompensationNotSettled,
    WrongStage,
)
from domain.values import (
    ClockKind,
    CompensationState,
    GoodsState,
    Money,
    Payer,
    Release,
    Sealed,
    Stage,
)

_STATE_BEFORE = dict(pairwise(reversed(GoodsState)))


class Settlement(CaseState):
    """Paying and shipping what was decided."""

    def confirm_compensation(
        self,
        compensation_id: UUID,
        reference: str,
        paid_at: datetime,
        amount: Money | None,
        policy: Policy,
        at: datetime,
    ) -> int | None:
        """Record that a line was paid.

        Raises UnknownPart.
        Refused: CaseAlreadyClosed, CompensationAlreadySettled, WrongStage, AmountMismatch.
        """
        line = self.money.line(compensation_id)
        known = line.state is CompensationState.PAID and reference in line.references
        if not known:
            self._awaiting_payment(line)
        if amount is not None and amount != line.amount:
            raise AmountMismatch
        if known:
            return line.references[reference]
        self._record(
            events.CaseCompensated,
            at,
            compensation_id=compensation_id,
            reference=reference,
            paid_at=paid_at,
            kind=line.kind,
            amount=line.amount,
            points=line.points,
        )
        self._settle(policy, at)
        return None

    def fail_compensation(
        self, compensation_id: UUID, reference: str, reason: Sealed, at: datetime
    ) -> int | None:
        """Record that an attempt to pay failed.

        Raises UnknownPart. Refused: CaseAlreadyClosed, CompensationAlreadySettled, WrongStage.
        """
        line = self.money.line(compensation_id)
        if reference in line.references and line.state is not CompensationState.PAID:
            return line.references[reference]
        self._awaiting_payment(line)
        self._record(
            events.CompensationFailed,
            at,
            compensation_id=compensation_id,
            reference=reference,
            reason=reason,
        )
        return None

    def instruct_compensation(self, compensation_id: UUID, payer: Payer, at: datetime) -> None:
        """Order a new attempt on a line whose last one failed, out of this payer's account.

        Raises UnknownPart. Refused: CaseAlreadyClosed, CompensationAlreadySettled, CompensationNotSettled
        (an attempt is under way), WrongStage.
        """
        line = self.money.line(compensation_id)
        self._awaiting_payment(line)
        if line.state is CompensationState.INSTRUCTED:
            raise CompensationNotSettled("an attempt to pay this line is under way")
        self._instruct([line], at, payer)

    def _awaiting_payment(self, line: Line) -> None:
        self._unless_closed()
        if line.settled:
            raise CompensationAlreadySettled
        self._in_stage("compensations")
        if line.state is CompensationState.AUTHORISED:
            raise WrongStage("the line waits for goods to be accepted")

    def _instruct_payable(self, at: datetime) -> None:
        waiting = self.money.authorised()
        self._instruct((one for one in waiting if one.release is Release.NOW or self.goods.settled), at)

    def _instruct(self, lines: Iterable[Line], at: datetime, payer: Payer | None = None) -> None:
        for line in list(lines):
            self._record(
                events.CompensationInstructed,
                at,
                compensation_id=line.compensation_id,
                attempt=line.attempts + 1,
                gateway_key=line.gateway_key(),
                kind=line.kind,
                payer=payer or line.payer,
                amount=line.amount,
                points=line.points,
            )

    def ship_goods(self, goods_id: UUID, reference: str, at: datetime) -> int | None:
        """Record that a leg left. Raises and refuses as `accept_goods`."""
        return self._move_goods(goods_id, reference, GoodsState.IN_TRANSIT, events.GoodsShipped, at)

    def receive_goods(self, goods_id: UUID, reference: str, at: datetime) -> int | None:
        """Record that a leg arrived. Raises and refuses as `accept_goods`."""
        return self._move_goods(goods_id, reference, GoodsState.RECEIVED, events.GoodsReceived, at)

    def accept_goods(self, goods_id: UUID, reference: str, policy: Policy, at: datetime) -> int | None:
        """Record that a leg was taken as good; instruct what was held back until all were.

        Raises UnknownPart. Refused: CaseAlreadyClosed, WrongStage (also when the leg has not arrived).
        """
        known = self._move_goods(goods_id, reference, GoodsState.ACCEPTED, events.GoodsAccepted, at)
        if known is None:
            self._instruct_payable(at)
            self._settle(policy, at)
        return known

    def _move_goods(
        self, goods_id: UUID, reference: str, reaching: GoodsState, fact: type[events.Fact], at: datetime
    ) -> int | None:
        leg = self.goods.leg(goods_id)
        if (reaching, reference) in leg.references:
            return leg.references[reaching, reference]
        self._unless_closed()
        self._in_stage("goods")
        if leg.state is not _STATE_BEFORE[reaching]:
            raise WrongStage(f"the goods are {leg.state}")
        self._record(fact, at, goods_id=goods_id, reference=reference)
        return None

    def _settle(self, policy: Policy, at: datetime) -> None:
        if self.stage is not Stage.EXECUTING or not (self.money.settled and self.goods.settled):
            return
        follow_up_id = uuid5(self.id, f"follow-up/{self.version}")
        rule = policy.needed(pack.FOLLOW_UP)
        self._record(
            events.FollowUpScheduled,
            at,
            follow_up_id=follow_up_id,
            due=due(at, rule.terms.delay, policy.calendars),
            max_attempts=rule.terms.attempts,
        )
        self._start_term(ClockKind.FOLLOW_UP, follow_up_id, rule, rule.terms.delay, policy, at)
