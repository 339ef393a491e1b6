"""`manage.py tamper --attacks 1000`: attack a copy of the log a thousand times, and count what is noticed and named.

Runs on a database and folders of its own, never the user's.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from audit.management.commands.seal_audit import ANCHOR_SECONDS
from audit.tampering import Attacker, build

FOLDER = "SCRIBEPORT_TAMPER_FOLDER"
OTHERS = ("SCRIBEPORT_KEY_DIR", "SCRIBEPORT_AUDIT_ANCHORS", "DATABASE_URL", "REDIS_URL", "SCRIBEPORT_PRODUCTION")


class Command(BaseCommand):
    help = "Edit, delete, reorder, back-date, truncate and roll back a copy of the audit log; count what is noticed."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--attacks", type=int, default=1000)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if FOLDER not in os.environ:
            self.start_in_own_folder()
        try:
            told = self.attack(options["attacks"], options["seed"])
        finally:
            shutil.rmtree(os.environ[FOLDER], ignore_errors=True)
        self.stdout.write(json.dumps(told, indent=None if options["json"] else 2))

    def start_in_own_folder(self) -> None:
        """Settings are read once at start, so it begins anew in its own place."""
        folder = tempfile.mkdtemp(prefix="scribeport-tamper-")
        env = {name: value for name, value in os.environ.items() if name not in OTHERS}
        os.execve(sys.executable, [sys.executable, *sys.argv], env | {FOLDER: folder, "SCRIBEPORT_DATA": folder})  # noqa: S606

    def attack(self, attacks: int, seed: int) -> dict[str, Any]:
        call_command("migrate", verbosity=0)
        build()
        begun = time.monotonic()
        attacker = Attacker(seed)
        told = attacker.run(attacks)
        told["exposed"] = {
            "what": "rows that are not sealed yet, and the end since the last anchoring, are not protected",
            "seconds_unsealed": settings.AUDIT_SEAL_SECONDS,
            "seconds_unanchored": ANCHOR_SECONDS,
            **attacker.exposed(20),
        }
        return told | {"seconds": round(time.monotonic() - begun, 1)}
