"""The port that keeps personal data and free text out of the facts.

Texts are sealed at the command boundary and opened only for an answer. Each person (buyer,
merchant, platform) has one random data key in each case; what is sealed is bound to its
case, to the version of the fact that carries it and to its field.
"""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from application.store import BlindEntry, WrappedKey
from domain.values import Sealed, SealedFor

PHONE = "phone"
"""The kind of what a person is found by that is the number to reach it under."""


class CannotOpen(Exception):
    """A sealed value does not open: its key is gone, or it is not what was sealed in this place."""


class Sealing(Protocol):
    """The sealing of one command's texts; `new_keys` and `blind_index` are to be recorded with its facts."""

    def seal(self, person: SealedFor, field: str, text: str, later: int = 0) -> Sealed:
        """Seal one field of the fact that the command will record first, or so many facts later."""
        ...

    def index(self, person: SealedFor, kind: str, value: str) -> None:
        """Let the aggregate be found by something of a person for whom it has sealed or now seals a text."""
        ...

    @property
    def blind_index(self) -> tuple[BlindEntry, ...]:
        """What the aggregate is to be found by."""
        ...

    @property
    def new_keys(self) -> tuple[WrappedKey, ...]:
        """The data keys that this sealing had to make."""
        ...


class Vault(Protocol):
    """Seals and opens; holds the keys."""

    def sealing(self, case_id: UUID, version: int) -> Sealing:
        """Begin sealing for the fact that will be `version` of the case (1: new, nothing is looked up)."""
        ...

    def open(
        self, case_id: UUID, values: Mapping[tuple[int, str], Sealed]
    ) -> dict[tuple[int, str], str | None]:
        """Open sealed values of one case, each named by (version of its fact, field).

        None stands for a value whose key was destroyed. Raises CannotOpen for one that was tampered with.
        """
        ...

    def pseudonym(self, kind: str, value: str) -> str:
        """A stable keyed stand-in for an identifier, 32 hex digits; not reversible without the key."""
        ...

    def blind(self, kind: str, value: str) -> bytes:
        """A keyed digest to find a value by; so short that others have the same one, which proves nothing."""
        ...

    def fingerprint(self, data: bytes) -> bytes:
        """A keyed digest (32 bytes) for comparing requests without keeping them."""
        ...
