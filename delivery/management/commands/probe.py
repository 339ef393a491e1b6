"""`manage.py probe CONNECTION`: what the receiver does with a repeat, and whether its chart can be asked."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.record import Actor, acting
from delivery.probe import CannotProbe, probe
from portal.models import Connection, Location


class Command(BaseCommand):
    help = "Probe a connection (sandbox, or a named test patient only) and store its profile."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("connection", help="the connection's name or number")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        connection = find(options["connection"])
        location = Location.objects.filter(routes__connection=connection).order_by("code").first()
        if location is None:
            raise CommandError("No location has a route by this connection; make one first.")
        try:
            with acting(Actor("command", "probe")):
                finding = probe(connection, location)
        except CannotProbe as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            row = {
                "connection": connection.name,
                "profile": finding.profile.value,
                "filings": finding.filings,
                "seconds_to_appear": finding.seconds_to_appear,
                "said_not_there": finding.said_not_there,
            }
            self.stdout.write(json.dumps(row))
            return
        self.stdout.write(f"{connection.name}: {finding.profile.label} ({finding.profile.value}).")


def find(name: str) -> Connection:
    rows = Connection.objects.filter(pk=int(name)) if name.isdecimal() else Connection.objects.filter(name=name)
    found = rows.select_related("practice").first()
    if found is None:
        raise CommandError(f"There is no connection {name!r}; the names stand on the page Connections.")
    return found
