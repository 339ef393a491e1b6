"""The environment of a test run, set before anything reads Django's settings (loaded by `-p` in pyproject.toml).

Keys, broker folder and database of a test run never touch the user's data folder; every xdist worker has its own.
"""

import atexit
import gc
import os
import shutil
import sys
import tempfile

ROOM = 4 * 2**30  # bytes that a run may fill: databases, browsers' profiles, logs


def own_folder(variable: str, prefix: str, within: str | None = None) -> None:
    """A folder of this run's own, named by an environment variable and gone when the run ends."""
    os.environ[variable] = tempfile.mkdtemp(prefix=prefix, dir=within)
    atexit.register(shutil.rmtree, os.environ[variable], ignore_errors=True)


def in_memory() -> None:
    """Temporary files in memory where there is room: no test cuts the power, and a durable commit to disk costs 4 ms."""
    memory = "/dev/shm"
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < ROOM:
        return
    own_folder("TMPDIR", "scribeport-", memory)
    tempfile.tempdir = None


in_memory()

if "SCRIBEPORT_DATA" not in os.environ or "PYTEST_XDIST_WORKER" in os.environ:
    own_folder("SCRIBEPORT_DATA", "scribeport-tests-")

if os.environ.pop("PYTHONDONTWRITEBYTECODE", "") and "PYTHONPYCACHEPREFIX" not in os.environ:
    # Who wants no __pycache__ in the tree gets none; but a hundred processes that each compile the product, and two
    # workers that each compile the tests, would cost a run a minute.
    own_folder("PYTHONPYCACHEPREFIX", "scribeport-bytecode-")
    sys.dont_write_bytecode, sys.pycache_prefix = False, os.environ["PYTHONPYCACHEPREFIX"]

# Twenty thousand tests are a million objects, which stay: looking each time whether they could go costs a third of
# collecting them, and so it does in every long test.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()
