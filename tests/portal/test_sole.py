"""Two supervisors never work on one data folder, and a killed one leaves no lock behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from portal.sole import NAME, Held, sole

ROOT = Path(__file__).resolve().parents[2]
HOLDS = """
import subprocess, sys, time
from pathlib import Path
from portal.sole import sole
with sole(Path(sys.argv[1])):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print(child.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the folder, and a child of its own that outlives it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    child = int(process.stdout.readline())
    yield process
    process.kill()
    process.wait()
    process.stdout.close()
    os.kill(child, 9)


def test_a_folder_is_held_while_the_block_runs_and_free_afterwards(tmp_path):
    with sole(tmp_path / "new"):
        assert (tmp_path / "new" / NAME).read_text() == f"{os.getpid()}\n"
    with sole(tmp_path / "new"):
        pass


def test_a_second_holder_is_refused_in_words_that_name_the_first(tmp_path, holder):
    with pytest.raises(Held) as caught, sole(tmp_path):
        pytest.fail("held twice")
    assert f"runs already on the data folder {tmp_path} (process {holder.pid})" in str(caught.value)
    assert "End that one first." in str(caught.value)


def test_a_holder_killed_with_9_leaves_the_folder_free_though_its_child_lives(tmp_path, holder):
    holder.kill()
    holder.wait()
    with sole(tmp_path):
        assert (tmp_path / NAME).read_text() == f"{os.getpid()}\n"


def test_two_folders_do_not_disturb_each_other(tmp_path, holder):
    with sole(tmp_path / "other"):
        pass


@pytest.mark.parametrize("command", ["run", "demo"])
def test_neither_command_starts_on_a_folder_that_is_held(tmp_path, holder, settings, monkeypatch, command):
    settings.DATA_DIR = tmp_path
    monkeypatch.setenv("SCRIBEPORT_DEMO_FOLDER", str(tmp_path))
    monkeypatch.setattr("delivery.management.commands.demo.signal.signal", lambda *_: None)
    with pytest.raises(CommandError, match=r"runs already on the data folder"):
        call_command(command)
    assert [each.name for each in tmp_path.iterdir()] == [NAME]
