"""The port to the time of day."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is, for every process the same."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...
