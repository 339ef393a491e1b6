"""One installation for all tests that kill processes; each test brings its own workers."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.process.clinic import SHORT_TIMES, Clinic
from tests.processes import Site, fresh_database
from tests.sandbox.desk import Process as Sandbox


@pytest.fixture(scope="session")
def open_clinic(migrated_database):
    folder = Path(tempfile.mkdtemp(prefix="scribeport-clinic-"))
    with fresh_database(folder, migrated_database) as database_url:
        made = Clinic(Site(folder, database_url, dict(SHORT_TIMES)), Sandbox(folder / "ecw"))
        try:
            made.open()
            yield made
        finally:
            made.site.kill_all()
            made.sandbox.process.kill()
            made.sandbox.process.wait()
            made.sandbox.process.stdout.close()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def clinic(open_clinic):
    """The installation, faults off, without a worker; what a test starts ends with it."""
    open_clinic.sandbox.api("PUT", "/faults", {"faults": []})
    yield open_clinic
    open_clinic.end_workers()
