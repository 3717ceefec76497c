"""Commands by which a case shares what was decided for all cases of an incident."""

from datetime import datetime
from uuid import UUID, uuid5

from domain import events
from domain.case.deciding import Award, Deciding
from domain.policy import Policy
from domain.policy.entitlement import entitlements, largest
from domain.refusals import ApprovalPending, CaseClaimedByAnother, CaseNotVerified
from domain.values import Actor, Money, Remedy, RemedyKind, RemedyRule, Role, Sealed

_KINDS = {RemedyRule.REFUND_IN_FULL: RemedyKind.REFUND, RemedyRule.MULTIPLE: RemedyKind.MULTIPLE}


class Sharing(Deciding):
    """What an incident does to one of its cases. Each command given twice records nothing the second time."""

    def step_in(self, by: Actor, policy: Policy, at: datetime) -> None:
        """Begin the review of a case that had none yet. Refused: CaseAlreadyClosed."""
        self._unless_closed()
        self._step_in(by, policy, at)

    def verify_in_batch(
        self, batch: events.BatchProposed, approved_by: str, reasons: Sealed, at: datetime
    ) -> None:
        """Take over the finding of the batch.

        Refused: CaseAlreadyClosed, WrongStage, CaseClaimedByAnother, ApprovalPending, ConflictOfInterest (of
        either person of the batch).
        """
        if self._decided_by(batch) or (self.verified and self.verified.by == _name(batch)):
            return
        self._free_for_batch(batch, approved_by, at)
        self._record(
            events.CaseVerified,
            at,
            round=self.round,
            by=_name(batch),
            finding=batch.finding,
            liability=batch.liability,
            evidence=(),
            reasons=reasons,
        )

    def decide_in_batch(
        self, batch: events.BatchProposed, approved_by: str, reasons: Sealed, policy: Policy, at: datetime
    ) -> None:
        """Issue the batch's decision; what is granted is derived by the case's own figures.

        Its two people are those of the batch. Refused: CaseAlreadyClosed, WrongStage, CaseClaimedByAnother,
        ApprovalPending, ConflictOfInterest, CaseNotVerified, ClauseNotInForce,
        CompensationExceedsEntitlement.
        """
        if self._decided_by(batch):
            return
        self._free_for_batch(batch, approved_by, at)
        if self.verified is None or self.verified.by != _name(batch):
            raise CaseNotVerified
        award = Award(self._remedies(batch, policy), batch.clauses, reasons)
        derivation = self.examined(award, Role.REVIEWER, policy)
        self._issue(_decision_id(batch, self.id), batch.by, award, derivation, policy, at)

    def _free_for_batch(self, batch: events.BatchProposed, approved_by: str, at: datetime) -> None:
        self._unless_closed()
        self._in_stage("decisions")
        if self._live_lease(at):
            raise CaseClaimedByAnother("a reviewer is at work on it")
        if self.proposals.waiting:
            raise ApprovalPending
        for person in (batch.by, approved_by):
            self._impartial(person)
            self._unless_filed_by(person)

    def _remedies(self, batch: events.BatchProposed, policy: Policy) -> tuple[Remedy, ...]:
        found = entitlements(self.matter(), policy, batch.clauses)
        currency = self.filing.order.paid.currency
        granted = []
        for kind in dict.fromkeys(_KINDS[rule] for rule in batch.rules):
            best = largest(kind, found)
            left = (best.limit or 0 if best else 0) - self.money.amount_of(kind)
            if left > 0:
                remedy_id = uuid5(_decision_id(batch, self.id), kind)
                granted.append(Remedy(remedy_id, kind, Money(left, currency), payer=batch.payer))
        return tuple(granted)

    def _decided_by(self, batch: events.BatchProposed) -> bool:
        return self.decision is not None and self.decision.decision_id == _decision_id(batch, self.id)


def _decision_id(batch: events.BatchProposed, case_id: UUID) -> UUID:
    return uuid5(batch.batch_id, str(case_id))


def _name(batch: events.BatchProposed) -> str:
    return f"batch:{batch.batch_id}"
