"""Leases on lanes: one sender per socket, an epoch per takeover, a monotonic guard before every first byte.

The lease is judged by the database's clock (hosts disagree about the time); the guard by this process's monotonic
clock, which a frozen process cannot stop: it trips at 0.6 of the lease, long before anybody else may take over.
"""

import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

import psutil
from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from delivery import sql
from delivery.models import Delivery, Lane
from delivery.states import State
from delivery.transition import tickets, transition
from portal.compiled import Compiled

GUARD_SHARE = 0.6


@dataclass
class Lease:
    """The right to send on one lane, until the guard trips."""

    lane_id: int
    epoch: int
    taken_at: float  # monotonic, read before the database was asked: never later than the lease's true start

    def holds(self) -> bool:
        """The guard: False long before the lease ends for everybody else."""
        return time.monotonic() < self.taken_at + GUARD_SHARE * settings.LEASE_SECONDS


@cache
def process_space() -> str:
    """Names the machine, its boot and its process namespace: within one, a pid and its start tell who is alive."""
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    if boot.exists() and namespace.exists():
        return f"{socket.gethostname()[:40]}/{boot.read_text()[:8]}/{os.readlink(namespace)[5:-1]}"
    return socket.gethostname()[:60]


def owner() -> str:
    """This process, recognisable after its death: space|pid|start."""
    return f"{process_space()}|{os.getpid()}|{start_of(os.getpid())}"


def start_of(pid: int) -> int:
    """When a living process began; 0 for one that is dead, buried or not.

    On Linux in clock ticks since the boot: a start told by the wall clock changes when that clock is put right, and
    then a living process looks like another one.
    """
    stat = Path(f"/proc/{pid}/stat")
    try:
        if Path("/proc/self/stat").exists():
            fields = stat.read_text().rpartition(")")[2].split()  # proc(5): the name before it may hold anything
            return 0 if fields[0] in "ZX" else int(fields[19])
        return int(psutil.Process(pid).create_time())
    except (OSError, psutil.NoSuchProcess):
        return 0


def is_dead(name: str) -> bool:
    """Whether the process that took a lease under this name is known to be gone. Unknown counts as alive."""
    space, _, rest = name.partition("|")
    pid, _, started = rest.partition("|")
    if space != process_space() or not (pid.isdigit() and started.isdigit()):
        return False
    return start_of(int(pid)) != int(started)


def acquire(lane_id: int) -> Lease | None:
    """Take the lane if it is free, its lease has run out, or its holder is known to be dead.

    What the former holder left SENDING becomes UNKNOWN in the same transaction, before anything new is sent.
    """
    holder = Lane.objects.values_list("owner", flat=True).get(pk=lane_id)
    taken_at = time.monotonic()
    free = Q(expires_at__isnull=True) | Q(expires_at__lt=Now())
    if holder and is_dead(holder):
        free |= Q(owner=holder)
    with transaction.atomic():
        taken = Lane.objects.filter(free, pk=lane_id).update(
            epoch=F("epoch") + 1,
            owner=owner(),
            expires_at=Now() + timedelta(seconds=settings.LEASE_SECONDS),
            draining=True,
        )
        if not taken:
            return None
        lease = Lease(lane_id, Lane.objects.values_list("epoch", flat=True).get(pk=lane_id), taken_at)
        doubt_orphans(lease)
    return lease


def doubt_orphans(lease: Lease) -> None:
    """Rows an earlier epoch left SENDING: perhaps filed, so UNKNOWN; each counts the crash it survived."""
    orphans = Delivery.objects.filter(lane_id=lease.lane_id, state=State.SENDING, epoch__lt=lease.epoch)
    ids = list(orphans.values_list("pk", flat=True))
    if not ids:
        return
    orphans.filter(pk__in=ids).update(crashes=F("crashes") + 1)
    soon = Now() + timedelta(seconds=settings.SETTLE_SECONDS)
    moved = transition(tickets(ids), State.SENDING, State.UNKNOWN, reason_code="crash")
    Delivery.objects.filter(pk__in=[ticket.id for ticket in moved]).update(read_at=soon, negatives=0, readings_made=0)


def renew(lease: Lease, *, draining: bool) -> bool:
    """Extend one lease; False when another epoch has begun."""
    return renew_all([(lease, draining)]) == [True]


def renew_all(wanted: Sequence[tuple[Lease, bool]]) -> list[bool]:
    """Extend leases inside the caller's transaction; for each whether it still held.

    `draining` tells intake whether the loop will look again by itself, so that the bell need not be rung.
    """
    asked_at = time.monotonic()
    rows = [(lease.lane_id, lease.epoch, draining) for lease, draining in wanted]
    shared = {"expires_at": sql.Later(settings.LEASE_SECONDS)}
    renewed = set(sql.update_each(Lane, ["id", "epoch"], ["draining"], sorted(rows), shared=shared))
    held = [(lease.lane_id, lease.epoch) in renewed for lease, _ in wanted]
    for (lease, _), still in zip(wanted, held, strict=True):
        if still:
            lease.taken_at = asked_at
    return held


def release(lease: Lease) -> None:
    """Give the lane back at once, unless somebody has taken it meanwhile."""
    Lane.objects.filter(pk=lease.lane_id, epoch=lease.epoch).update(expires_at=None, owner="", draining=False)


def abandon(lease: Lease) -> None:
    """After a failure in the middle: the next holder takes over at once, and doubts what is left SENDING.

    Where the database is the failure, this fails too, and the lease runs out by itself.
    """
    with suppress(DatabaseError, InterfaceError):
        Lane.objects.filter(pk=lease.lane_id, epoch=lease.epoch).update(expires_at=None, draining=False)


def lane_for(connection_id: int, sockets: int, encounter_bidx: str) -> Lane:
    """The lane of an encounter on a connection: always the same one, so that its notes keep their order."""
    return lane_at(connection_id, lane_index(sockets, encounter_bidx))


def lane_index(sockets: int, encounter_bidx: str) -> int:
    return int(encounter_bidx[:8] or "0", 16) % max(sockets, 1)


lanes_at = Compiled(lambda connection, index: Lane.objects.filter(connection_id=connection, index=index), int, int)


def lane_at(connection_id: int, index: int) -> Lane:
    return (
        lanes_at.first(connection_id, index) or Lane.objects.get_or_create(connection_id=connection_id, index=index)[0]
    )
