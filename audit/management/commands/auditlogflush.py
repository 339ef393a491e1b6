"""`manage.py auditlogflush`: django-auditlog's command to delete every entry, replaced by a refusal."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = "Refuses: configuration entries are part of the audit log and are not deleted."

    def add_arguments(self, parser: CommandParser) -> None:
        """The replaced command's own, so that every way of calling it gets the same answer."""
        parser.add_argument("-y", "--yes", action="store_true")
        parser.add_argument("-b", "--before-date")
        parser.add_argument("-t", "--truncate", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError("Configuration entries are part of the audit log; nothing deletes them.")
