"""Nothing that people wrote stands in the database or the log in clear.

Every text that the use cases take is a token that occurs nowhere else. Then every table is dumped and
searched, and the log. The same search finds a field that is left unsealed, in whatever spelling.
"""

import io
import json
import logging
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import is_dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args, get_type_hints
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from application.accesses import Access, Accesses
from application.blobs import Content
from application.cases import Answer, Cases, Files, Forgetting, Request
from application.cases.appealing import Brought, Verdict
from application.corrective_actions import CorrectiveActions
from application.effects import PAYMENT
from application.incidents import IncidentProcess, Incidents
from application.intake import Intake, Line, LineRefused
from application.phone_search import PhoneSearch
from application.rulebook import OnePolicy
from application.settlement import SettlementProcess
from application.store import IdempotencyKey
from application.vault import CannotOpen, Sealing
from domain.events import FACTS
from domain.refusals import WrongStage
from domain.values import (
    Actor,
    AppealAgainst,
    AppealOutcome,
    CaseType,
    Channel,
    Claim,
    Finding,
    GoodsCondition,
    IncidentStep,
    InspectionOutcome,
    LiabilityShare,
    LiableParty,
    Money,
    OrderLine,
    Party,
    Payer,
    Remedy,
    RemedyKind,
    RemedyRule,
    ReopenGround,
    Resolution,
    Role,
    Sealed,
    SealedFor,
    Side,
    Stance,
    SuspensionGround,
    Visibility,
)
from infrastructure.blind_index import StoredBlindIndex
from infrastructure.blobs import PostgresBlobs
from infrastructure.erasure_ledger import ErasureLedgerFile
from infrastructure.event_store.connections import Datastore
from infrastructure.gateways import SandboxGateway
from infrastructure.key_file import MasterKey
from infrastructure.outbox import OutboxWorker
from infrastructure.policy_pack import default_pack
from infrastructure.projection_supervisor import ProjectionSupervisor
from infrastructure.statements import change
from infrastructure.store import PostgresStore
from infrastructure.vault import PostgresVault

DEFAULT = default_pack()

NOW = datetime(2030, 1, 1, tzinfo=UTC)
"""After every database's clock, so that each message is due."""


class Canaries:
    """Texts, each planted in one place, each around a token that occurs nowhere else."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}

    def __call__(self, place: str) -> str:
        token = uuid4().hex
        self.planted[place] = token
        return f"金丝雀 {token} 138"

    def found_in(self, text: bytes) -> set[str]:
        """The places whose token stands in this text, in a spelling that a database or a log may use."""
        return {
            place
            for place, token in self.planted.items()
            if any(spelling in text for spelling in spellings(token.encode()))
        }


def spellings(token: bytes) -> Iterator[bytes]:
    """The token as it is (JSON escapes none of it), in hex, and in base64 wherever it may begin."""
    yield token
    yield token.hex().encode()
    for shift in range(3):
        yield b64encode(bytes(shift) + token)[4:-4]


class Clock:
    """A clock that stands still."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class NoRecurrence:
    """Nothing ever came back."""

    def upheld(self, merchant_id: str, reason: str, since: datetime, until: datetime) -> tuple[UUID, ...]:
        return ()


class Marketplace:
    """Everybody who writes anything, writing canaries."""

    buyer = Actor("app", Role.BUYER_INTEGRATION)
    seller = Actor("seller", Role.MERCHANT, "m-2001")
    agent = Actor("agent-1", Role.AGENT)
    reviewer = Actor("reviewer-1", Role.REVIEWER)
    other_reviewer = Actor("reviewer-2", Role.REVIEWER)
    supervisor = Actor("supervisor-1", Role.SUPERVISOR)
    auditor = Actor("auditor-1", Role.AUDITOR)
    other_supervisor = Actor("supervisor-2", Role.SUPERVISOR)
    finance = Actor("finance-1", Role.FINANCE)

    def __init__(
        self,
        url: str,
        within: ExitStack,
        vault: type[PostgresVault] = PostgresVault,
        blobs: type[PostgresBlobs] = PostgresBlobs,
    ) -> None:
        self.url = url
        self.say = Canaries()
        self.datastore = within.enter_context(Datastore(url, pool_size=1, max_overflow=1))
        self.store = within.enter_context(PostgresStore(url, pool_size=1, max_overflow=1))
        self.vault = vault(self.datastore, MasterKey(bytes(32)))
        parts = (self.store, self.vault, OnePolicy(DEFAULT), Clock(), uuid4)
        self.cases = Cases(*parts)
        self.accesses = Accesses(self.store, self.vault, Clock(), uuid4)
        self.files = Files(*parts, blobs(self.datastore, self.vault), self.accesses)

    def request(self, by: Actor, answer: Answer | None = None) -> Request:
        """A request with an idempotency key over a body that says what people say."""
        body = self.say(f"body of request {len(self.say.planted)}").encode()
        key = IdempotencyKey(by.id, uuid4().hex, self.vault.fingerprint(body))
        return Request(by, "req-1", answer.aggregate.version if answer else None, key)

    def access(self, by: Actor) -> Access:
        """Somebody who says why it wants to see something."""
        return Access(by, "cases.read", "req-1", self.say(f"reason {len(self.say.planted)}"))

    def look(self, case_id: UUID) -> None:
        """An audit, an export and a refusal, each with its reason."""
        statement = self.cases.get(self.reviewer, case_id).filing.statement
        assert statement
        for fields in ({}, {(1, "statement"): statement}):
            logging.getLogger("canary").info("seen: %r", access := self.access(self.auditor))
            self.accesses.open(access, case_id, fields)
        self.accesses.exported(self.access(self.auditor), case_id, "proof", ())
        self.accesses.refused(self.access(self.seller), case_id)
        entries = self.accesses.entries(self.access(self.supervisor), case_id, None, 10)
        logging.getLogger("canary").info("entries: %r", entries)
        assert all(entry.reason for entry in entries)

    def filing(self, name: str) -> dict[str, Any]:
        """The arguments of a filing."""
        paid = Money(19_900, "CNY")
        bought = NOW - timedelta(days=9)
        return {
            "case_type": CaseType.REFUND_ONLY,
            "reason": "quality_defect",
            "channel": "app",
            "buyer_id": self.say(f"{name}.buyer_id"),
            "merchant_id": "m-2001",
            "order": OrderLine(str(uuid4()), "1", "SKU-9", "羽绒服", "clothing", 1, paid, bought),
            "claim": Claim((RemedyKind.REFUND,), paid),
            "statement": self.say(f"{name}.statement"),
            "contact": {part: self.say(f"{name}.contact.{part}") for part in ("name", "phone", "address")},
        }

    def file(self, name: str) -> Answer:
        return self.cases.file(self.request(self.buyer), **self.filing(name))

    def take_in(self) -> None:
        """One good line in bulk, and one bad one."""

        def parse(text: bytes) -> Line:
            if text == b"bad":
                raise LineRefused("invalid_request", "not JSON")
            return Line(self.filing("intake"), self.say("intake.content").encode())

        intake = Intake(self.cases, self.store, self.vault, parse, self.buyer)
        intake.read([b"good", b"bad"], progress=lambda _: None, reject=lambda _: None)

    def decide(self, answer: Answer, name: str, remedies: tuple[Remedy, ...]) -> Answer:
        """Claim the case, find for the buyer and grant this."""
        case_id = answer.aggregate.id
        answer = self.cases.claim(self.request(self.reviewer, answer), case_id)
        shares = (LiabilityShare(LiableParty.MERCHANT, 100),)
        found, granted = self.say(f"{name}.verification"), self.say(f"{name}.decision")
        request = self.request(self.reviewer, answer)
        answer = self.cases.verify(request, case_id, Finding.UPHELD, shares, (), found)
        return self.cases.decide(self.request(self.reviewer, answer), case_id, remedies, (), granted)

    def talk_about(self, case_id: UUID) -> None:
        """A note and evidence with an address."""
        self.cases.note(self.request(self.reviewer), case_id, self.say("note"), Visibility.INTERNAL)
        self.cases.submit_evidence(
            self.request(self.buyer),
            case_id,
            Party.BUYER,
            "photo",
            self.say("title"),
            "0" * 64,
            self.say("uri"),
        )

    def upload(self, case_id: UUID) -> UUID:
        """A file of the buyer that says something."""
        data = f"%PDF-1.7 {self.say('bytes')}".encode()
        content = Content.checked("application/pdf", sha256(data).hexdigest(), data)
        logging.getLogger("canary").info("taken in: %r", content)
        staged = self.files.stage(self.request(self.buyer), case_id, Party.BUYER, content)
        self.cases.submit_evidence(
            self.request(self.buyer),
            case_id,
            Party.BUYER,
            "photo",
            self.say("title of a file"),
            content.sha256,
        )
        assert staged.subject
        return staged.subject

    def prove(self, case_id: UUID) -> None:
        """A file and what everybody says of it, the burden of proof and an inspection."""
        cases, said = self.cases, self.say
        cases.request_evidence(self.request(self.reviewer), case_id, Side.BUYER, ("photo",), said("asked"))
        piece = self.upload(case_id)
        cases.challenge_evidence(self.request(self.seller), case_id, piece, said("challenge"))
        cases.accept_evidence(self.request(self.reviewer), case_id, piece, said("acceptance"))
        cases.withdraw_evidence(self.request(self.buyer), case_id, piece, said("taken back"))
        opened = self.files.content(self.access(self.reviewer), case_id, piece)
        assert self.say.found_in(opened.data) == {"bytes"}
        now = Answer(cases.get(self.reviewer, case_id), 0)
        claimed = cases.claim(self.request(self.reviewer, now), case_id)
        reviewer = self.request(self.reviewer, claimed)
        shifted = cases.shift_burden(reviewer, case_id, Side.BUYER, "I-2", said("burden"))
        reviewer = self.request(self.reviewer, shifted)
        inspection = cases.order_inspection(reviewer, case_id, said("subject")).subject
        assert inspection
        cost, outcome = Money(30_000, "CNY"), InspectionOutcome.FAKE
        reviewer = self.request(self.reviewer)
        cases.report_inspection(reviewer, case_id, inspection, outcome, cost, said("report"))

    def pay(self, case_id: UUID, compensation_id: UUID) -> None:
        """Through the outbox: refused by the gateway, then paid out of the fund."""
        refusals = iter([self.say("gateway's reason"), None])
        process = SettlementProcess(self.store, self.cases, SandboxGateway(lambda _: next(refusals)), Clock())
        worker = OutboxWorker(self.datastore, Clock(), {PAYMENT: process.deliver})
        worker.deliver_next()
        self.cases.instruct_compensation(self.request(self.finance), case_id, compensation_id, Payer.FUND)
        worker.deliver_next()

    def put_right(self, answer: Answer) -> None:
        """A penalty, a rectification judged twice, and another one waived."""
        cases, case_id = self.cases, answer.aggregate.id

        def reviewer() -> Request:
            return self.request(self.reviewer, Answer(cases.get(self.reviewer, case_id), 0))

        penalty_id = cases.penalise(reviewer(), case_id, 2, None, "S-1", self.say("penalty")).subject
        assert penalty_id
        now = Answer(cases.get(self.reviewer, case_id), 0)
        adjusting = self.request(self.supervisor, now)
        cases.adjust_penalty(adjusting, case_id, penalty_id, 1, None, self.say("adjustment"))
        due = NOW + timedelta(days=3)
        cases.order_rectification(reviewer(), case_id, self.say("terms"), due)
        for accepted in (False, True):
            request, done = self.request(self.seller), self.say(f"submission {accepted}")
            cases.submit_rectification(request, case_id, done)
            cases.judge_rectification(reviewer(), case_id, accepted, self.say(f"verdict {accepted}"))
        cases.order_rectification(reviewer(), case_id, self.say("more terms"), due)
        waiver = self.request(self.supervisor, Answer(cases.get(self.reviewer, case_id), 0))
        cases.waive_rectification(waiver, case_id, self.say("waiver"))

    def contest(self, case_id: UUID, by: Actor, against: AppealAgainst, **verdict: Any) -> Answer:
        """An appeal with evidence of its own, and what another reviewer makes of it."""
        answer = Answer(self.cases.get(self.reviewer, case_id), 0)
        name = f"appeal of {by.id} against the {against} in round {answer.aggregate.round}"
        new = (Brought("video", self.say(f"{name}, title"), "1" * 64, self.say(f"{name}, uri")),)
        request, reasons = self.request(by, answer), self.say(f"{name}, reasons")
        filed = self.cases.appeal(request, case_id, against, reasons, new_evidence=new)
        claimed = self.cases.claim(self.request(self.other_reviewer, filed), case_id)
        ruled = Verdict(clauses=("Q-1",), reasons=self.say(f"{name}, ruling"), **verdict)
        assert filed.subject is not None
        request = self.request(self.other_reviewer, claimed)
        return self.cases.decide_appeal(request, case_id, filed.subject, ruled)

    def follow_up(self, case_id: UUID, satisfied: bool) -> Answer:
        """The buyer's answer in words."""
        follow_up = self.cases.get(self.reviewer, case_id).follow_ups.current()
        assert follow_up is not None
        return self.cases.complete_follow_up(
            self.request(self.reviewer),
            case_id,
            follow_up.follow_up_id,
            satisfied,
            comment=self.say(f"comment {satisfied}"),
            suggestion=self.say(f"suggestion {satisfied}"),
        )

    def refuse(self, case_id: UUID) -> None:
        """A command that is refused, with what it said, and a value that does not open; both logged."""
        log = logging.getLogger("canary")
        try:
            self.cases.note(self.request(self.reviewer), case_id, self.say("refused"), Visibility.INTERNAL)
        except WrongStage as refused:
            log.exception("refused: %r", refused)
        sealed = Sealed(SealedFor.BUYER, uuid4(), "AQ")
        statement = self.cases.get(self.reviewer, case_id).filing.statement
        assert statement is not None
        try:
            self.vault.open(case_id, {(2, "statement"): statement, (1, "other"): sealed})
        except CannotOpen as refused:
            log.exception("does not open: %r of %r", refused, statement)

    def act(self, by: Actor, answer: Answer, command: str, *said: Any, **more: Any) -> Answer:
        """A command on the case as it is now."""
        case_id = answer.aggregate.id
        request = self.request(by, Answer(self.cases.get(self.reviewer, case_id), 0))
        done: Answer = getattr(self.cases, command)(request, case_id, *said, **more)
        return done

    def negotiate(self) -> None:
        """A refusal, an offer that is declined, a promise, and a call for the platform."""
        answer, say = self.file("negotiated"), self.say
        self.act(self.agent, answer, "deliver_notice", Channel.APP)
        self.act(self.seller, answer, "make_promise", say("promise"), NOW + timedelta(days=1))
        self.act(self.seller, answer, "answer", Stance.REFUSES, say("answer"))
        remedies = (Remedy(uuid4(), RemedyKind.REFUND, Money(100, "CNY")),)
        offer = self.act(self.buyer, answer, "make_offer", remedies, (), say("offer")).subject
        self.act(self.seller, answer, "decline_offer", offer, say("declined offer"))
        self.act(self.buyer, answer, "escalate", say("escalation"))

    def stay_silent(self) -> None:
        """A day later the system decides against a merchant, which wants people to decide."""
        case_id = self.file("left alone").aggregate.id
        self.cases.deliver_notice(self.request(self.agent), case_id, Channel.APP)
        later = Clock(NOW + timedelta(days=1))
        cases = Cases(self.store, self.vault, OnePolicy(DEFAULT), later, uuid4)
        (running,) = cases.get(self.reviewer, case_id).clocks.running
        cases.miss_clock(self.request(Actor("ticker", Role.SYSTEM)), case_id, running)
        request = self.request(self.seller, Answer(cases.get(self.reviewer, case_id), 0))
        cases.demand_review(request, case_id, self.say("demand of people"))

    def found(self, name: str) -> Answer:
        """A case that the reviewer has claimed and found for the buyer."""
        answer = self.act(self.reviewer, self.file(name), "claim")
        shares = (LiabilityShare(LiableParty.MERCHANT, 100),)
        seen = self.say(f"{name} found")
        return self.act(self.reviewer, answer, "verify", Finding.UPHELD, shares, (), seen)

    def decide_by_two(self) -> None:
        """A decision at discretion: refused by the second person, made again and approved; an interest."""
        answer, say = self.found("by two"), self.say
        remedies = (Remedy(uuid4(), RemedyKind.REFUND, Money(100, "CNY")),)
        for again in ("", "again "):
            texts = say(f"proposed {again}"), say(f"discretion {again}")
            answer = self.act(self.reviewer, answer, "claim")
            answer = self.act(self.reviewer, answer, "decide", remedies, (), *texts)
            proposal = answer.aggregate.proposals.waiting
            assert proposal
            if again:
                seen = proposal.proposal_id, proposal.proposal_hash
                self.act(self.supervisor, answer, "approve_decision", *seen)
            else:
                self.act(self.supervisor, answer, "reject_decision", proposal.proposal_id, say("rejected"))
        self.act(self.other_reviewer, answer, "recuse", say("interest"))

    def take_back(self) -> None:
        """Money recalled before it is paid, reversed after, and given up; and goodwill."""
        say = self.say
        lines = [Remedy(uuid4(), kind, Money(100, "CNY")) for kind in (RemedyKind.COUPON, RemedyKind.REFUND)]
        answer = self.act(self.reviewer, self.found("taken back"), "decide", tuple(lines), (), say("granted"))
        recalled, paid = (line.remedy_id for line in lines)
        self.act(self.supervisor, answer, "reverse_compensation", recalled, say("recalled"))
        self.act(self.finance, answer, "confirm_compensation", paid, "pay-7", NOW)
        answer = self.act(self.supervisor, answer, "reverse_compensation", paid, say("reversed"))
        for recovery_id in answer.aggregate.money.recoveries:
            self.act(self.supervisor, answer, "write_off_recovery", recovery_id, say("written off"))
        gift = Money(100, "CNY")
        self.act(self.reviewer, self.found("given"), "grant_goodwill", "coupon", say("goodwill"), gift)

    def send_back(self) -> None:
        """Goods that are refused at the door, and goods that are rejected after a look."""
        for taken in (False, True):
            goods = Remedy(uuid4(), RemedyKind.RETURN)
            answer = self.found(f"sent back {taken}")
            answer = self.act(
                self.reviewer, answer, "decide", (goods,), ("Q-1",), self.say(f"decision of goods {taken}")
            )
            address = self.say(f"address {taken}")
            self.act(self.seller, answer, "authorise_return", goods.remedy_id, address)
            self.act(self.buyer, answer, "ship_goods", goods.remedy_id, "SF-1")
            if taken:
                self.act(self.seller, answer, "receive_goods", goods.remedy_id, "SF-2")
                self.act(self.seller, answer, "inspect_goods", goods.remedy_id, GoodsCondition.EMPTY, ())
                why = self.say("rejected goods")
                self.act(self.seller, answer, "reject_goods", goods.remedy_id, "NR-4", why)
            else:
                self.act(self.seller, answer, "refuse_goods", goods.remedy_id, self.say("refused goods"))

    def set_aside(self) -> None:
        """A case that rests and goes on, and one that is dealt with in it."""
        buyer_id = self.say("one buyer")
        kept, merged = (
            self.cases.file(self.request(self.buyer), **self.filing(name) | {"buyer_id": buyer_id})
            for name in ("kept", "merged")
        )
        self.act(self.reviewer, kept, "suspend", SuspensionGround.SETTLEMENT, self.say("suspension"))
        self.act(self.reviewer, kept, "resume", self.say("resumption"))
        self.act(self.reviewer, merged, "merge", kept.aggregate.id, self.say("merger"))

    def deal_with_many(self) -> None:
        """An incident with its steps, a batch, and an end."""
        cases, say = (self.file("one of many").aggregate.id,), self.say
        incidents = Incidents(self.store, self.vault, OnePolicy(DEFAULT), Clock(), uuid4)
        incident = incidents.raise_by_hand(self.request(self.reviewer), cases).aggregate
        for step in IncidentStep:
            incidents.take_step(self.request(self.reviewer), incident.id, step, say(f"step {step}"))

        def seen(by: Actor) -> Request:
            now, _ = incidents.read(self.reviewer, incident.id)
            return replace(self.request(by), expected_version=now.version)

        shares, rules = (LiabilityShare(LiableParty.MERCHANT, 100),), (RemedyRule.REFUND_IN_FULL,)
        terms = (Finding.UPHELD, shares, rules, ("Q-1",), Payer.MERCHANT)
        done = incidents.propose(seen(self.reviewer), incident.id, (), *terms, say("batch"))
        batch = done.aggregate.batch
        assert batch
        incidents.approve(seen(self.supervisor), incident.id, batch.batch_id, batch.proposal.batch_hash)
        process = IncidentProcess(incidents, self.cases)
        for recorded in self.store.facts(incident.id):
            if type(recorded.fact) in process.reads:
                process.react(recorded)
        incidents.close(seen(self.reviewer), incident.id, say("end of the incident"))

    def correct(self) -> None:
        """A corrective action from its terms to its end."""
        say, case_id = self.say, self.file("cause").aggregate.id
        actions = CorrectiveActions(
            self.store, self.vault, OnePolicy(DEFAULT), NoRecurrence(), Clock(), uuid4
        )
        opening = self.request(self.supervisor)
        action_id = actions.open(opening, "m-2001", "quality_defect", (case_id,), say("cause")).aggregate.id

        def seen(by: Actor) -> Request:
            now, _ = actions.read(self.supervisor, action_id)
            return replace(self.request(by), expected_version=now.version)

        for accepted in (False, True):
            actions.propose(self.request(self.seller), action_id, say(f"measure {accepted}"))
            actions.judge(seen(self.supervisor), action_id, accepted, say(f"judged {accepted}"))
        actions.complete(self.request(self.seller), action_id, say("carried out"))
        actions.close(seen(self.supervisor), action_id, say("end of the action"))

    def forget(self, ledger: Path) -> None:
        """A case that somebody needs, that is restricted, and years later erased after all."""
        say = self.say

        def at(when: datetime) -> Forgetting:
            rules, file = OnePolicy(DEFAULT), ErasureLedgerFile(ledger)
            return Forgetting(self.store, self.vault, rules, Clock(when), uuid4, self.vault, file)

        def seen(by: Actor, case_id: UUID) -> Request:
            return replace(self.request(by), expected_version=self.cases.get(by, case_id).version)

        case_id = self.file("forgotten").aggregate.id
        self.cases.close(seen(self.agent, case_id), case_id, Resolution.ANSWERED, say("end of the forgotten"))
        now, later = at(NOW), at(NOW + timedelta(days=4 * 366))
        hold = now.place_legal_hold(self.request(self.supervisor), case_id, say("hold")).subject
        assert hold
        now.release_legal_hold(self.request(self.supervisor), case_id, hold, say("release"))
        now.request_erasure(self.request(self.supervisor), case_id, Side.BUYER, say("restriction"))
        for rejected in (True, False):
            asked = self.request(self.supervisor), case_id, Side.BUYER, say(f"erasure {rejected}")
            (waiting,) = later.request_erasure(*asked).aggregate.privacy.waiting
            if rejected:
                judge, why = seen(self.other_supervisor, case_id), say("no erasure")
                later.reject_erasure(judge, case_id, waiting.proposal_id, why)
            else:
                agreed = waiting.proposal_id, waiting.proposal_hash
                later.approve_erasure(seen(self.other_supervisor, case_id), case_id, *agreed)

    def trade(self) -> None:
        """The whole life of a case with two rounds, a declined one, a withdrawn one and one from a file."""
        answer = self.file("case")
        self.talk_about(answer.aggregate.id)
        self.prove(answer.aggregate.id)
        self.look(answer.aggregate.id)
        answer = Answer(self.cases.get(self.reviewer, answer.aggregate.id), 0)
        refund = Remedy(uuid4(), RemedyKind.REFUND, Money(19_900, "CNY"))
        answer = self.decide(answer, "first round", (refund,))
        self.pay(answer.aggregate.id, refund.remedy_id)
        self.put_right(answer)
        fell = AppealOutcome.OVERTURNED
        self.contest(answer.aggregate.id, self.seller, AppealAgainst.PENALTY, outcome=fell)
        stood = AppealOutcome.UPHELD
        self.contest(answer.aggregate.id, self.buyer, AppealAgainst.DECISION, outcome=stood)
        answer = self.follow_up(answer.aggregate.id, satisfied=False)
        reopening = self.request(self.reviewer, answer)
        again = self.say("reopening")
        answer = self.cases.reopen(reopening, answer.aggregate.id, ReopenGround.UNSATISFIED, again)
        self.decide(answer, "second round", ())
        changed = {"outcome": AppealOutcome.VARIED, "remedies": ()}
        self.contest(answer.aggregate.id, self.buyer, AppealAgainst.DECISION, **changed)
        answer = self.follow_up(answer.aggregate.id, satisfied=True)
        end = self.request(self.reviewer, answer)
        self.cases.close(end, answer.aggregate.id, Resolution.COMPENSATED, self.say("closure"))

        declined = self.file("declined")
        end = self.request(self.reviewer, declined)
        self.cases.close(end, declined.aggregate.id, Resolution.DECLINED, self.say("decline"))
        withdrawn = self.file("withdrawn")
        end = self.request(self.buyer, withdrawn)
        self.cases.withdraw(end, withdrawn.aggregate.id, self.say("withdrawal"))
        self.refuse(withdrawn.aggregate.id)
        self.take_in()
        self.negotiate()
        self.stay_silent()
        self.decide_by_two()
        self.take_back()
        self.send_back()
        self.set_aside()
        self.deal_with_many()
        self.correct()

        supervisor = ProjectionSupervisor(self.url, holder="canary")
        supervisor.prepare()
        supervisor.catch_up()


def dump(url: str) -> bytes:
    """Every row of every table, the vault's too, as the bytes that are kept."""
    whole = io.BytesIO()
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            statement = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(schema, table))
            with connection.cursor().copy(statement) as rows:
                whole.writelines(bytes(block) for block in rows)
    return whole.getvalue()


@pytest.fixture
def log_text(caplog: pytest.LogCaptureFixture) -> Callable[[], bytes]:
    """Everything logged at any level, tracebacks included."""
    caplog.set_level(logging.DEBUG)
    caplog.handler.setFormatter(logging.Formatter("%(message)s %(args)s"))
    return lambda: caplog.text.encode()


@pytest.fixture
def open_market(migrated_database: str) -> Iterator[Callable[..., Marketplace]]:
    with ExitStack() as within:
        yield lambda **options: Marketplace(migrated_database, within, **options)


def test_nothing_that_people_wrote_stands_anywhere_in_clear(open_market, log_text, tmp_path):
    market = open_market()
    market.trade()
    market.forget(tmp_path / "erasures.ledger")
    written = dump(market.url) + (tmp_path / "erasures.ledger").read_bytes()
    assert len(market.say.planted) > 50
    assert b"m-2001" in written
    assert b"refused: WrongStage" in log_text()
    assert market.say.found_in(written) == set()
    assert market.say.found_in(log_text()) == set()


def test_a_number_that_is_found_stands_nowhere_in_clear(open_market, log_text):
    market = open_market()
    number = str(uuid4().int)[:20]
    market.say.planted["number"] = number
    filed = market.cases.file(
        market.request(market.buyer), **{**market.filing("case"), "contact": {"phone": f"+86 {number}"}}
    )
    search = PhoneSearch(market.cases, market.accesses, market.vault, StoredBlindIndex(market.datastore))
    found = search.find(market.access(market.auditor), number, None, 10)
    assert [case.id for case in found.cases] == [filed.aggregate.id]
    assert market.say.found_in(dump(market.url)) == set()
    assert market.say.found_in(log_text()) == set()


def test_every_sealed_field_of_every_fact_was_planted(open_market, tmp_path):
    """A fact that gains a sealed field must be told here too."""
    market = open_market()
    market.trade()
    market.forget(tmp_path / "erasures.ledger")
    with psycopg.connect(market.url) as connection:
        ids = connection.execute("SELECT DISTINCT originator_id FROM events").fetchall()
    facts = [recorded.fact for (case_id,) in ids for recorded in market.store.facts(case_id)]
    planted = {
        (name, field)
        for name, cls in FACTS.items()
        for field in sealed_fields(cls)
        for fact in facts
        if type(fact) is cls and value_of(fact, field) is not None
    }
    assert planted == {(name, field) for name, cls in FACTS.items() for field in sealed_fields(cls)}


def sealed_fields(cls: type) -> Iterator[str]:
    """The paths of the sealed values in a fact or value."""
    for name, hint in get_type_hints(cls).items():
        for kind in (hint, *get_args(hint)):
            if kind is Sealed:
                yield name
            elif is_dataclass(kind) and isinstance(kind, type):
                yield from (f"{name}.{inner}" for inner in sealed_fields(kind))


def value_of(fact: Any, path: str) -> Any:
    for name in path.split("."):
        fact = getattr(fact, name, None)
    return fact


class LeakySealing:
    """Leaves one field unsealed, in some spelling."""

    def __init__(self, sealing: Sealing, spelling: Callable[[str], str]) -> None:
        self._sealing = sealing
        self._spelling = spelling

    @property
    def new_keys(self):
        return self._sealing.new_keys

    @property
    def blind_index(self):
        return self._sealing.blind_index

    def index(self, person: SealedFor, kind: str, value: str) -> None:
        self._sealing.index(person, kind, value)

    def seal(self, person: SealedFor, field: str, text: str, later: int = 0) -> Sealed:
        sealed = self._sealing.seal(person, field, text, later)
        if field == "contact.phone":
            return Sealed(person, sealed.key_id, self._spelling(text))
        return sealed


@pytest.mark.parametrize(
    "spelling",
    [
        str,
        lambda text: text.encode().hex(),
        lambda text: b64encode(text.encode()).decode(),
        lambda text: b64encode(b"?" + text.encode()).decode(),
        lambda text: json.dumps(text),
    ],
    ids=["plain", "hex", "base64", "base64 further in", "escaped"],
)
def test_a_field_left_unsealed_is_found(open_market, spelling):
    class LeakyVault(PostgresVault):
        def sealing(self, case_id: UUID, version: int) -> Any:
            return LeakySealing(super().sealing(case_id, version), spelling)

    market = open_market(vault=LeakyVault)
    market.file("case")
    assert market.say.found_in(dump(market.url)) == {"case.contact.phone"}


def test_an_identifier_left_in_clear_is_found(open_market):
    class LeakyVault(PostgresVault):
        def pseudonym(self, kind: str, value: str) -> str:
            return value

    market = open_market(vault=LeakyVault)
    market.file("case")
    assert market.say.found_in(dump(market.url)) == {"case.buyer_id"}


def test_bytes_left_unsealed_are_found(open_market):
    class LeakyBlobs(PostgresBlobs):
        def put(self, case_id: UUID, blob_id: UUID, person: SealedFor, data: bytes) -> None:
            super().put(case_id, blob_id, person, data)
            statement = b"UPDATE blob_chunks SET box = %b WHERE blob_id = %b RETURNING number"
            change(self._datastore, statement, data, blob_id)

    market = open_market(blobs=LeakyBlobs)
    market.upload(market.file("case").aggregate.id)
    assert market.say.found_in(dump(market.url)) == {"bytes"}


def test_a_text_in_a_log_is_found(open_market, log_text):
    market = open_market()
    logging.getLogger("canary").debug("%s", market.say("logged"))
    assert market.say.found_in(log_text()) == {"logged"}
