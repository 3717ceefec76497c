"""Messages on their way out, and what their delivery may answer."""

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to deliver a message; `message_id` is its idempotency key outside.

    causation_id: the fact that sent it.
    """

    message_id: UUID
    case_id: UUID
    kind: str
    payload: dict[str, Any]
    causation_id: UUID | None


class Undeliverable(Exception):
    """Delivering again would not help: a person must look. The text says why, without personal data."""


class Deliver(Protocol):
    """Delivers one kind of message; again and again with the same effect as once."""

    def __call__(self, delivery: Delivery) -> None:
        """Returns when the message has done its work. Raises Undeliverable; anything else: try again."""
        ...
