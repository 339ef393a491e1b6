"""The named steps: each is a function of the product, and a strike falls once, where it was told to."""

import signal
import socket

import pytest

from delivery.channels.hl7_settings import Hl7Settings
from delivery.channels.mllp import MllpClient
from delivery.chaos import steps
from delivery.chaos.steps import STEPS, Strike


class Counted(Strike):
    """A strike that counts instead of killing."""

    def __init__(self, after: int = 1) -> None:
        super().__init__(after=after)
        self.kills = 0

    def kill(self) -> None:
        self.kills += 1


@pytest.fixture
def unharmed(monkeypatch):
    """Steps are installed for good; here each function is put back."""

    def keep(name: str) -> None:
        place = STEPS[name].place.replace(":", ".")
        owner, _, function = place.rpartition(".")
        target = steps.pkgutil.resolve_name(owner)
        monkeypatch.setattr(target, function, getattr(target, function))

    return keep


@pytest.mark.parametrize("name", STEPS)
def test_every_step_is_a_function_of_the_product_and_can_be_wrapped(name, unharmed):
    unharmed(name)
    owner, _, function = STEPS[name].place.replace(":", ".").rpartition(".")
    before = getattr(steps.pkgutil.resolve_name(owner), function)
    steps.install(name, Counted())
    after = getattr(steps.pkgutil.resolve_name(owner), function)
    assert after is not before
    assert after.__wrapped__ is before


def test_a_strike_falls_the_nth_time_and_never_again():
    strike = Counted(after=3)
    for _ in range(6):
        strike()
    assert strike.kills == 1


def test_before_strikes_before_anything_is_done():
    done = []
    strike = Counted()
    run = steps.before(lambda: done.append(strike.kills), strike)
    run()
    assert done == [1]


def test_after_strikes_only_when_something_came_back():
    strike = Counted()
    results = iter([[], None, ["something"]])
    run = steps.after(lambda: next(results), strike)
    run()
    run()
    assert strike.kills == 0
    run()
    assert strike.kills == 1


def test_half_a_frame_is_out_when_the_strike_falls():
    ours, theirs = socket.socketpair()
    client = MllpClient(
        Hl7Settings(host="127.0.0.1", port=1, environment="sandbox", receiving_facility="X"), lambda *at: at
    )
    client._sock = ours
    heard = []

    class Listening(Counted):
        def kill(self) -> None:
            heard.append(theirs.recv(100))

    write = steps.halfway(MllpClient._write, Listening())
    with ours, theirs:
        write(client, b"0123456789", steps.threading.TIMEOUT_MAX)
        assert heard == [b"01234"]
        assert theirs.recv(100) == b"56789", "a process that was only frozen goes on where it was"


def test_a_strike_kills_the_whole_group(monkeypatch):
    sent = []
    monkeypatch.setattr(steps.os, "killpg", lambda group, signum: sent.append((group, signum)))
    Strike(signal.SIGSTOP)()
    assert sent == [(steps.os.getpgrp(), signal.SIGSTOP)]


def test_the_web_application_dies_only_under_a_gunicorn_that_leads_its_group(monkeypatch):
    from delivery.chaos.web import dying

    monkeypatch.setattr(steps.os, "getppid", lambda: -1)
    with pytest.raises(RuntimeError, match="process group of its own"):
        dying("after_commit")
