"""`manage.py bench_screens`: how long the monitor takes with many deliveries, on a database of its own.

Prints one JSON object; docs/performance.md says what was reached.
"""

import json
import os
import sys
import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from audit.record import Actor, acting
from delivery.bench import crowd, screens, site


class Command(BaseCommand):
    help = "Measure the monitor's screens with many synthetic deliveries, on a temporary database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--deliveries", type=int, default=100_000)
        parser.add_argument("--rounds", type=int, default=screens.ROUNDS, help="how often each screen is asked for")
        parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
        parser.add_argument("--json", action="store_true", help="the object on one line")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["deliveries"] < 1000 or options["rounds"] < 1:
            raise CommandError("At least 1,000 deliveries and one round.")
        if site.FOLDER not in os.environ:
            # Settings are read once at start, so the measurement begins anew in its own place.
            os.execve(sys.executable, [sys.executable, *sys.argv], site.environment(options["database"], "screens"))  # noqa: S606
        with acting(Actor("command", "bench_screens", "the measurement")):
            found = self.measure(options["deliveries"], options["rounds"])
        self.stdout.write(json.dumps(found, indent=None if options["json"] else 2))

    def measure(self, deliveries: int, rounds: int) -> dict[str, Any]:
        place = site.here()
        try:
            call_command("migrate", verbosity=0)
            began = time.monotonic()
            self.say(f"Seeding {deliveries:,} deliveries …")
            made = crowd.seed(deliveries)
            seeded = time.monotonic() - began
            self.say(f"Seeded in {seeded:.0f} s; asking for each screen {rounds} times …")
            about = {"deliveries": deliveries, "database": connection.vendor, "seeding_seconds": round(seeded, 1)}
            load = {"load_average": round(os.getloadavg()[0], 1)}
            return about | load | screens.measure(made, rounds)
        finally:
            connection.close()
            place.remove()

    def say(self, line: str) -> None:
        """Progress goes to standard error."""
        self.stderr.write(line, ending="\n")
        self.stderr.flush()
