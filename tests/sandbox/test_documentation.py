"""docs/sandbox.md says what the code does."""

import re
import subprocess
import sys

from sandbox.drive import Drive
from sandbox.fault_kinds import KINDS, as_markdown
from sandbox.faults import Switchboard
from sandbox.oru import PROCESSING_IDS, STATUSES, TEXT_TYPES, VERSIONS
from sandbox.store import Store
from tests.sandbox.desk import ROOT

TEXT = (ROOT / "docs" / "sandbox.md").read_text()


def sandbox(*options):
    done = subprocess.run([sys.executable, "-m", "sandbox", *options], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    return done.stdout


def test_the_table_of_faults_is_the_one_the_code_prints():
    assert sandbox("--list-faults") == as_markdown()
    assert TEXT.endswith(as_markdown())


def test_every_fault_has_a_line():
    for kind in KINDS:
        assert f"| `{kind}` |" in TEXT


def test_every_option_is_documented():
    options = set(re.findall(r"--[a-z-]+", sandbox("--help"))) - {"--help"}
    assert options == set(re.findall(r"--[a-z-]+[a-z]", TEXT)) & options


def test_every_request_of_the_api_is_documented(tmp_path):
    store = Store(tmp_path)
    for route in Drive(store, Switchboard()).routes():
        path = route.path.removeprefix("/sandbox/api/")
        assert re.search(rf"^\| `[^|]*\b{route.method}\b[^|]* {re.escape(path)}[`?]", TEXT, re.M), route
    store.close()


def test_what_is_taken_is_named():
    for values in (VERSIONS, PROCESSING_IDS, STATUSES, TEXT_TYPES):
        assert ", ".join(values) in TEXT
