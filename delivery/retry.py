"""When to try again, as a value: no clock, no loop, no queue."""

import random

# Seconds before try n; then hourly until the deadline.
STEPS = (0.0, 5.0, 30.0, 120.0, 600.0, 1800.0)
HOURLY = 3600.0
JITTER = 0.2
LONGEST_RETRY_AFTER = 3600.0


def delay(tries: int, retry_after: float | None = None, spread: float | None = None) -> float:
    """Seconds to wait after `tries` failed tries; a receiver's Retry-After counts, up to an hour.

    `spread` in -1..1 fixes the jitter (for tests); the default is random, so that a hundred waiting notes do not
    all knock in the same second.
    """
    if retry_after is not None:
        return min(max(retry_after, 0.0), LONGEST_RETRY_AFTER)
    step = STEPS[tries] if tries < len(STEPS) else HOURLY
    return step * (1 + JITTER * (random.uniform(-1, 1) if spread is None else spread))
