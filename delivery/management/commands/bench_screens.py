"""`manage.py bench_screens`: how long the monitor takes with many deliveries, on a database of its own.

Prints one JSON object; docs/performance.md says what was reached.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from audit.record import Actor, acting
from delivery.bench import crowd, screens, site
from delivery.models import Delivery


class Command(BaseCommand):
    help = "Measure the monitor's screens with many synthetic deliveries, on a temporary database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--deliveries", type=int, default=100_000)
        parser.add_argument("--rounds", type=int, default=screens.ROUNDS, help="how often each screen is asked for")
        parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
        parser.add_argument("--keep", action="store_true", help="leave the seeded database, to be measured again")
        parser.add_argument("--seeded", metavar="FOLDER", help="measure what an earlier --keep left, and leave it")
        parser.add_argument("--json", action="store_true", help="the object on one line")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["deliveries"] < 1000 or options["rounds"] < 1:
            raise CommandError("At least 1,000 deliveries and one round.")
        if site.FOLDER not in os.environ:
            # Settings are read once at start, so the measurement begins anew in its own place.
            os.execve(sys.executable, [sys.executable, *sys.argv], self.place(options))  # noqa: S606
        place = site.here()
        try:
            with acting(Actor("command", "bench_screens", "the measurement")):
                found = self.measure(options["deliveries"], options["rounds"], seeded=bool(options["seeded"]))
        finally:
            connection.close()
            self.leave(place, keep=options["keep"] or bool(options["seeded"]))
        self.stdout.write(json.dumps(found, indent=None if options["json"] else 2))

    def place(self, options: dict[str, Any]) -> dict[str, str]:
        """The environment of a new place, or of one that was kept."""
        if not options["seeded"]:
            return site.environment(options["database"], "screens")
        try:
            return site.kept(Path(options["seeded"]))
        except (OSError, ValueError) as error:
            raise CommandError("--seeded names the folder that an earlier --keep printed.") from error

    def measure(self, deliveries: int, rounds: int, *, seeded: bool) -> dict[str, Any]:
        call_command("migrate", verbosity=0)
        began = time.monotonic()
        self.say("Taking up what was seeded before …" if seeded else f"Seeding {deliveries:,} deliveries …")
        made = crowd.again() if seeded else crowd.seed(deliveries)
        took = time.monotonic() - began
        self.say(f"Ready after {took:.0f} s; asking for each screen {rounds} times …")
        about = {
            "deliveries": Delivery.objects.count(),
            "database": connection.vendor,
            "seeding_seconds": round(took, 1),
        }
        load = {"load_average": round(os.getloadavg()[0], 1)}
        return about | load | screens.measure(made, rounds)

    def leave(self, place: site.Site, *, keep: bool) -> None:
        if keep:
            place.keep()
            self.say(f"Kept: measure again with --seeded {place.folder}; drop its database and folder when done.")
        else:
            place.remove()

    def say(self, line: str) -> None:
        """Progress goes to standard error."""
        self.stderr.write(line, ending="\n")
        self.stderr.flush()
