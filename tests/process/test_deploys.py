"""P10: workers are replaced under load, one asked to end after the other; nothing is lost, doubled or left behind."""

import signal
import time

import pytest

from tests.processes import wait_until

pytestmark = pytest.mark.process
ROUNDS, EACH = 2, 12


def beating(clinic) -> set[str]:
    """The workers with a heartbeat row."""
    return {worker for (worker,) in clinic.look("SELECT worker FROM delivery_heartbeat")}


def test_P10_rolling_deploys_under_load_lose_and_double_nothing(clinic):
    """The new worker starts before the old one is asked to end, as a rolling update does."""
    clinic.sandbox.api("PUT", "/faults", {"faults": [{"kind": "delay_ack", "seconds": 0.2, "probability": 0.3}]})
    dead = beating(clinic)  # other tests' workers, killed where they stood
    old, accepted = clinic.worker(), []
    for _ in range(ROUNDS):
        accepted += clinic.post_notes(EACH)
        new = clinic.worker()
        wait_until(lambda: len(beating(clinic) - dead) > 1, 60)
        began = time.monotonic()
        old.popen.send_signal(signal.SIGTERM)
        wait_until(lambda: not old.running(), 30, old.log)  # noqa: B023
        assert old.popen.returncode == 0, old.log()
        assert time.monotonic() - began < 10
        old = new
    clinic.settled(accepted)
    crashed = clinic.look("SELECT count(*) FROM delivery_delivery WHERE crashes > 0 AND state <> 'superseded'")
    before = [posted for posted in accepted if clinic.of(posted)[2]]
    assert before == [], f"nobody who ended as asked left anything in doubt ({crashed})"
    assert len(beating(clinic) - dead) == 1, "only the last one still beats"
