"""Goods on their way, leg by leg."""

from uuid import UUID

from domain.events.fact import Fact, stored_as


@stored_as("GoodsShipped")
class GoodsShipped(Fact):
    """A leg of goods left; `reference` is the carrier's."""

    goods_id: UUID
    reference: str


@stored_as("GoodsReceived")
class GoodsReceived(Fact):
    """A leg of goods arrived."""

    goods_id: UUID
    reference: str


@stored_as("GoodsAccepted")
class GoodsAccepted(Fact):
    """A leg of goods was looked at and taken as good; what was held back for it may be paid."""

    goods_id: UUID
    reference: str
