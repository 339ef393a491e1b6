"""Where the processes of a chaos run are born: everything is imported once, then each is a fork that lives alone.

A fork starts in a tenth of the time an interpreter needs, so that most kills hit a process at work. It is a whole
process all the same: a session of its own, its own connections, locks and memory. Nothing here may open a connection
or start a thread before the fork.
"""

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

PR_SET_PDEATHSIG = 1
PRELOADED = ("delivery.chaos.preloaded",)


def prepare() -> None:
    """Start the nursery and have it import everything: it does so before its first child, which does nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    first = context.Process(target=os.getpid)
    first.start()
    first.join()


def born(target: Callable[..., None], arguments: Sequence[object], log: Path) -> BaseProcess:
    """Start `target` in a process that leads a group of its own and writes to `log`."""
    process = multiprocessing.get_context("forkserver").Process(
        target=alone, args=(target, tuple(arguments), str(log)), daemon=True
    )
    process.start()
    return process


def alone(target: Callable[..., None], arguments: Sequence[object], log: str) -> None:
    """In the child: leave the group, die with the nursery (Linux), write to the log, work."""
    os.setsid()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(sink, number)
    target(*arguments)
