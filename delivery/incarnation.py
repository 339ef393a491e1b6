"""Tell a restored database from the live one, and send nothing from it without asking.

A small file outside the database carries the database's incarnation and the number of the newest attempt whose bytes
may have left; it is written after the intent's commit and before the first byte. A database that knows fewer attempts
than its mark, or has another incarnation, is older than what was sent: a restored backup, or a replica that missed the
end. So is one that lacks an anchored checkpoint of the audit log. Then every READY and SENDING delivery becomes
UNKNOWN, nothing is sent, and a person decides when to go on.
"""

import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from audit.anchors import accept_loss, missing_from_database
from audit.record import record
from delivery.models import Attempt, Delivery, Incarnation, Recovery
from delivery.states import State
from delivery.transition import tickets, transition
from portal.compiled import Compiled

BATCH = 500
ANCHOR_SECONDS = 5.0  # an anchor is asked no more often than that
_asked_at = float("-inf")


@dataclass(frozen=True)
class Mark:
    """What the file says: whose it is, and the newest attempt that may have left."""

    incarnation: str
    attempt: int


@contextmanager
def _open_mark() -> Iterator[int]:
    """The file, locked against other processes of this host."""
    settings.INCARNATION_FILE.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(settings.INCARNATION_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _read(handle: int) -> Mark | None:
    words = os.pread(handle, 200, 0).decode("ascii", "replace").split()
    return Mark(words[0], int(words[1])) if len(words) == 2 and words[1].isdigit() else None


def _write(handle: int, mark: Mark) -> None:
    """One write of fixed length: a reader sees the old line or the new one."""
    os.pwrite(handle, f"{mark.incarnation} {mark.attempt:020d}\n".encode(), 0)


def remember(attempt: int) -> None:
    """Called with the highest committed attempt of a batch, before the batch's first byte."""
    own = str(current().id)
    with _open_mark() as handle:
        mark = _read(handle)
        if mark is None or mark.incarnation != own or attempt > mark.attempt:
            _write(handle, Mark(own, attempt))


newest = Compiled(lambda: Incarnation.objects.order_by("-began_at")[:1])
under_way = Compiled(lambda: Recovery.objects.filter(going_on=True)[:1])


def current() -> Incarnation:
    """This database's incarnation, made when it is first asked for."""
    found = newest.first()
    return found or Incarnation.objects.create(id=uuid.uuid4(), began_at=timezone.now())


def is_older_than_its_mark() -> bool:
    """Whether more has left than this database knows of. A missing file says nothing and is made anew."""
    with _open_mark() as handle:
        mark = _read(handle)
        if mark is None:
            _write(handle, Mark(str(current().id), newest_attempt()))
            return False
    return mark.incarnation != str(current().id) or mark.attempt > newest_attempt()


def is_older_than_its_anchor() -> bool:
    """Whether a signed checkpoint of the audit log, kept outside the database, is not in it (audit/anchors.py)."""
    global _asked_at
    if time.monotonic() - _asked_at < ANCHOR_SECONDS:
        return False
    _asked_at = time.monotonic()
    return bool(missing_from_database())


def newest_attempt() -> int:
    return Attempt.objects.aggregate(newest=Max("pk"))["newest"] or 0


def in_recovery() -> Recovery | None:
    """The recovery that is going on, or None."""
    return under_way.first()


def may_send() -> bool:
    """Asked before a lane is taken: enters recovery mode by itself where the database turns out to be older."""
    if in_recovery():
        return False
    if not is_older_than_its_mark() and not is_older_than_its_anchor():
        return True
    enter()
    return False


def enter() -> None:
    """Doubt everything that is not settled; whoever was faster has done it already."""
    with transaction.atomic():
        _, made = Recovery.objects.get_or_create(going_on=True, defaults={"entered_at": timezone.now()})
        if not made:
            return
        doubted = sum(doubt(state) for state in (State.READY, State.SENDING))
        Recovery.objects.filter(going_on=True).update(doubted=doubted)
        record("system.recovery_mode", detail={"state": "entered", "rows": doubted})


def doubt(state: State) -> int:
    """Turn every delivery in this state into UNKNOWN, to be read back like any other doubt."""
    when = timezone.now() + timedelta(seconds=settings.SETTLE_SECONDS)
    columns = {"read_at": when, "negatives": 0, "readings_made": 0}
    doubted = 0
    while ids := list(Delivery.objects.filter(state=state).values_list("pk", flat=True)[:BATCH]):
        moved = transition(tickets(ids), state, State.UNKNOWN, reason_code="recovery_mode", columns=columns)
        doubted += len(moved)
    return doubted


def leave() -> None:
    """A person says: go on sending. The mark begins anew, so that reused attempt numbers are no alarm; so do the audit
    log's trees beside those whose end is lost."""
    with transaction.atomic():
        Recovery.objects.filter(going_on=True).update(left_at=timezone.now(), going_on=False)
        accept_loss()
        fresh = Incarnation.objects.create(id=uuid.uuid4(), began_at=timezone.now())
        record("system.recovery_mode", detail={"state": "left", "rows": 0})
    with _open_mark() as handle:
        _write(handle, Mark(str(fresh.id), newest_attempt()))
