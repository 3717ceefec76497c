"""The ports of erasure: the keys that are destroyed, and the ledger outside the database that outlives it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.values import SealedFor, Side


class LedgerState(StrEnum):
    """How far an erasure came: agreed to, recorded in the database too, or not carried out after all."""

    BEGUN = "begun"
    RECORDED = "recorded"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Erasure:
    """What two people agreed to have destroyed: one side's key in one case. It names nobody of that side."""

    erasure_id: UUID
    case_id: UUID
    party: Side
    key_id: UUID | None
    by: str
    proposed_by: str
    at: datetime


class ErasureLedger(Protocol):
    """Remembers erasures whatever becomes of the database. Durable when a method returns.

    All methods raise ServiceUnavailable when the ledger cannot be read or written.
    """

    def begin(self, erasure: Erasure) -> None:
        """Note that this is about to be destroyed."""
        ...

    def end(self, erasure_id: UUID, state: LedgerState) -> None:
        """Note how it ended."""
        ...

    def entries(self) -> Sequence[tuple[Erasure, LedgerState]]:
        """Every erasure in the order of its beginning, and how far it came."""
        ...


class DataKeys(Protocol):
    """The data keys of cases. All methods raise ServiceUnavailable."""

    def key_id(self, case_id: UUID, person: SealedFor) -> UUID | None:
        """The key of a person in a case, if anything was ever sealed for it."""
        ...

    def destroy(self, case_id: UUID, key_id: UUID) -> None:
        """Destroy a key and the bytes under it; nothing where it is gone."""
        ...
