"""The supervisor with real processes: starts all, starts again what dies, ends all, whatever they do about it."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from portal import supervisor
from portal.supervisor import Child, Supervisor, web, worker

SLEEPS = "import time; time.sleep(60)"
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""
WITH_A_CHILD = """
import subprocess, sys, time
own = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("child", own.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def data(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def supervised():
    """A supervisor of the given scripts; all its processes are gone afterwards."""
    made: list[Supervisor] = []

    def of(**scripts: str) -> Supervisor:
        made.append(Supervisor([Child(name, [sys.executable, "-c", text]) for name, text in scripts.items()]))
        return made[-1]

    yield of
    for one in made:
        for child in one.children:
            if child.alive:
                child.signal(signal.SIGKILL)
                child.process.wait()


def until(true, seconds=8.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def log_of(data: Path, name: str) -> str:
    path = data / "logs" / f"{name}.log"
    return path.read_text() if path.exists() else ""


def running(pid: int) -> bool:
    """Whether the process lives; a zombie that init has not fetched yet does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_child_that_was_never_started_is_not_alive_and_can_be_signalled():
    child = Child("web", ["true"])
    assert not child.alive
    child.signal(signal.SIGTERM)


def test_all_children_start_each_in_a_group_of_its_own(supervised):
    one = supervised(web=SLEEPS, worker=SLEEPS)
    one.start()
    assert all(child.alive for child in one.children)
    groups = {os.getpgid(child.process.pid) for child in one.children}
    assert groups == {child.process.pid for child in one.children}
    assert os.getpgid(0) not in groups, "Ctrl-C at the terminal must reach the supervisor alone"


def test_what_has_died_is_started_again_and_counted(supervised):
    one = supervised(web=SLEEPS, worker=SLEEPS)
    one.start()
    web_, worker_ = one.children
    before, other = web_.process.pid, worker_.process.pid
    web_.signal(signal.SIGKILL)
    until(lambda: not web_.alive)
    one.watch_once()
    assert web_.alive
    assert (web_.process.pid != before, web_.restarts) == (True, 1)
    assert (worker_.process.pid, worker_.restarts) == (other, 0), "what lives is left alone"


def test_a_child_that_ends_by_itself_is_started_again_each_time(supervised):
    one = supervised(web="pass")
    one.start()
    (child,) = one.children
    for times in (1, 2, 3):
        until(lambda: not child.alive)
        one.watch_once()
        assert child.restarts == times


def test_a_restart_is_logged_by_name(supervised, caplog):
    one = supervised(web="pass")
    one.start()
    until(lambda: not one.children[0].alive)
    with caplog.at_level("WARNING", logger="portal.supervisor"):
        one.watch_once()
    assert "web ended and is started again" in caplog.text


def test_nothing_is_started_again_while_all_is_being_stopped(supervised):
    one = supervised(web="pass")
    one.start()
    until(lambda: not one.children[0].alive)
    one.stopping = True
    one.watch_once()
    assert one.children[0].restarts == 0


def test_stopping_ends_every_child(supervised):
    one = supervised(web=SLEEPS, worker=SLEEPS)
    one.start()
    one.stop()
    assert not any(child.alive for child in one.children)
    assert {child.process.returncode for child in one.children} == {-signal.SIGTERM}


def test_a_child_that_does_not_listen_is_made_to_end(supervised, data, monkeypatch):
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.3)
    one = supervised(web=STUBBORN)
    one.start()
    until(lambda: "deaf" in log_of(data, "web"))
    one.stop()
    assert one.children[0].process.returncode == -signal.SIGKILL


def test_a_workers_own_children_go_with_it(supervised, data):
    one = supervised(worker=WITH_A_CHILD)
    one.start()
    until(lambda: "child" in log_of(data, "worker"))
    grandchild = int(log_of(data, "worker").split()[1])
    assert running(grandchild)
    one.stop()
    until(lambda: not running(grandchild))


def test_stopping_twice_harms_nothing(supervised):
    one = supervised(web=SLEEPS)
    one.start()
    one.stop()
    one.stop()


def test_what_a_child_says_is_kept_in_a_file_of_its_name_across_restarts(supervised, data):
    one = supervised(web="import sys; print('out'); print('err', file=sys.stderr)")
    one.start()
    until(lambda: not one.children[0].alive)
    one.watch_once()
    until(lambda: log_of(data, "web").count("out") == 2)
    assert log_of(data, "web").count("err") == 2
    assert (data / "logs").stat().st_mode & 0o077 == 0, "nobody else reads the logs"


def test_a_child_gets_our_environment_and_its_own(supervised, data, monkeypatch):
    monkeypatch.setenv("SCRIBEPORT_FROM_US", "ours")
    script = "import os; print(os.environ['SCRIBEPORT_FROM_US'], os.environ['OWN'])"
    child = Child("web", [sys.executable, "-c", script], env={"OWN": "its"})
    child.start()
    child.process.wait()
    assert log_of(data, "web").split() == ["ours", "its"]


def test_a_child_has_no_standard_input_to_wait_for(supervised, data):
    one = supervised(web="import sys; print(len(sys.stdin.read()))")
    one.start()
    until(lambda: log_of(data, "web").strip() == "0")


def test_watching_goes_on_until_asked_to_stop(supervised, monkeypatch):
    monkeypatch.setattr(supervisor, "RESTART_PAUSE", 0.01)
    one = supervised(web=SLEEPS)
    one.start()
    seconds = []

    def each_second():
        seconds.append(1)
        if len(seconds) == 2:
            one.children[0].signal(signal.SIGKILL)
            one.children[0].process.wait()
        if len(seconds) == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    try:
        one.run(each_second)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert len(seconds) >= 5
    assert one.children[0].restarts == 1
    assert not one.children[0].alive, "what ran is stopped when the watch ends"


def test_an_error_in_what_is_done_each_second_still_ends_the_children(supervised):
    one = supervised(web=SLEEPS)
    one.start()

    def fail():
        raise RuntimeError("the demonstration's own mistake")

    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(RuntimeError):
            one.run(fail)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not one.children[0].alive


def test_the_web_process_listens_where_it_is_told_with_the_threads_of_the_settings(settings):
    settings.WEB_PROCESSES, settings.WEB_THREADS = 3, 24
    arguments = web("127.0.0.1", 8123).arguments
    said = " ".join(arguments)
    assert "gunicorn portal.wsgi --bind 127.0.0.1:8123" in said
    assert "--workers 3" in said
    assert "--threads 24" in said


def test_the_worker_runs_threads_and_needs_no_other_worker(settings):
    settings.WORKER_THREADS = 5
    said = " ".join(worker().arguments)
    assert "celery -A portal worker --pool threads --concurrency 5" in said
    assert {"--without-gossip", "--without-mingle"} <= set(worker().arguments)
