"""The channels stand alone: importing them loads neither Django nor any model."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = sorted(f"delivery.channels.{path.stem}" for path in (ROOT / "delivery/channels").glob("[a-z]*.py"))
# One after the other in one process: the first that loads any of them is named with it, and is to be mended first.
IMPORTING = """
import importlib, json, sys
for module in sys.argv[1:]:
    importlib.import_module(module)
    found = [name for name in sys.modules if name.split(".")[0] in ("django", "portal", "audit", "celery")]
    found += [name for name in sys.modules if name.endswith(".models") and name.split(".")[0] in ("delivery", "mapping")]
    if found:
        break
print(json.dumps([module, found]))
"""


def imported(*modules: str) -> list:
    """The last module that was imported, and what should not have been loaded with it."""
    command = [sys.executable, "-c", IMPORTING, *modules]
    ran = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    return json.loads(ran.stdout)


def test_no_channel_module_imports_django():
    assert len(MODULES) > 30
    assert imported(*MODULES) == [MODULES[-1], []]


def test_one_that_did_would_be_named():
    module, found = imported("delivery.channels.mllp", "django.conf", "delivery.channels.hl7")
    assert module == "django.conf"
    assert "django" in found
