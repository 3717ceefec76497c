"""How many requests a key may make: one token bucket each, in this process."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

KEPT_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests a second on average, and so many at once."""

    per_second: float
    burst: int


class RateLimiter:
    """Counts requests by key. Safe to share between threads. `monotonic` tells seconds."""

    def __init__(self, rate: Rate, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def wait_for(self, key_id: str) -> float:
        """Take one token; 0.0, or how many seconds the next one is away when there is none."""
        now = self._monotonic()
        with self._lock:
            tokens, since = self._buckets.pop(key_id, (float(self._rate.burst), now))
            tokens = min(float(self._rate.burst), tokens + (now - since) * self._rate.per_second)
            missing = max(0.0, 1.0 - tokens)
            self._buckets[key_id] = (tokens if missing else tokens - 1.0, now)
            if len(self._buckets) > KEPT_BUCKETS:
                self._buckets.popitem(last=False)
        return missing / self._rate.per_second
