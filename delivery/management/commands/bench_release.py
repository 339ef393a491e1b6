"""`manage.py bench_release`: how long the export of a whole practice's notes takes, on a database of its own.

Prints one JSON object; docs/release.md says what was reached.
"""

import json
import os
import sys
import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from audit.record import Actor, acting
from delivery.bench import release, site


class Command(BaseCommand):
    help = "Measure the export of every note of a practice, on a temporary database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--notes", type=int, default=10_000)
        parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
        parser.add_argument("--json", action="store_true", help="the object on one line")

    def handle(self, *args: Any, **options: Any) -> None:
        if site.FOLDER not in os.environ:
            # Settings are read once at start, so the measurement begins anew in its own place.
            os.execve(sys.executable, [sys.executable, *sys.argv], site.environment(options["database"], "release"))  # noqa: S606
        with acting(Actor("command", "bench_release", "the measurement")):
            found = self.measure(options["notes"])
        self.stdout.write(json.dumps(found, indent=None if options["json"] else 2))

    def measure(self, number: int) -> dict[str, Any]:
        place = site.here()
        try:
            call_command("migrate", verbosity=0)
            began = time.monotonic()
            made = release.seed(number)
            about = {"database": connection.vendor, "seeding_seconds": round(time.monotonic() - began, 1)}
            return about | {"load_average": round(os.getloadavg()[0], 1)} | release.measure(made, number)
        finally:
            connection.close()
            place.remove()
