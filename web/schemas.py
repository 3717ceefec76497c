"""The bodies and queries of requests. Each is one instance: a class would be built anew on every request."""

from typing import Any

from marshmallow import ValidationError

from application.cases.appealing import Brought
from domain.values import (
    GOODS_KINDS,
    ActionState,
    AppealAgainst,
    AppealOutcome,
    AttemptOutcome,
    CaseType,
    Channel,
    Circumstance,
    Claim,
    ClockKind,
    CompensationState,
    Detector,
    ErasureState,
    Finding,
    FollowUpState,
    GoodsCondition,
    GoodwillKind,
    InspectionOutcome,
    LiabilityShare,
    LiableParty,
    Money,
    OrderLine,
    Party,
    Payer,
    PenaltyState,
    RecoveryState,
    Relation,
    Release,
    RemedyKind,
    RemedyRule,
    ReopenGround,
    RepairOutcome,
    Resolution,
    Role,
    Side,
    Stage,
    Stance,
    SuspensionGround,
    Urgency,
    UrgentGround,
    ViewerState,
    Visibility,
)
from projections.case_times import Awaited
from projections.pages import DEFAULT_LIMIT, LARGEST_LIMIT
from web.fields import (
    LARGEST_AMOUNT,
    Document,
    Flag,
    Id,
    Moment,
    OneOf,
    Part,
    Position,
    Several,
    Strict,
    Text,
    Whole,
)

ID_LENGTH = 128
CODE_LENGTH = 64
TITLE_LENGTH = 500
FREE_TEXT_LENGTH = 10_000
MOST_PIECES = 1_000_000
MOST_POINTS = 10_000_000
MOST_ATTEMPTS = 1000
CURSOR_LENGTH = 200
DAYS_OF_A_QUARTER = 92
MOST_DAYS = 366
LARGEST_DOCUMENT = 500_000
LARGEST_LOG = 2**63 - 1


def _id(**options: Any) -> Text:
    return Text(ID_LENGTH, r"\S(.*\S)?", required=True, **options)


def _code(**options: Any) -> Text:
    return Text(CODE_LENGTH, r"[A-Za-z0-9][A-Za-z0-9_.-]*", **options)


def _free_text() -> Text:
    return Text(FREE_TEXT_LENGTH, required=True)


class MoneySchema(Strict):
    """An amount in minor units of a currency."""

    amount_minor = Whole(0, LARGEST_AMOUNT, required=True)
    currency = Text(3, "[A-Z]{3}", required=True)

    def build(self, data: dict[str, Any]) -> Money:
        """As the domain knows it."""
        return Money(**data)


class OrderSchema(Strict):
    """The order line as it was when the case was filed."""

    order_id = _id()
    line_id = _id()
    sku = _id()
    title = Text(TITLE_LENGTH, required=True)
    category = _code(required=True)
    quantity = Whole(1, MOST_PIECES, load_default=1)
    paid = Part(MoneySchema, required=True)
    purchased_at = Moment(required=True)
    delivered_at = Moment(allow_none=True)
    promises = Several(_code(), most=50)
    confirmations = Several(_code(), most=50)

    def build(self, data: dict[str, Any]) -> OrderLine:
        """As the domain knows it."""
        return OrderLine(**data)


class ClaimSchema(Strict):
    """What the buyer asks for."""

    remedies = Several(OneOf(RemedyKind), most=len(RemedyKind), required=True)
    amount = Part(MoneySchema, allow_none=True)
    quantity = Whole(1, MOST_PIECES, load_default=1)

    def build(self, data: dict[str, Any]) -> Claim:
        """As the domain knows it."""
        return Claim(**data)


class UrgencySchema(Strict):
    """Why new rules may not wait until they were public for seven days."""

    ground = OneOf(UrgentGround, required=True)
    reason = _free_text()

    def build(self, data: dict[str, Any]) -> Urgency:
        """As the domain knows it."""
        return Urgency(**data)


class PolicyDraftSchema(Strict):
    """A version of the policy, which names itself; in force from the day that it names, or later on."""

    document = Document(LARGEST_DOCUMENT, required=True)
    note = _free_text()
    effective_from = Moment(allow_none=True)
    urgency = Part(UrgencySchema, allow_none=True)


_SPAN = {"from": Moment(required=True), "to": Moment(required=True)}
"""From one instant until before another."""


class PolicySimulationSchema(Strict.from_dict(_SPAN)):  # type: ignore[misc]  # `from` is a keyword
    """The draft to replay the history under, a document or a version of the book; what to compare of it."""

    document = Document(LARGEST_DOCUMENT, allow_none=True)
    policy = Text(CODE_LENGTH, allow_none=True)

    def build(self, data: dict[str, Any]) -> dict[str, Any]:
        """Named as the use case names them."""
        return {"begins": data.pop("from"), "ends": data.pop("to"), **data}


class ReasonSchema(Strict):
    """Why."""

    reason = _free_text()


class ContactSchema(Strict):
    """How to reach the buyer; sealed before it is recorded."""

    name = Text(200, allow_none=True)
    phone = Text(50, allow_none=True)
    address = Text(1000, allow_none=True)

    def build(self, data: dict[str, Any]) -> dict[str, str]:
        """Only what was given."""
        return {part: text for part, text in data.items() if text is not None}


class FilingSchema(Strict):
    """A new case for one order line."""

    case_type = OneOf(CaseType, required=True)
    reason = _code(required=True)
    channel = _code(required=True)
    buyer_id = _id()
    merchant_id = _id()
    order = Part(OrderSchema, required=True)
    claim = Part(ClaimSchema, required=True)
    statement = Text(FREE_TEXT_LENGTH, allow_none=True)
    contact = Part(ContactSchema, allow_none=True)


class NothingSchema(Strict):
    """A command that says everything by its address; the body is `{}` or left out."""


class ReassignmentSchema(Strict):
    """Who is to work on the case, and as what."""

    to = _id()
    role = OneOf(Role, required=True)


class NoteSchema(Strict):
    """Something written down."""

    text = _free_text()
    visibility = OneOf(Visibility, required=True)


class EvidenceSchema(Strict):
    """Evidence: staged bytes by their id or digest, or a reference alone; a uri is kept and never fetched.

    `request_id` is that of the request which it answers.
    """

    party = OneOf(Party, required=True)
    kind = _code(required=True)
    title = Text(TITLE_LENGTH, required=True)
    sha256 = Text(64, "[0-9a-fA-F]{64}", required=True)
    uri = Text(2000, allow_none=True)
    evidence_id = Id(allow_none=True)
    request_id = Id(allow_none=True)

    def build(self, data: dict[str, Any]) -> dict[str, Any]:
        """With the digest in its one spelling."""
        return data | {"sha256": data["sha256"].lower()}


class StagingQuery(Strict):
    """Whose bytes they are, and their SHA-256 in hex."""

    party = OneOf(Party, required=True)
    sha256 = Text(64, "[0-9a-fA-F]{64}", required=True)

    def build(self, data: dict[str, Any]) -> dict[str, Any]:
        """With the digest in its one spelling."""
        return data | {"sha256": data["sha256"].lower()}


class EvidenceRequestSchema(Strict):
    """What a side is asked for; without kinds, what the checklist of the case's reason names."""

    party = OneOf(Side, required=True)
    kinds = Several(_code(), most=20, load_default=())
    text = Text(FREE_TEXT_LENGTH, allow_none=True)


class AcceptanceSchema(Strict):
    """Why evidence is taken for what it claims to be, if there is something to say."""

    reasons = Text(FREE_TEXT_LENGTH, allow_none=True)


class BurdenShiftSchema(Strict):
    """Which side must prove from now on, under which clause, for which reasons."""

    to = OneOf(Side, required=True)
    clause = _code(required=True)
    reasons = _free_text()


class InspectionSchema(Strict):
    """What an inspection is to find out."""

    subject = _free_text()


class InspectionReportSchema(Strict):
    """What an inspection found and what it cost."""

    outcome = OneOf(InspectionOutcome, required=True)
    cost = Part(MoneySchema, required=True)
    report = _free_text()


class LiabilitySchema(Strict):
    """One party's share of the liability in percent."""

    party = OneOf(LiableParty, required=True)
    share = Whole(0, 100, required=True)

    def build(self, data: dict[str, Any]) -> LiabilityShare:
        """As the domain knows it."""
        return LiabilityShare(**data)


class VerificationSchema(Strict):
    """What the examination found; `established` and `loss` are what rules ask for beyond the claim."""

    finding = OneOf(Finding, required=True)
    liability = Several(Part(LiabilitySchema), most=20, required=True)
    evidence = Several(Id(), most=200, load_default=())
    reasons = _free_text()
    established = Several(OneOf(Circumstance), most=len(Circumstance))
    loss = Part(MoneySchema, allow_none=True)


class RemedySchema(Strict):
    """One thing that is granted: money by an amount, points by their number, goods by their kind."""

    kind = OneOf(RemedyKind, required=True)
    amount = Part(MoneySchema, allow_none=True)
    points = Whole(1, MOST_POINTS, allow_none=True)
    payer = OneOf(Payer, allow_none=True)
    release = OneOf(Release)

    def check(self, data: dict[str, Any]) -> None:
        """Nothing is paid that does not say how much."""
        kind: RemedyKind = data["kind"]
        amount: Money | None = data.get("amount")
        points: int | None = data.get("points")
        if kind is RemedyKind.POINTS and points is None:
            raise ValidationError("required: points carry their number", "points")
        if kind is not RemedyKind.POINTS and points is not None:
            raise ValidationError("not_applicable: only points carry a number of points", "points")
        if kind is RemedyKind.POINTS or kind in GOODS_KINDS:
            return
        if amount is None:
            raise ValidationError("required: money carries its amount", "amount")
        if amount.amount_minor == 0:
            raise ValidationError("out_of_range: must be from 1 up", "amount")


class EntitlementsQuery(Strict):
    """Under which clauses: their ids with commas between; left out, those of the case's reason."""

    clauses = Text(1000, r"[A-Za-z0-9_.-]+(,[A-Za-z0-9_.-]+)*", allow_none=True)


class DecisionSchema(Strict):
    """What is granted, under which clauses, for which reasons. No remedies: the claim is rejected.

    `discretion` says why it departs from what the rules derive; a second person must then agree.
    """

    remedies = Several(Part(RemedySchema), most=20, required=True)
    clauses = Several(_code(), least=1, most=20, required=True)
    reasons = _free_text()
    discretion = Text(FREE_TEXT_LENGTH, allow_none=True)


class ApprovalSchema(Strict):
    """The hash of what is approved, as it was answered to the proposal."""

    proposal_hash = Text(64, "[0-9a-f]{64}", required=True)


class GoodwillSchema(Strict):
    """What the platform gives beside any decision: a coupon by its amount, points by their number."""

    kind = OneOf(GoodwillKind, required=True)
    amount = Part(MoneySchema, allow_none=True)
    points = Whole(1, MOST_POINTS, allow_none=True)
    reasons = _free_text()

    def check(self, data: dict[str, Any]) -> None:
        """A gift says how much it is."""
        needed, other = ("points", "amount") if data["kind"] is GoodwillKind.POINTS else ("amount", "points")
        if data.get(needed) is None:
            raise ValidationError(f"required: {data['kind']} carry their {needed}", needed)
        if data.get(other) is not None:
            raise ValidationError(f"not_applicable: {data['kind']} carry no {other}", other)
        if needed == "amount" and data["amount"].amount_minor == 0:
            raise ValidationError("out_of_range: must be from 1 up", "amount")


class NoticeSchema(Strict):
    """How the merchant was told of the claim."""

    channel = OneOf(Channel, required=True)


class AnswerSchema(Strict):
    """The merchant's stance on the claim, and what it says to it."""

    stance = OneOf(Stance, required=True)
    text = _free_text()


class OfferSchema(Strict):
    """On what a side would settle: paid out of the merchant's account, with the clauses that it rests on."""

    remedies = Several(Part(RemedySchema), least=1, most=20, required=True)
    clauses = Several(_code(), most=20, load_default=())
    text = _free_text()


class PromiseSchema(Strict):
    """What is promised by when."""

    text = _free_text()
    due = Moment(required=True)


class ConfirmationSchema(Strict):
    """A payment that was made."""

    reference = _id()
    paid_at = Moment(required=True)
    amount = Part(MoneySchema, allow_none=True)
    attempt = Whole(1, MOST_ATTEMPTS, allow_none=True)


class FailureSchema(Strict):
    """A payment that failed."""

    reference = _id()
    reason = _free_text()
    attempt = Whole(1, MOST_ATTEMPTS, allow_none=True)


class ReversalSchema(Strict):
    """What of a line is taken back (all that stands of it, if nothing is said), and why."""

    amount = Part(MoneySchema, allow_none=True)
    reasons = _free_text()


class RepaymentSchema(Strict):
    """Money that came back."""

    reference = _id()
    amount = Part(MoneySchema, required=True)


class InstructionSchema(Strict):
    """A new attempt to pay, out of this payer's account."""

    payer = OneOf(Payer, required=True)


class MovementSchema(Strict):
    """A movement of goods under the carrier's or the warehouse's reference."""

    reference = _id()


class AuthorisationSchema(Strict):
    """Where the buyer is to send goods; the merchant's known address, if nothing is said."""

    address = Text(FREE_TEXT_LENGTH, allow_none=True)


class GoodsInspectionSchema(Strict):
    """As what goods were found that arrived, and what was found of them."""

    condition = OneOf(GoodsCondition, required=True)
    found = Several(_code(), most=50)


class RejectionSchema(Strict):
    """Why goods are not taken as good."""

    clause = _code(required=True)
    reasons = _free_text()


class RepairSchema(Strict):
    """How a repair ended."""

    outcome = OneOf(RepairOutcome, required=True)


class PenaltySchema(Strict):
    """A penalty under one clause of the tariff."""

    points = Whole(0, MOST_POINTS, required=True)
    fine = Part(MoneySchema, allow_none=True, load_default=None)
    clause = _code(required=True)
    reasons = _free_text()


class BroughtSchema(Strict):
    """Evidence by reference that comes with an appeal."""

    kind = _code(required=True)
    title = Text(TITLE_LENGTH, required=True)
    sha256 = Text(64, "[0-9a-fA-F]{64}", required=True)
    uri = Text(2000, allow_none=True)

    def build(self, data: dict[str, Any]) -> Brought:
        """As the use case takes it, with the digest in its one spelling."""
        return Brought(**data | {"sha256": data["sha256"].lower()})


class AppealSchema(Strict):
    """What is appealed against, and with which evidence: on file (`evidence`) or brought along.

    Without a `target` the last such decision, penalty or recovery is meant.
    """

    against = OneOf(AppealAgainst, load_default=AppealAgainst.DECISION)
    target = Id(allow_none=True)
    evidence = Several(Id(), most=200, load_default=())
    new_evidence = Several(Part(BroughtSchema), most=20, load_default=())
    reasons = _free_text()


class AppealDecisionSchema(Strict):
    """What is made of an appeal. Varied: a decision by the `remedies` that it grants in all, a penalty by the
    `points` and `fine` for which it counts, a recovery by the `amount` that is still to come back.
    """

    outcome = OneOf(AppealOutcome, required=True)
    clauses = Several(_code(), least=1, most=20, required=True)
    reasons = _free_text()
    remedies = Several(Part(RemedySchema), most=20, allow_none=True)
    points = Whole(0, MOST_POINTS, allow_none=True)
    fine = Part(MoneySchema, allow_none=True)
    amount = Part(MoneySchema, allow_none=True)

    def check(self, data: dict[str, Any]) -> None:
        """Only a variation changes anything."""
        if data["outcome"] is not AppealOutcome.VARIED:
            for name in ("remedies", "points", "fine", "amount"):
                if data.get(name) is not None:
                    raise ValidationError("not_applicable: only a variation changes anything", name)


class AdjustmentSchema(Strict):
    """What a penalty is lowered to."""

    points = Whole(0, MOST_POINTS, required=True)
    fine = Part(MoneySchema, allow_none=True, load_default=None)
    reasons = _free_text()


class RectificationSchema(Strict):
    """What the merchant must put right by when."""

    terms = _free_text()
    due = Moment(required=True)


class SubmissionSchema(Strict):
    """What the merchant did."""

    text = _free_text()


class VerdictSchema(Strict):
    """Whether what the merchant did is enough."""

    accepted = Flag(required=True)
    reasons = _free_text()


class ReasonsSchema(Strict):
    """Why."""

    reasons = _free_text()


class LegalHoldSchema(Strict):
    """What needs the case."""

    ground = _free_text()


class ErasureSchema(Strict):
    """Whose personal data are to be erased, and why."""

    party = OneOf(Side, required=True)
    reasons = _free_text()


class SubjectSchema(Strict):
    """A buyer, by the id under which its cases were filed."""

    buyer_id = _id()


class PhoneSchema(Strict):
    """A phone number, and which page of the cases whose buyer is reached under it."""

    phone = Text(50, required=True)
    limit = Whole(1, LARGEST_LIMIT, load_default=DEFAULT_LIMIT)
    cursor = Id()


class ForgettingSchema(SubjectSchema):
    """A buyer who wants to be forgotten, and why."""

    reasons = _free_text()


class AttemptSchema(Strict):
    """An attempt to reach the buyer."""

    channel = OneOf(Channel, required=True)
    outcome = OneOf(AttemptOutcome, required=True)


class CompletionSchema(Strict):
    """The buyer's answer; scores run from 1 to 5."""

    satisfied = Flag(required=True)
    speed = Whole(1, 5, allow_none=True)
    attitude = Whole(1, 5, allow_none=True)
    effectiveness = Whole(1, 5, allow_none=True)
    comment = Text(FREE_TEXT_LENGTH, allow_none=True)
    suggestion = Text(FREE_TEXT_LENGTH, allow_none=True)


class ClosureSchema(Strict):
    """As what the case ends."""

    resolution = OneOf(Resolution, required=True)
    reasons = _free_text()


class ReopeningSchema(Strict):
    """Why the case is taken up again."""

    ground = OneOf(ReopenGround, required=True)
    reasons = _free_text()


class ClassificationSchema(Strict):
    """What the matter is, as the taxonomy names it."""

    reason = _code(required=True)


class SuspensionSchema(Strict):
    """Why the case rests."""

    ground = OneOf(SuspensionGround, required=True)
    reasons = _free_text()


class ReceiptSchema(Strict):
    """The evidence that is the receipt."""

    evidence_id = Id(required=True)


class LinkSchema(Strict):
    """Another case and how it belongs to this one."""

    other = Id(required=True)
    relation = OneOf(Relation, required=True)


class MergerSchema(Strict):
    """The case in which the matter is dealt with."""

    into = Id(required=True)
    reasons = _free_text()


class RaisingSchema(Strict):
    """Cases that belong together, and what they have in common."""

    cases = Several(Id(), least=1, most=1000, required=True)
    merchant_id = Text(ID_LENGTH, allow_none=True)
    sku = Text(ID_LENGTH, allow_none=True)
    reason = _code(allow_none=True)


class IncidentCaseSchema(Strict):
    """One more case."""

    case_id = Id(required=True)


class BatchSchema(Strict):
    """One decision for many cases; without cases, for all of the incident's."""

    cases = Several(Id(), most=1000, load_default=())
    finding = OneOf(Finding, required=True)
    liability = Several(Part(LiabilitySchema), most=20, required=True)
    rules = Several(OneOf(RemedyRule), most=len(RemedyRule), required=True)
    clauses = Several(_code(), least=1, most=20, required=True)
    payer = OneOf(Payer, load_default=Payer.MERCHANT)
    reasons = _free_text()


class BatchApprovalSchema(Strict):
    """The batch that one approves."""

    batch_hash = Text(64, "[0-9a-f]{64}", required=True)


class PageQuery(Strict):
    """Which page of a list, and how recent it must be."""

    limit = Whole(1, LARGEST_LIMIT, textual=True, load_default=DEFAULT_LIMIT)
    cursor = Text(CURSOR_LENGTH)
    min_position = Position()


class AccessesQuery(Strict):
    """Which page of an access log."""

    limit = Whole(1, LARGEST_LIMIT, textual=True, load_default=DEFAULT_LIMIT)
    cursor = Position()


class FreshQuery(Strict):
    """How recent an answer must be."""

    min_position = Position()


class ProofQuery(Strict):
    """The size of the log under a checkpoint that the reader has; the proof leads on from there."""

    since = Whole(1, LARGEST_LOG, textual=True, load_default=None)


class CasesQuery(PageQuery):
    """Which cases."""

    order_id = Text(ID_LENGTH)
    number = Text(ID_LENGTH)
    buyer_id = Text(ID_LENGTH)
    merchant_id = Text(ID_LENGTH)
    stage = OneOf(Stage)


class QueueQuery(PageQuery):
    """Which cases of a queue; `mine`: those under the caller's own live lease."""

    case_type = OneOf(CaseType)
    stage = OneOf(Stage)
    merchant_id = Text(ID_LENGTH)
    overdue = Flag(textual=True)
    mine = Flag(textual=True, load_default=False)


class PenaltiesQuery(PageQuery):
    """Which penalties of a merchant."""

    state = OneOf(PenaltyState)


class StandingQuery(FreshQuery):
    """For how many days the running total is told, up to today."""

    days = Whole(1, MOST_DAYS, textual=True, load_default=DAYS_OF_A_QUARTER)


class MerchantCasesQuery(PageQuery):
    """Which cases of a merchant; `state`: what they are for it."""

    state = OneOf(ViewerState)
    stage = OneOf(Stage)


class PublicationsQuery(PageQuery):
    """Which published sanctions."""

    merchant_id = Text(ID_LENGTH)


class FollowUpsQuery(PageQuery):
    """Which follow-ups."""

    state = OneOf(FollowUpState)
    merchant_id = Text(ID_LENGTH)


_SPAN = {"from": Moment(), "to": Moment()}
"""From one instant until before another."""


class DeadlinesQuery(PageQuery.from_dict(_SPAN)):  # type: ignore[misc]  # `from` is a keyword
    """Which clocks; `paused`: those that stand still instead of those that run, and are due at no time."""

    kind = OneOf(ClockKind)
    party = OneOf(Awaited)
    duty = Flag(textual=True)
    overdue = Flag(textual=True)
    paused = Flag(textual=True, load_default=False)
    merchant_id = Text(ID_LENGTH)
    case_id = Id()


class WorkloadQuery(FreshQuery.from_dict(_SPAN)):  # type: ignore[misc]  # as above
    """In which span decisions are counted; left out, the last 30 days."""


class CompensationsQuery(PageQuery):
    """Which compensations."""

    state = OneOf(CompensationState)
    payer = OneOf(Payer)
    merchant_id = Text(ID_LENGTH)


class RecoveriesQuery(PageQuery):
    """Which recoveries."""

    state = OneOf(RecoveryState)
    debtor = OneOf(LiableParty)
    merchant_id = Text(ID_LENGTH)


class ErasuresQuery(PageQuery):
    """Which erasures."""

    state = OneOf(ErasureState)


class LoopsQuery(PageQuery):
    """Which open cases."""

    merchant_id = Text(ID_LENGTH)


class MomentQuery(Strict):
    """What was known at a version, at an instant, or to whoever made this decision or judged this appeal."""

    version = Whole(1, 2**31 - 1, textual=True)
    at = Moment()
    decision = Id()


class IncidentsQuery(PageQuery):
    """Which incidents."""

    state = Text(6, "open|closed")
    merchant_id = Text(ID_LENGTH)
    detector = OneOf(Detector)


class ActionOpeningSchema(Strict):
    """What a merchant must do something about: the reason of these cases, and what is asked for."""

    merchant_id = _id()
    root_cause = _code(required=True)
    cases = Several(Id(), most=200, load_default=())
    terms = _free_text()


class CorrectiveActionsQuery(PageQuery):
    """Which corrective actions."""

    merchant_id = Text(ID_LENGTH)
    root_cause = Text(CODE_LENGTH)
    state = OneOf(ActionState)
    escalated = Flag(textual=True)
    case_id = Id()


_COHORT = {"from": Moment(), "to": Moment(), "as_of": Moment()}
"""Of cases filed from one instant until before another, as they stood at a third."""


class IndicatorsQuery(FreshQuery.from_dict(_COHORT)):  # type: ignore[misc]  # `from` is a keyword
    """Of which cases, and as of when."""

    merchant_id = Text(ID_LENGTH)
    case_type = OneOf(CaseType)


class IndicatorFactsQuery(PageQuery.from_dict(_COHORT)):  # type: ignore[misc]  # as above
    """The facts of which cases, up to when."""

    merchant_id = Text(ID_LENGTH)
    case_type = OneOf(CaseType)
