"""Every no that a case can say. The docstring's first line is the problem's title.

A refusal says what *is* the case; its `code` is stable and part of the public contract.
Nothing is recorded when a command is refused.
"""

from typing import ClassVar


class Refusal(Exception):
    """The case refuses this command."""

    code: ClassVar[str]

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    @classmethod
    def title(cls) -> str:
        """The problem's title in English: the first line of the docstring without its full stop."""
        return (cls.__doc__ or "").strip().splitlines()[0].rstrip(".")


class WrongStage(Refusal):
    """The case is not in a stage that allows this."""

    code = "wrong_stage"


class CaseAlreadyClosed(Refusal):
    """The case is closed."""

    code = "case_already_closed"


class CaseNotClaimed(Refusal):
    """The case is not claimed by you."""

    code = "case_not_claimed"


class CaseClaimedByAnother(Refusal):
    """Somebody else has claimed the case."""

    code = "case_claimed_by_another"


class ConflictOfInterest(Refusal):
    """You have an interest in this case."""

    code = "conflict_of_interest"


class CaseNotVerified(Refusal):
    """The case has not been verified in this round."""

    code = "case_not_verified"


class ApprovalPending(Refusal):
    """A decision waits for a second person."""

    code = "approval_pending"


class ProposalVoid(Refusal):
    """The proposal can no longer be approved."""

    code = "proposal_void"


class ProposalHashMismatch(Refusal):
    """What you approve is not what was proposed."""

    code = "proposal_hash_mismatch"


class SecondPersonRequired(Refusal):
    """Nobody approves their own proposal."""

    code = "second_person_required"


class DecisionMissing(Refusal):
    """No decision has been issued."""

    code = "decision_missing"


class LiabilityMustSumTo100(Refusal):
    """The liability shares do not sum to 100 percent."""

    code = "liability_must_sum_to_100"


class ClauseNotInForce(Refusal):
    """A clause that is cited is not in force."""

    code = "clause_not_in_force"


class CompensationExceedsEntitlement(Refusal):
    """The compensation is more than the case is entitled to."""

    code = "compensation_exceeds_entitlement"


class DiscretionRequired(Refusal):
    """The decision departs from what the rules derive, and no reason is given for it."""

    code = "discretion_required"


class GoodwillOverLimit(Refusal):
    """The goodwill is more than you may grant on this case."""

    code = "goodwill_over_limit"


class CompensationNotSettled(Refusal):
    """Compensation is still to be paid."""

    code = "compensation_not_settled"


class CompensationAlreadySettled(Refusal):
    """The compensation is already settled."""

    code = "compensation_already_settled"


class AmountMismatch(Refusal):
    """The amount is not the one that was instructed."""

    code = "amount_mismatch"


class RecoveryAlreadySettled(Refusal):
    """The recovery is already settled."""

    code = "recovery_already_settled"


class GoodsNotSettled(Refusal):
    """Goods are still on their way."""

    code = "goods_not_settled"


class OtherPartyHandlesGoods(Refusal):
    """The other party handles these goods."""

    code = "other_party_handles_goods"


class GoodsIntact(Refusal):
    """The goods were found intact."""

    code = "goods_intact"


class ConditionContradictsFindings(Refusal):
    """The condition is not what the findings make of it."""

    code = "condition_contradicts_findings"


class FollowUpOpen(Refusal):
    """The follow-up is not done, or its answer calls for more."""

    code = "follow_up_open"


class FollowUpAlreadyCompleted(Refusal):
    """The follow-up is already over."""

    code = "follow_up_already_completed"


class RectificationOpen(Refusal):
    """The merchant has yet to rectify."""

    code = "rectification_open"


class OutcomeMissing(Refusal):
    """Nothing has happened on the case that it could be closed with."""

    code = "outcome_missing"


class ResolutionContradictsOutcome(Refusal):
    """The resolution is not what happened on the case."""

    code = "resolution_contradicts_outcome"


class NotReopenable(Refusal):
    """The case cannot be reopened."""

    code = "not_reopenable"


class CaseAlreadyOpenForOrderLine(Refusal):
    """Another case is open for this order line."""

    code = "case_already_open_for_order_line"


class PenaltyOutsideTariff(Refusal):
    """The penalty is not one that the tariff knows."""

    code = "penalty_outside_tariff"


class PenaltyNotLive(Refusal):
    """The penalty does not count any more."""

    code = "penalty_not_live"


class ReceiptNotAwaited(Refusal):
    """No receipt of a court or the police is awaited."""

    code = "receipt_not_awaited"


class NotMergeable(Refusal):
    """The cases cannot be put together."""

    code = "not_mergeable"


class PolicyVersionExists(Refusal):
    """There has been a policy version of this name."""

    code = "policy_version_exists"


class PolicyNotDrafted(Refusal):
    """The policy version is not a draft."""

    code = "policy_not_drafted"


class PolicyNeedsSecondPerson(Refusal):
    """A draft is approved by somebody else than its drafter."""

    code = "policy_needs_second_person"


class PolicyEffectiveTooEarly(Refusal):
    """The policy version would take effect before it was public long enough."""

    code = "policy_effective_too_early"


class PolicyNotPublished(Refusal):
    """The policy version is not published."""

    code = "policy_not_published"


class PolicyInForceCannotBeRetired(Refusal):
    """The policy version is in force: another one must take its place first."""

    code = "policy_in_force_cannot_be_retired"


class AppealOpen(Refusal):
    """An appeal is yet to be decided."""

    code = "appeal_open"


class AppealTargetMissing(Refusal):
    """The case has nothing of this kind that you could appeal against."""

    code = "appeal_target_missing"


class AppealWindowOver(Refusal):
    """The time in which this could be appealed is over."""

    code = "appeal_window_over"


class AlreadyAppealed(Refusal):
    """You have already appealed in this round."""

    code = "already_appealed"


class NewEvidenceMissing(Refusal):
    """The appeal brings no evidence that is newer than what it is against."""

    code = "new_evidence_missing"


class AnotherReviewerRequired(Refusal):
    """An appeal is judged by a reviewer who had no part in what it is against."""

    code = "another_reviewer_required"


class IncidentAlreadyClosed(Refusal):
    """The incident is closed."""

    code = "incident_already_closed"


class IncidentStepAlreadyTaken(Refusal):
    """This step of the incident has been taken."""

    code = "incident_step_already_taken"


class IncidentUnresolved(Refusal):
    """The incident has steps to be taken, or a batch under way."""

    code = "incident_unresolved"


class BatchPending(Refusal):
    """Another batch is under way on this incident."""

    code = "batch_pending"


class BatchHashMismatch(Refusal):
    """The batch is not the one that you saw."""

    code = "batch_hash_mismatch"


class NothingRequested(Refusal):
    """No kind of evidence was named, and the checklist has none for this reason and party."""

    code = "nothing_requested"


class EvidenceAlreadyRequested(Refusal):
    """The party has already been asked for this evidence."""

    code = "evidence_already_requested"


class NotAddressed(Refusal):
    """The request for evidence is addressed to another party."""

    code = "not_addressed"


class EvidenceWindowOver(Refusal):
    """The time in which this evidence was asked for is over."""

    code = "evidence_window_over"


class EvidenceOutstanding(Refusal):
    """Evidence or an inspection that was asked for is still outstanding."""

    code = "evidence_outstanding"


class TooManyPiecesStaged(Refusal):
    """Too many pieces of evidence wait to be submitted."""

    code = "too_many_pieces_staged"


class DigestMismatch(Refusal):
    """The digest is not that of the bytes that were staged."""

    code = "digest_mismatch"


class OwnEvidence(Refusal):
    """A party has no say about its own evidence."""

    code = "own_evidence"


class EvidenceAlreadyJudged(Refusal):
    """The party has already said this of the evidence."""

    code = "evidence_already_judged"


class EvidenceOfAnother(Refusal):
    """The evidence is another party's."""

    code = "evidence_of_another"


class EvidenceTakenBack(Refusal):
    """The evidence was withdrawn."""

    code = "evidence_taken_back"


class EvidenceCited(Refusal):
    """A finding rests on the evidence."""

    code = "evidence_cited"


class BurdenUnchanged(Refusal):
    """The burden of proof already lies there."""

    code = "burden_unchanged"


class InspectionOpen(Refusal):
    """An inspection has been ordered and not been reported."""

    code = "inspection_open"


class InspectionAlreadyReported(Refusal):
    """The inspection has already been reported."""

    code = "inspection_already_reported"


class NotYourTurn(Refusal):
    """It is the other side's turn."""

    code = "not_your_turn"


class AnswerOverdue(Refusal):
    """The time to answer is over."""

    code = "answer_overdue"


class OfferNotOpen(Refusal):
    """The offer is no longer open."""

    code = "offer_not_open"


class EscalationTooEarly(Refusal):
    """The sides have not negotiated for long enough."""

    code = "escalation_too_early"


class EscalationWindowOver(Refusal):
    """The time to ask the platform is over."""

    code = "escalation_window_over"


class CaseAlreadyEscalated(Refusal):
    """The platform has already been asked."""

    code = "case_already_escalated"


class PromiseAlreadyOver(Refusal):
    """The promise is already kept or broken."""

    code = "promise_already_over"


class DecisionNotAutomated(Refusal):
    """The decision was made by people."""

    code = "decision_not_automated"


class HumanReviewWindowOver(Refusal):
    """The time to demand a decision by people is over."""

    code = "human_review_window_over"


class ClockOpen(Refusal):
    """A duty clock still runs on the case."""

    code = "clock_open"


class CorrectiveActionAlreadyOpen(Refusal):
    """A corrective action is open already for this merchant and cause."""

    code = "corrective_action_already_open"


class CorrectiveActionAlreadyClosed(Refusal):
    """The corrective action is closed."""

    code = "corrective_action_already_closed"


class CorrectiveActionOutOfTurn(Refusal):
    """The corrective action does not wait for this now."""

    code = "corrective_action_out_of_turn"


class SecondReviewRequired(Refusal):
    """A variation is not for one person to decide: overturn the decision and decide anew."""

    code = "second_review_required"


class CaseNotEnded(Refusal):
    """The case has not ended: its personal data are still needed."""

    code = "case_not_ended"


class LegalHoldInForce(Refusal):
    """A legal hold is in force on the case."""

    code = "legal_hold_in_force"


class LegalHoldAlreadyReleased(Refusal):
    """The legal hold has been released."""

    code = "legal_hold_already_released"


class RecordsStillKept(Refusal):
    """The records of the case must still be kept."""

    code = "records_still_kept"


class ProcessingIsRestricted(Refusal):
    """These personal data are stored and protected, and may not be read."""

    code = "processing_is_restricted"


class PersonalDataAlreadyErased(Refusal):
    """The personal data have already been erased."""

    code = "personal_data_already_erased"


class UnknownPart(Exception):
    """The case has no such part; `kind` names it: appeal, compensation, evidence, goods, proposal, ..."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


REFUSALS: tuple[type[Refusal], ...] = tuple(Refusal.__subclasses__())
"""Every refusal, for the error catalogue."""
