"""The merchant's duty to put its house in order."""

from datetime import datetime
from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import Sealed


@stored_as("RectificationOrdered")
class RectificationOrdered(Fact):
    """The merchant was told to put something right by `due`."""

    rectification_id: UUID
    merchant_id: str
    terms: Sealed
    due: datetime


@stored_as("RectificationSubmitted")
class RectificationSubmitted(Fact):
    """The merchant reported what it had done."""

    rectification_id: UUID
    text: Sealed


@stored_as("RectificationAccepted")
class RectificationAccepted(Fact):
    """What the merchant did is enough."""

    rectification_id: UUID
    reasons: Sealed


@stored_as("RectificationRejected")
class RectificationRejected(Fact):
    """What the merchant did is not enough; the duty stands."""

    rectification_id: UUID
    reasons: Sealed


@stored_as("RectificationWaived")
class RectificationWaived(Fact):
    """The merchant need not rectify after all: for these reasons, or as its ground fell.

    appeal_id: on this appeal (None, without reasons: people decided otherwise than the system had).
    """

    rectification_id: UUID
    reasons: Sealed | None = None
    appeal_id: UUID | None = None


@stored_as("RectificationLapsed")
class RectificationLapsed(Fact):
    """The term passed unmet; it no longer holds the buyer's case."""

    rectification_id: UUID
    merchant_id: str
