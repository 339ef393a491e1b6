"""`manage.py run`: the embedded set-up, as a practice would start it."""

import json
import signal
import urllib.request

import psutil
import pytest

from tests.processes import Site, answers, free_port, wait_until

pytestmark = [pytest.mark.process, pytest.mark.alike]  # the embedded set-up


@pytest.fixture
def running(site: Site):
    """The port and the process of a running installation."""
    port = free_port()
    ready = answers(f"http://127.0.0.1:{port}/healthz")
    return port, site.module(
        "run", "django", "run", "--port", str(port), ready=ready, DJANGO_SETTINGS_MODULE="portal.settings"
    )


def descendants(process) -> list[psutil.Process]:
    return psutil.Process(process.popen.pid).children(recursive=True)


def test_one_command_starts_web_and_worker_and_ends_both(running):
    port, process = running
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
        assert json.loads(answer.read())["ready"] is True
    started = descendants(process)
    commands = [" ".join(one.cmdline()) for one in started]
    assert any("gunicorn" in one for one in commands)
    assert any("celery" in one for one in commands)
    assert process.stop(seconds=30) == 0
    _, left = psutil.wait_procs(started, timeout=5)
    assert left == []


def test_a_killed_web_process_is_started_again(running):
    port, process = running
    (master,) = [one for one in psutil.Process(process.popen.pid).children() if "gunicorn" in " ".join(one.cmdline())]
    master.send_signal(signal.SIGKILL)
    master.wait(10)
    wait_until(answers(f"http://127.0.0.1:{port}/healthz"), 30, process.log)
    assert "web ended and is started again" in process.log()
