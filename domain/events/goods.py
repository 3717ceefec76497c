"""Goods leg by leg: on their way, looked at, repaired and exchanged; and how long they are warranted."""

from datetime import datetime
from uuid import UUID

from domain.events.fact import Fact, stored_as
from domain.values import Derivation, GoodsCondition, RepairOutcome, Sealed


@stored_as("ReturnAuthorised")
class ReturnAuthorised(Fact):
    """The buyer may send a leg of goods in by `ship_by`, to `address` where one was named."""

    goods_id: UUID
    ship_by: datetime
    address: Sealed | None = None


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


@stored_as("GoodsRefused")
class GoodsRefused(Fact):
    """Whoever a leg of goods was sent to did not take it from the carrier."""

    goods_id: UUID
    reasons: Sealed


@stored_as("GoodsInspected")
class GoodsInspected(Fact):
    """A leg of goods was looked at; of what was `found`, `broken` is what broke its intactness."""

    goods_id: UUID
    condition: GoodsCondition
    found: tuple[str, ...]
    broken: tuple[str, ...]
    derivation: Derivation = ()


@stored_as("GoodsAccepted")
class GoodsAccepted(Fact):
    """A leg of goods was taken as good; what was held back for it may be paid.

    clause: the rule by which it counts as taken though nobody said so (None: somebody did).
    """

    goods_id: UUID
    reference: str
    clause: str | None = None


@stored_as("GoodsRejected")
class GoodsRejected(Fact):
    """A leg of goods was not taken as good, under this clause."""

    goods_id: UUID
    clause: str
    reasons: Sealed


@stored_as("GoodsLost")
class GoodsLost(Fact):
    """A leg of goods was lost on its way; `reference` is the carrier's."""

    goods_id: UUID
    reference: str


@stored_as("GoodsLapsed")
class GoodsLapsed(Fact):
    """A leg of goods was not sent in its time; the legs in `cancelled` were to be sent for it."""

    goods_id: UUID
    cancelled: tuple[UUID, ...] = ()


@stored_as("RepairStarted")
class RepairStarted(Fact):
    """Repair `number` of the goods of this case began."""

    goods_id: UUID
    number: int


@stored_as("RepairCompleted")
class RepairCompleted(Fact):
    """Repair `number` of the goods of this case ended."""

    goods_id: UUID
    number: int
    outcome: RepairOutcome


@stored_as("ExchangeOpened")
class ExchangeOpened(Fact):
    """Goods that could not be repaired are exchanged; where the buyer has them, they come back."""

    goods_id: UUID
    replacement_id: UUID
    return_id: UUID | None
    clause: str
    derivation: Derivation = ()


@stored_as("WarrantyStarted")
class WarrantyStarted(Fact):
    """The warranty of the goods runs from `begins` (their delivery) to `ends_at`."""

    goods_id: UUID
    begins: datetime
    ends_at: datetime
    derivation: Derivation = ()


@stored_as("WarrantyExtended")
class WarrantyExtended(Fact):
    """The warranty ends later, because the goods were in repair for so many seconds in all."""

    goods_id: UUID
    in_repair: int
    ends_at: datetime
    derivation: Derivation = ()


@stored_as("WarrantyRestarted")
class WarrantyRestarted(Fact):
    """The goods were exchanged: their warranty runs anew, from `begins` (the delivery) to `ends_at`."""

    goods_id: UUID
    begins: datetime
    ends_at: datetime
    derivation: Derivation = ()
