"""Where a case stands after the facts that move it."""

from collections.abc import Mapping

from domain.events import (
    CaseClosed,
    CaseFiled,
    CaseReopened,
    CaseWithdrawn,
    DecisionIssued,
    Fact,
    FollowUpScheduled,
    PlatformSteppedIn,
)
from domain.values import Stage

STAGE_AFTER: Mapping[type[Fact], Stage] = {
    CaseFiled: Stage.FILED,
    PlatformSteppedIn: Stage.IN_REVIEW,
    DecisionIssued: Stage.EXECUTING,
    FollowUpScheduled: Stage.FOLLOWING_UP,
    CaseClosed: Stage.CLOSED,
    CaseReopened: Stage.IN_REVIEW,
    CaseWithdrawn: Stage.WITHDRAWN,
}
"""The stage that each moving fact leads to, whatever the stage before; all others leave the stage alone."""
