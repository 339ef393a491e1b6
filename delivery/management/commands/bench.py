"""`manage.py bench`: how fast notes travel, with a database and processes of its own, next to the machine's limits.

Prints one JSON object; docs/performance.md says what each figure means and what was reached.
"""

import json
import os
import sys
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.record import Actor, acting
from delivery.bench import site
from delivery.bench.run import Bench
from delivery.bench.stored import NothingToCopy
from delivery.demo.run import DemoFailed, free_port


class Command(BaseCommand):
    help = "Measure speed, CPU and memory with synthetic notes, on a temporary database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--notes", type=int, default=3000)
        parser.add_argument("--rate", type=float, default=0.0, help="notes offered a second; 0: as fast as possible")
        parser.add_argument("--clients", type=int, default=8, help="connections of the load generator")
        parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
        parser.add_argument("--seconds", type=float, default=2.0, help="how long each limit of the machine is measured")
        parser.add_argument(
            "--stored",
            type=int,
            default=0,
            help="a second run with so many notes stored (PostgreSQL; a million: 20 minutes)",
        )
        parser.add_argument("--json", action="store_true", help="the object on one line")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["stored"] and options["database"] != "postgres":
            raise CommandError("--stored copies notes with PostgreSQL's own functions: leave --database sqlite out.")
        if site.FOLDER not in os.environ:
            # Settings are read once at start, so the measurement begins anew in its own place.
            os.execve(sys.executable, [sys.executable, *sys.argv], site.environment(options["database"]))  # noqa: S606
        with acting(Actor("command", "bench", "the measurement")):
            found = self.measure(options)
        self.stdout.write(json.dumps(found, indent=None if options["json"] else 2))

    def measure(self, options: dict[str, Any]) -> dict[str, Any]:
        place = site.here()
        try:
            call_command("migrate", verbosity=0)
            bench = Bench(place, free_port(0), self.say)
            try:
                return bench.measure(
                    options["notes"], options["rate"], options["clients"], options["seconds"], options["stored"]
                )
            finally:
                bench.close()
        except (DemoFailed, NothingToCopy, KeyboardInterrupt) as error:
            raise CommandError(str(error) or "stopped") from None
        finally:
            place.remove()

    def say(self, line: str) -> None:
        """Progress goes to standard error."""
        self.stderr.write(line, ending="\n")
        self.stderr.flush()
