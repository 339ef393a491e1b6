"""Kills: keeps every place filled, lets each process meet its fate, and counts."""

import signal
import time
from collections.abc import Callable, Sequence

from django.conf import settings

from delivery.chaos.fates import Fate, Fates
from delivery.chaos.mortals import KILLED, UNHURT, Mortal

AWAKE = 2.0  # seconds a process that was frozen gets to do something wrong


class Reaper:
    """`kills` in all, spread over the run: `may_kill(so_many)` says when the next one may come."""

    def __init__(
        self,
        mortals: Sequence[Mortal],
        kills: int,
        seed: int,
        may_kill: Callable[[int], bool],
        receiver_up: Callable[[], bool],
    ) -> None:
        self.mortals = mortals
        self.kills = kills
        self.fates = Fates(seed)
        self.may_kill = may_kill
        self.receiver_up = receiver_up
        self.receiver_ready = True
        self.killed: list[str] = []  # where: a step's name, or the kind of process with "at random"
        self.freezes = 0
        self.ended: list[str] = []  # processes that ended though nobody killed them

    @property
    def done(self) -> int:
        return len(self.killed)

    def start(self) -> None:
        for mortal in self.mortals:
            self.start_again(mortal)

    def start_again(self, mortal: Mortal) -> None:
        """With a process that is to die too, as long as kills are left."""
        promised = sum(other.fate is not UNHURT for other in self.mortals if other is not mortal)
        left = self.kills - self.done - promised
        mortal.be_born(self.fates.of(mortal.kind) if left > 0 else UNHURT)
        if mortal.kind == "receiver":
            self.receiver_ready = False

    def look(self) -> None:
        """One round: bury and replace the dead, strike those whose time has come, wake the frozen."""
        for mortal in self.mortals:
            if mortal.exit_code() is not None:
                self.bury(mortal)
                self.start_again(mortal)
            elif mortal.frozen_until:
                self.wake(mortal)
            elif mortal.is_due and self.may_kill(self.done):
                self.strike(mortal)
        if not self.receiver_ready:
            self.receiver_ready = self.receiver_up()

    def bury(self, mortal: Mortal) -> None:
        if mortal.exit_code() == KILLED and mortal.fate.step:
            self.killed.append(mortal.fate.step)
        else:
            self.ended.append(f"{mortal.name} ended with {mortal.exit_code()}")

    def strike(self, mortal: Mortal) -> None:
        if mortal.fate.freezes:
            mortal.send(signal.SIGSTOP)
            self.freezes += 1
            mortal.frozen_until = time.monotonic() + 1.5 * settings.LEASE_SECONDS
            return
        self.fates.missed(mortal.fate)
        mortal.kill()
        self.killed.append(f"{mortal.kind} at random")
        self.start_again(mortal)

    def wake(self, mortal: Mortal) -> None:
        """A frozen process goes on where it stood, long after another took its lanes over; it dies a while later."""
        now = time.monotonic()
        if now > mortal.frozen_until:
            mortal.send(signal.SIGCONT)
            mortal.frozen_until = 0.0
            mortal.fate = Fate("", 0, now - mortal.born_at + AWAKE)
