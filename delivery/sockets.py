"""Open clients of the lanes this process holds, and the bell that wakes a lane between two batches.

A client lives as long as its lane is held, so that the receiver never sees more sockets than lanes, and a note that
comes a moment after the last one finds the connection open.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from delivery.channels.base import Channel
from delivery.lanes import Lease
from delivery.opening import open_channel
from portal.models import Connection


@dataclass
class Held:
    """A lane this process is at: its bell, and its client once opened."""

    bell: threading.Event
    channel: Channel | None = None
    is_open: bool = False


_held: dict[int, Held] = {}
_lock = threading.Lock()
stopping = threading.Event()  # this worker was asked to end: not one byte more


def stop() -> None:
    """Begin nothing more, and let go at once of lanes that only wait. Runs in a signal's handler: takes no lock."""
    stopping.set()
    for held in list(_held.values()):
        held.bell.set()


@contextmanager
def holding(lane_id: int) -> Iterator[bool]:
    """Within one process a lane has one thread: True for it; anybody else wakes it and gets False."""
    with _lock:
        free = lane_id not in _held
        if free:
            _held[lane_id] = Held(threading.Event())
    if not free:
        ring(lane_id)
        yield False
        return
    try:
        yield True
    finally:
        discard(lane_id)
        with _lock:
            _held.pop(lane_id, None)


def held_lanes() -> list[int]:
    with _lock:
        return list(_held)


def ring(lane_id: int) -> bool:
    """Wake the lane's thread if this process is at it; False if it is not."""
    with _lock:
        held = _held.get(lane_id)
    if held is None:
        return False
    held.bell.set()
    return True


def rung_within(lane_id: int, seconds: float) -> bool:
    """Wait for the bell: True as soon as it rings."""
    bell = _held[lane_id].bell
    rung = bell.wait(seconds)
    bell.clear()
    return rung


def client_of(lease: Lease, connection: Connection) -> Channel:
    """This lane's client, not opened yet when it is new; raises ValueError for settings that cannot be used.

    The lease's guard is asked before the first byte of each frame.
    """
    held = _held[lease.lane_id]
    if held.channel is None:
        held.channel = open_channel(connection, lease.holds)
    return held.channel


def opened(lane_id: int) -> bool:
    """Open the lane's client; True where it was opened just now. Raises Unavailable, ValueError."""
    held = _held[lane_id]
    if held.is_open or held.channel is None:
        return False
    held.channel.open()
    held.is_open = True
    return True


def discard(lane_id: int) -> None:
    """Close the client after a doubt: a late answer must not reach the next message."""
    held = _held[lane_id]
    if held.channel is not None:
        held.channel.close()
        held.channel = None
        held.is_open = False
