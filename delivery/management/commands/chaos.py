"""`manage.py chaos`: kill the product's processes under load, and count what the receiver's own chart holds afterwards.

Prints one JSON object; docs/operations.md says what each field means. Runs on a temporary database and folder.
"""

import json
import os
import random
import signal
import sys
import threading
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.record import Actor, acting
from delivery.bench import site
from delivery.chaos.receivers import RECEIVERS, NotAsExpected
from delivery.chaos.run import Chaos, Interrupted, NothingLearnt, Order
from delivery.demo.run import DemoFailed, free_port

# Short times, so that a minute holds what a day does; they hang together as the defaults do.
TIMES = {
    "SCRIBEPORT_LEASE_SECONDS": "4",
    "SCRIBEPORT_ACK_SECONDS": "1",
    "SCRIBEPORT_SETTLE_SECONDS": "1",
    "SCRIBEPORT_DOUBT_SETTLE_SECONDS": "1",
    "SCRIBEPORT_POLL_SECONDS": "0.3",
    "SCRIBEPORT_LINGER_SECONDS": "0.3",
}


class Command(BaseCommand):
    help = "Kill web, worker and receiver processes while notes flow, then compare the receiver's chart with the notes."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--notes", type=int, default=3000)
        parser.add_argument("--kills", type=int, default=200)
        parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
        says = "; ".join(f"{each.name}: {each.says}" for each in RECEIVERS.values())
        parser.add_argument("--receiver", choices=RECEIVERS, default="readback", help=says)
        parser.add_argument("--seed", type=int, help="of notes, kills and faults; default: another each time")
        parser.add_argument("--json", action="store_true", help="the object on one line")

    def handle(self, *args: Any, **options: Any) -> None:
        if site.FOLDER not in os.environ:
            # Settings are read once at start, so the run begins anew in its own place.
            place = site.environment(options["database"], "chaos")
            os.execve(sys.executable, [sys.executable, *sys.argv], TIMES | place)  # noqa: S606
        # Both ways of being stopped leave nothing behind. Only a mark is set: an exception out of a signal may come in
        # the middle of a fork, or be lost in a callback that ignores it.
        asked_to_stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: asked_to_stop.set())
        with acting(Actor("command", "chaos", "the chaos run")):
            found = self.run(options, asked_to_stop)
        self.stdout.write(json.dumps(found, indent=None if options["json"] else 2))

    def run(self, options: dict[str, Any], asked_to_stop: threading.Event) -> dict[str, Any]:
        place = site.here()
        seed = random.randrange(1_000_000) if options["seed"] is None else options["seed"]
        order = Order(options["notes"], options["kills"], RECEIVERS[options["receiver"]], seed)
        try:
            call_command("migrate", verbosity=0)
            chaos = Chaos(place, order, free_port(0), self.say, asked_to_stop)
            try:
                return chaos.run()
            finally:
                chaos.close()
        except Interrupted:
            raise CommandError("Stopped; nothing is left behind.") from None
        except (DemoFailed, NotAsExpected, NothingLearnt) as error:
            raise CommandError(str(error)) from None
        finally:
            place.remove()

    def say(self, line: str) -> None:
        """Progress goes to standard error."""
        self.stderr.write(line, ending="\n")
        self.stderr.flush()
