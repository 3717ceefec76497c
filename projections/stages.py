"""Where a case stands after the facts that move it."""

from collections.abc import Mapping

from domain.events import (
    AppealFiled,
    AppealWithdrawn,
    CaseClosed,
    CaseExpired,
    CaseFiled,
    CaseMerged,
    CaseReopened,
    CaseResumed,
    CaseSuspended,
    CaseWithdrawn,
    DecisionIssued,
    DecisionOverturned,
    DecisionUpheld,
    DecisionVaried,
    ExecutionFailed,
    Fact,
    FollowUpScheduled,
    HumanReviewDemanded,
    NoticeDelivered,
    OfferAccepted,
    PlatformSteppedIn,
)
from domain.values import Stage

STAGE_AFTER: Mapping[type[Fact], Stage] = {
    CaseFiled: Stage.FILED,
    NoticeDelivered: Stage.NEGOTIATING,
    OfferAccepted: Stage.EXECUTING,
    PlatformSteppedIn: Stage.IN_REVIEW,
    DecisionIssued: Stage.EXECUTING,
    ExecutionFailed: Stage.IN_REVIEW,
    HumanReviewDemanded: Stage.IN_REVIEW,
    FollowUpScheduled: Stage.FOLLOWING_UP,
    CaseClosed: Stage.CLOSED,
    CaseExpired: Stage.EXPIRED,
    CaseReopened: Stage.IN_REVIEW,
    CaseWithdrawn: Stage.WITHDRAWN,
    CaseSuspended: Stage.SUSPENDED,
    CaseMerged: Stage.MERGED,
    AppealFiled: Stage.APPEALED,
}
"""The stage that each fact leads to which moves a case to one stage alone."""

Returning = CaseResumed | AppealWithdrawn | DecisionUpheld | DecisionVaried | DecisionOverturned
"""The facts that say themselves to which stage the case returns."""

Moving = (
    CaseFiled
    | NoticeDelivered
    | OfferAccepted
    | PlatformSteppedIn
    | DecisionIssued
    | ExecutionFailed
    | HumanReviewDemanded
    | FollowUpScheduled
    | CaseClosed
    | CaseExpired
    | CaseReopened
    | CaseWithdrawn
    | CaseSuspended
    | CaseMerged
    | AppealFiled
    | Returning
)
"""The facts that move a case from stage to stage; all others leave the stage alone."""


def stage_after(fact: Moving) -> Stage:
    """The stage that a moving fact leads to, whatever the stage before."""
    return fact.resumes if isinstance(fact, Returning) else STAGE_AFTER[type(fact)]
