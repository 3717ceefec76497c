"""Commands that name the matter rightly and put cases together."""

from datetime import datetime
from uuid import UUID

from domain import events
from domain.case.state import CaseState
from domain.refusals import CompensationAlreadySettled, CompensationNotSettled, NotMergeable
from domain.values import Actor, ClockKind, Relation, Sealed, VoidCause


class Relating(CaseState):
    """What the case is about, and which other cases belong to it."""

    def classify(self, by: Actor, reason: str, at: datetime) -> None:
        """Judge the case under this reason from now on. Refused: CaseAlreadyClosed, WrongStage."""
        self._unless_closed()
        self._in_stage("classification")
        if reason != self.reason:
            self._record(events.CaseClassified, at, reason=reason, by=by.id)
            self._void_proposal(VoidCause.CLASSIFIED, at)

    def link(self, other: UUID, relation: Relation, at: datetime) -> None:
        """Note that another case belongs to this one; noted once. Refused: NotMergeable for itself."""
        if other == self.id:
            raise NotMergeable("a case does not belong to itself")
        if (other, relation) not in self.links:
            self._record(events.CaseLinked, at, other=other, relation=relation)

    def merge(self, by: Actor, into: "CaseState", reasons: Sealed, at: datetime) -> None:
        """End this case in favour of another one of the same buyer and merchant.

        Refused: CaseAlreadyClosed, WrongStage, NotMergeable, and when money moved CompensationNotSettled or
        CompensationAlreadySettled.
        """
        self._unless_closed()
        self._in_stage("merger")
        if into.id == self.id or not into.open:
            raise NotMergeable("the other case is not an open one")
        if (into.filing.buyer, into.filing.merchant_id) != (self.filing.buyer, self.filing.merchant_id):
            raise NotMergeable("the other case is of another buyer or merchant")
        if not self.money.settled:
            raise CompensationNotSettled
        if self.money.paid():
            raise CompensationAlreadySettled
        self._void_proposal(VoidCause.MERGED, at)
        self._record(events.CaseMerged, at, into=into.id, by=by.id, reasons=reasons)
        for clock in list(self.clocks.running.values()):
            # Bytes that wait to be submitted go when their time comes; records are kept however a case ends.
            if clock.kind not in (ClockKind.STAGING, ClockKind.RETENTION):
                self._end_clock(clock.subject, events.ClockCancelled, at)
