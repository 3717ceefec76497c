"""Realistic histories by the hundred thousand: a few cases are really lived, then told again and again.

A lived case runs through the commands of the domain by chance, so every fact is one that the aggregate would
record. Telling it again changes its ids and its number in the stored bytes, which takes no time to speak of.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import NamedTuple
from uuid import UUID

import psycopg

from domain.case import Case
from domain.case.appealing import Judgement
from domain.case.state import STAGES
from domain.events import Fact
from domain.values import (
    Actor,
    AppealAgainst,
    AttemptOutcome,
    CaseType,
    Channel,
    Claim,
    CompensationState,
    Exhibit,
    Finding,
    InspectionOutcome,
    LiabilityShare,
    LiableParty,
    Money,
    OrderLine,
    Party,
    Payer,
    RecoveryState,
    Relation,
    Release,
    Remedy,
    RemedyKind,
    ReopenGround,
    Resolution,
    Role,
    Sealed,
    SealedFor,
    Side,
    Stage,
    Stance,
    SuspensionGround,
    Visibility,
)
from infrastructure.bench.shipping import Shipping
from infrastructure.mapper import FactMapper
from infrastructure.policy_pack import default_pack

OPENED = datetime(2026, 9, 1, tzinfo=UTC)
LIVED_CASES = 300
AT_ONCE = 2000
"""How many told cases are under way at the same time."""

BOX = "mJ7cH2u0e5kq" * 12
"""About as long as a sealed sentence."""

_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NODE = b"-c0ffee000000"
_NUMBER = b"AS-20260901-0000000000"


class Life:
    """One case, driven by chance through the commands that are open to it."""

    def __init__(self, chance: Random, case_id: UUID | None = None) -> None:
        self._chance = chance
        self._policy = default_pack()
        self._at = OPENED + timedelta(minutes=chance.randrange(60 * 24 * 60))
        self._merchant = f"m-{2000 + min(int(chance.paretovariate(0.8)), 500)}"
        self._reviewer = Actor(f"reviewer-{chance.randrange(1, 21)}", Role.REVIEWER)
        self._shop = Actor(f"shop-{chance.randrange(1, 4)}", Role.BUYER_INTEGRATION)
        self._supervisor = Actor("supervisor-1", Role.SUPERVISOR)
        self.case = self._filed(case_id or self._id())
        self._live()
        self._forget()

    @property
    def facts(self) -> list[Fact]:
        """Everything that was recorded, in order; can be taken once."""
        return [fact for fact in self.case.collect_events() if isinstance(fact, Fact)]

    def _filed(self, case_id: UUID) -> Case:
        chance = self._chance
        paid = Money(chance.randrange(900, 90_000), "CNY")
        quantity = chance.randrange(1, 4)
        return Case.file(
            by=self._shop,
            case_id=case_id,
            number=_NUMBER.decode(),
            case_type=chance.choice(list(CaseType)),
            reason=chance.choice(["quality_defect", "wrong_item", "late", "no_reason", "counterfeit"]),
            channel=chance.choice(["app", "web", "phone"]),
            buyer=f"{chance.getrandbits(128):032x}",
            merchant_id=self._merchant,
            order=OrderLine(
                order_id=f"PO-{chance.randrange(10**9)}",
                line_id="1",
                sku=f"SKU-{chance.randrange(10**5)}",
                title="羽绒服 男款 冬季 加厚",
                category="clothing",
                quantity=quantity,
                paid=paid,
                purchased_at=self._at - timedelta(days=6),
                delivered_at=self._at - timedelta(days=2),
            ),
            claim=Claim((RemedyKind.REFUND,), paid, quantity),
            policy=self._policy,
            at=self._at,
            statement=self._sealed(SealedFor.BUYER),
        )

    def _live(self) -> None:
        if self._perhaps(0.05):
            return self.case.withdraw(self._sealed(), self._later(hours=3))
        for _ in range(self._chance.randrange(3)):
            self._submit_evidence()
        if self._perhaps(0.05):
            return self.case.close(self._reviewer, Resolution.DECLINED, self._sealed(), self._later(hours=30))
        if self._perhaps(0.03):
            return self.case.merge(self._reviewer, self._sibling(), self._sealed(), self._later(hours=1))
        self._set_aside()
        if self._perhaps(0.3):
            self._negotiate()
        if self.case.stage in (Stage.EXECUTING, Stage.FOLLOWING_UP):
            self._carry_out()
        else:
            self._round()
        self._contest()
        while self._perhaps(0.12) and self.case.stage in STAGES["reopening"]:
            self.case.reopen(ReopenGround.NEW_FACTS, self._sealed(), self._policy, self._later(hours=60))
            self._round()
        return None

    def _forget(self) -> None:
        """The buyer of a case that ended may want to be forgotten, and somebody may need the case."""
        case, admin = self.case, Actor("admin-1", Role.ADMIN)
        if case.open or self._perhaps(0.8):
            return
        hold, first, second = self._id(), self._id(), self._id()
        if self._perhaps(0.5):
            case.place_legal_hold(self._supervisor, hold, self._sealed(), self._later(hours=50))
            case.release_legal_hold(self._supervisor, hold, self._sealed(), self._later(hours=50))

        def ask(proposal_id: UUID) -> None:
            text, at = self._sealed(), self._later(hours=50)
            case.request_erasure(admin, Side.BUYER, proposal_id, self._id(), text, self._policy, at)

        ask(first)
        if self._perhaps(0.5):
            return
        restriction = case.privacy.restrictions[Side.BUYER]
        self._miss(restriction.restriction_id)
        ask(first)
        if self._perhaps(0.3):
            case.reject_erasure(self._supervisor, first, self._sealed(), self._later(hours=50))
            ask(second)
        (waiting,) = case.privacy.waiting
        agreed = waiting.proposal_id, waiting.proposal_hash, self._id(), self._policy
        case.approve_erasure(self._supervisor, *agreed, self._later(hours=50))

    def _sibling(self) -> Case:
        """Another case of the same buyer and merchant."""
        filing = self.case.filing
        by = Actor(filing.filed_by, Role.BUYER_INTEGRATION)
        return Case.file(
            by, self._id(), filing.number, filing.case_type, filing.reason, filing.channel, filing.buyer,
            filing.merchant_id, filing.order, filing.claim, self._policy, self._at,
        )  # fmt: skip

    def _set_aside(self) -> None:
        case = self.case
        if self._perhaps(0.1):
            case.classify(self._reviewer, "not_as_described", self._later(hours=1))
        if self._perhaps(0.05):
            case.link(self._id(), Relation.SAME_ORDER, self._later(hours=1))
        self._rest()

    def _rest(self) -> None:
        case = self.case
        if self._perhaps(0.05):
            receipt = self._submit_evidence()
            case.suspend(
                self._reviewer, SuspensionGround.POLICE, self._sealed(), self._policy, self._later(hours=1)
            )
            case.confirm_suspension(receipt, self._policy, self._later(hours=40))
            case.resume(self._sealed(), self._policy, self._later(hours=400))

    def _round(self) -> None:
        self._prove()
        self._review()
        if self._perhaps(0.1):
            return
        self._decide()
        self._carry_out()

    def _carry_out(self) -> None:
        self._promise()
        self._execute()
        if self.case.stage is Stage.IN_REVIEW:
            self._round()
        else:
            self._wind_up()

    def _wind_up(self) -> None:
        self._take_back()
        self._discipline()
        if self._perhaps(0.7) and self._settled:
            self._follow_up()
        if self._perhaps(0.3):
            self._appeal()

    def _prove(self) -> None:
        case = self.case
        if self._perhaps(0.2):
            asked = self._id()
            at = self._later(hours=1)
            case.request_evidence(
                self._reviewer, asked, Side.BUYER, ("photo",), self._sealed(), self._policy, at
            )
            if self._perhaps(0.7):
                self._submit_evidence(self._staged(), answers=asked)
            else:
                self._miss(asked)
        if self._perhaps(0.1):
            self._miss(self._staged())
        if self._perhaps(0.1):
            self._dispute(self._submit_evidence())

    def _dispute(self, piece: UUID) -> None:
        case, buyer = self.case, Actor("shop-1", Role.BUYER_INTEGRATION)
        doubts = self._sealed(SealedFor.MERCHANT)
        case.challenge_evidence(Party.MERCHANT, piece, doubts, self._later(hours=1))
        if self._perhaps(0.5):
            case.accept_evidence(Party.PLATFORM, piece, None, self._later(hours=1))
        else:
            reasons, at = self._sealed(SealedFor.BUYER), self._later(hours=1)
            case.withdraw_evidence(buyer, Party.BUYER, piece, reasons, self._policy, at)

    def _miss(self, subject: UUID) -> None:
        clock = self.case.clocks.of(subject)
        if clock:
            self._at = max(self._at, clock.due)
            self.case.miss_clock(clock.clock_id, self._policy, self._at)

    def _find_out(self) -> None:
        case, inspection = self.case, self._id()
        other = Side.BUYER if case.burden(self._policy).value is Side.MERCHANT else Side.MERCHANT
        at = self._later(minutes=5)
        case.shift_burden(self._reviewer, None, other, "I-2", self._sealed(), self._policy, at)
        case.order_inspection(self._reviewer, None, inspection, self._sealed(), self._policy, at)
        outcome, cost = self._chance.choice(list(InspectionOutcome)), Money(30_000, "CNY")
        case.report_inspection(
            inspection, outcome, cost, self._sealed(), self._policy, self._later(minutes=5)
        )

    def _negotiate(self) -> None:
        """Told the merchant; they agree, it is silent, or one of them asks the platform."""
        case = self.case
        case.deliver_notice(self._id(), Channel.APP, self._policy, self._later(hours=1))
        if self._perhaps(0.2):
            return self._miss_clocks()
        text = self._sealed(SealedFor.MERCHANT)
        if self._perhaps(0.3):
            stance = self._chance.choice(list(Stance))
            case.answer(stance, text, self._policy, self._later(hours=20))
        else:
            self._bargain()
        if case.stage is Stage.NEGOTIATING and self._perhaps(0.7):
            self._at += timedelta(hours=25)
            self._miss_clocks()
            case.escalate(self._shop, self._sealed(SealedFor.BUYER), self._policy, self._at)
        return None

    def _contest(self) -> None:
        """Of what the system decided, a merchant may want people to decide."""
        case = self.case
        seller = Actor("seller", Role.MERCHANT, self._merchant)
        at = self._later(hours=1)
        if self._perhaps(0.4) and "human-review" in case.possible(seller, self._policy, at):
            case.demand_review(seller, self._sealed(SealedFor.MERCHANT), self._policy, at)
            self._round()

    def _bargain(self) -> None:
        case, seller = self.case, Actor("seller", Role.MERCHANT, self._merchant)
        offer = Remedy(self._id(), RemedyKind.COUPON, Money(500, "CNY"))
        first, second = self._id(), self._id()
        case.make_offer(
            seller, first, (offer,), (), self._sealed(SealedFor.MERCHANT), self._policy, self._later(hours=9)
        )
        if self._perhaps(0.3):
            return None
        if self._perhaps(0.5):
            return case.decline_offer(self._shop, first, self._sealed(SealedFor.BUYER), self._later(hours=9))
        refund = Remedy(self._id(), RemedyKind.REFUND, Money(800, "CNY"))
        case.make_offer(
            self._shop,
            second,
            (refund,),
            (),
            self._sealed(SealedFor.BUYER),
            self._policy,
            self._later(hours=9),
        )
        if self._perhaps(0.7):
            case.accept_offer(seller, second, self._policy, self._later(hours=9))
        return None

    def _promise(self) -> None:
        case, promise_id = self.case, self._id()
        if self._perhaps(0.1):
            party = Party.MERCHANT
            text = self._sealed(SealedFor.MERCHANT)
            case.make_promise(promise_id, party, text, self._at + timedelta(days=2), self._at)
            if self._perhaps(0.6):
                case.keep_promise(promise_id, self._later(hours=40))
            else:
                case.miss_clock(self._clock_of(promise_id), self._policy, self._at + timedelta(days=2))

    def _clock_of(self, subject: UUID) -> UUID:
        clock = self.case.clocks.of(subject)
        assert clock  # noqa: S101  # it was started a moment ago
        return clock.clock_id

    def _miss_clocks(self) -> None:
        for clock in list(self.case.clocks.running.values()):
            self._at = max(self._at, clock.due)
            self.case.miss_clock(clock.clock_id, self._policy, self._at)

    def _review(self) -> None:
        case, chance = self.case, self._chance
        case.claim(self._reviewer, self._policy, self._later(hours=20))
        if self._perhaps(0.15):
            case.release(self._reviewer, None, self._later(minutes=20))
            case.claim(self._supervisor, self._policy, self._later(minutes=20))
            case.release(self._supervisor, None, self._later(minutes=20))
            case.claim(self._reviewer, self._policy, self._later(minutes=5))
        if self._perhaps(0.1):
            self._change_hands()
        if self._perhaps(0.4):
            case.claim(self._reviewer, self._policy, self._later(minutes=30))
        for _ in range(chance.randrange(3)):
            case.note(self._id(), self._sealed(), Visibility.INTERNAL, self._later(minutes=5))
        if self._perhaps(0.1):
            self._find_out()
        case.verify(
            self._reviewer,
            None,
            chance.choice([Finding.UPHELD, Finding.PARTLY_UPHELD]),
            (LiabilityShare(LiableParty.MERCHANT, 100),),
            case.evidence.standing(),
            self._sealed(),
            self._later(minutes=5),
        )

    def _give(self) -> None:
        gift = Remedy(self._id(), RemedyKind.COUPON, Money(500, "CNY"))
        self.case.grant_goodwill(self._reviewer, gift, self._sealed(), self._policy, self._later(minutes=5))
        self._pay(gift.remedy_id)

    def _change_hands(self) -> None:
        case, left = self.case, Actor(f"reviewer-{100 + self.case.round}", Role.REVIEWER)
        case.reassign(self._supervisor, left.id, left.role, self._policy, self._later(minutes=20))
        if self._perhaps(0.5):
            case.recuse(left, self._sealed(), self._later(minutes=20))
        elif case.lease:
            self._at = case.lease.expires_at
        case.reassign(
            self._supervisor, self._reviewer.id, Role.REVIEWER, self._policy, self._later(minutes=20)
        )

    def _decide(self) -> None:
        remedies, granted = [], self.case.decision or self.case.agreement
        if not granted and self._perhaps(0.85):
            refund = Money(self.case.filing.order.paid.amount_minor, "CNY")
            waits = self._perhaps(0.6)
            release = Release.GOODS_ACCEPTED if waits else Release.NOW
            remedies.append(
                Remedy(self._id(), RemedyKind.REFUND, refund, payer=Payer.MERCHANT, release=release)
            )
            if waits:
                repair = RemedyKind.REPAIR if self._perhaps(0.5) else RemedyKind.RETURN
                remedies.append(Remedy(self._id(), repair))
        if not granted and self._perhaps(0.3):
            remedies.append(Remedy(self._id(), RemedyKind.COUPON, Money(1000, "CNY"), payer=Payer.PLATFORM))
        if self._perhaps(0.1):
            self._decide_by_two(tuple(remedies))
        else:
            self._decided(tuple(remedies))

    def _decided(self, remedies: tuple[Remedy, ...], discretion: Sealed | None = None) -> None:
        self.case.decide(
            self._reviewer,
            None,
            self._id(),
            remedies,
            ("Q-1",),
            self._sealed(),
            self._policy,
            self._later(minutes=5),
            discretion,
        )

    def _decide_by_two(self, remedies: tuple[Remedy, ...]) -> None:
        case = self.case
        self._decided(remedies, self._sealed())
        if self._perhaps(0.3):
            self._submit_evidence()
        elif (waiting := case.proposals.waiting) and self._perhaps(0.6):
            texts = self._sealed(), self._sealed()
            case.approve(
                self._supervisor,
                waiting.proposal_id,
                waiting.proposal_hash,
                *texts,
                self._policy,
                self._later(hours=3),
            )
            return
        elif waiting:
            case.reject(self._supervisor, waiting.proposal_id, self._sealed(), self._later(hours=3))
        case.claim(self._reviewer, self._policy, self._later(hours=1))
        self._decided(remedies)

    def _execute(self) -> None:
        case = self.case
        if self._perhaps(0.1):
            return
        Shipping(
            case, self._reviewer, self._policy, self._chance, self._later, self._wait, self._sealed
        ).settle()
        for line in list(case.money.lines.values()):
            if case.money.line(line.compensation_id).state is CompensationState.INSTRUCTED:
                self._pay(line.compensation_id)

    def _pay(self, compensation_id: UUID) -> None:
        case = self.case
        goes_on = case.stage is Stage.EXECUTING and case.money.line(compensation_id).recalled is None
        if goes_on and self._perhaps(0.1):
            case.fail_compensation(
                compensation_id, "fail-1", self._sealed(), self._policy, self._later(hours=1)
            )
            case.instruct_compensation(compensation_id, Payer.FUND, self._later(hours=1))
        if goes_on and self._perhaps(0.05):
            self._reverse(compensation_id)
        at = self._later(hours=2)
        case.confirm_compensation(compensation_id, "pay-1", at, None, self._policy, at)
        if len(case.money.line(compensation_id).attempts) > 1 and self._perhaps(0.5):
            case.confirm_compensation(compensation_id, "late-1", at, None, self._policy, at, attempt=1)

    def _reverse(self, compensation_id: UUID) -> None:
        amount = Money(500, "CNY") if self._perhaps(0.5) else None
        self.case.reverse_compensation(
            compensation_id, amount, self._sealed(), self._policy, self._later(hours=5)
        )

    def _take_back(self) -> None:
        case = self.case
        for line in case.money.standing():
            if line.settled and self._perhaps(0.05):
                self._reverse(line.compensation_id)
        for recovery in list(case.money.recoveries.values()):
            if recovery.state is RecoveryState.OPEN and self._perhaps(0.7):
                part = Money(min(recovery.missing_minor, 700), "CNY")
                case.record_recovery(recovery.recovery_id, part, "back-1", self._later(hours=24))
        for recovery in list(case.money.recoveries.values()):
            if recovery.state is RecoveryState.OPEN and self._perhaps(0.3):
                case.write_off_recovery(recovery.recovery_id, self._sealed(), self._later(hours=24))

    def _appeal(self) -> None:
        case, at = self.case, self._later(hours=30)
        if not case.may_appeal(Side.MERCHANT, self._policy, at):
            return
        appeal_id, by = self._id(), Actor("seller-1", Role.MERCHANT, self._merchant)
        ruling = self._chance.choice(case.appeals.in_time(Side.MERCHANT, at))
        digest, text = f"{self._chance.getrandbits(256):064x}", self._sealed(SealedFor.MERCHANT)
        brought = (Exhibit(self._id(), "video", digest, text),)
        case.appeal(by, appeal_id, ruling.against, ruling.ruling_id, (), brought, text, self._policy, at)
        if self._perhaps(0.2):
            case.withdraw_appeal(by, appeal_id, self._policy, self._later(hours=5))
        else:
            self._judge(appeal_id, ruling.against)

    def _judge(self, appeal_id: UUID, against: AppealAgainst) -> None:
        case = self.case
        judge = Actor(f"reviewer-{30 + len(case.appeals.all)}", Role.REVIEWER)
        case.claim(judge, self._policy, self._later(hours=20))
        at, judgement = self._later(minutes=20), Judgement(judge, None, ("Q-1",), self._sealed())
        if against is AppealAgainst.PENALTY and self._perhaps(0.6):
            case.vary_penalty(judgement, appeal_id, 1, None, self._policy, at)
        elif self._perhaps(0.3):
            case.uphold(judgement, appeal_id, self._policy, at)
        elif against is AppealAgainst.DECISION and self._perhaps(0.4):
            case.vary_decision(judgement, appeal_id, self._less(), self._policy, at)
        else:
            case.overturn(judgement, appeal_id, self._policy, at)
        if case.stage is Stage.IN_REVIEW:
            self._reviewer = judge
            self._supervisor = Actor(f"supervisor-{1 + case.round}", Role.SUPERVISOR)
            self._round()

    def _less(self) -> tuple[Remedy, ...]:
        """A tenth of what was refunded in this round, and nothing else."""
        case = self.case
        refunded = [case.money.lines[key] for key in case.granted if key in case.money.lines]
        tenth = Money(case.filing.order.paid.amount_minor // 10, "CNY")
        kinds = {line.kind for line in refunded}
        return (Remedy(self._id(), RemedyKind.REFUND, tenth),) if RemedyKind.REFUND in kinds else ()

    def _discipline(self) -> None:
        case = self.case
        if self._perhaps(0.1) and case.stage in (Stage.EXECUTING, Stage.FOLLOWING_UP):
            self._give()
        if case.decision is None:
            return
        if self._perhaps(0.25):
            fine = Money(20_000, "CNY") if self._perhaps(0.6) else None
            at = self._later(minutes=5)
            case.penalise(self._reviewer, self._id(), 2, fine, "S-1", self._sealed(), self._policy, at)
        if self._perhaps(0.25) and not (case.rectification and case.rectification.open):
            due = self._at + timedelta(days=7)
            case.order_rectification(self._id(), self._sealed(), due, self._later(minutes=5))
            if self._perhaps(0.7):
                case.submit_rectification(self._sealed(SealedFor.MERCHANT), self._later(hours=50))
                case.judge_rectification(self._perhaps(0.7), self._sealed(), self._later(hours=5))
            elif self._perhaps(0.5):
                case.waive_rectification(self._sealed(), self._later(hours=5))
        if self._perhaps(0.2):
            for clock in list(case.clocks.running.values()):
                case.miss_clock(clock.clock_id, self._policy, clock.due)

    @property
    def _settled(self) -> bool:
        follow_up = self.case.follow_ups.current()
        return follow_up is not None and follow_up.open

    def _follow_up(self) -> None:
        case = self.case
        follow_up = case.follow_ups.current()
        if follow_up is None:
            return
        self._rest()
        for _ in range(self._chance.choice([0, 0, 0, 1, 2, 3])):
            case.attempt_follow_up(
                follow_up.follow_up_id, Channel.PHONE, AttemptOutcome.UNREACHABLE, self._later(hours=24)
            )
        if self._settled:
            satisfied = self._perhaps(0.9)
            case.complete_follow_up(
                follow_up.follow_up_id,
                satisfied,
                self._later(hours=5),
                5,
                5,
                4,
                self._sealed(SealedFor.BUYER),
            )
        if not (case.rectification and case.rectification.open):
            case.close(self._supervisor, self._resolution(), self._sealed(), self._later(hours=5))

    def _resolution(self) -> Resolution:
        if self.case.money.compensates():
            return Resolution.COMPENSATED
        settled = self.case.goods.standing() or self.case.agreement
        return Resolution.SETTLED if settled else Resolution.REJECTED

    def _submit_evidence(self, staged: UUID | None = None, answers: UUID | None = None) -> UUID:
        evidence_id = staged or self._id()
        digest = self.case.evidence.pieces[staged].sha256 if staged else self._digest()
        self.case.submit_evidence(
            Actor("shop-1", Role.BUYER_INTEGRATION),
            evidence_id,
            Party.BUYER,
            "photo",
            digest,
            self._sealed(SealedFor.BUYER),
            None,
            self._later(hours=1),
            request_id=answers,
            staged=staged is not None,
        )
        return evidence_id

    def _staged(self) -> UUID:
        evidence_id, buyer = self._id(), Actor("shop-1", Role.BUYER_INTEGRATION)
        size, at = self._chance.randrange(10_000, 5_000_000), self._later(hours=1)
        self.case.stage_evidence(
            buyer, evidence_id, Party.BUYER, self._digest(), size, "image/jpeg", self._policy, at
        )
        return evidence_id

    def _digest(self) -> str:
        return f"{self._chance.getrandbits(256):064x}"

    def _perhaps(self, probability: float) -> bool:
        return self._chance.random() < probability

    def _later(self, **by: float) -> datetime:
        self._at += timedelta(**by) * self._chance.random()
        return self._at

    def _wait(self, until: datetime) -> None:
        self._at = max(self._at, until)

    def _id(self) -> UUID:
        return UUID(int=self._chance.getrandbits(128), version=4)

    def _sealed(self, person: SealedFor = SealedFor.PLATFORM) -> Sealed:
        return Sealed(person, self._id(), BOX)


class Told(NamedTuple):
    """One event of a told case, as it is stored."""

    case_id: UUID
    version: int
    topic: str
    state: bytes


def lived(chance: Random, amount: int = LIVED_CASES) -> list[list[tuple[str, bytes]]]:
    """That many histories as stored names and states, their ids all ending in one placeholder."""
    stored = FactMapper().to_stored_event
    return [
        [(event.topic, _ID.sub(_with_node, event.state)) for event in map(stored, Life(chance).facts)]
        for _ in range(amount)
    ]


def _with_node(found: re.Match[bytes]) -> bytes:
    return found[0][:23] + _NODE


def told(chance: Random, events: int, at_once: int = AT_ONCE) -> Iterator[Told]:
    """That many events of as many cases as it takes, in an order in which they may have been recorded."""
    templates = lived(chance)
    ordinals = count(1)
    running: list[Iterator[Told]] = []
    while events:
        if len(running) < at_once:
            running.append(
                _retold(
                    UUID(int=chance.getrandbits(128), version=4), next(ordinals), chance.choice(templates)
                )
            )
        index = chance.randrange(len(running))
        event = next(running[index], None)
        if event is None:
            running[index] = running[-1]
            running.pop()
        else:
            events -= 1
            yield event


def _retold(case_id: UUID, ordinal: int, history: list[tuple[str, bytes]]) -> Iterator[Told]:
    node, number = b"-%012x" % ordinal, b"AS-20260901-%010d" % ordinal
    for version, (topic, state) in enumerate(history, 1):
        yield Told(case_id, version, topic, state.replace(_NODE, node).replace(_NUMBER, number))


_COPY = """
    COPY events (originator_id, originator_version, position, topic, state, event_id, recorded_at,
                 actor_id, actor_role, request_id, schema_version)
    FROM STDIN (FORMAT BINARY)
"""
_TYPES = ["uuid", "int4", "int8", "text", "bytea", "uuid", "timestamptz", "text", "text", "text", "int2"]


def fill(url: str, events: int, seed: int = 1, at_once: int = AT_ONCE) -> None:
    """Put that many told events into the empty, migrated event store at `url`, below its safe position."""
    put(url, told(Random(seed), events, at_once))  # noqa: S311  # the same story every time is the point


def put(url: str, events: Iterable[Told]) -> None:
    """Put these events into the empty, migrated event store at `url`, below its safe position."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        with cursor.copy(_COPY) as copy:
            copy.set_types(_TYPES)
            for position, event in enumerate(events, 1):
                event_id = UUID(int=position)
                copy.write_row(
                    (*event[:2], position, *event[2:], event_id, OPENED, "reviewer-1", "reviewer", "req-1", 1)
                )
        connection.commit()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) events")


def awaiting(cases: int, seed: int = 1) -> Iterator[Told]:
    """That many cases, each up to the clock of its follow-up, which runs."""
    chance = Random(seed)  # noqa: S311  # the same story every time is the point
    history = next(found for found in (_awaiting(one) for one in lived(chance)) if found)
    for ordinal in range(1, cases + 1):
        yield from _retold(UUID(int=chance.getrandbits(128), version=4), ordinal, history)


def _awaiting(history: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    topics = [topic for topic, _ in history]
    return history[: topics.index("FollowUpScheduled") + 2] if "FollowUpScheduled" in topics else []
