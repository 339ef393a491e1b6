"""A canary in notes, queries, headers, exceptions and arguments never reaches a log line; what helps does."""

import json
import logging
import re
import subprocess
import sys
import urllib.error
import urllib.request
from http.client import HTTPException

import pytest

from portal.logging import StandardError, logging_settings
from tests.portal.faults.site import CANARY
from tests.processes import ROOT, Site, answers, free_port

FAULTY = {"DJANGO_SETTINGS_MODULE": "tests.portal.faults.site"}


def lines_of(output: str) -> list[dict]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture(scope="module")
def failures(tmp_path_factory) -> str:
    """Everything that tests/portal/faults/everything.py writes, in JSON, at the chattiest level."""
    site = Site(tmp_path_factory.mktemp("faults"), "sqlite://:memory:")
    environment = site.environment(SCRIBEPORT_LOG_FORMAT="json", SCRIBEPORT_LOG_LEVEL="INFO", **FAULTY)
    command = [sys.executable, "-m", "tests.portal.faults", "die"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    return done.stdout + done.stderr


def test_no_canary_reaches_the_log(failures):
    assert len(failures.splitlines()) >= 20
    assert CANARY not in failures


def test_every_line_is_one_json_object(failures):
    assert all({"time", "level", "logger", "event"} <= set(line) for line in lines_of(failures))


def test_a_failed_request_is_written_with_its_route_and_the_place_it_failed(failures):
    (line,) = [line for line in lines_of(failures) if line.get("route") == "crash/<int:pk>/" and "exception" in line]
    assert (line["status"], line["method"], line["exception"]) == (500, "POST", "ValueError")
    assert re.fullmatch(r"tests\.portal\.faults\.urls:\d+", line["at"])


def test_a_chained_failure_names_its_cause(failures):
    (line,) = [line for line in lines_of(failures) if line.get("route") == "chained/" and "exception" in line]
    assert (line["exception"], line["causes"]) == ("RuntimeError", "KeyError")


def test_a_channels_failure_is_written_with_its_reason_code(failures):
    lines = [line for line in lines_of(failures) if line.get("exception") == "NoAnswer"]
    assert [line["reason_code"] for line in lines] == ["ack_timeout"] * 3
    assert lines[0]["event"] == "the receiver did not answer: NoAnswer"


def test_lines_written_while_somebody_acts_carry_the_correlation_id(failures):
    inside = [line for line in lines_of(failures) if line["logger"] == "delivery.faults"]
    assert {line["correlation_id"] for line in inside} == {"c0ffee"}


def test_a_failed_task_is_written_with_its_name_and_id_only(failures):
    (line,) = [line for line in lines_of(failures) if line.get("task") == "tests.faults.fail"]
    assert line["event"] == "task failed"
    assert line["exception"] == "ValueError"
    assert re.fullmatch(r"[0-9a-f-]{36}", line["task_id"])


def test_uncaught_exceptions_of_threads_and_of_the_process_are_lines_too(failures):
    lines = [line for line in lines_of(failures) if line["logger"] == "portal.uncaught"]
    assert [line["exception"] for line in lines] == ["KeyError", "ValueError", "ValueError"]


def test_a_foreign_librarys_line_says_where_it_came_from(failures):
    (line,) = [line for line in lines_of(failures) if line["logger"] == "some.library"]
    assert line["event"] == "cannot read '[withheld]'"


def test_a_process_that_cannot_start_says_why(tmp_path):
    site = Site(tmp_path, "sqlite://:memory:")
    start = "import django; django.setup(); import no_such_module"
    environment = site.environment(DJANGO_SETTINGS_MODULE="portal.settings")
    done = subprocess.run([sys.executable, "-c", start], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert "No module named 'no_such_module'" in done.stderr


def test_an_unknown_format_stops_the_start():
    with pytest.raises(ValueError, match="SCRIBEPORT_LOG_FORMAT"):
        logging_settings("INFO", "xml")


def test_key_value_lines_are_one_line_each(tmp_path):
    site = Site(tmp_path, "sqlite://:memory:")
    command = [sys.executable, "-m", "tests.portal.faults"]
    environment = site.environment(SCRIBEPORT_LOG_FORMAT="logfmt", **FAULTY)
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    assert CANARY not in done.stderr
    assert all(re.match(r"time=\S+ level=\w+ logger=\S+ event=", line) for line in done.stderr.splitlines())


@pytest.mark.process
def test_gunicorn_writes_no_canary(site):
    port = free_port()
    listen = ["--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "4", "--no-control-socket"]
    home = f"http://127.0.0.1:{port}"
    web = site.module(
        "web",
        "gunicorn",
        *listen,
        "portal.wsgi:application",
        ready=answers(home),
        SCRIBEPORT_LOG_LEVEL="INFO",
        **FAULTY,
    )
    for place in (f"crash/7/?name={CANARY}", f"stream/?q={CANARY}", f"missing/{CANARY}"):
        with pytest.raises((urllib.error.HTTPError, OSError, HTTPException)):
            urllib.request.urlopen(f"{home}/{place}", timeout=5).read()
    web.wait(lambda: web.log().count("exception=") >= 2, 10)
    web.stop()
    assert "exception=OSError" in web.log()
    assert CANARY not in web.log()


@pytest.mark.process
def test_a_celery_worker_writes_no_canary(site):
    from tests.portal.faults.tasks import fail

    options = ["--pool", "prefork", "--concurrency", "1", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    worker = site.module("worker", "celery", "-A", "portal", "worker", "-I", "tests.portal.faults.tasks", *options)
    site.module("publisher", "tests.portal.faults.publish").popen.wait(60)
    worker.wait(lambda: fail.name in worker.log(), 60)
    worker.wait(lambda: "exception=ValueError" in worker.log(), 20)
    assert CANARY not in worker.log()


def test_P21_a_log_volume_that_is_full_fails_no_request(monkeypatch):
    class Full:
        def write(self, text):
            raise OSError(28, "No space left on device")

        flush = write

    monkeypatch.setattr(sys, "stderr", Full())
    handler = StandardError(Full())
    handler.handle(logging.LogRecord("delivery", logging.ERROR, __file__, 1, "a line", (), None))
