"""Kills: every place is filled again, each death is counted once and under its name, and the kills end."""

import signal

import pytest

from delivery.chaos import reaper as module
from delivery.chaos.fates import Fate
from delivery.chaos.mortals import KILLED, UNHURT, Mortal
from delivery.chaos.reaper import Reaper

NOW = 1000.0


class Doll(Mortal):
    """A process that does as it is told."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind, kind)
        self.births = 0
        self.code: int | None = None
        self.signals: list[int] = []

    def begin(self, fate: Fate) -> None:
        self.births += 1
        self.code = None

    def pid(self) -> int:
        return 1

    def exit_code(self) -> int | None:
        return self.code

    def send(self, number: signal.Signals) -> None:
        self.signals.append(number)
        if number == signal.SIGKILL:
            self.code = KILLED


@pytest.fixture
def clock(monkeypatch):
    """A time that only moves when told to."""

    class Clock:
        now = NOW

    monkeypatch.setattr("time.monotonic", lambda: Clock.now)
    return Clock


def of(*dolls: Doll, kills: int = 10, may_kill=lambda done: True) -> Reaper:
    made = Reaper(dolls, kills, seed=1, may_kill=may_kill, receiver_up=lambda: True)
    made.start()
    return made


def fated(doll: Doll, **changes) -> None:
    doll.fate = Fate(**{"step": "", "after": 0, "seconds": 1.0, **changes})


def test_a_process_whose_time_has_come_is_killed_counted_and_replaced(clock):
    doll = Doll("worker")
    reaper = of(doll)
    fated(doll)
    reaper.look()
    assert (reaper.killed, doll.births) == ([], 1)
    clock.now += 1.1
    reaper.look()
    assert (reaper.killed, doll.births) == (["worker at random"], 2)


def test_a_death_at_a_step_is_counted_under_its_name(clock):
    doll = Doll("worker")
    reaper = of(doll)
    fated(doll, step="intent", after=1)
    doll.code = KILLED
    reaper.look()
    assert (reaper.killed, reaper.ended, doll.births) == (["intent"], [], 2)


@pytest.mark.parametrize("step, code", [("", KILLED), ("intent", 1), ("", 0), ("", -signal.SIGSEGV)])
def test_an_end_that_nobody_brought_about_is_told_and_is_no_kill(clock, step, code):
    doll = Doll("worker")
    reaper = of(doll)
    fated(doll, step=step)
    doll.code = code
    reaper.look()
    assert reaper.killed == []
    assert reaper.ended == [f"worker ended with {code}"]
    assert doll.births == 2


def test_no_more_are_killed_than_was_ordered_also_with_several_promised(clock, settings):
    settings.LEASE_SECONDS = 4.0
    dolls = [Doll("worker"), Doll("web"), Doll("receiver")]
    reaper = of(*dolls, kills=2)
    assert sum(doll.fate is not UNHURT for doll in dolls) == 2
    for _ in range(200):
        clock.now += 0.5
        reaper.look()
    assert reaper.done == 2
    assert all(doll.fate is UNHURT for doll in dolls)


def test_nobody_is_struck_while_the_notes_are_behind(clock):
    doll = Doll("web")
    reaper = of(doll, may_kill=lambda done: False)
    clock.now += 100
    reaper.look()
    assert reaper.killed == []


def test_a_frozen_worker_wakes_past_its_lease_and_is_killed_a_while_later(clock, settings):
    settings.LEASE_SECONDS = 4.0
    doll = Doll("worker")
    reaper = of(doll)
    fated(doll, freezes=True)
    clock.now += 1.1
    reaper.look()
    assert (doll.signals, reaper.freezes) == ([signal.SIGSTOP], 1)
    clock.now += 5.9
    reaper.look()
    assert doll.signals == [signal.SIGSTOP], "not before one and a half leases"
    clock.now += 0.2
    reaper.look()
    assert doll.signals == [signal.SIGSTOP, signal.SIGCONT]
    clock.now += module.AWAKE - 0.1
    reaper.look()
    assert reaper.killed == []
    clock.now += 0.2
    reaper.look()
    assert reaper.killed == ["worker at random"]


def test_a_receiver_that_came_back_is_given_its_faults_again(clock):
    doll, asked = Doll("receiver"), []
    reaper = Reaper([doll], 5, 1, lambda done: True, lambda: bool(asked.append(1)) or len(asked) > 1)
    reaper.start()
    reaper.look()
    assert not reaper.receiver_ready, "not up yet"
    reaper.look()
    assert reaper.receiver_ready
    reaper.look()
    assert len(asked) == 2, "once it has them it is left alone"
    fated(doll)
    clock.now += 2
    reaper.look()
    assert len(asked) == 3
