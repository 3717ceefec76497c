"""What of a case each role may see: texts are opened, and people named, only for some."""

from dataclasses import dataclass, replace

from application.store import RecordedFact
from domain import events
from domain.values import STAFF, Actor, Party, Role, Visibility


@dataclass(frozen=True, slots=True)
class Sight:
    """What one caller sees of a case that it may read.

    texts: sealed texts are opened · contact: the buyer's contact data too · internal: notes among staff ·
    people: the platform's people by id, and not by their role alone · drafts: whose evidence is shown before
    it is submitted (None: everybody's).
    """

    texts: bool
    contact: bool
    internal: bool
    people: bool
    drafts: Party | None = None


_AMONG_STAFF = (
    events.ConflictDeclared,
    events.DecisionProposed,
    events.DecisionApproved,
    events.ProposalVoided,
    events.LegalHoldPlaced,
    events.LegalHoldReleased,
    events.ErasureProposed,
    events.ErasureRejected,
)
_NAMING = frozenset(
    {"approved_by", "buyer", "by", "contact", "drafted_by", "filed_by", "holder", "proposed_by", "token"}
)
"""Parts of facts that name somebody, or are somebody's."""

_WORKING = Sight(texts=True, contact=True, internal=True, people=True)
_FILING = Sight(texts=True, contact=True, internal=False, people=True, drafts=Party.BUYER)
_ACCUSED = Sight(texts=True, contact=False, internal=False, people=False, drafts=Party.MERCHANT)
_AUDITING = Sight(texts=True, contact=False, internal=True, people=True)
_WATCHING = Sight(texts=False, contact=False, internal=True, people=True)


def sight(actor: Actor, *, stated: bool = False) -> Sight:
    """What the actor sees: who neither works on cases, audits them nor is a party reads no texts.

    stated: it says why it wants to see it; an auditor who does reads contact data too.
    """
    match actor.role:
        case role if role in STAFF:
            return _WORKING
        case Role.BUYER_INTEGRATION:
            return _FILING
        case Role.AUDITOR:
            return replace(_AUDITING, contact=stated)
        case Role.MERCHANT:
            return _ACCUSED
        case _:
            return _WATCHING


def sees(seen: Sight, fact: events.Fact) -> bool:
    """Whether a fact is shown at all: not what staff say among themselves, nor the other side's drafts."""
    if isinstance(fact, events.EvidenceStaged | events.EvidenceDiscarded):
        return seen.drafts in (None, fact.party)
    noted = isinstance(fact, events.NoteAdded) and fact.visibility is Visibility.INTERNAL
    return seen.internal or not (noted or isinstance(fact, _AMONG_STAFF))


def shown_whole(seen: Sight, one: RecordedFact) -> bool:
    """Whether a fact's whole record may be shown as it is stored, with its texts sealed.

    A record cannot be shown in part: who is not told of people sees its own side's and the system's alone,
    and of those what names nobody else; a lease's token is nothing for outside callers.
    """
    parts = vars(one.fact).keys()
    if not sees(seen, one.fact) or ("token" in parts and not seen.internal):
        return False
    if seen.people:
        return True
    match one.provenance.actor_role:
        case Role.MERCHANT:
            return parts.isdisjoint(_NAMING - {"by"})
        case Role.SYSTEM:
            return parts.isdisjoint(_NAMING)
        case _:
            return False
