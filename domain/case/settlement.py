"""How execution goes on: what may be paid is ordered, what must move is timed, until nothing is owed."""

from datetime import datetime
from uuid import UUID

from domain import events
from domain.case.goods import Leg
from domain.case.paying import Paying
from domain.policy import Policy, pack
from domain.values import ClockKind, GoodsState, RecoveryState, Release, RemedyKind, ReversalCause, Stage

_TO_HANDLE = frozenset({GoodsState.REFUSED, GoodsState.RECEIVED, GoodsState.INSPECTED})


class Settlement(Paying):
    """What money and goods have to do with each other."""

    def _carry_on(self, policy: Policy, at: datetime) -> None:
        """Do what follows while a decision is executed; at rest, under appeal or in review it waits."""
        if self.stage is not Stage.EXECUTING:
            return
        if self.goods.failed:
            self._return_to_review(policy, at)
            return
        self._instruct_payable(at)
        self._time_goods(policy, at)
        self._settle(policy, at)

    def _execute(self, ground: UUID, policy: Policy, at: datetime) -> None:
        """Do what was granted without a person's decision; what is paid at once is paid in time (M-3)."""
        self._carry_on(policy, at)
        if self.money.under_way():
            rule = policy.needed(pack.EXECUTION)
            self._start_term(ClockKind.EXECUTION, ground, rule, rule.terms.execute, policy, at)

    def _nothing_to_settle(self) -> set[str]:
        """The commands of money and goods that find nothing to be given to."""
        legs, recoveries = self.goods.legs.values(), self.money.recoveries.values()
        waits = {
            "goods": any(not leg.settled for leg in legs),
            "authorisation": any(leg.authorisable for leg in legs),
            "reversal": bool(self.money.standing()),
            "recoveries": any(one.state is RecoveryState.OPEN for one in recoveries),
        }
        return {name for name, something in waits.items() if not something}

    def _return_to_review(self, policy: Policy, at: datetime) -> None:
        """What was decided cannot be carried out: what waited for it falls, and it is decided anew."""
        self._drop_held_back(policy, at)
        idle = self.goods.idle()
        failed, following = self.goods.failed, self.round + 1
        self._record(
            events.ExecutionFailed,
            at,
            goods=failed,
            round=following,
            cancelled=idle,
            due=self.due_in(Stage.IN_REVIEW, policy, at),
        )
        for goods_id in idle:
            self._end_clock(goods_id, events.ClockCancelled, at)

    def _drop_held_back(self, policy: Policy, at: datetime) -> None:
        """Let the money fall that was to be paid when the goods are accepted."""
        for line in self.money.authorised():
            if line.release is Release.GOODS_ACCEPTED:
                self._reverse_line(line, ReversalCause.UNFULFILLED, policy, at)

    def _time_goods(self, policy: Policy, at: datetime) -> None:
        """Start the clocks of goods that must be sent out (M-3) or be handled (NR-7).

        What replaces other goods is to be sent when those are back.
        """
        execution, handling = policy.needed(pack.EXECUTION), policy.rule(pack.DEEMED_REFUSAL)
        due_out = () if self.goods.returning() else self.goods.outbound()
        for leg in list(self.goods.legs.values()):
            if self.clocks.of(leg.goods_id):
                continue
            if leg.goods_id in due_out:
                term = execution.terms.execute
                self._start_term(ClockKind.GOODS_SHIPMENT, leg.goods_id, execution, term, policy, at)
            elif handling and _to_handle(leg):
                term = handling.terms.term
                self._start_term(ClockKind.GOODS_HANDLING, leg.goods_id, handling, term, policy, at)


def _to_handle(leg: Leg) -> bool:
    """Whether the merchant has to say what becomes of goods that came back."""
    return leg.kind is RemedyKind.RETURN and leg.state in _TO_HANDLE
