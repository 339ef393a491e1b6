"""`manage.py audit_roles --app ROLE --sealer ROLE`: the SQL that keeps the application from owning its own log.

Without roles it says what the role of this process may do: `apart` is true where it can only insert and read.
"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from audit.roles import BadName, standing, statements


class Command(BaseCommand):
    help = "Print the grants that let the application insert and read the audit log only; or what this role may do."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--app", default="", help="the role of web and worker processes")
        parser.add_argument("--sealer", default="", help="the role of manage.py seal_audit")
        parser.add_argument(
            "--watch", action="store_true", help="also tell the server's log of DDL (needs a superuser)"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError("SQLite knows no roles: whoever can write the file owns the log (docs/audit.md).")
        if not options["app"]:
            told = standing(connection)
            self.stdout.write(json.dumps(told, indent=None if options["json"] else 2))
            return
        try:
            made = statements(connection, options["app"], options["sealer"] or options["app"], options["watch"])
        except BadName:
            raise CommandError("A role's name is lower-case letters, digits and underscores.") from None
        self.stdout.write(json.dumps(made) if options["json"] else "".join(f"{one};\n" for one in made))
