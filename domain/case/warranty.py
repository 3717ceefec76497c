"""How long the goods are warranted."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Warranty:
    """From the delivery, or the last exchange, to its end; the time in repair does not count."""

    begins: datetime
    ends_at: datetime
    in_repair: timedelta = timedelta()
