"""`manage.py rotate_keys`: exchange keys while everything runs; may be killed and run again."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal import rotation
from portal.keyring import KeysUnavailable


class Command(BaseCommand):
    help = "Exchange encryption keys: --master rewraps, --data seals everything anew, --destroy-old ends old data keys."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--master", action="store_true", help="wrap all data keys by SCRIBEPORT_MASTER_KEY")
        parser.add_argument("--data", action="store_true", help="a new data key; everything is sealed with it")
        parser.add_argument("--destroy-old", action="store_true", help="destroy replaced data keys that nothing needs")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            told = self.rotate(options)
        except (rotation.StillUsed, KeysUnavailable) as wrong:
            raise CommandError(str(wrong)) from wrong
        self.stdout.write(json.dumps(told, indent=None if options["json"] else 2))

    def rotate(self, options: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = {}
        if options["master"]:
            told["rewrapped"] = rotation.rewrap()
        if options["data"]:
            told["key"] = rotation.begin()
            told |= rotation.reseal()
        if options["destroy_old"]:
            told["destroyed"] = rotation.destroy_old()
        return told | rotation.status()
