"""`manage.py certify LOCATION`: the certification suite at a sandbox location, its evidence kept and signed.

`--demo` sets a temporary clinic up on the simulated eCW first, with a database, folder and processes of its own.
With `--json` one object on one line: location, tests (name, passed, artefact, …); `--out` writes the whole bundle.
"""

import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.record import Actor, acting
from delivery.bench import site
from delivery.certification import bundle, demo, settling
from delivery.certification.models import CertificationResult, CertificationRun
from delivery.certification.plan import Plan
from delivery.certification.running import CannotCertify, carry_out, request
from delivery.demo.run import DemoFailed
from portal.models import Location


class Command(BaseCommand):
    help = "Run the certification suite at a sandbox location, or at a temporary clinic (--demo)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("location", nargs="?", metavar="LOCATION", help="its code, or PRACTICE/CODE")
        parser.add_argument("--demo", action="store_true", help="a temporary clinic on the simulated eCW")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
        parser.add_argument("--out", type=Path, metavar="FOLDER", help="write report, signature and artefacts there")
        parser.add_argument(
            "--url", default="", help="the portal to post to; otherwise its application in this process"
        )
        parser.add_argument("--notes", type=int, default=Plan.load_notes, help="the load test's volume")
        parser.add_argument("--seconds", type=float, default=Plan.verified_within, help="the load test's limit")

        parser.add_argument(
            "--only", action="append", default=[], metavar="NAME", help="tests that begin so; such a run never passes"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["location"]) == options["demo"]:
            raise CommandError("Name one location, or --demo.")
        if options["demo"] and site.FOLDER not in os.environ:
            self.start_in_own_place(options)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            plan = Plan(load_notes=options["notes"], verified_within=options["seconds"])
            with acting(Actor("command", "certify", "the certification command")):
                self.certify_demo(plan, options) if options["demo"] else self.certify(plan, options)
        except (CannotCertify, DemoFailed, ValueError) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("stopped") from None

    def start_in_own_place(self, options: dict[str, Any]) -> None:
        """Settings are read once at start, so the run begins anew in a place of its own, never the user's."""
        out = options["out"] or Path(tempfile.mkdtemp(prefix="scribeport-certification-"))
        given = [] if options["out"] else ["--out", str(out)]
        arguments = [sys.executable, *sys.argv, *given]
        os.execve(sys.executable, arguments, site.environment("sqlite", "certify"))  # noqa: S606

    def certify_demo(self, plan: Plan, options: dict[str, Any]) -> None:
        place = site.here()
        try:
            self.say("Preparing the database …")
            call_command("migrate", verbosity=0)
            with demo.clinic(self.say) as (location, url):
                self.run_at(location, plan, url, settling.nothing, options)
        finally:
            place.remove()

    def certify(self, plan: Plan, options: dict[str, Any]) -> None:
        location = self.location(options["location"])
        work = settling.nothing if settling.a_worker_lives() else settling.by_hand
        if work is settling.by_hand:
            self.say("No worker lives: this command does a worker's work itself.")
        self.run_at(location, plan, options["url"], work, options)

    def location(self, name: str) -> Location:
        practice, _, code = name.rpartition("/")
        rows = Location.objects.filter(code=code, **({"practice__code": practice} if practice else {}))
        found = list(rows.select_related("practice"))
        if len(found) != 1:
            words = "is no location" if not found else "is the code of several locations: name PRACTICE/CODE"
            raise CommandError(f"{name} {words}.")
        return found[0]

    def run_at(self, location: Location, plan: Plan, url: str, work: settling.Work, options: dict[str, Any]) -> None:
        began = time.monotonic()
        asked = request(location, plan)
        self.say(f"Run {asked.pk} at {location.code}: {len(asked.planned)} tests")
        run = carry_out(asked, work, url, self.say, options["only"])
        if run is None:
            raise CommandError("A worker has taken the run; its page shows how it goes.")
        if options["out"]:
            bundle.write(run, options["out"])
        said = self.object(run, options["out"], time.monotonic() - began)
        if options["json"]:
            self.stdout.write(json.dumps(said))
        else:
            self.say(f"{run.get_state_display()}: {said['passed_tests']} of {len(said['tests'])} tests passed.")
            self.say(f"Report: {options['out']}" if options["out"] else "The report stands on the location's page.")

    def object(self, run: CertificationRun, out: Path | None, seconds: float) -> dict[str, Any]:
        """The one object of `--json`: an artefact is a file of the bundle, or the name that the run's page links."""
        results = list(CertificationResult.objects.filter(run=run).select_related("artefact"))
        return {
            "location": run.location.code,
            "run": run.pk,
            "state": str(run.state),
            "passed": all(result.passed for result in results) and str(run.state) == "passed",
            "passed_tests": sum(result.passed for result in results),
            "tests": [
                {
                    "name": result.name,
                    "passed": result.passed,
                    "artefact": f"artefacts/{result.artefact.name}" if out else result.artefact.name,
                    "sha256": result.artefact.sha256,
                    "applies": result.applies,
                    "proof": result.proof,
                    "says": result.says,
                    "seconds": result.seconds,
                }
                for result in results
            ],
            "bundle": str(out) if out else None,
            "report_sha256": run.report_sha256,
            "signed": bool(run.signature),
            "seconds": round(seconds, 2),
        }

    def say(self, line: str) -> None:
        """Progress goes to standard error: standard output may be one JSON object."""
        self.stderr.write(line, ending="\n")
        self.stderr.flush()
