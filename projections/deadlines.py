"""Deadlines: the calendar of pending clocks - what is due when, whose it is, and by which rule.

A clock is listed from its start until what it waits for was done, is no longer asked, or its time was acted
upon; what is late then is told by the queues. Windows to appeal run by no clock: the decision states them.
The clocks of incidents and corrective actions stand in the lists of those.

Beside its clocks each case has a card, which carries what a clock is filtered by and is never shown.

Queries: `page`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection

from domain.events import (
    CaseFiled,
    ClockCancelled,
    ClockMissed,
    ClockPaused,
    ClockResumed,
    ClockSatisfied,
    ClockStarted,
    DecisionIssued,
    DecisionVaried,
    EvidenceRequested,
    EvidenceStaged,
    ExchangeOpened,
    OfferAccepted,
    OfferMade,
    PromiseMade,
    RectificationRejected,
    RectificationSubmitted,
)
from domain.values import GOODS_KINDS, INBOUND_KINDS, ClockKind, Derivation
from projections.case_times import Awaited
from projections.pages import DEFAULT_LIMIT, Listing
from projections.pages import page as page_of
from projections.read_model import CaseRow, ReadModel, Rows, changed, put

ALWAYS_OF: Mapping[ClockKind, Awaited] = {
    ClockKind.ANSWER: Awaited.MERCHANT,
    ClockKind.RECTIFICATION: Awaited.MERCHANT,
    ClockKind.GOODS_HANDLING: Awaited.MERCHANT,
    ClockKind.PENALTY_EXPIRY: Awaited.MERCHANT,
    ClockKind.EXECUTION: Awaited.PLATFORM,
    ClockKind.FOLLOW_UP: Awaited.PLATFORM,
    ClockKind.INSPECTION: Awaited.PLATFORM,
    ClockKind.APPEAL: Awaited.PLATFORM,
    ClockKind.RETENTION: Awaited.PLATFORM,
    ClockKind.SUSPENSION: Awaited.THIRD_PARTY,
}
"""Whose each clock is; of a kind that is not named here it is whoever was asked for, or said, its subject."""

WINDOWS = (ClockKind.PENALTY_EXPIRY, ClockKind.RETENTION, ClockKind.STAGING, ClockKind.SUSPENSION)
"""Clocks that wait for nobody: with them ends what was possible, or counted, until then."""


class Deadline(CaseRow, frozen=True, kw_only=True):
    """One clock; a case's card has the case's own id and no kind.

    due: empty while it stands still, since `paused_at` with `seconds_left` of its calendar · rule, policy: by
    which rule of which version it was set, empty where a person did · parties: on the card, who is asked for
    each offer, request, promise, piece and leg of goods.
    """

    KEY = "clock_id"

    clock_id: UUID
    number: str
    merchant_id: str
    filed_by: str
    kind: ClockKind | None = None
    party: Awaited | None = None
    subject: UUID | None = None
    due: datetime | None = None
    paused_at: datetime | None = None
    seconds_left: int | None = None
    rule: str | None = None
    policy: str | None = None
    parties: dict[UUID, Awaited] = msgspec.field(default_factory=dict)


DEADLINES = ReadModel(
    name="deadlines",
    version=1,
    row=Deadline,
    columns="""
        clock_id uuid PRIMARY KEY,
        case_id uuid NOT NULL,
        number text NOT NULL,
        merchant_id text NOT NULL,
        filed_by text NOT NULL,
        kind text,
        party text,
        subject uuid,
        due timestamptz,
        paused_at timestamptz,
        seconds_left integer,
        rule text,
        policy text,
        parties jsonb NOT NULL
    """,
    indexes=(
        "(due, clock_id) WHERE due IS NOT NULL",
        "(kind, due, clock_id) WHERE due IS NOT NULL",
        "(party, due, clock_id) WHERE due IS NOT NULL",
        "(merchant_id, due, clock_id) WHERE due IS NOT NULL",
        "(filed_by, due, clock_id) WHERE due IS NOT NULL",
        "(paused_at, clock_id) WHERE paused_at IS NOT NULL",
    ),
    ignored="""
        ending follow_up lease money notes penalty privacy relation suspension AppealFiled AppealWithdrawn
        BurdenShifted CaseClassified CaseDeclined CaseEscalated CaseVerified CaseWithdrawn
        DecisionApproved DecisionOverturned DecisionProposed DecisionUpheld EvidenceAccepted
        EvidenceChallenged EvidenceDiscarded EvidenceLapsed EvidenceSubmitted EvidenceWithdrawn
        GoodsAccepted GoodsInspected GoodsLapsed GoodsLost GoodsReceived GoodsRefused GoodsRejected
        GoodsShipped HumanReviewDemanded InspectionOrdered InspectionReported MerchantAnswered
        MerchantDefaulted NoticeDelivered OfferDeclined OfferLapsed PlatformSteppedIn PromiseBroken
        PromiseKept ProposalVoided RectificationAccepted RectificationLapsed RectificationOrdered
        RectificationWaived RepairCompleted RepairStarted ReturnAuthorised WarrantyExtended
        WarrantyRestarted WarrantyStarted
    """,
)


@DEADLINES.folds(CaseFiled)
def _filed(rows: Rows[Deadline], fact: CaseFiled) -> Rows[Deadline]:
    card = Deadline(
        case_id=fact.originator_id,
        clock_id=fact.originator_id,
        number=fact.number,
        merchant_id=fact.merchant_id,
        filed_by=fact.filed_by,
    )
    return put(rows, card)


# --- whose it is --------------------------------------------------------------------------------------


@DEADLINES.folds(OfferMade)
def _offered(rows: Rows[Deadline], fact: OfferMade) -> Rows[Deadline]:
    return _asked(rows, fact.originator_id, {fact.offer_id: Awaited(fact.party.other)})


@DEADLINES.folds(EvidenceRequested)
def _evidence_requested(rows: Rows[Deadline], fact: EvidenceRequested) -> Rows[Deadline]:
    return _asked(rows, fact.originator_id, {fact.request_id: Awaited(fact.party)})


@DEADLINES.folds(EvidenceStaged)
def _staged(rows: Rows[Deadline], fact: EvidenceStaged) -> Rows[Deadline]:
    return _asked(rows, fact.originator_id, {fact.evidence_id: Awaited(fact.party)})


@DEADLINES.folds(PromiseMade)
def _promised(rows: Rows[Deadline], fact: PromiseMade) -> Rows[Deadline]:
    return _asked(rows, fact.originator_id, {fact.promise_id: Awaited(fact.party)})


@DEADLINES.folds(DecisionIssued, DecisionVaried, OfferAccepted)
def _granted(rows: Rows[Deadline], fact: DecisionIssued | DecisionVaried | OfferAccepted) -> Rows[Deadline]:
    """Whoever has the goods sends them: the buyer what comes in, the merchant what goes out."""
    granted = fact.added if isinstance(fact, DecisionVaried) else fact.remedies
    senders = {
        one.remedy_id: Awaited.BUYER if one.kind in INBOUND_KINDS else Awaited.MERCHANT
        for one in granted
        if one.kind in GOODS_KINDS
    }
    return _asked(rows, fact.originator_id, senders)


@DEADLINES.folds(ExchangeOpened)
def _exchanged(rows: Rows[Deadline], fact: ExchangeOpened) -> Rows[Deadline]:
    senders = {fact.replacement_id: Awaited.MERCHANT}
    if fact.return_id:
        senders[fact.return_id] = Awaited.BUYER
    return _asked(rows, fact.originator_id, senders)


def _asked(rows: Rows[Deadline], case_id: UUID, parties: Mapping[UUID, Awaited]) -> Rows[Deadline]:
    return changed(rows, case_id, parties={**rows[case_id].parties, **parties})


@DEADLINES.folds(RectificationSubmitted, RectificationRejected)
def _rectified(rows: Rows[Deadline], fact: RectificationSubmitted | RectificationRejected) -> Rows[Deadline]:
    """What was submitted waits for its verdict."""
    submitted = isinstance(fact, RectificationSubmitted)
    party = Awaited.PLATFORM if submitted else ALWAYS_OF[ClockKind.RECTIFICATION]
    clocks = [key for key, row in rows.items() if row.subject == fact.rectification_id]
    for clock_id in clocks:
        rows = changed(rows, clock_id, party=party)
    return rows


# --- the clocks ---------------------------------------------------------------------------------------


@DEADLINES.folds(ClockStarted)
def _started(rows: Rows[Deadline], fact: ClockStarted) -> Rows[Deadline]:
    card, (rule, policy) = rows[fact.originator_id], _source(fact.derivation)
    row = Deadline(
        case_id=card.case_id,
        clock_id=fact.clock_id,
        number=card.number,
        merchant_id=card.merchant_id,
        filed_by=card.filed_by,
        kind=fact.kind,
        party=ALWAYS_OF.get(fact.kind) or card.parties[fact.subject],
        subject=fact.subject,
        due=fact.due,
        rule=rule,
        policy=policy,
    )
    return put(rows, row)


def _source(derivation: Derivation) -> tuple[str, str] | tuple[None, None]:
    return (derivation[-1].rule, derivation[-1].policy) if derivation else (None, None)


@DEADLINES.folds(ClockPaused)
def _paused(rows: Rows[Deadline], fact: ClockPaused) -> Rows[Deadline]:
    return changed(rows, fact.clock_id, due=None, paused_at=fact.timestamp, seconds_left=fact.seconds_left)


@DEADLINES.folds(ClockResumed)
def _resumed(rows: Rows[Deadline], fact: ClockResumed) -> Rows[Deadline]:
    return changed(rows, fact.clock_id, due=fact.due, paused_at=None, seconds_left=None)


@DEADLINES.folds(ClockSatisfied, ClockCancelled, ClockMissed)
def _ended(rows: Rows[Deadline], fact: ClockSatisfied | ClockCancelled | ClockMissed) -> Rows[Deadline]:
    return {key: row for key, row in rows.items() if key != fact.clock_id}


# --- queries ------------------------------------------------------------------------------------------

_WINDOW = f"kind IN {tuple(kind.value for kind in WINDOWS)}"

_ITEM = {
    "clock_id": "clock_id",
    "case_id": "case_id",
    "number": "number",
    "merchant_id": "merchant_id",
    "kind": "kind",
    "duty": f"NOT {_WINDOW}",
    "party": "party",
    "subject_id": "subject",
    "due": "rfc3339(due)",
    "overdue": "coalesce(due < %(at)s, false)",
    "paused": "paused_at IS NOT NULL",
    "seconds_left": "seconds_left",
    "rule": "rule",
    "policy": "policy",
}

LISTING = Listing(table=DEADLINES.table, item=_ITEM, time="due", id="clock_id")
PAUSED = Listing(table=DEADLINES.table, item=_ITEM, time="paused_at", id="clock_id")


def page(
    connection: Connection[Any],
    *,
    at: datetime,
    due_from: datetime | None = None,
    due_to: datetime | None = None,
    kind: str | None = None,
    party: str | None = None,
    duty: bool | None = None,
    overdue: bool | None = None,
    paused: bool = False,
    merchant_id: str | None = None,
    filed_by: str | None = None,
    case_id: UUID | None = None,
    drafts: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> bytes:
    """One page of clocks, the earliest due first, as JSON text of the API's shape.

    due_from, due_to: due from one instant until before another · overdue: judged at `at` · paused: instead of
    the clocks that run, those that stand still, first those that have the longest; they have no due time, so
    that no filter by it finds them · drafts: whose staged evidence is shown (None: everybody's).
    Raises BadCursor and BadLimit.
    """
    asked = {
        "due >= %(due_from)s": due_from is not None,
        "due < %(due_to)s": due_to is not None,
        "due < %(at)s": overdue is True,
        "due >= %(at)s": overdue is False,
        f"NOT {_WINDOW}": duty is True,
        _WINDOW: duty is False,
        f"(kind <> '{ClockKind.STAGING}' OR party = %(drafts)s)": drafts is not None,
    }
    listing = PAUSED if paused else LISTING
    return page_of(
        connection,
        listing,
        equal={
            "kind": kind,
            "party": party,
            "merchant_id": merchant_id,
            "filed_by": filed_by,
            "case_id": case_id,
        },
        where=[f"{listing.time} IS NOT NULL", *(one for one, wanted in asked.items() if wanted)],
        values={"at": at, "due_from": due_from, "due_to": due_to, "drafts": drafts},
        limit=limit,
        cursor=cursor,
    )
