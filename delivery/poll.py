"""A worker's own eyes: every second it looks for what no bell announced, beats its heart, and reads charts back.

Runs beside Celery in the same process, so that a broker that is down, flushed or deaf costs a second, never a note.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import uuid4

from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils import timezone

from delivery import fallback, handed, lanes, rounds, sockets, sweeper, upkeep
from delivery.bulk.running import run_jobs
from delivery.due import lanes_with_work
from delivery.models import Heartbeat
from delivery.monitor.counting import catch_up, note_standing
from delivery.sending import drain
from delivery.sockets import stopping
from delivery.verification import read_due
from portal.factors import emergency
from portal.keyring import KeysUnavailable

log = logging.getLogger(__name__)

COUNTING_REST = 10.0  # the counter rests so many times as long as it worked
INFORM_SECONDS = 5.0  # between two questions whether the planner's statistics are still worth something

# After each round of reading back: sixty in a group cost a third of sixty alone, and sending has the processor.
GATHER_SECONDS = 0.4

to_read = threading.Event()
to_run = threading.Event()
_pool: ThreadPoolExecutor | None = None
_watcher: threading.Thread | None = None


def work_on(lane_id: int) -> None:
    """Drain a lane here and now, or wake the thread of this process that is at it already."""
    with sockets.holding(lane_id) as free:
        if not free or stopping.is_set():
            return
        guarded(lambda: drain(lane_id))
        to_read.set()


def guarded(work: Callable[[], object]) -> None:
    """Run one piece of work; a database that is away is tried again by the next round. No content in the log."""
    try:
        close_old_connections()
        work()
    except (DatabaseError, InterfaceError) as error:
        log.warning("the database refused a step: %s", type(error))
    except KeysUnavailable as error:
        log.warning("a step waits for the keys: %s", type(error))
    except Exception as error:
        log.error("a step failed: %s", type(error), exc_info=True)


def beat(started_at: datetime) -> None:
    """The row that says this worker's loop is alive; a ping of a deaf process would not."""
    Heartbeat.objects.update_or_create(
        worker=lanes.owner(),
        defaults={"beat_at": timezone.now(), "busy_lanes": len(sockets.held_lanes())},
        create_defaults={"started_at": started_at, "beat_at": timezone.now(), "busy_lanes": 0},
    )


def look_around(started_at: datetime) -> None:
    """One round: heartbeat, lanes with work, overdue rows."""
    beat(started_at)
    for lane_id in lanes_with_work():
        if not sockets.ring(lane_id) and _pool is not None:
            _pool.submit(work_on, lane_id)
    sweeper.sweep()
    sweeper.hold_uncovered()
    fallback.sweep()
    emergency.close_due()


def watch() -> None:
    started_at = timezone.now()
    informed = -INFORM_SECONDS
    while not stopping.is_set():
        guarded(lambda: look_around(started_at))
        if time.monotonic() - informed >= INFORM_SECONDS:
            informed = time.monotonic()
            guarded(upkeep.inform_planner)
        stopping.wait(settings.POLL_SECONDS)


def keep_reading() -> None:
    while not stopping.is_set():
        to_read.wait(settings.POLL_SECONDS)
        to_read.clear()
        guarded(read_all_due)
        stopping.wait(GATHER_SECONDS)
    guarded(handed.end)


def keep_running() -> None:
    """Bulk actions: begun by the bell, or found by the poll."""
    while not stopping.is_set():
        to_run.wait(settings.POLL_SECONDS)
        to_run.clear()
        guarded(lambda: run_jobs(uuid4().hex, stopping.is_set))


def keep_counting() -> None:
    """The monitor's figures, counted beside the work; after a look that took long it rests ten times as long."""
    while not stopping.is_set():
        began = time.monotonic()
        guarded(catch_up)
        guarded(note_standing)
        stopping.wait(max(settings.POLL_SECONDS, COUNTING_REST * (time.monotonic() - began)))


def read_all_due() -> None:
    while read_due() and not stopping.is_set():
        pass


@worker_ready.connect
def start(**_: object) -> None:
    """Celery's own signal that the worker runs (infrastructure, not domain work)."""
    global _pool, _watcher
    stopping.clear()
    _pool = ThreadPoolExecutor(settings.LANE_THREADS, thread_name_prefix="lane")
    _watcher = threading.Thread(target=watch, name="watch", daemon=True)
    _watcher.start()
    handed.begin()
    threading.Thread(target=keep_reading, name="reader", daemon=True).start()
    threading.Thread(target=keep_running, name="jobs", daemon=True).start()
    threading.Thread(target=keep_counting, name="counter", daemon=True).start()
    rounds.begin(guarded)


@worker_shutting_down.connect
def stop(**_: object) -> None:
    """The message under way is waited for and written down; what stands behind it goes back, and the lanes are free."""
    sockets.stop()
    to_read.set()


@worker_shutdown.connect
def leave(**_: object) -> None:
    """A worker that ended as asked is missed by nobody; the row of one that died grows old and is seen."""
    if _pool is not None:
        _pool.shutdown()
    if _watcher is not None:
        _watcher.join(10)  # its last beat would bring the row back
    guarded(lambda: Heartbeat.objects.filter(worker=lanes.owner()).delete())
