"""A demonstration that is asked to end in the middle takes everything with it that it started."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from tests.processes import ROOT, put_migrated, wait_until

pytestmark = [pytest.mark.process, pytest.mark.alike]


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="sp-") as path:
        yield Path(path)


def living(folder: Path) -> list[str]:
    """What still runs of a demonstration whose temporary folder this is."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR") == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_demonstration_that_is_stopped_while_it_starts_leaves_no_process_and_no_folder(
    folder, number, migrated_database
):
    data = str(put_migrated(migrated_database, folder / "scribeport-demo-stopped"))
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("SCRIBEPORT_", "DATABASE", "REDIS"))
    }
    run = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "demo", "--once", "--json", "--port", "0"],
        env=kept
        | {"TMPDIR": str(folder), "SCRIBEPORT_OWN_ENVIRONMENT": "1"}
        | {"SCRIBEPORT_DEMO_FOLDER": data, "SCRIBEPORT_DATA": data, "SCRIBEPORT_DOUBT_SETTLE_SECONDS": "2"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    said = ""
    for line in run.stderr:
        said += line
        if "Setting up two clinics" in line:
            break
    assert len(living(folder)) > 3, said
    run.send_signal(number)
    out, more = run.communicate(timeout=60)
    assert run.returncode == 1, more
    assert out == ""
    wait_until(lambda: living(folder) == [], 20, lambda: str(living(folder)))
    assert list(folder.glob("scribeport-demo-*")) == []
