"""The processes of a chaos run: each is started, dies by its fate, and is started again."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from delivery.chaos import nursery
from delivery.chaos.fates import Fate
from portal.supervisor import Child

KILLED = -signal.SIGKILL
UNHURT = Fate("", 0, float("inf"))


@dataclass
class Mortal:
    """One place in the installation that is always filled again. `kind` is web, worker or receiver."""

    name: str
    kind: str
    fate: Fate = UNHURT
    born_at: float = 0.0
    frozen_until: float = 0.0
    ended: list[int] = field(default_factory=list)  # exit codes of those that ended without being killed

    def be_born(self, fate: Fate) -> None:
        """Start the process that is to meet this fate."""
        self.fate, self.born_at, self.frozen_until = fate, time.monotonic(), 0.0
        self.begin(fate)

    def begin(self, fate: Fate) -> None:
        raise NotImplementedError

    def pid(self) -> int:
        """0 before the first start."""
        raise NotImplementedError

    def exit_code(self) -> int | None:
        """None while it lives."""
        raise NotImplementedError

    def send(self, number: signal.Signals) -> None:
        """To the whole group: gunicorn's master goes with its worker."""
        if self.pid() and self.exit_code() is None:
            os.killpg(self.pid(), number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.wait(30.0)

    def end(self, seconds: float) -> None:
        """Ask it to end, as an operator does; kill it when it does not."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        if not self.wait(seconds):
            self.kill()

    def wait(self, seconds: float) -> bool:
        """Whether it is gone by then."""
        deadline = time.monotonic() + seconds
        while self.pid() and self.exit_code() is None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    @property
    def is_due(self) -> bool:
        return time.monotonic() > self.born_at + self.fate.seconds


class Forked(Mortal):
    """A web or worker process; `work` gets the fate's step and count."""

    def __init__(
        self, name: str, kind: str, work: Callable[..., None], arguments: tuple[object, ...], log: Path
    ) -> None:
        super().__init__(name, kind)
        self.work = work
        self.arguments = arguments
        self.log = log
        self.process: BaseProcess | None = None

    def begin(self, fate: Fate) -> None:
        self.process = nursery.born(self.work, (*self.arguments, fate.step, fate.after), self.log)

    def pid(self) -> int:
        return (self.process.pid or 0) if self.process else 0

    def exit_code(self) -> int | None:
        return self.process.exitcode if self.process else None

    def send(self, number: signal.Signals) -> None:
        """Between the fork and its setsid() there is no group yet: then the process alone is hit."""
        try:
            super().send(number)
        except ProcessLookupError:
            if self.exit_code() is None:
                os.kill(self.pid(), number)


class Spawned(Mortal):
    """The receiver: a child of the supervisor's kind, `python -m sandbox`."""

    def __init__(self, name: str, kind: str, child: Child) -> None:
        super().__init__(name, kind)
        self.child = child

    def begin(self, fate: Fate) -> None:
        if not self.child.alive:
            self.child.start()

    def pid(self) -> int:
        return self.child.process.pid if self.child.process else 0

    def exit_code(self) -> int | None:
        return self.child.process.poll() if self.child.process else None
