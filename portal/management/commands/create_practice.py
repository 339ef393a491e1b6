"""`manage.py create_practice CODE NAME DIRECTOR`: the first steps of an installation, before anybody can sign in."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from audit.record import Actor, acting, record
from portal.models import Practice, Role, User
from portal.people import ONE_TIME_HOURS, Person, invite


class Command(BaseCommand):
    help = "Create a practice and its first IT director; the one-time password is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", help="short name of the practice, such as lakeside")
        parser.add_argument("name", help='name of the practice, such as "Lakeside Family Medicine"')
        parser.add_argument("director", help="user name of its first IT director")
        parser.add_argument("--email", default="")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of words")

    def handle(self, *args: Any, **options: Any) -> None:
        with acting(Actor("command", "create_practice", "create_practice")):
            password = found(options["code"], options["name"], Person(options["director"], options["email"]))
        shown = {"practice": options["code"], "username": options["director"], "one_time_password": password}
        if options["json"]:
            self.stdout.write(json.dumps(shown))
            return
        self.stdout.write(f"{options['director']} may sign in with {password} within {ONE_TIME_HOURS} hours.")


@transaction.atomic
def found(code: str, name: str, director: Person) -> str:
    """Create both or neither; the director's one-time password. CommandError says what is wrong."""
    practice = Practice(code=code, name=name)
    try:
        practice.full_clean()
        User(**vars(director)).full_clean(exclude=["password"])
    except ValidationError as wrong:
        raise CommandError(" ".join(wrong.messages)) from None
    practice.save()
    record("practice.create", practice=code, object_type="practice", object_id=str(practice.pk))
    _, password = invite(practice, director, Role.DIRECTOR, None)
    return password
