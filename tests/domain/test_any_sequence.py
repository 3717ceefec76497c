"""Whatever is commanded in whatever order: replay equals the live case, and the invariants always hold."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from domain import events
from domain.case import Case
from domain.case.appealing import Judgement
from domain.case.money import SETTLED
from domain.case.state import ENDED
from domain.refusals import Refusal, UnknownPart
from domain.values import (
    BARE_DUTIES,
    GOODS_KINDS,
    Actor,
    AppealAgainst,
    AppealState,
    AttemptOutcome,
    CaseType,
    Channel,
    Claim,
    ClockKind,
    CompensationState,
    Exhibit,
    Finding,
    GoodsCondition,
    InspectionOutcome,
    LiabilityShare,
    LiableParty,
    Money,
    OrderLine,
    Party,
    Payer,
    PenaltyState,
    Relation,
    Release,
    Remedy,
    RemedyKind,
    ReopenGround,
    RepairOutcome,
    RequestState,
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
from infrastructure.mapper import FactMapper
from infrastructure.policy_pack import default_pack

DEFAULT = default_pack()

MAPPER = FactMapper()
ACTORS = [
    Actor("agent-1", Role.AGENT),
    Actor("reviewer-1", Role.REVIEWER),
    Actor("reviewer-2", Role.REVIEWER),
    Actor("supervisor-1", Role.SUPERVISOR),
]
BUYER, MERCHANT = Actor("app", Role.BUYER_INTEGRATION), Actor("seller", Role.MERCHANT, "m-2001")
PARTIES = [BUYER, MERCHANT]


def text(case: Case, later: int = 0) -> Sealed:
    """A text as it is sealed: for the fact that a command records first, or so many facts later."""
    return Sealed(SealedFor.PLATFORM, UUID(int=1), str(case.version + 1 + later))


AFTER_THE_END = {
    events.HumanReviewDemanded,
    events.CaseReopened,
    events.CaseLinked,
    events.AppealFiled,
    events.CompensationOverpaid,
    events.CompensationReversed,
    events.RecoveryOpened,
    events.RecoveryReduced,
    events.RecoveryRecorded,
    events.RecoveryWrittenOff,
    events.PenaltyAdjusted,
    events.PenaltyAssessed,
    events.PenaltyExpired,
    events.RectificationOrdered,
    events.RectificationSubmitted,
    events.RectificationAccepted,
    events.RectificationRejected,
    events.RectificationWaived,
    events.RectificationLapsed,
    events.EvidenceDiscarded,
    events.ClockStarted,
    events.ClockSatisfied,
    events.ClockCancelled,
    events.ClockMissed,
}
"""What a closed case still takes."""

MOVEMENTS = [
    lambda case, by, leg, reference, at: case.ship_goods(by, leg, reference, at),
    lambda case, by, leg, reference, at: case.receive_goods(by, leg, reference, DEFAULT, at),
    lambda case, by, leg, reference, at: case.accept_goods(by, leg, reference, DEFAULT, at),
    lambda case, by, leg, reference, at: case.lose_goods(by, leg, reference, DEFAULT, at),
]
JUDGEMENTS = [
    lambda case, by, leg, at: case.authorise_return(by, leg, text(case), DEFAULT, at),
    lambda case, by, leg, at: case.refuse_goods(by, leg, text(case), DEFAULT, at),
    lambda case, by, leg, at: case.reject_goods(by, leg, "NR-4", text(case), DEFAULT, at),
]

ENDS_OF_APPEAL = (
    events.AppealWithdrawn | events.DecisionUpheld | events.DecisionVaried | events.DecisionOverturned
)

actors = st.sampled_from(ACTORS)
handlers = st.sampled_from([ACTORS[1], Actor("app", Role.BUYER_INTEGRATION), Actor("seller", Role.MERCHANT)])
sides = st.sampled_from([BUYER, MERCHANT, ACTORS[0]])
moments = st.timedeltas(timedelta(0), timedelta(days=2))
parties = st.sampled_from(Party)
kinds = st.sampled_from(["photo", "video"])
references = st.sampled_from(["r-1", "r-2", "r-3"])
shares = st.lists(
    st.builds(LiabilityShare, st.sampled_from(LiableParty), st.sampled_from([30, 50, 70, 100])), max_size=2
)
ALL = Money(10_000, "CNY")
amounts = st.sampled_from([None, Money(100, "CNY"), Money(5_000, "CNY"), ALL])
remedies = st.lists(
    st.builds(
        Remedy,
        st.uuids(version=4),
        st.sampled_from(RemedyKind),
        amount=st.sampled_from([Money(100, "CNY"), Money(10_000, "CNY"), Money(19_900, "CNY")]),
        points=st.sampled_from([None, 100]),
        payer=st.sampled_from([None, Payer.FUND]),
        release=st.sampled_from(Release),
    ),
    max_size=3,
)


class AnySequence(RuleBasedStateMachine):
    """Commands at random on one case; a refusal is as good as an acceptance, a crash is not."""

    def __init__(self):
        super().__init__()
        self.at = datetime(2026, 11, 10, 4, 0, tzinfo=UTC)
        self.facts = []
        self.ids = 0

    def new_id(self):
        self.ids += 1
        return UUID(int=1000 + self.ids)

    @initialize(
        way=st.sampled_from([*range(10), 9, 9, 9]),
        discretion=st.booleans(),
        told=st.booleans(),
    )
    def start_somewhere_on_the_main_path(self, way, discretion, told):
        self.file()
        if told:
            self.notify()
        reviewer, refund = ACTORS[1], Remedy(self.new_id(), RemedyKind.REFUND, Money(10_000, "CNY"))
        shares = (LiabilityShare(LiableParty.MERCHANT, 100),)
        steps = [
            lambda: self.case.claim(reviewer, DEFAULT, self.at),
            lambda: self.case.verify(reviewer, None, Finding.UPHELD, shares, (), self.text(), self.at),
            lambda: self.case.decide(
                reviewer,
                None,
                self.new_id(),
                (refund,),
                ("Q-1",),
                self.text(),
                DEFAULT,
                self.at,
                self.text() if discretion else None,
            ),
            self.approve_what_waits,
            lambda: self.case.confirm_compensation(refund.remedy_id, "r-0", self.at, None, DEFAULT, self.at),
            lambda: self.case.complete_follow_up(self.follow_up(), False, self.at),
            lambda: self.case.penalise(
                reviewer, self.new_id(), 2, None, "S-1", self.text(), DEFAULT, self.at
            ),
            lambda: self.appeal(PARTIES[1], AppealAgainst.DECISION, timedelta(0)),
            lambda: self.case.claim(ACTORS[2], DEFAULT, self.at),
        ]
        for step in steps[:way]:
            step()
        self.collect()

    def text(self, later=0):
        return text(self.case, later)

    def approve_what_waits(self):
        if waiting := self.case.proposals.waiting:
            self.case.approve(
                ACTORS[3],
                waiting.proposal_id,
                waiting.proposal_hash,
                self.text(1),
                self.text(1),
                DEFAULT,
                self.at,
            )

    def file(self):
        paid = Money(19_900, "CNY")
        order = OrderLine("PO-1", "1", "SKU-9", "羽绒服", "clothing", 1, paid, self.at, self.at)
        self.case = Case.file(
            ACTORS[0], self.new_id(), "AS-1", CaseType.RETURN_REFUND, "quality_defect", "app", "0" * 32,
            "m-2001", order, Claim((RemedyKind.REFUND,)), DEFAULT, self.at,
        )  # fmt: skip
        self.collect()

    def collect(self):
        self.facts += [
            MAPPER.to_domain_event(MAPPER.to_stored_event(fact)) for fact in self.case.collect_events()
        ]

    def attempt(self, command, passing=timedelta(0)):
        self.at += passing
        before = vars(self.case).copy()
        try:
            command()
        except (Refusal, UnknownPart):
            assert vars(self.case) == before
            assert not self.case.pending_events
        self.collect()

    @rule()
    def notify(self):
        self.attempt(lambda: self.case.deliver_notice(self.new_id(), Channel.APP, DEFAULT, self.at))

    @rule(stance=st.sampled_from(Stance), passing=moments)
    def answer(self, stance, passing):
        self.attempt(lambda: self.case.answer(stance, self.text(), DEFAULT, self.at), passing)

    @rule(by=sides, offered=remedies, clauses=st.sampled_from([(), ("F-1",)]))
    def offer(self, by, offered, clauses):
        self.attempt(
            lambda: self.case.make_offer(
                by, self.new_id(), tuple(offered), clauses, self.text(), DEFAULT, self.at
            )
        )

    @rule(by=sides, agreed=st.booleans(), passing=moments)
    def reply(self, by, agreed, passing):
        talks = self.case.negotiation
        offer = talks.offer.offer_id if talks and talks.offer else UUID(int=7)
        if agreed:
            self.attempt(lambda: self.case.accept_offer(by, offer, DEFAULT, self.at), passing)
        else:
            self.attempt(lambda: self.case.decline_offer(by, offer, self.text(), self.at), passing)

    @rule(by=st.sampled_from([BUYER, MERCHANT]), passing=moments)
    def escalate(self, by, passing):
        self.attempt(lambda: self.case.escalate(by, self.text(), DEFAULT, self.at), passing)

    @rule(by=st.sampled_from([BUYER, MERCHANT]), passing=moments)
    def demand_review(self, by, passing):
        self.attempt(lambda: self.case.demand_review(by, self.text(), DEFAULT, self.at), passing)

    @rule(party=st.sampled_from(Party), term=moments)
    def promise(self, party, term):
        self.attempt(
            lambda: self.case.make_promise(self.new_id(), party, self.text(), self.at + term, self.at)
        )

    @rule(data=st.data())
    def keep_promise(self, data):
        promise = data.draw(st.sampled_from([*self.case.promises.all, UUID(int=7)]))
        self.attempt(lambda: self.case.keep_promise(promise, self.at))

    @rule(by=actors, passing=moments)
    def claim(self, by, passing):
        self.attempt(lambda: self.case.claim(by, DEFAULT, self.at), passing)

    @rule(by=actors)
    def release(self, by):
        self.attempt(lambda: self.case.release(by, None, self.at))

    @rule(by=actors, to=actors)
    def reassign(self, by, to):
        self.attempt(lambda: self.case.reassign(by, to.id, to.role, DEFAULT, self.at))

    @rule(by=actors)
    def recuse(self, by):
        self.attempt(lambda: self.case.recuse(by, self.text(), self.at))

    def piece(self, data):
        return data.draw(st.sampled_from([*self.case.evidence.pieces, UUID(int=7)]))

    @rule(by=actors, party=parties, data=st.data(), kind=kinds, answers=st.booleans())
    def evidence(self, by, party, data, kind, answers):
        asked = data.draw(st.sampled_from([*self.case.evidence.requests, UUID(int=7)])) if answers else None
        self.attempt(
            lambda: self.case.submit_evidence(
                by, self.new_id(), party, kind, "0" * 64, self.text(), None, self.at, request_id=asked
            )
        )

    @rule(by=actors, party=parties)
    def stage_evidence(self, by, party):
        self.attempt(
            lambda: self.case.stage_evidence(
                by, self.new_id(), party, "0" * 64, 9, "image/png", DEFAULT, self.at
            )
        )

    @rule(by=actors, party=parties, data=st.data())
    def submit_staged(self, by, party, data):
        piece = self.piece(data)
        self.attempt(
            lambda: self.case.submit_evidence(
                by, piece, party, "photo", "0" * 64, self.text(), None, self.at, staged=True
            )
        )

    @rule(by=actors, side=st.sampled_from(Side), asked=st.lists(kinds, max_size=2))
    def request_evidence(self, by, side, asked):
        self.attempt(
            lambda: self.case.request_evidence(
                by, self.new_id(), side, tuple(asked), self.text(), DEFAULT, self.at
            )
        )

    @rule(party=parties, data=st.data(), accepted=st.booleans())
    def judge_evidence(self, party, data, accepted):
        piece = self.piece(data)
        judge = self.case.accept_evidence if accepted else self.case.challenge_evidence
        self.attempt(lambda: judge(party, piece, self.text(), self.at))

    @rule(by=actors, party=parties, data=st.data())
    def withdraw_evidence(self, by, party, data):
        piece = self.piece(data)
        self.attempt(lambda: self.case.withdraw_evidence(by, party, piece, self.text(), DEFAULT, self.at))

    @rule(to=st.sampled_from(Side))
    def shift_burden(self, to):
        self.attempt(
            lambda: self.case.shift_burden(self.holder(), None, to, "I-2", self.text(), DEFAULT, self.at)
        )

    @rule()
    def order_inspection(self):
        self.attempt(
            lambda: self.case.order_inspection(
                self.holder(), None, self.new_id(), self.text(), DEFAULT, self.at
            )
        )

    @rule(data=st.data(), outcome=st.sampled_from(InspectionOutcome))
    def report_inspection(self, data, outcome):
        inspection = data.draw(st.sampled_from([*self.case.evidence.inspections, UUID(int=7)]))
        cost = Money(30_000, "CNY")
        self.attempt(
            lambda: self.case.report_inspection(inspection, outcome, cost, self.text(), DEFAULT, self.at)
        )

    @rule(visibility=st.sampled_from(Visibility))
    def note(self, visibility):
        self.attempt(lambda: self.case.note(self.new_id(), self.text(), visibility, self.at))

    def holder(self):
        lease = self.case.lease
        return Actor(lease.holder, lease.role) if lease else ACTORS[1]

    @rule(finding=st.sampled_from(Finding), liability=shares)
    def verify(self, finding, liability):
        self.attempt(
            lambda: self.case.verify(
                self.holder(),
                None,
                finding,
                tuple(liability),
                self.case.evidence.standing(),
                self.text(),
                self.at,
            )
        )

    @rule(granted=remedies, discretion=st.booleans())
    def decide(self, granted, discretion):
        self.attempt(
            lambda: self.case.decide(
                self.holder(),
                None,
                self.new_id(),
                tuple(granted),
                ("F-1",),
                self.text(),
                DEFAULT,
                self.at,
                self.text() if discretion else None,
            )
        )

    @rule(by=actors, data=st.data(), intact=st.booleans())
    def approve(self, by, data, intact):
        proposals = self.case.proposals.all
        proposal_id = data.draw(st.sampled_from([*proposals, UUID(int=7)]))
        hashed = (
            proposals[proposal_id].fact.proposal_hash if intact and proposal_id in proposals else "0" * 64
        )
        self.attempt(
            lambda: self.case.approve(by, proposal_id, hashed, self.text(1), self.text(1), DEFAULT, self.at)
        )

    @rule(by=actors, worth=st.sampled_from([Money(4_000, "CNY"), Money(60_000, "CNY"), 3_000]))
    def give(self, by, worth):
        points = worth if isinstance(worth, int) else None
        kind = RemedyKind.COUPON if points is None else RemedyKind.POINTS
        gift = Remedy(self.new_id(), kind, None if points else worth, points)
        self.attempt(lambda: self.case.grant_goodwill(by, gift, self.text(), DEFAULT, self.at))

    @rule(by=actors)
    def reject(self, by):
        waiting = self.case.proposals.waiting
        proposal_id = waiting.proposal_id if waiting else UUID(int=7)
        self.attempt(lambda: self.case.reject(by, proposal_id, self.text(), self.at))

    def line(self, data):
        lines = [*self.case.money.lines, UUID(int=7)]
        return data.draw(st.sampled_from(lines))

    @rule(data=st.data(), reference=references, attempt=st.sampled_from([None, None, 1, 2]))
    def confirm(self, data, reference, attempt):
        line = self.line(data)
        self.attempt(
            lambda: self.case.confirm_compensation(line, reference, self.at, None, DEFAULT, self.at, attempt)
        )

    @rule(data=st.data(), reference=references)
    def fail(self, data, reference):
        line = self.line(data)
        self.attempt(lambda: self.case.fail_compensation(line, reference, self.text(), DEFAULT, self.at))

    @rule(data=st.data(), payer=st.sampled_from(Payer))
    def instruct(self, data, payer):
        line = self.line(data)
        self.attempt(lambda: self.case.instruct_compensation(line, payer, self.at))

    @rule(data=st.data(), amount=amounts)
    def reverse(self, data, amount):
        line = self.line(data)
        self.attempt(lambda: self.case.reverse_compensation(line, amount, self.text(), DEFAULT, self.at))

    def recovery(self, data):
        return data.draw(st.sampled_from([*self.case.money.recoveries, UUID(int=7)]))

    @rule(data=st.data(), amount=amounts, reference=references)
    def recover(self, data, amount, reference):
        recovery = self.recovery(data)
        self.attempt(lambda: self.case.record_recovery(recovery, amount or ALL, reference, self.at))

    @rule(data=st.data())
    def write_off(self, data):
        recovery = self.recovery(data)
        self.attempt(lambda: self.case.write_off_recovery(recovery, self.text(), self.at))

    def leg(self, data):
        return data.draw(st.sampled_from([*self.case.goods.legs, UUID(int=7)]))

    @rule(data=st.data(), by=handlers, how=st.sampled_from(MOVEMENTS), reference=references)
    def move(self, data, by, how, reference):
        leg = self.leg(data)
        self.attempt(lambda: how(self.case, by, leg, reference, self.at))

    @rule(data=st.data(), by=handlers, how=st.sampled_from(JUDGEMENTS))
    def judge_goods(self, data, by, how):
        leg = self.leg(data)
        self.attempt(lambda: how(self.case, by, leg, self.at))

    @rule(data=st.data(), by=handlers, condition=st.sampled_from(GoodsCondition), worn=st.booleans())
    def inspect(self, data, by, condition, worn):
        leg, found = self.leg(data), ("tag_removed",) if worn else ()
        self.attempt(lambda: self.case.inspect_goods(by, leg, condition, found, DEFAULT, self.at))

    @rule(data=st.data(), outcome=st.sampled_from(RepairOutcome), passing=moments)
    def repair(self, data, outcome, passing):
        leg = self.leg(data)
        self.attempt(lambda: self.case.start_repair(leg, DEFAULT, self.at))
        self.attempt(lambda: self.case.complete_repair(leg, outcome, DEFAULT, self.at), passing)

    @rule(points=st.integers(0, 14))
    def penalise(self, points):
        self.attempt(
            lambda: self.case.penalise(
                ACTORS[1], self.new_id(), points, None, "S-1", self.text(), DEFAULT, self.at
            )
        )

    @rule(data=st.data(), by=actors, points=st.integers(0, 14))
    def adjust_penalty(self, data, by, points):
        penalty = data.draw(st.sampled_from([*self.case.penalties, UUID(int=7)]))
        self.attempt(
            lambda: self.case.adjust_penalty(by, penalty, points, None, self.text(), DEFAULT, self.at)
        )

    @rule(term=moments)
    def order_rectification(self, term):
        self.attempt(
            lambda: self.case.order_rectification(self.new_id(), self.text(), self.at + term, self.at)
        )

    @rule()
    def submit_rectification(self):
        self.attempt(lambda: self.case.submit_rectification(self.text(), self.at))

    @rule(accepted=st.booleans())
    def judge_rectification(self, accepted):
        self.attempt(lambda: self.case.judge_rectification(accepted, self.text(), self.at))

    @rule()
    def waive_rectification(self):
        self.attempt(lambda: self.case.waive_rectification(self.text(), self.at))

    def follow_up(self):
        current = self.case.follow_ups.current()
        return current.follow_up_id if current else UUID(int=7)

    @rule(outcome=st.sampled_from(AttemptOutcome))
    def attempt_follow_up(self, outcome):
        self.attempt(lambda: self.case.attempt_follow_up(self.follow_up(), Channel.PHONE, outcome, self.at))

    @rule(satisfied=st.booleans())
    def complete_follow_up(self, satisfied):
        self.attempt(lambda: self.case.complete_follow_up(self.follow_up(), satisfied, self.at))

    @rule(by=actors, resolution=st.sampled_from(Resolution))
    def close(self, by, resolution):
        self.attempt(lambda: self.case.close(by, resolution, self.text(), self.at))

    @rule(by=st.sampled_from(PARTIES), against=st.sampled_from(AppealAgainst), passing=moments)
    def appeal(self, by, against, passing):
        new = Exhibit(self.new_id(), "video", "1" * 64, self.text(1))
        self.attempt(
            lambda: self.case.appeal(
                by,
                self.new_id(),
                against,
                None,
                self.case.evidence.standing(),
                (new,),
                self.text(),
                DEFAULT,
                self.at,
            ),
            passing,
        )

    def appealed(self):
        return next(reversed(self.case.appeals.all), UUID(int=7))

    @rule(by=st.sampled_from(PARTIES))
    def withdraw_appeal(self, by):
        self.attempt(lambda: self.case.withdraw_appeal(by, self.appealed(), DEFAULT, self.at))

    def judgement(self):
        return Judgement(self.holder(), None, ("F-1",), self.text())

    @rule()
    def uphold(self):
        self.attempt(lambda: self.case.uphold(self.judgement(), self.appealed(), DEFAULT, self.at))

    @rule()
    def overturn(self):
        self.attempt(lambda: self.case.overturn(self.judgement(), self.appealed(), DEFAULT, self.at))

    @rule(granted=remedies)
    def vary(self, granted):
        self.attempt(
            lambda: self.case.vary_decision(
                self.judgement(), self.appealed(), tuple(granted), DEFAULT, self.at
            )
        )

    @rule(points=st.integers(0, 14))
    def vary_penalty(self, points):
        self.attempt(
            lambda: self.case.vary_penalty(self.judgement(), self.appealed(), points, None, DEFAULT, self.at)
        )

    @rule(amount=amounts)
    def vary_recovery(self, amount):
        self.attempt(
            lambda: self.case.vary_recovery(
                self.judgement(), self.appealed(), amount or ALL, DEFAULT, self.at
            )
        )

    @rule(ground=st.sampled_from(ReopenGround))
    def reopen(self, ground):
        self.attempt(lambda: self.case.reopen(ground, self.text(), DEFAULT, self.at))

    @rule()
    def withdraw(self):
        self.attempt(lambda: self.case.withdraw(self.text(), self.at))

    @rule(data=st.data(), passing=st.timedeltas(timedelta(0), timedelta(days=100)))
    def miss(self, data, passing):
        clock = data.draw(st.sampled_from([*self.case.clocks.running, UUID(int=7)]))
        self.attempt(lambda: self.case.miss_clock(clock, DEFAULT, self.at), passing)

    # --- what always holds; checked after every command, so in every prefix ---

    @rule(reason=st.sampled_from(["quality_defect", "counterfeit", "no_reason"]), by=actors)
    def classify(self, reason, by):
        self.attempt(lambda: self.case.classify(by, reason, self.at))

    @rule(ground=st.sampled_from(SuspensionGround), by=actors)
    def suspend(self, ground, by):
        self.attempt(lambda: self.case.suspend(by, ground, self.text(), DEFAULT, self.at))

    @rule()
    def confirm_suspension(self):
        receipt = next(iter(self.case.evidence.pieces), UUID(int=7))
        self.attempt(lambda: self.case.confirm_suspension(receipt, DEFAULT, self.at))

    @rule(passing=moments)
    def resume(self, passing):
        self.attempt(lambda: self.case.resume(self.text(), DEFAULT, self.at), passing)

    @rule(relation=st.sampled_from(Relation))
    def link(self, relation):
        self.attempt(lambda: self.case.link(UUID(int=8), relation, self.at))

    @rule()
    def merge_into_itself(self):
        self.attempt(lambda: self.case.merge(ACTORS[1], self.case, self.text(), self.at))

    @invariant()
    def a_case_rests_while_a_suspension_runs_and_its_clocks_stand_still_then(self):
        rests = self.case.stage is Stage.SUSPENDED
        assert rests == (self.case.suspension is not None)
        if not rests:
            assert not self.case.clocks.paused

    @invariant()
    def what_a_running_clock_runs_for_is_due_when_the_clock_is(self):
        case = self.case
        known: dict[ClockKind, Any] = {
            ClockKind.REPLY: case.negotiation.offers if case.negotiation else {},
            ClockKind.PROMISE: case.promises.all,
            ClockKind.FOLLOW_UP: case.follow_ups.all,
            ClockKind.RECTIFICATION: {one.rectification_id: one for one in [case.rectification] if one},
            ClockKind.EVIDENCE: case.evidence.requests,
            ClockKind.INSPECTION: case.evidence.inspections,
            ClockKind.APPEAL: case.appeals.all,
        }
        for clock in case.clocks.running.values():
            if clock.kind in known:
                assert known[clock.kind][clock.subject].due == clock.due

    @invariant()
    def replay_equals_live(self):
        replayed = None
        for fact in self.facts:
            replayed = fact.mutate(replayed)
        assert replayed == self.case

    @invariant()
    def every_text_was_sealed_for_the_fact_that_carries_it(self):
        """Elsewhere it would not open (`application.vault`)."""
        for fact in self.facts:
            sealed = [one for one in vars(fact).values() if isinstance(one, Sealed)]
            assert all(one.box == str(fact.originator_version) for one in sealed)

    @invariant()
    def liability_sums_to_100(self):
        for fact in self.of(events.CaseVerified):
            assert sum(one.share for one in fact.liability) in ((0, 100) if not fact.liability else (100,))

    @invariant()
    def at_most_one_lease_is_live(self):
        until = datetime.min.replace(tzinfo=UTC)
        for fact in self.facts:
            match fact:
                case events.CaseClaimed():
                    assert fact.timestamp >= until
                    until = fact.expires_at
                case events.CaseReassigned():
                    until = fact.expires_at
                case events.LeaseExpired():
                    assert fact.timestamp >= until == fact.expired_at
                case events.LeaseRenewed():
                    assert fact.timestamp < until
                    until = fact.expires_at
                case (
                    events.CaseReleased()
                    | events.CaseClosed()
                    | events.CaseReopened()
                    | events.HumanReviewDemanded()
                ):
                    until = fact.timestamp
                case _ if isinstance(fact, events.AppealFiled | ENDS_OF_APPEAL):
                    until = fact.timestamp

    @invariant()
    def every_lease_has_a_token_of_its_own(self):
        leases = (events.CaseClaimed, events.LeaseRenewed, events.CaseReassigned)
        tokens = [fact.token for fact in self.of(leases)]
        assert len(set(tokens)) == len(tokens)

    @invariant()
    def nobody_who_declared_an_interest_holds_or_judges_the_case_afterwards(self):
        partial: set[str] = set()
        for fact in self.facts:
            match fact:
                case events.ConflictDeclared():
                    assert fact.by not in partial
                    partial.add(fact.by)
                case events.CaseClaimed() | events.LeaseRenewed() | events.CaseReassigned():
                    assert fact.holder not in partial
                case events.CaseVerified() | events.DecisionIssued():
                    assert fact.by not in partial
                case events.DecisionUpheld() | events.DecisionVaried() | events.DecisionOverturned():
                    assert fact.by not in partial

    @invariant()
    def at_most_one_proposal_waits_and_only_while_the_case_is_reviewed(self):
        waiting = None
        for fact in self.facts:
            match fact:
                case events.DecisionProposed():
                    assert waiting is None
                    waiting = fact
                case events.DecisionApproved() | events.ProposalVoided():
                    assert waiting is not None
                    assert fact.proposal_id == waiting.proposal_id
                    waiting = None
                case (
                    events.EvidenceSubmitted()
                    | events.CaseVerified()
                    | events.CaseWithdrawn()
                    | events.CaseSuspended()
                ) if waiting:
                    assert self.facts[self.facts.index(fact) + 1].proposal_id == waiting.proposal_id
                case events.DecisionIssued() | events.CaseClosed():
                    assert waiting is None
        assert (waiting is None) == (self.case.proposals.waiting is None)
        assert waiting is None or self.case.stage is Stage.IN_REVIEW

    @invariant()
    def what_takes_two_was_approved_by_another_on_the_very_same_thing(self):
        proposed: dict[UUID, events.DecisionProposed] = {}
        approved: dict[UUID, events.DecisionApproved] = {}
        for fact in self.facts:
            match fact:
                case events.DecisionProposed():
                    proposed[fact.proposal_id] = fact
                case events.DecisionApproved():
                    made = proposed[fact.proposal_id]
                    assert fact.by != made.by
                    assert fact.proposal_hash == made.proposal_hash
                    approved[fact.proposal_id] = fact
                case events.DecisionIssued():
                    by_two = fact.decision_id in approved
                    assert (fact.derivation[-1].result == "second_person") == by_two
                    if by_two:
                        assert fact.remedies == proposed[fact.decision_id].remedies

    @invariant()
    def money_cites_its_ground_and_is_paid_once(self):
        granted: set[UUID] = set()
        paid: Counter[UUID] = Counter()
        for fact in self.facts:
            match fact:
                case events.DecisionIssued() | events.OfferAccepted():
                    granted |= {one.remedy_id for one in fact.remedies}
                case events.GoodwillGranted():
                    granted.add(fact.compensation_id)
                case events.DecisionVaried():
                    granted |= {one.remedy_id for one in fact.added}
                case events.CompensationInstructed():
                    assert fact.compensation_id in granted
                case events.CaseCompensated():
                    paid[fact.compensation_id] += 1
        assert paid.keys() <= granted
        assert set(paid.values()) <= {1}

    @invariant()
    def no_more_is_refunded_than_was_paid(self):
        refunds = [one for one in self.of(events.CaseCompensated) if one.kind is RemedyKind.REFUND]
        taken_back = sum(self.asked_back(one.compensation_id) for one in refunds)
        assert sum(one.amount.amount_minor for one in refunds) - taken_back <= 19_900

    def asked_back(self, compensation_id):
        """What the buyer owes of a line, or has given back."""
        return sum(
            one.amount.amount_minor
            for one in self.of(events.RecoveryOpened)
            if one.compensation_id == compensation_id and one.debtor is LiableParty.BUYER
        )

    @invariant()
    def the_buyer_is_left_with_what_stands(self):
        paid: Counter[UUID] = Counter()
        for fact in self.facts:
            if isinstance(fact, events.CaseCompensated | events.CompensationOverpaid):
                paid[fact.compensation_id] += fact.amount.amount_minor if fact.amount else 0
        for line in self.case.money.lines.values():
            if line.owed and line.state in SETTLED and line.stands:
                left = paid[line.compensation_id] - self.asked_back(line.compensation_id)
                assert left == line.stands.amount_minor

    @invariant()
    def no_more_is_recovered_than_is_owed(self):
        for recovery in self.case.money.recoveries.values():
            assert 0 <= recovery.recovered_minor <= recovery.amount.amount_minor

    @invariant()
    def what_the_fund_paid_for_another_is_owed_to_it(self):
        """By the liable party, unless an appeal let it off, or by the buyer who has no right to it."""
        let_off = any(
            one.against is AppealAgainst.RECOVERY
            and one.state in (AppealState.VARIED, AppealState.OVERTURNED)
            for one in self.case.appeals.all.values()
        )
        for line in self.case.money.lines.values():
            if self.case.money.advance(line) is None:
                continue
            paid_beside = {line.paid, *line.surplus}
            by_fund = sum(
                one.amount.amount_minor
                for one in line.attempts
                if one.number in paid_beside and one.payer is Payer.FUND and one.amount
            )
            owed = sum(
                one.amount.amount_minor
                for one in self.case.money.recoveries.values()
                if one.compensation_id == line.compensation_id and one.creditor is Payer.FUND
            )
            assert owed == by_fund or (let_off and owed < by_fund)

    @invariant()
    def at_most_one_offer_is_open_and_only_the_other_side_replies(self):
        opened = None
        for fact in self.facts:
            match fact:
                case events.OfferMade():
                    assert fact.declines == (opened.offer_id if opened else None)
                    assert opened is None or fact.party is not opened.party
                    opened = fact
                case events.OfferAccepted() | events.OfferDeclined() if opened:
                    assert (fact.offer_id, fact.party) == (opened.offer_id, opened.party.other)
                    opened = None
                case events.OfferLapsed():
                    assert opened is not None
                    assert (fact.offer_id, fact.party) == (opened.offer_id, opened.party.other)
                    opened = None
                case events.MerchantAnswered():
                    assert opened is None or opened.party is Side.BUYER
                    opened = None
                case events.CaseEscalated() | events.PlatformSteppedIn():
                    opened = None

    @invariant()
    def the_sides_settle_out_of_the_merchants_account_alone(self):
        for fact in self.of(events.OfferAccepted):
            assert all(one.payer in (None, Payer.MERCHANT, Payer.DEPOSIT) for one in fact.remedies)

    @invariant()
    def the_system_decides_upon_a_default_alone(self):
        for before, fact in pairwise(self.facts):
            if isinstance(fact, events.DecisionIssued) and fact.automated:
                assert isinstance(before, events.PlatformSteppedIn)
                assert isinstance(self.facts[self.facts.index(before) - 1], events.MerchantDefaulted)

    @invariant()
    def a_case_that_has_ended_waits_for_nobody(self):
        if not self.case.open:
            assert not self.case.clocks.of_kind(*BARE_DUTIES)

    @invariant()
    def a_penalty_is_only_lowered_and_by_somebody_else_than_assessed_it(self):
        assessed = {}
        for fact in self.facts:
            match fact:
                case events.PenaltyAssessed():
                    assessed[fact.penalty_id] = (fact.points, fact.by)
                case events.PenaltyAdjusted():
                    points, by = assessed[fact.penalty_id]
                    assert fact.points <= points
                    assert fact.by != by
                    assessed[fact.penalty_id] = (fact.points, by)

    @invariant()
    def every_penalty_cites_an_earlier_decision(self):
        decided = set()
        for fact in self.facts:
            match fact:
                case events.DecisionIssued():
                    decided.add(fact.decision_id)
                case events.PenaltyAssessed():
                    assert fact.decision_id in decided

    @invariant()
    def a_closed_case_takes_only_what_comes_after_the_end(self):
        closed = False
        for fact in self.facts:
            assert not closed or type(fact) in AFTER_THE_END
            match fact:
                case events.CaseClosed() | events.CaseExpired():
                    closed = True
                case events.CaseReopened() | events.AppealFiled() | events.HumanReviewDemanded():
                    closed = False
                case _ if isinstance(fact, ENDS_OF_APPEAL):
                    closed = fact.resumes in ENDED

    @invariant()
    def an_appeal_is_filed_once_a_round_ends_once_and_is_judged_by_another(self):
        filed: Counter[object] = Counter()
        judges: dict[UUID, set[Any]] = {}
        bench: set[Any] = set()
        found: dict[int, Any] = {}
        opened: Any = None
        for fact in self.facts:
            match fact:
                case events.DecisionApproved():
                    judges[fact.proposal_id] = {fact.by}
                case events.CaseVerified():
                    found[fact.round] = fact.by
                case events.DecisionIssued():
                    judges.setdefault(fact.decision_id, set()).update({fact.by, found.get(fact.round)})
                    bench = set(judges[fact.decision_id])
                case events.PenaltyAssessed():
                    judges[fact.penalty_id] = judges[fact.decision_id] | {fact.by}
                case events.RecoveryOpened():
                    judges[fact.recovery_id] = set(bench)
                case events.AppealFiled():
                    assert opened is None
                    opened = fact
                    filed[fact.party, fact.round] += 1
                case _ if isinstance(fact, ENDS_OF_APPEAL):
                    assert fact.appeal_id == opened.appeal_id
                    assert isinstance(fact, events.AppealWithdrawn) or fact.by not in judges[opened.target]
                    if isinstance(fact, events.DecisionVaried | events.DecisionOverturned):
                        judges[opened.target].add(fact.by)
                        bench.add(fact.by)
                    opened = None
        assert set(filed.values()) <= {1}
        at_rest = self.case.suspension
        stage = at_rest.resumes if at_rest else self.case.stage
        assert (opened is not None) == (stage is Stage.APPEALED)

    @invariant()
    def nothing_new_is_ordered_while_an_appeal_is_open(self):
        appealed = False
        for fact in self.facts:
            match fact:
                case events.AppealFiled():
                    appealed = True
                case events.CompensationInstructed():
                    assert not appealed or fact.attempt > 1
                case _ if isinstance(fact, ENDS_OF_APPEAL):
                    appealed = False

    @invariant()
    def nothing_rests_on_a_decision_that_fell(self):
        overturned = {fact.appeal_id for fact in self.of(events.DecisionOverturned)}
        fallen = {one.target for key, one in self.case.appeals.all.items() if key in overturned}
        for penalty in self.case.penalties.values():
            assert penalty.decision_id not in fallen or penalty.state is PenaltyState.REVERSED
        for decision in self.of(events.DecisionIssued):
            for remedy in decision.remedies if decision.decision_id in fallen else ():
                line = self.case.money.lines.get(remedy.remedy_id)
                assert line is None or line.state is CompensationState.REVERSED or line.lasting == 0
        assert not self.case.decision or self.case.decision.decision_id not in fallen

    @invariant()
    def every_clock_starts_once_and_ends_at_most_once(self):
        running: set[UUID] = set()
        ended: set[UUID] = set()
        for fact in self.facts:
            match fact:
                case events.ClockStarted():
                    assert fact.clock_id not in running | ended
                    running.add(fact.clock_id)
                case events.ClockSatisfied() | events.ClockCancelled() | events.ClockMissed():
                    assert fact.clock_id in running
                    running.remove(fact.clock_id)
                    ended.add(fact.clock_id)

    @invariant()
    def findings_rest_on_what_is_on_file_and_was_not_withdrawn(self):
        on_file: set[UUID] = set()
        cited: set[UUID] = set()
        for fact in self.facts:
            match fact:
                case events.EvidenceSubmitted():
                    assert fact.evidence_id not in on_file
                    on_file.add(fact.evidence_id)
                case events.EvidenceWithdrawn():
                    assert fact.evidence_id not in cited
                    on_file.remove(fact.evidence_id)
                case events.CaseVerified():
                    assert on_file.issuperset(fact.evidence)
                    cited.update(fact.evidence)

    @invariant()
    def what_was_staged_is_submitted_or_discarded_once(self):
        waiting: set[UUID] = set()
        for fact in self.facts:
            match fact:
                case events.EvidenceStaged():
                    waiting.add(fact.evidence_id)
                case events.EvidenceDiscarded():
                    waiting.remove(fact.evidence_id)
                case events.EvidenceSubmitted():
                    waiting.discard(fact.evidence_id)
        assert waiting == {clock.subject for clock in self.case.clocks.of_kind(ClockKind.STAGING)}

    @invariant()
    def an_open_request_lacks_something_and_a_satisfied_one_nothing(self):
        evidence = self.case.evidence
        for request in evidence.requests.values():
            state = evidence.state_of(request, self.case.clocks)
            assert (state is RequestState.SATISFIED) <= (not evidence.missing(request))
            assert (state is RequestState.OPEN) <= bool(evidence.missing(request))

    @invariant()
    def a_case_in_follow_up_or_beyond_owes_nothing_but_a_gift(self):
        lines = self.case.money.lines.values()
        if self.case.stage in (Stage.FOLLOWING_UP, Stage.CLOSED, Stage.EXPIRED):
            assert all(one.state in SETTLED for one in lines if not one.goodwill)
            assert self.case.goods.settled
        if self.case.stage in (Stage.CLOSED, Stage.EXPIRED):
            assert all(one.state in SETTLED for one in lines)

    @invariant()
    def of_an_expired_case_nothing_stands_that_was_granted(self):
        if self.case.stage is Stage.EXPIRED:
            assert self.case.goods.forgone
            assert not self.case.goods.standing()
            assert not self.case.money.standing()

    @invariant()
    def no_more_goodwill_stands_than_the_largest_limit(self):
        assert self.case.money.amount_of(RemedyKind.COUPON) <= 50_000
        assert self.case.money.points() <= 50_000

    @invariant()
    def money_that_waited_for_goods_is_ordered_when_they_came_to_what_was_decided(self):
        goods_of: dict[UUID, set[UUID]] = {}
        failed: set[UUID] = set()
        for fact in self.facts:
            match fact:
                case events.DecisionIssued():
                    goods = {one.remedy_id for one in fact.remedies if one.kind in GOODS_KINDS}
                    waiting = (one for one in fact.remedies if one.release is Release.GOODS_ACCEPTED)
                    goods_of |= {one.remedy_id: goods for one in waiting}
                case events.GoodsRejected() | events.GoodsLost():
                    failed.add(fact.goods_id)
                case events.GoodsLapsed():
                    failed |= {fact.goods_id} if self.is_a_return(fact.goods_id) else set()
                case events.CompensationInstructed(attempt=1):
                    assert not goods_of.get(fact.compensation_id, set()) & failed

    def is_a_return(self, goods_id):
        return self.case.goods.legs[goods_id].kind is RemedyKind.RETURN

    @invariant()
    def goods_that_failed_are_decided_anew(self):
        if self.case.stage in (Stage.EXECUTING, Stage.FOLLOWING_UP, Stage.CLOSED, Stage.EXPIRED):
            assert not self.case.goods.failed

    @invariant()
    def no_exchange_is_opened_before_two_repairs_failed(self):
        failed = 0
        for fact in self.facts:
            match fact:
                case events.RepairCompleted(outcome=RepairOutcome.FAILED):
                    failed += 1
                case events.ExchangeOpened():
                    assert failed >= 2

    @invariant()
    def the_time_in_repair_only_prolongs_a_warranty(self):
        ends = self.at
        for fact in self.facts:
            match fact:
                case events.WarrantyStarted() | events.WarrantyRestarted():
                    ends = fact.ends_at
                case events.WarrantyExtended():
                    assert fact.ends_at >= ends
                    ends = fact.ends_at

    def of(self, fact):
        return [one for one in self.facts if isinstance(one, fact)]


def test_any_sequence_of_commands():
    run_state_machine_as_test(AnySequence, settings=settings(stateful_step_count=40))
