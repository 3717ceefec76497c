"""The values that facts are made of: immutable, comparable, free of behaviour that could change history."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a caller may be; one policy table in `application.access` says what each may do."""

    BUYER_INTEGRATION = "buyer-integration"
    MERCHANT = "merchant"
    AGENT = "agent"
    REVIEWER = "reviewer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    FINANCE = "finance"
    LOGISTICS = "logistics"
    ADMIN = "admin"
    SYSTEM = "system"


STAFF = frozenset({Role.AGENT, Role.REVIEWER, Role.SUPERVISOR})
"""The platform's own people who work on cases."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a human or machine subject in a role; a merchant's people name their merchant."""

    id: str
    role: Role
    merchant_id: str | None = None


class CaseType(StrEnum):
    """The kinds of after-sales case."""

    REFUND_ONLY = "refund_only"
    RETURN_REFUND = "return_refund"
    EXCHANGE = "exchange"
    RESEND = "resend"
    REPAIR = "repair"
    PRICE_PROTECTION = "price_protection"
    SERVICE_COMPLAINT = "service_complaint"
    COUNTERFEIT = "counterfeit"
    FOOD_SAFETY = "food_safety"
    LOGISTICS = "logistics"
    LATE_SHIPMENT = "late_shipment"
    CONSULTATION = "consultation"


class Stage(StrEnum):
    """Where a case stands on its way from filing to its end."""

    FILED = "filed"
    NEGOTIATING = "negotiating"
    IN_REVIEW = "in_review"
    EXECUTING = "executing"
    FOLLOWING_UP = "following_up"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    MERGED = "merged"
    APPEALED = "appealed"


class ViewerState(StrEnum):
    """What the case asks of one party, as that party sees it."""

    ACTION_REQUIRED = "action_required"
    WAITING_FOR_OTHER = "waiting_for_other"
    UNDER_REVIEW = "under_review"
    APPEALABLE = "appealable"
    RESOLVED = "resolved"


class Finding(StrEnum):
    """What a verification found of the buyer's claim."""

    UPHELD = "upheld"
    PARTLY_UPHELD = "partly_upheld"
    NOT_UPHELD = "not_upheld"
    INCONCLUSIVE = "inconclusive"


class Circumstance(StrEnum):
    """What a finding can establish beside the claim itself, where a rule asks for it."""

    SELLER_KNEW = "seller_knew"
    SELLER_IS_PRODUCER = "seller_is_producer"
    BUYER_KNEW = "buyer_knew"
    HARMLESS_LABEL_FLAW = "harmless_label_flaw"


class LiableParty(StrEnum):
    """Who can be found liable."""

    MERCHANT = "merchant"
    BUYER = "buyer"
    COURIER = "courier"
    PLATFORM = "platform"
    SUPPLIER = "supplier"


class Party(StrEnum):
    """Who has a part in a case: whose evidence, word or promise something is."""

    BUYER = "buyer"
    MERCHANT = "merchant"
    PLATFORM = "platform"


class Side(StrEnum):
    """One of the two sides of a case."""

    BUYER = "buyer"
    MERCHANT = "merchant"

    @property
    def other(self) -> "Side":
        """Who stands against it."""
        return Side.MERCHANT if self is Side.BUYER else Side.BUYER


SIDES = {Role.BUYER_INTEGRATION: Side.BUYER, Role.MERCHANT: Side.MERCHANT}
"""For which side a role from outside acts."""

NEGOTIATORS = SIDES | {Role.AGENT: Side.BUYER}
"""For which side a role negotiates: an agent speaks for the buyer, who may be on the telephone."""


class Stance(StrEnum):
    """How a merchant answers a claim: it gives what is asked, says otherwise, or will not talk about it."""

    AGREES = "agrees"
    DISPUTES = "disputes"
    REFUSES = "refuses"


class OfferState(StrEnum):
    """What became of an offer to settle."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    LAPSED = "lapsed"


class EscalationGround(StrEnum):
    """Why a side asks the platform: the other one refused, is silent, or they do not agree."""

    REFUSED = "refused"
    SILENCE = "silence"
    NO_AGREEMENT = "no_agreement"


class PromiseState(StrEnum):
    """Whether a party did what it said it would."""

    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"


class EvidenceState(StrEnum):
    """How a piece of evidence on file stands: a party's word counts until the platform has spoken."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    CHALLENGED = "challenged"
    WITHDRAWN = "withdrawn"


class RequestState(StrEnum):
    """What became of a request for evidence."""

    OPEN = "open"
    SATISFIED = "satisfied"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"


class InspectionOutcome(StrEnum):
    """What an inspection of the goods found."""

    FAKE = "fake"
    FAULTY = "faulty"
    GENUINE = "genuine"
    INCONCLUSIVE = "inconclusive"


class RemedyKind(StrEnum):
    """What a decision can grant; `MONEY_KINDS` are paid, `GOODS_KINDS` move goods."""

    REFUND = "refund"
    COUPON = "coupon"
    POINTS = "points"
    FREIGHT = "freight"
    MULTIPLE = "multiple"
    RETURN = "return"
    RESEND = "resend"
    REPLACEMENT = "replacement"
    REPAIR = "repair"


GOODS_KINDS = frozenset({RemedyKind.RETURN, RemedyKind.RESEND, RemedyKind.REPLACEMENT, RemedyKind.REPAIR})
INBOUND_KINDS = frozenset({RemedyKind.RETURN, RemedyKind.REPAIR})
"""Goods that the buyer sends in; the merchant sends out the others."""

MONEY_KINDS = frozenset(RemedyKind) - GOODS_KINDS
OWED_KINDS = frozenset({RemedyKind.REFUND, RemedyKind.FREIGHT, RemedyKind.MULTIPLE})
"""Money that is owed to the buyer; other money is goodwill, which the platform gives and takes back."""


class GoodwillKind(StrEnum):
    """What the platform can give beside any decision."""

    COUPON = "coupon"
    POINTS = "points"


class Payer(StrEnum):
    """Out of whose account a remedy is paid."""

    MERCHANT = "merchant"
    DEPOSIT = "deposit"
    FUND = "fund"
    COURIER = "courier"
    PLATFORM = "platform"


class Release(StrEnum):
    """When an authorised remedy is instructed."""

    NOW = "now"
    GOODS_ACCEPTED = "goods_accepted"


class CompensationState(StrEnum):
    """One money line from its decision to its payment."""

    AUTHORISED = "authorised"
    INSTRUCTED = "instructed"
    PAID = "paid"
    FAILED = "failed"
    REVERSED = "reversed"


class ReversalCause(StrEnum):
    """Why a money line, or a part of it, no longer stands."""

    OVERTURNED = "overturned"
    VARIED = "varied"
    HUMAN_REVIEW = "human_review"
    MISTAKE = "mistake"
    UNFULFILLED = "unfulfilled"
    WITHDRAWN = "withdrawn"


class RecoveryCause(StrEnum):
    """Why money is to come back to whoever paid it."""

    FUND_ADVANCE = "fund_advance"
    LATE_SUCCESS = "late_success"
    OVERTURNED = "overturned"
    VARIED = "varied"
    HUMAN_REVIEW = "human_review"
    MISTAKE = "mistake"


class RecoveryState(StrEnum):
    """How far a recovery has come; of one that is cancelled nothing is owed any more."""

    OPEN = "open"
    RECOVERED = "recovered"
    WRITTEN_OFF = "written_off"
    CANCELLED = "cancelled"


class GoodsState(StrEnum):
    """One leg of goods on its way, to its end in the last six."""

    TO_SHIP = "to_ship"
    IN_TRANSIT = "in_transit"
    REFUSED = "refused"
    RECEIVED = "received"
    INSPECTED = "inspected"
    IN_REPAIR = "in_repair"
    REPAIRED = "repaired"
    REPAIR_FAILED = "repair_failed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    LOST = "lost"
    LAPSED = "lapsed"
    EXCHANGED = "exchanged"
    CANCELLED = "cancelled"


class GoodsCondition(StrEnum):
    """As what goods were found that arrived."""

    INTACT = "intact"
    DAMAGED = "damaged"
    WRONG = "wrong"
    EMPTY = "empty"
    MISSING = "missing"


class RepairOutcome(StrEnum):
    """How a repair ended."""

    REPAIRED = "repaired"
    FAILED = "failed"


class PenaltyState(StrEnum):
    """Whether a penalty counts."""

    LIVE = "live"
    EXPIRED = "expired"
    REVERSED = "reversed"


class ActionState(StrEnum):
    """What a corrective action waits for: a measure, its verdict, its completion, its effect; or nothing."""

    OPEN = "open"
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    CLOSED = "closed"


class EscalationCause(StrEnum):
    """Why a corrective action needs a supervisor."""

    MEASURE_OVERDUE = "measure_overdue"
    VERDICT_OVERDUE = "verdict_overdue"
    COMPLETION_OVERDUE = "completion_overdue"
    NO_EFFECT = "no_effect"


class ActionClosing(StrEnum):
    """As what a corrective action ended: its measure had effect, its ground fell, or somebody ended it."""

    EFFECTIVE = "effective"
    GROUNDLESS = "groundless"
    ENDED = "ended"


class DropCause(StrEnum):
    """Why the points of a penalty no longer count against a merchant."""

    EXPIRED = "expired"
    REVERSED = "reversed"
    RESET = "reset"


class SanctionEnd(StrEnum):
    """How a sanction ended: in its time, with points that it rested on, or in a higher one."""

    SERVED = "served"
    REVERSED = "reversed"
    SUPERSEDED = "superseded"


class PenaltyReversalCause(StrEnum):
    """Why a penalty fell: the decision under it did, on appeal or by human review, or it did so itself."""

    DECISION_OVERTURNED = "decision_overturned"
    PENALTY_OVERTURNED = "penalty_overturned"
    HUMAN_REVIEW = "human_review"


class AppealAgainst(StrEnum):
    """What can be appealed against."""

    DECISION = "decision"
    PENALTY = "penalty"
    RECOVERY = "recovery"


class AppealOutcome(StrEnum):
    """How an appeal is decided: nothing changes, something does, or what was decided falls."""

    UPHELD = "upheld"
    VARIED = "varied"
    OVERTURNED = "overturned"


class AppealState(StrEnum):
    """One appeal from its filing to its end."""

    OPEN = "open"
    WITHDRAWN = "withdrawn"
    UPHELD = "upheld"
    VARIED = "varied"
    OVERTURNED = "overturned"


class RectificationState(StrEnum):
    """A merchant's duty to put its house in order."""

    ORDERED = "ordered"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WAIVED = "waived"
    LAPSED = "lapsed"


class FollowUpState(StrEnum):
    """Whether the buyer has been asked how it went."""

    DUE = "due"
    DONE = "done"
    EXHAUSTED = "exhausted"


class Channel(StrEnum):
    """How a buyer is contacted for a follow-up."""

    PHONE = "phone"
    APP = "app"
    SMS = "sms"
    EMAIL = "email"
    CHAT = "chat"


class AttemptOutcome(StrEnum):
    """How an attempt to contact the buyer ended."""

    REACHED = "reached"
    UNREACHABLE = "unreachable"


class Visibility(StrEnum):
    """Who may read a note."""

    INTERNAL = "internal"
    PARTIES = "parties"


class Resolution(StrEnum):
    """As what a case is closed."""

    COMPENSATED = "compensated"
    SETTLED = "settled"
    REPLACED = "replaced"
    REPAIRED = "repaired"
    REJECTED = "rejected"
    DECLINED = "declined"
    ANSWERED = "answered"
    MERGED = "merged"


class ReopenGround(StrEnum):
    """Why a case is taken up again."""

    UNSATISFIED = "unsatisfied"
    NEW_FACTS = "new_facts"
    OVERTURNED = "overturned"
    GRACE = "grace"


class ExpiryGround(StrEnum):
    """What a party did not do in time, so that the case ended by the clock."""

    GOODS_NOT_SENT_IN = "goods_not_sent_in"


class SuspensionGround(StrEnum):
    """Why a case rests: the parties settle, or a court or the police deal with the matter."""

    SETTLEMENT = "settlement"
    COURT = "court"
    POLICE = "police"


class ResumeCause(StrEnum):
    """Why a case no longer rests."""

    REQUESTED = "requested"
    LAPSED = "lapsed"


class Relation(StrEnum):
    """How another case belongs to this one."""

    RELATED = "related"
    SAME_ORDER = "same_order"
    FOLLOWS = "follows"


class Detector(StrEnum):
    """What raised an incident: one of the detectors over facts, or a person."""

    SPIKE_AT_MERCHANT = "spike_at_merchant"
    SPIKE_OF_SKU = "spike_of_sku"
    BREACHES = "breaches"
    REPEAT_BUYER = "repeat_buyer"
    PERSON = "person"


class IncidentStep(StrEnum):
    """What an incident asks for, in its order: first feedback, facts established, a plan agreed (X-1)."""

    FEEDBACK = "feedback"
    FACTS = "facts"
    PLAN = "plan"


class RemedyRule(StrEnum):
    """How a batch derives what each of its cases is granted."""

    REFUND_IN_FULL = "refund_in_full"
    MULTIPLE = "multiple"


class ClockKind(StrEnum):
    """What a clock measures: duties, which block closing, and windows of a right, which do not."""

    ANSWER = "answer"
    REPLY = "reply"
    EXECUTION = "execution"
    PROMISE = "promise"
    FOLLOW_UP = "follow_up"
    RECTIFICATION = "rectification"
    EVIDENCE = "evidence"
    INSPECTION = "inspection"
    APPEAL = "appeal"
    PENALTY_EXPIRY = "penalty_expiry"
    SUSPENSION = "suspension"
    STAGING = "staging"
    GOODS_SHIPMENT = "goods_shipment"
    GOODS_HANDLING = "goods_handling"
    RETENTION = "retention"


class ErasureState(StrEnum):
    """How far a request to erase a side's personal data came.

    restricted: they must be kept, and are not read · erasable: they need be kept no longer · proposed:
    another person must agree.
    """

    RESTRICTED = "restricted"
    ERASABLE = "erasable"
    PROPOSED = "proposed"
    REJECTED = "rejected"
    ERASED = "erased"


BARE_DUTIES = frozenset({ClockKind.ANSWER, ClockKind.REPLY, ClockKind.EXECUTION, ClockKind.PROMISE})
"""The clocks of duties that end with the case, and that nothing else on it stands for."""


class ProposalState(StrEnum):
    """What became of a decision that needs a second person."""

    WAITING = "waiting"
    APPROVED = "approved"
    VOID = "void"


class VoidCause(StrEnum):
    """Why a proposal can no longer be approved."""

    REJECTED = "rejected"
    NEW_EVIDENCE = "new_evidence"
    NEW_FINDING = "new_finding"
    CLASSIFIED = "classified"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    AGREED = "agreed"
    MERGED = "merged"
    RECUSED = "recused"


class ReleaseCause(StrEnum):
    """Why a lease ended before its time."""

    RELEASED = "released"
    PROPOSED = "proposed"
    DECIDED = "decided"
    AGREED = "agreed"
    RECUSED = "recused"


class PolicyState(StrEnum):
    """How a version of the policy stands."""

    DRAFTED = "drafted"
    WITHDRAWN = "withdrawn"
    UPCOMING = "upcoming"
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    RETIRED = "retired"


class UrgentGround(StrEnum):
    """Why new rules may take effect before they were public long enough."""

    LAW = "law"
    AUTHORITY = "authority"
    SAFETY = "safety"
    SECURITY = "security"


class SealedFor(StrEnum):
    """Whose text a sealed value is; each has a data key of its own in each case."""

    BUYER = "buyer"
    MERCHANT = "merchant"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Urgency:
    """The ground on which new rules may not wait, and what it is in words, for everybody to read."""

    ground: UrgentGround
    reason: str


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (fen, cents) of an ISO 4217 currency."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """Text that this room cannot read: whose it is, the key it is under, and the base64url envelope."""

    person: SealedFor
    key_id: UUID
    box: str


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach the buyer; each part sealed."""

    name: Sealed | None = None
    phone: Sealed | None = None
    address: Sealed | None = None


@dataclass(frozen=True, slots=True)
class OrderLine:
    """The order line as it was when the case was filed, so that nothing is looked up at replay.

    `paid` is the total paid for the line; `quantity` the number of pieces in it.
    """

    order_id: str
    line_id: str
    sku: str
    title: str
    category: str
    quantity: int
    paid: Money
    purchased_at: datetime
    delivered_at: datetime | None = None
    promises: tuple[str, ...] = ()
    confirmations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """What the buyer asks for, for so many pieces of the order line."""

    remedies: tuple[RemedyKind, ...]
    amount: Money | None = None
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Objection:
    """A rule's reasoned no: the clause that it rests on and a stable reason code."""

    clause: str
    reason: str


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A piece of evidence by reference, put on file together with something else."""

    evidence_id: UUID
    kind: str
    sha256: str
    title: Sealed
    uri: Sealed | None = None


@dataclass(frozen=True, slots=True)
class LiabilityShare:
    """A party's part of the liability in percent."""

    party: LiableParty
    share: int


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that a decision grants. Goods kinds need no amount; points carry `points`.

    `remedy_id` names the compensation or the goods leg that follows from it.
    """

    remedy_id: UUID
    kind: RemedyKind
    amount: Money | None = None
    points: int | None = None
    payer: Payer | None = None
    release: Release = Release.NOW


@dataclass(frozen=True, slots=True)
class Step:
    """One rule applied: its id, the policy version that it was taken from, what went in and what came out.

    Amounts are minor units of the order's currency, times RFC 3339 in UTC, durations seconds.
    """

    rule: str
    policy: str
    inputs: Mapping[str, int | str] = field(default_factory=dict)
    result: int | str = ""


Derivation = tuple[Step, ...]
"""How a rule came to what a fact says: every step in its order; the last one's result is the outcome."""
