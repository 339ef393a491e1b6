"""`manage.py test [pytest arguments]`: the whole suite, or what the arguments name, in a process of its own."""

import os
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

# Two at a time, in the order of tests/conftest.py.
WHOLE_SUITE = ["-n", "2", "--dist", "worksteal"]


class Command(BaseCommand):
    help = "Pass the tests (pytest; arguments go to it)."

    def run_from_argv(self, argv: list[str]) -> None:
        arguments = argv[2:]
        if not any(argument in ("-n", "--version", "--collect-only") or "::" in argument for argument in arguments):
            arguments = [*WHOLE_SUITE, *arguments]
        # pytest starts fresh: it must choose its own data folder before Django's settings are read.
        fresh = {name: value for name, value in os.environ.items() if name != "SCRIBEPORT_DATA"}
        # The workers must collect the same tests in the same order, also where a set stands behind them.
        fresh.setdefault("PYTHONHASHSEED", "0")
        command = [sys.executable, "-m", "pytest", *arguments]
        sys.exit(subprocess.run(command, cwd=settings.BASE_DIR, env=fresh).returncode)  # noqa: S603

    def handle(self, *args: Any, **options: Any) -> None:
        raise AssertionError("run_from_argv does the work")
