"""`manage.py chaos`, small: the promises hold while processes die, and a stopped run leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import psycopg
import pytest
from django.db import connection

from delivery.bench import site
from tests.processes import ROOT, wait_until

pytestmark = pytest.mark.process
ON_POSTGRES = connection.vendor == "postgresql"
NOTES, KILLS = 20, 3


@pytest.fixture
def folder():
    """A temporary folder of this run's own. (Short: a socket's path has 107 bytes.)"""
    with tempfile.TemporaryDirectory(prefix="sp-") as path:
        yield Path(path)


def start(folder, *arguments, **streams):
    environment = {name: value for name, value in os.environ.items() if name not in ("SCRIBEPORT_DATA", site.FOLDER)}
    environment |= {"TMPDIR": str(folder), "SCRIBEPORT_OWN_ENVIRONMENT": "1"}
    database = "postgres" if ON_POSTGRES else "sqlite"
    command = [sys.executable, str(ROOT / "manage.py"), "chaos", "--json", "--database", database, *arguments]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def left_behind(folder):
    """Folders, databases and processes of a run that are still there."""
    left = [str(path) for path in folder.glob("scribeport-chaos-*")]
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR") == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                left.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    if ON_POSTGRES:
        with psycopg.connect(os.environ["DATABASE_URL"]) as admin:
            left += admin.execute("SELECT datname FROM pg_database WHERE datname LIKE 'scribeport_chaos_%'").fetchall()
    return left


def test_a_small_run_keeps_every_promise(folder):
    """On SQLite with a receiver that can be asked, on PostgreSQL with one that is blind."""
    receiver = "blind" if ON_POSTGRES else "readback"
    size = ["--notes", str(NOTES), "--kills", str(KILLS), "--receiver", receiver, "--seed", "1"]
    run = start(folder, *size)
    said, progress = run.communicate(timeout=300)
    assert run.returncode == 0, progress
    (line,) = said.splitlines()
    found = json.loads(line)
    broken = {name: found[name] for name in ("lost", "duplicated", "out_of_order", "unresolved", "ended_unasked")}
    assert set(broken.values()) == {0}, progress
    assert (found["notes"], found["kills"], sum(found["killed_at"].values())) == (NOTES, KILLS, KILLS)
    assert found["receiver"] == receiver
    assert sum(found["states"].values()) == NOTES
    assert found["parked"] == found["states"].get("parked", 0) == sum(found["parked_for"].values())
    assert set(found["parked_for"]) <= ({"blind_receiver"} if ON_POSTGRES else {"poison"})
    assert "notes taken in" in progress
    assert left_behind(folder) == []


def test_a_run_that_is_stopped_leaves_nothing_behind(folder):
    run = start(folder, "--notes", "100000", "--kills", "1000")
    said = ""
    for line in run.stderr:
        said += line
        if " of 1000 kills" in line:
            break
    assert len(left_behind(folder)) > 3, said
    run.send_signal(signal.SIGINT)
    _, more = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "Stopped" in more
    wait_until(lambda: left_behind(folder) == [], 10, lambda: str(left_behind(folder)))
