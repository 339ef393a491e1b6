"""How many webhooks a source may send in a second: counted in this process, before any database is asked.

A bucket of the process, so that a flood costs a dictionary look-up each, and no Redis has to be there (S24). With
several web processes the limit holds for each.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_KEYS = 4096


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
