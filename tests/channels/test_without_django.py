"""The channels stand alone: importing them loads neither Django nor any model."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(f"delivery.channels.{path.stem}" for path in (ROOT / "delivery/channels").glob("[a-z]*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_a_channel_module_imports_no_django(module):
    code = (
        f"import sys, {module}\n"
        "found = [name for name in sys.modules if name.split('.')[0] in ('django', 'portal', 'audit', 'celery')]\n"
        "found += [name for name in sys.modules if name.endswith('.models') and name.split('.')[0] in ('delivery', 'mapping')]\n"
        "print(found)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={}, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    assert ran.stdout.strip() == "[]"
