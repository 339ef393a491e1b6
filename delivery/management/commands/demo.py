"""`manage.py demo`: the whole product on this machine, with synthetic notes travelling the whole way.

Starts a simulated eCW, the portal and a worker, sets two clinics up, posts notes, and goes on running. `--once` ends
after the notes are settled, in a temporary data folder; `--json` then prints one JSON object on standard output.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.record import Actor, acting
from delivery.demo import run as course
from delivery.demo.clinics import EXCHANGED
from delivery.demo.notes import notes_from, own_notes
from delivery.demo.world import Ports, exchange_fields, set_up, teach_sandbox
from portal.listening import CannotListen, Taken, port_at
from portal.sole import Held, sole
from portal.supervisor import Supervisor, sealer, web, worker

FOLDER = "SCRIBEPORT_DEMO_FOLDER"
OTHERS = ("DATABASE_URL", "REDIS_URL", "SCRIBEPORT_PRODUCTION", "SCRIBEPORT_KEY_DIR")
TEMPORARY = "scribeport-demo-"
FAULTS = ("silent-drop",)
HOST, PORT = "127.0.0.1", 8000


class Command(BaseCommand):
    help = "Run the product with a simulated eCW, two clinics and synthetic notes."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when the notes are settled; temporary data")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output (with --once)")
        parser.add_argument("--notes", type=Path, metavar="FILE", help="a JSON-lines file of notes to send instead")
        parser.add_argument("--fault", choices=FAULTS, help="what goes wrong at the simulated eCW")
        parser.add_argument(
            "--port", type=int, help=f"the portal's; otherwise {PORT}, or a free one where that is taken"
        )
        parser.add_argument("--seconds", type=float, default=300.0, help="how long to wait for the notes to settle")

    def handle(self, *args: Any, **options: Any) -> None:
        if FOLDER not in os.environ:
            self.start_in_own_folder(options["once"])
        for number in (signal.SIGINT, signal.SIGTERM):  # either ends what was started, whenever it comes
            signal.signal(number, signal.default_int_handler)
        started = time.monotonic()
        try:
            notes = self.read_notes(options["notes"])
            with sole(settings.DATA_DIR), acting(Actor("command", "demo", "the demonstration")):
                port = self.choose_port(options["port"])
                self.run_course(notes, f"http://{HOST}:{port}", port, started, options)
        except (Held, CannotListen) as error:
            raise CommandError(str(error)) from None
        finally:
            if options["once"] and settings.DATA_DIR.name.startswith(TEMPORARY):
                shutil.rmtree(settings.DATA_DIR, ignore_errors=True)

    def choose_port(self, wanted: int | None) -> int:
        """The port that was asked for or none; where none was, the usual one, or another that is said."""
        if wanted is not None:
            return port_at(HOST, wanted)
        try:
            return port_at(HOST, PORT)
        except Taken:
            port = port_at(HOST, 0)
            self.say(f"Port {PORT} is taken by another program: the portal listens on {port} instead.")
            return port

    def start_in_own_folder(self, once: bool) -> None:
        """Settings are read once at start, so the demo begins anew with its own data folder, never the user's."""
        folder = tempfile.mkdtemp(prefix=TEMPORARY) if once else str(Path(settings.BASE_DIR) / "data" / "demo")
        env = {name: value for name, value in os.environ.items() if name not in OTHERS}
        env.update({FOLDER: folder, "SCRIBEPORT_DATA": folder, "SCRIBEPORT_DOUBT_SETTLE_SECONDS": "2"})
        os.execve(sys.executable, [sys.executable, *sys.argv], env)  # noqa: S606

    def read_notes(self, path: Path | None) -> list[dict[str, Any]]:
        try:
            return notes_from(path) if path else own_notes()
        except OSError as error:
            raise CommandError(f"The notes cannot be read: {path}: {error.strerror}.") from None
        except ValueError as error:
            raise CommandError(f"The notes cannot be read: {error}") from None

    def say(self, line: str) -> None:
        """Progress goes to standard error: standard output may be one JSON object."""
        self.stderr.write(line, ending="\n")
        self.stderr.flush()

    def run_course(
        self, notes: list[dict[str, Any]], url: str, port: int, started: float, options: dict[str, Any]
    ) -> None:
        self.say("Preparing the database …")
        call_command("migrate", verbosity=0)
        sandbox, ports = course.start_sandbox(settings.DATA_DIR / "sandbox")
        os.environ["SCRIBEPORT_PRACTICE_ECW"] = ports.base  # practice mode's courses are held on the same one
        supervisor = Supervisor([web(HOST, port), worker(), sealer()])
        try:
            supervisor.start()
            supervisor.children.insert(0, sandbox)
            secret, password = self.prepare(ports, options["fault"])
            course.wait_for(lambda: course.portal_answers(url), "the portal")
            self.announce(url, ports, password, secret)
            ids = course.post_notes(url, secret, notes, self.say)
            end = course.watch(ids, self.say, supervisor.watch_once, options["seconds"])
            self.finish(ids, end, time.monotonic() - started, options)
            if not options["once"]:
                self.say(f"\nThe demonstration goes on running at {url} - Ctrl-C ends it.")
                supervisor.run()
        except (course.DemoFailed, KeyboardInterrupt) as error:
            raise CommandError(str(error) or "stopped") from None
        finally:
            supervisor.stop()
            if options["once"]:
                shutil.rmtree(settings.DATA_DIR, ignore_errors=True)

    def prepare(self, ports: Ports, fault: str | None) -> tuple[str, str]:
        self.say("Setting up two clinics: templates imported, mappings published, connections probed …")
        teach_sandbox(ports)
        secret, password = set_up(ports)
        if fault == "silent-drop":
            self.say("Fault: two fields of each clinic's template change places at eCW, as an update would do.")
            for location, pair in EXCHANGED.items():
                exchange_fields(ports, location, pair)
        return secret, password

    def announce(self, url: str, ports: Ports, password: str, secret: str) -> None:
        self.say(f"\n  Portal          {url}\n  Sign in         director / {password}")
        self.say(f"  Simulated eCW   {ports.base}\n  A scribe's key  {secret}\n")
        self.say("Notes on their way:")

    def finish(self, ids: list[str], end: course.Tally, seconds: float, options: dict[str, Any]) -> None:
        for line in course.misfiled_lines(ids):
            self.say(line)
        report = course.report(ids, end, seconds)
        if options["json"]:
            self.stdout.write(json.dumps(report))
        else:
            self.say("  " + ", ".join(f"{name} {value}" for name, value in report.items()))
