"""Every fact that can stand in a history, by subject. What is written here is kept for ever.

A fact's stored name is its class name at birth; fields are only ever added, with a default.
`timestamp` is when it happened (aware UTC); when it was recorded, by whom and through which
request is kept beside it by the store. `fact` says what a fact is; each other module holds one subject.
"""

from domain.events.clocks import (
    ClockCancelled,
    ClockMissed,
    ClockPaused,
    ClockResumed,
    ClockSatisfied,
    ClockStarted,
)
from domain.events.decision import (
    CaseVerified,
    DecisionApproved,
    DecisionIssued,
    DecisionProposed,
    ProposalVoided,
)
from domain.events.ending import CaseClosed, CaseReopened
from domain.events.evidence import EvidenceSubmitted
from domain.events.fact import FACTS, Fact, stored_as, subject_of
from domain.events.filing import CaseClassified, CaseDeclined, CaseFiled, CaseWithdrawn
from domain.events.follow_up import FollowUpAttempted, FollowUpCompleted, FollowUpExhausted, FollowUpScheduled
from domain.events.goods import GoodsAccepted, GoodsReceived, GoodsShipped
from domain.events.incident import (
    BatchApproved,
    BatchCaseDecided,
    BatchCaseFailed,
    BatchProposed,
    IncidentCaseJoined,
    IncidentClosed,
    IncidentRaised,
    IncidentStepDue,
    IncidentStepMissed,
    IncidentSteppedIn,
    IncidentStepTaken,
)
from domain.events.lease import (
    CaseClaimed,
    CaseReassigned,
    CaseReleased,
    ConflictDeclared,
    LeaseExpired,
    LeaseRenewed,
)
from domain.events.money import (
    CaseCompensated,
    CompensationFailed,
    CompensationInstructed,
    CompensationOverpaid,
    CompensationRecalled,
    CompensationReversed,
    RecoveryOpened,
    RecoveryRecorded,
    RecoveryReduced,
    RecoveryWrittenOff,
)
from domain.events.negotiation import PlatformSteppedIn
from domain.events.notes import NoteAdded
from domain.events.penalty import PenaltyAssessed, PenaltyExpired
from domain.events.policy_book import (
    PolicyBookOpened,
    PolicyDrafted,
    PolicyDraftWithdrawn,
    PolicyPublished,
    PolicyRetired,
)
from domain.events.rectification import (
    RectificationAccepted,
    RectificationLapsed,
    RectificationOrdered,
    RectificationRejected,
    RectificationSubmitted,
    RectificationWaived,
)
from domain.events.relation import CaseLinked, CaseMerged
from domain.events.standing import (
    PointsAdjusted,
    PointsCounted,
    PointsDropped,
    QuarterClosed,
    SanctionEnded,
    SanctionPublished,
    SanctionRestored,
    SanctionStarted,
    StandingOpened,
)
from domain.events.suspension import CaseResumed, CaseSuspended, SuspensionConfirmed

__all__ = [
    "FACTS",
    "BatchApproved",
    "BatchCaseDecided",
    "BatchCaseFailed",
    "BatchProposed",
    "CaseClaimed",
    "CaseClassified",
    "CaseClosed",
    "CaseCompensated",
    "CaseDeclined",
    "CaseFiled",
    "CaseLinked",
    "CaseMerged",
    "CaseReassigned",
    "CaseReleased",
    "CaseReopened",
    "CaseResumed",
    "CaseSuspended",
    "CaseVerified",
    "CaseWithdrawn",
    "ClockCancelled",
    "ClockMissed",
    "ClockPaused",
    "ClockResumed",
    "ClockSatisfied",
    "ClockStarted",
    "CompensationFailed",
    "CompensationInstructed",
    "CompensationOverpaid",
    "CompensationRecalled",
    "CompensationReversed",
    "ConflictDeclared",
    "DecisionApproved",
    "DecisionIssued",
    "DecisionProposed",
    "EvidenceSubmitted",
    "Fact",
    "FollowUpAttempted",
    "FollowUpCompleted",
    "FollowUpExhausted",
    "FollowUpScheduled",
    "GoodsAccepted",
    "GoodsReceived",
    "GoodsShipped",
    "IncidentCaseJoined",
    "IncidentClosed",
    "IncidentRaised",
    "IncidentStepDue",
    "IncidentStepMissed",
    "IncidentStepTaken",
    "IncidentSteppedIn",
    "LeaseExpired",
    "LeaseRenewed",
    "NoteAdded",
    "PenaltyAssessed",
    "PenaltyExpired",
    "PlatformSteppedIn",
    "PointsAdjusted",
    "PointsCounted",
    "PointsDropped",
    "PolicyBookOpened",
    "PolicyDraftWithdrawn",
    "PolicyDrafted",
    "PolicyPublished",
    "PolicyRetired",
    "ProposalVoided",
    "QuarterClosed",
    "RecoveryOpened",
    "RecoveryRecorded",
    "RecoveryReduced",
    "RecoveryWrittenOff",
    "RectificationAccepted",
    "RectificationLapsed",
    "RectificationOrdered",
    "RectificationRejected",
    "RectificationSubmitted",
    "RectificationWaived",
    "SanctionEnded",
    "SanctionPublished",
    "SanctionRestored",
    "SanctionStarted",
    "StandingOpened",
    "SuspensionConfirmed",
    "stored_as",
    "subject_of",
]
