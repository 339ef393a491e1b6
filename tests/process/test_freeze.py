"""P09: a worker frozen past its lease, with its intent committed, sends nothing when it wakes."""

import signal
import time

import psutil
import pytest

from tests.processes import wait_until

pytestmark = pytest.mark.process


def test_P09_a_frozen_worker_sends_nothing_late(clinic):
    frozen = clinic.worker("--die-at", "intent", "--signal", "STOP")
    accepted = clinic.post_notes(3)
    wait_until(lambda: psutil.Process(frozen.popen.pid).status() == psutil.STATUS_STOPPED, 60)
    clinic.worker()
    clinic.settled(accepted)
    before = sorted(clinic.filed())
    frozen.send(signal.SIGCONT)
    time.sleep(2.5)
    assert sorted(clinic.filed()) == before
    clinic.settled(accepted)
