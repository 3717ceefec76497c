"""What the parties settle between themselves, until the platform steps in."""

from datetime import datetime
from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import Channel, Derivation, EscalationGround, Remedy, Sealed, Side, Stance


@stored_as("NoticeDelivered")
class NoticeDelivered(Fact):
    """A side was told of the case; with it the buyer's claim is put to the merchant, whose answer is due."""

    notice_id: UUID
    party: Side
    channel: Channel


@stored_as("MerchantAnswered")
class MerchantAnswered(Fact):
    """The merchant took a stance on the claim. An open offer of the buyer's is thereby declined."""

    stance: Stance
    text: Sealed


@stored_as("MerchantDefaulted")
class MerchantDefaulted(Fact):
    """The merchant let the time to answer pass; by this clause its silence decides against it."""

    clause: str
    derivation: Derivation


@stored_as("OfferMade")
class OfferMade(Fact):
    """A side offered to settle on these remedies until `due`; the clauses are those that it rests them on.

    declines: the other side's open offer, which this one counters.
    """

    offer_id: UUID
    party: Side
    remedies: tuple[Remedy, ...]
    clauses: tuple[str, ...]
    text: Sealed
    due: datetime
    declines: UUID | None = None


@stored_as("OfferAccepted")
class OfferAccepted(Fact):
    """The sides agreed on these remedies, which are granted as a decision would grant them.

    `offer_id` names the offer, or the notice with which the claim was put to a merchant who agrees to it ·
    due: by when it is to be executed.
    """

    offer_id: UUID
    party: Side
    remedies: tuple[Remedy, ...]
    due: datetime | None = None


@stored_as("OfferDeclined")
class OfferDeclined(Fact):
    """A side turned the other one's offer down."""

    offer_id: UUID
    party: Side
    reasons: Sealed


@stored_as("OfferLapsed")
class OfferLapsed(Fact):
    """The time to reply to an offer passed in silence; `party` is who was silent."""

    offer_id: UUID
    party: Side


@stored_as("CaseEscalated")
class CaseEscalated(Fact):
    """A side asked the platform to decide. What was offered until then no longer stands.

    due: by when the case is to be reviewed.
    """

    party: Side
    ground: EscalationGround
    reasons: Sealed
    derivation: Derivation
    due: datetime | None = None


@stored_as("HumanReviewDemanded")
class HumanReviewDemanded(Fact):
    """A side would not have the system's decision: people decide anew, in round `round`.

    What was neither paid nor under way falls; `cancelled` are the goods that had not left · due: by when the
    round is to be reviewed.
    """

    party: Side
    decision_id: UUID
    round: int
    reasons: Sealed
    cancelled: tuple[UUID, ...]
    derivation: Derivation
    due: datetime | None = None


@stored_as("PlatformSteppedIn")
class PlatformSteppedIn(Fact):
    """The platform took up the case; the review began, and what was offered until then no longer stands.

    due: by when the case is to be reviewed (None: it waited for its review, which is due when it was).
    """

    by: str
    due: datetime | None = None
