"""What of a case each role may see: texts are opened, and people named, only for some."""

from dataclasses import dataclass, replace

from domain.values import STAFF, Actor, Party, Role


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
