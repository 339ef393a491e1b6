"""A sandbox process per test module, emptied for every test; and an office, which is a sandbox in the test's own process."""

import pytest

from tests.sandbox.desk import Process
from tests.sandbox.office import Office


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    process = Process(tmp_path_factory.mktemp("sandbox"))
    yield process
    assert process.stop() == 0


@pytest.fixture
def sandbox(running):
    """An empty sandbox that knows the two clinics' templates."""
    running.api("POST", "/reset")
    return running.clinics()


@pytest.fixture
def office(tmp_path):
    """A sandbox without a process, which knows the north clinic's template."""
    opened = Office(tmp_path)
    yield opened
    opened.close()
