"""The shapes of answers, for the OpenAPI document. Answers are tolerant: members may be added."""

from marshmallow import Schema, fields

from domain.values import (
    ActionClosing,
    ActionState,
    AppealAgainst,
    AppealState,
    CaseType,
    ClockKind,
    CompensationState,
    Detector,
    ErasureState,
    EscalationCause,
    Finding,
    FollowUpState,
    GoodsCondition,
    GoodsState,
    LiableParty,
    OfferState,
    Party,
    Payer,
    PenaltyState,
    PolicyState,
    PromiseState,
    RecoveryCause,
    RecoveryState,
    RectificationState,
    Release,
    RemedyKind,
    Role,
    SanctionEnd,
    Side,
    Stage,
    UrgentGround,
    ViewerState,
)
from projections.case_times import Awaited
from web.fields import OneOf

REASONS_OPEN = (
    "review",
    "approval",
    "negotiation",
    "evidence",
    "appeal",
    "suspension",
    "clock",
    "money",
    "goods",
    "rectification",
    "follow_up",
)


PERSONAL_STATES = ("open", "restricted", "erasable", "erased")

SANCTION_STATES = ("running", *SanctionEnd)


class Problem(Schema):
    """A refusal or failure (RFC 9457); `code` is stable, `title` is in the caller's language."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    errors = fields.List(
        fields.Nested(
            Schema.from_dict(
                {
                    "pointer": fields.String(required=True),
                    "code": fields.String(required=True),
                    "detail": fields.String(required=True),
                    "in": fields.String(required=True),
                },
                name="ProblemFault",
            )
        ),
        required=True,
    )
    request_id = fields.String(required=True)


class Stale(Problem):
    """It has moved on: its version now, and the facts since the one that the caller saw."""

    version = fields.Integer(required=True)
    since = fields.List(fields.Nested(lambda: HistoryEntry()), required=True)


class StaleCase(Stale):
    """The case has moved on."""

    case_id = fields.UUID(required=True)
    number = fields.String(required=True)
    stage = OneOf(Stage, required=True)


class Amount(Schema):
    """An amount in minor units of a currency."""

    amount_minor = fields.Integer(required=True)
    currency = fields.String(required=True)


class Actor(Schema):
    """Who acted; a merchant is shown the platform's people by their role."""

    id = fields.String(required=True, allow_none=True)
    role = OneOf(Role, required=True)


class Recorded(Schema):
    """What every command answers; `position` is for `min_position` of list reads."""

    version = fields.Integer(required=True)
    position = fields.String(required=True)


class Command(Recorded):
    """What every command on a case answers."""

    case_id = fields.UUID(required=True)
    number = fields.String(required=True)
    stage = OneOf(Stage, required=True)


class HeldLease(Schema):
    """A lease; its token is for `Lease-Token`."""

    holder = fields.String(required=True)
    token = fields.String(required=True)
    expires_at = fields.DateTime(required=True)


class Leased(Command):
    """A case that was claimed."""

    lease = fields.Nested(HeldLease, required=True)


class Assignment(Schema):
    """Who holds a case until when; the token is the holder's own."""

    holder = fields.String(required=True)
    role = OneOf(Role, required=True)
    expires_at = fields.DateTime(required=True)


class Reassigned(Command):
    """A case that was given to somebody."""

    lease = fields.Nested(Assignment, required=True)


class Noted(Command):
    """A note that was taken."""

    note_id = fields.UUID(required=True)


class EvidenceOnFile(Command):
    """Evidence that was put on file."""

    evidence_id = fields.UUID(required=True)


class EvidenceAskedFor(Command):
    """Evidence that a side was asked for, and until when."""

    request_id = fields.UUID(required=True)
    kinds = fields.List(fields.String(), required=True)
    due = fields.DateTime(required=True)


class InspectionUnderWay(Command):
    """An inspection that was ordered."""

    inspection_id = fields.UUID(required=True)


class Compensation(Schema):
    """One money line; `goodwill`: it was given beside any decision."""

    compensation_id = fields.UUID(required=True)
    kind = OneOf(RemedyKind, required=True)
    amount = fields.Nested(Amount, required=True, allow_none=True)
    points = fields.Integer(required=True, allow_none=True)
    stands = fields.Nested(Amount, required=True, allow_none=True)
    payer = OneOf(Payer, required=True)
    release = OneOf(Release, required=True)
    goodwill = fields.Boolean(required=True)
    state = OneOf(CompensationState, required=True)
    attempts = fields.Integer(required=True)


class Recovery(Schema):
    """Money that is to come back: who owes it, to whose account, and how much of it has come."""

    recovery_id = fields.UUID(required=True)
    compensation_id = fields.UUID(required=True)
    debtor = OneOf(LiableParty, required=True)
    creditor = OneOf(Payer, required=True)
    amount = fields.Nested(Amount, required=True)
    recovered = fields.Nested(Amount, required=True)
    cause = OneOf(RecoveryCause, required=True)
    state = OneOf(RecoveryState, required=True)
    appeal_until = fields.DateTime(required=True, allow_none=True)


class GoodsLeg(Schema):
    """Goods on their way: where to and by when, once a return was authorised; as what they were found."""

    goods_id = fields.UUID(required=True)
    kind = OneOf(RemedyKind, required=True)
    state = OneOf(GoodsState, required=True)
    ship_by = fields.DateTime(required=True, allow_none=True)
    address = fields.String(required=True, allow_none=True)
    condition = OneOf(GoodsCondition, required=True, allow_none=True)


class Warranty(Schema):
    """How long the goods are warranted; the seconds that they were in repair do not count."""

    begins = fields.DateTime(required=True)
    ends_at = fields.DateTime(required=True)
    in_repair = fields.Integer(required=True)


class Decided(Command):
    """A decision that was issued."""

    decision_id = fields.UUID(required=True)
    compensations = fields.List(fields.Nested(Compensation), required=True)
    goods = fields.List(fields.Nested(GoodsLeg), required=True)


class Proposed(Command):
    """A decision that waits for a second person, who approves exactly what the hash is of."""

    proposal_id = fields.UUID(required=True)
    proposal_hash = fields.String(required=True)


class PersonalData(Schema):
    """How a side's personal data stand; until when, and by which rule, they are kept and not read."""

    state = fields.String(required=True, metadata={"enum": list(PERSONAL_STATES)})
    until = fields.DateTime(required=True, allow_none=True)
    clause = fields.String(required=True, allow_none=True)


class PersonalDataKept(Command):
    """Personal data that must be kept: from now on they are stored and protected, and not read."""

    party = OneOf(Side, required=True)
    personal_data = fields.Nested(PersonalData, required=True)


class ErasureWaiting(PersonalDataKept):
    """An erasure that waits for a second person, who approves exactly what the hash is of."""

    proposal_id = fields.UUID(required=True)
    proposal_hash = fields.String(required=True)


class Held(Command):
    """A legal hold that was placed."""

    hold_id = fields.UUID(required=True)


class Given(Command):
    """Goodwill that was given: the money line that pays it."""

    compensation = fields.Nested(Compensation, required=True)


class Notified(Command):
    """A notice that was delivered."""

    notice_id = fields.UUID(required=True)


class Offered(Command):
    """An offer that was made."""

    offer_id = fields.UUID(required=True)


class Agreed(Command):
    """What a side has said, and what follows where the sides agree: nothing, as long as they do not."""

    compensations = fields.List(fields.Nested(Compensation), required=True)
    goods = fields.List(fields.Nested(GoodsLeg), required=True)


class Promised(Command):
    """A promise that was made."""

    promise_id = fields.UUID(required=True)


class Penalised(Command):
    """A penalty that was assessed."""

    penalty_id = fields.UUID(required=True)


class Ordered(Command):
    """A rectification that was ordered."""

    rectification_id = fields.UUID(required=True)


class Appealed(Command):
    """An appeal that was filed, taken back or decided; what a variation granted is named as in a decision."""

    appeal_id = fields.UUID(required=True)
    appeal_state = OneOf(AppealState, required=True)


class CaseAppeal(Schema):
    """An appeal of this case; `outcome` says what was made of it, by which clauses and for which reasons."""

    appeal_id = fields.UUID(required=True)
    party = OneOf(Side, required=True)
    against = OneOf(AppealAgainst, required=True)
    target = fields.UUID(required=True)
    round = fields.Integer(required=True)
    evidence = fields.List(fields.UUID(), required=True)
    reasons = fields.String(required=True, allow_none=True)
    due = fields.DateTime(required=True)
    at = fields.DateTime(required=True)
    actor = fields.Nested(Actor, required=True)
    state = OneOf(AppealState, required=True)
    outcome = fields.Dict(required=True, allow_none=True)


class CasePenalty(Schema):
    """A penalty of this case."""

    penalty_id = fields.UUID(required=True)
    points = fields.Integer(required=True)
    fine = fields.Nested(Amount, required=True, allow_none=True)
    clause = fields.String(required=True)
    state = OneOf(PenaltyState, required=True)
    appeal_until = fields.DateTime(required=True, allow_none=True)


class CaseFollowUp(Schema):
    """A follow-up of this case."""

    follow_up_id = fields.UUID(required=True)
    due = fields.DateTime(required=True)
    state = OneOf(FollowUpState, required=True)
    attempts = fields.Integer(required=True)
    max_attempts = fields.Integer(required=True)
    satisfied = fields.Boolean(required=True, allow_none=True)


class CaseRectification(Schema):
    """What the merchant must put right."""

    rectification_id = fields.UUID(required=True)
    due = fields.DateTime(required=True)
    state = OneOf(RectificationState, required=True)


class CaseOffer(Schema):
    """An offer to settle, what became of it, and until when it can be replied to."""

    offer_id = fields.UUID(required=True)
    party = OneOf(Side, required=True)
    remedies = fields.List(fields.Dict(), required=True)
    clauses = fields.List(fields.String(), required=True)
    text = fields.String(required=True, allow_none=True)
    due = fields.DateTime(required=True)
    state = OneOf(OfferState, required=True)


class CaseNegotiation(Schema):
    """What the sides have said since the merchant was told, and whose turn it is.

    `answer_due`: by when a merchant must answer that has not; `defaulted`: it did not.
    """

    notified_at = fields.DateTime(required=True)
    turn = OneOf(Side, required=True, allow_none=True)
    answer_due = fields.DateTime(required=True, allow_none=True)
    answer = fields.Dict(required=True, allow_none=True)
    offers = fields.List(fields.Nested(CaseOffer), required=True)
    agreement = fields.Dict(required=True, allow_none=True)
    escalation = fields.Dict(required=True, allow_none=True)
    defaulted = fields.Boolean(required=True)


class CasePromise(Schema):
    """What a party promised, and whether it did it."""

    promise_id = fields.UUID(required=True)
    party = OneOf(Party, required=True)
    text = fields.String(required=True, allow_none=True)
    due = fields.DateTime(required=True)
    state = OneOf(PromiseState, required=True)


class LiabilityPart(Schema):
    """One party's share of the liability in percent."""

    party = OneOf(LiableParty, required=True)
    share = fields.Integer(required=True)


class Burden(Schema):
    """Which side must prove now.

    derivation: how the policy came to that; empty once it was shifted · lapsed_requests: the requests for
    evidence that this side let lapse.
    """

    party = OneOf(Side, required=True)
    derivation = fields.List(fields.Dict(), required=True)
    shifted = fields.Dict(required=True, allow_none=True)
    lapsed_requests = fields.List(fields.UUID(), required=True)


class CurrentLease(Schema):
    """Who works on the case now; the token is shown to its holder."""

    holder = fields.String(required=True, allow_none=True)
    role = OneOf(Role, required=True)
    token = fields.String(required=True, allow_none=True)
    expires_at = fields.DateTime(required=True)


class Case(Schema):
    """A case as the caller may see it.

    `viewer_state` is what it asks of the caller, `allowed` names the commands that the caller could give now.
    """

    case_id = fields.UUID(required=True)
    number = fields.String(required=True)
    stage = OneOf(Stage, required=True)
    version = fields.Integer(required=True)
    round = fields.Integer(required=True)
    case_type = OneOf(CaseType, required=True)
    reason = fields.String(required=True)
    channel = fields.String(required=True)
    merchant_id = fields.String(required=True)
    filed_at = fields.DateTime(required=True)
    order = fields.Dict(required=True)
    claim = fields.Dict(required=True)
    objections = fields.List(fields.Dict(), required=True)
    statement = fields.String(required=True, allow_none=True)
    contact = fields.Dict(required=True, allow_none=True)
    negotiation = fields.Nested(CaseNegotiation, required=True, allow_none=True)
    promises = fields.List(fields.Nested(CasePromise), required=True)
    finding = OneOf(Finding, required=True, allow_none=True)
    liability = fields.List(fields.Nested(LiabilityPart), required=True)
    decision = fields.Dict(required=True, allow_none=True)
    human_review = fields.Dict(required=True, allow_none=True)
    proposal = fields.Dict(required=True, allow_none=True)
    compensations = fields.List(fields.Nested(Compensation), required=True)
    recoveries = fields.List(fields.Nested(Recovery), required=True)
    goods = fields.List(fields.Nested(GoodsLeg), required=True)
    warranty = fields.Nested(Warranty, required=True, allow_none=True)
    evidence = fields.List(fields.Dict(), required=True)
    staged = fields.List(fields.Dict(), required=True)
    evidence_requests = fields.List(fields.Dict(), required=True)
    burden = fields.Nested(Burden, required=True)
    inspections = fields.List(fields.Dict(), required=True)
    notes = fields.List(fields.Dict(), required=True)
    penalties = fields.List(fields.Nested(CasePenalty), required=True)
    appeals = fields.List(fields.Nested(CaseAppeal), required=True)
    follow_ups = fields.List(fields.Nested(CaseFollowUp), required=True)
    rectification = fields.Nested(CaseRectification, required=True, allow_none=True)
    suspension = fields.Dict(required=True, allow_none=True)
    links = fields.List(fields.Dict(), required=True)
    expiry = fields.Dict(required=True, allow_none=True)
    merged_into = fields.Dict(required=True, allow_none=True)
    personal_data = fields.Dict(keys=fields.String(), values=fields.Nested(PersonalData), required=True)
    legal_holds = fields.List(fields.Dict(), required=True)
    erasures = fields.List(fields.Dict(), required=True)
    lease = fields.Nested(CurrentLease, required=True, allow_none=True)
    viewer_state = OneOf(ViewerState, required=True)
    allowed = fields.List(fields.String(), required=True)


class HistoryEntry(Schema):
    """One fact. Texts that the caller may not read are null."""

    version = fields.Integer(required=True)
    position = fields.String(required=True)
    type = fields.String(required=True)
    recorded_at = fields.DateTime(required=True)
    at = fields.DateTime(required=True)
    actor = fields.Nested(Actor, required=True)
    request_id = fields.String(required=True, allow_none=True)
    data = fields.Dict(required=True)


class Entitlement(Schema):
    """The most that a clause allows of one kind of remedy; goods have neither `limit` nor `points`."""

    kind = OneOf(RemedyKind, required=True)
    clause = fields.String(required=True)
    title = fields.Dict(required=True)
    limit = fields.Nested(Amount, required=True, allow_none=True)
    points = fields.Integer(required=True, allow_none=True)
    derivation = fields.List(fields.Dict(), required=True)


class Entitlements(Schema):
    """What the caller could grant on a case now, under the policy that counts for it."""

    policy = fields.String(required=True)
    data = fields.List(fields.Nested(Entitlement), required=True)


class History(Schema):
    """The facts of a case in order; a party's view has gaps where notes are internal."""

    data = fields.List(fields.Nested(HistoryEntry), required=True)


class LogLeaf(Schema):
    """An entry of the log, exactly, and the hashes that prove that it is there."""

    index = fields.Integer(required=True)
    entry = fields.String(required=True)
    proof = fields.List(fields.String(), required=True)


class ProvedEvent(LogLeaf):
    """An event with its record and the salt of its commitment, or `withheld` with the reason."""

    salt = fields.String()
    record = fields.String()
    withheld = fields.String()


class ProvedMap(LogLeaf):
    """The map of every case's newest event, and what proves this case's place in it."""

    place = fields.Integer(required=True)
    size = fields.Integer(required=True)
    within = fields.List(fields.String(), required=True)
    above = fields.List(fields.String(), required=True)


class LogBeginning(Schema):
    """An earlier head of the log, and what proves that the log continues it."""

    size = fields.Integer(required=True)
    root = fields.String(required=True)
    proof = fields.List(fields.String(), required=True)


class CaseProof(Schema):
    """What `recourse_verify.py` checks. Canonical JSON: kept byte for byte as it came."""

    format = fields.String(required=True)
    version = fields.Integer(required=True)
    origin = fields.String(required=True)
    vkey = fields.String(required=True)
    case = fields.UUID(required=True)
    checkpoint = fields.String(required=True)
    events = fields.List(fields.Nested(ProvedEvent), required=True)
    map = fields.Nested(ProvedMap, required=True)
    consistency = fields.List(fields.Nested(LogBeginning), required=True)
    sha256 = fields.String(required=True)


class LogEntry(Schema):
    """An entry of the log, exactly; `proof` is what https://c2sp.org/tlog-proof writes of it."""

    number = fields.String(required=True)
    entry = fields.String(required=True)
    proof = fields.String(required=True)


class Page(Schema):
    """A page of a list; `next_cursor` asks for the next one."""

    has_more = fields.Boolean(required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class AccessEntry(Schema):
    """One entry of an access log: who saw or was refused what, and why; `fields` names what was opened."""

    access_id = fields.UUID(required=True)
    type = fields.String(required=True)
    at = fields.DateTime(required=True)
    actor = fields.Nested(Actor, required=True)
    request_id = fields.String(required=True)
    permission = fields.String(required=True)
    fields_ = fields.List(fields.String(), required=True, data_key="fields")
    export = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class Accesses(Page):
    """Who saw what of a case, the newest first."""

    data = fields.List(fields.Nested(AccessEntry), required=True)


class FoundCase(Schema):
    """A case in a search."""

    case_id = fields.UUID(required=True)
    number = fields.String(required=True)
    stage = OneOf(Stage, required=True)
    case_type = OneOf(CaseType, required=True)
    reason = fields.String(required=True)
    merchant_id = fields.String(required=True)
    order_id = fields.String(required=True)
    line_id = fields.String(required=True)
    filed_at = fields.DateTime(required=True)
    stale = fields.Boolean()


class Cases(Page):
    """Cases, the newest first."""

    data = fields.List(fields.Nested(FoundCase), required=True)


class CasesByPhone(Page):
    """Cases whose buyer is reached under a phone number, in the order of their ids; a page may hold none."""

    data = fields.List(fields.Nested(FoundCase), required=True)


class QueueCount(Schema):
    """A queue and how many cases stand in it."""

    name = fields.String(required=True)
    open = fields.Integer(required=True)
    overdue = fields.Integer(required=True)


class Queues(Schema):
    """Every queue."""

    data = fields.List(fields.Nested(QueueCount), required=True)


class QueuedCase(Schema):
    """A case in a queue."""

    case_id = fields.UUID(required=True)
    number = fields.String(required=True)
    stage = OneOf(Stage, required=True)
    case_type = OneOf(CaseType, required=True)
    merchant_id = fields.String(required=True)
    due = fields.DateTime(required=True)
    overdue = fields.Boolean(required=True)
    claimed_by = fields.String(required=True, allow_none=True)
    filed_at = fields.DateTime(required=True)
    stale = fields.Boolean()


class Queue(Page):
    """The cases of a queue, the most urgent first."""

    data = fields.List(fields.Nested(QueuedCase), required=True)


class AssessedPenalty(Schema):
    """What a penalty was before it was lowered."""

    points = fields.Integer(required=True)
    fine = fields.Nested(Amount, required=True, allow_none=True)


class LedgerLine(Schema):
    """A penalty in a merchant's ledger; `assessed` where it was lowered since."""

    penalty_id = fields.UUID(required=True)
    case_id = fields.UUID(required=True)
    points = fields.Integer(required=True)
    fine = fields.Nested(Amount, required=True, allow_none=True)
    clause = fields.String(required=True)
    state = OneOf(PenaltyState, required=True)
    assessed_at = fields.DateTime(required=True)
    assessed = fields.Nested(AssessedPenalty)
    stale = fields.Boolean()


class LedgerTotals(Schema):
    """What counts now; fines in other currencies than CNY stand apart."""

    points_live = fields.Integer(required=True)
    fine_minor_live = fields.Integer(required=True)
    other_fines_live = fields.List(fields.Nested(Amount))


class Ledger(Page):
    """A merchant's penalties, the newest first."""

    data = fields.List(fields.Nested(LedgerLine), required=True)
    totals = fields.Nested(LedgerTotals, required=True)


class PointsLine(Schema):
    """The points of a penalty: as they were assessed, and as they count until then."""

    penalty_id = fields.UUID(required=True)
    case_id = fields.UUID(required=True)
    points = fields.Integer(required=True)
    assessed = fields.Integer(required=True)
    clause = fields.String(required=True)
    assessed_at = fields.DateTime(required=True)
    counts_until = fields.DateTime(required=True)


class DayOfPoints(Schema):
    """What counted when a day of Shanghai ended."""

    day = fields.Date(required=True)
    points = fields.Integer(required=True)


class PointsOfMerchant(Schema):
    """What counts against a merchant now, and what did on each day; `stale`: later facts are missing."""

    live = fields.Integer(required=True)
    lines = fields.List(fields.Nested(PointsLine), required=True)
    by_day = fields.List(fields.Nested(DayOfPoints), required=True)
    stale = fields.Boolean(required=True)


class Sanction(Schema):
    """A sanction: the tier that the points of these penalties reached, and what it brings until when."""

    sanction_id = fields.UUID(required=True)
    tier = fields.Integer(required=True)
    measures = fields.List(fields.String(), required=True)
    points = fields.Integer(required=True)
    penalties = fields.List(fields.UUID(), required=True)
    clauses = fields.List(fields.String(), required=True)
    since = fields.DateTime(required=True)
    until = fields.DateTime(required=True)
    state = fields.String(required=True, metadata={"enum": SANCTION_STATES})
    ended_at = fields.DateTime(required=True, allow_none=True)
    published = fields.Boolean(required=True)


class SanctionsOfMerchant(Schema):
    """The sanction that runs, of which tier it is (0: none runs), and the last ones that ended."""

    tier = fields.Integer(required=True)
    running = fields.Nested(Sanction, required=True, allow_none=True)
    past = fields.List(fields.Nested(Sanction), required=True)
    stale = fields.Boolean(required=True)


class Standing(Schema):
    """How a merchant stands over all its cases."""

    merchant_id = fields.String(required=True)
    points = fields.Nested(PointsOfMerchant, required=True)
    sanctions = fields.Nested(SanctionsOfMerchant, required=True)


class Publication(Schema):
    """A sanction that everybody may see."""

    sanction_id = fields.UUID(required=True)
    merchant_id = fields.String(required=True)
    tier = fields.Integer(required=True)
    measures = fields.List(fields.String(), required=True)
    clauses = fields.List(fields.String(), required=True)
    since = fields.DateTime(required=True)
    until = fields.DateTime(required=True)
    state = fields.String(required=True, metadata={"enum": SANCTION_STATES})
    published_at = fields.DateTime(required=True)
    stale = fields.Boolean()


class Publications(Page):
    """Published sanctions, the newest first."""

    data = fields.List(fields.Nested(Publication), required=True)


class ListedFollowUp(Schema):
    """A follow-up."""

    follow_up_id = fields.UUID(required=True)
    case_id = fields.UUID(required=True)
    merchant_id = fields.String(required=True)
    due = fields.DateTime(required=True)
    state = OneOf(FollowUpState, required=True)
    attempts = fields.Integer(required=True)
    stale = fields.Boolean()


class FollowUps(Page):
    """Follow-ups, the earliest due first."""

    data = fields.List(fields.Nested(ListedFollowUp), required=True)


class Deadline(Schema):
    """A clock: what it waits for (`kind`, `subject_id`), whose it is, and by which rule of which policy.

    One that is no `duty` waits for nobody: with it ends what was possible, or counted, until then. One that
    is `paused` has no due time, but `seconds_left` of its calendar.
    """

    clock_id = fields.UUID(required=True)
    case_id = fields.UUID(required=True)
    number = fields.String(required=True)
    merchant_id = fields.String(required=True)
    kind = OneOf(ClockKind, required=True)
    duty = fields.Boolean(required=True)
    party = OneOf(Awaited, required=True)
    subject_id = fields.UUID(required=True)
    due = fields.DateTime(required=True, allow_none=True)
    overdue = fields.Boolean(required=True)
    paused = fields.Boolean(required=True)
    seconds_left = fields.Integer(required=True, allow_none=True)
    rule = fields.String(required=True, allow_none=True)
    policy = fields.String(required=True, allow_none=True)
    stale = fields.Boolean()


class Deadlines(Page):
    """Clocks of cases, the earliest due first; incidents and corrective actions list their own."""

    data = fields.List(fields.Nested(Deadline), required=True)


class ListedCompensation(Schema):
    """A money line; `since` is when its state last changed."""

    compensation_id = fields.UUID(required=True)
    case_id = fields.UUID(required=True)
    merchant_id = fields.String(required=True)
    kind = OneOf(RemedyKind, required=True)
    amount = fields.Nested(Amount, required=True, allow_none=True)
    points = fields.Integer(required=True, allow_none=True)
    payer = OneOf(Payer, required=True)
    state = OneOf(CompensationState, required=True)
    attempts = fields.Integer(required=True)
    since = fields.DateTime(required=True)
    stale = fields.Boolean()


class Compensations(Page):
    """Compensations, those first whose state is the oldest."""

    data = fields.List(fields.Nested(ListedCompensation), required=True)


class ListedRecovery(Recovery):
    """Money that is to come back."""

    case_id = fields.UUID(required=True)
    merchant_id = fields.String(required=True)
    opened_at = fields.DateTime(required=True)
    stale = fields.Boolean()


class Recoveries(Page):
    """Recoveries, the oldest first."""

    data = fields.List(fields.Nested(ListedRecovery), required=True)


class ListedErasure(Schema):
    """One side's personal data in one case, and how far their erasure came."""

    case_id = fields.UUID(required=True)
    party = OneOf(Side, required=True)
    state = OneOf(ErasureState, required=True)
    until = fields.DateTime(required=True, allow_none=True)
    proposal_id = fields.UUID(required=True, allow_none=True)
    proposed_by = fields.String(required=True, allow_none=True)
    moved_at = fields.DateTime(required=True)


class Erasures(Page):
    """Erasures, those first that have waited longest."""

    data = fields.List(fields.Nested(ListedErasure), required=True)


class SubjectCase(Schema):
    """Everything that one case holds about its buyer."""

    case_id = fields.UUID(required=True)
    number = fields.String(required=True)
    stage = OneOf(Stage, required=True)
    personal_data = fields.Nested(PersonalData, required=True)
    filed_at = fields.DateTime(required=True)
    order = fields.Dict(required=True)
    claim = fields.Dict(required=True)
    statement = fields.String(required=True, allow_none=True)
    contact = fields.Dict(required=True, allow_none=True)
    files = fields.List(fields.Dict(), required=True)
    follow_ups = fields.List(fields.Dict(), required=True)
    history = fields.List(fields.Nested(HistoryEntry), required=True)


class SubjectExport(Schema):
    """Everything that is held about a buyer."""

    at = fields.DateTime(required=True)
    data = fields.List(fields.Nested(SubjectCase), required=True)


class ErasureAsked(Schema):
    """What came of an erasure in one case; `refused` where the case did not take it."""

    case_id = fields.UUID(required=True)
    number = fields.String(required=True)
    stage = OneOf(Stage, required=True)
    version = fields.Integer(required=True)
    party = OneOf(Side, required=True)
    personal_data = fields.Nested(PersonalData, required=True)
    refused = fields.Dict(required=True, allow_none=True)
    proposal_id = fields.UUID(required=True, allow_none=True)
    proposal_hash = fields.String(required=True, allow_none=True)


class SubjectErasure(Schema):
    """What came of an erasure in each case of a buyer."""

    data = fields.List(fields.Nested(ErasureAsked), required=True)


class Loop(Schema):
    """An open case and what holds it open."""

    case_id = fields.UUID(required=True)
    open_because = fields.List(
        fields.String(metadata={"enum": REASONS_OPEN}),
        required=True,
    )
    age_hours = fields.Float(required=True)
    stale = fields.Boolean()


class Loops(Page):
    """Open cases, the oldest first."""

    data = fields.List(fields.Nested(Loop), required=True)


class PolicyCommand(Recorded):
    """A version of the policy after a command; `version` is that of the whole book, for `If-Match`."""

    policy_book_id = fields.UUID(required=True)
    policy = fields.String(required=True)
    state = OneOf(PolicyState, required=True)
    effective_from = fields.DateTime(required=True)
    sha256 = fields.String(required=True)


class StalePolicyBook(Stale):
    """The policy book has moved on."""

    policy_book_id = fields.UUID(required=True)


class PolicyUrgency(Schema):
    """Why new rules did not wait."""

    ground = OneOf(UrgentGround, required=True)
    reason = fields.String(required=True)


class PolicySources(Schema):
    """On how firm a ground the rules stand: how many of each confidence, and which are disabled."""

    rules = fields.Integer(required=True)
    confidence = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    disabled = fields.List(fields.String(), required=True)


class ListedPolicy(Schema):
    """A version of the policy. The built-in one was in force before every other; nobody drafted it."""

    policy = fields.String(required=True)
    state = OneOf(PolicyState, required=True)
    builtin = fields.Boolean(required=True)
    effective_from = fields.DateTime(required=True, allow_none=True)
    sha256 = fields.String(required=True)
    note = fields.String(required=True, allow_none=True)
    urgency = fields.Nested(PolicyUrgency, required=True, allow_none=True)
    drafted_by = fields.String(required=True, allow_none=True)
    drafted_at = fields.DateTime(required=True, allow_none=True)
    approved_by = fields.String(required=True, allow_none=True)
    published_at = fields.DateTime(required=True, allow_none=True)
    ended_at = fields.DateTime(required=True, allow_none=True)
    sources = fields.Nested(PolicySources, required=True, allow_none=True)


class Policies(Schema):
    """Every version of the policy, the latest draft first; `version` is that of the whole book."""

    version = fields.Integer(required=True)
    data = fields.List(fields.Nested(ListedPolicy), required=True)


class PolicyRule(Schema):
    """A rule: where it stands, how well that is known, at which moment it counts, and whether it does."""

    rule = fields.String(required=True)
    source = fields.String(required=True)
    confidence = fields.String(required=True)
    applies = fields.String(required=True)
    effective_from = fields.Date(required=True)
    enabled = fields.Boolean(required=True)


class Policy(ListedPolicy):
    """A version of the policy with its whole document, whose canonical JSON `sha256` is of."""

    version = fields.Integer(required=True)
    rules = fields.List(fields.Nested(PolicyRule), required=True, allow_none=True)
    document = fields.Dict(required=True)


class Tallied(Schema):
    """What cases come to, as it was and under the draft; costs and fines in minor units."""

    cases = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    cost = fields.Integer(required=True)
    cost_simulated = fields.Integer(required=True)
    points = fields.Integer(required=True)
    points_simulated = fields.Integer(required=True)
    fines = fields.Integer(required=True)
    fines_simulated = fields.Integer(required=True)
    missed = fields.Integer(required=True)
    missed_simulated = fields.Integer(required=True)


class TalliedGroup(Tallied):
    """The same of one merchant and type."""

    merchant_id = fields.String(required=True)
    case_type = OneOf(CaseType, required=True)


class SimulatedChange(Schema):
    """One part of one fact that would have been otherwise; `stream` is the case."""

    stream = fields.UUID(required=True)
    version = fields.Integer(required=True)
    fact = fields.String(required=True)
    what = fields.String(required=True)
    stored = fields.String(required=True)
    simulated = fields.String(required=True)


_SIMULATED = {
    "draft": fields.String(required=True),
    "from": fields.DateTime(required=True),
    "to": fields.DateTime(required=True),
    "total": fields.Nested(Tallied, required=True),
    "groups": fields.List(fields.Nested(TalliedGroup), required=True),
    "changes": fields.List(fields.Nested(SimulatedChange), required=True),
}


class SimulatedPolicy(Schema.from_dict(_SIMULATED)):  # type: ignore[misc]  # `from` is a keyword
    """What would have been otherwise under a draft: in sum, by merchant and type, and one by one."""


class Life(Schema):
    """That the process answers."""

    status = fields.String(required=True)


class Readiness(Schema):
    """Whether requests can be served, and what each check found."""

    status = fields.String(required=True)
    checks = fields.Dict(required=True)


class Version(Schema):
    """What is running."""

    name = fields.String(required=True)
    version = fields.String(required=True)


class IncidentCommand(Recorded):
    """What every command on an incident answers."""

    incident_id = fields.UUID(required=True)


class BatchCommand(IncidentCommand):
    """A batch that was proposed or approved."""

    batch = fields.Dict(required=True)


class Incident(Schema):
    """An incident: its cases, its steps, and how far its batch got."""

    incident_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True)
    detector = OneOf(Detector, required=True)
    merchant_id = fields.String(required=True, allow_none=True)
    sku = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    raised_at = fields.DateTime(required=True)
    derivation = fields.List(fields.Dict(), required=True)
    cases = fields.List(fields.UUID(), required=True)
    stepped_in = fields.Boolean(required=True)
    steps = fields.List(fields.Dict(), required=True)
    batch = fields.Dict(required=True, allow_none=True)
    history = fields.List(fields.Nested(HistoryEntry), required=True)


class StaleIncident(Stale):
    """The incident has moved on."""

    incident_id = fields.UUID(required=True)


class ListedIncident(Schema):
    """An incident in a list."""

    incident_id = fields.UUID(required=True)
    detector = OneOf(Detector, required=True)
    merchant_id = fields.String(required=True, allow_none=True)
    sku = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    cases = fields.Integer(required=True)
    raised_at = fields.DateTime(required=True)
    next_due = fields.DateTime(required=True, allow_none=True)
    overdue = fields.Boolean(required=True)
    missed = fields.Integer(required=True)
    stepped_in = fields.Boolean(required=True)
    batch = fields.String(required=True, allow_none=True)
    failed = fields.Integer(required=True)
    state = fields.String(required=True)
    stale = fields.Boolean()


class Incidents(Page):
    """Incidents, the newest first."""

    data = fields.List(fields.Nested(ListedIncident), required=True)


class CorrectiveActionCommand(Recorded):
    """What every command on a corrective action answers."""

    corrective_action_id = fields.UUID(required=True)


class StaleCorrectiveAction(Stale):
    """The corrective action has moved on."""

    corrective_action_id = fields.UUID(required=True)


class MeasuredRecurrence(Schema):
    """The cases of the cause that were found for the buyer, over equal times before and after."""

    before = fields.List(fields.UUID(), required=True)
    before_from = fields.DateTime(required=True)
    after = fields.List(fields.UUID(), required=True)
    after_until = fields.DateTime(required=True)
    effective = fields.Boolean(required=True)


class CorrectiveAction(Schema):
    """A corrective action: its cause, what it waits for by when, and its measured effect."""

    corrective_action_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    merchant_id = fields.String(required=True)
    root_cause = fields.String(required=True)
    cases = fields.List(fields.UUID(), required=True)
    state = OneOf(ActionState, required=True)
    due = fields.DateTime(required=True, allow_none=True)
    escalated = OneOf(EscalationCause, required=True, allow_none=True)
    opened_at = fields.DateTime(required=True)
    completed_at = fields.DateTime(required=True, allow_none=True)
    recurrence = fields.Nested(MeasuredRecurrence, required=True, allow_none=True)
    closing = OneOf(ActionClosing, required=True, allow_none=True)
    history = fields.List(fields.Nested(HistoryEntry), required=True)


class CountedRecurrence(Schema):
    """How many cases of the cause were found for the buyer before and after."""

    before = fields.Integer(required=True)
    after = fields.Integer(required=True)


class ListedCorrectiveAction(Schema):
    """A corrective action in a list."""

    corrective_action_id = fields.UUID(required=True)
    merchant_id = fields.String(required=True)
    root_cause = fields.String(required=True)
    cases = fields.List(fields.UUID(), required=True)
    state = OneOf(ActionState, required=True)
    due = fields.DateTime(required=True, allow_none=True)
    overdue = fields.Boolean(required=True)
    escalated = OneOf(EscalationCause, required=True, allow_none=True)
    recurrence = fields.Nested(CountedRecurrence, required=True, allow_none=True)
    closing = OneOf(ActionClosing, required=True, allow_none=True)
    opened_at = fields.DateTime(required=True)
    closed_at = fields.DateTime(required=True, allow_none=True)
    stale = fields.Boolean()


class CorrectiveActions(Page):
    """Corrective actions, the newest first."""

    data = fields.List(fields.Nested(ListedCorrectiveAction), required=True)


class Hours(Schema):
    """How long something took, in hours: half of the cases at most the median, nine tenths at most p90."""

    median = fields.Float(required=True, allow_none=True)
    p90 = fields.Float(required=True, allow_none=True)
    cases = fields.Integer(required=True)


class WaitingHours(Schema):
    """How long a case waited for each party on average."""

    buyer = fields.Float(required=True, allow_none=True)
    merchant = fields.Float(required=True, allow_none=True)
    platform = fields.Float(required=True, allow_none=True)
    third_party = fields.Float(required=True, allow_none=True)


class Rate(Schema):
    """How many cases of how many."""

    share = fields.Float(required=True, allow_none=True)
    cases = fields.Integer(required=True)
    of = fields.Integer(required=True)


class PromiseRate(Schema):
    """How many promises were kept, of those whose time is over."""

    share = fields.Float(required=True, allow_none=True)
    kept = fields.Integer(required=True)
    broken = fields.Integer(required=True)


class Satisfaction(Schema):
    """What buyers said when they were last asked; the scores are means of 1 (worst) to 5."""

    share = fields.Float(required=True, allow_none=True)
    satisfied = fields.Integer(required=True)
    answered = fields.Integer(required=True)
    speed = fields.Float(required=True, allow_none=True)
    attitude = fields.Float(required=True, allow_none=True)
    effectiveness = fields.Float(required=True, allow_none=True)


class Indicators(Schema):
    """The numbers as they stood at `at`; `*_minor` are minor units by currency."""

    at = fields.DateTime(required=True)
    cases_filed = fields.Integer(required=True)
    first_decision_hours = fields.Nested(Hours, required=True)
    first_resolution_hours = fields.Nested(Hours, required=True)
    total_resolution_hours = fields.Nested(Hours, required=True)
    waiting_hours = fields.Nested(WaitingHours, required=True)
    intervention_rate = fields.Nested(Rate, required=True)
    overturn_rate = fields.Nested(Rate, required=True)
    reopen_rate = fields.Nested(Rate, required=True)
    recurrence_rate = fields.Nested(Rate, required=True)
    promise_kept_rate = fields.Nested(PromiseRate, required=True)
    satisfaction = fields.Nested(Satisfaction, required=True)
    compensation_cost_minor = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    recovery_minor = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    stale = fields.Boolean(required=True)


class LeasesHeld(Schema):
    """Cases under a live lease, and how many of them are late in their queue."""

    held = fields.Integer(required=True)
    overdue = fields.Integer(required=True)


class DecisionsMade(Schema):
    """Decisions of the day of Shanghai, of the last days, and of the span."""

    today = fields.Integer(required=True)
    last_7_days = fields.Integer(required=True)
    last_30_days = fields.Integer(required=True)
    in_span = fields.Integer(required=True)


class HandlingHours(Schema):
    """From the claim to the decision, or to its proposal, of those of the span made under a lease."""

    median = fields.Float(required=True, allow_none=True)
    decisions = fields.Integer(required=True)


class AppealsLost(Schema):
    """How many decisions and penalties of theirs fell, whole or in part, by an appeal judged in the span."""

    overturned = fields.Integer(required=True)
    varied = fields.Integer(required=True)


class WorkOfReviewer(Schema):
    """What one of the platform's people has on the desk, what they decided, and what of it fell.

    proposals_waiting: decisions that a second person is to approve · appeals_judged: those of the span.
    """

    reviewer_id = fields.String(required=True)
    leases = fields.Nested(LeasesHeld, required=True)
    decisions = fields.Nested(DecisionsMade, required=True)
    handling_hours = fields.Nested(HandlingHours, required=True)
    proposals_waiting = fields.Integer(required=True)
    appeals_judged = fields.Integer(required=True)
    appeals_lost = fields.Nested(AppealsLost, required=True)


_SPAN = {"from": fields.DateTime(required=True), "to": fields.DateTime(required=True)}


class Workload(Schema.from_dict(_SPAN)):  # type: ignore[misc]  # `from` is a keyword
    """The work of everybody whose work the caller may see, by name, and the span that it tells of."""

    data = fields.List(fields.Nested(WorkOfReviewer), required=True)
    stale = fields.Boolean(required=True)


class IndicatorFact(Schema):
    """A fact behind a number."""

    case_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    type = fields.String(required=True)
    at = fields.DateTime(required=True)
    stale = fields.Boolean()


class IndicatorFacts(Page):
    """The facts behind a number, the earliest first."""

    data = fields.List(fields.Nested(IndicatorFact), required=True)


class MerchantDuty(Schema):
    """What a merchant must do by when; without a due time while the case rests."""

    kind = OneOf(ClockKind, required=True)
    subject_id = fields.UUID(required=True)
    due = fields.DateTime(required=True, allow_none=True)
    overdue = fields.Boolean(required=True)


class MerchantDecision(Schema):
    """What was decided, under which clauses, and until when the merchant may appeal."""

    decision_id = fields.UUID(required=True)
    clauses = fields.List(fields.String(), required=True)
    decided_at = fields.DateTime(required=True)
    appeal_until = fields.DateTime(required=True, allow_none=True)
    appealable = fields.Boolean(required=True)


class MerchantCase(Schema):
    """A case as its merchant sees it: what it is for it, and what it must do by when."""

    case_id = fields.UUID(required=True)
    number = fields.String(required=True)
    case_type = OneOf(CaseType, required=True)
    reason = fields.String(required=True)
    order_id = fields.String(required=True)
    stage = OneOf(Stage, required=True)
    state = OneOf(ViewerState, required=True)
    to_do = fields.List(fields.Nested(MerchantDuty), required=True)
    decision = fields.Nested(MerchantDecision, required=True, allow_none=True)
    filed_at = fields.DateTime(required=True)
    stale = fields.Boolean()


class MerchantCases(Page):
    """A merchant's cases, the newest first."""

    data = fields.List(fields.Nested(MerchantCase), required=True)


class PortalDuty(MerchantDuty):
    """What a merchant must do on which case by when."""

    case_id = fields.UUID(required=True)
    number = fields.String(required=True)


class PortalDecision(MerchantDecision):
    """What was decided on which case."""

    case_id = fields.UUID(required=True)
    number = fields.String(required=True)


class OpenCorrectiveAction(Schema):
    """A corrective action that has not ended: what it waits for, by when."""

    corrective_action_id = fields.UUID(required=True)
    root_cause = fields.String(required=True)
    state = OneOf(ActionState, required=True)
    due = fields.DateTime(required=True, allow_none=True)
    overdue = fields.Boolean(required=True)
    escalated = OneOf(EscalationCause, required=True, allow_none=True)


class Portal(Schema):
    """All that a merchant must know: how many cases are what for it, and what it must do by when."""

    merchant_id = fields.String(required=True)
    cases = fields.Nested(
        Schema.from_dict(
            {state.value: fields.Integer(required=True) for state in ViewerState}, name="CasesByState"
        ),
        required=True,
    )
    to_do = fields.List(fields.Nested(PortalDuty), required=True)
    decisions = fields.List(fields.Nested(PortalDecision), required=True)
    corrective_actions = fields.List(fields.Nested(OpenCorrectiveAction), required=True)
    points = fields.Nested(PointsOfMerchant, required=True)
    sanctions = fields.Nested(SanctionsOfMerchant, required=True)
