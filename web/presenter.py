"""What a caller is shown of cases and their facts. Only here are texts opened, for those who may see them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import singledispatch
from types import MappingProxyType
from typing import Any
from uuid import UUID

from application.accesses import Access, Accesses, Entry
from application.running import Answer
from application.sight import Sight, sees, sight
from application.store import Provenance, RecordedFact
from domain import events
from domain.aggregate import EvolvingAggregate
from domain.case import Case
from domain.case.appeal import Appeal, Appeals
from domain.case.escalating import MACHINE
from domain.case.lease import Lease
from domain.case.money import Line, Recovery
from domain.case.negotiation import Negotiation
from domain.policy.derivation import Derived
from domain.values import (
    Actor,
    ClockKind,
    Contact,
    Role,
    Sealed,
    SealedFor,
    Side,
    Stage,
    ViewerState,
)
from web import dossier, personal

Shown = dict[str, Any]
Opened = Mapping[tuple[int, str], str | None]

NOWHERE: Mapping[UUID, str | None] = MappingProxyType({})

_NAMES = {fact: name for name, fact in events.FACTS.items()}
_IDENTITY = frozenset({"originator_id", "originator_version", "timestamp"})
_PEOPLE = frozenset({"by", "holder", "filed_by", "drafted_by", "approved_by", "proposed_by"})
_OUTCOMES = (events.DecisionUpheld, events.DecisionVaried, events.DecisionOverturned)
OWN = sight(Actor("subject", Role.BUYER_INTEGRATION))
"""What people see of what is held about them: what those see who file for them."""

_OUTSIDERS = frozenset({Role.MERCHANT, Role.BUYER_INTEGRATION, Role.SYSTEM})


def command(answer: Answer[Any]) -> Shown:
    """The part that every command answers."""
    return {**state(answer.aggregate), "position": str(answer.position)}


def state(aggregate: EvolvingAggregate) -> Shown:
    """Which aggregate it is, what its kind always tells, and its version."""
    return {f"{aggregate.kind()}_id": aggregate.id, **told(aggregate), "version": aggregate.version}


@singledispatch
def told(aggregate: EvolvingAggregate) -> Shown:
    """What answers tell of this kind of aggregate beside its id and version, if anything is registered."""
    return {}


@told.register
def _(case: Case) -> Shown:
    return {"number": case.filing.number, "stage": case.stage}


def found(case: Case) -> Shown:
    """A case in a search."""
    filing = case.filing
    return {
        "case_id": case.id,
        "number": filing.number,
        "stage": case.stage,
        "case_type": filing.case_type,
        "reason": case.reason,
        "merchant_id": filing.merchant_id,
        "order_id": filing.order.order_id,
        "line_id": filing.order.line_id,
        "filed_at": filing.timestamp,
    }


def lease(held: Lease | None) -> Shown | None:
    """A lease as its holder sees it."""
    if held is None:
        return None
    return {"holder": held.holder, "token": held.token, "expires_at": held.expires_at}


def assignment(held: Lease | None) -> Shown | None:
    """A lease as somebody else sees it: the token is its holder's own."""
    if held is None:
        return None
    return {"holder": held.holder, "role": held.role, "expires_at": held.expires_at}


def compensation(line: Line) -> Shown:
    """One money line."""
    return {
        "compensation_id": line.compensation_id,
        "kind": line.kind,
        "amount": line.amount,
        "points": line.points,
        "stands": line.stands,
        "payer": line.charged,
        "release": line.release,
        "goodwill": line.goodwill,
        "state": line.state,
        "attempts": len(line.attempts),
    }


def recovery(one: Recovery, appeals: Appeals) -> Shown:
    """Money that is to come back."""
    return {
        "recovery_id": one.recovery_id,
        "compensation_id": one.compensation_id,
        "debtor": one.debtor,
        "creditor": one.creditor,
        "amount": one.amount,
        "recovered": one.recovered,
        "cause": one.cause,
        "state": one.state,
        "appeal_until": appeals.closes(one.recovery_id),
    }


def proposal(made: events.DecisionProposed) -> Shown:
    """What a decision that waits for a second person is answered with."""
    return {"proposal_id": made.proposal_id, "proposal_hash": made.proposal_hash}


def decision(case: Case) -> Shown:
    """What the decision that stands, and what varied it, led to, as an answer shows it."""
    return _granted(case, case.granted)


def agreement(case: Case) -> Shown:
    """What an agreement led to, as the answer of who agreed shows it."""
    agreed = case.agreement.remedies if case.agreement else ()
    return _granted(case, {one.remedy_id for one in agreed})


def _granted(case: Case, granted: Collection[UUID]) -> Shown:
    return {
        "compensations": [
            compensation(line) for line in case.money.lines.values() if line.compensation_id in granted
        ],
        "goods": [one for one in _goods(case) if one["goods_id"] in granted],
    }


def paying(case: Case, compensation_id: UUID | None) -> Shown | None:
    """The money line of this id."""
    line = case.money.lines.get(compensation_id) if compensation_id else None
    return compensation(line) if line else None


def appeal(filed: Appeal) -> Shown:
    """An appeal as the answers of its commands show it."""
    return {"appeal_id": filed.appeal_id, "appeal_state": filed.state}


def _goods(case: Case, addresses: Mapping[UUID, str | None] = NOWHERE) -> list[Shown]:
    return [
        {
            "goods_id": leg.goods_id,
            "kind": leg.kind,
            "state": leg.state,
            "ship_by": leg.ship_by,
            "address": addresses.get(leg.goods_id),
            "condition": leg.condition,
        }
        for leg in case.goods.legs.values()
    ]


def _warranty(case: Case) -> Shown | None:
    warranty = case.warranty
    if warranty is None:
        return None
    return {
        "begins": warranty.begins,
        "ends_at": warranty.ends_at,
        "in_repair": int(warranty.in_repair.total_seconds()),
    }


def access_entry(entry: Entry) -> Shown:
    """One entry of an access log: who saw what, when and why."""
    recorded, fact = entry.recorded, entry.recorded.fact
    return {
        "access_id": vars(fact)["access_id"],
        "type": _NAMES[type(fact)],
        "at": fact.timestamp,
        "actor": {"id": recorded.provenance.actor_id, "role": recorded.provenance.actor_role},
        "request_id": recorded.provenance.request_id,
        "permission": vars(fact)["permission"],
        "fields": vars(fact).get("fields", ()),
        "export": vars(fact).get("export"),
        "reason": entry.reason,
    }


@singledispatch
def withheld(aggregate: EvolvingAggregate) -> frozenset[SealedFor]:
    """Whose texts of this aggregate may not be read, or cannot be read any more."""
    return frozenset()


@withheld.register
def _(case: Case) -> frozenset[SealedFor]:
    gone = case.privacy.erased
    return frozenset(SealedFor(side) for side in Side if side in gone or case.restriction(side))


class Presenter:
    """Shows cases and histories to callers."""

    def __init__(self, accesses: Accesses) -> None:
        self._accesses = accesses

    def case(
        self,
        case: Case,
        facts: Sequence[RecordedFact],
        access: Access,
        allowed: list[str],
        burden: Derived[Side],
        state: ViewerState,
        at: datetime,
        current: Case,
    ) -> Shown:
        """The case as the caller may see it at an instant; what is opened for it is recorded first.

        burden: who must prove, as the policy has it · state: what the case asks of the caller · current: the
        case as it is now, which says whose texts nobody may read any more.
        """
        view = _View(access, facts, self._accesses, case.id, withheld(current))
        filing, verified = case.filing, case.verified
        return {
            "case_id": case.id,
            "number": filing.number,
            "stage": case.stage,
            "version": case.version,
            "round": case.round,
            "case_type": filing.case_type,
            "reason": case.reason,
            "channel": filing.channel,
            "merchant_id": filing.merchant_id,
            "filed_at": filing.timestamp,
            "order": filing.order,
            "claim": filing.claim,
            "objections": filing.objections,
            "statement": view.content(filing)["statement"],
            "contact": view.content(filing).get("contact"),
            "negotiation": case.negotiation and _negotiation(case, case.negotiation, view),
            "promises": _promises(case, view),
            "finding": verified.finding if verified else None,
            "liability": verified.liability if verified else (),
            "decision": view.decision(case),
            "proposal": view.last(events.DecisionProposed) if case.proposals.waiting else None,
            "human_review": view.last(events.HumanReviewDemanded),
            "compensations": [compensation(line) for line in case.money.lines.values()],
            "recoveries": [recovery(one, case.appeals) for one in case.money.recoveries.values()],
            "goods": _goods(case, view.addresses()),
            "warranty": _warranty(case),
            **dossier.pages(case, burden, view.every),
            "notes": view.every(events.NoteAdded),
            "penalties": [
                {
                    "penalty_id": one.penalty_id,
                    "points": one.points,
                    "fine": one.fine,
                    "clause": one.clause,
                    "state": one.state,
                    "appeal_until": case.appeals.closes(one.penalty_id),
                }
                for one in case.penalties.values()
            ],
            "appeals": [view.appeal(one) for one in case.appeals.all.values()],
            "follow_ups": [
                {
                    "follow_up_id": one.follow_up_id,
                    "due": one.due,
                    "state": one.state,
                    "attempts": one.attempts,
                    "max_attempts": one.max_attempts,
                    "satisfied": one.satisfied,
                }
                for one in case.follow_ups.all.values()
            ],
            "rectification": case.rectification
            and {
                "rectification_id": case.rectification.rectification_id,
                "due": case.rectification.due,
                "state": case.rectification.state,
            },
            "suspension": case.suspension and view.last(events.CaseSuspended),
            "links": view.every(events.CaseLinked),
            "expiry": (case.stage is Stage.EXPIRED and view.last(events.CaseExpired)) or None,
            "merged_into": (case.stage is Stage.MERGED and view.last(events.CaseMerged)) or None,
            **personal.pages(case, view.every, at),
            "lease": view.lease(case.lease, at),
            "viewer_state": state,
            "allowed": allowed,
        }

    def history(
        self, aggregate: EvolvingAggregate, facts: Iterable[RecordedFact], access: Access
    ) -> list[Shown]:
        """The facts as the caller may see them, with their texts opened if it may read them.

        aggregate: as it is now, whatever was known at the time of these facts: it says whose texts nobody
        may read any more.
        """
        view = _View(access, facts, self._accesses, aggregate.id, withheld(aggregate))
        return [view.entry(one) for one in view.facts]

    def subject(self, case: Case, facts: Sequence[RecordedFact], access: Access, at: datetime) -> Shown:
        """Everything that a case holds about its buyer, for that person: what the buyer's side may see.

        That it is handed out is recorded first. Raises AccessReasonRequired.
        """
        view = _View(access, facts, self._accesses, case.id, withheld(case), OWN)
        self._accesses.exported(access, case.id, "subject", view.opened)
        filing = view.content(case.filing)
        return {
            "case_id": case.id,
            "number": case.filing.number,
            "stage": case.stage,
            "personal_data": personal.state(case, Side.BUYER, at),
            "filed_at": case.filing.timestamp,
            "order": case.filing.order,
            "claim": case.filing.claim,
            "statement": filing["statement"],
            "contact": filing.get("contact"),
            "files": view.every(events.EvidenceSubmitted),
            "follow_ups": view.every(events.FollowUpCompleted),
            "history": [view.entry(one) for one in view.facts],
        }

    def changes(self, facts: Iterable[RecordedFact], access: Access) -> list[Shown]:
        """The same without opening anything: who changed what."""
        view = _View(access, facts)
        return [view.entry(one) for one in view.facts]


class _View:
    """One caller's view of the facts of one case."""

    def __init__(
        self,
        access: Access,
        facts: Iterable[RecordedFact],
        accesses: Accesses | None = None,
        subject_id: UUID | None = None,
        withheld: Collection[SealedFor] = (),
        seen: Sight | None = None,
    ) -> None:
        self._by = access.by
        self._sight: Sight = seen or sight(access.by, stated=access.reason is not None)
        self._withheld = withheld
        self._hidden = _hidden(self._sight)
        if SealedFor.BUYER in withheld:
            self._hidden |= {"buyer", "contact"}
        self.facts = [one for one in facts if sees(self._sight, one.fact)]
        self._opened: Opened = {}
        if accesses and subject_id and self._sight.texts:
            self._opened = accesses.open(access, subject_id, dict(self._sealed()))

    @property
    def opened(self) -> list[str]:
        """The fields that were opened."""
        return sorted({name for (_, name), text in self._opened.items() if text is not None})

    def _sealed(self) -> Iterable[tuple[tuple[int, str], Sealed]]:
        for one in self.facts:
            version = one.fact.originator_version
            for name, value in vars(one.fact).items():
                if isinstance(value, Sealed) and value.person not in self._withheld:
                    yield (version, name), value
                elif isinstance(value, Contact) and self._sight.contact:
                    for part, sealed in _parts(value):
                        if sealed.person not in self._withheld:
                            yield (version, f"{name}.{part}"), sealed

    def entry(self, one: RecordedFact) -> Shown:
        """One fact of the history."""
        fact, origin = one.fact, one.provenance
        return {
            "version": fact.originator_version,
            "position": str(one.position),
            "type": _NAMES[type(fact)],
            "recorded_at": one.recorded_at,
            "at": fact.timestamp,
            "actor": self._actor(origin),
            "request_id": origin.request_id if self._sight.people else None,
            "data": self.content(fact, origin),
        }

    def content(self, fact: events.Fact, origin: Provenance | None = None) -> Shown:
        """What the fact says, with texts opened and people named as the caller may see them."""
        said = vars(fact)
        hidden = self._hidden if said.get("holder") == self._by.id else self._hidden | {"token"}
        return {
            name: self._value(fact.originator_version, name, value, origin)
            for name, value in said.items()
            if name not in hidden
        }

    def _value(self, version: int, name: str, value: Any, origin: Provenance | None) -> Any:
        match value:
            case Sealed():
                return self._opened.get((version, name))
            case Contact():
                return {
                    part: self._opened.get((version, f"{name}.{part}")) for part, _ in _parts(value)
                } or None
            case str() if name in _PEOPLE:
                return self._person(value, origin)
            case _:
                return value

    def _person(self, person: str, origin: Provenance | None) -> str | None:
        """Whom to name: what parties and machines record can be about the platform's people, too."""
        itself = origin and origin.actor_role in _OUTSIDERS and person in (origin.actor_id, MACHINE.id)
        return person if self._sight.people or itself else None

    def addresses(self) -> dict[UUID, str | None]:
        """Where the buyer is to send which goods."""
        return {one["goods_id"]: one["address"] for one in self.every(events.ReturnAuthorised)}

    def every(self, kind: type[events.Fact]) -> list[Shown]:
        """Every fact of a kind, with when it was and who by."""
        return [self._stated(one) for one in self.facts if isinstance(one.fact, kind)]

    def decision(self, case: Case) -> Shown | None:
        """The decision that stands, with what is left of the window to appeal against it."""
        if case.decision is None:
            return None
        decision_id = case.decision.decision_id
        issued = self.last(events.DecisionIssued, decision_id=decision_id)
        return issued and {**issued, "appeal_until": case.appeals.closes(decision_id)}

    def appeal(self, filed: Appeal) -> Shown:
        """An appeal, how it stands, and what was made of it."""
        return {
            **(self.last(events.AppealFiled, appeal_id=filed.appeal_id) or {}),
            "due": filed.due,
            "state": filed.state,
            "outcome": self.last(*_OUTCOMES, appeal_id=filed.appeal_id),
        }

    def last(self, *kinds: type[events.Fact], **said: Any) -> Shown | None:
        """The last fact of one of these kinds that says this."""
        for one in reversed(self.facts):
            if isinstance(one.fact, kinds) and said.items() <= vars(one.fact).items():
                return self._stated(one)
        return None

    def _stated(self, one: RecordedFact) -> Shown:
        return {
            **self.content(one.fact, one.provenance),
            "at": one.fact.timestamp,
            "actor": self._actor(one.provenance),
        }

    def _actor(self, origin: Provenance) -> Shown:
        return {"id": self._person(origin.actor_id, origin), "role": origin.actor_role}

    def lease(self, held: Lease | None, at: datetime) -> Shown | None:
        """Who works on the case now; the token is the holder's own."""
        if held is None or not held.live(at):
            return None
        return {
            "holder": held.holder if self._sight.people else None,
            "role": held.role,
            "token": held.token if held.holder == self._by.id else None,
            "expires_at": held.expires_at,
        }


def _negotiation(case: Case, talks: Negotiation, view: _View) -> Shown:
    awaited = case.clocks.of_kind(ClockKind.ANSWER)
    said = {one["offer_id"]: one for one in view.every(events.OfferMade)}
    return {
        "notified_at": talks.began,
        "turn": talks.turn,
        "answer_due": awaited[0].due if awaited else None,
        "answer": view.last(events.MerchantAnswered),
        "offers": [
            {
                "offer_id": one.offer_id,
                "party": one.party,
                "remedies": one.remedies,
                "clauses": said[one.offer_id]["clauses"],
                "text": said[one.offer_id]["text"],
                "due": one.due,
                "state": one.state,
            }
            for one in talks.offers.values()
        ],
        "agreement": view.last(events.OfferAccepted),
        "escalation": view.last(events.CaseEscalated),
        "defaulted": talks.defaulted,
    }


def _promises(case: Case, view: _View) -> list[Shown]:
    said = {one["promise_id"]: one["text"] for one in view.every(events.PromiseMade)}
    return [
        {
            "promise_id": one.promise_id,
            "party": one.party,
            "text": said[one.promise_id],
            "due": one.due,
            "state": one.state,
        }
        for one in case.promises.all.values()
    ]


def _hidden(seen: Sight) -> frozenset[str]:
    """The parts of a fact that are not shown at all."""
    contact = frozenset() if seen.contact else frozenset({"contact"})
    people = frozenset() if seen.people else frozenset({"buyer"})
    return _IDENTITY | contact | people


def _parts(contact: Contact) -> list[tuple[str, Sealed]]:
    named = (("name", contact.name), ("phone", contact.phone), ("address", contact.address))
    return [(part, sealed) for part, sealed in named if sealed]
