"""Ring the bell: tell a worker, through Celery, that a lane has something to send.

Only an id travels. A bell that cannot be rung costs a second: the workers look by themselves (delivery/poll.py).
"""

import logging
import time
from functools import cache

from delivery.models import Lane
from portal.celery import NotAnId, app
from portal.compiled import Compiled

log = logging.getLogger(__name__)

QUIET_AFTER_FAILURE = 5.0
_silent_until = 0.0
AT_ONCE = 8


@cache
def _idle_among(size: int) -> Compiled[Lane]:
    return Compiled(lambda *keys: Lane.objects.filter(pk__in=keys, draining=False), *[int] * size)


def ring(lane_ids: set[int]) -> None:
    """After the commit: wake the lanes that nobody is draining already."""
    wanted = sorted(lane_ids)
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        size = 1 if len(some) == 1 else AT_ONCE  # filled up with the last one: two statements, each built once
        for lane in _idle_among(size)(*some, *[some[-1]] * (size - len(some))):
            publish("delivery.tasks.drain_lane", lane.pk)


def publish(task: str, identifier: int) -> None:
    """Publish one task; a broker that is down is left alone for five seconds, not waited for by every request."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        app.send_task(task, args=(identifier,), ignore_result=True, retry=False)
    except NotAnId:
        raise
    except (
        Exception
    ) as error:  # the note is committed: whatever is wrong with a broker, it is not the scribe's business
        _silent_until = time.monotonic() + QUIET_AFTER_FAILURE
        log.warning("the broker cannot be reached (%s); workers will find the notes by themselves", type(error))
