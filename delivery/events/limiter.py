"""How many webhooks a source may send in a second: counted in this process first, then by all processes together.

A bucket of the process, so that a flood costs a dictionary look-up each, and no Redis has to be there (S24). What it
lets through is counted in one row of the database for all web processes; where that is away, nothing is stored.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from delivery import rate

MOST_KEYS = 4096
SHARED_SECONDS = 10  # the stretch over which all processes together keep to the limit


class Limiter:
    """A token bucket for each key: `per_second` on the average, twice as many at once."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_second = per_second
        self.burst = max(1.0, per_second * 2)
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, key: str) -> bool:
        """Whether one more may come now."""
        now = self._clock()
        with self._lock:
            tokens, since = self._buckets.pop(key, (self.burst, now))
            tokens = min(self.burst, tokens + (now - since) * self.per_second)
            allowed = tokens >= 1
            self._buckets[key] = (tokens - 1 if allowed else tokens, now)
            while len(self._buckets) > MOST_KEYS:
                self._buckets.popitem(last=False)
        return allowed

    def allows_all(self, key: str) -> bool:
        """Whether one more may come now of what all web processes let through together; one short write."""
        return rate.admits(f"events {key}", max(1, int(self.per_second * SHARED_SECONDS)), SHARED_SECONDS)
