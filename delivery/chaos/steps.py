"""The named steps at which a process is killed, and the wrapping that kills it there.

A strike goes to the whole process group, as a machine's death would: gunicorn's master dies with its worker.
"""

import os
import pkgutil
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

Function = Callable[..., Any]


class Strike:
    """Falls the `after`-th time its step is passed, in whichever thread that is."""

    def __init__(self, signum: signal.Signals = signal.SIGKILL, after: int = 1) -> None:
        self.signum = signum
        self.left = after
        self.lock = threading.Lock()

    def falls(self) -> bool:
        """Count one passing; whether it is the one."""
        with self.lock:
            self.left -= 1
            return self.left == 0

    def kill(self) -> None:
        os.killpg(os.getpgrp(), self.signum)

    def __call__(self) -> None:
        if self.falls():
            self.kill()


def before(original: Function, strike: Strike) -> Function:
    """The function is about to run."""

    @wraps(original)
    def run(*arguments: Any, **named: Any) -> Any:
        strike()
        return original(*arguments, **named)

    return run


def after(original: Function, strike: Strike) -> Function:
    """The function has returned something; empty hands do not count."""

    @wraps(original)
    def run(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        if result:
            strike()
        return result

    return run


def halfway(original: Function, strike: Strike) -> Function:
    """Half of a frame has left (of MllpClient._write: client, frame, deadline)."""

    @wraps(original)
    def run(client: Any, frame: bytes, deadline: float) -> None:
        half = 0
        if strike.falls():
            half = len(frame) // 2
            client._open_socket().sendall(frame[:half])
            strike.kill()
        original(client, frame[half:], deadline)

    return run


@dataclass(frozen=True)
class Step:
    """`place` is the function's module and name; `process` is the one that passes here, web or worker."""

    name: str
    process: str
    place: str
    wrap: Callable[[Function, Strike], Function]
    says: str


MLLP = "delivery.channels.mllp:MllpClient"
STEPS = {
    step.name: step
    for step in (
        Step("before_commit", "web", "delivery.intake:store", after, "all is inserted, nothing committed"),
        Step("after_commit", "web", "delivery.bell:ring", before, "committed, not yet answered"),
        Step("claimed", "worker", "delivery.lanes:acquire", after, "the lane is taken, no intent written"),
        Step("intent", "worker", "delivery.sending:LaneRun.send_all", before, "intents committed, no byte left"),
        Step("half_frame", "worker", f"{MLLP}._write", halfway, "half of a frame has left"),
        Step("sent", "worker", f"{MLLP}._await_answer", before, "a whole frame left, no answer read"),
        Step("answered", "worker", f"{MLLP}._await_answer", after, "an answer read, nothing written down"),
        Step("settled", "worker", "delivery.sending:LaneRun.step", after, "a batch sent, its outcomes in memory"),
        Step("released", "worker", "delivery.lanes:release", before, "all written down, the lane still held"),
        Step("asked", "worker", "delivery.verification:to_look_for", after, "readings claimed, nobody has asked"),
        Step("read", "worker", "delivery.verification:look_for", after, "the chart read, nothing written down"),
    )
}


def install(name: str, strike: Strike) -> None:
    """Wrap the function of this step, for this process. Needs Django's apps loaded."""
    step = STEPS[name]
    owner_name, _, function = step.place.replace(":", ".").rpartition(".")
    owner = pkgutil.resolve_name(owner_name)
    setattr(owner, function, step.wrap(getattr(owner, function), strike))
