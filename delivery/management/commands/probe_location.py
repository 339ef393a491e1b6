"""`manage.py probe_location CODE`: what a location's connections can do, and what has vanished since."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.record import Actor, acting
from delivery.probe import CannotProbe
from delivery.ways.capabilities import newest, probe_location
from portal.models import Location


class Command(BaseCommand):
    help = "Probe every connection of a location (sandbox, or named test patients only) and keep what was found."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("location", help="the location's code")
        parser.add_argument("--practice", default="", help="the practice's code, where several have such a location")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        location = find(options["location"], options["practice"])
        try:
            with acting(Actor("command", "probe_location")):
                probe_location(location)
        except CannotProbe as error:
            raise CommandError(str(error)) from None
        rows = [
            {**vars(one.capability), "vanished": one.vanished.isoformat() if one.vanished else None}
            for one in newest(location)[1]
        ]
        if options["json"]:
            self.stdout.write(json.dumps({"location": location.code, "capabilities": rows}))
            return
        for row in rows:
            gone = f" VANISHED, last there {row['vanished']}." if row["vanished"] else ""
            self.stdout.write(f"{row['name']}: {row['label']}: {row['outcome']}. {row['says']}{gone}")


def find(code: str, practice: str) -> Location:
    rows = Location.objects.select_related("practice", "reading_connection").filter(code=code)
    found = list(rows.filter(practice__code=practice) if practice else rows)
    if not found:
        raise CommandError(f"There is no location {code!r}; the codes stand on the page Settings.")
    if len(found) > 1:
        raise CommandError(f"Several practices have a location {code!r}; name one with --practice.")
    return found[0]
