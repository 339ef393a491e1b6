"""Waits until deliveries have come to an end, and does the workers' work itself where no worker lives."""

import contextvars
import time
from collections.abc import Callable, Collection
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from delivery import sockets
from delivery.due import lanes_with_work
from delivery.models import Delivery, Heartbeat
from delivery.sending import drain
from delivery.states import State
from delivery.verification import read_due
from delivery.webhooks.sending import send_due

NO_READER = "no_reader"  # in doubt, and no chart to look into: a person decides
PAUSE = 0.02
ALIVE = timedelta(seconds=30)
ENDED = (State.VERIFIED, State.MISFILED, State.REJECTED, State.PARKED, State.HELD, State.CANCELLED, State.SUPERSEDED)
# What is accepted and will not be read again, or waits in eCW for a person to take it over, is as far as it gets here.
OVER = (
    Q(state__in=[state.value for state in ENDED])
    | Q(state=State.ACCEPTED, read_at=None)
    | Q(state=State.ACCEPTED, proof="app_data")
    | Q(state=State.UNKNOWN, reason_code=NO_READER)
)

Work = Callable[[], object]


def a_worker_lives() -> bool:
    """Whether some worker has given a sign of life just now."""
    return Heartbeat.objects.filter(beat_at__gt=timezone.now() - ALIVE).exists()


def by_hand() -> None:
    """One round of a worker's work, in this thread: for an installation whose worker does not run."""
    for lane_id in lanes_with_work():
        with sockets.holding(lane_id) as free:
            if free:
                contextvars.Context().run(drain, lane_id)
    contextvars.Context().run(read_due)
    contextvars.Context().run(send_due)


def nothing() -> None:
    """Workers do it."""


def settled(ids: Collection[int], work: Work, seconds: float) -> list[Delivery]:
    """The deliveries once all have come to an end, or as they stand when the time is up."""
    until(lambda: not Delivery.objects.filter(pk__in=ids).exclude(OVER).exists(), work, seconds)
    rows = Delivery.objects.filter(pk__in=ids).select_related("note_version", "connection", "location").order_by("pk")
    return list(rows)


def until(true: Callable[[], bool], work: Work, seconds: float) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        work()
        time.sleep(PAUSE)
    return True
