"""What this process has just had accepted, handed to its own reader: nothing of it is read from the database again.

The row says meanwhile that a reader is at it, as for those that a reader claims (verification.claim_reads): what a
process that dies leaves here is found by others once that time is over.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from django.conf import settings
from django.utils import timezone

from delivery.channels.base import Visit
from delivery.models import Delivery
from delivery.states import State
from mapping.note import FieldValue

CLAIM_SECONDS = 60.0  # at most: a reader that died is replaced no later than a sender would be
MOST = 2000  # a reader that is slower than the lanes finds the others in the database


@dataclass(frozen=True)
class InHand:
    """What a message was made of, as it stands in memory: the visit as posted, and what should stand in each field."""

    visit: Visit
    values: tuple[FieldValue, ...]


_lock = Lock()
_sent: deque[Delivery] = deque()
_taking = False  # this process has a reader


def begin() -> None:
    global _taking
    _taking = True


def end() -> None:
    """Nothing is taken any more, and what was is everybody's at once."""
    global _taking
    _taking = False
    left = [delivery.pk for delivery in take(MOST)]
    if left:
        Delivery.objects.filter(pk__in=left, state=State.ACCEPTED).update(read_at=timezone.now())


def claimed_until(now: datetime) -> datetime:
    return now + timedelta(seconds=min(CLAIM_SECONDS, settings.LEASE_SECONDS))


def takes(delivery: Delivery) -> bool:
    """Whether this delivery, once accepted, will be handed over: made in this process, and there is room."""
    return _taking and delivery.in_hand is not None and len(_sent) < MOST


def give(deliveries: Sequence[Delivery]) -> None:
    """After the commit that wrote them down as accepted and claimed."""
    with _lock:
        _sent.extend(deliveries)
    if not _taking:  # the reader has ended meanwhile
        end()


def take(most: int) -> Sequence[Delivery]:
    """Those whose claim still holds, the oldest first. The others are let go: by the database they are anybody's."""
    now = timezone.now()
    taken: list[Delivery] = []
    with _lock:
        while _sent and len(taken) < most:
            delivery = _sent.popleft()
            if delivery.read_at is not None and delivery.read_at > now:
                taken.append(delivery)
    return taken
