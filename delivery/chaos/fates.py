"""Who dies when: a seeded draw in which every named step has its turn, and every kind of process dies at random too."""

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from delivery.chaos.steps import STEPS

AT_A_STEP = 0.7  # of the deaths of a web or worker process
FROZEN = 0.15  # of the others of a worker: stopped past its lease and woken again, instead of killed
PATIENCE = 3.0  # seconds a step may let itself be waited for before the process is killed where it stands
# Seconds of life before a death at random, and how often a step is passed before it kills: the web passes its steps
# with every note, and half of all deaths are to be the workers'.
LIVES = {"web": (1.0, 5.0), "worker": (0.5, 2.0), "receiver": (4.0, 12.0)}
PASSINGS = {"web": 40, "worker": 3}


@dataclass(frozen=True)
class Fate:
    """How one process ends: at the `after`-th passing of a step, or `seconds` after its start wherever it is then."""

    step: str
    after: int
    seconds: float
    freezes: bool = False

    @property
    def name(self) -> str:
        return self.step or "anywhere"


class Fates:
    """Draws for processes of the kinds web, worker and receiver."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.steps = {kind: self.shuffled(kind) for kind in ("web", "worker")}

    def shuffled(self, kind: str) -> deque[str]:
        names = [step.name for step in STEPS.values() if step.process == kind]
        self.draw.shuffle(names)
        return deque(names)

    def of(self, kind: str) -> Fate:
        """What is to become of the next process of this kind."""
        steps = self.steps.get(kind)
        if steps and self.draw.random() < AT_A_STEP:
            steps.rotate(-1)
            return Fate(steps[-1], self.draw.randint(1, PASSINGS[kind]), PATIENCE)
        freezes = kind == "worker" and self.draw.random() < FROZEN
        return Fate("", 0, self.draw.uniform(*LIVES[kind]), freezes)

    def missed(self, fate: Fate) -> None:
        """The step was not passed in time: it has its turn again next."""
        for steps in self.steps.values():
            if fate.step in steps:
                steps.remove(fate.step)
                steps.appendleft(fate.step)


def ahead(done: int, total: int, other_done: int, other_total: int, slack: float = 0.05) -> bool:
    """Whether `done` of `total` runs ahead of the other count by more than `slack` of all: each waits for the other."""
    return other_done < other_total and done / total > other_done / other_total + slack


def names_of(killed: Iterable[str]) -> dict[str, int]:
    """How often each place of death came up, by name, every named step listed."""
    counts = dict.fromkeys(STEPS, 0)
    for name in killed:
        counts[name] = counts.get(name, 0) + 1
    return counts
