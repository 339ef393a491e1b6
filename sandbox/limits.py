"""The limit of calls a minute for each practice code: reached, every call is 429 until the clock's minute is over."""

import time
from collections import Counter

PER_MINUTE = 250


class Limits:
    """Counts calls; `per_minute` can be set for each practice."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, int]] = Counter()
        self.per_minute: dict[str, int] = {}

    def over(self, practice: str) -> bool:
        """Counts one call, and says whether it is one too many."""
        minute = int(time.time() // 60)
        if any(earlier != minute for _, earlier in self.calls):
            self.calls.clear()
        self.calls[practice, minute] += 1
        return self.calls[practice, minute] > self.per_minute.get(practice, PER_MINUTE)

    def clear(self) -> None:
        self.calls.clear()
        self.per_minute.clear()
