"""The port to the API keys: who a caller is."""

from dataclasses import dataclass
from typing import Protocol

from domain.values import Actor


@dataclass(frozen=True, slots=True)
class Caller:
    """A known caller: the id of its key, and as whom it acts."""

    key_id: str
    actor: Actor


class Keys(Protocol):
    """Tells callers by their API keys."""

    def authenticate(self, presented: str) -> Caller | None:
        """The caller whose key this is; None for one that is unknown, wrong, expired or revoked.

        Raises ServiceUnavailable.
        """
        ...
