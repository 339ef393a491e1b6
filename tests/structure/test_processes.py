"""The process tests' own tools: what they start is there, and nothing of it stays."""

import os
import signal
import sys

import psutil
import pytest

from tests.processes import Site, answers, free_port, fresh_database, listens, wait_until

pytestmark = pytest.mark.process
FOREVER = "import time; time.sleep(600)"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{FOREVER}']); {FOREVER}"
SERVER = "import http.server, sys; http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), http.server.BaseHTTPRequestHandler).serve_forever()"


@pytest.fixture
def bare_site(tmp_path):
    site = Site(tmp_path, f"sqlite:///{tmp_path}/none.sqlite3")
    yield site
    site.kill_all()


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("group", ["", ", start_new_session=True"], ids=["same group", "own group"])
def test_killing_a_process_kills_what_it_started(bare_site, group):
    process = bare_site.run("parent", sys.executable, "-c", PARENT.replace("])", f"]{group})"))
    wait_until(lambda: psutil.Process(process.popen.pid).children(), 10)
    (child,) = psutil.Process(process.popen.pid).children()
    process.kill()
    wait_until(lambda: not alive(child.pid), 5)
    assert not process.running()


def test_killing_twice_is_no_error(bare_site):
    process = bare_site.run("sleeper", sys.executable, "-c", FOREVER)
    process.kill()
    process.kill()
    assert process.popen.returncode == -signal.SIGKILL


def test_a_server_is_waited_for_until_it_answers(bare_site):
    port = free_port()
    assert not listens(port)()
    bare_site.run(
        "server", sys.executable, "-c", SERVER, str(port), ready=answers(f"http://127.0.0.1:{port}/"), seconds=20
    )
    assert listens(port)()


def test_a_process_that_dies_while_it_is_waited_for_fails_with_its_log(bare_site):
    with pytest.raises(AssertionError, match=r"(?s)ended with 3.*good-bye"):
        bare_site.run(
            "dying", sys.executable, "-c", "print('good-bye'); raise SystemExit(3)", ready=lambda: False, seconds=20
        )


def test_a_process_that_is_never_ready_fails_in_time(bare_site):
    with pytest.raises(AssertionError, match="is not ready"):
        bare_site.run("mute", sys.executable, "-c", FOREVER, ready=lambda: False, seconds=0.3)


def test_a_process_that_ignores_the_request_to_stop_is_killed_and_named(bare_site):
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); " + FOREVER
    process = bare_site.run("deaf", sys.executable, "-c", deaf)
    process.wait(lambda: "deaf" in process.log(), 20)
    with pytest.raises(AssertionError, match="deaf did not stop"):
        process.stop(seconds=0.5)
    assert not process.running()


def test_a_process_has_its_sites_data_folder_and_not_the_test_runs(bare_site, tmp_path):
    process = bare_site.run("asked", sys.executable, "-c", "import os; print(os.environ['SCRIBEPORT_DATA'])")
    process.popen.wait(20)
    assert process.log().strip() == str(tmp_path / "data") != os.environ["SCRIBEPORT_DATA"]


def test_a_site_is_migrated(site):
    assert "[ ]" not in site.manage("showmigrations", "--plan")


def test_a_failing_command_fails_the_test_with_its_words(site):
    with pytest.raises(AssertionError, match="Unknown command"):
        site.manage("no-such-command")


def test_a_fresh_database_is_gone_afterwards(tmp_path):
    with fresh_database(tmp_path) as url:
        assert url != os.environ.get("DATABASE_URL")
