"""The grammar of the domain's tests: given what happened, when a command, then these facts, or refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid5

import pytest

from domain.case import Case
from domain.events import Fact
from domain.policy import Policy
from domain.policy.pack import Key
from domain.refusals import Refusal, UnknownPart
from domain.values import (
    Actor,
    AttemptOutcome,
    CaseType,
    Channel,
    Circumstance,
    Claim,
    ClockKind,
    Finding,
    LiabilityShare,
    LiableParty,
    Money,
    OrderLine,
    Party,
    Remedy,
    RemedyKind,
    Resolution,
    Role,
    Sealed,
    SealedFor,
    Stance,
)
from infrastructure.mapper import FactMapper
from infrastructure.policy_pack import default_pack

DEFAULT = default_pack()

Command = Callable[[Case], object]

NOON = datetime(2026, 11, 10, 4, 0, tzinfo=UTC)
"""Noon in Shanghai."""

NAMESPACE = UUID("5f0c2b1e-8f43-4d58-9d4e-0d6b9d6f2c11")
MAPPER = FactMapper()


def an_id(name: str) -> UUID:
    """The same id for the same name."""
    return uuid5(NAMESPACE, name)


def sealed(person: SealedFor = SealedFor.PLATFORM) -> Sealed:
    """A text that the domain cannot read."""
    return Sealed(person, an_id("key"), "AQ")


def yuan(amount: int) -> Money:
    """An amount of whole yuan."""
    return Money(amount * 100, "CNY")


def remedy(kind: RemedyKind, name: str | None = None, **content: Any) -> Remedy:
    """A remedy whose id is its name; its kind, if it has none."""
    return Remedy(an_id(name or kind), kind, **content)


class Story:
    """A case told by commands; `given` stores and replays every fact through the production mapper."""

    buyer = Actor("app", Role.BUYER_INTEGRATION)
    merchant = Actor("seller", Role.MERCHANT, "m-2001")
    agent = Actor("agent-1", Role.AGENT)
    reviewer = Actor("reviewer-1", Role.REVIEWER)
    other_reviewer = Actor("reviewer-2", Role.REVIEWER)
    supervisor = Actor("supervisor-1", Role.SUPERVISOR)

    def __init__(self) -> None:
        self.at = NOON
        self.policy: Policy = DEFAULT
        self.case: Case
        self._command: Command | None = None

    # --- what has happened ---

    def filed(
        self,
        case_type: CaseType = CaseType.RETURN_REFUND,
        reason: str = "quality_defect",
        claim: Claim | None = None,
        **order: Any,
    ) -> Self:
        """A case filed for a line of 199 yuan that was delivered five days before, to have it refunded."""
        line: dict[str, Any] = {
            "order_id": "PO-1",
            "line_id": "1",
            "sku": "SKU-9",
            "title": "羽绒服",
            "category": "clothing",
            "quantity": 1,
            "paid": yuan(199),
            "purchased_at": NOON - timedelta(days=9),
            "delivered_at": NOON - timedelta(days=5),
        }
        self.case = Case.file(
            by=self.buyer,
            case_id=an_id("case"),
            number="AS-20261110-0000000001",
            case_type=case_type,
            reason=reason,
            channel="app",
            buyer="0" * 32,
            merchant_id="m-2001",
            order=OrderLine(**line | order),
            claim=claim or Claim((RemedyKind.REFUND,), yuan(199)),
            policy=self.policy,
            at=self.at,
            statement=sealed(SealedFor.BUYER),
        )
        return self.replayed()

    def given(self, *commands: Command) -> Self:
        """These commands were carried out, recorded, and the case loaded again."""
        for command in commands:
            command(self.case)
        return self.replayed()

    def replayed(self) -> Self:
        """The case as it is loaded from its stored facts."""
        loaded: Any = None
        facts = [*getattr(self, "_facts", []), *self.case.collect_events()]
        self._facts = [MAPPER.to_domain_event(MAPPER.to_stored_event(fact)) for fact in facts]
        for fact in self._facts:
            loaded = fact.mutate(loaded)  # type: ignore[attr-defined]
        self.case = loaded
        return self

    def notified(self, **filing: Any) -> Self:
        """Filed, and the merchant was told of it."""
        return self.filed(**filing).given(self.notify())

    def claimed(self, by: Actor | None = None) -> Self:
        """A reviewer holds the case; its review has begun."""
        return self.given(lambda case: case.claim(by or self.reviewer, self.policy, self.at))

    def verified(
        self,
        finding: Finding = Finding.UPHELD,
        liable: LiableParty | None = LiableParty.MERCHANT,
        by: Actor | None = None,
        established: tuple[Circumstance, ...] = (),
    ) -> Self:
        """The reviewer found this; the named party is wholly liable."""
        shares = (LiabilityShare(liable, 100),) if liable else ()
        return self.given(
            lambda case: case.verify(
                by or self.reviewer, None, finding, shares, (), sealed(), self.at, established
            )
        )

    def in_review(self) -> Self:
        """Filed, claimed and verified for the buyer."""
        return self.filed().claimed().verified()

    def decided(
        self, *remedies: Remedy, clauses: tuple[str, ...] = ("Q-1",), by: Actor | None = None, name: str = "1"
    ) -> Self:
        """The round was decided."""
        return self.given(self.decide(*remedies, clauses=clauses, by=by, name=name))

    def refunded(self) -> Self:
        """A full refund was decided and paid; the buyer is to be asked."""
        return self.in_review().decided(remedy(RemedyKind.REFUND, amount=yuan(199))).given(self.pay("refund"))

    def asked(self, satisfied: bool = True) -> Self:
        """The buyer answered the follow-up."""
        return self.given(
            lambda case: case.complete_follow_up(self.follow_up_id, satisfied, self.at, 5, 5, 4)
        )

    def closed(self, resolution: Resolution = Resolution.COMPENSATED) -> Self:
        """The agent closed the case."""
        return self.given(self.close(resolution))

    def later(self, **by: float) -> Self:
        """Time passes."""
        self.at += timedelta(**by)
        return self

    def proposed(self, *remedies: Remedy, clauses: tuple[str, ...] = ("Q-1",)) -> Self:
        """A decision waits for a second person, because discretion was used."""
        return self.in_review().given(self.decide(*remedies, clauses=clauses, discretion=True))

    # --- commands ---

    def notify(self) -> Command:
        """Telling the merchant."""
        return lambda case: case.deliver_notice(an_id("notice"), Channel.APP, self.policy, self.at)

    def answer(self, stance: Stance) -> Command:
        """The merchant's answer."""
        text = sealed(SealedFor.MERCHANT)
        return lambda case: case.answer(stance, text, self.policy, self.at)

    def offer(self, by: Actor, name: str, *remedies: Remedy, clauses: tuple[str, ...] = ()) -> Command:
        """An offer of this name to settle on these remedies."""
        return lambda case: case.make_offer(
            by, an_id(name), remedies, clauses, sealed(), self.policy, self.at
        )

    def agree(self, by: Actor, name: str) -> Command:
        """Agreeing to the offer of this name."""
        return lambda case: case.accept_offer(by, an_id(name), self.policy, self.at)

    def decline(self, by: Actor, name: str) -> Command:
        """Turning down the offer of this name."""
        return lambda case: case.decline_offer(by, an_id(name), sealed(), self.at)

    def escalate(self, by: Actor) -> Command:
        """Asking the platform."""
        return lambda case: case.escalate(by, sealed(), self.policy, self.at)

    def demand_review(self, by: Actor) -> Command:
        """Having people decide what the system decided."""
        return lambda case: case.demand_review(by, sealed(), self.policy, self.at)

    def promise(self, name: str = "promise", party: Party = Party.MERCHANT) -> Command:
        """A promise to do something within a day."""
        due = self.at + timedelta(days=1)
        return lambda case: case.make_promise(an_id(name), party, sealed(), due, self.at)

    def keep(self, name: str = "promise") -> Command:
        """Saying that the promise of this name was kept."""
        return lambda case: case.keep_promise(an_id(name), self.at)

    def miss(self, kind: ClockKind) -> Command:
        """The due time of the one clock of this kind that runs."""
        (clock,) = self.case.clocks.of_kind(kind)
        return lambda case: case.miss_clock(clock.clock_id, self.policy, self.at)

    def decide(
        self,
        *remedies: Remedy,
        clauses: tuple[str, ...] = ("Q-1",),
        by: Actor | None = None,
        name: str = "1",
        discretion: bool = False,
    ) -> Command:
        """Deciding the round."""
        return lambda case: case.decide(
            by or self.reviewer,
            None,
            an_id(f"decision {name}"),
            remedies,
            clauses,
            sealed(),
            self.policy,
            self.at,
            sealed() if discretion else None,
        )

    def approve(self, by: Actor | None = None, hashed: str | None = None, name: str = "1") -> Command:
        """Approving the decision of this name, with the hash that it was answered with."""

        def command(case: Case) -> None:
            proposal_id = an_id(f"decision {name}")
            proposed = case.proposals.all.get(proposal_id)
            known = proposed.fact.proposal_hash if proposed else ""
            case.approve(
                by or self.supervisor,
                proposal_id,
                known if hashed is None else hashed,
                sealed(),
                sealed() if proposed and proposed.fact.discretion else None,
                self.policy,
                self.at,
            )

        return command

    def reject(self, by: Actor | None = None, name: str = "1") -> Command:
        """Refusing to approve the decision of this name."""
        return lambda case: case.reject(by or self.supervisor, an_id(f"decision {name}"), sealed(), self.at)

    def give(
        self, name: str = "gift", amount: int | None = 50, points: int | None = None, by: Actor | None = None
    ) -> Command:
        """Giving a coupon of so many yuan, or points."""
        kind = RemedyKind.COUPON if points is None else RemedyKind.POINTS
        worth = {"amount": yuan(amount)} if points is None and amount is not None else {"points": points}
        gift = remedy(kind, name, **worth)
        return lambda case: case.grant_goodwill(by or self.agent, gift, sealed(), self.policy, self.at)

    def pay(self, name: str, reference: str = "pay-1", amount: Money | None = None) -> Command:
        """The payment system's confirmation of the line of this name."""
        return lambda case: case.confirm_compensation(
            an_id(name), reference, self.at, amount, self.policy, self.at
        )

    def fail(self, name: str, reference: str = "pay-1") -> Command:
        """The payment system's failure of the line of this name."""
        return lambda case: case.fail_compensation(an_id(name), reference, sealed(), self.policy, self.at)

    def ship(self, name: str, reference: str = "SF-1", by: Actor | None = None) -> Command:
        """The leg of this name leaves."""
        return lambda case: case.ship_goods(by or self.agent, an_id(name), reference, self.at)

    def receive(self, name: str, reference: str = "SF-1", by: Actor | None = None) -> Command:
        """The leg of this name arrives."""
        return lambda case: case.receive_goods(by or self.agent, an_id(name), reference, self.policy, self.at)

    def accept(self, name: str, reference: str = "SF-1", by: Actor | None = None) -> Command:
        """The leg of this name is taken as good."""
        return lambda case: case.accept_goods(by or self.agent, an_id(name), reference, self.policy, self.at)

    def attempt(self, outcome: AttemptOutcome = AttemptOutcome.UNREACHABLE) -> Command:
        """An attempt to reach the buyer."""
        return lambda case: case.attempt_follow_up(self.follow_up_id, Channel.PHONE, outcome, self.at)

    def close(self, resolution: Resolution = Resolution.COMPENSATED, by: Actor | None = None) -> Command:
        """Closing the case."""
        return lambda case: case.close(by or self.agent, resolution, sealed(), self.at)

    @property
    def follow_up_id(self) -> UUID:
        """The follow-up of the present round."""
        follow_up = self.case.follow_ups.current()
        assert follow_up
        return follow_up.follow_up_id

    # --- what comes of it ---

    def when(self, command: Command) -> Self:
        """This command is given."""
        self._command = command
        return self

    def then(self, *facts: type[Fact]) -> list[Any]:
        """These facts, and no others, are recorded; returns them."""
        assert self._command
        self._command(self.case)
        new = list(self.case.pending_events)
        assert [type(fact) for fact in new] == list(facts)
        self.replayed()
        return new

    def accepted(self) -> bool:
        """Whether the command records anything."""
        before = self.case.version
        assert self._command
        self._command(self.case)
        return self.replayed().case.version > before

    def nothing_happened(self) -> None:
        """The command is accepted and records nothing."""
        self.then()

    def refused(self, refusal: type[Refusal] | type[UnknownPart]) -> None:
        """The case refuses, and nothing is recorded."""
        assert self._command
        before = vars(self.case).copy()
        with pytest.raises(refusal) as caught:
            self._command(self.case)
        assert type(caught.value) is refusal
        assert not self.case.pending_events
        assert vars(self.case) == before


@pytest.fixture
def story() -> Story:
    """A story yet to be told, at noon."""
    return Story()


@pytest.fixture
def a() -> Any:
    """The words that a story is told with."""

    class Words:
        id = staticmethod(an_id)
        text = staticmethod(sealed)
        yuan = staticmethod(yuan)
        remedy = staticmethod(remedy)

    return Words


@pytest.fixture
def policy() -> Policy:
    """The policy that is shipped."""
    return DEFAULT


@pytest.fixture
def without() -> Callable[[Policy, Key[Any]], Policy]:
    """A policy in which one rule is not in force."""

    def disabled(policy: Policy, key: Key[Any]) -> Policy:
        rule = replace(policy.rules[key.id], enabled=False)
        return replace(policy, rules={**policy.rules, key.id: rule})

    return disabled
